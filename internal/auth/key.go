package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Key signs: an Ed25519 key pair and the id that names it in a token.
type Key struct {
	// ID is made from the public key, so that it changes with it.
	ID      string
	Public  ed25519.PublicKey
	private ed25519.PrivateKey
}

// NewKey makes a key that lives as long as the process.
func NewKey() (Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("make a signing key: %w", err)
	}
	return keyOf(private), nil
}

// LoadKey reads the signing key from a PEM file (PKCS #8), and makes the file
// with mode 0600 when there is none. Two processes that start together agree on
// one key. A file that others may read, or the group may write, is refused.
func LoadKey(path string) (Key, error) {
	key, err := ReadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if key, err = NewKey(); err != nil {
		return Key{}, err
	}
	if err := key.Save(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return Key{}, err
	}
	return ReadKey(path)
}

// ReadKey reads a signing key that is there, as LoadKey does.
func ReadKey(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, fmt.Errorf("read the signing key: %w", err)
	}
	if perm := info.Mode().Perm(); perm&0o027 != 0 {
		return Key{}, fmt.Errorf("signing key %s has mode %04o; 0600 is wanted", path, perm)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("read the signing key: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return Key{}, fmt.Errorf("signing key %s is not PEM", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("signing key %s: %w", path, err)
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return Key{}, fmt.Errorf("signing key %s is not an Ed25519 key", path)
	}
	return keyOf(private), nil
}

// Save writes the key to a new file with mode 0600; fs.ErrExist when there is a
// file. The whole file is written aside and linked into place, so that nobody
// reads half a key and an existing one is never replaced.
func (k Key) Save(path string) error {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return fmt.Errorf("encode the signing key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("save the signing key: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("save the signing key: %w", err)
	}
	defer os.Remove(file.Name())
	err = pem.Encode(file, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Link(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("save the signing key: %w", err)
	}
	return nil
}

// Sign signs a message other than a token. What a key signs must say for itself
// what it is, so use one for one purpose.
func (k Key) Sign(message []byte) []byte { return ed25519.Sign(k.private, message) }

func keyOf(private ed25519.PrivateKey) Key {
	public := private.Public().(ed25519.PublicKey)
	sum := sha256.Sum256(public)
	return Key{ID: base64.RawURLEncoding.EncodeToString(sum[:9]), Public: public, private: private}
}

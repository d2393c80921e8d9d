package checkpoint

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"fashen/internal/auth"
)

// keyName is the name of the key in a signature line.
const keyName = "fashen"

// Key signs checkpoints. It signs nothing else: a key that signs tokens is none.
type Key struct {
	note.Verifier

	key    auth.Key
	public string
}

// NewKey makes the signing key of a pair.
func NewKey(key auth.Key) (*Key, error) {
	public, err := note.NewEd25519VerifierKey(keyName, key.Public)
	if err != nil {
		return nil, fmt.Errorf("key of checkpoints: %w", err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("key of checkpoints: %w", err)
	}
	return &Key{Verifier: verifier, key: key, public: public}, nil
}

// LoadKey reads the key from a PEM file (PKCS #8, Ed25519), and makes the file with
// mode 0600 when there is none.
func LoadKey(path string) (*Key, error) {
	key, err := auth.LoadKey(path)
	if err != nil {
		return nil, err
	}
	return NewKey(key)
}

// ReadKey reads a key that is there.
func ReadKey(path string) (*Key, error) {
	key, err := auth.ReadKey(path)
	if err != nil {
		return nil, err
	}
	return NewKey(key)
}

// Public is the verifier key that [Verifier] reads, for whoever checks.
func (k *Key) Public() string { return k.public }

// Sign signs the text of a note.
func (k *Key) Sign(text []byte) ([]byte, error) { return k.key.Sign(text), nil }

// Verifier reads a public key as [Key.Public] writes it, `fashen+…+…`.
func Verifier(public string) (note.Verifier, error) {
	v, err := note.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("public key of checkpoints, such as fashen+1a2b3c4d+…: %w", err)
	}
	return v, nil
}

// sign completes a checkpoint with its note.
func (k *Key) sign(c Checkpoint) (Checkpoint, error) {
	signed, err := note.Sign(&note.Note{Text: c.text()}, k)
	if err != nil {
		return c, fmt.Errorf("sign a checkpoint: %w", err)
	}
	c.Note = string(signed)
	return c, nil
}

package auth

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// firstKey is the file of the key a folder begins with; later ones are named
	// signing-{time of making}.pem.
	firstKey   = "signing.pem"
	keyPattern = "signing-20060102T150405Z.pem"
	// ringPause lies between two looks at the folder.
	ringPause = 10 * time.Second
	// keySettle is how long after its making a key begins to sign: by then every
	// process that shares the folder has seen it.
	keySettle = time.Minute
)

// KeyRing is the signing keys of a folder. The newest signs, from [keySettle] after
// it was made; each verifies until the last token it can have signed has ended. Keys
// that are added while the process runs are found by themselves.
type KeyRing struct {
	dir string
	now func() time.Time

	mu sync.Mutex
	// keys are those of the folder, oldest first.
	keys   []ringKey
	looked time.Time
}

type ringKey struct {
	Key
	// made is zero for the key a folder begins with.
	made time.Time
}

// LoadKeyRing reads the keys of a folder, and makes the first when there is none.
func LoadKeyRing(dir string, now func() time.Time) (*KeyRing, error) {
	keys, err := readKeys(dir)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		first, err := LoadKey(filepath.Join(dir, firstKey))
		if err != nil {
			return nil, err
		}
		keys = []ringKey{{Key: first}}
	}
	return &KeyRing{dir: dir, now: now, keys: keys, looked: now()}, nil
}

// RotateKey adds a new key to a folder, made now. Processes that use the folder
// take it over by themselves, and nobody is signed out.
func RotateKey(dir string, now time.Time) (Key, error) {
	if _, err := LoadKeyRing(dir, func() time.Time { return now }); err != nil {
		return Key{}, err
	}
	key, err := NewKey()
	if err != nil {
		return Key{}, err
	}
	return key, key.Save(filepath.Join(dir, now.UTC().Format(keyPattern)))
}

// fixedRing is a ring without a folder; the last key signs, all verify.
func fixedRing(now func() time.Time, keys []Key) *KeyRing {
	r := &KeyRing{now: now}
	for _, key := range keys {
		r.keys = append(r.keys, ringKey{Key: key})
	}
	return r
}

// Signer mints tokens with the key that is in force.
func (r *KeyRing) Signer() *Signer {
	return &Signer{ring: r, now: r.now, services: map[string]minted{}}
}

// Verifier trusts tokens of the keys that are in force and refuses what is revoked.
func (r *KeyRing) Verifier(revocations *Revocations) *Verifier {
	return newVerifier(r, revocations)
}

// First is the oldest key: what is derived from it stays when keys change.
func (r *KeyRing) First() Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys[0].Key
}

// signing is the key that signs: the newest that has settled.
func (r *KeyRing) signing() Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	r.look(now)
	for _, key := range slices.Backward(r.keys) {
		if key.made.IsZero() || !now.Before(key.made.Add(keySettle)) {
			return key.Key
		}
	}
	return r.keys[0].Key
}

// public is the key of an id, while tokens it signed may live.
func (r *KeyRing) public(id string) (ed25519.PublicKey, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	r.look(now)
	for i, key := range r.keys {
		if key.ID != id {
			continue
		}
		if i+1 < len(r.keys) && !r.keys[i+1].made.IsZero() {
			// The last process has seen the next key, and signs with it, by then.
			last := r.keys[i+1].made.Add(keySettle + ringPause)
			return key.Public, now.Before(last.Add(UserTokenLife))
		}
		return key.Public, true
	}
	return nil, false
}

// look reads the folder again, now and then. While it cannot be read, the keys that
// are known serve on: the next start names what is wrong.
func (r *KeyRing) look(now time.Time) {
	if r.dir == "" || now.Sub(r.looked) < ringPause {
		return
	}
	r.looked = now
	if keys, err := readKeys(r.dir); err == nil && len(keys) > 0 {
		r.keys = keys
	}
}

func readKeys(dir string) ([]ringKey, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	var keys []ringKey
	for _, file := range files {
		var made time.Time
		switch name := file.Name(); {
		case name == firstKey:
		case strings.HasPrefix(name, "signing-"):
			if made, err = time.Parse(keyPattern, name); err != nil {
				return nil, fmt.Errorf("signing key %s is not named as keys are: %w", filepath.Join(dir, name), err)
			}
		default:
			continue
		}
		key, err := ReadKey(filepath.Join(dir, file.Name()))
		if err != nil {
			return nil, err
		}
		keys = append(keys, ringKey{Key: key, made: made})
	}
	slices.SortFunc(keys, func(a, b ringKey) int { return a.made.Compare(b.made) })
	return keys, nil
}

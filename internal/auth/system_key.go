package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// systemKeyPrefix begins every API key, so that scanners of source code and logs
// find keys that leaked.
const systemKeyPrefix = "fsk_"

// SystemKeyMemory is how long a checked key is believed without asking again: in
// a process that does not learn of a revocation, the key is good no longer.
const SystemKeyMemory = 30 * time.Second

// cachedSystemKeys bounds the memory of checked keys, a few hundred bytes each.
const cachedSystemKeys = 1024

// SystemKey puts the API key of a system together: `fsk_{id}_{secret}`.
func SystemKey(id, secret string) string { return systemKeyPrefix + id + "_" + secret }

// IsSystemKey tells an API key from other credentials by its form.
func IsSystemKey(credential string) bool { return strings.HasPrefix(credential, systemKeyPrefix) }

// SystemKeySource knows the keys of systems; it is the directory, in this process
// or another.
type SystemKeySource interface {
	// CheckSystemKey tells the system of a key by the key's id and the SHA-256 of
	// its secret, and when the key ends. Errors: ErrInvalidToken, ErrExpiredToken,
	// ErrRevokedToken; any other means that it could not be found out.
	CheckSystemKey(ctx context.Context, id string, secretHash []byte) (Caller, time.Time, error)
}

// SystemKeys checks the API keys of systems with a source and remembers what it
// said for [SystemKeyMemory], or until Forget. Keys that failed are not remembered.
type SystemKeys struct {
	source SystemKeySource
	now    func() time.Time

	mu      sync.Mutex
	checked map[[sha256.Size]byte]checkedKey
	// forgotten counts calls of Forget, so that an answer which was asked for
	// before one is not remembered after it.
	forgotten uint64
}

type checkedKey struct {
	caller Caller
	until  time.Time
}

// NewSystemKeys makes an empty memory in front of a source.
func NewSystemKeys(source SystemKeySource, now func() time.Time) *SystemKeys {
	return &SystemKeys{source: source, now: now, checked: map[[sha256.Size]byte]checkedKey{}}
}

// Forget makes every key be checked with the source again: the directory calls it
// when a key or a system changed.
func (k *SystemKeys) Forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.checked)
	k.forgotten++
}

// Caller tells the system of a key. Errors are those of the source.
func (k *SystemKeys) Caller(ctx context.Context, key string) (Caller, error) {
	id, secret, ok := strings.Cut(strings.TrimPrefix(key, systemKeyPrefix), "_")
	if !ok || id == "" || secret == "" || len(key) > maxTokenBytes {
		return Caller{}, fmt.Errorf("%w: no API key", ErrInvalidToken)
	}
	now := k.now()
	sum := sha256.Sum256([]byte(key))
	k.mu.Lock()
	have, ok := k.checked[sum]
	forgotten := k.forgotten
	k.mu.Unlock()
	if ok && now.Before(have.until) {
		return have.caller, nil
	}
	caller, expires, err := k.source.CheckSystemKey(ctx, id, HashToken(secret))
	if err != nil {
		return Caller{}, fmt.Errorf("check an API key: %w", err)
	}
	if !now.Before(expires) {
		return Caller{}, ErrExpiredToken
	}
	if caller.Person == "" || caller.Region == "" || caller.Services == nil {
		return Caller{}, errors.New("check an API key: the source tells no system")
	}
	until := now.Add(SystemKeyMemory)
	if expires.Before(until) {
		until = expires
	}
	k.remember(sum, checkedKey{caller: caller, until: until}, now, forgotten)
	return caller, nil
}

// remember makes room, when there is none, by dropping what is over, and if that
// is nothing, everything: each costs one question more.
func (k *SystemKeys) remember(sum [sha256.Size]byte, key checkedKey, now time.Time, forgotten uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.forgotten != forgotten {
		return
	}
	if len(k.checked) >= cachedSystemKeys {
		for s, c := range k.checked {
			if !now.Before(c.until) {
				delete(k.checked, s)
			}
		}
		if len(k.checked) >= cachedSystemKeys {
			clear(k.checked)
		}
	}
	k.checked[sum] = key
}

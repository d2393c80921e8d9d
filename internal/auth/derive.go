package auth

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// Derive makes a 32-byte secret for another use, such as signing page tokens,
// so that processes which share the signing key share it too. The key cannot be
// told from it.
func (k Key) Derive(use string) ([]byte, error) {
	secret, err := hkdf.Expand(sha256.New, k.private.Seed(), "fashen "+use, 32)
	if err != nil {
		return nil, fmt.Errorf("derive a key for %s: %w", use, err)
	}
	return secret, nil
}

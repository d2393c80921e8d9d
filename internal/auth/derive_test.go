package auth_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"fashen/internal/auth"
)

// A derived secret is the same in every process that has the key, and another
// one for each use and each key.
func TestDerive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.pem")
	derive := func(key auth.Key, use string) []byte {
		secret, err := key.Derive(use)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	first, err := auth.LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := auth.LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	secret := derive(first, "page-tokens")
	if len(secret) != 32 || !bytes.Equal(secret, derive(again, "page-tokens")) {
		t.Error("processes with one key derive different secrets")
	}
	if bytes.Equal(secret, derive(first, "other")) || bytes.Equal(secret, derive(newKey(t), "page-tokens")) {
		t.Error("a secret serves two uses or two keys")
	}
}

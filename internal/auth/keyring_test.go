package auth_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fashen/internal/auth"
)

// Two processes share a folder in which the key is changed while they run: no token
// is refused before its end, and the old key is worth nothing after.
func TestRotateWhileServing(t *testing.T) {
	c, dir := newClock(), filepath.Join(t.TempDir(), "keys")
	type process struct {
		signer   *auth.Signer
		verifier *auth.Verifier
	}
	start := func() process {
		t.Helper()
		ring, err := auth.LoadKeyRing(dir, c.now)
		if err != nil {
			t.Fatal(err)
		}
		return process{ring.Signer(), ring.Verifier(auth.NewRevocations(c.now))}
	}
	processes := []process{start(), start()}
	type held struct {
		token string
		until time.Time
	}
	var tokens []held
	step := func() {
		t.Helper()
		for _, p := range processes {
			token, until, err := p.signer.UserToken(reviewer())
			if err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, held{token, until})
		}
		for _, p := range append(processes, start()) {
			for _, h := range tokens {
				if _, err := p.verifier.User(h.token); c.now().Before(h.until) && err != nil {
					t.Fatalf("at %v a token that lives until %v: %v", c.now(), h.until, err)
				}
			}
		}
	}
	old, err := auth.LoadKey(filepath.Join(dir, "signing.pem"))
	if err != nil {
		t.Fatal(err)
	}
	step()
	next, err := auth.RotateKey(dir, c.now())
	if err != nil || next.ID == old.ID {
		t.Fatalf("rotated to %s, %v", next.ID, err)
	}
	for range 80 {
		c.move(7 * time.Second)
		step()
	}
	c.move(auth.UserTokenLife)
	stolen, _, err := auth.NewSigner(old, c.now).UserToken(reviewer())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(processes, start()) {
		if _, err := p.verifier.User(stolen); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("the old key signs on: %v", err)
		}
	}
	// The old file may go.
	if err := os.Remove(filepath.Join(dir, "signing.pem")); err != nil {
		t.Fatal(err)
	}
	c.move(time.Minute)
	step()
	if ring, err := auth.LoadKeyRing(dir, c.now); err != nil || ring.First().ID != next.ID {
		t.Errorf("another first key was made: %v", err)
	}
}

func TestKeyRingRefuses(t *testing.T) {
	dir := t.TempDir()
	c := newClock()
	if _, err := auth.RotateKey(dir, c.now()); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.RotateKey(dir, c.now()); !errors.Is(err, os.ErrExist) {
		t.Errorf("two keys of one second: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "signing-old.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.LoadKeyRing(dir, c.now); err == nil {
		t.Error("a key without a time was read")
	}
}

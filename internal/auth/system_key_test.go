package auth_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/auth"
)

// register is a source with one key, whose answers the test sets.
type register struct {
	id, secret string
	caller     auth.Caller
	expires    time.Time
	err        error
	asked      int
	// during runs while an answer is on its way.
	during func()
}

func (r *register) CheckSystemKey(_ context.Context, id string, hash []byte) (auth.Caller, time.Time, error) {
	r.asked++
	caller, err := r.caller, r.err
	if r.during != nil {
		r.during()
	}
	if err == nil && (id != r.id || !bytes.Equal(hash, auth.HashToken(r.secret))) {
		err = auth.ErrInvalidToken
	}
	return caller, r.expires, err
}

func newRegister(c *clock) (*register, *auth.SystemKeys) {
	r := &register{
		id: "k1", secret: auth.NewSystemSecret(), expires: c.now().Add(time.Hour),
		caller: auth.Caller{
			Person: "regions/120105/systems/s1", Region: "regions/120105", Bureau: "regions/120105/bureaus/b1", Session: "k1",
			Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER}, Services: []string{"filing"},
		},
	}
	return r, auth.NewSystemKeys(r, c.now)
}

func TestSystemKeyIsRemembered(t *testing.T) {
	c := newClock()
	r, keys := newRegister(c)
	verifier := auth.NewVerifier(c.now, auth.NewRevocations(c.now), newKey(t))
	verifier.AcceptSystems(keys)
	use := func(asked int, want error) {
		t.Helper()
		got, err := verifier.Caller(t.Context(), auth.SystemKey(r.id, r.secret))
		if !errors.Is(err, want) || r.asked != asked {
			t.Errorf("asked %d times, want %d: %v, want %v", r.asked, asked, err, want)
		}
		if err == nil && (got.Person != r.caller.Person || !got.IsSystem()) {
			t.Errorf("caller %+v", got)
		}
	}
	use(1, nil)
	use(1, nil)
	c.move(auth.SystemKeyMemory)
	use(2, nil)
	r.err = auth.ErrRevokedToken
	use(2, nil) // another process learns of it later
	keys.Forget()
	use(3, auth.ErrRevokedToken)
	use(4, auth.ErrRevokedToken) // failures are not remembered
	r.err = nil
	r.expires = c.now().Add(time.Second)
	use(5, nil)
	c.move(time.Second)
	use(6, auth.ErrExpiredToken)
}

// An answer that was on its way while a key was revoked is not believed after.
func TestSystemKeyForgottenOnTheWay(t *testing.T) {
	c := newClock()
	r, keys := newRegister(c)
	r.during = func() { r.during, r.err = nil, auth.ErrRevokedToken; keys.Forget() }
	key := auth.SystemKey(r.id, r.secret)
	if _, err := keys.Caller(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Caller(t.Context(), key); !errors.Is(err, auth.ErrRevokedToken) {
		t.Errorf("after the revocation: %v", err)
	}
}

func TestSystemKeyRefused(t *testing.T) {
	c := newClock()
	r, keys := newRegister(c)
	for name, key := range map[string]string{
		"no secret":       "fsk_k1",
		"empty secret":    "fsk_k1_",
		"no id":           "fsk__" + r.secret,
		"another secret":  auth.SystemKey(r.id, auth.NewSystemSecret()),
		"another id":      auth.SystemKey("k2", r.secret),
		"far too long":    auth.SystemKey(r.id, strings.Repeat("a", 5000)),
		"secret and more": auth.SystemKey(r.id, r.secret) + "_",
	} {
		if _, err := keys.Caller(t.Context(), key); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	verifier := auth.NewVerifier(c.now, auth.NewRevocations(c.now), newKey(t))
	if _, err := verifier.Caller(t.Context(), auth.SystemKey(r.id, r.secret)); !errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("where keys are not taken: %v", err)
	}
	down := errors.New("store is down")
	r.err = down
	if _, err := keys.Caller(t.Context(), auth.SystemKey(r.id, r.secret)); !errors.Is(err, down) || errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("a source that is down: %v", err)
	}
}

func TestSystemReaches(t *testing.T) {
	system := auth.Caller{Services: []string{"filing"}}
	if !system.Reaches("filing") || system.Reaches("directory") {
		t.Error("a key is good for other services than it names")
	}
	if system.Via = "services/filing"; !system.Reaches("directory") {
		t.Error("filing may not ask the directory for a system")
	}
	if person := reviewer(); person.IsSystem() || !person.Reaches("directory") {
		t.Error("a person is bound like a key")
	}
}

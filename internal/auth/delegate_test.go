package auth_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"fashen/internal/auth"
)

const (
	deputy  = "regions/120105/people/deputy"
	absence = "regions/120105/delegations/d1"
)

func inPlace() auth.Caller {
	caller := reviewer()
	caller.Delegate, caller.Delegation = deputy, absence
	return caller
}

// Who acts in another's place is told apart from them, and sees what they see.
func TestCallerInAnothersPlace(t *testing.T) {
	own, other := reviewer(), inPlace()
	if own.Actor() != own.Person || own.OnBehalfOf() != "" {
		t.Errorf("in person: %q for %q", own.Actor(), own.OnBehalfOf())
	}
	if other.Actor() != deputy || other.OnBehalfOf() != own.Person {
		t.Errorf("in place: %q for %q", other.Actor(), other.OnBehalfOf())
	}
	if !reflect.DeepEqual(own.Viewers(), other.Viewers()) {
		t.Errorf("sees %v, the principal %v", other.Viewers(), own.Viewers())
	}
	for _, tt := range []struct {
		people     []string
		own, other bool
	}{
		{nil, false, false},
		{[]string{""}, false, false},
		{[]string{"regions/120105/people/x"}, false, false},
		{[]string{own.Person}, true, true},
		{[]string{"regions/120105/people/x", deputy}, false, true},
	} {
		if own.Among(tt.people) != tt.own || other.Among(tt.people) != tt.other {
			t.Errorf("among %v: in person %t, in place %t", tt.people, own.Among(tt.people), other.Among(tt.people))
		}
	}
}

func TestDelegatedToken(t *testing.T) {
	c, key := newClock(), newKey(t)
	signer := auth.NewSigner(key, c.now)
	verifier := auth.NewVerifier(c.now, auth.NewRevocations(c.now), key)
	for until, life := range map[time.Duration]time.Duration{10 * time.Minute: 10 * time.Minute, 48 * time.Hour: auth.UserTokenLife} {
		token, expires, err := signer.DelegatedToken(inPlace(), c.now().Add(until))
		if err != nil {
			t.Fatal(err)
		}
		if want := c.now().Add(life).Truncate(time.Second); !expires.Equal(want) {
			t.Errorf("until %v: expires %v, want %v", until, expires, want)
		}
		if got, err := verifier.User(token); err != nil || !reflect.DeepEqual(got, inPlace()) {
			t.Errorf("User = %+v, %v", got, err)
		}
	}
	for name, change := range map[string]func(*auth.Caller){
		"of no delegation":            func(c *auth.Caller) { c.Delegation = "" },
		"in one's own place":          func(c *auth.Caller) { c.Delegate = c.Person },
		"without a session to end it": func(c *auth.Caller) { c.Session = "" },
	} {
		caller := inPlace()
		change(&caller)
		if _, _, err := signer.DelegatedToken(caller, c.now().Add(time.Hour)); err == nil {
			t.Errorf("a token %s was minted", name)
		}
	}
}

// A delegate's token ends with the delegation, with the session that asked for it,
// and with the tokens of either person.
func TestDelegatedTokenIsRevoked(t *testing.T) {
	for name, tt := range map[string]struct {
		revoke func(r *auth.Revocations, now time.Time)
		want   error
	}{
		"nothing":             {func(*auth.Revocations, time.Time) {}, nil},
		"another session":     {func(r *auth.Revocations, _ time.Time) { r.RevokeSession("other", time.Time{}) }, nil},
		"another person":      {func(r *auth.Revocations, now time.Time) { r.RevokeBefore("regions/120105/people/x", now) }, nil},
		"the delegation":      {func(r *auth.Revocations, _ time.Time) { r.RevokeSession(absence, time.Time{}) }, auth.ErrRevokedToken},
		"the session":         {func(r *auth.Revocations, _ time.Time) { r.RevokeSession(inPlace().Session, time.Time{}) }, auth.ErrRevokedToken},
		"principal's tokens":  {func(r *auth.Revocations, now time.Time) { r.RevokeBefore(inPlace().Person, now) }, auth.ErrRevokedToken},
		"the delegate's ones": {func(r *auth.Revocations, now time.Time) { r.RevokeBefore(deputy, now) }, auth.ErrRevokedToken},
	} {
		c, key := newClock(), newKey(t)
		revocations := auth.NewRevocations(c.now)
		token, _, err := auth.NewSigner(key, c.now).DelegatedToken(inPlace(), c.now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		c.move(time.Second)
		tt.revoke(revocations, c.now())
		if _, err := auth.NewVerifier(c.now, revocations, key).User(token); !errors.Is(err, tt.want) {
			t.Errorf("%s revoked: %v, want %v", name, err, tt.want)
		}
	}
}

// A service that does the rest of what a delegate began tells of both people, and
// is not held up when the delegation has ended since.
func TestActingTokenInAnothersPlace(t *testing.T) {
	c, key := newClock(), newKey(t)
	revocations := auth.NewRevocations(c.now)
	token, err := auth.NewSigner(key, c.now).ActingToken("filing", inPlace())
	if err != nil {
		t.Fatal(err)
	}
	revocations.RevokeSession(absence, time.Time{})
	got, err := auth.NewVerifier(c.now, revocations, key).User(token)
	if err != nil || got.Actor() != deputy || got.OnBehalfOf() != reviewer().Person || got.Vouched != "services/filing" {
		t.Errorf("User = %+v, %v", got, err)
	}
}

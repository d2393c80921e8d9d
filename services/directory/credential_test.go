package directory

import (
	"fmt"
	"testing"
	"time"

	storagev1 "fashen/gen/fashen/storage/v1"
	"fashen/internal/auth"
)

func TestLockout(t *testing.T) {
	now := time.Date(2026, 5, 12, 1, 0, 0, 0, time.UTC)
	c := &storagev1.Credential{}
	for i := range maxFailures {
		if locked(c, now) {
			t.Fatalf("locked after %d failures", i)
		}
		countFailure(c, now)
	}
	if !locked(c, now) || !locked(c, now.Add(lockout-time.Millisecond)) {
		t.Error("not locked after five failures")
	}
	if locked(c, now.Add(lockout)) {
		t.Error("locked for longer than 15 minutes")
	}
	countFailure(c, now.Add(lockout))
	if locked(c, now.Add(lockout)) {
		t.Error("one failure after a lock locks again")
	}
	issueCode(c, "hash", now)
	if locked(c, now) || c.GetFailures() != 0 {
		t.Error("a new code does not lift the lock")
	}
}

func TestOneTimeCodeEnds(t *testing.T) {
	now := time.Date(2026, 5, 12, 1, 0, 0, 0, time.UTC)
	c := &storagev1.Credential{}
	issueCode(c, "hash", now)
	if goodCode(c, now.Add(7*24*time.Hour-time.Second)) == "" {
		t.Error("the code ended early")
	}
	if goodCode(c, now.Add(7*24*time.Hour)) != "" {
		t.Error("the code is good after a week")
	}
	setPassword(c, "password", now)
	if goodCode(c, now) != "" || c.GetPasswordHash() != "password" {
		t.Error("the code was not consumed")
	}
	wipe(c, now)
	if c.GetPasswordHash() != "" || c.GetCodeHash() != "" {
		t.Error("something is left to sign in with")
	}
}

func TestSessions(t *testing.T) {
	now := time.Date(2026, 5, 12, 1, 0, 0, 0, time.UTC)
	c := &storagev1.Credential{}
	for i := range maxSessions + 2 {
		beginSession(c, fmt.Sprint("s", i), []byte{byte(i)}, now)
	}
	if n := len(c.GetRefreshTokens()); n != maxSessions || c.GetRefreshTokens()[0].GetSession() != "s2" {
		t.Errorf("%d refresh tokens, first of %s", n, c.GetRefreshTokens()[0].GetSession())
	}
	if got := rotate(c, "s5", []byte{5}, []byte{50}, now); got != refreshRotated {
		t.Errorf("rotate: %v", got)
	}
	if got := rotate(c, "s0", []byte{0}, []byte{1}, now); got != refreshUnknown {
		t.Errorf("rotate an old session: %v", got)
	}
	if got := rotate(c, "s6", []byte{6}, []byte{60}, now.Add(refreshLife)); got != refreshUnknown {
		t.Errorf("rotate after its time: %v", got)
	}

	beginSession(c, "t", []byte{1}, now)
	if got := rotate(c, "t", []byte{2}, []byte{3}, now); got != refreshReused {
		t.Errorf("rotate with another token: %v", got)
	}
	if got := rotate(c, "t", []byte{1}, []byte{3}, now); got != refreshUnknown {
		t.Errorf("rotate an ended session: %v", got)
	}
	if len(c.GetRevokedSessions()) != 1 || c.GetRevokedSessions()[0].GetSession() != "t" {
		t.Errorf("revoked: %v", c.GetRevokedSessions())
	}
	endSession(c, "t", now)
	if len(c.GetRevokedSessions()) != 1 {
		t.Error("a session is listed twice")
	}
	prune(c, now.Add(auth.UserTokenLife))
	if len(c.GetRevokedSessions()) != 0 {
		t.Error("a session is listed after its access token ended")
	}
	for i := range maxRevoked + 1 {
		endSession(c, fmt.Sprint("u", i), now)
	}
	if len(c.GetRevokedSessions()) > maxRevoked || !c.GetNotBefore().AsTime().Equal(now) {
		t.Errorf("%d revoked sessions, not before %v", len(c.GetRevokedSessions()), c.GetNotBefore())
	}
}

func TestParseRefreshToken(t *testing.T) {
	want := refreshToken{session: "s", secret: "x", login: "a.b-c_1"}
	if got, ok := parseRefreshToken(want.String()); !ok || got != want {
		t.Errorf("%v %v", got, ok)
	}
	for _, s := range []string{"", ".", "..", "s.x", "s.x.", ".x.login", "s..login", "s.x.0", "s.x.A/b"} {
		if got, ok := parseRefreshToken(s); ok {
			t.Errorf("%q was read as %v", s, got)
		}
	}
}

func TestStrangersAreBounded(t *testing.T) {
	now := time.Date(2026, 5, 12, 1, 0, 0, 0, time.UTC)
	s := newStrangers()
	for range maxFailures {
		s.failed("nobody", now)
	}
	if !s.locked("nobody", now) || s.locked("nobody", now.Add(lockout)) || s.locked("other", now) {
		t.Error("a name nobody has does not lock as others do")
	}
	for i := range maxStrangers + 5 {
		s.failed(fmt.Sprint("n", i), now)
	}
	if len(s.names) > maxStrangers {
		t.Errorf("%d names are remembered", len(s.names))
	}
}

package directory

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
)

func TestFirstSignIn(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	activate := func(login, code, password string) (*directoryv1.Session, error) {
		return h.session.ActivateSignIn(ctx, &directoryv1.ActivateSignInRequest{Login: login, OneTimeCode: code, Password: password})
	}
	code := h.people["drafter"].Code

	_, err := h.signIn("drafter", code)
	h.wants(err, "SIGN_IN_FAILED") // a code is no password
	_, err = activate("drafter", code, "short1A")
	h.wantsField(err, "password", "PASSWORD_TOO_SHORT")
	_, err = activate("drafter", code, "Drafter-2026")
	h.wantsField(err, "password", "PASSWORD_CONTAINS_LOGIN")
	_, err = activate("drafter", h.people["office"].Code, password)
	h.wants(err, "SIGN_IN_FAILED")

	typed := strings.ToLower(strings.ReplaceAll(code, "-", " "))
	s, err := activate("drafter", typed, password)
	if err != nil {
		t.Fatal(err)
	}
	if s.GetPerson().GetState() != directoryv1.Person_ACTIVE || s.GetPerson().GetLogin() != "drafter" {
		t.Errorf("signed in as %v", s.GetPerson())
	}
	if got := s.GetExpireTime().AsTime().Sub(h.clock.now()); got != auth.UserTokenLife {
		t.Errorf("the access token is good for %v", got)
	}
	me, err := h.session.GetCaller(with(s), &directoryv1.GetCallerRequest{})
	if err != nil || me.GetName() != h.people["drafter"].Person {
		t.Errorf("caller: %v (%v)", me, err)
	}
	_, err = activate("drafter", code, password)
	h.wants(err, "SIGN_IN_FAILED") // used
	if _, err := h.signIn("drafter", password); err != nil {
		t.Error(err)
	}

	h.clock.add(codeLife)
	_, err = activate("office", h.people["office"].Code, password)
	h.wants(err, "SIGN_IN_FAILED") // too late
}

func TestOneCodeSetsOnePassword(t *testing.T) {
	h := newHouse(t)
	code := h.people["drafter"].Code
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = h.session.ActivateSignIn(context.Background(), &directoryv1.ActivateSignInRequest{
				Login: "drafter", OneTimeCode: code, Password: password,
			})
		})
	}
	wg.Wait()
	good := 0
	for _, err := range errs {
		if err == nil {
			good++
			continue
		}
		h.wants(err, "SIGN_IN_FAILED")
	}
	if good != 1 {
		t.Errorf("one code set %d passwords", good)
	}
}

// A failed sign-in tells nothing: not whether the name exists, nor whether it
// is locked.
func TestFailuresLookAlike(t *testing.T) {
	h := newHouse(t)
	h.activate("drafter")
	secadmin := h.as("secadmin")
	disabled := h.people["office"]
	if _, err := h.directory.DisablePerson(secadmin, &directoryv1.DisablePersonRequest{Name: disabled.Person}); err != nil {
		t.Fatal(err)
	}
	names := []string{"drafter", "nobody", "office", "reviewer", "No Name/At All", "0"}
	for attempt := range maxFailures + 2 {
		var first string
		for _, login := range names {
			_, err := h.signIn(login, "Wrong-2026-x")
			st := status.Convert(err)
			want, reason := codes.Unauthenticated, "SIGN_IN_FAILED"
			if attempt >= maxFailures {
				want, reason = codes.ResourceExhausted, "SIGN_IN_LOCKED"
			}
			h.wants(err, reason)
			if first == "" {
				first = st.Message()
			}
			if st.Code() != want || st.Message() != first {
				t.Errorf("attempt %d of %s: %v", attempt, login, st)
			}
		}
	}
	_, err := h.signIn("drafter", password)
	h.wants(err, "SIGN_IN_LOCKED")

	// The work is the same: a name nobody has leaves an entry, too.
	c, _, err := h.server.store.credentials.Get(context.Background(), strangerCredential)
	if err != nil || c.GetFailures() != 3*maxFailures {
		t.Errorf("failures of strangers: %v (%v)", c, err)
	}

	h.clock.add(lockout)
	if _, err := h.signIn("drafter", password); err != nil {
		t.Errorf("after the lock: %v", err)
	}
	_, err = h.signIn("nobody", password)
	h.wants(err, "SIGN_IN_FAILED")
}

func TestCodeLiftsLock(t *testing.T) {
	h := newHouse(t)
	secadmin := h.as("secadmin")
	old := h.activate("drafter")
	for range maxFailures {
		_, err := h.signIn("drafter", "Wrong-2026-x")
		h.wants(err, "SIGN_IN_FAILED")
	}
	_, err := h.signIn("drafter", password)
	h.wants(err, "SIGN_IN_LOCKED")
	if _, err := h.session.GetCaller(with(old), &directoryv1.GetCallerRequest{}); err != nil {
		t.Errorf("a lock ends no session: %v", err)
	}
	issued, err := h.directory.IssueOneTimeCode(secadmin, &directoryv1.IssueOneTimeCodeRequest{Name: h.people["drafter"].Person})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.session.GetCaller(with(old), &directoryv1.GetCallerRequest{})
	h.wants(err, "TOKEN_REVOKED")
	s, err := h.session.ActivateSignIn(context.Background(), &directoryv1.ActivateSignInRequest{
		Login: "drafter", OneTimeCode: issued.GetOneTimeCode(), Password: "Another-2026",
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.session.GetCaller(with(s), &directoryv1.GetCallerRequest{}); err != nil {
		t.Error(err)
	}
	_, err = h.signIn("drafter", password)
	h.wants(err, "SIGN_IN_FAILED") // the old password
}

func TestRefresh(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	refresh := func(token string) (*directoryv1.Session, error) {
		return h.session.RefreshSession(ctx, &directoryv1.RefreshSessionRequest{RefreshToken: token})
	}
	first := h.activate("drafter")
	other, err := h.signIn("drafter", password)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.add(auth.UserTokenLife)
	_, err = h.session.GetCaller(with(first), &directoryv1.GetCallerRequest{})
	h.wants(err, "TOKEN_EXPIRED")
	second, err := refresh(first.GetRefreshToken())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.session.GetCaller(with(second), &directoryv1.GetCallerRequest{}); err != nil {
		t.Error(err)
	}

	// The first token again: somebody else holds one of the two.
	_, err = refresh(first.GetRefreshToken())
	h.wants(err, "SESSION_ENDED")
	_, err = h.session.GetCaller(with(second), &directoryv1.GetCallerRequest{})
	h.wants(err, "TOKEN_REVOKED")
	_, err = refresh(second.GetRefreshToken())
	h.wants(err, "SESSION_ENDED")

	// The other session goes on, until its time is over.
	if other, err = refresh(other.GetRefreshToken()); err != nil {
		t.Fatal(err)
	}
	h.clock.add(refreshLife)
	_, err = refresh(other.GetRefreshToken())
	h.wants(err, "SESSION_ENDED")
	for _, token := range []string{"x", "a.b.drafter", "a.b.nobody", first.GetAccessToken()[:150]} {
		_, err = refresh(token)
		h.wants(err, "SESSION_ENDED")
	}
}

func TestRefreshRace(t *testing.T) {
	h := newHouse(t)
	token := h.activate("drafter").GetRefreshToken()
	var mu sync.Mutex
	var good []*directoryv1.Session
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := h.session.RefreshSession(context.Background(), &directoryv1.RefreshSessionRequest{RefreshToken: token})
			if err == nil {
				mu.Lock()
				good = append(good, s)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(good) > 1 {
		t.Fatalf("one token was traded %d times", len(good))
	}
	for _, s := range good {
		_, err := h.session.GetCaller(with(s), &directoryv1.GetCallerRequest{})
		h.wants(err, "TOKEN_REVOKED")
	}
}

// What ended stays ended after a restart.
func TestRevocationsAreKept(t *testing.T) {
	h := newHouse(t)
	secadmin := h.as("secadmin")
	out := h.activate("drafter")
	on, err := h.signIn("drafter", password)
	if err != nil {
		t.Fatal(err)
	}
	revoked, disabled := h.activate("reviewer"), h.activate("office")
	h.clock.add(time.Minute)
	if _, err := h.session.SignOut(with(out), &directoryv1.SignOutRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.directory.RevokeSessions(secadmin, &directoryv1.RevokeSessionsRequest{Name: revoked.GetPerson().GetName()}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.directory.DisablePerson(secadmin, &directoryv1.DisablePersonRequest{Name: disabled.GetPerson().GetName()}); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		for name, s := range map[string]*directoryv1.Session{"signed out": out, "revoked": revoked, "disabled": disabled} {
			if _, err := h.verifier.User(s.GetAccessToken()); err == nil {
				t.Errorf("%s: the token of a session that was %s is good", when, name)
			}
			_, err := h.session.RefreshSession(context.Background(), &directoryv1.RefreshSessionRequest{RefreshToken: s.GetRefreshToken()})
			h.wants(err, "SESSION_ENDED")
		}
		if _, err := h.session.GetCaller(with(on), &directoryv1.GetCallerRequest{}); err != nil {
			t.Errorf("%s: the other session ended, too: %v", when, err)
		}
	}
	check("at once")
	h.start()
	check("after a restart")
	if _, err := h.signIn("reviewer", password); err != nil {
		t.Errorf("a person whose sessions were revoked signs in again: %v", err)
	}
	_, err = h.signIn("office", password)
	h.wants(err, "SIGN_IN_FAILED")
}

// A process that ended after changing a person and before ending the sessions
// is made good at the next start.
func TestInterruptedChangeEndsSessions(t *testing.T) {
	h := newHouse(t)
	session := h.activate("drafter")
	if _, err := h.session.GetCaller(with(session), &directoryv1.GetCallerRequest{}); err != nil {
		t.Fatal(err)
	}
	h.clock.add(time.Minute)
	ctx := asService(context.Background(), "test", "")
	_, _, err := h.server.store.people.Update(ctx, session.GetPerson().GetName(), docstore.Precondition{},
		func(p *directoryv1.Person, _ docstore.Meta) (docstore.Change, error) {
			return docstore.Change{}, setRoles(p, nil)
		})
	if err != nil {
		t.Fatal(err)
	}
	h.start()
	_, err = h.session.GetCaller(with(session), &directoryv1.GetCallerRequest{})
	h.wants(err, "TOKEN_REVOKED")
}

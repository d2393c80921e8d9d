package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
)

// revocationStream hands over what a watch tells.
type revocationStream struct {
	grpc.ServerStream
	ctx  context.Context
	told chan *directoryv1.WatchRevocationsResponse
}

func (s revocationStream) Context() context.Context { return s.ctx }

func (s revocationStream) Send(m *directoryv1.WatchRevocationsResponse) error {
	s.told <- m
	return nil
}

// watching follows the revocations of the house; ticks lets a second go by, and over
// the life of the stream.
func (h *house) watching(ctx context.Context) (told <-chan *directoryv1.WatchRevocationsResponse, ticks, over chan time.Time, ended <-chan error) {
	ticks, over = make(chan time.Time), make(chan time.Time)
	h.server.after = func(d time.Duration) <-chan time.Time {
		if d == auth.ServiceTokenLife {
			return over
		}
		return ticks
	}
	s, end := revocationStream{ctx: ctx, told: make(chan *directoryv1.WatchRevocationsResponse)}, make(chan error, 1)
	go func() { end <- h.server.WatchRevocations(nil, s) }()
	return s.told, ticks, over, end
}

// Another process hears what is revoked, then each revocation, and that all is well;
// the stream ends in time for another replica to take over, or when the server stops.
func TestRevocationsAreTold(t *testing.T) {
	h := newHouse(t)
	h.revocations.RevokeSession("s-before", time.Time{})
	for i := range 2500 {
		h.revocations.RevokeBefore(fmt.Sprintf("regions/120105/people/p%d", i), h.clock.now())
	}
	told, ticks, over, ended := h.watching(t.Context())
	var snapshot []*directoryv1.Revocation
	for {
		m := <-told
		snapshot = append(snapshot, m.GetRevocations()...)
		if m.GetComplete() {
			if !m.GetSystemsChanged() {
				t.Error("what was remembered of systems before is believed")
			}
			break
		}
	}
	known := slices.ContainsFunc(snapshot, func(r *directoryv1.Revocation) bool { return r.GetSession() == "s-before" })
	if !known || len(snapshot) < 2501 {
		t.Errorf("%d revocations, the session among them: %v", len(snapshot), known)
	}

	h.revocations.RevokeSession("s-after", time.Time{})
	m := <-told
	if len(m.GetRevocations()) != 1 || m.GetRevocations()[0].GetSession() != "s-after" || !m.GetComplete() || m.GetSystemsChanged() {
		t.Errorf("told %v", m)
	}
	h.server.forgetSystems()
	if m := <-told; !m.GetSystemsChanged() {
		t.Errorf("told %v", m)
	}
	ticks <- time.Time{}
	if m := <-told; len(m.GetRevocations()) > 0 || !m.GetComplete() {
		t.Errorf("told %v", m)
	}
	over <- time.Time{}
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}

	told, _, _, ended = h.watching(t.Context())
	for !(<-told).GetComplete() { // the snapshot
		continue
	}
	h.server.Stop()
	h.wants(<-ended, "UNAVAILABLE")
}

// A directory that does not know itself what is revoked says nothing to others: what
// it hears meanwhile is told once it knows all.
func TestRevocationsUnknownAreNotTold(t *testing.T) {
	h := newHouse(t)
	now := h.clock.now()
	h.revocations.Expect(10*time.Second, func() time.Time { return now })
	h.revocations.Heard()
	ctx, cancel := context.WithCancel(t.Context())
	told, ticks, _, ended := h.watching(ctx)
	<-told
	now = now.Add(time.Minute)
	ticks <- time.Time{}
	ticks <- time.Time{}                                        // the first told nobody anything
	h.revocations.RevokeSession("s-of-the-outage", time.Time{}) // the first that is read when the store is back
	h.server.forgetSystems()
	ticks <- time.Time{}
	ticks <- time.Time{}
	gone, leave := context.WithCancel(t.Context())
	leave()
	late := revocationStream{ctx: gone, told: make(chan *directoryv1.WatchRevocationsResponse, 10)}
	h.wants(h.server.WatchRevocations(nil, late), "UNAVAILABLE") // one that begins meanwhile
	h.revocations.Heard()
	var m *directoryv1.WatchRevocationsResponse
	select {
	case ticks <- time.Time{}:
		m = <-told
	case m = <-told: // it was awake
	}
	if r := m.GetRevocations(); len(r) != 1 || r[0].GetSession() != "s-of-the-outage" || !m.GetSystemsChanged() || !m.GetComplete() {
		t.Errorf("told %v", m)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

// What one process on a store revokes, the others take over when they look.
func TestRevocationsOfAnotherProcess(t *testing.T) {
	h := newHouse(t)
	s := h.activate("drafter")
	system := &directoryv1.System{Name: hebei + "/systems/s1", DisplayName: "示例系统", State: directoryv1.System_ACTIVE, Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER}}
	ctx := docstore.WithOrigin(t.Context(), docstore.Origin{Actor: "services/directory", Method: "test"})
	if _, _, err := h.server.store.systems.Create(ctx, system, docstore.Change{}); err != nil {
		t.Fatal(err)
	}
	if err := h.server.SyncRevocations(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := 0
	h.server.followers.enter()
	one := h.server.followers.all[0]
	first := h.server
	h.start() // another server on the store, which signs the person out
	if _, err := h.session.SignOut(with(s), &directoryv1.SignOutRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := first.SyncRevocations(t.Context()); err != nil {
		t.Fatal(err)
	}
	pending, systems, _ := first.followers.take(one)
	for _, r := range pending {
		if r.Session != "" {
			told++
		}
	}
	if told != 1 || systems {
		t.Errorf("%d sessions, systems changed: %v", told, systems)
	}
	_, _, err := h.server.store.systems.Update(ctx, system.GetName(), docstore.Precondition{}, func(y *directoryv1.System, _ docstore.Meta) (docstore.Change, error) {
		y.State = directoryv1.System_DISABLED
		return docstore.Change{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} { // once, and not with every look
		if err := first.SyncRevocations(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, systems, _ := first.followers.take(one); systems != want {
			t.Errorf("systems changed: %v, want %v", systems, want)
		}
	}
}

// The clock of another process may be minutes behind.
func TestRevocationsOfASlowClock(t *testing.T) {
	h := newHouse(t)
	s := h.activate("drafter")
	if err := h.server.SyncRevocations(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := h.server
	one := first.followers.enter()
	h.clock.add(-clockSkew + time.Second)
	h.start() // another server on the store
	if _, err := h.session.SignOut(with(s), &directoryv1.SignOutRequest{}); err != nil {
		t.Fatal(err)
	}
	h.clock.add(clockSkew)
	if err := first.SyncRevocations(t.Context()); err != nil {
		t.Fatal(err)
	}
	pending, _, _ := first.followers.take(one)
	if !slices.ContainsFunc(pending, func(r auth.Revocation) bool { return r.Session != "" }) {
		t.Errorf("the sign-out elsewhere is not among %v", pending)
	}
}

func TestFollowersThatDoNotRead(t *testing.T) {
	var fs followers
	f := fs.enter()
	for range pendingRevocations + 1 {
		fs.revoked(auth.Revocation{Session: "s"})
	}
	if _, _, lost := fs.take(f); !lost {
		t.Error("what was not read is kept without bound")
	}
	fs.leave(f)
	if len(fs.all) > 0 {
		t.Error("who has left is remembered")
	}
}

// Other processes are answered as this one's verifier is, with what is wrong.
func TestIdentityAnswers(t *testing.T) {
	h := newHouse(t)
	h.activate("drafter")
	login := func(login string, issued time.Time) (*directoryv1.Identity, error) {
		return h.server.CheckLogin(t.Context(), &directoryv1.CheckLoginRequest{Login: login, IssueTime: timestamppb.New(issued)})
	}
	found, err := login("drafter", h.clock.now().Add(time.Second))
	if err != nil || found.GetSubject() != h.people["drafter"].Person || !slices.Contains(found.GetRoles(), corev1.Role_ROLE_DRAFTER) || found.GetBureau() == "" {
		t.Errorf("%v, %v", found, err)
	}
	_, err = login("nobody", h.clock.now())
	h.wants(err, "PERSON_UNKNOWN")
	_, err = h.server.CheckApiKey(t.Context(), &directoryv1.CheckApiKeyRequest{KeyId: "01krcv5an5x1s19nz73dvbhz41", SecretHash: make([]byte, 32)})
	h.wants(err, "TOKEN_INVALID")
	if err := h.engine.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = h.server.CheckApiKey(t.Context(), &directoryv1.CheckApiKeyRequest{KeyId: "01krcv5an5x1s19nz73dvbhz41", SecretHash: make([]byte, 32)})
	h.wants(err, "UNAVAILABLE")
}

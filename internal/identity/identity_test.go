package identity_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/identity"
	"fashen/internal/rpc"
)

// directory is one that a test speaks for.
type directory struct {
	directoryv1.UnimplementedIdentityServiceServer

	// says is what followers are told; a message without anything ends the stream.
	says chan *directoryv1.WatchRevocationsResponse
	mu   sync.Mutex
	fail error
}

func (d *directory) failing(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = err
}

func (d *directory) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fail
}

func (d *directory) WatchRevocations(_ *directoryv1.WatchRevocationsRequest, s grpc.ServerStreamingServer[directoryv1.WatchRevocationsResponse]) error {
	for {
		select {
		case <-s.Context().Done():
			return s.Context().Err()
		case m := <-d.says:
			if m == nil {
				return nil
			}
			if err := s.Send(m); err != nil {
				return err
			}
		}
	}
}

func (d *directory) CheckApiKey(context.Context, *directoryv1.CheckApiKeyRequest) (*directoryv1.Identity, error) {
	return &directoryv1.Identity{
		Subject: "regions/120105/systems/s1", Region: "regions/120105", Session: "k1", Services: []string{"filing"},
		Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER}, ExpireTime: timestamppb.New(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)),
	}, d.failure()
}

func (d *directory) CheckLogin(context.Context, *directoryv1.CheckLoginRequest) (*directoryv1.Identity, error) {
	return &directoryv1.Identity{Subject: "regions/120105/people/p1", Region: "regions/120105"}, d.failure()
}

// house is a process that asks the directory.
type house struct {
	*identity.Directory

	directory *directory
	revoked   *auth.Revocations
	known     chan bool

	mu sync.Mutex
	at time.Time
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *house) later(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{
		directory: &directory{says: make(chan *directoryv1.WatchRevocationsResponse)}, known: make(chan bool, 8),
		at: time.Date(2026, 5, 12, 1, 0, 0, 0, time.UTC),
	}
	key, err := auth.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	server := rpc.NewServer(rpc.Options{Logger: log, Clock: h.now, Service: "directory", Verifier: auth.NewVerifier(h.now, auth.NewRevocations(h.now), key)})
	directoryv1.RegisterIdentityServiceServer(server, h.directory)
	conn, err := rpc.InProcess(server, rpc.ClientOptions{Service: "filing", Signer: auth.NewSigner(key, h.now), Alone: true})
	if err != nil {
		t.Fatal(err)
	}
	h.revoked = auth.NewRevocations(h.now)
	h.revoked.Expect(identity.Patience, h.now)
	h.Directory = identity.New(conn, h.revoked, h.now, log)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Follow(ctx, func(known bool) { h.known <- known })
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		_ = conn.Close()
		_ = server.Stop(context.Background())
	})
	return h
}

// A process knows what is revoked from the first complete message on, hears of each
// revocation, and knows it no longer when it has heard nothing for too long.
func TestFollow(t *testing.T) {
	h := newHouse(t)
	if h.revoked.Known() {
		t.Fatal("known before anything was heard")
	}
	person := &directoryv1.Revocation{Of: &directoryv1.Revocation_Person{Person: "regions/120105/people/p1"}, UntilTime: timestamppb.New(h.now())}
	session := &directoryv1.Revocation{Of: &directoryv1.Revocation_Session{Session: "s1"}, UntilTime: timestamppb.New(h.now().Add(time.Hour))}
	h.directory.says <- &directoryv1.WatchRevocationsResponse{Revocations: []*directoryv1.Revocation{person}}
	h.directory.says <- &directoryv1.WatchRevocationsResponse{Revocations: []*directoryv1.Revocation{session}, Complete: true}
	if !<-h.known || !h.revoked.Known() {
		t.Error("not known after all was told")
	}
	for name, c := range map[string]auth.Caller{
		"the session": {Person: "regions/120105/people/p2", Session: "s1"},
		"the person":  {Person: "regions/120105/people/p1", Session: "s2"},
	} {
		if !h.revoked.Revoked(c, h.now().Add(-time.Minute)) {
			t.Errorf("a token of %s is good", name)
		}
	}
	h.later(identity.Patience)
	if <-h.known || h.revoked.Known() {
		t.Error("known after a long silence")
	}
	h.directory.says <- nil // the stream ends and is begun again,
	h.directory.says <- &directoryv1.WatchRevocationsResponse{Complete: true}
	if !<-h.known {
		t.Error("not known again") // by whichever replica answers
	}
}

// Keys are asked about, remembered, and forgotten when systems changed; what is wrong
// with a credential comes through, and is told from a directory that is away.
func TestAsking(t *testing.T) {
	h := newHouse(t)
	key := auth.SystemKey("k1", "secret")
	caller, err := h.SystemKeys().Caller(t.Context(), key)
	if err != nil || caller.Person != "regions/120105/systems/s1" || caller.Session != "k1" || !caller.Reaches("filing") || caller.Reaches("counsel") {
		t.Fatalf("%+v, %v", caller, err)
	}
	h.directory.failing(rpc.TokenFailure(auth.ErrRevokedToken))
	if _, err := h.SystemKeys().Caller(t.Context(), key); err != nil {
		t.Errorf("a key that was just checked: %v", err)
	}
	h.directory.says <- &directoryv1.WatchRevocationsResponse{SystemsChanged: true, Complete: true}
	<-h.known
	if _, err := h.SystemKeys().Caller(t.Context(), key); !errors.Is(err, auth.ErrRevokedToken) {
		t.Errorf("a key that was revoked: %v", err)
	}
	for _, want := range []error{auth.ErrUnknownPerson, auth.ErrRevokedToken} {
		h.directory.failing(rpc.TokenFailure(want))
		if _, err := h.CallerByLogin(t.Context(), "示例", h.now()); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	h.directory.failing(rpc.New(codes.Unavailable, rpc.ReasonUnavailable, "暂不可用"))
	_, err = h.CallerByLogin(t.Context(), "示例", h.now())
	if err = rpc.TokenFailure(err); rpc.Reason(err) != rpc.ReasonUnavailable {
		t.Errorf("a directory that is away: %v", err)
	}
	h.directory.failing(nil)
	if found, err := h.CallerByLogin(t.Context(), "示例", h.now()); err != nil || found.Person != "regions/120105/people/p1" || found.IsSystem() {
		t.Errorf("%+v, %v", found, err)
	}
}

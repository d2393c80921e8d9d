package directory

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/rpc"
)

const (
	hebei    = "regions/120105"
	password = "Kai-Fang-2026"
)

// manual is a clock that stands until it is moved.
type manual struct {
	mu sync.Mutex
	at time.Time
}

func (c *manual) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *manual) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// house is a directory on a store of its own, called through the real chain.
type house struct {
	t           testing.TB
	clock       *manual
	engine      docstore.Engine
	key         auth.Key
	server      *Server
	revocations *auth.Revocations
	verifier    *auth.Verifier
	directory   directoryv1.DirectoryServiceClient
	session     directoryv1.SessionServiceClient
	systems     directoryv1.SystemServiceClient
	delegations directoryv1.DelegationServiceClient
	webhooks    directoryv1.WebhookServiceClient
	// posting is what webhooks are given; nothing unless a test sets it.
	posting Webhooks
	// people are the sample people by sign-in name.
	people map[string]Invitation
}

func newHouse(t testing.TB) *house {
	t.Helper()
	ctx := context.Background()
	engine, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "directory.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	key, err := auth.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{
		t: t, engine: engine, key: key,
		clock: &manual{at: time.Date(2026, 5, 12, 9, 0, 0, 0, time.FixedZone("", 8*3600))},
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	h.start()
	if err := h.server.SeedReference(ctx); err != nil {
		t.Fatal(err)
	}
	h.seed()
	return h
}

// start begins a server on the store, with nothing remembered in memory.
func (h *house) start() {
	h.t.Helper()
	logger := slog.New(slog.DiscardHandler)
	h.revocations = auth.NewRevocations(h.clock.now)
	h.verifier = auth.NewVerifier(h.clock.now, h.revocations, h.key)
	server, err := New(context.Background(), Deps{
		Engine: h.engine, Signer: auth.NewSigner(h.key, h.clock.now), Revocations: h.revocations,
		Webhooks: h.posting, Clock: h.clock.now, Logger: logger,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.server = server
	h.verifier.AcceptSystems(server.SystemKeys())
	front := rpc.NewServer(rpc.Options{Logger: logger, Verifier: h.verifier, Clock: h.clock.now, Service: Service})
	server.Register(front)
	conn, err := rpc.InProcess(front, rpc.ClientOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		_ = conn.Close()
		if err := front.Stop(context.Background()); err != nil {
			h.t.Error(err)
		}
	})
	h.directory = directoryv1.NewDirectoryServiceClient(conn)
	h.session = directoryv1.NewSessionServiceClient(conn)
	h.systems = directoryv1.NewSystemServiceClient(conn)
	h.webhooks = directoryv1.NewWebhookServiceClient(conn)
	h.delegations = directoryv1.NewDelegationServiceClient(conn)
}

func (h *house) seed() {
	h.t.Helper()
	invitations, err := h.server.SeedSample(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	h.people = map[string]Invitation{}
	for _, i := range invitations {
		h.people[i.Login] = i
	}
}

// activate signs a sample person in for the first time.
func (h *house) activate(login string) *directoryv1.Session {
	h.t.Helper()
	s, err := h.session.ActivateSignIn(context.Background(), &directoryv1.ActivateSignInRequest{
		Login: login, OneTimeCode: h.people[login].Code, Password: password,
	})
	if err != nil {
		h.t.Fatalf("activate %s: %v", login, err)
	}
	return s
}

// as is a context that carries the token of a sample person, who is signed in
// for it.
func (h *house) as(login string) context.Context {
	h.t.Helper()
	return with(h.activate(login))
}

func with(s *directoryv1.Session) context.Context {
	return metadata.AppendToOutgoingContext(context.Background(), auth.MetadataUser, "Bearer "+s.GetAccessToken())
}

// signIn tries a password.
func (h *house) signIn(login, password string) (*directoryv1.Session, error) {
	return h.session.SignIn(context.Background(), &directoryv1.SignInRequest{Login: login, Password: password})
}

// wants fails the test unless an error has the reason.
func (h *house) wants(err error, reason string) {
	h.t.Helper()
	if got := rpc.Reason(err); got != reason || reason == "" && err != nil {
		h.t.Errorf("answered %q (%v), want %q", got, err, reason)
	}
}

// wantsField fails the test unless an error blames the field for the reason.
func (h *house) wantsField(err error, field, reason string) {
	h.t.Helper()
	for _, d := range status.Convert(err).Details() {
		bad, ok := d.(*errdetails.BadRequest)
		if !ok {
			continue
		}
		for _, v := range bad.GetFieldViolations() {
			if v.GetField() == field && v.GetReason() == reason && v.GetDescription() != "" {
				return
			}
		}
	}
	h.t.Errorf("answered %v, want %s at %s", status.Convert(err).Proto(), reason, field)
}

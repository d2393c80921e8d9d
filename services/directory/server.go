package directory

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
)

// Service is the short name of this service.
const Service = "directory"

// Deps are what the directory needs. All fields without "optional" are required.
type Deps struct {
	// Engine keeps the documents; the directory owns it alone.
	Engine docstore.Engine
	// TokenKey signs page tokens; optional, see [docstore.Options].
	TokenKey []byte
	// Wrote wakes whatever drains the journal; optional.
	Wrote func()
	// Signer mints access tokens.
	Signer *auth.Signer
	// Revocations are what the process's verifiers consult.
	Revocations *auth.Revocations
	// Webhooks is what posting events to systems takes.
	Webhooks Webhooks
	// Clock tells the time.
	Clock docstore.Clock
	// Logger gets what no answer tells: repairs, and reused refresh tokens.
	Logger *slog.Logger
	// After is time.After where it is nil; tests give their own.
	After func(time.Duration) <-chan time.Time
}

// Server answers DirectoryService, SessionService, SystemService, DelegationService,
// IdentityService and WebhookService.
type Server struct {
	// A method that is missing fails the build, not the call.
	directoryv1.UnsafeDirectoryServiceServer
	directoryv1.UnsafeSessionServiceServer
	directoryv1.UnsafeSystemServiceServer
	directoryv1.UnsafeDelegationServiceServer
	directoryv1.UnsafeIdentityServiceServer
	directoryv1.UnsafeWebhookServiceServer

	store       store
	signer      *auth.Signer
	revocations *auth.Revocations
	systemKeys  *auth.SystemKeys
	strangers   *strangers
	courier     *courier
	clock       docstore.Clock
	logger      *slog.Logger
	after       func(time.Duration) <-chan time.Time
	followers   followers
	// synced is when stored revocations were last read, and what of the systems was
	// seen then.
	synced      time.Time
	seenSystems map[string]string
	// stopping is closed when streams are to end.
	stopping chan struct{}
	stop     func()
}

// New opens the collections and takes over the revocations they hold.
func New(ctx context.Context, d Deps) (*Server, error) {
	store, err := openStore(ctx, d.Engine, docstore.Options{Clock: d.Clock, TokenKey: d.TokenKey, Wrote: d.Wrote})
	if err != nil {
		return nil, fmt.Errorf("open the directory: %w", err)
	}
	s := &Server{
		store:       store,
		signer:      d.Signer,
		revocations: d.Revocations,
		strangers:   newStrangers(),
		clock:       d.Clock,
		logger:      d.Logger,
		after:       d.After,
		stopping:    make(chan struct{}),
	}
	if s.after == nil {
		s.after = time.After
	}
	s.stop = sync.OnceFunc(func() { close(s.stopping) })
	s.systemKeys = auth.NewSystemKeys(s, d.Clock)
	s.courier = newCourier(s, d.Engine, d.Webhooks)
	if err := s.prepareStrangers(ctx); err != nil {
		return nil, fmt.Errorf("open the directory: %w", err)
	}
	s.revocations.Tell(s.followers.revoked)
	if err := s.SyncRevocations(ctx); err != nil {
		return nil, fmt.Errorf("open the directory: %w", err)
	}
	return s, nil
}

// SystemKeys checks the API keys of systems for the verifier of this process,
// which learns of every change that is made here at once.
func (s *Server) SystemKeys() *auth.SystemKeys { return s.systemKeys }

// Register adds the services to a gRPC server.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	directoryv1.RegisterDirectoryServiceServer(r, s)
	directoryv1.RegisterSessionServiceServer(r, s)
	directoryv1.RegisterSystemServiceServer(r, s)
	directoryv1.RegisterDelegationServiceServer(r, s)
	directoryv1.RegisterIdentityServiceServer(r, s)
	directoryv1.RegisterWebhookServiceServer(r, s)
}

// forgetSystems makes API keys be checked again, here and where they were asked
// about from other processes.
func (s *Server) forgetSystems() {
	s.systemKeys.Forget()
	s.followers.systemsChanged()
}

// now is UTC to the millisecond, as the store keeps times.
func (s *Server) now() time.Time { return s.clock().UTC().Truncate(time.Millisecond) }

// asService marks writes that no person asked for.
func asService(ctx context.Context, method, requestID string) context.Context {
	o, _ := docstore.OriginFrom(ctx)
	o.Actor, o.RequestID, o.RequestDigest = "services/"+Service, requestID, []byte(requestID)
	if o.Method == "" {
		o.Method = method
	}
	return docstore.WithOrigin(ctx, o)
}

// asPerson marks writes of a person who has proven themselves in this very call.
func asPerson(ctx context.Context, person string) context.Context {
	o, _ := docstore.OriginFrom(ctx)
	o.Actor = person
	return docstore.WithOrigin(ctx, o)
}

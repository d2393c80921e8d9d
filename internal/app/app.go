// Package app wires a process: which services run in it, in what order they
// start and stop, and what they are given.
//
// [table] holds every service. What is done once for each service goes into its
// entry; what a process does for all its services alike goes into [alike].
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/grpc"

	"fashen/internal/auth"
	"fashen/internal/checkpoint"
	"fashen/internal/config"
	"fashen/internal/docstore"
	"fashen/internal/intake"
	"fashen/internal/pdftext"
	"fashen/internal/rpc"
	"fashen/internal/telemetry"
	"fashen/services/directory"
)

// Options is what tests give instead of the world.
type Options struct {
	// Clock tells the time; time.Now when nil.
	Clock docstore.Clock
	// Logger takes the log; slog.Default when nil.
	Logger *slog.Logger
	// Listener takes gRPC in the place of the configured address.
	Listener net.Listener
	// Between sees every call that one service makes to another, and may let it
	// fail.
	Between grpc.UnaryClientInterceptor
}

// App is a running process.
type App struct {
	// GRPCAddr and HTTPAddr are where it listens, with the ports it got.
	GRPCAddr, HTTPAddr string
	// MetricsAddr is where metrics and profiles are served; empty when they are off.
	MetricsAddr string
	// Codes are the one-time codes made at this start.
	Codes []directory.Invitation

	// pdf reads PDF files; nil where no service here takes any.
	pdf *pdftext.Reader
	// door is where files come in; nil where no service here takes any.
	door   *intake.Door
	config config.Config
	log    *slog.Logger
	clock  docstore.Clock
	keys   keys
	server *rpc.Server
	shown  *telemetry.Telemetry
	// listener is that of the options; nil where the address is opened.
	listener net.Listener
	// certificates secure TCP; nil without.
	certificates *rpc.Certificates
	// memory are the connections in memory, by who calls whom over them, and what for.
	memory map[string]*grpc.ClientConn
	// follow keeps what is revoked as the directory of another process has it; nil
	// where nothing is followed. It runs until its context ends.
	follow func(ctx context.Context, known func(bool))
	// running are the services of this process, in the order of their start.
	running []*running
	// between sees the calls between services.
	between grpc.UnaryClientInterceptor
	// begins begin, once the process serves, what calls its services by itself.
	begins []func()
	// ends end, first of all, the streams that no server would wait out, and what
	// follows them; in reverse order.
	ends []func()
	// stops run in reverse order.
	stops []func(context.Context) error
}

// keys are what signs in a process, and what checks signatures.
type keys struct {
	signer   *auth.Signer
	verifier *auth.Verifier
	revoked  *auth.Revocations
	// first is the oldest key: what is derived from it stays when keys change, so
	// that lists and feeds go on.
	first auth.Key
	// pages signs page tokens.
	pages []byte
	// checkpoints signs checkpoints; nil where no service runs.
	checkpoints *checkpoint.Key
}

// Start opens the stores, starts the services and answers once they serve.
func Start(ctx context.Context, c config.Config, o Options) (_ *App, err error) {
	if err := errors.Join(c.Check(), Check(c)); err != nil {
		return nil, err
	}
	a := &App{config: c, log: o.Logger, clock: o.Clock, listener: o.Listener, between: o.Between, memory: map[string]*grpc.ClientConn{}}
	if a.clock == nil {
		a.clock = time.Now
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
		}
	}()
	if a.shown, err = telemetry.New(ctx, c.Telemetry, "fashen", a.log); err != nil {
		return nil, err
	}
	a.stops = append(a.stops, a.shown.Close)
	if err := a.loadKeys(); err != nil {
		return nil, err
	}
	if c.TLSCert != "" {
		files := rpc.CertificateFiles{Certificate: c.TLSCert, Key: c.TLSKey, Authorities: c.TLSCA}
		if a.certificates, err = rpc.LoadCertificates(files, a.clock, a.log); err != nil {
			return nil, err
		}
	}
	a.server = rpc.NewServer(rpc.Options{
		Logger: a.log, Verifier: a.keys.verifier, Clock: a.clock, Service: "fashen",
		Rates:  rpc.Rates{Caller: c.CallerRate, SignIn: c.SignInRate, Unauthenticated: c.UnauthenticatedRate},
		Traces: a.shown.ServerTraces(), Observe: a.shown.Observer(),
		Certificates: a.certificates, Drain: c.Drain,
	})
	if err := a.startServices(ctx); err != nil {
		return nil, err
	}
	if err := a.listen(ctx); err != nil {
		return nil, err
	}
	for _, begin := range a.begins {
		begin()
	}
	return a, nil
}

func (a *App) loadKeys() error {
	ring, err := auth.LoadKeyRing(filepath.Join(a.config.DataDir, "keys"), a.clock)
	if err != nil {
		return err
	}
	revoked := auth.NewRevocations(a.clock)
	a.keys = keys{signer: ring.Signer(), verifier: ring.Verifier(revoked), revoked: revoked, first: ring.First()}
	a.keys.pages, err = a.keys.first.Derive("page tokens")
	return err
}

// startServices starts the services of this process in the order of the table,
// then what it does for all of them, and registers them.
func (a *App) startServices(ctx context.Context) error {
	for _, e := range table() {
		if !a.config.Runs(e.name) {
			continue
		}
		if err := a.startService(ctx, e); err != nil {
			return fmt.Errorf("start %s: %w", e.name, err)
		}
	}
	if len(a.running) == 0 {
		return nil // a gateway alone
	}
	if err := a.askDirectory(); err != nil {
		return err
	}
	for _, start := range alike() {
		if err := start(a, ctx); err != nil {
			return err
		}
	}
	for _, r := range a.running {
		r.server.Register(a.server)
	}
	return nil
}

func (a *App) startService(ctx context.Context, e entry) error {
	r := &running{entry: e, conns: map[string]grpc.ClientConnInterface{}}
	if err := a.openStore(ctx, r); err != nil {
		return err
	}
	for _, other := range e.calls {
		conn, err := a.connect(e.name, other, "")
		if err != nil {
			return err
		}
		r.conns[other] = conn
	}
	server, err := e.start(ctx, a, r)
	if err != nil {
		return err
	}
	r.server = server
	a.running = append(a.running, r)
	return nil
}

// serve runs a server until it is stopped; that it ends otherwise is logged.
func (a *App) serve(name string, run func() error) {
	go func() {
		if err := run(); err != nil && !errors.Is(err, grpc.ErrServerStopped) && !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("server ended", "server", name, "error", err)
		}
	}()
}

// Stop ends the process's work in the reverse order of its start: health says
// NOT_SERVING, and after the time to drain watches end, the REST server finishes its
// requests, then the gRPC server, then the stores close. It answers every error and
// is safe to call on a half-started process.
func (a *App) Stop(ctx context.Context) error {
	if a.server != nil {
		a.server.Leave(ctx)
	}
	for _, end := range slices.Backward(a.ends) {
		end()
	}
	var errs []error
	for _, stop := range slices.Backward(a.stops) {
		errs = append(errs, stop(ctx))
	}
	a.ends, a.stops = nil, nil
	return errors.Join(errs...)
}

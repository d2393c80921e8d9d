// Package app wires a process: which services run in it, in what order they
// start and stop, and what they are given.
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

	"fashen/gateway"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/config"
	"fashen/internal/docstore"
	"fashen/internal/feed"
	"fashen/internal/oidc"
	"fashen/internal/rpc"
	"fashen/internal/rulebook"
	"fashen/internal/telemetry"
	"fashen/services/counsel"
	"fashen/services/directory"
	"fashen/services/filing"
)

// Options is what tests give instead of the world.
type Options struct {
	// Clock tells the time; time.Now when nil.
	Clock docstore.Clock
	// Logger takes the log; slog.Default when nil.
	Logger *slog.Logger
}

// App is a running process with all services.
type App struct {
	// GRPCAddr and HTTPAddr are where it listens, with the ports it got.
	GRPCAddr, HTTPAddr string
	// MetricsAddr is where metrics and profiles are served; empty when they are off.
	MetricsAddr string
	// Codes are the one-time codes made at this start.
	Codes []directory.Invitation

	log    *slog.Logger
	server *rpc.Server
	shown  *telemetry.Telemetry
	// endWatches ends the streams that no server would wait out.
	endWatches func()
	// stops run in reverse order.
	stops []func(context.Context) error
}

// parts are what the services of one process share.
type parts struct {
	clock     docstore.Clock
	log       *slog.Logger
	signer    *auth.Signer
	verifier  *auth.Verifier
	revoked   *auth.Revocations
	tokenKey  []byte
	resumeKey []byte
	// feeds are what the services of this process have to tell.
	feeds []*feed.Source
}

// Start opens the stores, starts the services and answers once they serve.
func Start(ctx context.Context, c config.Config, o Options) (_ *App, err error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	a := &App{log: o.Logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
		}
	}()
	if a.shown, err = telemetry.New(ctx, c.Telemetry, "fashen", o.Logger); err != nil {
		return nil, err
	}
	a.stops = append(a.stops, a.shown.Close)
	p, err := a.prepare(c, o)
	if err != nil {
		return nil, err
	}
	if err := a.services(ctx, c, p); err != nil {
		return nil, err
	}
	return a, a.listen(ctx, c, p)
}

// prepare reads the keys and makes the gRPC server, without services yet.
func (a *App) prepare(c config.Config, o Options) (*parts, error) {
	keys, err := auth.LoadKeyRing(filepath.Join(c.DataDir, "keys"), o.Clock)
	if err != nil {
		return nil, err
	}
	first := keys.First() // so that lists and feeds go on when keys change
	tokenKey, err := first.Derive("page tokens")
	if err != nil {
		return nil, err
	}
	resumeKey, err := first.Derive("resume tokens")
	if err != nil {
		return nil, err
	}
	revoked := auth.NewRevocations(o.Clock)
	p := &parts{
		clock: o.Clock, log: o.Logger, revoked: revoked,
		signer: keys.Signer(), verifier: keys.Verifier(revoked),
		tokenKey: tokenKey, resumeKey: resumeKey,
	}
	a.server = rpc.NewServer(rpc.Options{
		Logger: o.Logger, Verifier: p.verifier, Clock: o.Clock, Service: "fashen",
		Rates:  rpc.Rates{Caller: c.CallerRate, SignIn: c.SignInRate, Unauthenticated: c.UnauthenticatedRate},
		Traces: a.shown.ServerTraces(), Observe: a.shown.Observer(),
	})
	return p, nil
}

// services opens the stores and registers every service. A service reaches the
// others through connections that carry its own identity.
func (a *App) services(ctx context.Context, c config.Config, p *parts) error {
	rules, err := rulebook.Builtin()
	if err != nil {
		return fmt.Errorf("load rule packs: %w", err)
	}
	store, err := a.store(ctx, c, p, directory.Service)
	if err != nil {
		return err
	}
	dir, err := directory.New(ctx, directory.Deps{
		Engine: store.engine, Wrote: store.wrote, TokenKey: p.tokenKey, Clock: p.clock, Logger: p.log,
		Signer: p.signer, Revocations: p.revoked,
	})
	if err != nil {
		return err
	}
	if err := acceptOthers(c, p, dir); err != nil {
		return err
	}
	if a.Codes, err = seed(ctx, c, dir); err != nil {
		return err
	}
	if store, err = a.store(ctx, c, p, counsel.Service); err != nil {
		return err
	}
	conn, err := a.connect(p, counsel.Service)
	if err != nil {
		return err
	}
	reviews, err := counsel.New(ctx, counsel.Deps{
		Engine: store.engine, Wrote: store.wrote, TokenKey: p.tokenKey, Clock: p.clock, Logger: p.log,
		Filing: filingv1.NewFilingServiceClient(conn), Directory: directoryv1.NewDirectoryServiceClient(conn),
	})
	if err != nil {
		return err
	}
	if store, err = a.store(ctx, c, p, filing.Service); err != nil {
		return err
	}
	if conn, err = a.connect(p, filing.Service); err != nil {
		return err
	}
	documents, err := filing.New(ctx, filing.Deps{
		Engine: store.engine, Wrote: store.wrote, TokenKey: p.tokenKey, Clock: p.clock, Logger: p.log, Rules: rules,
		Counsel: counselv1.NewCounselServiceClient(conn), Directory: directoryv1.NewDirectoryServiceClient(conn),
	})
	if err != nil {
		return err
	}
	if err := a.countBacklog(p, reviews); err != nil {
		return err
	}
	events := feed.New(feed.Deps{Sources: p.feeds, TokenKey: p.resumeKey, Clock: p.clock})
	a.endWatches = events.Stop
	events.Register(a.server)
	dir.Register(a.server)
	reviews.Register(a.server)
	documents.Register(a.server)
	return nil
}

// acceptOthers lets in, beside people who signed in here, systems with a key and
// people who signed in at the issuer outside.
func acceptOthers(c config.Config, p *parts, dir *directory.Server) error {
	p.verifier.AcceptSystems(dir.SystemKeys())
	if c.OIDCIssuer == "" {
		return nil
	}
	issuer, err := oidc.New(oidc.Options{
		URL: c.OIDCIssuer, Audience: c.OIDCAudience, LoginClaim: c.OIDCLoginClaim, People: dir, Now: p.clock,
	})
	if err != nil {
		return err
	}
	p.verifier.AcceptIssuer(issuer)
	return nil
}

// seed adds what an empty store needs, and answers the one-time codes it made.
func seed(ctx context.Context, c config.Config, dir *directory.Server) ([]directory.Invitation, error) {
	if err := dir.SeedReference(ctx); err != nil {
		return nil, err
	}
	switch {
	case c.Sample:
		return dir.SeedSample(ctx)
	case c.Region != "":
		return dir.SeedAdministrators(ctx, "regions/"+c.Region)
	}
	return nil, nil
}

// connect makes a connection in memory that calls as one of the services, or as
// the gateway.
func (a *App) connect(p *parts, service string) (*grpc.ClientConn, error) {
	o := rpc.ClientOptions{Service: service, Signer: p.signer}
	if service == rpc.GatewayService {
		o.MessageBytes = 64 << 20 // the text of a long draft passes it whole
	}
	o.Traces = a.shown.ClientTraces()
	conn, err := rpc.InProcess(a.server, o)
	if err != nil {
		return nil, err
	}
	a.stops = append(a.stops, func(context.Context) error { return conn.Close() })
	return conn, nil
}

// listen opens both addresses and serves.
func (a *App) listen(ctx context.Context, c config.Config, p *parts) error {
	conn, err := a.connect(p, rpc.GatewayService)
	if err != nil {
		return err
	}
	// Watches stay open: they have a connection of their own, so that no call waits
	// for its share of streams.
	watches, err := a.connect(p, rpc.GatewayService)
	if err != nil {
		return err
	}
	followed := map[string]grpc.ClientConnInterface{}
	for _, service := range serviceNames {
		followed[service] = watches
	}
	handler, err := gateway.New(gateway.Options{
		Filing: conn, Counsel: conn, Directory: conn, Feeds: followed, Logger: p.log, AllowedOrigins: c.AllowedOrigins,
		TrustedProxies: c.TrustedProxies,
	})
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	grpcListener, err := lc.Listen(ctx, "tcp", c.GRPCAddr)
	if err != nil {
		return fmt.Errorf("open the gRPC address: %w", err)
	}
	a.GRPCAddr = grpcListener.Addr().String()
	a.serve("gRPC", func() error { return a.server.Serve(grpcListener) })
	a.stops = append(a.stops, a.server.Stop)
	httpListener, err := lc.Listen(ctx, "tcp", c.HTTPAddr)
	if err != nil {
		return fmt.Errorf("open the REST address: %w", err)
	}
	a.HTTPAddr = httpListener.Addr().String()
	web := gateway.Server(a.HTTPAddr, a.shown.HTTP(handler))
	a.serve("REST", func() error { return web.Serve(httpListener) })
	a.stops = append(a.stops, web.Shutdown, func(context.Context) error { a.endWatches(); return nil })
	if err := a.showMetrics(ctx, c); err != nil {
		return err
	}
	a.server.Ready()
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

// Stop ends the process's work in the reverse order of its start: watches end, the
// REST server finishes its requests, then the gRPC server, then the stores close. It
// answers every error and is safe to call on a half-started process.
func (a *App) Stop(ctx context.Context) error {
	var errs []error
	for _, stop := range slices.Backward(a.stops) {
		errs = append(errs, stop(ctx))
	}
	a.stops = nil
	return errors.Join(errs...)
}

package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc"

	"fashen/internal/config"
	"fashen/internal/identity"
	"fashen/internal/rpc"
	"fashen/services/directory"
)

// Check names what a process could not do with the settings, as [config.Problem]s
// joined: services there are none of, and services it would ask and cannot reach.
func Check(c config.Config) error {
	var errs []error
	problem := func(flag, format string, args ...any) {
		errs = append(errs, &config.Problem{Flag: flag, Text: fmt.Sprintf(format, args...)})
	}
	known := append(serviceNames(), rpc.GatewayService)
	for i, name := range c.Services {
		if !slices.Contains(known, name) {
			problem("services", "no service %q; there are %v", name, known)
		} else if slices.Contains(c.Services[:i], name) {
			problem("services", "%s is there twice", name)
		}
	}
	for _, name := range c.PeerNames() {
		if !slices.Contains(serviceNames(), name) {
			problem("peers", "no service %q; there are %v", name, serviceNames())
		}
	}
	for _, need := range needs(c) {
		if !c.Runs(need.of) && len(c.Peer(need.of)) == 0 {
			problem("peers", "%s is asked by %s, and neither runs here nor is a peer", need.of, need.by)
		}
	}
	if !c.Runs(directory.Service) && c.Sample {
		problem("sample", "is for the process that runs the directory")
	}
	if !c.Runs(directory.Service) && c.Region != "" {
		problem("region", "is for the process that runs the directory")
	}
	return errors.Join(errs...)
}

// need is a service that another asks.
type need struct{ of, by string }

func needs(c config.Config) []need {
	var out []need
	for _, e := range table() {
		if !c.Runs(e.name) {
			continue
		}
		if e.name != directory.Service && !slices.Contains(e.calls, directory.Service) {
			out = append(out, need{directory.Service, e.name}) // who calls is asked there
		}
		for _, other := range e.calls {
			out = append(out, need{other, e.name})
		}
	}
	if c.Runs(rpc.GatewayService) {
		for _, name := range serviceNames() {
			out = append(out, need{name, rpc.GatewayService})
		}
	}
	return out
}

// connect makes a connection over which one service asks another, or the gateway
// does: in memory where this process runs it, else over TCP. There is one for each
// of those it asks, since a connection has a bounded number of streams, and one more
// for each purpose.
func (a *App) connect(from, to, purpose string) (*grpc.ClientConn, error) {
	o := rpc.ClientOptions{Service: from, Signer: a.keys.signer, Traces: a.shown.ClientTraces(), Certificates: a.certificates}
	if from == rpc.GatewayService {
		o.MessageBytes = 64 << 20 // the text of a long draft passes it whole
	} else {
		o.Around = a.between
	}
	if !a.config.Runs(to) {
		return a.closing(rpc.Dial(a.config.Peer(to), o))
	}
	key := from + "/" + to + "/" + purpose
	if conn, ok := a.memory[key]; ok {
		return conn, nil
	}
	conn, err := a.closing(rpc.InProcess(a.server, o))
	a.memory[key] = conn
	return conn, err
}

// closing closes a connection when the process stops.
func (a *App) closing(conn *grpc.ClientConn, err error) (*grpc.ClientConn, error) {
	if err == nil {
		a.stops = append(a.stops, func(context.Context) error { return conn.Close() })
	}
	return conn, err
}

// askDirectory lets a process without a directory of its own tell who calls it.
func (a *App) askDirectory() error {
	if a.config.Runs(directory.Service) {
		return nil
	}
	conn, err := a.closing(rpc.Dial(a.config.Peer(directory.Service), rpc.ClientOptions{
		Service: a.running[0].name, Signer: a.keys.signer, Alone: true, Certificates: a.certificates,
	}))
	if err != nil {
		return err
	}
	// The clock of silence is the real one, which no test moves.
	a.keys.revoked.Expect(identity.Patience, time.Now)
	d := identity.New(conn, a.keys.revoked, a.clock, a.log)
	a.follow = d.Follow
	return a.acceptOthers(d.SystemKeys(), d)
}

// untilStopped runs something until the process stops.
func (a *App) untilStopped(run func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	a.stops = append(a.stops, func(context.Context) error {
		cancel()
		<-done
		return nil
	})
}

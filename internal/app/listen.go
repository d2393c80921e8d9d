package app

import (
	"context"
	"fmt"
	"net"
	"sync"

	"google.golang.org/grpc"

	"fashen/gateway"
	"fashen/internal/rpc"
)

// listen opens the addresses and serves.
func (a *App) listen(ctx context.Context) error {
	listener := a.listener
	if listener == nil {
		var err error
		if listener, err = a.open(ctx, "the gRPC address", a.config.GRPCAddr); err != nil {
			return err
		}
	}
	a.GRPCAddr = listener.Addr().String()
	a.serve("gRPC", func() error { return a.server.Serve(listener) })
	a.stops = append(a.stops, a.server.Stop)
	if a.config.Runs(rpc.GatewayService) {
		if err := a.serveREST(ctx); err != nil {
			return err
		}
	}
	if err := a.showMetrics(ctx); err != nil {
		return err
	}
	if a.follow == nil {
		a.server.Ready()
		return nil
	}
	a.untilStopped(func(ctx context.Context) {
		a.follow(ctx, func(known bool) {
			if known {
				a.server.Ready()
			} else {
				a.server.Unready()
			}
		})
	})
	return nil
}

// serveREST runs the gateway.
func (a *App) serveREST(ctx context.Context) error {
	asked, followed := map[string]grpc.ClientConnInterface{}, map[string]grpc.ClientConnInterface{}
	for _, service := range serviceNames() {
		conn, err := a.connect(rpc.GatewayService, service, "")
		if err != nil {
			return err
		}
		// Watches stay open: they have a connection of their own, so that no call waits
		// for its share of streams.
		watches, err := a.connect(rpc.GatewayService, service, "watches")
		if err != nil {
			return err
		}
		asked[service], followed[service] = conn, watches
	}
	self, err := a.closing(rpc.InProcess(a.server, rpc.ClientOptions{}))
	if err != nil {
		return err
	}
	ending := make(chan struct{})
	a.ends = append(a.ends, sync.OnceFunc(func() { close(ending) }))
	browser, err := a.browser()
	if err != nil {
		return err
	}
	handler, err := gateway.New(gateway.Options{
		MaxUploadBytes: int64(a.config.Reading.Effective().FileBytes),
		Services:       asked, Feeds: followed, Self: self, Ending: ending, Logger: a.log,
		AllowedOrigins: a.config.AllowedOrigins, TrustedProxies: a.config.TrustedProxies,
		Browser: browser,
	})
	if err != nil {
		return err
	}
	listener, err := a.open(ctx, "the REST address", a.config.HTTPAddr)
	if err != nil {
		return err
	}
	a.HTTPAddr = listener.Addr().String()
	web := gateway.Server(a.HTTPAddr, a.shown.HTTP(handler))
	a.serve("REST", func() error { return web.Serve(listener) })
	a.stops = append(a.stops, web.Shutdown)
	return nil
}

func (a *App) open(ctx context.Context, what, address string) (net.Listener, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", what, err)
	}
	return listener, nil
}

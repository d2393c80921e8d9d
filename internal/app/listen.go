package app

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"

	"fashen/gateway"
	"fashen/internal/rpc"
)

// listen opens both addresses and serves.
func (a *App) listen(ctx context.Context) error {
	listener, err := a.open(ctx, "the gRPC address", a.config.GRPCAddr)
	if err != nil {
		return err
	}
	a.GRPCAddr = listener.Addr().String()
	a.serve("gRPC", func() error { return a.server.Serve(listener) })
	a.stops = append(a.stops, a.server.Stop)
	if err := a.serveREST(ctx); err != nil {
		return err
	}
	if err := a.showMetrics(ctx); err != nil {
		return err
	}
	a.server.Ready()
	return nil
}

// serveREST runs the gateway.
func (a *App) serveREST(ctx context.Context) error {
	conn, err := a.connect(rpc.GatewayService)
	if err != nil {
		return err
	}
	// Watches stay open: they have a connection of their own, so that no call waits
	// for its share of streams.
	watches, err := a.connect(rpc.GatewayService)
	if err != nil {
		return err
	}
	asked, followed := map[string]grpc.ClientConnInterface{}, map[string]grpc.ClientConnInterface{}
	for _, service := range serviceNames() {
		asked[service], followed[service] = conn, watches
	}
	handler, err := gateway.New(gateway.Options{
		Services: asked, Feeds: followed, Logger: a.log,
		AllowedOrigins: a.config.AllowedOrigins, TrustedProxies: a.config.TrustedProxies,
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

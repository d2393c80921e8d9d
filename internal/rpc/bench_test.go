package rpc_test

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/rpc"
	"fashen/internal/telemetry"
)

// BenchmarkChain measures a unary call that passes the whole chain (token, role,
// validation, stripping, origin, access log as JSON) beside a bare grpc-go echo of
// the same request and answer. The difference is what the chain costs.
//
//	go test -run '^$' -bench Chain -count 10 ./internal/rpc
func BenchmarkChain(b *testing.B) {
	echo := func(_ context.Context, r *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		return r.GetPerson(), nil
	}
	h := newHarness(b, func(o *rpc.Options) {
		o.Logger = slog.New(slog.NewJSONHandler(sink{}, nil))
	})
	h.probe.unary = echo
	bare := dialBare(b, &probe{unary: echo})
	quiet := newHarness(b, func(o *rpc.Options) {
		o.Logger = slog.New(slog.DiscardHandler)
	})
	quiet.probe.unary = echo
	// Nobody collects, so that only what a call costs is measured.
	shown, err := telemetry.New(b.Context(), telemetry.Settings{MetricsAddr: "127.0.0.1:0", OTLPEndpoint: "http://127.0.0.1:1"},
		"test", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	traced := newHarness(b, func(o *rpc.Options) {
		o.Logger = slog.New(slog.NewJSONHandler(sink{}, nil))
		o.Observe, o.Traces = shown.Observer(), shown.ServerTraces()
	})
	traced.probe.unary = echo

	run := func(name string, conn *grpc.ClientConn, ctx context.Context, requestID string) {
		b.Run(name, func(b *testing.B) {
			request := goodRequest()
			request.RequestId = requestID
			method := probeMethod("Drafters")
			b.ReportAllocs()
			for b.Loop() {
				if err := conn.Invoke(ctx, method, request, &directoryv1.Person{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("echo/tcp", bare, context.Background(), "")
	run("chain/tcp", h.tcp, h.drafter(b), "")
	run("chain/tcp/request-id", h.tcp, h.drafter(b), "request-1")
	run("chain/tcp/no-log", quiet.tcp, quiet.drafter(b), "")
	run("chain/tcp/metrics-and-traces", traced.tcp, traced.drafter(b), "")
	run("chain/memory", h.memory, h.drafter(b), "")
}

// sink takes log lines that were really encoded.
type sink struct{}

func (sink) Write(p []byte) (int, error) { return len(p), nil }

// dialBare serves a probe with grpc-go alone.
func dialBare(b *testing.B, p *probe) *grpc.ClientConn {
	b.Helper()
	server := grpc.NewServer()
	p.register(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go server.Serve(listener)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		conn.Close()
		server.Stop()
	})
	return conn
}

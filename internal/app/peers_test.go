package app

import (
	"log/slog"
	"testing"
	"time"

	"google.golang.org/grpc"

	"fashen/internal/auth"
	"fashen/internal/rpc"
	"fashen/internal/telemetry"
)

// Streams that stay open to one service take no room of those to another, nor of
// calls.
func TestConnectionsInMemory(t *testing.T) {
	revoked := auth.NewRevocations(time.Now)
	a := &App{
		clock: time.Now, shown: &telemetry.Telemetry{}, memory: map[string]*grpc.ClientConn{},
		server: rpc.NewServer(rpc.Options{Logger: slog.New(slog.DiscardHandler), Verifier: auth.NewVerifier(time.Now, revoked), Clock: time.Now}),
	}
	t.Cleanup(func() {
		for _, stop := range a.stops {
			if err := stop(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	seen := map[*grpc.ClientConn][3]string{}
	for _, key := range [][3]string{
		{"directory", "filing", ""}, {"directory", "counsel", ""}, {"counsel", "filing", ""},
		{rpc.GatewayService, "filing", ""}, {rpc.GatewayService, "filing", "watches"},
	} {
		conn, err := a.connect(key[0], key[1], key[2])
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[conn]; ok {
			t.Errorf("%q shares that of %q", key, other)
		}
		seen[conn] = key
		if again, err := a.connect(key[0], key[1], key[2]); err != nil || again != conn {
			t.Errorf("%q has another the second time, %v", key, err)
		}
	}
}

package gateway_test

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"fashen/gateway"
	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/rpc"
)

// feeds tells one heartbeat and waits.
type feeds struct {
	corev1.UnimplementedFeedServiceServer
}

func (feeds) Watch(_ *corev1.WatchRequest, s grpc.ServerStreamingServer[corev1.WatchResponse]) error {
	if err := s.Send(&corev1.WatchResponse{}); err != nil {
		return err
	}
	<-s.Context().Done()
	return s.Context().Err()
}

// follow serves feeds in another process.
func follow(t *testing.T) grpc.ClientConnInterface {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	corev1.RegisterFeedServiceServer(server, feeds{})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// A process that stops says that it is not ready, and ends its watches with a line
// that tells to come again.
func TestEnding(t *testing.T) {
	ending := make(chan struct{})
	self := rpc.NewServer(rpc.Options{Logger: slog.New(slog.DiscardHandler), Clock: time.Now, Service: "gateway"})
	self.Ready()
	conn, err := rpc.InProcess(self, rpc.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); _ = self.Stop(context.Background()) })
	h := newHarness(t, func(o *gateway.Options) {
		o.Self, o.Ending, o.Feeds = conn, ending, map[string]grpc.ClientConnInterface{"filing": follow(t)}
	})
	if a := h.do(t, "GET", "/readyz", ""); a.status != http.StatusOK {
		t.Errorf("ready: %d %s", a.status, a.body)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/v1/regions/120105/events:watch?service=filing", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := h.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	if !lines.Scan() || strings.Contains(lines.Text(), "error") {
		t.Fatalf("the first line: %s, %v", lines.Text(), lines.Err())
	}
	self.Leave(t.Context())
	close(ending)
	if !lines.Scan() || !strings.Contains(lines.Text(), `"UNAVAILABLE"`) || lines.Scan() {
		t.Errorf("the last line: %s, %v", lines.Text(), lines.Err())
	}
	if a := h.do(t, "GET", "/readyz", ""); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, `"status":"NOT_SERVING"`) {
		t.Errorf("stopping: %d %s", a.status, a.body)
	}
}

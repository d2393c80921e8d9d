package rpc_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/rpc"
)

// A call that answered UNAVAILABLE is made again where that does nothing twice,
// counted where it arrives.
func TestRetry(t *testing.T) {
	h := newHarness(t)
	var arrived atomic.Int32
	fail := func(times int32, with codes.Code) {
		arrived.Store(0)
		h.probe.unary = func(context.Context, *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
			if arrived.Add(1) <= times {
				return nil, rpc.New(with, rpc.ReasonUnavailable, "暂不可用")
			}
			return &directoryv1.Person{}, nil
		}
		h.probe.stream = func(grpc.ServerStream) error {
			arrived.Add(1)
			return rpc.New(with, rpc.ReasonUnavailable, "暂不可用")
		}
	}
	once := goodRequest()
	once.RequestId = "11111111-1111-4111-8111-111111111111"
	for name, c := range map[string]struct {
		method  string
		request *directoryv1.CreatePersonRequest
		times   int32
		with    codes.Code
		want    codes.Code
		arrives int32
	}{
		"a read":                           {"Read", goodRequest(), 2, codes.Unavailable, codes.OK, 3},
		"a read that never succeeds":       {"Read", goodRequest(), 9, codes.Unavailable, codes.Unavailable, 3},
		"a read that is refused":           {"Read", goodRequest(), 1, codes.FailedPrecondition, codes.FailedPrecondition, 1},
		"a write":                          {"SignedIn", goodRequest(), 1, codes.Unavailable, codes.Unavailable, 1},
		"a write with a request id":        {"SignedIn", once, 1, codes.Unavailable, codes.OK, 2},
		"such a write, of unknown outcome": {"SignedIn", once, 1, codes.DeadlineExceeded, codes.DeadlineExceeded, 1},
	} {
		t.Run(name, func(t *testing.T) {
			fail(c.times, c.with)
			err := h.tcp.Invoke(h.drafter(t), probeMethod(c.method), c.request, &directoryv1.Person{})
			if status.Code(err) != c.want || arrived.Load() != c.arrives {
				t.Errorf("%v after %d arrivals, want %v after %d", err, arrived.Load(), c.want, c.arrives)
			}
		})
	}
	fail(1, codes.Unavailable)
	if _, err := upload(h.drafter(t), h.tcp, once); status.Code(err) != codes.Unavailable || arrived.Load() != 1 {
		t.Errorf("an upload: %v after %d arrivals", err, arrived.Load())
	}
}

// replica is one more server of the harness's authority that counts its calls.
func (h *harness) replica(t *testing.T, arrived *atomic.Int32) (server *rpc.Server, address string) {
	t.Helper()
	p := &probe{unary: func(context.Context, *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		arrived.Add(1)
		return &directoryv1.Person{}, nil
	}}
	server = rpc.NewServer(h.options())
	p.register(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	t.Cleanup(server.Server.Stop)
	server.Ready()
	return server, listener.Addr().String()
}

// Calls spread over replicas; one that is cut off, or says that it does not serve,
// is left out, and reads go on without a failure.
func TestReplicas(t *testing.T) {
	h := newHarness(t)
	var arrived [3]atomic.Int32
	var servers [3]*rpc.Server
	var addresses [3]string
	for i := range servers {
		servers[i], addresses[i] = h.replica(t, &arrived[i])
	}
	conn := h.peer(t, h.files, rpc.ClientOptions{}, addresses[:]...)
	ctx := h.drafter(t)
	// until makes reads until all replicas that should have had one, and those that
	// should not are left out for a whole round.
	until := func(serving ...int) {
		t.Helper()
		for range 1000 {
			for i := range arrived {
				arrived[i].Store(0)
			}
			for range 12 {
				if err := call(ctx, conn, "Read"); err != nil {
					t.Fatal(err)
				}
			}
			good := true
			for i := range arrived {
				want := int32(0)
				if slices.Contains(serving, i) {
					want = int32(12 / len(serving))
				}
				good = good && arrived[i].Load() == want
			}
			if good {
				return
			}
		}
		t.Fatalf("calls arrived at %v %v %v, want them spread over %v", arrived[0].Load(), arrived[1].Load(), arrived[2].Load(), serving)
	}
	until(0, 1, 2)
	servers[1].Unready()
	until(0, 2)
	servers[1].Ready()
	until(0, 1, 2)

	var readers sync.WaitGroup
	cut := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for i := range 200 {
				if i == 50 {
					<-cut
				}
				if err := call(ctx, conn, "Read"); err != nil {
					t.Errorf("a read while a replica is cut off: %v", err)
					return
				}
			}
		})
	}
	close(cut)
	servers[0].Server.Stop() // connections are cut, calls in progress too
	readers.Wait()
	until(1, 2)
}

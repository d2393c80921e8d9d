package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/app"
	"fashen/internal/config"
	"fashen/internal/rpc/rpctest"
)

// replicasVariable chooses the form in which the suite runs: unset or 0, everything
// in one process; else that many processes of each service and of the gateway, each
// with a certificate. More than one needs a store that several may open.
const replicasVariable = "FASHEN_TEST_REPLICAS"

// services are what runs in a process of its own, in the order of start.
var services = []string{"directory", "counsel", "filing", "competition", "gateway"}

func replicas(t *testing.T) int {
	t.Helper()
	value := os.Getenv(replicasVariable)
	if value == "" {
		return 0
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		t.Fatalf("%s is %q", replicasVariable, value)
	}
	return n
}

// processes are the running processes of a world.
type processes struct {
	// of are those of each service.
	of map[string][]*app.App
	// all are they in the order of their start.
	all []*app.App
	// authority issued their certificates; nil in one process.
	authority *rpctest.Authority
	// configs are what they were started with, and where they listen.
	configs map[*app.App]config.Config
}

// startOne starts everything in one process.
func startOne(t *testing.T, c config.Config, o app.Options) *processes {
	t.Helper()
	a, err := app.Start(context.Background(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	p := &processes{of: map[string][]*app.App{}, all: []*app.App{a}}
	for _, service := range services {
		p.of[service] = p.all
	}
	return p
}

// startEach starts n processes of each service and waits until all serve.
func startEach(t *testing.T, c config.Config, o app.Options, n int) *processes {
	t.Helper()
	p := &processes{of: map[string][]*app.App{}, authority: rpctest.NewAuthority(t), configs: map[*app.App]config.Config{}}
	listeners := map[string][]net.Listener{}
	for _, service := range services {
		for range n {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			listeners[service] = append(listeners[service], l)
			if service != "gateway" {
				c.Peers = append(c.Peers, service+"="+l.Addr().String())
			}
		}
	}
	sample := c.Sample
	for _, service := range services {
		for i := range n {
			files := p.authority.Issue(t, t.TempDir(), "127.0.0.1")
			c.Services = []string{service}
			c.TLSCert, c.TLSKey, c.TLSCA = files.Certificate, files.Key, files.Authorities
			c.Sample = sample && service == "directory" && i == 0
			o.Listener = listeners[service][i]
			a, err := app.Start(context.Background(), c, o)
			if err != nil {
				t.Fatalf("start %s: %v", service, err)
			}
			at := c
			at.GRPCAddr = a.GRPCAddr
			p.configs[a] = at
			p.of[service] = append(p.of[service], a)
			p.all = append(p.all, a)
		}
	}
	for _, a := range p.all {
		p.serving(t, a)
	}
	return p
}

// serving waits until a process says that it serves.
func (p *processes) serving(t *testing.T, a *app.App) {
	t.Helper()
	conn := p.dial(t, a.GRPCAddr)
	eventually(t, "serving", func() error {
		answer, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{})
		if err == nil && answer.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			err = fmt.Errorf("%v", answer.GetStatus())
		}
		return err
	})
}

// dial reaches some processes as a program outside does: it knows the authority and
// has no certificate.
func (p *processes) dial(t *testing.T, addresses ...string) *grpc.ClientConn {
	t.Helper()
	return p.dialWith(t, nil, addresses)
}

// asPeer is a client of the gRPC API that has a certificate of a process.
func (p *processes) asPeer(t *testing.T) overGRPC {
	t.Helper()
	files := p.authority.Issue(t, t.TempDir(), "127.0.0.1")
	pair, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	return p.grpcWith(t, []tls.Certificate{pair})
}

func (p *processes) dialWith(t *testing.T, own []tls.Certificate, addresses []string) *grpc.ClientConn {
	t.Helper()
	r := manual.NewBuilderWithScheme("replicas")
	var state resolver.State
	for _, address := range addresses {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: address, ServerName: address})
	}
	r.InitialState(state)
	conn, err := grpc.NewClient("replicas:///"+strings.Join(addresses, ","), grpc.WithResolvers(r),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
			RootCAs: p.authority.Pool(), Certificates: own, MinVersion: tls.VersionTLS13,
		})),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin": {}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// grpc is a client of the gRPC API, wherever the services run.
func (p *processes) grpc(t *testing.T) overGRPC {
	t.Helper()
	if p.authority == nil {
		return dialGRPC(t, p.all[0].GRPCAddr)
	}
	return p.grpcWith(t, nil)
}

func (p *processes) grpcWith(t *testing.T, own []tls.Certificate) overGRPC {
	t.Helper()
	conns := byService{}
	for service, all := range p.of {
		var addresses []string
		for _, a := range all {
			addresses = append(addresses, a.GRPCAddr)
		}
		conns[service] = p.dialWith(t, own, addresses)
	}
	return overGRPC{conn: conns, feeds: conns}
}

// all are the connections, one to each service where they run apart.
func (c overGRPC) all() (out []grpc.ClientConnInterface) {
	for _, conn := range c.feeds {
		out = append(out, conn)
	}
	if out == nil {
		out = append(out, c.conn)
	}
	return out
}

// byService sends a call to the service it is for: that of the method, or the one
// that a request of core names, in a field or at the end of a resource's name.
type byService map[string]*grpc.ClientConn

func (b byService) of(method string, in any) (*grpc.ClientConn, error) {
	service := strings.Split(method, ".")[1]
	if message, ok := in.(proto.Message); ok && service == "core" {
		if fd := field(message.ProtoReflect(), "service"); fd != nil {
			service = message.ProtoReflect().Get(fd).String()
		} else if fd := field(message.ProtoReflect(), "name"); fd != nil { // a projection's last id is the service
			service = path.Base(message.ProtoReflect().Get(fd).String())
		}
	}
	if conn := b[service]; conn != nil {
		return conn, nil
	}
	if strings.Split(method, ".")[1] != "core" {
		return nil, status.Errorf(codes.Unimplemented, "nobody serves %s", method)
	}
	return b["filing"], nil // which says that there is no such service
}

// Invoke implements grpc.ClientConnInterface.
func (b byService) Invoke(ctx context.Context, method string, in, out any, options ...grpc.CallOption) error {
	conn, err := b.of(method, in)
	if err != nil {
		return err
	}
	return conn.Invoke(ctx, method, in, out, options...)
}

// NewStream implements grpc.ClientConnInterface.
func (b byService) NewStream(ctx context.Context, d *grpc.StreamDesc, method string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	conn, err := b.of(method, nil)
	if err != nil {
		return nil, err
	}
	return conn.NewStream(ctx, d, method, options...)
}

// eventually tries until something holds: what another process has to hear of first
// holds a moment later.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	over := time.After(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond): // what is asked costs a call
		case <-over:
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// ends sees that a credential is refused as revoked: at once by the process that
// revoked it, a moment later by others.
func (w *world) ends(t *testing.T, what string, try func() *failure) {
	t.Helper()
	revoked := func() error {
		if got := reason(try()); got != "TOKEN_REVOKED" {
			return fmt.Errorf("answered %q, want TOKEN_REVOKED", got)
		}
		return nil
	}
	if w.replicas > 0 {
		eventually(t, what, revoked)
	} else if err := revoked(); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// heard waits, after a call that changes a webhook or its system, until the replica
// that posts has looked at what another one changed: it does so every two seconds, and
// nothing outside shows that it has. One that made the change itself knows at once; the
// URL is read anew for each attempt.
func (w *world) heard(method string, in proto.Message) {
	if w.replicas < 2 {
		return
	}
	switch method {
	case webhookService + "UpdateWebhook":
		if update, ok := in.(*directoryv1.UpdateWebhookRequest); ok && slices.Contains(update.GetUpdateMask().GetPaths(), "types") {
			<-time.After(5 * time.Second)
		}
	case webhookService + "CreateWebhook", webhookService + "DisableWebhook", systemService + "DisableSystem":
		<-time.After(5 * time.Second)
	}
}

func quiet(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(&testLog{t: t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

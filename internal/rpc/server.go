package rpc

import (
	"context"
	"log/slog"
	"math"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"fashen/internal/auth"
	"fashen/internal/docstore"
)

// Limits bound what a call may take. Zero values stand for the defaults.
type Limits struct {
	// ReceiveBytes bounds a received message; 4 MiB.
	ReceiveBytes int
	// Deadline is given to a unary call that has none; 30 s.
	Deadline time.Duration
	// MaxDeadline caps the one a unary call brings; 120 s.
	MaxDeadline time.Duration
	// StreamDeadline is both for streams, uploads among them; 10 min.
	StreamDeadline time.Duration
	// ConcurrentStreams bounds the calls in progress on one connection; 1,000.
	ConcurrentStreams uint32
}

// Options of a server.
type Options struct {
	// Logger gets one line for each call; required.
	Logger *slog.Logger
	// Verifier checks tokens; required.
	Verifier *auth.Verifier
	// Clock tells the time of log lines and rates; required.
	Clock docstore.Clock
	// Service is the short name, such as `filing`; it is the actor of writes that
	// nobody signed in asked for.
	Service string
	// Limits bound a call.
	Limits Limits
	// Traces makes a span of every call; nil without.
	Traces stats.Handler
	// Observe is told how every call ended; nil without.
	Observe func(method string, st *status.Status, took time.Duration)
	// Rates bound the calls of one side.
	Rates Rates
	// Certificates secure TCP; without them it is plain, and no service of another
	// process is let in. Connections in memory are as they are.
	Certificates *Certificates
	// Drain is how long Leave serves on; none by default.
	Drain time.Duration
}

// Server is a gRPC server with the chain in front of every method, health for
// each of its services, and reflection.
type Server struct {
	*grpc.Server

	options Options
	health  *health.Server
	// stopping ends, by quit, when no call is taken any more.
	stopping context.Context
	quit     context.CancelFunc
	memory   func() *bufconn.Listener
	leaving  sync.Once

	mu sync.Mutex
	// listening is set once all services are registered, ready while they are served.
	listening, ready bool
	// away are the services whose store does not answer.
	away map[string]bool
}

// streamWorkers keep their stacks from call to call; a new goroutine grows its
// own several times on the way to the store, which is a tenth of a short read.
// Calls beyond their number get goroutines as ever.
const streamWorkers = 16

// connectionAge is how long a connection over TLS takes new calls; those on it may
// finish.
const connectionAge = 10 * time.Minute

// NewServer makes a server. Register services, Serve, then call Ready.
func NewServer(o Options) *Server {
	o.Limits = o.Limits.withDefaults()
	stopping, quit := context.WithCancel(context.Background())
	c := &chain{options: o, stopping: stopping, limiters: newLimiters(o.Rates, o.Clock)}
	s := &Server{
		Server:   grpc.NewServer(c.serverOptions()...),
		options:  o,
		health:   health.NewServer(),
		stopping: stopping,
		quit:     quit,
		away:     map[string]bool{},
	}
	s.memory = sync.OnceValue(s.listenInMemory)
	s.health.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	healthpb.RegisterHealthServer(s, s.health)
	reflection.Register(s)
	return s
}

func (c *chain) serverOptions() []grpc.ServerOption {
	options := []grpc.ServerOption{
		grpc.Creds(handshakes{c.options.Certificates}),
		grpc.UnaryInterceptor(c.unary),
		grpc.StreamInterceptor(c.stream),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.MaxRecvMsgSize(c.options.Limits.ReceiveBytes),
		grpc.MaxSendMsgSize(math.MaxInt32),
		grpc.MaxConcurrentStreams(c.options.Limits.ConcurrentStreams),
		grpc.MaxHeaderListSize(32 << 10),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: 20 * time.Second, PermitWithoutStream: true,
		}),
	}
	if c.options.Certificates != nil {
		// Clients come again, and find replicas that were added since.
		options = append(options, grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: connectionAge, MaxConnectionAgeGrace: auth.UserTokenLife + time.Minute,
		}))
	}
	if c.options.Traces != nil {
		options = append(options, grpc.StatsHandler(c.options.Traces))
	}
	return options
}

// Ready makes health answer SERVING for the server and for each of its services,
// but for those whose store is away.
func (s *Server) Ready() { s.setReady(true) }

// Unready makes health answer NOT_SERVING until Ready; calls are still taken.
func (s *Server) Unready() { s.setReady(false) }

// Serving tells whether health says SERVING for the server.
func (s *Server) Serving() bool {
	answer, err := s.health.Check(context.Background(), &healthpb.HealthCheckRequest{})
	return err == nil && answer.GetStatus() == healthpb.HealthCheckResponse_SERVING
}

func (s *Server) setReady(ready bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listening, s.ready = true, ready
	s.showHealth()
}

// StoreAnswers makes health follow the store of a service, given by its short
// name: while it is away, the service, what rests on all, and the server as a
// whole are NOT_SERVING.
func (s *Server) StoreAnswers(service string, answers bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answers {
		delete(s.away, service)
	} else {
		s.away[service] = true
	}
	s.showHealth()
}

// showHealth tells the state of every service: fashen.{short name}.v1 and others.
func (s *Server) showHealth() {
	if !s.listening {
		return
	}
	show := func(name string, serving bool) {
		state := healthpb.HealthCheckResponse_NOT_SERVING
		if serving {
			state = healthpb.HealthCheckResponse_SERVING
		}
		s.health.SetServingStatus(name, state)
	}
	all := s.ready && len(s.away) == 0
	show("", all)
	for name := range s.GetServiceInfo() {
		rest, ours := strings.CutPrefix(name, "fashen.")
		service, _, _ := strings.Cut(rest, ".")
		show(name, all || s.ready && !s.away[service] && !(ours && service == "core"))
	}
}

// Leave makes health say NOT_SERVING and waits for Options.Drain, so that load
// balancers notice; calls are taken all the while. The second time it does nothing.
func (s *Server) Leave(ctx context.Context) {
	s.leaving.Do(func() {
		s.health.Shutdown()
		if s.options.Drain == 0 {
			return
		}
		timer := time.NewTimer(s.options.Drain)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	})
}

// Stop ends the server: after [Server.Leave] no call is taken any more, and those in
// progress may finish until ctx ends; then they are cut off and the error of ctx is
// answered. It may be called again.
func (s *Server) Stop(ctx context.Context) error {
	s.Leave(ctx)
	s.quit()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.GracefulStop()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		// A method that does not heed its context is not waited for.
		s.Server.Stop()
		return ctx.Err()
	}
}

func (l Limits) withDefaults() Limits {
	if l.ReceiveBytes == 0 {
		l.ReceiveBytes = 4 << 20
	}
	if l.Deadline == 0 {
		l.Deadline = 30 * time.Second
	}
	if l.MaxDeadline == 0 {
		l.MaxDeadline = 2 * time.Minute
	}
	if l.StreamDeadline == 0 {
		l.StreamDeadline = 10 * time.Minute
	}
	if l.ConcurrentStreams == 0 {
		l.ConcurrentStreams = 1000
	}
	return l
}

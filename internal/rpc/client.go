package rpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // clients ask replicas whether they serve
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/test/bufconn"

	"fashen/internal/auth"
)

// memoryBuffer is the size of each direction of a connection in memory.
const memoryBuffer = 256 << 10

// ClientOptions say who calls. Without a Service the connection passes on the
// person's token only, as the gateway's does.
type ClientOptions struct {
	// Service is the calling service's short name, such as `filing`.
	Service string
	// Signer mints the service's token; required with Service.
	Signer *auth.Signer
	// MessageBytes bounds a received message; 4 MiB when 0.
	MessageBytes int
	// Traces makes a span of every call and passes the trace on; nil without.
	Traces stats.Handler
	// Alone makes calls carry the service's own name only, never the person whose
	// call is being answered.
	Alone bool
	// Certificates secure connections over TCP; nil leaves them plain.
	Certificates *Certificates
	// Around sees every unary call as it goes out; nil without.
	Around grpc.UnaryClientInterceptor
}

// serviceConfig spreads calls over the replicas of a service that say they serve.
const serviceConfig = `{"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""}}`

// Dial connects over TCP to a service at its addresses: one, of which gRPC resolves
// the name (`dns:///filing:9090`, `filing:9090`), or several, one a replica. The
// connections are made on the first call.
func Dial(addresses []string, o ClientOptions) (*grpc.ClientConn, error) {
	options := append(o.dialOptions(),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second, PermitWithoutStream: true}))
	if o.Certificates != nil {
		options = append(options, grpc.WithTransportCredentials(handshakes{o.Certificates}))
	}
	target := strings.Join(addresses, ",")
	if len(addresses) > 1 {
		replicas := manual.NewBuilderWithScheme("replicas")
		replicas.InitialState(resolver.State{Addresses: replicaAddresses(addresses)})
		options = append(options, grpc.WithResolvers(replicas))
		target = "replicas:///" + target
	}
	conn, err := grpc.NewClient(target, options...)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", target, err)
	}
	return conn, nil
}

// replicaAddresses expects each replica to have a certificate of its own name.
func replicaAddresses(addresses []string) []resolver.Address {
	out := make([]resolver.Address, len(addresses))
	for i, address := range addresses {
		out[i] = resolver.Address{Addr: address, ServerName: address}
	}
	return out
}

// InProcess connects to a server of this process through memory. Calls pass the
// same chain as over TCP; being in memory earns no trust. The server starts to
// serve memory at the first call, so that services which call one another can be
// made before they are registered. Close the connection before the server stops.
func InProcess(s *Server, o ClientOptions) (*grpc.ClientConn, error) {
	options := append(o.dialOptions(), grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return s.memory().DialContext(ctx)
	}))
	conn, err := grpc.NewClient("passthrough:///in-process", options...)
	if err != nil {
		return nil, fmt.Errorf("dial in process: %w", err)
	}
	return conn, nil
}

// listenInMemory opens the listener that all connections in memory share.
func (s *Server) listenInMemory() *bufconn.Listener {
	listener := bufconn.Listen(memoryBuffer)
	go func() {
		if err := s.Serve(memoryListener{listener}); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			s.options.Logger.Error("serve in process", "error", err)
		}
	}()
	return listener
}

func (o ClientOptions) dialOptions() []grpc.DialOption {
	size := o.MessageBytes
	if size == 0 {
		size = 4 << 20
	}
	c := &client{ClientOptions: o}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(size)),
		grpc.WithUnaryInterceptor(c.unary),
		grpc.WithStreamInterceptor(c.stream),
	}
	if o.Around != nil {
		options = append(options, grpc.WithChainUnaryInterceptor(o.Around))
	}
	if o.Traces != nil {
		options = append(options, grpc.WithStatsHandler(o.Traces))
	}
	return options
}

// client is what the calls of a connection pass.
type client struct {
	ClientOptions

	methods methods
}

func (c *client) unary(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callDeadline)
		defer cancel()
	}
	ctx, err := c.passOn(ctx)
	if err != nil {
		return err
	}
	return c.again(ctx, c.methods.of(method), request, func() error {
		return invoke(ctx, method, request, reply, conn, options...)
	})
}

func (c *client) stream(ctx context.Context, d *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	ctx, err := c.passOn(ctx)
	if err != nil {
		return nil, err
	}
	return open(ctx, d, conn, method, options...)
}

type actForKey struct{}

// ActFor makes the calls of a service be made for a caller whose token is not
// there any more, such as the rest of something they asked for. The service vouches
// for the caller, and is let in by RPCs that no role opens. Whoever calls it has
// checked what the caller may do, when they asked.
func ActFor(ctx context.Context, caller auth.Caller) context.Context {
	return context.WithValue(ctx, actForKey{}, caller)
}

// passOn adds to an outgoing call what the incoming one brought: the person's
// token and the trace id; and the service's own token. What the caller put there
// already stays.
func (o ClientOptions) passOn(ctx context.Context) (context.Context, error) {
	have, _ := metadata.FromOutgoingContext(ctx)
	var add []string
	if !o.Alone {
		person, err := o.person(ctx, have)
		if err != nil {
			return ctx, err
		}
		add = append(add, person...)
	}
	if trace := TraceID(ctx); trace != "" && len(have.Get(MetadataTrace)) == 0 {
		add = append(add, MetadataTrace, trace)
	}
	if o.Service != "" && o.Signer != nil {
		token, err := o.Signer.ServiceToken(o.Service)
		if err != nil {
			return ctx, fmt.Errorf("call as services/%s: %w", o.Service, err)
		}
		add = append(add, auth.MetadataService, token)
	}
	if len(add) == 0 {
		return ctx, nil
	}
	return metadata.AppendToOutgoingContext(ctx, add...), nil
}

// person answers the metadata of the person a call is made for; none when the
// caller put it there already, or nobody is known.
func (o ClientOptions) person(ctx context.Context, have metadata.MD) ([]string, error) {
	if caller, ok := ctx.Value(actForKey{}).(auth.Caller); ok && o.Signer != nil {
		token, err := o.Signer.ActingToken(o.Service, caller)
		if err != nil {
			return nil, fmt.Errorf("act for %s: %w", caller.Person, err)
		}
		return []string{auth.MetadataUser, "Bearer " + token}, nil
	}
	if len(have.Get(auth.MetadataUser)) == 0 {
		if values := metadata.ValueFromIncomingContext(ctx, auth.MetadataUser); len(values) == 1 {
			return []string{auth.MetadataUser, values[0]}, nil
		}
	}
	return nil, nil
}

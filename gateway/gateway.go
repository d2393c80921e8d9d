package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// Limits where [Options] names none.
const (
	defaultMaxUpload       = 50 << 20
	defaultCallTimeout     = 30 * time.Second
	defaultTransferTimeout = 10 * time.Minute
	// maxJSON bounds a JSON body, in bytes.
	maxJSON = 1 << 20
)

// Options is what a gateway needs.
type Options struct {
	// Services are connections to the services by their short names, in memory or
	// TCP: filing, counsel, competition and directory, all required.
	Services map[string]grpc.ClientConnInterface
	// Feeds are connections that carry watches, by the short name of the service
	// whose events are followed; without one, its events are not on REST.
	Feeds map[string]grpc.ClientConnInterface
	// Self reaches the gRPC server of the gateway's own process, whose health is part
	// of whether the gateway is ready; optional.
	Self grpc.ClientConnInterface
	// Ending is closed when watches are to end, so that the server need not wait for
	// them; optional.
	Ending <-chan struct{}
	// Logger gets errors of the services and, at debug level, one line per request,
	// without query, bodies or tokens. Required.
	Logger *slog.Logger
	// AllowedOrigins are the origins other than the gateway's own whose pages may
	// call it, each exactly as browsers send it, such as https://oa.example.cn.
	AllowedOrigins []string
	// TrustedProxies are networks (CIDR) of proxies before the gateway. From there
	// the address of a client is what X-Forwarded-For says.
	TrustedProxies []string
	// Browser lets people sign in with a browser at an issuer outside; nil for no.
	Browser *Browser
	// MaxUploadBytes bounds one file; 50 MiB when 0.
	MaxUploadBytes int64
	// CallTimeout bounds one unary call; 30 s when 0.
	CallTimeout time.Duration
	// TransferTimeout bounds one upload or download; 10 min when 0.
	TransferTimeout time.Duration
}

// gateway is the handler's fixed parts; what belongs to one request is in [call].
type gateway struct {
	log             *slog.Logger
	routes          []*route
	json            http.Handler
	filing          filingv1.FilingServiceClient
	matters         counselv1.MatterServiceClient
	letters         counselv1.LetterServiceClient
	services        []service
	browser         *browser
	feeds           map[string]grpc.ClientConnInterface
	self            grpc.ClientConnInterface
	ending          <-chan struct{}
	origins         map[string]bool
	proxies         trusted
	maxUpload       int64
	transferTimeout time.Duration
}

// service is one gRPC service and how it is reached.
type service struct {
	contract

	conn grpc.ClientConnInterface
}

// New makes the handler of every route. It fails on a missing connection, on an
// origin that is none, and on a contract that would expose an RPC that is for
// services only.
func New(o Options) (http.Handler, error) {
	if o.Logger == nil {
		return nil, errors.New("gateway: a logger is required")
	}
	var services []service
	for _, c := range contracts() {
		conn := o.Services[c.owner]
		if c.owner == "" {
			conn = anyService(o.Services)
		}
		if conn == nil {
			return nil, fmt.Errorf("gateway: a connection to %s is required", c.owner)
		}
		services = append(services, service{c, conn})
	}
	origins, err := originSet(o.AllowedOrigins)
	if err != nil {
		return nil, err
	}
	proxies, err := trustedProxies(o.TrustedProxies)
	if err != nil {
		return nil, err
	}
	g := &gateway{
		log:             o.Logger,
		filing:          filingv1.NewFilingServiceClient(o.Services["filing"]),
		matters:         counselv1.NewMatterServiceClient(o.Services["counsel"]),
		letters:         counselv1.NewLetterServiceClient(o.Services["counsel"]),
		services:        services,
		feeds:           o.Feeds,
		self:            o.Self,
		ending:          o.Ending,
		origins:         origins,
		proxies:         proxies,
		maxUpload:       orDefault(o.MaxUploadBytes, defaultMaxUpload),
		transferTimeout: orDefault(o.TransferTimeout, defaultTransferTimeout),
	}
	if o.Browser != nil {
		sessions := directoryv1.NewSessionServiceClient(o.Services["directory"])
		if g.browser, err = newBrowser(*o.Browser, sessions, o.Logger); err != nil {
			return nil, err
		}
	}
	if g.json, err = g.jsonHandler(orDefault(o.CallTimeout, defaultCallTimeout)); err != nil {
		return nil, err
	}
	if g.routes, err = g.buildRoutes(); err != nil {
		return nil, err
	}
	return g.withHeaders(g.withCORS(http.HandlerFunc(g.serveRoute))), nil
}

// Server gives the handler the limits a server on an open network needs. Handlers
// of files extend the read and write deadlines for themselves.
func Server(addr string, handler http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      90 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}

// jsonHandler makes the generated handlers. They are registered with clients over
// callConn, and never with RegisterXHandlerServer, which skips interceptors.
func (g *gateway) jsonHandler(timeout time.Duration) (http.Handler, error) {
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.JSONPb{
			MarshalOptions: protojson.MarshalOptions{EmitDefaultValues: true},
		}),
		runtime.WithIncomingHeaderMatcher(nothing),
		runtime.WithOutgoingHeaderMatcher(nothing),
		runtime.WithOutgoingTrailerMatcher(nothing),
		runtime.WithForwardResponseOption(answerETag),
		runtime.WithErrorHandler(func(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
			g.writeError(w, r, err)
		}),
		runtime.WithRoutingErrorHandler(func(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, _ int) {
			g.writeError(w, r, errNoRoute())
		}),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithWriteContentLength(),
	)
	for _, s := range g.services {
		if err := s.register(context.Background(), mux, callConn{ClientConnInterface: s.conn, timeout: timeout}); err != nil {
			return nil, fmt.Errorf("gateway: registering routes: %w", err)
		}
	}
	return mux, nil
}

// answerETag repeats the etag of the resource that is answered as a header.
func answerETag(_ context.Context, w http.ResponseWriter, m proto.Message) error {
	if m != nil {
		setETag(w.Header(), stringField(m, "etag"))
	}
	return nil
}

// nothing lets no header through: callConn writes the metadata of a call itself.
func nothing(string) (string, bool) { return "", false }

func orDefault[T int64 | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

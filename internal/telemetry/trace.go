package telemetry

import (
	"context"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/stats"
)

func newProvider(ctx context.Context, endpoint, process string) (*sdktrace.TracerProvider, error) {
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(endpoint))
	if err != nil {
		return nil, err
	}
	return sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", process))),
	), nil
}

// ServerTraces makes a span of every call a gRPC server takes; nil when traces
// are off.
func (t *Telemetry) ServerTraces() stats.Handler {
	if t.provider == nil {
		return nil
	}
	return otelgrpc.NewServerHandler(t.options()...)
}

// ClientTraces makes a span of every call a gRPC client makes, and passes the
// trace on; nil when traces are off.
func (t *Telemetry) ClientTraces() stats.Handler {
	if t.provider == nil {
		return nil
	}
	return otelgrpc.NewClientHandler(t.options()...)
}

// options name the provider and the propagation, which would be global else.
func (t *Telemetry) options() []otelgrpc.Option {
	return []otelgrpc.Option{
		otelgrpc.WithTracerProvider(t.provider), otelgrpc.WithMeterProvider(noop.NewMeterProvider()),
		otelgrpc.WithPropagators(propagator{}),
		otelgrpc.WithFilter(func(i *stats.RPCTagInfo) bool { return !quiet(i.FullMethodName) }),
	}
}

// quiet are the calls of load balancers, of which there are many.
func quiet(method string) bool { return method == "/grpc.health.v1.Health/Check" }

// propagator is W3C Trace Context. A call that has no traceparent, but an
// x-request-id that could be a trace id, goes on under that id, as it does in the
// log.
type propagator struct{ propagation.TraceContext }

// requestID is the metadata key of an id the client chose.
const requestID = "x-request-id"

// Extract finds the trace of an incoming call.
func (p propagator) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	ctx = p.TraceContext.Extract(ctx, carrier)
	if trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	id, err := trace.TraceIDFromHex(carrier.Get(requestID))
	if err != nil {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: id, SpanID: trace.SpanID(id[8:]), TraceFlags: trace.FlagsSampled, Remote: true,
	}))
}

// HTTP makes a span of every REST request, under the trace the client names. The
// request goes on with the span as its traceparent.
func (t *Telemetry) HTTP(next http.Handler) http.Handler {
	if t.provider == nil {
		return next
	}
	tracer, w3c := t.provider.Tracer("fashen/gateway"), propagation.TraceContext{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := propagation.HeaderCarrier(r.Header)
		ctx, span := tracer.Start(w3c.Extract(r.Context(), header), "HTTP "+r.Method, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		w3c.Inject(ctx, header)
		answer := &answer{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r.WithContext(ctx))
		span.SetAttributes(attribute.Int("http.response.status_code", answer.status))
		if answer.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(answer.status))
		}
	})
}

// answer notes the status of a response.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

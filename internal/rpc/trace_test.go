package rpc_test

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/rpc"
	"fashen/internal/telemetry"
)

func TestTrace(t *testing.T) {
	h := newHarness(t)
	inside := ""
	h.probe.unary = func(ctx context.Context, _ *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		inside = rpc.TraceID(ctx)
		return &directoryv1.Person{}, nil
	}
	h.probe.stream = func(s grpc.ServerStream) error {
		inside = rpc.TraceID(s.Context())
		return s.SendMsg(&directoryv1.Person{})
	}
	const id, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	made := regexp.MustCompile(`^[0-9a-f]{32}$`)
	for name, c := range map[string]struct {
		send []string
		want string // empty: a new one
	}{
		"none":                       {nil, ""},
		"traceparent":                {[]string{"traceparent", "00-" + id + "-" + parent + "-01"}, id},
		"traceparent of a later":     {[]string{"traceparent", "01-" + id + "-" + parent + "-01-more"}, id},
		"traceparent goes first":     {[]string{"traceparent", "00-" + id + "-" + parent + "-01", "x-request-id", "r"}, id},
		"traceparent too long":       {[]string{"traceparent", "00-" + id + "-" + parent + "-01-more"}, ""},
		"traceparent of zeros":       {[]string{"traceparent", "00-" + strings.Repeat("0", 32) + "-" + parent + "-01"}, ""},
		"traceparent without a span": {[]string{"traceparent", "00-" + id + "-" + strings.Repeat("0", 16) + "-01"}, ""},
		"traceparent upper case":     {[]string{"traceparent", "00-" + strings.ToUpper(id) + "-" + parent + "-01"}, ""},
		"traceparent version ff":     {[]string{"traceparent", "ff-" + id + "-" + parent + "-01"}, ""},
		"traceparent cut":            {[]string{"traceparent", "00-" + id}, ""},
		"bad traceparent, good id":   {[]string{"traceparent", "x", "x-request-id", "r-1"}, "r-1"},
		"request id":                 {[]string{"x-request-id", "Ab.c_d-1"}, "Ab.c_d-1"},
		"request id with spaces":     {[]string{"x-request-id", "a b;c"}, ""},
		"request id too long":        {[]string{"x-request-id", strings.Repeat("a", 65)}, ""},
		"two request ids":            {[]string{"x-request-id", "a", "x-request-id", "b"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := metadata.AppendToOutgoingContext(h.drafter(t), c.send...)
			var header metadata.MD
			err := h.tcp.Invoke(ctx, probeMethod("Drafters"), goodRequest(), &directoryv1.Person{}, grpc.Header(&header))
			if err != nil {
				t.Fatal(err)
			}
			answered := header.Get(rpc.MetadataTrace)
			if len(answered) != 1 || answered[0] != inside {
				t.Errorf("answered %q, inside %q", answered, inside)
			}
			if c.want != "" && inside != c.want {
				t.Errorf("trace id %q, want %q", inside, c.want)
			}
			if c.want == "" && !made.MatchString(inside) {
				t.Errorf("trace id %q, want a new one", inside)
			}
		})
	}
	// A refused call and a stream answer it too.
	var header metadata.MD
	ctx := metadata.AppendToOutgoingContext(t.Context(), rpc.MetadataTrace, "refused")
	_ = h.tcp.Invoke(ctx, probeMethod("Drafters"), goodRequest(), &directoryv1.Person{}, grpc.Header(&header))
	if got := header.Get(rpc.MetadataTrace); len(got) != 1 || got[0] != "refused" {
		t.Errorf("a refused call answers %q", got)
	}
	if _, err := upload(metadata.AppendToOutgoingContext(h.drafter(t), rpc.MetadataTrace, "streamed"), h.tcp, goodRequest()); err != nil || inside != "streamed" {
		t.Errorf("a stream has %q, %v", inside, err)
	}
}

// With traces on, the id of the span is the id of the log and of the answer,
// unless the client chose one that is no trace id.
func TestTraceOfSpans(t *testing.T) {
	shown, err := telemetry.New(t.Context(), telemetry.Settings{OTLPEndpoint: "http://127.0.0.1:1"}, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h := newHarness(t, func(o *rpc.Options) { o.Traces = shown.ServerTraces() })
	inside, span := "", ""
	h.probe.unary = func(ctx context.Context, _ *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		inside, span = rpc.TraceID(ctx), trace.SpanContextFromContext(ctx).TraceID().String()
		return &directoryv1.Person{}, nil
	}
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for name, c := range map[string]struct {
		send         []string
		inside, span string // empty: a new one, the same for both
	}{
		"none":                {nil, "", ""},
		"traceparent":         {[]string{"traceparent", "00-" + id + "-00f067aa0ba902b7-01"}, id, id},
		"id as request id":    {[]string{"x-request-id", id}, id, id},
		"another request id":  {[]string{"x-request-id", "r-1"}, "r-1", ""},
		"harmful request id":  {[]string{"x-request-id", "a b"}, "", ""},
		"traceparent of none": {[]string{"traceparent", "00-x"}, "", ""},
	} {
		var header metadata.MD
		ctx := metadata.AppendToOutgoingContext(h.drafter(t), c.send...)
		if err := h.tcp.Invoke(ctx, probeMethod("Drafters"), goodRequest(), &directoryv1.Person{}, grpc.Header(&header)); err != nil {
			t.Fatal(err)
		}
		if got := header.Get("x-request-id"); len(got) != 1 || got[0] != inside {
			t.Errorf("%s: answered %v, logged %s", name, got, inside)
		}
		if c.inside != "" && inside != c.inside || c.span != "" && span != c.span || c.inside == "" && inside != span {
			t.Errorf("%s: logged %s, span %s; want %s, %s", name, inside, span, c.inside, c.span)
		}
	}
}

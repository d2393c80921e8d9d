package rpc_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/rpc"
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

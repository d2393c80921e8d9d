package rpc

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/telemetry"
)

// sink takes log lines that were really encoded.
type sink struct{}

func (sink) Write(p []byte) (int, error) { return len(p), nil }

// transport takes the header of a call and drops it.
type transport struct{}

func (transport) Method() string               { return "" }
func (transport) SetHeader(metadata.MD) error  { return nil }
func (transport) SendHeader(metadata.MD) error { return nil }
func (transport) SetTrailer(metadata.MD) error { return nil }

// BenchmarkSteps measures the chain alone, without a wire.
func BenchmarkSteps(b *testing.B) {
	key, err := auth.NewKey()
	if err != nil {
		b.Fatal(err)
	}
	token, _, err := auth.NewSigner(key, time.Now).UserToken(auth.Caller{
		Person: "regions/120105/people/p1", Region: "regions/120105", Session: "s1",
		Roles: []corev1.Role{corev1.Role_ROLE_SYSTEM_ADMINISTRATOR},
	})
	if err != nil {
		b.Fatal(err)
	}
	shown, err := telemetry.New(b.Context(), telemetry.Settings{MetricsAddr: "127.0.0.1:0"}, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	c := &chain{stopping: context.Background(), options: Options{
		Logger:   slog.New(slog.NewJSONHandler(sink{}, nil)),
		Verifier: auth.NewVerifier(time.Now, auth.NewRevocations(time.Now), key),
		Clock:    time.Now,
		Service:  "directory",
		Limits:   Limits{}.withDefaults(),
	}}
	ctx := metadata.NewIncomingContext(context.Background(), metadata.Pairs(auth.MetadataUser, "Bearer "+token))
	ctx = grpc.NewContextWithServerTransportStream(ctx, transport{})
	handler := func(context.Context, any) (any, error) { return nil, nil }
	create := &directoryv1.CreatePersonRequest{
		Parent:    "regions/120105",
		Person:    &directoryv1.Person{DisplayName: "示例甲", Login: "sample.a"},
		RequestId: "request-1",
	}
	for _, bench := range []struct {
		method  string
		request any
	}{
		{"/fashen.directory.v1.DirectoryService/GetPerson", &directoryv1.GetPersonRequest{Name: "regions/120105/people/p1"}},
		{"/fashen.directory.v1.DirectoryService/CreatePerson", create},
	} {
		for name, observe := range map[string]func(string, *status.Status, time.Duration){"": nil, "/metrics": shown.Observer()} {
			c.options.Observe = observe
			b.Run(bench.method[len("/fashen.directory.v1.DirectoryService/"):]+name, func(b *testing.B) {
				info := &grpc.UnaryServerInfo{FullMethod: bench.method}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := c.unary(ctx, bench.request, info, handler); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

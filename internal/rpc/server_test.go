package rpc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/rpc"
)

// sessions is a small SessionService, to see a generated service behind the chain.
type sessions struct {
	directoryv1.UnimplementedSessionServiceServer
}

func (sessions) SignIn(_ context.Context, r *directoryv1.SignInRequest) (*directoryv1.Session, error) {
	return &directoryv1.Session{Person: &directoryv1.Person{Login: r.GetLogin()}}, nil
}

func (sessions) GetCaller(ctx context.Context, _ *directoryv1.GetCallerRequest) (*directoryv1.Person, error) {
	caller, _ := auth.CallerFrom(ctx)
	return &directoryv1.Person{Name: caller.Person}, nil
}

func TestGeneratedService(t *testing.T) {
	h := newHarness(t)
	server := rpc.NewServer(h.options())
	directoryv1.RegisterSessionServiceServer(server, sessions{})
	conn, err := rpc.InProcess(server, rpc.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop(t.Context())
	defer conn.Close()
	client := directoryv1.NewSessionServiceClient(conn)
	session, err := client.SignIn(t.Context(), &directoryv1.SignInRequest{Login: "sample", Password: "x"})
	if err != nil || session.GetPerson().GetLogin() != "sample" {
		t.Errorf("SignIn: %v, %v", session, err)
	}
	_, err = client.SignIn(t.Context(), &directoryv1.SignInRequest{Login: "sample"})
	expect(t, err, codes.InvalidArgument, "STRING_MIN_LEN")
	_, err = client.GetCaller(t.Context(), &directoryv1.GetCallerRequest{})
	expect(t, err, codes.Unauthenticated, rpc.ReasonTokenMissing)
	person, err := client.GetCaller(h.drafter(t), &directoryv1.GetCallerRequest{})
	if err != nil || person.GetName() != "regions/120105/people/p1" {
		t.Errorf("GetCaller: %v, %v", person, err)
	}
	_, err = client.SignOut(h.drafter(t), &directoryv1.SignOutRequest{})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("a method nobody wrote: %v", err)
	}
}

func TestHealthAndReflection(t *testing.T) {
	h := newHarness(t)
	check := func(service string) healthpb.HealthCheckResponse_ServingStatus {
		t.Helper()
		answer, err := healthpb.NewHealthClient(h.memory).Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil {
			if status.Code(err) == codes.NotFound {
				return healthpb.HealthCheckResponse_SERVICE_UNKNOWN
			}
			t.Fatal(err)
		}
		return answer.GetStatus()
	}
	h.server.Unready()
	for _, service := range []string{"", probeName} {
		if got := check(service); got != healthpb.HealthCheckResponse_NOT_SERVING {
			t.Errorf("before Ready, health of %q is %v", service, got)
		}
	}
	h.server.Ready()
	for service, want := range map[string]healthpb.HealthCheckResponse_ServingStatus{
		"":                         healthpb.HealthCheckResponse_SERVING,
		probeName:                  healthpb.HealthCheckResponse_SERVING,
		"fashen.filing.v1.NotHere": healthpb.HealthCheckResponse_SERVICE_UNKNOWN,
	} {
		if got := check(service); got != want {
			t.Errorf("health of %q is %v, want %v", service, got, want)
		}
	}
	for _, step := range []struct {
		store   string
		answers bool
		whole   healthpb.HealthCheckResponse_ServingStatus
		probe   healthpb.HealthCheckResponse_ServingStatus
	}{
		{"filing", false, healthpb.HealthCheckResponse_NOT_SERVING, healthpb.HealthCheckResponse_SERVING},
		{"rpctest", false, healthpb.HealthCheckResponse_NOT_SERVING, healthpb.HealthCheckResponse_NOT_SERVING},
		{"filing", true, healthpb.HealthCheckResponse_NOT_SERVING, healthpb.HealthCheckResponse_NOT_SERVING},
		{"rpctest", true, healthpb.HealthCheckResponse_SERVING, healthpb.HealthCheckResponse_SERVING},
	} {
		h.server.StoreAnswers(step.store, step.answers)
		if whole, probe := check(""), check(probeName); whole != step.whole || probe != step.probe {
			t.Errorf("store of %s answers: %t: health is %v, of the service %v", step.store, step.answers, whole, probe)
		}
	}
	stream, err := reflectionpb.NewServerReflectionClient(h.tcp).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := &reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(ask); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range answer.GetListServicesResponse().GetService() {
		names[s.GetName()] = true
	}
	if !names[probeName] || !names["grpc.health.v1.Health"] {
		t.Errorf("reflection lists %v", names)
	}
	stream.CloseSend()
}

// Health says NOT_SERVING first, a call in progress finishes, and a health watch
// does not hold the server up.
func TestStop(t *testing.T) {
	h := newHarness(t, func(o *rpc.Options) { o.Drain = 500 * time.Millisecond })
	h.server.Ready()
	inside, release := make(chan struct{}), make(chan struct{})
	h.probe.unary = func(context.Context, *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		close(inside)
		<-release
		return &directoryv1.Person{}, nil
	}
	watch, err := healthpb.NewHealthClient(h.tcp).Watch(t.Context(), &healthpb.HealthCheckRequest{Service: probeName})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := watch.Recv(); err != nil || first.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Fatalf("watch: %v, %v", first, err)
	}
	called := make(chan error, 1)
	ctx := h.drafter(t)
	go func() { called <- call(ctx, h.tcp, "Drafters") }()
	<-inside
	stopped := make(chan error, 1)
	go func() { stopped <- h.server.Stop(context.Background()) }()

	next, err := watch.Recv()
	if err != nil || next.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Fatalf("watch while stopping: %v, %v", next, err)
	}
	if _, err := watch.Recv(); err == nil {
		t.Error("the watch goes on after the server stopped")
	}
	select {
	case err := <-stopped:
		t.Fatalf("stopped (%v) while a call was in progress", err)
	default:
	}
	close(release)
	if err := <-called; err != nil {
		t.Errorf("the call in progress: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Stop: %v", err)
	}
	if err := call(ctx, h.memory, "Anyone"); status.Code(err) != codes.Unavailable {
		t.Errorf("a call after the end: %v", err)
	}
}

// A call that does not end is cut off when the time is over.
func TestStopInTime(t *testing.T) {
	h := newHarness(t, func(o *rpc.Options) { o.Drain = time.Hour })
	inside := make(chan struct{})
	h.probe.unary = func(ctx context.Context, _ *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		close(inside)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	called := make(chan error, 1)
	ctx := h.drafter(t)
	go func() { called <- call(ctx, h.tcp, "Drafters") }()
	<-inside
	limit, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := h.server.Stop(limit); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stop: %v", err)
	}
	if err := <-called; status.Code(err) != codes.Unavailable {
		t.Errorf("the call that was cut off: %v", err)
	}
}

// Two connections in memory share one listener of the server.
func TestInProcessTwice(t *testing.T) {
	h := newHarness(t)
	for range 2 {
		conn, err := rpc.InProcess(h.server, rpc.ClientOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := call(h.drafter(t), conn, "Drafters"); err != nil {
			t.Error(err)
		}
		conn.Close()
	}
}

package rpc_test

import (
	"context"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// A method that calls another one takes the person, the trace id and its own
// service with it, for unary calls and streams.
func TestPassOn(t *testing.T) {
	h := newHarness(t)
	conn, err := rpc.InProcess(h.server, rpc.ClientOptions{Service: "filing", Signer: h.signer})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	type seen struct {
		caller auth.Caller
		trace  string
		origin docstore.Origin
	}
	look := func(ctx context.Context) seen {
		caller, _ := auth.CallerFrom(ctx)
		origin, _ := docstore.OriginFrom(ctx)
		return seen{caller, rpc.TraceID(ctx), origin}
	}
	var inner seen
	h.probe.stream = func(s grpc.ServerStream) error {
		inner = look(s.Context())
		return s.SendMsg(&directoryv1.Person{})
	}
	h.probe.unary = func(ctx context.Context, r *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		method, _ := grpc.Method(ctx)
		if method == probeMethod("Services") {
			inner = look(ctx)
			return &directoryv1.Person{}, nil
		}
		if r.GetPerson().GetLawFirm() == "stream" {
			return upload(ctx, conn, goodRequest())
		}
		return &directoryv1.Person{}, call(ctx, conn, "Services")
	}
	for _, kind := range []string{"unary", "stream"} {
		request := goodRequest()
		request.Person.LawFirm = kind
		ctx := metadata.AppendToOutgoingContext(h.drafter(t), rpc.MetadataTrace, "trace-"+kind)
		if err := h.tcp.Invoke(ctx, probeMethod("Drafters"), request, &directoryv1.Person{}); err != nil {
			t.Fatal(err)
		}
		if inner.caller.Person != "regions/120105/people/p1" || inner.caller.Via != "services/filing" || inner.trace != "trace-"+kind ||
			inner.origin.Actor != "regions/120105/people/p1" || inner.origin.ViaService != "services/filing" {
			t.Errorf("%s: inner call %+v", kind, inner)
		}
	}
}

// A connection without a service of its own passes on the person alone, and what
// the caller put into the call itself stands.
func TestPassOnWithoutService(t *testing.T) {
	h := newHarness(t)
	incoming := metadata.NewIncomingContext(t.Context(), metadata.Pairs(auth.MetadataUser, "Bearer x"))
	expect(t, call(incoming, h.memory, "SignedIn"), codes.Unauthenticated, rpc.ReasonTokenInvalid)
	both := metadata.AppendToOutgoingContext(incoming, auth.MetadataUser, "Bearer "+h.token(t))
	expect(t, call(both, h.memory, "SignedIn"), codes.OK, "")
	expect(t, call(t.Context(), h.memory, "SignedIn"), codes.Unauthenticated, rpc.ReasonTokenMissing)
	// A service's token is never taken over from whoever called us.
	service, _ := h.signer.ServiceToken("filing")
	stolen := metadata.NewIncomingContext(t.Context(), metadata.Pairs(
		auth.MetadataUser, "Bearer "+h.token(t), auth.MetadataService, service))
	expect(t, call(stolen, h.memory, "Services"), codes.PermissionDenied, rpc.ReasonServiceOnly)
}

func TestServiceThatHasNoName(t *testing.T) {
	h := newHarness(t)
	conn, err := rpc.InProcess(h.server, rpc.ClientOptions{Service: "a/b", Signer: h.signer})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := call(h.drafter(t), conn, "Anyone"); err == nil {
		t.Error("a call as services/a/b went out")
	}
	if _, err := upload(h.drafter(t), conn, goodRequest()); err == nil {
		t.Error("a stream as services/a/b went out")
	}
}

// A service does what is left of something a caller asked of it: where no role
// opens the RPC, and with its own token beside.
func TestActFor(t *testing.T) {
	h := newHarness(t)
	conn, err := rpc.InProcess(h.server, rpc.ClientOptions{Service: "filing", Signer: h.signer})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var seen auth.Caller
	var origin docstore.Origin
	h.probe.unary = func(ctx context.Context, _ *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		seen, _ = auth.CallerFrom(ctx)
		origin, _ = docstore.OriginFrom(ctx)
		return &directoryv1.Person{}, nil
	}
	system := auth.Caller{
		Person: "regions/120105/systems/oa", Region: "regions/120105", Bureau: "regions/120105/bureaus/b1", Session: "key",
		Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER}, Services: []string{"filing"},
	}
	ctx := rpc.ActFor(t.Context(), system)
	expect(t, call(ctx, conn, "Services"), codes.OK, "")
	if seen.Person != system.Person || seen.Via != "services/filing" || seen.Vouched != "services/filing" || !seen.IsSystem() ||
		!slices.Equal(seen.Viewers(), system.Viewers()) || origin.Actor != system.Person || origin.ViaService != "services/filing" {
		t.Errorf("seen %+v, origin %+v", seen, origin)
	}
	expect(t, call(ctx, conn, "SignedIn"), codes.OK, "")
	expect(t, call(ctx, conn, "Drafters"), codes.Unauthenticated, rpc.ReasonTokenInvalid)
	token, err := h.signer.ActingToken("filing", system)
	if err != nil {
		t.Fatal(err)
	}
	bare := metadata.AppendToOutgoingContext(t.Context(), auth.MetadataUser, "Bearer "+token)
	expect(t, call(bare, h.tcp, "SignedIn"), codes.Unauthenticated, rpc.ReasonTokenInvalid)
	other, err := rpc.InProcess(h.server, rpc.ClientOptions{Service: "counsel", Signer: h.signer})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	expect(t, call(bare, other, "Services"), codes.OK, "")
	h.clock.move(auth.ServiceTokenLife)
	expect(t, call(bare, other, "Services"), codes.Unauthenticated, rpc.ReasonTokenExpired)
	if err := call(rpc.ActFor(t.Context(), auth.Caller{}), conn, "Services"); err == nil {
		t.Error("a service acted for nobody")
	}
}

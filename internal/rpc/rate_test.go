package rpc_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"fashen/internal/auth"
	"fashen/internal/rpc"
)

func rated(r rpc.Rates) func(*rpc.Options) { return func(o *rpc.Options) { o.Rates = r } }

// person is a context with the token of a person of one's own.
func (h *harness) person(t *testing.T, id string) context.Context {
	t.Helper()
	token, _, err := h.signer.UserToken(auth.Caller{Person: "regions/120105/people/" + id, Region: "regions/120105", Session: id})
	if err != nil {
		t.Fatal(err)
	}
	return metadata.AppendToOutgoingContext(t.Context(), auth.MetadataUser, "Bearer "+token)
}

func TestRateOfACaller(t *testing.T) {
	h := newHarness(t, rated(rpc.Rates{Caller: 5}))
	one, other := h.person(t, "p1"), h.person(t, "p2")
	for range 10 {
		expect(t, call(one, h.tcp, "SignedIn"), codes.OK, "")
	}
	err := call(one, h.tcp, "SignedIn")
	expect(t, err, codes.ResourceExhausted, rpc.ReasonRateLimited)
	if wait := detail[*errdetails.RetryInfo](err).GetRetryDelay().AsDuration(); wait != 200*time.Millisecond {
		t.Errorf("told to come again after %v, want 200ms", wait)
	}
	expect(t, call(other, h.tcp, "SignedIn"), codes.OK, "")
	h.clock.move(200 * time.Millisecond)
	expect(t, call(one, h.memory, "SignedIn"), codes.OK, "")
	expect(t, call(one, h.memory, "SignedIn"), codes.ResourceExhausted, rpc.ReasonRateLimited)
	h.clock.move(time.Minute)
	for range 10 {
		expect(t, call(one, h.tcp, "SignedIn"), codes.OK, "")
	}
	expect(t, call(one, h.tcp, "SignedIn"), codes.ResourceExhausted, rpc.ReasonRateLimited)
}

// What a service asks of another is part of a call that was counted already; what
// the gateway passes on is the client's own.
func TestRateOfWhatIsPassedOn(t *testing.T) {
	h := newHarness(t, rated(rpc.Rates{Caller: 1}))
	through := func(service string) context.Context {
		token, err := h.signer.ServiceToken(service)
		if err != nil {
			t.Fatal(err)
		}
		return metadata.AppendToOutgoingContext(h.person(t, "of-"+service), auth.MetadataService, token)
	}
	for range 5 {
		expect(t, call(through("filing"), h.tcp, "Services"), codes.OK, "")
	}
	expect(t, call(through("gateway"), h.tcp, "Services"), codes.PermissionDenied, rpc.ReasonServiceOnly)
	expect(t, call(through("gateway"), h.tcp, "SignedIn"), codes.OK, "")
	expect(t, call(through("gateway"), h.tcp, "SignedIn"), codes.ResourceExhausted, rpc.ReasonRateLimited)
}

// Without a valid credential the address counts; the valid ones from there pass.
func TestRateOfAnAddress(t *testing.T) {
	h := newHarness(t, rated(rpc.Rates{Unauthenticated: 1, SignIn: 2}))
	gateway, err := h.signer.ServiceToken(rpc.GatewayService)
	if err != nil {
		t.Fatal(err)
	}
	from := func(address string) context.Context {
		return metadata.AppendToOutgoingContext(t.Context(), rpc.MetadataClient, address, auth.MetadataService, gateway)
	}
	for _, who := range []context.Context{
		t.Context(), from("192.0.2.1"), from("192.0.2.2"), from("2001:db8::1"), from("2001:db8:0:1::1"),
	} {
		for range 2 {
			expect(t, call(who, h.tcp, "SignedIn"), codes.Unauthenticated, rpc.ReasonTokenMissing)
		}
		expect(t, call(who, h.tcp, "SignedIn"), codes.ResourceExhausted, rpc.ReasonRateLimited)
		for range 4 {
			expect(t, call(who, h.tcp, "Anyone"), codes.OK, "")
		}
		expect(t, call(who, h.tcp, "Anyone"), codes.ResourceExhausted, rpc.ReasonRateLimited)
	}
	expect(t, call(from("2001:db8::2"), h.tcp, "SignedIn"), codes.ResourceExhausted, rpc.ReasonRateLimited)
	expect(t, call(h.drafter(t), h.tcp, "SignedIn"), codes.OK, "")

	claims := metadata.AppendToOutgoingContext(t.Context(), rpc.MetadataClient, "192.0.2.3")
	expect(t, call(claims, h.tcp, "Anyone"), codes.ResourceExhausted, rpc.ReasonRateLimited)
}

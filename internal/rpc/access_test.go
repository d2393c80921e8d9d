package rpc_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/rpc"
)

func TestAccess(t *testing.T) {
	h := newHarness(t)
	service, err := h.signer.ServiceToken("filing")
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := h.signer.ServiceToken(rpc.GatewayService)
	if err != nil {
		t.Fatal(err)
	}
	nobody := t.Context()
	drafter := h.drafter(t)
	clerk := h.as(t)
	administrator := h.as(t, corev1.Role_ROLE_SYSTEM_ADMINISTRATOR)
	with := func(ctx context.Context, kv ...string) context.Context {
		return metadata.AppendToOutgoingContext(ctx, kv...)
	}
	const (
		ok     = codes.OK
		unauth = codes.Unauthenticated
		denied = codes.PermissionDenied
	)
	h.both(t, func(t *testing.T, conn *grpc.ClientConn) {
		for _, c := range []struct {
			name   string
			ctx    context.Context
			method string
			code   codes.Code
			reason string
		}{
			{"nobody", nobody, "Anyone", ok, ""},
			{"nobody", nobody, "SignedIn", unauth, rpc.ReasonTokenMissing},
			{"nobody", nobody, "Drafters", unauth, rpc.ReasonTokenMissing},
			{"nobody", nobody, "Services", unauth, rpc.ReasonTokenMissing},
			{"nobody", nobody, "Undeclared", denied, rpc.ReasonNoAccessRule},
			{"drafter", drafter, "Anyone", ok, ""},
			{"drafter", drafter, "SignedIn", ok, ""},
			{"drafter", drafter, "Drafters", ok, ""},
			{"drafter", drafter, "Services", denied, rpc.ReasonServiceOnly},
			{"drafter", drafter, "Undeclared", denied, rpc.ReasonNoAccessRule},
			{"drafter", drafter, "Nobody", denied, rpc.ReasonRoleRequired},
			{"reviewer", h.as(t, corev1.Role_ROLE_REVIEWER), "Drafters", ok, ""},
			{"no roles", clerk, "SignedIn", ok, ""},
			{"no roles", clerk, "Drafters", denied, rpc.ReasonRoleRequired},
			{"wrong role", administrator, "Drafters", denied, rpc.ReasonRoleRequired},
			{"service for a person", with(drafter, auth.MetadataService, service), "Services", ok, ""},
			{"service for a person", with(drafter, auth.MetadataService, service), "Drafters", ok, ""},
			{"service alone", with(nobody, auth.MetadataService, service), "Services", unauth, rpc.ReasonTokenMissing},
			{"nobody", nobody, "Gateway", denied, rpc.ReasonServiceOnly},
			{"drafter", drafter, "Gateway", denied, rpc.ReasonServiceOnly},
			{"service alone", with(nobody, auth.MetadataService, service), "Gateway", denied, rpc.ReasonServiceOnly},
			{"a person as the gateway", with(nobody, auth.MetadataService, h.token(t)), "Gateway", denied, rpc.ReasonServiceOnly},
			{"forged gateway", with(nobody, auth.MetadataService, gateway+"x"), "Gateway", denied, rpc.ReasonServiceOnly},
			{"gateway", with(nobody, auth.MetadataService, gateway), "Gateway", ok, ""},
			{"service as a person", with(nobody, auth.MetadataUser, "Bearer "+service), "SignedIn", unauth, rpc.ReasonTokenInvalid},
			{"person as a service", with(drafter, auth.MetadataService, h.token(t)), "Services", unauth, rpc.ReasonServiceToken},
			{"forged service", with(drafter, auth.MetadataService, service+"x"), "SignedIn", unauth, rpc.ReasonServiceToken},
			{"two services", with(drafter, auth.MetadataService, service, auth.MetadataService, service), "Services", unauth, rpc.ReasonServiceToken},
			{"two persons", with(drafter, auth.MetadataUser, "Bearer "+h.token(t)), "SignedIn", unauth, rpc.ReasonTokenInvalid},
			{"no scheme", with(nobody, auth.MetadataUser, h.token(t)), "SignedIn", unauth, rpc.ReasonTokenInvalid},
			{"other scheme", with(nobody, auth.MetadataUser, "Basic "+h.token(t)), "SignedIn", unauth, rpc.ReasonTokenInvalid},
			{"lower-case scheme", with(nobody, auth.MetadataUser, "bearer "+h.token(t)), "SignedIn", ok, ""},
			{"noise", with(nobody, auth.MetadataUser, "Bearer x.y.z"), "SignedIn", unauth, rpc.ReasonTokenInvalid},
			{"noise on an open method", with(nobody, auth.MetadataUser, "Bearer x.y.z"), "Anyone", ok, ""},
		} {
			t.Run(c.name+" "+c.method, func(t *testing.T) {
				expect(t, call(c.ctx, conn, c.method), c.code, c.reason)
			})
		}
	})
}

// A token that is forged, for others, over or taken back is refused over the wire.
func TestBadTokens(t *testing.T) {
	h := newHarness(t)
	stranger := newHarness(t)
	bearer := func(token string) context.Context {
		return metadata.AppendToOutgoingContext(t.Context(), auth.MetadataUser, "Bearer "+token)
	}
	token := h.token(t)
	parts := strings.Split(token, ".")
	// {"alg":"none","typ":"JWT"}
	none := "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + parts[1] + "."
	h.both(t, func(t *testing.T, conn *grpc.ClientConn) {
		expect(t, call(bearer(token), conn, "SignedIn"), codes.OK, "")
		expect(t, call(bearer(none), conn, "SignedIn"), codes.Unauthenticated, rpc.ReasonTokenInvalid)
		expect(t, call(bearer(stranger.token(t)), conn, "SignedIn"), codes.Unauthenticated, rpc.ReasonTokenInvalid)
	})
	h.revocations.RevokeSession("s1", time.Time{})
	h.both(t, func(t *testing.T, conn *grpc.ClientConn) {
		expect(t, call(bearer(token), conn, "SignedIn"), codes.Unauthenticated, rpc.ReasonTokenRevoked)
	})
	h.clock.move(auth.UserTokenLife)
	h.both(t, func(t *testing.T, conn *grpc.ClientConn) {
		expect(t, call(bearer(token), conn, "SignedIn"), codes.Unauthenticated, rpc.ReasonTokenExpired)
	})
}

func TestStreamAccess(t *testing.T) {
	h := newHarness(t)
	h.probe.stream = func(s grpc.ServerStream) error { return s.SendMsg(&directoryv1.Person{}) }
	download := func(ctx context.Context, conn *grpc.ClientConn, method string) error {
		s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, probeMethod(method))
		if err != nil {
			return err
		}
		// EOF here says that the answer is there already.
		if err := s.SendMsg(goodRequest()); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		s.CloseSend()
		return s.RecvMsg(&directoryv1.Person{})
	}
	h.both(t, func(t *testing.T, conn *grpc.ClientConn) {
		expect(t, download(h.drafter(t), conn, "Download"), codes.OK, "")
		expect(t, download(t.Context(), conn, "Download"), codes.Unauthenticated, rpc.ReasonTokenMissing)
		expect(t, download(h.as(t), conn, "Download"), codes.PermissionDenied, rpc.ReasonRoleRequired)
		expect(t, download(h.drafter(t), conn, "UndeclaredStream"), codes.PermissionDenied, rpc.ReasonNoAccessRule)
	})
}

// The method sees who calls, and which service passed the call on.
func TestCaller(t *testing.T) {
	h := newHarness(t)
	var got auth.Caller
	var known bool
	h.probe.unary = func(ctx context.Context, _ *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		got, known = auth.CallerFrom(ctx)
		return &directoryv1.Person{}, nil
	}
	if err := call(h.drafter(t), h.tcp, "SignedIn"); err != nil {
		t.Fatal(err)
	}
	if !known || got.Person != "regions/120105/people/p1" || got.Bureau != "regions/120105/bureaus/b1" || got.Via != "" || !got.Has(corev1.Role_ROLE_DRAFTER) {
		t.Errorf("caller %+v", got)
	}
	conn, err := rpc.InProcess(h.server, rpc.ClientOptions{Service: "filing", Signer: h.signer})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := call(h.drafter(t), conn, "Services"); err != nil {
		t.Fatal(err)
	}
	if got.Person != "regions/120105/people/p1" || got.Via != "services/filing" {
		t.Errorf("caller through a service %+v", got)
	}
	if err := call(h.drafter(t), h.tcp, "Anyone"); err != nil {
		t.Fatal(err)
	}
	if known {
		t.Errorf("an open method was told of %+v", got)
	}
}

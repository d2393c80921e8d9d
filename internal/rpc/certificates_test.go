package rpc_test

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/rpc"
	"fashen/internal/rpc/rpctest"
)

// outside is a connection of a program outside: it knows the authority and has no
// certificate.
func (h *harness) outside(t *testing.T) *grpc.ClientConn {
	t.Helper()
	return dial(t, h.address, credentials.NewTLS(&tls.Config{RootCAs: h.authority.Pool(), MinVersion: tls.VersionTLS13}))
}

func dial(t *testing.T, address string, c credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(c))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// peer is a connection of a process with the certificate of an authority.
func (h *harness) peer(t *testing.T, files rpc.CertificateFiles, o rpc.ClientOptions, addresses ...string) *grpc.ClientConn {
	t.Helper()
	o.Certificates = h.load(t, files)
	if addresses == nil {
		addresses = []string{h.address}
	}
	conn, err := rpc.Dial(addresses, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// A service's token counts from a process with a certificate, or in memory, and
// from nobody else who has got hold of it.
func TestServiceNeedsACertificate(t *testing.T) {
	h := newHarness(t)
	h.probe.unary = func(ctx context.Context, _ *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		caller, _ := auth.CallerFrom(ctx)
		return &directoryv1.Person{Name: caller.Person}, nil
	}
	token, err := h.signer.ServiceToken("filing")
	if err != nil {
		t.Fatal(err)
	}
	both := metadata.AppendToOutgoingContext(h.drafter(t), auth.MetadataService, token)
	alone := metadata.AppendToOutgoingContext(t.Context(), auth.MetadataService, token)
	for name, conn := range map[string]*grpc.ClientConn{"certificate": h.tcp, "memory": h.memory} {
		t.Run(name, func(t *testing.T) {
			expect(t, call(both, conn, "Services"), codes.OK, "")
			expect(t, call(alone, conn, "Itself"), codes.OK, "")
		})
	}
	outside := h.outside(t)
	expect(t, call(h.drafter(t), outside, "SignedIn"), codes.OK, "")
	expect(t, call(both, outside, "Services"), codes.Unauthenticated, rpc.ReasonServiceCertificate)
	expect(t, call(both, outside, "SignedIn"), codes.Unauthenticated, rpc.ReasonServiceCertificate)
	expect(t, call(alone, outside, "Itself"), codes.Unauthenticated, rpc.ReasonServiceCertificate)
}

// What a service calls in its own name: no person, no gateway, nobody else.
func TestServiceItself(t *testing.T) {
	h := newHarness(t)
	var seen auth.Caller
	h.probe.unary = func(ctx context.Context, _ *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		seen, _ = auth.CallerFrom(ctx)
		return &directoryv1.Person{}, nil
	}
	as := func(service string, o rpc.ClientOptions) *grpc.ClientConn {
		o.Service, o.Signer = service, h.signer
		return h.peer(t, h.files, o)
	}
	incoming := metadata.NewIncomingContext(t.Context(), metadata.Pairs(auth.MetadataUser, "Bearer "+h.token(t)))
	expect(t, call(incoming, as("filing", rpc.ClientOptions{Alone: true}), "Itself"), codes.OK, "")
	if seen.Person != "services/filing" || seen.Via != "services/filing" || len(seen.Roles) > 0 {
		t.Errorf("seen %+v", seen)
	}
	expect(t, call(incoming, as("filing", rpc.ClientOptions{Alone: true}), "SignedIn"), codes.Unauthenticated, rpc.ReasonTokenMissing)
	expect(t, call(h.drafter(t), h.tcp, "Itself"), codes.PermissionDenied, rpc.ReasonServiceOnly)
	expect(t, call(t.Context(), h.tcp, "Itself"), codes.Unauthenticated, rpc.ReasonTokenMissing)
	expect(t, call(t.Context(), as("gateway", rpc.ClientOptions{}), "Itself"), codes.PermissionDenied, rpc.ReasonServiceOnly)
	forged := metadata.AppendToOutgoingContext(t.Context(), auth.MetadataService, h.token(t))
	expect(t, call(forged, h.tcp, "Itself"), codes.Unauthenticated, rpc.ReasonServiceToken)
}

// Neither side takes a certificate of another authority, for another host, or none.
func TestWrongCertificates(t *testing.T) {
	h := newHarness(t)
	stranger := rpctest.NewAuthority(t)
	unavailable := func(name string, conn *grpc.ClientConn) {
		t.Helper()
		if err := call(h.drafter(t), conn, "SignedIn"); status.Code(err) != codes.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	unavailable("a server of another authority", h.peer(t, stranger.Issue(t, t.TempDir(), "127.0.0.1"), rpc.ClientOptions{}))
	unavailable("a client of another authority", h.peer(t, stranger.Issue(t, t.TempDir(), "127.0.0.1", h.authority), rpc.ClientOptions{}))
	unavailable("a client without TLS", dial(t, h.address, insecure.NewCredentials()))
	_, port, _ := net.SplitHostPort(h.address)
	unavailable("a server of another name", h.peer(t, h.files, rpc.ClientOptions{}, "localhost:"+port))
}

func TestCertificateFilesAtFault(t *testing.T) {
	authority := rpctest.NewAuthority(t)
	good, other := authority.Issue(t, t.TempDir(), "filing"), authority.Issue(t, t.TempDir(), "filing")
	empty := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string]rpc.CertificateFiles{
		other.Key: {Certificate: good.Certificate, Key: other.Key, Authorities: good.Authorities},
		empty:     {Certificate: good.Certificate, Key: good.Key, Authorities: empty},
		"absent":  {Certificate: good.Certificate, Key: good.Key, Authorities: "absent"},
	} {
		if _, err := rpc.LoadCertificates(files, time.Now, nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Authorities and certificates are exchanged under load: calls on the connections
// that are there go on, new ones are made with the new files, and none fails.
func TestCertificatesChange(t *testing.T) {
	h := newHarness(t)
	before, after := h.authority, rpctest.NewAuthority(t)
	folder := filepath.Dir(h.files.Certificate)
	fresh := func() *grpc.ClientConn { return h.peer(t, h.files, rpc.ClientOptions{}) }
	calls, stop := make(chan error), make(chan struct{})
	ctx := h.drafter(t)
	go func() {
		defer close(calls)
		for {
			select {
			case <-stop:
				return
			case calls <- call(ctx, h.tcp, "SignedIn"):
			}
		}
	}()
	some := func() {
		t.Helper()
		for range 20 {
			if err := <-calls; err != nil {
				t.Fatalf("a call while certificates change: %v", err)
			}
		}
	}
	change := func(issuer *rpctest.Authority, trusted ...*rpctest.Authority) {
		t.Helper()
		some()
		issuer.Issue(t, folder, "127.0.0.1", trusted...)
		h.clock.move(time.Second)
		some()
		expect(t, call(ctx, fresh(), "SignedIn"), codes.OK, "")
	}
	change(before, before, after) // both are trusted,
	change(after, before, after)  // then the new one issues,
	change(after, after)          // then the old one is trusted no more
	old := before.Issue(t, t.TempDir(), "127.0.0.1", after)
	if err := call(ctx, h.peer(t, old, rpc.ClientOptions{}), "SignedIn"); status.Code(err) != codes.Unavailable {
		t.Errorf("a certificate of the authority that was taken away: %v", err)
	}
	// Half a change is none.
	if err := os.WriteFile(h.files.Key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.clock.move(time.Second)
	whole := h.peer(t, after.Issue(t, t.TempDir(), "127.0.0.1"), rpc.ClientOptions{})
	expect(t, call(ctx, whole, "SignedIn"), codes.OK, "")
	h.logs.await(t, "certificates not read again")
	some()
	close(stop)
	for range calls { // what is under way ends
	}
}

package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/rpc"
	"fashen/internal/rpc/rpctest"
)

// harness is a server with the whole chain, reached over TCP on loopback, with
// certificates on both sides, and through memory.
type harness struct {
	server      *rpc.Server
	address     string
	tcp, memory *grpc.ClientConn
	// authority issued certificates, which files hold.
	authority    *rpctest.Authority
	files        rpc.CertificateFiles
	certificates *rpc.Certificates

	probe       *probe
	logs        *logBuffer
	signer      *auth.Signer
	verifier    *auth.Verifier
	revocations *auth.Revocations
	clock       *clock
}

// clock is a time that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// logBuffer keeps the lines of the access log and tells of new ones.
type logBuffer struct {
	mu      sync.Mutex
	b       bytes.Buffer
	written chan struct{}
}

func newLogBuffer() *logBuffer { return &logBuffer{written: make(chan struct{}, 1)} }

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.written <- struct{}{}:
	default:
	}
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// await waits until the log holds a text: the line of a call is written a moment
// after its client has the answer.
func (l *logBuffer) await(t *testing.T, text string) string {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		if s := l.String(); strings.Contains(s, text) {
			return s
		}
		select {
		case <-l.written:
		case <-limit:
			t.Fatalf("no %q in the log:\n%s", text, l)
		}
	}
}

func newHarness(t testing.TB, change ...func(*rpc.Options)) *harness {
	t.Helper()
	h := &harness{
		probe: &probe{},
		logs:  newLogBuffer(),
		clock: &clock{at: time.Date(2026, 5, 12, 1, 0, 0, 0, time.UTC)},
	}
	key, err := auth.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	h.signer = auth.NewSigner(key, h.clock.now)
	h.revocations = auth.NewRevocations(h.clock.now)
	h.verifier = auth.NewVerifier(h.clock.now, h.revocations, key)
	h.authority = rpctest.NewAuthority(t)
	h.files = h.authority.Issue(t, t.TempDir(), "127.0.0.1")
	h.certificates = h.load(t, h.files)
	options := h.options()
	for _, c := range change {
		c(&options)
	}
	h.server = rpc.NewServer(options)
	h.probe.register(h.server)
	h.probe.unary = func(context.Context, *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		return &directoryv1.Person{}, nil
	}
	h.connect(t)
	h.server.Ready()
	return h
}

func (h *harness) options() rpc.Options {
	return rpc.Options{
		Logger:   slog.New(slog.NewJSONHandler(h.logs, nil)),
		Verifier: h.verifier,
		Clock:    h.clock.now,
		Service:  "directory",

		Certificates: h.certificates,
	}
}

func (h *harness) load(t testing.TB, files rpc.CertificateFiles) *rpc.Certificates {
	t.Helper()
	certificates, err := rpc.LoadCertificates(files, h.clock.now, slog.New(slog.NewJSONHandler(h.logs, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return certificates
}

func (h *harness) connect(t testing.TB) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go h.server.Serve(listener)
	h.address = listener.Addr().String()
	if h.tcp, err = rpc.Dial([]string{h.address}, rpc.ClientOptions{Certificates: h.certificates}); err != nil {
		t.Fatal(err)
	}
	if h.memory, err = rpc.InProcess(h.server, rpc.ClientOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.tcp.Close()
		h.memory.Close()
		h.server.Stop(context.Background())
	})
}

// both runs a test over each transport.
func (h *harness) both(t *testing.T, run func(t *testing.T, conn *grpc.ClientConn)) {
	t.Helper()
	t.Run("tcp", func(t *testing.T) { run(t, h.tcp) })
	t.Run("memory", func(t *testing.T) { run(t, h.memory) })
}

// token mints an access token of a sample person (示例) with the roles.
func (h *harness) token(t testing.TB, roles ...corev1.Role) string {
	t.Helper()
	token, _, err := h.signer.UserToken(auth.Caller{
		Person: "regions/120105/people/p1", Region: "regions/120105",
		Bureau: "regions/120105/bureaus/b1", Session: "s1", Roles: roles,
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// as answers a context whose calls carry a person's token.
func (h *harness) as(t testing.TB, roles ...corev1.Role) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), auth.MetadataUser, "Bearer "+h.token(t, roles...))
}

func (h *harness) drafter(t testing.TB) context.Context {
	return h.as(t, corev1.Role_ROLE_DRAFTER)
}

// call calls a unary method of the probe with a good request.
func call(ctx context.Context, conn *grpc.ClientConn, method string) error {
	return conn.Invoke(ctx, probeMethod(method), goodRequest(), &directoryv1.Person{})
}

func goodRequest() *directoryv1.CreatePersonRequest {
	return &directoryv1.CreatePersonRequest{
		Parent: "regions/120105",
		Person: &directoryv1.Person{DisplayName: "示例甲", Login: "sample.a"},
	}
}

// expect checks code and reason of an error, and that it says something in
// Chinese to people.
func expect(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	if status.Code(err) != code || rpc.Reason(err) != reason {
		t.Errorf("got %v, reason %q, want %v, reason %q", err, rpc.Reason(err), code, reason)
		return
	}
	if reason != "" && detail[*errdetails.LocalizedMessage](err).GetMessage() == "" {
		t.Errorf("%v has no message for people", err)
	}
}

// detail finds a detail of a status by its type; nil when there is none.
func detail[D any](err error) D {
	var none D
	var s interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &s) {
		return none
	}
	for _, d := range s.GRPCStatus().Details() {
		if found, ok := d.(D); ok {
			return found
		}
	}
	return none
}

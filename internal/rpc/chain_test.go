package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

func TestPanic(t *testing.T) {
	h := newHarness(t)
	h.probe.unary = func(_ context.Context, r *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		numbers := []int{1}
		return nil, fmt.Errorf("a number %d", numbers[len(r.GetParent())])
	}
	h.probe.stream = func(grpc.ServerStream) error { panic("a stream fell over") }
	h.both(t, func(t *testing.T, conn *grpc.ClientConn) {
		var header metadata.MD
		err := conn.Invoke(h.drafter(t), probeMethod("SignedIn"), goodRequest(), &directoryv1.Person{}, grpc.Header(&header))
		expect(t, err, codes.Internal, rpc.ReasonInternal)
		if strings.Contains(err.Error(), "out of range") {
			t.Errorf("the client is told the cause: %v", err)
		}
		trace := header.Get(rpc.MetadataTrace)[0]
		if !strings.Contains(detail[*errdetails.LocalizedMessage](err).GetMessage(), trace) {
			t.Errorf("%v does not name the trace id %s", err, trace)
		}
		log := h.logs.await(t, trace)
		for _, want := range []string{"index out of range", `"level":"ERROR"`, "chain_test.go"} {
			if !strings.Contains(log, want) {
				t.Errorf("no %q in the log:\n%s", want, log)
			}
		}
		_, err = upload(h.drafter(t), conn, goodRequest())
		expect(t, err, codes.Internal, rpc.ReasonInternal)
		h.logs.await(t, "a stream fell over")
	})
}

// The cause of a fault stays with the server; a refusal keeps its own words, and
// not those of what wrapped it.
func TestErrorsOfMethods(t *testing.T) {
	h := newHarness(t)
	var answer error
	h.probe.unary = func(context.Context, *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		return nil, answer
	}
	refused := rpc.Refused(rpc.Refusal{Code: "FCR_MISSING", Message: "未经公平竞争审查"})
	for _, c := range []struct {
		name   string
		err    error
		code   codes.Code
		reason string
	}{
		{"any error", errors.New("dial tcp 10.0.0.1: secret-cause"), codes.Internal, rpc.ReasonInternal},
		{"refusal", refused, codes.FailedPrecondition, "FCR_MISSING"},
		{"wrapped refusal", fmt.Errorf("secret-cause: %w", refused), codes.FailedPrecondition, "FCR_MISSING"},
		{"refusal on record", &docstore.Refusal{Err: refused}, codes.FailedPrecondition, "FCR_MISSING"},
		{"store error", fmt.Errorf("secret-cause: %w", docstore.ErrNotFound), codes.NotFound, rpc.ReasonNotFound},
		{"unavailable", rpc.FromStore(fmt.Errorf("secret-cause: %w", docstore.ErrUnavailable), ""), codes.Unavailable, rpc.ReasonUnavailable},
		{"plain status", status.Error(codes.ResourceExhausted, "x"), codes.ResourceExhausted, ""},
		{"canceled", context.Canceled, codes.Canceled, rpc.ReasonCanceled},
	} {
		answer = c.err
		err := call(h.drafter(t), h.tcp, "SignedIn")
		expect(t, err, c.code, c.reason)
		if strings.Contains(fmt.Sprint(status.Convert(err).Proto()), "secret-cause") {
			t.Errorf("%s: the client is told the cause: %v", c.name, err)
		}
	}
	h.logs.await(t, "dial tcp 10.0.0.1: secret-cause")
}

func TestValidation(t *testing.T) {
	h := newHarness(t)
	request := &directoryv1.CreatePersonRequest{
		Person:    &directoryv1.Person{DisplayName: strings.Repeat("长", 41), Login: "No Login"},
		RequestId: strings.Repeat("r", 65),
	}
	want := []string{
		"parent STRING_MIN_LEN 至少1个字符",
		"person.display_name STRING_MAX_LEN 不得超过40个字符",
		"person.login STRING_PATTERN 格式不符合要求",
		"request_id STRING_MAX_LEN 不得超过64个字符",
	}
	h.both(t, func(t *testing.T, conn *grpc.ClientConn) {
		err := conn.Invoke(h.drafter(t), probeMethod("Drafters"), request, &directoryv1.Person{})
		expect(t, err, codes.InvalidArgument, rpc.ReasonFieldViolation)
		var got []string
		for _, v := range detail[*errdetails.BadRequest](err).GetFieldViolations() {
			got = append(got, v.GetField()+" "+v.GetReason()+" "+v.GetDescription())
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("violations\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		_, err = upload(h.drafter(t), conn, request)
		expect(t, err, codes.InvalidArgument, rpc.ReasonFieldViolation)
	})
	// Who may not call learns nothing about the request.
	err := h.tcp.Invoke(h.as(t), probeMethod("Drafters"), request, &directoryv1.Person{})
	expect(t, err, codes.PermissionDenied, rpc.ReasonRoleRequired)
}

func TestOutputOnlyIsStripped(t *testing.T) {
	h := newHarness(t)
	var got *directoryv1.CreatePersonRequest
	h.probe.unary = func(_ context.Context, r *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		got = proto.CloneOf(r)
		return &directoryv1.Person{}, nil
	}
	sent := goodRequest()
	sent.Person.Roles = []corev1.Role{corev1.Role_ROLE_REVIEWER}
	sent.Person.State = directoryv1.Person_ACTIVE
	sent.Person.Etag = "kept"
	if err := h.tcp.Invoke(h.drafter(t), probeMethod("Drafters"), sent, &directoryv1.Person{}); err != nil {
		t.Fatal(err)
	}
	want := goodRequest()
	want.Person.Etag = "kept"
	if !proto.Equal(got, want) {
		t.Errorf("the method got %v, want %v", got, want)
	}
}

func TestOrigin(t *testing.T) {
	h := newHarness(t)
	var origin docstore.Origin
	h.probe.unary = func(ctx context.Context, r *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		origin, _ = docstore.OriginFrom(ctx)
		if len(origin.RequestDigest) > 0 && r.GetRequestId() == "" {
			t.Error("the request id is gone from the request")
		}
		return &directoryv1.Person{}, nil
	}
	send := func(method string, change func(*directoryv1.CreatePersonRequest)) docstore.Origin {
		t.Helper()
		request := goodRequest()
		change(request)
		ctx := metadata.AppendToOutgoingContext(h.drafter(t), rpc.MetadataTrace, "trace-1")
		if err := h.tcp.Invoke(ctx, probeMethod(method), request, &directoryv1.Person{}); err != nil {
			t.Fatal(err)
		}
		return origin
	}
	plain := send("Drafters", func(*directoryv1.CreatePersonRequest) {})
	if plain.Actor != "regions/120105/people/p1" || plain.Method != probeMethod("Drafters") || plain.TraceID != "trace-1" ||
		plain.ViaService != "" || plain.RequestID != "" || plain.RequestDigest != nil {
		t.Errorf("origin %+v", plain)
	}
	if anonymous := send("Anyone", func(*directoryv1.CreatePersonRequest) {}); anonymous.Actor != "services/directory" {
		t.Errorf("nobody writes as %q", anonymous.Actor)
	}
	first := send("Drafters", func(r *directoryv1.CreatePersonRequest) { r.RequestId = "r1" })
	if first.RequestID != "r1" || len(first.RequestDigest) != 32 {
		t.Errorf("origin %+v", first)
	}
	for name, c := range map[string]struct {
		method string
		change func(*directoryv1.CreatePersonRequest)
		same   bool
	}{
		"again":          {"Drafters", func(*directoryv1.CreatePersonRequest) {}, true},
		"another id":     {"Drafters", func(r *directoryv1.CreatePersonRequest) { r.RequestId = "r2" }, true},
		"a newer etag":   {"Drafters", func(r *directoryv1.CreatePersonRequest) { r.Person.Etag = "e2" }, true},
		"output only":    {"Drafters", func(r *directoryv1.CreatePersonRequest) { r.Person.State = directoryv1.Person_ACTIVE }, true},
		"another body":   {"Drafters", func(r *directoryv1.CreatePersonRequest) { r.Person.DisplayName = "示例乙" }, false},
		"another parent": {"Drafters", func(r *directoryv1.CreatePersonRequest) { r.Parent = "regions/120106" }, false},
		"another method": {"SignedIn", func(*directoryv1.CreatePersonRequest) {}, false},
	} {
		got := send(c.method, func(r *directoryv1.CreatePersonRequest) { r.RequestId = "r1"; c.change(r) })
		if bytes.Equal(got.RequestDigest, first.RequestDigest) != c.same {
			t.Errorf("%s: digest same = %v, want %v", name, !c.same, c.same)
		}
	}
}

// upload sends messages to the Upload method and takes its answer.
func upload(ctx context.Context, conn *grpc.ClientConn, messages ...*directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, probeMethod("Upload"))
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		if err := s.SendMsg(m); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	if err := s.CloseSend(); err != nil {
		return nil, err
	}
	answer := &directoryv1.Person{}
	return answer, s.RecvMsg(answer)
}

// A stream that is opened and says nothing is ended, and the log tells.
func TestSilentStream(t *testing.T) {
	h := newHarness(t, func(o *rpc.Options) { o.Limits.Deadline = time.Millisecond })
	h.probe.stream = func(grpc.ServerStream) error { return errors.New("the method ran") }
	s, err := h.tcp.NewStream(h.drafter(t), &grpc.StreamDesc{ClientStreams: true}, probeMethod("Upload"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RecvMsg(&directoryv1.Person{}); rpc.Reason(err) != rpc.ReasonDeadline {
		t.Errorf("answered %v", err)
	}
	h.logs.await(t, rpc.ReasonDeadline)
}

// A stream's context is whole before the method receives anything, the first
// message comes once, and the following ones are checked too.
func TestUpload(t *testing.T) {
	h := newHarness(t)
	var origin docstore.Origin
	var received []*directoryv1.CreatePersonRequest
	h.probe.stream = func(s grpc.ServerStream) error {
		received = nil
		origin, _ = docstore.OriginFrom(s.Context())
		for {
			m := &directoryv1.CreatePersonRequest{}
			err := s.RecvMsg(m)
			if errors.Is(err, io.EOF) {
				return s.SendMsg(&directoryv1.Person{DisplayName: fmt.Sprint(len(received))})
			} else if err != nil {
				return fmt.Errorf("receive: %w", err)
			}
			received = append(received, m)
		}
	}
	first := goodRequest()
	first.RequestId = "r1"
	first.Person.State = directoryv1.Person_ACTIVE
	h.both(t, func(t *testing.T, conn *grpc.ClientConn) {
		answer, err := upload(h.drafter(t), conn, first, goodRequest(), first)
		if err != nil {
			t.Fatal(err)
		}
		if answer.GetDisplayName() != "3" || origin.RequestID != "r1" || len(origin.RequestDigest) != 32 || origin.Actor == "" {
			t.Errorf("answer %v, origin %+v", answer, origin)
		}
		stripped := goodRequest()
		stripped.RequestId = "r1"
		for i, want := range []proto.Message{stripped, goodRequest(), stripped} {
			if !proto.Equal(received[i], want) {
				t.Errorf("message %d is %v, want %v", i, received[i], want)
			}
		}
		if answer, err := upload(h.drafter(t), conn); err != nil || answer.GetDisplayName() != "0" {
			t.Errorf("an upload of nothing: %v, %v", answer, err)
		}
		_, err = upload(h.drafter(t), conn, first, &directoryv1.CreatePersonRequest{})
		expect(t, err, codes.InvalidArgument, rpc.ReasonFieldViolation)
	})
}

func TestRequestDigestOfUpload(t *testing.T) {
	if ctx := rpc.WithRequestDigest(context.Background(), []byte("x")); ctx != context.Background() {
		t.Error("an origin was made up")
	}
	base := docstore.WithOrigin(context.Background(), docstore.Origin{RequestDigest: []byte("header")})
	digest := func(content string) []byte {
		origin, _ := docstore.OriginFrom(rpc.WithRequestDigest(base, []byte(content)))
		return origin.RequestDigest
	}
	if !bytes.Equal(digest("a"), digest("a")) || bytes.Equal(digest("a"), digest("b")) || len(digest("a")) != 32 {
		t.Error("the digest does not follow the content")
	}
}

func TestOversize(t *testing.T) {
	h := newHarness(t)
	big := goodRequest()
	big.Parent = strings.Repeat("x", 5<<20)
	h.both(t, func(t *testing.T, conn *grpc.ClientConn) {
		err := conn.Invoke(h.drafter(t), probeMethod("Drafters"), big, &directoryv1.Person{})
		if status.Code(err) != codes.ResourceExhausted {
			t.Errorf("a request of 5 MiB: %v", err)
		}
		_, err = upload(h.drafter(t), conn, big)
		if status.Code(err) != codes.ResourceExhausted {
			t.Errorf("a first message of 5 MiB: %v", err)
		}
		expect(t, call(h.drafter(t), conn, "Drafters"), codes.OK, "")
	})
}

func TestDeadline(t *testing.T) {
	h := newHarness(t, func(o *rpc.Options) {
		o.Limits = rpc.Limits{StreamDeadline: 10 * time.Minute}
	})
	left := time.Duration(0)
	remember := func(ctx context.Context) {
		at, ok := ctx.Deadline()
		if !ok {
			t.Error("a call without a deadline")
		}
		left = time.Until(at)
	}
	h.probe.unary = func(ctx context.Context, _ *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		remember(ctx)
		return &directoryv1.Person{}, nil
	}
	h.probe.stream = func(s grpc.ServerStream) error {
		remember(s.Context())
		return s.SendMsg(&directoryv1.Person{})
	}
	for _, c := range []struct {
		method string
		brings time.Duration
		want   time.Duration
	}{
		{"Drafters", 0, 30 * time.Second},
		{"Drafters", 5 * time.Second, 5 * time.Second},
		{"Drafters", time.Hour, 2 * time.Minute},
		{"Upload", 0, 10 * time.Minute},
		{"Upload", time.Minute, time.Minute},
		{"Upload", time.Hour, 10 * time.Minute},
	} {
		ctx, cancel := h.drafter(t), context.CancelFunc(func() {})
		if c.brings > 0 {
			ctx, cancel = context.WithTimeout(ctx, c.brings)
		}
		var err error
		if c.method == "Upload" {
			_, err = upload(ctx, h.tcp, goodRequest())
		} else {
			err = call(ctx, h.tcp, c.method)
		}
		cancel()
		if err != nil || left > c.want || left < c.want-4*time.Second {
			t.Errorf("%s that brings %v has %v left (%v), want %v", c.method, c.brings, left, err, c.want)
		}
	}
}

func TestDeadlinePasses(t *testing.T) {
	h := newHarness(t, func(o *rpc.Options) { o.Limits.Deadline = 20 * time.Millisecond })
	h.probe.unary = func(ctx context.Context, _ *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		<-ctx.Done()
		return nil, fmt.Errorf("read a document: %w", ctx.Err())
	}
	expect(t, call(h.drafter(t), h.outside(t), "Drafters"), codes.DeadlineExceeded, rpc.ReasonDeadline)
}

// The access log says who called what and how it ended, and holds nothing of what
// was in the call.
func TestLog(t *testing.T) {
	h := newHarness(t)
	const text = "机密内容示例"
	request := goodRequest()
	request.Person.DisplayName = text
	request.Person.LawFirm = strings.Repeat("律", 81) // refused
	service, _ := h.signer.ServiceToken("filing")
	token := h.token(t, corev1.Role_ROLE_DRAFTER)
	ctx := metadata.AppendToOutgoingContext(t.Context(), auth.MetadataUser, "Bearer "+token,
		auth.MetadataService, service, rpc.MetadataTrace, "t-good", "cookie", "session=top-secret")
	if err := h.tcp.Invoke(ctx, probeMethod("Anyone"), request, &directoryv1.Person{}); err == nil {
		t.Fatal("a law firm of 81 characters passed")
	}
	request.Person.LawFirm = ""
	if err := h.tcp.Invoke(ctx, probeMethod("Drafters"), request, &directoryv1.Person{}); err != nil {
		t.Fatal(err)
	}
	bad := metadata.AppendToOutgoingContext(t.Context(), auth.MetadataUser, "Bearer "+token+"x", rpc.MetadataTrace, "t-bad")
	if err := call(bad, h.tcp, "Drafters"); err == nil {
		t.Fatal("a damaged token passed")
	}
	h.logs.await(t, `"trace_id":"t-bad"`)
	log := h.logs.await(t, `"code":"OK"`)
	for _, want := range []string{
		`"msg":"rpc","method":"` + probeMethod("Drafters") + `","code":"OK"`,
		`"trace_id":"t-good","caller":"regions/120105/people/p1","via":"services/filing","peer":"127.0.0.1:`,
		`"code":"Unauthenticated"`, `"reason":"TOKEN_INVALID"`,
		`"code":"InvalidArgument"`, `"reason":"STRING_MAX_LEN"`, `"duration":`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("no %s in the log:\n%s", want, log)
		}
	}
	for _, never := range []string{text, "律", "sample.a", token, service, strings.Split(token, ".")[2], "top-secret", "Bearer"} {
		if strings.Contains(log, never) {
			t.Errorf("%q is in the log:\n%s", never, log)
		}
	}
	if strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("a client's mistake is logged as ours:\n%s", log)
	}
}

// A logger that does not want the lines is not made to take them.
func TestQuietLog(t *testing.T) {
	lines := newLogBuffer()
	h := newHarness(t, func(o *rpc.Options) {
		o.Logger = slog.New(slog.NewJSONHandler(lines, &slog.HandlerOptions{Level: slog.LevelError}))
	})
	h.probe.unary = func(context.Context, *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
		return nil, errors.New("a fault")
	}
	_ = call(t.Context(), h.tcp, "SignedIn")
	_ = call(t.Context(), h.tcp, "Anyone")
	if log := lines.await(t, "a fault"); strings.Count(log, "\n") != 1 {
		t.Errorf("log:\n%s", log)
	}
}

package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"fashen/gateway"
	competitionv1 "fashen/gen/fashen/competition/v1"
	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/rpc"
)

const (
	document = "regions/120105/documents/d1"
	etag     = "e1"
)

// harness is the gateway on a real listener in front of a real gRPC server with
// the product's interceptors; only the service behind them is the test's.
type harness struct {
	url    string
	filing *filing
	server *rpc.Server
	token  string
	client *http.Client
}

func newHarness(t *testing.T, change ...func(*gateway.Options)) *harness {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 5, 12, 1, 0, 0, 0, time.UTC) }
	key, err := auth.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	h := &harness{
		filing: &filing{uploaded: make(chan received, 8)},
		server: rpc.NewServer(rpc.Options{
			Logger: log, Clock: now, Service: "filing",
			Verifier: auth.NewVerifier(now, auth.NewRevocations(now), key),
		}),
	}
	filingv1.RegisterFilingServiceServer(h.server, h.filing)
	competitionv1.RegisterCompetitionServiceServer(h.server, competitionv1.UnimplementedCompetitionServiceServer{})
	counselv1.RegisterCounselServiceServer(h.server, counselv1.UnimplementedCounselServiceServer{})
	counselv1.RegisterReviewServiceServer(h.server, counselv1.UnimplementedReviewServiceServer{})
	counselv1.RegisterLetterServiceServer(h.server, letters{})
	counselv1.RegisterMatterServiceServer(h.server, counselv1.UnimplementedMatterServiceServer{})
	counselv1.RegisterRegisterServiceServer(h.server, counselv1.UnimplementedRegisterServiceServer{})
	counselv1.RegisterSolicitationServiceServer(h.server, counselv1.UnimplementedSolicitationServiceServer{})
	directoryv1.RegisterDirectoryServiceServer(h.server, directory{})
	directoryv1.RegisterSessionServiceServer(h.server, session{})
	directoryv1.RegisterSystemServiceServer(h.server, directoryv1.UnimplementedSystemServiceServer{})
	directoryv1.RegisterDelegationServiceServer(h.server, directoryv1.UnimplementedDelegationServiceServer{})
	directoryv1.RegisterWebhookServiceServer(h.server, directoryv1.UnimplementedWebhookServiceServer{})
	h.server.Ready()
	conn, err := rpc.InProcess(h.server, rpc.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o := gateway.Options{
		Services: map[string]grpc.ClientConnInterface{"filing": conn, "counsel": conn, "competition": conn, "directory": conn}, Logger: log,
		AllowedOrigins: []string{"https://oa.example.cn"},
	}
	for _, c := range change {
		c(&o)
	}
	handler, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(nil)
	web.Config = gateway.Server("", handler)
	web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	web.Start()
	h.url, h.client = web.URL, web.Client()
	h.token, _, err = auth.NewSigner(key, now).UserToken(auth.Caller{
		Person: "regions/120105/people/p1", Region: "regions/120105", Bureau: "regions/120105/bureaus/b1", Session: "s1",
		Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		web.Close()
		conn.Close()
		_ = h.server.Stop(context.Background())
	})
	return h
}

// answer is an HTTP response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   string
	// problem is the error of the body, if it is one.
	problem problem
}

type problem struct {
	Code    int
	Message string
	Status  string
	Details []map[string]any
}

// reason is that of the ErrorInfo.
func (a answer) reason() string {
	for _, d := range a.problem.Details {
		if d["@type"] == "type.googleapis.com/google.rpc.ErrorInfo" {
			return d["reason"].(string)
		}
	}
	return ""
}

// fields are the paths of the BadRequest.
func (a answer) fields() []string {
	var fields []string
	for _, d := range a.problem.Details {
		if d["@type"] == "type.googleapis.com/google.rpc.BadRequest" {
			for _, v := range d["fieldViolations"].([]any) {
				fields = append(fields, v.(map[string]any)["field"].(string))
			}
		}
	}
	return fields
}

// do sends a request as a signed-in drafter; JSON unless a header says otherwise.
// headers are name, value pairs; an empty value removes the header.
func (h *harness) do(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	return h.send(t, method, path, strings.NewReader(body), headers...)
}

func (h *harness) send(t *testing.T, method, path string, body io.Reader, headers ...string) answer {
	t.Helper()
	a, err := h.trySend(t, method, path, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (h *harness) trySend(t *testing.T, method, path string, body io.Reader, headers ...string) (answer, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, h.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.token)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	response, err := h.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	a := answer{status: response.StatusCode, header: response.Header, body: string(raw)}
	var wrapped struct{ Error problem }
	if json.Unmarshal(raw, &wrapped) == nil {
		a.problem = wrapped.Error
	}
	return a, err
}

// expect checks status and, for errors, reason, code and the Chinese message.
func (a answer) expect(t *testing.T, status int, reason string) {
	t.Helper()
	if a.status != status || a.reason() != reason {
		t.Fatalf("got %d %s, want %d %s\n%s", a.status, a.reason(), status, reason, a.body)
	}
	if status >= 400 && (a.problem.Code != status || a.problem.Status == "" || a.problem.Message == "") {
		t.Errorf("incomplete error: %s", a.body)
	}
}

// filing is the service of the tests: one document, uploads that are counted.
type filing struct {
	filingv1.UnimplementedFilingServiceServer

	mu       sync.Mutex
	last     proto.Message
	metadata metadata.MD
	calls    int
	// fail is answered by GetDocument when set.
	fail error
	// file is what downloads send, in pieces of 64 KiB; sum what its record says.
	file     []byte
	record   *filingv1.File
	breakOff bool
	uploaded chan received
}

// received is how an upload ended.
type received struct {
	upload proto.Message
	bytes  []byte
	chunks int
	err    error
}

// note keeps what a call brought.
func (f *filing) note(ctx context.Context, request proto.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.last = proto.Clone(request)
	f.metadata, _ = metadata.FromIncomingContext(ctx)
}

// seen gives the last request and forgets it.
func (f *filing) seen() proto.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := f.last
	f.last = nil
	return last
}

func (f *filing) GetDocument(ctx context.Context, r *filingv1.GetDocumentRequest) (*filingv1.Document, error) {
	f.note(ctx, r)
	if f.fail != nil {
		return nil, f.fail
	}
	if r.GetName() != document {
		return nil, rpc.NotFound(r.GetName())
	}
	return &filingv1.Document{Name: document, Title: "示例", Etag: etag, Materials: []*filingv1.Material{
		{Kind: filingv1.Material_LEGAL_BASIS, File: f.record},
	}}, nil
}

func (f *filing) ListDocuments(ctx context.Context, r *filingv1.ListDocumentsRequest) (*filingv1.ListDocumentsResponse, error) {
	f.note(ctx, r)
	return &filingv1.ListDocumentsResponse{}, nil
}

func (f *filing) CreateDocument(ctx context.Context, r *filingv1.CreateDocumentRequest) (*filingv1.Document, error) {
	f.note(ctx, r)
	return r.GetDocument(), nil
}

func (f *filing) UpdateDocument(ctx context.Context, r *filingv1.UpdateDocumentRequest) (*filingv1.Document, error) {
	f.note(ctx, r)
	return f.changed(r.GetDocument().GetEtag())
}

func (f *filing) SubmitDocument(ctx context.Context, r *filingv1.SubmitDocumentRequest) (*filingv1.Document, error) {
	f.note(ctx, r)
	return f.changed(r.GetEtag())
}

func (f *filing) changed(sent string) (*filingv1.Document, error) {
	if !slices.Contains([]string{"", etag}, sent) {
		return nil, rpc.New(codes.Aborted, rpc.ReasonEtagStale, "内容已被他人修改")
	}
	return &filingv1.Document{Name: document, Etag: "e2"}, nil
}

// directory and session answer what the tests ask.
type directory struct {
	directoryv1.UnimplementedDirectoryServiceServer
}

func (directory) ResolveJurisdictionProfile(_ context.Context, r *directoryv1.ResolveJurisdictionProfileRequest) (*directoryv1.JurisdictionProfile, error) {
	return &directoryv1.JurisdictionProfile{Name: r.GetParent() + "/jurisdictionProfiles/p", EffectiveDate: r.GetDate()}, nil
}

type session struct {
	directoryv1.UnimplementedSessionServiceServer
}

func (session) SignIn(context.Context, *directoryv1.SignInRequest) (*directoryv1.Session, error) {
	return nil, rpc.New(codes.ResourceExhausted, "SIGN_IN_LOCKED", "登录失败次数过多")
}

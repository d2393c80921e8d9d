package filing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/intake"
	"fashen/internal/intent"
	"fashen/internal/policytext"
	"fashen/internal/rpc"
	"fashen/internal/rulebook"
)

const (
	region     = "regions/120105"
	government = region + "/bureaus/government"
)

// The callers of the tests.
var (
	drafterCaller   = caller("drafter", "bureau-1", corev1.Role_ROLE_DRAFTER)
	colleague       = caller("colleague", "bureau-1", corev1.Role_ROLE_DRAFTER)
	strangerCaller  = caller("stranger", "bureau-2", corev1.Role_ROLE_DRAFTER)
	reviewerCaller  = caller("reviewer", "justice", corev1.Role_ROLE_REVIEWER)
	regulatorCaller = caller("regulator", "market", corev1.Role_ROLE_MARKET_REGULATOR)
	officeCaller    = caller("clerk", "office", corev1.Role_ROLE_GENERAL_OFFICE)
	counselCaller   = caller("lawyer", "", corev1.Role_ROLE_COUNSEL)
)

func caller(person, bureau string, role corev1.Role) auth.Caller {
	c := auth.Caller{Person: region + "/people/" + person, Region: region, Session: "s-" + person, Roles: []corev1.Role{role}}
	if bureau != "" {
		c.Bureau = region + "/bureaus/" + bureau
	}
	return c
}

// neighbours stand in for the services filing calls, with their contracts kept
// as far as filing relies on them.
type neighbours struct {
	counselv1.UnimplementedCounselServiceServer
	directoryv1.UnimplementedDirectoryServiceServer

	mu        sync.Mutex
	profile   *directoryv1.JurisdictionProfile
	verdict   *counselv1.Verdict
	rounds    []*counselv1.OpenCaseRequest
	certified []*counselv1.CertifyVerdictRequest
	withdrawn []*counselv1.WithdrawCertificateRequest
	// asked runs once, when the review is asked before anything is stored; between
	// runs once, before a case is opened or a verdict certified. ctx is that of the
	// call.
	asked, between func(ctx context.Context)
	// away is what every call to the review gets, when set.
	away error
	// moved is the verdict from the moment on in which the present one was read.
	moved *counselv1.Verdict
	// busy makes the reviewer hold what was submitted.
	busy bool
}

func (n *neighbours) GetBureau(_ context.Context, in *directoryv1.GetBureauRequest) (*directoryv1.Bureau, error) {
	kinds := map[string]directoryv1.BureauKind{
		government:                   directoryv1.BureauKind_BUREAU_KIND_GOVERNMENT,
		region + "/bureaus/office":   directoryv1.BureauKind_BUREAU_KIND_GENERAL_OFFICE,
		region + "/bureaus/bureau-1": directoryv1.BureauKind_BUREAU_KIND_DEPARTMENT,
		region + "/bureaus/task":     directoryv1.BureauKind_BUREAU_KIND_INELIGIBLE,
	}
	kind, ok := kinds[in.GetName()]
	if !ok {
		return nil, rpc.NotFound(in.GetName())
	}
	return &directoryv1.Bureau{Name: in.GetName(), Kind: kind}, nil
}

func (n *neighbours) ResolveJurisdictionProfile(context.Context, *directoryv1.ResolveJurisdictionProfileRequest) (*directoryv1.JurisdictionProfile, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.profile, nil
}

// run runs a hook once.
func (n *neighbours) run(ctx context.Context, hook *func(ctx context.Context)) {
	n.mu.Lock()
	do := *hook
	*hook = nil
	n.mu.Unlock()
	if do != nil {
		do(ctx)
	}
}

func (n *neighbours) OpenCase(ctx context.Context, in *counselv1.OpenCaseRequest) (*counselv1.Case, error) {
	if in.GetValidateOnly() {
		n.run(ctx, &n.asked)
	} else {
		n.run(ctx, &n.between)
	}
	if n.away != nil {
		return nil, n.away
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	c := &counselv1.Case{Name: region + "/cases/c1", Subject: in.GetSubject()}
	taken := slices.ContainsFunc(n.rounds, func(r *counselv1.OpenCaseRequest) bool { return r.GetTransition() == in.GetTransition() })
	switch {
	case taken:
	case n.busy && len(n.rounds) > 0:
		return nil, rpc.Refused(rpc.Refusal{Code: "REVIEW_IN_PROGRESS", Message: "审核中"})
	case in.GetValidateOnly():
		return c, nil
	default:
		n.rounds = append(n.rounds, in)
	}
	for i, r := range n.rounds {
		c.Rounds = append(c.Rounds, &counselv1.Round{Number: int32(i + 1), Transition: r.GetTransition()})
	}
	return c, nil
}

func (n *neighbours) WithdrawCertificate(_ context.Context, in *counselv1.WithdrawCertificateRequest) (*counselv1.WithdrawCertificateResponse, error) {
	if n.away != nil {
		return nil, n.away
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.withdrawn = append(n.withdrawn, in)
	return &counselv1.WithdrawCertificateResponse{}, nil
}

func (n *neighbours) GetVerdict(ctx context.Context, _ *counselv1.GetVerdictRequest) (*counselv1.Verdict, error) {
	n.run(ctx, &n.asked)
	if n.away != nil {
		return nil, n.away
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	v := n.verdict
	if n.moved != nil {
		n.verdict, n.moved = n.moved, nil
	}
	return v, nil
}

func (n *neighbours) CertifyVerdict(ctx context.Context, in *counselv1.CertifyVerdictRequest) (*counselv1.Verdict, error) {
	n.run(ctx, &n.between)
	if n.away != nil {
		return nil, n.away
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if slices.ContainsFunc(n.withdrawn, func(w *counselv1.WithdrawCertificateRequest) bool { return w.GetTransition() == in.GetTransition() }) {
		return nil, rpc.Refused(rpc.Refusal{Code: "CERTIFICATE_WITHDRAWN", Message: "已撤回"})
	}
	if slices.ContainsFunc(n.certified, func(c *counselv1.CertifyVerdictRequest) bool { return c.GetTransition() == in.GetTransition() }) {
		return n.verdict, nil
	}
	if in.GetVerdictEtag() != n.verdict.GetEtag() {
		return nil, rpc.FromStore(docstore.ErrConflict, in.GetSubject())
	}
	n.certified = append(n.certified, in)
	return n.verdict, nil
}

// house is a filing service on a store of its own, reached over gRPC.
type house struct {
	t      *testing.T
	client filingv1.FilingServiceClient
	signer *auth.Signer
	next   *neighbours
	engine *sqlite.Engine
	path   string
	now    time.Time
	server *Server
	log    *slog.Logger
	// intents administers what waits; giveUp is when the drivers of a test give up.
	intents corev1.IntentServiceClient
	giveUp  time.Duration
	// faults strike calls to other services, when set.
	faults *faults
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{
		t: t, now: time.Date(2026, 5, 12, 1, 0, 0, 0, time.UTC),
		path: filepath.Join(t.TempDir(), "filing.db"),
		next: &neighbours{profile: sampleProfile(), verdict: &counselv1.Verdict{Standing: counselv1.Verdict_NOT_CONCLUDED}},
	}
	clock := func() time.Time { return h.now }
	key, err := auth.NewKey()
	must(t, err)
	h.signer = auth.NewSigner(key, clock)
	options := rpc.Options{
		Logger: slog.New(slog.DiscardHandler), Clock: clock, Service: "filing",
		Verifier: auth.NewVerifier(clock, auth.NewRevocations(clock), key),
	}
	beside := rpc.NewServer(options)
	counselv1.RegisterCounselServiceServer(beside, h.next)
	directoryv1.RegisterDirectoryServiceServer(beside, h.next)
	h.engine, err = sqlite.Open(t.Context(), h.path, sqlite.Options{})
	must(t, err)
	inside := h.connect(beside, rpc.ClientOptions{Service: "filing", Signer: h.signer, Around: h.around})
	h.server, err = New(t.Context(), Deps{
		Engine: h.engine, Clock: clock, Logger: options.Logger, Rules: rules(t),
		Intake: intake.New(intake.Options{
			Texts: policytext.Reader{Limits: policytext.DefaultLimits()}, FileBytes: docstore.MaxBlobBytes, IntakeBytes: 4 * docstore.MaxBlobBytes, Readings: 2,
		}),
		Counsel:   counselv1.NewCounselServiceClient(inside),
		Directory: directoryv1.NewDirectoryServiceClient(inside),
	})
	must(t, err)
	front := rpc.NewServer(options)
	intent.NewServer(h.server.Intents()).Register(front)
	h.server.Register(front)
	conn := h.connect(front, rpc.ClientOptions{})
	h.client, h.intents, h.log = filingv1.NewFilingServiceClient(conn), corev1.NewIntentServiceClient(conn), options.Logger
	t.Cleanup(func() {
		front.Server.Stop()
		beside.Server.Stop()
		h.engine.Close()
	})
	return h
}

func (h *house) around(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if h.faults == nil {
		return invoke(ctx, method, request, reply, conn, options...)
	}
	return h.faults.around(ctx, method, request, reply, conn, invoke, options...)
}

func (h *house) connect(s *rpc.Server, o rpc.ClientOptions) *grpc.ClientConn {
	h.t.Helper()
	conn, err := rpc.InProcess(s, o)
	must(h.t, err)
	h.t.Cleanup(func() { conn.Close() })
	return conn
}

var rules = func() func(t *testing.T) *rulebook.Library {
	load := sync.OnceValues(rulebook.Builtin)
	return func(t *testing.T) *rulebook.Library {
		t.Helper()
		lib, err := load()
		must(t, err)
		return lib
	}
}()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// as signs a person in.
func (h *house) as(who auth.Caller) context.Context {
	h.t.Helper()
	token, _, err := h.signer.UserToken(who)
	must(h.t, err)
	return metadata.AppendToOutgoingContext(h.t.Context(), auth.MetadataUser, "Bearer "+token)
}

// byService is a call of the counsel service for a person.
func (h *house) byService(who auth.Caller) context.Context {
	h.t.Helper()
	token, err := h.signer.ServiceToken("counsel")
	must(h.t, err)
	return metadata.AppendToOutgoingContext(h.as(who), auth.MetadataService, token)
}

// create makes a document; change may alter what is asked for.
func (h *house) create(who auth.Caller, change func(in *filingv1.CreateDocumentRequest)) (*filingv1.Document, error) {
	in := &filingv1.CreateDocumentRequest{
		Parent: region,
		Document: &filingv1.Document{
			Title: "示例补贴办法", IssuingAuthority: government,
			OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
		},
	}
	if change != nil {
		change(in)
	}
	return h.client.CreateDocument(h.as(who), in)
}

func (h *house) created() *filingv1.Document {
	h.t.Helper()
	d, err := h.create(drafterCaller, nil)
	must(h.t, err)
	return d
}

func (h *house) get(name string) *filingv1.Document {
	h.t.Helper()
	d, err := h.client.GetDocument(h.as(drafterCaller), &filingv1.GetDocumentRequest{Name: name})
	must(h.t, err)
	return d
}

// sendDraft uploads a draft in chunks.
func (h *house) sendDraft(who auth.Caller, up *filingv1.RevisionUpload, data []byte) (*filingv1.Revision, error) {
	stream, err := h.client.UploadRevision(h.as(who))
	must(h.t, err)
	err = stream.Send(&filingv1.UploadRevisionRequest{Content: &filingv1.UploadRevisionRequest_Upload{Upload: up}})
	for chunk := range slices.Chunk(data, 512<<10) {
		if err == nil {
			err = stream.Send(&filingv1.UploadRevisionRequest{Content: &filingv1.UploadRevisionRequest_Chunk{Chunk: chunk}})
		}
	}
	return stream.CloseAndRecv()
}

func (h *house) sendMaterial(who auth.Caller, up *filingv1.MaterialUpload, data []byte) (*filingv1.Document, error) {
	stream, err := h.client.UploadMaterial(h.as(who))
	must(h.t, err)
	must(h.t, stream.Send(&filingv1.UploadMaterialRequest{Content: &filingv1.UploadMaterialRequest_Upload{Upload: up}}))
	for chunk := range slices.Chunk(data, 512<<10) {
		err = stream.Send(&filingv1.UploadMaterialRequest{Content: &filingv1.UploadMaterialRequest_Chunk{Chunk: chunk}})
		if err != nil {
			break
		}
	}
	return stream.CloseAndRecv()
}

// drafted is a document with one draft.
func (h *house) drafted() (*filingv1.Document, *filingv1.Revision) {
	h.t.Helper()
	d := h.created()
	r, err := h.sendDraft(drafterCaller, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "示例补贴办法.txt"}, []byte(sampleText))
	must(h.t, err)
	return h.get(d.GetName()), r
}

// ready is a document with all that submission asks for.
func (h *house) ready() *filingv1.Document {
	h.t.Helper()
	d, _ := h.drafted()
	for _, m := range requiredMaterials {
		var err error
		d, err = h.sendMaterial(drafterCaller,
			&filingv1.MaterialUpload{Name: d.GetName(), Kind: m.kind, Filename: m.name + ".txt"}, []byte("示例："+m.name+"\n"))
		must(h.t, err)
	}
	return d
}

func (h *house) submit(who auth.Caller, in *filingv1.SubmitDocumentRequest) (*filingv1.Document, error) {
	return h.client.SubmitDocument(h.as(who), in)
}

// history is the whole journal of a document, as lines.
func (h *house) history(name string) []string {
	h.t.Helper()
	page, err := h.client.ListDocumentHistory(h.as(drafterCaller), &filingv1.ListDocumentHistoryRequest{Parent: name})
	must(h.t, err)
	var lines []string
	for _, e := range page.GetHistory() {
		lines = append(lines, fmt.Sprintf("%s %s %v", filepath.Base(e.GetMethod()), e.GetOutcome(), e.GetReasons()))
	}
	return lines
}

// onDisk tells whether the store's files hold some bytes anywhere.
func (h *house) onDisk(text string) bool {
	h.t.Helper()
	for _, name := range []string{h.path, h.path + "-wal"} {
		data, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			h.t.Fatal(err)
		}
		if bytes.Contains(data, []byte(text)) {
			return true
		}
	}
	return false
}

func wantCode(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	if status.Code(err) != code || reasonOf(err) != reason {
		t.Fatalf("got %v %q (%v), want %v %q", status.Code(err), reasonOf(err), err, code, reason)
	}
}

func readAll(stream grpc.ServerStreamingClient[httpbody.HttpBody]) (data []byte, contentType string, err error) {
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return data, contentType, nil
		}
		if err != nil {
			return data, contentType, err
		}
		if contentType == "" {
			contentType = m.GetContentType()
		}
		data = append(data, m.GetData()...)
	}
}

const sampleText = `河北区示例补贴办法

第一条 为了规范示例补贴，制定本办法。
第二条 申请人应当具备下列条件：
（一）具有独立法人资格；
（二）信用良好。
申请材料齐全的，应当受理。
第三条 示例补贴由区示例局发放𠮷，申请材料齐全的，应当受理。
`

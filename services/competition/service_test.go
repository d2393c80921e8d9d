package competition

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	competitionv1 "fashen/gen/fashen/competition/v1"
	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/rpc"
	"fashen/internal/rulebook"
)

const region = "regions/120105"

var reviewer = auth.Caller{
	Person: region + "/people/reviewer", Region: region, Bureau: region + "/bureaus/justice", Session: "s",
	Roles: []corev1.Role{corev1.Role_ROLE_REVIEWER},
}

var builtinRules = sync.OnceValues(rulebook.Builtin)

// house is the service over an embedded store, with a filing service of the test's.
type house struct {
	server *Server
	client competitionv1.CompetitionServiceClient
	signer *auth.Signer
	engine docstore.Engine
}

// drafts stands in for filing: it lists documents and answers their texts.
type drafts struct {
	filingv1.UnimplementedFilingServiceServer

	documents []*filingv1.Document
	text      *corev1.PolicyText
	asked     chan string
}

func (d *drafts) ListDocuments(ctx context.Context, _ *filingv1.ListDocumentsRequest) (*filingv1.ListDocumentsResponse, error) {
	who, _ := auth.CallerFrom(ctx)
	d.asked <- who.Person
	return &filingv1.ListDocumentsResponse{Documents: d.documents, NextPageToken: "more"}, nil
}

func (d *drafts) GetRevisionText(context.Context, *filingv1.GetRevisionTextRequest) (*corev1.PolicyText, error) {
	return d.text, nil
}

func newHouse(t *testing.T, filing filingv1.FilingServiceServer) *house {
	t.Helper()
	clock := func() time.Time { return time.Date(2026, 4, 8, 1, 0, 0, 0, time.UTC) }
	key, err := auth.NewKey()
	must(t, err)
	h := &house{signer: auth.NewSigner(key, clock)}
	h.engine, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "competition.db"), sqlite.Options{})
	must(t, err)
	options := rpc.Options{
		Logger: slog.New(slog.DiscardHandler), Clock: clock, Service: Service,
		Verifier: auth.NewVerifier(clock, auth.NewRevocations(clock), key),
	}
	beside := rpc.NewServer(options)
	filingv1.RegisterFilingServiceServer(beside, filing)
	rules, err := builtinRules()
	must(t, err)
	inside := connect(t, beside, rpc.ClientOptions{Service: Service, Signer: h.signer})
	h.server, err = New(t.Context(), Deps{
		Engine: h.engine, Clock: clock, Logger: options.Logger, Rules: rules, Filing: filingv1.NewFilingServiceClient(inside),
	})
	must(t, err)
	must(t, h.server.SeedRuleSets(t.Context()))
	front := rpc.NewServer(options)
	h.server.Register(front)
	h.client = competitionv1.NewCompetitionServiceClient(connect(t, front, rpc.ClientOptions{}))
	t.Cleanup(func() {
		front.Server.Stop()
		beside.Server.Stop()
		_ = h.engine.Close()
	})
	return h
}

func connect(t *testing.T, s *rpc.Server, o rpc.ClientOptions) *grpc.ClientConn {
	t.Helper()
	conn, err := rpc.InProcess(s, o)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) as(t *testing.T, who auth.Caller) context.Context {
	t.Helper()
	token, _, err := h.signer.UserToken(who)
	must(t, err)
	// The longest that a call may take: reading rules takes seconds on a busy machine.
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return metadata.AppendToOutgoingContext(ctx, auth.MetadataUser, "Bearer "+token)
}

// A version that an earlier release came with is still shown, by date too, when this
// one has another.
func TestEarlierVersionsStay(t *testing.T) {
	h := newHouse(t, &drafts{})
	old := proto.CloneOf(h.server.builtin[0])
	old.Name, old.Version, old.Label = "ruleSets/competition-2024-09", "2024.09", "competition@2024.09"
	ctx := docstore.WithOrigin(t.Context(), docstore.Origin{Actor: "services/competition", Method: "test"})
	_, _, err := h.server.ruleSets.Create(ctx, proto.CloneOf(old), docstore.Change{})
	must(t, err)
	got, err := h.client.GetRuleSet(h.as(t, reviewer), &competitionv1.GetRuleSetRequest{Name: old.GetName()})
	if err != nil || !proto.Equal(got, old) {
		t.Errorf("%v, %v", got.GetLabel(), err)
	}
	on := &datepb.Date{Year: 2000, Month: 1, Day: 1}
	if _, err = h.client.GetRuleSet(h.as(t, reviewer), &competitionv1.GetRuleSetRequest{Name: old.GetName(), ReviewDate: on}); rpc.Reason(err) != "RULESET_NOT_FOR_DATE" {
		t.Errorf("before its law: %v", err)
	}
	if _, err = h.client.GetRuleSet(h.as(t, reviewer), &competitionv1.GetRuleSetRequest{Name: "ruleSets/none-1"}); rpc.Reason(err) != rpc.ReasonNotFound {
		t.Errorf("a set there never was: %v", err)
	}
}

// Each start keeps what the release came with, once; a pack that changed under its
// version is kept as it is now, on record.
func TestRuleSetsAreKept(t *testing.T) {
	h := newHouse(t, &drafts{})
	first := h.server.builtin[0]
	must(t, h.server.SeedRuleSets(t.Context()))
	kept, meta, err := h.server.ruleSets.Get(t.Context(), first.GetName())
	if err != nil || meta.Revision != 1 || !proto.Equal(kept, first) {
		t.Errorf("revision %d, %v", meta.Revision, err)
	}
	h.server.builtin[0] = proto.CloneOf(first)
	h.server.builtin[0].Sha256 = strings.Repeat("0", 64)
	must(t, h.server.SeedRuleSets(t.Context()))
	if kept, meta, err = h.server.ruleSets.Get(t.Context(), first.GetName()); err != nil || meta.Revision != 2 || !proto.Equal(kept, h.server.builtin[0]) {
		t.Errorf("revision %d, %v", meta.Revision, err)
	}
}

const ownRule = `pack: example
version: "1"
title: 示例规则
laws:
  licensing: {title: 中华人民共和国行政许可法, from: 2004-07-01}
rules:
  - id: EX-1
    article: EX-1
    cites: [{law: licensing, at: 第十五条}]
    strength: direct
    frames:
      - all: ['示例材料']
    reason: 示例理由。
    violation: [申请人应当提交示例材料。]
    clean: [本办法施行。]
`

func (h *house) imported(t *testing.T, in *competitionv1.ImportRuleSetCandidateRequest) *competitionv1.RuleSetCandidate {
	t.Helper()
	in.Parent, in.RuleSetCandidate = region, &competitionv1.RuleSetCandidate{DisplayName: "示例"}
	in.Filename, in.Content = "example/own.yaml", []byte(ownRule)
	c, err := h.client.ImportRuleSetCandidate(h.as(t, reviewer), in)
	must(t, err)
	return c
}

// A trial asks filing in the caller's name, counts all and answers what fits.
func TestTrialCountsAll(t *testing.T) {
	d := &drafts{asked: make(chan string, 1), text: &corev1.PolicyText{Text: strings.Repeat("申请人应当提交示例材料。\n", 400)}}
	for _, id := range []string{"a", "b", "c"} {
		name := region + "/documents/" + id
		d.documents = append(d.documents, &filingv1.Document{Name: name, CurrentRevision: name + "/revisions/1"})
	}
	d.documents[1].CurrentRevision = "" // nothing was uploaded yet
	h := newHouse(t, d)
	c := h.imported(t, &competitionv1.ImportRuleSetCandidateRequest{})
	got, err := h.client.TryRuleSetCandidate(h.as(t, reviewer), &competitionv1.TryRuleSetCandidateRequest{Name: c.GetName(), Packs: []string{"example"}})
	must(t, err)
	if who := <-d.asked; who != reviewer.Person {
		t.Errorf("filing was asked by %q", who)
	}
	if got.GetDocumentCount() != 2 || len(got.GetChanges()) != maxChanges || !got.GetTruncated() || got.GetNextPageToken() != "more" ||
		len(got.GetCounts()) != 1 || got.GetCounts()[0].GetAdded() != 800 || len(got.GetPacks()) != 0 || got.GetCandidatePacks()[0] != "example@1" {
		t.Errorf("%d documents, %d changes, %v, %v", got.GetDocumentCount(), len(got.GetChanges()), got.GetCounts(), got.GetTruncated())
	}
	if last := got.GetChanges()[maxChanges-1].GetRevision(); last != d.documents[2].GetCurrentRevision() {
		t.Errorf("the last change is in %s", last)
	}
}

// Trials have two places; who finds none is told so, and a place is given back.
func TestTrialsAreFew(t *testing.T) {
	h := newHouse(t, &drafts{asked: make(chan string, 4)})
	c := h.imported(t, &competitionv1.ImportRuleSetCandidateRequest{})
	var leave []func()
	for range maxTrials {
		l, err := h.server.trials.enter()
		must(t, err)
		leave = append(leave, l)
	}
	try := &competitionv1.TryRuleSetCandidateRequest{Name: c.GetName()}
	if _, err := h.client.TryRuleSetCandidate(h.as(t, reviewer), try); rpc.Reason(err) != "TRIALS_BUSY" {
		t.Errorf("%v", err)
	}
	leave[0]()
	_, err := h.client.TryRuleSetCandidate(h.as(t, reviewer), try)
	must(t, err)
	_, err = h.client.TryRuleSetCandidate(h.as(t, reviewer), try)
	must(t, err)
}

// An import is made once for a request id, and not at all when it only checks.
func TestImportIsMadeOnce(t *testing.T) {
	h := newHouse(t, &drafts{})
	if c := h.imported(t, &competitionv1.ImportRuleSetCandidateRequest{ValidateOnly: true}); c.GetName() != "" || c.GetRuleCount() == 0 {
		t.Errorf("only checked: %v", c)
	}
	first := h.imported(t, &competitionv1.ImportRuleSetCandidateRequest{RequestId: "r1"})
	if again := h.imported(t, &competitionv1.ImportRuleSetCandidateRequest{RequestId: "r1"}); again.GetName() != first.GetName() {
		t.Errorf("%s again as %s", first.GetName(), again.GetName())
	}
	list, err := h.client.ListRuleSetCandidates(h.as(t, reviewer), &competitionv1.ListRuleSetCandidatesRequest{Parent: region})
	if err != nil || len(list.GetRuleSetCandidates()) != 1 {
		t.Errorf("%v, %v", list.GetRuleSetCandidates(), err)
	}
}

func TestFindingsFitAnAnswer(t *testing.T) {
	var all []*corev1.Finding
	for range 2000 {
		all = append(all, &corev1.Finding{Reason: strings.Repeat("长", 1000)})
	}
	some, truncated := fitting(all, false)
	if len(some) == 0 || len(some) == len(all) || !truncated || proto.Size(&competitionv1.ScreenTextResponse{Findings: some}) > 4<<20 {
		t.Errorf("%d of %d, %v", len(some), len(all), truncated)
	}
	if some, truncated = fitting(all[:10], false); len(some) != 10 || truncated {
		t.Errorf("%d, %v", len(some), truncated)
	}
}

// Sets are read from memory: neither list nor set asks the store.
func BenchmarkGetRuleSet(b *testing.B) {
	rules, err := builtinRules()
	must(b, err)
	s := &Server{builtin: rules.Describe(), pages: make([]byte, 32)}
	on := &datepb.Date{Year: 2026, Month: 4, Day: 8}
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			_, err := s.GetRuleSet(b.Context(), &competitionv1.GetRuleSetRequest{Name: s.builtin[0].GetName()})
			must(b, err)
		}
	})
	b.Run("get on a date", func(b *testing.B) {
		for b.Loop() {
			_, err := s.GetRuleSet(b.Context(), &competitionv1.GetRuleSetRequest{Name: s.builtin[0].GetName(), ReviewDate: on})
			must(b, err)
		}
	})
	b.Run("list on a date", func(b *testing.B) {
		for b.Loop() {
			_, err := s.ListRuleSets(b.Context(), &competitionv1.ListRuleSetsRequest{ReviewDate: on})
			must(b, err)
		}
	})
}

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
)

const matterService = "fashen.counsel.v1.MatterService/"

// sendToMatter uploads a file to a matter over either protocol.
func sendToMatter(ctx context.Context, c client, token string, up *counselv1.MatterUpload, file []byte) (*counselv1.Matter, *failure) {
	out := &counselv1.Matter{}
	if rest, ok := c.(overREST); ok {
		path := "/v1/" + up.GetName() + "/files/" + strings.ToLower(up.GetKind().String()) + ":upload"
		return out, rest.upload(ctx, token, path, up.GetFilename(), up.GetEtag(), up.GetRequestId(), bytes.NewReader(file), out)
	}
	s, err := counselv1.NewMatterServiceClient(c.(overGRPC).conn).UploadMatterFile(authorized(ctx, token))
	if err != nil {
		return nil, grpcFailure(err)
	}
	err = s.Send(&counselv1.UploadMatterFileRequest{Content: &counselv1.UploadMatterFileRequest_Upload{Upload: up}})
	sendChunks(bytes.NewReader(file), err, func(b []byte) error {
		return s.Send(&counselv1.UploadMatterFileRequest{Content: &counselv1.UploadMatterFileRequest_Chunk{Chunk: b}})
	})
	out, err = s.CloseAndRecv()
	return out, grpcFailure(err)
}

// fetchFromMatter downloads a file of a matter over either protocol.
func fetchFromMatter(ctx context.Context, c client, token, name string, number int32) ([]byte, *failure) {
	if rest, ok := c.(overREST); ok {
		return rest.do(ctx, token, http.MethodGet, rest.base+"/v1/"+name+"/files/"+strconv.Itoa(int(number))+":download", "", nil)
	}
	s, err := counselv1.NewMatterServiceClient(c.(overGRPC).conn).DownloadMatterFile(authorized(ctx, token),
		&counselv1.DownloadMatterFileRequest{Name: name, Number: number})
	if err != nil {
		return nil, grpcFailure(err)
	}
	var all []byte
	for {
		body, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, grpcFailure(err)
		}
		all = append(all, body.GetData()...)
	}
}

// agreement is a sample text of a bargain with an operator.
const agreement = "示例合作协议\n第一条 甲方为示例区示例局，乙方为示例公司。\n第二条 乙方享有本区独家经营权，期限二十年。\n第三条 争议由乙方所在地人民法院管辖。\n"

func (w *world) newMatter(t *testing.T, regime counselv1.Regime) *counselv1.Matter {
	t.Helper()
	m := &counselv1.Matter{}
	w.must(t, "drafter", matterService+"CreateMatter", &counselv1.CreateMatterRequest{
		Parent: region, Matter: &counselv1.Matter{Regime: regime, Title: "示例事项", Parties: []string{"示例公司"}},
	}, m)
	return m
}

func (w *world) addFile(t *testing.T, m *counselv1.Matter, kind counselv1.MatterFile_Kind, text string) *counselv1.Matter {
	t.Helper()
	up := &counselv1.MatterUpload{Name: m.GetName(), Kind: kind, Filename: "示例.txt"}
	out, f := sendToMatter(t.Context(), w.client, w.as(t, "drafter"), up, []byte(text))
	if f != nil {
		t.Fatalf("upload %v: %v", kind, f)
	}
	return out
}

// submittedMatter is an agreement with what its review asks for, submitted.
func (w *world) submittedMatter(t *testing.T) (*counselv1.Matter, *counselv1.Case) {
	t.Helper()
	m := w.newMatter(t, counselv1.Regime_REGIME_AGREEMENT)
	w.addFile(t, m, counselv1.MatterFile_DRAFT, agreement)
	w.addFile(t, m, counselv1.MatterFile_STATEMENT, "示例情况说明\n第一条 示例。\n")
	c := &counselv1.Case{}
	w.must(t, "drafter", matterService+"SubmitMatter", &counselv1.SubmitMatterRequest{Name: m.GetName()}, c)
	w.must(t, "drafter", matterService+"GetMatter", &counselv1.GetMatterRequest{Name: m.GetName()}, m)
	return m, c
}

// An agreement from its text to a conclusion with a stated risk: what its review asks
// for, secrets kept out, places in its own draft, counsel who sees it once the way is
// clear, and the same case for a second draft.
func TestAgreementIsReviewed(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		m := w.newMatter(t, counselv1.Regime_REGIME_AGREEMENT)
		f := w.try(t, "drafter", matterService+"SubmitMatter", &counselv1.SubmitMatterRequest{Name: m.GetName()}, &counselv1.Case{})
		if reason(f) != "MATERIALS_INCOMPLETE" || f.metadata["missing"] != "DRAFT,STATEMENT" {
			t.Errorf("without anything: %v %v", f, f.metadata)
		}
		keepSecretsOut(t, w, m)
		if f := w.get(t, "reviewer", matterService+"GetMatter", m.GetName()); reason(f) != "RESOURCE_NOT_FOUND" {
			t.Errorf("the reviewer sees what was not submitted: %v", f)
		}
		m, c := w.submittedMatter(t)
		if c.GetSubject() != m.GetName() || m.GetReviewCase() != c.GetName() || c.GetRegime() != counselv1.Regime_REGIME_AGREEMENT || !slices.Equal(c.GetParties(), []string{"示例公司"}) {
			t.Errorf("case %v of %v", c, m)
		}
		again := &counselv1.Case{}
		if w.must(t, "drafter", matterService+"SubmitMatter", &counselv1.SubmitMatterRequest{Name: m.GetName()}, again); again.GetName() != c.GetName() || len(again.GetRounds()) != 1 {
			t.Errorf("submitted again: %d rounds", len(again.GetRounds()))
		}
		c = w.review(t, "reviewer", "AcceptCase", &counselv1.AcceptCaseRequest{Name: c.GetName()})
		if c.GetDueDate() != nil || c.GetRounds()[0].GetFloorDate() != nil {
			t.Errorf("no law sets times for an agreement: %v", c.GetRounds()[0])
		}
		readMatter(t, w, m, c)
		concludeMatter(t, w, m, c)
	})
}

// keepSecretsOut uploads a text with a mark of secrecy, of which nothing is kept.
func keepSecretsOut(t *testing.T, w *world, m *counselv1.Matter) {
	t.Helper()
	up := &counselv1.MatterUpload{Name: m.GetName(), Kind: counselv1.MatterFile_DRAFT, Filename: "a.txt"}
	_, f := sendToMatter(t.Context(), w.client, w.as(t, "drafter"), up, []byte("机密★10年\n示例协议\n第一条 示例。\n"))
	if reason(f) != "CLASSIFIED_MATERIAL" {
		t.Errorf("a secret: %v", f)
	}
	w.must(t, "drafter", matterService+"GetMatter", &counselv1.GetMatterRequest{Name: m.GetName()}, m)
	if len(m.GetFiles()) != 0 {
		t.Errorf("of a secret is kept: %v", m.GetFiles())
	}
}

// readMatter looks at who reads the files of a submitted matter.
func readMatter(t *testing.T, w *world, m *counselv1.Matter, c *counselv1.Case) {
	t.Helper()
	file, f := fetchFromMatter(t.Context(), w.client, w.as(t, "reviewer"), m.GetName(), 1)
	sum := sha256.Sum256([]byte(agreement))
	if f != nil || string(file) != agreement || m.GetFiles()[0].GetSha256() != hex.EncodeToString(sum[:]) {
		t.Errorf("downloaded %q %v", file, f)
	}
	text := &corev1.PolicyText{}
	in := &counselv1.GetMatterTextRequest{Name: m.GetCurrentRevision()}
	w.must(t, "reviewer", matterService+"GetMatterText", in, text)
	if text.GetText() != agreement || text.GetCounts().GetArticles() != 3 {
		t.Errorf("text %v", text)
	}
	for _, login := range []string{"drafter2", "counsel"} {
		if f := w.try(t, login, matterService+"GetMatterText", in, &corev1.PolicyText{}); reason(f) != "RESOURCE_NOT_FOUND" {
			t.Errorf("%s reads the matter: %v", login, f)
		}
	}
	w.assigned(t, c.GetName())
	w.must(t, "counsel", matterService+"GetMatterText", in, text)
	w.opinion(t, "counsel", c.GetName(), counselv1.Conclusion_LAWFUL)
}

// concludeMatter has a draft revised and the risk of the rest stated.
func concludeMatter(t *testing.T, w *world, m *counselv1.Matter, c *counselv1.Case) {
	t.Helper()
	points := func(failing bool) []*counselv1.ChecklistEntry {
		var out []*counselv1.ChecklistEntry
		for _, p := range []counselv1.ReviewPoint{2, 3, 7} {
			out = append(out, &counselv1.ChecklistEntry{Point: p, Result: counselv1.ChecklistEntry_CONFORMS})
		}
		if failing {
			out[1].Result, out[1].Note = counselv1.ChecklistEntry_DOES_NOT_CONFORM, "示例"
		}
		return out
	}
	conclude := func(o *counselv1.Opinion) {
		t.Helper()
		w.must(t, "reviewer", counselService+"CreateOpinion", &counselv1.CreateOpinionRequest{Parent: c.GetName(), Opinion: proto.CloneOf(o)}, o)
		w.must(t, "reviewer", counselService+"SignOpinion", &counselv1.SignOpinionRequest{Name: o.GetName()}, o)
		c = w.review(t, "reviewer", "ConcludeCase", &counselv1.ConcludeCaseRequest{Name: c.GetName(), Opinion: o.GetName()})
	}
	nowhere := &counselv1.CreateOpinionRequest{Parent: c.GetName(), Opinion: &counselv1.Opinion{Items: []*counselv1.OpinionItem{item(9, "没有这段")}}}
	if f := w.try(t, "reviewer", counselService+"CreateOpinion", nowhere, &counselv1.Opinion{}); f == nil || f.reason != "ANCHOR_NOT_FOUND" || !slices.Contains(f.fields, "opinion.items[0].anchor") {
		t.Errorf("a place that is not there: %v", f)
	}
	conclude(&counselv1.Opinion{Conclusion: counselv1.Conclusion_REVISE, Checklist: points(true), Items: []*counselv1.OpinionItem{item(2, "独家经营权")}})
	if a := c.GetLedger()[0].GetItem().GetAnchor(); a.GetRevision() != m.GetCurrentRevision() || a.GetArticle() != 2 {
		t.Errorf("the item stands at %v", a)
	}
	w.must(t, "drafter", counselService+"AnswerItem", &counselv1.AnswerItemRequest{Name: c.GetName(), Number: 1, Answer: &counselv1.Answer{Adoption: counselv1.Answer_ADOPTED}}, c)
	m = w.addFile(t, m, counselv1.MatterFile_DRAFT, strings.Replace(agreement, "独家经营权", "经营权", 1))
	w.must(t, "drafter", matterService+"SubmitMatter", &counselv1.SubmitMatterRequest{Name: m.GetName()}, c)
	out := &counselv1.CompareItemsResponse{}
	w.must(t, "reviewer", reviewService+"CompareItems", &counselv1.CompareItemsRequest{Name: c.GetName()}, out)
	if len(c.GetRounds()) != 2 || out.GetItems()[0].GetCarried().GetOutcome() != corev1.CarriedAnchor_CHANGED {
		t.Errorf("%d rounds, %v", len(c.GetRounds()), out)
	}
	w.must(t, "reviewer", counselService+"AcceptCase", &counselv1.AcceptCaseRequest{Name: c.GetName()}, c)
	conclude(&counselv1.Opinion{Conclusion: counselv1.Conclusion_LAWFUL_WITH_RISK, RiskStatement: "示例风险。", Checklist: points(false)})
	if c.GetState() != counselv1.Case_CONCLUDED_LAWFUL_WITH_RISK || c.GetRounds()[1].GetRiskStatement() != "示例风险。" {
		t.Errorf("state %v, %v", c.GetState(), c.GetRounds()[1])
	}
}

// matterRequests are the requests of the table for matters.
var matterRequests = map[string]func(n names) proto.Message{
	matterService + "CreateMatter": func(n names) proto.Message {
		return &counselv1.CreateMatterRequest{Parent: n.region, Matter: &counselv1.Matter{Regime: counselv1.Regime_REGIME_ADVICE, Title: "示例事项"}}
	},
	matterService + "GetMatter":             func(n names) proto.Message { return &counselv1.GetMatterRequest{Name: n.matter} },
	matterService + "GetMatter unsubmitted": func(n names) proto.Message { return &counselv1.GetMatterRequest{Name: n.bare} },
	matterService + "ListMatters":           func(n names) proto.Message { return &counselv1.ListMattersRequest{Parent: n.region} },
	matterService + "UpdateMatter": func(n names) proto.Message {
		return &counselv1.UpdateMatterRequest{Matter: &counselv1.Matter{Name: n.matter, Regime: counselv1.Regime_REGIME_AGREEMENT, Title: "示例事项"}, UpdateMask: fields("title")}
	},
	matterService + "GetMatterText": func(n names) proto.Message { return &counselv1.GetMatterTextRequest{Name: n.matterDraft} },
	matterService + "SubmitMatter":  func(n names) proto.Message { return &counselv1.SubmitMatterRequest{Name: n.bare} },
}

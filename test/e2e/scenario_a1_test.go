package e2e

import (
	"slices"
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// A1 up to deliberated: a subsidy that touches employers, accepted 2026-04-08,
// concluded with five items on 04-17, four adopted and one declined, a revised
// draft confirmed, and the meeting of 2026-05-12.
func TestA1FromDraftToDeliberation(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d := w.prepared(t, true)
		checkFindings(t, w, d)
		d, c := w.accepted(t, d)
		r := c.GetRounds()[0]
		if iso(r.GetFloorDate()) != "2026-04-15" || iso(r.GetCeilingDate()) != "2026-04-29" || iso(r.GetEarliestMeetingDate()) != "2026-04-16" {
			t.Errorf("floor %s, ceiling %s, earliest meeting %s", iso(r.GetFloorDate()), iso(r.GetCeilingDate()), iso(r.GetEarliestMeetingDate()))
		}
		w.assigned(t, c.GetName())
		w.opinion(t, "counsel", c.GetName(), counselv1.Conclusion_REVISE, item(4, "在本区注册并纳税满二年"))
		w.competition(t, d.GetName(), d.GetRevisions()[0].GetName(), filingv1.CompetitionConclusion_COMPLIES)

		w.clock.day(t, "2026-04-17")
		c = w.conclude(t, c.GetName(), counselv1.Conclusion_REVISE,
			item(4, "在本区注册并纳税满二年"), item(4, "另行给予十万元奖励"), item(3, "按照每人每月1200元的标准"),
			item(1, "根据有关法律、法规"), item(2, "见习补贴的申领和监督管理"))
		if c.GetState() != counselv1.Case_CONCLUDED_REVISE || len(c.GetLedger()) != 5 {
			t.Fatalf("state %v, %d items", c.GetState(), len(c.GetLedger()))
		}
		if _, f := w.deliberate(t, "office", d.GetName(), "2026-05-12"); f == nil || !slices.Contains(f.refusals, "OPINION_ITEM_UNANSWERED") {
			t.Errorf("with unanswered items: %v", f)
		}
		c = answerItems(t, w, c)
		if _, f := w.deliberate(t, "office", d.GetName(), "2026-05-12"); f == nil || !slices.Contains(f.refusals, "CONDITION_OPEN") {
			t.Errorf("adopted items without a revised draft: %v", f)
		}
		d = revise(t, w, d, c)
		w.clock.day(t, "2026-05-11")
		d, f := w.deliberate(t, "office", d.GetName(), "2026-05-12")
		if f != nil {
			t.Fatalf("deliberate: %v", f)
		}
		if d.GetState() != filingv1.Document_DELIBERATED || iso(d.GetDeliberation().GetMeetingDate()) != "2026-05-12" {
			t.Errorf("state %v, %v", d.GetState(), d.GetDeliberation())
		}
		checkRecord(t, w, d, c)
	})
}

// checkFindings looks at what the rules say of the sample draft.
func checkFindings(t *testing.T, w *world, d *filingv1.Document) {
	t.Helper()
	res := &filingv1.ListFindingsResponse{}
	w.must(t, "drafter", filingService+"ListFindings", &filingv1.ListFindingsRequest{Parent: d.GetRevisions()[0].GetName()}, res)
	i := slices.IndexFunc(res.GetFindings(), func(f *corev1.Finding) bool { return f.GetRule() == "FCR-19-3" })
	if i < 0 {
		t.Fatalf("no finding on the reward tied to registration: %v", res.GetFindings())
	}
	f := res.GetFindings()[i]
	if f.GetAnchor().GetArticle() != 4 || !strings.Contains(f.GetAnchor().GetQuote(), "注册并纳税满二年") || f.GetArticle() != "REG-10-2" {
		t.Errorf("finding %v", f)
	}
	text := &corev1.PolicyText{}
	w.must(t, "drafter", filingService+"GetRevisionText", &filingv1.GetRevisionTextRequest{Name: d.GetRevisions()[0].GetName()}, text)
	if n := text.GetCounts(); n.GetChapters() != 3 || n.GetArticles() != 5 {
		t.Errorf("counts %v", n)
	}
	if quoted := string([]rune(text.GetText())[f.GetAnchor().GetStart():f.GetAnchor().GetEnd()]); quoted != f.GetAnchor().GetQuote() {
		t.Errorf("the anchor quotes %q, the text has %q there", f.GetAnchor().GetQuote(), quoted)
	}
}

// answerItems adopts four items and declines one.
func answerItems(t *testing.T, w *world, c *counselv1.Case) *counselv1.Case {
	t.Helper()
	answer := func(n int32, a *counselv1.Answer) *failure {
		return w.try(t, "drafter", counselService+"AnswerItem", &counselv1.AnswerItemRequest{Name: c.GetName(), Number: n, Answer: a}, c)
	}
	if f := answer(5, &counselv1.Answer{Adoption: counselv1.Answer_NOT_ADOPTED}); f == nil || f.reason != "NON_ADOPTION_REASON_MISSING" {
		t.Errorf("declined without a reason: %v", f)
	}
	for n := range int32(4) {
		if f := answer(n+1, &counselv1.Answer{Adoption: counselv1.Answer_ADOPTED}); f != nil {
			t.Fatalf("answer %d: %v", n+1, f)
		}
	}
	if f := answer(5, &counselv1.Answer{Adoption: counselv1.Answer_NOT_ADOPTED, Reason: "与上级规定表述一致", Decider: "分管负责人"}); f != nil {
		t.Fatalf("answer 5: %v", f)
	}
	if c.GetState() != counselv1.Case_REVISED {
		t.Fatalf("state %v after all answers", c.GetState())
	}
	return c
}

// revise uploads the revised draft, submits it, sees that nothing passes before
// the reviewer and the regulator looked at the difference, and lets them.
func revise(t *testing.T, w *world, d *filingv1.Document, c *counselv1.Case) *filingv1.Document {
	t.Helper()
	second := w.mustUpload(t, d.GetName(), draft(t, "1500"))
	if _, f := w.deliberate(t, "office", d.GetName(), "2026-05-12"); f == nil || !slices.Contains(f.refusals, "LEGALITY_STALE") || !slices.Contains(f.refusals, "FCR_STALE") {
		t.Errorf("a draft nobody looked at: %v", f)
	}
	d = w.document(t, "drafter", "SubmitDocument", &filingv1.SubmitDocumentRequest{Name: d.GetName()})
	if _, f := w.deliberate(t, "office", d.GetName(), "2026-05-12"); f == nil || !slices.Contains(f.refusals, "CONDITION_OPEN") {
		t.Errorf("a revised draft that is not confirmed: %v", f)
	}
	c = w.review(t, "reviewer", "ConfirmRevision", &counselv1.ConfirmRevisionRequest{
		Name: c.GetName(), VersionDigest: d.GetVersionDigest(), Note: "逐条比对，修改与答复一致，无其他改动。",
	})
	if n := len(c.GetRounds()); n != 2 || c.GetRounds()[1].GetConfirmation() == nil {
		t.Errorf("%d rounds, %v", n, c.GetRounds()[n-1])
	}
	return w.document(t, "regulator", "CarryCompetitionConclusion", &filingv1.CarryCompetitionConclusionRequest{
		Name: d.GetName(), Revision: second.GetName(), Reason: "修改内容不涉及经营者。",
	})
}

// checkRecord looks at what is left on record: the history with its refusals,
// and that the record is closed.
func checkRecord(t *testing.T, w *world, d *filingv1.Document, c *counselv1.Case) {
	t.Helper()
	history := &filingv1.ListDocumentHistoryResponse{}
	w.must(t, "reviewer", filingService+"ListDocumentHistory", &filingv1.ListDocumentHistoryRequest{Parent: d.GetName(), PageSize: 100}, history)
	refused := 0
	for i, e := range history.GetHistory() {
		if e.GetSequence() != int64(i+1) {
			t.Errorf("entry %d has sequence %d", i+1, e.GetSequence())
		}
		if e.GetOutcome() == corev1.Outcome_OUTCOME_REFUSED {
			refused++
		}
	}
	if refused != 4 {
		t.Errorf("%d refusals on record, want the 4 attempts before the gate opened", refused)
	}
	if _, f := w.upload(t, "drafter", d.GetName(), "late.docx", draft(t, "9000")); f == nil || f.reason != "RECORD_CLOSED" {
		t.Errorf("a draft after deliberation: %v", f)
	}
	c = w.review(t, "reviewer", "GetCase", &counselv1.GetCaseRequest{Name: c.GetName()})
	if len(c.GetCertificates()) != 1 || c.GetCertificates()[0].GetVersionDigest() != d.GetVersionDigest() {
		t.Errorf("certificates %v", c.GetCertificates())
	}
}

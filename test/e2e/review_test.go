package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// One opinion from an empty draft to the conclusion: items from a finding and written
// out, one at a time; the checklist; the second reviewer, whom the region asks for;
// the opinion that takes the place of a signed one; and where the places of the items
// stand in the revised draft.
func TestReviewOfAnOpinion(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		w.profile(t, "2026-04-08", func(p *directoryv1.JurisdictionProfile) {
			p.ReviewCheckRequired = &directoryv1.FlagSetting{Value: true, Source: &directoryv1.SettingSource{Citation: "示例区内部规定", Confirmed: true}}
		})
		d := w.prepared(t, true)
		d, c := w.accepted(t, d)
		o := w.drafted(t, "reviewer", c.GetName())
		if len(o.GetChecklist()) != 7 {
			t.Errorf("a new draft has %d points to answer", len(o.GetChecklist()))
		}
		writeItems(t, w, d, o)
		answerChecklist(t, w, o)
		passCheck(t, w, o)
		o = takeBackAndSign(t, w, o)

		c = w.review(t, "reviewer", "ConcludeCase", &counselv1.ConcludeCaseRequest{Name: c.GetName(), Opinion: o.GetName(), TimeSufficient: true})
		if c.GetState() != counselv1.Case_CONCLUDED_REVISE || len(c.GetLedger()) != 3 {
			t.Fatalf("state %v, %d lines", c.GetState(), len(c.GetLedger()))
		}
		compareItems(t, w, d, c)
	})
}

// writeItems adds an item of a finding, asks for it again, adds two more, changes and
// removes one.
func writeItems(t *testing.T, w *world, d *filingv1.Document, o *counselv1.Opinion) {
	t.Helper()
	revision := d.GetRevisions()[0].GetName()
	found := &filingv1.ListFindingsResponse{}
	w.must(t, "reviewer", filingService+"ListFindings", &filingv1.ListFindingsRequest{Parent: revision}, found)
	i := slices.IndexFunc(found.GetFindings(), func(f *corev1.Finding) bool { return f.GetRule() == "FCR-19-3" })
	f := found.GetFindings()[i]
	for range 2 {
		w.must(t, "reviewer", reviewService+"AddItem", &counselv1.AddItemRequest{
			Name: o.GetName(), Source: &counselv1.AddItemRequest_Finding{Finding: f.GetId()},
		}, o)
	}
	if len(o.GetItems()) != 1 {
		t.Fatalf("%d items of one finding", len(o.GetItems()))
	}
	if item := o.GetItems()[0]; item.GetBasis() != f.GetLaw() || item.GetAnchor().GetArticle() != 4 || item.GetAnchor().GetRevision() != revision ||
		item.GetAnalysis() != f.GetReason() || item.GetLegalBases()[0].GetLaw() != "公平竞争审查条例" || iso(item.GetLegalBases()[0].GetReferenceDate()) != "2026-04-08" {
		t.Errorf("item of a finding: %v", item)
	}
	refusedItem := func(source *counselv1.AddItemRequest, want string) {
		t.Helper()
		source.Name = o.GetName()
		if f := w.try(t, "reviewer", reviewService+"AddItem", source, &counselv1.Opinion{}); f == nil || f.reason != want {
			t.Errorf("%v, want %s", f, want)
		}
	}
	refusedItem(&counselv1.AddItemRequest{Source: &counselv1.AddItemRequest_Finding{Finding: "none"}}, "FINDING_UNKNOWN")
	elsewhere := item(4, "十万元奖励")
	elsewhere.Anchor.Revision = d.GetName() + "/revisions/2"
	refusedItem(&counselv1.AddItemRequest{Source: &counselv1.AddItemRequest_Item{Item: elsewhere}}, "ANCHOR_NOT_FOUND")

	for _, quote := range []string{"1200", "有效期五年", "本区行政区域"} {
		whole := item(0, quote)
		w.must(t, "reviewer", reviewService+"AddItem", &counselv1.AddItemRequest{Name: o.GetName(), Source: &counselv1.AddItemRequest_Item{Item: whole}}, o)
	}
	last := o.GetItems()[3]
	last.Analysis = "示例分析，改。"
	w.must(t, "reviewer", reviewService+"ReplaceItem", &counselv1.ReplaceItemRequest{Name: o.GetName(), Item: last, Etag: o.GetEtag()}, o)
	if o.GetItems()[3].GetAnalysis() != last.GetAnalysis() || o.GetItems()[3].GetId() != last.GetId() {
		t.Errorf("replaced: %v", o.GetItems()[3])
	}
	w.must(t, "reviewer", reviewService+"RemoveItem", &counselv1.RemoveItemRequest{Name: o.GetName(), ItemId: last.GetId()}, o)
	if len(o.GetItems()) != 3 {
		t.Errorf("%d items after one was removed", len(o.GetItems()))
	}
}

// answerChecklist sees that nothing is signed before every point is answered as the
// opinion concludes.
func answerChecklist(t *testing.T, w *world, o *counselv1.Opinion) {
	t.Helper()
	set := func(change *counselv1.Opinion, paths ...string) {
		t.Helper()
		change.Name = o.GetName()
		w.must(t, "reviewer", counselService+"UpdateOpinion", &counselv1.UpdateOpinionRequest{Opinion: change, UpdateMask: fields(paths...)}, o)
	}
	sign := func(want string) {
		t.Helper()
		if f := w.try(t, "reviewer", counselService+"SignOpinion", &counselv1.SignOpinionRequest{Name: o.GetName()}, &counselv1.Opinion{}); f == nil || f.reason != want {
			t.Errorf("signed: %v, want %s", f, want)
		}
	}
	set(&counselv1.Opinion{Conclusion: counselv1.Conclusion_REVISE}, "conclusion")
	sign("CHECKLIST_INCOMPLETE")
	set(&counselv1.Opinion{Checklist: checklist(counselv1.Conclusion_LAWFUL)}, "checklist")
	sign("CHECKLIST_CONTRADICTS")
	set(&counselv1.Opinion{Conclusion: counselv1.Conclusion_LAWFUL_WITH_RISK, RiskStatement: "示例风险。"}, "conclusion", "risk_statement")
	sign("CONCLUSION_NOT_ALLOWED")
	set(&counselv1.Opinion{Conclusion: counselv1.Conclusion_REVISE, Checklist: checklist(counselv1.Conclusion_REVISE)}, "conclusion", "checklist", "risk_statement")
}

// passCheck has the opinion checked by a colleague: sent back once, void by a change,
// approved.
func passCheck(t *testing.T, w *world, o *counselv1.Opinion) {
	t.Helper()
	sign := func(want string) {
		t.Helper()
		if f := w.try(t, "reviewer", counselService+"SignOpinion", &counselv1.SignOpinionRequest{Name: o.GetName()}, o); reason(f) != want {
			t.Errorf("signed: %v, want %q", f, want)
		}
	}
	decide := func(ch *counselv1.Check, d counselv1.DecideCheckRequest_Decision) *failure {
		return w.try(t, "reviewer2", reviewService+"DecideCheck", &counselv1.DecideCheckRequest{Name: ch.GetName(), Decision: d, Note: "示例意见。"}, ch)
	}
	summarize := func(text string) {
		t.Helper()
		w.must(t, "reviewer", counselService+"UpdateOpinion", &counselv1.UpdateOpinionRequest{
			Opinion: &counselv1.Opinion{Name: o.GetName(), Summary: text}, UpdateMask: fields("summary"),
		}, o)
	}
	own := &counselv1.CreateCheckRequest{Parent: o.GetName(), Check: &counselv1.Check{Checker: w.people["reviewer"]}}
	if f := w.try(t, "reviewer", reviewService+"CreateCheck", own, &counselv1.Check{}); reason(f) != "SELF_REVIEW_FORBIDDEN" {
		t.Errorf("checked by the author: %v", f)
	}
	own.Check.Checker = w.people["office"]
	if f := w.try(t, "reviewer", reviewService+"CreateCheck", own, &counselv1.Check{}); reason(f) != "NOT_REVIEWER" {
		t.Errorf("checked by the office: %v", f)
	}
	sign("OPINION_CHECK_MISSING")
	ch := w.askCheck(t, "reviewer", o.GetName(), "reviewer2")
	if f := decide(ch, counselv1.DecideCheckRequest_SEND_BACK); f != nil || ch.GetDecider() != w.people["reviewer2"] {
		t.Fatalf("sent back: %v %v", f, ch)
	}
	sign("OPINION_CHECK_MISSING")
	ch = w.askCheck(t, "reviewer", o.GetName(), "reviewer2")
	summarize("示例意见，改。")
	if f := decide(ch, counselv1.DecideCheckRequest_APPROVE); reason(f) != "CHECK_STALE" {
		t.Errorf("approved what has changed: %v", f)
	}
	ch = w.askCheck(t, "reviewer", o.GetName(), "reviewer2")
	if f := decide(ch, counselv1.DecideCheckRequest_APPROVE); f != nil || ch.GetState() != counselv1.Check_APPROVED {
		t.Fatalf("approved: %v %v", f, ch)
	}
	summarize("示例意见，又改。")
	sign("OPINION_CHECK_MISSING")
	summarize("示例意见，改。")
	sign("")
	if f := w.try(t, "drafter", counselService+"GetOpinion", &counselv1.GetOpinionRequest{Name: o.GetName()}, &counselv1.Opinion{}); f != nil {
		t.Errorf("the bureau reads the signed opinion: %v", f)
	}
}

// takeBackAndSign lets another opinion take the place of a signed one; both stay.
func takeBackAndSign(t *testing.T, w *world, before *counselv1.Opinion) *counselv1.Opinion {
	t.Helper()
	o := &counselv1.Opinion{
		Supersedes: before.GetName(), Conclusion: before.GetConclusion(), Summary: "示例意见，重新出具。",
		Items: before.GetItems(), Checklist: before.GetChecklist(),
	}
	review := o.GetSupersedes()[:len(region)+len("/cases/")+len(absentID)]
	w.must(t, "reviewer", counselService+"CreateOpinion", &counselv1.CreateOpinionRequest{Parent: review, Opinion: proto.CloneOf(o)}, o)
	ch := w.askCheck(t, "reviewer", o.GetName(), "reviewer2")
	w.must(t, "reviewer2", reviewService+"DecideCheck", &counselv1.DecideCheckRequest{Name: ch.GetName(), Decision: counselv1.DecideCheckRequest_APPROVE}, ch)
	if f := w.try(t, "reviewer2", counselService+"SignOpinion", &counselv1.SignOpinionRequest{Name: o.GetName()}, &counselv1.Opinion{}); reason(f) != "RESOURCE_NOT_FOUND" {
		t.Errorf("signed by the checker: %v", f)
	}
	w.must(t, "reviewer", counselService+"SignOpinion", &counselv1.SignOpinionRequest{Name: o.GetName()}, o)
	again := &counselv1.Opinion{}
	w.must(t, "drafter", counselService+"GetOpinion", &counselv1.GetOpinionRequest{Name: before.GetName()}, again)
	if o.GetState() != counselv1.Opinion_SIGNED || again.GetSupersededBy() != o.GetName() || again.GetContentDigest() != before.GetContentDigest() || again.GetSummary() != before.GetSummary() {
		t.Errorf("superseded: %v by %v", again, o.GetState())
	}
	if f := w.try(t, "reviewer", counselService+"ConcludeCase", &counselv1.ConcludeCaseRequest{Name: review, Opinion: before.GetName()}, &counselv1.Case{}); reason(f) != "OPINION_SUPERSEDED" {
		t.Errorf("concluded on what was superseded: %v", f)
	}
	return o
}

// compareItems looks where the places of the items stand in a revised draft that
// changes an amount, strikes out a paragraph and adds an article before.
func compareItems(t *testing.T, w *world, d *filingv1.Document, c *counselv1.Case) {
	t.Helper()
	second := w.mustUpload(t, d.GetName(), docx(t, "", "示例区见习补贴管理办法", "#总则",
		"*为规范见习补贴管理，根据有关法律、法规，结合本区实际，制定本办法。",
		"*本办法适用于本区行政区域内见习补贴的申领和监督管理。", "#补贴",
		"*对接收见习人员的用人单位，按照每人每月1500元的标准给予补贴。", "#附则",
		"*见习补贴由区示例局负责解释。",
		"*本办法自印发之日起施行，有效期五年。"))
	out := &counselv1.CompareItemsResponse{}
	w.must(t, "drafter", reviewService+"CompareItems", &counselv1.CompareItemsRequest{Name: c.GetName(), Revision: second.GetName()}, out)
	if out.GetBase() != d.GetRevisions()[0].GetName() || out.GetRevision() != second.GetName() || len(out.GetItems()) != 3 {
		t.Fatalf("%v", out)
	}
	got := map[string]corev1.CarriedAnchor_Outcome{}
	for _, i := range out.GetItems() {
		got[i.GetLine().GetItem().GetAnchor().GetQuote()] = i.GetCarried().GetOutcome()
	}
	for quote, want := range map[string]corev1.CarriedAnchor_Outcome{
		"1200": corev1.CarriedAnchor_CHANGED, "有效期五年": corev1.CarriedAnchor_SAME,
	} {
		if got[quote] != want {
			t.Errorf("%s: %v, want %v", quote, got[quote], want)
		}
	}
	for quote, outcome := range got {
		if quote != "1200" && quote != "有效期五年" && outcome == corev1.CarriedAnchor_SAME {
			t.Errorf("struck out and %v: %s", outcome, quote)
		}
	}
	w.must(t, "reviewer", reviewService+"CompareItems", &counselv1.CompareItemsRequest{Name: c.GetName()}, out)
	for _, i := range out.GetItems() {
		if i.GetCarried().GetOutcome() != corev1.CarriedAnchor_SAME {
			t.Errorf("in the reviewed draft itself: %v", i.GetCarried())
		}
	}
	other := w.newDocument(t, false)
	in := &counselv1.CompareItemsRequest{Name: c.GetName(), Revision: other.GetName() + "/revisions/1"}
	if f := w.try(t, "drafter", reviewService+"CompareItems", in, out); reason(f) != "OTHER_DOCUMENT" {
		t.Errorf("with another document: %v", f)
	}
}

// Without the setting a check may be asked for and binds nobody.
func TestCheckBindsOnlyWhereTheRegionSaysSo(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		_, c := w.accepted(t, w.prepared(t, false))
		o := w.signable(t, "reviewer", c.GetName())
		ch := w.askCheck(t, "reviewer", o.GetName(), "reviewer2")
		w.must(t, "reviewer2", reviewService+"DecideCheck", &counselv1.DecideCheckRequest{Name: ch.GetName(), Decision: counselv1.DecideCheckRequest_SEND_BACK, Note: "示例。"}, ch)
		w.must(t, "reviewer", counselService+"SignOpinion", &counselv1.SignOpinionRequest{Name: o.GetName()}, o)
		if o.GetState() != counselv1.Opinion_SIGNED {
			t.Errorf("state %v", o.GetState())
		}
	})
}

// Fifty reviewers write on one case at the same time: comments of each, items of an
// opinion, a list that pages; nothing is lost. Counsel sees and answers what was
// addressed to them, and sees nothing any more once they step back.
func TestFiftyReviewersLoseNothing(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		_, c := w.accepted(t, w.prepared(t, true))
		o := w.drafted(t, "reviewer", c.GetName())
		author := w.as(t, "reviewer")
		const n = 50
		var wg sync.WaitGroup
		for i := range n {
			token := w.mint(t, fmt.Sprintf("%s/people/reviewer-%d", region, i), corev1.Role_ROLE_REVIEWER)
			wg.Go(func() {
				in := &counselv1.CreateCommentRequest{Parent: c.GetName(), Comment: &counselv1.Comment{Text: fmt.Sprintf("示例讨论%d。", i)}}
				if f := w.call(t.Context(), token, reviewService+"CreateComment", in, &counselv1.Comment{}); f != nil {
					t.Errorf("comment %d: %v", i, f)
				}
				one := item(4, "十万元奖励")
				one.Analysis = fmt.Sprintf("示例分析%d。", i)
				add := &counselv1.AddItemRequest{Name: o.GetName(), Source: &counselv1.AddItemRequest_Item{Item: one}}
				if f := w.call(t.Context(), author, reviewService+"AddItem", add, &counselv1.Opinion{}); f != nil {
					t.Errorf("item %d: %v", i, f)
				}
			})
		}
		wg.Wait()
		w.must(t, "reviewer", counselService+"GetOpinion", &counselv1.GetOpinionRequest{Name: o.GetName()}, o)
		items, comments := map[string]bool{}, map[string]bool{}
		for _, i := range o.GetItems() {
			items[i.GetId()+i.GetAnalysis()] = true
		}
		for token := ""; ; {
			page := &counselv1.ListCommentsResponse{}
			w.must(t, "reviewer", reviewService+"ListComments", &counselv1.ListCommentsRequest{Parent: c.GetName(), PageSize: 7, PageToken: token}, page)
			for _, m := range page.GetComments() {
				comments[m.GetText()] = true
			}
			if token = page.GetNextPageToken(); token == "" {
				break
			}
		}
		if len(items) != n || len(comments) != n {
			t.Errorf("%d items and %d comments of %d", len(items), len(comments), n)
		}
		answerAndLeave(t, w, c)
	})
}

// answerAndLeave lets counsel answer a comment and then step back from the case.
func answerAndLeave(t *testing.T, w *world, c *counselv1.Case) {
	t.Helper()
	early := &counselv1.CreateCommentRequest{Parent: c.GetName(), Comment: &counselv1.Comment{Text: "示例。", Addressees: []string{w.people["counsel"]}}}
	if f := w.try(t, "reviewer", reviewService+"CreateComment", early, &counselv1.Comment{}); reason(f) != "ADDRESSEE_UNKNOWN" {
		t.Errorf("addressed to one who is not assigned: %v", f)
	}
	a := w.assigned(t, c.GetName())
	asked := w.comment(t, "reviewer", c.GetName(), "counsel")
	if asked.GetAnchor().GetArticle() != 4 || asked.GetRound() != 1 {
		t.Errorf("comment %v", asked)
	}
	list := func() (*counselv1.ListCommentsResponse, *failure) {
		out := &counselv1.ListCommentsResponse{}
		return out, w.try(t, "counsel", reviewService+"ListComments", &counselv1.ListCommentsRequest{Parent: c.GetName()}, out)
	}
	w.must(t, "counsel", reviewService+"CreateComment", &counselv1.CreateCommentRequest{
		Parent: c.GetName(), Comment: &counselv1.Comment{Text: "示例答复。", ReplyTo: asked.GetName()},
	}, &counselv1.Comment{})
	if page, f := list(); f != nil || len(page.GetComments()) != 2 {
		t.Errorf("counsel sees %v %v", page, f)
	}
	w.must(t, "counsel", counselService+"DeclareConflict", &counselv1.DeclareConflictRequest{
		Name: a.GetName(), Result: counselv1.DeclareConflictRequest_CONFLICT, Note: "示例冲突",
	}, a)
	eventually(t, "the file is closed to counsel", func() error {
		if _, f := list(); reason(f) != "RESOURCE_NOT_FOUND" {
			return errWaiting
		}
		return nil
	})
	if f := w.try(t, "counsel", reviewService+"GetComment", &counselv1.GetCommentRequest{Name: asked.GetName()}, &counselv1.Comment{}); reason(f) != "RESOURCE_NOT_FOUND" {
		t.Errorf("counsel who left reads %v", f)
	}
}

// The region lets a review be extended once; the case passes to a colleague, with the
// task, who concludes it.
func TestExtendedAndPassedOn(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		_, c := w.accepted(t, w.prepared(t, false))
		extend := func(days int32) *failure {
			return w.try(t, "reviewer", reviewService+"ExtendCase", &counselv1.ExtendCaseRequest{Name: c.GetName(), Days: days, Reason: "示例：情况复杂"}, c)
		}
		if f := extend(5); reason(f) != "EXTENSION_NOT_ALLOWED" {
			t.Errorf("where the region allows none: %v", f)
		}
		w.profile(t, "2026-04-08", func(p *directoryv1.JurisdictionProfile) {
			p.ReviewExtensionDays = &directoryv1.NumberSetting{Value: 5, Source: &directoryv1.SettingSource{Citation: "示例区内部规定", Confirmed: true}}
		})
		if f := extend(6); reason(f) != "EXTENSION_NOT_ALLOWED" {
			t.Errorf("by more than the region allows: %v", f)
		}
		// 15 working days from 2026-04-08 are 2026-04-29; five more, over the holiday of
		// 1 to 5 May and the make-up day of 9 May, are 2026-05-09.
		if f := extend(5); f != nil || iso(c.GetDueDate()) != "2026-05-09" || iso(c.GetRounds()[0].GetCeilingDate()) != "2026-05-09" {
			t.Errorf("extended: %v, due %s", f, iso(c.GetDueDate()))
		}
		if f := extend(1); reason(f) != "EXTENSION_NOT_ALLOWED" {
			t.Errorf("extended twice: %v", f)
		}
		w.must(t, "reviewer", reviewService+"TransferCase", &counselv1.TransferCaseRequest{
			Name: c.GetName(), Reviewer: w.people["reviewer2"], Reason: "示例：外出学习",
		}, c)
		w.pending(t, "passed on", "reviewer2", "counsel", "REVIEW_CASE 2026-05-09")
		o := w.opinion(t, "reviewer2", c.GetName(), counselv1.Conclusion_LAWFUL)
		c = w.review(t, "reviewer2", "ConcludeCase", &counselv1.ConcludeCaseRequest{Name: c.GetName(), Opinion: o.GetName(), TimeSufficient: true})
		if c.GetState() != counselv1.Case_CONCLUDED_LAWFUL || c.GetReviewer() != w.people["reviewer2"] {
			t.Errorf("state %v of %s", c.GetState(), c.GetReviewer())
		}
		history := &counselv1.ListCaseHistoryResponse{}
		w.must(t, "drafter", counselService+"ListCaseHistory", &counselv1.ListCaseHistoryRequest{Parent: c.GetName()}, history)
		i := slices.IndexFunc(history.GetHistory(), func(e *corev1.JournalEntry) bool {
			return strings.HasSuffix(e.GetMethod(), "/TransferCase") && e.GetActor() == w.people["reviewer"]
		})
		if i < 0 {
			t.Errorf("the transfer is not on record: %v", history.GetHistory())
		}
	})
}

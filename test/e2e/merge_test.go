package e2e

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
)

const powerList = "示例权责清单调整方案\n第一条 增加示例事项一项。\n第二条 示例事项由本局办理。\n"

// campaign is a power-list change of one bureau, and its case.
type campaign struct {
	login  string
	matter *counselv1.Matter
	review *counselv1.Case
}

// campaigns are power-list changes of three bureaus, accepted.
func (w *world) campaigns(t *testing.T) []*campaign {
	t.Helper()
	w.drafts(t, "drafter3", "河北区市场监督管理局（示例）")
	var out []*campaign
	for _, login := range []string{"drafter", "drafter2", "drafter3"} {
		out = append(out, w.campaign(t, login))
	}
	return out
}

// campaign is a power-list change of somebody's bureau, accepted.
func (w *world) campaign(t *testing.T, login string) *campaign {
	t.Helper()
	p := &directoryv1.Person{}
	w.must(t, "sysadmin", directoryService+"GetPerson", &directoryv1.GetPersonRequest{Name: w.people[login]}, p)
	c := &campaign{login: login, matter: &counselv1.Matter{}, review: &counselv1.Case{}}
	w.must(t, login, matterService+"CreateMatter", &counselv1.CreateMatterRequest{
		Parent: region, Matter: &counselv1.Matter{
			Regime: counselv1.Regime_REGIME_POWER_LIST_CHANGE, Title: "示例权责清单调整（" + login + "）",
			Changes: []*counselv1.PowerListChange{{
				Kind: counselv1.PowerListChange_ADD, Department: p.GetBureau(), Power: "示例事项", Reason: "示例：机构改革",
				CreatingBases: []*counselv1.LegalBasis{{Law: "示例条例", Article: "第一条", ReferenceDate: date(t, "2026-04-08")}},
			}},
		},
	}, c.matter)
	c.submit(t, w, powerList)
	return c
}

// submit uploads a draft, submits it and has it accepted.
func (c *campaign) submit(t *testing.T, w *world, text string) {
	t.Helper()
	up := &counselv1.MatterUpload{Name: c.matter.GetName(), Kind: counselv1.MatterFile_DRAFT, Filename: "示例.txt"}
	m, f := sendToMatter(t.Context(), w.client, w.as(t, c.login), up, []byte(text))
	if f != nil {
		t.Fatalf("upload by %s: %v", c.login, f)
	}
	c.matter = m
	w.must(t, c.login, matterService+"SubmitMatter", &counselv1.SubmitMatterRequest{Name: m.GetName()}, c.review)
	w.must(t, "reviewer", counselService+"AcceptCase", &counselv1.AcceptCaseRequest{Name: c.review.GetName()}, c.review)
}

// see reads the case anew.
func (c *campaign) see(t *testing.T, w *world) *counselv1.Case {
	t.Helper()
	w.must(t, "reviewer", counselService+"GetCase", &counselv1.GetCaseRequest{Name: c.review.GetName()}, c.review)
	return c.review
}

// drafts adds somebody who drafts in a bureau.
func (w *world) drafts(t *testing.T, login, bureau string) {
	t.Helper()
	p := &directoryv1.Person{}
	w.must(t, "sysadmin", directoryService+"CreatePerson", &directoryv1.CreatePersonRequest{
		Parent: region, Person: &directoryv1.Person{DisplayName: "示例起草人员（" + login + "）", Login: login, Bureau: w.bureau[bureau]},
	}, p)
	w.must(t, "secadmin", directoryService+"SetPersonRoles", &directoryv1.SetPersonRolesRequest{
		Name: p.GetName(), Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER},
	}, p)
	code := &directoryv1.IssueOneTimeCodeResponse{}
	w.must(t, "secadmin", directoryService+"IssueOneTimeCode", &directoryv1.IssueOneTimeCodeRequest{Name: p.GetName()}, code)
	w.people[login], w.codes[login] = p.GetName(), code.GetOneTimeCode()
}

// merge puts cases together, the first of which leads.
func (w *world) merge(t *testing.T, of ...*campaign) *failure {
	t.Helper()
	in := &counselv1.MergeCasesRequest{Name: of[0].review.GetName()}
	for _, c := range of[1:] {
		in.Cases = append(in.Cases, c.review.GetName())
	}
	return w.try(t, "reviewer", reviewService+"MergeCases", in, of[0].review)
}

// onePoint answers the review points of a power-list change.
func onePoint(failing bool) []*counselv1.ChecklistEntry {
	var out []*counselv1.ChecklistEntry
	for _, p := range []counselv1.ReviewPoint{2, 3, 7} {
		out = append(out, &counselv1.ChecklistEntry{Point: p, Result: counselv1.ChecklistEntry_CONFORMS})
	}
	if failing {
		out[1].Result, out[1].Note = counselv1.ChecklistEntry_DOES_NOT_CONFORM, "示例"
	}
	return out
}

// Three bureaus change their power lists; one opinion, with items on two of them,
// concludes them all, and each answers for itself.
func TestOneOpinionForThreeBureaus(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		of := w.campaigns(t)
		if f := w.merge(t, of...); f != nil || len(of[0].review.GetMergedCases()) != 2 || of[1].see(t, w).GetMergedInto() != of[0].review.GetName() {
			t.Fatalf("merged: %v, %v", f, of[0].review)
		}
		aloneIsRefused(t, w, of)
		o := sharedOpinion(t, w, of)
		for _, c := range of {
			if f := w.get(t, c.login, counselService+"GetOpinion", o.GetName()); f != nil {
				t.Errorf("%s reads the shared opinion: %v", c.login, f)
			}
		}
		conclude := &counselv1.ConcludeCaseRequest{Name: of[0].review.GetName(), Opinion: o.GetName()}
		for range 2 { // made again, it changes nothing
			w.must(t, "reviewer", counselService+"ConcludeCase", conclude, of[0].review)
		}
		for i, want := range []struct {
			state counselv1.Case_State
			lines int
		}{
			{counselv1.Case_CONCLUDED_REVISE, 1}, {counselv1.Case_CONCLUDED_REVISE, 1}, {counselv1.Case_CONCLUDED_LAWFUL, 0},
		} {
			c := of[i].see(t, w)
			if c.GetState() != want.state || len(c.GetLedger()) != want.lines || c.GetRounds()[0].GetOpinion() != o.GetName() {
				t.Errorf("case %d: %v with %v on %q", i, c.GetState(), c.GetLedger(), c.GetRounds()[0].GetOpinion())
			}
		}
		answered := &counselv1.AnswerItemRequest{Name: of[1].review.GetName(), Number: 1, Answer: &counselv1.Answer{Adoption: counselv1.Answer_ADOPTED}}
		if f := w.try(t, of[0].login, counselService+"AnswerItem", answered, &counselv1.Case{}); f == nil {
			t.Error("one bureau answers for another")
		}
		w.must(t, of[1].login, counselService+"AnswerItem", answered, of[1].review)
		if of[1].review.GetState() != counselv1.Case_REVISED || of[0].see(t, w).GetState() != counselv1.Case_CONCLUDED_REVISE {
			t.Errorf("after one answer: %v and %v", of[1].review.GetState(), of[0].review.GetState())
		}
	})
}

// aloneIsRefused looks at what a case does not do while another leads it, and its lead
// while it leads.
func aloneIsRefused(t *testing.T, w *world, of []*campaign) {
	t.Helper()
	lead, led := of[0].review.GetName(), of[1].review.GetName()
	passed := &counselv1.TransferCaseRequest{Name: led, Reviewer: w.people["reviewer2"], Reason: "示例理由"}
	for what, f := range map[string]*failure{
		"passed on": w.try(t, "reviewer", reviewService+"TransferCase", passed, &counselv1.Case{}),
		"an opinion of its own": w.try(t, "reviewer", counselService+"CreateOpinion",
			&counselv1.CreateOpinionRequest{Parent: led, Opinion: &counselv1.Opinion{}}, &counselv1.Opinion{}),
		"merged the other way":      w.merge(t, of[1], of[0]),
		"led by two":                w.merge(t, of[2], of[1]),
		"the lead sent back":        w.try(t, "reviewer", counselService+"ReturnCase", &counselv1.ReturnCaseRequest{Name: lead, Reason: "示例"}, &counselv1.Case{}),
		"merged with what it leads": w.merge(t, of[0], of[0]),
	} {
		if reason(f) != "CASE_MERGED" {
			t.Errorf("%s: %v", what, f)
		}
	}
	w.must(t, "reviewer", reviewService+"SplitCases", &counselv1.SplitCasesRequest{Name: lead, Cases: []string{led}}, of[0].review)
	if len(of[0].review.GetMergedCases()) != 1 || of[1].see(t, w).GetMergedInto() != "" {
		t.Errorf("split: %v and %q", of[0].review.GetMergedCases(), of[1].review.GetMergedInto())
	}
	w.must(t, "reviewer", reviewService+"SplitCases", &counselv1.SplitCasesRequest{Name: lead}, of[0].review)
	if len(of[0].review.GetMergedCases()) != 0 || of[2].see(t, w).GetMergedInto() != "" {
		t.Errorf("split all: %v and %q", of[0].review.GetMergedCases(), of[2].review.GetMergedInto())
	}
	if f := w.merge(t, of...); f != nil || len(of[0].review.GetMergedCases()) != 2 {
		t.Errorf("merged again: %v", f)
	}
	passed.Name = lead
	w.must(t, "reviewer", reviewService+"TransferCase", passed, of[0].review)
	if of[2].see(t, w).GetReviewer() != w.people["reviewer2"] {
		t.Errorf("the lead was passed on, and what it leads stays with %s", of[2].review.GetReviewer())
	}
	passed.Reviewer = w.people["reviewer"]
	w.must(t, "reviewer", reviewService+"TransferCase", passed, of[0].review)
}

// sharedOpinion signs an opinion with an item on the second case by its place, and one
// on the first; the third is lawful.
func sharedOpinion(t *testing.T, w *world, of []*campaign) *counselv1.Opinion {
	t.Helper()
	second := item(2, "由本局办理")
	second.Anchor.Revision = of[1].matter.GetCurrentRevision()
	o := &counselv1.Opinion{Conclusion: counselv1.Conclusion_REVISE, Checklist: onePoint(true), Items: []*counselv1.OpinionItem{second}}
	w.must(t, "reviewer", counselService+"CreateOpinion", &counselv1.CreateOpinionRequest{Parent: of[0].review.GetName(), Opinion: proto.CloneOf(o)}, o)
	if len(o.GetCovers()) != 3 || o.GetCovers()[1].GetVersionDigest() != of[1].matter.GetVersionDigest() || o.GetCovers()[2].GetDraftingUnit() != of[2].review.GetDraftingUnit() {
		t.Fatalf("the opinion covers %v", o.GetCovers())
	}
	add := &counselv1.AddItemRequest{Name: o.GetName(), Source: &counselv1.AddItemRequest_Item{Item: item(1, "一项")}}
	w.must(t, "reviewer", reviewService+"AddItem", add, o)
	if o.GetItems()[0].GetCase() != of[1].review.GetName() || o.GetItems()[1].GetCase() != of[0].review.GetName() {
		t.Fatalf("items of %v", o.GetItems())
	}
	elsewhere := item(1, "一项")
	elsewhere.Case = absentName(of[0].review.GetName())
	f := w.try(t, "reviewer", reviewService+"AddItem", &counselv1.AddItemRequest{Name: o.GetName(), Source: &counselv1.AddItemRequest_Item{Item: elsewhere}}, &counselv1.Opinion{})
	if f == nil || f.reason != "CASE_NOT_COVERED" || !slices.Contains(f.fields, "item.case") {
		t.Errorf("an item of a case elsewhere: %v", f)
	}
	sign := &counselv1.SignOpinionRequest{Name: o.GetName()}
	if f := w.try(t, "reviewer", counselService+"SignOpinion", sign, &counselv1.Opinion{}); f == nil || f.reason != "REQUIRED" || !slices.Contains(f.fields, "covers[2].conclusion") {
		t.Errorf("nothing said of the third: %v", f)
	}
	w.must(t, "reviewer", counselService+"UpdateOpinion", &counselv1.UpdateOpinionRequest{
		Opinion: &counselv1.Opinion{Name: o.GetName(), Covers: []*counselv1.CoveredCase{{
			Case: of[2].review.GetName(), Conclusion: counselv1.Conclusion_LAWFUL,
		}}}, UpdateMask: fields("covers"),
	}, o)
	w.must(t, "reviewer", counselService+"SignOpinion", sign, o)
	return o
}

// A case whose draft changes leaves the review: the opinion that was signed does not
// conclude it, and one that is not signed yet has to be brought up to date.
func TestChangedDraftIsNotConcludedWithTheRest(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		of := w.campaigns(t)
		if f := w.merge(t, of...); f != nil {
			t.Fatal(f)
		}
		begun := &counselv1.Opinion{}
		w.must(t, "reviewer", counselService+"CreateOpinion", &counselv1.CreateOpinionRequest{
			Parent: of[0].review.GetName(), Opinion: &counselv1.Opinion{Conclusion: counselv1.Conclusion_LAWFUL, Checklist: onePoint(false)},
		}, begun)
		o := w.signedFor(t, of[0].review.GetName())
		w.must(t, "reviewer", counselService+"ReturnCase", &counselv1.ReturnCaseRequest{Name: of[1].review.GetName(), Reason: "示例：请补充"}, of[1].review)
		if of[1].review.GetMergedInto() != "" || slices.Contains(of[0].see(t, w).GetMergedCases(), of[1].review.GetName()) {
			t.Errorf("returned, and still led: %v by %v", of[1].review, of[0].review.GetMergedCases())
		}
		of[1].submit(t, w, strings.Replace(powerList, "一项", "两项", 1))
		if f := w.try(t, "reviewer", counselService+"SignOpinion", &counselv1.SignOpinionRequest{Name: begun.GetName()}, &counselv1.Opinion{}); reason(f) != "LEGALITY_STALE" {
			t.Errorf("an opinion on what is no longer merged: %v", f)
		}
		w.must(t, "reviewer", counselService+"UpdateOpinion", &counselv1.UpdateOpinionRequest{Opinion: &counselv1.Opinion{Name: begun.GetName()}, UpdateMask: fields("covers")}, begun)
		if w.must(t, "reviewer", counselService+"SignOpinion", &counselv1.SignOpinionRequest{Name: begun.GetName()}, begun); len(begun.GetCovers()) != 2 {
			t.Errorf("brought up to date it covers %v", begun.GetCovers())
		}
		conclude := &counselv1.ConcludeCaseRequest{Name: of[0].review.GetName(), Opinion: o.GetName()}
		if f := w.merge(t, of[0], of[1]); f != nil { // in a version the opinion does not cover
			t.Fatal(f)
		}
		w.must(t, "reviewer", counselService+"ConcludeCase", conclude, of[0].review)
		if !slices.Equal(of[0].review.GetMergedCases(), []string{of[2].review.GetName()}) {
			t.Errorf("concluded together: %v", of[0].review.GetMergedCases())
		}
		if c := of[1].see(t, w); c.GetState() != counselv1.Case_UNDER_REVIEW || c.GetMergedInto() != "" || len(c.GetRounds()) != 2 {
			t.Errorf("the changed draft: %v", c)
		}
		if of[0].review.GetState() != counselv1.Case_CONCLUDED_LAWFUL || of[2].see(t, w).GetState() != counselv1.Case_CONCLUDED_LAWFUL {
			t.Errorf("the rest: %v and %v", of[0].review.GetState(), of[2].review.GetState())
		}
		history := &counselv1.ListCaseHistoryResponse{}
		w.must(t, "reviewer", counselService+"ListCaseHistory", &counselv1.ListCaseHistoryRequest{Parent: of[1].review.GetName(), PageSize: 100}, history)
		if !slices.ContainsFunc(history.GetHistory(), func(e *corev1.JournalEntry) bool { return slices.Contains(e.GetReasons(), "LEGALITY_STALE") }) {
			t.Errorf("why it was left out is not on record: %v", history.GetHistory())
		}
		w.must(t, "reviewer", counselService+"ConcludeCase", &counselv1.ConcludeCaseRequest{
			Name: of[1].review.GetName(), Opinion: w.signedFor(t, of[1].review.GetName()).GetName(),
		}, of[1].review)
	})
}

// signedFor signs an opinion that all it covers is lawful.
func (w *world) signedFor(t *testing.T, review string) *counselv1.Opinion {
	t.Helper()
	o := &counselv1.Opinion{}
	w.must(t, "reviewer", counselService+"CreateOpinion", &counselv1.CreateOpinionRequest{
		Parent: review, Opinion: &counselv1.Opinion{Conclusion: counselv1.Conclusion_LAWFUL, Checklist: onePoint(false)},
	}, o)
	w.must(t, "reviewer", counselService+"SignOpinion", &counselv1.SignOpinionRequest{Name: o.GetName()}, o)
	return o
}

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// figures are the figures of 2026 that a persona is told of, those that are not 0, by a
// breakdown: `M24 1 0/0 [行政处罚 1]`.
func (w *world) figures(t *testing.T, login, service string, in *corev1.ListFiguresRequest) []string {
	t.Helper()
	in.Parent, in.Service = region, service
	if in.FirstDate == nil {
		in.FirstDate, in.LastDate = ymd(2026, 1, 1), ymd(2026, 12, 31)
	}
	res := &corev1.ListFiguresResponse{}
	w.current(t, login, "ListFigures", in, res)
	var out []string
	for _, f := range res.GetFigures() {
		v := f.GetTotal()
		if v.GetCount() == 0 {
			continue
		}
		line := fmt.Sprintf("%s %d %d/%d %s", f.GetCode(), v.GetCount(), v.GetNumerator(), v.GetDenominator(), v.GetRate())
		for _, g := range f.GetGroups() {
			key := g.GetKey()
			if strings.Contains(key, "/people/") {
				key = w.loginOf(key)
			}
			line += fmt.Sprintf("[%s %d]", strings.TrimPrefix(key, "REGIME_"), g.GetValue().GetCount())
		}
		out = append(out, strings.ReplaceAll(line, " 0/0 ", ""))
		w.addsUp(t, login, service, in, f)
	}
	return out
}

// addsUp checks that the lines behind a figure are the figure.
func (w *world) addsUp(t *testing.T, login, service string, in *corev1.ListFiguresRequest, f *corev1.Figure) {
	t.Helper()
	lines := &corev1.ListFigureLinesResponse{}
	w.current(t, login, "ListFigureLines", &corev1.ListFigureLinesRequest{
		Parent: f.GetName(), Service: service, FirstDate: in.GetFirstDate(), LastDate: in.GetLastDate(), Person: in.GetPerson(), PageSize: 100,
	}, lines)
	sum := &corev1.FigureValue{Rate: f.GetTotal().GetRate()}
	for _, l := range lines.GetLines() {
		sum.Count += l.GetCount()
		sum.Numerator += l.GetNumerator()
		sum.Denominator += l.GetDenominator()
	}
	if !proto.Equal(sum, f.GetTotal()) {
		t.Errorf("%s is %v, its lines are %v", f.GetCode(), f.GetTotal(), sum)
	}
}

func (w *world) counted(t *testing.T, step, login, service string, in *corev1.ListFiguresRequest, want ...string) {
	t.Helper()
	if got := w.figures(t, login, service, in); !slices.Equal(got, want) {
		t.Errorf("%s: %s is told\n%s\nwant\n%s", step, login, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// An enforcement decision is sent back and reviewed, counsel is asked about a bargain,
// both have their numbered letters, and a draft goes to the meeting too early: the figures are what the journals tell, for
// those they are for, also after a rebuild.
func TestStatistics(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		enforced := w.enforcement(t)
		bargain := w.counselled(t)
		d := w.document(t, "drafter", "SubmitDocument", &filingv1.SubmitDocumentRequest{Name: w.prepared(t, false).GetName()})
		for _, login := range []string{"office", "drafter"} {
			if _, f := w.deliberate(t, login, d.GetName(), "2026-05-12"); reason(f) != "LEGALITY_REVIEW_MISSING" {
				t.Fatalf("to the meeting: %v", f)
			}
		}
		look := func(step string) {
			t.Helper()
			byCategory := func() *corev1.ListFiguresRequest {
				return &corev1.ListFiguresRequest{GroupBy: corev1.ListFiguresRequest_CATEGORY}
			}
			reviews := []string{
				"M02 1 1/1 100.0%[AGREEMENT 1]", "M19 2[AGREEMENT 1][ENFORCEMENT_DECISION 1]", "M24 1[行政处罚 1]", "M24-RETURNED 1[行政处罚 1]",
			}
			work := []string{
				"M18-ADOPTION 1 1/1 100.0%[AGREEMENT 1]",
				"M18-CLARIFICATIONS 1 1/1 100.0%[AGREEMENT 1]", "M18-CLOSED 1 4/1 4.00[AGREEMENT 1]", "M18-COUNSEL 1[ 1]", "M18-MATTERS 1[AGREEMENT 1]",
				"M18-OPINIONS 2[AGREEMENT 2]", "M18-SUPERSEDED 1[AGREEMENT 1]", "M18-TIMELY 1 1/1 100.0%[AGREEMENT 1]",
			}
			w.counted(t, step, "office", "counsel", byCategory(), reviews...)
			w.counted(t, step, "counsel", "counsel", byCategory(), work...)
			w.counted(t, step, "reviewer", "counsel", byCategory(), slices.Concat(reviews[:1], work, reviews[1:])...)
			w.counted(t, step, "office", "filing", byCategory(), "M13-BLOCKED 2[LEGALITY_REVIEW_MISSING 2]")
		}
		for _, c := range []*counselv1.Case{enforced, bargain} {
			l := w.letter(t, "reviewer", "CreateLetter", letterFor(c.GetRounds()[len(c.GetRounds())-1].GetOpinion()))
			w.mustMake(t, "reviewer", letterService+"DownloadLetter", &counselv1.DownloadLetterRequest{Name: l.GetName()}, l.GetDocumentNumber()+"法制审核意见书.docx")
		}
		look("at the end")
		w.counted(t, "by person", "reviewer", "counsel", &corev1.ListFiguresRequest{
			GroupBy: corev1.ListFiguresRequest_PERSON, Codes: []string{"M18-CLOSED"}, Person: w.people["counsel"],
		}, "M18-CLOSED 1 4/1 4.00[counsel 1]")
		w.counted(t, "before the contract", "reviewer", "counsel", &corev1.ListFiguresRequest{
			FirstDate: ymd(2018, 1, 1), LastDate: ymd(2018, 12, 31),
		})
		w.counted(t, "on the last day of the contract", "reviewer", "counsel", &corev1.ListFiguresRequest{
			FirstDate: ymd(2035, 12, 31), LastDate: ymd(2035, 12, 31),
		}, "M18-COUNSEL 1")
		w.counted(t, "the day after", "reviewer", "counsel", &corev1.ListFiguresRequest{FirstDate: ymd(2036, 1, 1), LastDate: ymd(2036, 1, 1)})
		w.recounted(t, enforced, bargain, d)
		w.refusedFigures(t)
		w.rebuilt(t)
		look("rebuilt")
	}, withFonts(t))
}

// enforcement is a decision that was sent back once and then reviewed.
func (w *world) enforcement(t *testing.T) *counselv1.Case {
	t.Helper()
	m := &counselv1.Matter{}
	w.must(t, "drafter", matterService+"CreateMatter", &counselv1.CreateMatterRequest{Parent: region, Matter: &counselv1.Matter{
		Regime: counselv1.Regime_REGIME_ENFORCEMENT_DECISION, Title: "示例处罚决定", ActType: "行政处罚",
	}}, m)
	w.addFile(t, m, counselv1.MatterFile_DRAFT, "示例处罚决定书\n第一条 示例。\n")
	w.addFile(t, m, counselv1.MatterFile_EVIDENCE, "示例证据\n第一条 示例。\n")
	c := &counselv1.Case{}
	submit := func() {
		t.Helper()
		w.must(t, "drafter", matterService+"SubmitMatter", &counselv1.SubmitMatterRequest{Name: m.GetName()}, c)
	}
	submit()
	w.review(t, "reviewer", "ReturnCase", &counselv1.ReturnCaseRequest{Name: c.GetName(), Reason: "示例：材料与决定不符"})
	submit()
	w.review(t, "reviewer", "AcceptCase", &counselv1.AcceptCaseRequest{Name: c.GetName()})
	o := &counselv1.Opinion{Conclusion: counselv1.Conclusion_LAWFUL}
	for _, p := range []counselv1.ReviewPoint{
		counselv1.ReviewPoint_REVIEW_POINT_ENFORCER, counselv1.ReviewPoint_REVIEW_POINT_PROCEDURE, counselv1.ReviewPoint_REVIEW_POINT_EVIDENCE,
		counselv1.ReviewPoint_REVIEW_POINT_DISCRETION, 2, counselv1.ReviewPoint_REVIEW_POINT_PAPERS, counselv1.ReviewPoint_REVIEW_POINT_CRIME,
	} {
		o.Checklist = append(o.Checklist, &counselv1.ChecklistEntry{Point: p, Result: counselv1.ChecklistEntry_CONFORMS})
	}
	return w.concludeOn(t, c, o)
}

// concludeOn signs an opinion and concludes by it.
func (w *world) concludeOn(t *testing.T, c *counselv1.Case, o *counselv1.Opinion) *counselv1.Case {
	t.Helper()
	w.must(t, "reviewer", counselService+"CreateOpinion", &counselv1.CreateOpinionRequest{Parent: c.GetName(), Opinion: proto.CloneOf(o)}, o)
	w.must(t, "reviewer", counselService+"SignOpinion", &counselv1.SignOpinionRequest{Name: o.GetName()}, o)
	return w.review(t, "reviewer", "ConcludeCase", &counselv1.ConcludeCaseRequest{Name: c.GetName(), Opinion: o.GetName()})
}

// counselled is a bargain on which counsel was asked, signed twice, explained and was
// evaluated, with the tasks on the way.
func (w *world) counselled(t *testing.T) *counselv1.Case {
	t.Helper()
	m, c := w.submittedMatter(t)
	w.review(t, "reviewer", "AcceptCase", &counselv1.AcceptCaseRequest{Name: c.GetName()})
	w.retain(t, "counsel")
	a := &counselv1.Assignment{}
	w.must(t, "reviewer", counselService+"CreateAssignment", &counselv1.CreateAssignmentRequest{Parent: c.GetName(), Assignment: &counselv1.Assignment{
		Counsel: w.people["counsel"], Question: "是否合法？", DueDate: ymd(2026, 4, 20),
	}}, a)
	w.pending(t, "asked", "counsel", "counsel", "DECLARE_CONFLICT 2026-04-20")
	w.must(t, "counsel", counselService+"DeclareConflict", &counselv1.DeclareConflictRequest{Name: a.GetName(), Result: counselv1.DeclareConflictRequest_CLEAR}, a)
	w.pending(t, "accepted", "counsel", "counsel", "WRITE_OPINION 2026-04-20")
	w.counted(t, "in hand", "counsel", "counsel", &corev1.ListFiguresRequest{Codes: []string{"M18-OPEN"}}, "M18-OPEN 1")
	first := w.opinion(t, "counsel", c.GetName(), counselv1.Conclusion_LAWFUL)
	second := &counselv1.Opinion{
		Conclusion: counselv1.Conclusion_REVISE, Summary: "示例更正。", Supersedes: first.GetName(), Items: []*counselv1.OpinionItem{item(2, "独家经营权")},
	}
	w.must(t, "counsel", counselService+"CreateOpinion", &counselv1.CreateOpinionRequest{Parent: c.GetName(), Opinion: proto.CloneOf(second)}, second)
	w.must(t, "counsel", counselService+"SignOpinion", &counselv1.SignOpinionRequest{Name: second.GetName()}, second)
	w.must(t, "reviewer", counselService+"RequestClarification", &counselv1.RequestClarificationRequest{
		Name: a.GetName(), Opinion: second.GetName(), Question: "依据是什么？",
	}, a)
	w.pending(t, "a question", "counsel", "counsel", "ANSWER_CLARIFICATION")
	w.must(t, "counsel", counselService+"AnswerClarification", &counselv1.AnswerClarificationRequest{Name: a.GetName(), Answer: "示例说明。"}, a)
	w.pending(t, "answered", "counsel", "counsel")

	points := func(result counselv1.ChecklistEntry_Result) []*counselv1.ChecklistEntry {
		return []*counselv1.ChecklistEntry{
			{Point: 2, Result: counselv1.ChecklistEntry_CONFORMS}, {Point: 3, Result: result, Note: "示例"},
			{Point: 7, Result: counselv1.ChecklistEntry_CONFORMS},
		}
	}
	revise := &counselv1.Opinion{
		Conclusion: counselv1.Conclusion_REVISE, Checklist: points(counselv1.ChecklistEntry_DOES_NOT_CONFORM), Items: []*counselv1.OpinionItem{item(2, "独家经营权")},
	}
	revise.Items[0].CounselItem = first.GetName() + "/items/none"
	wrong := &counselv1.CreateOpinionRequest{Parent: c.GetName(), Opinion: revise}
	if f := w.try(t, "reviewer", counselService+"CreateOpinion", wrong, &counselv1.Opinion{}); reason(f) != "COUNSEL_ITEM_UNKNOWN" || f.fields[0] != "opinion.items[0].counsel_item" {
		t.Errorf("an item that counsel did not write: %v", f)
	}
	revise.Items[0].CounselItem = second.GetName() + "/items/" + second.GetItems()[0].GetId()
	w.concludeOn(t, c, revise)
	w.must(t, "drafter", counselService+"AnswerItem", &counselv1.AnswerItemRequest{Name: c.GetName(), Number: 1, Answer: &counselv1.Answer{Adoption: counselv1.Answer_ADOPTED}}, c)
	w.addFile(t, m, counselv1.MatterFile_DRAFT, strings.Replace(agreement, "独家经营权", "经营权", 1))
	w.must(t, "drafter", matterService+"SubmitMatter", &counselv1.SubmitMatterRequest{Name: m.GetName()}, c)
	w.review(t, "reviewer", "AcceptCase", &counselv1.AcceptCaseRequest{Name: c.GetName()})
	c = w.concludeOn(t, c, &counselv1.Opinion{Conclusion: counselv1.Conclusion_LAWFUL, Checklist: points(counselv1.ChecklistEntry_CONFORMS)})
	w.pending(t, "reviewed", "reviewer", "counsel", "CLOSE_ASSIGNMENT")
	w.must(t, "reviewer", counselService+"CloseAssignment", &counselv1.CloseAssignmentRequest{Name: a.GetName(), Evaluation: &counselv1.Evaluation{Score: 4}}, a)
	w.pending(t, "closed", "reviewer", "counsel")
	return c
}

// recounted counts again what the journals of two cases and a document tell, and
// nothing else.
func (w *world) recounted(t *testing.T, enforced, bargain *counselv1.Case, d *filingv1.Document) {
	t.Helper()
	n := map[string]int{}
	for _, c := range []*counselv1.Case{enforced, bargain} {
		history := &counselv1.ListCaseHistoryResponse{}
		w.must(t, "reviewer", counselService+"ListCaseHistory", &counselv1.ListCaseHistoryRequest{Parent: c.GetName(), PageSize: 200}, history)
		for _, e := range history.GetHistory() {
			if e.GetOutcome() == corev1.Outcome_OUTCOME_DONE {
				n[c.GetRegime().String()+e.GetMethod()[strings.LastIndexByte(e.GetMethod(), '/'):]]++
			}
		}
	}
	history := &filingv1.ListDocumentHistoryResponse{}
	w.must(t, "reviewer", filingService+"ListDocumentHistory", &filingv1.ListDocumentHistoryRequest{Parent: d.GetName(), PageSize: 200}, history)
	for _, e := range history.GetHistory() {
		if e.GetOutcome() == corev1.Outcome_OUTCOME_REFUSED && strings.HasSuffix(e.GetMethod(), "/DeliberateDocument") {
			n["blocked"]++
		}
	}
	want := map[string]int{
		"REGIME_ENFORCEMENT_DECISION/ConcludeCase": 1, "REGIME_ENFORCEMENT_DECISION/ReturnCase": 1,
		"REGIME_AGREEMENT/ConcludeCase": 2, "REGIME_AGREEMENT/AnswerItem": 1, "REGIME_AGREEMENT/SignOpinion": 2, "blocked": 2,
	}
	for what, times := range want {
		if n[what] != times {
			t.Errorf("the journal tells %d of %s, want %d (%v)", n[what], what, times, n)
		}
	}
}

// refusedFigures asks for what is not for the caller.
func (w *world) refusedFigures(t *testing.T) {
	t.Helper()
	ask := func(login, person string, codes ...string) *failure {
		return w.try(t, login, workService+"ListFigures", &corev1.ListFiguresRequest{
			Parent: region, Service: "counsel", FirstDate: ymd(2026, 1, 1), LastDate: ymd(2026, 12, 31), Person: person, Codes: codes,
		}, &corev1.ListFiguresResponse{})
	}
	for what, f := range map[string]*failure{
		"counsel of another":           ask("counsel", w.people["reviewer"]),
		"counsel of reviews":           ask("counsel", "", "M01"),
		"the office of counsel's work": ask("office", "", "M18-CLOSED"),
		"the office of one person":     ask("office", w.people["counsel"]),
	} {
		if reason(f) != "ROLE_REQUIRED" {
			t.Errorf("%s: %v", what, f)
		}
	}
	f := w.try(t, "reviewer", workService+"ListFigureLines", &corev1.ListFigureLinesRequest{
		Parent: region + "/figures/m18-closed", Service: "counsel", FirstDate: ymd(2026, 1, 1), LastDate: ymd(2026, 12, 31),
		Person: w.people["counsel"], Category: "REGIME_AGREEMENT",
	}, &corev1.ListFigureLinesResponse{})
	if reason(f) != "FILTERS_EXCLUSIVE" {
		t.Errorf("two filters: %v", f)
	}
}

// rebuilt has all rows worked out again, which changes none.
func (w *world) rebuilt(t *testing.T) {
	t.Helper()
	name := region + "/projections/counsel"
	p := &corev1.Projection{}
	w.must(t, "sysadmin", workService+"RebuildProjection", &corev1.RebuildProjectionRequest{Name: name}, p)
	eventually(t, "rebuilt", func() error {
		if w.current(t, "sysadmin", "GetProjection", &corev1.GetProjectionRequest{Name: name}, p); p.GetState() != corev1.Projection_REBUILT {
			return errWaiting
		}
		return nil
	})
	if p.GetCorrectedCount() != 0 || p.GetSubjectCount() != 4 { // three cases and an entry of the register
		t.Errorf("rebuilt: %v", p)
	}
}

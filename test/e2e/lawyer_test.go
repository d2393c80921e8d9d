package e2e

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
)

// lawyer makes a drafter of a bureau a government lawyer, and answers the entry.
func (w *world) lawyer(t *testing.T, login string) *counselv1.CounselEntry {
	t.Helper()
	w.must(t, "secadmin", directoryService+"SetPersonRoles", &directoryv1.SetPersonRolesRequest{
		Name: w.people[login], Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER, corev1.Role_ROLE_COUNSEL},
	}, &directoryv1.Person{})
	w.mu.Lock()
	delete(w.tokens, login) // its roles are those of before
	w.mu.Unlock()
	e := &counselv1.CounselEntry{}
	w.must(t, "reviewer", registerService+"CreateCounselEntry", &counselv1.CreateCounselEntryRequest{
		Parent: region, CounselEntry: &counselv1.CounselEntry{
			Person: w.people[login], Kind: counselv1.CounselEntry_GOVERNMENT_LAWYER, CertificateNumber: "GZ-" + login, PracticeStartDate: ymd(2024, 7, 1),
		},
	}, e)
	return e
}

// assign passes a case to a counsel.
func (w *world) assign(t *testing.T, review, login string) (*counselv1.Assignment, *failure) {
	t.Helper()
	a := &counselv1.Assignment{}
	return a, w.try(t, "reviewer", counselService+"CreateAssignment", &counselv1.CreateAssignmentRequest{
		Parent: review, Assignment: &counselv1.Assignment{Counsel: w.people[login], Question: "是否合法？"},
	}, a)
}

// A government lawyer is passed matters of other bureaus, without a contract, sees them
// after the declaration, and an adverse opinion closes the gate; on what the own bureau
// drafts there is none to give.
func TestGovernmentLawyer(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d, c := w.accepted(t, w.prepared(t, false))
		w.lawyer(t, "drafter2")
		hidden := func(when string) {
			t.Helper()
			if f := w.get(t, "drafter2", counselService+"GetCase", c.GetName()); f == nil || f.code != codes.NotFound {
				t.Errorf("%s the lawyer sees the case: %v", when, f)
			}
		}
		hidden("before all,")
		a, f := w.assign(t, c.GetName(), "drafter2")
		if f != nil || a.GetState() != counselv1.Assignment_DECLARATION_PENDING {
			t.Fatalf("assigned: %v, %v", a, f)
		}
		hidden("not having declared,")
		w.must(t, "drafter2", counselService+"DeclareConflict", &counselv1.DeclareConflictRequest{Name: a.GetName(), Result: counselv1.DeclareConflictRequest_CLEAR}, a)
		w.must(t, "drafter2", counselService+"GetCase", &counselv1.GetCaseRequest{Name: c.GetName()}, c)
		w.conclude(t, c.GetName(), counselv1.Conclusion_LAWFUL)
		o := w.opinion(t, "drafter2", c.GetName(), counselv1.Conclusion_UNLAWFUL, item(4, "另行给予十万元奖励"))
		if o.GetKind() != counselv1.Opinion_COUNSEL {
			t.Errorf("the opinion is a %v", o.GetKind())
		}
		if _, f := w.deliberate(t, "drafter", d.GetName(), "2026-05-12"); f == nil || !slices.Contains(f.refusals, "COUNSEL_OPINION_ADVERSE") {
			t.Errorf("against the lawyer: %v", f)
		}
		for _, method := range []string{"AnswerItem", "ReturnCase"} {
			if f := w.get(t, "drafter2", counselService+method, c.GetName()); f == nil {
				t.Errorf("the lawyer may %s", method)
			}
		}
		ownBureau(t, w)
	})
}

// ownBureau has a lawyer of the drafting unit try to advise on its draft.
func ownBureau(t *testing.T, w *world) {
	t.Helper()
	_, c := w.accepted(t, w.prepared(t, false))
	w.lawyer(t, "drafter")
	if f := w.try(t, "drafter", counselService+"CreateOpinion", &counselv1.CreateOpinionRequest{
		Parent: c.GetName(), Opinion: &counselv1.Opinion{Summary: "示例"},
	}, &counselv1.Opinion{}); reason(f) != "NOT_ASSIGNED" {
		t.Errorf("an opinion nobody asked for: %v", f)
	}
	if _, f := w.assign(t, c.GetName(), "drafter"); reason(f) != "COUNSEL_CONFLICT" {
		t.Errorf("assigned the own bureau's draft: %v", f)
	}
	if f := w.try(t, "drafter", counselService+"CreateOpinion", &counselv1.CreateOpinionRequest{
		Parent: c.GetName(), Opinion: &counselv1.Opinion{Summary: "示例"},
	}, &counselv1.Opinion{}); reason(f) != "NOT_ASSIGNED" {
		t.Errorf("an opinion of who is barred: %v", f)
	}
}

// A lawyer of the bureau with which the drafting unit was merged, through another at
// last, is barred as its own.
func TestLawyerOfASuccessor(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		_, c := w.accepted(t, w.prepared(t, false))
		w.lawyer(t, "drafter2")
		p := &directoryv1.Person{}
		w.must(t, "sysadmin", directoryService+"GetPerson", &directoryv1.GetPersonRequest{Name: w.people["drafter2"]}, p)
		between := &directoryv1.Bureau{}
		w.must(t, "sysadmin", directoryService+"CreateBureau", &directoryv1.CreateBureauRequest{Parent: region, Bureau: &directoryv1.Bureau{
			DisplayName: "示例过渡局", Uscc: creditCode("91000099"), Kind: directoryv1.BureauKind_BUREAU_KIND_DEPARTMENT,
		}}, between)
		for of, successor := range map[string]string{w.bureau[labour]: between.GetName(), between.GetName(): p.GetBureau()} {
			w.must(t, "sysadmin", directoryService+"UpdateBureau", &directoryv1.UpdateBureauRequest{
				Bureau: &directoryv1.Bureau{Name: of, Successor: successor}, UpdateMask: fields("successor"),
			}, &directoryv1.Bureau{})
		}
		if _, f := w.assign(t, c.GetName(), "drafter2"); reason(f) != "COUNSEL_CONFLICT" {
			t.Errorf("assigned what the own bureau drafted before the merger: %v", f)
		}
	})
}

// A matter is taken back from a counsel: the file closes, what was signed counts, and it
// can be passed on again. Who leaves the register, or is suspended before accepting,
// has nothing of it.
func TestMatterIsTakenBack(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d, c := w.accepted(t, w.prepared(t, false))
		a := w.assigned(t, c.GetName())
		w.opinion(t, "counsel", c.GetName(), counselv1.Conclusion_UNLAWFUL, item(4, "另行给予十万元奖励"))
		back := func(a *counselv1.Assignment) *failure {
			return w.try(t, "reviewer", counselService+"WithdrawAssignment", &counselv1.WithdrawAssignmentRequest{Name: a.GetName(), Reason: "示例：长期不答复"}, a)
		}
		sees := func(login string) bool {
			t.Helper()
			f := w.get(t, login, counselService+"GetCase", c.GetName())
			if f != nil && f.code != codes.NotFound {
				t.Errorf("%s: %v", login, f)
			}
			return f == nil
		}
		if f := back(a); f != nil || a.GetState() != counselv1.Assignment_WITHDRAWN || a.GetWithdrawReason() == "" || sees("counsel") {
			t.Errorf("taken back: %v, %v", a, f)
		}
		if f := back(a); reason(f) != "STATE_NOT_ALLOWED" {
			t.Errorf("taken back twice: %v", f)
		}
		w.conclude(t, c.GetName(), counselv1.Conclusion_LAWFUL)
		if _, f := w.deliberate(t, "drafter", d.GetName(), "2026-05-12"); f == nil || !slices.Contains(f.refusals, "COUNSEL_OPINION_ADVERSE") {
			t.Errorf("the opinion does not count any more: %v", f)
		}
		declare := func() *failure {
			return w.try(t, "counsel", counselService+"DeclareConflict", &counselv1.DeclareConflictRequest{Name: a.GetName(), Result: counselv1.DeclareConflictRequest_CLEAR}, a)
		}
		a, f := w.assign(t, c.GetName(), "counsel")
		if f != nil || a.GetState() != counselv1.Assignment_DECLARATION_PENDING || a.GetWithdrawReason() != "" {
			t.Fatalf("passed on again: %v, %v", a, f)
		}
		e := &counselv1.CounselEntry{}
		w.must(t, "reviewer", registerService+"SuspendCounsel", &counselv1.SuspendCounselRequest{Name: w.retained["counsel"], Reason: "示例：被投诉"}, e)
		if f := declare(); reason(f) != "COUNSEL_NOT_REGISTERED" || sees("counsel") {
			t.Errorf("accepted while suspended: %v", f)
		}
		w.must(t, "reviewer", registerService+"ReinstateCounsel", &counselv1.ReinstateCounselRequest{Name: e.GetName(), Reason: "示例"}, e)
		if f := declare(); f != nil || !sees("counsel") {
			t.Errorf("accepted: %v", f)
		}
		for range 2 {
			w.must(t, "reviewer", registerService+"RemoveCounsel", &counselv1.RemoveCounselRequest{Name: e.GetName(), Reason: "示例：受到处分"}, e)
			if e.GetState() != counselv1.CounselEntry_REMOVED || e.GetOpenAssignments() != 0 || sees("counsel") {
				t.Errorf("removed: %v", e)
			}
		}
		w.must(t, "counsel", counselService+"GetAssignment", &counselv1.GetAssignmentRequest{Name: a.GetName()}, a)
		if a.GetState() != counselv1.Assignment_WITHDRAWN {
			t.Errorf("in hand after removal: %v", a)
		}
	})
}

// Retained counsel has the years of practice that the region asks for.
func TestYearsOfPractice(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		enter := func(start int32) string {
			t.Helper()
			return reason(w.try(t, "reviewer", registerService+"CreateCounselEntry", &counselv1.CreateCounselEntryRequest{
				Parent: region, CounselEntry: &counselv1.CounselEntry{
					Person: w.people["counsel"], Kind: counselv1.CounselEntry_RETAINED_COUNSEL, CertificateNumber: "SL-0001", PracticeStartDate: ymd(start, 4, 9),
				},
			}, &counselv1.CounselEntry{}))
		}
		years := func(n int32) {
			t.Helper()
			w.profile(t, "2026-04-08", func(p *directoryv1.JurisdictionProfile) { p.CounselPracticeYears.Value = n })
		}
		if got := enter(2021); got != "PRACTICE_TOO_SHORT" {
			t.Errorf("a day short of five years: %q", got)
		}
		years(10)
		if got := enter(2016); got != "PRACTICE_TOO_SHORT" {
			t.Errorf("a day short of ten: %q", got)
		}
		years(0)
		if got := enter(2025); got != "" {
			t.Errorf("where the region asks for none: %q", got)
		}
	})
}

// The register takes a government lawyer where the region has no profile yet.
func TestLawyerBeforeAProfile(t *testing.T) {
	everywhere(t, "2019-11-20", func(t *testing.T, w *world) {
		enter := func(login string, kind counselv1.CounselEntry_Kind) string {
			t.Helper()
			return reason(w.try(t, "reviewer", registerService+"CreateCounselEntry", &counselv1.CreateCounselEntryRequest{
				Parent: region, CounselEntry: &counselv1.CounselEntry{
					Person: w.people[login], Kind: kind, CertificateNumber: "GZ-1", PracticeStartDate: ymd(2010, 7, 1),
				},
			}, &counselv1.CounselEntry{}))
		}
		if got := enter("drafter2", counselv1.CounselEntry_GOVERNMENT_LAWYER); got != "" {
			t.Errorf("a government lawyer: %q", got)
		}
		if got := enter("counsel", counselv1.CounselEntry_RETAINED_COUNSEL); got != "PROFILE_NOT_IN_FORCE" {
			t.Errorf("retained counsel: %q", got)
		}
	})
}

// A calendar that changes moves the last day of running reviews, on record, and the
// earliest meeting at once (a holiday on two days after the acceptance).
func TestCalendarChangesInTheYear(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d, c := w.accepted(t, w.prepared(t, false))
		w.conclude(t, w.otherCase(t).GetName(), counselv1.Conclusion_LAWFUL)
		recompute := func() []string {
			t.Helper()
			out := &counselv1.RecomputeDatesResponse{}
			w.must(t, "reviewer", reviewService+"RecomputeDates", &counselv1.RecomputeDatesRequest{Parent: region}, out)
			return out.GetCases()
		}
		if moved := recompute(); len(moved) != 0 {
			t.Errorf("moved without a change: %v", moved)
		}
		year := &directoryv1.Calendar{}
		w.must(t, "sysadmin", directoryService+"GetCalendar", &directoryv1.GetCalendarRequest{Name: "calendars/2026"}, year)
		year.DaysOff = append(year.DaysOff, "2026-04-13", "2026-04-14")
		slices.Sort(year.DaysOff)
		year.Source = "示例临时通知"
		w.must(t, "sysadmin", directoryService+"ImportCalendar", &directoryv1.ImportCalendarRequest{Calendar: year}, year)
		if _, f := w.deliberate(t, "drafter", d.GetName(), "2026-04-16"); f == nil || f.metadata["earliest_date"] != "2026-04-18" {
			t.Errorf("the earliest meeting: %v", f)
		}
		if moved := recompute(); !slices.Equal(moved, []string{c.GetName()}) {
			t.Errorf("moved: %v", moved)
		}
		w.must(t, "reviewer", counselService+"GetCase", &counselv1.GetCaseRequest{Name: c.GetName()}, c)
		if r := c.GetRounds()[0]; iso(c.GetDueDate()) != "2026-05-06" || iso(r.GetCeilingDate()) != "2026-05-06" || iso(r.GetFloorDate()) != "2026-04-17" {
			t.Errorf("due %s, %v", iso(c.GetDueDate()), r)
		}
		history := &counselv1.ListCaseHistoryResponse{}
		w.must(t, "reviewer", counselService+"ListCaseHistory", &counselv1.ListCaseHistoryRequest{Parent: c.GetName()}, history)
		last := history.GetHistory()[len(history.GetHistory())-1]
		told := map[string]string{}
		for _, detail := range last.GetDetails() {
			told[detail.GetName()] = detail.GetValue()
		}
		if told["ceiling_date_before"] != "2026-04-29" || told["ceiling_date"] != "2026-05-06" || told["earliest_meeting_date"] != "2026-04-18" {
			t.Errorf("on record: %v", last)
		}
		w.pending(t, "moved", "reviewer", "counsel", "REVIEW_CASE 2026-05-06")
	})
}

// otherCase is another accepted case.
func (w *world) otherCase(t *testing.T) *counselv1.Case {
	t.Helper()
	_, c := w.accepted(t, w.prepared(t, false))
	return c
}

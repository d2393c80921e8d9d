package counsel

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/intent"
	"fashen/internal/projection"
)

// deed does one random command of or about counsel and keeps its entry.
func (r *record) deed(rnd *rand.Rand, a *counselv1.Assignment) {
	name := a.GetName()
	now := day0.AddDate(0, 0, len(r.declarations[name]))
	today, i := calendar.On(now), intent.New(name, "m", counsel, now)
	var method string
	var change docstore.Change
	var err error
	switch rnd.IntN(8) {
	case 0:
		method = "CreateAssignment"
		change, err = askAgain(a, &counselv1.Assignment{DueDate: a.GetDueDate()}, &counselv1.Case{}, profile{person: counsel.Person}, reviewer, today)
	case 1:
		method = "DeclareConflict"
		change, err = declare(a, counselv1.DeclareConflictRequest_CLEAR, "", counsel, i)
	case 2:
		method = "DeclareConflict"
		result := []counselv1.DeclareConflictRequest_Result{counselv1.DeclareConflictRequest_WAIVABLE, counselv1.DeclareConflictRequest_DECLINE}[rnd.IntN(2)]
		change, err = declare(a, result, "示例", counsel, i)
	case 3:
		method = "WaiveConflict"
		change, err = waive(a, "示例同意书", reviewer, i)
	case 4:
		method = "RequestClarification"
		change, err = ask(a, &counselv1.Opinion{Name: "o", Author: a.GetCounsel(), State: counselv1.Opinion_SIGNED}, "为何？", reviewer, now)
	case 5:
		method = "AnswerClarification"
		change, err = clarify(a, "因为。", counsel, now)
	case 6:
		method = "CloseAssignment"
		change, err = closeAssignment(a, &counselv1.Evaluation{Score: int32(1 + rnd.IntN(5))}, firstSigned(r.c, a), reviewer, now, i)
	case 7:
		r.sign(rnd, a)
		return
	}
	if err == nil {
		r.declarations[name] = appendEntry(r.declarations[name], method, counsel, change)
	}
}

// sign has counsel sign an opinion, which may supersede the one before.
func (r *record) sign(rnd *rand.Rand, a *counselv1.Assignment) {
	if !opens(a.GetState()) {
		return
	}
	n := len(r.c.GetCounselVerdicts())
	o := &counselv1.Opinion{Name: fmt.Sprintf("%s/opinions/%d", r.c.GetName(), n), Author: a.GetCounsel(), Round: 1, Conclusion: counselv1.Conclusion_LAWFUL}
	if n > 0 && rnd.IntN(2) == 0 {
		o.Supersedes = fmt.Sprintf("%s/opinions/%d", r.c.GetName(), n-1)
	}
	change, err := recordVerdict(r.c, o, day0.AddDate(0, 0, rnd.IntN(20)))
	r.do("SignOpinion", counsel, change, err)
}

// Whatever counsel and reviewers do, the figures of counsel's work are those that the
// journals tell by themselves, and nothing tells of a matter that counsel never had.
func TestFiguresOfCounselAreWhatTheJournalTells(t *testing.T) {
	total := map[string]sums{}
	for seed := range uint64(400) {
		r, rnd := newRecord(t), rand.New(rand.NewPCG(seed, 18))
		r.c.State = counselv1.Case_UNDER_REVIEW
		name := r.c.GetName() + "/assignments/a"
		a, change := newAssignment(name, r.c, &counselv1.Assignment{}, profile{person: counsel.Person}, "示例局", reviewer, calendar.On(day0))
		if rnd.IntN(2) == 0 {
			a.DueDate = calendar.On(day0.AddDate(0, 0, 10)).Proto()
		}
		r.assignments = []*counselv1.Assignment{a}
		r.declarations[name] = appendEntry(nil, "CreateAssignment", reviewer, change)
		for range 40 {
			r.deed(rnd, a)
			rows := project(r.matter)
			got := summed(rows)
			maps.DeleteFunc(got, func(code string, n sums) bool { return !strings.HasPrefix(code, "M18") || n == sums{} })
			if want := countedWork(r.history, r.declarations[name]); !maps.Equal(got, want) {
				t.Fatalf("seed %d after %d entries: %v, the journals tell %v", seed, len(r.declarations[name]), got, want)
			}
			checkNames(t, projection.Rows{Lines: rows.Lines})
			for _, l := range rows.Lines {
				if l.GetPerson() != counsel.Person || l.GetTitle() == "" || l.GetCategory() == "" {
					t.Fatalf("line %v", l)
				}
			}
		}
		for code, n := range summed(project(r.matter)) {
			total[code] = total[code].plus(n)
		}
	}
	for _, f := range workFigures[2:] {
		if f.Code == "M18-ADOPTION" { // has a test of its own
			continue
		}
		if total[f.Code].count == 0 {
			t.Errorf("nothing was ever counted in %s", f.Code)
		}
	}
}

// countedWork are the figures of one counsel on one case, told by the entries alone.
func countedWork(ofCase, ofAssignment []*corev1.JournalEntry) map[string]sums {
	out := map[string]sums{}
	add := func(code string, s sums) {
		if n := out[code].plus(s); n != (sums{}) {
			out[code] = n
		} else {
			delete(out, code)
		}
	}
	for _, e := range ofCase {
		if projection.Did(e, "SignOpinion") {
			if add("M18-OPINIONS", sums{count: 1}); projection.Fact(e, "supersedes") != "" {
				add("M18-SUPERSEDED", sums{count: 1})
			}
		}
	}
	const accepted = "ACCEPTED"
	for _, e := range ofAssignment {
		switch {
		case e.GetToState() == accepted && e.GetFromState() != accepted:
			add("M18-MATTERS", sums{count: 1})
			add("M18-OPEN", sums{count: 1})
		case e.GetFromState() == accepted && e.GetToState() != accepted:
			add("M18-OPEN", sums{count: -1})
		}
		switch {
		case projection.Did(e, "RequestClarification"):
			add("M18-CLARIFICATIONS", sums{count: 1, denominator: 1})
		case projection.Did(e, "AnswerClarification"):
			add("M18-CLARIFICATIONS", sums{numerator: 1})
		case projection.Did(e, "CloseAssignment"):
			score := int64(0)
			_, _ = fmt.Sscan(projection.Fact(e, "score"), &score)
			add("M18-CLOSED", sums{1, score, 1})
			switch projection.Fact(e, "timely") {
			case "true":
				add("M18-TIMELY", sums{1, 1, 1})
			case "false":
				add("M18-TIMELY", sums{1, 0, 1})
			}
		}
	}
	return out
}

// An item that takes up one of counsel's counts for counsel, and what became of it; it
// must be one that counsel signed in the same case.
func TestCounselsItemsAreCounted(t *testing.T) {
	r := newRecord(t)
	a := &counselv1.Assignment{Name: r.c.GetName() + "/assignments/a", Counsel: counsel.Person, Title: "示例办法"}
	r.assignments = []*counselv1.Assignment{a}
	from := &counselv1.Opinion{
		Name: r.c.GetName() + "/opinions/c", Author: counsel.Person, Kind: counselv1.Opinion_COUNSEL, State: counselv1.Opinion_SIGNED, Round: 1,
		Items: []*counselv1.OpinionItem{{Id: "one"}},
	}
	change, err := accept(r.c, reviewer, calendar.On(day0), dated(t))
	r.must("AcceptCase", reviewer, change, err)
	change, err = recordVerdict(r.c, from, day0)
	r.must("SignOpinion", counsel, change, err)
	o := signed(r.c, counselv1.Conclusion_REVISE, 3)
	for i := range 2 {
		o.Items[i].CounselItem = from.GetName() + "/items/one"
		if err := takesUp(o, o.Items[i], from, "f"); err != nil {
			t.Fatal(err)
		}
	}
	for what, change := range map[string]func(o, from *counselv1.Opinion){
		"not signed":      func(_, from *counselv1.Opinion) { from.State = counselv1.Opinion_DRAFT },
		"a reviewer's":    func(_, from *counselv1.Opinion) { from.Kind = counselv1.Opinion_REVIEW },
		"another case's":  func(_, from *counselv1.Opinion) { from.Name = region + "/cases/two/opinions/c" },
		"another item":    func(o, _ *counselv1.Opinion) { o.Items[0].CounselItem = from.GetName() + "/items/two" },
		"the whole":       func(o, _ *counselv1.Opinion) { o.Items[0].CounselItem = from.GetName() },
		"counsel's to do": func(o, _ *counselv1.Opinion) { o.Kind = counselv1.Opinion_COUNSEL },
	} {
		o, from := proto.CloneOf(o), proto.CloneOf(from)
		change(o, from)
		if err := takesUp(o, o.Items[0], from, "f"); code(err) != "COUNSEL_ITEM_UNKNOWN" {
			t.Errorf("%s: %v", what, err)
		}
	}
	change, err = conclude(r.c, o, reviewer, calendar.On(day0), false)
	r.must("ConcludeCase", reviewer, change, err)
	for _, want := range []sums{{2, 0, 0}, {2, 0, 1}, {2, 1, 2}, {2, 1, 2}} {
		if got := summed(project(r.matter))["M18-ADOPTION"]; got != want {
			t.Errorf("%v, want %v", got, want)
		}
		n := int32(want.denominator + 1)
		if want.numerator == 1 {
			n = 3
		}
		adoption := []counselv1.Answer_Adoption{counselv1.Answer_NOT_ADOPTED, counselv1.Answer_PARTLY_ADOPTED, counselv1.Answer_ADOPTED}[n-1]
		change, err = answer(r.c, n, &counselv1.Answer{Adoption: adoption, Reason: "r", Decider: "d"}, drafter, day0)
		r.must("AnswerItem", drafter, change, err)
	}
}

// On every day as many are counsel as have a contract in force, or a certificate, and
// are not removed.
func TestCounselOfADay(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 30))
		e := &counselv1.CounselEntry{Name: region + "/counselEntries/e", Person: counsel.Person, Kind: counselv1.CounselEntry_Kind(1 + rnd.IntN(2)), DisplayName: "示例"}
		retained := e.GetKind() == counselv1.CounselEntry_RETAINED_COUNSEL
		first := calendar.On(day0)
		var engagements []*counselv1.Engagement
		for range rnd.IntN(5) {
			start := first.AddDays(rnd.IntN(100) - 50)
			g := &counselv1.Engagement{StartDate: start.Proto(), EndDate: start.AddDays(rnd.IntN(60)).Proto()}
			if rnd.IntN(3) == 0 {
				g.TerminateDate = start.AddDays(rnd.IntN(20) - 10).Proto()
			}
			engagements = append(engagements, g)
		}
		history := []*corev1.JournalEntry{{Sequence: 1, ToState: "ACTIVE", Outcome: corev1.Outcome_OUTCOME_DONE, Time: timestamppb.New(day0)}}
		removed := calendar.Date{}
		if rnd.IntN(2) == 0 {
			at := day0.AddDate(0, 0, rnd.IntN(50))
			removed = calendar.On(at)
			history = append(history, &corev1.JournalEntry{
				Sequence: 2, FromState: "ACTIVE", ToState: "REMOVED", Outcome: corev1.Outcome_OUTCOME_DONE, Time: timestamppb.New(at),
			})
		}
		rows := projectEntry(e, history, engagements)
		checkNames(t, rows)
		for n := -60; n < 130; n++ {
			day, got, want := first.AddDays(n), int64(0), int64(0)
			for _, l := range rows.Lines {
				if on, _ := calendar.FromProto(l.GetEventDate()); !on.After(day) {
					got += l.GetCount()
				}
			}
			gone := !removed.IsZero() && !day.Before(removed)
			if !gone && (retained && inForce(engagements, day) || !retained && !day.Before(first)) {
				want = 1
			}
			if got != want {
				t.Fatalf("seed %d on %s: %d, want %d of %v removed %v: %v", seed, day, got, want, engagements, removed, rows.Lines)
			}
		}
	}
}

// A number goes with its definition, and a code stands once.
func TestDefinitionsOfFigures(t *testing.T) {
	var codes []string
	for _, d := range slices.Concat(figures, workFigures) {
		codes = append(codes, d.Code)
		if d.Text == "" || d.Unit == "" || d.DisplayName == "" || d.Decimals > 0 && d.RateName == "" || d.RateName != "" && !strings.Contains(d.Text, "除以") {
			t.Errorf("%s is a bare number: %+v", d.Code, d)
		}
	}
	slices.Sort(codes)
	if n := len(codes); len(slices.Compact(codes)) != n {
		t.Errorf("a code stands twice: %v", codes)
	}
}

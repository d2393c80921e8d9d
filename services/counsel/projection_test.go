package counsel

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/projection"
)

// record is a case with the journal that the store would keep of it.
type record struct {
	t *testing.T
	matter
	next int32
	// issued is what happened to the letters.
	issued []*corev1.JournalEntry
}

func newRecord(t *testing.T) *record {
	t.Helper()
	c, change := newCase(region+"/cases/one", submission(1, 1), drafter, calendar.On(day0))
	r := &record{t: t, matter: matter{c: c, declarations: map[string][]*corev1.JournalEntry{}}, next: 2}
	r.history = appendEntry(nil, "OpenCase", drafter, change)
	return r
}

func appendEntry(history []*corev1.JournalEntry, method string, who auth.Caller, change docstore.Change) []*corev1.JournalEntry {
	n := int64(len(history) + 1)
	return append(history, &corev1.JournalEntry{
		Sequence: n, Time: timestamppb.New(day0.Add(time.Duration(n) * time.Minute)), Actor: who.Person,
		Method: "/fashen.counsel.v1.CounselService/" + method, Outcome: corev1.Outcome_OUTCOME_DONE,
		FromState: change.From, ToState: change.To, Details: change.Details,
	})
}

// do keeps the entry of a command that was done.
func (r *record) do(method string, who auth.Caller, change docstore.Change, err error) bool {
	if err == nil {
		r.history = appendEntry(r.history, method, who, change)
	}
	return err == nil
}

func (r *record) must(method string, who auth.Caller, change docstore.Change, err error) {
	r.t.Helper()
	if !r.do(method, who, change, err) {
		r.t.Fatalf("%s: %v", method, err)
	}
}

// seen are the tasks as lines: kind, state, whose, who did it, due.
func (r *record) seen() []string {
	var out []string
	for _, t := range project(r.matter).Tasks {
		line := fmt.Sprintf("%v %v %s", t.GetKind(), t.GetState(), short(t.GetAssignee()))
		if t.GetState() == corev1.Task_DONE {
			line += " by " + short(t.GetDoneBy())
		}
		if d := t.GetDueDate(); d != nil {
			line += fmt.Sprintf(" due %02d-%02d", d.GetMonth(), d.GetDay())
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

func short(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

func (r *record) want(step string, lines ...string) {
	r.t.Helper()
	lines = slices.Sorted(slices.Values(lines))
	if got := r.seen(); !slices.Equal(got, lines) {
		r.t.Errorf("%s:\n%s\nwant\n%s", step, strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}

func TestTasksOfACase(t *testing.T) {
	r, today := newRecord(t), calendar.On(day0)
	r.want("submitted", "ACCEPT_CASE OPEN reviewer")
	change, err := requestSupplement(r.c, "缺制定依据", reviewer, today)
	r.must("RequestSupplement", reviewer, change, err)
	accepted := []string{"ACCEPT_CASE DONE reviewer by reviewer"}
	r.want("supplement asked for", append(accepted, "SUPPLEMENT OPEN drafting")...)
	change, err = submit(r.c, submission(2, 2), drafter, day0, dates{})
	r.must("OpenCase", drafter, change, err)
	done := append(slices.Clone(accepted), "SUPPLEMENT DONE drafting by drafter")
	r.want("supplemented", append(done, "ACCEPT_CASE OPEN reviewer")...)
	change, err = accept(r.c, reviewer, today, dated(t))
	r.must("AcceptCase", reviewer, change, err)
	done = append(done, accepted...)
	r.want("accepted", append(done, "REVIEW_CASE OPEN reviewer due 04-29")...)
	change, err = conclude(r.c, signed(r.c, counselv1.Conclusion_REVISE, 2), reviewer, today, false)
	r.must("ConcludeCase", reviewer, change, err)
	done = append(done, "REVIEW_CASE DONE reviewer by reviewer due 04-29")
	r.want("concluded", append(done, "ANSWER_ITEMS OPEN drafting")...)
	for n, adoption := range []counselv1.Answer_Adoption{counselv1.Answer_ADOPTED, counselv1.Answer_NOT_ADOPTED} {
		change, err = answer(r.c, int32(n+1), &counselv1.Answer{Adoption: adoption, Reason: "与上级规定一致", Decider: "负责人"}, drafter, day0)
		r.must("AnswerItem", drafter, change, err)
	}
	done = append(done, "ANSWER_ITEMS DONE drafting by drafter")
	r.want("answered", append(done, "RESUBMIT OPEN drafting")...)
	change, err = submit(r.c, submission(3, 3), drafter, day0, dates{})
	r.must("OpenCase", drafter, change, err)
	done = append(done, "RESUBMIT DONE drafting by drafter")
	r.want("revised draft", append(done, "CONFIRM_REVISION OPEN reviewer")...)
	change, err = confirm(r.c, digest(3), "一致", reviewer, day0)
	r.must("ConfirmRevision", reviewer, change, err)
	done = append(done, "CONFIRM_REVISION DONE reviewer by reviewer")
	r.want("confirmed", append(done, "DELIBERATE OPEN drafting")...)
	change, err = certify(r.c, "e", &counselv1.CertifyVerdictRequest{VersionDigest: digest(3), Transition: "meeting", VerdictEtag: "e"}, day0)
	r.must("CertifyVerdict", drafter, change, err)
	r.want("certified", append(done, "DELIBERATE DONE drafting by drafter")...)
}

func TestTasksOfCounsel(t *testing.T) {
	r := newRecord(t)
	r.c.State = counselv1.Case_UNDER_REVIEW
	r.history = nil // the case's own turns are another test's
	name := region + "/cases/one/assignments/a"
	in := &counselv1.Assignment{
		Name: name, Counsel: counsel.Person, Title: "示例办法", Author: reviewer.Person, State: counselv1.Assignment_DECLARATION_PENDING,
	}
	r.assignments = []*counselv1.Assignment{in}
	enter := func(method string, who auth.Caller, state counselv1.Assignment_State) {
		from := in.GetState().String()
		in.State = state
		r.declarations[name] = appendEntry(r.declarations[name], method, who, docstore.Change{From: from, To: state.String()})
	}
	enter("CreateAssignment", reviewer, counselv1.Assignment_DECLARATION_PENDING)
	r.want("asked", "DECLARE_CONFLICT OPEN counsel")
	enter("DeclareConflict", counsel, counselv1.Assignment_WAIVER_PENDING)
	r.want("a conflict that may be waived", "DECLARE_CONFLICT DONE counsel by counsel", "WAIVE_CONFLICT OPEN reviewer")
	enter("WaiveConflict", reviewer, counselv1.Assignment_ACCEPTED)
	done := []string{"DECLARE_CONFLICT DONE counsel by counsel", "WAIVE_CONFLICT DONE reviewer by reviewer"}
	r.want("waived", append(done, "WRITE_OPINION OPEN counsel")...)
	r.c.State = counselv1.Case_RETURNED
	r.want("nothing to write about", done...)
	r.c.State = counselv1.Case_UNDER_REVIEW
	r.c.CounselVerdicts = []*counselv1.CounselVerdict{{Opinion: "o", Counsel: counsel.Person, Round: 1, SignTime: timestamppb.New(day0)}}
	r.history = appendEntry(nil, "SignOpinion", counsel, docstore.Change{Details: []*corev1.Detail{docstore.Detail("opinion", "o")}})
	r.want("signed", append(done, "WRITE_OPINION DONE counsel by counsel")...)
	enter("OpenCase", drafter, counselv1.Assignment_BARRED)
	r.want("barred since", append(done, "WRITE_OPINION DONE counsel by counsel")...)

	barred := &counselv1.Assignment{Name: name, Counsel: counsel.Person, State: counselv1.Assignment_BARRED}
	r.c.CounselVerdicts, r.assignments = nil, []*counselv1.Assignment{barred}
	r.declarations[name] = appendEntry(nil, "CreateAssignment", reviewer, docstore.Change{To: counselv1.Assignment_BARRED.String()})
	r.want("barred at once")
	r.declarations[name] = appendEntry(nil, "CreateAssignment", reviewer, docstore.Change{To: counselv1.Assignment_DECLARATION_PENDING.String()})
	r.declarations[name] = appendEntry(r.declarations[name], "OpenCase", drafter, docstore.Change{To: counselv1.Assignment_BARRED.String()})
	r.want("barred by a party that came later: nobody declared")
}

// step does one random command and keeps its entry.
func (r *record) step(rnd *rand.Rand) {
	today := calendar.On(day0.AddDate(0, 0, len(r.history)))
	switch rnd.IntN(10) {
	case 0:
		change, err := accept(r.c, reviewer, today, dated(r.t))
		r.do("AcceptCase", reviewer, change, err)
	case 1:
		change, err := sendBack(r.c, "x", reviewer, today)
		r.do("ReturnCase", reviewer, change, err)
	case 2:
		change, err := requestSupplement(r.c, "x", reviewer, today)
		r.do("RequestSupplement", reviewer, change, err)
	case 3, 4:
		change, err := conclude(r.c, signed(r.c, counselv1.Conclusion(1+rnd.IntN(3)), 1+rnd.IntN(3)), reviewer, today, false)
		r.do("ConcludeCase", reviewer, change, err)
	case 5:
		a := &counselv1.Answer{Adoption: counselv1.Answer_Adoption(1 + rnd.IntN(3)), Reason: "r", Decider: "d"}
		change, err := answer(r.c, int32(1+rnd.IntN(len(r.c.GetLedger())+1)), a, drafter, day0)
		r.do("AnswerItem", drafter, change, err)
	case 6:
		in := submission(r.next, rnd.IntN(6))
		in.Regime = r.c.GetRegime()
		change, err := submit(r.c, in, drafter, day0, dated(r.t))
		if r.do("OpenCase", drafter, change, err) {
			r.next++
		}
	case 7:
		change, err := confirm(r.c, last(r.c).GetVersionDigest(), "x", reviewer, day0)
		r.do("ConfirmRevision", reviewer, change, err)
	case 8:
		round := r.c.GetRounds()[rnd.IntN(len(r.c.GetRounds()))]
		o := &counselv1.Opinion{Name: round.GetOpinion(), State: counselv1.Opinion_SIGNED, Kind: counselv1.Opinion_REVIEW}
		if round.GetOpinion() != "" && issuable(r.c, o, reviewer) == nil {
			l := newLetter(letterID(o.GetName(), len(r.letters)+1), r.c, o, reviewer)
			l.IssueDate = today.Proto()
			r.letters = append(r.letters, l)
			r.issued = appendEntry(r.issued, "CreateLetter", reviewer, issued(l))
		}
	case 9:
		if len(r.letters) > 0 {
			if change, err := void(r.letters[rnd.IntN(len(r.letters))], "x", reviewer, day0); err == nil {
				r.issued = appendEntry(r.issued, "VoidLetter", reviewer, change)
			}
		}
	}
}

// Whatever is done, the figures are those that the journal tells by itself, and
// as long as nothing is certified somebody has exactly one thing to do.
func TestFiguresAreWhatTheJournalTells(t *testing.T) {
	total := map[string]sums{}
	for seed := range uint64(300) {
		r, rnd := newRecord(t), rand.New(rand.NewPCG(seed, 6))
		r.c.Regime = []counselv1.Regime{0, 1, 2, 4, 6}[rnd.IntN(5)]
		for range 60 {
			r.step(rnd)
			rows := project(r.matter)
			got := summed(rows)
			if want := counted(r.c.GetRegime(), append(slices.Clone(r.history), r.issued...)); !maps.Equal(got, want) {
				t.Fatalf("seed %d after %d entries: %v, the journal tells %v", seed, len(r.history), got, want)
			}
			checkNames(t, rows)
			if n := open(rows); n != 1 {
				t.Fatalf("seed %d: %d open tasks in %v:\n%s", seed, n, r.c.GetState(), strings.Join(r.seen(), "\n"))
			}
		}
		for code, n := range summed(project(r.matter)) {
			total[code] = total[code].plus(n)
		}
	}
	for _, code := range []string{"M01", "M02", "M13", "M19", "M24", "M24-RETURNED"} {
		if total[code].count == 0 {
			t.Errorf("nothing was ever counted in %s", code)
		}
	}
}

// sums are count, numerator and denominator of a figure.
type sums struct{ count, numerator, denominator int64 }

func (s sums) plus(o sums) sums {
	return sums{s.count + o.count, s.numerator + o.numerator, s.denominator + o.denominator}
}

// summed are the figures that rows add up to.
func summed(rows projection.Rows) map[string]sums {
	out := map[string]sums{}
	for _, l := range rows.Lines {
		out[l.Code] = out[l.Code].plus(sums{l.GetCount(), l.GetNumerator(), l.GetDenominator()})
	}
	return out
}

// counted are the same, told by the entries of a case and of its letters alone.
func counted(regime counselv1.Regime, history []*corev1.JournalEntry) map[string]sums {
	out, answers := map[string]sums{}, map[string]string{}
	count := func(code string, n int64) { out[code] = out[code].plus(sums{count: n}) }
	for _, e := range history {
		switch {
		case projection.Did(e, "ConcludeCase"):
			items := int64(0)
			_, _ = fmt.Sscan(projection.Fact(e, "items"), &items)
			if code := map[counselv1.Regime]string{0: "M01", 1: "M01", 2: "M13", 6: "M24"}[regime]; code != "" {
				out[code] = sums{count: 1}
			}
			if items > 0 {
				count("M02", items)
			}
		case projection.Did(e, "ReturnCase") && regime == counselv1.Regime_REGIME_ENFORCEMENT_DECISION:
			count("M24-RETURNED", 1)
		case projection.Did(e, "CreateLetter"):
			count("M19", 1)
		case projection.Did(e, "VoidLetter"):
			count("M19", -1)
		case projection.Did(e, "AnswerItem"):
			answers[projection.Fact(e, "item")] = projection.Fact(e, "adoption")
		}
	}
	for _, adoption := range answers {
		n := sums{denominator: 1}
		if adoption != counselv1.Answer_NOT_ADOPTED.String() {
			n.numerator = 1
		}
		out["M02"] = out["M02"].plus(n)
	}
	if out["M19"] == (sums{}) { // all are void
		delete(out, "M19")
	}
	return out
}

func checkNames(t *testing.T, rows projection.Rows) {
	t.Helper()
	names := map[string]bool{}
	for _, task := range rows.Tasks {
		if names[task.GetName()] {
			t.Errorf("two tasks are called %s", task.GetName())
		}
		names[task.GetName()] = true
		if task.GetAssignee() == "" || task.GetOpenTime() == nil || task.GetState() == corev1.Task_DONE && task.GetDoneTime() == nil {
			t.Errorf("%v", task)
		}
	}
	for _, l := range rows.Lines {
		if names[l.Code+l.GetName()] {
			t.Errorf("two lines of %s are called %s", l.Code, l.GetName())
		}
		names[l.Code+l.GetName()] = true
		if l.GetEventDate() == nil || l.GetResource() == "" {
			t.Errorf("%v", l)
		}
	}
}

func open(rows projection.Rows) int {
	n := 0
	for _, t := range rows.Tasks {
		if t.GetState() == corev1.Task_OPEN {
			n++
		}
	}
	return n
}

// A colleague who is asked to check an opinion has a task, which lapses with the
// content and is done with the decision.
func TestTaskOfACheck(t *testing.T) {
	r := newRecord(t)
	o := drafted(r.c, counselv1.Conclusion_LAWFUL)
	ch, _, err := newCheck(o.GetName()+"/checks/k", o, r.c, &counselv1.Check{Checker: second.Person}, reviewer)
	if err != nil {
		t.Fatal(err)
	}
	r.checks, r.drafts = []*counselv1.Check{ch}, map[string]*counselv1.Opinion{o.GetName(): o}
	look := func() *corev1.Task {
		for _, task := range project(r.matter).Tasks {
			if task.GetKind() == corev1.Task_CHECK_OPINION {
				return task
			}
		}
		return nil
	}
	if got := look(); got.GetAssignee() != second.Person || got.GetState() != corev1.Task_OPEN || got.GetResource() != o.GetName() {
		t.Errorf("asked: %v", got)
	}
	o.Summary = "改。"
	if got := look(); got != nil {
		t.Errorf("of content that changed: %v", got)
	}
	o.Summary = ""
	if _, err := decide(ch, o, r.c, &counselv1.DecideCheckRequest{Decision: counselv1.DecideCheckRequest_APPROVE}, inPlace(third, second), day0); err != nil {
		t.Fatal(err)
	}
	if got := look(); got.GetState() != corev1.Task_DONE || got.GetDoneBy() != third.Person || got.GetDoneOnBehalfOf() != second.Person {
		t.Errorf("decided: %v", got)
	}
}

// A bureau that is asked has a task until its first reply or the end of the question,
// the reviewer one for each reply until it is handled.
func TestTasksOfASolicitation(t *testing.T) {
	r := newRecord(t)
	r.c.State, r.c.Reviewer, r.history = counselv1.Case_UNDER_REVIEW, reviewer.Person, nil
	q := &counselv1.Solicitation{
		Name: r.c.GetName() + "/solicitations/s", Kind: counselv1.Solicitation_BUREAU, Bureau: region + "/bureaus/asked", Title: "示例办法",
		State: counselv1.Solicitation_PREPARING, DueDate: calendar.On(day0.AddDate(0, 0, 7)).Proto(), CreateTime: timestamppb.New(day0),
	}
	r.solicitations = []*counselv1.Solicitation{q, {Name: r.c.GetName() + "/solicitations/p", Kind: counselv1.Solicitation_PUBLIC, State: counselv1.Solicitation_OPEN}}
	r.want("the bureau does not see it yet")
	q.State = counselv1.Solicitation_OPEN
	r.want("asked", "REPLY_TO_SOLICITATION OPEN asked due 04-15")
	q.State = counselv1.Solicitation_CLOSED
	r.want("closed without a reply")
	q.State = counselv1.Solicitation_OPEN
	r.replies = []*counselv1.Reply{{Name: q.GetName() + "/replies/r", Author: region + "/people/answerer", CreateTime: timestamppb.New(day0)}}
	replied := "REPLY_TO_SOLICITATION DONE asked by answerer due 04-15"
	r.want("replied", replied, "HANDLE_REPLY OPEN reviewer")
	if _, err := handle(r.replies[0], r.c, &counselv1.Answer{Adoption: counselv1.Answer_ADOPTED}, second, day0); err != nil {
		t.Fatal(err)
	}
	r.want("handled", replied, "HANDLE_REPLY DONE second by second")
}

var third = auth.Caller{Person: region + "/people/third", Region: region, Roles: reviewer.Roles}

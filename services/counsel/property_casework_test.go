package counsel

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/intent"
)

// file is a case with all that belongs to it, as the stores would keep it.
type file struct {
	t     *testing.T
	rnd   *rand.Rand
	now   time.Time
	c     *counselv1.Case
	next  int32
	names int
	// wantsCheck says that the region has review opinions checked.
	wantsCheck  bool
	opinions    []*counselv1.Opinion
	checks      []*counselv1.Check
	assignments []*counselv1.Assignment
	asked       []*counselv1.Solicitation
	replies     []*counselv1.Reply
	// sealed is the signed content by the name of its opinion; settled what became of
	// replies when the review was over.
	sealed  map[string]string
	settled map[string]*counselv1.Answer
}

var (
	people  = []auth.Caller{drafter, reviewer, second, third, counsel, inPlace(deputy, reviewer), inPlace(drafter, reviewer), inPlace(reviewer, second)}
	adviser = auth.Caller{Person: region + "/people/adviser", Region: region, Roles: counsel.Roles}
)

func pick[T any](f *file, all []T) (out T) {
	if len(all) > 0 {
		out = all[f.rnd.IntN(len(all))]
	}
	return out
}

func byName(person string) auth.Caller {
	return people[slices.IndexFunc(people, func(p auth.Caller) bool { return p.Person == person })]
}

func (f *file) name(kind string) string {
	f.names++
	return fmt.Sprintf("%s/%s/%d", f.c.GetName(), kind, f.names)
}

func (f *file) reviewer() auth.Caller {
	return pick(f, []auth.Caller{reviewer, reviewer, second, inPlace(deputy, reviewer), inPlace(drafter, reviewer), inPlace(reviewer, second)})
}

// step does one random command and says which.
func (f *file) step() string {
	today := calendar.On(f.now)
	switch f.rnd.IntN(12) {
	case 0:
		_, err := accept(f.c, f.reviewer(), today, dated(f.t))
		return told("accept", err)
	case 1:
		if f.rnd.IntN(4) > 0 { // rarely, so that something is concluded
			return "-"
		}
		_, err := sendBack(f.c, "x", f.reviewer(), today)
		return told("return", err)
	case 2:
		in := submission(f.next, f.rnd.IntN(4))
		in.Regime = f.c.GetRegime()
		_, err := submit(f.c, in, drafter, f.now, dated(f.t))
		if err == nil {
			f.next++
		}
		return told("submit", err)
	case 3:
		a := &counselv1.Answer{Adoption: counselv1.Answer_Adoption(1 + f.rnd.IntN(3)), Reason: "r", Decider: "d"}
		_, err := answer(f.c, int32(1+f.rnd.IntN(len(f.c.GetLedger())+1)), a, drafter, f.now)
		return told("answer", err)
	case 4:
		return f.course(today)
	case 5:
		return f.onAssignments(today)
	case 6:
		return f.onSolicitations(today)
	}
	return f.onOpinions(today)
}

func told(what string, err error) string {
	if err != nil {
		return "(" + what + ")"
	}
	return what
}

// course extends the review, passes it on, or confirms a revised draft.
func (f *file) course(today calendar.Date) string {
	switch f.rnd.IntN(3) {
	case 0:
		in := &counselv1.ExtendCaseRequest{Days: int32(1 + f.rnd.IntN(8)), Reason: "x"}
		_, err := extend(f.c, in, 5, today.AddDays(30), false, f.reviewer(), f.now)
		return told("extend", err)
	case 1:
		_, err := transfer(f.c, &counselv1.TransferCaseRequest{Reviewer: pick(f, people).Person, Reason: "x"}, f.reviewer())
		return told("transfer", err)
	}
	_, err := confirm(f.c, last(f.c).GetVersionDigest(), "x", f.reviewer(), f.now)
	return told("confirm", err)
}

// onOpinions drafts, changes, has checked, signs and concludes.
func (f *file) onOpinions(today calendar.Date) string {
	o, who := pick(f, f.opinions), pick(f, []auth.Caller{f.reviewer(), counsel})
	if n := len(f.opinions); n > 0 && f.rnd.IntN(2) == 0 { // the newest, by its author
		o = f.opinions[n-1]
		who = byName(o.GetAuthor())
	}
	switch f.rnd.IntN(7) {
	case 0:
		return f.draft(o, who)
	case 2:
		if o == nil {
			return "-"
		}
		_, err := edit(o, &counselv1.Opinion{Summary: fmt.Sprint(f.rnd.IntN(3))}, map[string]bool{"summary": true}, f.c, who, func() string { return "i" })
		return told("edit", err)
	case 3:
		if ch := pick(f, f.checks); ch != nil && f.rnd.IntN(2) == 0 {
			in := &counselv1.DecideCheckRequest{Decision: counselv1.DecideCheckRequest_Decision(1 + f.rnd.IntN(2)), Note: "x"}
			by := pick(f, people)
			if f.rnd.IntN(2) == 0 {
				by = auth.Caller{Person: ch.GetChecker()}
			}
			_, err := decide(ch, f.opinion(parentOpinion(ch.GetName())), f.c, in, by, f.now)
			return told("decide", err)
		}
		if o == nil {
			return "-"
		}
		ch, _, err := newCheck(fmt.Sprintf("%s/checks/%d", o.GetName(), len(f.checks)), o, f.c, &counselv1.Check{Checker: pick(f, people).Person}, who)
		if err == nil {
			f.checks = append(f.checks, ch)
		}
		return told("check", err)
	case 4, 5:
		return f.sign(o, who)
	}
	if o == nil {
		return "-"
	}
	for _, signed := range f.opinions { // mostly what can be rested on
		if signed.GetState() == counselv1.Opinion_SIGNED && signed.GetRound() == last(f.c).GetNumber() && f.rnd.IntN(3) > 0 {
			o, who = signed, byName(signed.GetAuthor())
		}
	}
	open, unhandled := f.pending()
	err := heard(open, unhandled)
	if err == nil {
		_, err = conclude(f.c, o, who, today, false)
	}
	return told("conclude", cmp.Or(err, f.rests(o)))
}

func (f *file) opinion(name string) *counselv1.Opinion {
	for _, o := range f.opinions {
		if o.GetName() == name {
			return o
		}
	}
	return nil
}

// draft begins an opinion, which may supersede another.
func (f *file) draft(before *counselv1.Opinion, who auth.Caller) string {
	in := &counselv1.Opinion{Conclusion: counselv1.Conclusion(1 + f.rnd.IntN(4)), RiskStatement: "x"}
	if before != nil && f.rnd.IntN(2) == 0 {
		in.Supersedes = before.GetName()
	} else {
		before = nil
	}
	failing := []counselv1.ReviewPoint{}
	if !lawful(in.GetConclusion()) {
		in.Items = []*counselv1.OpinionItem{itemWith(counselv1.OpinionItem_POWER, counselv1.OpinionItem_MUST)}
		failing = append(failing, counselv1.ReviewPoint_REVIEW_POINT_POWERS)
	}
	if who.Person != counsel.Person {
		in.Checklist = answered(failing...)
	}
	o, _, err := newOpinion(f.name("opinions"), f.c, in, before, who, func() string { return f.name("item") })
	if err == nil {
		f.opinions = append(f.opinions, o)
	}
	return told("draft", err)
}

// sign signs an opinion in all its steps; counsel's only where counsel has the matter.
func (f *file) sign(o *counselv1.Opinion, who auth.Caller) string {
	if o == nil || o.GetKind() == counselv1.Opinion_COUNSEL && !f.hasMatter(o.GetAuthor()) {
		return "-"
	}
	with := signing{before: f.opinion(o.GetSupersedes()), wantsCheck: f.wantsCheck}
	if digest, err := contentDigest(o); err == nil {
		for _, ch := range f.checks {
			if parentOpinion(ch.GetName()) == o.GetName() && ch.GetContentDigest() == digest {
				with.check = ch
			}
		}
	}
	_, err := closeForSigning(o, f.c, with, who, f.now)
	if err != nil {
		return told("sign", err)
	}
	if o.GetState() == counselv1.Opinion_SIGNING && o.GetKind() == counselv1.Opinion_COUNSEL {
		if _, err := recordVerdict(f.c, o, f.now); err != nil {
			o.State, o.ContentDigest = counselv1.Opinion_DRAFT, ""
			return told("sign", err)
		}
	}
	if with.before != nil {
		if _, err := supersede(with.before, o); err != nil {
			f.t.Fatalf("superseded twice: %v by %v", with.before, o)
		}
	}
	if o.GetState() == counselv1.Opinion_SIGNING {
		sign(o, o.GetState(), f.c, who.Actor(), f.now)
	}
	f.sealed[o.GetName()] = o.GetContentDigest()
	if o.GetKind() == counselv1.Opinion_REVIEW && who.Among(f.c.GetDrafters()) {
		f.t.Fatalf("a drafter signed the review of the own draft: %v", o)
	}
	return "sign"
}

func (f *file) hasMatter(person string) bool {
	return slices.ContainsFunc(f.assignments, func(a *counselv1.Assignment) bool { return a.GetCounsel() == person && opens(a.GetState()) })
}

// rests tells of a conclusion that rests on an opinion it may not rest on.
func (f *file) rests(o *counselv1.Opinion) error {
	if o.GetState() != counselv1.Opinion_SIGNED || o.GetSupersededBy() != "" {
		return nil // refused, or superseded since
	}
	if f.wantsCheck && o.GetKind() == counselv1.Opinion_REVIEW {
		approved := slices.ContainsFunc(f.checks, func(ch *counselv1.Check) bool {
			return parentOpinion(ch.GetName()) == o.GetName() && ch.GetState() == counselv1.Check_APPROVED &&
				ch.GetContentDigest() == o.GetContentDigest() && ch.GetDecider() != o.GetSigner() && ch.GetDecider() != o.GetAuthor()
		})
		if !approved {
			f.t.Fatalf("signed without a colleague's approval: %v", o)
		}
	}
	return nil
}

// onAssignments passes the matter to counsel and does what comes of it.
func (f *file) onAssignments(today calendar.Date) string {
	p := profile{person: pick(f, []auth.Caller{counsel, adviser}).Person, firm: "示例律师事务所"}
	if f.rnd.IntN(20) == 0 {
		f.c.Parties = []string{"示例公司"}
		p.clients = []*counselv1.Client{{DisplayName: "示例公司", EndDate: today.AddDays(-1).Proto()}}
	}
	i := slices.IndexFunc(f.assignments, func(a *counselv1.Assignment) bool { return a.GetCounsel() == p.person })
	if i < 0 {
		a, _ := newAssignment(f.name("assignments"), f.c, &counselv1.Assignment{}, p, "示例局", reviewer, today)
		f.assignments = append(f.assignments, a)
		return "assign"
	}
	a := f.assignments[i]
	barred, who := a.GetState() == counselv1.Assignment_BARRED, auth.Caller{Person: p.person, Roles: counsel.Roles}
	what, err := f.onAssignment(a, p, who, today)
	if barred && a.GetState() != counselv1.Assignment_BARRED {
		f.t.Fatalf("a barred counsel has the matter again after %s: %v", what, a)
	}
	if conflicted(a.GetState()) { // what the driver of the intent does
		discount(f.c, a.GetCounsel(), f.now)
	}
	return told(what, err)
}

func (f *file) onAssignment(a *counselv1.Assignment, p profile, who auth.Caller, today calendar.Date) (what string, err error) {
	i := intent.New(a.GetName(), "m", who, f.now)
	switch f.rnd.IntN(9) {
	case 7:
		counted := len(counselVerdicts(f.c, f.c.GetRounds()[0]))
		if _, err = takeBack(a, "x", i); counted != len(counselVerdicts(f.c, f.c.GetRounds()[0])) {
			f.t.Fatal("an opinion ceased to count because its author lost the matter")
		}
		return "take back", err
	case 0:
		_, err = askAgain(a, &counselv1.Assignment{}, f.c, p, reviewer, today)
		return "ask again", err
	case 1, 2:
		_, err = declare(a, counselv1.DeclareConflictRequest_CLEAR, "", who, i)
		return "clear", err
	case 3:
		_, err = declare(a, counselv1.DeclareConflictRequest_Result(1+f.rnd.IntN(4)), "x", who, i)
		return "declare", err
	case 4:
		_, err = waive(a, "x", reviewer, i)
		return "waive", err
	case 5:
		if o := pick(f, f.opinions); o != nil {
			_, err = ask(a, o, "x", reviewer, f.now)
		}
		return "ask", err
	case 6:
		_, err = clarify(a, "x", who, f.now)
		return "clarify", err
	}
	_, err = closeAssignment(a, &counselv1.Evaluation{Score: 3}, firstSigned(f.c, a), reviewer, f.now, i)
	return "close", err
}

// onSolicitations asks others, takes replies and says what became of them.
func (f *file) onSolicitations(today calendar.Date) string {
	q, r := pick(f, f.asked), pick(f, f.replies)
	switch n := f.rnd.IntN(5); {
	case n == 0 && len(f.asked) < 2 || q == nil && f.rnd.IntN(8) == 0:
		in := &counselv1.Solicitation{Kind: counselv1.Solicitation_Kind(1 + f.rnd.IntN(3)), Addressee: "示例", Question: "x", DueDate: today.AddDays(f.rnd.IntN(9)).Proto()}
		if in.GetKind() == counselv1.Solicitation_BUREAU {
			in.Bureau = second.Bureau
		}
		q, _, err := newSolicitation(f.name("solicitations"), f.c, in, "示例局", reviewer, today)
		if err == nil {
			f.asked = append(f.asked, q)
		}
		return told("solicit", err)
	case q == nil:
		return "-"
	case n == 1:
		_, err := openSolicitation(q)
		return told("open", err)
	case n == 2 || n == 0:
		_, err := closeSolicitation(q)
		return told("close solicitation", err)
	case n == 3:
		closed := q.GetState() != counselv1.Solicitation_OPEN
		r, _, err := newReply(q.GetName()+"/replies/"+fmt.Sprint(len(f.replies)), f.c.GetName(), q, &counselv1.Reply{Text: "x"}, pick(f, people), today)
		if err == nil {
			f.replies = append(f.replies, r)
		}
		if err == nil && closed {
			f.t.Fatalf("a reply to what is not open: %v", q)
		}
		return told("reply", err)
	}
	if r == nil {
		return "-"
	}
	if i := slices.IndexFunc(f.replies, func(r *counselv1.Reply) bool { return !r.GetHandled() }); i >= 0 {
		r = f.replies[i]
	}
	_, err := handle(r, f.c, &counselv1.Answer{Adoption: counselv1.Answer_Adoption(1 + f.rnd.IntN(3)), Reason: fmt.Sprint(f.names)}, f.reviewer(), f.now)
	return told("handle", err)
}

// pending tells whether a question is open or a reply unhandled.
func (f *file) pending() (open, unhandled bool) {
	return slices.ContainsFunc(f.asked, func(q *counselv1.Solicitation) bool { return q.GetState() != counselv1.Solicitation_CLOSED }),
		slices.ContainsFunc(f.replies, func(r *counselv1.Reply) bool { return !r.GetHandled() })
}

// forbidden names what the file must never be; before is the state the case was in.
func (f *file) forbidden(before counselv1.Case_State) string {
	for _, o := range f.opinions {
		digest, err := contentDigest(o)
		successor := f.opinion(o.GetSupersededBy())
		switch {
		case err != nil:
			return err.Error()
		case f.sealed[o.GetName()] != "" && (f.sealed[o.GetName()] != digest || o.GetState() != counselv1.Opinion_SIGNED):
			return "signed content changed"
		case successor != nil && (successor.GetSupersedes() != o.GetName() || successor.GetAuthor() != o.GetAuthor()):
			return "superseded by what is no successor"
		}
	}
	for _, a := range f.assignments {
		switch {
		case a.GetState() == counselv1.Assignment_CLOSED && (a.GetEvaluation() == nil || openClarification(a) != nil):
			return "closed without an evaluation, or with a question open"
		case conflicted(a.GetState()) && firstSigned(f.c, a) != nil:
			return "what a conflicted counsel signed counts"
		}
	}
	return cmp.Or(f.caseForbidden(before), f.repliesForbidden())
}

func (f *file) caseForbidden(before counselv1.Case_State) string {
	reviewing := before == counselv1.Case_UNDER_REVIEW && f.c.GetState() != before
	if open, unhandled := f.pending(); reviewing && (open || unhandled) && strings.HasPrefix(f.c.GetState().String(), "CONCLUDED") {
		return "concluded while opinions are awaited or unread"
	}
	if r := f.c.GetReviewer(); r != "" && slices.Contains(f.c.GetDrafters(), r) {
		return "a drafter is the reviewer"
	}
	if slices.Contains(f.c.GetDrafters(), f.c.GetReviewerDelegate()) && f.c.GetReviewerDelegate() != "" {
		return "a drafter reviews in another's place"
	}
	for _, r := range f.c.GetRounds() {
		if e := r.GetExtension(); e != nil && (e.GetDays() > 5 || r.GetCeilingDate() == nil) {
			return "extended beyond what the region allows"
		}
		o := f.opinion(r.GetOpinion())
		if r.GetOpinion() != "" && (o.GetKind() != counselv1.Opinion_REVIEW || o.GetState() != counselv1.Opinion_SIGNED || o.GetConclusion() != r.GetConclusion()) {
			return "a conclusion that its opinion does not draw"
		}
	}
	return ""
}

func (f *file) repliesForbidden() string {
	for _, r := range f.replies {
		if !r.GetHandled() {
			continue
		}
		if was := f.settled[r.GetName()]; was != nil && f.c.GetState() != counselv1.Case_UNDER_REVIEW && !proto.Equal(was, r.GetHandling()) {
			return "what became of a reply changed after the review"
		}
		f.settled[r.GetName()] = r.GetHandling()
	}
	return ""
}

// Random commands of everybody about everything that belongs to a case never lead to
// what the law forbids: signed content that changes, a conclusion on an opinion that is
// not signed, unchecked, or a drafter's, a counsel who is barred and has the matter, an
// evaluation of nothing, a conclusion over unread opinions.
func TestRandomCaseworkKeepsTheInvariants(t *testing.T) {
	did := map[string]int{}
	for seed := range uint64(1000) {
		f := &file{
			t: t, rnd: rand.New(rand.NewPCG(seed, 7)), now: day0, c: received(), next: 2,
			sealed: map[string]string{}, settled: map[string]*counselv1.Answer{},
		}
		f.wantsCheck = f.rnd.IntN(2) == 0
		var path []string
		for range 200 {
			f.now = f.now.Add(7 * time.Hour)
			before, ledger := f.c.GetState(), len(f.c.GetLedger())
			what := f.step()
			path = append(path, what)
			did[what]++
			if problem := cmp.Or(broken(f.c, ledger), f.forbidden(before)); problem != "" {
				t.Fatalf("seed %d: %s after %s", seed, problem, strings.Join(path, ", "))
			}
		}
	}
	for _, what := range []string{
		"accept", "return", "submit", "answer", "extend", "transfer", "confirm", "draft", "edit", "check", "decide", "sign", "conclude",
		"assign", "ask again", "clear", "declare", "waive", "ask", "clarify", "close", "solicit", "open", "close solicitation", "reply", "handle",
	} {
		if did[what] < 5 {
			t.Errorf("%s was done %d times", what, did[what])
		}
	}
}

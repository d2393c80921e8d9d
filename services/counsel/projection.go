package counsel

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/projection"
)

// figures are what the yearly report counts of legality review (FACTS 4). A
// number never goes without its definition.
var figures = []projection.Definition{
	{
		Code: "M01", DisplayName: "规范性文件合法性审核件数", Unit: "件",
		Text: "首次作出审核结论的日期在期间内的规范性文件审核案件；同一文件多次送审计一件。", CategoryName: "审核类别",
	},
	{
		Code: "M02", DisplayName: "审核意见条数、采纳率", Unit: "条", RateName: "采纳率", Decimals: 1, CategoryName: "审核类别",
		Text: "条数：审核结论日期在期间内的审核意见条目。采纳率：其中已采纳和部分采纳的条目除以其中已经答复的条目；尚未答复的不计入分母。",
	},
	{
		Code: "M13", DisplayName: "重大行政决策合法性审查件数", Unit: "件", CategoryName: "审核类别",
		Text: "首次作出审查结论的日期在期间内的重大行政决策审查案件；同一事项多次送审计一件。提请集体审议被拒绝的次数由文件服务另计（M13-BLOCKED）。",
	},
	{
		Code: "M24", DisplayName: "重大执法决定法制审核件数", Unit: "件", CategoryName: "执法行为类别",
		Text: "首次作出审核结论的日期在期间内的重大执法决定审核案件；同一决定多次送审计一件，按最近一次送审的执法行为类别分列。",
	},
	{
		Code: "M24-RETURNED", DisplayName: "重大执法决定法制审核退回次数", Unit: "次", CategoryName: "执法行为类别",
		Text: "审核机构在期间内退回重大执法决定送审材料的次数；同一决定退回多次的逐次计入，要求补正的不计。",
	},
	{
		Code: "M19", DisplayName: "法制审核意见书份数", Unit: "份", CategoryName: "审核类别",
		Text: "成文日期在期间内的编号法制审核意见书；作废的不计。",
	},
}

// matter is what the tasks and figures of one case are worked out from.
type matter struct {
	c *counselv1.Case
	// history is the journal of the case.
	history []*corev1.JournalEntry
	// assignments are those of the case, declarations their journals by name.
	assignments  []*counselv1.Assignment
	declarations map[string][]*corev1.JournalEntry
	// checks are those of the opinions of the case; drafts the opinions of open ones,
	// by name.
	checks []*counselv1.Check
	drafts map[string]*counselv1.Opinion
	// solicitations are those of the case, replies what came back to them.
	solicitations []*counselv1.Solicitation
	replies       []*counselv1.Reply
	// letters are the numbered ones of the case.
	letters []*counselv1.Letter
}

// project works out the rows of a case.
func project(m matter) projection.Rows {
	rows := projection.Rows{Lines: slices.Concat(m.figureLines(), m.letterLines(), m.counselLines())}
	rows.Tasks = append(rows.Tasks, m.turns()...)
	rows.Tasks = append(rows.Tasks, m.confirmations()...)
	rows.Tasks = append(rows.Tasks, m.meeting()...)
	rows.Tasks = append(rows.Tasks, m.secondLooks()...)
	rows.Tasks = append(rows.Tasks, m.asked()...)
	rows.Tasks = append(rows.Tasks, m.heard()...)
	rows.Tasks = append(rows.Tasks, m.receipts()...)
	for _, a := range m.assignments {
		rows.Tasks = append(rows.Tasks, m.counsel(a)...)
	}
	return rows
}

// reviewed is the figure of the reviews of a regime; the others are in no figure of
// their own.
var reviewed = map[counselv1.Regime]string{
	counselv1.Regime_REGIME_NORMATIVE_DOCUMENT:   "M01",
	counselv1.Regime_REGIME_MAJOR_DECISION:       "M13",
	counselv1.Regime_REGIME_ENFORCEMENT_DECISION: "M24",
}

// line begins a line of a figure about the case.
func (m matter) line(code, name string, day *datepb.Date) projection.Line {
	return projection.Line{Code: code, FigureLine: &corev1.FigureLine{
		Name: name, EventDate: day, Bureau: m.c.GetDraftingUnit(), Title: m.c.GetTitle(), Category: regimeOf(m.c).String(),
		SubjectKind: path.Base(path.Dir(m.c.GetSubject())), Resource: m.c.GetName(), Count: 1,
	}}
}

// figureLines are what a case adds to the figures of reviews.
func (m matter) figureLines() []projection.Line {
	c, out := m.c, m.returns()
	add := func(code, name, note, resource string, round *counselv1.Round) *corev1.FigureLine {
		l := m.line(code, name, round.GetConcludeDate())
		l.Note, l.Resource = note, resource
		if code == "M24" {
			l.Category = c.GetActType()
		}
		out = append(out, l)
		return l.FigureLine
	}
	first := true
	for _, r := range c.GetRounds() {
		if r.GetConclusion() == counselv1.Conclusion_CONCLUSION_UNSPECIFIED {
			continue
		}
		note := fmt.Sprintf("第%d轮：%s", r.GetNumber(), conclusionName[r.GetConclusion()])
		if code := reviewed[regimeOf(c)]; first && code != "" {
			add(code, "case", note, c.GetName(), r)
		}
		first = false
	}
	for _, i := range c.GetLedger() {
		note := fmt.Sprintf("第%d条意见：%s", i.GetNumber(), adoptionName[i.GetAnswer().GetAdoption()])
		l := add("M02", fmt.Sprintf("item-%d", i.GetNumber()), note, c.GetName(), c.GetRounds()[i.GetRound()-1])
		l.Numerator, l.Denominator = adopted(i.GetAnswer())
	}
	return out
}

// returns are the times that an enforcement decision was sent back.
func (m matter) returns() []projection.Line {
	var out []projection.Line
	if regimeOf(m.c) != counselv1.Regime_REGIME_ENFORCEMENT_DECISION {
		return nil
	}
	for _, e := range m.history {
		if projection.Did(e, "ReturnCase") {
			l := m.line("M24-RETURNED", fmt.Sprintf("return-%d", e.GetSequence()), dayOf(e.GetTime()))
			l.Category = m.c.GetActType()
			out = append(out, l)
		}
	}
	return out
}

// dayOf is the day of a time in Shanghai.
func dayOf(t *timestamppb.Timestamp) *datepb.Date { return calendar.On(t.AsTime()).Proto() }

var (
	conclusionName = map[counselv1.Conclusion]string{
		counselv1.Conclusion_LAWFUL: "合法", counselv1.Conclusion_REVISE: "应当予以修改", counselv1.Conclusion_UNLAWFUL: "不合法",
		counselv1.Conclusion_LAWFUL_WITH_RISK: "合法但有风险",
	}
	adoptionName = map[counselv1.Answer_Adoption]string{
		counselv1.Answer_ADOPTION_UNSPECIFIED: "尚未答复", counselv1.Answer_ADOPTED: "采纳",
		counselv1.Answer_PARTLY_ADOPTED: "部分采纳", counselv1.Answer_NOT_ADOPTED: "未采纳",
	}
)

// turn is whose turn it is in a state, and by which RPCs it is done. A turn that
// ends otherwise has lapsed, and is nobody's to have done.
type turn struct {
	kind     corev1.Task_Kind
	assignee func(m matter) string
	done     []string
}

func anyReviewer(m matter) string {
	return auth.RoleViewer(regionOf(m.c.GetName()), corev1.Role_ROLE_REVIEWER)
}
func draftingUnit(m matter) string { return m.c.GetDraftingUnit() }

var turnOf = map[counselv1.Case_State]turn{
	counselv1.Case_RECEIVED:             {corev1.Task_ACCEPT_CASE, anyReviewer, []string{"AcceptCase", "ReturnCase", "RequestSupplement"}},
	counselv1.Case_UNDER_REVIEW:         {corev1.Task_REVIEW_CASE, nil, []string{"ConcludeCase", "ReturnCase", "RequestSupplement"}},
	counselv1.Case_SUPPLEMENT_REQUESTED: {corev1.Task_SUPPLEMENT, draftingUnit, []string{"OpenCase"}},
	counselv1.Case_RETURNED:             {corev1.Task_RESUBMIT, draftingUnit, []string{"OpenCase"}},
	counselv1.Case_CONCLUDED_UNLAWFUL:   {corev1.Task_RESUBMIT, draftingUnit, []string{"OpenCase"}},
	counselv1.Case_CONCLUDED_REVISE:     {corev1.Task_ANSWER_ITEMS, draftingUnit, []string{"AnswerItem"}},
}

// turns are a task for each state the case was in, in which somebody had to act.
func (m matter) turns() []*corev1.Task {
	var out []*corev1.Task
	reviewer := ""
	for _, s := range projection.Stays(m.history) {
		if projection.Did(s.From, "AcceptCase") {
			reviewer = cmp.Or(s.From.GetOnBehalfOf(), s.From.GetActor())
		}
		state := counselv1.Case_State(counselv1.Case_State_value[s.State])
		if state == counselv1.Case_REVISED {
			out = append(out, m.revision(s)...)
		}
		turn, ok := turnOf[state]
		if !ok {
			continue
		}
		t := m.task(turn.kind, fmt.Sprintf("turn-%d", s.From.GetSequence()), s.From)
		switch {
		case turn.assignee != nil:
			t.Assignee = turn.assignee(m)
		case s.Until == nil: // as the case says, whoever acted for the reviewer
			t.Assignee = m.c.GetReviewer()
		default:
			t.Assignee = m.takenOver(reviewer, s)
		}
		if turn.kind == corev1.Task_REVIEW_CASE {
			t.DueDate = m.round(projection.Fact(s.From, "round")).GetCeilingDate()
		}
		if finish(t, s.Until, turn.done...) {
			out = append(out, t)
		}
	}
	return out
}

// takenOver is who had the case when a stay ended: who accepted it, or the last
// reviewer it was passed to since.
func (m matter) takenOver(reviewer string, s projection.Stay) string {
	for _, e := range m.history {
		if e.GetSequence() > s.From.GetSequence() && e.GetSequence() < s.Until.GetSequence() && projection.Did(e, "TransferCase") {
			reviewer = cmp.Or(projection.Fact(e, "reviewer"), reviewer)
		}
	}
	return reviewer
}

// revision is the revised draft that the answers promise, where one was adopted:
// wanted from the last answer on, done with the next submission, which leaves the
// case in its state.
func (m matter) revision(s projection.Stay) []*corev1.Task {
	t := m.task(corev1.Task_RESUBMIT, fmt.Sprintf("turn-%d", s.From.GetSequence()), s.From)
	t.Assignee = m.c.GetDraftingUnit()
	for _, e := range m.history {
		after := e.GetSequence() > s.From.GetSequence() && (s.Until == nil || e.GetSequence() < s.Until.GetSequence())
		if after && projection.Did(e, "OpenCase") {
			projection.Done(t, e)
			return []*corev1.Task{t}
		}
	}
	if s.Until != nil || last(m.c).GetRevisedDraft() || !anyAdopted(m.c) {
		return nil
	}
	return []*corev1.Task{t}
}

// task begins a task about the case.
func (m matter) task(kind corev1.Task_Kind, name string, opened *corev1.JournalEntry) *corev1.Task {
	return &corev1.Task{
		Name: name, Kind: kind, State: corev1.Task_OPEN, Title: m.c.GetTitle(), Resource: m.c.GetName(), OpenTime: opened.GetTime(),
	}
}

// finish marks a task done by the entry that ended it; false when it lapsed.
func finish(t *corev1.Task, ended *corev1.JournalEntry, methods ...string) bool {
	if ended == nil {
		return true
	}
	projection.Done(t, ended)
	return projection.Did(ended, methods...)
}

// round finds a round by its number as a journal tells it; nil where there is none.
func (m matter) round(number string) *counselv1.Round {
	for _, r := range m.c.GetRounds() {
		if fmt.Sprint(r.GetNumber()) == number {
			return r
		}
	}
	return nil
}

// confirmations are the reviewer's looks at revised drafts.
func (m matter) confirmations() []*corev1.Task {
	var out []*corev1.Task
	for i, r := range m.c.GetRounds() {
		open := i == len(m.c.GetRounds())-1 && m.c.GetState() == counselv1.Case_REVISED
		if !r.GetRevisedDraft() || r.GetConfirmation() == nil && !open {
			continue
		}
		// It can be looked at once it is there and every item is answered.
		t := m.task(corev1.Task_CONFIRM_REVISION, fmt.Sprintf("confirm-%d", r.GetNumber()), m.newest(func(e *corev1.JournalEntry) bool {
			return projection.Did(e, "OpenCase") && projection.Fact(e, "round") == fmt.Sprint(r.GetNumber()) ||
				projection.Did(e, "AnswerItem") && r.GetConfirmation() == nil
		}))
		t.Assignee = m.c.GetReviewer()
		if r.GetConfirmation() != nil {
			done := m.newest(func(e *corev1.JournalEntry) bool {
				return projection.Did(e, "ConfirmRevision") && projection.Fact(e, "round") == fmt.Sprint(r.GetNumber())
			})
			projection.Done(t, done)
			t.Assignee = cmp.Or(done.GetOnBehalfOf(), done.GetActor())
		}
		out = append(out, t)
	}
	return out
}

// newest is the newest entry of the case that was asked for; nil when there is none.
func (m matter) newest(which func(*corev1.JournalEntry) bool) *corev1.JournalEntry {
	for _, e := range slices.Backward(m.history) {
		if which(e) {
			return e
		}
	}
	return nil
}

// meeting is the way to deliberation, once the newest version passes. What else
// the gate asks for, the gate says.
func (m matter) meeting() []*corev1.Task {
	round := last(m.c)
	if ofMatter(m.c.GetSubject()) || !passes(standing(m.c, round.GetVersionDigest())) {
		return nil
	}
	passed := m.newest(func(e *corev1.JournalEntry) bool {
		return projection.Did(e, "ConcludeCase", "ConfirmRevision", "AnswerItem")
	})
	t := m.task(corev1.Task_DELIBERATE, fmt.Sprintf("meeting-%d", round.GetNumber()), passed)
	t.Assignee, t.Resource = m.c.GetDraftingUnit(), m.c.GetSubject()
	for _, cert := range m.c.GetCertificates() {
		if cert.GetWithdrawTime() != nil {
			continue
		}
		projection.Done(t, m.newest(func(e *corev1.JournalEntry) bool {
			return projection.Did(e, "CertifyVerdict") && projection.Fact(e, "transition") == cert.GetTransition()
		}))
	}
	return []*corev1.Task{t}
}

// secondLooks are the checks of opinions that colleagues were asked for. One of
// content that has changed since, or is signed, has lapsed.
func (m matter) secondLooks() []*corev1.Task {
	var out []*corev1.Task
	for _, ch := range m.checks {
		t := m.task(corev1.Task_CHECK_OPINION, "check-"+path.Base(ch.GetName()), &corev1.JournalEntry{Time: ch.GetCreateTime()})
		t.Assignee, t.Resource = ch.GetChecker(), parentOpinion(ch.GetName())
		if ch.GetState() != counselv1.Check_REQUESTED {
			t.State, t.DoneTime, t.DoneBy = corev1.Task_DONE, ch.GetDecideTime(), ch.GetDecider()
			if ch.GetDecider() != ch.GetChecker() {
				t.DoneOnBehalfOf = ch.GetChecker()
			}
			out = append(out, t)
			continue
		}
		o := m.drafts[t.GetResource()]
		if digest, err := contentDigest(o); err == nil && o.GetState() == counselv1.Opinion_DRAFT && digest == ch.GetContentDigest() {
			out = append(out, t)
		}
	}
	return out
}

// subjectOf is the case, or the entry of the register, that a resource of this service
// belongs to.
func subjectOf(resource string) string {
	parts := strings.Split(resource, "/")
	if len(parts) < 4 || parts[0] != "regions" || parts[2] != "cases" && parts[2] != "counselEntries" {
		return ""
	}
	return strings.Join(parts[:4], "/")
}

package counsel

import (
	"cmp"
	"fmt"
	"path"
	"slices"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/projection"
)

// counsel is what an assignment asks of counsel, and of the reviewer about it. It
// tells of the matter only what the assignment itself shows.
func (m matter) counsel(a *counselv1.Assignment) []*corev1.Task {
	var out []*corev1.Task
	id := path.Base(a.GetName())
	var accepted *corev1.JournalEntry
	for _, s := range projection.Stays(m.declarations[a.GetName()]) {
		t := m.task(corev1.Task_DECLARE_CONFLICT, fmt.Sprintf("ask-%s-%d", id, s.From.GetSequence()), s.From)
		t.Title, t.Resource, t.Assignee, t.DueDate = a.GetTitle(), a.GetName(), a.GetCounsel(), a.GetDueDate()
		done := "DeclareConflict"
		switch s.State {
		case counselv1.Assignment_DECLARATION_PENDING.String():
		case counselv1.Assignment_WAIVER_PENDING.String():
			t.Kind, t.Assignee, done = corev1.Task_WAIVE_CONFLICT, a.GetAuthor(), "WaiveConflict"
		case counselv1.Assignment_ACCEPTED.String():
			accepted = s.From
			continue
		default:
			continue
		}
		if finish(t, s.Until, done) {
			out = append(out, t)
		}
	}
	return slices.Concat(out, m.opinions(a, accepted), m.clarifications(a), m.closings(a))
}

// opinions are those that counsel signed, and the one that is still wanted.
func (m matter) opinions(a *counselv1.Assignment, accepted *corev1.JournalEntry) []*corev1.Task {
	var out []*corev1.Task
	name := func(round int32) string { return fmt.Sprintf("sign-%s-%d", path.Base(a.GetName()), round) }
	for _, v := range m.c.GetCounselVerdicts() {
		if v.GetCounsel() != a.GetCounsel() {
			continue
		}
		t := m.task(corev1.Task_WRITE_OPINION, name(v.GetRound()), accepted)
		t.Assignee, t.DueDate = a.GetCounsel(), a.GetDueDate()
		projection.Done(t, m.newest(func(e *corev1.JournalEntry) bool {
			return projection.Did(e, "SignOpinion") && projection.Fact(e, "opinion") == v.GetOpinion()
		}))
		out = append(out, t)
	}
	if opens(a.GetState()) && m.wants(a.GetCounsel()) {
		t := m.task(corev1.Task_WRITE_OPINION, name(last(m.c).GetNumber()), accepted)
		t.Assignee, t.DueDate = a.GetCounsel(), a.GetDueDate()
		out = append(out, t)
	}
	return out
}

// wants tells whether the case waits for an opinion of a counsel: it takes one,
// and none counts yet for what is under review.
func (m matter) wants(counsel string) bool {
	switch m.c.GetState() {
	case counselv1.Case_RECEIVED, counselv1.Case_RETURNED:
		return false
	}
	if standingCertificate(m.c) {
		return false
	}
	base := m.c.GetRounds()[0]
	for _, r := range m.c.GetRounds() {
		if !r.GetRevisedDraft() {
			base = r
		}
	}
	return !slices.ContainsFunc(counselVerdicts(m.c, base), func(v *counselv1.CounselVerdict) bool { return v.GetCounsel() == counsel })
}

// clarifications are the questions about signed opinions. One that waits when counsel
// has the matter no longer has lapsed.
func (m matter) clarifications(a *counselv1.Assignment) []*corev1.Task {
	var out []*corev1.Task
	var answers []*corev1.JournalEntry
	for _, e := range m.declarations[a.GetName()] {
		if projection.Did(e, "AnswerClarification") {
			answers = append(answers, e)
		}
	}
	for i, q := range a.GetClarifications() {
		t := m.task(corev1.Task_ANSWER_CLARIFICATION, fmt.Sprintf("clarify-%s-%d", path.Base(a.GetName()), i+1), &corev1.JournalEntry{Time: q.GetAskTime()})
		t.Title, t.Resource, t.Assignee = a.GetTitle(), a.GetName(), a.GetCounsel()
		switch {
		case q.GetAnswerTime() == nil && !opens(a.GetState()):
			continue
		case i < len(answers):
			projection.Done(t, answers[i])
		case q.GetAnswerTime() != nil: // the journal is read after the assignment, and tells more, not less
			continue
		}
		out = append(out, t)
	}
	return out
}

// closings are the evaluations: wanted once counsel has signed and the review is over,
// done with each closing.
func (m matter) closings(a *counselv1.Assignment) []*corev1.Task {
	var out []*corev1.Task
	for _, s := range projection.Stays(m.declarations[a.GetName()]) {
		if s.State != counselv1.Assignment_ACCEPTED.String() {
			continue
		}
		over := m.newest(func(e *corev1.JournalEntry) bool {
			late := s.Until != nil && e.GetTime().AsTime().After(s.Until.GetTime().AsTime())
			return !late && projection.Did(e, "ConcludeCase", "ConfirmRevision", "AnswerItem", "SignOpinion")
		})
		t := m.task(corev1.Task_CLOSE_ASSIGNMENT, fmt.Sprintf("close-%s-%d", path.Base(a.GetName()), s.From.GetSequence()), cmp.Or(over, s.From))
		t.Resource, t.Assignee = a.GetName(), a.GetAuthor()
		switch {
		case s.Until == nil && !m.evaluable(a):
			continue
		case s.Until != nil:
			t.Assignee = cmp.Or(s.Until.GetOnBehalfOf(), s.Until.GetActor())
		}
		if finish(t, s.Until, "CloseAssignment") {
			out = append(out, t)
		}
	}
	return out
}

// evaluable tells whether there is nothing left to ask of a counsel.
func (m matter) evaluable(a *counselv1.Assignment) bool {
	over := m.c.GetState() == counselv1.Case_CONCLUDED_UNLAWFUL || passes(standing(m.c, last(m.c).GetVersionDigest()))
	return over && openClarification(a) == nil && firstSigned(m.c, a) != nil
}

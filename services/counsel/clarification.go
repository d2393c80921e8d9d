package counsel

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

const (
	codeClarificationOpen = "CLARIFICATION_OPEN"

	// maxClarifications bounds what is asked about the opinions of one assignment.
	maxClarifications = 50
)

// openClarification is the question that waits for counsel; nil where none does.
func openClarification(a *counselv1.Assignment) *counselv1.Clarification {
	if n := len(a.GetClarifications()); n > 0 && a.GetClarifications()[n-1].GetAnswerTime() == nil {
		return a.GetClarifications()[n-1]
	}
	return nil
}

func clarificationOpen() error {
	return refused(codeClarificationOpen, lawCounsel, "尚有请法律顾问说明的问题未答复")
}

// inHand checks that counsel has the matter.
func inHand(a *counselv1.Assignment) error {
	if a.GetState() != counselv1.Assignment_ACCEPTED {
		return wrongAssignment("法律顾问未接受指派或者已不再办理本事项")
	}
	return nil
}

func wrongAssignment(message string) error { return refused(codeStateNotAllowed, "", message) }

// unchanged is a step of an assignment that stays in its state.
func unchanged(a *counselv1.Assignment, details ...*corev1.Detail) docstore.Change {
	return docstore.Change{From: a.GetState().String(), To: a.GetState().String(), Details: details}
}

// ask puts a question about a signed opinion of counsel's.
func ask(a *counselv1.Assignment, o *counselv1.Opinion, question string, who auth.Caller, now time.Time) (docstore.Change, error) {
	if o.GetAuthor() != a.GetCounsel() || o.GetState() != counselv1.Opinion_SIGNED {
		return docstore.Change{}, rpc.Field("opinion", "OPINION_NOT_COUNSELS", "应当是该法律顾问在本案已经签署的意见")
	}
	if err := inHand(a); err != nil {
		return docstore.Change{}, err
	}
	if openClarification(a) != nil {
		return docstore.Change{}, clarificationOpen()
	}
	if len(a.GetClarifications()) >= maxClarifications {
		return docstore.Change{}, refused(codeRecordClosed, "", "请求说明的次数已达上限")
	}
	a.Clarifications = append(a.Clarifications, &counselv1.Clarification{
		Opinion: o.GetName(), Question: question, Author: who.Actor(), AskTime: timestamppb.New(now),
	})
	return unchanged(a, docstore.Detail("opinion", o.GetName())), nil
}

// clarify answers the question that waits.
func clarify(a *counselv1.Assignment, answer string, who auth.Caller, now time.Time) (docstore.Change, error) {
	if a.GetCounsel() != who.Person {
		return docstore.Change{}, rpc.NotFound(a.GetName())
	}
	if err := inHand(a); err != nil {
		return docstore.Change{}, err
	}
	c := openClarification(a)
	if c == nil {
		return docstore.Change{}, refused(codeStateNotAllowed, "", "没有待说明的问题")
	}
	c.Answer, c.AnswerTime = answer, timestamppb.New(now)
	return unchanged(a, docstore.Detail("opinion", c.GetOpinion())), nil
}

// takeBack ends an assignment that is on counsel's desk without an evaluation. What
// counsel signed counts on: an adverse opinion is not lifted by taking the matter from
// its author.
func takeBack(a *counselv1.Assignment, reason string, i *corev1.Intent) (docstore.Change, error) {
	from := a.GetState()
	if !underway(from) {
		return docstore.Change{}, wrongAssignment("指派已经结束，不能撤回")
	}
	a.State, a.WithdrawReason = counselv1.Assignment_WITHDRAWN, reason
	wait(a, i)
	return docstore.Change{From: from.String(), To: a.GetState().String(), Details: []*corev1.Detail{docstore.Detail("reason", reason)}}, nil
}

// closeAssignment ends the work with its evaluation. signed is when counsel signed
// first; without it there is nothing to evaluate.
func closeAssignment(a *counselv1.Assignment, e *counselv1.Evaluation, signed *timestamppb.Timestamp, who auth.Caller, now time.Time, i *corev1.Intent) (docstore.Change, error) {
	from := a.GetState()
	if err := inHand(a); err != nil {
		return docstore.Change{}, err
	}
	if signed == nil {
		return docstore.Change{}, refused(codeEvidenceMissing, lawCounsel, "法律顾问尚未签署意见，不能办结")
	}
	if openClarification(a) != nil {
		return docstore.Change{}, clarificationOpen()
	}
	details := []*corev1.Detail{docstore.Detail("score", e.GetScore())}
	timely := false
	if due, err := calendar.FromProto(a.GetDueDate()); a.GetDueDate() != nil && err == nil {
		timely = !calendar.On(signed.AsTime()).After(due)
		details = append(details, docstore.Detail("timely", timely))
	}
	a.Evaluation = &counselv1.Evaluation{
		Score: e.GetScore(), Comment: e.GetComment(), Author: who.Actor(), EvaluateTime: timestamppb.New(now), Timely: timely,
	}
	a.State = counselv1.Assignment_CLOSED
	wait(a, i)
	return docstore.Change{From: from.String(), To: a.GetState().String(), Details: details}, nil
}

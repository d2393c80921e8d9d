package counsel

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

const (
	codeSolicitationOpen = "SOLICITATION_OPEN"
	codeReplyUnhandled   = "REPLY_UNHANDLED"
)

// newSolicitation asks an addressee about the draft under review. unit is the name
// of the bureau where one is asked.
func newSolicitation(name string, c *counselv1.Case, in *counselv1.Solicitation, unit string, who auth.Caller, today calendar.Date) (*counselv1.Solicitation, docstore.Change, error) {
	if c.GetState() != counselv1.Case_UNDER_REVIEW {
		return nil, docstore.Change{}, wrongState(c, "征求意见")
	}
	if err := notOwn(c, who); err != nil {
		return nil, docstore.Change{}, err
	}
	due, err := dateField("solicitation.due_date", in.GetDueDate())
	if err != nil {
		return nil, docstore.Change{}, err
	}
	bureau := in.GetKind() == counselv1.Solicitation_BUREAU
	switch {
	case due.Before(today):
		return nil, docstore.Change{}, rpc.Field("solicitation.due_date", "DATE_INVALID", "反馈期限不得早于今日")
	case bureau != (in.GetBureau() != ""):
		return nil, docstore.Change{}, rpc.Field("solicitation.bureau", "BUREAU_UNKNOWN", "征求部门意见的，应当写明部门；其他情形不填写部门")
	case bureau && in.GetBureau() == c.GetDraftingUnit():
		return nil, docstore.Change{}, rpc.Field("solicitation.bureau", "ADDRESSEE_DRAFTS", "不向起草单位征求意见")
	case !bureau && in.GetAddressee() == "":
		return nil, docstore.Change{}, rpc.Field("solicitation.addressee", "REQUIRED", "应当写明专家的姓名和单位，或者公开征求意见的渠道")
	}
	q := &counselv1.Solicitation{
		Name: name, Kind: in.GetKind(), Bureau: in.GetBureau(), Addressee: in.GetAddressee(), Question: in.GetQuestion(),
		DueDate: in.GetDueDate(), State: counselv1.Solicitation_OPEN, Round: last(c).GetNumber(), Revision: last(c).GetRevision(),
		Title: c.GetTitle(), Author: who.Actor(),
	}
	if bureau { // it opens once the bureau sees the draft
		q.State, q.Addressee = counselv1.Solicitation_PREPARING, unit
	}
	return q, docstore.Change{
		To: q.GetState().String(), Grant: []string{auth.RoleViewer(regionOf(name), corev1.Role_ROLE_REVIEWER)},
		Details: []*corev1.Detail{docstore.Detail("kind", q.GetKind()), docstore.Detail("due_date", due)},
	}, nil
}

// openSolicitation lets the bureau that was asked see the question, after the draft.
func openSolicitation(q *counselv1.Solicitation) (docstore.Change, error) {
	from := q.GetState()
	if from != counselv1.Solicitation_PREPARING {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	q.State = counselv1.Solicitation_OPEN
	return docstore.Change{From: from.String(), To: q.GetState().String(), Grant: []string{q.GetBureau()}, Step: true}, nil
}

// closeSolicitation ends the wait for replies.
func closeSolicitation(q *counselv1.Solicitation) (docstore.Change, error) {
	from := q.GetState()
	if from == counselv1.Solicitation_CLOSED {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	q.State = counselv1.Solicitation_CLOSED
	return docstore.Change{From: from.String(), To: q.GetState().String()}, nil
}

// newReply takes the reply of the bureau that was asked, from its own people, or
// what the reviewer writes in for an expert or the public.
func newReply(name, of string, q *counselv1.Solicitation, in *counselv1.Reply, who auth.Caller, today calendar.Date) (*counselv1.Reply, docstore.Change, error) {
	asked := q.GetBureau() != "" && (who.Bureau == q.GetBureau() || slices.Contains(who.Predecessors, q.GetBureau()))
	byReviewer := q.GetBureau() == "" && who.Has(corev1.Role_ROLE_REVIEWER)
	if !asked && !byReviewer {
		return nil, docstore.Change{}, rpc.New(codes.PermissionDenied, "NOT_ADDRESSEE", "部门意见由被征求意见的部门自行反馈，专家和公众意见由审核人员录入")
	}
	if q.GetState() != counselv1.Solicitation_OPEN {
		return nil, docstore.Change{}, refused(codeRecordClosed, "", "征求意见已经结束或者尚未开始")
	}
	received := today
	if in.GetReceiveDate() != nil {
		var err error
		if received, err = dateField("reply.receive_date", in.GetReceiveDate()); err != nil {
			return nil, docstore.Change{}, err
		}
		if received.After(today) || asked && received != today {
			return nil, docstore.Change{}, rpc.Field("reply.receive_date", "DATE_INVALID", "收到日期不得晚于今日；部门自行反馈的，以当日为准")
		}
	}
	due, _ := calendar.FromProto(q.GetDueDate()) // a stored date is whole
	r := &counselv1.Reply{
		Name: name, Case: of, Sender: cmp.Or(in.GetSender(), q.GetAddressee()), Text: in.GetText(), ReceiveDate: received.Proto(),
		Late: received.After(due), Author: who.Actor(),
	}
	if asked {
		r.Sender = q.GetAddressee()
	}
	if q.GetKind() == counselv1.Solicitation_PUBLIC {
		r.Sender = in.GetSender() // nobody has to give a name
	}
	grant := []string{auth.RoleViewer(regionOf(name), corev1.Role_ROLE_REVIEWER)}
	if asked {
		grant = append(grant, q.GetBureau())
	}
	return r, docstore.Change{Grant: grant, Details: []*corev1.Detail{docstore.Detail("late", r.GetLate())}}, nil
}

// handle records what became of a reply, until the review is concluded.
func handle(r *counselv1.Reply, c *counselv1.Case, a *counselv1.Answer, who auth.Caller, now time.Time) (docstore.Change, error) {
	if err := notOwn(c, who); err != nil {
		return docstore.Change{}, err
	}
	if c.GetState() != counselv1.Case_UNDER_REVIEW && r.GetHandled() {
		return docstore.Change{}, refused(codeRecordClosed, "", "审核已经作出结论，处理结果不能再改")
	}
	if a.GetAdoption() != counselv1.Answer_ADOPTED && strings.TrimSpace(a.GetReason()) == "" {
		return docstore.Change{}, refused(codeNonAdoptionReason, "", "未完全采纳的，应当说明理由和依据")
	}
	r.Handled = true
	r.Handling = &counselv1.Answer{
		Adoption: a.GetAdoption(), Reason: a.GetReason(), Decider: a.GetDecider(), Author: who.Actor(), AnswerTime: timestamppb.New(now),
	}
	return docstore.Change{Details: []*corev1.Detail{docstore.Detail("adoption", a.GetAdoption())}}, nil
}

// heard refuses a conclusion while opinions are awaited or unread.
func heard(open, unhandled bool) error {
	switch {
	case open:
		return refused(codeSolicitationOpen, "", "征求意见尚未结束，请先结束征求意见再作出审核结论")
	case unhandled:
		return refused(codeReplyUnhandled, "", "尚有收到的意见未作处理，应当逐条处理后再作出审核结论")
	}
	return nil
}

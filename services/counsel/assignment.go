package counsel

import (
	"strings"

	"google.golang.org/grpc/codes"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

const lawConflict = "律师法第二十三条、第三十九条"

// newAssignment passes a matter to a counsel after the check of the data at
// hand: a counsel who, or whose firm, is a party is barred at once and sees
// nothing of it. Data that shows nothing is unknown, not clear: counsel must
// declare.
func newAssignment(name string, c *counselv1.Case, in *counselv1.Assignment, counsel *directoryv1.Person, unit string, who auth.Caller) (*counselv1.Assignment, docstore.Change) {
	a := &counselv1.Assignment{
		Name: name, Case: c.GetName(), Counsel: counsel.GetName(), LawFirm: counsel.GetLawFirm(),
		Question: in.GetQuestion(), Title: c.GetTitle(), Parties: c.GetParties(),
		DraftingUnitDisplayName: unit, Author: who.Actor(), State: counselv1.Assignment_DECLARATION_PENDING,
	}
	grant := []string{auth.RoleViewer(regionOf(c.GetName()), corev1.Role_ROLE_REVIEWER), a.GetCounsel()}
	if party := conflictingParty(c.GetParties(), counsel.GetDisplayName(), counsel.GetLawFirm()); party != "" {
		bar(a, party)
		grant = grant[:1]
	}
	return a, docstore.Change{
		To: a.GetState().String(), Grant: grant, Details: []*corev1.Detail{docstore.Detail("counsel", a.GetCounsel())},
	}
}

func bar(a *counselv1.Assignment, party string) {
	a.State = counselv1.Assignment_BARRED
	a.ConflictNote = "法律顾问或者其所在律师事务所是本事项的当事人：" + party
}

// conflictingParty is the party that is the counsel, or names the counsel's firm;
// empty when there is none. person may be empty where the name is not at hand.
func conflictingParty(parties []string, person, firm string) string {
	for _, party := range parties {
		if party == person || firm != "" && strings.Contains(party, firm) {
			return party
		}
	}
	return ""
}

// rebar bars a counsel whose firm has become a party since the assignment.
func rebar(a *counselv1.Assignment, parties []string, i *corev1.Intent) (docstore.Change, error) {
	from := a.GetState()
	party := conflictingParty(parties, "", a.GetLawFirm())
	if party == "" || from == counselv1.Assignment_BARRED {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	bar(a, party)
	a.Parties = parties
	wait(a, i)
	return docstore.Change{From: from.String(), To: a.GetState().String()}, nil
}

// barred is the answer to the assignment of a counsel who may not act.
func barred(a *counselv1.Assignment) error {
	return rpc.Refused(rpc.Refusal{
		Code: codeCounselConflict, Law: lawConflict, Message: "该法律顾问存在利益冲突，应当回避",
		Metadata: map[string]string{"assignment": a.GetName()},
	})
}

// askAgain passes the matter to a counsel who declined it before; one who is
// barred stays barred, and one who has it is not asked twice.
func askAgain(a *counselv1.Assignment, question string, who auth.Caller) (docstore.Change, error) {
	from := a.GetState()
	switch from {
	case counselv1.Assignment_BARRED:
		return docstore.Change{}, &docstore.Refusal{Reasons: []string{codeCounselConflict}, Err: barred(a)}
	case counselv1.Assignment_DECLINED:
	default:
		return docstore.Change{}, rpc.New(codes.AlreadyExists, "COUNSEL_ASSIGNED", "该法律顾问已被指派办理本案", "assignment", a.GetName())
	}
	a.State, a.Question, a.ConflictNote, a.Author = counselv1.Assignment_DECLARATION_PENDING, question, "", who.Actor()
	return docstore.Change{From: from.String(), To: a.GetState().String()}, nil
}

// declare takes counsel's declaration. Clear accepts the assignment; whoever has
// accepted may still declare a conflict or step back, and sees the file no more.
// What counsel may see follows the state afterwards, which Reconciling shows.
func declare(a *counselv1.Assignment, result counselv1.DeclareConflictRequest_Result, note string, who auth.Caller, i *corev1.Intent) (docstore.Change, error) {
	if a.GetCounsel() != who.Person {
		return docstore.Change{}, rpc.NotFound(a.GetName())
	}
	from, accepts := a.GetState(), result == counselv1.DeclareConflictRequest_CLEAR
	if from == counselv1.Assignment_ACCEPTED && accepts {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	if from != counselv1.Assignment_DECLARATION_PENDING && from != counselv1.Assignment_ACCEPTED {
		return docstore.Change{}, refused(codeRecordClosed, lawConflict, "利益冲突声明已经作出，不能再改")
	}
	if !accepts && note == "" {
		return docstore.Change{}, rpc.Field("note", "REQUIRED", "应当写明冲突情形或者谢绝理由")
	}
	a.ConflictNote = note
	switch result {
	case counselv1.DeclareConflictRequest_CLEAR:
		a.State = counselv1.Assignment_ACCEPTED
	case counselv1.DeclareConflictRequest_WAIVABLE:
		a.State, a.Waiver, a.WaiverAuthor = counselv1.Assignment_WAIVER_PENDING, "", ""
	case counselv1.DeclareConflictRequest_CONFLICT:
		a.State = counselv1.Assignment_BARRED
	case counselv1.DeclareConflictRequest_DECLINE:
		a.State = counselv1.Assignment_DECLINED
	}
	wait(a, i)
	return docstore.Change{From: from.String(), To: a.GetState().String()}, nil
}

// waive accepts the assignment in spite of a declared conflict, with the
// engaging body's written consent.
func waive(a *counselv1.Assignment, consent string, who auth.Caller, i *corev1.Intent) (docstore.Change, error) {
	from := a.GetState()
	if from == counselv1.Assignment_ACCEPTED && a.GetWaiver() == consent {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	if from != counselv1.Assignment_WAIVER_PENDING {
		return docstore.Change{}, refused(codeRecordClosed, lawConflict, "没有待豁免的利益冲突")
	}
	a.State = counselv1.Assignment_ACCEPTED
	wait(a, i)
	a.Waiver, a.WaiverAuthor = consent, who.Actor()
	return docstore.Change{From: from.String(), To: a.GetState().String()}, nil
}

// opens tells whether counsel sees the case and the document in this state.
func opens(s counselv1.Assignment_State) bool { return s == counselv1.Assignment_ACCEPTED }

// conflicted tells whether what counsel signed before ceases to count.
func conflicted(s counselv1.Assignment_State) bool {
	return s == counselv1.Assignment_BARRED || s == counselv1.Assignment_WAIVER_PENDING
}

// wait stores that counsel is to see the file, or to see it no more, as the state
// says now. An earlier intent that waits still is no longer of use.
func wait(a *counselv1.Assignment, i *corev1.Intent) { a.Intent, a.Reconciling = i, true }

// reconciled records that counsel sees what the state says, where the state is
// still the one that was shown.
func reconciled(a *counselv1.Assignment, visible bool) (docstore.Change, error) {
	if a.GetIntent() == nil || opens(a.GetState()) != visible {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	a.Intent, a.Reconciling = nil, false
	return docstore.Change{From: a.GetState().String(), To: a.GetState().String(), Step: true}, nil
}

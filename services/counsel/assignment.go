package counsel

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

const lawConflict = "律师法第二十三条、第三十九条"

// profile is what the conflict check knows of a counsel: from the directory and,
// for the clients of the firm, from the register.
type profile struct {
	person, displayName, firm string
	// bureau is that of a government lawyer, where the directory was asked.
	bureau  string
	clients []*counselv1.Client
}

// conflictIn looks for a conflict in a case: a government lawyer does not advise on what
// the own bureau drafts, nor anybody on what they drafted.
func (p profile) conflictIn(c *counselv1.Case, today calendar.Date) (note string, state counselv1.Assignment_State) {
	if p.bureau != "" && p.bureau == c.GetDraftingUnit() || slices.Contains(c.GetDrafters(), p.person) {
		return "公职律师任职于本事项的起草单位，或者参与了起草、送审", counselv1.Assignment_BARRED
	}
	return p.conflict(c.GetParties(), today)
}

// conflict looks for a party that counsel or the firm is, or acts or acted for
// (律师法 arts 23, 39): today's clients bar, those of the past can be waived. Data
// that shows nothing is unknown, not clear.
func (p profile) conflict(parties []string, today calendar.Date) (note string, state counselv1.Assignment_State) {
	if party := conflictingParty(parties, p.displayName, p.firm); party != "" {
		return "法律顾问或者其所在律师事务所是本事项的当事人：" + party, counselv1.Assignment_BARRED
	}
	state = counselv1.Assignment_DECLARATION_PENDING
	for _, client := range p.clients {
		party := conflictingParty(parties, "", client.GetDisplayName())
		if party == "" {
			if party = partOfClient(parties, client.GetDisplayName()); party != "" {
				note, state = "法律顾问或者其所在律师事务所的委托人名称包含本事项的当事人："+party, counselv1.Assignment_WAIVER_PENDING
			}
			continue
		}
		end, err := calendar.FromProto(client.GetEndDate())
		if client.GetEndDate() == nil || err != nil || !end.Before(today) {
			return "法律顾问或者其所在律师事务所正在代理本事项的当事人：" + party, counselv1.Assignment_BARRED
		}
		note, state = "法律顾问或者其所在律师事务所曾经代理本事项的当事人："+party, counselv1.Assignment_WAIVER_PENDING
	}
	return note, state
}

// newAssignment passes a matter to a counsel after the check of the data at
// hand: a counsel it bars sees nothing of it, nor one whose conflict is to be
// waived first. Counsel must declare in any case.
func newAssignment(name string, c *counselv1.Case, in *counselv1.Assignment, p profile, unit string, who auth.Caller, today calendar.Date) (*counselv1.Assignment, docstore.Change) {
	a := &counselv1.Assignment{
		Name: name, Case: c.GetName(), Counsel: p.person, LawFirm: p.firm,
		Question: in.GetQuestion(), DueDate: in.GetDueDate(), Title: c.GetTitle(), Parties: c.GetParties(),
		DraftingUnitDisplayName: unit, Author: who.Actor(),
	}
	a.ConflictNote, a.State = p.conflictIn(c, today)
	grant := []string{auth.RoleViewer(regionOf(c.GetName()), corev1.Role_ROLE_REVIEWER)}
	if a.GetState() == counselv1.Assignment_DECLARATION_PENDING {
		grant = append(grant, a.GetCounsel())
	}
	return a, docstore.Change{
		To: a.GetState().String(), Grant: grant, Details: []*corev1.Detail{docstore.Detail("counsel", a.GetCounsel())},
	}
}

// engaged checks that a counsel may be passed a matter: on the register, not
// suspended, and, unless a government lawyer, under a contract that is in force
// (中办发〔2016〕30号).
func engaged(e *counselv1.CounselEntry, engagements []*counselv1.Engagement, today calendar.Date) error {
	switch {
	case e.GetState() != counselv1.CounselEntry_ACTIVE:
		return rpc.Refused(rpc.Refusal{Code: codeNotRegistered, Law: lawCounsel, Message: "该法律顾问不在名册中或者已经暂停、退出，不能指派"})
	case e.GetKind() == counselv1.CounselEntry_RETAINED_COUNSEL && !inForce(engagements, today):
		return rpc.Refused(rpc.Refusal{Code: codeNotEngaged, Law: lawCounsel, Message: "该法律顾问没有处于有效期内的聘用合同，不能指派"})
	}
	return nil
}

// conflictingParty is the party that is the person, or names the organization;
// empty when there is none. Either may be empty where it is not at hand.
func conflictingParty(parties []string, person, organization string) string {
	person, organization = bare(person), bare(organization)
	for _, party := range parties {
		name := bare(party)
		if name != "" && name == person || organization != "" && strings.Contains(name, organization) {
			return party
		}
	}
	return ""
}

// shortestPart is the fewest letters of a party that say something as a part of another
// name.
const shortestPart = 4

// partOfClient is the party whose name is in that of a client, as of a company in that of
// its branch; empty when none is. It may be another's name as well, so that a person
// has to look.
func partOfClient(parties []string, client string) string {
	client = bare(client)
	for _, party := range parties {
		if name := bare(party); utf8.RuneCountInString(name) >= shortestPart && strings.Contains(client, name) {
			return party
		}
	}
	return ""
}

// bare is a name without what people write in different ways: brackets, dots, spaces,
// the width and the case of letters.
func bare(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKC.String(name))
}

// rebar closes the file to a counsel in whom a later submission, or what the register
// says since, shows a conflict, and opens it to none. Who is to be asked again only
// after a waiver hears of the matter no more until then.
func rebar(a *counselv1.Assignment, c *counselv1.Case, p profile, today calendar.Date, i *corev1.Intent) (docstore.Change, error) {
	from := a.GetState()
	note, state := p.conflictIn(c, today)
	asked := from == counselv1.Assignment_DECLARATION_PENDING
	waived := state == counselv1.Assignment_WAIVER_PENDING && (a.GetWaiver() != "" || !opens(from) && !asked)
	if state == counselv1.Assignment_DECLARATION_PENDING || from == counselv1.Assignment_BARRED || waived {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	a.State, a.ConflictNote, a.Parties = state, note, c.GetParties()
	wait(a, i)
	change := docstore.Change{From: from.String(), To: a.GetState().String()}
	if asked {
		change.Revoke = []string{a.GetCounsel()}
	}
	return change, nil
}

// barred is the answer to the assignment of a counsel who may not act.
func barred(a *counselv1.Assignment) error {
	return rpc.Refused(rpc.Refusal{
		Code: codeCounselConflict, Law: lawConflict, Message: "该法律顾问存在利益冲突，应当回避",
		Metadata: map[string]string{"assignment": a.GetName()},
	})
}

// askAgain passes the matter again to a counsel who declined it, is done with it or from
// whom it was taken back, after the same check; one who is barred stays barred, and one
// who has it is not asked twice.
func askAgain(a *counselv1.Assignment, in *counselv1.Assignment, c *counselv1.Case, p profile, who auth.Caller, today calendar.Date) (docstore.Change, error) {
	from := a.GetState()
	switch from {
	case counselv1.Assignment_BARRED:
		return docstore.Change{}, &docstore.Refusal{Reasons: []string{codeCounselConflict}, Err: barred(a)}
	case counselv1.Assignment_DECLINED, counselv1.Assignment_CLOSED, counselv1.Assignment_WITHDRAWN:
	default:
		return docstore.Change{}, rpc.New(codes.AlreadyExists, "COUNSEL_ASSIGNED", "该法律顾问已被指派办理本案", "assignment", a.GetName())
	}
	a.Question, a.DueDate, a.Author, a.Parties, a.LawFirm = in.GetQuestion(), in.GetDueDate(), who.Actor(), c.GetParties(), p.firm
	a.ConflictNote, a.State = p.conflictIn(c, today)
	a.Declared, a.Waiver, a.WaiverAuthor, a.WithdrawReason = false, "", "", ""
	change := docstore.Change{From: from.String(), To: a.GetState().String()}
	if a.GetState() == counselv1.Assignment_DECLARATION_PENDING {
		change.Grant = []string{a.GetCounsel()}
	} else {
		change.Revoke = []string{a.GetCounsel()}
	}
	return change, nil
}

// declare takes counsel's declaration. Clear accepts the assignment; whoever has
// accepted may still declare a conflict or step back, and sees the file no more.
// What counsel may see follows the state afterwards, which Reconciling shows.
func declare(a *counselv1.Assignment, result counselv1.DeclareConflictRequest_Result, note string, who auth.Caller, i *corev1.Intent) (docstore.Change, error) {
	if a.GetCounsel() != who.Person {
		return docstore.Change{}, rpc.NotFound(a.GetName())
	}
	from, accepts := a.GetState(), result == counselv1.DeclareConflictRequest_CLEAR
	if from == counselv1.Assignment_WAIVER_PENDING && !a.GetDeclared() {
		return docstore.Change{}, rpc.NotFound(a.GetName())
	}
	if from == counselv1.Assignment_ACCEPTED && accepts {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	if from != counselv1.Assignment_DECLARATION_PENDING && from != counselv1.Assignment_ACCEPTED {
		return docstore.Change{}, refused(codeRecordClosed, lawConflict, "利益冲突声明已经作出，不能再改")
	}
	if !accepts && strings.TrimSpace(note) == "" {
		return docstore.Change{}, rpc.Field("note", "REQUIRED", "应当写明冲突情形或者谢绝理由")
	}
	a.ConflictNote, a.Declared = note, true
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
	if from != counselv1.Assignment_WAIVER_PENDING && from != counselv1.Assignment_BARRED && a.GetWaiver() == consent {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	if from != counselv1.Assignment_WAIVER_PENDING {
		return docstore.Change{}, refused(codeRecordClosed, lawConflict, "没有待豁免的利益冲突")
	}
	a.Waiver, a.WaiverAuthor = consent, who.Actor()
	change := docstore.Change{From: from.String()}
	if a.GetDeclared() {
		a.State = counselv1.Assignment_ACCEPTED
		wait(a, i)
	} else { // the data showed it: counsel is asked now
		a.State, change.Grant = counselv1.Assignment_DECLARATION_PENDING, []string{a.GetCounsel()}
	}
	change.To = a.GetState().String()
	return change, nil
}

// underway tells whether an assignment in this state is on counsel's desk.
func underway(s counselv1.Assignment_State) bool {
	return s == counselv1.Assignment_DECLARATION_PENDING || s == counselv1.Assignment_WAIVER_PENDING || s == counselv1.Assignment_ACCEPTED
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

// firstSigned is when counsel signed the first opinion that counts, since the evaluation
// of what was done before where the matter was passed on again; nil when none.
func firstSigned(c *counselv1.Case, a *counselv1.Assignment) *timestamppb.Timestamp {
	since := a.GetEvaluation().GetEvaluateTime()
	for _, v := range c.GetCounselVerdicts() {
		again := since == nil || v.GetSignTime().AsTime().After(since.AsTime())
		if v.GetCounsel() == a.GetCounsel() && v.GetWithdrawTime() == nil && again {
			return v.GetSignTime()
		}
	}
	return nil
}

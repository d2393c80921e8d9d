package counsel

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

const (
	maxRounds = 50
	maxLedger = 1000
)

// Refusal codes of the review, beside those of the gate.
const (
	codeReviewInProgress  = "REVIEW_IN_PROGRESS"
	codeReviewConcluded   = "REVIEW_CONCLUDED"
	codeStateNotAllowed   = "STATE_NOT_ALLOWED"
	codeSelfReview        = "SELF_REVIEW_FORBIDDEN"
	codeRecordClosed      = "RECORD_CLOSED"
	codeEvidenceMissing   = "EVIDENCE_MISSING"
	codeItemUnanswered    = "OPINION_ITEM_UNANSWERED"
	codeNonAdoptionReason = "NON_ADOPTION_REASON_MISSING"
	codeLegalityStale     = "LEGALITY_STALE"
	codeLegalityAdverse   = "LEGALITY_ADVERSE"
	codeCounselConflict   = "COUNSEL_CONFLICT"
	codeReviewMissing     = "LEGALITY_REVIEW_MISSING"
	codeConditionOpen     = "CONDITION_OPEN"

	codeCertificateWithdrawn = "CERTIFICATE_WITHDRAWN"

	codeChecklistIncomplete  = "CHECKLIST_INCOMPLETE"
	codeChecklistContradicts = "CHECKLIST_CONTRADICTS"
	codeConclusionNotAllowed = "CONCLUSION_NOT_ALLOWED"
	codeCheckMissing         = "OPINION_CHECK_MISSING"
	codeCheckStale           = "CHECK_STALE"
	codeOpinionSuperseded    = "OPINION_SUPERSEDED"

	codeConclusionContradicts = "CONCLUSION_CONTRADICTS"

	codeExtensionNotAllowed = "EXTENSION_NOT_ALLOWED"
	codeMaterialsIncomplete = "MATERIALS_INCOMPLETE"
	codeRegimeChanged       = "REGIME_CHANGED"
)

// refused makes a refusal that Update keeps in the history.
func refused(code, law, message string) error {
	return &docstore.Refusal{
		Reasons: []string{code},
		Err:     rpc.Refused(rpc.Refusal{Code: code, Law: law, Message: message}),
	}
}

// stale refuses what is about another version than the one submitted last.
func stale(c *counselv1.Case, message string) error {
	return refused(codeLegalityStale, gateLaw(c), message)
}

func last(c *counselv1.Case) *counselv1.Round { return c.GetRounds()[len(c.GetRounds())-1] }

// moved describes a change of state for the journal.
func moved(c *counselv1.Case, from counselv1.Case_State) docstore.Change {
	return docstore.Change{From: from.String(), To: c.GetState().String()}
}

// wrongState refuses what the state does not allow.
func wrongState(c *counselv1.Case, doing string) error {
	return refused(codeStateNotAllowed, "", "案件处于“"+stateName(c.GetState())+"”，不能"+doing)
}

func stateName(s counselv1.Case_State) string {
	return map[counselv1.Case_State]string{
		counselv1.Case_RECEIVED:             "待受理",
		counselv1.Case_RETURNED:             "已退回",
		counselv1.Case_SUPPLEMENT_REQUESTED: "待补正",
		counselv1.Case_UNDER_REVIEW:         "审核中",
		counselv1.Case_CONCLUDED_LAWFUL:     "已审核：合法",
		counselv1.Case_CONCLUDED_REVISE:     "已审核：应当予以修改",
		counselv1.Case_CONCLUDED_UNLAWFUL:   "已审核：不合法",
		counselv1.Case_REVISED:              "意见已答复",

		counselv1.Case_CONCLUDED_LAWFUL_WITH_RISK: "已审核：合法但有风险",
	}[s]
}

// notOwn refuses a reviewer who drafted or submitted the subject: nobody reviews
// their own draft, nor in another's place, nor lets another do it in theirs. That the bureau is the same is no bar, or no draft of the
// reviewing bureau could ever be reviewed.
func notOwn(c *counselv1.Case, who auth.Caller) error {
	if who.Among(c.GetDrafters()) {
		return refused(codeSelfReview, "", "审核人员不得审核本人起草或者送审的文件")
	}
	return nil
}

// ofDraftingUnit hides the case's answers from whoever does not draft it.
func ofDraftingUnit(c *counselv1.Case, who auth.Caller) error {
	if who.Bureau != "" && (who.Bureau == c.GetDraftingUnit() || slices.Contains(who.Predecessors, c.GetDraftingUnit())) {
		return nil
	}
	return rpc.New(codes.PermissionDenied, "NOT_DRAFTING_UNIT", "只有起草单位可以办理")
}

// dates are the deadlines of a round, computed by the directory beforehand; zero
// where the law sets none.
type dates struct {
	floor, earliest, ceiling calendar.Date
	provisional              bool
}

// accept starts the clock of the newest submission.
func accept(c *counselv1.Case, who auth.Caller, today calendar.Date, d dates) (docstore.Change, error) {
	from, round := c.GetState(), last(c)
	revisedDraft := (from == counselv1.Case_CONCLUDED_REVISE || from == counselv1.Case_REVISED) &&
		round.GetRevisedDraft() && round.GetConfirmation() == nil
	if from != counselv1.Case_RECEIVED && !revisedDraft {
		return docstore.Change{}, wrongState(c, "受理")
	}
	if err := notOwn(c, who); err != nil {
		return docstore.Change{}, err
	}
	c.State, c.Reviewer, c.ReviewerDelegate = counselv1.Case_UNDER_REVIEW, who.Person, who.Delegate
	round.RevisedDraft = false
	round.AcceptDate = today.Proto()
	setDates(c, round, d)
	change := moved(c, from)
	change.Details = append(change.Details, docstore.Detail("round", round.GetNumber()))
	return change, nil
}

// setDates writes the deadlines of an accepted round; an emergency has none
// (国办发〔2018〕115号).
func setDates(c *counselv1.Case, round *counselv1.Round, d dates) {
	round.FloorDate, round.EarliestMeetingDate, round.CeilingDate, c.DueDate = nil, nil, nil, nil
	round.ProvisionalDates = false
	if round.GetEmergencyReason() != "" {
		return
	}
	if !d.floor.IsZero() {
		round.FloorDate, round.EarliestMeetingDate = d.floor.Proto(), d.earliest.Proto()
	}
	if !d.ceiling.IsZero() {
		round.CeilingDate = d.ceiling.Proto()
	}
	c.DueDate, round.ProvisionalDates = round.GetCeilingDate(), d.provisional
}

// sendBack ends the round with reasons.
func sendBack(c *counselv1.Case, reason string, who auth.Caller, today calendar.Date) (docstore.Change, error) {
	from := c.GetState()
	if err := notOwn(c, who); err != nil {
		return docstore.Change{}, err
	}
	switch from {
	case counselv1.Case_RECEIVED, counselv1.Case_UNDER_REVIEW, counselv1.Case_SUPPLEMENT_REQUESTED:
	default:
		return docstore.Change{}, wrongState(c, "退回")
	}
	if err := leadless(c, "退回"); err != nil {
		return docstore.Change{}, err
	}
	c.State, c.DueDate, c.MergedInto = counselv1.Case_RETURNED, nil, ""
	last(c).ReturnReason, last(c).ReturnDate = reason, today.Proto()
	return moved(c, from), nil
}

// requestSupplement stops the clock until the next submission.
func requestSupplement(c *counselv1.Case, reason string, who auth.Caller, today calendar.Date) (docstore.Change, error) {
	from := c.GetState()
	if err := notOwn(c, who); err != nil {
		return docstore.Change{}, err
	}
	if from != counselv1.Case_RECEIVED && from != counselv1.Case_UNDER_REVIEW {
		return docstore.Change{}, wrongState(c, "要求补正")
	}
	if err := leadless(c, "要求补正"); err != nil {
		return docstore.Change{}, err
	}
	c.State, c.DueDate, c.MergedInto = counselv1.Case_SUPPLEMENT_REQUESTED, nil, ""
	round := last(c)
	round.Pauses = append(round.Pauses, &counselv1.Pause{From: today.Proto(), Reason: reason})
	return moved(c, from), nil
}

// conclude ends the round on a signed review opinion and opens its ledger; on one
// that covers merged cases, with what it says of this one.
func conclude(c *counselv1.Case, o *counselv1.Opinion, who auth.Caller, today calendar.Date, timeSufficient bool) (docstore.Change, error) {
	from, round := c.GetState(), last(c)
	if from != counselv1.Case_UNDER_REVIEW {
		return docstore.Change{}, wrongState(c, "作出审核结论")
	}
	if err := notOwn(c, who); err != nil {
		return docstore.Change{}, err
	}
	if o.GetState() != counselv1.Opinion_SIGNED || o.GetKind() != counselv1.Opinion_REVIEW || o.GetAuthor() != who.Person {
		return docstore.Change{}, refused(codeEvidenceMissing, lawOf(c), "审核结论应当以本人就本轮送审稿签署的审核意见为依据")
	}
	if err := covering(c, o); err != nil {
		return docstore.Change{}, err
	}
	if o.GetSupersededBy() != "" {
		return docstore.Change{}, refused(codeOpinionSuperseded, "", "该审核意见已由后一份意见替代，应当以后一份意见为依据")
	}
	conclusion, items := concludesOn(o, c.GetName()), itemsOn(o, c.GetName())
	if err := allowed(conclusion, c); err != nil {
		return docstore.Change{}, err
	}
	if len(c.GetLedger())+len(items) > maxLedger {
		return docstore.Change{}, refused(codeRecordClosed, "", "意见台账条目已达上限")
	}
	c.State = map[counselv1.Conclusion]counselv1.Case_State{
		counselv1.Conclusion_LAWFUL:   counselv1.Case_CONCLUDED_LAWFUL,
		counselv1.Conclusion_REVISE:   counselv1.Case_CONCLUDED_REVISE,
		counselv1.Conclusion_UNLAWFUL: counselv1.Case_CONCLUDED_UNLAWFUL,

		counselv1.Conclusion_LAWFUL_WITH_RISK: counselv1.Case_CONCLUDED_LAWFUL_WITH_RISK,
	}[conclusion]
	c.DueDate = nil
	round.Conclusion, round.Opinion = conclusion, o.GetName()
	if conclusion == counselv1.Conclusion_LAWFUL_WITH_RISK {
		round.RiskStatement = o.GetRiskStatement()
	}
	round.ConcludeDate, round.TimeSufficient = today.Proto(), timeSufficient
	for _, item := range items {
		c.Ledger = append(c.Ledger, &counselv1.LedgerItem{
			Number: int32(len(c.GetLedger()) + 1), Round: round.GetNumber(), Opinion: o.GetName(), Item: item,
		})
	}
	change := moved(c, from)
	change.Details = append(change.Details, docstore.Detail("round", round.GetNumber()),
		docstore.Detail("conclusion", conclusion), docstore.Detail("items", len(items)))
	return change, nil
}

// concluded is the newest round with a conclusion; nil when there is none.
func concluded(c *counselv1.Case) *counselv1.Round {
	for _, r := range slices.Backward(c.GetRounds()) {
		if r.GetConclusion() != counselv1.Conclusion_CONCLUSION_UNSPECIFIED {
			return r
		}
	}
	return nil
}

// openItems are the ledger lines of the newest conclusion.
func openItems(c *counselv1.Case) []*counselv1.LedgerItem {
	round := concluded(c)
	if round == nil {
		return nil
	}
	var items []*counselv1.LedgerItem
	for _, i := range c.GetLedger() {
		if i.GetRound() == round.GetNumber() {
			items = append(items, i)
		}
	}
	return items
}

// unanswered lists the numbers of the ledger lines that wait for an answer.
func unanswered(c *counselv1.Case) []int32 {
	var numbers []int32
	for _, i := range openItems(c) {
		if i.GetAnswer() == nil {
			numbers = append(numbers, i.GetNumber())
		}
	}
	return numbers
}

// answer keeps the drafting unit's answer to one line: of what must be changed before
// it goes on, of what is only recommended and of what was found unlawful for the
// record. Answers may change until the reviewer confirmed a draft by them or a
// certificate rests on them.
func answer(c *counselv1.Case, number int32, a *counselv1.Answer, who auth.Caller, now time.Time) (docstore.Change, error) {
	from := c.GetState()
	if err := ofDraftingUnit(c, who); err != nil {
		return docstore.Change{}, err
	}
	switch from {
	case counselv1.Case_CONCLUDED_REVISE, counselv1.Case_REVISED, counselv1.Case_CONCLUDED_LAWFUL,
		counselv1.Case_CONCLUDED_LAWFUL_WITH_RISK, counselv1.Case_CONCLUDED_UNLAWFUL:
	default:
		return docstore.Change{}, wrongState(c, "答复意见")
	}
	if last(c).GetConfirmation() != nil || standingCertificate(c) {
		return docstore.Change{}, refused(codeRecordClosed, "", "答复已经审核机构确认，不能再改")
	}
	items := openItems(c)
	i := slices.IndexFunc(items, func(i *counselv1.LedgerItem) bool { return i.GetNumber() == number })
	if i < 0 {
		return docstore.Change{}, rpc.Field("number", "ITEM_UNKNOWN", "没有这一条待答复的意见")
	}
	if a.GetAdoption() != counselv1.Answer_ADOPTED && (strings.TrimSpace(a.GetReason()) == "" || strings.TrimSpace(a.GetDecider()) == "") {
		return docstore.Change{}, refused(codeNonAdoptionReason, answersLaw(c), "未完全采纳的，应当说明理由和依据，并写明决定人")
	}
	items[i].Answer = &counselv1.Answer{
		Adoption: a.GetAdoption(), Reason: a.GetReason(), Decider: a.GetDecider(),
		Author: who.Actor(), AnswerTime: timestamppb.New(now),
	}
	if from == counselv1.Case_CONCLUDED_REVISE && len(unanswered(c)) == 0 {
		c.State = counselv1.Case_REVISED
	}
	change := moved(c, from)
	change.Details = append(change.Details, docstore.Detail("item", number), docstore.Detail("adoption", a.GetAdoption()))
	return change, nil
}

// confirm records that a revised draft differs from the reviewed one as the
// answers say, and in nothing else; there is no new floor.
func confirm(c *counselv1.Case, digest, note string, who auth.Caller, now time.Time) (docstore.Change, error) {
	from, round := c.GetState(), last(c)
	if err := notOwn(c, who); err != nil {
		return docstore.Change{}, err
	}
	switch {
	case !round.GetRevisedDraft() || round.GetConfirmation() != nil:
		return docstore.Change{}, wrongState(c, "确认修改稿：没有待确认的修改稿")
	case from != counselv1.Case_REVISED:
		return docstore.Change{}, refused(codeItemUnanswered, answersLaw(c), "尚有意见未答复，不能确认修改稿")
	case digest != round.GetVersionDigest():
		return docstore.Change{}, stale(c, "所确认的不是最新一次送审的版本")
	}
	round.Confirmation = &counselv1.Confirmation{Reviewer: who.Actor(), ConfirmTime: timestamppb.New(now), Note: note}
	change := moved(c, from)
	change.Details = append(change.Details, docstore.Detail("round", round.GetNumber()), docstore.Detail("version_digest", digest))
	return change, nil
}

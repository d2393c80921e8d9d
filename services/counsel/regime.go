package counsel

import (
	"cmp"
	"time"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
)

// What the law says differently of a subject is here, and the rules of a case ask
// nothing else of it.

const (
	law115      = "国办发〔2018〕115号"
	law37       = "国办发〔2018〕37号（六）"
	law713      = "重大行政决策程序暂行条例第二十五条、第二十七条"
	law713Art25 = "重大行政决策程序暂行条例第二十五条"
	law118      = "国办发〔2018〕118号"
)

// decisionPoints are the heads of the review of a major decision
// (重大行政决策程序暂行条例 art 27), and of whatever has none of its own.
var decisionPoints = []reviewPoint{normativePoints[1], normativePoints[2], normativePoints[6]}

// enforcementPoints are what the review of a major enforcement decision looks at
// (国办发〔2018〕118号).
var enforcementPoints = []reviewPoint{
	{counselv1.ReviewPoint_REVIEW_POINT_ENFORCER, "执法主体、执法人员资格是否合法"},
	normativePoints[6],
	{counselv1.ReviewPoint_REVIEW_POINT_EVIDENCE, "案件事实是否清楚、证据是否合法充分"},
	{counselv1.ReviewPoint_REVIEW_POINT_DISCRETION, "适用法律、法规、规章是否准确，裁量基准运用是否适当"},
	normativePoints[1],
	{counselv1.ReviewPoint_REVIEW_POINT_PAPERS, "执法文书是否完备、规范"},
	{counselv1.ReviewPoint_REVIEW_POINT_CRIME, "违法行为是否涉嫌犯罪、需要移送司法机关"},
}

// regimeAsked is the regime of a submission; a normative document's where it names
// none.
func regimeAsked(in *counselv1.OpenCaseRequest) counselv1.Regime {
	return cmp.Or(in.GetRegime(), counselv1.Regime_REGIME_NORMATIVE_DOCUMENT)
}

// regimeOf is the regime of a case; those that were opened before there were others
// are of normative documents.
func regimeOf(c *counselv1.Case) counselv1.Regime {
	return cmp.Or(c.GetRegime(), counselv1.Regime_REGIME_NORMATIVE_DOCUMENT)
}

// pointsOf are the points that the review of a case answers.
func pointsOf(c *counselv1.Case) []reviewPoint {
	switch regimeOf(c) {
	case counselv1.Regime_REGIME_NORMATIVE_DOCUMENT:
		return normativePoints
	case counselv1.Regime_REGIME_ENFORCEMENT_DECISION:
		return enforcementPoints
	}
	return decisionPoints
}

// laws are what the law says of a review, by regime; empty where only local rules or the
// office's own practice say it, as of every regime that is not here.
var laws = map[counselv1.Regime]struct{ review, gate, answers, term string }{
	counselv1.Regime_REGIME_NORMATIVE_DOCUMENT:   {review: law115, gate: law37, answers: law115, term: law115},
	counselv1.Regime_REGIME_MAJOR_DECISION:       {review: law713, gate: law713Art25},
	counselv1.Regime_REGIME_ENFORCEMENT_DECISION: {review: law118, gate: law118},
}

// lawOf is the law of the review of a case.
func lawOf(c *counselv1.Case) string { return laws[regimeOf(c)].review }

// gateLaw is the law by which a version that was not reviewed, or was found unlawful,
// goes no further.
func gateLaw(c *counselv1.Case) string { return laws[regimeOf(c)].gate }

// answersLaw is the law by which the drafting unit answers every item, with reasons for
// what it does not adopt.
func answersLaw(c *counselv1.Case) string { return laws[regimeOf(c)].answers }

// mayStateRisk tells whether a review may conclude that its subject is lawful with a
// stated risk: of decisions only an exploratory reform (重大行政决策程序暂行条例 art 25),
// and what is advice on a bargain or a question.
func mayStateRisk(c *counselv1.Case) bool {
	switch regimeOf(c) {
	case counselv1.Regime_REGIME_MAJOR_DECISION:
		return c.GetExploratoryReform()
	case counselv1.Regime_REGIME_AGREEMENT, counselv1.Regime_REGIME_ADVICE:
		return true
	}
	return false
}

// times are the kinds of deadline of a review; 0 for none.
type times struct {
	floor, ceiling directoryv1.ComputeDeadlineRequest_Kind
}

// timesOf are the times of the review of a case: 5 to 15 working days (国办发〔2018〕115号),
// or 7 and more (重大行政决策程序暂行条例 art 26). For other subjects no law sets any.
func timesOf(c *counselv1.Case) times {
	switch regimeOf(c) {
	case counselv1.Regime_REGIME_NORMATIVE_DOCUMENT:
		return times{directoryv1.ComputeDeadlineRequest_LEGALITY_FLOOR, directoryv1.ComputeDeadlineRequest_LEGALITY_CEILING}
	case counselv1.Regime_REGIME_MAJOR_DECISION:
		return times{floor: directoryv1.ComputeDeadlineRequest_DECISION_FLOOR}
	}
	return times{}
}

// extend gives the running round more time, once, within what the region allows;
// ceiling is the day that makes.
func extend(c *counselv1.Case, in *counselv1.ExtendCaseRequest, most int32, ceiling calendar.Date, provisional bool, who auth.Caller, now time.Time) (docstore.Change, error) {
	from, round := c.GetState(), last(c)
	if from != counselv1.Case_UNDER_REVIEW {
		return docstore.Change{}, wrongState(c, "延长审核期限")
	}
	if err := alone(c, "延长审核期限"); err != nil {
		return docstore.Change{}, err
	}
	if err := notOwn(c, who); err != nil {
		return docstore.Change{}, err
	}
	if err := extensible(c, in.GetDays(), most); err != nil {
		return docstore.Change{}, err
	}
	round.Extension = &counselv1.Extension{Days: in.GetDays(), Reason: in.GetReason(), Author: who.Actor(), ExtendTime: timestamppb.New(now)}
	round.CeilingDate = ceiling.Proto()
	round.ProvisionalDates = round.GetProvisionalDates() || provisional
	c.DueDate = round.GetCeilingDate()
	change := moved(c, from)
	change.Details = append(change.Details, docstore.Detail("days", in.GetDays()), docstore.Detail("reason", in.GetReason()),
		docstore.Detail("ceiling_date", ceiling))
	return change, nil
}

// extensible refuses more time than a review may have.
func extensible(c *counselv1.Case, days, most int32) error {
	round, term := last(c), laws[regimeOf(c)].term // of how long a review may take
	switch {
	case round.GetCeilingDate() == nil:
		return refused(codeExtensionNotAllowed, "", "本次审核没有法定最长期限，不必延长")
	case round.GetExtension() != nil:
		return refused(codeExtensionNotAllowed, term, "审核期限已经延长过一次")
	case most == 0:
		return refused(codeExtensionNotAllowed, term, "本地没有规定审核期限可以延长")
	case days > most:
		return refused(codeExtensionNotAllowed, term, "超过本地规定的可以延长的工作日数")
	}
	return nil
}

// moveDates writes the deadlines of a running review as the calendars of today have them,
// and keeps those before in the journal.
func moveDates(c *counselv1.Case, d dates) (docstore.Change, error) {
	round := last(c)
	if c.GetState() != counselv1.Case_UNDER_REVIEW {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	before := proto.CloneOf(round)
	setDates(c, round, d)
	if proto.Equal(before, round) {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	change := moved(c, c.GetState())
	for _, date := range []struct {
		name     string
		was, now *datepb.Date
	}{
		{"floor_date", before.GetFloorDate(), round.GetFloorDate()},
		{"earliest_meeting_date", before.GetEarliestMeetingDate(), round.GetEarliestMeetingDate()},
		{"ceiling_date", before.GetCeilingDate(), round.GetCeilingDate()},
	} {
		if !proto.Equal(date.was, date.now) {
			change.Details = append(change.Details, docstore.Detail(date.name, dayString(date.now)), docstore.Detail(date.name+"_before", dayString(date.was)))
		}
	}
	change.Details = append(change.Details, docstore.Detail("provisional", round.GetProvisionalDates()))
	return change, nil
}

// dayString is a stored date in words; empty where there is none.
func dayString(p *datepb.Date) string {
	if d, err := calendar.FromProto(p); p != nil && err == nil {
		return d.String()
	}
	return ""
}

// transfer passes an accepted case to another reviewer.
func transfer(c *counselv1.Case, in *counselv1.TransferCaseRequest, who auth.Caller) (docstore.Change, error) {
	from, before := c.GetState(), c.GetReviewer()
	if before == "" {
		return docstore.Change{}, wrongState(c, "移交")
	}
	if err := notOwn(c, who); err != nil {
		return docstore.Change{}, err
	}
	if err := notOwn(c, auth.Caller{Person: in.GetReviewer()}); err != nil {
		return docstore.Change{}, err
	}
	if before == in.GetReviewer() {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	c.Reviewer, c.ReviewerDelegate = in.GetReviewer(), ""
	change := moved(c, from)
	change.Details = []*corev1.Detail{
		docstore.Detail("reviewer", in.GetReviewer()), docstore.Detail("before", before), docstore.Detail("reason", in.GetReason()),
	}
	return change, nil
}

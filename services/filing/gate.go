package filing

import (
	"fmt"
	"strconv"
	"strings"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/calendar"
	"fashen/internal/rpc"
)

// GateInput is everything the gate looks at.
type GateInput struct {
	// Document as it would go to the meeting.
	Document *filingv1.Document
	// Verdict of the legality review on the document's version; nil when nothing
	// was submitted.
	Verdict *counselv1.Verdict
	// Profile of the region in force today.
	Profile *directoryv1.JurisdictionProfile
	// MeetingDate is the day of the meeting, Today the day it is put on it.
	MeetingDate, Today calendar.Date
}

// GateResult says whether a document may go to a meeting.
type GateResult struct {
	// Refusals are the closed gates, all of them; none when it may go.
	Refusals []rpc.Refusal
	// Advisories are what the chair is told without it closing a gate, in Chinese.
	Advisories []string
}

// Gate decides whether a document of the government may go to collective
// deliberation on a day: its legality review, the time the reviewer had, the
// material, counsel, the public consultation and the fair-competition review. It
// is pure; every closed gate is named at once.
func Gate(in GateInput) GateResult {
	var out GateResult
	in.legality(&out)
	in.reviewTime(&out)
	out.Refusals = append(out.Refusals, missingMaterials(in.Document)...)
	in.counsel(&out)
	in.consultation(&out)
	in.competition(&out)
	return out
}

func (out *GateResult) refuse(code, law, message string, metadata map[string]string) {
	out.Refusals = append(out.Refusals, rpc.Refusal{Code: code, Law: law, Message: message, Metadata: metadata})
}

func (out *GateResult) advise(format string, args ...any) {
	out.Advisories = append(out.Advisories, fmt.Sprintf(format, args...))
}

// earliest is the first day of a meeting by the review floor; false when no floor
// stands.
func (in GateInput) earliest() (calendar.Date, bool) {
	d, err := calendar.FromProto(in.Verdict.GetEarliestMeetingDate())
	return d, err == nil
}

// legality: a document that was not reviewed, or not with a passing result for
// exactly this version, may not be submitted for deliberation (37号（六）, 115号). A
// standing that this server does not know counts as not reviewed.
func (in GateInput) legality(out *GateResult) {
	switch in.Verdict.GetStanding() {
	case counselv1.Verdict_PASSES:
	case counselv1.Verdict_ADVERSE:
		out.refuse("LEGALITY_ADVERSE", law37Review, "合法性审核结论为不合法，不得提交集体审议", nil)
	case counselv1.Verdict_STALE:
		out.refuse("LEGALITY_STALE", law37Review, "文件内容在合法性审核后有改动，应当就现有版本重新送审或确认", nil)
	case counselv1.Verdict_ITEMS_UNANSWERED:
		items := make([]string, len(in.Verdict.GetUnansweredItems()))
		for i, n := range in.Verdict.GetUnansweredItems() {
			items[i] = strconv.Itoa(int(n))
		}
		out.refuse("OPINION_ITEM_UNANSWERED", law115,
			"审核意见第"+strings.Join(items, "、")+"项尚未逐条答复，应当采纳或者说明不采纳的理由",
			map[string]string{"items": strings.Join(items, ",")})
	case counselv1.Verdict_REVISION_OPEN:
		out.refuse("CONDITION_OPEN", law115, "已采纳的审核意见尚未落实到修改稿，或者修改稿尚未经审核人员确认", nil)
	default:
		var metadata map[string]string
		message := "尚无合法性审核结论，不得提交集体审议"
		if day, ok := in.earliest(); ok {
			metadata = map[string]string{"earliest_date": day.String()}
			message += "；审核期限届满后最早可于" + day.String() + "上会"
		}
		out.refuse("LEGALITY_REVIEW_MISSING", law37Review, message, metadata)
	}
}

// reviewTime: the reviewer has 5 working days at least (115号), unless the region
// lets the floor fall when the reviewer concluded earlier and said that the time
// was sufficient. Emergencies have no floor, hence no earliest day, and the chair
// is told. A floor that was counted without the year's calendar is not final, so
// no meeting can be found to be late enough.
func (in GateInput) reviewTime(out *GateResult) {
	day, ok := in.earliest()
	if e := in.Document.GetEmergency(); e != nil && !ok {
		out.advise("因紧急情形未适用最短审核期限，理由：%s", e.GetReason())
	}
	early := in.MeetingDate.Before(day)
	provisional := in.Verdict.GetProvisionalDates()
	if !ok || !early && !provisional {
		return
	}
	if in.Verdict.GetTimeSufficient() && in.Profile.GetEarlyConclusionLiftsFloor().GetValue() {
		out.advise("审核人员提前作出结论并说明时间充足，未满最短审核期限（最早上会日期原为%s）", day)
		return
	}
	if provisional {
		out.refuse("CALENDAR_NOT_LOADED", law115, "相关年度的工作日历尚未导入，最短审核期限只能暂计，不能确定最早上会日期",
			map[string]string{"provisional_date": day.String()})
	}
	if !early {
		return
	}
	out.refuse("REVIEW_TIME_INSUFFICIENT", law115,
		"合法性审核时间一般不少于5个工作日，最早可于"+day.String()+"上会",
		map[string]string{"earliest_date": day.String()})
}

// counsel: a matter on which counsel must be heard and was not, or which counsel
// finds unlawful, may not be decided (中办发〔2016〕30号). Whether counsel must be
// heard on every document, and whether an adverse view blocks, is the region's.
func (in GateInput) counsel(out *GateResult) {
	var heard, adverse int
	for _, v := range in.Verdict.GetCounselVerdicts() {
		switch v.GetConclusion() {
		case counselv1.Conclusion_CONCLUSION_UNSPECIFIED:
			continue
		case counselv1.Conclusion_UNLAWFUL:
			adverse++
		}
		if v.GetWithdrawTime() == nil { // whoever has a conflict was not heard, yet warned
			heard++
		}
	}
	required := touchesOperators(in.Document) || in.Profile.GetCounselForAllDocuments().GetValue()
	if required && heard == 0 {
		out.refuse("COUNSEL_OPINION_REQUIRED", lawCounsel, "应当听取法律顾问、公职律师的意见，尚无已签署的意见", nil)
	}
	if adverse == 0 {
		return
	}
	if in.Profile.GetCounselAdverseBlocks().GetValue() {
		out.refuse("COUNSEL_OPINION_ADVERSE", lawCounsel, "法律顾问、公职律师认为不合法，不得提交讨论、作出决定", nil)
		return
	}
	out.advise("有%d名法律顾问、公职律师认为不合法（本地规定其意见不阻止上会）", adverse)
}

// consultation: opinions of the public were asked for long enough, each was
// handled, and the time for them is over; or a reason stands why they were not
// asked for, which the chair is told.
func (in GateInput) consultation(out *GateResult) {
	law := law37Consult
	if touchesOperators(in.Document) {
		law = lawBusiness62
	}
	c := in.Document.GetConsultation()
	if c == nil {
		out.refuse("CONSULTATION_MISSING", law, "未公开征求意见，也未说明理由", nil)
		return
	}
	if reason := notHeldReason(c); reason != "" {
		out.advise("未公开征求意见，理由：%s", reason)
		return
	}
	out.Refusals = append(out.Refusals, consultationLength(in.Document, c, in.Profile)...)
	if reason := strings.TrimSpace(c.GetShortenReason()); reason != "" {
		out.advise("征求意见期限说明：%s", reason)
	}
	open := 0
	for _, o := range c.GetOpinions() {
		if o.GetHandling() == filingv1.ConsultationOpinion_HANDLING_UNSPECIFIED {
			open++
		}
	}
	if open > 0 {
		out.refuse("CONSULTATION_MISSING", law, fmt.Sprintf("征求意见尚未完成：有%d条意见没有处理结果", open),
			map[string]string{"unhandled_opinions": strconv.Itoa(open)})
	}
	closing, err := calendar.FromProto(c.GetCloseDate())
	if err != nil {
		out.refuse("CONSULTATION_MISSING", law, "征求意见没有截止日期", nil)
		return
	}
	if !closing.Before(in.Today) {
		next := closing.AddDays(1)
		out.refuse("CONSULTATION_TOO_SHORT", law, "征求意见尚未截止，最早可于"+next.String()+"提请集体审议",
			map[string]string{"earliest_date": next.String()})
	}
}

// competition: a document that touches operators has a conclusion of the
// fair-competition review that is not adverse and covers the current draft; any
// other has a recorded reason why it touches none. A conclusion once recorded
// counts whatever the document says of operators since.
func (in GateInput) competition(out *GateResult) {
	d := in.Document
	if !touchesOperators(in.Document) {
		if strings.TrimSpace(d.GetOperatorImpact().GetReason()) == "" {
			out.refuse("FCR_MISSING", lawCompetition2, "未经公平竞争审查，也未说明不涉及经营者经济活动的理由", nil)
		}
		return
	}
	c := d.GetCompetitionConclusion()
	switch c.GetOutcome() {
	case filingv1.CompetitionConclusion_COMPLIES, filingv1.CompetitionConclusion_EXCEPTION_OK:
	case filingv1.CompetitionConclusion_ADVERSE:
		out.refuse("FCR_ADVERSE", lawCompetition, "公平竞争审查结论为不符合审查标准，不得出台", nil)
	default:
		out.refuse("FCR_MISSING", lawCompetition, "尚无公平竞争审查结论，不得出台", nil)
		return
	}
	current := currentRevision(d)
	if current != nil && !competitionCovers(c, current) {
		out.refuse("FCR_STALE", lawMeasures27, "公平竞争审查后文件有改动，应当重新审查，或者由市场监督管理部门确认没有重大变化",
			map[string]string{"reviewed_revision": c.GetRevision(), "current_revision": current.GetName()})
	}
}

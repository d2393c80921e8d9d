package directory

import (
	"errors"
	"fmt"
	"strings"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/calendar"
	"fashen/internal/rpc"
)

// Review times fixed by national law, in working days.
const (
	// 国办发〔2018〕115号: generally not less than 5, at most 15.
	legalityFloorDays   = 5
	legalityCeilingDays = 15
	// 重大行政决策程序暂行条例（国令713）art 26: generally not less than 7.
	decisionFloorDays = 7
)

// Laws as they are cited.
const (
	lawStart    = "民法典第二百零一条"
	lawRoll     = "民法典第二百零三条"
	lawReview   = "国办发〔2018〕115号"
	lawDecision = "重大行政决策程序暂行条例第二十六条"
	lawHolidays = "国务院办公厅年度节假日安排通知"
)

// Kinds of deadlines, short.
const (
	kindWorkingDays  = directoryv1.ComputeDeadlineRequest_WORKING_DAYS
	kindCalendarDays = directoryv1.ComputeDeadlineRequest_CALENDAR_DAYS
	kindFloor        = directoryv1.ComputeDeadlineRequest_LEGALITY_FLOOR
	kindCeiling      = directoryv1.ComputeDeadlineRequest_LEGALITY_CEILING
	kindDecision     = directoryv1.ComputeDeadlineRequest_DECISION_FLOOR
	kindFiling       = directoryv1.ComputeDeadlineRequest_FILING
	kindConsultation = directoryv1.ComputeDeadlineRequest_CONSULTATION
	kindValidity     = directoryv1.ComputeDeadlineRequest_VALIDITY
	kindProvisional  = directoryv1.ComputeDeadlineRequest_PROVISIONAL_VALIDITY
)

// deadline is one computation: what was asked, and what was read on the way.
type deadline struct {
	request *directoryv1.ComputeDeadlineRequest
	profile *directoryv1.JurisdictionProfile
	days    *calendar.Calendar
	start   calendar.Date
	pauses  []calendar.Pause

	basis       []string
	unconfirmed bool
}

// computeDeadline answers a date by the law, the calendar and the profile. It
// is pure. Errors: INVALID_ARGUMENT, and CALENDAR_NOT_LOADED unless a
// provisional date was asked for.
func computeDeadline(r *directoryv1.ComputeDeadlineRequest, p *directoryv1.JurisdictionProfile, c *calendar.Calendar) (*directoryv1.ComputeDeadlineResponse, error) {
	d := &deadline{request: r, profile: p, days: c, unconfirmed: p.GetSample()}
	if err := d.read(); err != nil {
		return nil, err
	}
	var answer *directoryv1.ComputeDeadlineResponse
	var err error
	switch r.GetKind() {
	case kindWorkingDays:
		answer, err = d.workingDays(int(r.GetDays()), fmt.Sprintf("%d个工作日", r.GetDays()))
	case kindCalendarDays:
		answer, err = d.calendarDays(int(r.GetDays()), fmt.Sprintf("%d日", r.GetDays()))
	case kindFloor:
		answer, err = d.floor(legalityFloorDays, lawReview)
	case kindDecision:
		answer, err = d.floor(decisionFloorDays, lawDecision)
	case kindCeiling:
		answer, err = d.workingDays(legalityCeilingDays, fmt.Sprintf("合法性审核最长不超过%d个工作日（%s）", legalityCeilingDays, lawReview))
	case kindFiling:
		n := d.number(p.GetFilingDeadlineDays())
		answer, err = d.calendarDays(n, fmt.Sprintf("自公布之日起%d日内备案%s", n, cite(p.GetFilingDeadlineDays().GetSource())))
	case kindConsultation:
		answer, err = d.consultation()
	case kindValidity:
		answer = d.validity(p.GetValidityYears(), "有效期")
	case kindProvisional:
		answer = d.validity(p.GetProvisionalValidityYears(), "暂行、试行文件有效期")
	default:
		return nil, rpc.Field("kind", "KIND_INVALID", "期限类别无效")
	}
	if err != nil {
		return nil, err
	}
	answer.Basis = strings.Join(d.basis, "；") + "。"
	answer.JurisdictionProfile = p.GetName()
	answer.Unconfirmed = d.unconfirmed
	return answer, nil
}

// read checks the request.
func (d *deadline) read() (err error) {
	r := d.request
	if d.start, err = requiredDate("start_date", r.GetStartDate()); err != nil {
		return err
	}
	switch counted := r.GetKind() == kindWorkingDays || r.GetKind() == kindCalendarDays; {
	case counted && r.GetDays() == 0:
		return rpc.Field("days", "DAYS_REQUIRED", "应当给出天数")
	case !counted && r.GetDays() != 0:
		return rpc.Field("days", "DAYS_NOT_APPLICABLE", "本类期限由法律或者本地配置规定，不应给出天数")
	}
	if len(r.GetPauses()) == 0 {
		return nil
	}
	switch r.GetKind() {
	case kindConsultation, kindValidity, kindProvisional:
		return rpc.Field("pauses", "PAUSES_NOT_APPLICABLE", "本类期限不存在停止计算")
	}
	for i, p := range r.GetPauses() {
		field := fmt.Sprintf("pauses[%d]", i)
		var pause calendar.Pause
		if pause.From, err = requiredDate(field+".from", p.GetFrom()); err != nil {
			return err
		}
		if pause.Until, err = requiredDate(field+".until", p.GetUntil()); err != nil {
			return err
		}
		if pause.Until.Before(pause.From) {
			return rpc.Field(field+".until", "DATES_OUT_OF_ORDER", "恢复计算的日期不得早于停止计算的日期")
		}
		d.pauses = append(d.pauses, pause)
	}
	if stops := d.profile.GetSupplementStopsClock(); d.flag(stops) {
		d.because("补正期间不计入%s", cite(stops.GetSource()))
	} else {
		d.pauses = nil
		d.because("补正期间计入期限%s", cite(stops.GetSource()))
	}
	return nil
}

// floor is a least time for a reviewer, and the earliest day of the meeting.
func (d *deadline) floor(n int, law string) (*directoryv1.ComputeDeadlineResponse, error) {
	answer, err := d.workingDays(n, fmt.Sprintf("合法性审查时间一般不少于%d个工作日（%s）", n, law))
	if err != nil {
		return nil, err
	}
	full := d.profile.GetFloorCountsFullDays()
	last, err := calendar.FromProto(answer.GetDate())
	if err != nil {
		return nil, fmt.Errorf("read the computed date: %w", err)
	}
	if d.flag(full) {
		d.because("按足日计算，届满次日起方可上会%s", cite(full.GetSource()))
	} else {
		d.because("届满当日即可上会%s", cite(full.GetSource()))
	}
	answer.EarliestMeetingDate = calendar.EarliestAfterFloor(last, full.GetValue()).Proto()
	return answer, nil
}

func (d *deadline) workingDays(n int, rule string) (*directoryv1.ComputeDeadlineResponse, error) {
	count, err := d.days.AddWorkingDays(d.start, n, d.pauses...)
	d.because("%s，自次日起算（%s），工作日按%s，含调休上班日", rule, lawStart, lawHolidays)
	return d.answer(count, err)
}

// calendarDays ends on a working day where the region rolls forward.
func (d *deadline) calendarDays(n int, rule string) (*directoryv1.ComputeDeadlineResponse, error) {
	roll := d.profile.GetRollForwardLastDay()
	rolls := d.flag(roll)
	count, err := d.days.AddCalendarDays(d.start, n, rolls, d.pauses...)
	d.because("%s，自次日起算（%s），按自然日计算", rule, lawStart)
	if rolls {
		d.because("末日为休息日的顺延至次一工作日（%s）%s", lawRoll, cite(roll.GetSource()))
	} else {
		d.because("末日为休息日的不顺延%s", cite(roll.GetSource()))
	}
	return d.answer(count, err)
}

// consultation is a least duration, which is over when its days are: the rule
// on last days is for those who must act within a period.
func (d *deadline) consultation() (*directoryv1.ComputeDeadlineResponse, error) {
	setting := d.profile.GetConsultationDays()
	n := d.number(setting)
	count, err := d.days.AddCalendarDays(d.start, n, false)
	d.because("公开征求意见一般不少于%d日%s，自次日起算（%s），最短时间的末日不因休息日顺延", n, cite(setting.GetSource()), lawStart)
	return d.answer(count, err)
}

// validity ends the day before the same date, and expires some days earlier.
func (d *deadline) validity(years *directoryv1.NumberSetting, what string) *directoryv1.ComputeDeadlineResponse {
	n := d.number(years)
	last := calendar.LastDayOfValidity(d.start, n)
	d.because("%s%d年，自施行之日起至期满年份对应日的前一日止%s", what, n, cite(years.GetSource()))
	expiring := d.profile.GetExpiringDays()
	before := d.number(expiring)
	if before == 0 {
		d.because("届满前六个月起为即将到期%s", cite(expiring.GetSource()))
	} else {
		d.because("届满前%d日起为即将到期%s", before, cite(expiring.GetSource()))
	}
	return &directoryv1.ComputeDeadlineResponse{
		RawDate: last.Proto(), Date: last.Proto(),
		ExpiringFrom: calendar.ExpiringFrom(last, before).Proto(),
	}
}

// answer turns a count into dates, or refuses a final one.
func (d *deadline) answer(count calendar.Count, err error) (*directoryv1.ComputeDeadlineResponse, error) {
	if errors.Is(err, calendar.ErrCountTooLong) {
		return nil, rpc.Field("pauses", "COUNT_TOO_LONG", "期限超过一百年")
	}
	if err != nil {
		return nil, err
	}
	if _, err := count.Final(); err != nil && !d.request.GetAllowProvisional() {
		return nil, rpc.Refused(rpc.Refusal{
			Code: "CALENDAR_NOT_LOADED", Law: lawHolidays,
			Message: fmt.Sprintf("%d年的节假日安排尚未导入，不能给出确定日期；仅按周末推算为%s", count.Missing, count.Date),
			Metadata: map[string]string{
				"year": fmt.Sprint(count.Missing), "provisional_date": count.Date.String(),
			},
		})
	}
	if count.Provisional() {
		d.because("%d年的节假日安排尚未导入，仅按周末推算，日期待定", count.Missing)
	}
	return &directoryv1.ComputeDeadlineResponse{
		RawDate: count.Raw.Proto(), Date: count.Date.Proto(), Provisional: count.Provisional(),
	}, nil
}

// number and flag read a setting and remember whether it is confirmed.
func (d *deadline) number(s *directoryv1.NumberSetting) int {
	d.unconfirmed = d.unconfirmed || !s.GetSource().GetConfirmed()
	return int(s.GetValue())
}

func (d *deadline) flag(s *directoryv1.FlagSetting) bool {
	d.unconfirmed = d.unconfirmed || !s.GetSource().GetConfirmed()
	return s.GetValue()
}

func (d *deadline) because(format string, args ...any) {
	d.basis = append(d.basis, fmt.Sprintf(format, args...))
}

// cite shows where a setting comes from, and that nobody confirmed it yet.
func cite(s *directoryv1.SettingSource) string {
	if s.GetConfirmed() {
		return "（" + s.GetCitation() + "）"
	}
	return "（" + s.GetCitation() + "，未确认）"
}

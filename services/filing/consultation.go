package filing

import (
	"fmt"
	"strconv"
	"strings"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/proto"

	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/calendar"
	"fashen/internal/rpc"
)

// recordConsultation puts the consultation as it stands now in the place of what
// was recorded. A consultation that is shorter than the law asks is refused here,
// before the notice goes out, and again by the gate.
func recordConsultation(d *filingv1.Document, c *filingv1.Consultation, profile *directoryv1.JurisdictionProfile) error {
	if err := checkOpen(d); err != nil {
		return err
	}
	if err := checkConsultation(c); err != nil {
		return err
	}
	if no := consultationLength(d, c, profile); len(no) > 0 {
		return refused(no)
	}
	d.Consultation = trimmed(c)
	d.VersionDigest = versionDigest(d)
	return nil
}

// notHeldReason is the stated reason why the public was not consulted; blanks
// state none.
func notHeldReason(c *filingv1.Consultation) string { return strings.TrimSpace(c.GetNotHeldReason()) }

// trimmed is a consultation as it is kept: what is blank is empty.
func trimmed(c *filingv1.Consultation) *filingv1.Consultation {
	c = proto.CloneOf(c)
	c.NotHeldReason = notHeldReason(c)
	c.Channel, c.ShortenReason = strings.TrimSpace(c.GetChannel()), strings.TrimSpace(c.GetShortenReason())
	for _, o := range c.GetOpinions() {
		o.Reason = strings.TrimSpace(o.GetReason())
	}
	return c
}

// checkConsultation refuses a record that is not whole: a reason why none was
// held, or dates and channel, and a reason beside each opinion that was not
// fully adopted (优化营商环境条例 art 62: feedback on adoption).
func checkConsultation(c *filingv1.Consultation) error {
	if notHeldReason(c) != "" {
		if c.GetOpenDate() != nil || c.GetCloseDate() != nil || c.GetChannel() != "" ||
			c.GetShortenReason() != "" || len(c.GetOpinions()) > 0 {
			return rpc.Field("consultation.not_held_reason", "CONSULTATION_CONTRADICTORY",
				"已说明未征求意见的，不得同时填写征求意见的时间、渠道或意见")
		}
		return nil
	}
	var wrong []rpc.FieldViolation
	open, err := calendar.FromProto(c.GetOpenDate())
	if err != nil {
		wrong = append(wrong, dateViolation("consultation.open_date", c.GetOpenDate()))
	}
	closing, err2 := calendar.FromProto(c.GetCloseDate())
	if err2 != nil {
		wrong = append(wrong, dateViolation("consultation.close_date", c.GetCloseDate()))
	}
	if err == nil && err2 == nil && closing.Before(open) {
		wrong = append(wrong, rpc.FieldViolation{
			Field: "consultation.close_date", Reason: "CLOSE_BEFORE_OPEN", Message: "截止日期不得早于开始日期",
		})
	}
	if strings.TrimSpace(c.GetChannel()) == "" {
		wrong = append(wrong, rpc.FieldViolation{
			Field: "consultation.channel", Reason: "CHANNEL_REQUIRED", Message: "请填写公开征求意见的渠道",
		})
	}
	for i, o := range c.GetOpinions() {
		h := o.GetHandling()
		if h != filingv1.ConsultationOpinion_PARTLY_ADOPTED && h != filingv1.ConsultationOpinion_NOT_ADOPTED {
			continue
		}
		if strings.TrimSpace(o.GetReason()) == "" {
			wrong = append(wrong, rpc.FieldViolation{
				Field: fmt.Sprintf("consultation.opinions[%d].reason", i), Reason: "REASON_REQUIRED",
				Message: "部分采纳或未采纳的意见应当说明理由",
			})
		}
	}
	return rpc.Fields(wrong...)
}

// isoDate is a date for the journal; empty when there is none.
func isoDate(d *datepb.Date) string {
	day, err := calendar.FromProto(d)
	if err != nil {
		return ""
	}
	return day.String()
}

func dateViolation(field string, d *datepb.Date) rpc.FieldViolation {
	if d == nil {
		return rpc.FieldViolation{Field: field, Reason: "DATE_REQUIRED", Message: "请填写日期"}
	}
	return rpc.FieldViolation{Field: field, Reason: "DATE_INVALID", Message: "日期不存在"}
}

// consultationLength refuses a consultation that is too short. The days are
// those of 优化营商环境条例 art 62, which speaks of documents closely connected with
// operators; for others 37号 names no number of days. A consultation opened on
// 2026-03-02 for 30 days closes on 2026-04-01 at the earliest: the first day is
// not counted (民法典 art 201).
func consultationLength(d *filingv1.Document, c *filingv1.Consultation, profile *directoryv1.JurisdictionProfile) []rpc.Refusal {
	open, errOpen := calendar.FromProto(c.GetOpenDate())
	closing, errClose := calendar.FromProto(c.GetCloseDate())
	if !touchesOperators(d) || errOpen != nil || errClose != nil {
		return nil
	}
	days := int(profile.GetConsultationDays().GetValue())
	earliest := open.AddDays(days)
	if !closing.Before(earliest) {
		return nil
	}
	if strings.TrimSpace(c.GetShortenReason()) == "" {
		return []rpc.Refusal{{
			Code: "SHORTEN_REASON_MISSING", Law: lawBusiness62,
			Message: fmt.Sprintf("公开征求意见一般不少于%d日，最早于%s截止；缩短期限的，应当说明理由并在公告中载明", days, earliest),
			Metadata: map[string]string{
				"earliest_close_date": earliest.String(), "consultation_days": strconv.Itoa(days),
			},
		}}
	}
	least := int(profile.GetConsultationShortenedDays().GetValue())
	if earliest := open.AddDays(least); least > 0 && closing.Before(earliest) {
		return []rpc.Refusal{{
			Code: "CONSULTATION_TOO_SHORT", Law: lawBusiness62,
			Message: fmt.Sprintf("缩短后的征求意见期限仍不得少于%d日，最早于%s截止", least, earliest),
			Metadata: map[string]string{
				"earliest_close_date": earliest.String(), "consultation_days": strconv.Itoa(least),
			},
		}}
	}
	return nil
}

package filing

import (
	"errors"
	"testing"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/proto"

	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

func TestRecordConsultation(t *testing.T) {
	held := func(change func(c *filingv1.Consultation)) *filingv1.Consultation {
		c := &filingv1.Consultation{
			OpenDate: date(t, "2026-03-02"), CloseDate: date(t, "2026-04-01"), Channel: "示例网站",
		}
		change(c)
		return c
	}
	until := func(iso, reason string) *filingv1.Consultation {
		return held(func(c *filingv1.Consultation) { c.CloseDate, c.ShortenReason = date(t, iso), reason })
	}
	opinion := func(h filingv1.ConsultationOpinion_Handling, reason string) *filingv1.Consultation {
		return held(func(c *filingv1.Consultation) {
			c.Opinions = []*filingv1.ConsultationOpinion{{Summary: "示例", Handling: h, Reason: reason}}
		})
	}
	for _, tt := range []struct {
		name     string
		c        *filingv1.Consultation
		profile  func(p *directoryv1.JurisdictionProfile)
		quiet    bool // does not touch operators
		want     string
		earliest string
	}{
		{name: "thirty days", c: held(func(*filingv1.Consultation) {})},
		{name: "A4: shortened without a reason", c: until("2026-03-20", ""), want: "SHORTEN_REASON_MISSING", earliest: "2026-04-01"},
		{name: "one day short", c: until("2026-03-31", " "), want: "SHORTEN_REASON_MISSING", earliest: "2026-04-01"},
		{name: "A4: shortened with a reason", c: until("2026-03-20", "示例：防汛急需")},
		{name: "shorter than the least", c: until("2026-03-08", "示例：防汛急需"), want: "CONSULTATION_TOO_SHORT", earliest: "2026-03-09"},
		{name: "the least", c: until("2026-03-09", "示例：防汛急需")},
		{name: "no local least", c: until("2026-03-03", "示例：防汛急需"),
			profile: func(p *directoryv1.JurisdictionProfile) { p.ConsultationShortenedDays = number(0) }},
		{name: "local rule asks for more", c: held(func(*filingv1.Consultation) {}), want: "SHORTEN_REASON_MISSING", earliest: "2026-05-01",
			profile: func(p *directoryv1.JurisdictionProfile) { p.ConsultationDays = number(60) }},
		{name: "not touching operators", c: until("2026-03-03", ""), quiet: true},

		{name: "not held", c: &filingv1.Consultation{NotHeldReason: "示例：依法保密"}},
		{name: "not held, yet with dates", c: held(func(c *filingv1.Consultation) { c.NotHeldReason = "示例" }),
			want: "consultation.not_held_reason:CONSULTATION_CONTRADICTORY"},
		{name: "nothing", c: &filingv1.Consultation{}, want: "consultation.open_date:DATE_REQUIRED"},
		{name: "no such day", c: held(func(c *filingv1.Consultation) { c.CloseDate = &datepb.Date{Year: 2026, Month: 2, Day: 30} }),
			want: "consultation.close_date:DATE_INVALID"},
		{name: "backwards", c: until("2026-03-01", "示例"), want: "consultation.close_date:CLOSE_BEFORE_OPEN"},
		{name: "no channel", c: held(func(c *filingv1.Consultation) { c.Channel = " " }), want: "consultation.channel:CHANNEL_REQUIRED"},
		{name: "not adopted, no reason", c: opinion(filingv1.ConsultationOpinion_NOT_ADOPTED, " "),
			want: "consultation.opinions[0].reason:REASON_REQUIRED"},
		{name: "partly adopted, no reason", c: opinion(filingv1.ConsultationOpinion_PARTLY_ADOPTED, ""),
			want: "consultation.opinions[0].reason:REASON_REQUIRED"},
		{name: "not adopted, with a reason", c: opinion(filingv1.ConsultationOpinion_NOT_ADOPTED, "示例理由")},
		{name: "adopted", c: opinion(filingv1.ConsultationOpinion_ADOPTED, "")},
		{name: "not handled yet", c: opinion(0, "")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, p := submittable(), sampleProfile()
			d.OperatorImpact.TouchesOperators = !tt.quiet
			if tt.profile != nil {
				tt.profile(p)
			}
			err := recordConsultation(d, tt.c, p)
			wantReason(t, err, tt.want)
			if err == nil && d.GetVersionDigest() != versionDigest(d) {
				t.Error("the consultation is part of the version")
			}
			if recorded := d.GetConsultation() != nil; recorded != (err == nil) {
				t.Errorf("recorded is %v after %v", recorded, err)
			}
			var no refused
			if errors.As(err, &no) && no[0].Metadata["earliest_close_date"] != tt.earliest {
				t.Errorf("earliest close %q, want %q", no[0].Metadata["earliest_close_date"], tt.earliest)
			}
		})
	}
}

// Blanks are no reason, and what is recorded again, blanks aside, is the same
// version.
func TestConsultationIsTrimmed(t *testing.T) {
	d, p := submittable(), sampleProfile()
	c := &filingv1.Consultation{
		OpenDate: date(t, "2026-03-02"), CloseDate: date(t, "2026-04-01"), Channel: "示例网站", ShortenReason: "　",
		NotHeldReason: " 　\t", Opinions: []*filingv1.ConsultationOpinion{{Summary: "示例意见"}},
	}
	given := proto.CloneOf(c)
	must(t, recordConsultation(d, c, p))
	if d.GetConsultation().GetNotHeldReason() != "" || d.GetConsultation().GetShortenReason() != "" {
		t.Errorf("recorded %v", d.GetConsultation())
	}
	if !proto.Equal(c, given) {
		t.Error("the rule changed what it was given")
	}
	digest := d.GetVersionDigest()
	c.Channel, c.NotHeldReason = "示例网站 ", ""
	must(t, recordConsultation(d, c, p))
	if d.GetVersionDigest() != digest {
		t.Error("the same consultation is another version")
	}
	c.Opinions[0].Handling = filingv1.ConsultationOpinion_ADOPTED
	must(t, recordConsultation(d, c, p))
	if d.GetVersionDigest() == digest {
		t.Error("another handling is the same version")
	}
	wantReason(t, recordConsultation(d, &filingv1.Consultation{NotHeldReason: " "}, p), "consultation.open_date:DATE_REQUIRED")
}

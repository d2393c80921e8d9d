package directory

import (
	"strings"
	"testing"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/encoding/protojson"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/calendar"
	"fashen/internal/rpc"
)

func sampleProfile(t *testing.T) *directoryv1.JurisdictionProfile {
	t.Helper()
	p := &directoryv1.JurisdictionProfile{}
	if err := protojson.Unmarshal(profileData, p); err != nil {
		t.Fatal(err)
	}
	p.Name = "regions/120105/jurisdictionProfiles/p"
	return p
}

func publishedYears(t *testing.T) *calendar.Calendar {
	t.Helper()
	years, err := calendar.Published()
	if err != nil {
		t.Fatal(err)
	}
	c, err := calendar.New(years...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func date(t *testing.T, s string) *datepb.Date {
	t.Helper()
	d, err := calendar.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d.Proto()
}

func text(p *datepb.Date) string {
	d, err := calendar.FromProto(p)
	if err != nil {
		return ""
	}
	return d.String()
}

func TestComputeDeadline(t *testing.T) {
	profile, days := sampleProfile(t), publishedYears(t)
	for _, v := range []struct {
		kind                directoryv1.ComputeDeadlineRequest_Kind
		start               string
		n                   int32
		raw, date, earliest string
		expiring            string
	}{
		{kind: kindWorkingDays, start: "2026-02-11", n: 15, raw: "2026-03-10", date: "2026-03-10"},
		{kind: kindCalendarDays, start: "2026-03-02", n: 60, raw: "2026-05-01", date: "2026-05-06"},
		{kind: kindFloor, start: "2026-05-12", raw: "2026-05-19", date: "2026-05-19", earliest: "2026-05-20"},
		{kind: kindFloor, start: "2026-04-08", raw: "2026-04-15", date: "2026-04-15", earliest: "2026-04-16"},
		{kind: kindCeiling, start: "2026-04-08", raw: "2026-04-29", date: "2026-04-29"},
		{kind: kindDecision, start: "2026-05-12", raw: "2026-05-21", date: "2026-05-21", earliest: "2026-05-22"},
		{kind: kindFiling, start: "2026-09-16", raw: "2026-10-01", date: "2026-10-08"},
		{kind: kindFiling, start: "2026-05-14", raw: "2026-05-29", date: "2026-05-29"},
		{kind: kindConsultation, start: "2026-03-02", raw: "2026-04-01", date: "2026-04-01"},
		// A least duration is over on a rest day, too.
		{kind: kindConsultation, start: "2026-04-03", raw: "2026-05-03", date: "2026-05-03"},
		{kind: kindValidity, start: "2021-12-01", raw: "2026-11-30", date: "2026-11-30", expiring: "2026-06-03"},
		{kind: kindProvisional, start: "2026-01-01", raw: "2027-12-31", date: "2027-12-31", expiring: "2027-07-04"},
	} {
		got, err := computeDeadline(&directoryv1.ComputeDeadlineRequest{
			Kind: v.kind, StartDate: date(t, v.start), Days: v.n,
		}, profile, days)
		if err != nil {
			t.Errorf("%s from %s: %v", v.kind, v.start, err)
			continue
		}
		if text(got.RawDate) != v.raw || text(got.Date) != v.date ||
			text(got.EarliestMeetingDate) != v.earliest || text(got.ExpiringFrom) != v.expiring {
			t.Errorf("%s from %s: %v", v.kind, v.start, got)
		}
		if got.Provisional || !got.Unconfirmed || got.JurisdictionProfile != profile.Name || !strings.HasSuffix(got.Basis, "。") {
			t.Errorf("%s from %s: %v", v.kind, v.start, got)
		}
	}
}

func TestComputeDeadlineRefuses(t *testing.T) {
	profile, days := sampleProfile(t), publishedYears(t)
	pause := func(from, until string) []*directoryv1.ComputeDeadlineRequest_Pause {
		return []*directoryv1.ComputeDeadlineRequest_Pause{{From: date(t, from), Until: date(t, until)}}
	}
	for _, v := range []struct {
		name    string
		request *directoryv1.ComputeDeadlineRequest
		reason  string
	}{
		{"no such day", &directoryv1.ComputeDeadlineRequest{Kind: kindFloor, StartDate: &datepb.Date{Year: 2026, Month: 2, Day: 30}}, "DATE_INVALID"},
		{"no days", &directoryv1.ComputeDeadlineRequest{Kind: kindWorkingDays, StartDate: date(t, "2026-05-12")}, "DAYS_REQUIRED"},
		{"days of a floor", &directoryv1.ComputeDeadlineRequest{Kind: kindFloor, Days: 3, StartDate: date(t, "2026-05-12")}, "DAYS_NOT_APPLICABLE"},
		{"pause of a validity", &directoryv1.ComputeDeadlineRequest{Kind: kindValidity, StartDate: date(t, "2026-05-12"), Pauses: pause("2026-05-13", "2026-05-14")}, "PAUSES_NOT_APPLICABLE"},
		{"pause backwards", &directoryv1.ComputeDeadlineRequest{Kind: kindFloor, StartDate: date(t, "2026-05-12"), Pauses: pause("2026-05-14", "2026-05-13")}, "DATES_OUT_OF_ORDER"},
		{"endless pause", &directoryv1.ComputeDeadlineRequest{Kind: kindFloor, StartDate: date(t, "1950-01-01"), Pauses: pause("1950-01-01", "2199-01-01")}, "COUNT_TOO_LONG"},
		{"year not loaded", &directoryv1.ComputeDeadlineRequest{Kind: kindFloor, StartDate: date(t, "2026-12-30")}, "CALENDAR_NOT_LOADED"},
		{"rolled into a year not loaded", &directoryv1.ComputeDeadlineRequest{Kind: kindFiling, StartDate: date(t, "2026-12-20")}, "CALENDAR_NOT_LOADED"},
	} {
		if _, err := computeDeadline(v.request, profile, days); rpc.Reason(err) != v.reason {
			t.Errorf("%s: %v, want %s", v.name, err, v.reason)
		}
	}
	got, err := computeDeadline(&directoryv1.ComputeDeadlineRequest{
		Kind: kindFloor, StartDate: date(t, "2026-12-30"), AllowProvisional: true,
	}, profile, days)
	if err != nil || !got.Provisional || text(got.Date) != "2027-01-06" || !strings.Contains(got.Basis, "2027年") {
		t.Errorf("provisional: %v (%v)", got, err)
	}
}

// Every setting that the directory reads changes what it answers.
func TestEverySettingCounts(t *testing.T) {
	days := publishedYears(t)
	paused := []*directoryv1.ComputeDeadlineRequest_Pause{{From: date(t, "2026-05-13"), Until: date(t, "2026-05-15")}}
	type request = directoryv1.ComputeDeadlineRequest
	for _, v := range []struct {
		name    string
		request *request
		flip    func(p *directoryv1.JurisdictionProfile)
		before  string
		after   string
		of      func(a *directoryv1.ComputeDeadlineResponse) *datepb.Date
	}{
		{
			"filing_deadline_days", &request{Kind: kindFiling, StartDate: date(t, "2026-05-14")},
			func(p *directoryv1.JurisdictionProfile) { p.FilingDeadlineDays.Value = 20 },
			"2026-05-29", "2026-06-03", (*directoryv1.ComputeDeadlineResponse).GetDate,
		},
		{
			"roll_forward_last_day", &request{Kind: kindFiling, StartDate: date(t, "2026-09-16")},
			func(p *directoryv1.JurisdictionProfile) { p.RollForwardLastDay.Value = false },
			"2026-10-08", "2026-10-01", (*directoryv1.ComputeDeadlineResponse).GetDate,
		},
		{
			"floor_counts_full_days", &request{Kind: kindFloor, StartDate: date(t, "2026-05-12")},
			func(p *directoryv1.JurisdictionProfile) { p.FloorCountsFullDays.Value = false },
			"2026-05-20", "2026-05-19", (*directoryv1.ComputeDeadlineResponse).GetEarliestMeetingDate,
		},
		{
			"supplement_stops_clock", &request{Kind: kindFloor, StartDate: date(t, "2026-05-12"), Pauses: paused},
			func(p *directoryv1.JurisdictionProfile) { p.SupplementStopsClock.Value = false },
			"2026-05-22", "2026-05-20", (*directoryv1.ComputeDeadlineResponse).GetEarliestMeetingDate,
		},
		{
			"consultation_days", &request{Kind: kindConsultation, StartDate: date(t, "2026-03-02")},
			func(p *directoryv1.JurisdictionProfile) { p.ConsultationDays.Value = 45 },
			"2026-04-01", "2026-04-16", (*directoryv1.ComputeDeadlineResponse).GetDate,
		},
		{
			"validity_years", &request{Kind: kindValidity, StartDate: date(t, "2021-12-01")},
			func(p *directoryv1.JurisdictionProfile) { p.ValidityYears.Value = 10 },
			"2026-11-30", "2031-11-30", (*directoryv1.ComputeDeadlineResponse).GetDate,
		},
		{
			"provisional_validity_years", &request{Kind: kindProvisional, StartDate: date(t, "2021-12-01")},
			func(p *directoryv1.JurisdictionProfile) { p.ProvisionalValidityYears.Value = 3 },
			"2023-11-30", "2024-11-30", (*directoryv1.ComputeDeadlineResponse).GetDate,
		},
		{
			"expiring_days", &request{Kind: kindValidity, StartDate: date(t, "2021-12-01")},
			func(p *directoryv1.JurisdictionProfile) { p.ExpiringDays.Value = 0 },
			"2026-06-03", "2026-05-30", (*directoryv1.ComputeDeadlineResponse).GetExpiringFrom,
		},
	} {
		profile := sampleProfile(t)
		before, err := computeDeadline(v.request, profile, days)
		if err != nil || text(v.of(before)) != v.before {
			t.Errorf("%s: %v (%v), want %s", v.name, before, err, v.before)
			continue
		}
		v.flip(profile)
		after, err := computeDeadline(v.request, profile, days)
		if err != nil || text(v.of(after)) != v.after || after.Basis == before.Basis {
			t.Errorf("%s flipped: %v (%v), want %s", v.name, after, err, v.after)
		}
	}
}

func TestUnconfirmedIsShown(t *testing.T) {
	profile, days := sampleProfile(t), publishedYears(t)
	consultation := &directoryv1.ComputeDeadlineRequest{Kind: kindConsultation, StartDate: date(t, "2026-03-02")}
	filing := &directoryv1.ComputeDeadlineRequest{Kind: kindFiling, StartDate: date(t, "2026-03-02")}
	profile.Sample = false
	if got, err := computeDeadline(consultation, profile, days); err != nil || got.Unconfirmed {
		t.Errorf("a confirmed setting of a profile that is no sample: %v (%v)", got, err)
	}
	if got, err := computeDeadline(filing, profile, days); err != nil || !got.Unconfirmed || !strings.Contains(got.Basis, "未确认") {
		t.Errorf("an unconfirmed setting: %v (%v)", got, err)
	}
}

package calendar_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	datepb "google.golang.org/genproto/googleapis/type/date"

	"fashen/internal/calendar"
)

func day(t *testing.T, s string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func published(t *testing.T) *calendar.Calendar {
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

func TestAddWorkingDays(t *testing.T) {
	c := published(t)
	for _, v := range []struct {
		start string
		n     int
		want  string
	}{
		{"2026-02-11", 5, "2026-02-25"},
		{"2026-02-11", 7, "2026-02-27"},
		{"2026-02-11", 15, "2026-03-10"},
		{"2025-09-26", 5, "2025-10-10"},
		{"2025-09-26", 7, "2025-10-13"},
		{"2025-09-26", 15, "2025-10-23"},
		{"2026-04-29", 5, "2026-05-09"},
		{"2026-04-29", 7, "2026-05-12"},
		{"2026-09-14", 5, "2026-09-20"},
		{"2026-09-14", 7, "2026-09-22"},
		{"2026-09-14", 15, "2026-10-10"},
		{"2026-04-08", 5, "2026-04-15"},
		{"2026-04-08", 15, "2026-04-29"},
		{"2026-05-12", 7, "2026-05-21"},
		{"2026-05-12", 5, "2026-05-19"},
		{"2026-05-12", 0, "2026-05-12"},
		// Over the turn of the year.
		{"2025-12-30", 3, "2026-01-05"},
	} {
		r, err := c.AddWorkingDays(day(t, v.start), v.n)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Final(); err != nil || got.String() != v.want || r.Raw != r.Date {
			t.Errorf("%s +%d WD = %v (%v), want %s", v.start, v.n, r, err, v.want)
		}
	}
}

func TestAddCalendarDays(t *testing.T) {
	c := published(t)
	for _, v := range []struct {
		start       string
		n           int
		raw, rolled string
	}{
		{"2026-09-16", 15, "2026-10-01", "2026-10-08"},
		{"2026-06-05", 15, "2026-06-20", "2026-06-22"},
		{"2026-04-20", 15, "2026-05-05", "2026-05-06"},
		{"2026-01-30", 15, "2026-02-14", "2026-02-14"},
		{"2025-12-19", 15, "2026-01-03", "2026-01-04"},
		{"2026-03-02", 30, "2026-04-01", "2026-04-01"},
		{"2026-03-02", 60, "2026-05-01", "2026-05-06"},
	} {
		r, err := c.AddCalendarDays(day(t, v.start), v.n, true)
		if err != nil || r.Provisional() || r.Raw.String() != v.raw || r.Date.String() != v.rolled {
			t.Errorf("%s +%d CD rolled = %v (%v), want %s, %s", v.start, v.n, r, err, v.raw, v.rolled)
		}
		r, err = c.AddCalendarDays(day(t, v.start), v.n, false)
		if err != nil || r.Provisional() || r.Raw.String() != v.raw || r.Date.String() != v.raw {
			t.Errorf("%s +%d CD = %v (%v), want %s", v.start, v.n, r, err, v.raw)
		}
	}
}

func TestYearNotLoaded(t *testing.T) {
	c := published(t)
	for _, v := range []struct {
		name        string
		count       func() (calendar.Count, error)
		provisional string
	}{
		{"working days", func() (calendar.Count, error) { return c.AddWorkingDays(day(t, "2026-12-30"), 3) }, "2027-01-04"},
		{"rolled day", func() (calendar.Count, error) { return c.AddCalendarDays(day(t, "2026-12-20"), 13, true) }, "2027-01-04"},
		{"start far away", func() (calendar.Count, error) { return c.AddWorkingDays(day(t, "2024-12-31"), 0+1) }, ""},
	} {
		r, err := v.count()
		if err != nil {
			t.Fatal(err)
		}
		if v.provisional == "" {
			if r.Provisional() {
				t.Errorf("%s: the day of the event is not counted, its year is not needed: %v", v.name, r)
			}
			continue
		}
		_, err = r.Final()
		var missing *calendar.NotLoadedError
		if !errors.As(err, &missing) || missing.Year != 2027 || missing.Provisional.String() != v.provisional {
			t.Errorf("%s: %v (%v), want a refusal with %s", v.name, r, err, v.provisional)
		}
	}
	// Calendar days without rolling need no notice.
	if r, err := c.AddCalendarDays(day(t, "2026-12-20"), 30, false); err != nil || r.Provisional() {
		t.Errorf("unrolled calendar days: %v (%v)", r, err)
	}
}

func TestPauses(t *testing.T) {
	c := published(t)
	// Accepted on Tuesday the 12th; stopped on the 13th, which counts, resumed on
	// the 15th, which does not.
	pause := calendar.Pause{From: day(t, "2026-05-13"), Until: day(t, "2026-05-15")}
	again := calendar.Pause{From: day(t, "2026-05-14"), Until: day(t, "2026-05-15")}
	r, err := c.AddWorkingDays(day(t, "2026-05-12"), 5, pause, again)
	if err != nil || r.Date.String() != "2026-05-21" {
		t.Errorf("working days with a pause: %v (%v), want 2026-05-21", r, err)
	}
	r, err = c.AddCalendarDays(day(t, "2026-05-12"), 5, false, pause)
	if err != nil || r.Date.String() != "2026-05-19" {
		t.Errorf("calendar days with a pause: %v (%v), want 2026-05-19", r, err)
	}
	forever := calendar.Pause{From: day(t, "2026-05-12"), Until: day(t, "9000-01-01")}
	if _, err := c.AddWorkingDays(day(t, "2026-05-12"), 1, forever); !errors.Is(err, calendar.ErrCountTooLong) {
		t.Errorf("a pause of millennia: %v", err)
	}
}

func TestEarliestAfterFloor(t *testing.T) {
	floor := day(t, "2026-05-21")
	if got := calendar.EarliestAfterFloor(floor, true); got.String() != "2026-05-22" {
		t.Errorf("full days: %s", got)
	}
	if got := calendar.EarliestAfterFloor(floor, false); got != floor {
		t.Errorf("the last day itself: %s", got)
	}
}

func TestValidity(t *testing.T) {
	for _, v := range []struct {
		effective           string
		years               int
		last, by180, months string
	}{
		{"2021-12-01", 5, "2026-11-30", "2026-06-03", "2026-05-30"},
		{"2024-02-29", 1, "2025-02-28", "2024-09-01", "2024-08-28"},
		{"2024-09-01", 2, "2026-08-31", "2026-03-04", "2026-02-28"},
		{"2026-01-01", 2, "2027-12-31", "2027-07-04", "2027-06-30"},
	} {
		last := calendar.LastDayOfValidity(day(t, v.effective), v.years)
		if last.String() != v.last {
			t.Errorf("%s for %d years ends %s, want %s", v.effective, v.years, last, v.last)
		}
		if got := calendar.ExpiringFrom(last, 180); got.String() != v.by180 {
			t.Errorf("180 days before %s: %s, want %s", last, got, v.by180)
		}
		if got := calendar.ExpiringFrom(last, 0); got.String() != v.months {
			t.Errorf("six months before %s: %s, want %s", last, got, v.months)
		}
	}
}

func TestPublishedYears(t *testing.T) {
	c := published(t)
	for _, year := range []int{2025, 2026} {
		n := 0
		for d := (calendar.Date{Year: year, Month: time.January, Day: 1}); d.Year == year; d = d.AddDays(1) {
			if c.Workday(d) {
				n++
			}
		}
		if n != 248 {
			t.Errorf("%d has %d working days, want 248", year, n)
		}
	}
	if c.Loaded(2027) {
		t.Error("2027 is loaded")
	}
}

func TestCheck(t *testing.T) {
	good := calendar.Year{Year: 2026, Source: "示例通知", DaysOff: []calendar.Date{day(t, "2026-01-01")},
		MakeUpWorkdays: []calendar.Date{day(t, "2026-01-04")}}
	if ps := good.Check(); len(ps) != 0 {
		t.Fatalf("a good year: %v", ps)
	}
	for _, v := range []struct {
		name, field, reason string
		spoil               func(y *calendar.Year)
	}{
		{"year", "year", calendar.ReasonYearOutOfRange, func(y *calendar.Year) { y.Year = 1999 }},
		{"source", "source", calendar.ReasonSourceMissing, func(y *calendar.Year) { y.Source = " " }},
		{"no days", "days_off", calendar.ReasonDaysMissing, func(y *calendar.Year) { y.DaysOff = nil }},
		{"other year", "days_off[1]", calendar.ReasonDateOfOtherYear, func(y *calendar.Year) { y.DaysOff = append(y.DaysOff, day(t, "2027-01-01")) }},
		{"twice", "days_off[1]", calendar.ReasonDateRepeated, func(y *calendar.Year) { y.DaysOff = append(y.DaysOff, y.DaysOff[0]) }},
		{"make-up on a Monday", "make_up_workdays[0]", calendar.ReasonNotWeekend, func(y *calendar.Year) { y.MakeUpWorkdays[0] = day(t, "2026-01-05") }},
		{"both", "make_up_workdays[0]", calendar.ReasonDateOverlap, func(y *calendar.Year) { y.DaysOff = append(y.DaysOff, day(t, "2026-01-04")) }},
		{"too many", "make_up_workdays", calendar.ReasonTooManyDays, func(y *calendar.Year) {
			for d := day(t, "2026-02-01"); len(y.MakeUpWorkdays) <= 30; d = d.AddDays(7) {
				y.MakeUpWorkdays = append(y.MakeUpWorkdays, d)
			}
		}},
	} {
		bad := good
		bad.DaysOff = append([]calendar.Date(nil), good.DaysOff...)
		bad.MakeUpWorkdays = append([]calendar.Date(nil), good.MakeUpWorkdays...)
		v.spoil(&bad)
		found := false
		for _, p := range bad.Check() {
			found = found || p.Field == v.field && p.Reason == v.reason && p.Message != ""
		}
		if !found {
			t.Errorf("%s: %v, want %s at %s", v.name, bad.Check(), v.reason, v.field)
		}
		if _, err := calendar.New(bad); err == nil {
			t.Errorf("%s: New took it", v.name)
		}
	}
	if _, err := calendar.New(good, good); err == nil {
		t.Error("New took a year twice")
	}
}

func TestReadYear(t *testing.T) {
	for name, file := range map[string]string{
		"yaml": "year: 2027\nsource: 示例通知\ndays_off: [2027-01-01..2027-01-03]\nmake_up_workdays: ['2027-01-09']\n",
		"json": `{"year":2027,"source":"示例通知","days_off":["2027-01-01","2027-01-02","2027-01-03"],"make_up_workdays":["2027-01-09"]}`,
	} {
		y, err := calendar.ReadYear(strings.NewReader(file))
		if err != nil || y.Year != 2027 || len(y.DaysOff) != 3 || len(y.MakeUpWorkdays) != 1 || y.Source != "示例通知" {
			t.Errorf("%s: %v (%v)", name, y, err)
		}
	}
	for name, file := range map[string]string{
		"unknown key":   "year: 2027\nsource: s\ndays_off: [2027-01-01]\nholidays: []\n",
		"bad date":      "year: 2027\nsource: s\ndays_off: [2027-02-30]\n",
		"backward span": "year: 2027\nsource: s\ndays_off: [2027-02-03..2027-02-01]\n",
		"endless span":  "year: 2027\nsource: s\ndays_off: [2027-01-01..9999-12-31]\n",
		"other year":    "year: 2027\nsource: s\ndays_off: [2026-01-01]\n",
		"two documents": "year: 2027\nsource: s\ndays_off: [2027-01-01]\n---\nyear: 2028\n",
		"no document":   "",
		"too large":     "year: 2027\nsource: s\ndays_off: [2027-01-01]\n" + strings.Repeat("# padding\n", 1<<17),
	} {
		if y, err := calendar.ReadYear(strings.NewReader(file)); err == nil {
			t.Errorf("%s: read as %v", name, y)
		}
	}
}

func TestDates(t *testing.T) {
	// 16:30 UTC is past midnight in Shanghai.
	if got := calendar.On(time.Date(2026, 5, 12, 16, 30, 0, 0, time.UTC)); got.String() != "2026-05-13" {
		t.Errorf("On = %s", got)
	}
	d := day(t, "2026-05-12")
	if back, err := calendar.FromProto(d.Proto()); err != nil || back != d {
		t.Errorf("round trip: %v (%v)", back, err)
	}
	for _, p := range []*datepb.Date{nil, {}, {Year: 2026}, {Year: 2026, Month: 2, Day: 30}, {Year: 2026, Month: 13, Day: 1}, {Month: 5, Day: 1}, {Year: 10000, Month: 1, Day: 1}} {
		if d, err := calendar.FromProto(p); err == nil {
			t.Errorf("%v was read as %s", p, d)
		}
	}
	if (calendar.Date{}).Proto() != nil || (calendar.Date{}).String() != "" {
		t.Error("the zero date is shown as a day")
	}
	if got := day(t, "2026-01-31").AddMonths(1); got.String() != "2026-02-28" {
		t.Errorf("a month after 31 January: %s", got)
	}
	if got := day(t, "2026-01-15").AddMonths(-13); got.String() != "2024-12-15" {
		t.Errorf("13 months before: %s", got)
	}
}

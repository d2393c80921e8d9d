package calendar

import (
	"fmt"
	"time"

	datepb "google.golang.org/genproto/googleapis/type/date"
)

// shanghaiOffset is UTC+8; the zone has had no daylight-saving time since
// 1991, so that no time-zone database is needed.
const shanghaiOffset = 8 * 60 * 60

// Date is a day of the proleptic Gregorian calendar in Asia/Shanghai. Dates
// compare with == and may be map keys. The zero Date is no day.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// On is the day of an instant in Asia/Shanghai.
func On(t time.Time) Date {
	return dateOf(WallClock(t))
}

// ParseDate reads an ISO 8601 date, such as 2026-05-12.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is no date of the form YYYY-MM-DD", s)
	}
	return dateOf(t), nil
}

// FromProto reads a full google.type.Date. Nil, a date without year, month or
// day, and a day that does not exist are errors.
func FromProto(p *datepb.Date) (Date, error) {
	d := Date{Year: int(p.GetYear()), Month: time.Month(p.GetMonth()), Day: int(p.GetDay())}
	if d.Year < 1 || d.Year > 9999 || dateOf(d.midnight()) != d {
		return Date{}, fmt.Errorf("%04d-%02d-%02d is no day of the calendar", d.Year, int(d.Month), d.Day)
	}
	return d, nil
}

// Proto is the date as google.type.Date; nil for the zero Date.
func (d Date) Proto() *datepb.Date {
	if d.IsZero() {
		return nil
	}
	return &datepb.Date{Year: int32(d.Year), Month: int32(d.Month), Day: int32(d.Day)}
}

// String is the date in ISO 8601; empty for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// WallClock is an instant as clocks in Asia/Shanghai show it.
func WallClock(t time.Time) time.Time {
	return t.In(time.FixedZone("Asia/Shanghai", shanghaiOffset))
}

// Start is the instant at which the day begins in Asia/Shanghai.
func (d Date) Start() time.Time { return d.midnight().Add(-shanghaiOffset * time.Second) }

// IsZero tells whether the date was never set.
func (d Date) IsZero() bool { return d == Date{} }

// Compare is -1, 0 or 1 as d lies before, on or after e.
func (d Date) Compare(e Date) int { return d.midnight().Compare(e.midnight()) }

// Before tells whether d lies before e.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// After tells whether d lies after e.
func (d Date) After(e Date) bool { return d.Compare(e) > 0 }

// AddDays is the date n days later; n may be negative.
func (d Date) AddDays(n int) Date { return dateOf(d.midnight().AddDate(0, 0, n)) }

// AddMonths is the same day n months later, or the last day of that month
// where it is shorter; n may be negative.
func (d Date) AddMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1)
	if d.Day < last.Day() {
		last = first.AddDate(0, 0, d.Day-1)
	}
	return dateOf(last)
}

// Weekend tells whether the day is a Saturday or a Sunday.
func (d Date) Weekend() bool {
	w := d.midnight().Weekday()
	return w == time.Saturday || w == time.Sunday
}

func (d Date) midnight() time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
}

func dateOf(t time.Time) Date {
	y, m, day := t.Date()
	return Date{Year: y, Month: m, Day: day}
}

package calendar

import (
	"errors"
	"fmt"
)

// ErrCountTooLong says that the days to count, pauses included, pass a hundred
// years, so that the question makes no sense.
var ErrCountTooLong = errors.New("calendar: the count is longer than a hundred years")

// mostDays bounds one count, so that no input makes it run for long.
const mostDays = 36600

// Calendar knows the working days of the years it was made from. It never
// changes and is safe for use by many goroutines.
type Calendar struct {
	years map[int]map[Date]bool // year -> exceptional day -> worked
}

// New makes a calendar from years that pass [Year.Check]. A year given twice,
// and a year that does not pass, are errors.
func New(years ...Year) (*Calendar, error) {
	c := &Calendar{years: make(map[int]map[Date]bool, len(years))}
	for _, y := range years {
		if ps := y.Check(); len(ps) > 0 {
			return nil, fmt.Errorf("calendar: year %d: %s: %s", y.Year, ps[0].Field, ps[0].Message)
		}
		if c.Loaded(y.Year) {
			return nil, fmt.Errorf("calendar: year %d is given twice", y.Year)
		}
		exceptions := make(map[Date]bool, len(y.DaysOff)+len(y.MakeUpWorkdays))
		for _, d := range y.DaysOff {
			exceptions[d] = false
		}
		for _, d := range y.MakeUpWorkdays {
			exceptions[d] = true
		}
		c.years[y.Year] = exceptions
	}
	return c, nil
}

// Loaded tells whether the notice of a year is known.
func (c *Calendar) Loaded(year int) bool {
	_, ok := c.years[year]
	return ok
}

// Workday tells whether a day is worked: by the notice of its year, or by
// weekends alone where the year is not loaded.
func (c *Calendar) Workday(d Date) bool {
	if worked, exceptional := c.years[d.Year][d]; exceptional {
		return worked
	}
	return !d.Weekend()
}

// Count is the result of counting days.
type Count struct {
	// Raw is the last day by plain counting.
	Raw Date
	// Date is the day that counts: Raw, or the next working day where a rest day
	// was rolled forward.
	Date Date
	// Missing is the first year whose notice was needed and is not loaded; 0
	// when the result is final.
	Missing int
}

// Provisional tells whether weekends alone were counted in some year.
func (c Count) Provisional() bool { return c.Missing != 0 }

// Final is the day that counts, or a [NotLoadedError].
func (c Count) Final() (Date, error) {
	if c.Provisional() {
		return Date{}, &NotLoadedError{Year: c.Missing, Provisional: c.Date}
	}
	return c.Date, nil
}

// NotLoadedError refuses a final date because the notice of a year it depends
// on is not loaded.
type NotLoadedError struct {
	// Year that is missing.
	Year int
	// Provisional is the date by weekends alone.
	Provisional Date
}

// Error names the missing year.
func (e *NotLoadedError) Error() string {
	return fmt.Sprintf("calendar: year %d is not loaded", e.Year)
}

// Pause is a span on which a clock stands: the day it stopped still counts,
// the days after it up to and including Until do not.
type Pause struct{ From, Until Date }

// paused tells whether a day is not counted.
func paused(d Date, pauses []Pause) bool {
	for _, p := range pauses {
		if d.After(p.From) && !d.After(p.Until) {
			return true
		}
	}
	return false
}

// AddWorkingDays is the nth working day after start, pauses left out; start
// itself for n = 0. Errors: ErrCountTooLong.
func (c *Calendar) AddWorkingDays(start Date, n int, pauses ...Pause) (Count, error) {
	missing := 0
	last, err := advance(start, n, func(d Date) bool {
		if missing == 0 && !c.Loaded(d.Year) {
			missing = d.Year
		}
		return c.Workday(d) && !paused(d, pauses)
	})
	return Count{Raw: last, Date: last, Missing: missing}, err
}

// AddCalendarDays is the nth calendar day after start, pauses left out, and,
// if rollForward is set and that day is a rest day, the next working day. The
// notice of a year is needed for rolling forward only. Errors: ErrCountTooLong.
func (c *Calendar) AddCalendarDays(start Date, n int, rollForward bool, pauses ...Pause) (Count, error) {
	raw, err := advance(start, n, func(d Date) bool { return !paused(d, pauses) })
	if err != nil || !rollForward {
		return Count{Raw: raw, Date: raw}, err
	}
	return c.roll(raw), nil
}

// roll is the first working day from d on.
func (c *Calendar) roll(d Date) Count {
	r := Count{Raw: d, Date: d}
	// No notice makes a rest longer than a fortnight, so the loop ends.
	for {
		if r.Missing == 0 && !c.Loaded(r.Date.Year) {
			r.Missing = r.Date.Year
		}
		if c.Workday(r.Date) {
			return r
		}
		r.Date = r.Date.AddDays(1)
	}
}

// advance is the nth day after start that counts.
func advance(start Date, n int, counts func(Date) bool) (Date, error) {
	d := start
	for looked := 0; n > 0; looked++ {
		if looked == mostDays {
			return Date{}, ErrCountTooLong
		}
		d = d.AddDays(1)
		if counts(d) {
			n--
		}
	}
	return d, nil
}

// EarliestAfterFloor is the first day on which something may be done that must
// leave others a number of days, the last of which is floor: the next calendar
// day where the days must be full, floor itself otherwise.
func EarliestAfterFloor(floor Date, fullDays bool) Date {
	if fullDays {
		return floor.AddDays(1)
	}
	return floor
}

// LastDayOfValidity is the last day of a validity of so many years: the day
// before the same date.
func LastDayOfValidity(effective Date, years int) Date {
	// time.Date turns 29 February of a common year into 1 March, whose eve is
	// the last day of February, as wanted.
	return Date{Year: effective.Year + years, Month: effective.Month, Day: effective.Day}.AddDays(-1)
}

// ExpiringFrom is the first day on which a validity that ends on last is
// expiring: so many days before, or six calendar months before for 0 days.
func ExpiringFrom(last Date, days int) Date {
	if days == 0 {
		return last.AddMonths(-6)
	}
	return last.AddDays(-days)
}

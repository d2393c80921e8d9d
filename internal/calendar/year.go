package calendar

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of what a year may hold; a notice has some thirty days off and half a
// dozen make-up workdays.
const (
	minYear, maxYear = 2000, 2100
	maxDaysOff       = 120
	maxMakeUp        = 30
	maxFileBytes     = 1 << 20
)

// Year is the working-day data of one calendar year, from one notice.
type Year struct {
	Year int
	// DaysOff are the holidays, weekend days inside a holiday included.
	DaysOff []Date
	// MakeUpWorkdays are Saturdays and Sundays that are worked (调休).
	MakeUpWorkdays []Date
	// Source names the notice the data was taken from.
	Source string
}

// Problem is one reason why the data of a year cannot be used.
type Problem struct {
	// Field is `year`, `source`, `days_off[3]` or `make_up_workdays[0]`.
	Field string
	// Reason is a stable machine code.
	Reason string
	// Message says what is wrong, in Chinese.
	Message string
}

// Codes of [Problem].
const (
	ReasonYearOutOfRange  = "CALENDAR_YEAR_OUT_OF_RANGE"
	ReasonSourceMissing   = "CALENDAR_SOURCE_MISSING"
	ReasonDaysMissing     = "CALENDAR_DAYS_OFF_MISSING"
	ReasonTooManyDays     = "CALENDAR_TOO_MANY_DAYS"
	ReasonDateOfOtherYear = "CALENDAR_DATE_OF_OTHER_YEAR"
	ReasonDateRepeated    = "CALENDAR_DATE_REPEATED"
	ReasonNotWeekend      = "CALENDAR_MAKE_UP_NOT_WEEKEND"
	ReasonDateOverlap     = "CALENDAR_DATE_OVERLAP"
	ReasonDateMalformed   = "CALENDAR_DATE_MALFORMED"
)

// Check lists everything that keeps the data from being used: a date of another
// year, a date given twice or as both, a make-up workday that is no weekend day.
func (y Year) Check() []Problem {
	var ps []Problem
	if y.Year < minYear || y.Year > maxYear {
		ps = append(ps, Problem{"year", ReasonYearOutOfRange, fmt.Sprintf("年份应在%d至%d之间", minYear, maxYear)})
	}
	if strings.TrimSpace(y.Source) == "" {
		ps = append(ps, Problem{"source", ReasonSourceMissing, "应注明放假安排的来源文件"})
	}
	if len(y.DaysOff) == 0 {
		ps = append(ps, Problem{"days_off", ReasonDaysMissing, "应至少有一个放假日"})
	}
	ps = append(ps, y.checkDates("days_off", y.DaysOff, maxDaysOff)...)
	ps = append(ps, y.checkDates("make_up_workdays", y.MakeUpWorkdays, maxMakeUp)...)

	off := make(map[Date]bool, len(y.DaysOff))
	for _, d := range y.DaysOff {
		off[d] = true
	}
	for i, d := range y.MakeUpWorkdays {
		field := fmt.Sprintf("make_up_workdays[%d]", i)
		if !d.Weekend() {
			ps = append(ps, Problem{field, ReasonNotWeekend, fmt.Sprintf("调休上班日%s不是周末", d)})
		}
		if off[d] {
			ps = append(ps, Problem{field, ReasonDateOverlap, fmt.Sprintf("%s不能既放假又上班", d)})
		}
	}
	return ps
}

func (y Year) checkDates(field string, dates []Date, most int) []Problem {
	var ps []Problem
	if len(dates) > most {
		ps = append(ps, Problem{field, ReasonTooManyDays, fmt.Sprintf("不应超过%d天", most)})
	}
	seen := make(map[Date]bool, len(dates))
	for i, d := range dates {
		at := fmt.Sprintf("%s[%d]", field, i)
		if d.Year != y.Year {
			ps = append(ps, Problem{at, ReasonDateOfOtherYear, fmt.Sprintf("%s不属于%d年", d, y.Year)})
		}
		if seen[d] {
			ps = append(ps, Problem{at, ReasonDateRepeated, fmt.Sprintf("%s重复", d)})
		}
		seen[d] = true
	}
	return ps
}

// yearFile is the form of a year in a file: dates, or spans `from..to`.
type yearFile struct {
	Year           int      `yaml:"year"`
	Source         string   `yaml:"source"`
	DaysOff        []string `yaml:"days_off"`
	MakeUpWorkdays []string `yaml:"make_up_workdays"`
}

// ReadYear reads and checks a year from YAML or JSON of at most 1 MiB:
//
//	year: 2026
//	source: the notice
//	days_off: [2026-01-01..2026-01-03, 2026-04-04]
//	make_up_workdays: [2026-01-04]
//
// Unknown keys are errors.
func ReadYear(r io.Reader) (Year, error) {
	limited := &io.LimitedReader{R: r, N: maxFileBytes + 1}
	dec := yaml.NewDecoder(limited)
	dec.KnownFields(true)
	var f yearFile
	if err := dec.Decode(&f); err != nil {
		return Year{}, fmt.Errorf("calendar: reading a year: %w", err)
	}
	if err := dec.Decode(new(yearFile)); !errors.Is(err, io.EOF) {
		return Year{}, errors.New("calendar: reading a year: more than one document")
	}
	if limited.N == 0 {
		return Year{}, fmt.Errorf("calendar: reading a year: more than %d bytes", maxFileBytes)
	}
	y := Year{Year: f.Year, Source: f.Source}
	var err error
	if y.DaysOff, err = expand(f.DaysOff, maxDaysOff); err != nil {
		return Year{}, fmt.Errorf("calendar: days_off: %w", err)
	}
	if y.MakeUpWorkdays, err = expand(f.MakeUpWorkdays, maxMakeUp); err != nil {
		return Year{}, fmt.Errorf("calendar: make_up_workdays: %w", err)
	}
	if ps := y.Check(); len(ps) > 0 {
		return Year{}, fmt.Errorf("calendar: year %d: %s: %s", y.Year, ps[0].Field, ps[0].Message)
	}
	return y, nil
}

// expand turns dates and spans into dates, in the order given, at most `most`.
func expand(spans []string, most int) ([]Date, error) {
	var dates []Date
	for _, span := range spans {
		a, b, isSpan := strings.Cut(span, "..")
		from, err := ParseDate(a)
		if err != nil {
			return nil, err
		}
		to := from
		if isSpan {
			if to, err = ParseDate(b); err != nil {
				return nil, err
			}
		}
		if to.Before(from) {
			return nil, fmt.Errorf("%q ends before it begins", span)
		}
		for d := from; !d.After(to); d = d.AddDays(1) {
			if len(dates) == most {
				return nil, fmt.Errorf("more than %d days", most)
			}
			dates = append(dates, d)
		}
	}
	return dates, nil
}

//go:embed data/*.yaml
var published embed.FS

// Published answers the years shipped with the program, oldest first.
func Published() ([]Year, error) {
	entries, err := published.ReadDir("data")
	if err != nil {
		return nil, fmt.Errorf("calendar: listing the shipped years: %w", err)
	}
	years := make([]Year, 0, len(entries))
	for _, e := range entries {
		y, err := readPublished(e.Name())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		years = append(years, y)
	}
	return years, nil
}

func readPublished(name string) (Year, error) {
	f, err := published.Open("data/" + name)
	if err != nil {
		return Year{}, err
	}
	defer f.Close() //nolint:errcheck // an embedded file has nothing to flush
	return ReadYear(f)
}

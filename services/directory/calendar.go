package directory

import (
	"fmt"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// yearOf reads and checks the data of a year; violations are under `calendar.`.
func yearOf(c *directoryv1.Calendar) (calendar.Year, error) {
	y := calendar.Year{Year: int(c.GetYear()), Source: c.GetSource()}
	var bad []rpc.FieldViolation
	read := func(field string, texts []string) []calendar.Date {
		dates := make([]calendar.Date, 0, len(texts))
		for i, text := range texts {
			d, err := calendar.ParseDate(text)
			if err != nil {
				bad = append(bad, rpc.FieldViolation{
					Field: fmt.Sprintf("calendar.%s[%d]", field, i), Reason: calendar.ReasonDateMalformed,
					Message: fmt.Sprintf("%q不是日期，应写作2026-01-01的形式", text),
				})
				continue
			}
			dates = append(dates, d)
		}
		return dates
	}
	y.DaysOff = read("days_off", c.GetDaysOff())
	y.MakeUpWorkdays = read("make_up_workdays", c.GetMakeUpWorkdays())
	if len(bad) == 0 { // a date left out would shift the positions of the others
		for _, p := range y.Check() {
			bad = append(bad, rpc.FieldViolation{Field: "calendar." + p.Field, Reason: p.Reason, Message: p.Message})
		}
	}
	return y, rpc.Fields(bad...)
}

// calendarOf is the resource of a year.
func calendarOf(y calendar.Year) *directoryv1.Calendar {
	texts := func(dates []calendar.Date) []string {
		out := make([]string, 0, len(dates))
		for _, d := range dates {
			out = append(out, d.String())
		}
		return out
	}
	return &directoryv1.Calendar{
		Name:           calendarName(y.Year),
		Year:           int32(y.Year),
		DaysOff:        texts(y.DaysOff),
		MakeUpWorkdays: texts(y.MakeUpWorkdays),
		Source:         y.Source,
	}
}

func calendarName(year int) string { return fmt.Sprintf("calendars/%d", year) }

// calendarDetails are the facts of an import worth keeping.
func calendarDetails(c *directoryv1.Calendar) []*corev1.Detail {
	return []*corev1.Detail{
		docstore.Detail("days_off", len(c.GetDaysOff())),
		docstore.Detail("make_up_workdays", len(c.GetMakeUpWorkdays())),
		docstore.Detail("source", c.GetSource()),
	}
}

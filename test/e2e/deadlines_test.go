package e2e

import (
	"fmt"
	"testing"

	directoryv1 "fashen/gen/fashen/directory/v1"
)

// The date vectors of two years with make-up workdays.
func TestDeadlineVectors(t *testing.T) {
	working, calendarDays := directoryv1.ComputeDeadlineRequest_WORKING_DAYS, directoryv1.ComputeDeadlineRequest_CALENDAR_DAYS
	vectors := []struct {
		start     string
		kind      directoryv1.ComputeDeadlineRequest_Kind
		days      int32
		raw, date string
	}{
		{"2026-02-11", working, 5, "2026-02-25", "2026-02-25"},
		{"2026-02-11", working, 7, "2026-02-27", "2026-02-27"},
		{"2026-02-11", working, 15, "2026-03-10", "2026-03-10"},
		{"2025-09-26", working, 5, "2025-10-10", "2025-10-10"},
		{"2025-09-26", working, 7, "2025-10-13", "2025-10-13"},
		{"2025-09-26", working, 15, "2025-10-23", "2025-10-23"},
		{"2026-04-29", working, 5, "2026-05-09", "2026-05-09"},
		{"2026-04-29", working, 7, "2026-05-12", "2026-05-12"},
		{"2026-09-14", working, 5, "2026-09-20", "2026-09-20"},
		{"2026-09-14", working, 7, "2026-09-22", "2026-09-22"},
		{"2026-09-14", working, 15, "2026-10-10", "2026-10-10"},
		{"2026-04-08", working, 5, "2026-04-15", "2026-04-15"},
		{"2026-04-08", working, 15, "2026-04-29", "2026-04-29"},
		{"2026-05-12", working, 7, "2026-05-21", "2026-05-21"},
		{"2026-09-16", calendarDays, 15, "2026-10-01", "2026-10-08"},
		{"2026-06-05", calendarDays, 15, "2026-06-20", "2026-06-22"},
		{"2026-04-20", calendarDays, 15, "2026-05-05", "2026-05-06"},
		{"2026-01-30", calendarDays, 15, "2026-02-14", "2026-02-14"},
		{"2025-12-19", calendarDays, 15, "2026-01-03", "2026-01-04"},
		{"2026-03-02", calendarDays, 30, "2026-04-01", "2026-04-01"},
		{"2026-03-02", calendarDays, 60, "2026-05-01", "2026-05-06"},
	}
	everywhere(t, "2026-05-12", func(t *testing.T, w *world) {
		for _, v := range vectors {
			res := &directoryv1.ComputeDeadlineResponse{}
			w.must(t, "reviewer", directoryService+"ComputeDeadline", &directoryv1.ComputeDeadlineRequest{
				Region: region, Kind: v.kind, StartDate: date(t, v.start), Days: v.days,
			}, res)
			if got := fmt.Sprint(iso(res.GetRawDate()), iso(res.GetDate())); got != fmt.Sprint(v.raw, v.date) {
				t.Errorf("%s %v %d: raw and final %s, want %s %s", v.start, v.kind, v.days, got, v.raw, v.date)
			}
			if res.GetProvisional() {
				t.Errorf("%s %v %d: provisional", v.start, v.kind, v.days)
			}
		}
		beyond := &directoryv1.ComputeDeadlineRequest{Region: region, Kind: working, StartDate: date(t, "2026-12-25"), Days: 15}
		if f := w.try(t, "reviewer", directoryService+"ComputeDeadline", beyond, &directoryv1.ComputeDeadlineResponse{}); f == nil || f.reason != "CALENDAR_NOT_LOADED" {
			t.Errorf("a year that is not loaded: %v", f)
		}
		beyond.AllowProvisional = true
		res := &directoryv1.ComputeDeadlineResponse{}
		w.must(t, "reviewer", directoryService+"ComputeDeadline", beyond, res)
		if !res.GetProvisional() {
			t.Error("a provisional date is not marked so")
		}
	})
}

package filing

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/docstore"
)

// What the gate refused counts, once an attempt, whatever came of it; a closed record or
// another method does not, and a draft that nobody outside knows keeps its title.
func TestBlockedSubmissionsAreCounted(t *testing.T) {
	var history []*corev1.JournalEntry
	enter := func(method string, outcome corev1.Outcome, meeting string, reasons ...string) {
		e := &corev1.JournalEntry{
			Sequence: int64(len(history) + 1), Method: "/fashen.filing.v1.FilingService/" + method, Outcome: outcome, Reasons: reasons,
			Time: &timestamppb.Timestamp{Seconds: 1775664000}, // 2026-04-08T16:00:00Z, the day after in Shanghai
		}
		if meeting != "" {
			e.Details = []*corev1.Detail{docstore.Detail("meeting_date", meeting)}
		}
		history = append(history, e)
	}
	const done, no = corev1.Outcome_OUTCOME_DONE, corev1.Outcome_OUTCOME_REFUSED
	enter("SubmitDocument", done, "")
	enter("DeliberateDocument", no, "2026-05-12", "LEGALITY_REVIEW_MISSING", "REVIEW_TIME_INSUFFICIENT")
	enter("DeliberateDocument", no, "", "RECORD_CLOSED")
	enter("SubmitDocument", no, "2026-05-12", "SECRET")
	enter("DeliberateDocument", no, "2026-05-13", "FCR_MISSING")
	enter("DeliberateDocument", done, "2026-05-14")
	d := &filingv1.Document{Name: region + "/documents/d", Title: "示例办法", DraftingUnit: region + "/bureaus/b", SubmissionCount: 1}
	lines := func() (out []string) {
		for _, l := range blocked(d, history) {
			day := l.GetEventDate()
			out = append(out, fmt.Sprintf("%s %s %02d-%02d %s %s %d", l.GetName(), l.GetCategory(), day.GetMonth(), day.GetDay(), l.GetTitle(), l.GetNote(), l.GetCount()))
		}
		return out
	}
	want := []string{
		"blocked-2 LEGALITY_REVIEW_MISSING 04-09 示例办法 LEGALITY_REVIEW_MISSING、REVIEW_TIME_INSUFFICIENT 1",
		"blocked-5 FCR_MISSING 04-09 示例办法 FCR_MISSING 1",
	}
	if got := lines(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	d.SubmissionCount = 0
	if got := lines(); got[0] != "blocked-2 LEGALITY_REVIEW_MISSING 04-09 （尚未送审的文件） LEGALITY_REVIEW_MISSING、REVIEW_TIME_INSUFFICIENT 1" {
		t.Errorf("never submitted: %q", got)
	}
}

package filing

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/docstore"
)

// What was raised is counted by the day of the draft in which it was new; what was
// decided on a later draft counts for the finding it goes back to.
func TestLinesOfRules(t *testing.T) {
	const d = "regions/120105/documents/d"
	upload := func(revision string, day int, outcome corev1.Outcome, raised ...string) *corev1.JournalEntry {
		e := &corev1.JournalEntry{
			Method: filingv1.FilingService_UploadRevision_FullMethodName, Outcome: outcome,
			Time:    timestamppb.New(time.Date(2026, 4, day, 20, 0, 0, 0, time.UTC)), // the next day in China
			Details: []*corev1.Detail{docstore.Detail("revision", d+"/revisions/"+revision)},
		}
		for _, r := range raised {
			e.Details = append(e.Details, docstore.Detail("raised", r))
		}
		return e
	}
	done := corev1.Outcome_OUTCOME_DONE
	history := []*corev1.JournalEntry{
		upload("1", 8, done, "FCR-14-1 competition@2026.11 3", "ND-P01 powers@2026.11 1"),
		upload("2", 9, corev1.Outcome_OUTCOME_REFUSED, "FCR-14-1 competition@2026.11 9"),
		upload("2", 10, done, "FCR-14-1 competition@2026.12 1"),
		upload("1", 11, done), // sent again
	}
	ds := &dispositions{}
	say := func(name, root, rule, pack string, state corev1.Disposition_State, ground corev1.Disposition_Ground, second int64) {
		ds.add(&corev1.Disposition{
			Name: d + "/revisions/" + name, FirstRaised: d + "/revisions/" + root, Rule: rule, Pack: pack, State: state, Ground: ground,
			UpdateTime: &timestamppb.Timestamp{Seconds: second},
		})
	}
	say("1/findings/f1", "1/findings/f1", "FCR-14-1", "competition@2026.11", corev1.Disposition_DISMISSED, corev1.Disposition_MISREAD, 1)
	say("2/findings/f2", "1/findings/f1", "FCR-14-1", "competition@2026.11", corev1.Disposition_CONFIRMED, 0, 2)
	say("1/findings/f2", "1/findings/f2", "FCR-14-1", "competition@2026.11", corev1.Disposition_DISMISSED, corev1.Disposition_OTHER, 3)
	say("1/findings/f4", "1/findings/f4", "ND-P01", "powers@2026.11", corev1.Disposition_OPEN, 0, 3)
	var got []string
	names := map[string]bool{}
	for _, l := range ruleLines(history, ds.newest) {
		names[l.GetName()] = true
		got = append(got, fmt.Sprintf("04-%02d %s %s %v %v %d", l.GetEventDate().GetDay(), l.GetRule(), l.GetPack(), l.GetState(), l.GetGround(), l.GetCount()))
	}
	slices.Sort(got)
	want := []string{
		"04-09 FCR-14-1 competition@2026.11 CONFIRMED GROUND_UNSPECIFIED 1",
		"04-09 FCR-14-1 competition@2026.11 DISMISSED OTHER 1",
		"04-09 FCR-14-1 competition@2026.11 OPEN GROUND_UNSPECIFIED 1",
		"04-09 ND-P01 powers@2026.11 OPEN GROUND_UNSPECIFIED 1",
		"04-11 FCR-14-1 competition@2026.12 OPEN GROUND_UNSPECIFIED 1",
	}
	if !slices.Equal(got, want) || len(names) != len(want) {
		t.Errorf("got %q\nwant %q (%d names)", got, want, len(names))
	}
}

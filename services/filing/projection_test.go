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

// The market regulator's turn: from the submission on, draft by draft.
func TestCompetitionTasks(t *testing.T) {
	start := time.Date(2026, 4, 8, 1, 0, 0, 0, time.UTC)
	d := &filingv1.Document{
		Name: region + "/documents/d", Title: "示例办法", OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
	}
	draft := func(n int) string {
		name := fmt.Sprintf("%s/revisions/%d", d.GetName(), n)
		d.Revisions = append(d.Revisions, &filingv1.Revision{
			Name: name, File: &filingv1.File{Sha256: fmt.Sprint("sha-", n)}, UploadTime: timestamppb.New(start.Add(time.Duration(n) * time.Hour)),
		})
		d.CurrentRevision = name
		return name
	}
	var history []*corev1.JournalEntry
	did := func(method, revision string) {
		history = append(history, &corev1.JournalEntry{
			Method: "/fashen.filing.v1.FilingService/" + method, Outcome: corev1.Outcome_OUTCOME_DONE, Actor: regulatorCaller.Person,
			Time: timestamppb.New(start.Add(90 * time.Minute)), Details: []*corev1.Detail{docstore.Detail("revision", revision)},
		})
	}
	want := func(step string, lines ...string) {
		t.Helper()
		got := []string{}
		for _, task := range project(d, history).Tasks {
			got = append(got, fmt.Sprintf("%s %v %s", task.GetName(), task.GetState(), task.GetOpenTime().AsTime().Format("15:04")))
			if task.GetAssignee() != region+"/roles/market-regulator" || (task.GetState() == corev1.Task_DONE) != (task.GetDoneBy() == regulatorCaller.Person) {
				t.Errorf("%s: %v", step, task)
			}
		}
		if !slices.Equal(got, lines) {
			t.Errorf("%s: %q, want %q", step, got, lines)
		}
	}
	first := draft(1)
	want("a draft", []string{}...)
	d.SubmissionCount = 1
	did("SubmitDocument", first)
	want("submitted", "competition-1 OPEN 02:30")
	d.CompetitionConclusion = &filingv1.CompetitionConclusion{RevisionSha256: "sha-1"}
	did("RecordCompetitionConclusion", first)
	want("concluded", "competition-1 DONE 02:30")
	second := draft(2)
	want("another draft", "competition-1 DONE 02:30", "competition-2 OPEN 03:00")
	d.CompetitionConclusion.CarriedSha256S = []string{"sha-2"}
	did("CarryCompetitionConclusion", second)
	want("carried over", "competition-1 DONE 02:30", "competition-2 DONE 03:00")
	draft(3)
	d.State = filingv1.Document_DELIBERATED
	want("closed", "competition-1 DONE 02:30", "competition-2 DONE 03:00")
	other := &filingv1.Document{Name: d.GetName(), SubmissionCount: 1, OperatorImpact: &filingv1.OperatorImpact{}}
	if rows := project(other, nil); len(rows.Tasks) != 0 {
		t.Errorf("of no concern to operators: %v", rows.Tasks)
	}
}

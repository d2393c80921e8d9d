package filing

import (
	"path"
	"strings"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/projection"
	"fashen/internal/resource"
)

// project works out the tasks of a document: a submitted one that touches
// operators wants a competition conclusion about the draft that stands. Each draft
// that was concluded on stays as done.
func project(d *filingv1.Document, history []*corev1.JournalEntry) projection.Rows {
	if d.GetSubmissionCount() == 0 || !touchesOperators(d) {
		return projection.Rows{}
	}
	var rows projection.Rows
	add := func(revision string) *corev1.Task {
		t := &corev1.Task{
			Name: "competition-" + path.Base(revision), Kind: corev1.Task_CONCLUDE_COMPETITION, State: corev1.Task_OPEN,
			Assignee: auth.RoleViewer(resource.Region(d.GetName()), corev1.Role_ROLE_MARKET_REGULATOR),
			Title:    d.GetTitle(), Resource: d.GetName(), OpenTime: revisionNamed(d, revision).GetUploadTime(),
		}
		if submitted := firstSubmission(history); submitted.GetTime().AsTime().After(t.GetOpenTime().AsTime()) {
			t.OpenTime = submitted.GetTime()
		}
		rows.Tasks = append(rows.Tasks, t)
		return t
	}
	for _, e := range history {
		if projection.Did(e, "RecordCompetitionConclusion", "CarryCompetitionConclusion") {
			projection.Done(add(projection.Fact(e, "revision")), e)
		}
	}
	current := currentRevision(d)
	if d.GetState() != filingv1.Document_DELIBERATED && !competitionCovers(d.GetCompetitionConclusion(), current) {
		add(current.GetName())
	}
	return rows
}

// firstSubmission is the entry of the first submission; nil when there is none.
func firstSubmission(history []*corev1.JournalEntry) *corev1.JournalEntry {
	for _, e := range history {
		if projection.Did(e, "SubmitDocument") {
			return e
		}
	}
	return nil
}

// subjectOf is the document that a resource of this service is or belongs to.
func subjectOf(name string) string {
	if !strings.HasPrefix(name, "regions/") || !strings.Contains(name, "/documents/") {
		return ""
	}
	return documentOf(name)
}

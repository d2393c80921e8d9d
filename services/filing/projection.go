package filing

import (
	"fmt"
	"path"
	"strings"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
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

// figures are what the yearly report counts of documents here (FACTS 4).
var figures = []projection.Definition{{
	Code: "M13-BLOCKED", DisplayName: "提请集体审议被拒绝次数", Unit: "次", CategoryName: "拒绝原因（代码）",
	Text: "期间内提请集体审议而不符合上会条件、系统记录在案的拒绝次数，按提请日期；同一文件多次提请逐次计入，试算不计。一次有多项原因的计一次，按首项原因分列，明细列出全部原因；未经审核或者审核不合法的列为首项（LEGALITY_REVIEW_MISSING、LEGALITY_ADVERSE、LEGALITY_STALE）。",
}}

// blocked are the attempts that the gate before deliberation refused: only its refusals
// name the meeting. Of a document that was never submitted only its unit knows the title.
func blocked(d *filingv1.Document, history []*corev1.JournalEntry) []projection.Line {
	title := d.GetTitle()
	if d.GetSubmissionCount() == 0 {
		title = "（尚未送审的文件）"
	}
	var out []projection.Line
	for _, e := range history {
		refused := e.GetOutcome() == corev1.Outcome_OUTCOME_REFUSED && strings.HasSuffix(e.GetMethod(), "/DeliberateDocument")
		if !refused || projection.Fact(e, "meeting_date") == "" || len(e.GetReasons()) == 0 {
			continue
		}
		out = append(out, projection.Line{Code: "M13-BLOCKED", FigureLine: &corev1.FigureLine{
			Name: fmt.Sprint("blocked-", e.GetSequence()), EventDate: calendar.On(e.GetTime().AsTime()).Proto(), Bureau: d.GetDraftingUnit(),
			Title: title, Note: strings.Join(e.GetReasons(), "、"), SubjectKind: "documents", Category: e.GetReasons()[0],
			Resource: d.GetName(), Count: 1,
		}})
	}
	return out
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

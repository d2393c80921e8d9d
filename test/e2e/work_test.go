package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/app"
)

const workService = "fashen.core.v1.WorkService/"

func workRequests(t *testing.T) map[string]func(n names) proto.Message {
	t.Helper()
	first, last := date(t, "2026-01-01"), date(t, "2026-12-31")
	return map[string]func(n names) proto.Message{
		workService + "ListTasks": func(n names) proto.Message { return &corev1.ListTasksRequest{Parent: n.region, Service: "counsel"} },
		workService + "ListTasks another": func(n names) proto.Message {
			return &corev1.ListTasksRequest{Parent: n.region, Service: "counsel", Assignee: n.spare}
		},
		workService + "ListWorkloads": func(n names) proto.Message {
			return &corev1.ListWorkloadsRequest{Parent: n.region, Service: "counsel"}
		},
		workService + "ListFigures": func(n names) proto.Message {
			return &corev1.ListFiguresRequest{Parent: n.region, Service: "counsel", FirstDate: first, LastDate: last}
		},
		workService + "ListRuleFigures": func(n names) proto.Message {
			return &corev1.ListRuleFiguresRequest{Parent: n.region, Service: "filing", FirstDate: first, LastDate: last}
		},
		workService + "ListFigureLines": func(n names) proto.Message {
			return &corev1.ListFigureLinesRequest{Parent: n.region + "/figures/m02", Service: "counsel", FirstDate: first, LastDate: last}
		},
		workService + "ListFigures another": func(n names) proto.Message {
			return &corev1.ListFiguresRequest{Parent: n.region, Service: "counsel", FirstDate: first, LastDate: last, Person: n.spare}
		},
		workService + "ListFigures personal": func(n names) proto.Message {
			return &corev1.ListFiguresRequest{Parent: n.region, Service: "counsel", FirstDate: first, LastDate: last, Codes: []string{"M18-CLOSED"}}
		},
		workService + "ListFigureLines personal": func(n names) proto.Message {
			return &corev1.ListFigureLinesRequest{Parent: n.region + "/figures/m18-closed", Service: "counsel", FirstDate: first, LastDate: last}
		},
		workService + "GetProjection": func(n names) proto.Message {
			return &corev1.GetProjectionRequest{Name: n.region + "/projections/counsel"}
		},
		workService + "RebuildProjection": func(n names) proto.Message {
			return &corev1.RebuildProjectionRequest{Name: n.region + "/projections/counsel"}
		},
	}
}

// marked is an answer that says how far it reaches.
type marked interface {
	proto.Message
	GetWatermark() *corev1.Watermark
}

// current asks until the answer reaches what was acknowledged before the call.
func (w *world) current(t *testing.T, login, method string, in proto.Message, out marked) {
	t.Helper()
	written, limit := w.clock.time(), time.Now().Add(time.Minute)
	for {
		w.must(t, login, workService+method, in, out)
		if out.GetWatermark().GetAsOfTime().AsTime().After(written) {
			if n := out.GetWatermark().GetBehindCount(); n != 0 {
				t.Errorf("%s: all is in, and %d entries are behind", method, n)
			}
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%s as %s stays behind: %v", method, login, out.GetWatermark())
		}
	}
}

// tasks are the tasks of a persona at a service as lines: kind, overdue, due date.
func (w *world) tasks(t *testing.T, login, service string, state corev1.Task_State) []string {
	t.Helper()
	res := &corev1.ListTasksResponse{}
	w.current(t, login, "ListTasks", &corev1.ListTasksRequest{Parent: region, Service: service, State: state}, res)
	lines := []string{}
	for _, task := range res.GetTasks() {
		line := task.GetKind().String()
		if task.GetDueDate() != nil {
			line += " " + iso(task.GetDueDate())
		}
		if task.GetOverdue() {
			line += " overdue"
		}
		if task.GetState() == corev1.Task_DONE {
			line += " by " + w.loginOf(task.GetDoneBy())
		}
		if task.GetTitle() == "" || task.GetResource() == "" || task.GetState() != state {
			t.Errorf("task %v", task)
		}
		lines = append(lines, line)
	}
	return lines
}

func (w *world) loginOf(person string) string {
	for login, name := range w.people {
		if name == person {
			return login
		}
	}
	return person
}

// pending checks what a persona has to do; done what a persona has done.
func (w *world) pending(t *testing.T, step, login, service string, want ...string) {
	t.Helper()
	if got := w.tasks(t, login, service, corev1.Task_OPEN); !slices.Equal(got, want) {
		t.Errorf("%s: %s has to do %v, want %v", step, login, got, want)
	}
}

func (w *world) done(t *testing.T, login, service string, want ...string) {
	t.Helper()
	got := w.tasks(t, login, service, corev1.Task_DONE)
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("%s has done %v, want %v", login, got, want)
	}
}

// A1 leaves at each step what the next one has to do, and at the end the figures.
func TestTasksAndFiguresOfA1(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d := w.prepared(t, true)
		w.pending(t, "drafted", "regulator", "filing")
		d = w.document(t, "drafter", "SubmitDocument", &filingv1.SubmitDocumentRequest{Name: d.GetName()})
		w.pending(t, "submitted", "reviewer", "counsel", "ACCEPT_CASE")
		w.pending(t, "submitted", "regulator", "filing", "CONCLUDE_COMPETITION")
		c := w.review(t, "reviewer", "AcceptCase", &counselv1.AcceptCaseRequest{Name: d.GetReviewCase()})
		w.pending(t, "accepted", "reviewer", "counsel", "REVIEW_CASE 2026-04-29")
		w.assigned(t, c.GetName())
		w.pending(t, "assigned", "counsel", "counsel", "WRITE_OPINION")
		w.opinion(t, "counsel", c.GetName(), counselv1.Conclusion_REVISE, item(4, "在本区注册并纳税满二年"))
		w.pending(t, "signed", "counsel", "counsel")
		w.competition(t, d.GetName(), d.GetRevisions()[0].GetName(), filingv1.CompetitionConclusion_COMPLIES)
		w.pending(t, "concluded", "regulator", "filing")
		w.clock.day(t, "2026-04-17")
		c = w.conclude(t, c.GetName(), counselv1.Conclusion_REVISE,
			item(4, "在本区注册并纳税满二年"), item(4, "另行给予十万元奖励"), item(3, "按照每人每月1200元的标准"),
			item(1, "根据有关法律、法规"), item(2, "见习补贴的申领和监督管理"))
		w.pending(t, "concluded", "drafter", "counsel", "ANSWER_ITEMS")
		c = answerItems(t, w, c)
		w.pending(t, "answered", "drafter", "counsel", "RESUBMIT")
		second := w.mustUpload(t, d.GetName(), draft(t, "1500"))
		d = w.document(t, "drafter", "SubmitDocument", &filingv1.SubmitDocumentRequest{Name: d.GetName()})
		w.pending(t, "revised", "reviewer", "counsel", "CONFIRM_REVISION")
		w.pending(t, "revised", "regulator", "filing", "CONCLUDE_COMPETITION")
		w.pending(t, "revised", "drafter", "counsel")
		w.review(t, "reviewer", "ConfirmRevision", &counselv1.ConfirmRevisionRequest{
			Name: c.GetName(), VersionDigest: d.GetVersionDigest(), Note: "逐条比对，修改与答复一致，无其他改动。",
		})
		w.document(t, "regulator", "CarryCompetitionConclusion", &filingv1.CarryCompetitionConclusionRequest{
			Name: d.GetName(), Revision: second.GetName(), Reason: "修改内容不涉及经营者。",
		})
		w.pending(t, "confirmed", "drafter", "counsel", "DELIBERATE")
		w.clock.day(t, "2026-05-11")
		if _, f := w.deliberate(t, "office", d.GetName(), "2026-05-12"); f != nil {
			t.Fatalf("deliberate: %v", f)
		}
		w.pending(t, "deliberated", "drafter", "counsel")
		w.done(t, "drafter", "counsel", "ANSWER_ITEMS by drafter", "DELIBERATE by office", "RESUBMIT by drafter")
		w.done(t, "reviewer", "counsel", "ACCEPT_CASE by reviewer", "CONFIRM_REVISION by reviewer", "REVIEW_CASE 2026-04-29 by reviewer")
		w.done(t, "counsel", "counsel", "DECLARE_CONFLICT by counsel", "WRITE_OPINION by counsel")
		w.done(t, "regulator", "filing", "CONCLUDE_COMPETITION by regulator", "CONCLUDE_COMPETITION by regulator")
		w.done(t, "drafter2", "counsel")
		checkFigures(t, w)
	})
}

// checkFigures looks at the figures of the year, by bureau, with the lines behind
// them, and at those of a year without any.
func checkFigures(t *testing.T, w *world) {
	t.Helper()
	list := func(year string) []string {
		res := &corev1.ListFiguresResponse{}
		w.current(t, "office", "ListFigures", &corev1.ListFiguresRequest{
			Parent: region, Service: "counsel", FirstDate: date(t, year+"-01-01"), LastDate: date(t, year+"-12-31"),
			GroupBy: corev1.ListFiguresRequest_BUREAU,
		}, res)
		var lines []string
		for _, f := range res.GetFigures() {
			v := f.GetTotal()
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %d%s %d/%d %s", f.GetCode(), v.GetCount(), f.GetUnit(), v.GetNumerator(), v.GetDenominator(), v.GetRate())))
			if f.GetDefinition() == "" || f.GetDisplayName() == "" || res.GetQueryTime() == nil {
				t.Errorf("a bare number: %v", f)
			}
			for _, g := range f.GetGroups() {
				if g.GetKey() != w.bureau[labour] || !proto.Equal(g.GetValue(), v) {
					t.Errorf("%s by bureau: %v", f.GetCode(), g)
				}
			}
		}
		return lines
	}
	if got, want := list("2026"), []string{"M01 1件 0/0", "M02 5条 4/5 80.0%", "M13 0件 0/0", "M19 0份 0/0", "M24 0件 0/0", "M24-RETURNED 0次 0/0"}; !slices.Equal(got, want) {
		t.Errorf("2026: %q, want %q", got, want)
	}
	if got, want := list("2025"), []string{"M01 0件 0/0", "M02 0条 0/0", "M13 0件 0/0", "M19 0份 0/0", "M24 0件 0/0", "M24-RETURNED 0次 0/0"}; !slices.Equal(got, want) {
		t.Errorf("2025: %q, want %q", got, want)
	}
	f := w.try(t, "office", workService+"ListFigures", &corev1.ListFiguresRequest{
		Parent: region, Service: "counsel", FirstDate: date(t, "2026-01-01"), LastDate: date(t, "2026-12-31"), Codes: []string{"M01", "M99"},
	}, &corev1.ListFiguresResponse{})
	if f == nil || f.reason != "FIGURE_UNKNOWN" {
		t.Errorf("a figure nobody keeps: %v", f)
	}
	var notes []string
	in := &corev1.ListFigureLinesRequest{
		Parent: region + "/figures/m02", Service: "counsel", FirstDate: date(t, "2026-04-17"), LastDate: date(t, "2026-04-17"),
		Bureau: w.bureau[labour], PageSize: 2,
	}
	for {
		res := &corev1.ListFigureLinesResponse{}
		w.current(t, "reviewer", "ListFigureLines", in, res)
		for _, l := range res.GetLines() {
			notes = append(notes, l.GetNote())
			w.must(t, "reviewer", counselService+"GetCase", &counselv1.GetCaseRequest{Name: l.GetResource()}, &counselv1.Case{})
		}
		if in.PageToken = res.GetNextPageToken(); in.PageToken == "" {
			break
		}
	}
	if slices.Sort(notes); len(notes) != 5 || notes[0] != "第1条意见：采纳" || notes[4] != "第5条意见：未采纳" {
		t.Errorf("lines %v", notes)
	}
	for what, in := range map[string]*corev1.ListFigureLinesRequest{
		"NOT_FOUND":       {Parent: region + "/figures/m99", Service: "counsel", FirstDate: date(t, "2026-01-01"), LastDate: date(t, "2026-12-31")},
		"PERIOD_INVALID":  {Parent: region + "/figures/m02", Service: "counsel", FirstDate: date(t, "2026-01-02"), LastDate: date(t, "2026-01-01")},
		"DATE_INVALID":    {Parent: region + "/figures/m02", Service: "counsel", FirstDate: date(t, "2026-01-02"), LastDate: &datepb.Date{Year: 2026, Month: 2, Day: 30}},
		"SERVICE_UNKNOWN": {Parent: region + "/figures/m02", Service: "directory", FirstDate: date(t, "2026-01-01"), LastDate: date(t, "2026-01-01")},
	} {
		f := w.try(t, "reviewer", workService+"ListFigureLines", in, &corev1.ListFigureLinesResponse{})
		if f == nil || what != "NOT_FOUND" && f.reason != what || what == "NOT_FOUND" && outcome(f) != "hidden" {
			t.Errorf("%s: %v", what, f)
		}
	}
}

// What is late is told to the reviewer and to the reviewers together; what is
// worked out again by command is what it was.
func TestOverdueAndRebuild(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		_, c := w.accepted(t, w.prepared(t, false))
		other := w.prepared(t, false)
		other = w.document(t, "drafter", "SubmitDocument", &filingv1.SubmitDocumentRequest{Name: other.GetName()})
		w.clock.day(t, "2026-04-29")
		w.pending(t, "on the last day", "reviewer", "counsel", "REVIEW_CASE 2026-04-29", "ACCEPT_CASE")
		w.clock.day(t, "2026-04-30")
		w.pending(t, "a day late", "reviewer", "counsel", "REVIEW_CASE 2026-04-29 overdue", "ACCEPT_CASE")
		role := region + "/roles/reviewer"
		loads := &corev1.ListWorkloadsResponse{}
		w.current(t, "reviewer", "ListWorkloads", &corev1.ListWorkloadsRequest{Parent: region, Service: "counsel"}, loads)
		for _, l := range loads.GetWorkloads() {
			late := int64(1)
			if l.GetAssignee() == role {
				late = 0
			}
			if l.GetOpenCount() != 1 || l.GetOverdueCount() != late || l.GetAssignee() != role && l.GetAssignee() != w.people["reviewer"] {
				t.Errorf("workload %v", l)
			}
		}
		if n := len(loads.GetWorkloads()); n != 2 {
			t.Errorf("%d workloads", n)
		}
		filtered := func(in *corev1.ListTasksRequest) (out []string) {
			in.Parent, in.Service = region, "counsel"
			res := &corev1.ListTasksResponse{}
			w.current(t, "reviewer", "ListTasks", in, res)
			for _, task := range res.GetTasks() {
				out = append(out, task.GetResource())
			}
			return out
		}
		late := []string{c.GetName()}
		for what, in := range map[string]*corev1.ListTasksRequest{
			"overdue":        {Overdue: true},
			"due by":         {DueByDate: date(t, "2026-04-29")},
			"of the kind":    {Kind: corev1.Task_REVIEW_CASE},
			"the reviewer's": {Assignee: w.people["reviewer"]},
		} {
			if got := filtered(in); !slices.Equal(got, late) {
				t.Errorf("%s: %v", what, got)
			}
		}
		if got := filtered(&corev1.ListTasksRequest{DueByDate: date(t, "2026-04-28")}); got != nil {
			t.Errorf("due a day earlier: %v", got)
		}
		if got := filtered(&corev1.ListTasksRequest{Assignee: role}); !slices.Equal(got, []string{other.GetReviewCase()}) {
			t.Errorf("nobody's yet: %v", got)
		}
		away := w.mint(t, elsewhere+"/people/"+absentID, corev1.Role_ROLE_REVIEWER)
		for what, c := range map[string]struct{ token, parent, assignee, reason string }{
			"one of another region":         {w.as(t, "reviewer"), region, elsewhere + "/people/" + absentID, "ROLE_REQUIRED"},
			"asked for from another region": {away, elsewhere, w.people["reviewer"], "ROLE_REQUIRED"},
			"all from another region":       {away, region, "", "RESOURCE_NOT_FOUND"},
		} {
			res := &corev1.ListTasksResponse{}
			f := w.call(t.Context(), c.token, workService+"ListTasks", &corev1.ListTasksRequest{Parent: c.parent, Service: "counsel", Assignee: c.assignee}, res)
			if f == nil || f.reason != c.reason || len(res.GetTasks()) > 0 {
				t.Errorf("%s: %v, %v", what, res, f)
			}
		}
		f := w.try(t, "reviewer", workService+"ListTasks", &corev1.ListTasksRequest{Parent: region, Service: "counsel", State: corev1.Task_DONE, Overdue: true}, &corev1.ListTasksResponse{})
		if f == nil || !slices.Contains(f.fields, "state") {
			t.Errorf("overdue among the done: %v", f)
		}
		rebuild(t, w)
		w.pending(t, "rebuilt", "reviewer", "counsel", "REVIEW_CASE 2026-04-29 overdue", "ACCEPT_CASE")
	})
}

// rebuild has the tasks of the two cases worked out again.
func rebuild(t *testing.T, w *world) {
	t.Helper()
	name := region + "/projections/counsel"
	p := &corev1.Projection{}
	ask := &corev1.RebuildProjectionRequest{Name: name, RequestId: "one"}
	w.must(t, "sysadmin", workService+"RebuildProjection", ask, p)
	if p.GetRequester() != w.people["sysadmin"] {
		t.Errorf("asked for: %v", p)
	}
	for limit := time.Now().Add(time.Minute); p.GetState() != corev1.Projection_REBUILT; {
		if time.Now().After(limit) {
			t.Fatalf("not rebuilt: %v", p)
		}
		w.current(t, "sysadmin", "GetProjection", &corev1.GetProjectionRequest{Name: name}, p)
	}
	if p.GetSubjectCount() != 2 || p.GetCorrectedCount() != 0 || p.GetCompleteTime() == nil {
		t.Errorf("rebuilt: %v", p)
	}
	again := &corev1.Projection{}
	w.must(t, "sysadmin", workService+"RebuildProjection", ask, again)
	if again.GetState() != corev1.Projection_REBUILT || again.GetEtag() != p.GetEtag() {
		t.Errorf("the same request again: %v", again)
	}
	if f := w.try(t, "sysadmin", workService+"RebuildProjection", &corev1.RebuildProjectionRequest{Name: region + "/projections/directory"}, again); outcome(f) != "hidden" {
		t.Errorf("a service without any: %v", f)
	}
	command := app.Rebuild{URL: "http://" + w.app.HTTPAddr + "/", Region: "120105", Token: w.as(t, "sysadmin")}
	if done, err := command.Run(t.Context(), "counsel"); err != nil || done.GetSubjectCount() != 2 || done.GetRequestTime().AsTime().Equal(p.GetRequestTime().AsTime()) {
		t.Errorf("by command: %v, %v", done, err)
	}
	command.Token = w.as(t, "reviewer")
	if _, err := command.Run(t.Context(), "counsel"); err == nil || !strings.Contains(err.Error(), "ROLE_REQUIRED") {
		t.Errorf("by a reviewer: %v", err)
	}
}

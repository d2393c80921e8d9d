package projection

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"
	datepb "google.golang.org/genproto/googleapis/type/date"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
)

// fill puts tasks of many people straight into the rows.
func (f *fixture) fill(tasks, people int) {
	f.t.Helper()
	var all errgroup.Group
	all.SetLimit(2 * workers)
	for i := range tasks {
		all.Go(func() error { return f.fillOne(i, people) })
	}
	f.ok(all.Wait())
}

func (f *fixture) fillOne(i, people int) error {
	state := corev1.Task_OPEN
	if i%4 > 0 {
		state = corev1.Task_DONE
	}
	return errors.Join(f.rows.tasks.Put(f.t.Context(), &corev1.Task{
		Name: fmt.Sprintf("%s/tasks/t%06d", region, i), Kind: reviewKinds[i%3], State: state, Title: "示例办法",
		Assignee: fmt.Sprintf("%s/people/p%d", region, i%people), Subject: paperName(i), Resource: paperName(i),
		Rank: fmt.Sprintf("2026-%02d-%02d", 1+i%12, 1+i%28),
	}), f.rows.lines.Put(f.t.Context(), &corev1.FigureLine{
		Name: fmt.Sprintf("%s/figures/m01/lines/l%06d", region, i), Subject: paperName(i), Bureau: fmt.Sprint("unit-", i%50),
		SubjectKind: "papers", EventDate: &datepb.Date{Year: int32(2000 + i%30), Month: int32(1 + i%12), Day: 1}, Count: 1, Denominator: 1,
	}))
}

func query(t testing.TB, in *corev1.ListTasksRequest, who auth.Caller) docstore.Query {
	t.Helper()
	today, err := calendar.ParseDate("2026-05-12")
	if err != nil {
		t.Fatal(err)
	}
	q, err := tasksQuery(in, who, today)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// Every list reads about what it answers, however many rows there are.
func TestListsReadWhatTheyAnswer(t *testing.T) {
	everywhere(t, func(t *testing.T, f *fixture) {
		f.fill(1200, 40)
		me := auth.Caller{Person: region + "/people/p4", Region: region, Bureau: region + "/bureaus/x", Roles: []corev1.Role{corev1.Role_ROLE_REVIEWER}}
		other := region + "/people/p8"
		for what, in := range map[string]*corev1.ListTasksRequest{
			"open":           {PageSize: 5},
			"done":           {PageSize: 5, State: corev1.Task_DONE, Assignee: region + "/people/p5"},
			"of a kind":      {PageSize: 5, Kind: corev1.Task_ACCEPT_CASE},
			"overdue":        {PageSize: 5, Overdue: true},
			"another's":      {PageSize: 5, Assignee: other},
			"another's late": {PageSize: 5, Assignee: other, Overdue: true, DueByDate: on(t, "2026-04-01")},
		} {
			page, err := f.rows.tasks.List(t.Context(), query(t, in, me))
			if f.ok(err); len(page.Items) == 0 || page.Examined > 10*len(page.Items) {
				t.Errorf("%s: %d read for %d", what, page.Examined, len(page.Items))
			}
		}
		for what, q := range map[string]docstore.Query{
			"lines":     {Equal: map[string]any{docstore.FieldParent: region + "/figures/m01"}},
			"bureau's":  {Equal: map[string]any{docstore.FieldParent: region + "/figures/m01", "bureau": "unit-7"}},
			"a subject": {Equal: map[string]any{"subject": paperName(7)}},
			"subjects":  {Range: &docstore.Range{Field: "subject", From: paperName(7), To: paperName(9)}},
		} {
			if q.Range == nil && q.Equal["subject"] == nil {
				q.Range, q.PageSize = &docstore.Range{Field: "event_date", From: "2001-01-01", To: "2027-01-01"}, 5
			}
			page, err := f.rows.lines.List(t.Context(), q)
			if f.ok(err); len(page.Items) == 0 || page.Examined > 10*len(page.Items) {
				t.Errorf("%s: %d read for %d", what, page.Examined, len(page.Items))
			}
		}
	})
}

// BenchmarkListTasks lists the first page of one reviewer's open tasks among
// 100,000, with its watermark.
func BenchmarkListTasks(b *testing.B) {
	f := newFixture(b, openSQLite(b))
	f.fill(100_000, 200)
	me := auth.Caller{Person: region + "/people/p4", Region: region, Bureau: region + "/bureaus/x", Roles: []corev1.Role{corev1.Role_ROLE_REVIEWER}}
	q := query(b, &corev1.ListTasksRequest{PageSize: 50}, me)
	b.Run("tasks", func(b *testing.B) {
		for b.Loop() {
			if _, err := f.watermark(b.Context(), region); err != nil {
				b.Fatal(err)
			}
			page, err := f.rows.tasks.List(b.Context(), q)
			if err != nil || len(page.Items) != 50 {
				b.Fatal(len(page.Items), err)
			}
		}
	})
	b.Run("figure", func(b *testing.B) {
		for b.Loop() {
			groups, err := f.rows.lines.Aggregate(b.Context(), docstore.Query{
				Equal: map[string]any{docstore.FieldParent: region + "/figures/m01"},
				Range: &docstore.Range{Field: "event_date", From: "2026-01-01", To: "2027-01-01"},
			}, []string{"bureau"}, []string{"count", "numerator", "denominator"})
			if err != nil || len(groups) == 0 {
				b.Fatal(len(groups), err)
			}
		}
	})
}

// BenchmarkRebuild works out the rows of 2,000 documents, with a history of three
// entries each: all of them missing, and all of them there.
func BenchmarkRebuild(b *testing.B) {
	f := newFixture(b, openSQLite(b))
	const papers = 2000
	for i := range papers {
		for _, state := range []string{"A", "B", "C"} {
			f.write(i, state, "示例办法", "x", "y")
		}
	}
	f.drain()
	f.seek(fmt.Sprint(3 * papers))
	run := func(name string, before func()) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				before()
				f.requested(f.name(region))
				b.StartTimer()
				if err := f.CatchUp(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(5*papers*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
	run("missing", func() {
		for _, l := range []func() error{
			func() error { return deleteAll(b, f.rows.tasks) }, func() error { return deleteAll(b, f.rows.lines) },
		} {
			f.ok(l())
		}
	})
	run("there", func() {})
}

func deleteAll[M row](b *testing.B, rows docstore.Derived[M]) error {
	b.Helper()
	var names []string
	if err := each(b.Context(), rows, docstore.Query{}, func(m M) { names = append(names, m.GetName()) }); err != nil {
		return err
	}
	for _, name := range names {
		if err := rows.Delete(b.Context(), name); err != nil {
			return err
		}
	}
	return nil
}

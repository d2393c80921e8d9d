package projection

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
)

// random writes a number of papers at random.
func (f *fixture) random(r *rand.Rand, n int) {
	f.t.Helper()
	for range n {
		f.write(r.IntN(20), []string{"A", "B", "C"}[r.IntN(3)], fmt.Sprint("标题", r.IntN(100)), []string{"x", "y", "z", "u"}[:r.IntN(5)]...)
	}
}

// seek sets the watermark.
func (f *fixture) seek(at string) {
	f.t.Helper()
	f.ok(f.engine.SetProperty(f.t.Context(), f.property(region), at))
}

// However often and in whatever pieces the feed is seen, and whoever sees it, the
// rows are those of the documents.
func TestRowsAreThoseOfTheDocuments(t *testing.T) {
	everywhere(t, func(t *testing.T, f *fixture) {
		r := rand.New(rand.NewPCG(1, 2))
		for range 5 {
			f.random(r, 30)
			f.drain()
			f.ok(f.CatchUp(t.Context()))
			f.same("after writes")
		}
		f.seek("") // once more from the beginning
		f.ok(f.CatchUp(t.Context()))
		f.same("seen twice")
		n, err := f.project(t.Context(), []string{paperName(1), paperName(1), paperName(2), paperName(777)})
		if f.ok(err); n != 0 {
			t.Errorf("%d rows changed", n)
		}
		other := f.projector(1) // one that believes in its lease, too
		var all sync.WaitGroup
		for _, p := range []*Projector{f.Projector, other} {
			all.Go(func() {
				for range 15 {
					if _, err := p.step(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for i := range 15 {
			f.write(i, "D", "同时", "x")
			f.drain()
			f.seek(fmt.Sprint(r.IntN(100)))
		}
		all.Wait()
		f.ok(f.CatchUp(t.Context()))
		f.same("seen by two, back and forth, while papers were written")
	})
}

// tamper makes rows wrong in every way: changed, gone, and of what never was.
func (f *fixture) tamper() (wrong int64) {
	f.t.Helper()
	ctx := f.t.Context()
	page, err := f.rows.tasks.List(ctx, docstore.Query{PageSize: 5})
	f.ok(err)
	for _, m := range page.Items {
		m.Title = "被改动"
		f.ok(f.rows.tasks.Put(ctx, m))
	}
	lines, err := f.rows.lines.List(ctx, docstore.Query{PageSize: 4})
	f.ok(err)
	for _, l := range lines.Items {
		f.ok(f.rows.lines.Delete(ctx, l.GetName()))
	}
	for _, subject := range []string{paperName(-1), paperName(9999), region + "/other/x"} {
		f.ok(f.rows.tasks.Put(ctx, &corev1.Task{Name: region + "/tasks/stray-" + fmt.Sprint(len(subject), subject[len(subject)-1:]), Subject: subject, State: corev1.Task_OPEN}))
	}
	f.ok(f.rows.lines.Put(ctx, &corev1.FigureLine{Name: region + "/figures/m01/lines/stray", Subject: paperName(5) + "x", Count: 7}))
	return int64(len(page.Items) + len(lines.Items) + 4)
}

func (f *fixture) requested(name string) *corev1.Projection {
	f.t.Helper()
	m, err := f.request(docstoretest.As(f.t.Context(), region+"/people/admin", ""), name, region+"/people/admin")
	f.ok(err)
	return m
}

// A rebuild puts right whatever is wrong, and counts it.
func TestRebuild(t *testing.T) {
	everywhere(t, func(t *testing.T, f *fixture) {
		f.random(rand.New(rand.NewPCG(3, 4)), 60)
		f.drain()
		f.ok(f.CatchUp(t.Context()))
		wrong := f.tamper()
		name := f.name(region)
		if m := f.requested(name); m.GetState() != corev1.Projection_REBUILDING {
			t.Errorf("asked for: %v", m)
		}
		if m := f.requested(name); m.GetState() != corev1.Projection_REBUILDING {
			t.Errorf("asked for again: %v", m)
		}
		if w, err := f.watermark(t.Context(), region); err != nil || !w.GetRebuilding() {
			t.Errorf("watermark %v, %v", w, err)
		}
		f.ok(f.CatchUp(t.Context()))
		f.same("rebuilt")
		m, _, err := f.rows.projections.Get(t.Context(), name)
		f.ok(err)
		if m.GetState() != corev1.Projection_REBUILT || m.GetCorrectedCount() != wrong || m.GetSubjectCount() == 0 {
			t.Errorf("%d rows were wrong: %v", wrong, m)
		}
		if m := f.requested(name); m.GetState() != corev1.Projection_REBUILDING || m.GetCompleteTime() != nil {
			t.Errorf("asked for anew: %v", m)
		}
		f.ok(f.CatchUp(t.Context()))
		if m, _, err = f.rows.projections.Get(t.Context(), name); err != nil || m.GetCorrectedCount() != 0 {
			t.Errorf("nothing was wrong: %v, %v", m, err)
		}
		history, _, err := f.rows.projections.History(t.Context(), name, 10, "")
		if f.ok(err); len(history) != 4 || history[0].GetActor() != region+"/people/admin" || history[3].GetActor() != "services/papers" {
			t.Errorf("on record: %v", history)
		}
	})
}

// While rows are rebuilt, papers are written and rows answered; in the end they
// are those of the documents.
func TestRebuildWhileServing(t *testing.T) {
	everywhere(t, func(t *testing.T, f *fixture) {
		f.random(rand.New(rand.NewPCG(5, 6)), 60)
		f.drain()
		f.ok(f.CatchUp(t.Context()))
		f.tamper()
		f.requested(f.name(region))
		var all sync.WaitGroup
		all.Go(func() {
			if err := f.CatchUp(t.Context()); err != nil {
				t.Error(err)
			}
		})
		r := rand.New(rand.NewPCG(7, 8))
		for range 15 {
			f.random(r, 3)
			f.drain()
			page, err := f.rows.tasks.List(t.Context(), docstore.Query{
				Equal: map[string]any{"state": corev1.Task_OPEN}, AnyOf: &docstore.AnyOf{Field: "assignee", Values: []string{"unit-0", "unit-1", "unit-2"}},
				OrderBy: "rank", PageSize: 100,
			})
			if err != nil || len(page.Items) == 0 {
				t.Errorf("%d tasks meanwhile, %v", len(page.Items), err)
			}
		}
		all.Wait()
		f.ok(f.CatchUp(t.Context()))
		f.same("rebuilt under writes")
	})
}

// What an answer says of its reach holds at every stage of an entry's way.
func TestWatermark(t *testing.T) {
	everywhere(t, func(t *testing.T, f *fixture) {
		mark := func() *corev1.Watermark {
			t.Helper()
			w, err := f.watermark(t.Context(), region)
			f.ok(err)
			return w
		}
		before := f.clock.Now()
		if w := mark(); !w.GetAsOfTime().AsTime().After(before) || w.GetPosition() != 0 {
			t.Errorf("nothing there: %v", w)
		}
		f.write(1, "A", "标题")
		written := f.clock.Now()
		if w := mark(); w.GetAsOfTime().AsTime().After(written) || w.GetBehindCount() != 0 {
			t.Errorf("not relayed: %v", w)
		}
		f.drain()
		if w := mark(); w.GetAsOfTime().AsTime().After(written) || w.GetBehindCount() != 1 {
			t.Errorf("relayed: %v", w)
		}
		f.ok(f.CatchUp(t.Context()))
		if w := mark(); !w.GetAsOfTime().AsTime().After(written) || w.GetBehindCount() != 0 || w.GetPosition() != 1 {
			t.Errorf("worked in: %v", w)
		}
	})
}

// A subject whose rows cannot be worked out holds the watermark, so that nobody
// takes what is missing for what is.
func TestFailureHoldsTheWatermark(t *testing.T) {
	f := newFixture(t, openSQLite(t))
	rows := f.d.Rows
	failing := func(fail func() (Rows, error)) {
		f.d.Rows = func(ctx context.Context, subject string) (Rows, error) {
			if subject == paperName(2) {
				return fail()
			}
			return rows(ctx, subject)
		}
	}
	for i := range 4 {
		f.write(i, "A", "标题")
	}
	f.drain()
	for what, fail := range map[string]func() (Rows, error){
		"an error": func() (Rows, error) { return Rows{}, errors.New("示例故障") },
		"a panic":  func() (Rows, error) { panic("示例故障") },
	} {
		failing(fail)
		if err := f.CatchUp(t.Context()); err == nil || !strings.Contains(err.Error(), "示例故障") {
			t.Errorf("%s: %v", what, err)
		}
		if w, err := f.watermark(t.Context(), region); err != nil || w.GetPosition() != 0 || w.GetBehindCount() != 4 {
			t.Errorf("%s: %v, %v", what, w, err)
		}
	}
	f.d.Rows = rows
	f.ok(f.CatchUp(t.Context()))
	f.same("repaired")
}

// Rules of another version have every row worked out anew, without a command.
func TestOtherRulesBeginAnew(t *testing.T) {
	f := newFixture(t, openSQLite(t))
	f.random(rand.New(rand.NewPCG(9, 10)), 40)
	f.drain()
	f.ok(f.CatchUp(t.Context()))
	f.same("version 1")
	f.Projector = f.projector(2)
	if w, err := f.watermark(t.Context(), region); err != nil || w.GetBehindCount() != 40 {
		t.Errorf("%v, %v", w, err)
	}
	f.ok(f.CatchUp(t.Context()))
	if got, want := f.stored(), f.counted(2); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v\nwant\n%v", got, want)
	}
}

// In the background, what is relayed is worked in by itself.
func TestBackground(t *testing.T) {
	f := newFixture(t, openSQLite(t))
	worked := make(chan struct{}, 100)
	rows := f.d.Rows
	f.d.Rows = func(ctx context.Context, subject string) (Rows, error) {
		worked <- struct{}{}
		return rows(ctx, subject)
	}
	f.Start()
	f.write(1, "A", "标题")
	f.drain()
	f.Wake()
	<-worked
	f.ok(f.Close())
	f.ok(f.CatchUp(t.Context()))
	f.same("in the background")
}

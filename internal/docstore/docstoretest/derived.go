package docstoretest

import (
	"errors"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"fashen/internal/docstore"
)

var rowsSpec = docstore.Spec{
	Name: "rows",
	Indexes: []docstore.Index{
		{Fields: []string{"unit", "state", "count"}},
		{Fields: []string{"tags", "count"}},
		{Fields: []string{"unit", "number"}, Unique: true},
	},
}

func row(name string, fields map[string]any) Paper {
	return Row.Paper("regions/120105/rows/"+name, fields)
}

// derivedRows opens the rows of the suite and ends the test when it cannot.
func (f *fixture) derivedRows() docstore.Derived[Paper] {
	f.t.Helper()
	rows, err := docstore.NewDerived[Paper](f.t.Context(), f.engine, rowsSpec, docstore.Options{Clock: f.clock.Now, New: Row.New, TokenKey: suiteKey})
	if err != nil {
		f.t.Fatal(err)
	}
	return rows
}

func testDerived(t *testing.T, open Opener) {
	t.Run("Rows", func(t *testing.T) { testRows(newFixture(t, open)) })
	t.Run("Race", func(t *testing.T) { testRowRace(newFixture(t, open)) })
	t.Run("Kinds", func(t *testing.T) {
		f := newFixture(t, open)
		if _, err := docstore.NewDerived[Paper](t.Context(), f.engine, rowsSpec, docstore.Options{New: V1.New}); err == nil {
			t.Error("documents are taken for rows")
		}
		if _, err := docstore.NewCollection[Paper](t.Context(), f.engine, rowsSpec, docstore.Options{New: Row.New}); err == nil {
			t.Error("rows are taken for documents")
		}
	})
}

// testRows: rows come, change and go, with their places in every index, and leave
// nothing to relay.
func testRows(f *fixture) {
	t, ctx, rows := f.t, f.t.Context(), f.derivedRows()
	put := func(name string, fields map[string]any) {
		t.Helper()
		if err := rows.Put(ctx, row(name, fields)); err != nil {
			t.Fatal(err)
		}
	}
	listed := func(want string, q docstore.Query) {
		t.Helper()
		page, err := rows.List(ctx, q)
		got := ""
		for _, m := range page.Items {
			got += Text(m, "title") + " "
		}
		if err != nil || got != want {
			t.Errorf("listed %q, want %q (%v)", got, want, err)
		}
	}
	draft := docstore.Query{Equal: map[string]any{"unit": "u", "state": StateDraft}, OrderBy: "count"}
	tagged := docstore.Query{AnyOf: &docstore.AnyOf{Field: "tags", Values: []string{"x", "y"}}, OrderBy: "count"}
	put("a", map[string]any{"title": "A", "unit": "u", "state": StateDraft, "count": int64(2), "tags": []string{"x", "y"}})
	put("b", map[string]any{"title": "B", "unit": "u", "state": StateDraft, "count": int64(1), "tags": []string{"y"}, "number": "1"})
	listed("B A ", draft)
	listed("B A ", tagged)
	put("a", map[string]any{"title": "A2", "unit": "u", "state": StateSubmitted, "count": int64(0), "tags": []string{"z"}})
	listed("B ", draft)
	listed("B ", tagged)
	if err := rows.Put(ctx, row("c", map[string]any{"unit": "u", "number": "1"})); !errors.Is(err, docstore.ErrAlreadyExists) {
		t.Errorf("a second row of a unique number: %v", err)
	}
	before, err := rows.List(ctx, draft)
	if err != nil {
		t.Fatal(err)
	}
	put("b", map[string]any{"title": "B", "unit": "u", "state": StateDraft, "count": int64(1), "tags": []string{"y"}, "number": "1"})
	if after, err := rows.List(ctx, draft); err != nil || after.Metas[0].Revision != before.Metas[0].Revision {
		t.Errorf("putting what is there was a write: %v, %v", after.Metas, err)
	}
	groups, err := rows.Aggregate(ctx, docstore.Query{Equal: map[string]any{"unit": "u"}}, []string{"state"}, []string{"count"})
	if err != nil || len(groups) != 2 || groups[0].Count != 1 {
		t.Errorf("groups %v, %v", groups, err)
	}
	for range 2 {
		if err := rows.Delete(ctx, "regions/120105/rows/b"); err != nil {
			t.Fatal(err)
		}
	}
	listed("", draft)
	listed("", tagged)
	if _, err := rows.Get(ctx, "regions/120105/rows/b"); !errors.Is(err, docstore.ErrNotFound) {
		t.Errorf("a deleted row: %v", err)
	}
	put("c", map[string]any{"unit": "u", "number": "1"}) // the number is free again
	for _, table := range f.engine.Tables() {
		if rs, err := table.Pending(ctx, 10); err != nil || len(rs) > 0 {
			t.Errorf("%s: %d rows wait to be relayed, %v", table.Spec().Name, len(rs), err)
		}
	}
}

const writersOfRow = 16

// testRowRace: 16 writers count on one row while others put and delete another;
// no count is lost.
func testRowRace(f *fixture) {
	t, ctx, rows := f.t, f.t.Context(), f.derivedRows()
	if err := rows.Put(ctx, row("sum", nil)); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range writersOfRow {
		all.Go(func() {
			_, err := rows.Update(ctx, "regions/120105/rows/sum", func(m Paper) error {
				Set(m, "count", Int(m, "count")+1)
				return nil
			})
			if err == nil {
				err = rows.Put(ctx, row("other", map[string]any{"tags": []string{"x"}}))
			}
			if err == nil {
				err = rows.Delete(ctx, "regions/120105/rows/other")
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	m, err := rows.Update(ctx, "regions/120105/rows/sum", func(Paper) error { return docstore.ErrUnchanged })
	if err != nil || Int(m, "count") != writersOfRow {
		t.Errorf("counted %v of %d, %v", Int(m, "count"), writersOfRow, err)
	}
	if same, err := rows.Get(ctx, "regions/120105/rows/sum"); err != nil || !proto.Equal(m, same) {
		t.Errorf("read %v, %v", same, err)
	}
	page, err := rows.List(ctx, docstore.Query{AnyOf: &docstore.AnyOf{Field: "tags", Values: []string{"x"}}, OrderBy: "count"})
	if err != nil || len(page.Items) != 0 {
		t.Errorf("%d index rows of a row that is gone, %v", len(page.Items), err)
	}
}

package docstoretest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"fashen/internal/docstore"

	corev1 "fashen/gen/fashen/core/v1"
)

func testMigrations(t *testing.T, open Opener) {
	t.Run("StepByStep", func(t *testing.T) { stepByStep(newFixture(t, open)) })
	t.Run("Empty", func(t *testing.T) { emptyStore(t, open) })
	t.Run("Unfinished", func(t *testing.T) { unfinishedImport(newFixture(t, open)) })
}

// retitle puts a suffix to every title that does not have it.
func (f *fixture) retitle(to int, suffix string) docstore.Migration {
	return docstore.Migration{To: to, Name: "titles-end-in-" + suffix, Run: func(ctx context.Context, e docstore.Engine) error {
		papers, err := docstore.NewCollection[Paper](ctx, e, PaperSpec, docstore.Options{Clock: f.clock.Now, New: V1.New})
		if err != nil {
			return err
		}
		page, err := papers.List(ctx, docstore.Query{})
		if err != nil {
			return err
		}
		for _, m := range page.Items {
			_, _, err := papers.Update(ctx, Text(m, "name"), docstore.Precondition{}, func(m Paper, _ docstore.Meta) (docstore.Change, error) {
				if strings.HasSuffix(Text(m, "title"), suffix) {
					return docstore.Change{}, docstore.ErrUnchanged
				}
				Set(m, "title", Text(m, "title")+suffix)
				return docstore.Change{}, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}}
}

var errCutOff = errors.New("cut off")

// stepByStep: an old store passes every step once, in order, goes on after a
// step that failed, tells in the journal what was changed by whom, and is then
// refused by an older server.
func stepByStep(f *fixture) {
	f.create(paperA, map[string]any{"title": "t"})
	second := f.retitle(2, "-two")
	third := f.retitle(3, "-three")
	failing := third
	failing.Run = func(ctx context.Context, e docstore.Engine) error {
		return errors.Join(third.Run(ctx, e), errCutOff)
	}
	f.want("a step that fails", docstore.Prepare(f.ctx, f.engine, "papers", []docstore.Migration{second, failing}), errCutOff)
	version, err := docstore.SchemaVersion(f.ctx, f.engine)
	if err != nil || version != 2 {
		f.t.Errorf("version %d, %v after the first step", version, err)
	}
	for range 2 {
		f.ok("prepare", docstore.Prepare(f.ctx, f.engine, "papers", []docstore.Migration{second, third}))
	}
	if m, _ := f.get(paperA); Text(m, "title") != "t-two-three" {
		f.t.Errorf("title %q", Text(m, "title"))
	}
	var by []string
	for _, e := range f.history(paperA)[1:] {
		by = append(by, e.GetActor()+" "+e.GetMethod())
		if e.GetOutcome() != corev1.Outcome_OUTCOME_DONE {
			f.t.Errorf("outcome %v", e.GetOutcome())
		}
	}
	if got := strings.Join(by, ", "); got != "services/papers migration/titles-end-in--two, services/papers migration/titles-end-in--three" {
		f.t.Errorf("the journal says %s", got)
	}
	f.want("an older server", docstore.Prepare(f.ctx, f.engine, "papers", []docstore.Migration{second}), docstore.ErrNewerSchema)
	f.verified()
	if err := docstore.Prepare(f.ctx, f.engine, "papers", []docstore.Migration{third}); err == nil {
		f.t.Error("migrations with a gap passed")
	}
}

// emptyStore: a new store has nothing to migrate.
func emptyStore(t *testing.T, open Opener) {
	e, _ := open(t)
	never := docstore.Migration{To: 2, Name: "never", Run: func(context.Context, docstore.Engine) error { return errCutOff }}
	if err := docstore.Prepare(t.Context(), e, "papers", []docstore.Migration{never}); err != nil {
		t.Error(err)
	}
	if version, err := docstore.SchemaVersion(t.Context(), e); err != nil || version != 2 {
		t.Errorf("version %d, %v", version, err)
	}
}

// unfinishedImport: a store that an import left is not served.
func unfinishedImport(f *fixture) {
	f.ok("begin", docstore.BeginImport(f.ctx, f.engine))
	f.want("a part of an archive", docstore.Prepare(f.ctx, f.engine, "papers", nil), docstore.ErrImportUnfinished)
	f.ok("end", docstore.EndImport(f.ctx, f.engine, 1))
	f.ok("prepare", docstore.Prepare(f.ctx, f.engine, "papers", nil))
}

package docstoretest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"fashen/internal/docstore"
	"fashen/internal/journal"
)

func testRaces(t *testing.T, open Opener) {
	t.Run("SixteenWriters", func(t *testing.T) { sixteenWriters(newFixture(t, open)) })
	t.Run("OneEtag", func(t *testing.T) { oneEtag(newFixture(t, open)) })
	t.Run("UniqueNumber", func(t *testing.T) { uniqueNumber(newFixture(t, open)) })
}

// parallel runs n callers at once and fails on their errors.
func (f *fixture) parallel(n int, do func(i int) error) {
	f.t.Helper()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	f.ok("one of several callers", errors.Join(errs...))
}

// sixteenWriters count up one document, while its entries are drained.
func sixteenWriters(f *fixture) {
	const writers, each = 16, 10
	f.create(paperA, nil)
	drainer := journal.NewDrainer(f.engine, journal.Options{})
	f.parallel(writers+1, func(i int) error {
		for range each {
			if i == writers {
				if err := drainer.Drain(f.ctx); err != nil {
					return err
				}
				continue
			}
			_, _, err := f.papers.Update(f.ctx, paperA, docstore.Precondition{}, func(m Paper, _ docstore.Meta) (docstore.Change, error) {
				Set(m, "count", int(Int(m, "count"))+1)
				return docstore.Change{}, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	m, meta := f.get(paperA)
	if got := Int(m, "count"); got != writers*each || meta.Revision != writers*each+1 {
		f.t.Errorf("counted %d, revision %d", got, meta.Revision)
	}
	if n := len(f.history(paperA)); n != writers*each+1 {
		f.t.Errorf("%d entries", n)
	}
	f.verified()
}

// oneEtag: of many who saw one version, one gets through.
func oneEtag(f *fixture) {
	_, meta := f.create(paperA, nil)
	won := make([]bool, 16)
	f.parallel(len(won), func(i int) error {
		_, _, err := f.papers.Update(f.ctx, paperA, docstore.Precondition{Etag: meta.Etag}, set("title", fmt.Sprint(i)))
		if errors.Is(err, docstore.ErrConflict) {
			return nil
		}
		won[i] = err == nil
		return err
	})
	n := 0
	for _, w := range won {
		if w {
			n++
		}
	}
	if n != 1 {
		f.t.Errorf("%d writers got through", n)
	}
}

// uniqueNumber: a number is claimed by one document.
func uniqueNumber(f *fixture) {
	won := make([]bool, 16)
	f.parallel(len(won), func(i int) error {
		paper := V1.Paper(fmt.Sprint("regions/120105/papers/", i), map[string]any{"unit": "u", "number": "7"})
		_, _, err := f.papers.Create(f.ctx, paper, docstore.Change{})
		if errors.Is(err, docstore.ErrAlreadyExists) {
			return nil
		}
		won[i] = err == nil
		return err
	})
	n := 0
	for _, w := range won {
		if w {
			n++
		}
	}
	if n != 1 {
		f.t.Errorf("%d documents have the number", n)
	}
}

package checkpoint_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	_ "modernc.org/sqlite" // the second, plain connection

	"fashen/internal/checkpoint"
	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
	"fashen/internal/docstore/mongo"
	"fashen/internal/docstore/mongo/mongotest"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/journal"
)

const region = "regions/120105"

// engines are what the tests run on: SQLite always, MongoDB when a server is given.
func engines(t *testing.T, run func(t *testing.T, open func(t testing.TB) docstore.Engine)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, openSQLite) })
	if uri := mongotest.URI(); uri != "" {
		t.Run("mongodb", func(t *testing.T) {
			run(t, func(t testing.TB) docstore.Engine {
				e, err := mongo.Open(t.Context(), uri, mongotest.Database(t, uri))
				return opened(t, e, err)
			})
		})
	}
}

func openSQLite(t testing.TB) docstore.Engine {
	e, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), sqlite.Options{})
	return opened(t, e, err)
}

func opened(t testing.TB, e docstore.Engine, err error) docstore.Engine {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// desk writes papers into a store. Two desks that write the same write the same
// entries, at the same times.
type desk struct {
	t      testing.TB
	ctx    context.Context
	engine docstore.Engine
	papers docstore.Collection[docstoretest.Paper]
}

func newDesk(t testing.TB, e docstore.Engine) *desk {
	t.Helper()
	d := &desk{t: t, ctx: docstoretest.As(t.Context(), region+"/people/zhang", ""), engine: e}
	var err error
	d.papers, err = docstore.NewCollection[docstoretest.Paper](d.ctx, e, docstoretest.PaperSpec,
		docstore.Options{New: docstoretest.V1.New, Clock: docstoretest.NewClock().Now})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func paper(n int) string { return fmt.Sprintf("%s/papers/%03d", region, n) }

func (d *desk) create(n int, title string) {
	d.t.Helper()
	if _, _, err := d.papers.Create(d.ctx, docstoretest.V1.Paper(paper(n), map[string]any{"title": title}), docstore.Change{}); err != nil {
		d.t.Fatal(err)
	}
}

// drain gives the entries their positions.
func (d *desk) drain() {
	d.t.Helper()
	if err := journal.NewDrainer(d.engine, journal.Options{}).Drain(d.ctx); err != nil {
		d.t.Fatal(err)
	}
}

// written is a store with the papers of a list, one entry each, but for some.
func written(t testing.TB, e docstore.Engine, n int, title func(i int) string) *desk {
	t.Helper()
	d := newDesk(t, e)
	for i := range n {
		if text := title(i); text != "" {
			d.create(i, text)
			d.drain()
		}
	}
	return d
}

func plain(i int) string { return fmt.Sprint("示例 ", i) }

func newKey(t testing.TB) *checkpoint.Key {
	t.Helper()
	k, err := checkpoint.LoadKey(filepath.Join(t.TempDir(), "checkpoint.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newSigner(t testing.TB, e docstore.Engine, key *checkpoint.Key) *checkpoint.Signer {
	t.Helper()
	return checkpoint.NewSigner(checkpoint.Options{Service: "papers", Engine: e, Key: key, Folder: t.TempDir()})
}

func sign(t testing.TB, s *checkpoint.Signer) checkpoint.Checkpoint {
	t.Helper()
	c, err := s.Sign(t.Context(), region)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// found is what a comparison finds, each with its position, with nothing but the notes
// and the public key at hand.
func found(t *testing.T, e docstore.Engine, key *checkpoint.Key, notes ...checkpoint.Checkpoint) []string {
	t.Helper()
	var file strings.Builder
	for _, n := range notes {
		fmt.Fprintln(&file, n.Note)
	}
	verifier, err := checkpoint.Verifier(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	checkpoints, wrong := checkpoint.ReadFile([]byte(file.String()), verifier)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	r, err := checkpoint.Check(t.Context(), e.Log(), "papers", checkpoints)
	if err != nil {
		t.Fatal(err)
	}
	var problems []string
	for _, p := range r.Problems {
		if problems = append(problems, fmt.Sprint(p.Kind, " ", p.Sequence)); p.Resource != "fashen/papers/"+region || p.Text == "" {
			t.Errorf("%+v", p)
		}
	}
	return problems
}

// Whoever holds the database can write another history, whole in itself: every hash,
// head and position fits, and nothing of it can be told from the store alone. The
// checkpoints tell.
func TestCheckFindsAnotherHistory(t *testing.T) {
	const n = 12
	engines(t, func(t *testing.T, open func(testing.TB) docstore.Engine) {
		key := newKey(t)
		e := open(t)
		honest := written(t, e, n/2, plain)
		s := newSigner(t, e, key)
		early := sign(t, s)
		for i := n / 2; i < n; i++ {
			honest.create(i, plain(i))
		}
		honest.drain()
		late := sign(t, s)
		for name, c := range map[string]struct {
			entries int
			title   func(i int) string
			want    []string
		}{
			"the same":         {n, plain, nil},
			"the same and on":  {n + 3, plain, nil},
			"its tail is cut":  {n - 1, plain, []string{"TAIL_CUT 12"}},
			"nothing is left":  {0, plain, []string{"TAIL_CUT 1"}},
			"a title is other": {n, but(2, "改写"), []string{"FEED_REWRITTEN 1"}},
			"the last is":      {n, but(n-1, "改写"), []string{"FEED_REWRITTEN 7"}},
			"one is removed":   {n, but(n-2, ""), []string{"TAIL_CUT 12"}},
			"one is removed, and others appended": {
				n + 1, but(1, ""), []string{"FEED_REWRITTEN 1"},
			},
		} {
			t.Run(name, func(t *testing.T) {
				e := open(t)
				written(t, e, c.entries, c.title)
				report, err := journal.Verify(t.Context(), e, docstoretest.V1.Types())
				if err != nil || len(report.Problems) > 0 {
					t.Fatalf("the history is not whole in itself: %+v, %v", report, err)
				}
				if got := found(t, e, key, late, early); !slices.Equal(got, c.want) {
					t.Errorf("%v, want %v", got, c.want)
				}
			})
		}
	})
}

// but is plain with another title at one place; empty leaves the paper out.
func but(at int, title string) func(int) string {
	return func(i int) string {
		if i == at {
			return title
		}
		return plain(i)
	}
}

// What is changed in the file of a store by another tool, checkpoints tell too.
func TestCheckFindsTampering(t *testing.T) {
	for name, c := range map[string]struct {
		statement string
		want      []string
	}{
		"nothing":                   {`SELECT 1`, nil},
		"removed with its entries":  {`DELETE FROM journal WHERE position = 4; DELETE FROM doc_papers WHERE name LIKE '%/003'`, []string{"POSITION_MISSING 4"}},
		"several removed":           {`DELETE FROM journal WHERE position IN (1, 4, 5)`, []string{"POSITION_MISSING 1", "POSITION_MISSING 4"}},
		"removed, positions closed": {`DELETE FROM journal WHERE position = 4; UPDATE journal SET position = position - 1 WHERE position > 4`, []string{"TAIL_CUT 8"}},
		"tail":                      {`DELETE FROM journal WHERE position > 6`, []string{"TAIL_CUT 7"}},
		"moved to another feed":     {`UPDATE journal SET feed = 'global' WHERE position = 2`, []string{"POSITION_MISSING 2"}},
		"two change places":         {`UPDATE journal SET position = 99 WHERE position = 2; UPDATE journal SET position = 2 WHERE position = 3; UPDATE journal SET position = 3 WHERE position = 99`, []string{"FEED_REWRITTEN 1"}},
		"unreadable":                {`UPDATE journal SET entry = X'FF' WHERE position = 5`, []string{"FEED_REWRITTEN 1"}},
		"tiles only":                {`DELETE FROM properties`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			e, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			opened(t, e, err)
			written(t, e, 8, plain)
			key := newKey(t)
			c8 := sign(t, newSigner(t, e, key))
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.ExecContext(t.Context(), c.statement); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if got := found(t, e, key, c8); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// While 50 writers append and two relays position, checkpoints are taken by two
// processes; each is the beginning of the tree in the end, and the store agrees
// with all.
func TestCheckpointsWhileWriting(t *testing.T) {
	const writers, each, signers = 50, 8, 2
	engines(t, func(t *testing.T, open func(testing.TB) docstore.Engine) {
		e, key := open(t), newKey(t)
		d := newDesk(t, e)
		var relays [2]*journal.Drainer
		for i := range relays {
			relays[i] = journal.NewDrainer(e, journal.Options{})
		}
		var writing, signing sync.WaitGroup
		done := make(chan struct{})
		taken := make([][]checkpoint.Checkpoint, signers)
		for i := range signers {
			s := newSigner(t, e, key)
			signing.Go(func() {
				for over := false; !over; {
					select {
					case <-done:
						over = true
					default:
					}
					if err := relays[i].Drain(d.ctx); err != nil {
						t.Error(err)
						return
					}
					c, err := s.Sign(t.Context(), region)
					if err != nil {
						t.Error(err)
						return
					}
					taken[i] = append(taken[i], c)
				}
			})
		}
		for w := range writers {
			writing.Go(func() {
				for i := range each {
					d.create(w*each+i, plain(i))
				}
			})
		}
		writing.Wait()
		close(done)
		signing.Wait()
		final := newSigner(t, e, key)
		last := sign(t, final)
		if last.Size != writers*each {
			t.Fatalf("%d entries", last.Size)
		}
		all := slices.Concat(taken...)
		for _, c := range all {
			if c.Size == 0 {
				continue
			}
			hashes, err := final.Consistency(t.Context(), region, c.Size, last.Size)
			if err != nil {
				t.Fatal(err)
			}
			if err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(c.Size), uint64(last.Size), hashes, c.Root, last.Root); err != nil {
				t.Errorf("%d in %d: %v", c.Size, last.Size, err)
			}
		}
		if got := found(t, e, key, append(all, last)...); len(got) != 0 {
			t.Errorf("%v", got)
		}
		inclusion(t, e, final, last)
	})
}

// inclusion proves every entry, from what a client has of it: its hash and place.
func inclusion(t *testing.T, e docstore.Engine, s *checkpoint.Signer, c checkpoint.Checkpoint) {
	t.Helper()
	entries, err := e.Log().Feed(t.Context(), region, 0, int(c.Size))
	if err != nil || int64(len(entries)) != c.Size {
		t.Fatal(len(entries), err)
	}
	for _, at := range entries {
		leaf, hashes, err := s.Inclusion(t.Context(), region, at.Position, c.Size)
		if err != nil {
			t.Fatal(err)
		}
		want := rfc6962.DefaultHasher.HashLeaf(at.Entry.GetHash())
		if string(leaf) != string(want) {
			t.Errorf("leaf hash of %d: %x, want %x", at.Position, leaf, want)
		}
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(at.Position-1), uint64(c.Size), want, hashes, c.Root); err != nil {
			t.Errorf("%d: %v", at.Position, err)
		}
	}
}

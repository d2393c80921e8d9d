package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"fashen/internal/docstore"
)

// do is what one write does in a test.
type do = func(ctx context.Context, tx *sql.Tx) error

// insert makes notes.
func insert(notes ...string) do {
	return func(ctx context.Context, tx *sql.Tx) error {
		for _, n := range notes {
			if _, err := tx.ExecContext(ctx, `INSERT INTO notes (id, parent) VALUES (?, ?)`, n, strings.TrimPrefix(n, "orphan of ")); err != nil {
				return failure(err)
			}
		}
		return nil
	}
}

// notesQueue is the queue of a store that keeps notes. A note whose parent is
// not there is found by the commit, not before.
func notesQueue(t *testing.T) (*queue, func() []string) {
	t.Helper()
	e := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	_, err := e.queue.exec(t.Context(), `CREATE TABLE notes (id TEXT PRIMARY KEY,
		parent TEXT REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED)`)
	if err != nil {
		t.Fatal(err)
	}
	return e.queue, func() []string {
		t.Helper()
		var ids []string
		if err := e.inTx(t.Context(), func(tx *sql.Tx) (err error) {
			ids, err = texts(t.Context(), tx, `SELECT id FROM notes ORDER BY id`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return ids
	}
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// together has writes come in their order while another one goes on, so that
// they are one group, and answers their outcomes; meanwhile is called when all
// wait. A panic is an outcome too.
func together(t *testing.T, q *queue, meanwhile func(), dos ...do) []error {
	t.Helper()
	outcomes := make([]error, len(dos))
	var all sync.WaitGroup
	err := q.write(t.Context(), func(context.Context, *sql.Tx) error {
		for i, one := range dos {
			all.Go(func() {
				defer func() {
					if recover() != nil {
						outcomes[i] = errPanic
					}
				}()
				outcomes[i] = q.write(t.Context(), one)
			})
			for q.length() < i+1 {
				runtime.Gosched()
			}
		}
		if meanwhile != nil {
			meanwhile()
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	all.Wait()
	return outcomes
}

var errPanic = errors.New("panic")

func TestGroup(t *testing.T) {
	refused := errors.New("refused")
	refuse := func(ctx context.Context, tx *sql.Tx) error {
		return errors.Join(insert("x", "y")(ctx, tx), refused)
	}
	for name, c := range map[string]struct {
		writes []do
		want   []error
		kept   string
	}{
		"all are kept": {[]do{insert("a"), insert("b"), insert("c", "d")}, []error{nil, nil, nil}, "a b c d"},
		"a failed write undoes itself alone": {
			[]do{insert("a"), insert("b", "a"), refuse, insert("x")},
			[]error{nil, docstore.ErrAlreadyExists, refused, nil}, "a x",
		},
		"a failed commit fails all": {
			[]do{insert("a"), insert("orphan of nobody"), insert("a"), insert("c")},
			[]error{docstore.ErrUnavailable, docstore.ErrUnavailable, docstore.ErrUnavailable, docstore.ErrUnavailable}, "",
		},
		"so does a transaction that the database gave up": {
			[]do{insert("a"), func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, `INSERT OR ROLLBACK INTO notes (id) VALUES ('a')`)
				return failure(err)
			}, insert("c")},
			[]error{docstore.ErrUnavailable, docstore.ErrUnavailable, docstore.ErrUnavailable}, "",
		},
		"a panic is its leader's": {
			[]do{insert("a"), func(context.Context, *sql.Tx) error { panic("示例") }, insert("c")},
			[]error{errPanic, docstore.ErrUnavailable, docstore.ErrUnavailable}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			q, notes := notesQueue(t)
			for i, err := range together(t, q, nil, c.writes...) {
				if !errors.Is(err, c.want[i]) {
					t.Errorf("write %d: %v, want %v", i, err, c.want[i])
				}
			}
			if got := strings.Join(notes(), " "); got != c.kept {
				t.Errorf("kept %q, want %q", got, c.kept)
			}
			// The queue goes on.
			if err := q.write(t.Context(), insert("z")); err != nil || !slices.Contains(notes(), "z") {
				t.Errorf("the next write: %v", err)
			}
		})
	}
}

// TestGroupBound: who finds no room in a group is in the next.
func TestGroupBound(t *testing.T) {
	q, notes := notesQueue(t)
	writes := make([]do, 2*mostWrites+1)
	for i := range writes {
		writes[i] = insert(string(rune('一' + i)))
	}
	writes[0] = insert("orphan of nobody") // fails its group
	for i, err := range together(t, q, nil, writes...) {
		if failed := i < mostWrites; failed != (err != nil) {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if got := len(notes()); got != mostWrites+1 {
		t.Errorf("%d are kept", got)
	}
}

// TestGroupCancelled: who gives up while waiting has written nothing, who gives
// up after it began has the outcome.
func TestGroupCancelled(t *testing.T) {
	q, notes := notesQueue(t)
	ctx, cancel := context.WithCancel(t.Context())
	var late error
	var all sync.WaitGroup
	together(t, q, func() {
		all.Go(func() { late = q.write(ctx, insert("b")) })
		for q.length() < 2 {
			runtime.Gosched()
		}
		cancel()
		all.Wait()
	}, insert("a"))
	if !errors.Is(late, context.Canceled) || strings.Join(notes(), " ") != "a" {
		t.Errorf("given up while waiting: %v, kept %v", late, notes())
	}
	if err := q.write(ctx, insert("b")); !errors.Is(err, context.Canceled) {
		t.Errorf("given up before: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	err := q.write(ctx, func(inner context.Context, tx *sql.Tx) error {
		cancel()
		return insert("c")(inner, tx)
	})
	if err != nil || strings.Join(notes(), " ") != "a c" {
		t.Errorf("given up after it began: %v, kept %v", err, notes())
	}
}

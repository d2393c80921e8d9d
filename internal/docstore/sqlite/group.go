package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"

	"fashen/internal/docstore"
)

// mostWrites bounds a group, so that its first write waits for few others.
const mostWrites = 64

// queue lets writers that come at the same time share one transaction and its
// sync. Nobody waits for company: who comes while nobody writes, writes at once,
// and who comes while others write is in the next group. The first of a group
// writes for all of it, so a writer that is alone pays nothing for the queue.
type queue struct {
	db *sql.DB
	// begin and keep are around each write of a group, undo takes one back.
	begin, keep, undo *sql.Stmt

	mu      sync.Mutex
	busy    bool
	waiting []*write
}

// write is one that waits for its turn.
type write struct {
	do  func(tx *sql.Tx) error
	err error
	// turn is true for who is to write for the next group, false once it is over.
	turn chan bool
}

// errCutOff is the outcome of a write whose group ended by a panic.
var errCutOff = fmt.Errorf("%w: the write was cut off", docstore.ErrUnavailable)

func newQueue(ctx context.Context, db *sql.DB) (*queue, error) {
	q := &queue{db: db}
	for text, into := range map[string]**sql.Stmt{
		`SAVEPOINT one`: &q.begin, `RELEASE one`: &q.keep, `ROLLBACK TO one`: &q.undo,
	} {
		stmt, err := db.PrepareContext(ctx, text)
		if err != nil {
			return nil, failure(err)
		}
		*into = stmt
	}
	return q, nil
}

// write runs do in a transaction, others' writes perhaps before and after it, and
// answers when that is synced. An error of do undoes do and nothing else; one of
// the store undoes the group, and all of it fails. A context that ends while the
// write waits takes it out of the queue; once it has begun, it is seen through.
func (q *queue) write(ctx context.Context, do func(ctx context.Context, tx *sql.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// An interrupt would end the whole transaction.
	whole := context.WithoutCancel(ctx)
	w := &write{turn: make(chan bool, 1), err: errCutOff, do: func(tx *sql.Tx) error { return do(whole, tx) }}
	first := q.enter(w)
	if !first {
		select {
		case first = <-w.turn:
		case <-ctx.Done():
			if q.leave(w) {
				return ctx.Err()
			}
			first = <-w.turn
		}
	}
	if first {
		q.lead(w)
	}
	return w.err
}

// enter tells whether the write may begin at once.
func (q *queue) enter(w *write) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.busy {
		q.waiting = append(q.waiting, w)
		return false
	}
	q.busy = true
	return true
}

// leave tells whether the write was still waiting, and is no longer.
func (q *queue) leave(w *write) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, w)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// join takes out of the queue who writes together with the first.
func (q *queue) join(first *write) []*write {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), mostWrites-1)
	group := append([]*write{first}, q.waiting[:n]...)
	q.waiting = slices.Delete(q.waiting, 0, n)
	return group
}

// lead writes a group, gives the turn to the next, and tells the others.
func (q *queue) lead(first *write) {
	group := []*write{first}
	defer func() {
		for _, w := range group[1:] {
			w.turn <- false
		}
		q.pass()
	}()
	tx, err := q.db.BeginTx(context.Background(), nil)
	var outcomes []error
	if err == nil {
		group = q.join(first)
		outcomes, err = q.commit(tx, group)
	}
	for i, w := range group {
		if w.err = failure(err); err == nil {
			w.err = outcomes[i]
		}
	}
}

func (q *queue) pass() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.busy = false
		return
	}
	q.waiting[0].turn <- true
	q.waiting = slices.Delete(q.waiting, 0, 1)
}

// commit does the writes of a group and answers the outcome of each. An error is
// that of all: nothing of the group is kept.
func (q *queue) commit(tx *sql.Tx, group []*write) (outcomes []error, err error) {
	defer func() { _ = tx.Rollback() }() // nothing to do after a commit
	if len(group) == 1 {                 // the transaction itself undoes it
		if err := group[0].do(tx); err != nil {
			return []error{err}, nil
		}
		return []error{nil}, tx.Commit()
	}
	ctx := context.Background()
	begin, keep, undo := tx.StmtContext(ctx, q.begin), tx.StmtContext(ctx, q.keep), tx.StmtContext(ctx, q.undo)
	for _, w := range group {
		if _, err := begin.ExecContext(ctx); err != nil {
			return nil, err
		}
		own := w.do(tx)
		if own != nil {
			// Where the database has given up the transaction, there is nothing to go
			// back to.
			if _, err := undo.ExecContext(ctx); err != nil {
				return nil, fmt.Errorf("%w: %w, after %w", docstore.ErrUnavailable, err, own)
			}
		}
		outcomes = append(outcomes, own)
		if _, err := keep.ExecContext(ctx); err != nil {
			return nil, err
		}
	}
	return outcomes, tx.Commit()
}

// exec is a write of one statement.
func (q *queue) exec(ctx context.Context, query string, args ...any) (res sql.Result, err error) {
	err = q.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		res, err = tx.ExecContext(ctx, query, args...)
		return failure(err)
	})
	return res, err
}

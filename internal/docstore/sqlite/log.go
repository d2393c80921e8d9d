package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"google.golang.org/protobuf/proto"

	"fashen/internal/docstore"

	corev1 "fashen/gen/fashen/core/v1"
)

// log is the table of drained entries.
type log struct{ e *Engine }

// requestEntries bounds what one request id answers.
const requestEntries = 100

// Append is one transaction, so that nobody else gives a position meanwhile.
func (l *log) Append(ctx context.Context, entries []*corev1.JournalEntry) error {
	insert, err := l.e.statement(ctx, l.e.write, `INSERT INTO journal (resource, sequence, actor, request_id, time, entry, feed, position)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT coalesce(max(position), 0) + 1 FROM journal WHERE feed = ?7))
		ON CONFLICT (resource, sequence) DO NOTHING`)
	if err != nil {
		return err
	}
	return l.e.queue.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		stmt := tx.StmtContext(ctx, insert)
		for _, e := range entries {
			b, err := proto.Marshal(e)
			if err != nil {
				return fmt.Errorf("sqlite: encode entry %d of %s: %w", e.GetSequence(), e.GetResource(), err)
			}
			_, err = stmt.ExecContext(ctx, e.GetResource(), e.GetSequence(), e.GetActor(), e.GetRequestId(),
				e.GetTime().AsTime().UnixMilli(), b, docstore.FeedOf(e.GetResource()))
			if err != nil {
				return failure(err)
			}
		}
		return nil
	})
}

func (l *log) Last(ctx context.Context, resource string) (int64, error) {
	return l.number(ctx, `SELECT coalesce(max(sequence), 0) FROM journal WHERE resource = ?`, resource)
}

func (l *log) Head(ctx context.Context, feed string) (int64, error) {
	return l.number(ctx, `SELECT coalesce(max(position), 0) FROM journal WHERE feed = ?`, feed)
}

func (l *log) number(ctx context.Context, q string, args ...any) (n int64, err error) {
	stmt, err := l.e.statement(ctx, l.e.read, q)
	if err != nil {
		return 0, err
	}
	return n, failure(stmt.QueryRowContext(ctx, args...).Scan(&n))
}

func (l *log) Feeds(ctx context.Context) ([]string, error) {
	// One step of the index a feed: DISTINCT would read all of it.
	rows, err := l.e.query(ctx, `WITH RECURSIVE feeds (feed) AS (
		SELECT min(feed) FROM journal
		UNION ALL SELECT (SELECT min(j.feed) FROM journal j WHERE j.feed > feeds.feed) FROM feeds WHERE feeds.feed IS NOT NULL)
		SELECT feed FROM feeds WHERE feed IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var feed string
		if err := rows.Scan(&feed); err != nil {
			return nil, failure(err)
		}
		out = append(out, feed)
	}
	return out, failure(rows.Err())
}

func (l *log) Feed(ctx context.Context, feed string, after int64, limit int) ([]docstore.Positioned, error) {
	rows, err := l.e.query(ctx, `SELECT position, entry FROM journal WHERE feed = ? AND position > ? ORDER BY position LIMIT ?`,
		feed, after, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []docstore.Positioned
	for rows.Next() {
		at := docstore.Positioned{Entry: &corev1.JournalEntry{}}
		var b []byte
		if err := rows.Scan(&at.Position, &b); err != nil {
			return nil, failure(err)
		}
		if err := proto.Unmarshal(b, at.Entry); err != nil {
			return nil, fmt.Errorf("%w: journal entry at %d of %s cannot be read", docstore.ErrUnavailable, at.Position, feed)
		}
		out = append(out, at)
	}
	return out, failure(rows.Err())
}

func (l *log) History(ctx context.Context, resource string, from int64, limit int) ([]*corev1.JournalEntry, error) {
	return entries(l.query(ctx, `SELECT resource, sequence, entry FROM journal
		WHERE resource = ? AND sequence >= ? ORDER BY sequence LIMIT ?`, resource, from, limit))
}

func (l *log) ByRequest(ctx context.Context, actor, requestID string) ([]*corev1.JournalEntry, error) {
	return entries(l.query(ctx, `SELECT resource, sequence, entry FROM journal
		WHERE actor = ? AND request_id = ? AND request_id <> '' ORDER BY time DESC LIMIT ?`, actor, requestID, requestEntries))
}

func (l *log) Walk(ctx context.Context, afterResource string, afterSequence int64, limit int) ([]docstore.Logged, error) {
	return l.query(ctx, `SELECT resource, sequence, entry FROM journal
		WHERE (resource, sequence) > (?, ?) ORDER BY resource, sequence LIMIT ?`, afterResource, afterSequence, limit)
}

func (l *log) query(ctx context.Context, q string, args ...any) ([]docstore.Logged, error) {
	rows, err := l.e.query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []docstore.Logged
	for rows.Next() {
		var at docstore.Logged
		var b []byte
		if err := rows.Scan(&at.Resource, &at.Sequence, &b); err != nil {
			return nil, failure(err)
		}
		e := &corev1.JournalEntry{}
		if proto.Unmarshal(b, e) == nil {
			at.Entry = e
		}
		out = append(out, at)
	}
	return out, failure(rows.Err())
}

// entries are logged entries that can all be read.
func entries(logged []docstore.Logged, err error) ([]*corev1.JournalEntry, error) {
	if err != nil {
		return nil, err
	}
	out := make([]*corev1.JournalEntry, len(logged))
	for i, at := range logged {
		if out[i] = at.Entry; out[i] == nil {
			return nil, fmt.Errorf("%w: journal entry %d of %s cannot be read", docstore.ErrUnavailable, at.Sequence, at.Resource)
		}
	}
	return out, nil
}

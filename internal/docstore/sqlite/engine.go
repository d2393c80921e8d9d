// Package sqlite is the embedded engine of the store: one file per service,
// owned by one process, in WAL mode with a sync before every acknowledgement.
//
// There is one writing connection and a few reading ones. Bodies and envelopes
// are kept as protobuf, beside columns for the indexed fields; an index with a
// repeated field is a table of its own with one row per value.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"fashen/internal/docstore"
)

// Options of a store.
type Options struct {
	// ReadOnly opens a store that another process may own, to look at it.
	ReadOnly bool
}

// readers is the number of reading connections. Each may keep a cache of
// readerCacheKiB, so that an idle process stays small.
const (
	readers        = 4
	readerCacheKiB = 1024
	writerCacheKiB = 4096
)

// Engine is one SQLite file. It implements [docstore.Engine].
type Engine struct {
	path  string
	write *sql.DB
	queue *queue
	read  *sql.DB
	lock  *os.File
	log   *log
	blobs *blobs

	mu     sync.Mutex
	tables []docstore.Table
	// prepared statements by their text. The texts follow from declarations and
	// shapes of queries, so there are few of them.
	prepared map[string]*sql.Stmt
}

var _ docstore.Engine = (*Engine)(nil)

// Open opens the store at path, made if it is missing. A store that another
// process owns is refused.
func Open(ctx context.Context, path string, o Options) (*Engine, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	e := &Engine{path: path, prepared: map[string]*sql.Stmt{}}
	if err := e.connect(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: open %s: %w", path, err), e.release())
	}
	return e, nil
}

func (e *Engine) connect(ctx context.Context, o Options) (err error) {
	if !o.ReadOnly {
		if e.lock, err = lockFile(e.path + ".lock"); err != nil {
			return err
		}
		if e.write, err = sql.Open("sqlite", writerDSN(e.path)); err != nil {
			return err
		}
		e.write.SetMaxOpenConns(1)
		if err := e.createBase(ctx); err != nil {
			return err
		}
		if e.queue, err = newQueue(ctx, e.write); err != nil {
			return err
		}
	}
	if e.read, err = sql.Open("sqlite", readerDSN(e.path, o.ReadOnly)); err != nil {
		return err
	}
	e.read.SetMaxOpenConns(readers)
	e.read.SetMaxIdleConns(readers)
	e.read.SetConnMaxIdleTime(time.Minute)
	e.log = &log{e: e}
	e.blobs = &blobs{e: e}
	return e.Ping(ctx)
}

func writerDSN(path string) string {
	return dsn(path, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
			fmt.Sprintf("cache_size(-%d)", writerCacheKiB), "journal_size_limit(16777216)",
		},
	})
}

func readerDSN(path string, readOnly bool) string {
	v := url.Values{"_pragma": {
		"busy_timeout(10000)", "query_only(1)", fmt.Sprintf("cache_size(-%d)", readerCacheKiB),
	}}
	if readOnly {
		v.Set("mode", "ro")
	}
	return dsn(path, v)
}

func dsn(path string, v url.Values) string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: v.Encode()}
	return u.String()
}

// Log is the service's collection of drained journal entries.
func (e *Engine) Log() docstore.Log { return e.log }

// Blobs keeps files in chunks in the same database.
func (e *Engine) Blobs() docstore.BlobStore { return e.blobs }

// Tables lists the opened tables.
func (e *Engine) Tables() []docstore.Table {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.tables)
}

// Ping fails when the file cannot be read.
func (e *Engine) Ping(ctx context.Context) error {
	var n int
	return failure(e.read.QueryRowContext(ctx, `SELECT count(*) FROM collections WHERE name = ''`).Scan(&n))
}

// Lease takes or renews a lease.
func (e *Engine) Lease(ctx context.Context, name, holder string, now, until time.Time) (bool, error) {
	err := oneRow(e.queue.exec(ctx, `INSERT INTO leases (name, holder, until) VALUES (?1, ?2, ?3)
		ON CONFLICT (name) DO UPDATE SET holder = ?2, until = ?3 WHERE holder = ?2 OR until <= ?4`,
		name, holder, until.UnixMilli(), now.UnixMilli()))
	if errors.Is(err, docstore.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// Close moves the write-ahead log into the file and lets go of it.
func (e *Engine) Close() error {
	var err error
	if e.read != nil {
		err = e.read.Close()
		e.read = nil
	}
	if e.write != nil {
		_, checkpoint := e.write.ExecContext(context.Background(), `PRAGMA wal_checkpoint(TRUNCATE)`)
		err = errors.Join(err, checkpoint)
	}
	return errors.Join(err, e.release())
}

func (e *Engine) release() error {
	var err error
	if e.read != nil {
		err = errors.Join(err, e.read.Close())
	}
	if e.write != nil {
		err = errors.Join(err, e.write.Close())
	}
	if e.lock != nil {
		err = errors.Join(err, e.lock.Close())
	}
	e.read, e.write, e.lock = nil, nil, nil
	return err
}

// statement answers a prepared statement, compiled once for each connection.
// It may need a connection, so nobody who holds one calls it.
func (e *Engine) statement(ctx context.Context, db *sql.DB, query string) (*sql.Stmt, error) {
	e.mu.Lock()
	s, ok := e.prepared[query]
	e.mu.Unlock()
	if ok {
		return s, nil
	}
	s, err := db.PrepareContext(ctx, query)
	if err != nil {
		return nil, failure(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if first, ok := e.prepared[query]; ok {
		return first, failure(s.Close())
	}
	e.prepared[query] = s
	return s, nil
}

// query runs a prepared query on a reading connection.
func (e *Engine) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := e.statement(ctx, e.read, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args...)
	return rows, failure(err)
}

// inTx runs do in one durable transaction of its own, for changes of shape. Other
// writes go through the queue.
func (e *Engine) inTx(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := e.write.BeginTx(ctx, nil)
	if err != nil {
		return failure(err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // the first error is the one that tells
		return err
	}
	return failure(tx.Commit())
}

// failure turns an error of the driver into one of the contract.
func failure(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return docstore.ErrNotFound
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, docstore.ErrUnavailable) { // turned before
		return err
	}
	if se, ok := errors.AsType[*driver.Error](err); ok {
		switch se.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
			return fmt.Errorf("%w: %w", docstore.ErrAlreadyExists, err)
		case sqlite3.SQLITE_TOOBIG:
			return fmt.Errorf("%w: %w", docstore.ErrTooLarge, err)
		}
	}
	return fmt.Errorf("%w: %w", docstore.ErrUnavailable, err)
}

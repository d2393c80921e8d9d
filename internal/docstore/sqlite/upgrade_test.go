package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
	"fashen/internal/docstore/sqlite"
)

// A store from before the log was a feed is opened, and its entries are in the
// feeds they belong to, in the order of time.
func TestLogOfAnOlderStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	open := func() *sqlite.Engine {
		e, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	entry := func(resource string, sequence, at int64) *corev1.JournalEntry {
		return &corev1.JournalEntry{Resource: resource, Sequence: sequence, Time: timestamppb.New(time.Unix(at, 0))}
	}
	e := open()
	err := e.Log().Append(t.Context(), []*corev1.JournalEntry{
		entry("regions/1/papers/b", 1, 10), entry("regions/1/papers/b", 2, 40),
		entry("regions/1/papers/b", 3, 5), // by a clock that was late
		entry("regions/1/papers/a", 1, 20), entry("regions/1", 1, 1), entry("regions/2/papers/c", 1, 30),
		entry("calendars/2026", 1, 2), entry("regions/", 1, 3),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{`DROP INDEX journal_feed`, `ALTER TABLE journal DROP COLUMN position`, `ALTER TABLE journal DROP COLUMN feed`} {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	e = open()
	defer func() { _ = e.Close() }()
	for feed, want := range map[string][]string{
		"regions/1":         {"regions/1", "regions/1/papers/b", "regions/1/papers/a", "regions/1/papers/b", "regions/1/papers/b"},
		"regions/2":         {"regions/2/papers/c"},
		docstore.GlobalFeed: {"calendars/2026", "regions/"},
	} {
		got, err := e.Log().Feed(t.Context(), feed, 0, 100)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s: %v, %v", feed, got, err)
		}
		for i, at := range got {
			if at.Position != int64(i+1) || at.Entry.GetResource() != want[i] || docstore.FeedOf(want[i]) != feed {
				t.Errorf("%s: %d %s, want %d %s", feed, at.Position, at.Entry.GetResource(), i+1, want[i])
			}
		}
	}
}

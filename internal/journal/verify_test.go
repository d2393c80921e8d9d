package journal_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"
	_ "modernc.org/sqlite" // the second, plain connection

	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/journal"

	corev1 "fashen/gen/fashen/core/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
)

const (
	target  = "regions/120105/papers/b"
	drained = 4 // entries of each document that are in the log
	waiting = 3 // entries that wait in the document
)

// history makes a store with three documents, whose entries are partly
// drained, and closes it.
func history(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store.db")
	e, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	papers, err := docstore.NewCollection[docstoretest.Paper](t.Context(), e, docstoretest.PaperSpec,
		docstore.Options{New: docstoretest.V1.New, Clock: docstoretest.NewClock().Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx := docstoretest.As(t.Context(), "people/zhang", "")
	write := func(name string, n int) {
		t.Helper()
		for i := range n {
			_, _, err := papers.Update(ctx, name, docstore.Precondition{}, func(m docstoretest.Paper, _ docstore.Meta) (docstore.Change, error) {
				if i == n-2 { // the last but one entry is a refusal
					return docstore.Change{}, &docstore.Refusal{Reasons: []string{"LEGALITY_STALE"}, Err: errRefused}
				}
				docstoretest.Set(m, "title", fmt.Sprint("title ", i, n))
				return docstore.Change{From: "A", To: "B"}, nil
			})
			if err != nil && !errors.Is(err, errRefused) {
				t.Fatal(err)
			}
		}
	}
	names := []string{"regions/120105/papers/a", target, "regions/120105/papers/c"}
	for _, name := range names {
		if _, _, err := papers.Create(ctx, docstoretest.V1.Paper(name, nil), docstore.Change{To: "A"}); err != nil {
			t.Fatal(err)
		}
		write(name, drained-1)
	}
	if err := journal.NewDrainer(e, journal.Options{}).Drain(ctx); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		write(name, waiting)
	}
	return path
}

var errRefused = errors.New("refused")

func verify(t *testing.T, path string) journal.Report {
	t.Helper()
	e, err := sqlite.Open(t.Context(), path, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	report, err := journal.Verify(t.Context(), e, docstoretest.V1.Types())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestVerifyInOrder(t *testing.T) {
	report := verify(t, history(t))
	if report.Documents != 3 || report.Entries != 3*(drained+waiting) || len(report.Problems) != 0 {
		t.Errorf("%+v", report)
	}
}

// file is the database file as somebody with write access to it sees it.
type file struct {
	t  *testing.T
	db *sql.DB
}

func (f file) exec(q string, args ...any) {
	f.t.Helper()
	if _, err := f.db.ExecContext(context.Background(), q, args...); err != nil {
		f.t.Fatal(err)
	}
}

func (f file) blob(q string, args ...any) []byte {
	f.t.Helper()
	var b []byte
	if err := f.db.QueryRowContext(context.Background(), q, args...).Scan(&b); err != nil {
		f.t.Fatal(err)
	}
	return b
}

func edit[M proto.Message](f file, m M, blob []byte, change func(M)) []byte {
	f.t.Helper()
	if err := proto.Unmarshal(blob, m); err != nil {
		f.t.Fatal(err)
	}
	change(m)
	b, err := proto.Marshal(m)
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

func (f file) entry(sequence int, change func(*corev1.JournalEntry)) {
	f.t.Helper()
	b := f.blob(`SELECT entry FROM journal WHERE resource = ? AND sequence = ?`, target, sequence)
	f.exec(`UPDATE journal SET entry = ? WHERE resource = ? AND sequence = ?`, edit(f, &corev1.JournalEntry{}, b, change), target, sequence)
}

func (f file) envelope(change func(*storagev1.Envelope)) {
	f.t.Helper()
	b := f.blob(`SELECT envelope FROM doc_papers WHERE name = ?`, target)
	f.exec(`UPDATE doc_papers SET envelope = ? WHERE name = ?`, edit(f, &storagev1.Envelope{}, b, change), target)
}

func (f file) body(change func(docstoretest.Paper)) {
	f.t.Helper()
	b := f.blob(`SELECT body FROM doc_papers WHERE name = ?`, target)
	f.exec(`UPDATE doc_papers SET body = ? WHERE name = ?`, edit(f, docstoretest.V1.Paper("", nil), b, change), target)
}

func rehash(e *corev1.JournalEntry) {
	hash, err := docstore.EntryHash(e)
	if err != nil {
		panic(err)
	}
	e.Hash = hash
}

func TestVerifyFinds(t *testing.T) {
	original := history(t)
	for what, c := range map[string]struct {
		tamper func(f file)
		want   journal.Problem
	}{
		"a changed entry": {
			func(f file) { f.entry(2, func(e *corev1.JournalEntry) { e.Actor = "people/li" }) },
			journal.Problem{Kind: journal.EntryChanged, Sequence: 2},
		},
		"a changed entry with a new hash": {
			func(f file) { f.entry(2, func(e *corev1.JournalEntry) { e.Actor = "people/li"; rehash(e) }) },
			journal.Problem{Kind: journal.EntryChanged, Sequence: 3},
		},
		"an entry that is no entry": {
			func(f file) { f.exec(`UPDATE journal SET entry = x'ff' WHERE resource = ? AND sequence = 3`, target) },
			journal.Problem{Kind: journal.EntryChanged, Sequence: 3},
		},
		"a changed entry that waits": {
			func(f file) { f.envelope(func(e *storagev1.Envelope) { e.Tail[1].Reasons = nil }) },
			journal.Problem{Kind: journal.EntryChanged, Sequence: drained + 2},
		},
		"a removed entry": {
			func(f file) { f.exec(`DELETE FROM journal WHERE resource = ? AND sequence = 3`, target) },
			journal.Problem{Kind: journal.EntryMissing, Sequence: 3},
		},
		"a removed first entry": {
			func(f file) { f.exec(`DELETE FROM journal WHERE resource = ? AND sequence = 1`, target) },
			journal.Problem{Kind: journal.EntryMissing, Sequence: 1},
		},
		"a removed entry, the others moved up": {
			func(f file) {
				f.exec(`DELETE FROM journal WHERE resource = ? AND sequence = 3`, target)
				f.exec(`UPDATE journal SET sequence = 3 WHERE resource = ? AND sequence = 4`, target)
			},
			journal.Problem{Kind: journal.EntryReordered, Sequence: 3},
		},
		"a removed entry that waits": {
			func(f file) { f.envelope(func(e *storagev1.Envelope) { e.Tail = append(e.Tail[:1], e.Tail[2:]...) }) },
			journal.Problem{Kind: journal.EntryMissing, Sequence: drained + 2},
		},
		"a cut tail": {
			func(f file) { f.envelope(func(e *storagev1.Envelope) { e.Tail = e.Tail[:1] }) },
			journal.Problem{Kind: journal.EntryMissing, Sequence: drained + 2},
		},
		"a cut tail with its head": {
			func(f file) {
				f.envelope(func(e *storagev1.Envelope) {
					e.Tail = e.Tail[:1]
					e.HeadSequence, e.HeadHash = e.Tail[0].GetSequence(), e.Tail[0].GetHash()
				})
			},
			journal.Problem{Kind: journal.BodyChanged, Sequence: drained + 1},
		},
		"reordered entries": {
			func(f file) {
				f.exec(`UPDATE journal SET sequence = 99 WHERE resource = ? AND sequence = 2`, target)
				f.exec(`UPDATE journal SET sequence = 2 WHERE resource = ? AND sequence = 3`, target)
				f.exec(`UPDATE journal SET sequence = 3 WHERE resource = ? AND sequence = 99`, target)
			},
			journal.Problem{Kind: journal.EntryReordered, Sequence: 2},
		},
		"reordered entries that wait": {
			func(f file) {
				f.envelope(func(e *storagev1.Envelope) { e.Tail[0], e.Tail[1] = e.Tail[1], e.Tail[0] })
			},
			journal.Problem{Kind: journal.EntryReordered, Sequence: drained + 2},
		},
		"an entry of another document": {
			func(f file) {
				b := f.blob(`SELECT entry FROM journal WHERE resource = 'regions/120105/papers/a' AND sequence = 2`)
				f.exec(`UPDATE journal SET entry = ? WHERE resource = ? AND sequence = 2`, b, target)
			},
			journal.Problem{Kind: journal.EntryReordered, Sequence: 2},
		},
		"a changed body": {
			func(f file) { f.body(func(m docstoretest.Paper) { docstoretest.Set(m, "title", "another") }) },
			journal.Problem{Kind: journal.BodyChanged, Sequence: drained + waiting},
		},
		"a body with something added that nobody knows": {
			func(f file) { f.body(func(m docstoretest.Paper) { m.SetUnknown([]byte{0xf8, 0x3f, 1}) }) },
			journal.Problem{Kind: journal.BodyChanged, Sequence: drained + waiting},
		},
		"a body that is no body": {
			func(f file) { f.exec(`UPDATE doc_papers SET body = x'ff' WHERE name = ?`, target) },
			journal.Problem{Kind: journal.BodyChanged},
		},
		"a changed head": {
			func(f file) { f.envelope(func(e *storagev1.Envelope) { e.HeadHash[0]++ }) },
			journal.Problem{Kind: journal.HeadChanged, Sequence: drained + waiting},
		},
		"a changed revision": {
			func(f file) { f.envelope(func(e *storagev1.Envelope) { e.Revision-- }) },
			journal.Problem{Kind: journal.HeadChanged, Sequence: drained + waiting},
		},
		"an envelope that is none": {
			func(f file) { f.exec(`UPDATE doc_papers SET envelope = x'ff' WHERE name = ?`, target) },
			journal.Problem{Kind: journal.HeadChanged},
		},
		"a removed document": {
			func(f file) { f.exec(`DELETE FROM doc_papers WHERE name = ?`, target) },
			journal.Problem{Kind: journal.Orphan, Sequence: 1},
		},
	} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			db, err := sql.Open("sqlite", original)
			if err != nil {
				t.Fatal(err)
			}
			copied := file{t, db}
			copied.exec(`VACUUM INTO ?`, path)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if db, err = sql.Open("sqlite", path); err != nil {
				t.Fatal(err)
			}
			c.tamper(file{t, db})
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			c.want.Resource = target
			report := verify(t, path)
			found := false
			for _, p := range report.Problems {
				if p.Resource != target {
					t.Errorf("something is said of %s: %v", p.Resource, p)
				}
				found = found || p.Kind == c.want.Kind && p.Sequence == c.want.Sequence && p.Text != ""
			}
			if !found {
				t.Errorf("want %s #%d, got %v", c.want.Kind, c.want.Sequence, report.Problems)
			}
		})
	}
}

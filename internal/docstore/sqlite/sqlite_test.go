package sqlite

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
)

func TestConformance(t *testing.T) {
	docstoretest.Run(t, func(t *testing.T) (docstore.Engine, func() docstore.Engine) {
		path := filepath.Join(t.TempDir(), "store.db")
		var current *Engine
		open := func() docstore.Engine {
			if current != nil {
				if err := current.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}
			current = openAt(t, path)
			return current
		}
		return open(), open
	})
}

// openAt opens a store and closes it with the test.
func openAt(t testing.TB, path string) *Engine {
	t.Helper()
	e, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func papersOf(t testing.TB, e *Engine) docstore.Collection[docstoretest.Paper] {
	t.Helper()
	c, err := docstore.NewCollection[docstoretest.Paper](context.Background(), e, docstoretest.PaperSpec, docstore.Options{New: docstoretest.V1.New})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPragmas(t *testing.T) {
	e := openAt(t, filepath.Join(t.TempDir(), "数据 100%?#.db"))
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1"} {
		var got string
		if err := e.write.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s of the writer is %s, %v; want %s", pragma, got, err, want)
		}
	}
	var got string
	if err := e.read.QueryRow("PRAGMA query_only").Scan(&got); err != nil || got != "1" {
		t.Errorf("query_only of a reader is %s, %v", got, err)
	}
	if _, err := os.Stat(e.path); err != nil || !strings.HasSuffix(e.path, "数据 100%?#.db") {
		t.Errorf("the file is elsewhere: %v", err)
	}
}

func TestOneOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	e := openAt(t, path)
	papersOf(t, e)
	if second, err := Open(t.Context(), path, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("a second owner: %v, %v", second, err)
	}
	reader, err := Open(t.Context(), path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := reader.Stored(t.Context()); err != nil || len(s) != 1 || s[0].Message != "docstoretest.Paper" {
		t.Errorf("stored: %v, %v", s, err)
	}
	if err := errors.Join(reader.Close(), e.Close()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		t.Errorf("closing left %d bytes in the write-ahead log", info.Size())
	}
	if err := openAt(t, path).Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestQueryPlans: every list is a search of its index, in its order.
func TestQueryPlans(t *testing.T) {
	papers := papersOf(t, openAt(t, filepath.Join(t.TempDir(), "store.db")))
	of := map[string]any{"unit": "u", "state": docstoretest.StateDraft}
	viewer := &docstore.AnyOf{Field: docstore.FieldViewers, Values: []string{"people/li"}}
	for what, c := range map[string]struct {
		q    docstore.Query
		want string
	}{
		"unit and state": {docstore.Query{Equal: of, OrderBy: docstore.FieldCreateTime, Descending: true},
			`SEARCH t USING INDEX doc_papers.ix.unit,state,create_time (ix.unit=? AND ix.state=?)`},
		"viewers": {docstore.Query{Equal: of, AnyOf: viewer, OrderBy: docstore.FieldCreateTime, Descending: true},
			`SEARCH s USING PRIMARY KEY (ix.unit=? AND ix.state=? AND ix.viewers=?)`},
		"range": {docstore.Query{Equal: of, Range: &docstore.Range{Field: docstore.FieldCreateTime, From: 1, To: 2}},
			`SEARCH t USING INDEX doc_papers.ix.unit,state,create_time (ix.unit=? AND ix.state=? AND ix.create_time>? AND ix.create_time<?)`},
		"names": {docstore.Query{Prefix: &docstore.Prefix{Field: docstore.FieldName, Value: "regions/1/papers/"}},
			`SEARCH t USING INDEX sqlite_autoindex_doc_papers_1 (name>? AND name<?)`},
		"titles": {docstore.Query{OrderBy: "title"}, `SCAN t USING INDEX doc_papers.ix.title`},
	} {
		plan, err := docstore.Explain(t.Context(), papers, c.q)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if !strings.HasPrefix(plan, c.want) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s:\n%s", what, plan)
		}
	}
}

func TestQueryPlanOfLaterPage(t *testing.T) {
	e := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	papersOf(t, e)
	table := e.Tables()[0]
	plan, err := table.Explain(t.Context(), &docstore.Plan{
		Index: &table.Spec().Indexes[0], Descending: true, Limit: 21,
		Equal: []docstore.Condition{{Column: docstore.Column{Field: "unit"}, Values: []any{"u"}}, {Column: docstore.Column{Field: "state"}, Values: []any{int64(1)}}},
		Order: docstore.Column{Field: docstore.FieldCreateTime, Kind: docstore.KindInt}, After: &docstore.Position{Value: int64(7), Name: "a"},
	})
	if err != nil || !strings.Contains(plan, "(ix.unit=? AND ix.state=? AND (ix.create_time,name)<(?,?))") {
		t.Errorf("%v\n%s", err, plan)
	}
}

// childStore names the store of a child process.
const childStore = "FASHEN_TEST_CHILD_STORE"

func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	docstoretest.Crash(t, childProcess(path, "4", "0"), func() docstore.Engine { return openAt(t, path) })
}

func TestCrashOfRelay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	docstoretest.CrashOfRelay(t, func(after int) *exec.Cmd {
		cmd := childProcess(path, "0", "0")
		cmd.Env = append(cmd.Env, childStore+"_RELAY="+strconv.Itoa(after))
		return cmd
	}, func() docstore.Engine { return openAt(t, path) })
}

// childProcess is this test binary, writing to a store of its own.
func childProcess(path, writers, writes string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.count=1")
	cmd.Env = append(os.Environ(), childStore+"="+path, childStore+"_WRITERS="+writers, childStore+"_WRITES="+writes)
	return cmd
}

// TestChild is what childProcess runs; it is no test of its own.
func TestChild(t *testing.T) {
	path := os.Getenv(childStore)
	if path == "" {
		t.Skip("only as a child of another test")
	}
	number := func(name string) int {
		n, err := strconv.Atoi(os.Getenv(childStore + name))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	e := openAt(t, path)
	if os.Getenv(childStore+"_RELAY") != "" {
		t.Fatal(docstoretest.RelayUntilKilled(t.Context(), e, number("_RELAY")))
	}
	if err := docstoretest.WriteUntilKilled(t.Context(), e, os.Stdout, number("_WRITERS"), number("_WRITES")); err != nil {
		t.Fatal(err)
	}
}

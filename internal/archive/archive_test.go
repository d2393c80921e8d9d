package archive_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/archive"
	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
	"fashen/internal/docstore/mongo"
	"fashen/internal/docstore/mongo/mongotest"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/journal"
)

func openSQLite(t *testing.T) docstore.Engine {
	t.Helper()
	e, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// engines are an empty store of each engine there is.
func engines(t *testing.T) map[string]docstore.Engine {
	t.Helper()
	out := map[string]docstore.Engine{"sqlite": openSQLite(t)}
	if uri := mongotest.URI(); uri != "" {
		e, err := mongo.Open(t.Context(), uri, mongotest.Database(t, uri))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Close() })
		out["mongodb"] = e
	}
	return out
}

func papersOf(t *testing.T, e docstore.Engine, s docstoretest.Schema) docstore.Collection[docstoretest.Paper] {
	t.Helper()
	c, err := docstore.NewCollection[docstoretest.Paper](t.Context(), e, docstoretest.PaperSpec,
		docstore.Options{New: s.New, Clock: docstoretest.NewClock().Now})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fill makes documents with viewers, request ids, fields of a newer schema,
// entries in the log and entries that wait, and files.
func fill(t *testing.T, e docstore.Engine) {
	t.Helper()
	newer, papers := papersOf(t, e, docstoretest.V2), papersOf(t, e, docstoretest.V1)
	update := func(ctx context.Context, name string, value string) {
		_, _, err := papers.Update(ctx, name, docstore.Precondition{}, func(m docstoretest.Paper, _ docstore.Meta) (docstore.Change, error) {
			docstoretest.Set(m, "title", value)
			return docstore.Change{From: "A", To: "B", Grant: []string{"people/li"}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 450 {
		name := fmt.Sprintf("regions/%d/papers/%03d", i%3, i)
		ctx := docstoretest.As(t.Context(), "people/zhang", fmt.Sprint("request-", i))
		_, _, err := newer.Create(ctx, docstoretest.V2.Paper(name, map[string]any{
			"title": "示例", "unit": "u", "number": fmt.Sprint(i), "summary": "新字段\x00𠮷",
		}), docstore.Change{To: "A", Grant: []string{"bureaus/" + fmt.Sprint(i%7)}})
		if err != nil {
			t.Fatal(err)
		}
		update(docstoretest.As(t.Context(), "people/zhang", ""), name, "改")
		if i == 400 {
			if err := journal.NewDrainer(e, journal.Options{}).Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			update(docstoretest.As(t.Context(), "people/li", ""), name, "又改")
		}
	}
	for _, size := range []int{0, 1, 3 << 20} {
		content := bytes.Repeat([]byte{'x'}, size)
		sum := sha256.Sum256(content)
		if err := e.Blobs().Put(t.Context(), hex.EncodeToString(sum[:]), int64(size), bytes.NewReader(content)); err != nil {
			t.Fatal(err)
		}
	}
}

// content is everything a store keeps, as text that can be compared.
func content(t *testing.T, e docstore.Engine) []string {
	t.Helper()
	var out []string
	text := func(m proto.Message) string {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(b)
	}
	rs, err := e.Walk(t.Context(), docstoretest.PaperSpec.Name, docstoretest.V1.New, "", 10000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		out = append(out, strings.Join([]string{r.Name, r.CreateKey, text(r.Envelope), text(r.Body)}, " "))
	}
	logged, err := e.Log().Walk(t.Context(), "", 0, 10000)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range logged {
		out = append(out, text(l.Entry))
	}
	feeds, err := e.Log().Feeds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, feed := range feeds {
		entries, err := e.Log().Feed(t.Context(), feed, 0, 10000)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range entries {
			out = append(out, fmt.Sprintf("%s %d %s %d", feed, at.Position, at.Entry.GetResource(), at.Entry.GetSequence()))
		}
	}
	list, err := e.Blobs().List(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range list {
		r, _, err := e.Blobs().Open(t.Context(), b.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(got)
		out = append(out, fmt.Sprint(b, hex.EncodeToString(sum[:])))
		_ = r.Close()
	}
	return out
}

func export(t *testing.T, e docstore.Engine) ([]byte, archive.Manifest, error) {
	t.Helper()
	var file bytes.Buffer
	w := archive.NewWriter(&file, docstoretest.V1.Types(), time.Unix(0, 0))
	if err := w.Add(t.Context(), "papers", e); err != nil {
		return nil, archive.Manifest{}, err
	}
	m, _, err := w.Close()
	return file.Bytes(), m, err
}

func mustExport(t *testing.T, e docstore.Engine) []byte {
	t.Helper()
	file, _, err := export(t, e)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func importInto(t *testing.T, file []byte, e docstore.Engine) (journal.Report, error) {
	t.Helper()
	a, err := archive.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return journal.Report{}, err
	}
	return a.Import(t.Context(), a.Manifest.Services[0], e, docstoretest.V1.Types())
}

// What goes through an archive into another engine, and through another one
// back, is what it was.
func TestThereAndBack(t *testing.T) {
	first := openSQLite(t)
	fill(t, first)
	want := content(t, first)
	file, m, err := export(t, first)
	if err != nil {
		t.Fatal(err)
	}
	if s := m.Services[0]; s.Documents() != 450 || s.Blobs.Records != 3 || s.Journal.Records != 802 {
		t.Errorf("manifest %+v", s)
	}
	for name, other := range engines(t) {
		t.Run(name, func(t *testing.T) {
			report, err := importInto(t, file, other)
			if err != nil || report.Documents != 450 || len(report.Problems) != 0 {
				t.Fatalf("%+v, %v", report, err)
			}
			back := openSQLite(t)
			if _, err := importInto(t, mustExport(t, other), back); err != nil {
				t.Fatal(err)
			}
			same(t, content(t, other), want)
			same(t, content(t, back), want)
			served(t, other)
			served(t, back)
			if name, _, err := papersOf(t, back, docstoretest.V2).Get(t.Context(), "regions/0/papers/000"); err != nil || docstoretest.Text(name, "summary") != "新字段\x00𠮷" {
				t.Errorf("a field of a newer schema: %v, %v", name, err)
			}
		})
	}
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d things, want %d", len(got), len(want))
		return
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got  %.300s\nwant %.300s", got[i], want[i])
			return
		}
	}
}

// served: lists, unique indexes and request ids work as they did.
func served(t *testing.T, e docstore.Engine) {
	t.Helper()
	if err := docstore.Prepare(t.Context(), e, "papers", nil); err != nil {
		t.Error(err)
	}
	papers := papersOf(t, e, docstoretest.V1)
	page, err := papers.List(t.Context(), docstore.Query{AnyOf: &docstore.AnyOf{Field: docstore.FieldViewers, Values: []string{"bureaus/3"}}, PageSize: 1000})
	if err != nil || len(page.Items) != 64 {
		t.Errorf("list of %d, %v", len(page.Items), err)
	}
	_, _, err = papers.Create(docstoretest.As(t.Context(), "people/wang", ""),
		docstoretest.V1.Paper("regions/0/papers/new", map[string]any{"unit": "u", "number": "7"}), docstore.Change{})
	if !errors.Is(err, docstore.ErrAlreadyExists) {
		t.Errorf("a taken number: %v", err)
	}
}

func TestOnlyIntoAnEmptyStore(t *testing.T) {
	e := openSQLite(t)
	fill(t, e)
	if _, err := importInto(t, mustExport(t, e), e); !errors.Is(err, archive.ErrNotEmpty) {
		t.Errorf("got %v", err)
	}
}

// An archive that was cut off or changed never reaches a store.
func TestDamageIsFound(t *testing.T) {
	e := openSQLite(t)
	fill(t, e)
	file := mustExport(t, e)
	for n := 0; n < len(file); n += len(file)/50 + 1 {
		if _, err := archive.Open(bytes.NewReader(file), int64(n)); !errors.Is(err, archive.ErrDamaged) {
			t.Errorf("cut off at %d of %d: %v", n, len(file), err)
		}
	}
	found := 0
	for at := 0; at < len(file); at += len(file)/50 + 1 {
		changed := bytes.Clone(file)
		changed[at] ^= 0x40
		if _, err := archive.Open(bytes.NewReader(changed), int64(len(changed))); errors.Is(err, archive.ErrDamaged) {
			found++
		} else if err != nil {
			t.Errorf("changed at %d: %v", at, err)
		}
	}
	// A time in a header of the zip may be another: nothing that is read.
	if found < 45 {
		t.Errorf("%d of 50 changes were found", found)
	}
}

// failing is a store whose disk is full when files come.
type failing struct{ docstore.Engine }

type fullBlobs struct{ docstore.BlobStore }

var errFull = errors.New("no space left")

func (f failing) Blobs() docstore.BlobStore { return fullBlobs{f.Engine.Blobs()} }

func (fullBlobs) Put(context.Context, string, int64, io.Reader) error { return errFull }

// A store that an import left half-filled is not served, and not filled again.
func TestCutOffImport(t *testing.T) {
	e := openSQLite(t)
	fill(t, e)
	file := mustExport(t, e)
	to := openSQLite(t)
	if _, err := importInto(t, file, failing{to}); !errors.Is(err, errFull) {
		t.Fatalf("got %v", err)
	}
	if err := docstore.Prepare(t.Context(), to, "papers", nil); !errors.Is(err, docstore.ErrImportUnfinished) {
		t.Errorf("a server: %v", err)
	}
	if _, err := importInto(t, file, to); !errors.Is(err, archive.ErrNotEmpty) {
		t.Errorf("a second import: %v", err)
	}
}

// busy is a store that somebody writes to once its documents were read.
type busy struct {
	docstore.Engine
	listed int
	write  func()
}

func (b *busy) Stored(ctx context.Context) ([]docstore.StoredCollection, error) {
	b.listed++
	return b.Engine.Stored(ctx)
}

func (b *busy) Walk(ctx context.Context, collection string, newBody func() proto.Message, from string, limit int) ([]*docstore.Record, error) {
	rs, err := b.Engine.Walk(ctx, collection, newBody, from, limit)
	if b.listed == 2 && len(rs) < limit { // verification was the first
		b.write()
	}
	return rs, err
}

func TestWritesDuringAnExportAreNoticed(t *testing.T) {
	e := openSQLite(t)
	fill(t, e)
	papers := papersOf(t, e, docstoretest.V1)
	_, _, err := export(t, &busy{Engine: e, write: func() {
		_, _, err := papers.Create(docstoretest.As(t.Context(), "people/zhang", ""), docstoretest.V1.Paper("regions/0/papers/late", nil), docstore.Change{})
		if err == nil {
			err = journal.NewDrainer(e, journal.Options{}).Drain(t.Context())
		}
		if err != nil {
			t.Error(err)
		}
	}})
	if !errors.Is(err, archive.ErrWritten) {
		t.Errorf("got %v", err)
	}
}

// broken is a store in which an entry of the log is lost.
type broken struct{ docstore.Engine }

type shortLog struct{ docstore.Log }

func (b broken) Log() docstore.Log { return shortLog{b.Engine.Log()} }

// lost is the entry that is not there.
func lost(resource string, sequence int64) bool {
	return resource == "regions/0/papers/000" && sequence == 1
}

func (l shortLog) Walk(ctx context.Context, resource string, sequence int64, limit int) ([]docstore.Logged, error) {
	logged, err := l.Log.Walk(ctx, resource, sequence, limit+1)
	logged = slices.DeleteFunc(logged, func(e docstore.Logged) bool { return lost(e.Resource, e.Sequence) })
	return logged[:min(limit, len(logged))], err
}

func (l shortLog) History(ctx context.Context, resource string, from int64, limit int) ([]*corev1.JournalEntry, error) {
	es, err := l.Log.History(ctx, resource, from, limit)
	return slices.DeleteFunc(es, func(e *corev1.JournalEntry) bool { return lost(e.GetResource(), e.GetSequence()) }), err
}

func TestABrokenRecordIsNotExported(t *testing.T) {
	e := openSQLite(t)
	fill(t, e)
	if _, _, err := export(t, broken{e}); !errors.Is(err, archive.ErrBroken) {
		t.Errorf("got %v", err)
	}
}

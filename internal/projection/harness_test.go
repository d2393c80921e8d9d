package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
	"fashen/internal/docstore/mongo"
	"fashen/internal/docstore/mongo/mongotest"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/journal"
)

const region = "regions/120105"

// fixture is a store of papers and the projector of their rows. Nothing happens in
// the background: drain and CatchUp are called.
type fixture struct {
	t      testing.TB
	engine docstore.Engine
	clock  *docstoretest.Clock
	papers docstore.Collection[docstoretest.Paper]
	*Projector
}

// everywhere runs a test on an empty store of each engine there is.
func everywhere(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, newFixture(t, openSQLite(t))) })
	if uri := mongotest.URI(); uri != "" {
		t.Run("mongodb", func(t *testing.T) {
			e, err := mongo.Open(t.Context(), uri, mongotest.Database(t, uri))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = e.Close() })
			test(t, newFixture(t, e))
		})
	}
}

func openSQLite(t testing.TB) docstore.Engine {
	t.Helper()
	e, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func newFixture(t testing.TB, e docstore.Engine) *fixture {
	t.Helper()
	f := &fixture{t: t, engine: e, clock: docstoretest.NewClock()}
	var err error
	f.papers, err = docstore.NewCollection[docstoretest.Paper](t.Context(), e, docstoretest.PaperSpec, docstore.Options{New: docstoretest.V1.New, Clock: f.clock.Now})
	f.ok(err)
	f.Projector = f.projector(1)
	return f
}

func (f *fixture) ok(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// projector is another projector over the store, by rules of a version.
func (f *fixture) projector(version int) *Projector {
	f.t.Helper()
	p, err := New(f.t.Context(), Options{
		Service: "papers", Engine: f.engine, Clock: f.clock.Now, TokenKey: []byte("a key of tests"),
		Logger: slog.New(slog.DiscardHandler), Declaration: f.declaration(version),
	})
	f.ok(err)
	return p
}

// declaration: a paper makes a task for each stay in a state, and a line for each
// of its tags.
func (f *fixture) declaration(version int) Declaration {
	return Declaration{
		Version: version,
		Figures: []Definition{{Code: "M01", DisplayName: "件数", Unit: "件", Text: "示例", RateName: "比例", Decimals: 1}},
		Subjects: func(ctx context.Context, region, after string) ([]string, error) {
			page, err := f.papers.List(ctx, docstore.Query{Range: &docstore.Range{
				Field: docstore.FieldName, From: max(region+"/papers/", after+"\x00"), To: region + "/papers/~",
			}, PageSize: 7})
			var names []string
			for _, m := range page.Items {
				names = append(names, text(m, "name"))
			}
			return names, err
		},
		SubjectOf: func(resource string) string {
			if !strings.Contains(resource, "/papers/") {
				return ""
			}
			return resource
		},
		Rows: func(ctx context.Context, subject string) (Rows, error) {
			m, _, err := f.papers.Get(ctx, subject)
			if errors.Is(err, docstore.ErrNotFound) {
				return Rows{}, nil
			}
			if err != nil {
				return Rows{}, err
			}
			history, err := History(ctx, f.papers, subject)
			return rowsOf(m, history, version), err
		},
	}
}

func rowsOf(m docstoretest.Paper, history []*corev1.JournalEntry, version int) Rows {
	var rows Rows
	for _, s := range Stays(history) {
		t := &corev1.Task{
			Name: fmt.Sprintf("v%d-%d", version, s.From.GetSequence()), Kind: corev1.Task_REVIEW_CASE, State: corev1.Task_OPEN,
			Assignee: text(m, "unit"), Title: text(m, "title"), Resource: text(m, "name"), OpenTime: s.From.GetTime(),
		}
		if s.Until != nil {
			t.State, t.DoneTime, t.DoneBy = corev1.Task_DONE, s.Until.GetTime(), s.Until.GetActor()
		}
		rows.Tasks = append(rows.Tasks, t)
	}
	tags := m.Get(m.Descriptor().Fields().ByName("tags")).List()
	for i := range tags.Len() {
		rows.Lines = append(rows.Lines, Line{"M01", &corev1.FigureLine{
			Name: fmt.Sprint("tag-", i), Bureau: text(m, "unit"), SubjectKind: "papers", Note: tags.Get(i).String(),
			Title: text(m, "title"), EventDate: &datepb.Date{Year: 2026, Month: 5, Day: int32(1 + i)},
			Count: 1, Numerator: int64(i % 2), Denominator: 1,
		}})
	}
	return rows
}

func text(m docstoretest.Paper, field protoreflect.Name) string {
	return m.Get(m.Descriptor().Fields().ByName(field)).String()
}

func paperName(i int) string { return fmt.Sprintf("%s/papers/p%04d", region, i) }

// write creates a paper, or changes it.
func (f *fixture) write(i int, state, title string, tags ...string) {
	f.t.Helper()
	ctx, name := docstoretest.As(f.t.Context(), region+"/people/zhang", ""), paperName(i)
	fields := map[string]any{"title": title, "unit": fmt.Sprint("unit-", i%3), "number": fmt.Sprint(i), "tags": tags}
	_, _, err := f.papers.Update(ctx, name, docstore.Precondition{}, func(m docstoretest.Paper, _ docstore.Meta) (docstore.Change, error) {
		proto.Reset(m)
		proto.Merge(m, docstoretest.V1.Paper(name, fields))
		return docstore.Change{To: state}, nil
	})
	if errors.Is(err, docstore.ErrNotFound) {
		_, _, err = f.papers.Create(ctx, docstoretest.V1.Paper(name, fields), docstore.Change{To: state})
	}
	f.ok(err)
}

func (f *fixture) drain() {
	f.t.Helper()
	f.ok(journal.NewDrainer(f.engine, journal.Options{}).Drain(f.t.Context()))
}

// stored are the rows there are, as text.
func (f *fixture) stored() []string {
	f.t.Helper()
	var out []string
	f.ok(each(f.t.Context(), f.rows.tasks, docstore.Query{}, func(m *corev1.Task) { out = append(out, line(m)) }))
	f.ok(each(f.t.Context(), f.rows.lines, docstore.Query{}, func(m *corev1.FigureLine) { out = append(out, line(m)) }))
	slices.Sort(out)
	return out
}

// counted are the rows there should be, worked out from the documents at once.
func (f *fixture) counted(version int) []string {
	f.t.Helper()
	var out []string
	for after := ""; ; {
		page, err := f.papers.List(f.t.Context(), docstore.Query{Range: &docstore.Range{Field: docstore.FieldName, From: after}, PageSize: 1000})
		f.ok(err)
		for _, m := range page.Items {
			after = text(m, "name")
			history, err := History(f.t.Context(), f.papers, after)
			f.ok(err)
			rows := rowsOf(m, history, version)
			for _, t := range rows.tasks(after) {
				out = append(out, line(t))
			}
			for _, l := range rows.lines(after) {
				out = append(out, line(l))
			}
		}
		if page.NextPageToken == "" {
			break
		}
		after += "\x00"
	}
	slices.Sort(out)
	return out
}

func line(m proto.Message) string { return prototext.MarshalOptions{}.Format(m) }

// same ends the test unless the rows are what the documents say.
func (f *fixture) same(when string) {
	f.t.Helper()
	got, want := f.stored(), f.counted(1)
	if len(want) == 0 {
		f.t.Fatalf("%s: nothing to compare", when)
	}
	if !slices.Equal(got, want) {
		f.t.Fatalf("%s: %d rows, %d wanted\n%s\nwant\n%s", when, len(got), len(want), strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

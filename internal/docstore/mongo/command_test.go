package mongo

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/drivertest"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/xoptions"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"

	corev1 "fashen/gen/fashen/core/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
)

// wire records the commands that the engine sends, and answers them from a
// list: the driver's own mock deployment, without a server.
type wire struct {
	t    *testing.T
	mock *drivertest.MockDeployment
	mu   sync.Mutex
	sent []bson.Raw
}

func (w *wire) started(_ context.Context, e *event.CommandStartedEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, append(bson.Raw{}, e.Command...))
}

var (
	done  = bson.D{{Key: "ok", Value: 1}}
	empty = cursor()
)

func wrote(n int) bson.D {
	return bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: n}, {Key: "nModified", Value: n}}
}

func cursor(docs ...bson.D) bson.D {
	batch := bson.A{}
	for _, d := range docs {
		batch = append(batch, d)
	}
	return bson.D{{Key: "ok", Value: 1}, {Key: "cursor", Value: bson.D{
		{Key: "id", Value: int64(0)}, {Key: "ns", Value: "service.doc_papers"}, {Key: "firstBatch", Value: batch},
	}}}
}

// answers queues replies and forgets what was sent so far.
func (w *wire) answers(replies ...bson.D) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = nil
	w.mock.ClearResponses()
	w.mock.AddResponses(replies...)
}

// command answers the n-th command that was sent.
func (w *wire) command(n int, name string) bson.Raw {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if n >= len(w.sent) {
		w.t.Fatalf("%d commands were sent, none is number %d", len(w.sent), n)
	}
	first, err := w.sent[n].IndexErr(0)
	if err != nil || first.Key() != name {
		w.t.Fatalf("command %d is %v, want %s", n, w.sent[n], name)
	}
	return w.sent[n]
}

// has checks a part of a command, named by its path.
func (w *wire) has(cmd bson.Raw, want string, path ...string) {
	w.t.Helper()
	v, err := cmd.LookupErr(path...)
	if err != nil {
		w.t.Errorf("%v has no %v", cmd, path)
		return
	}
	if got := v.String(); got != want {
		w.t.Errorf("%s:\n got %s\nwant %s", strings.Join(path, "."), got, want)
	}
}

func dial(t *testing.T) (*wire, *Engine) {
	t.Helper()
	w := &wire{t: t, mock: drivertest.NewMockDeployment()}
	o := options.Client().SetMonitor(&event.CommandMonitor{Started: w.started})
	if err := xoptions.SetInternalClientOptions(o, "deployment", w.mock); err != nil {
		t.Fatal(err)
	}
	w.mock.AddResponses(done, done, done)
	e, err := open(t.Context(), o, "service")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return w, e
}

// papers opens the suite's collection and checks the commands of it.
func papers(t *testing.T) (*wire, docstore.Table, docstore.Collection[docstoretest.Paper]) {
	t.Helper()
	w, e := dial(t)
	w.answers(empty, empty, done, wrote(1))
	c, err := docstore.NewCollection[docstoretest.Paper](t.Context(), e, docstore.Spec{Name: "papers", Indexes: []docstore.Index{
		{Fields: []string{"unit", "lead.due"}, Unique: true}, {Fields: []string{docstore.FieldViewers, "state", docstore.FieldCreateTime}},
	}}, docstore.Options{New: docstoretest.V1.New, Clock: docstoretest.NewClock().Now})
	if err != nil {
		t.Fatal(err)
	}
	return w, e.Tables()[0], c
}

const majority = `{"w": "majority"}`

func TestOpenCommands(t *testing.T) {
	w, _ := dial(t)
	log := w.command(0, "createIndexes")
	w.has(log, `"journal"`, "createIndexes")
	w.has(log, majority, "writeConcern")
	w.has(log, `{"resource": {"$numberInt":"1"},"sequence": {"$numberInt":"1"}}`, "indexes", "0", "key")
	w.has(log, `true`, "indexes", "0", "unique")
	w.has(w.command(1, "createIndexes"), `{"filename": {"$numberInt":"1"}}`, "indexes", "0", "key")
}

func TestIndexCommands(t *testing.T) {
	w, _, _ := papers(t)
	for n, op := range []string{"$lt", "$gt"} { // what was made for another declaration
		if _, err := w.command(n, "find").LookupErr("filter", "shape", op); err != nil {
			t.Errorf("command %d: %v", n, err)
		}
	}
	cmd := w.command(2, "createIndexes")
	w.has(cmd, `"doc_papers"`, "createIndexes")
	w.has(cmd, `{"create_key": {"$numberInt":"1"}}`, "indexes", "0", "key")
	w.has(cmd, `true`, "indexes", "0", "unique")
	w.has(cmd, `true`, "indexes", "0", "sparse")
	w.has(cmd, `{"ix.unit": {"$numberInt":"1"},"ix.lead__due": {"$numberInt":"1"},"_id": {"$numberInt":"1"}}`, "indexes", "3", "key")
	w.has(cmd, `{"uq.unit,lead__due": {"$numberInt":"1"}}`, "indexes", "4", "key")
	w.has(cmd, `true`, "indexes", "4", "unique")
	w.has(cmd, `true`, "indexes", "4", "sparse")
	w.has(cmd, `{"ix.viewers": {"$numberInt":"1"},"ix.state": {"$numberInt":"1"},"ix.create_time": {"$numberInt":"1"},"_id": {"$numberInt":"1"}}`, "indexes", "5", "key")
}

func TestInsertCommand(t *testing.T) {
	w, _, c := papers(t)
	w.answers(empty, wrote(1)) // the request id is looked up, then the document written
	ctx := docstoretest.As(t.Context(), "people/zhang", "r1")
	_, _, err := c.Create(ctx, docstoretest.V1.Paper("regions/120105/papers/a", map[string]any{"unit": "u", "state": docstoretest.StateDraft}),
		docstore.Change{Grant: []string{"people/li"}})
	if err != nil {
		t.Fatal(err)
	}
	w.has(w.command(0, "find"), `{"level": "majority"}`, "readConcern")
	cmd := w.command(1, "insert")
	w.has(cmd, majority, "writeConcern")
	w.has(cmd, `"regions/120105/papers/a"`, "documents", "0", "_id")
	w.has(cmd, `{"$numberLong":"1"}`, "documents", "0", "version")
	w.has(cmd, `"@people/zhang/r1"`, "documents", "0", "create_key")
	w.has(cmd, `["people/li"]`, "documents", "0", "ix", "viewers")
	w.has(cmd, `{"name": "regions/120105/papers/a","unit": "u","state": "STATE_DRAFT"}`, "documents", "0", "body")
	w.has(cmd, `"OUTCOME_DONE"`, "documents", "0", "envelope", "tail", "0", "outcome")
	w.has(cmd, `{"unit,lead__due": "[\"u\",0]"}`, "documents", "0", "uq")
	if v := cmd.Lookup("documents", "0", "pending"); v.Type != bson.TypeDateTime {
		t.Errorf("pending is %v", v)
	}
}

func record() *docstore.Record {
	return &docstore.Record{
		Name: "regions/120105/papers/a", Version: 7, Body: docstoretest.V1.Paper("regions/120105/papers/a", nil),
		Envelope: &storagev1.Envelope{Revision: 3, Tail: []*corev1.JournalEntry{{Time: timestamppb.New(time.Unix(1, 0))}}},
		Index:    []docstore.Value{{"u"}, {int64(0)}, {}, {int64(1)}, {int64(2)}}, Unique: []string{""},
	}
}

func TestReplaceCommand(t *testing.T) {
	w, table, _ := papers(t)
	w.answers(wrote(1))
	r := record()
	if err := table.Replace(t.Context(), r, false); err != nil || r.Version != 8 {
		t.Fatalf("version %d, %v", r.Version, err)
	}
	cmd := w.command(0, "update")
	w.has(cmd, majority, "writeConcern")
	w.has(cmd, `{"_id": "regions/120105/papers/a","version": {"$numberLong":"7"}}`, "updates", "0", "q")
	w.has(cmd, `{"$numberLong":"8"}`, "updates", "0", "u", "$set", "version")
	if _, err := cmd.LookupErr("updates", "0", "u", "$set", "body"); err == nil {
		t.Error("an unchanged body was written")
	}
	for _, never := range []string{"upsert", "multi"} {
		if v, err := cmd.LookupErr("updates", "0", never); err == nil && v.Boolean() {
			t.Errorf("the update is %s", never)
		}
	}
	w.answers(wrote(0))
	if err := table.Replace(t.Context(), r, true); !errors.Is(err, docstore.ErrConflict) {
		t.Errorf("another version: %v", err)
	}
	w.has(w.command(0, "update"), `{"name": "regions/120105/papers/a"}`, "updates", "0", "u", "$set", "body")
}

func TestDrainedCommand(t *testing.T) {
	w, table, _ := papers(t)
	w.answers(wrote(1))
	r := record()
	r.Envelope.Tail = nil
	if n, err := table.Drained(t.Context(), []*docstore.Record{r}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	cmd := w.command(0, "update")
	w.has(cmd, `{"_id": "regions/120105/papers/a","version": {"$numberLong":"7"}}`, "updates", "0", "q")
	w.has(cmd, `{"pending": ""}`, "updates", "0", "u", "$unset")
	w.has(cmd, `{"version": {"$numberLong":"8"},"envelope": {"revision": {"$numberLong":"3"}}}`, "updates", "0", "u", "$set")
}

func TestFindCommands(t *testing.T) {
	w, _, c := papers(t)
	query := docstore.Query{
		Equal: map[string]any{"state": docstoretest.StateDraft}, OrderBy: docstore.FieldCreateTime, Descending: true, PageSize: 1,
		AnyOf: &docstore.AnyOf{Field: docstore.FieldViewers, Values: []string{"people/li"}},
	}
	const sort, hint = `{"ix.create_time": {"$numberInt":"-1"},"_id": {"$numberInt":"-1"}}`, `"ix.viewers,state,create_time"`
	row := func(id string, at int64) bson.D {
		return bson.D{{Key: "_id", Value: id}, {Key: "version", Value: int64(1)}, {Key: "envelope", Value: bson.D{}},
			{Key: "ix", Value: bson.D{{Key: "create_time", Value: at}}}, {Key: "body", Value: bson.D{{Key: "name", Value: id}}}}
	}
	w.answers(cursor(row("b", 9), row("a", 9)))
	page, err := c.List(t.Context(), query)
	if err != nil || len(page.Items) != 1 || page.NextPageToken == "" {
		t.Fatal(page, err)
	}
	cmd := w.command(0, "find")
	w.has(cmd, `{"ix.state": {"$numberLong":"1"},"ix.viewers": "people/li"}`, "filter")
	w.has(cmd, sort, "sort")
	w.has(cmd, hint, "hint")
	w.has(cmd, `{"$numberLong":"2"}`, "limit")
	w.has(cmd, `{"$numberInt":"16"}`, "batchSize")
	w.has(cmd, `{"level": "majority"}`, "readConcern")

	query.PageToken = page.NextPageToken
	w.answers(empty, empty)
	if _, err := c.List(t.Context(), query); err != nil {
		t.Fatal(err)
	}
	w.has(w.command(0, "find"), `{"ix.state": {"$numberLong":"1"},"ix.viewers": "people/li","ix.create_time": {"$numberLong":"9"},"_id": {"$lt": "b"}}`, "filter")
	w.has(w.command(1, "find"), `{"ix.state": {"$numberLong":"1"},"ix.viewers": "people/li","ix.create_time": {"$lt": {"$numberLong":"9"}}}`, "filter")
	w.has(w.command(1, "find"), hint, "hint")
}

func TestErrors(t *testing.T) {
	w, table, _ := papers(t)
	w.answers(bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: 0}, {Key: "writeErrors", Value: bson.A{
		bson.D{{Key: "index", Value: 0}, {Key: "code", Value: 11000}, {Key: "errmsg", Value: "E11000 duplicate key"}},
	}}})
	if err := table.Insert(t.Context(), record()); !errors.Is(err, docstore.ErrAlreadyExists) {
		t.Errorf("duplicate key: %v", err)
	}
	w.answers(empty)
	if _, err := table.Get(t.Context(), "a"); !errors.Is(err, docstore.ErrNotFound) {
		t.Errorf("nothing: %v", err)
	}
	w.answers(bson.D{{Key: "ok", Value: 0}, {Key: "code", Value: 8000}, {Key: "errmsg", Value: "no"}})
	if _, err := table.Get(t.Context(), "a"); !errors.Is(err, docstore.ErrUnavailable) {
		t.Errorf("a server that fails: %v", err)
	}
}

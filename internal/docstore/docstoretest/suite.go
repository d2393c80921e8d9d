// Package docstoretest is the conformance suite of the store. Every engine
// runs it; what passes here is the contract.
package docstoretest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"time"

	"fashen/internal/docstore"
)

// Opener makes an engine over an empty store of its own. Calling reopen gives
// a new engine over the same store, after the first is closed.
type Opener func(t *testing.T) (e docstore.Engine, reopen func() docstore.Engine)

// Run runs the suite.
func Run(t *testing.T, open Opener) {
	groups := []struct {
		name string
		run  func(t *testing.T, open Opener)
	}{
		{"Document", testDocument},
		{"Request", testRequests},
		{"List", testLists},
		{"Race", testRaces},
		{"Schema", testSchemas},
		{"Message", testMessages},
		{"Blob", testBlobs},
		{"Journal", testJournal},
		{"Property", testProperties},
		{"Migration", testMigrations},
		{"Feed", testFeeds},
		{"Derived", testDerived},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) { g.run(t, open) })
	}
}

// Clock is a clock that tests move.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts on a fixed day.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 5, 12, 1, 2, 3, 4_999_999, time.UTC)}
}

// Now tells the time, a little later each time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(10 * time.Millisecond)
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// PaperSpec is the collection of the suite.
var PaperSpec = docstore.Spec{
	Name: "papers",
	Indexes: []docstore.Index{
		{Fields: []string{"unit", "state", docstore.FieldCreateTime}},
		{Fields: []string{"unit", "state", docstore.FieldViewers, docstore.FieldCreateTime}},
		{Fields: []string{docstore.FieldViewers}},
		{Fields: []string{docstore.FieldParent, "issued"}},
		{Fields: []string{"tags", "count"}},
		{Fields: []string{"state"}},
		{Fields: []string{"title"}},
		{Fields: []string{"lead.due"}},
		{Fields: []string{"urgent", docstore.FieldUpdateTime}},
		{Fields: []string{"unit", "number"}, Unique: true},
	},
}

// fixture is a collection over an engine of its own.
type fixture struct {
	t      *testing.T
	engine docstore.Engine
	reopen func() docstore.Engine
	clock  *Clock
	papers docstore.Collection[Paper]
	ctx    context.Context
	// drained runs a case with its entries drained after each step.
	drained bool
}

func newFixture(t *testing.T, open Opener) *fixture {
	t.Helper()
	e, reopen := open(t)
	f := &fixture{t: t, engine: e, reopen: reopen, clock: NewClock()}
	f.ctx = As(t.Context(), "people/zhang", "")
	f.papers = f.collection(V1)
	return f
}

var suiteKey = []byte("a key for the page tokens of tests")

func (f *fixture) collection(s Schema) docstore.Collection[Paper] {
	f.t.Helper()
	c, err := docstore.NewCollection[Paper](f.ctx, f.engine, PaperSpec, docstore.Options{
		Clock: f.clock.Now, New: s.New, TokenKey: suiteKey,
	})
	if err != nil {
		f.t.Fatalf("open collection: %v", err)
	}
	return c
}

// As is a context in which somebody asks for a write, with a request id or
// without. The request is the same for the same arguments.
func As(ctx context.Context, actor, requestID string, request ...any) context.Context {
	digest := sha256.Sum256(fmt.Append(nil, request...))
	return docstore.WithOrigin(ctx, docstore.Origin{
		Actor: actor, Method: "/docstoretest.Papers/Write", RequestID: requestID, RequestDigest: digest[:],
	})
}

// create makes a paper that everyone of the suite may see.
func (f *fixture) create(name string, fields map[string]any) (Paper, docstore.Meta) {
	f.t.Helper()
	m, meta, err := f.papers.Create(f.ctx, V1.Paper(name, fields), docstore.Change{To: "DRAFT"})
	if err != nil {
		f.t.Fatalf("create %s: %v", name, err)
	}
	return m, meta
}

// set changes one field of a paper.
func set(field string, value any) func(Paper, docstore.Meta) (docstore.Change, error) {
	return func(m Paper, _ docstore.Meta) (docstore.Change, error) {
		Set(m, field, value)
		return docstore.Change{}, nil
	}
}

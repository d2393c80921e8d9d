package docstoretest

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"fashen/internal/docstore"
)

func testSchemas(t *testing.T, open Opener) {
	t.Run("NewerFields", func(t *testing.T) { newerFields(newFixture(t, open)) })
	t.Run("CallersUnknown", func(t *testing.T) { callersUnknown(newFixture(t, open)) })
	t.Run("NewIndexes", func(t *testing.T) { newIndexes(newFixture(t, open)) })
	t.Run("Reopen", func(t *testing.T) { reopened(newFixture(t, open)) })
}

// newerFields: fields of a newer schema, at every level and of every kind,
// survive an update by a server that does not know them.
func newerFields(f *fixture) {
	item := func(text string) Paper {
		return V2.Item(map[string]any{
			"text": text, "remark": "批注" + text,
			"inner": V2.Item(map[string]any{"text": "inner", "remark": "𠮷\x00"}),
		})
	}
	newer := f.collection(V2)
	made, _, err := newer.Create(f.ctx, V2.Paper(paperA, map[string]any{
		"title": "one", "state": StateArchived, "summary": "摘要", "second": StateArchived,
		"lead": item("lead"), "items": []Paper{item("a"), item("b")}, "marks": []Paper{item("m")},
	}), docstore.Change{})
	f.ok("create", err)
	_, _, err = f.papers.Update(f.ctx, paperA, docstore.Precondition{}, func(m Paper, _ docstore.Meta) (docstore.Change, error) {
		Set(m, "title", "two")
		lead := m.Mutable(m.Descriptor().Fields().ByName("lead")).Message()
		Set(lead, "text", "changed")
		return docstore.Change{}, nil
	})
	f.ok("update by an older server", err)
	got, _, err := newer.Get(f.ctx, paperA)
	f.ok("get", err)
	want := proto.CloneOf(made)
	Set(want, "title", "two")
	Set(want.Mutable(want.Descriptor().Fields().ByName("lead")).Message(), "text", "changed")
	for _, m := range []Paper{got, want} {
		for _, field := range []string{"etag", "update_time"} {
			m.Clear(m.Descriptor().Fields().ByName(protoreflect.Name(field)))
		}
	}
	if !proto.Equal(got, want) {
		f.t.Errorf("got  %v\nwant %v", got, want)
	}
	es := f.history(paperA)
	if es[0].GetDigestPartial() || !es[1].GetDigestPartial() {
		f.t.Errorf("partial digests: %v, %v", es[0].GetDigestPartial(), es[1].GetDigestPartial())
	}
	// The older server may set what it knows, over a value it does not know.
	_, _, err = f.papers.Update(f.ctx, paperA, docstore.Precondition{}, set("state", StateSubmitted))
	f.ok("update", err)
	if got, _, err = newer.Get(f.ctx, paperA); err != nil || got.Get(got.Descriptor().Fields().ByName("state")).Enum() != StateSubmitted {
		f.t.Errorf("state %v, %v", got, err)
	}
	f.verified()
}

// callersUnknown: what a caller sends and the server does not know is not kept.
func callersUnknown(f *fixture) {
	sent := V1.Paper(paperA, map[string]any{"title": "one"})
	raw, err := proto.Marshal(V2.Paper("", map[string]any{"summary": "smuggled"}))
	f.ok("marshal", err)
	sent.SetUnknown(raw)
	_, _, err = f.papers.Create(f.ctx, sent, docstore.Change{})
	f.ok("create", err)
	got, _, err := f.collection(V2).Get(f.ctx, paperA)
	f.ok("get", err)
	if s := Text(got, "summary"); s != "" {
		f.t.Errorf("kept %q", s)
	}
}

// newIndexes: a store whose declaration changed serves the new lists, and
// still refuses what its unique indexes refuse.
func newIndexes(f *fixture) {
	f.seed(20)
	f.create("regions/120105/papers/x", map[string]any{"unit": "u", "number": "1"})
	open := func(indexes ...docstore.Index) docstore.Collection[Paper] {
		c, err := docstore.NewCollection[Paper](f.ctx, f.engine, docstore.Spec{Name: PaperSpec.Name, Indexes: indexes},
			docstore.Options{Clock: f.clock.Now, New: V1.New})
		f.ok("open", err)
		return c
	}
	other := open(docstore.Index{Fields: []string{docstore.FieldViewers, "count"}}, docstore.Index{Fields: []string{"number", "unit"}, Unique: true})
	page, err := other.List(f.ctx, docstore.Query{AnyOf: &docstore.AnyOf{Field: docstore.FieldViewers, Values: []string{"people/3"}}, OrderBy: "count"})
	f.ok("list", err)
	var names []string
	for _, m := range page.Items {
		names = append(names, Text(m, "name"))
	}
	if want := wanted(20, func(i int) bool { return i%10 == 3 || (i+1)%10 == 3 }); !slices.Equal(names, want) {
		f.t.Errorf("got %v, want %v", names, want)
	}
	_, _, err = other.Create(f.ctx, V1.Paper("regions/120105/papers/y", map[string]any{"unit": "u", "number": "1"}), docstore.Change{})
	f.want("a taken number", err, docstore.ErrAlreadyExists)
	_, _, err = other.Update(f.ctx, paperName(3), docstore.Precondition{}, set("unit", "bureaus/moved"))
	f.ok("update", err)
	f.papers = open(PaperSpec.Indexes...) // and back
	moved := f.all(docstore.Query{Equal: map[string]any{"unit": "bureaus/moved", "state": StateSubmitted}, OrderBy: docstore.FieldCreateTime})
	if !slices.Equal(moved, []string{paperName(3)}) {
		f.t.Errorf("moved: %v", moved)
	}
	f.verified()
}

func reopened(f *fixture) {
	f.seed(5)
	_, before := f.get(paperName(3))
	f.engine = f.reopen()
	f.papers = f.collection(V1)
	if _, after := f.get(paperName(3)); after.Etag != before.Etag {
		f.t.Errorf("etag %q, after opening again %q", before.Etag, after.Etag)
	}
	if n := len(f.all(docstore.Query{PageSize: 2})); n != 5 {
		f.t.Errorf("%d documents", n)
	}
	f.ok("ping", f.engine.Ping(f.ctx))
}

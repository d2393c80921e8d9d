package docstoretest

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"fashen/internal/docstore"

	corev1 "fashen/gen/fashen/core/v1"
)

const paperA = "regions/120105/papers/a"

func testDocument(t *testing.T, open Opener) {
	cases := map[string]func(f *fixture){
		"CreateGet":      createGet,
		"CreateTwice":    createTwice,
		"NoOrigin":       noOrigin,
		"Update":         updateDocument,
		"Precondition":   precondition,
		"Refusal":        refusal,
		"Viewers":        viewers,
		"RuleMayNot":     ruleMayNot,
		"UniqueIndex":    uniqueIndex,
		"IdentifierCase": identifierCase,
		"OddStrings":     oddStrings,
		"AstralOrder":    astralOrder,
		"TooLarge":       tooLarge,
		"LongTail":       longTail,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) { run(newFixture(t, open)) })
	}
}

// want fails unless err is the wanted one.
func (f *fixture) want(doing string, err, want error) {
	f.t.Helper()
	if !errors.Is(err, want) {
		f.t.Fatalf("%s: got %v, want %v", doing, err, want)
	}
}

func (f *fixture) ok(doing string, err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatalf("%s: %v", doing, err)
	}
}

func (f *fixture) get(name string) (Paper, docstore.Meta) {
	f.t.Helper()
	m, meta, err := f.papers.Get(f.ctx, name)
	f.ok("get", err)
	return m, meta
}

func (f *fixture) history(name string) []*corev1.JournalEntry {
	f.t.Helper()
	es, next, err := f.papers.History(f.ctx, name, 1000, "")
	f.ok("history", err)
	if next != "" {
		f.t.Fatalf("history of %d entries goes on", len(es))
	}
	return es
}

func createGet(f *fixture) {
	due := time.Date(2026, 6, 1, 8, 0, 0, 123_456_789, time.UTC)
	in := V1.Paper(paperA, map[string]any{
		"unit": "bureaus/jiaowei", "state": StateDraft, "title": "关于示例的通知", "etag": "from a client",
		"create_time": Stamp(due), "tags": []string{"a", "b"}, "lead": V1.Item(map[string]any{"due": Stamp(due)}),
	})
	before := proto.Clone(in)
	made, meta, err := f.papers.Create(f.ctx, in, docstore.Change{To: "DRAFT", Grant: []string{"people/li", "bureaus/b", "people/li"}})
	f.ok("create", err)
	if !proto.Equal(before, in) {
		f.t.Error("create changed its argument")
	}
	got, gotMeta := f.get(paperA)
	if !proto.Equal(made, got) {
		f.t.Errorf("created %v\ngot %v", made, got)
	}
	if gotMeta.Etag != meta.Etag || meta.Etag == "" || Text(got, "etag") != meta.Etag || gotMeta.Revision != 1 {
		f.t.Errorf("etag %q, revision %d, in the body %q, on create %q", gotMeta.Etag, gotMeta.Revision, Text(got, "etag"), meta.Etag)
	}
	if len(gotMeta.Viewers) != 2 || !gotMeta.Created.Equal(meta.Created) || gotMeta.Created.Nanosecond()%1e6 != 0 {
		f.t.Errorf("meta %+v", gotMeta)
	}
	lead := got.Get(got.Descriptor().Fields().ByName("lead")).Message()
	stamp := lead.Get(lead.Descriptor().Fields().ByName("due")).Message()
	if nanos := Int(stamp, "nanos"); nanos != 123_000_000 {
		f.t.Errorf("a nested timestamp has %d nanoseconds", nanos)
	}
	_, _, err = f.papers.Get(f.ctx, "regions/120105/papers/none")
	f.want("get of nothing", err, docstore.ErrNotFound)
	_, _, err = f.papers.Update(f.ctx, "regions/120105/papers/none", docstore.Precondition{}, set("title", "x"))
	f.want("update of nothing", err, docstore.ErrNotFound)
}

func createTwice(f *fixture) {
	f.create(paperA, nil)
	_, _, err := f.papers.Create(f.ctx, V1.Paper(paperA, nil), docstore.Change{})
	f.want("second create", err, docstore.ErrAlreadyExists)
	if n := len(f.history(paperA)); n != 1 {
		f.t.Errorf("%d entries", n)
	}
}

func noOrigin(f *fixture) {
	_, _, err := f.papers.Create(f.t.Context(), V1.Paper(paperA, nil), docstore.Change{})
	if err == nil {
		f.t.Error("created by nobody")
	}
	_, _, err = f.papers.Get(f.ctx, paperA)
	f.want("get", err, docstore.ErrNotFound)
	f.create(paperA, nil)
	if _, _, err = f.papers.Update(f.t.Context(), paperA, docstore.Precondition{}, set("title", "x")); err == nil {
		f.t.Error("changed by nobody")
	}
}

func updateDocument(f *fixture) {
	_, first := f.create(paperA, map[string]any{"title": "one"})
	got, meta, err := f.papers.Update(f.ctx, paperA, docstore.Precondition{Etag: first.Etag}, func(m Paper, meta docstore.Meta) (docstore.Change, error) {
		if meta.Etag != first.Etag || Text(m, "etag") != first.Etag {
			f.t.Errorf("the rule sees etag %q", meta.Etag)
		}
		Set(m, "title", "two")
		return docstore.Change{From: "DRAFT", To: "SUBMITTED", Details: []*corev1.Detail{docstore.Detail("reason", "示例")}}, nil
	})
	f.ok("update", err)
	if Text(got, "title") != "two" || meta.Revision != 2 || meta.Etag == first.Etag || !meta.Updated.After(first.Updated) || !meta.Created.Equal(first.Created) {
		f.t.Errorf("got %v, meta %+v", got, meta)
	}
	stored, storedMeta := f.get(paperA)
	if !proto.Equal(stored, got) || storedMeta.Etag != meta.Etag {
		f.t.Errorf("stored %v, answered %v", stored, got)
	}
	e := f.history(paperA)[1]
	if e.GetFromState() != "DRAFT" || e.GetToState() != "SUBMITTED" || e.GetRevision() != 2 || e.GetSequence() != 2 ||
		e.GetActor() != "people/zhang" || e.GetOutcome() != corev1.Outcome_OUTCOME_DONE || e.GetDetails()[0].GetValue() != "示例" {
		f.t.Errorf("entry %v", e)
	}
	failed := errors.New("no")
	_, _, err = f.papers.Update(f.ctx, paperA, docstore.Precondition{}, func(m Paper, _ docstore.Meta) (docstore.Change, error) {
		Set(m, "title", "three")
		return docstore.Change{}, failed
	})
	f.want("a rule that fails", err, failed)
	if m, _ := f.get(paperA); Text(m, "title") != "two" || len(f.history(paperA)) != 2 {
		f.t.Error("a rule that failed left something behind")
	}
}

func precondition(f *fixture) {
	_, first := f.create(paperA, nil)
	_, _, err := f.papers.Update(f.ctx, paperA, docstore.Precondition{Etag: first.Etag}, set("title", "x"))
	f.ok("update", err)
	_, _, err = f.papers.Update(f.ctx, paperA, docstore.Precondition{Etag: first.Etag}, func(Paper, docstore.Meta) (docstore.Change, error) {
		f.t.Error("the rule ran on another version")
		return docstore.Change{}, nil
	})
	f.want("stale etag", err, docstore.ErrConflict)
}

func refusal(f *fixture) {
	_, first := f.create(paperA, map[string]any{"title": "one", "unit": "u", "state": StateDraft})
	cause := errors.New("审核未完成")
	_, _, err := f.papers.Update(f.ctx, paperA, docstore.Precondition{}, func(m Paper, _ docstore.Meta) (docstore.Change, error) {
		Set(m, "title", "mark of a rule")
		Set(m, "state", StateSubmitted)
		return docstore.Change{Grant: []string{"people/wang"}}, &docstore.Refusal{Reasons: []string{"LEGALITY_REVIEW_MISSING"}, Err: cause}
	})
	f.want("refusal", err, cause)
	got, meta := f.get(paperA)
	if Text(got, "title") != "one" || meta.Etag != first.Etag || meta.Revision != 1 || !meta.Updated.Equal(first.Updated) || len(meta.Viewers) != 0 {
		f.t.Errorf("a refusal changed the document: %v %+v", got, meta)
	}
	es := f.history(paperA)
	if len(es) != 2 || es[1].GetOutcome() != corev1.Outcome_OUTCOME_REFUSED || es[1].GetReasons()[0] != "LEGALITY_REVIEW_MISSING" || es[1].GetRevision() != 1 {
		f.t.Errorf("entries %v", es)
	}
	page, err := f.papers.List(f.ctx, docstore.Query{Equal: map[string]any{"unit": "u", "state": StateDraft}, OrderBy: docstore.FieldCreateTime})
	f.ok("list", err)
	if len(page.Items) != 1 {
		f.t.Errorf("the refused document is listed %d times in its state", len(page.Items))
	}
}

func viewers(f *fixture) {
	seen := func(viewers ...string) int {
		page, err := f.papers.List(f.ctx, docstore.Query{AnyOf: &docstore.AnyOf{Field: docstore.FieldViewers, Values: viewers}})
		f.ok("list", err)
		return len(page.Items)
	}
	_, first, err := f.papers.Create(f.ctx, V1.Paper(paperA, nil), docstore.Change{Grant: []string{"bureaus/a"}})
	f.ok("create", err)
	if seen("bureaus/a") != 1 || seen("bureaus/b") != 0 || seen("bureaus/b", "bureaus/a") != 1 || seen() != 0 {
		f.t.Error("viewers after create")
	}
	_, meta, err := f.papers.Update(f.ctx, paperA, docstore.Precondition{}, func(Paper, docstore.Meta) (docstore.Change, error) {
		return docstore.Change{Revoke: []string{"bureaus/a"}, Grant: []string{"bureaus/b", "people/li"}}, nil
	})
	f.ok("grant", err)
	if meta.Etag != first.Etag || meta.Revision != 1 {
		f.t.Error("a grant changed the etag")
	}
	if seen("bureaus/a") != 0 || seen("bureaus/b") != 1 || seen("people/li", "bureaus/b") != 1 {
		f.t.Error("viewers after grant and revoke")
	}
}

func ruleMayNot(f *fixture) {
	f.create(paperA, nil)
	if _, _, err := f.papers.Update(f.ctx, paperA, docstore.Precondition{}, set("name", "regions/120105/papers/b")); err == nil {
		f.t.Error("a rule renamed a document")
	}
	_, _, err := f.papers.Create(f.ctx, V1.Paper("", nil), docstore.Change{})
	if err == nil {
		f.t.Error("a document without a name")
	}
}

package docstoretest

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"fashen/internal/docstore"
	"fashen/internal/journal"

	corev1 "fashen/gen/fashen/core/v1"
)

func uniqueIndex(f *fixture) {
	name := func(id string) string { return "regions/120105/papers/" + id }
	f.create(name("a"), map[string]any{"unit": "u", "number": "1"})
	f.create(name("b"), map[string]any{"unit": "u", "number": "2"})
	f.create(name("c"), nil)
	f.create(name("d"), nil) // empty ones are left out
	_, _, err := f.papers.Create(f.ctx, V1.Paper(name("e"), map[string]any{"unit": "u", "number": "1"}), docstore.Change{})
	f.want("create with a taken number", err, docstore.ErrAlreadyExists)
	_, _, err = f.papers.Update(f.ctx, name("b"), docstore.Precondition{}, set("number", "1"))
	f.want("update to a taken number", err, docstore.ErrAlreadyExists)
	_, _, err = f.papers.Update(f.ctx, name("a"), docstore.Precondition{}, set("number", "3"))
	f.ok("update", err)
	_, _, err = f.papers.Update(f.ctx, name("b"), docstore.Precondition{}, set("number", "1"))
	f.ok("update to a number that was given up", err)
	page, err := f.papers.List(f.ctx, docstore.Query{Equal: map[string]any{"unit": "u", "number": "3"}})
	f.ok("list", err)
	if len(page.Items) != 1 || Text(page.Items[0], "name") != name("a") {
		f.t.Errorf("found by number: %v", page.Items)
	}
}

func identifierCase(f *fixture) {
	names := []string{"regions/120105/papers/A", "regions/120105/papers/B", "regions/120105/papers/a", "regions/120105/papers/b"}
	for _, n := range []string{names[2], names[1], names[3], names[0]} {
		f.create(n, map[string]any{"title": n})
	}
	page, err := f.papers.List(f.ctx, docstore.Query{Prefix: &docstore.Prefix{Field: docstore.FieldName, Value: "regions/120105/papers/"}})
	f.ok("list", err)
	byTitle, err := f.papers.List(f.ctx, docstore.Query{OrderBy: "title"})
	f.ok("list by title", err)
	for i, n := range names {
		if Text(page.Items[i], "name") != n || Text(byTitle.Items[i], "title") != n {
			f.t.Errorf("place %d: %s, by title %s, want %s", i, Text(page.Items[i], "name"), Text(byTitle.Items[i], "title"), n)
		}
	}
	if m, _ := f.get(names[0]); Text(m, "title") != names[0] {
		f.t.Error("case is not told apart")
	}
}

// oddStrings: NUL, astral characters, quotes and dollars in keys and values.
func oddStrings(f *fixture) {
	odd := []string{"a\x00b", "a\x00", "a", "𠮷野家", "$ref.x", `"'; DROP TABLE x; --`, "e\u0301", "é", "\uFFFD", "%_*"}
	for i, s := range odd {
		n := "regions/120105/papers/" + s
		f.create(n, map[string]any{"title": s, "unit": s, "state": StateDraft, "tags": []string{s, "all"}, "count": i})
	}
	for _, s := range odd {
		m, _ := f.get("regions/120105/papers/" + s)
		if Text(m, "title") != s {
			f.t.Errorf("%q came back as %q", s, Text(m, "title"))
		}
		page, err := f.papers.List(f.ctx, docstore.Query{Equal: map[string]any{"unit": s, "state": StateDraft}, OrderBy: docstore.FieldCreateTime})
		f.ok("list", err)
		if len(page.Items) != 1 {
			f.t.Errorf("%q is listed %d times", s, len(page.Items))
		}
		page, err = f.papers.List(f.ctx, docstore.Query{AnyOf: &docstore.AnyOf{Field: "tags", Values: []string{s}}, OrderBy: "count"})
		f.ok("list", err)
		if len(page.Items) != 1 {
			f.t.Errorf("tag %q is listed %d times", s, len(page.Items))
		}
	}
}

// astralOrder: astral characters come after all others, as UTF-8 has it and
// UTF-16 does not.
func astralOrder(f *fixture) {
	titles := []string{"\U0010FFFF", "\uFFFD", "𠮷野家", "é", "a\x00b", "a\x00", "a"}
	for i, s := range titles {
		f.create(fmt.Sprintf("regions/120105/papers/%d", i), map[string]any{"title": s})
	}
	f.inOrder(docstore.Query{OrderBy: "title", PageSize: 2}, len(titles))
}

// inOrder walks all pages and checks the binary order of titles.
func (f *fixture) inOrder(q docstore.Query, want int) {
	f.t.Helper()
	last, n := "", 0
	for {
		page, err := f.papers.List(f.ctx, q)
		f.ok("list", err)
		for _, m := range page.Items {
			if title := Text(m, "title"); n > 0 && title < last {
				f.t.Errorf("%q comes after %q", title, last)
			} else {
				last = title
			}
			n++
		}
		if q.PageToken = page.NextPageToken; q.PageToken == "" {
			break
		}
	}
	if n != want {
		f.t.Errorf("%d documents, want %d", n, want)
	}
}

func tooLarge(f *fixture) {
	big := strings.Repeat("条", docstore.MaxDocumentBytes/3)
	_, _, err := f.papers.Create(f.ctx, V1.Paper(paperA, map[string]any{"title": big}), docstore.Change{})
	f.want("create", err, docstore.ErrTooLarge)
	_, _, err = f.papers.Get(f.ctx, paperA)
	f.want("get", err, docstore.ErrNotFound)
	near := strings.Repeat("条", docstore.MaxDocumentBytes/3-40)
	f.create(paperA, map[string]any{"lead": V1.Item(map[string]any{"text": near})})
	_, _, err = f.papers.Update(f.ctx, paperA, docstore.Precondition{}, set("title", near))
	f.want("update", err, docstore.ErrTooLarge)
	_, _, err = f.papers.Update(f.ctx, paperA, docstore.Precondition{}, func(Paper, docstore.Meta) (docstore.Change, error) {
		return docstore.Change{Details: []*corev1.Detail{docstore.Detail("text", near)}}, nil
	})
	f.want("an entry with a text", err, docstore.ErrTooLarge)
	if n := len(f.history(paperA)); n != 1 {
		f.t.Errorf("%d entries", n)
	}
}

// longTail: a document that the relay never finds unchanged keeps few entries,
// and history is whole across log and tail, page by page. Without a relay it
// takes no more writes after a while, and goes on once there is one.
func longTail(f *fixture) {
	const writes = 150
	f.create(paperA, nil)
	update := func(i int) error {
		_, _, err := f.papers.Update(f.ctx, paperA, docstore.Precondition{}, set("title", fmt.Sprint(i)))
		return err
	}
	tail := func() []*corev1.JournalEntry {
		r, err := f.engine.Tables()[0].Get(f.ctx, paperA)
		f.ok("get", err)
		return r.Envelope.GetTail()
	}
	for i := range writes - 1 {
		f.ok("update", update(i))
		if i%50 == 0 {
			f.ok("append", f.engine.Log().Append(f.ctx, tail()))
		}
	}
	if n := len(tail()); n > 120 {
		f.t.Errorf("the tail has %d entries", n)
	}
	whole := f.history(paperA)
	var paged []*corev1.JournalEntry
	for token := ""; ; {
		es, next, err := f.papers.History(f.ctx, paperA, 7, token)
		f.ok("history", err)
		paged = append(paged, es...)
		if token = next; token == "" {
			break
		}
	}
	if len(whole) != writes || len(paged) != writes {
		f.t.Fatalf("%d entries, %d in pages, want %d", len(whole), len(paged), writes)
	}
	for i := range whole {
		if whole[i].GetSequence() != int64(i+1) || !proto.Equal(whole[i], paged[i]) {
			f.t.Fatalf("entry %d: %v", i, whole[i])
		}
	}
	_, _, err := f.papers.History(f.ctx, paperA, 7, "AAAA")
	f.want("token", err, docstore.ErrPageToken)
	refused := error(nil)
	for i := range 600 {
		if refused = update(-i); refused != nil {
			break
		}
	}
	f.want("a write that nothing relays", refused, docstore.ErrUnavailable)
	f.ok("drain", journal.NewDrainer(f.engine, journal.Options{}).Drain(f.ctx))
	f.ok("update", update(0))
	f.verified()
}

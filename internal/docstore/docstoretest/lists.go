package docstoretest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/proto"

	"fashen/internal/docstore"
)

func testLists(t *testing.T, open Opener) {
	cases := map[string]func(f *fixture){
		"Pages":     pages,
		"Inserts":   pagesUnderInserts,
		"Changes":   pagesUnderChanges,
		"Bytes":     pagesOfBytes,
		"Megabytes": pagesOfMegabytes,
		"Ranges":    ranges,
		"Prefixes":  prefixes,
		"Parent":    parents,
		"NoIndex":   noIndex,
		"Tokens":    pageTokens,
		"Aggregate": aggregate,
		"Examined":  examined,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) { run(newFixture(t, open)) })
	}
}

func paperName(i int) string { return fmt.Sprintf("regions/120105/papers/%05d", i) }

// seed makes n papers of three units and two states, seen by a few viewers.
func (f *fixture) seed(n int) {
	f.t.Helper()
	for i := range n {
		paper := V1.Paper(paperName(i), map[string]any{
			"unit": fmt.Sprint("bureaus/", i%3), "state": 1 + i%2, "count": i, "title": fmt.Sprintf("t%03d", n-i),
			"issued": proto.Message(&date.Date{Year: 2026, Month: int32(1 + i%12), Day: int32(1 + i%28)}), "urgent": i%5 == 0,
			"tags": []string{"all", fmt.Sprint("tag", i%4)}, "number": fmt.Sprint(i),
		})
		grant := []string{fmt.Sprint("people/", i%10), fmt.Sprint("people/", (i+1)%10), "roles/reviewer"}
		_, _, err := f.papers.Create(f.ctx, paper, docstore.Change{Grant: grant})
		f.ok("create", err)
	}
}

// all walks every page and answers the names.
func (f *fixture) all(q docstore.Query) []string {
	f.t.Helper()
	var names []string
	for {
		page, err := f.papers.List(f.ctx, q)
		f.ok("list", err)
		if q.PageSize > 0 && len(page.Items) > q.PageSize {
			f.t.Fatalf("a page of %d documents", len(page.Items))
		}
		for i, m := range page.Items {
			names = append(names, Text(m, "name"))
			if page.Metas[i].Etag == "" || Text(m, "etag") != page.Metas[i].Etag {
				f.t.Errorf("etag %q of %s", page.Metas[i].Etag, Text(m, "name"))
			}
		}
		if q.PageToken = page.NextPageToken; q.PageToken == "" {
			return names
		}
	}
}

// wanted lists the papers of seed that match, in the order of their making.
func wanted(n int, match func(i int) bool) []string {
	var names []string
	for i := range n {
		if match(i) {
			names = append(names, paperName(i))
		}
	}
	return names
}

func reversed(names []string) []string {
	out := slices.Clone(names)
	slices.Reverse(out)
	return out
}

func (f *fixture) lists(what string, q docstore.Query, want []string) {
	f.t.Helper()
	for _, size := range []int{3, 100} {
		q.PageSize = size
		if got := f.all(q); !slices.Equal(got, want) {
			f.t.Errorf("%s, pages of %d:\n got %v\nwant %v", what, size, got, want)
		}
	}
}

func pages(f *fixture) {
	const n = 40
	f.seed(n)
	of := map[string]any{"unit": "bureaus/1", "state": StateDraft}
	match := func(i int) bool { return i%3 == 1 && i%2 == 0 }
	seen := func(viewers ...int) func(int) bool {
		return func(i int) bool {
			return match(i) && (slices.Contains(viewers, i%10) || slices.Contains(viewers, (i+1)%10))
		}
	}
	anyOf := func(viewers ...string) *docstore.AnyOf {
		return &docstore.AnyOf{Field: docstore.FieldViewers, Values: viewers}
	}
	byTime := docstore.FieldCreateTime
	f.lists("all", docstore.Query{}, wanted(n, func(int) bool { return true }))
	f.lists("all, last first", docstore.Query{Descending: true}, reversed(wanted(n, func(int) bool { return true })))
	f.lists("by title", docstore.Query{OrderBy: "title"}, reversed(wanted(n, func(int) bool { return true })))
	f.lists("oldest first", docstore.Query{Equal: of, OrderBy: byTime}, wanted(n, match))
	f.lists("newest first", docstore.Query{Equal: of, OrderBy: byTime, Descending: true}, reversed(wanted(n, match)))
	f.lists("one viewer", docstore.Query{Equal: of, AnyOf: anyOf("people/4"), OrderBy: byTime, Descending: true}, reversed(wanted(n, seen(4))))
	f.lists("several viewers", docstore.Query{Equal: of, AnyOf: anyOf("people/4", "people/5", "people/0", "people/nobody"), OrderBy: byTime, Descending: true},
		reversed(wanted(n, seen(4, 5, 0))))
	f.lists("viewers who see the same", docstore.Query{AnyOf: anyOf("roles/reviewer", "people/1", "people/2")}, wanted(n, func(int) bool { return true }))
	f.lists("a state by its name", docstore.Query{AnyOf: &docstore.AnyOf{Field: "state", Values: []string{"STATE_DRAFT", "STATE_SUBMITTED"}}},
		wanted(n, func(int) bool { return true }))
	f.lists("a bool", docstore.Query{Equal: map[string]any{"urgent": true}, OrderBy: docstore.FieldUpdateTime}, wanted(n, func(i int) bool { return i%5 == 0 }))
	f.lists("a repeated field equals", docstore.Query{Equal: map[string]any{"tags": "tag2"}, OrderBy: "count"}, wanted(n, func(i int) bool { return i%4 == 2 }))
}

// pagesUnderInserts: whatever is inserted, what was there at the beginning
// comes exactly once.
func pagesUnderInserts(f *fixture) {
	const n = 30
	f.seed(n)
	for _, q := range []docstore.Query{
		{OrderBy: "title", PageSize: 4},
		{OrderBy: "title", PageSize: 4, Descending: true},
		{PageSize: 4},
		{AnyOf: &docstore.AnyOf{Field: docstore.FieldViewers, Values: []string{"roles/reviewer", "people/3"}}, PageSize: 4},
	} {
		seen := map[string]int{}
		for i := 0; ; i++ {
			page, err := f.papers.List(f.ctx, q)
			f.ok("list", err)
			for _, m := range page.Items {
				seen[Text(m, "name")]++
			}
			if q.PageToken = page.NextPageToken; q.PageToken == "" {
				break
			}
			for _, where := range []string{"a", "z", "t015x"} { // before, after and amid
				name := fmt.Sprintf("regions/120105/papers/%s-%t-%s-%d", where, q.Descending, q.OrderBy, i)
				if q.AnyOf != nil {
					name += "-viewers"
				}
				_, _, err := f.papers.Create(f.ctx, V1.Paper(name, map[string]any{"title": where}), docstore.Change{Grant: []string{"people/3"}})
				f.ok("insert", err)
			}
			if i > 50 {
				break // lists that grow at their end may go on
			}
		}
		for i := range n {
			if seen[paperName(i)] != 1 {
				f.t.Errorf("%+v: %s came %d times", q, paperName(i), seen[paperName(i)])
			}
		}
	}
}

func ranges(f *fixture) {
	const n = 30
	f.seed(n)
	_, first := f.get(paperName(10))
	_, last := f.get(paperName(20))
	within := func(i int) bool { return i >= 10 && i < 20 && i%3 == 1 && i%2 == 0 }
	f.lists("times", docstore.Query{
		Equal: map[string]any{"unit": "bureaus/1", "state": StateDraft},
		Range: &docstore.Range{Field: docstore.FieldCreateTime, From: first.Created, To: last.Created},
	}, wanted(n, within))
	f.lists("times, newest first", docstore.Query{
		Equal: map[string]any{"unit": "bureaus/1", "state": StateDraft}, OrderBy: docstore.FieldCreateTime, Descending: true,
		Range: &docstore.Range{Field: docstore.FieldCreateTime, From: first.Created, To: last.Created},
	}, reversed(wanted(n, within)))
	march := f.all(docstore.Query{
		Equal: map[string]any{docstore.FieldParent: "regions/120105"},
		Range: &docstore.Range{Field: "issued", From: "2026-03-01", To: "2026-04-01"},
	})
	if !slices.Equal(march, wanted(n, func(i int) bool { return i%12 == 2 })) {
		f.t.Errorf("issued in March: %v", march)
	}
	f.lists("numbers", docstore.Query{
		Equal: map[string]any{"tags": "all"}, Range: &docstore.Range{Field: "count", From: 25},
	}, wanted(n, func(i int) bool { return i >= 25 }))
}

func prefixes(f *fixture) {
	for _, name := range []string{"regions/1/papers/a", "regions/1/papers/b", "regions/10/papers/a", "regions/1/papers.x/a", "regions/2/papers/a"} {
		f.create(name, map[string]any{"title": strings.ToUpper(name)})
	}
	by := func(field, value string) docstore.Query {
		return docstore.Query{Prefix: &docstore.Prefix{Field: field, Value: value}}
	}
	f.lists("name", by(docstore.FieldName, "regions/1/papers/"), []string{"regions/1/papers/a", "regions/1/papers/b"})
	f.lists("title", by("title", "REGIONS/2"), []string{"regions/2/papers/a"})
	f.lists("title in another case", by("title", "regions/2"), nil)
	f.lists("nothing", by(docstore.FieldName, "regions/3"), nil)
	f.lists("a pattern", by("title", "REGIONS/_"), nil)
	q := by(docstore.FieldName, "regions/1/papers/")
	q.Descending = true
	f.lists("name, last first", q, []string{"regions/1/papers/b", "regions/1/papers/a"})
}

func parents(f *fixture) {
	for i, name := range []string{"regions/1/papers/a", "regions/1/papers/b", "regions/10/papers/a", "regions/1/papers/a/papers/c"} {
		f.create(name, map[string]any{"issued": proto.Message(&date.Date{Year: 2026, Month: int32(12 - i), Day: 1})})
	}
	f.lists("children by date", docstore.Query{Equal: map[string]any{docstore.FieldParent: "regions/1"}, OrderBy: "issued"},
		[]string{"regions/1/papers/b", "regions/1/papers/a"})
}

func noIndex(f *fixture) {
	for what, q := range map[string]docstore.Query{
		"field of no index":     {Equal: map[string]any{"summary": "x"}},
		"missing a leading one": {Equal: map[string]any{"state": StateDraft}, OrderBy: docstore.FieldCreateTime},
		"one too many":          {Equal: map[string]any{"unit": "u", "state": StateDraft, "title": "x"}},
		"another order":         {Equal: map[string]any{"unit": "u", "state": StateDraft}, OrderBy: "title"},
		"order by name":         {Equal: map[string]any{"unit": "u", "state": StateDraft}},
		"order of viewers":      {OrderBy: docstore.FieldViewers},
		"two bounded fields": {Prefix: &docstore.Prefix{Field: docstore.FieldName, Value: "a"},
			Range: &docstore.Range{Field: "count"}},
	} {
		_, err := f.papers.List(f.ctx, q)
		f.want(what, err, docstore.ErrNoIndex)
	}
	for what, q := range map[string]docstore.Query{
		"page size":   {PageSize: 1001},
		"wrong type":  {Equal: map[string]any{"title": 3}},
		"wrong state": {Equal: map[string]any{"state": "NO_SUCH_STATE"}},
	} {
		if _, err := f.papers.List(f.ctx, q); err == nil {
			f.t.Errorf("%s passed", what)
		}
	}
}

func pageTokens(f *fixture) {
	f.seed(10)
	q := docstore.Query{OrderBy: "title", PageSize: 3}
	page, err := f.papers.List(f.ctx, q)
	f.ok("list", err)
	token := page.NextPageToken
	for what, other := range map[string]docstore.Query{
		"another order":     {OrderBy: "title", Descending: true},
		"another list":      {},
		"another condition": {OrderBy: "title", Range: &docstore.Range{Field: "title", From: "a"}},
	} {
		other.PageToken = token
		_, err := f.papers.List(f.ctx, other)
		f.want(what, err, docstore.ErrPageToken)
	}
	for _, bad := range []string{"x", token + "A", token[1:], token[:len(token)-1], strings.ToUpper(token), "🙂"} {
		q.PageToken = bad
		_, err := f.papers.List(f.ctx, q)
		f.want("token "+bad, err, docstore.ErrPageToken)
	}
	q.PageToken, q.PageSize = token, 5 // another size is the same list
	page, err = f.papers.List(f.ctx, q)
	f.ok("list", err)
	if len(page.Items) != 5 || Text(page.Items[0], "name") != paperName(6) {
		f.t.Errorf("continued with %v", page.Items)
	}
}

func aggregate(f *fixture) {
	f.seed(30)
	type line = docstore.Group
	same := func(what string, got []line, err error, want ...line) {
		f.t.Helper()
		f.ok(what, err)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			f.t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	got, err := f.papers.Aggregate(f.ctx, docstore.Query{}, []string{"state"}, []string{"count"})
	same("by state", got, err, line{Key: []any{int64(1)}, Count: 15, Sums: []int64{210}}, line{Key: []any{int64(2)}, Count: 15, Sums: []int64{225}})
	got, err = f.papers.Aggregate(f.ctx, docstore.Query{Equal: map[string]any{"unit": "bureaus/1"}}, []string{"unit", "state"}, nil)
	same("by unit and state", got, err, line{Key: []any{"bureaus/1", int64(1)}, Count: 5, Sums: []int64{}},
		line{Key: []any{"bureaus/1", int64(2)}, Count: 5, Sums: []int64{}})
	got, err = f.papers.Aggregate(f.ctx, docstore.Query{AnyOf: &docstore.AnyOf{Field: docstore.FieldViewers, Values: []string{"people/1", "people/2", "roles/reviewer"}}}, nil, []string{"count"})
	same("of viewers", got, err, line{Key: []any{}, Count: 30, Sums: []int64{435}})
	got, err = f.papers.Aggregate(f.ctx, docstore.Query{Equal: map[string]any{"tags": "all"}, Range: &docstore.Range{Field: "count", From: 20, To: 22}}, nil, []string{"count"})
	same("in a range", got, err, line{Key: []any{}, Count: 2, Sums: []int64{41}})
	got, err = f.papers.Aggregate(f.ctx, docstore.Query{Equal: map[string]any{"unit": "nobody"}}, nil, nil)
	same("of nothing", got, err)
	_, err = f.papers.Aggregate(f.ctx, docstore.Query{}, []string{"summary"}, nil)
	f.want("by a field of no index", err, docstore.ErrNoIndex)
}

// examined: no list looks at much more than it answers.
func examined(f *fixture) {
	f.seed(2000)
	of := map[string]any{"unit": "bureaus/1", "state": StateDraft}
	for what, q := range map[string]docstore.Query{
		"unit and state": {Equal: of, OrderBy: docstore.FieldCreateTime, Descending: true},
		"viewers":        {Equal: of, OrderBy: docstore.FieldCreateTime, AnyOf: &docstore.AnyOf{Field: docstore.FieldViewers, Values: []string{"people/1", "people/2", "roles/reviewer"}}},
		"names":          {Prefix: &docstore.Prefix{Field: docstore.FieldName, Value: "regions/120105/papers/01"}},
		"titles":         {OrderBy: "title"},
	} {
		q.PageSize = 20
		for range 3 { // the third page as cheap as the first
			page, err := f.papers.List(f.ctx, q)
			f.ok("list", err)
			if len(page.Items) != 20 || page.Examined > 10*len(page.Items) {
				f.t.Errorf("%s: %d documents, examined %d", what, len(page.Items), page.Examined)
			}
			q.PageToken = page.NextPageToken
		}
	}
}

package docstoretest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"fashen/internal/docstore"
)

// pagesUnderChanges: while others appear and disappear between the steps of a
// list, what stays comes exactly once.
func pagesUnderChanges(f *fixture) {
	const n = 24
	for i := range n {
		_, _, err := f.papers.Create(f.ctx, V1.Paper(paperName(i), nil), docstore.Change{Grant: []string{"people/1", "people/2"}})
		f.ok("create", err)
	}
	ctx, stop := context.WithCancel(f.ctx)
	var writer sync.WaitGroup
	defer writer.Wait()
	defer stop()
	writer.Go(func() {
		both := []string{"people/1", "people/2"}
		for i := 1; ctx.Err() == nil; i = (i + 2) % n { // the odd ones
			for _, c := range []docstore.Change{{Revoke: both}, {Grant: both}} {
				_, _, err := f.papers.Update(ctx, paperName(i), docstore.Precondition{}, func(Paper, docstore.Meta) (docstore.Change, error) { return c, nil })
				if err != nil && ctx.Err() == nil {
					f.t.Errorf("change: %v", err)
					return
				}
			}
		}
	})
	steady := wanted(n, func(i int) bool { return i%2 == 0 })
	for range 30 {
		got := f.all(docstore.Query{AnyOf: &docstore.AnyOf{Field: docstore.FieldViewers, Values: []string{"people/1", "people/2"}}, PageSize: 3})
		if !slices.IsSorted(got) {
			f.t.Fatalf("out of order: %v", got)
		}
		got = slices.DeleteFunc(got, func(name string) bool { return !slices.Contains(steady, name) })
		if !slices.Equal(got, steady) {
			f.t.Fatalf("of what stayed as it was came %v", got)
		}
	}
}

// pagesOfBytes: a page ends before the body that passes its bytes, and holds one
// document at least.
func pagesOfBytes(f *fixture) {
	const (
		n    = 9
		long = 100_000
	)
	f.seedLong(n, long)
	every := wanted(n, func(int) bool { return true })
	viewers := &docstore.AnyOf{Field: docstore.FieldViewers, Values: []string{"people/1", "people/2"}}
	for what, q := range map[string]docstore.Query{
		"names":      {},
		"titles":     {OrderBy: "title"},
		"one viewer": {AnyOf: &docstore.AnyOf{Field: docstore.FieldViewers, Values: viewers.Values[:1]}},
		"viewers":    {AnyOf: viewers},
		"last first": {AnyOf: viewers, Descending: true},
	} {
		want := every
		if q.Descending {
			want = reversed(every)
		}
		for maxBytes, most := range map[int]int{1: 1, long / 2: 1, 5 * long / 2: 2, 7 * long / 2: 3, 20 * long: n} {
			q.MaxBytes = maxBytes
			f.pagesOf(fmt.Sprintf("%s, %d bytes", what, maxBytes), q, most, want)
		}
		q.MaxBytes, q.PageSize = 7*long/2, 2
		f.pagesOf(what+", fewer documents than bytes", q, 2, want)
	}
}

// pagesOfMegabytes: without a bound of the query's own there is one.
func pagesOfMegabytes(f *fixture) {
	f.seedLong(3, 1_900_000)
	f.pagesOf("names", docstore.Query{}, 1, wanted(3, func(int) bool { return true }))
}

// seedLong makes n papers of about so many bytes, seen by two people.
func (f *fixture) seedLong(n, bytes int) {
	f.t.Helper()
	for i := range n {
		paper := V1.Paper(paperName(i), map[string]any{
			"title": fmt.Sprintf("t%03d", i), "lead": V1.Item(map[string]any{"text": strings.Repeat("x", bytes)}),
		})
		_, _, err := f.papers.Create(f.ctx, paper, docstore.Change{Grant: []string{"people/1", "people/2"}})
		f.ok("create", err)
	}
}

// pagesOf walks a list whose pages are full at so many documents.
func (f *fixture) pagesOf(what string, q docstore.Query, full int, want []string) {
	f.t.Helper()
	var got []string
	for {
		page, err := f.papers.List(f.ctx, q)
		f.ok(what, err)
		for _, m := range page.Items {
			got = append(got, Text(m, "name"))
		}
		if left := len(want) - len(got) + len(page.Items); len(page.Items) != min(full, left) || left < 1 {
			f.t.Fatalf("%s: a page of %d documents, %d were left", what, len(page.Items), left)
		}
		if q.PageToken = page.NextPageToken; q.PageToken == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		f.t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

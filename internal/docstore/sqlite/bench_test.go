package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
	"fashen/internal/journal"

	filingv1 "fashen/gen/fashen/filing/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
)

// The benchmarks use documents as the filing service has them, about 1 KB each.

var filingSpec = docstore.Spec{Name: "documents", Indexes: []docstore.Index{
	{Fields: []string{docstore.FieldViewers, "drafting_unit", "state", docstore.FieldCreateTime}},
}}

func documentNo(i int) *filingv1.Document {
	return &filingv1.Document{
		Name:             fmt.Sprintf("regions/120105/documents/%08d", i),
		Title:            "关于印发《示例区政务服务办理规定》的通知",
		DraftingUnit:     fmt.Sprintf("regions/120105/bureaus/%d", i%5),
		IssuingAuthority: "regions/120105/bureaus/government",
		Drafter:          "regions/120105/people/drafter",
		State:            filingv1.Document_State(1 + i%3),
		Parties:          []string{strings.Repeat("示例单位", 60)},
	}
}

func viewersOf(i int) []string {
	return []string{fmt.Sprintf("regions/120105/bureaus/%d", i%5), "roles/120105/reviewer", fmt.Sprintf("people/%d", i%100)}
}

func benchStore(b *testing.B) (*Engine, docstore.Collection[*filingv1.Document], *journal.Drainer) {
	b.Helper()
	e := openAt(b, filepath.Join(b.TempDir(), "store.db"))
	d := journal.NewDrainer(e, journal.Options{})
	c, err := docstore.NewCollection[*filingv1.Document](context.Background(), e, filingSpec, docstore.Options{Wrote: d.Wake})
	if err != nil {
		b.Fatal(err)
	}
	return e, c, d
}

// BenchmarkCreate compares a durable insert of the bare engine, with the same
// indexes, to a create with its journal entry, drained in the background.
func BenchmarkCreate(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		e, _, _ := benchStore(b)
		table := e.Tables()[0]
		spec := table.Spec()
		for i := 0; b.Loop(); i++ {
			m := documentNo(i)
			r := &docstore.Record{Name: m.GetName(), CreateKey: m.GetName(), Body: m, Envelope: &storagev1.Envelope{Viewers: viewersOf(i)}}
			r.Index, r.Unique = spec.Values(r)
			if err := table.Insert(b.Context(), r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("journaled", func(b *testing.B) {
		_, c, d := benchStore(b)
		d.Start()
		for i := 0; b.Loop(); i++ {
			ctx := docstoretest.As(b.Context(), "people/zhang", fmt.Sprint("request-", i))
			if _, _, err := c.Create(ctx, documentNo(i), docstore.Change{To: "DRAFTING", Grant: viewersOf(i)}); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkWriters compares durable, journaled creates of one writer with those of
// 16, in turns of one run.
func BenchmarkWriters(b *testing.B) {
	const turn = 300 * time.Millisecond
	_, c, d := benchStore(b)
	d.Start()
	var next atomic.Int64
	creates := func(writers int) float64 {
		var all sync.WaitGroup
		from, start := next.Load(), time.Now()
		for range writers {
			all.Go(func() {
				for time.Since(start) < turn {
					i := int(next.Add(1))
					ctx := docstoretest.As(b.Context(), "people/zhang", fmt.Sprint("request-", i))
					if _, _, err := c.Create(ctx, documentNo(i), docstore.Change{To: "DRAFTING", Grant: viewersOf(i)}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		return float64(next.Load()-from) / time.Since(start).Seconds()
	}
	var one, many, ratio []float64
	for b.Loop() {
		one, many = append(one, creates(1)), append(many, creates(16))
		ratio = append(ratio, many[len(many)-1]/one[len(one)-1])
	}
	b.StopTimer()
	for unit, values := range map[string][]float64{"writes/s-of-1": one, "writes/s-of-16": many, "x": ratio} {
		slices.Sort(values)
		b.ReportMetric(values[len(values)/2], unit)
	}
	if err := d.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkGet compares a read of the bare engine to one of a collection.
func BenchmarkGet(b *testing.B) {
	e, c, _ := benchStore(b)
	fill(b, e, c, 1000)
	name := documentNo(500).GetName()
	b.Run("bare", func(b *testing.B) {
		table := e.Tables()[0]
		for b.Loop() {
			if _, err := table.Get(b.Context(), name); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("collection", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := c.Get(b.Context(), name); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkList20 lists what a caller with three viewers may see of a bureau's
// documents in a state, newest first: in a small store and a large one.
func BenchmarkList20(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		e, c, _ := benchStore(b)
		fill(b, e, c, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			q := docstore.Query{
				Equal:   map[string]any{"drafting_unit": documentNo(7).GetDraftingUnit(), "state": documentNo(7).GetState()},
				AnyOf:   &docstore.AnyOf{Field: docstore.FieldViewers, Values: viewersOf(7)},
				OrderBy: docstore.FieldCreateTime, Descending: true, PageSize: 20,
			}
			for b.Loop() {
				page, err := c.List(b.Context(), q)
				if err != nil || len(page.Items) != q.PageSize {
					b.Fatal(len(page.Items), err)
				}
			}
		})
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen opens a store of 10,000 documents, its collection and all.
func BenchmarkOpen(b *testing.B) {
	e, c, _ := benchStore(b)
	fill(b, e, c, 10_000)
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		again, err := Open(b.Context(), e.path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := docstore.NewCollection[*filingv1.Document](b.Context(), again, filingSpec, docstore.Options{}); err != nil {
			b.Fatal(err)
		}
		if err := again.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// fill makes n documents. Only here, and only to save time, without syncing.
func fill(b *testing.B, e *Engine, c docstore.Collection[*filingv1.Document], n int) {
	b.Helper()
	ctx := docstoretest.As(context.Background(), "people/zhang", "")
	if _, err := e.write.Exec(`PRAGMA synchronous = OFF`); err != nil {
		b.Fatal(err)
	}
	for i := range n {
		if _, _, err := c.Create(ctx, documentNo(i), docstore.Change{Grant: viewersOf(i)}); err != nil {
			b.Fatal(err)
		}
	}
	if err := journal.NewDrainer(e, journal.Options{}).Drain(ctx); err != nil {
		b.Fatal(err)
	}
	if _, err := e.write.Exec(`PRAGMA synchronous = FULL`); err != nil {
		b.Fatal(err)
	}
}

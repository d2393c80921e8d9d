package docstoretest

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"fashen/internal/docstore"
	"fashen/internal/journal"
)

func testJournal(t *testing.T, open Opener) {
	t.Run("Drain", func(t *testing.T) { drain(newFixture(t, open)) })
	t.Run("Background", func(t *testing.T) { background(newFixture(t, open)) })
	t.Run("AfterRestart", func(t *testing.T) { drainAfterRestart(newFixture(t, open)) })
}

// verified fails unless the whole store is in order.
func (f *fixture) verified() journal.Report {
	f.t.Helper()
	report, err := journal.Verify(f.ctx, f.engine, V1.Types())
	f.ok("verify", err)
	for _, p := range report.Problems {
		f.t.Errorf("verify: %v", p)
	}
	return report
}

// waiting counts the documents with entries to drain.
func (f *fixture) waiting() int {
	f.t.Helper()
	rs, err := f.engine.Tables()[0].Pending(f.ctx, 1000)
	f.ok("pending", err)
	return len(rs)
}

// drain: entries move once, history stays the same, etags too.
func drain(f *fixture) {
	const n = 250 // more than a batch
	f.seed(n)
	for i := range 10 {
		_, _, err := f.papers.Update(f.ctx, paperName(i), docstore.Precondition{}, set("title", "x"))
		f.ok("update", err)
	}
	before := f.history(paperName(3))
	_, meta := f.get(paperName(3))
	if got := f.waiting(); got != n {
		f.t.Errorf("%d documents wait", got)
	}
	d := journal.NewDrainer(f.engine, journal.Options{})
	for range 2 {
		f.ok("drain", d.Drain(f.ctx))
	}
	after := f.history(paperName(3))
	if len(before) != 2 || len(after) != 2 || !proto.Equal(before[0], after[0]) || !proto.Equal(before[1], after[1]) {
		f.t.Errorf("before %v\nafter %v", before, after)
	}
	if _, now := f.get(paperName(3)); now.Etag != meta.Etag || now.Revision != meta.Revision {
		f.t.Error("draining changed the etag")
	}
	if got := f.waiting(); got != 0 {
		f.t.Errorf("%d documents wait", got)
	}
	if r := f.verified(); r.Documents != n || r.Entries != n+10 {
		f.t.Errorf("verified %d documents, %d entries", r.Documents, r.Entries)
	}
	// A drained document goes on with its chain.
	_, _, err := f.papers.Update(f.ctx, paperName(3), docstore.Precondition{Etag: meta.Etag}, set("title", "y"))
	f.ok("update", err)
	if got := len(f.history(paperName(3))); got != 3 {
		f.t.Errorf("%d entries", got)
	}
	f.verified()
}

// background: a write wakes the drainer, which waits for its timer.
func background(f *fixture) {
	timer := make(chan time.Time)
	d := journal.NewDrainer(f.engine, journal.Options{After: func(time.Duration) <-chan time.Time { return timer }})
	papers, err := docstore.NewCollection[Paper](f.ctx, f.engine, PaperSpec, docstore.Options{Clock: f.clock.Now, New: V1.New, Wrote: d.Wake})
	f.ok("open", err)
	d.Start()
	for i := range 3 {
		_, _, err := papers.Create(f.ctx, V1.Paper(fmt.Sprint("regions/120105/papers/", i), nil), docstore.Change{})
		f.ok("create", err)
		timer <- time.Time{}
	}
	f.ok("close", d.Close())
	if got := f.waiting(); got != 0 {
		f.t.Errorf("%d documents wait", got)
	}
	f.ok("close again", d.Close())
	f.verified()
}

// drainAfterRestart: entries are put into the log, and the process ends before
// they leave the envelopes.
func drainAfterRestart(f *fixture) {
	f.seed(3)
	rs, err := f.engine.Tables()[0].Pending(f.ctx, 10)
	f.ok("pending", err)
	for _, r := range rs {
		f.ok("append", f.engine.Log().Append(f.ctx, r.Envelope.GetTail()))
	}
	f.verified()
	if n := len(f.history(paperName(1))); n != 1 {
		f.t.Errorf("%d entries", n)
	}
	f.engine = f.reopen()
	f.papers = f.collection(V1)
	f.ok("drain", journal.NewDrainer(f.engine, journal.Options{}).Drain(f.ctx))
	if r := f.verified(); r.Entries != 3 || f.waiting() != 0 {
		f.t.Errorf("%d entries, %d documents wait", r.Entries, f.waiting())
	}
}

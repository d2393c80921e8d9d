package docstoretest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"fashen/internal/docstore"
	"fashen/internal/journal"

	corev1 "fashen/gen/fashen/core/v1"
)

func testFeeds(t *testing.T, open Opener) {
	t.Run("Positions", func(t *testing.T) { positions(newFixture(t, open)) })
	t.Run("TwoRelays", func(t *testing.T) { twoRelays(newFixture(t, open)) })
	t.Run("CutOff", func(t *testing.T) { cutOff(newFixture(t, open)) })
	t.Run("Lease", func(t *testing.T) { lease(newFixture(t, open)) })
	t.Run("Takeover", func(t *testing.T) { takeover(newFixture(t, open)) })
	t.Run("Viewers", func(t *testing.T) { readViewers(newFixture(t, open)) })
}

// feed reads a whole feed, page by page, and checks that its positions have no
// gaps and that the entries of each document come in their order, each once.
func (f *fixture) feed(name string) []*corev1.JournalEntry {
	f.t.Helper()
	var out []*corev1.JournalEntry
	last := map[string]int64{}
	for {
		page, err := f.engine.Log().Feed(f.ctx, name, int64(len(out)), 37)
		f.ok("feed", err)
		for _, at := range page {
			out = append(out, at.Entry)
			r := at.Entry.GetResource()
			if at.Position != int64(len(out)) || at.Entry.GetSequence() != last[r]+1 || docstore.FeedOf(r) != name {
				f.t.Fatalf("position %d of %s is at the place of %d: %s #%d after #%d", at.Position, name, len(out), r, at.Entry.GetSequence(), last[r])
			}
			last[r]++
		}
		if len(page) == 0 {
			break
		}
	}
	if head, err := f.engine.Log().Head(f.ctx, name); err != nil || head != int64(len(out)) {
		f.t.Errorf("head of %s is %d, %v; it has %d entries", name, head, err, len(out))
	}
	return out
}

// positions: each region has a feed of its own, and what lies in none the global
// one; the log keeps the entries as they were.
func positions(f *fixture) {
	names := []string{"regions/120105/papers/a", "regions/120101/papers/a", "calendars/2026", "regions/120105/papers/b"}
	for range 3 {
		for _, name := range names {
			if _, _, err := f.papers.Get(f.ctx, name); err != nil {
				f.create(name, nil)
				continue
			}
			_, _, err := f.papers.Update(f.ctx, name, docstore.Precondition{}, set("title", name))
			f.ok("update", err)
		}
	}
	before := f.history(names[0])
	relayed := 0
	f.ok("drain", journal.NewDrainer(f.engine, journal.Options{Relayed: func() { relayed++ }}).Drain(f.ctx))
	for name, want := range map[string]int{"regions/120105": 6, "regions/120101": 3, docstore.GlobalFeed: 3, "regions/120102": 0} {
		entries := f.feed(name)
		if len(entries) != want {
			f.t.Errorf("%s has %d entries, want %d", name, len(entries), want)
		}
		for i := 1; i < len(entries); i++ {
			if entries[i].GetTime().AsTime().Before(entries[i-1].GetTime().AsTime()) {
				f.t.Errorf("%s: entry %d is older than the one before it", name, i+1)
			}
		}
	}
	if got := f.feed("regions/120105")[0]; !proto.Equal(got, before[0]) {
		f.t.Errorf("relayed %v, written %v", got, before[0])
	}
	if feeds, err := f.engine.Log().Feeds(f.ctx); err != nil || fmt.Sprint(feeds) != "[global regions/120101 regions/120105]" {
		f.t.Errorf("feeds %v, %v", feeds, err)
	}
	if relayed != 1 {
		f.t.Errorf("told %d times", relayed)
	}
	if last, err := f.engine.Log().Last(f.ctx, names[0]); err != nil || last != 3 {
		f.t.Errorf("last of %s is %d, %v", names[0], last, err)
	}
	if last, err := f.engine.Log().Last(f.ctx, "regions/120105/papers/none"); err != nil || last != 0 {
		f.t.Errorf("last of nothing is %d, %v", last, err)
	}
}

// twoRelays: two relays at once, while sixteen writers write to documents of
// their own and to one they share, give each entry one position.
func twoRelays(f *fixture) {
	const writers, each = 16, 12
	f.create(paperA, nil)
	writing, written := context.WithCancel(f.ctx)
	var relays sync.WaitGroup
	for range 2 {
		relays.Go(func() {
			d := journal.NewDrainer(f.engine, journal.Options{})
			for writing.Err() == nil {
				if err := d.Drain(f.ctx); err != nil {
					f.t.Errorf("drain: %v", err)
					return
				}
			}
		})
	}
	f.parallel(writers, func(i int) error {
		own := fmt.Sprint("regions/120105/papers/w", i)
		if _, _, err := f.papers.Create(f.ctx, V1.Paper(own, nil), docstore.Change{}); err != nil {
			return err
		}
		for n := range each {
			for _, name := range []string{own, paperA} {
				if _, _, err := f.papers.Update(f.ctx, name, docstore.Precondition{}, set("title", fmt.Sprint(i, n))); err != nil {
					return err
				}
			}
		}
		return nil
	})
	written()
	relays.Wait()
	f.ok("drain", journal.NewDrainer(f.engine, journal.Options{}).Drain(f.ctx))
	if got, want := len(f.feed("regions/120105")), 1+writers*(1+2*each); got != want {
		f.t.Errorf("%d entries, want %d", got, want)
	}
	f.verified()
}

// cutOff: a relay is cut off after some of its entries; the next one skips what
// is there and goes on.
func cutOff(f *fixture) {
	f.seed(5)
	for i := range 5 {
		_, _, err := f.papers.Update(f.ctx, paperName(i), docstore.Precondition{}, set("title", "x"))
		f.ok("update", err)
	}
	rs, err := f.engine.Tables()[0].Pending(f.ctx, 10)
	f.ok("pending", err)
	var entries []*corev1.JournalEntry
	for _, r := range rs {
		entries = append(entries, r.Envelope.GetTail()...)
	}
	for _, n := range []int{3, 4, 4, 7} {
		f.ok("append", f.engine.Log().Append(f.ctx, entries[:n]))
		if got := len(f.feed(docstore.FeedOf(paperName(0)))); got != n {
			f.t.Fatalf("%d entries of %d", got, n)
		}
	}
	f.engine = f.reopen()
	f.papers = f.collection(V1)
	f.ok("drain", journal.NewDrainer(f.engine, journal.Options{}).Drain(f.ctx))
	if got := len(f.feed(docstore.FeedOf(paperName(0)))); got != 10 {
		f.t.Errorf("%d entries", got)
	}
	f.verified()
}

// lease: one holder at a time, until it ends or is given back.
func lease(f *fixture) {
	now := time.Date(2026, 5, 12, 1, 2, 3, 0, time.UTC)
	ask := func(holder string, at, until time.Duration, want bool) {
		f.t.Helper()
		if got, err := f.engine.Lease(f.ctx, "relay", holder, now.Add(at), now.Add(until)); err != nil || got != want {
			f.t.Errorf("%s at %v: %t, %v", holder, at, got, err)
		}
	}
	ask("a", 0, 6*time.Second, true)
	ask("b", time.Second, 7*time.Second, false)
	ask("a", 3*time.Second, 9*time.Second, true)
	ask("b", 8*time.Second, 14*time.Second, false)
	ask("b", 9*time.Second, 15*time.Second, true)
	ask("a", 10*time.Second, 16*time.Second, false)
	ask("b", 11*time.Second, 11*time.Second, true) // given back
	ask("a", 11*time.Second, 17*time.Second, true)
	held := make([]bool, 16)
	f.parallel(len(held), func(i int) (err error) {
		held[i], err = f.engine.Lease(f.ctx, "another", fmt.Sprint(i), now, now.Add(time.Second))
		return err
	})
	n := 0
	for _, h := range held {
		if h {
			n++
		}
	}
	if n != 1 {
		f.t.Errorf("%d have the lease", n)
	}
}

// takeover: a drainer that does not hold the lease leaves the entries alone until
// the lease has ended.
func takeover(f *fixture) {
	clock := NewClock()
	held, err := f.engine.Lease(f.ctx, "relay", "one that died", clock.Now(), clock.Now().Add(time.Minute))
	f.ok("lease", err)
	if !held {
		f.t.Fatal("the lease is not to be had")
	}
	f.create(paperA, nil)
	timer := make(chan time.Time)
	relayed := make(chan struct{}, 8)
	d := journal.NewDrainer(f.engine, journal.Options{
		Clock: clock.Now, After: func(time.Duration) <-chan time.Time { return timer },
		Relayed: func() { relayed <- struct{}{} },
	})
	d.Start()
	for range 4 { // gathers, asks, waits, gathers, asks, waits
		timer <- time.Time{}
	}
	if len(relayed) != 0 {
		f.t.Error("relayed without the lease")
	}
	clock.Advance(time.Hour)
	timer <- time.Time{}
	<-relayed
	f.ok("close", d.Close())
	if n := len(f.feed("regions/120105")); n != 1 {
		f.t.Errorf("%d entries", n)
	}
}

func readViewers(f *fixture) {
	for name, who := range map[string][]string{paperA: {"bureaus/1", "people/li"}, paperB: nil} {
		_, _, err := f.papers.Create(f.ctx, V1.Paper(name, nil), docstore.Change{Grant: who})
		f.ok("create", err)
	}
	got, err := f.engine.Tables()[0].Viewers(f.ctx, []string{paperA, paperB, "regions/120105/papers/none"})
	f.ok("viewers", err)
	if fmt.Sprint(got) != fmt.Sprint(map[string][]string{paperA: {"bureaus/1", "people/li"}, paperB: {}}) {
		f.t.Errorf("%v", got)
	}
}

// Package journal looks after the entries that the store writes with every
// document: it relays them from the envelopes into the service's log, which is
// the feed of each region, and it verifies that nothing of the history was
// changed behind the store's back.
package journal

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"fashen/internal/docstore"
	"fashen/internal/worker"

	corev1 "fashen/gen/fashen/core/v1"
)

const (
	// batch is the number of documents drained at a time.
	batch = 200
	// gathering is how long entries gather before they are drained. Each round
	// wakes all who watch, so that a shorter one slows writers.
	gathering = 20 * time.Millisecond
)

// Options of a drainer.
type Options struct {
	// Delay between a write and the round that drains it, so that one round
	// serves many writes; 20 ms when 0.
	Delay time.Duration
	// Poll is how often to look for what other processes wrote; 0 where this
	// process alone writes to the store.
	Poll time.Duration
	// Holder names this drainer in the lease; see [worker.Options].
	Holder string
	// Relayed is called after entries came into the log. It must not block.
	Relayed func()
	// Clock tells the time of leases; time.Now when nil.
	Clock docstore.Clock
	// After is time.After; tests give their own.
	After func(time.Duration) <-chan time.Time
	// Logger hears of failures; slog.Default() when nil.
	Logger *slog.Logger
}

// Drainer is the relay: in the background it moves entries from the envelopes of
// all tables of an engine into its log, where each gets its position in the feed
// of its region. Writers only wake it.
//
// It is a worker with a lease, which saves work only. Several drainers at once,
// in several processes, put no entry into the log twice, leave no position out
// and give none twice: that is the log's own contract, and entries are in the log
// before they leave an envelope.
type Drainer struct {
	*worker.Worker

	engine  docstore.Engine
	relayed func()
}

// NewDrainer makes a drainer that rests until Start. Its Wake goes into the
// options of the collections.
func NewDrainer(e docstore.Engine, o Options) *Drainer {
	d := &Drainer{engine: e, relayed: o.Relayed}
	if d.relayed == nil {
		d.relayed = func() {}
	}
	d.Worker = worker.New(worker.Options{
		Engine: e, Name: "relay", Holder: o.Holder, Delay: cmp.Or(o.Delay, gathering), Poll: o.Poll, Turn: d.Drain, Last: d.Drain,
		Clock: o.Clock, After: o.After, Logger: o.Logger,
	})
	return d
}

// Drain moves everything that waits into the log, whoever holds the lease. A
// document that is written to at the same moment waits for the next round, which
// its writer wakes.
func (d *Drainer) Drain(ctx context.Context) error {
	for _, t := range d.engine.Tables() {
		if t.Spec().Derived {
			continue
		}
		for {
			more, err := d.round(ctx, t)
			if err != nil {
				return fmt.Errorf("drain %s: %w", t.Spec().Name, err)
			}
			if !more {
				break
			}
		}
	}
	return nil
}

// round drains one batch and tells whether another may follow.
func (d *Drainer) round(ctx context.Context, t docstore.Table) (more bool, err error) {
	rs, err := t.Pending(ctx, batch)
	if err != nil || len(rs) == 0 {
		return false, err
	}
	entries := inTime(rs)
	for _, r := range rs {
		r.Envelope.Tail = nil
	}
	if err := d.engine.Log().Append(ctx, entries); err != nil {
		return false, err
	}
	d.relayed()
	written, err := t.Drained(ctx, rs)
	// Without any progress every document was written to in between.
	return len(rs) == batch && written > 0, err
}

// inTime are the entries of several documents in the order of their times, as
// far as the order of each document's own entries allows: clocks may go back.
func inTime(rs []*docstore.Record) []*corev1.JournalEntry {
	type timed struct {
		at    time.Time
		entry *corev1.JournalEntry
	}
	var all []timed
	for _, r := range rs {
		var at time.Time
		for _, e := range r.Envelope.GetTail() {
			if t := e.GetTime().AsTime(); t.After(at) {
				at = t
			}
			all = append(all, timed{at, e})
		}
	}
	slices.SortStableFunc(all, func(a, b timed) int { return a.at.Compare(b.at) })
	out := make([]*corev1.JournalEntry, len(all))
	for i, t := range all {
		out[i] = t.entry
	}
	return out
}

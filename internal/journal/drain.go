// Package journal looks after the entries that the store writes with every
// document: it relays them from the envelopes into the service's log, which is
// the feed of each region, and it verifies that nothing of the history was
// changed behind the store's back.
package journal

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"fashen/internal/docstore"

	corev1 "fashen/gen/fashen/core/v1"
)

const (
	// batch is the number of documents drained at a time.
	batch = 200
	// defaultDelay is how long entries gather before they are drained.
	defaultDelay = 10 * time.Millisecond
	// failureDelay is how long the drainer waits after the store failed.
	failureDelay = 5 * time.Second
	// closing bounds the last round.
	closing = 10 * time.Second
	// leaseName is the lease of a store's relay, leaseLife how long it is held
	// without a sign of life, and leaseRetry how often others ask for it.
	leaseName  = "relay"
	leaseLife  = 6 * time.Second
	leaseRetry = 2 * time.Second
)

// Options of a drainer.
type Options struct {
	// Delay between a write and the round that drains it, so that one round
	// serves many writes; 10 ms when 0.
	Delay time.Duration
	// Poll is how often to look for what other processes wrote; 0 where this
	// process alone writes to the store.
	Poll time.Duration
	// Holder names this drainer in the lease; a random name when empty. The owner
	// of an embedded store gives the same name each time, so that it need not wait
	// for its own lease after a crash.
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
// A lease kept in the store lets one drainer at a time work; another takes over
// when its holder shows no life for 6 seconds. The lease saves work only. Several
// drainers at once, in several processes, put no entry into the log twice, leave
// no position out and give none twice: that is the log's own contract, and
// entries are in the log before they leave an envelope.
type Drainer struct {
	engine docstore.Engine
	o      Options
	wake   chan struct{}
	stop   context.CancelFunc
	done   sync.WaitGroup
	// leased is when the lease ends, as far as this drainer knows.
	leased time.Time
}

// NewDrainer makes a drainer that rests until Start. Its Wake goes into the
// options of the collections.
func NewDrainer(e docstore.Engine, o Options) *Drainer {
	if o.Delay == 0 {
		o.Delay = defaultDelay
	}
	if o.Holder == "" {
		o.Holder = rand.Text()
	}
	if o.Relayed == nil {
		o.Relayed = func() {}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.After == nil {
		o.After = time.After
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Drainer{engine: e, o: o, wake: make(chan struct{}, 1)}
}

// Wake says that there is something to drain. It does not block.
func (d *Drainer) Wake() {
	select {
	case d.wake <- struct{}{}:
	default: // awake already
	}
}

// Start begins with what an earlier process left, and goes on until Close.
func (d *Drainer) Start() {
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	d.Wake()
	d.done.Go(func() { d.run(ctx) })
}

func (d *Drainer) run(ctx context.Context) {
	for d.woken(ctx) {
		again, err := d.turn(ctx)
		if err != nil && ctx.Err() == nil {
			d.o.Logger.WarnContext(ctx, "journal: entries stay in their documents for now", "error", err)
		}
		if again > 0 {
			if !d.rest(ctx, again) {
				return
			}
			d.Wake()
		}
	}
}

// woken waits until there may be something to drain; false when the drainer is
// closed.
func (d *Drainer) woken(ctx context.Context) bool {
	var poll <-chan time.Time
	if d.o.Poll > 0 {
		poll = d.o.After(d.o.Poll)
	}
	select {
	case <-ctx.Done():
		return false
	case <-poll:
		return true
	case <-d.wake:
		return d.rest(ctx, d.o.Delay)
	}
}

// turn drains, if the lease is this drainer's. It tells after how long to try
// again without being woken; 0 when all is done.
func (d *Drainer) turn(ctx context.Context) (again time.Duration, err error) {
	held, err := d.lease(ctx)
	switch {
	case err != nil:
		return failureDelay, err
	case !held:
		return leaseRetry, nil
	}
	if err := d.Drain(ctx); err != nil {
		return failureDelay, err
	}
	return 0, nil
}

// lease takes the lease, or renews it once half of it is over.
func (d *Drainer) lease(ctx context.Context) (held bool, err error) {
	now := d.o.Clock()
	if d.leased.Sub(now) > leaseLife/2 {
		return true, nil
	}
	until := now.Add(leaseLife)
	if held, err = d.engine.Lease(ctx, leaseName, d.o.Holder, now, until); held {
		d.leased = until
	}
	if err != nil {
		err = fmt.Errorf("lease of the relay: %w", err)
	}
	return held, err
}

// rest waits; false when the drainer is closed.
func (d *Drainer) rest(ctx context.Context, delay time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-d.o.After(delay):
		return true
	}
}

// Close ends the background work, drains once more and gives the lease back.
// What it leaves is drained by the next process.
func (d *Drainer) Close() error {
	if d.stop == nil {
		return nil
	}
	d.stop()
	d.done.Wait()
	d.stop = nil
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	if err := d.Drain(ctx); err != nil {
		return err
	}
	now := d.o.Clock()
	if now.Before(d.leased) {
		if _, err := d.engine.Lease(ctx, leaseName, d.o.Holder, now, now); err != nil {
			return fmt.Errorf("give the lease of the relay back: %w", err)
		}
	}
	return nil
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
	d.o.Relayed()
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

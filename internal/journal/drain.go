// Package journal looks after the entries that the store writes with every
// document: it drains them from the envelopes into the service's log, and it
// verifies that nothing of the history was changed behind the store's back.
package journal

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"fashen/internal/docstore"

	corev1 "fashen/gen/fashen/core/v1"
)

const (
	// batch is the number of documents drained at a time.
	batch = 200
	// defaultDelay is how long entries gather before they are drained.
	defaultDelay = 500 * time.Millisecond
	// failureDelay is how long the drainer waits after the store failed.
	failureDelay = 5 * time.Second
	// closing bounds the last round.
	closing = 10 * time.Second
)

// Options of a drainer.
type Options struct {
	// Delay between a write and the round that drains it, so that one round
	// serves many writes; 500 ms when 0.
	Delay time.Duration
	// After is time.After; tests give their own.
	After func(time.Duration) <-chan time.Time
	// Logger hears of failures; slog.Default() when nil.
	Logger *slog.Logger
}

// Drainer moves entries from the envelopes of all tables of an engine into its
// log, in the background. Writers only wake it. Several drainers, in several
// processes, may serve one store: entries are put into the log once, by
// resource and sequence, before they leave an envelope.
type Drainer struct {
	engine docstore.Engine
	o      Options
	wake   chan struct{}
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// NewDrainer makes a drainer that rests until Start. Its Wake goes into the
// options of the collections.
func NewDrainer(e docstore.Engine, o Options) *Drainer {
	if o.Delay == 0 {
		o.Delay = defaultDelay
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
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		}
		if !d.rest(ctx, d.o.Delay) {
			return
		}
		if err := d.Drain(ctx); err != nil && ctx.Err() == nil {
			d.o.Logger.WarnContext(ctx, "journal: entries stay in their documents for now", "error", err)
			if !d.rest(ctx, failureDelay) {
				return
			}
			d.Wake()
		}
	}
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

// Close ends the background work and drains once more. What it leaves is
// drained by the next process.
func (d *Drainer) Close() error {
	if d.stop == nil {
		return nil
	}
	d.stop()
	d.done.Wait()
	d.stop = nil
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	return d.Drain(ctx)
}

// Drain moves everything that waits into the log. A document that is written
// to at the same moment waits for the next round, which its writer wakes.
func (d *Drainer) Drain(ctx context.Context) error {
	for _, t := range d.engine.Tables() {
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
	var entries []*corev1.JournalEntry
	for _, r := range rs {
		entries = append(entries, r.Envelope.GetTail()...)
		r.Envelope.Tail = nil
	}
	if err := d.engine.Log().Append(ctx, entries); err != nil {
		return false, err
	}
	written, err := t.Drained(ctx, rs)
	// Without any progress every document was written to in between.
	return len(rs) == batch && written > 0, err
}

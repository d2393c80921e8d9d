// Package worker does in the background what one process at a time should do
// for a store: relay its journal, project it, drive what is left to do. Writers
// only wake a worker.
//
// A lease kept in the store lets one worker of a name do its work; another takes
// over when its holder shows no life for 6 seconds. The lease saves work only: a
// holder that was held up may still be at work when another begins, so whatever
// is done must bear to be done twice.
package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"fashen/internal/docstore"
)

const (
	// defaultDelay is how long work gathers before it is done.
	defaultDelay = 10 * time.Millisecond
	// failureDelay is how long a worker waits after a turn failed.
	failureDelay = 5 * time.Second
	// closing bounds the last turn.
	closing = 10 * time.Second
)

// Options of a worker.
type Options struct {
	// Engine keeps the lease.
	Engine docstore.Engine
	// Name of the lease.
	Name string
	// Holder names this worker in the lease; a random name when empty. The owner
	// of an embedded store gives the same name each time, so that it need not wait
	// for its own lease after a crash.
	Holder string
	// Delay between waking and the turn, so that one turn serves many; 10 ms when 0.
	Delay time.Duration
	// Poll is how often to look without being woken; 0 for never.
	Poll time.Duration
	// Turn does what there is to do.
	Turn func(ctx context.Context) error
	// Last is done once more when the worker is closed; nil for nothing.
	Last func(ctx context.Context) error
	// Clock tells the time of leases; time.Now when nil.
	Clock docstore.Clock
	// After is time.After where it is nil; tests give their own.
	After func(time.Duration) <-chan time.Time
	// Logger hears of failures; slog.Default() when nil.
	Logger *slog.Logger
}

// Worker works from Start until Close. A turn that takes long calls Keep between its
// steps.
type Worker struct {
	*Lease

	o    Options
	wake chan struct{}
	stop context.CancelFunc
	done sync.WaitGroup
}

// New makes a worker that rests until Start.
func New(o Options) *Worker {
	if o.Delay == 0 {
		o.Delay = defaultDelay
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
	return &Worker{Lease: NewLease(o.Engine, o.Name, o.Holder, o.Clock), o: o, wake: make(chan struct{}, 1)}
}

// Wake says that there is something to do. It does not block.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default: // awake already
	}
}

// Start begins with what an earlier process left, and goes on until Close.
func (w *Worker) Start() {
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	w.Wake()
	w.done.Go(func() { w.run(ctx) })
}

func (w *Worker) run(ctx context.Context) {
	for w.woken(ctx) {
		again, err := w.turn(ctx)
		if err != nil && ctx.Err() == nil {
			w.o.Logger.WarnContext(ctx, "background work is tried again later", "work", w.o.Name, "error", err)
		}
		if again > 0 {
			if !w.rest(ctx, again) {
				return
			}
			w.Wake()
		}
	}
}

// woken waits until there may be something to do; false when the worker is
// closed.
func (w *Worker) woken(ctx context.Context) bool {
	var poll <-chan time.Time
	if w.o.Poll > 0 {
		poll = w.o.After(w.o.Poll)
	}
	select {
	case <-ctx.Done():
		return false
	case <-poll:
		return true
	case <-w.wake:
		return w.rest(ctx, w.o.Delay)
	}
}

// turn works, if the lease is this worker's. It tells after how long to try
// again without being woken; 0 when all is done.
func (w *Worker) turn(ctx context.Context) (again time.Duration, err error) {
	switch err := w.Keep(ctx); {
	case errors.Is(err, ErrLost):
		return Retry, nil
	case err != nil:
		return failureDelay, err
	}
	switch err := Safely(func() error { return w.o.Turn(ctx) }); {
	case errors.Is(err, ErrLost):
		return Retry, nil
	case err != nil:
		return failureDelay, err
	}
	return 0, nil
}

// rest waits; false when the worker is closed.
func (w *Worker) rest(ctx context.Context, delay time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-w.o.After(delay):
		return true
	}
}

// Close ends the work, does what is done last and gives the lease back. What it
// leaves is done by the next process.
func (w *Worker) Close() error {
	if w.stop == nil {
		return nil
	}
	w.stop()
	w.done.Wait()
	w.stop = nil
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	if w.o.Last != nil {
		if err := w.o.Last(ctx); err != nil {
			return err
		}
	}
	return w.Release(ctx)
}

package worker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"fashen/internal/docstore"
)

const (
	// life is how long a lease is held without a sign of life.
	life = 6 * time.Second
	// Retry is how often those who do not have a lease ask for it.
	Retry = 2 * time.Second
)

// ErrLost is what Keep answers once the lease is another's.
var ErrLost = errors.New("worker: the lease is another's")

// Lease lets one process at a time do a piece of work on a store. It saves work; no
// correctness rests on it. It is for one goroutine at a time.
type Lease struct {
	engine       docstore.Engine
	name, holder string
	clock        docstore.Clock
	// until is when it ends, as far as this side knows.
	until time.Time
}

// NewLease makes one side of a lease, with a random holder when that is empty. The
// clock is compared between processes.
func NewLease(e docstore.Engine, name, holder string, clock docstore.Clock) *Lease {
	if holder == "" {
		holder = rand.Text()
	}
	return &Lease{engine: e, name: name, holder: holder, clock: clock}
}

// Keep takes the lease, or renews it once half of it is over; ErrLost when it is
// another's.
func (l *Lease) Keep(ctx context.Context) error {
	now := l.clock()
	if l.until.Sub(now) > life/2 {
		return nil
	}
	until := now.Add(life)
	held, err := l.engine.Lease(ctx, l.name, l.holder, now, until)
	if err != nil {
		return fmt.Errorf("lease of the %s: %w", l.name, err)
	}
	if !held {
		return ErrLost
	}
	l.until = until
	return nil
}

// Release gives the lease back, where this side has it.
func (l *Lease) Release(ctx context.Context) error {
	now := l.clock()
	if !now.Before(l.until) {
		return nil
	}
	if _, err := l.engine.Lease(ctx, l.name, l.holder, now, now); err != nil {
		return fmt.Errorf("give the lease of the %s back: %w", l.name, err)
	}
	l.until = time.Time{}
	return nil
}

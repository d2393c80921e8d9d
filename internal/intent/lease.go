package intent

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"fashen/internal/docstore"
)

const (
	// leaseLife is how long a lease is held without a sign of life.
	leaseLife = 6 * time.Second
	// leaseRetry is how often those who do not have a lease ask for it.
	leaseRetry = 2 * time.Second
)

// lease lets one of several sides do a piece of background work on a store. It
// saves work; no correctness rests on it. It is for one goroutine at a time.
type lease struct {
	engine       docstore.Engine
	name, holder string
	clock        docstore.Clock
	// until is when the lease ends, as far as this side knows.
	until time.Time
}

// newLease makes one side of a lease, with a random name when holder is empty.
// The clock is compared between processes.
func newLease(e docstore.Engine, name, holder string, clock docstore.Clock) *lease {
	if holder == "" {
		holder = rand.Text()
	}
	return &lease{engine: e, name: name, holder: holder, clock: clock}
}

// take takes the lease, or renews it once half of it is over, and tells whether
// this side has it.
func (l *lease) take(ctx context.Context) (held bool, err error) {
	now := l.clock()
	if l.until.Sub(now) > leaseLife/2 {
		return true, nil
	}
	until := now.Add(leaseLife)
	if held, err = l.engine.Lease(ctx, l.name, l.holder, now, until); held {
		l.until = until
	}
	if err != nil {
		err = fmt.Errorf("lease of the %s: %w", l.name, err)
	}
	return held, err
}

// release gives the lease back, where this side has it.
func (l *lease) release(ctx context.Context) error {
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

package telemetry

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fashen/internal/docstore"
)

// Backlog is how many cases are in one state.
type Backlog struct {
	// State is the name of the state, a constant of the contract.
	State string
	// Cases in the state, and those of them whose due date has passed.
	Cases, Overdue int64
}

const (
	// backlogFresh is how long a count serves, however often it is scraped.
	backlogFresh = 15 * time.Second
	// backlogTime bounds one count.
	backlogTime = 5 * time.Second
)

// CountBacklog shows the cases of a process, counted when they are scraped; it
// does nothing when metrics are off.
func (t *Telemetry) CountBacklog(clock docstore.Clock, count func(context.Context) ([]Backlog, error)) error {
	if t.registry == nil {
		return nil
	}
	err := t.registry.Register(&backlog{
		lines:   recent[[]Backlog]{clock: clock, count: count},
		cases:   prometheus.NewDesc("fashen_cases", "Legality review cases, by state.", []string{"state"}, nil),
		overdue: prometheus.NewDesc("fashen_cases_overdue", "Legality review cases past their due date, by state.", []string{"state"}, nil),
	})
	if err != nil {
		return fmt.Errorf("telemetry: cases: %w", err)
	}
	return nil
}

// backlog collects the counts of cases.
type backlog struct {
	lines          recent[[]Backlog]
	cases, overdue *prometheus.Desc
}

// Describe names what is collected.
func (b *backlog) Describe(to chan<- *prometheus.Desc) {
	to <- b.cases
	to <- b.overdue
}

// Collect counts, or answers what was counted a moment ago.
func (b *backlog) Collect(to chan<- prometheus.Metric) {
	lines, err := b.lines.get()
	if err != nil {
		to <- prometheus.NewInvalidMetric(b.cases, fmt.Errorf("count cases: %w", err))
		return
	}
	for _, l := range lines {
		to <- prometheus.MustNewConstMetric(b.cases, prometheus.GaugeValue, float64(l.Cases), l.State)
		to <- prometheus.MustNewConstMetric(b.overdue, prometheus.GaugeValue, float64(l.Overdue), l.State)
	}
}

// recent remembers a count for a while, however often it is asked for.
type recent[T any] struct {
	clock docstore.Clock
	count func(context.Context) (T, error)

	mu   sync.Mutex
	last T
	at   time.Time
}

func (r *recent[T]) get() (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.clock(); r.at.IsZero() || now.Sub(r.at) >= backlogFresh {
		ctx, cancel := context.WithTimeout(context.Background(), backlogTime)
		defer cancel()
		counted, err := r.count(ctx)
		if err != nil {
			return counted, err
		}
		r.last, r.at = counted, now
	}
	return r.last, nil
}

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
		clock: clock, count: count,
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
	clock          docstore.Clock
	count          func(context.Context) ([]Backlog, error)
	cases, overdue *prometheus.Desc

	mu   sync.Mutex
	last []Backlog
	at   time.Time
}

// Describe names what is collected.
func (b *backlog) Describe(to chan<- *prometheus.Desc) {
	to <- b.cases
	to <- b.overdue
}

// Collect counts, or answers what was counted a moment ago.
func (b *backlog) Collect(to chan<- prometheus.Metric) {
	lines, err := b.lines()
	if err != nil {
		to <- prometheus.NewInvalidMetric(b.cases, err)
		return
	}
	for _, l := range lines {
		to <- prometheus.MustNewConstMetric(b.cases, prometheus.GaugeValue, float64(l.Cases), l.State)
		to <- prometheus.MustNewConstMetric(b.overdue, prometheus.GaugeValue, float64(l.Overdue), l.State)
	}
}

func (b *backlog) lines() ([]Backlog, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.clock(); b.at.IsZero() || now.Sub(b.at) >= backlogFresh {
		ctx, cancel := context.WithTimeout(context.Background(), backlogTime)
		defer cancel()
		lines, err := b.count(ctx)
		if err != nil {
			return nil, fmt.Errorf("count cases: %w", err)
		}
		b.last, b.at = lines, now
	}
	return b.last, nil
}

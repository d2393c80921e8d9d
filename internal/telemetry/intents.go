package telemetry

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"fashen/internal/docstore"
)

// Intents is how many intents of a service are in one state: OPEN are driven on,
// FAILED wait for an administrator.
type Intents struct {
	Service, State string
	Count          int64
}

// CountIntents shows the intents of a process, counted when they are scraped; it
// does nothing when metrics are off.
func (t *Telemetry) CountIntents(clock docstore.Clock, count func(context.Context) ([]Intents, error)) error {
	if t.registry == nil {
		return nil
	}
	err := t.registry.Register(&intents{
		lines: recent[[]Intents]{clock: clock, count: count},
		desc: prometheus.NewDesc("fashen_intents", "Calls whose last step waits for another service, by service and state.",
			[]string{"service", "state"}, nil),
	})
	if err != nil {
		return fmt.Errorf("telemetry: intents: %w", err)
	}
	return nil
}

// intents collects the counts of intents.
type intents struct {
	lines recent[[]Intents]
	desc  *prometheus.Desc
}

// Describe names what is collected.
func (i *intents) Describe(to chan<- *prometheus.Desc) { to <- i.desc }

// Collect counts, or answers what was counted a moment ago.
func (i *intents) Collect(to chan<- prometheus.Metric) {
	lines, err := i.lines.get()
	if err != nil {
		to <- prometheus.NewInvalidMetric(i.desc, fmt.Errorf("count intents: %w", err))
		return
	}
	for _, l := range lines {
		to <- prometheus.MustNewConstMetric(i.desc, prometheus.GaugeValue, float64(l.Count), l.Service, l.State)
	}
}

package telemetry

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"fashen/internal/docstore"
)

// newAttempts counts attempts to post events to webhooks.
func newAttempts() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fashen_webhook_attempts_total", Help: "Attempts to post an event to a webhook, by how they ended.",
	}, []string{"outcome"})
}

// DeliveryObserver takes how each attempt to post an event ended, a constant of the
// contract; nil when metrics are off.
func (t *Telemetry) DeliveryObserver() func(outcome string) {
	if t.attempts == nil {
		return nil
	}
	return func(outcome string) { t.attempts.WithLabelValues(outcome).Inc() }
}

// CountDeliveries shows the deliveries to webhooks that are in some states, counted
// when they are scraped; it does nothing when metrics are off.
func (t *Telemetry) CountDeliveries(clock docstore.Clock, count func(context.Context) (map[string]int64, error)) error {
	if t.registry == nil {
		return nil
	}
	err := t.registry.Register(&deliveries{
		counts: recent[map[string]int64]{clock: clock, count: count},
		desc:   prometheus.NewDesc("fashen_webhook_deliveries", "Deliveries to webhooks that wait or were given up, by state.", []string{"state"}, nil),
	})
	if err != nil {
		return fmt.Errorf("telemetry: deliveries: %w", err)
	}
	return nil
}

// deliveries collects the counts of deliveries.
type deliveries struct {
	counts recent[map[string]int64]
	desc   *prometheus.Desc
}

// Describe names what is collected.
func (d *deliveries) Describe(to chan<- *prometheus.Desc) { to <- d.desc }

// Collect counts, or answers what was counted a moment ago.
func (d *deliveries) Collect(to chan<- prometheus.Metric) {
	counts, err := d.counts.get()
	if err != nil {
		to <- prometheus.NewInvalidMetric(d.desc, fmt.Errorf("count deliveries: %w", err))
		return
	}
	for state, n := range counts {
		to <- prometheus.MustNewConstMetric(d.desc, prometheus.GaugeValue, float64(n), state)
	}
}

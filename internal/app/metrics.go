package app

import (
	"context"

	"fashen/internal/telemetry"
	"fashen/services/counsel"
)

// countBacklog shows the counts of the review service.
func (a *App) countBacklog(reviews *counsel.Server) error {
	return a.shown.CountBacklog(a.clock, func(ctx context.Context) ([]telemetry.Backlog, error) {
		lines, err := reviews.Backlog(ctx)
		out := make([]telemetry.Backlog, len(lines))
		for i, l := range lines {
			out[i] = telemetry.Backlog{State: l.State.String(), Cases: l.Cases, Overdue: l.Overdue}
		}
		return out, err
	})
}

// showMetrics opens the private address, where one is set.
func (a *App) showMetrics(ctx context.Context) error {
	if !a.shown.Metrics() {
		return nil
	}
	listener, err := a.open(ctx, "the address of metrics", a.config.Telemetry.MetricsAddr)
	if err != nil {
		return err
	}
	a.MetricsAddr = listener.Addr().String()
	server := a.shown.Server(a.server.Serving)
	a.serve("metrics", func() error { return server.Serve(listener) })
	a.stops = append(a.stops, server.Shutdown)
	return nil
}

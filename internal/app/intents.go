package app

import (
	"context"
	"time"

	"fashen/internal/config"
	"fashen/internal/intent"
	"fashen/internal/telemetry"
)

const (
	// sharedIntentPoll is how often the driver of a store that several processes
	// write to looks for intents that another process left, and sharedSettle how long
	// it leaves a new one to the call that made it.
	sharedIntentPoll = 2 * time.Second
	sharedSettle     = 2 * time.Second
)

// serveIntents drives what the services of this process still have to do in
// others, and answers IntentService for them. The drivers begin once the services
// are served.
func (a *App) serveIntents(context.Context) error {
	var works []intent.Work
	for _, r := range a.running {
		s, ok := r.server.(interface{ Intents() intent.Work })
		if !ok {
			continue
		}
		o := intent.DriverOptions{Engine: r.engine, GiveUpAfter: a.config.IntentGiveUp, Logger: a.log.With("store", r.name)}
		if a.config.Store == config.StoreMongoDB {
			o.Poll, o.Settle = sharedIntentPoll, sharedSettle
		} else {
			o.Holder = ownerOfFile
		}
		works = append(works, s.Intents())
		driver := intent.NewDriver(s.Intents(), o)
		a.begins = append(a.begins, driver.Start)
		a.stops = append(a.stops, func(context.Context) error { return driver.Close() })
	}
	intents := intent.NewServer(works...)
	intents.Register(a.server)
	return a.shown.CountIntents(a.clock, func(ctx context.Context) ([]telemetry.Intents, error) {
		lines, err := intents.Backlog(ctx)
		out := make([]telemetry.Intents, len(lines))
		for i, l := range lines {
			out[i] = telemetry.Intents{Service: l.Service, State: l.State.String(), Count: l.Count}
		}
		return out, err
	})
}

package app

import (
	"context"
	"fmt"
	"sync"

	"fashen/internal/projection"
)

// listeners are told that something happened.
type listeners struct {
	mu  sync.Mutex
	all []func()
}

func (l *listeners) add(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, f)
}

func (l *listeners) tell() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.all {
		f()
	}
}

// serveWork keeps the tasks and figures of the services of this process that
// declare some, and answers for them.
func (a *App) serveWork(ctx context.Context) error {
	var all []*projection.Projector
	for _, r := range a.running {
		service, ok := r.server.(interface{ Projection() projection.Declaration })
		if !ok {
			continue
		}
		o := projection.Options{
			Service: r.name, Engine: r.engine, Declaration: service.Projection(), Clock: a.clock,
			TokenKey: a.keys.pages, Wrote: r.wrote, Logger: a.log.With("store", r.name),
		}
		o.Holder, o.Poll = a.background()
		p, err := projection.New(ctx, o)
		if err != nil {
			return fmt.Errorf("open the tasks and figures of %s: %w", r.name, err)
		}
		r.relayed.add(p.Wake)
		p.Start()
		a.stops = append(a.stops, func(context.Context) error { return p.Close() })
		all = append(all, p)
	}
	projection.NewServer(a.clock, all...).Register(a.server)
	return nil
}

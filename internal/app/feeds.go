package app

import (
	"context"

	"fashen/internal/feed"
)

// serveFeeds answers Watch for the services of this process.
func (a *App) serveFeeds(context.Context) error {
	key, err := a.keys.first.Derive("resume tokens")
	if err != nil {
		return err
	}
	var sources []*feed.Source
	for _, r := range a.running {
		sources = append(sources, r.source)
	}
	events := feed.New(feed.Deps{Sources: sources, TokenKey: key, Clock: a.clock})
	a.ends = append(a.ends, events.Stop)
	events.Register(a.server)
	return nil
}

// Package feed lets callers follow what happens: the events of a service in a
// region, in order, each only to those who may see its resource at that moment.
//
// One hub for each followed feed reads new entries from the store and looks up
// who may see them, once for all who follow. Watchers have no queues: each has a
// place in the feed and takes events from the hub's window of the newest ones; a
// watcher too slow for the window reads from the store at its own pace. So nobody
// who reads slowly costs memory, or time of writers or of other readers.
package feed

import (
	"context"
	"fmt"
	"sync"
	"time"

	"fashen/internal/docstore"

	corev1 "fashen/gen/fashen/core/v1"
)

const (
	// pageSize is how many events are read from the store at a time.
	pageSize = 100
	// windowSize is how many of the newest events a hub keeps, 32 KiB each at most.
	windowSize = 512
	// lookInterval is how often a hub looks for what no relay of this process told
	// it of, and the age to which what it knows of viewers counts as now.
	lookInterval = 500 * time.Millisecond
)

// Source is what one service has to tell.
type Source struct {
	o     Options
	after func(time.Duration) <-chan time.Time

	mu   sync.Mutex
	hubs map[string]*hub
}

// Options of a source.
type Options struct {
	// Service is the short name of the service.
	Service string
	// Engine is the store of the service.
	Engine docstore.Engine
	// Sight tells who may see which event.
	Sight Sight
	// History is the access rule of the RPC that reads journals of the service.
	// Those whose roles do not open it get events without the entry itself.
	History *corev1.Access
	// After is time.After where it is nil; tests give their own.
	After func(time.Duration) <-chan time.Time
}

// NewSource makes the source of a service.
func NewSource(o Options) *Source {
	s := &Source{o: o, after: o.After, hubs: map[string]*hub{}}
	if s.after == nil {
		s.after = time.After
	}
	return s
}

// Relayed tells that entries came into the log. It does not block.
func (s *Source) Relayed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hubs {
		select {
		case h.wake <- struct{}{}:
		default: // awake already
		}
	}
}

// follow answers the hub of a feed, started for the first who follows, and the
// head of the feed. leave is called once, and stops the hub with the last.
func (s *Source) follow(ctx context.Context, parent string) (h *hub, head int64, leave func(), err error) {
	head, err = s.o.Engine.Log().Head(ctx, parent)
	if err != nil {
		return nil, 0, nil, fmt.Errorf("head of %s: %w", idOf(s.o.Service, parent), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h = s.hubs[parent]
	if h == nil {
		h = newHub(s, parent, head)
		s.hubs[parent] = h
		running, stop := context.WithCancel(context.Background())
		h.stop = stop
		go h.run(running)
	}
	h.followers++
	return h, head, func() { s.leave(h) }, nil
}

func (s *Source) leave(h *hub) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.followers--; h.followers == 0 {
		h.stop()
		delete(s.hubs, h.parent)
	}
}

// read reads the page of events after a place, with their viewers.
func (s *Source) read(ctx context.Context, parent string, after int64) ([]event, error) {
	entries, err := s.o.Engine.Log().Feed(ctx, parent, after, pageSize)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	out := make([]event, len(entries))
	for i, at := range entries {
		out[i].Event = eventOf(s.o.Service, parent, at)
	}
	return out, s.look(ctx, out)
}

// look finds out who may see the resources of events now, each resource once.
func (s *Source) look(ctx context.Context, events []event) error {
	viewers := map[string][]string{}
	var names []string
	for _, e := range events {
		if _, ok := viewers[e.GetSubject()]; !ok {
			viewers[e.GetSubject()] = nil
			names = append(names, e.GetSubject())
		}
	}
	for _, t := range s.o.Engine.Tables() {
		if t.Spec().Derived {
			continue
		}
		found, err := t.Viewers(ctx, names)
		if err != nil {
			return err
		}
		for name, who := range found {
			viewers[name] = who
		}
	}
	for i := range events {
		events[i].viewers = viewers[events[i].GetSubject()]
	}
	return nil
}

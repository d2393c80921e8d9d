package feed

import (
	"context"
	"slices"
	"sync"
)

// hub reads one feed for all who follow it.
type hub struct {
	source *Source
	parent string
	wake   chan struct{}
	// followers and stop belong to the source's lock.
	followers int
	stop      context.CancelFunc

	mu sync.Mutex
	// window are the newest events, up to head.
	window []event
	head   int64
	// looks counts the times the hub looked, about two in a second.
	looks int64
	// changed is closed, and replaced, when head moves.
	changed chan struct{}
}

func newHub(s *Source, parent string, head int64) *hub {
	return &hub{source: s, parent: parent, head: head, wake: make(chan struct{}, 1), changed: make(chan struct{})}
}

// run reads what comes until the last follower has left.
func (h *hub) run(ctx context.Context) {
	tick := h.source.after(lookInterval)
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		case <-tick:
			tick = h.source.after(lookInterval)
			h.mu.Lock()
			h.looks++
			h.mu.Unlock()
		}
		// A store that fails is asked again with the next tick; watchers that need
		// it themselves hear of it.
		for h.advance(ctx) {
		}
	}
}

// advance reads one page into the window, and tells whether there may be more.
func (h *hub) advance(ctx context.Context) (more bool) {
	h.mu.Lock()
	after, looks := h.head, h.looks
	h.mu.Unlock()
	events, err := h.source.read(ctx, h.parent, after)
	if err != nil || len(events) == 0 {
		return false
	}
	for i := range events {
		events[i].looked = looks
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	// What watchers hold of the old window is not written to.
	h.window = slices.Concat(h.window[max(0, len(h.window)+len(events)-windowSize):], events)
	h.renew(events)
	h.head = events[len(events)-1].GetPosition()
	close(h.changed)
	h.changed = make(chan struct{})
	return len(events) == pageSize
}

// renew gives older events of the resources of new ones their viewers of now: a
// change of viewers is an entry, so what is known is as new as the feed itself.
func (h *hub) renew(events []event) {
	latest := map[string]event{}
	for _, e := range events {
		latest[e.GetSubject()] = e
	}
	for i := range h.window {
		if e, ok := latest[h.window[i].GetSubject()]; ok {
			h.window[i].viewers, h.window[i].looked = e.viewers, e.looked
		}
	}
}

// next answers the events after a place, from the window where it reaches so far
// back, from the store otherwise. Without any it answers a channel that is closed
// when there are.
func (h *hub) next(ctx context.Context, after int64) ([]event, <-chan struct{}, error) {
	h.mu.Lock()
	events, whole := h.since(after)
	looks, changed := h.looks, h.changed
	h.mu.Unlock()
	switch {
	case !whole:
		events, err := h.source.read(ctx, h.parent, after)
		return events, changed, err
	case len(events) == 0:
		return nil, changed, nil
	case slices.ContainsFunc(events, func(e event) bool { return e.looked+1 < looks }):
		// Whoever could see a resource then may not any more, however late the feed
		// tells of it.
		events = slices.Clone(events)
		return events, changed, h.source.look(ctx, events)
	}
	return events, changed, nil
}

// since are up to a page of events of the window after a place; whole is false
// where the window begins later.
func (h *hub) since(after int64) (events []event, whole bool) {
	if after >= h.head {
		return nil, true
	}
	first := h.head - int64(len(h.window)) + 1
	if after+1 < first {
		return nil, false
	}
	events = h.window[after+1-first:]
	return events[:min(len(events), pageSize)], true
}

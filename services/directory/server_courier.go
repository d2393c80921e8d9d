package directory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
	"fashen/internal/docstore"
	"fashen/internal/webhook"
	"fashen/internal/worker"
)

const (
	// courierLease is the lease of the one process that posts events.
	courierLease = "webhooks"
	// courierPause lies between two looks at what other processes changed, and at a
	// clock that may have been set.
	courierPause = 2 * time.Second
	// postsAtOnce bounds the attempts in progress: one for each webhook, and so many
	// in all.
	postsAtOnce = 256
	// tidyPause lies between two rounds that remove old deliveries.
	tidyPause = time.Hour
)

// Webhooks is what posting events to systems takes. Without feeds nothing is
// posted.
type Webhooks struct {
	// Key is what secrets are derived from; 32 bytes that all processes share.
	Key []byte
	// Feeds tell the events of services, by short name, over connections that carry
	// the directory's own identity.
	Feeds map[string]corev1.FeedServiceClient
	// Networks are those, beside the public ones, to which events may be posted.
	Networks webhook.Networks
	// Sender posts.
	Sender *webhook.Sender
	// Holder names this process in the lease; a random name when empty. The owner of
	// an embedded store gives the same name each time, so that it need not wait for
	// its own lease after a crash.
	Holder string
	// Observe is told how each attempt ended; optional.
	Observe func(outcome string)
}

// courier posts events to the webhooks of systems. For each webhook it follows the
// feeds of its services as the system would, and puts one delivery a new event into
// the store before the place in the feed moves on; and it posts what is due, one at
// a time. So an event is lost at no point, its id follows it everywhere, and no
// host holds up another.
//
// A lease kept in the store lets one process at a time work. It saves work only:
// two at once write the same deliveries, and may post an event twice under its id.
type courier struct {
	s     *Server
	lease *worker.Lease
	d     Webhooks
	// look is woken when webhooks or systems changed here.
	look chan struct{}
	// posts has a place for each attempt in progress.
	posts chan struct{}
	// patience is how long a feed may take to begin.
	patience time.Duration
	done     sync.WaitGroup

	// buried are the webhooks whose deliveries were given up when they were disabled;
	// tidied is when old deliveries were last removed. Only run looks at them.
	buried map[string]bool
	tidied time.Time

	mu sync.Mutex
	// rounds are those of the live webhooks, by name.
	rounds map[string]*round
}

func newCourier(s *Server, e docstore.Engine, d Webhooks) *courier {
	if d.Observe == nil {
		d.Observe = func(string) {}
	}
	return &courier{
		s: s, d: d,
		// Times of leases are compared between processes: they are of the real clock.
		lease: worker.NewLease(e, courierLease, d.Holder, time.Now),
		look:  make(chan struct{}, 1), posts: make(chan struct{}, postsAtOnce), patience: followPatience,
		rounds: map[string]*round{}, buried: map[string]bool{},
	}
}

// services are those whose events can be followed.
func (c *courier) services() []string { return slices.Sorted(maps.Keys(c.d.Feeds)) }

// changed says that a webhook or a system changed. It does not block.
func (c *courier) changed() {
	select {
	case c.look <- struct{}{}:
	default: // awake already
	}
}

// wake says that something is due at a webhook.
func (c *courier) wake(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.rounds[name]; r != nil {
		r.awake()
	}
}

// StartWebhooks begins to post events, until the answered function is called. The
// services that are followed may be called from now on.
func (s *Server) StartWebhooks() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	s.courier.done.Go(func() { s.courier.run(ctx) })
	return func() {
		cancel()
		s.courier.done.Wait()
		s.courier.release()
	}
}

// release gives the lease back. What was not posted waits in the store.
func (c *courier) release() {
	ctx, cancel := context.WithTimeout(context.Background(), courierPause)
	defer cancel()
	if err := c.lease.Release(ctx); err != nil {
		c.s.logger.WarnContext(ctx, "the lease of webhooks was not given back", "error", err)
	}
}

func (c *courier) run(ctx context.Context) {
	defer c.keep(nil)
	for ctx.Err() == nil {
		if err := worker.Safely(func() error { return c.turn(ctx) }); err != nil && ctx.Err() == nil {
			c.s.logger.WarnContext(ctx, "webhooks rest for now", "error", err)
		}
		pause(ctx, courierPause, c.look)
	}
}

// pause waits for a time, or until it is woken.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}

// turn makes the rounds be those of the live webhooks, if this process has the
// lease.
func (c *courier) turn(ctx context.Context) error {
	switch err := c.lease.Keep(ctx); {
	case errors.Is(err, worker.ErrLost):
		c.keep(nil)
		return nil
	case err != nil:
		return err
	}
	wanted, err := c.liveRounds(ctx)
	if err != nil {
		return err
	}
	c.keep(wanted)
	c.mu.Lock()
	for name, r := range wanted {
		if c.rounds[name] == nil {
			c.rounds[name] = r
			r.start(ctx)
		}
	}
	c.mu.Unlock()
	return c.tidy(ctx)
}

// liveRounds reads all webhooks and systems, and gives up what waits for those that
// were disabled.
func (c *courier) liveRounds(ctx context.Context) (map[string]*round, error) {
	all := docstore.Query{Prefix: &docstore.Prefix{Field: docstore.FieldName, Value: "regions/"}}
	systems := map[string]*directoryv1.System{}
	err := each(ctx, c.s.store.systems, all, func(y *directoryv1.System) { systems[y.GetName()] = y })
	if err != nil {
		return nil, fmt.Errorf("list systems: %w", err)
	}
	rounds := map[string]*round{}
	var ended []string
	err = each(ctx, c.s.store.webhooks, all, func(w *directoryv1.Webhook) {
		y := systems[systemOfWebhook(w.GetName())]
		switch {
		case y == nil: // added since the systems were read: the next look finds it
		case live(w, y):
			rounds[w.GetName()] = newRound(c, w, y)
		case !c.buried[w.GetName()]:
			ended = append(ended, w.GetName())
		}
	})
	if err != nil {
		return nil, fmt.Errorf("list webhooks: %w", err)
	}
	c.keep(rounds)
	for _, name := range ended {
		if err := c.bury(ctx, name); err != nil {
			return nil, fmt.Errorf("give up what waits for %s: %w", name, err)
		}
		c.buried[name] = true
	}
	return rounds, nil
}

// keep stops the rounds that are not wanted as they are, and waits for their end.
func (c *courier) keep(wanted map[string]*round) {
	c.mu.Lock()
	var ended []*round
	for name, r := range c.rounds {
		if w := wanted[name]; w == nil || w.version != r.version {
			delete(c.rounds, name)
			ended = append(ended, r)
		}
	}
	c.mu.Unlock()
	for _, r := range ended {
		r.stop()
	}
}

// bury gives up what waits for a webhook that is posted to no more.
func (c *courier) bury(ctx context.Context, name string) error {
	for {
		page, err := c.s.store.deliveries.List(ctx, docstore.Query{
			Equal:    map[string]any{docstore.FieldParent: name, "delivery.state": directoryv1.Delivery_PENDING},
			OrderBy:  docstore.FieldCreateTime,
			PageSize: replayAtOnce,
		})
		if err != nil || len(page.Items) == 0 {
			return err
		}
		for _, d := range page.Items {
			if _, err := c.s.store.deliveries.Update(ctx, d.GetName(), func(d *storagev1.Delivery) error {
				giveUp(d, directoryv1.Delivery_WEBHOOK_DISABLED)
				return nil
			}); err != nil && !isNotFound(err) {
				return err
			}
		}
	}
}

// tidy removes, now and then, the deliveries that were kept long enough.
func (c *courier) tidy(ctx context.Context) error {
	now := c.s.now()
	if now.Sub(c.tidied) < tidyPause {
		return nil
	}
	for {
		page, err := c.s.store.deliveries.List(ctx, docstore.Query{
			Range:    &docstore.Range{Field: docstore.FieldCreateTime, To: now.Add(-deliveryLife)},
			PageSize: replayAtOnce,
		})
		if err != nil {
			return fmt.Errorf("list old deliveries: %w", err)
		}
		if len(page.Items) == 0 {
			c.tidied = now
			return nil
		}
		for _, d := range page.Items {
			if err := c.s.store.deliveries.Delete(ctx, d.GetName()); err != nil {
				return fmt.Errorf("remove an old delivery: %w", err)
			}
		}
	}
}

// DeliveryCounts tells how many deliveries wait, and how many were given up. It is
// for operators; no RPC serves it.
func (s *Server) DeliveryCounts(ctx context.Context) (map[directoryv1.Delivery_State]int64, error) {
	counts := map[directoryv1.Delivery_State]int64{}
	var errs []error
	for _, state := range []directoryv1.Delivery_State{directoryv1.Delivery_PENDING, directoryv1.Delivery_DEAD} {
		groups, err := s.store.deliveries.Aggregate(ctx, docstore.Query{Equal: map[string]any{"delivery.state": state}}, nil, nil)
		errs = append(errs, err)
		for _, g := range groups {
			counts[state] += g.Count
		}
		counts[state] += 0 // shown when there are none
	}
	return counts, errors.Join(errs...)
}

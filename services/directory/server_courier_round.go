package directory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
	"fashen/internal/docstore"
	"fashen/internal/feed"
	"fashen/internal/resource"
	"fashen/internal/rpc"
	"fashen/internal/webhook"
	"fashen/internal/worker"
)

const (
	// followPause lies between the end of a stream and the next; it doubles, up to
	// longestPause, while streams bring nothing.
	followPause  = time.Second
	longestPause = 32 * time.Second
	// followPatience is how long a feed may take to begin: it tells its place at once,
	// unless the call never got there.
	followPatience = 30 * time.Second
	// placeAfter is after how many events, or the next heartbeat, the place in a feed
	// is written down.
	placeAfter = 64
	// noteTime bounds the note of how an attempt ended.
	noteTime = 5 * time.Second
	// duePage is how many due deliveries are read at a time.
	duePage = 50
)

// round is the work for a live webhook of a system, until either changes in what
// is followed. Where and how it is posted is looked at with each attempt.
type round struct {
	c *courier
	w *directoryv1.Webhook
	y *directoryv1.System
	// version changes with what is followed.
	version string
	due     chan struct{}
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

func newRound(c *courier, w *directoryv1.Webhook, y *directoryv1.System) *round {
	version := fmt.Sprintf("%q %q %s", w.GetTypes(), w.GetResources(), y.GetEtag())
	return &round{c: c, w: w, y: y, version: version, due: make(chan struct{}, 1)}
}

func (r *round) start(ctx context.Context) {
	ctx, r.cancel = context.WithCancel(ctx)
	for _, service := range r.w.GetServices() {
		if client := r.c.d.Feeds[service]; client != nil {
			r.done.Go(func() { r.follow(ctx, service, client) })
		}
	}
	r.done.Go(func() { r.post(ctx) })
}

func (r *round) stop() {
	r.cancel()
	r.done.Wait()
}

// awake says that something is due. It does not block.
func (r *round) awake() {
	select {
	case r.due <- struct{}{}:
	default: // awake already
	}
}

// follow follows the feed of a service until the round ends.
func (r *round) follow(ctx context.Context, service string, client corev1.FeedServiceClient) {
	place := &storagev1.WebhookPlace{Name: r.w.GetName() + "/feeds/" + service}
	if err := r.load(ctx, place); err != nil {
		return
	}
	log := r.c.s.logger.With("webhook", r.w.GetName(), "service", service)
	for wait := followPause; ctx.Err() == nil; pause(ctx, wait, nil) {
		var got bool
		err := worker.Safely(func() (err error) {
			got, err = r.stream(ctx, service, client, place)
			return err
		})
		if wait = min(2*wait, longestPause); got {
			wait = followPause
		}
		switch reason := rpc.Reason(err); {
		case ctx.Err() != nil, reason == rpc.ReasonTokenExpired: // that of the directory: the next stream has another
		case slices.Contains(lostPlace, reason):
			// What has its delivery gets no second one, so the whole feed is gone through.
			log.ErrorContext(ctx, "the place of a webhook in a feed is lost; the feed is read from its start", "error", err)
			place.ResumeToken = ""
		default:
			log.WarnContext(ctx, "a webhook follows no feed for now", "error", err)
		}
	}
}

// lostPlace are the reasons for which a feed takes no resume token.
var lostPlace = []string{feed.ReasonTokenInvalid, feed.ReasonTokenExpired, feed.ReasonTokenAhead}

// load reads the place in a feed, again until the store answers.
func (r *round) load(ctx context.Context, place *storagev1.WebhookPlace) error {
	for {
		kept, err := r.c.s.store.places.Get(ctx, place.GetName())
		switch {
		case err == nil:
			place.ResumeToken = kept.GetResumeToken()
			return nil
		case isNotFound(err):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		pause(ctx, followPause, nil)
	}
}

// errSilent: a feed did not begin, as when the connection has no room for one more.
var errSilent = errors.New("the feed does not begin")

// stream takes one stream of events to its end, which it answers, and whether it
// got any. The place moves on behind the deliveries.
func (r *round) stream(ctx context.Context, service string, client corev1.FeedServiceClient, place *storagev1.WebhookPlace) (got bool, err error) {
	predecessors, err := r.c.s.predecessors(ctx, r.y.GetBureau())
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(r.c.patience, func() { cancel(errSilent) })
	defer silence.Stop()
	defer func() {
		if errors.Is(context.Cause(ctx), errSilent) {
			err = fmt.Errorf("%w in %v: %w", errSilent, r.c.patience, err)
		}
	}()
	s, err := client.Watch(rpc.ActFor(ctx, followerOf(r.w, r.y, predecessors)), &corev1.WatchRequest{
		Parent: resource.Region(r.y.GetName()), Service: service,
		ResumeToken: place.GetResumeToken(), FromStart: place.GetResumeToken() == "",
		Types: r.w.GetTypes(), Resources: r.w.GetResources(),
	})
	if err != nil {
		return false, err
	}
	for unsaved := 0; ; {
		m, err := s.Recv()
		if err != nil {
			return got, err
		}
		silence.Stop()
		if e := m.GetEvent(); e != nil {
			if err := r.take(ctx, e); err != nil {
				return got, err
			}
			unsaved++
		}
		place.ResumeToken = m.GetResumeToken()
		if !got || unsaved >= placeAfter || unsaved > 0 && m.GetHeartbeat() != nil {
			if err := r.c.s.store.places.Put(ctx, place); err != nil {
				return got, fmt.Errorf("write down the place in a feed: %w", err)
			}
			unsaved = 0
		}
		got = true
	}
}

// take puts the delivery of an event into the store, unless it is there.
func (r *round) take(ctx context.Context, e *corev1.Event) error {
	now := r.c.s.now()
	if !wanted(r.w, e, now) {
		return nil
	}
	switch _, err := r.c.s.store.deliveries.Get(ctx, deliveryName(r.w, e)); {
	case err == nil:
		return nil
	case !isNotFound(err):
		return err
	}
	body, err := bodyOf(e)
	if err != nil {
		return err
	}
	if err := r.c.s.store.deliveries.Put(ctx, newDelivery(r.w, e, body, now)); err != nil {
		return err
	}
	r.awake()
	return nil
}

// bodyOf is an event as structured JSON of CloudEvents. protojson puts in spaces by
// chance, which are taken out.
func bodyOf(e *corev1.Event) ([]byte, error) {
	b, err := protojson.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.GetId(), err)
	}
	var out bytes.Buffer
	err = json.Compact(&out, b)
	return out.Bytes(), err
}

// post posts what is due, until the round ends.
func (r *round) post(ctx context.Context) {
	for ctx.Err() == nil {
		if err := worker.Safely(func() error { return r.postDue(ctx) }); err != nil && ctx.Err() == nil {
			r.c.s.logger.WarnContext(ctx, "deliveries of a webhook wait for now", "webhook", r.w.GetName(), "error", err)
		}
		pause(ctx, courierPause, r.due)
	}
}

// postDue makes an attempt for each delivery that is due, one after the other, what
// is due first first.
func (r *round) postDue(ctx context.Context) error {
	for {
		page, err := r.c.s.store.deliveries.List(ctx, docstore.Query{
			Equal:    map[string]any{docstore.FieldParent: r.w.GetName(), "delivery.state": directoryv1.Delivery_PENDING},
			Range:    &docstore.Range{Field: "delivery.next_attempt_time", To: r.c.s.now().Add(time.Millisecond)},
			PageSize: duePage,
		})
		if err != nil || len(page.Items) == 0 {
			return err
		}
		for _, d := range page.Items {
			if err := r.try(ctx, d); err != nil {
				return err
			}
		}
	}
}

// try makes one attempt and takes down how it ended. That a webhook or its system
// ended in the meantime is seen here, whoever ended it.
func (r *round) try(ctx context.Context, d *storagev1.Delivery) error {
	w, _, err := r.c.s.store.webhooks.Get(ctx, r.w.GetName())
	if err != nil {
		return err
	}
	y, _, err := r.c.s.store.systems.Get(ctx, r.y.GetName())
	if err != nil {
		return err
	}
	if !live(w, y) {
		return errors.New("the webhook was disabled")
	}
	select {
	case r.c.posts <- struct{}{}:
		defer func() { <-r.c.posts }()
	case <-ctx.Done():
		return ctx.Err()
	}
	now := r.c.s.now()
	status, err := r.c.d.Sender.Post(ctx, w.GetUrl(), d.GetDelivery().GetEventId(), now, []byte(d.GetBody()), secretsOf(r.c.d.Key, w, now)...)
	if err != nil && ctx.Err() != nil {
		return ctx.Err() // it is tried again, under the same id
	}
	how := attempt{outcome: outcomeOf(err), status: status}
	r.c.d.Observe(how.outcome.String())
	if err != nil {
		r.c.s.logger.InfoContext(ctx, "an event was not taken", "delivery", d.GetName(), "outcome", how.outcome.String(), "status", status, "error", err)
	}
	chance := rand.Float64()                                                 //nolint:gosec // it spreads load; nothing rests on its being a secret
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime) // a round that ends notes what was taken
	defer cancel()
	_, err = r.c.s.store.deliveries.Update(ctx, d.GetName(), func(d *storagev1.Delivery) error {
		attempted(d, how, r.c.s.now(), chance)
		return nil
	})
	return err
}

// outcomeOf names how an attempt ended.
func outcomeOf(err error) directoryv1.Delivery_Outcome {
	switch {
	case err == nil:
		return directoryv1.Delivery_TAKEN
	case errors.Is(err, webhook.ErrStatus):
		return directoryv1.Delivery_BAD_STATUS
	case errors.Is(err, webhook.ErrTimeout):
		return directoryv1.Delivery_TIMED_OUT
	case errors.Is(err, webhook.ErrCertificate):
		return directoryv1.Delivery_CERTIFICATE_REFUSED
	case errors.Is(err, webhook.ErrAddressRefused):
		return directoryv1.Delivery_ADDRESS_REFUSED
	}
	return directoryv1.Delivery_UNREACHABLE
}

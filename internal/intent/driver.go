package intent

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
	"fashen/internal/worker"
)

const (
	// leaseName is the lease of the driver of a store.
	leaseName = "intents"
	// firstPause follows the first failure of an intent; each further one doubles
	// it, up to longestPause.
	firstPause   = time.Second
	longestPause = 5 * time.Minute
	// attemptTime bounds one attempt.
	attemptTime = 30 * time.Second
	// atOnce is how many intents are performed at the same time.
	atOnce = 8
	// batch is the number of intents listed at a time.
	batch = 200
	// closing bounds the end of the work.
	closing = 10 * time.Second
	// DefaultGiveUpAfter is the age at which an intent that fails is given up.
	DefaultGiveUpAfter = 24 * time.Hour
)

// Work is a [Queue], whatever its messages are.
type Work interface {
	service() string
	wakes(wake func())
	age(t time.Time) time.Duration
	list(ctx context.Context, state any, prefix string, size int, token string) ([]*corev1.Intent, string, error)
	count(ctx context.Context, state corev1.Intent_State) (int64, error)
	attempt(ctx context.Context, i *corev1.Intent) error
	giveUp(ctx context.Context, i *corev1.Intent, why error) error
	retry(ctx context.Context, name string) (*corev1.Intent, error)
}

// DriverOptions are what a driver needs beside its queue.
type DriverOptions struct {
	// Engine is the store of the queue, which keeps the lease.
	Engine docstore.Engine
	// Holder names this driver in the lease; a random name when empty.
	Holder string
	// Poll is how often to look for what other processes left; 0 where this process
	// alone writes to the store.
	Poll time.Duration
	// Settle is how long an intent that this driver sees for the first time is left
	// to the call that made it: that call may be at work in another process.
	Settle time.Duration
	// GiveUpAfter is the age at which an intent that fails is given up;
	// DefaultGiveUpAfter when 0.
	GiveUpAfter time.Duration
	// Now tells the time of pauses and of the lease, which is compared between
	// processes; time.Now when nil.
	Now docstore.Clock
	// After is time.After, Jitter a number in [0,1); tests give their own.
	After  func(time.Duration) <-chan time.Time
	Jitter func() float64
	// Logger hears of failures; slog.Default() when nil.
	Logger *slog.Logger
}

// Driver performs the intents of a queue that the calls which made them left
// open. It is woken by such a call, and looks once when it starts. Attempts are
// counted in memory only: a journal that grew while another service is away would
// tell nothing; a driver that starts anew begins with short pauses.
type Driver struct {
	work  Work
	o     DriverOptions
	lease *worker.Lease
	wake  chan struct{}
	stop  context.CancelFunc
	done  sync.WaitGroup
	// tries are the intents that wait, by name.
	tries map[string]*try
}

// try is what a driver remembers of an intent.
type try struct {
	failures int
	next     time.Time
}

// NewDriver makes a driver that rests until Start.
func NewDriver(w Work, o DriverOptions) *Driver {
	o.GiveUpAfter = cmp.Or(o.GiveUpAfter, DefaultGiveUpAfter)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.After == nil {
		o.After = time.After
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	d := &Driver{
		work: w, o: o, wake: make(chan struct{}, 1), tries: map[string]*try{},
		lease: worker.NewLease(o.Engine, leaseName, o.Holder, o.Now),
	}
	w.wakes(d.Wake)
	return d
}

// Wake says that there is something to do. It does not block.
func (d *Driver) Wake() {
	select {
	case d.wake <- struct{}{}:
	default: // awake already
	}
}

// Start begins with what an earlier process left, and goes on until Close.
func (d *Driver) Start() {
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	d.done.Go(func() { d.run(ctx) })
}

func (d *Driver) run(ctx context.Context) {
	for {
		wait := firstPause
		err := worker.Safely(func() (err error) {
			wait, err = d.round(ctx)
			return err
		})
		if err != nil && ctx.Err() == nil {
			d.o.Logger.WarnContext(ctx, "intents wait: the store does not answer", "error", err)
		}
		var later <-chan time.Time
		if wait > 0 {
			later = d.o.After(wait)
		}
		select {
		case <-ctx.Done():
			return
		case <-later:
		case <-d.wake:
		}
	}
}

// round performs what is due, if the lease is this driver's, and tells after how
// long there is to look again; 0 when only Wake can bring anything.
func (d *Driver) round(ctx context.Context) (wait time.Duration, err error) {
	switch err := d.lease.Keep(ctx); {
	case errors.Is(err, worker.ErrLost):
		return worker.Retry, nil
	case err != nil:
		return firstPause, err
	}
	open, err := d.open(ctx)
	if err != nil {
		return firstPause, err
	}
	d.perform(ctx, d.due(open))
	wait = d.o.Poll
	now := d.o.Now()
	for _, t := range d.tries {
		left := max(t.next.Sub(now), time.Millisecond)
		if wait == 0 || left < wait {
			wait = left
		}
	}
	return wait, nil
}

// open lists the open intents.
func (d *Driver) open(ctx context.Context) ([]*corev1.Intent, error) {
	var all []*corev1.Intent
	for token := ""; ; {
		page, next, err := d.work.list(ctx, corev1.Intent_OPEN, "", batch, token)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if token = next; token == "" {
			return all, nil
		}
	}
}

// due are the open intents whose time has come. What is no longer open is
// forgotten.
func (d *Driver) due(open []*corev1.Intent) []*corev1.Intent {
	now, tries := d.o.Now(), make(map[string]*try, len(open))
	var due []*corev1.Intent
	for _, i := range open {
		t := d.tries[i.GetName()]
		if t == nil {
			t = &try{next: now.Add(d.o.Settle)}
		}
		tries[i.GetName()] = t
		if !now.Before(t.next) {
			due = append(due, i)
		}
	}
	d.tries = tries
	return due
}

// perform attempts intents, several at a time, and plans the next attempt of those
// that fail.
func (d *Driver) perform(ctx context.Context, due []*corev1.Intent) {
	var all sync.WaitGroup
	free := make(chan struct{}, atOnce)
	errs := make([]error, len(due))
	for n, i := range due {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			ctx, cancel := context.WithTimeout(ctx, attemptTime)
			defer cancel()
			errs[n] = worker.Safely(func() error { return d.work.attempt(ctx, i) })
		})
	}
	all.Wait()
	for n, i := range due {
		d.settle(ctx, i, errs[n])
	}
}

// settle draws the consequence of an attempt.
func (d *Driver) settle(ctx context.Context, i *corev1.Intent, err error) {
	log := d.o.Logger.With("intent", i.GetName(), "method", i.GetMethod(), "requester", i.GetRequester())
	t := d.tries[i.GetName()]
	switch {
	case err == nil:
		delete(d.tries, i.GetName())
		log.InfoContext(ctx, "intent is done", "failures", t.failures)
		return
	case ctx.Err() != nil:
		return
	case errors.Is(err, errBusy):
		t.next = d.o.Now().Add(firstPause)
		return
	}
	t.failures++
	t.next = d.o.Now().Add(pause(t.failures, d.o.Jitter()))
	age := d.work.age(i.GetCreateTime().AsTime())
	if !forGood(err) && age < d.o.GiveUpAfter {
		log.WarnContext(ctx, "intent waits", "failures", t.failures, "next", t.next, "error", err)
		return
	}
	if lost := d.work.giveUp(ctx, i, err); lost != nil {
		log.WarnContext(ctx, "intent cannot be given up", "error", errors.Join(lost, err))
		return
	}
	delete(d.tries, i.GetName())
	log.ErrorContext(ctx, "intent is given up: an administrator has to look at it", "failures", t.failures, "age", age, "error", err)
}

// pause is the time after the n-th failure: doubled each time, and up to a quarter
// shorter, so that many do not come back at once.
func pause(failures int, jitter float64) time.Duration {
	p := longestPause
	if failures < 20 {
		p = min(firstPause<<(failures-1), longestPause)
	}
	return p - time.Duration(jitter*float64(p)/4)
}

// Close ends the work and gives the lease back. What is open is found by the next
// driver.
func (d *Driver) Close() error {
	if d.stop == nil {
		return nil
	}
	d.stop()
	d.done.Wait()
	d.stop = nil
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	return d.lease.Release(ctx)
}

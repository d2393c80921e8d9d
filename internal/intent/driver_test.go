package intent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/docstore"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/worker"
)

var begin = time.Date(2026, 5, 12, 1, 0, 0, 0, time.UTC)

// desk is a queue of intents that do as they are told.
type desk struct {
	mu     sync.Mutex
	now    time.Time
	open   []*corev1.Intent
	failed []string
	// answer is what an attempt gets; attempts are those that were made.
	answer   func(i *corev1.Intent) error
	attempts []string
	running  int
	most     int
	wake     func()
}

func newDesk(names ...string) *desk {
	d := &desk{now: begin, answer: func(*corev1.Intent) error { return nil }}
	for _, name := range names {
		d.open = append(d.open, &corev1.Intent{Name: name, State: corev1.Intent_OPEN, CreateTime: timestamppb.New(begin)})
	}
	return d
}

func (d *desk) service() string                                           { return "filing" }
func (d *desk) wakes(wake func())                                         { d.wake = wake }
func (d *desk) age(t time.Time) time.Duration                             { return d.clock().Sub(t) }
func (d *desk) count(context.Context, corev1.Intent_State) (int64, error) { return 0, nil }
func (d *desk) retry(context.Context, string) (*corev1.Intent, error)     { return nil, nil }

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) list(_ context.Context, _ any, _ string, _ int, token string) ([]*corev1.Intent, string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if first := min(1, len(d.open)); token == "" {
		return slices.Clone(d.open[:first]), "the rest", nil
	}
	return slices.Clone(d.open[min(1, len(d.open)):]), "", nil
}

func (d *desk) attempt(_ context.Context, i *corev1.Intent) error {
	d.mu.Lock()
	d.attempts = append(d.attempts, i.GetName())
	d.running++
	d.most = max(d.most, d.running)
	answer := d.answer
	d.mu.Unlock()
	err := answer(i)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running--
	if err == nil {
		d.drop(i)
	}
	return err
}

func (d *desk) drop(i *corev1.Intent) {
	d.open = slices.DeleteFunc(d.open, func(o *corev1.Intent) bool { return o.GetName() == i.GetName() })
}

func (d *desk) giveUp(_ context.Context, i *corev1.Intent, why error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = append(d.failed, i.GetName()+" "+reasonOf(why))
	d.drop(i)
	return nil
}

// driver is one of a desk, on the clock of the desk, without jitter.
func (d *desk) driver(t *testing.T, e docstore.Engine, change func(o *DriverOptions)) *Driver {
	t.Helper()
	o := DriverOptions{
		Engine: e, Now: d.clock, Jitter: func() float64 { return 0 }, Logger: slog.New(slog.DiscardHandler),
		After: func(time.Duration) <-chan time.Time { return nil },
	}
	if change != nil {
		change(&o)
	}
	return NewDriver(d, o)
}

func store(t *testing.T) docstore.Engine {
	t.Helper()
	e, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// turn makes one round and moves the clock on to the next.
func (d *desk) turn(t *testing.T, driver *Driver) time.Duration {
	t.Helper()
	wait, err := driver.round(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(wait)
	return wait
}

var away = status.Error(codes.Unavailable, "no route")

func TestPausesGrow(t *testing.T) {
	d := newDesk("a", "b")
	d.answer = func(*corev1.Intent) error { return away }
	driver := d.driver(t, store(t), nil)
	var waits []string
	for range 11 {
		waits = append(waits, d.turn(t, driver).String())
	}
	if got, want := strings.Join(waits, " "), "1s 2s 4s 8s 16s 32s 1m4s 2m8s 4m16s 5m0s 5m0s"; got != want {
		t.Errorf("pauses %s, want %s", got, want)
	}
	if len(d.attempts) != 22 {
		t.Errorf("%d attempts of two intents in 11 rounds", len(d.attempts))
	}
	d.answer = func(i *corev1.Intent) error {
		if i.GetName() == "a" {
			return nil
		}
		return errBusy
	}
	if wait := d.turn(t, driver); wait != firstPause || len(d.open) != 1 {
		t.Errorf("in hand: again after %v, %d are open", wait, len(d.open))
	}
	d.answer = func(*corev1.Intent) error { return nil }
	if wait := d.turn(t, driver); wait != 0 || len(d.open) != 0 || len(driver.tries) != 0 {
		t.Errorf("done: again after %v, %d are open", wait, len(d.open))
	}
}

func TestPause(t *testing.T) {
	for _, tt := range []struct {
		failures int
		jitter   float64
		want     time.Duration
	}{{1, 0, time.Second}, {1, 1, 750 * time.Millisecond}, {4, 0.5, 7 * time.Second}, {10, 0, longestPause}, {1 << 30, 0, longestPause}} {
		if got := pause(tt.failures, tt.jitter); got != tt.want {
			t.Errorf("after %d failures, jitter %v: %v, want %v", tt.failures, tt.jitter, got, tt.want)
		}
	}
}

func TestGivesUp(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		reason string
		after  time.Duration
	}{
		"refused for good":      {status.Error(codes.InvalidArgument, "no"), "INVALIDARGUMENT", 0},
		"not found":             {docstore.ErrNotFound, "RESOURCE_NOT_FOUND", 0},
		"away for a day":        {away, "UNAVAILABLE", DefaultGiveUpAfter},
		"broken for a day":      {errors.New("broken"), "INTERNAL", DefaultGiveUpAfter},
		"not served yet":        {status.Error(codes.Unimplemented, "unknown method"), "UNIMPLEMENTED", DefaultGiveUpAfter},
		"changing for too long": {docstore.ErrConflict, "ETAG_STALE", DefaultGiveUpAfter},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk("a")
			d.answer = func(*corev1.Intent) error { return tt.err }
			driver := d.driver(t, store(t), nil)
			for rounds := 0; len(d.open) > 0 && rounds < 1000; rounds++ {
				d.turn(t, driver)
			}
			age := d.now.Sub(begin)
			if !slices.Equal(d.failed, []string{"a " + tt.reason}) || age < tt.after || age > tt.after+longestPause || len(driver.tries) != 0 {
				t.Errorf("gave up %v after %v, want %v", d.failed, age, tt.after)
			}
		})
	}
}

// One of several drivers works; another takes over when it shows no life. An intent
// it sees for the first time is left to the call that made it.
func TestOneDriverWorks(t *testing.T) {
	d, e := newDesk("a"), store(t)
	d.answer = func(*corev1.Intent) error { return away }
	shared := func(o *DriverOptions) { o.Poll, o.Settle = 2*time.Second, 3*time.Second }
	first, second := d.driver(t, e, shared), d.driver(t, e, shared)
	if wait := d.turn(t, first); wait != 2*time.Second || len(d.attempts) != 0 {
		t.Errorf("at first sight %d attempts, again after %v", len(d.attempts), wait)
	}
	if wait := d.turn(t, second); wait != worker.Retry || len(d.attempts) != 0 {
		t.Errorf("without the lease %d attempts, again after %v", len(d.attempts), wait)
	}
	if d.turn(t, first); len(d.attempts) != 1 {
		t.Errorf("%d attempts once it has settled", len(d.attempts))
	}
	d.now = d.now.Add(time.Minute) // the first shows no life
	d.turn(t, second)
	if d.turn(t, first); len(d.attempts) != 1 {
		t.Errorf("%d attempts while the second has the lease", len(d.attempts))
	}
	if d.turn(t, second); len(d.attempts) != 2 {
		t.Errorf("%d attempts after the takeover", len(d.attempts))
	}
}

// A panic in an attempt is a failure of that attempt, and ends nothing else.
func TestPanicInAnAttempt(t *testing.T) {
	d := newDesk("a", "b")
	d.answer = func(i *corev1.Intent) error {
		if i.GetName() == "a" {
			panic("示例故障")
		}
		return nil
	}
	driver := d.driver(t, store(t), nil)
	if wait := d.turn(t, driver); wait != firstPause || len(d.open) != 1 || driver.tries["a"].failures != 1 {
		t.Errorf("again after %v, %d are open", wait, len(d.open))
	}
	d.answer = func(*corev1.Intent) error { return nil }
	if d.turn(t, driver); len(d.open) != 0 {
		t.Errorf("%d are open", len(d.open))
	}
}

// A call that panics leaves its intent to the driver.
func TestPanicInACall(t *testing.T) {
	woken := 0
	q := NewQueue(Options[*filingv1.Document]{Perform: func(context.Context, *filingv1.Document) (*filingv1.Document, error) { panic("示例故障") }})
	m := &filingv1.Document{Name: "regions/120105/documents/a"}
	q.wakes(func() {
		if woken++; q.held(m.GetName()) {
			t.Error("the driver is woken while the call holds the intent")
		}
	})
	err := worker.Safely(func() error {
		_, err := q.Do(t.Context(), m)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "示例故障") || !strings.Contains(err.Error(), "TestPanicInACall") {
		t.Errorf("the log gets %v", err)
	}
	if q.held(m.GetName()) || woken != 1 {
		t.Errorf("busy for ever: %t, woken %d times", q.held(m.GetName()), woken)
	}
}

func TestManyAtOnce(t *testing.T) {
	var names []string
	for n := range 40 {
		names = append(names, fmt.Sprint(n))
	}
	d := newDesk(names...)
	full := make(chan struct{})
	var all sync.WaitGroup
	all.Add(atOnce)
	go func() { all.Wait(); close(full) }()
	var once sync.Map
	d.answer = func(i *corev1.Intent) error {
		if _, seen := once.LoadOrStore(i.GetName(), true); !seen && len(d.seen()) <= atOnce {
			all.Done()
			<-full
		}
		return nil
	}
	d.turn(t, d.driver(t, store(t), nil))
	if len(d.open) != 0 || d.most != atOnce {
		t.Errorf("%d left, %d at once", len(d.open), d.most)
	}
}

func (d *desk) seen() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.attempts)
}

// Between rounds a driver rests until it is woken, and closes whatever it does.
func TestWake(t *testing.T) {
	d := newDesk()
	done := make(chan string)
	d.answer = func(i *corev1.Intent) error { done <- i.GetName(); return nil }
	driver := d.driver(t, store(t), nil)
	driver.Start()
	d.mu.Lock()
	d.open = newDesk("a").open
	d.mu.Unlock()
	d.wake()
	if got := <-done; got != "a" {
		t.Errorf("performed %s", got)
	}
	for range 2 {
		if err := driver.Close(); err != nil {
			t.Error(err)
		}
	}
}

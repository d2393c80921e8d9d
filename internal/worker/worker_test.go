package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
	"fashen/internal/worker"
)

// lease is an engine of which a worker needs the lease alone.
type lease struct {
	docstore.Engine

	asked  []string
	holder string
	until  time.Time
}

func (l *lease) Lease(_ context.Context, name, holder string, now, until time.Time) (bool, error) {
	l.asked = append(l.asked, fmt.Sprint(name, " ", holder, " ", until.Sub(now)))
	if l.holder != "" && l.holder != holder && l.until.After(now) {
		return false, nil
	}
	l.holder, l.until = holder, until
	return true, nil
}

// errPanic makes a turn panic.
var errPanic = errors.New("panic")

// A worker works when woken, when a turn failed again after a while, not without
// the lease, once more when it is closed, and gives the lease back.
func TestWorker(t *testing.T) {
	clock, timer, engine := docstoretest.NewClock(), make(chan time.Time), &lease{}
	turns, waits := make(chan error), make(chan time.Duration, 100)
	last := 0
	w := worker.New(worker.Options{
		Engine: engine, Name: "work", Holder: "one", Clock: clock.Now, Logger: slog.New(slog.DiscardHandler),
		After: func(d time.Duration) <-chan time.Time { waits <- d; return timer },
		Turn: func(context.Context) error {
			err := <-turns
			if errors.Is(err, errPanic) {
				panic("示例故障")
			}
			return err
		},
		Last: func(context.Context) error { last++; return nil },
	})
	w.Start()
	timer <- time.Time{} // gathers
	turns <- errors.New("示例故障")
	timer <- time.Time{} // waits after the failure
	timer <- time.Time{}
	turns <- errPanic // waits like after any failure
	timer <- time.Time{}
	timer <- time.Time{}
	turns <- worker.ErrLost // found out between two steps
	timer <- time.Time{}
	timer <- time.Time{}
	turns <- nil
	w.Wake()
	timer <- time.Time{}
	turns <- nil
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil || last != 1 {
		t.Errorf("closed twice: %v, %d last turns", err, last)
	}
	close(waits)
	var waited []time.Duration
	for d := range waits {
		waited = append(waited, d)
	}
	gather := 10 * time.Millisecond
	if want := []time.Duration{gather, 5 * time.Second, gather, 5 * time.Second, gather, 2 * time.Second, gather, gather}; !slices.Equal(waited, want) {
		t.Errorf("waited %v, want %v", waited, want)
	}
	if want := []string{"work one 6s", "work one 0s"}; !slices.Equal(engine.asked, want) {
		t.Errorf("asked for %q, want %q", engine.asked, want)
	}
}

// A turn that takes long keeps its lease, or learns that it is another's.
func TestKeep(t *testing.T) {
	clock, engine := docstoretest.NewClock(), &lease{}
	w := worker.New(worker.Options{Engine: engine, Name: "work", Holder: "one", Clock: clock.Now})
	keep := func(what string, want error) {
		t.Helper()
		if err := w.Keep(t.Context()); !errors.Is(err, want) || err == nil != (want == nil) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	keep("taken", nil)
	keep("held", nil)
	if len(engine.asked) != 1 {
		t.Errorf("asked %q", engine.asked)
	}
	clock.Advance(4 * time.Second)
	keep("renewed", nil)
	if len(engine.asked) != 2 {
		t.Errorf("asked %q", engine.asked)
	}
	clock.Advance(time.Minute)
	engine.holder, engine.until = "another", clock.Now().Add(time.Hour)
	keep("lost", worker.ErrLost)
}

package auth

import (
	"testing"
	"time"
)

func TestSweeperSweepsOnceAfterTheLastCall(t *testing.T) {
	swept := make(chan struct{}, 10)
	s := &sweeper{rest: time.Millisecond, sweep: func() { swept <- struct{}{} }}
	for range 3 {
		s.later()
	}
	select {
	case <-swept:
	case <-time.After(time.Minute):
		t.Fatal("not swept")
	}
	s.later()
	select {
	case <-swept:
	case <-time.After(time.Minute):
		t.Fatal("not swept again")
	}
}

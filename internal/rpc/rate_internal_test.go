package rpc

import (
	"fmt"
	"testing"
	"time"
)

// The memory of a limiter is bounded: sides whose bucket is full again go first.
func TestLimiterIsBounded(t *testing.T) {
	now := time.Date(2026, 5, 12, 1, 0, 0, 0, time.UTC)
	l := newLimiter(1, func() time.Time { return now })
	for i := range 3 * trackedSides {
		if err := l.take(fmt.Sprint("side ", i)); err != nil {
			t.Fatal(err)
		}
		if len(l.sides) > trackedSides {
			t.Fatalf("%d sides are kept", len(l.sides))
		}
	}
	now = now.Add(time.Hour)
	if err := l.take("one more"); err != nil || len(l.sides) != 1 {
		t.Errorf("%d sides are kept, %v; want the newest alone", len(l.sides), err)
	}
	if newLimiter(0, nil).take("anyone") != nil {
		t.Error("no rate is a bound")
	}
}

package webhook

import (
	"testing"
	"time"
)

func TestWait(t *testing.T) {
	for failed, want := range map[int]time.Duration{
		1: 10 * time.Second, 2: 30 * time.Second, 3: 90 * time.Second, 7: 7290 * time.Second,
		8: longestWait, 9: longestWait, 1000: longestWait,
	} {
		if got := Wait(failed, 0.5); got != want {
			t.Errorf("after %d failures %v, want %v", failed, got, want)
		}
		least, most := Wait(failed, 0), Wait(failed, 0.999999)
		if least != want*9/10 || most <= want || most > want*11/10 {
			t.Errorf("after %d failures between %v and %v, want a tenth around %v", failed, least, most, want)
		}
	}
}

// An event is tried over three days, often at first, and not too often in all.
func TestAttemptsInALife(t *testing.T) {
	attempts, at := 1, time.Duration(0)
	for failed := 1; at < Life; failed++ {
		at += Wait(failed, 0.5)
		attempts++
	}
	if attempts < 15 || attempts > 25 {
		t.Errorf("%d attempts in %v", attempts, Life)
	}
}

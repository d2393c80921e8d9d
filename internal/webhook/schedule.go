package webhook

import "time"

const (
	// Life is how long an event is tried: a weekend and more.
	Life = 72 * time.Hour
	// firstWait and longestWait bound the time between two attempts.
	firstWait   = 10 * time.Second
	longestWait = 6 * time.Hour
)

// Wait is the time after a number of failed attempts until the next one: 10 s, three
// times as long each time, 6 h at most, and a tenth less or more by chance, a number
// in [0, 1), so that what failed together does not come back together.
func Wait(failed int, chance float64) time.Duration {
	wait := firstWait
	for i := 1; i < failed && wait < longestWait; i++ {
		wait *= 3
	}
	wait = min(wait, longestWait)
	return wait + time.Duration((chance-0.5)*0.2*float64(wait))
}

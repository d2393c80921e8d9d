package feed_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
)

const writers = 16

// write makes papers by 16 writers for a while, and tells how many in a second.
func (h *harness) write(b *testing.B, next *atomic.Int64, d time.Duration) float64 {
	b.Helper()
	var all sync.WaitGroup
	from, start := next.Load(), time.Now()
	for w := range writers {
		all.Go(func() {
			for time.Since(start) < d {
				if err := h.create(int(next.Add(1)), w); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return float64(next.Load()-from) / time.Since(start).Seconds()
}

// BenchmarkWatchers compares writes of 16 writers alone with those while 200
// people of as many bureaus follow the region, in turns of one run.
func BenchmarkWatchers(b *testing.B) {
	const watchers, turn = 200, 500 * time.Millisecond
	var alone, watched []float64
	var next atomic.Int64
	h := newHarness(b)
	for b.Loop() {
		alone = append(alone, h.write(b, &next, turn))
		stop := h.crowd(b, watchers)
		watched = append(watched, h.write(b, &next, turn))
		stop()
	}
	slices.Sort(alone)
	slices.Sort(watched)
	b.ReportMetric(alone[len(alone)/2], "writes/s-alone")
	b.ReportMetric(watched[len(watched)/2], "writes/s-watched")
	b.ReportMetric(100*(1-watched[len(watched)/2]/alone[len(alone)/2]), "%slower")
}

// crowd lets people follow until stop.
func (h *harness) crowd(b *testing.B, n int) (stop func()) {
	b.Helper()
	var all sync.WaitGroup
	var cancels []func()
	for i := range n {
		s, cancel := h.open(i, &corev1.WatchRequest{})
		cancels = append(cancels, cancel)
		all.Go(func() {
			for {
				if _, err := s.Recv(); err != nil {
					return
				}
			}
		})
	}
	return func() {
		for _, cancel := range cancels {
			cancel()
		}
		all.Wait()
	}
}

// BenchmarkLag tells how long after its acknowledgement a write of one of 16
// writers is told.
func BenchmarkLag(b *testing.B) {
	h := newHarness(b)
	s := h.watch(1, &corev1.WatchRequest{})
	var next atomic.Int64
	done := map[string]time.Time{}
	var mu sync.Mutex
	var lags []time.Duration
	for b.Loop() {
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				n := int(next.Add(1))
				if err := h.create(n, 1); err != nil {
					b.Error(err)
				}
				mu.Lock()
				done[paper(n)] = time.Now()
				mu.Unlock()
			})
		}
		for range writers {
			e := h.event(s)
			now := time.Now()
			mu.Lock()
			at, acknowledged := done[e.GetSubject()]
			delete(done, e.GetSubject())
			mu.Unlock()
			if !acknowledged { // told before its writer came to look at the clock
				at = now
			}
			lags = append(lags, now.Sub(at))
		}
		all.Wait()
	}
	slices.Sort(lags)
	b.ReportMetric(float64(lags[len(lags)/2].Microseconds())/1000, "ms-median")
	b.ReportMetric(float64(lags[len(lags)*99/100].Microseconds())/1000, "ms-99%")
}

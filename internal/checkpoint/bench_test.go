package checkpoint_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
)

// appended puts entries of the size of real ones into the log of a store.
func appended(b *testing.B, e docstore.Engine, from, n int) {
	b.Helper()
	now := timestamppb.New(time.Date(2026, 5, 12, 1, 2, 3, 0, time.UTC))
	for n > 0 {
		batch := make([]*corev1.JournalEntry, min(n, 1000))
		for i := range batch {
			entry := &corev1.JournalEntry{
				Resource: fmt.Sprintf("%s/papers/%026d", region, from), Sequence: 1, Time: now, Actor: region + "/people/01m8hr78wsn4k4sjp2cybxpvef",
				Method: "/fashen.filing.v1.FilingService/CreateDocument", TraceId: fmt.Sprintf("%032d", from), Outcome: corev1.Outcome_OUTCOME_DONE,
				ContentDigest: make([]byte, 32), Details: []*corev1.Detail{{Name: "drafting_unit", Value: region + "/bureaus/01m8hr78wndvvbbj3cqjxgq817"}},
			}
			hash, err := docstore.EntryHash(entry)
			if err != nil {
				b.Fatal(err)
			}
			entry.Hash = hash
			batch[i], from = entry, from+1
		}
		if err := e.Log().Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		n -= len(batch)
	}
}

// BenchmarkAdvance signs a feed that grew by a number of entries since, tiles written
// and the checkpoint kept and synced included.
func BenchmarkAdvance(b *testing.B) {
	for _, step := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(step), func(b *testing.B) {
			e := openSQLite(b)
			s, size := newSigner(b, e, newKey(b)), 0
			var spent time.Duration
			for b.Loop() {
				appended(b, e, size, step)
				size += step
				start := time.Now()
				if c := sign(b, s); c.Size != int64(size) {
					b.Fatal(c.Size)
				}
				spent += time.Since(start)
			}
			b.ReportMetric(float64(spent.Microseconds())/float64(size), "µs/entry")
			b.ReportMetric(float64(spent.Microseconds())/float64(b.N), "µs/checkpoint")
		})
	}
}

// BenchmarkProof proves one of many entries, and that one tree continues another.
func BenchmarkProof(b *testing.B) {
	for _, size := range []int{1000, 100_000} {
		e := openSQLite(b)
		appended(b, e, 0, size)
		s := newSigner(b, e, newKey(b))
		sign(b, s)
		b.Run(fmt.Sprint("inclusion/", size), func(b *testing.B) {
			for n := int64(0); b.Loop(); n++ {
				if _, _, err := s.Inclusion(b.Context(), region, n*7919%int64(size)+1, int64(size)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprint("consistency/", size), func(b *testing.B) {
			for n := int64(0); b.Loop(); n++ {
				if _, err := s.Consistency(b.Context(), region, n*7919%int64(size)+1, int64(size)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

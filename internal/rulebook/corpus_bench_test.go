//go:build unix

package rulebook

import (
	"syscall"
	"testing"
	"time"
)

// BenchmarkCorpus screens ten megabytes on one core with all packs in force and, in the
// same run, scans them for the literals of all rules alone (Aho–Corasick). Speeds are
// those of processor time, collecting garbage included, so that a busy machine shows
// what an idle one would.
func BenchmarkCorpus(b *testing.B) {
	set, docs := builtinSet(b), corpus(b)
	bytes, hits := 0, 0
	for _, d := range docs {
		bytes += len(d.Text)
		hits += len(set.Screen(d).Findings)
	}
	var screening, scanning time.Duration
	var text spelling
	var ended []int32
	for b.Loop() {
		start := processorTime(b)
		for _, d := range docs {
			set.Screen(d)
		}
		between := processorTime(b)
		for _, d := range docs {
			set.lib.spell(d.Text, &text)
			ended = set.lib.scanner.scan(text.classes, ended[:0])
		}
		screening, scanning = screening+between-start, scanning+processorTime(b)-between
	}
	mega := float64(bytes) * float64(b.N) / 1e6
	b.ReportMetric(float64(hits)*1000/float64(bytes), "hits/kB")
	b.ReportMetric(mega/screening.Seconds(), "screened-MB/s")
	b.ReportMetric(mega/scanning.Seconds(), "scanned-MB/s")
	b.ReportMetric(screening.Seconds()/scanning.Seconds(), "screened/scanned")
	b.ReportMetric(float64(set.lib.used.Load())/1e6, "automata-MB")
}

// processorTime is what this process has taken so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

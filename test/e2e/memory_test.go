package e2e

import (
	"runtime"
	"testing"
)

// The testing package remembers what a parallel test gave it to clean up until the
// last test is over, and with it every world: what each leaves has to be little, or
// the whole run needs gigabytes.
func TestAnEndedWorldIsSmall(t *testing.T) {
	var ended []*world
	one := func() {
		t.Run("world", func(t *testing.T) { ended = append(ended, alone(t, oneEngine(t), "rest", "2026-05-12")) })
	}
	one() // what is kept once for all worlds
	before := heap()
	const n = 4
	for range n {
		one()
	}
	if each := (heap() - before) / n; each > 2<<20 { // a rule library of its own takes twenty times that
		t.Errorf("an ended world keeps %d KiB", each>>10)
	}
	runtime.KeepAlive(ended)
}

// heap is how many bytes are in use once what nobody holds is gone.
func heap() int64 {
	var m runtime.MemStats
	for range 2 { // pools are emptied in two turns
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

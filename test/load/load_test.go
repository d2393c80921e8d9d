package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
)

// opened are the calls on stores of a size, filled once for all benchmarks.
var opened = struct {
	sync.Mutex
	dir   string
	calls map[int]*calls
}{calls: map[int]*calls{}}

func TestMain(m *testing.M) {
	m.Run()
	for _, c := range opened.calls {
		if err := c.close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	if err := os.RemoveAll(opened.dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// on opens the calls on a store with n documents.
func on(b *testing.B, n int) *calls {
	b.Helper()
	opened.Lock()
	defer opened.Unlock()
	if c := opened.calls[n]; c != nil {
		return c
	}
	var err error
	if opened.dir == "" {
		//nolint:usetesting // the stores outlive the benchmark that needs them first
		if opened.dir, err = os.MkdirTemp("", "fashen-load-"); err != nil {
			b.Fatal(err)
		}
	}
	c, err := newCalls(context.Background(), stores{dir: opened.dir, log: io.Discard}, n)
	if err != nil {
		b.Fatal(err)
	}
	opened.calls[n] = c
	return c
}

// bench measures an arm.
func bench(b *testing.B, name string, a arm) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if err := a.call(b.Context(), i); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRead is GetDocument through every layer, and its parts.
func BenchmarkRead(b *testing.B) {
	c := on(b, small)
	bench(b, "service", c.get())
	bench(b, "echo", c.getEcho())
	bench(b, "engine", c.getEngine())
}

// BenchmarkCreate is CreateDocument through every layer, and its parts.
func BenchmarkCreate(b *testing.B) {
	c := on(b, small)
	bench(b, "service", c.create())
	bench(b, "echo", c.createEcho())
	bench(b, "insert", c.insert())
	bench(b, "echo-insert", c.insertEcho())
	bench(b, "plain", c.insertPlain())
	bench(b, "bureau", c.bureau())
	bench(b, "collection", c.prepared())
}

// BenchmarkList is a page of 20 by bureau and state, newest first. Filling the
// large store takes a minute or two; -short leaves it out.
func BenchmarkList(b *testing.B) {
	for _, n := range []int{small, 100 * small} {
		if n > small && testing.Short() {
			continue
		}
		c := on(b, n)
		bench(b, fmt.Sprintf("service/%d", n), c.list("service"))
		bench(b, fmt.Sprintf("engine/%d", n), c.listEngine("engine"))
	}
}

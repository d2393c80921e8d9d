// Command load measures fashen as a whole: how soon it is ready and how much
// memory it keeps, what a read, a create and a list cost through every layer,
// and what of that is the network's and the engine's. README.md says what each
// figure means. Run it from the root of the module:
//
//	go run ./test/load
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
)

// settings of a run.
type settings struct {
	dir    string
	rounds int
	calls  int
	large  int
}

func main() {
	var s settings
	flag.StringVar(&s.dir, "dir", "", "folder that keeps the filled stores for the next run; a temporary one when empty")
	flag.IntVar(&s.rounds, "rounds", 10, "interleaved rounds")
	flag.IntVar(&s.calls, "calls", 200, "calls of each kind in a round")
	flag.IntVar(&s.large, "large", 100_000, "documents of the large store")
	flag.Parse()
	if err := run(s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1) //nolint:forbidigo // a command too, though it is not shipped
	}
}

// Documents of the stores that are not the large one.
const (
	small  = 1_000
	middle = 10_000
)

func run(s settings, out io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "fashen-load-"); err != nil {
			return err
		}
		defer func() { err = firstOf(err, os.RemoveAll(s.dir)) }()
	}
	all := stores{dir: s.dir, log: out}
	defer func() { err = firstOf(err, all.sweep()) }()
	parts := []func(context.Context, settings, stores, io.Writer) error{measureProcess, measureCalls, measureClients, measureLists}
	for _, measure := range parts {
		if err := measure(ctx, s, all, out); err != nil {
			return err
		}
	}
	return nil
}

// measureProcess starts the built command again and again on one store.
func measureProcess(ctx context.Context, s settings, all stores, out io.Writer) error {
	binary := filepath.Join(s.dir, "fashen")
	if err := build(ctx, binary); err != nil {
		return err
	}
	data, err := all.copy(ctx, middle)
	if err != nil {
		return err
	}
	var ready, idle []float64
	for range s.rounds {
		r, err := startOnce(ctx, binary, data)
		if err != nil {
			return err
		}
		ready = append(ready, r.ready.Seconds()*1e3)
		if r.residentKiB > 0 {
			idle = append(idle, float64(r.residentKiB)/1024)
		}
	}
	heading(out, fmt.Sprintf("serve on a store of %d documents", middle))
	line(out, "ready", summarize(ready), "ms", 500)
	if len(idle) == 0 {
		_, _ = fmt.Fprintln(out, "idle memory: not measured, /proc is not there")
		return nil
	}
	line(out, "idle memory (RSS)", summarize(idle), "MiB", 80)
	return nil
}

// measureCalls compares a read and a create with their parts.
func measureCalls(ctx context.Context, s settings, all stores, out io.Writer) (err error) {
	b, err := newCalls(ctx, all, middle)
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, b.close()) }()
	reads, err := interleave(ctx, s.rounds, s.calls*5, []arm{b.get(), b.getEcho(), b.getEngine()})
	if err != nil {
		return err
	}
	heading(out, fmt.Sprintf("unary read, %d documents, request %d bytes, reply %d bytes", middle, b.sizes[readEcho].request, b.sizes[readEcho].reply))
	reads.print(out)
	line(out, "GetDocument / (echo + engine)", reads.ratio(0, 1, 2), "x", 2)

	creates, err := interleave(ctx, s.rounds, s.calls, []arm{
		b.create(), b.createEcho(), b.insert(), b.insertEcho(), b.insertPlain(), b.bureau(), b.prepared(),
	})
	if err != nil {
		return err
	}
	heading(out, fmt.Sprintf("durable create, %d documents, request %d bytes, reply %d bytes", middle, b.sizes[createEcho].request, b.sizes[createEcho].reply))
	creates.print(out)
	line(out, "CreateDocument / (echo + insert)", creates.ratio(0, 1, 2), "x", 1.5)
	line(out, "the same / call that inserts", creates.ratio(0, 3), "x", 0)
	return nil
}

// crowd is how many clients there are.
const crowd = 16

// measureClients compares durable creates of many REST clients with those of one,
// and both with inserts of the bare engine.
func measureClients(ctx context.Context, s settings, all stores, out io.Writer) (err error) {
	b, err := newCalls(ctx, all, middle)
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, b.close()) }()
	creates, err := interleave(ctx, s.rounds, s.calls, []arm{
		b.post(), b.post().by(crowd), b.insert(), b.insert().by(crowd),
	})
	if err != nil {
		return err
	}
	heading(out, fmt.Sprintf("durable create over REST, %d documents, time of the round over the number of calls", middle))
	creates.print(out)
	line(out, fmt.Sprintf("REST: one client / %d", crowd), creates.ratio(0, 1), "x", 0)
	line(out, fmt.Sprintf("engine: one writer / %d", crowd), creates.ratio(2, 3), "x", 0)
	line(out, fmt.Sprintf("%d REST clients / %d writers", crowd, crowd), creates.ratio(1, 3), "x", 0)
	return nil
}

// measureLists compares a page of a large store with one of a small store.
func measureLists(ctx context.Context, s settings, all stores, out io.Writer) (err error) {
	few, err := newCalls(ctx, all, small)
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, few.close()) }()
	many, err := newCalls(ctx, all, s.large)
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, many.close()) }()
	lists, err := interleave(ctx, s.rounds, s.calls, []arm{
		many.list(fmt.Sprintf("service, %d", s.large)), few.list(fmt.Sprintf("service, %d", small)),
		many.listEngine(fmt.Sprintf("engine, %d", s.large)), few.listEngine(fmt.Sprintf("engine, %d", small)),
	})
	if err != nil {
		return err
	}
	heading(out, "list of 20 by bureau and state, newest first")
	lists.print(out)
	line(out, fmt.Sprintf("service: %d / %d documents", s.large, small), lists.ratio(0, 1), "x", 1.5)
	line(out, fmt.Sprintf("engine: %d / %d documents", s.large, small), lists.ratio(2, 3), "x", 1.5)
	return nil
}

func firstOf(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

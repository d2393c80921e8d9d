package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// An arm is one of the things that are compared.
type arm struct {
	name string
	// call does it once; i counts the calls of the arm from 0.
	call func(ctx context.Context, i int) error
	// clients call it at the same time; one when 0.
	clients int
}

// run does it so many times, beginning with the given count.
func (a arm) run(ctx context.Context, from, calls int) error {
	var next atomic.Int64
	next.Store(int64(from))
	errs := make([]error, max(a.clients, 1))
	var all sync.WaitGroup
	for client := range errs {
		all.Go(func() {
			for errs[client] == nil {
				i := int(next.Add(1)) - 1
				if i >= from+calls {
					return
				}
				errs[client] = a.call(ctx, i)
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", a.name, err)
	}
	return nil
}

// by is the same thing done by so many clients.
func (a arm) by(clients int) arm {
	a.name, a.clients = fmt.Sprintf("%s, %d at once", a.name, clients), clients
	return a
}

// results hold the time of a call, in microseconds, by arm and round; where several
// clients call at once, the time of the round over the number of calls.
type results struct {
	arms  []arm
	times [][]float64
}

// interleave measures the arms in rounds, A B C A B C, so that whatever else
// the machine does falls on all of them. A round of warming up is not counted.
func interleave(ctx context.Context, rounds, calls int, arms []arm) (*results, error) {
	r := &results{arms: arms, times: make([][]float64, len(arms))}
	for round := range rounds + 1 {
		for a, arm := range arms {
			start := time.Now()
			if err := arm.run(ctx, round*calls, calls); err != nil {
				return nil, err
			}
			if round > 0 {
				r.times[a] = append(r.times[a], time.Since(start).Seconds()*1e6/float64(calls))
			}
		}
	}
	return r, nil
}

// ratio is the time of one arm over the sum of others, round by round.
func (r *results) ratio(one int, others ...int) summary {
	var ratios []float64
	for round, t := range r.times[one] {
		sum := 0.0
		for _, o := range others {
			sum += r.times[o][round]
		}
		ratios = append(ratios, t/sum)
	}
	return summarize(ratios)
}

// print shows the time of each arm.
func (r *results) print(out io.Writer) {
	for i, a := range r.arms {
		line(out, a.name, summarize(r.times[i]), "µs", 0)
	}
}

// summary is what is told about the rounds of a figure.
type summary struct{ median, least, most float64 }

func summarize(values []float64) summary {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return summary{median: (v[(n-1)/2] + v[n/2]) / 2, least: v[0], most: v[n-1]}
}

func heading(out io.Writer, text string) { _, _ = fmt.Fprintf(out, "\n## %s\n\n", text) }

// line prints a figure, and whether its median keeps to the limit, if any.
func line(out io.Writer, name string, s summary, unit string, limit float64) {
	_, _ = fmt.Fprintf(out, "%-34s %9.2f %-3s (%.2f to %.2f)", name, s.median, unit, s.least, s.most)
	switch {
	case limit == 0:
	case s.median <= limit:
		_, _ = fmt.Fprintf(out, "  at most %g: kept", limit)
	default:
		_, _ = fmt.Fprintf(out, "  at most %g: MISSED", limit)
	}
	_, _ = fmt.Fprintln(out)
}

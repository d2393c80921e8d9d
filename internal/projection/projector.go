package projection

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"fashen/internal/docstore"
	"fashen/internal/worker"
)

const (
	// pageSize is how many entries, and how many subjects of a rebuild, are worked
	// in at a time.
	pageSize = 200
	// workers is how many subjects are worked out at once.
	workers = 8
	// attempts bounds how often the rows of one subject are worked out again
	// because it changes meanwhile; the entries of those changes come later.
	attempts = 10
)

// Options of a projector.
type Options struct {
	// Service is the short name of the service.
	Service string
	// Engine is the store of the service, and of its rows.
	Engine docstore.Engine
	// Declaration is what the service says of its rows.
	Declaration Declaration
	// Clock tells the time.
	Clock docstore.Clock
	// TokenKey signs page tokens; processes that share lists share it.
	TokenKey []byte
	// Wrote is called after a rebuild was asked for, to wake the relay.
	Wrote func()
	// Holder and Poll are those of [worker.Options].
	Holder string
	Poll   time.Duration
	// Logger hears of failures.
	Logger *slog.Logger
}

// Projector keeps the rows of one service up to its feeds. It is a worker with a
// lease, woken whenever entries came into the log.
type Projector struct {
	*worker.Worker

	o    Options
	d    Declaration
	rows rows
	// walks are the rebuilds under way, by the name of their projection.
	walks map[string]*walk
}

// New opens the rows of a service.
func New(ctx context.Context, o Options) (*Projector, error) {
	p := &Projector{o: o, d: o.Declaration, walks: map[string]*walk{}}
	var err error
	if p.rows, err = openRows(ctx, o.Engine, docstore.Options{Clock: o.Clock, TokenKey: o.TokenKey, Wrote: o.Wrote}); err != nil {
		return nil, err
	}
	p.Worker = worker.New(worker.Options{
		Engine: o.Engine, Name: "projection", Holder: o.Holder, Poll: o.Poll, Turn: p.CatchUp, Logger: o.Logger,
	})
	return p, nil
}

// CatchUp works in all that the feeds hold and finishes every rebuild that was
// asked for, whoever holds the lease. Of a rebuild only a page is done between
// two looks at the feeds.
func (p *Projector) CatchUp(ctx context.Context) error {
	for {
		more, err := p.step(ctx)
		if err != nil || !more {
			return err
		}
		if err := p.Keep(ctx); err != nil {
			return err
		}
	}
}

func (p *Projector) step(ctx context.Context) (more bool, err error) {
	feeds, err := p.o.Engine.Log().Feeds(ctx)
	if err != nil {
		return false, err
	}
	for _, feed := range feeds {
		full, err := p.follow(ctx, feed)
		if err != nil {
			return false, fmt.Errorf("follow %s: %w", feed, err)
		}
		more = more || full
	}
	walking, err := p.rebuild(ctx)
	return more || walking, err
}

// follow works in one page of a feed, and tells whether there may be more.
func (p *Projector) follow(ctx context.Context, feed string) (more bool, err error) {
	at, err := p.position(ctx, feed)
	if err != nil {
		return false, err
	}
	entries, err := p.o.Engine.Log().Feed(ctx, feed, at, pageSize)
	if err != nil || len(entries) == 0 {
		return false, err
	}
	var subjects []string
	for _, e := range entries {
		if subject := p.d.SubjectOf(e.Entry.GetResource()); subject != "" {
			subjects = append(subjects, subject)
		}
	}
	if _, err := p.project(ctx, subjects); err != nil {
		return false, err
	}
	last := entries[len(entries)-1].Position
	return len(entries) == pageSize, p.o.Engine.SetProperty(ctx, p.property(feed), strconv.FormatInt(last, 10))
}

// property is where the watermark of a feed is kept. Other rules begin anew.
func (p *Projector) property(feed string) string {
	return fmt.Sprintf("projection/%d/%s", p.d.Version, feed)
}

// position is the watermark of a feed.
func (p *Projector) position(ctx context.Context, feed string) (int64, error) {
	value, err := p.o.Engine.Property(ctx, p.property(feed))
	if err != nil || value == "" {
		return 0, err
	}
	return strconv.ParseInt(value, 10, 64)
}

// project works out the rows of subjects, each once, and counts what had to
// change.
func (p *Projector) project(ctx context.Context, subjects []string) (changed int64, err error) {
	counts := make(map[string]*int64, len(subjects))
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(workers)
	for _, subject := range subjects {
		if counts[subject] != nil {
			continue
		}
		n := new(int64)
		counts[subject] = n
		all.Go(func() (err error) {
			return worker.Safely(func() error {
				*n, err = p.projectOne(ctx, subject)
				return err
			})
		})
	}
	err = all.Wait()
	for _, n := range counts {
		changed += *n
	}
	return changed, err
}

// projectOne goes on until there is nothing to change, so that whoever wrote
// last, even after its lease had ended, saw its own rows be those of the document.
func (p *Projector) projectOne(ctx context.Context, subject string) (changed int64, err error) {
	for range attempts {
		want, err := p.d.Rows(ctx, subject)
		if err != nil {
			return changed, fmt.Errorf("rows of %s: %w", subject, err)
		}
		n, err := p.rows.apply(ctx, subject, want)
		changed += int64(n)
		if err != nil || n == 0 {
			return changed, err
		}
	}
	return changed, nil
}

package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"fashen/internal/worker"
)

// Moved says that there are new entries. It does not block.
func (s *Signer) Moved() {
	select {
	case s.moved <- struct{}{}:
	default: // known already
	}
}

// Start signs by itself: what there is, and then, an interval after the first new
// entry each time, what has moved. A quiet service costs nothing.
func (s *Signer) Start() {
	if s.o.Interval <= 0 {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.Moved()
	s.done.Go(func() { s.run(ctx) })
}

// Close ends it.
func (s *Signer) Close() {
	if s.stop != nil {
		s.stop()
		s.done.Wait()
	}
}

func (s *Signer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.moved:
		}
		select {
		case <-ctx.Done():
			return
		case <-s.o.After(s.o.Interval):
		}
		select { // what came meanwhile is signed now
		case <-s.moved:
		default:
		}
		err := worker.Safely(func() error {
			_, err := s.All(ctx)
			return err
		})
		if err != nil && ctx.Err() == nil {
			s.o.Logger.ErrorContext(ctx, "checkpoint: feeds are not signed", "service", s.o.Service, "error", err)
			if !errors.Is(err, ErrCut) && !errors.Is(err, ErrRewritten) {
				s.Moved() // the store or the folder may be back by then
			}
		}
	}
}

// All signs every feed of the service, and logs those that moved since their last
// line, so that a log kept elsewhere holds them. The error joins those of the feeds
// that are left out.
func (s *Signer) All(ctx context.Context) ([]Checkpoint, error) {
	feeds, err := s.o.Engine.Log().Feeds(ctx)
	if err != nil {
		return nil, fmt.Errorf("feeds of %s: %w", s.o.Service, err)
	}
	var out []Checkpoint
	var errs []error
	for _, feed := range feeds {
		c, err := s.Sign(ctx, feed)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, c)
		s.log(ctx, c)
	}
	return out, errors.Join(errs...)
}

func (s *Signer) log(ctx context.Context, c Checkpoint) {
	s.mu.Lock()
	moved := s.logged[c.Feed] != c.Size
	s.logged[c.Feed] = c.Size
	s.mu.Unlock()
	if moved {
		s.o.Logger.LogAttrs(ctx, slog.LevelInfo, "checkpoint", slog.String("origin", c.Origin()), slog.Int64("size", c.Size), slog.String("note", c.Note))
	}
}

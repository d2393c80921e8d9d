package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/transparency-dev/merkle/proof"

	"fashen/internal/docstore"
)

// Errors of a feed that is no continuation of what was signed. None of it is
// signed.
var (
	// ErrCut: entries that were signed are not there.
	ErrCut = errors.New("checkpoint: the feed is shorter than what was signed")
	// ErrRewritten: entries that were signed are others now.
	ErrRewritten = errors.New("checkpoint: the feed is not what was signed")
)

// Options of a signer.
type Options struct {
	// Service is the short name of the service.
	Service string
	// Engine is its store.
	Engine docstore.Engine
	// Key signs.
	Key *Key
	// Folder is where the newest checkpoint of each feed is kept, outside the
	// database: one file a feed.
	Folder string
	// Interval is how long after an entry the feeds are signed by themselves; 0 for
	// never.
	Interval time.Duration
	// ReadOnly is for a store that another process may own: its trees are read, and
	// not written.
	ReadOnly bool
	// Logger gets a line for each checkpoint; slog.Default() when nil.
	Logger *slog.Logger
	// After is time.After; tests give their own.
	After func(time.Duration) <-chan time.Time
}

// Signer signs the feeds of one service. A feed that does not continue what was
// signed last is refused until the process starts again.
type Signer struct {
	o     Options
	moved chan struct{}
	stop  context.CancelFunc
	done  sync.WaitGroup

	mu    sync.Mutex
	feeds map[string]*feedState
	// logged is the size of each feed in the last line about it.
	logged map[string]int64
	// recent are trees that proofs are made from without reading entries.
	recent map[string]*tree
}

// maxRecent bounds the trees in memory, 40 KiB each at most.
const maxRecent = 64

// feedState belongs to whoever took its turn.
type feedState struct {
	turn chan struct{}
	// broken is why nothing is signed any more.
	broken error
}

// NewSigner makes a signer that signs when it is asked, and by itself from Start on.
func NewSigner(o Options) *Signer {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.After == nil {
		o.After = time.After
	}
	return &Signer{o: o, moved: make(chan struct{}, 1), feeds: map[string]*feedState{}, logged: map[string]int64{}, recent: map[string]*tree{}}
}

// Service is the short name of the service.
func (s *Signer) Service() string { return s.o.Service }

// Sign answers a checkpoint of a feed as it is now. Errors: ErrCut, ErrRewritten.
func (s *Signer) Sign(ctx context.Context, feed string) (c Checkpoint, err error) {
	if !feedForm.MatchString(feed) {
		return c, fmt.Errorf("checkpoint: %q is no feed", feed)
	}
	err = s.inTurn(ctx, feed, func(state *feedState) error {
		if state.broken != nil {
			return state.broken
		}
		c, err = s.sign(ctx, feed)
		if errors.Is(err, ErrRewritten) {
			state.broken = err // found out at the cost of reading the whole feed
		}
		return err
	})
	return c, err
}

// inTurn does the work on one feed one at a time, so that callers who ask together
// do not each read the same entries.
func (s *Signer) inTurn(ctx context.Context, feed string, do func(*feedState) error) error {
	s.mu.Lock()
	state := s.feeds[feed]
	if state == nil {
		state = &feedState{turn: make(chan struct{}, 1)}
		s.feeds[feed] = state
	}
	s.mu.Unlock()
	select {
	case state.turn <- struct{}{}:
		defer func() { <-state.turn }()
		return do(state)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Signer) sign(ctx context.Context, feed string) (Checkpoint, error) {
	last, err := s.last(feed)
	if err != nil {
		return last, err
	}
	head, err := s.o.Engine.Log().Head(ctx, feed)
	switch {
	case err != nil:
		return last, fmt.Errorf("head of %s: %w", feed, err)
	case head < last.Size:
		return last, fmt.Errorf("%w: %s has %d entries, %d were signed", ErrCut, last.Origin(), head, last.Size)
	case head == last.Size && last.Note != "":
		return last, nil
	}
	c := Checkpoint{Service: s.o.Service, Feed: feed, Size: head}
	t, err := s.continued(ctx, last, head)
	if err != nil {
		return c, err
	}
	if c.Root, err = t.root(ctx, head); err != nil {
		return c, err
	}
	if c, err = s.o.Key.sign(c); err != nil {
		return c, err
	}
	s.remember(t)
	return c, s.keep(c)
}

// continued is the tree of a feed, found to continue what was signed last. Where the
// kept tiles say otherwise it is made again from the entries, which decide.
func (s *Signer) continued(ctx context.Context, last Checkpoint, head int64) (*tree, error) {
	for fresh := false; ; fresh = true {
		t, err := s.tree(ctx, last.Feed, head, fresh)
		if err != nil {
			return nil, err
		}
		err = t.grow(ctx, head)
		if errors.Is(err, errGap) {
			err = fmt.Errorf("%w: %w", ErrCut, err)
		}
		if err != nil {
			return nil, err
		}
		root, err := t.root(ctx, last.Size)
		switch {
		case err != nil && !errors.Is(err, errTiles):
			return nil, err
		case err == nil && (last.Size == 0 || bytes.Equal(root, last.Root)):
			return t, nil
		case fresh:
			return nil, fmt.Errorf("%w: %s, in its first %d entries", ErrRewritten, last.Origin(), last.Size)
		}
	}
}

// Inclusion proves that the entry at a position is in the tree of a size; it answers
// its leaf hash too. Errors: ErrAhead.
func (s *Signer) Inclusion(ctx context.Context, feed string, position, size int64) (leaf []byte, hashes [][]byte, err error) {
	nodes, err := proof.Inclusion(uint64(position-1), uint64(size))
	if err != nil {
		return nil, nil, err
	}
	err = s.prove(ctx, feed, size, func(t *tree) error {
		if hashes, err = t.proof(ctx, nodes); err != nil {
			return err
		}
		of, err := t.tile(ctx, tileID{index: uint64(position-1) / width})
		if err == nil {
			leaf = of[(position-1)%width]
		}
		return err
	})
	return leaf, hashes, err
}

// Consistency proves that the tree of a size continues that of another. Errors:
// ErrAhead.
func (s *Signer) Consistency(ctx context.Context, feed string, from, to int64) (hashes [][]byte, err error) {
	nodes, err := proof.Consistency(uint64(from), uint64(to))
	if err != nil {
		return nil, err
	}
	err = s.prove(ctx, feed, to, func(t *tree) error {
		hashes, err = t.proof(ctx, nodes)
		return err
	})
	return hashes, err
}

// prove works on a tree of at least a size, made again where its tiles are damaged.
func (s *Signer) prove(ctx context.Context, feed string, size int64, do func(*tree) error) error {
	if t := s.recently(feed, size); t != nil {
		if err := do(t); !errors.Is(err, errTiles) {
			return err
		}
	}
	head, err := s.o.Engine.Log().Head(ctx, feed)
	if err != nil {
		return fmt.Errorf("head of %s: %w", feed, err)
	}
	if size > head {
		return ErrAhead
	}
	for fresh := false; ; fresh = true {
		var t *tree
		err := s.inTurn(ctx, feed, func(*feedState) (err error) {
			if t, err = s.tree(ctx, feed, head, fresh); err != nil {
				return err
			}
			return t.grow(ctx, size)
		})
		if err == nil {
			s.remember(t)
			err = do(t)
		}
		if fresh || !errors.Is(err, errTiles) {
			return err
		}
	}
}

// remember keeps a tree that is not grown any more.
func (s *Signer) remember(t *tree) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for feed := range s.recent {
		if len(s.recent) < maxRecent {
			break
		}
		delete(s.recent, feed)
	}
	s.recent[t.feed] = t.reader()
}

// recently is a tree of at least a size that was read before, if there is one.
func (s *Signer) recently(feed string, size int64) *tree {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.recent[feed]; t != nil && t.size >= uint64(size) {
		return t.reader()
	}
	return nil
}

// tree is what is kept of a feed's tree, or nothing where it is to be made afresh.
func (s *Signer) tree(ctx context.Context, feed string, head int64, fresh bool) (*tree, error) {
	keep := !s.o.ReadOnly
	if !fresh {
		if t, err := openTree(ctx, s.o.Engine, feed, keep); err != nil || t.size <= uint64(head) {
			return t, err
		}
	}
	return newTree(s.o.Engine, feed, keep), nil
}

// path is where the newest checkpoint of a feed is kept.
func (s *Signer) path(feed string) string {
	return filepath.Join(s.o.Folder, s.o.Service, strings.ReplaceAll(feed, "/", "-")+".txt")
}

// last is the checkpoint that was signed last; of size 0 without one. Its note is
// empty where another key signed it: that the feed continues holds all the same.
func (s *Signer) last(feed string) (Checkpoint, error) {
	none := Checkpoint{Service: s.o.Service, Feed: feed}
	content, err := os.ReadFile(s.path(feed))
	if errors.Is(err, os.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("checkpoint that was signed last: %w", err)
	}
	c, err := Open(string(content), s.o.Key)
	if errors.Is(err, ErrOtherKey) {
		text, _, _ := strings.Cut(string(content), "\n\n")
		c, err = read(text+"\n", "")
	}
	if err == nil && c.Origin() != none.Origin() {
		err = fmt.Errorf("%w: it is of %s", ErrChanged, c.Origin())
	}
	if err != nil {
		return none, fmt.Errorf("checkpoint that was signed last, %s: %w", s.path(feed), err)
	}
	return c, nil
}

// keep puts a checkpoint in the place of the one before, before anybody gets it.
func (s *Signer) keep(c Checkpoint) error {
	path := s.path(c.Feed)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep a checkpoint: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".checkpoint-*")
	if err != nil {
		return fmt.Errorf("keep a checkpoint: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(c.Note)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("keep a checkpoint: %w", err)
	}
	return nil
}

package checkpoint

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/transparency-dev/merkle/compact"
	"golang.org/x/mod/sumdb/note"

	"fashen/internal/docstore"
	"fashen/internal/journal"
)

// Kinds of problems, beside those of the journal.
const (
	// NoteChanged: a checkpoint is not what was signed.
	NoteChanged journal.Kind = "CHECKPOINT_CHANGED"
	// OtherKey: a checkpoint bears no signature of the key.
	OtherKey journal.Kind = "CHECKPOINT_OTHER_KEY"
	// TailCut: a feed ends before the last entry that was signed.
	TailCut journal.Kind = "TAIL_CUT"
	// PositionMissing: entries are missing from the middle of a feed.
	PositionMissing journal.Kind = "POSITION_MISSING"
	// FeedRewritten: entries of a feed are not those that were signed.
	FeedRewritten journal.Kind = "FEED_REWRITTEN"
)

const (
	// page is the number of entries read at a time.
	page = 200
	// maxGaps bounds the problems of one feed.
	maxGaps = 100
)

// Report is what a comparison with checkpoints saw and found.
type Report struct {
	// Checkpoints compared, the feeds they are of, and the entries they cover.
	Checkpoints, Feeds int
	Covered            int64
	Problems           []journal.Problem
}

// ReadFile reads a file of notes. A note that is not what the key signed is a
// problem and no checkpoint.
func ReadFile(file []byte, v note.Verifier) ([]Checkpoint, []journal.Problem) {
	var out []Checkpoint
	var problems []journal.Problem
	for i, signed := range Split(file) {
		c, err := Open(signed, v)
		if err == nil {
			out = append(out, c)
			continue
		}
		p := journal.Problem{Kind: NoteChanged, Resource: fmt.Sprintf("note %d", i+1), Text: err.Error()}
		if errors.Is(err, ErrOtherKey) {
			p.Kind = OtherKey
		}
		problems = append(problems, p)
	}
	return out, problems
}

// Check compares the feeds of a service with checkpoints of them: every entry up to
// the last one that was signed is there, at its place and as it was. It trusts
// nothing else in the store, and may run while the store is used.
func Check(ctx context.Context, log docstore.Log, service string, checkpoints []Checkpoint) (Report, error) {
	feeds := map[string][]Checkpoint{}
	for _, c := range checkpoints {
		if c.Service == service {
			feeds[c.Feed] = append(feeds[c.Feed], c)
		}
	}
	var r Report
	for feed, of := range feeds {
		slices.SortFunc(of, func(a, b Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
		c := &comparison{log: log, feed: feed, of: of, tree: ranges.NewEmptyRange(0)}
		if err := c.run(ctx); err != nil {
			return r, fmt.Errorf("compare %s with its checkpoints: %w", of[0].Origin(), err)
		}
		r.Checkpoints += len(of)
		r.Feeds++
		r.Covered += of[len(of)-1].Size
		r.Problems = append(r.Problems, c.problems...)
	}
	slices.SortFunc(r.Problems, func(a, b journal.Problem) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Sequence, b.Sequence))
	})
	return r, nil
}

// comparison goes through one feed.
type comparison struct {
	log  docstore.Log
	feed string
	// of are the checkpoints, the smallest first; those before next are compared.
	of   []Checkpoint
	next int
	// tree is that of the entries up to at, unless one before was missing.
	tree *compact.Range
	at   int64
	// same is the size of the last checkpoint that was right; rewritten says that one
	// was not.
	same      int64
	rewritten bool
	gaps      int
	problems  []journal.Problem
}

func (c *comparison) problem(k journal.Kind, position int64, format string, args ...any) {
	c.problems = append(c.problems, journal.Problem{Kind: k, Resource: c.of[0].Origin(), Sequence: position, Text: fmt.Sprintf(format, args...)})
}

func (c *comparison) run(ctx context.Context) error {
	end := c.of[len(c.of)-1].Size
	if err := c.reached(); err != nil {
		return err
	}
	for c.at < end && c.gaps < maxGaps {
		entries, err := c.read(ctx, int(min(page, end-c.at)))
		switch {
		case err != nil && c.unreadable(ctx, err):
			c.problem(FeedRewritten, c.at+1, "an entry from %d on cannot be read", c.at+1)
			return nil
		case err != nil:
			return err
		case len(entries) == 0:
			c.problem(TailCut, c.at+1, "the feed ends at %d, %d entries were signed", c.at, end)
			return nil
		}
		if next := entries[0].Position; next != c.at+1 {
			c.problem(PositionMissing, c.at+1, "positions %d to %d are not there", c.at+1, min(next-1, end))
			c.gaps++
			c.at = next - 1
		}
		for _, e := range entries {
			if e.Position != c.at+1 || e.Position > end {
				break // what follows a gap is read again
			}
			if err := c.add(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// read reads what follows. What seems to be missing is asked for again: a reader
// may pass a place just before it is filled.
func (c *comparison) read(ctx context.Context, limit int) (entries []docstore.Positioned, err error) {
	for range rereads {
		entries, err = c.log.Feed(ctx, c.feed, c.at, limit)
		if err == nil && len(entries) > 0 && entries[0].Position == c.at+1 {
			break
		}
	}
	return entries, err
}

// unreadable tells whether it is an entry that fails, and not the store.
func (c *comparison) unreadable(ctx context.Context, err error) bool {
	_, failed := c.log.Head(ctx, c.feed)
	return failed == nil && ctx.Err() == nil && errors.Is(err, docstore.ErrUnavailable)
}

// add takes the entry at the next position. Its hash is worked out, not believed.
func (c *comparison) add(e docstore.Positioned) error {
	c.at = e.Position
	if c.gaps > 0 {
		return nil // no root can be right any more
	}
	hash, err := docstore.EntryHash(e.Entry)
	if err == nil {
		err = c.tree.Append(hasher.HashLeaf(hash), nil)
	}
	if err != nil {
		return err
	}
	return c.reached()
}

// reached compares the root with the checkpoints of this size. The first that differs
// is told, with the last that did not: all that come after it differ too.
func (c *comparison) reached() error {
	for ; c.next < len(c.of) && c.of[c.next].Size == c.at && !c.rewritten; c.next++ {
		root := hasher.EmptyRoot()
		if c.at > 0 {
			var err error
			if root, err = c.tree.GetRootHash(nil); err != nil {
				return err
			}
		}
		if c.rewritten = !bytes.Equal(root, c.of[c.next].Root); c.rewritten {
			c.problem(FeedRewritten, c.same+1, "the first %d entries are not those that were signed, the first %d are", c.at, c.same)
			break
		}
		c.same = c.at
	}
	return nil
}

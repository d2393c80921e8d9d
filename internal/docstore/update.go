package docstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
)

// rule is what a caller of Update does with the loaded document.
type rule[M proto.Message] func(m M, meta Meta) (Change, error)

func (c *collection[M]) Update(ctx context.Context, name string, pre Precondition, do func(m M, meta Meta) (Change, error)) (M, Meta, error) {
	r, replayed, err := c.update(ctx, name, pre, do)
	if err != nil {
		var none M
		return none, Meta{}, err
	}
	m, meta := c.answer(r, replayed)
	return m, meta, nil
}

func (c *collection[M]) update(ctx context.Context, name string, pre Precondition, do rule[M]) (*Record, bool, error) {
	o, err := originOf(ctx)
	if err != nil {
		return nil, false, c.failed("update", name, err)
	}
	for range maxAttempts {
		if err := ctx.Err(); err != nil {
			return nil, false, c.failed("update", name, err)
		}
		r, replayed, err := c.attempt(ctx, o, name, pre, do)
		if !errors.Is(err, errLost) {
			return r, replayed, err
		}
	}
	return nil, false, c.failed("update", name, fmt.Errorf("%w: other writers came first %d times", ErrConflict, maxAttempts))
}

// errLost: another writer came between reading and writing.
var errLost = errors.New("docstore: lost the race")

// attempt loads the document, runs the rule, and writes what came of it.
func (c *collection[M]) attempt(ctx context.Context, o Origin, name string, pre Precondition, do rule[M]) (*Record, bool, error) {
	r, err := c.table.Get(ctx, name)
	if err != nil {
		return nil, false, c.failed("update", name, err)
	}
	earlier, err := c.earlier(ctx, o, name, r.Envelope)
	if err != nil {
		return nil, false, c.failed("update", name, err)
	}
	if done(earlier) {
		return r, true, nil
	}
	if pre.Etag != "" && pre.Etag != etagOf(name, r.Envelope) {
		return nil, false, c.failed("update", name, ErrConflict)
	}
	was, _ := c.schema.values(r)
	before, err := c.encode(r.Body)
	if err != nil {
		return nil, false, c.failed("update", name, err)
	}
	m, meta := c.answer(r, false)
	change, ruleErr := do(m, meta)
	if errors.Is(ruleErr, ErrUnchanged) {
		return r, false, nil
	}
	refusal := (*Refusal)(nil)
	if ruleErr != nil && !errors.As(ruleErr, &refusal) {
		return nil, false, ruleErr
	}
	if refusal != nil && refusedAlready(o, earlier, refusal) {
		return nil, false, ruleErr
	}
	if err := c.shortenTail(ctx, r.Envelope); err != nil {
		return nil, false, c.failed("update", name, err)
	}
	r.Was = was
	if refusal != nil {
		err = c.refuse(ctx, o, r, before, refusal)
	} else {
		err = c.change(ctx, o, r, before, change)
	}
	switch {
	case errors.Is(err, ErrConflict):
		return nil, false, errLost
	case err != nil:
		return nil, false, c.failed("update", name, err)
	}
	c.wrote()
	return r, false, ruleErr
}

// change writes the body the rule left behind, with the entry of the change.
func (c *collection[M]) change(ctx context.Context, o Origin, r *Record, before []byte, change Change) error {
	if got := c.nameOf(r.Body); got != r.Name {
		return fmt.Errorf("docstore: the rule renamed the document to %q", got)
	}
	after, err := c.encode(r.Body)
	if err != nil {
		return err
	}
	now, env := c.now(), r.Envelope
	changed := !bytes.Equal(before, after)
	if changed {
		env.Revision++
		env.UpdateTime = timestamppb.New(now)
	}
	env.Viewers = applyViewers(env.GetViewers(), change)
	if err := madeEntry(entryOf(o, r.Name, now), env, r.Body, change); err != nil {
		return err
	}
	r.Index, r.Unique = c.schema.values(r)
	return c.table.Replace(ctx, r, changed)
}

// refuse appends the entry of a refusal and leaves everything else as it was
// before the rule, which may have left marks on the loaded body.
func (c *collection[M]) refuse(ctx context.Context, o Origin, r *Record, before []byte, refusal *Refusal) error {
	proto.Reset(r.Body)
	if err := proto.Unmarshal(before, r.Body); err != nil {
		return fmt.Errorf("docstore: decode: %w", err)
	}
	digest, partial, err := Digest(r.Body)
	if err != nil {
		return err
	}
	e := entryOf(o, r.Name, c.now())
	e.Outcome = corev1.Outcome_OUTCOME_REFUSED
	e.Reasons = slices.Clone(refusal.Reasons)
	e.Details = refusal.Details
	e.Revision = r.Envelope.GetRevision()
	e.ContentDigest, e.DigestPartial = digest, partial
	if err := seal(r.Envelope, e); err != nil {
		return err
	}
	r.Index, r.Unique = c.schema.values(r)
	return c.table.Replace(ctx, r, false)
}

// shortenTail takes the entries out of a long tail that the log has already.
// Should the write that follows lose its race, nothing has happened. A tail that
// stays too long is ErrUnavailable: what relays the journal does not run.
func (c *collection[M]) shortenTail(ctx context.Context, env *storagev1.Envelope) error {
	if len(env.GetTail()) < longTail {
		return nil
	}
	last, err := c.log.Last(ctx, env.GetTail()[0].GetResource())
	if err != nil {
		return fmt.Errorf("look for entries in the log: %w", err)
	}
	env.Tail = slices.DeleteFunc(env.GetTail(), func(e *corev1.JournalEntry) bool { return e.GetSequence() <= last })
	size := 0
	for _, e := range env.GetTail() {
		size += proto.Size(e)
	}
	if len(env.GetTail()) >= maxTail || size >= maxTailBytes {
		return fmt.Errorf("%w: %d journal entries wait to be relayed", ErrUnavailable, len(env.GetTail()))
	}
	return nil
}

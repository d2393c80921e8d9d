package docstore

import (
	"context"
	"errors"
	"fmt"

	corev1 "fashen/gen/fashen/core/v1"
)

// entries answers up to limit entries of a record from a sequence on: first
// the drained ones, then those of the tail. The record was read before the
// log, so an entry drained in between is in the log.
func (c *collection[M]) entries(ctx context.Context, r *Record, from int64, limit int) ([]*corev1.JournalEntry, error) {
	out, err := c.log.History(ctx, r.Name, from, limit)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("read history of %s: %w", r.Name, err)
	}
	if len(out) > 0 {
		from = out[len(out)-1].GetSequence() + 1
	}
	for _, e := range r.Envelope.GetTail() {
		if len(out) < limit && e.GetSequence() >= from {
			out = append(out, e)
		}
	}
	return out, nil
}

func (c *collection[M]) History(ctx context.Context, name string, pageSize int, pageToken string) ([]*corev1.JournalEntry, string, error) {
	limit, err := pageLimit(pageSize, defaultHistoryPage)
	if err != nil {
		return nil, "", err
	}
	binding := []byte("history\x00" + c.schema.spec.Name + "\x00" + name)
	from := int64(1)
	if pageToken != "" {
		at, err := c.tokens.open(binding, pageToken)
		if err != nil {
			return nil, "", err
		}
		last, ok := at.Value.(int64)
		if !ok {
			return nil, "", ErrPageToken
		}
		from = last + 1
	}
	r, err := c.table.Get(ctx, name)
	if err != nil {
		return nil, "", c.failed("history of", name, err)
	}
	entries, err := c.entries(ctx, r, from, limit+1)
	if err != nil {
		return nil, "", err
	}
	if len(entries) <= limit {
		return entries, "", nil
	}
	entries = entries[:limit]
	next := c.tokens.seal(binding, Position{Value: entries[limit-1].GetSequence()})
	return entries, next, nil
}

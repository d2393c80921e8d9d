package docstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
)

// requestMemory is how long the request id of a change is remembered. The
// request id of a create is remembered as long as the document.
const requestMemory = 90 * 24 * time.Hour

// createKey makes a second create of the same request fail in the engine. No
// name begins with the sign, and an actor has exactly one slash, so two
// different requests, or a request and a name, never have the same key.
func createKey(o Origin, name string) string {
	if o.RequestID == "" {
		return name
	}
	return "@" + o.Actor + "/" + o.RequestID
}

// sameRequest tells whether an entry was made by the request of the origin.
func sameRequest(o Origin, e *corev1.JournalEntry) bool {
	return e.GetMethod() == o.Method && e.GetOnBehalfOf() == o.OnBehalfOf && bytes.Equal(e.GetRequestDigest(), o.RequestDigest)
}

// earlier looks for entries the origin's request id made before: those of the
// record's tail, and those in the log. The record is read before the log, and
// entries are put into the log before they leave a tail, so none is missed.
//
// It answers the entries on the resource, newest last. An id that made
// something for another request, on whatever resource, is ErrRequestReused. An
// entry of the same request on another resource is no obstacle: one request
// may write several documents.
func (c *collection[M]) earlier(ctx context.Context, o Origin, resource string, env *storagev1.Envelope) ([]*corev1.JournalEntry, error) {
	if o.RequestID == "" {
		return nil, nil
	}
	entries, err := c.log.ByRequest(ctx, o.Actor, o.RequestID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("look up request id: %w", err)
	}
	slices.Reverse(entries)
	for _, e := range env.GetTail() {
		if e.GetActor() == o.Actor && e.GetRequestId() == o.RequestID {
			entries = append(entries, e)
		}
	}
	oldest := c.now().Add(-requestMemory)
	var here []*corev1.JournalEntry
	for _, e := range entries {
		if e.GetTime().AsTime().Before(oldest) {
			continue
		}
		if e.GetOutcome() != corev1.Outcome_OUTCOME_REFUSED && !sameRequest(o, e) {
			return nil, ErrRequestReused
		}
		if e.GetResource() == resource {
			here = append(here, e)
		}
	}
	return here, nil
}

// done tells whether one of the entries records a write that was made.
func done(entries []*corev1.JournalEntry) bool {
	return slices.ContainsFunc(entries, func(e *corev1.JournalEntry) bool {
		return e.GetOutcome() != corev1.Outcome_OUTCOME_REFUSED
	})
}

// refusedAlready tells whether the same request was refused for the same
// reasons and facts before, so that it is counted once.
func refusedAlready(o Origin, entries []*corev1.JournalEntry, r *Refusal) bool {
	return slices.ContainsFunc(entries, func(e *corev1.JournalEntry) bool {
		return e.GetOutcome() == corev1.Outcome_OUTCOME_REFUSED && sameRequest(o, e) &&
			slices.Equal(e.GetReasons(), r.Reasons) &&
			slices.EqualFunc(e.GetDetails(), r.Details, func(a, b *corev1.Detail) bool { return proto.Equal(a, b) })
	})
}

// replayCreate answers a create whose key is taken, from the document the
// first one made. found is false when no document has the key.
func (c *collection[M]) replayCreate(ctx context.Context, o Origin) (r *Record, found bool, err error) {
	if o.RequestID == "" {
		return nil, false, nil
	}
	r, err = c.table.GetByCreateKey(ctx, createKey(o, ""))
	if errors.Is(err, ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("look up request id: %w", err)
	}
	first, err := c.entries(ctx, r, 1, 1)
	if err != nil {
		return nil, false, err
	}
	if len(first) == 0 || !sameRequest(o, first[0]) {
		return nil, false, ErrRequestReused
	}
	return r, true, nil
}

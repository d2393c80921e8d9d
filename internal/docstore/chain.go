package docstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
)

const (
	// maxEntryBytes bounds one journal entry: it holds facts, never text.
	maxEntryBytes = 32 << 10
	// longTail is how many entries wait in an envelope before its writer looks
	// whether the log has some of them: a document that is written to without
	// pause is one the relay never finds unchanged.
	longTail = 64
	// maxTail and maxTailBytes bound what waits. A document that is written to
	// while nothing relays its entries takes no more writes beyond.
	maxTail      = 512
	maxTailBytes = 4 << 20
)

// errNoOrigin is a mistake of the program: nobody would have made the write.
var errNoOrigin = errors.New("docstore: the context of a write holds no origin")

func originOf(ctx context.Context) (Origin, error) {
	o, ok := OriginFrom(ctx)
	if !ok || o.Actor == "" {
		return o, errNoOrigin
	}
	return o, nil
}

// entryOf starts a journal entry with what the origin knows.
func entryOf(o Origin, resource string, now time.Time) *corev1.JournalEntry {
	return &corev1.JournalEntry{
		Resource:      resource,
		Time:          timestamppb.New(now),
		Actor:         o.Actor,
		OnBehalfOf:    o.OnBehalfOf,
		ViaService:    o.ViaService,
		Method:        o.Method,
		RequestId:     o.RequestID,
		RequestDigest: o.RequestDigest,
		TraceId:       o.TraceID,
	}
}

// seal numbers an entry, links it to the head of the envelope, hashes it and
// appends it to the tail.
func seal(env *storagev1.Envelope, e *corev1.JournalEntry) error {
	e.Sequence = env.GetHeadSequence() + 1
	e.PreviousHash = env.GetHeadHash()
	hash, err := EntryHash(e)
	if err != nil {
		return err
	}
	if size := proto.Size(e); size > maxEntryBytes {
		return fmt.Errorf("%w: journal entry of %d bytes", ErrTooLarge, size)
	}
	e.Hash = hash
	env.Tail = append(env.Tail, e)
	env.HeadSequence = e.GetSequence()
	env.HeadHash = hash
	return nil
}

// EntryHash is the SHA-256 over the canonical encoding of an entry without its
// hash.
func EntryHash(e *corev1.JournalEntry) ([]byte, error) {
	bare := proto.CloneOf(e)
	bare.Hash = nil
	b, err := deterministic.Marshal(bare)
	if err != nil {
		return nil, fmt.Errorf("docstore: encode journal entry: %w", err)
	}
	sum := sha256.Sum256(b)
	return sum[:], nil
}

// applyViewers revokes, then grants; the result is sorted and distinct.
func applyViewers(viewers []string, c Change) []string {
	out := make([]string, 0, len(viewers)+len(c.Grant))
	for _, v := range viewers {
		if !slices.Contains(c.Revoke, v) {
			out = append(out, v)
		}
	}
	out = append(out, c.Grant...)
	slices.Sort(out)
	return slices.Compact(out)
}

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
)

// verify proves, against a checkpoint that the server signed, that the conclusion
// stands in the log as it was told, and that the log has only grown since the
// checkpoint before. The server cannot take back what it signed: keep checkpoints
// where its administrators cannot write.
func (c *client) verify(ctx context.Context) error {
	answer, err := retry(ctx, func(ctx context.Context) (*corev1.Checkpoint, error) {
		return c.proofs.GetCheckpoint(ctx, &corev1.GetCheckpointRequest{Parent: c.region, Service: "counsel"})
	})
	if err != nil {
		return err
	}
	now, err := c.signed(answer.GetNote())
	if err != nil {
		return err
	}
	if err := c.continues(ctx, now); err != nil {
		return err
	}
	if err := c.included(ctx, now); err != nil {
		return err
	}
	fmt.Printf("verified: event %d is in the log of %d entries, root %.6x…\n", c.state.Position, now.Size, now.Hash)
	c.state.Checkpoint = answer.GetNote()
	return c.state.keep()
}

// signed reads a signed note: it must bear the log's signature, and be about the
// feed that was asked for.
func (c *client) signed(note string) (*log.Checkpoint, error) {
	at, _, _, err := log.ParseCheckpoint([]byte(note), "fashen/counsel/"+c.region, c.log)
	if err != nil {
		return nil, fmt.Errorf("the checkpoint is not the log's: %w", err)
	}
	return at, nil
}

// continues proves that the log up to the checkpoint before is the beginning of
// what it is now.
func (c *client) continues(ctx context.Context, now *log.Checkpoint) error {
	if c.state.Checkpoint == "" {
		return nil // nothing to compare with, the first time
	}
	before, err := c.signed(c.state.Checkpoint)
	if err != nil {
		return err
	}
	if before.Size > now.Size {
		return fmt.Errorf("the log had %d entries and has %d", before.Size, now.Size)
	}
	p, err := retry(ctx, func(ctx context.Context) (*corev1.ConsistencyProof, error) {
		return c.proofs.GetConsistencyProof(ctx, &corev1.GetConsistencyProofRequest{
			Parent: c.region, Service: "counsel", FromSize: int64(before.Size), ToSize: int64(now.Size),
		})
	})
	if err != nil {
		return err
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, before.Size, now.Size, p.GetHashes(), before.Hash, now.Hash); err != nil {
		return fmt.Errorf("the log was rewritten: %w", err)
	}
	return nil
}

// included proves that the conclusion is in the log, at its position and as it
// was told.
func (c *client) included(ctx context.Context, now *log.Checkpoint) error {
	entry := &corev1.JournalEntry{}
	if err := protojson.Unmarshal(c.state.Entry, entry); err != nil {
		return fmt.Errorf("the kept event: %w", err)
	}
	// The entry's hash covers what it says, its own field aside.
	told := entry.GetHash()
	entry.Hash = nil
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(entry)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(text); !bytes.Equal(sum[:], told) {
		return errors.New("the event is not what its hash says")
	}
	p, err := retry(ctx, func(ctx context.Context) (*corev1.InclusionProof, error) {
		return c.proofs.GetInclusionProof(ctx, &corev1.GetInclusionProofRequest{
			Parent: c.region, Service: "counsel", Position: c.state.Position, TreeSize: int64(now.Size),
		})
	})
	if err != nil {
		return err
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(told)
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(c.state.Position-1), now.Size, leaf, p.GetHashes(), now.Hash); err != nil {
		return fmt.Errorf("the event is not in the log: %w", err)
	}
	return nil
}

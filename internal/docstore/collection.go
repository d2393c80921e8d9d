package docstore

import (
	"context"
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
	// maxNameBytes bounds resource names, which are keys of every index.
	maxNameBytes = 1000
	// maxAttempts bounds the compare-and-set loop. Each lost attempt means that
	// another writer got through, so only a broken store comes near it.
	maxAttempts = 1000
)

// Options of a collection.
type Options struct {
	// Clock tells the time of entries; time.Now when nil.
	Clock Clock
	// TokenKey signs page tokens. Processes that serve the same lists share it;
	// without one, tokens end with the process.
	TokenKey []byte
	// Wrote is called after every write, to wake whatever drains the journal.
	// It must not block.
	Wrote func()
	// New makes an empty message, where the type parameter does not tell how:
	// for messages built from descriptors.
	New func() proto.Message
}

type collection[M proto.Message] struct {
	table  Table
	log    Log
	schema *schema
	out    outFields
	tokens tokens
	clock  Clock
	wrote  func()
}

// NewCollection opens a collection of an engine. It is the one implementation
// of [Collection]; engines differ behind [Table].
func NewCollection[M proto.Message](ctx context.Context, e Engine, spec Spec, o Options) (Collection[M], error) {
	c, err := newCollection[M](ctx, e, spec, o, false)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// newCollection opens a collection of documents, or of derived rows; the message
// itself says which of them it is for.
func newCollection[M proto.Message](ctx context.Context, e Engine, spec Spec, o Options, derived bool) (*collection[M], error) {
	newBody := o.New
	if newBody == nil {
		var zero M
		newBody = func() proto.Message { return zero.ProtoReflect().New().Interface() }
	}
	md := newBody().ProtoReflect().Descriptor()
	if IsDerived(md) != derived {
		return nil, fmt.Errorf("docstore: open collection %s: %s is derived or is not, against its option", spec.Name, md.FullName())
	}
	out, err := outFieldsOf(md)
	if err != nil {
		return nil, err
	}
	s, err := resolve(spec, md)
	if err != nil {
		return nil, err
	}
	table, err := e.Table(ctx, TableSpec{Spec: spec, Derived: derived, New: newBody, Columns: s.publicColumns(), Values: s.values})
	if err != nil {
		return nil, fmt.Errorf("open collection %s: %w", spec.Name, err)
	}
	c := &collection[M]{
		table: table, log: e.Log(), schema: s, out: out,
		tokens: newTokens(o.TokenKey), clock: o.Clock, wrote: o.Wrote,
	}
	if c.clock == nil {
		c.clock = time.Now
	}
	if c.wrote == nil {
		c.wrote = func() {}
	}
	return c, nil
}

// now is UTC to the millisecond.
func (c *collection[M]) now() time.Time { return c.clock().UTC().Truncate(time.Millisecond) }

// failed says what was being done with which document.
func (c *collection[M]) failed(doing, name string, err error) error {
	return fmt.Errorf("%s %s: %w", doing, name, err)
}

// encode brings a body into the form that is kept, in place, and encodes it.
func (c *collection[M]) encode(m proto.Message) ([]byte, error) {
	c.out.clear(m.ProtoReflect())
	if err := truncateTimes(m.ProtoReflect()); err != nil {
		return nil, err
	}
	b, err := deterministic.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("docstore: encode: %w", err)
	}
	if len(b) > MaxDocumentBytes {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(b), MaxDocumentBytes)
	}
	return b, nil
}

func (c *collection[M]) nameOf(m proto.Message) string {
	return m.ProtoReflect().Get(c.out.name).String()
}

// answer fills a record's body and says what the store knows about it.
func (c *collection[M]) answer(r *Record, replayed bool) (M, Meta) {
	etag := etagOf(r.Name, r.Envelope)
	c.out.fill(r.Body.ProtoReflect(), r.Envelope, etag)
	return r.Body.(M), Meta{
		Etag:     etag,
		Revision: r.Envelope.GetRevision(),
		Created:  r.Envelope.GetCreateTime().AsTime(),
		Updated:  r.Envelope.GetUpdateTime().AsTime(),
		Viewers:  slices.Clone(r.Envelope.GetViewers()),
		Replayed: replayed,
	}
}

func (c *collection[M]) Get(ctx context.Context, name string) (M, Meta, error) {
	r, err := c.table.Get(ctx, name)
	if err != nil {
		var none M
		return none, Meta{}, c.failed("get", name, err)
	}
	m, meta := c.answer(r, false)
	return m, meta, nil
}

func (c *collection[M]) Create(ctx context.Context, m M, change Change) (M, Meta, error) {
	name := c.nameOf(m)
	r, replayed, err := c.create(ctx, m, name, change)
	if err != nil {
		var none M
		return none, Meta{}, c.failed("create", name, err)
	}
	if !replayed {
		c.wrote()
	}
	made, meta := c.answer(r, replayed)
	return made, meta, nil
}

func (c *collection[M]) create(ctx context.Context, m M, name string, change Change) (r *Record, replayed bool, err error) {
	o, err := originOf(ctx)
	if err != nil {
		return nil, false, err
	}
	if name == "" || len(name) > maxNameBytes {
		return nil, false, fmt.Errorf("docstore: a name has 1 to %d bytes", maxNameBytes)
	}
	if _, err := c.earlier(ctx, o, name, nil); err != nil {
		return nil, false, err
	}
	r, err = c.newRecord(o, m, name, change)
	if err != nil {
		return nil, false, err
	}
	err = c.table.Insert(ctx, r)
	if !errors.Is(err, ErrAlreadyExists) {
		return r, false, err
	}
	// The engine refuses a second create of the same request; a first one is
	// not looked for before, so that it costs nothing.
	made, found, lookErr := c.replayCreate(ctx, o)
	switch {
	case lookErr != nil:
		return nil, false, lookErr
	case found:
		return made, true, nil
	}
	return nil, false, err
}

func (c *collection[M]) newRecord(o Origin, m proto.Message, name string, change Change) (*Record, error) {
	body := proto.Clone(m)
	// What this server does not know can only come from the caller: only what a
	// newer server stored is carried along, by Update.
	dropUnknown(body.ProtoReflect())
	if _, err := c.encode(body); err != nil {
		return nil, err
	}
	now := c.now()
	env := &storagev1.Envelope{
		Revision:   1,
		Viewers:    applyViewers(nil, change),
		CreateTime: timestamppb.New(now),
		UpdateTime: timestamppb.New(now),
	}
	e := entryOf(o, name, now)
	if err := madeEntry(e, env, body, change); err != nil {
		return nil, err
	}
	r := &Record{Name: name, CreateKey: createKey(o, name), Body: body, Envelope: env}
	r.Index, r.Unique = c.schema.values(r)
	return r, nil
}

// madeEntry completes and seals the entry of a write that is made.
func madeEntry(e *corev1.JournalEntry, env *storagev1.Envelope, body proto.Message, change Change) error {
	digest, partial, err := Digest(body)
	if err != nil {
		return err
	}
	e.Outcome = corev1.Outcome_OUTCOME_DONE
	if change.Step {
		e.Outcome = corev1.Outcome_OUTCOME_STEP
	}
	e.FromState, e.ToState = change.From, change.To
	e.Details = change.Details
	e.Revision = env.GetRevision()
	e.ContentDigest, e.DigestPartial = digest, partial
	return seal(env, e)
}

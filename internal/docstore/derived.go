package docstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
)

// Derived is a collection of rows that are worked out from documents and their
// journals: queues, figures, what is still to be delivered. Its message says so
// by the option (fashen.core.v1.derived). Rows have no journal, no etag and no
// viewers, need no origin, and never decide anything; what an import or a
// rebuild leaves out is worked out again. Times are filled as in [Collection].
type Derived[M proto.Message] interface {
	// Put makes the row of that name be m. Putting what is there writes nothing.
	// Errors: ErrTooLarge, ErrUnavailable, and ErrAlreadyExists where another row
	// has the same value of a unique index.
	Put(ctx context.Context, m M) error
	// Delete removes the row of a name; that there is none is no error.
	Delete(ctx context.Context, name string) error
	// Get reads one row. Errors: ErrNotFound, ErrUnavailable.
	Get(ctx context.Context, name string) (M, error)
	// Update loads the row, lets rule change it in place, and writes it if nobody
	// wrote in between; otherwise rule runs again on the newer row. ErrUnchanged
	// from the rule writes nothing and is no error. Errors: ErrNotFound,
	// ErrTooLarge, ErrUnavailable, and whatever rule returns.
	Update(ctx context.Context, name string, rule func(m M) error) (M, error)
	// List and Aggregate are those of [Collection].
	List(ctx context.Context, q Query) (Page[M], error)
	Aggregate(ctx context.Context, q Query, by []string, sum []string) ([]Group, error)
}

// IsDerived tells whether rows of a message are worked out from documents.
func IsDerived(md protoreflect.MessageDescriptor) bool {
	derived, _ := proto.GetExtension(md.Options(), corev1.E_Derived).(bool)
	return derived
}

// insertAttempts is how often in a row a row may have come and gone before a
// unique index is taken for the cause.
const insertAttempts = 3

type derived[M proto.Message] struct{ *collection[M] }

// NewDerived opens a collection of derived rows. Options.Wrote is not used.
func NewDerived[M proto.Message](ctx context.Context, e Engine, spec Spec, o Options) (Derived[M], error) {
	c, err := newCollection[M](ctx, e, spec, o, true)
	if err != nil {
		return nil, err
	}
	return derived[M]{c}, nil
}

func (d derived[M]) Get(ctx context.Context, name string) (M, error) {
	m, _, err := d.collection.Get(ctx, name)
	return m, err
}

func (d derived[M]) Put(ctx context.Context, m M) error {
	name := d.nameOf(m)
	if name == "" || len(name) > maxNameBytes {
		return fmt.Errorf("docstore: a name has 1 to %d bytes", maxNameBytes)
	}
	err := d.again(ctx, func() error { return d.put(ctx, name, m) })
	if err != nil {
		return d.failed("put", name, err)
	}
	return nil
}

func (d derived[M]) put(ctx context.Context, name string, m M) error {
	body := proto.Clone(m)
	r, err := d.table.Get(ctx, name)
	switch {
	case errors.Is(err, ErrNotFound):
		return d.insert(ctx, name, body)
	case err != nil:
		return err
	}
	was, before, err := d.loaded(r)
	if err != nil {
		return err
	}
	r.Body = body
	return d.replace(ctx, r, was, before)
}

func (d derived[M]) insert(ctx context.Context, name string, body proto.Message) error {
	if _, err := d.encode(body); err != nil {
		return err
	}
	now := timestamppb.New(d.now())
	r := &Record{Name: name, CreateKey: name, Body: body, Envelope: &storagev1.Envelope{Revision: 1, CreateTime: now, UpdateTime: now}}
	r.Index, r.Unique = d.schema.values(r)
	for range insertAttempts {
		err := d.table.Insert(ctx, r)
		if !errors.Is(err, ErrAlreadyExists) {
			return err
		}
		if _, getErr := d.table.Get(ctx, name); getErr == nil {
			return errLost // another put came first
		}
		// Another put came first and its row is gone again, or a unique index holds.
	}
	return fmt.Errorf("%w: another row has the same value of a unique index", ErrAlreadyExists)
}

func (d derived[M]) Update(ctx context.Context, name string, rule func(m M) error) (M, error) {
	var out M
	err := d.again(ctx, func() error {
		r, err := d.table.Get(ctx, name)
		if err != nil {
			return err
		}
		was, before, err := d.loaded(r)
		if err != nil {
			return err
		}
		m, _ := d.answer(r, false)
		if err := rule(m); err != nil && !errors.Is(err, ErrUnchanged) {
			return err
		} else if err == nil {
			err = d.replace(ctx, r, was, before)
			if err != nil {
				return err
			}
		}
		out, _ = d.answer(r, false)
		return nil
	})
	if err != nil {
		var none M
		return none, d.failed("update", name, err)
	}
	return out, nil
}

func (d derived[M]) Delete(ctx context.Context, name string) error {
	err := d.again(ctx, func() error {
		r, err := d.table.Get(ctx, name)
		if err != nil {
			return err
		}
		r.Was, _ = d.schema.values(r)
		if err := d.table.Delete(ctx, r); !errors.Is(err, ErrConflict) {
			return err
		}
		return errLost
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return d.failed("delete", name, err)
	}
	return nil
}

// loaded is what a record was before it is changed.
func (d derived[M]) loaded(r *Record) (was []Value, before []byte, err error) {
	was, _ = d.schema.values(r)
	before, err = d.encode(r.Body)
	return was, before, err
}

// replace writes a changed record, unless its body is what it was.
func (d derived[M]) replace(ctx context.Context, r *Record, was []Value, before []byte) error {
	if got := d.nameOf(r.Body); got != r.Name {
		return fmt.Errorf("docstore: the rule renamed the row to %q", got)
	}
	after, err := d.encode(r.Body)
	if err != nil || bytes.Equal(before, after) {
		return err
	}
	r.Envelope.Revision++
	r.Envelope.UpdateTime = timestamppb.New(d.now())
	r.Was = was
	r.Index, r.Unique = d.schema.values(r)
	if err := d.table.Replace(ctx, r, true); !errors.Is(err, ErrConflict) {
		return err
	}
	return errLost
}

// again does a step until it does not lose against another writer.
func (d derived[M]) again(ctx context.Context, step func() error) error {
	for range maxAttempts {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := step(); !errors.Is(err, errLost) {
			return err
		}
	}
	return fmt.Errorf("%w: other writers came first %d times", ErrConflict, maxAttempts)
}

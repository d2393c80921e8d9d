package rpc

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"fashen/internal/auth"
	"fashen/internal/docstore"
)

// withOrigin tells the store who asks for the writes of this call. Where nobody
// is signed in (a sign-in itself), the service acts. message may be nil.
func (c *chain) withOrigin(ctx context.Context, m *method, message protoreflect.Message) (context.Context, error) {
	origin := docstore.Origin{Method: m.name, TraceID: TraceID(ctx)}
	if caller, ok := auth.CallerFrom(ctx); ok {
		origin.Actor, origin.OnBehalfOf, origin.ViaService = caller.Actor(), caller.OnBehalfOf(), caller.Via
	} else {
		origin.Actor = "services/" + c.options.Service
	}
	if m.requestID != nil && message != nil {
		if _, origin.RequestID = m.requestID.of(message); origin.RequestID != "" {
			digest, err := m.digest(message)
			if err != nil {
				return ctx, fmt.Errorf("digest a request of %s: %w", m.name, err)
			}
			origin.RequestDigest = digest
		}
	}
	return docstore.WithOrigin(ctx, origin), nil
}

// WithRequestDigest adds what came after the first message of a stream to the
// request digest of the origin: a method that takes an upload calls it with the
// SHA-256 of the file before it writes, so that the same request id with another
// file is refused.
func WithRequestDigest(ctx context.Context, content []byte) context.Context {
	origin, ok := docstore.OriginFrom(ctx)
	if !ok {
		return ctx
	}
	sum := sha256.Sum256(slices.Concat(origin.RequestDigest, content))
	origin.RequestDigest = sum[:]
	return docstore.WithOrigin(ctx, origin)
}

// digest is the SHA-256 of the method and the deterministic encoding of the
// request without its request id and etags: a retry after a lost answer may carry
// a newer etag and is the same request. The request is as it was afterwards.
func (m *method) digest(message protoreflect.Message) ([]byte, error) {
	holder, _ := m.requestID.of(message)
	restore := []func(){clearString(holder, m.requestID.field)}
	if etag := stringField(message.Descriptor(), "etag"); etag != nil {
		restore = append(restore, clearString(message, etag))
	}
	for _, field := range m.guarded {
		if message.Has(field) {
			below := message.Get(field).Message()
			restore = append(restore, clearString(below, stringField(below.Descriptor(), "etag")))
		}
	}
	defer func() {
		for _, put := range restore {
			put()
		}
	}()
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(message.Interface())
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	sum.Write([]byte(m.name))
	sum.Write([]byte{0})
	sum.Write(encoded)
	return sum.Sum(nil), nil
}

// clearString clears a field and answers what puts it back.
func clearString(message protoreflect.Message, field protoreflect.FieldDescriptor) func() {
	if !message.Has(field) {
		return func() {}
	}
	value := message.Get(field)
	message.Clear(field)
	return func() { message.Set(field, value) }
}

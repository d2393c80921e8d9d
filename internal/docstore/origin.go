package docstore

import "context"

// Origin tells a journal entry who asked for a write and how. The rpc
// interceptors put it into the context; a write without one is refused, so
// that nothing is ever written by nobody.
type Origin struct {
	// Actor is `regions/{region}/people/{person}`, `regions/{region}/systems/{system}`
	// or `services/{service}`.
	Actor string
	// OnBehalfOf is set where Actor stands in for another person.
	OnBehalfOf string
	// ViaService is the service that passed the call on; empty for a direct call.
	ViaService string
	// Method is the full name of the RPC.
	Method string
	// RequestID is the caller's, or empty (AIP-155).
	RequestID string
	// RequestDigest is the SHA-256 of the request without its request id.
	RequestDigest []byte
	// TraceID finds the logs of the call.
	TraceID string
}

type originKey struct{}

// WithOrigin puts the origin of writes into the context.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginFrom tells the origin of writes; false when there is none.
func OriginFrom(ctx context.Context) (Origin, bool) {
	o, ok := ctx.Value(originKey{}).(Origin)
	return o, ok
}

// WithoutRequest lets writes be made again by the same request, for a command that
// follows a state which may change while it runs.
func WithoutRequest(ctx context.Context) context.Context {
	o, ok := OriginFrom(ctx)
	if !ok {
		return ctx
	}
	o.RequestID, o.RequestDigest = "", nil
	return WithOrigin(ctx, o)
}

// WithStep marks writes as one step of a command that writes several
// documents, so that the command's request id counts for each step by itself
// and a repeated command goes on where an earlier one stopped.
func WithStep(ctx context.Context, step string) context.Context {
	o, ok := OriginFrom(ctx)
	if !ok || o.RequestID == "" {
		return ctx
	}
	o.RequestID += "#" + step
	return WithOrigin(ctx, o)
}

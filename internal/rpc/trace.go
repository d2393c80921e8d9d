package rpc

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"
)

// Metadata keys that carry the trace id.
const (
	// MetadataTraceparent is the W3C Trace Context header.
	MetadataTraceparent = "traceparent"
	// MetadataTrace is the plain id; it is also on every answer.
	MetadataTrace = "x-request-id"
)

type traceKey struct{}

// TraceID tells the id of the call, to be found in logs and journal entries; empty
// outside a call.
func TraceID(ctx context.Context) string {
	id, _ := ctx.Value(traceKey{}).(string)
	return id
}

// WithTrace puts a trace id into the context of work that is not a call.
func WithTrace(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, traceKey{}, id)
}

// NewTraceID makes an id: 16 random bytes in hex, as W3C Trace Context has them.
func NewTraceID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// incomingTrace takes the id of the traceparent, else the one of x-request-id if
// it is harmless in a log, else the one of the span that was made for the call,
// else a new one.
func incomingTrace(ctx context.Context) string {
	if values := metadata.ValueFromIncomingContext(ctx, MetadataTraceparent); len(values) == 1 {
		if id, ok := parseTraceparent(values[0]); ok {
			return id
		}
	}
	if values := metadata.ValueFromIncomingContext(ctx, MetadataTrace); len(values) == 1 && harmless(values[0]) {
		nameSpan(ctx, values[0])
		return values[0]
	}
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return span.TraceID().String()
	}
	return NewTraceID()
}

// nameSpan lets a span be found by an id the client chose that is not the id of
// its trace.
func nameSpan(ctx context.Context, id string) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() && span.SpanContext().TraceID().String() != id {
		span.SetAttributes(attribute.String("fashen.trace_id", id))
	}
}

// parseTraceparent reads `00-<32 hex>-<16 hex>-<2 hex>` and later versions.
func parseTraceparent(value string) (string, bool) {
	if len(value) < 55 || value[2] != '-' || value[35] != '-' || value[52] != '-' {
		return "", false
	}
	if len(value) > 55 && (value[:2] == "00" || value[55] != '-') {
		return "", false
	}
	id := value[3:35]
	if !lowerHex(value[:2]) || value[:2] == "ff" || !lowerHex(id) || !lowerHex(value[36:52]) ||
		strings.Trim(id, "0") == "" || strings.Trim(value[36:52], "0") == "" {
		return "", false
	}
	return id, true
}

func lowerHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}

func harmless(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

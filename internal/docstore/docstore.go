// Package docstore is the storage contract of every service: documents that
// are proto messages, written one at a time, each write together with its
// journal entry, found again only through declared indexes.
//
// The contract has two engines, embedded SQLite and MongoDB, and one suite
// (docstoretest) that both pass. What an engine must do is small and stated on
// [Engine]; compare-and-set, etags, journal entries, request ids and queries
// are written once, in [Collection].
package docstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
)

// Errors of the contract. Callers test with errors.Is; causes stay wrapped.
var (
	// ErrNotFound: no document of that name.
	ErrNotFound = errors.New("docstore: not found")
	// ErrAlreadyExists: a document of that name, or with the same value of a
	// unique index, exists.
	ErrAlreadyExists = errors.New("docstore: already exists")
	// ErrConflict: the precondition does not hold, the etag is stale.
	ErrConflict = errors.New("docstore: conflict")
	// ErrTooLarge: the document would pass MaxDocumentBytes, or the blob its limit.
	ErrTooLarge = errors.New("docstore: too large")
	// ErrNoIndex: no declared index serves the query; a mistake of the program.
	ErrNoIndex = errors.New("docstore: no index serves this query")
	// ErrPageToken: the page token is damaged or belongs to another query.
	ErrPageToken = errors.New("docstore: page token is not of this list")
	// ErrRequestReused: the caller used the request id before, for another request.
	ErrRequestReused = errors.New("docstore: request id was used for another request")
	// ErrMismatch: the content of a blob is not what its hash or size says.
	ErrMismatch = errors.New("docstore: content does not match its hash")
	// ErrUnchanged is returned by a rule that finds nothing to do and has changed
	// nothing: Update then answers the document as it is and writes no entry.
	ErrUnchanged = errors.New("docstore: nothing to change")
	// ErrUnavailable: the store did not answer; nothing is known to be written.
	ErrUnavailable = errors.New("docstore: unavailable")
)

// MaxDocumentBytes bounds a stored body (canonical encoding).
const MaxDocumentBytes = 2 << 20

// Change is what a rule tells the store beside the new body: the facts of the
// journal entry, and who may see the document from now on.
type Change struct {
	// From and To are the states before and after, where the resource has states.
	From, To string
	// Details are facts worth keeping, in this order. Never document text.
	Details []*corev1.Detail
	// Grant and Revoke add and remove viewers. Revoke is done first.
	Grant, Revoke []string
	// Step says that the write is a step on the way to what the method of the origin
	// is for, or back from it: its entry does not say that it was done.
	Step bool
}

// Refusal is returned by a rule that refuses on record: the body and etag stay
// as they are, an entry with outcome REFUSED is appended in one atomic write,
// and Update returns the refusal. An error that is no Refusal records nothing.
type Refusal struct {
	// Reasons are the refusal codes, in order.
	Reasons []string
	// Details are facts worth keeping, such as the date that was asked for.
	Details []*corev1.Detail
	// Err is what the caller gets back.
	Err error
}

// Error is the message of the wrapped error.
func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap gives the error the caller gets back.
func (r *Refusal) Unwrap() error { return r.Err }

// Precondition limits an Update to one version of the document.
type Precondition struct {
	// Etag, when not empty, must be the document's current etag.
	Etag string
}

// Meta is what the store knows about a document beside its body.
type Meta struct {
	// Etag names the version of the body: it changes with the body and with
	// nothing else.
	Etag string
	// Revision counts versions of the body from 1.
	Revision int64
	// Created and Updated are UTC, to the millisecond.
	Created, Updated time.Time
	// Viewers may see the document.
	Viewers []string
	// Replayed is true when a write was answered from an earlier one with the
	// same request id.
	Replayed bool
}

// Collection is a named set of documents of one message type. The resource
// name (field `name`) is the key; an `etag` field, where the message has one,
// and `create_time` and `update_time`, are filled on the way out and are not
// part of the stored body.
type Collection[M proto.Message] interface {
	// Create stores a new document. With a request id in the origin of ctx, the
	// same request again answers the document it made (Meta.Replayed), and the
	// same id with another request is ErrRequestReused; used on another document
	// it is found once the entry of that one is drained, a moment later. So one request makes at
	// most one document in a collection; a caller that makes several gives each
	// an origin with a request id of its own.
	// Errors: ErrAlreadyExists, ErrTooLarge, ErrRequestReused, ErrUnavailable.
	Create(ctx context.Context, m M, c Change) (M, Meta, error)
	// Get reads one document, durably written. Errors: ErrNotFound, ErrUnavailable.
	Get(ctx context.Context, name string) (M, Meta, error)
	// Update loads the document, lets rule change it in place, and writes it if
	// nobody wrote in between; otherwise rule runs again on the newer document.
	// rule is pure. With Precondition.Etag set, another version is ErrConflict
	// and rule does not run. A repeated request id answers as Create's does,
	// with the document as it is now (AIP-155, stale success); so one request
	// changes a document at most once. An attempt that was refused made nothing:
	// with the same request id the rule runs again, and the same refusal is not
	// recorded twice.
	// Errors: ErrNotFound, ErrConflict, ErrTooLarge, ErrRequestReused,
	// ErrUnavailable, and whatever rule returns.
	Update(ctx context.Context, name string, pre Precondition, rule func(m M, meta Meta) (Change, error)) (M, Meta, error)
	// List answers one page. Errors: ErrNoIndex, ErrPageToken, ErrUnavailable.
	List(ctx context.Context, q Query) (Page[M], error)
	// Aggregate counts and sums documents by groups, through the same indexes.
	// The fields of by and sum are fields of declared indexes; order and page
	// of the query are not used. Groups come sorted by key.
	Aggregate(ctx context.Context, q Query, by []string, sum []string) ([]Group, error)
	// History answers the journal entries of a document, oldest first, drained
	// or not. pageSize is 1 to 1,000; 0 means 100. The next token is empty at
	// the end. Errors: ErrNotFound, ErrPageToken, ErrUnavailable.
	History(ctx context.Context, name string, pageSize int, pageToken string) ([]*corev1.JournalEntry, string, error)
}

// Query selects documents by declared fields only. Field names are proto field
// paths (`drafting_unit`, `legality.conclusion`), plus [FieldViewers],
// [FieldParent], [FieldCreateTime] and [FieldUpdateTime].
//
// One declared index serves the whole query: its leading fields are the fields
// of Equal and AnyOf, in any order, and the field after them is the one of
// Prefix or Range and OrderBy, which are therefore the same field. To list the
// children of a parent in another order than by name, use Equal on FieldParent.
type Query struct {
	// Equal: field has exactly this value (string, enum number, bool, int64,
	// time.Time, or a date as ISO string).
	Equal map[string]any
	// AnyOf: a repeated field holds at least one of the values.
	AnyOf *AnyOf
	// Prefix: a string field starts with the value. Typically
	// {Field: "name", Value: "regions/120105/documents/"}.
	Prefix *Prefix
	// Range: a field lies in [From, To); either may be nil.
	Range *Range
	// OrderBy is one field; Descending reverses. Ties are broken by name in the
	// same direction. Empty means by the field of Prefix or Range, else by name.
	OrderBy    string
	Descending bool
	// PageSize is 1 to 1,000; 0 means 50. A page may hold fewer documents and
	// still not be the last one (AIP-158): only an empty NextPageToken says so.
	PageSize int
	// MaxBytes ends a page before the document whose encoded body would pass it;
	// 0 means 3 MiB, which leaves an answer below the 4 MiB that a gRPC client
	// takes. The first document of a page is answered whatever its size.
	MaxBytes int
	// PageToken continues a list of the same Query.
	PageToken string
}

// AnyOf asks that a repeated field hold one of the values, or that a single
// field be one of them. Without values nothing is found.
type AnyOf struct {
	Field  string
	Values []string
}

// Prefix asks that a string field start with a value.
type Prefix struct{ Field, Value string }

// Range asks that a field lie between two values, the upper one excluded.
type Range struct {
	Field    string
	From, To any
}

// Page is one page of a list.
type Page[M proto.Message] struct {
	Items []M
	Metas []Meta
	// NextPageToken is empty on the last page, and only there. A page with a
	// token has at least one document.
	NextPageToken string
	// Examined counts index entries and documents the engine looked at.
	Examined int
}

// Group is one line of an aggregate.
type Group struct {
	// Key holds the values of the `by` fields, in their order: a string, or an
	// int64 (enum number, 0 or 1 for a bool, milliseconds for a time).
	Key []any
	// Count of documents, and Sums of the `sum` fields in their order.
	Count int64
	Sums  []int64
}

// Fields every collection has.
const (
	FieldName = "name"
	// FieldParent is the name without its last two segments:
	// `regions/120105` of `regions/120105/documents/x`.
	FieldParent     = "parent"
	FieldViewers    = "viewers"
	FieldCreateTime = "create_time"
	FieldUpdateTime = "update_time"
)

// Spec declares a collection: its message, and the indexes that serve its lists.
type Spec struct {
	// Name of the collection, lower snake case, such as `documents`.
	Name string
	// Indexes that serve lists. A list's equal fields (and its any-of field)
	// must be the leading fields of one of them, followed by its range or order
	// field.
	Indexes []Index
}

// Index is an ordered list of field paths. At most one field is repeated.
type Index struct {
	Fields []string
	// Unique refuses a second document with the same values (ErrAlreadyExists).
	// Documents in which every field of the index is empty are left out.
	Unique bool
}

// Clock tells the time; tests inject their own.
type Clock func() time.Time

// Detail is a short way to write one named fact of a journal entry.
func Detail(name string, value any) *corev1.Detail {
	return &corev1.Detail{Name: name, Value: fmt.Sprint(value)}
}

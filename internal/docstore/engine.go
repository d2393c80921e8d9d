package docstore

import (
	"context"
	"io"
	"time"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
)

// Engine is what a database must do. It knows nothing of etags, hashes or
// rules: it keeps records, replaces one if nobody replaced it before, and runs
// planned queries.
type Engine interface {
	// Table opens a collection and brings its indexes up to the declaration.
	Table(ctx context.Context, t TableSpec) (Table, error)
	// Tables lists the tables opened so far, in the order they were opened.
	Tables() []Table
	// Log is the service's collection of drained journal entries.
	Log() Log
	// Lease takes or renews a lease until a time, and tells whether the holder has
	// it: yes unless another holder's has not ended at `now`. A lease that ends at
	// `now` is given back. It saves work; no correctness rests on it.
	Lease(ctx context.Context, name, holder string, now, until time.Time) (bool, error)
	// Blobs keeps files.
	Blobs() BlobStore
	// Property reads what the store says about itself under a key; empty where
	// nothing was set.
	Property(ctx context.Context, key string) (string, error)
	// SetProperty writes it, durably; an empty value removes it.
	SetProperty(ctx context.Context, key, value string) error
	// Stored lists every collection that is kept, opened or not.
	Stored(ctx context.Context) ([]StoredCollection, error)
	// Walk reads up to limit records of a stored collection in the order of
	// their names, from the name `from` on, without opening the collection and
	// without its indexes, for verification. newBody makes an
	// empty body. A body or envelope that cannot be read is nil.
	Walk(ctx context.Context, collection string, newBody func() proto.Message, from string, limit int) ([]*Record, error)
	// Ping fails when the store cannot be read.
	Ping(ctx context.Context) error
	// Close ends all work; nothing acknowledged is lost by not calling it.
	Close() error
}

// StoredCollection is a collection as the store remembers it.
type StoredCollection struct {
	Name string
	// Message is the full name of the message type of its bodies.
	Message string
}

// Kind is the type of an index value.
type Kind int

// Kinds of index values.
const (
	// KindString values are strings in Go, compared by their UTF-8 bytes. Dates
	// are kept so, as `2026-05-12`.
	KindString Kind = iota + 1
	// KindInt values are int64 in Go: integers, enum numbers, 0 and 1 for
	// false and true, and milliseconds since 1970 for times. Unset is 0.
	KindInt
)

// Column is one indexed field.
type Column struct {
	Field    string
	Kind     Kind
	Repeated bool
}

// Value holds the values of one indexed field, each a string or an int64: one
// for a single field, any number of distinct ones for a repeated field.
type Value []any

// TableSpec is a Spec with what an engine needs to store its messages.
type TableSpec struct {
	Spec
	// Derived says that the records are rows of a [Derived], without journals.
	Derived bool
	// New makes an empty message of the collection's type.
	New func() proto.Message
	// Columns are the indexed fields with their types, worked out from Indexes;
	// [FieldName] is not among them, since every engine keeps names in order.
	Columns []Column
	// Values works out the values of Columns and the keys of the unique indexes
	// of a record, to build a new index over stored records.
	Values func(r *Record) (index []Value, unique []string)
}

// Record is one document as an engine keeps it.
type Record struct {
	Name string
	// Version is the compare-and-set counter of the record: every write,
	// draining included, adds one.
	Version int64
	// CreateKey is unique in the collection: it makes a repeated create fail
	// however long ago the first one was. Equal to Name without a request id.
	CreateKey string
	Body      proto.Message
	Envelope  *storagev1.Envelope
	// Index holds the values of TableSpec.Columns, in their order. Engines take
	// it on writing and leave it empty on reading.
	Index []Value
	// Was is what Index was before a Replace, so that an engine can write the
	// difference alone.
	Was []Value
	// Unique holds one key for each unique index of the Spec, in their order;
	// an empty one is not in the index.
	Unique []string
}

// Table keeps the records of one collection.
type Table interface {
	// Spec is the declaration the table was opened with.
	Spec() TableSpec
	// Insert adds a record with Version 1. ErrAlreadyExists on a second record
	// with the same name, create key or key of a unique index.
	Insert(ctx context.Context, r *Record) error
	// Get reads one record; ErrNotFound.
	Get(ctx context.Context, name string) (*Record, error)
	// GetByCreateKey reads the record a request made; ErrNotFound.
	GetByCreateKey(ctx context.Context, key string) (*Record, error)
	// Replace writes r if the stored version is still r.Version, and adds one to
	// it; ErrConflict otherwise. The body is written only if bodyChanged.
	Replace(ctx context.Context, r *Record, bodyChanged bool) error
	// Find runs a planned query and answers one page of it. It reads no further
	// than the page goes, and decodes and keeps no body beyond it.
	Find(ctx context.Context, p *Plan) (Found, error)
	// Aggregate groups and sums what a planned query selects, sorted by key.
	Aggregate(ctx context.Context, p *Plan, by, sum []Column) ([]Group, error)
	// Pending lists up to limit records with entries to drain, oldest first,
	// without their bodies.
	Pending(ctx context.Context, limit int) ([]*Record, error)
	// Delete removes a record if its version is still the same, as Replace writes
	// one: ErrConflict. Record.Was holds its index values. Only derived rows are
	// ever removed.
	Delete(ctx context.Context, r *Record) error
	// Drained writes the envelopes of pending records whose entries are in the
	// log, each if its version is still the same, and adds one to the version.
	// It tells how many were written; the others were changed in between.
	Drained(ctx context.Context, rs []*Record) (int, error)
	// Viewers reads who may see each of the named documents now, without their
	// bodies; those that are not there are left out.
	Viewers(ctx context.Context, names []string) (map[string][]string, error)
	// Explain tells how a planned query would run, for tests of index use.
	Explain(ctx context.Context, p *Plan) (string, error)
}

// Plan is a query an engine can run as one scan of an index (one per value of
// AnyOf): equal fields, then a range of one field, in its order.
type Plan struct {
	// Index that serves the query; nil stands for the order of names.
	Index *Index
	// Equal fields with their values.
	Equal []Condition
	// AnyOf field with its distinct values; nil without one.
	AnyOf *Condition
	// Order is the field of the order and of the bounds; it may be FieldName.
	Order Column
	// From and To bound Order, To excluded; nil is open.
	From, To   any
	Descending bool
	// After is the position of the last document of the page before.
	After *Position
	// Limit of documents on a page, at least 1.
	Limit int
	// MaxBytes of encoded bodies on a page.
	MaxBytes int
}

// Condition is a column with the values asked for: one, or several for any-of.
type Condition struct {
	Column Column
	Values []any
}

// Position is a place in the order of a list: the value of its order field,
// and the name, which breaks ties.
type Position struct {
	Value any
	Name  string
}

// Found is what a planned query answers.
type Found struct {
	Records []*Record
	// More says that the list goes on after Last. Last is how far the scan has
	// come, which need not be a record: a document that changed while it was read
	// may be left out, and ends no list.
	More bool
	Last Position
	// Examined counts index entries and documents the engine looked at.
	Examined int
	// bytes of the encoded bodies of Records.
	bytes int
}

// Log keeps drained journal entries, each once, and gives each its position in
// the feed of its region ([FeedOf]): from 1, without gaps. Exactly once rests on
// the key of resource and sequence, one order for all on the key of feed and
// position, so that several relays may append at once.
type Log interface {
	// Append stores entries at the next positions of their feeds, in their order;
	// one that is there already keeps its place. Entries of one resource come in
	// the order of their sequence and follow what is there. What an Append that
	// failed or was cut off has stored is a beginning of its entries.
	Append(ctx context.Context, entries []*corev1.JournalEntry) error
	// Last is the sequence of the last entry of a resource, 0 without one.
	Last(ctx context.Context, resource string) (int64, error)
	// Head is the last position of a feed, 0 when it is empty.
	Head(ctx context.Context, feed string) (int64, error)
	// Feeds names the feeds that have entries.
	Feeds(ctx context.Context) ([]string, error)
	// Feed reads up to limit entries of a feed after a position, in its order.
	Feed(ctx context.Context, feed string, after int64, limit int) ([]Positioned, error)
	// History answers entries of one resource in order, from a sequence on.
	History(ctx context.Context, resource string, from int64, limit int) ([]*corev1.JournalEntry, error)
	// ByRequest finds the entries a caller's request id made, newest first, at
	// most 100 of them.
	ByRequest(ctx context.Context, actor, requestID string) ([]*corev1.JournalEntry, error)
	// Walk reads up to limit entries in the order of resource and sequence, from
	// the one after the given position on, for verification.
	Walk(ctx context.Context, afterResource string, afterSequence int64, limit int) ([]Logged, error)
}

// Positioned is a journal entry with its position in its feed.
type Positioned struct {
	Position int64
	Entry    *corev1.JournalEntry
}

// Logged is a journal entry with the place it is kept at.
type Logged struct {
	Resource string
	Sequence int64
	// Entry is nil when what is kept there cannot be read.
	Entry *corev1.JournalEntry
}

// BlobStore keeps files, addressed by the SHA-256 of their content. A hash is
// never a right to read: callers reach blobs through resources only.
type BlobStore interface {
	// Put stores size bytes of r under their SHA-256 in lower-case hex, in
	// chunks. Content that does not match leaves nothing behind (ErrMismatch).
	// Storing the same content again is no error and stores nothing.
	// Errors: ErrMismatch, ErrTooLarge, ErrUnavailable.
	Put(ctx context.Context, sha256 string, size int64, r io.Reader) error
	// Open reads a blob from its beginning; ErrNotFound.
	Open(ctx context.Context, sha256 string) (io.ReadCloser, int64, error)
	// List answers up to limit blobs in the order of their hashes, from the one
	// after the given hash on.
	List(ctx context.Context, after string, limit int) ([]Blob, error)
}

// Blob is a stored file.
type Blob struct {
	SHA256 string
	// Size in bytes.
	Size int64
}

// MaxBlobBytes bounds one file.
const MaxBlobBytes = 50 << 20

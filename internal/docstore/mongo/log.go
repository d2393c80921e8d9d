package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fashen/internal/docstore"

	corev1 "fashen/gen/fashen/core/v1"
)

// log is the collection `journal`: {resource, sequence, request, entry}.
type log struct{ entries *driver.Collection }

// requestEntries bounds what one request id answers.
const requestEntries = 100

func (l *log) prepare(ctx context.Context) error {
	_, err := l.entries.Indexes().CreateMany(ctx, []driver.IndexModel{
		{Keys: bson.D{{Key: "resource", Value: 1}, {Key: "sequence", Value: 1}}, Options: options.Index().SetName("entries").SetUnique(true)},
		{Keys: bson.D{{Key: "request", Value: 1}}, Options: options.Index().SetName("requests").SetSparse(true)},
	})
	return failure(err)
}

// request is the key of a caller's request id. An actor holds no NUL.
func request(actor, id string) string { return actor + "\x00" + id }

func (l *log) Append(ctx context.Context, entries []*corev1.JournalEntry) error {
	if len(entries) == 0 {
		return nil
	}
	docs := make([]bson.D, len(entries))
	for i, e := range entries {
		raw, err := encode(e.ProtoReflect())
		if err != nil {
			return fmt.Errorf("mongo: encode entry %d of %s: %w", e.GetSequence(), e.GetResource(), err)
		}
		docs[i] = bson.D{{Key: "resource", Value: e.GetResource()}, {Key: "sequence", Value: e.GetSequence()}}
		if e.GetRequestId() != "" {
			docs[i] = append(docs[i], bson.E{Key: "request", Value: request(e.GetActor(), e.GetRequestId())})
		}
		docs[i] = append(docs[i], bson.E{Key: "entry", Value: bson.Raw(raw)})
	}
	_, err := l.entries.InsertMany(ctx, docs, options.InsertMany().SetOrdered(false))
	if onlyDuplicates(err) {
		return nil
	}
	return failure(err)
}

// onlyDuplicates tells whether all that failed is entries that were there.
func onlyDuplicates(err error) bool {
	bulk, ok := errors.AsType[driver.BulkWriteException](err)
	if !ok || bulk.WriteConcernError != nil {
		return false
	}
	return !slices.ContainsFunc(bulk.WriteErrors, func(e driver.BulkWriteError) bool {
		return !driver.IsDuplicateKeyError(e.WriteError)
	})
}

func (l *log) History(ctx context.Context, resource string, from int64, limit int) ([]*corev1.JournalEntry, error) {
	filter := bson.D{{Key: "resource", Value: resource}, {Key: "sequence", Value: bson.D{{Key: "$gte", Value: from}}}}
	return readable(l.find(ctx, filter, options.Find().SetSort(bson.D{{Key: "sequence", Value: 1}}).SetLimit(int64(limit))))
}

func (l *log) ByRequest(ctx context.Context, actor, requestID string) ([]*corev1.JournalEntry, error) {
	filter := bson.D{{Key: "request", Value: request(actor, requestID)}}
	es, err := readable(l.find(ctx, filter, options.Find().SetLimit(requestEntries)))
	slices.SortFunc(es, func(a, b *corev1.JournalEntry) int {
		return cmp.Compare(b.GetTime().AsTime().UnixMilli(), a.GetTime().AsTime().UnixMilli())
	})
	return es, err
}

func (l *log) Walk(ctx context.Context, afterResource string, afterSequence int64, limit int) ([]docstore.Logged, error) {
	o := func(n int) *options.FindOptionsBuilder {
		return options.Find().SetSort(bson.D{{Key: "resource", Value: 1}, {Key: "sequence", Value: 1}}).SetLimit(int64(n))
	}
	rest, err := l.find(ctx, bson.D{{Key: "resource", Value: afterResource}, {Key: "sequence", Value: bson.D{{Key: "$gt", Value: afterSequence}}}}, o(limit))
	if err != nil || len(rest) == limit {
		return rest, err
	}
	more, err := l.find(ctx, bson.D{{Key: "resource", Value: bson.D{{Key: "$gt", Value: afterResource}}}}, o(limit-len(rest)))
	return append(rest, more...), err
}

func (l *log) find(ctx context.Context, filter bson.D, o *options.FindOptionsBuilder) ([]docstore.Logged, error) {
	cur, err := l.entries.Find(ctx, filter, o)
	if err != nil {
		return nil, failure(err)
	}
	var rows []struct {
		Resource string   `bson:"resource"`
		Sequence int64    `bson:"sequence"`
		Entry    bson.Raw `bson:"entry"`
	}
	if err := cur.All(ctx, &rows); err != nil {
		return nil, failure(err)
	}
	out := make([]docstore.Logged, len(rows))
	for i, r := range rows {
		out[i] = docstore.Logged{Resource: r.Resource, Sequence: r.Sequence}
		e := &corev1.JournalEntry{}
		if decode(r.Entry, e.ProtoReflect()) == nil {
			out[i].Entry = e
		}
	}
	return out, nil
}

// readable are logged entries that can all be read.
func readable(logged []docstore.Logged, err error) ([]*corev1.JournalEntry, error) {
	if err != nil {
		return nil, err
	}
	out := make([]*corev1.JournalEntry, len(logged))
	for i, at := range logged {
		if out[i] = at.Entry; out[i] == nil {
			return nil, fmt.Errorf("%w: journal entry %d of %s cannot be read", docstore.ErrUnavailable, at.Sequence, at.Resource)
		}
	}
	return out, nil
}

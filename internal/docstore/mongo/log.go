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

// log is the collection `journal`: {resource, sequence, feed, position, request, entry}.
type log struct{ entries *driver.Collection }

// requestEntries bounds what one request id answers.
const requestEntries = 100

func (l *log) prepare(ctx context.Context) error {
	_, err := l.entries.Indexes().CreateMany(ctx, []driver.IndexModel{
		{Keys: bson.D{{Key: "resource", Value: 1}, {Key: "sequence", Value: 1}}, Options: options.Index().SetName("entries").SetUnique(true)},
		{Keys: bson.D{{Key: "feed", Value: 1}, {Key: "position", Value: 1}}, Options: options.Index().SetName("feed").SetUnique(true)},
		{Keys: bson.D{{Key: "request", Value: 1}}, Options: options.Index().SetName("requests").SetSparse(true)},
	})
	return failure(err)
}

// request is the key of a caller's request id. An actor holds no NUL.
func request(actor, id string) string { return actor + "\x00" + id }

// appendAttempts bounds how often an Append begins again. Each time another
// relay got through, so only a broken store comes near it.
const appendAttempts = 100

// Append goes on from the heads of the feeds and inserts in order: an insert that
// fails ends it, so that what is stored has no gaps. Where an entry is there
// already, or another relay came first, one of the unique keys says so, and it
// begins again with what is left.
func (l *log) Append(ctx context.Context, entries []*corev1.JournalEntry) error {
	for range appendAttempts {
		if len(entries) == 0 {
			return nil
		}
		docs, err := l.positioned(ctx, entries)
		if err != nil {
			return err
		}
		_, err = l.entries.InsertMany(ctx, docs, options.InsertMany().SetOrdered(true))
		if !driver.IsDuplicateKeyError(err) {
			return failure(err)
		}
		if entries, err = l.missing(ctx, entries); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: other relays came first %d times", docstore.ErrUnavailable, appendAttempts)
}

// missing are the entries that are not there yet. Those of a resource follow one
// another, so the last one that is there tells.
func (l *log) missing(ctx context.Context, entries []*corev1.JournalEntry) ([]*corev1.JournalEntry, error) {
	last := map[string]int64{}
	var out []*corev1.JournalEntry
	for _, e := range entries {
		have, ok := last[e.GetResource()]
		if !ok {
			var err error
			if have, err = l.Last(ctx, e.GetResource()); err != nil {
				return nil, err
			}
			last[e.GetResource()] = have
		}
		if e.GetSequence() > have {
			out = append(out, e)
		}
	}
	return out, nil
}

// positioned encodes entries with the positions after the heads of their feeds.
func (l *log) positioned(ctx context.Context, entries []*corev1.JournalEntry) ([]bson.D, error) {
	heads := map[string]int64{}
	docs := make([]bson.D, len(entries))
	for i, e := range entries {
		raw, err := encode(e.ProtoReflect())
		if err != nil {
			return nil, fmt.Errorf("mongo: encode entry %d of %s: %w", e.GetSequence(), e.GetResource(), err)
		}
		feed := docstore.FeedOf(e.GetResource())
		if _, ok := heads[feed]; !ok {
			if heads[feed], err = l.Head(ctx, feed); err != nil {
				return nil, err
			}
		}
		heads[feed]++
		docs[i] = bson.D{
			{Key: "resource", Value: e.GetResource()}, {Key: "sequence", Value: e.GetSequence()},
			{Key: "feed", Value: feed}, {Key: "position", Value: heads[feed]},
		}
		if e.GetRequestId() != "" {
			docs[i] = append(docs[i], bson.E{Key: "request", Value: request(e.GetActor(), e.GetRequestId())})
		}
		docs[i] = append(docs[i], bson.E{Key: "entry", Value: bson.Raw(raw)})
	}
	return docs, nil
}

func (l *log) Last(ctx context.Context, resource string) (int64, error) {
	return l.last(ctx, "resource", resource, "sequence")
}

func (l *log) Head(ctx context.Context, feed string) (int64, error) {
	return l.last(ctx, "feed", feed, "position")
}

// last is the greatest number that goes with a key, 0 without one.
func (l *log) last(ctx context.Context, key, value, number string) (int64, error) {
	raw, err := l.entries.FindOne(ctx, bson.D{{Key: key, Value: value}}, options.FindOne().
		SetSort(bson.D{{Key: key, Value: -1}, {Key: number, Value: -1}}).
		SetProjection(bson.D{{Key: "_id", Value: 0}, {Key: number, Value: 1}})).Raw()
	if errors.Is(err, driver.ErrNoDocuments) {
		return 0, nil
	}
	if err != nil {
		return 0, failure(err)
	}
	return raw.Lookup(number).AsInt64(), nil
}

func (l *log) Feeds(ctx context.Context) ([]string, error) {
	var out []string
	err := l.entries.Distinct(ctx, "feed", bson.D{}).Decode(&out)
	slices.Sort(out)
	return out, failure(err)
}

func (l *log) Feed(ctx context.Context, feed string, after int64, limit int) ([]docstore.Positioned, error) {
	cur, err := l.entries.Find(ctx, bson.D{{Key: "feed", Value: feed}, {Key: "position", Value: bson.D{{Key: "$gt", Value: after}}}},
		options.Find().SetSort(bson.D{{Key: "feed", Value: 1}, {Key: "position", Value: 1}}).SetLimit(int64(limit)))
	if err != nil {
		return nil, failure(err)
	}
	var rows []struct {
		Position int64    `bson:"position"`
		Entry    bson.Raw `bson:"entry"`
	}
	if err := cur.All(ctx, &rows); err != nil {
		return nil, failure(err)
	}
	out := make([]docstore.Positioned, len(rows))
	for i, r := range rows {
		out[i] = docstore.Positioned{Position: r.Position, Entry: &corev1.JournalEntry{}}
		if err := decode(r.Entry, out[i].Entry.ProtoReflect()); err != nil {
			return nil, fmt.Errorf("%w: journal entry at %d of %s cannot be read", docstore.ErrUnavailable, r.Position, feed)
		}
	}
	return out, nil
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

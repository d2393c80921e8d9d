package mongo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fashen/internal/docstore"
)

// table is one collection, `doc_<collection>`.
type table struct {
	docs  *driver.Collection
	spec  docstore.TableSpec
	shape string
}

// Table opens a collection and brings its indexes up to the declaration.
func (e *Engine) Table(ctx context.Context, spec docstore.TableSpec) (docstore.Table, error) {
	t := &table{docs: e.db.Collection(docsName(spec.Name)), spec: spec, shape: shapeOf(spec)}
	if err := t.prepare(ctx); err != nil {
		return nil, fmt.Errorf("mongo: prepare %s: %w", spec.Name, err)
	}
	_, err := e.db.Collection("collections").UpdateOne(ctx, bson.D{{Key: "_id", Value: spec.Name}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "message", Value: string(spec.New().ProtoReflect().Descriptor().FullName())}}}},
		options.UpdateOne().SetUpsert(true))
	if err != nil {
		return nil, fmt.Errorf("mongo: prepare %s: %w", spec.Name, failure(err))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tables = append(e.tables, t)
	return t, nil
}

// Spec is the declaration the table was opened with.
func (t *table) Spec() docstore.TableSpec { return t.spec }

func (t *table) Insert(ctx context.Context, r *docstore.Record) error {
	d, err := t.content(r, true)
	if err != nil {
		return fmt.Errorf("mongo: encode: %w", err)
	}
	head := bson.D{{Key: "_id", Value: r.Name}, {Key: "version", Value: int64(1)}}
	if r.CreateKey != r.Name {
		head = append(head, bson.E{Key: "create_key", Value: r.CreateKey})
	}
	if since, ok := pendingSince(r.Envelope); ok {
		head = append(head, bson.E{Key: "pending", Value: since})
	}
	if _, err := t.docs.InsertOne(ctx, append(head, d...)); err != nil {
		return failure(err)
	}
	r.Version = 1
	return nil
}

func (t *table) Get(ctx context.Context, name string) (*docstore.Record, error) {
	return t.one(ctx, bson.D{{Key: "_id", Value: name}})
}

func (t *table) GetByCreateKey(ctx context.Context, key string) (*docstore.Record, error) {
	r, err := t.one(ctx, bson.D{{Key: "create_key", Value: key}})
	if errors.Is(err, docstore.ErrNotFound) {
		// A key equal to the name is not stored a second time.
		if r, err = t.Get(ctx, key); err == nil && r.CreateKey != key {
			return nil, docstore.ErrNotFound
		}
	}
	return r, err
}

func (t *table) one(ctx context.Context, filter bson.D) (*docstore.Record, error) {
	var s stored
	if err := t.docs.FindOne(ctx, filter).Decode(&s); err != nil {
		return nil, failure(err)
	}
	return t.record(s)
}

// versionOf selects a record as it was read.
func versionOf(r *docstore.Record) bson.D {
	return bson.D{{Key: "_id", Value: r.Name}, {Key: "version", Value: r.Version}}
}

// update sets content, counts the version up, and keeps `pending` true.
func update(r *docstore.Record, content bson.D) bson.D {
	content = append(bson.D{{Key: "version", Value: r.Version + 1}}, content...)
	if since, ok := pendingSince(r.Envelope); ok {
		return bson.D{{Key: "$set", Value: append(content, bson.E{Key: "pending", Value: since})}}
	}
	return bson.D{{Key: "$set", Value: content}, {Key: "$unset", Value: bson.D{{Key: "pending", Value: ""}}}}
}

func (t *table) Replace(ctx context.Context, r *docstore.Record, bodyChanged bool) error {
	d, err := t.content(r, bodyChanged)
	if err != nil {
		return fmt.Errorf("mongo: encode: %w", err)
	}
	res, err := t.docs.UpdateOne(ctx, versionOf(r), update(r, d))
	if err != nil {
		return failure(err)
	}
	if res.MatchedCount == 0 {
		return docstore.ErrConflict
	}
	r.Version++
	return nil
}

// Delete implements docstore.Table.
func (t *table) Delete(ctx context.Context, r *docstore.Record) error {
	res, err := t.docs.DeleteOne(ctx, versionOf(r))
	if err != nil {
		return failure(err)
	}
	if res.DeletedCount == 0 {
		return docstore.ErrConflict
	}
	return nil
}

func (t *table) Pending(ctx context.Context, limit int) ([]*docstore.Record, error) {
	filter := bson.D{{Key: "pending", Value: bson.D{{Key: "$gt", Value: time.Time{}}}}}
	return t.find(ctx, filter, options.Find().SetSort(bson.D{{Key: "pending", Value: 1}}).SetLimit(int64(limit)).
		SetProjection(bson.D{{Key: "version", Value: 1}, {Key: "envelope", Value: 1}}))
}

func (t *table) Drained(ctx context.Context, rs []*docstore.Record) (int, error) {
	if len(rs) == 0 {
		return 0, nil
	}
	models := make([]driver.WriteModel, len(rs))
	for i, r := range rs {
		envelope, err := encode(r.Envelope.ProtoReflect())
		if err != nil {
			return 0, fmt.Errorf("mongo: envelope of %s: %w", r.Name, err)
		}
		content := bson.D{{Key: "envelope", Value: bson.Raw(envelope)}}
		models[i] = driver.NewUpdateOneModel().SetFilter(versionOf(r)).SetUpdate(update(r, content))
	}
	res, err := t.docs.BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	if err != nil {
		return 0, failure(err)
	}
	return int(res.MatchedCount), nil
}

func (t *table) Viewers(ctx context.Context, names []string) (map[string][]string, error) {
	rs, err := t.find(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: names}}}},
		options.Find().SetProjection(bson.D{{Key: "envelope", Value: 1}}))
	if err != nil {
		return nil, err
	}
	out := make(map[string][]string, len(rs))
	for _, r := range rs {
		out[r.Name] = r.Envelope.GetViewers()
	}
	return out, nil
}

// find answers the decoded records of a query.
func (t *table) find(ctx context.Context, filter bson.D, o *options.FindOptionsBuilder) ([]*docstore.Record, error) {
	rows, err := t.rows(ctx, filter, o)
	if err != nil {
		return nil, err
	}
	out := make([]*docstore.Record, len(rows))
	for i, s := range rows {
		if out[i], err = t.record(s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (t *table) rows(ctx context.Context, filter bson.D, o *options.FindOptionsBuilder) ([]stored, error) {
	cur, err := t.docs.Find(ctx, filter, o)
	if err != nil {
		return nil, failure(err)
	}
	var rows []stored
	if err := cur.All(ctx, &rows); err != nil {
		return nil, failure(err)
	}
	return rows, nil
}

// walk reads records by name for verification; what cannot be read is nil.
func (t *table) walk(ctx context.Context, filter bson.D, limit int) ([]*docstore.Record, error) {
	rows, err := t.rows(ctx, filter, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(int64(limit)))
	if err != nil {
		return nil, err
	}
	out := make([]*docstore.Record, len(rows))
	for i, s := range rows {
		r := &docstore.Record{Name: s.Name, Version: s.Version, CreateKey: s.CreateKey}
		if r.CreateKey == "" {
			r.CreateKey = r.Name
		}
		if whole, err := t.record(s); err == nil {
			r = whole
		} else {
			s.Body = nil
			if rest, err := t.record(s); err == nil {
				r = rest
			}
		}
		out[i] = r
	}
	return out, nil
}

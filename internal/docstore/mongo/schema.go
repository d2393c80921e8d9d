package mongo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fashen/internal/docstore"
)

// shapeVersion is part of every shape; raising it works out all index values
// again.
const shapeVersion = "1"

// shapeOf names the declaration a document's index values were made for.
func shapeOf(spec docstore.TableSpec) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %v %v", shapeVersion, spec.Columns, spec.Indexes))
	return hex.EncodeToString(sum[:8])
}

func indexName(ix docstore.Index) string {
	name := "ix." + strings.Join(ix.Fields, ",")
	if len(name) > 100 { // servers bound the length
		sum := sha256.Sum256([]byte(name))
		name = "ix." + hex.EncodeToString(sum[:])
	}
	return name
}

// prepare makes what indexes are missing and works out the index values of
// documents that were written under another declaration. Indexes that are no
// longer declared stay: older processes may still use them.
func (t *table) prepare(ctx context.Context) error {
	models := []driver.IndexModel{
		{Keys: bson.D{{Key: "create_key", Value: 1}}, Options: options.Index().SetName("create_key").SetUnique(true).SetSparse(true)},
		{Keys: bson.D{{Key: "pending", Value: 1}}, Options: options.Index().SetName("pending").SetSparse(true)},
		{Keys: bson.D{{Key: "shape", Value: 1}}, Options: options.Index().SetName("shape")},
	}
	for _, ix := range t.spec.Indexes {
		keys := bson.D{}
		for _, f := range ix.Fields {
			keys = append(keys, bson.E{Key: path(f), Value: 1})
		}
		if keys[len(keys)-1].Key != "_id" {
			keys = append(keys, bson.E{Key: "_id", Value: 1})
		}
		models = append(models, driver.IndexModel{Keys: keys, Options: options.Index().SetName(indexName(ix))})
		if ix.Unique {
			// A document in which every field is empty has no key, and a sparse
			// index leaves it out.
			models = append(models, driver.IndexModel{
				Keys:    bson.D{{Key: "uq." + uniqueName(ix), Value: 1}},
				Options: options.Index().SetName("uq" + strings.TrimPrefix(indexName(ix), "ix")).SetUnique(true).SetSparse(true),
			})
		}
	}
	if err := t.reshape(ctx); err != nil {
		return err
	}
	_, err := t.docs.Indexes().CreateMany(ctx, models)
	return failure(err)
}

// reshape finds documents of another shape by two ranges of the shape index,
// so that a start with nothing to do looks at no document.
func (t *table) reshape(ctx context.Context) error {
	const batch = 100
	for _, op := range []string{"$lt", "$gt"} {
		filter := bson.D{{Key: "shape", Value: bson.D{{Key: op, Value: t.shape}}}}
		for {
			rs, err := t.find(ctx, filter, options.Find().SetLimit(batch))
			if err != nil {
				return err
			}
			for _, r := range rs {
				r.Index, r.Unique = t.spec.Values(r)
				// A document written in between has been given new values by its
				// writer, or is found again.
				_, err := t.docs.UpdateOne(ctx, versionOf(r), bson.D{{Key: "$set", Value: bson.D{
					{Key: "ix", Value: t.indexElements(r)}, {Key: "uq", Value: t.uniqueElements(r)}, {Key: "shape", Value: t.shape},
				}}})
				if err != nil {
					return fmt.Errorf("index %s: %w", r.Name, failure(err))
				}
			}
			if len(rs) < batch {
				break
			}
		}
	}
	return nil
}

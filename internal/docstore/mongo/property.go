package mongo

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fashen/internal/docstore"
)

// Property reads one property from the collection `properties`: {_id, value}.
func (e *Engine) Property(ctx context.Context, key string) (string, error) {
	var row struct {
		Value string `bson:"value"`
	}
	err := failure(e.db.Collection("properties").FindOne(ctx, bson.D{{Key: "_id", Value: key}}).Decode(&row))
	if errors.Is(err, docstore.ErrNotFound) {
		return "", nil
	}
	return row.Value, err
}

// SetProperty writes one property.
func (e *Engine) SetProperty(ctx context.Context, key, value string) error {
	properties, filter := e.db.Collection("properties"), bson.D{{Key: "_id", Value: key}}
	if value == "" {
		_, err := properties.DeleteOne(ctx, filter)
		return failure(err)
	}
	_, err := properties.UpdateOne(ctx, filter, bson.D{{Key: "$set", Value: bson.D{{Key: "value", Value: value}}}},
		options.UpdateOne().SetUpsert(true))
	return failure(err)
}

// Package mongo is the engine for production: one database per service, on a
// replica set or a sharded cluster.
//
// Its use of MongoDB is narrow: single-document writes filtered by name and
// version, plain and unique indexes, keyset pages, majority read and write
// concern, no transactions. Bodies are readable BSON.
package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"google.golang.org/protobuf/proto"

	"fashen/internal/docstore"
)

// Engine is one database. It implements [docstore.Engine].
type Engine struct {
	client *driver.Client
	db     *driver.Database
	log    *log
	blobs  *blobs

	mu     sync.Mutex
	tables []docstore.Table
}

var _ docstore.Engine = (*Engine)(nil)

// Open connects to a deployment and prepares the database of a service.
func Open(ctx context.Context, uri, database string) (*Engine, error) {
	return open(ctx, options.Client().ApplyURI(uri), database)
}

// Patience with a deployment, where its URI does not say otherwise. A server that
// falls silent is found out by two checks of its monitor in a row, which also ends
// the operations that wait for it; so all are over well before the 30 seconds a
// call has. An election may take the time of a selection.
const (
	heartbeat = 2 * time.Second
	connect   = 3 * time.Second
	selection = 10 * time.Second
)

func patience(o *options.ClientOptions) {
	if o.HeartbeatInterval == nil {
		o.SetHeartbeatInterval(heartbeat)
	}
	if o.ConnectTimeout == nil {
		o.SetConnectTimeout(connect)
	}
	if o.ServerSelectionTimeout == nil {
		o.SetServerSelectionTimeout(selection)
	}
}

func open(ctx context.Context, o *options.ClientOptions, database string) (*Engine, error) {
	patience(o)
	o.SetAppName("fashen").
		SetWriteConcern(writeconcern.Majority()).
		SetReadConcern(readconcern.Majority()).
		SetReadPreference(readpref.Primary())
	client, err := driver.Connect(o)
	if err != nil {
		return nil, fmt.Errorf("mongo: connect: %w", err)
	}
	e := &Engine{client: client, db: client.Database(database)}
	e.log = &log{entries: e.db.Collection("journal")}
	e.blobs = newBlobs(e.db)
	if err := e.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("mongo: open database %s: %w", database, err), client.Disconnect(context.WithoutCancel(ctx)))
	}
	return e, nil
}

func (e *Engine) prepare(ctx context.Context) error {
	if err := e.log.prepare(ctx); err != nil {
		return err
	}
	return e.blobs.prepare(ctx)
}

// Log is the service's collection of drained journal entries.
func (e *Engine) Log() docstore.Log { return e.log }

// Blobs keeps files in a GridFS bucket.
func (e *Engine) Blobs() docstore.BlobStore { return e.blobs }

// Tables lists the opened tables.
func (e *Engine) Tables() []docstore.Table {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.tables)
}

// Ping fails when the primary does not answer.
func (e *Engine) Ping(ctx context.Context) error {
	return failure(e.client.Ping(ctx, readpref.Primary()))
}

// Lease takes or renews a lease: an upsert that collides with another holder's
// lease has not got it.
func (e *Engine) Lease(ctx context.Context, name, holder string, now, until time.Time) (bool, error) {
	free := bson.A{
		bson.D{{Key: "holder", Value: holder}},
		bson.D{{Key: "until", Value: bson.D{{Key: "$lte", Value: now}}}},
	}
	_, err := e.db.Collection("leases").UpdateOne(ctx, bson.D{{Key: "_id", Value: name}, {Key: "$or", Value: free}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "holder", Value: holder}, {Key: "until", Value: until}}}},
		options.UpdateOne().SetUpsert(true))
	if driver.IsDuplicateKeyError(err) {
		return false, nil
	}
	return err == nil, failure(err)
}

// Close ends all connections.
func (e *Engine) Close() error { return e.client.Disconnect(context.Background()) }

// Stored lists the collections of the database.
func (e *Engine) Stored(ctx context.Context) ([]docstore.StoredCollection, error) {
	cur, err := e.db.Collection("collections").Find(ctx, bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		return nil, failure(err)
	}
	var rows []struct {
		Name    string `bson:"_id"`
		Message string `bson:"message"`
	}
	if err := cur.All(ctx, &rows); err != nil {
		return nil, failure(err)
	}
	out := make([]docstore.StoredCollection, len(rows))
	for i, r := range rows {
		out[i] = docstore.StoredCollection{Name: r.Name, Message: r.Message}
	}
	return out, nil
}

// Walk reads records in the order of their names.
func (e *Engine) Walk(ctx context.Context, collection string, newBody func() proto.Message, from string, limit int) ([]*docstore.Record, error) {
	t := &table{docs: e.db.Collection(docsName(collection)), spec: docstore.TableSpec{New: newBody}}
	return t.walk(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: from}}}}, limit)
}

func docsName(collection string) string { return "doc_" + collection }

// failure turns an error of the driver into one of the contract.
func failure(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, driver.ErrNoDocuments):
		return docstore.ErrNotFound
	case driver.IsDuplicateKeyError(err):
		return fmt.Errorf("%w: %w", docstore.ErrAlreadyExists, err)
	case errors.Is(err, context.Canceled):
		return err
	}
	// A deadline among them is the driver's own, or the caller's who would not wait
	// for a server that does not answer.
	return fmt.Errorf("%w: %w", docstore.ErrUnavailable, err)
}

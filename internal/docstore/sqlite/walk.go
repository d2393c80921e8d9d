package sqlite

import (
	"context"
	"database/sql"

	"google.golang.org/protobuf/proto"

	"fashen/internal/docstore"

	storagev1 "fashen/gen/fashen/storage/v1"
)

// Stored lists the collections of the file.
func (e *Engine) Stored(ctx context.Context) ([]docstore.StoredCollection, error) {
	rows, err := e.read.QueryContext(ctx, `SELECT name, message FROM collections ORDER BY name`)
	if err != nil {
		return nil, failure(err)
	}
	defer func() { _ = rows.Close() }()
	var out []docstore.StoredCollection
	for rows.Next() {
		var c docstore.StoredCollection
		if err := rows.Scan(&c.Name, &c.Message); err != nil {
			return nil, failure(err)
		}
		out = append(out, c)
	}
	return out, failure(rows.Err())
}

// Walk reads records in the order of their names.
func (e *Engine) Walk(ctx context.Context, collection string, newBody func() proto.Message, from string, limit int) ([]*docstore.Record, error) {
	return e.walk(ctx, e.read, quote("doc_"+collection), newBody, from, limit)
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func (e *Engine) walk(ctx context.Context, db querier, table string, newBody func() proto.Message, from string, limit int) ([]*docstore.Record, error) {
	rows, err := db.QueryContext(ctx, `SELECT `+recordColumns+` FROM `+table+` WHERE name >= ? ORDER BY name LIMIT ?`, from, limit)
	if err != nil {
		return nil, failure(err)
	}
	defer func() { _ = rows.Close() }()
	var out []*docstore.Record
	for rows.Next() {
		r := &docstore.Record{}
		var envelope, body []byte
		if err := rows.Scan(&r.Name, &r.Version, &r.CreateKey, &envelope, &body); err != nil {
			return nil, failure(err)
		}
		env, m := &storagev1.Envelope{}, newBody()
		if proto.Unmarshal(envelope, env) == nil {
			r.Envelope = env
		}
		if proto.Unmarshal(body, m) == nil {
			r.Body = m
		}
		out = append(out, r)
	}
	return out, failure(rows.Err())
}

package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"fashen/internal/docstore"

	storagev1 "fashen/gen/fashen/storage/v1"
)

// table is one collection: `doc_<collection>` with its index columns.
type table struct {
	e    *Engine
	spec docstore.TableSpec
	// id is the table's name, name the quoted one.
	id, name string
	// column finds the columns of the spec by field.
	column  map[string]int
	indexes []index
	// single are the positions of the columns kept in the table itself.
	single []int

	insert, get, byKey               *sql.Stmt
	replaceAll, replaceBody, replace *sql.Stmt
	pending, remove                  *sql.Stmt
}

const recordColumns = `name, version, coalesce(create_key, name), envelope, body`

// Table opens a collection and brings its indexes up to the declaration.
func (e *Engine) Table(ctx context.Context, spec docstore.TableSpec) (docstore.Table, error) {
	t := &table{e: e, spec: spec, id: "doc_" + spec.Name, column: map[string]int{}}
	t.name = quote(t.id)
	for i, c := range spec.Columns {
		t.column[c.Field] = i
		if !c.Repeated {
			t.single = append(t.single, i)
		}
	}
	t.resolveIndexes()
	if err := t.prepare(ctx); err != nil {
		return nil, fmt.Errorf("sqlite: prepare %s: %w", spec.Name, err)
	}
	if err := t.compile(ctx); err != nil {
		return nil, fmt.Errorf("sqlite: prepare %s: %w", spec.Name, failure(err))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tables = append(e.tables, t)
	return t, nil
}

func (t *table) pendingIndex() string { return quote(t.id + ".pending") }

// compile prepares the statements that do not depend on a query.
func (t *table) compile(ctx context.Context) error {
	cols := t.indexColumns()
	set := strings.Join(cols, " = ?, ")
	if set != "" {
		set = ", " + set + " = ?"
	}
	const where = ` WHERE name = ? AND version = ?`
	update := `UPDATE ` + t.name + ` SET version = version + 1, pending = ?, envelope = ?`
	head := `INSERT INTO ` + t.name + ` (name, version, create_key, pending, envelope, body`
	for _, c := range cols {
		head += ", " + c
	}
	statements := []struct {
		into  **sql.Stmt
		db    *sql.DB
		query string
	}{
		{&t.get, t.e.read, `SELECT ` + recordColumns + ` FROM ` + t.name + ` WHERE name = ?`},
		{&t.byKey, t.e.read, `SELECT ` + recordColumns + ` FROM ` + t.name + ` WHERE create_key = ?`},
		{&t.pending, t.e.read, `SELECT name, version, envelope FROM ` + t.name + ` INDEXED BY ` + t.pendingIndex() +
			` WHERE pending IS NOT NULL ORDER BY pending LIMIT ?`},
		{&t.insert, t.e.write, head + `) VALUES (?, 1, ?, ?, ?, ?` + strings.Repeat(", ?", len(cols)) + `)`},
		{&t.replace, t.e.write, update + where},
		{&t.remove, t.e.write, `DELETE FROM ` + t.name + where},
		{&t.replaceBody, t.e.write, update + `, body = ?` + where},
		{&t.replaceAll, t.e.write, update + `, body = ?` + set + where},
	}
	for _, s := range statements {
		if s.db == nil { // a store that is only read
			continue
		}
		stmt, err := s.db.PrepareContext(ctx, s.query)
		if err != nil {
			return err
		}
		*s.into = stmt
	}
	for n := range t.indexes {
		if ix := &t.indexes[n]; ix.repeated && t.e.write != nil {
			if err := t.compileSide(ctx, ix); err != nil {
				return err
			}
		}
	}
	return nil
}

// indexColumns are the quoted columns of the table that hold index values.
func (t *table) indexColumns() []string {
	var cols []string
	for _, i := range t.single {
		cols = append(cols, columnName(t.spec.Columns[i].Field))
	}
	for _, ix := range t.indexes {
		if ix.unique != "" {
			cols = append(cols, ix.unique)
		}
	}
	return cols
}

// indexArgs are the values of indexColumns.
func (t *table) indexArgs(r *docstore.Record) []any {
	var args []any
	for _, i := range t.single {
		args = append(args, r.Index[i][0])
	}
	for _, key := range r.Unique {
		args = append(args, sql.NullString{String: key, Valid: key != ""})
	}
	return args
}

// Spec is the declaration the table was opened with.
func (t *table) Spec() docstore.TableSpec { return t.spec }

func (t *table) Insert(ctx context.Context, r *docstore.Record) error {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(r.Body)
	if err != nil {
		return fmt.Errorf("sqlite: encode %s: %w", r.Name, err)
	}
	envelope, err := proto.Marshal(r.Envelope)
	if err != nil {
		return fmt.Errorf("sqlite: encode %s: %w", r.Name, err)
	}
	key := sql.NullString{String: r.CreateKey, Valid: r.CreateKey != r.Name}
	args := append([]any{r.Name, key, pendingSince(r.Envelope), envelope, body}, t.indexArgs(r)...)
	rows := t.sideRows(r.Name, r.Index)
	err = t.e.queue.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.StmtContext(ctx, t.insert).ExecContext(ctx, args...); err != nil {
			return failure(err)
		}
		return writeSide(ctx, tx, nil, rows)
	})
	if err == nil {
		r.Version = 1
	}
	return err
}

// pendingSince is the time of the oldest entry to drain, null without one.
func pendingSince(env *storagev1.Envelope) sql.NullInt64 {
	if len(env.GetTail()) == 0 {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: env.GetTail()[0].GetTime().AsTime().UnixMilli(), Valid: true}
}

func (t *table) Get(ctx context.Context, name string) (*docstore.Record, error) {
	return t.one(t.get.QueryRowContext(ctx, name))
}

func (t *table) GetByCreateKey(ctx context.Context, key string) (*docstore.Record, error) {
	r, err := t.one(t.byKey.QueryRowContext(ctx, key))
	if errors.Is(err, docstore.ErrNotFound) {
		// A key equal to the name is not stored a second time.
		if r, err = t.Get(ctx, key); err == nil && r.CreateKey != key {
			return nil, docstore.ErrNotFound
		}
	}
	return r, err
}

// scanner is a row: *sql.Row or *sql.Rows.
type scanner interface{ Scan(into ...any) error }

// row is a record as it is kept.
type row struct {
	docstore.Record
	envelope, body []byte
}

func scanRow(s scanner, more ...any) (*row, error) {
	r := &row{}
	into := append([]any{&r.Name, &r.Version, &r.CreateKey, &r.envelope, &r.body}, more...)
	if err := s.Scan(into...); err != nil {
		return nil, failure(err)
	}
	return r, nil
}

func (t *table) decode(s *row) (*docstore.Record, error) {
	r := s.Record
	r.Envelope, r.Body = &storagev1.Envelope{}, t.spec.New()
	if err := proto.Unmarshal(s.envelope, r.Envelope); err != nil {
		return nil, fmt.Errorf("sqlite: decode envelope of %s: %w", r.Name, err)
	}
	if err := proto.Unmarshal(s.body, r.Body); err != nil {
		return nil, fmt.Errorf("sqlite: decode %s: %w", r.Name, err)
	}
	return &r, nil
}

func (t *table) one(s scanner) (*docstore.Record, error) {
	r, err := scanRow(s)
	if err != nil {
		return nil, err
	}
	return t.decode(r)
}

func (t *table) Replace(ctx context.Context, r *docstore.Record, bodyChanged bool) error {
	envelope, err := proto.Marshal(r.Envelope)
	if err != nil {
		return fmt.Errorf("sqlite: encode %s: %w", r.Name, err)
	}
	stmt, args := t.replace, []any{pendingSince(r.Envelope), envelope}
	if bodyChanged {
		body, err := proto.MarshalOptions{Deterministic: true}.Marshal(r.Body)
		if err != nil {
			return fmt.Errorf("sqlite: encode %s: %w", r.Name, err)
		}
		stmt, args = t.replaceBody, append(args, body)
		if t.singleChanged(r) {
			stmt, args = t.replaceAll, append(args, t.indexArgs(r)...)
		}
	}
	args = append(args, r.Name, r.Version)
	gone, come := difference(t.sideRows(r.Name, r.Was), t.sideRows(r.Name, r.Index))
	err = t.e.queue.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := oneRow(tx.StmtContext(ctx, stmt).ExecContext(ctx, args...)); err != nil {
			return err
		}
		return writeSide(ctx, tx, gone, come)
	})
	if err == nil {
		r.Version++
	}
	return err
}

// oneRow is ErrConflict when a compare-and-set wrote nothing.
func oneRow(res sql.Result, err error) error {
	if err != nil {
		return failure(err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return failure(err)
	}
	if n == 0 {
		return docstore.ErrConflict
	}
	return nil
}

// Delete implements docstore.Table.
func (t *table) Delete(ctx context.Context, r *docstore.Record) error {
	rows := t.sideRows(r.Name, r.Was)
	return t.e.queue.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := oneRow(tx.StmtContext(ctx, t.remove).ExecContext(ctx, r.Name, r.Version)); err != nil {
			return err
		}
		return writeSide(ctx, tx, rows, nil)
	})
}

func (t *table) singleChanged(r *docstore.Record) bool {
	for _, i := range t.single {
		if len(r.Was) == 0 || r.Was[i][0] != r.Index[i][0] {
			return true
		}
	}
	return false
}

func (t *table) Pending(ctx context.Context, limit int) ([]*docstore.Record, error) {
	rows, err := t.pending.QueryContext(ctx, limit)
	if err != nil {
		return nil, failure(err)
	}
	defer func() { _ = rows.Close() }()
	var out []*docstore.Record
	for rows.Next() {
		r := &docstore.Record{Envelope: &storagev1.Envelope{}}
		var envelope []byte
		if err := rows.Scan(&r.Name, &r.Version, &envelope); err != nil {
			return nil, failure(err)
		}
		if err := proto.Unmarshal(envelope, r.Envelope); err != nil {
			return nil, fmt.Errorf("sqlite: decode envelope of %s: %w", r.Name, err)
		}
		out = append(out, r)
	}
	return out, failure(rows.Err())
}

func (t *table) Drained(ctx context.Context, rs []*docstore.Record) (int, error) {
	written := 0
	err := t.e.queue.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		stmt := tx.StmtContext(ctx, t.replace)
		for _, r := range rs {
			envelope, err := proto.Marshal(r.Envelope)
			if err != nil {
				return fmt.Errorf("sqlite: encode %s: %w", r.Name, err)
			}
			err = oneRow(stmt.ExecContext(ctx, pendingSince(r.Envelope), envelope, r.Name, r.Version))
			switch {
			case err == nil:
				written++
			case !errors.Is(err, docstore.ErrConflict): // that one waits for the next time
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return written, nil
}

func (t *table) Viewers(ctx context.Context, names []string) (map[string][]string, error) {
	list, err := json.Marshal(names)
	if err != nil {
		return nil, fmt.Errorf("sqlite: encode names: %w", err)
	}
	rows, err := t.e.query(ctx, `SELECT name, envelope FROM `+t.name+` WHERE name IN (SELECT value FROM json_each(?))`, string(list))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := map[string][]string{}
	for rows.Next() {
		var name string
		var envelope []byte
		if err := rows.Scan(&name, &envelope); err != nil {
			return nil, failure(err)
		}
		env := &storagev1.Envelope{}
		if err := proto.Unmarshal(envelope, env); err != nil {
			return nil, fmt.Errorf("sqlite: decode envelope of %s: %w", name, err)
		}
		out[name] = env.GetViewers()
	}
	return out, failure(rows.Err())
}

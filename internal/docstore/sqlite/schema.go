package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fashen/internal/docstore"
)

// baseSchema is what every store has. A blob without a hash is an upload that
// is not finished.
const baseSchema = `
CREATE TABLE IF NOT EXISTS collections (
  name TEXT PRIMARY KEY, message TEXT NOT NULL, fingerprint TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (
  resource TEXT NOT NULL, sequence INTEGER NOT NULL, actor TEXT NOT NULL, request_id TEXT NOT NULL,
  time INTEGER NOT NULL, entry BLOB NOT NULL, feed TEXT NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY (resource, sequence)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS journal_feed ON journal (feed, position);
CREATE INDEX IF NOT EXISTS journal_requests ON journal (actor, request_id, time) WHERE request_id <> '';
CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (id INTEGER PRIMARY KEY AUTOINCREMENT, sha256 TEXT UNIQUE, size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS properties (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blob_chunks (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
`

// schemaVersion is part of every fingerprint; raising it rebuilds all indexes.
const schemaVersion = "1"

func (e *Engine) createBase(ctx context.Context) error {
	return e.inTx(ctx, func(tx *sql.Tx) error {
		if err := upgradeBase(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, baseSchema); err != nil {
			return failure(err)
		}
		return sweepUploads(ctx, tx)
	})
}

// fingerprint names the shape of a collection's indexes. A store whose shape
// is the declared one is opened without looking at any document.
func fingerprint(spec docstore.TableSpec) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %v %v", schemaVersion, spec.Columns, spec.Indexes))
	return hex.EncodeToString(sum[:])
}

func quote(id string) string { return `"` + strings.ReplaceAll(id, `"`, `""`) + `"` }

func columnName(field string) string {
	if field == docstore.FieldName {
		return "name"
	}
	return quote("ix." + field)
}

func columnNames(fields []string) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = columnName(f)
	}
	return strings.Join(names, ", ")
}

// index is a declared index as it is kept.
type index struct {
	docstore.Index
	// fields end with the name.
	fields []string
	// repeated is set when the index is a table of its own.
	repeated bool
	// name of the SQL index, or of the table, quoted.
	name string
	// unique is the quoted column of the unique key, empty without one.
	unique string
	// add and remove write rows of an index that is a table.
	add, remove *sql.Stmt
}

func (t *table) resolveIndexes() {
	for _, declared := range t.spec.Indexes {
		fields := slices.Clone(declared.Fields)
		if fields[len(fields)-1] != docstore.FieldName {
			fields = append(fields, docstore.FieldName)
		}
		ix := index{Index: declared, fields: fields}
		list := strings.Join(declared.Fields, ",")
		for _, f := range fields {
			if at, ok := t.column[f]; ok && t.spec.Columns[at].Repeated {
				ix.repeated = true
			}
		}
		ix.name = quote(t.id + ".ix." + list)
		if declared.Unique {
			ix.unique = quote("uq." + list)
		}
		t.indexes = append(t.indexes, ix)
	}
}

// prepare brings the stored shape up to the declared one, in one transaction.
func (t *table) prepare(ctx context.Context) error {
	want := fingerprint(t.spec)
	message := string(t.spec.New().ProtoReflect().Descriptor().FullName())
	var have string
	err := t.e.read.QueryRowContext(ctx, `SELECT fingerprint FROM collections WHERE name = ?`, t.spec.Name).Scan(&have)
	if err == nil && have == want {
		return nil
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return failure(err)
	}
	if t.e.write == nil {
		return fmt.Errorf("%w: the indexes of %s are of another version", docstore.ErrUnavailable, t.spec.Name)
	}
	return t.e.inTx(ctx, func(tx *sql.Tx) error {
		if err := t.reshape(ctx, tx); err != nil {
			return failure(err)
		}
		if err := t.fillIndexes(ctx, tx); err != nil {
			return err
		}
		for _, q := range t.indexStatements() {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return failure(err)
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO collections (name, message, fingerprint) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET message = excluded.message, fingerprint = excluded.fingerprint`,
			t.spec.Name, message, want)
		return failure(err)
	})
}

// reshape makes the table and its columns, and removes every index.
func (t *table) reshape(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS `+t.name+` (name TEXT PRIMARY KEY, version INTEGER NOT NULL,
		create_key TEXT UNIQUE, pending INTEGER, envelope BLOB NOT NULL, body BLOB NOT NULL)`)
	if err != nil {
		return err
	}
	old, err := texts(ctx, tx, `SELECT 'DROP ' || upper(type) || ' "' || replace(name, '"', '""') || '"' FROM sqlite_schema
		WHERE type IN ('index', 'table') AND sql IS NOT NULL AND substr(name, 1, ?) = ? ORDER BY type`,
		len(t.id)+1, t.id+".")
	if err != nil {
		return err
	}
	have, err := texts(ctx, tx, `SELECT name FROM pragma_table_info(?) WHERE substr(name, 1, 3) IN ('ix.', 'uq.')`, t.id)
	if err != nil {
		return err
	}
	for _, c := range have {
		old = append(old, `ALTER TABLE `+t.name+` DROP COLUMN `+quote(c))
	}
	for _, c := range t.spec.Columns {
		if !c.Repeated {
			old = append(old, fmt.Sprintf(`ALTER TABLE %s ADD COLUMN %s`, t.name, columnName(c.Field)))
		}
	}
	for _, ix := range t.indexes {
		if ix.unique != "" {
			old = append(old, `ALTER TABLE `+t.name+` ADD COLUMN `+ix.unique)
		}
		if ix.repeated {
			old = append(old, fmt.Sprintf(`CREATE TABLE %s (%s, PRIMARY KEY (%[2]s)) WITHOUT ROWID`, ix.name, columnNames(ix.fields)))
		}
	}
	for _, q := range old {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	return nil
}

// indexStatements are run after the columns are filled, which is quicker.
func (t *table) indexStatements() []string {
	out := []string{fmt.Sprintf(`CREATE INDEX %s ON %s (pending) WHERE pending IS NOT NULL`, t.pendingIndex(), t.name)}
	for _, ix := range t.indexes {
		if !ix.repeated {
			out = append(out, fmt.Sprintf(`CREATE INDEX %s ON %s (%s)`, ix.name, t.name, columnNames(ix.fields)))
		}
		if ix.unique != "" {
			name := quote(t.id + "." + strings.Trim(ix.unique, `"`))
			out = append(out, fmt.Sprintf(`CREATE UNIQUE INDEX %s ON %s (%s)`, name, t.name, ix.unique))
		}
	}
	return out
}

// fillIndexes works out the index values of every stored document again.
func (t *table) fillIndexes(ctx context.Context, tx *sql.Tx) error {
	const batch = 200
	for from := ""; ; {
		rs, err := t.e.walk(ctx, tx, t.name, t.spec.New, from, batch)
		if err != nil {
			return err
		}
		for _, r := range rs {
			if r.Body == nil || r.Envelope == nil {
				return fmt.Errorf("%w: document %s cannot be read", docstore.ErrUnavailable, r.Name)
			}
			r.Index, r.Unique = t.spec.Values(r)
			if err := t.writeIndex(ctx, tx, r); err != nil {
				return fmt.Errorf("index %s: %w", r.Name, err)
			}
		}
		if len(rs) < batch {
			return nil
		}
		from = rs[len(rs)-1].Name + "\x00"
	}
}

func texts(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

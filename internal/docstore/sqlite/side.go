package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"fashen/internal/docstore"
)

// sideRow is one row of an index with a repeated field.
type sideRow struct {
	table  string
	fields []string
	values []any
}

// sideRows are the rows of a document in the indexes with a repeated field.
func (t *table) sideRows(name string, values []docstore.Value) []sideRow {
	if len(values) == 0 {
		return nil
	}
	var out []sideRow
	for _, ix := range t.indexes {
		if !ix.repeated {
			continue
		}
		row := make([]any, len(ix.fields))
		at, many := 0, docstore.Value(nil)
		for i, f := range ix.fields {
			c, ok := t.column[f]
			switch {
			case !ok:
				row[i] = name
			case t.spec.Columns[c].Repeated:
				at, many = i, values[c]
			default:
				row[i] = values[c][0]
			}
		}
		for _, v := range many {
			one := slices.Clone(row)
			one[at] = v
			out = append(out, sideRow{table: ix.name, fields: ix.fields, values: one})
		}
	}
	return out
}

// difference tells which rows go and which come; most changes touch few.
func difference(was, now []sideRow) (gone, come []sideRow) {
	key := func(r sideRow) string { return fmt.Sprintf("%s %q", r.table, r.values) }
	have := make(map[string]bool, len(was))
	for _, r := range was {
		have[key(r)] = true
	}
	stay := make(map[string]bool, len(now))
	for _, r := range now {
		k := key(r)
		stay[k] = true
		if !have[k] {
			come = append(come, r)
		}
	}
	for _, r := range was {
		if !stay[key(r)] {
			gone = append(gone, r)
		}
	}
	return gone, come
}

func (e *Engine) insertSide(ctx context.Context, tx *sql.Tx, rows []sideRow) error {
	for _, r := range rows {
		q := fmt.Sprintf(`INSERT INTO %s (%s) VALUES (?%s)`, r.table, columnNames(r.fields), strings.Repeat(", ?", len(r.fields)-1))
		if err := e.execSide(ctx, tx, q, r); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) execSide(ctx context.Context, tx *sql.Tx, q string, r sideRow) error {
	stmt, err := e.writing(ctx, tx, q)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(ctx, r.values...)
	return failure(err)
}

func (e *Engine) deleteSide(ctx context.Context, tx *sql.Tx, rows []sideRow) error {
	for _, r := range rows {
		conds := make([]string, len(r.fields))
		for i, f := range r.fields {
			conds[i] = columnName(f) + " = ?"
		}
		q := fmt.Sprintf(`DELETE FROM %s WHERE %s`, r.table, strings.Join(conds, " AND "))
		if err := e.execSide(ctx, tx, q, r); err != nil {
			return err
		}
	}
	return nil
}

// writeIndex fills the index columns and rows of a stored document.
func (t *table) writeIndex(ctx context.Context, tx *sql.Tx, r *docstore.Record) error {
	if cols := t.indexColumns(); len(cols) > 0 {
		q := fmt.Sprintf(`UPDATE %s SET %s = ? WHERE name = ?`, t.name, strings.Join(cols, " = ?, "))
		if _, err := tx.ExecContext(ctx, q, append(t.indexArgs(r), r.Name)...); err != nil {
			return failure(err)
		}
	}
	return t.e.insertSide(ctx, tx, t.sideRows(r.Name, r.Index))
}

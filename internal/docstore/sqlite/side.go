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
	index  *index
	values []any
}

// sideRows are the rows of a document in the indexes with a repeated field.
func (t *table) sideRows(name string, values []docstore.Value) []sideRow {
	if len(values) == 0 {
		return nil
	}
	var out []sideRow
	for n := range t.indexes {
		ix := &t.indexes[n]
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
			out = append(out, sideRow{index: ix, values: one})
		}
	}
	return out
}

// difference tells which rows go and which come; most changes touch few.
func difference(was, now []sideRow) (gone, come []sideRow) {
	key := func(r sideRow) string { return fmt.Sprintf("%s %q", r.index.name, r.values) }
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

// compileSide prepares the statements of an index that is a table.
func (t *table) compileSide(ctx context.Context, ix *index) (err error) {
	conds := make([]string, len(ix.fields))
	for i, f := range ix.fields {
		conds[i] = columnName(f) + " = ?"
	}
	ix.remove, err = t.e.write.PrepareContext(ctx, fmt.Sprintf(`DELETE FROM %s WHERE %s`, ix.name, strings.Join(conds, " AND ")))
	if err != nil {
		return err
	}
	ix.add, err = t.e.write.PrepareContext(ctx, insertRow(ix))
	return err
}

func insertRow(ix *index) string {
	marks := strings.Repeat(", ?", len(ix.fields))[2:]
	return fmt.Sprintf(`INSERT INTO %s (%s) VALUES (%s)`, ix.name, columnNames(ix.fields), marks)
}

// writeSide takes the rows that go out and puts in those that come.
func writeSide(ctx context.Context, tx *sql.Tx, gone, come []sideRow) error {
	for _, r := range gone {
		if _, err := tx.StmtContext(ctx, r.index.remove).ExecContext(ctx, r.values...); err != nil {
			return failure(err)
		}
	}
	for _, r := range come {
		if _, err := tx.StmtContext(ctx, r.index.add).ExecContext(ctx, r.values...); err != nil {
			return failure(err)
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
	// The table's own statements are compiled once its shape is right.
	for _, row := range t.sideRows(r.Name, r.Index) {
		if _, err := tx.ExecContext(ctx, insertRow(row.index), row.values...); err != nil {
			return failure(err)
		}
	}
	return nil
}

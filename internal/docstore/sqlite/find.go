package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"fashen/internal/docstore"
)

// scan is the SQL of one scan of an index: where the rows come from and which.
type scan struct {
	from  string
	where []string
	args  []any
	order string
	// alias of the source of the index columns.
	alias string
}

// scanOf plans one scan: the whole query, or the part of one any-of value. The
// index is named in the statement, so that it runs as planned or fails.
func (t *table) scanOf(p *docstore.Plan, anyOf any) scan {
	s := scan{from: t.name + " t", alias: "t."}
	if p.Index != nil {
		ix := t.indexFor(p.Index)
		if ix.repeated {
			s.from, s.alias = ix.name+" s", "s."
		} else {
			s.from += " INDEXED BY " + ix.name
		}
	}
	for _, c := range p.Equal {
		s.and(s.alias+columnName(c.Column.Field)+" = ?", c.Values[0])
	}
	if p.AnyOf != nil && anyOf != nil {
		s.and(s.alias+columnName(p.AnyOf.Column.Field)+" = ?", anyOf)
	}
	s.bounds(p)
	return s
}

func (s *scan) and(cond string, args ...any) {
	s.where = append(s.where, cond)
	s.args = append(s.args, args...)
}

func (s *scan) bounds(p *docstore.Plan) {
	order, name := s.alias+columnName(p.Order.Field), s.alias+"name"
	direction, beyond := "", ">"
	if p.Descending {
		direction, beyond = " DESC", "<"
	}
	if p.From != nil {
		s.and(order+" >= ?", p.From)
	}
	if p.To != nil {
		s.and(order+" < ?", p.To)
	}
	byName := p.Order.Field == docstore.FieldName
	if p.After != nil && byName {
		s.and(fmt.Sprintf("%s %s ?", name, beyond), p.After.Name)
	} else if p.After != nil {
		s.and(fmt.Sprintf("(%s, %s) %s (?, ?)", order, name, beyond), p.After.Value, p.After.Name)
	}
	if !byName {
		s.order = order + direction + ", "
	}
	s.order += name + direction
}

func (s *scan) condition() string {
	if len(s.where) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(s.where, " AND ")
}

func (t *table) indexFor(declared *docstore.Index) index {
	for _, ix := range t.indexes {
		if slices.Equal(ix.Index.Fields, declared.Fields) {
			return ix
		}
	}
	panic("sqlite: plan with an index that was not declared") // plans are made from the same Spec
}

// records is the statement that answers whole documents of one scan.
func (t *table) records(s scan, p *docstore.Plan) (string, []any) {
	from := s.from
	if s.alias == "s." {
		from += " CROSS JOIN " + t.name + " t ON t.name = s.name"
	}
	q := fmt.Sprintf(`SELECT t.name, t.version, coalesce(t.create_key, t.name), t.envelope, t.body, %s FROM %s%s ORDER BY %s LIMIT ?`,
		s.alias+columnName(p.Order.Field), from, s.condition(), s.order)
	return q, append(s.args, p.Limit+1) // one more says that the list goes on
}

// keys is the statement that answers the positions of one scan.
func (t *table) keys(s scan, p *docstore.Plan) (string, []any) {
	q := fmt.Sprintf(`SELECT %s, %sname FROM %s%s ORDER BY %s LIMIT ?`,
		s.alias+columnName(p.Order.Field), s.alias, s.from, s.condition(), s.order)
	return q, append(s.args, p.Limit+1)
}

func (t *table) Find(ctx context.Context, p *docstore.Plan) (docstore.Found, error) {
	if p.AnyOf != nil && len(p.AnyOf.Values) > 1 {
		return t.findAny(ctx, p)
	}
	var found docstore.Found
	q, args := t.records(t.scanOf(p, onlyValue(p)), p)
	rows, err := t.e.query(ctx, q, args...)
	if err != nil {
		return found, err
	}
	defer func() { _ = rows.Close() }()
	for !found.More && rows.Next() {
		var at docstore.Position
		r, err := scanRow(rows, &at.Value)
		if err != nil {
			return found, err
		}
		at.Name = r.Name
		if err := found.Take(p, at, len(r.body), func() (*docstore.Record, error) { return t.decode(r) }); err != nil {
			return found, err
		}
		found.Examined += 2 // the index entry and the document
	}
	return found, failure(rows.Err())
}

func onlyValue(p *docstore.Plan) any {
	if p.AnyOf == nil {
		return nil
	}
	return p.AnyOf.Values[0]
}

// findAny runs one scan per value over one snapshot, merges the positions and
// reads the documents of the page.
func (t *table) findAny(ctx context.Context, p *docstore.Plan) (docstore.Found, error) {
	var found docstore.Found
	q, _ := t.keys(t.scanOf(p, p.AnyOf.Values[0]), p) // the same for each value
	scan, err := t.e.statement(ctx, t.e.read, q)
	if err != nil {
		return found, err
	}
	tx, err := t.e.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return found, failure(err)
	}
	defer func() { _ = tx.Rollback() }()
	var all []docstore.Position
	scan = tx.StmtContext(ctx, scan)
	for _, v := range p.AnyOf.Values {
		_, args := t.keys(t.scanOf(p, v), p)
		if all, err = positions(ctx, scan, all, args); err != nil {
			return found, err
		}
	}
	found.Examined = len(all)
	all = docstore.MergePositions(all, p.Descending, p.Limit+1)
	get := tx.StmtContext(ctx, t.get)
	for i := 0; i < len(all) && !found.More; i++ {
		r, err := scanRow(get.QueryRowContext(ctx, all[i].Name))
		if err != nil {
			return found, err
		}
		if err := found.Take(p, all[i], len(r.body), func() (*docstore.Record, error) { return t.decode(r) }); err != nil {
			return found, err
		}
		found.Examined++
	}
	return found, nil
}

func positions(ctx context.Context, stmt *sql.Stmt, into []docstore.Position, args []any) ([]docstore.Position, error) {
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return into, failure(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var at docstore.Position
		if err := rows.Scan(&at.Value, &at.Name); err != nil {
			return into, failure(err)
		}
		into = append(into, at)
	}
	return into, failure(rows.Err())
}

// Aggregate reads no bodies: every column it needs is an index column.
func (t *table) Aggregate(ctx context.Context, p *docstore.Plan, by, sum []docstore.Column) ([]docstore.Group, error) {
	q, args := t.aggregate(p, by, sum)
	rows, err := t.e.read.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, failure(err)
	}
	defer func() { _ = rows.Close() }()
	var out []docstore.Group
	for rows.Next() {
		g := docstore.Group{Key: make([]any, len(by)), Sums: make([]int64, len(sum))}
		var into []any
		for i := range g.Key {
			into = append(into, &g.Key[i])
		}
		into = append(into, &g.Count)
		for i := range g.Sums {
			into = append(into, &g.Sums[i])
		}
		if err := rows.Scan(into...); err != nil {
			return nil, failure(err)
		}
		if g.Count > 0 { // without groups SQL answers a line about nothing
			out = append(out, g)
		}
	}
	return out, failure(rows.Err())
}

func (t *table) aggregate(p *docstore.Plan, by, sum []docstore.Column) (string, []any) {
	s := t.scanOf(p, nil)
	if p.AnyOf != nil {
		marks := strings.Repeat(", ?", len(p.AnyOf.Values))[2:]
		s.and(s.alias+columnName(p.AnyOf.Column.Field)+" IN ("+marks+")", p.AnyOf.Values...)
	}
	from, where := s.from, s.condition()
	if s.alias == "s." { // a document once, whichever value it was found by
		from = fmt.Sprintf(`(SELECT DISTINCT s.name FROM %s%s) k CROSS JOIN %s t ON t.name = k.name`, s.from, where, t.name)
		where = ""
	}
	var out []string
	for _, c := range by {
		out = append(out, "t."+columnName(c.Field))
	}
	groups := strings.Join(out, ", ")
	out = append(out, "count(*)")
	for _, c := range sum {
		out = append(out, "coalesce(sum(t."+columnName(c.Field)+"), 0)")
	}
	q := fmt.Sprintf(`SELECT %s FROM %s%s`, strings.Join(out, ", "), from, where)
	if groups != "" {
		q += fmt.Sprintf(` GROUP BY %s ORDER BY %[1]s`, groups)
	}
	return q, s.args
}

// Explain answers SQLite's query plan, one step a line.
func (t *table) Explain(ctx context.Context, p *docstore.Plan) (string, error) {
	q, args := t.records(t.scanOf(p, onlyValue(p)), p)
	rows, err := t.e.read.QueryContext(ctx, `EXPLAIN QUERY PLAN `+q, args...)
	if err != nil {
		return "", failure(err)
	}
	defer func() { _ = rows.Close() }()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return "", failure(err)
		}
		lines = append(lines, detail)
	}
	return strings.Join(lines, "\n"), failure(rows.Err())
}

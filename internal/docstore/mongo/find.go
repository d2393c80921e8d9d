package mongo

import (
	"context"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fashen/internal/docstore"
)

func isEqual(field string, v any) bson.E { return bson.E{Key: path(field), Value: v} }

// equal is the part of a filter that all scans of a plan share.
func equal(p *docstore.Plan) bson.D {
	filter := bson.D{}
	for _, c := range p.Equal {
		filter = append(filter, isEqual(c.Column.Field, c.Values[0]))
	}
	return filter
}

// bounds is the range of the order field, or nothing.
func bounds(p *docstore.Plan, more ...bson.E) bson.D {
	cond := bson.D{}
	if p.From != nil {
		cond = append(cond, bson.E{Key: "$gte", Value: p.From})
	}
	if p.To != nil {
		cond = append(cond, bson.E{Key: "$lt", Value: p.To})
	}
	cond = append(cond, more...)
	if len(cond) == 0 {
		return nil
	}
	if len(cond) == 1 {
		return bson.D{{Key: path(p.Order.Field), Value: cond}}
	}
	// Two bounds of one direction cannot stand in one condition.
	and := bson.A{}
	for _, c := range cond {
		and = append(and, bson.D{{Key: path(p.Order.Field), Value: bson.D{c}}})
	}
	return bson.D{{Key: "$and", Value: and}}
}

// scans are the filters whose results, one after the other, are the list of
// one any-of value. After a page there are two: the rest of the documents with
// the last value of the order field, and those beyond it. Each is one tight
// range of the index, which a disjunction of both would not be.
func scans(p *docstore.Plan, anyOf any) []bson.D {
	base := equal(p)
	if anyOf != nil {
		base = append(base, isEqual(p.AnyOf.Column.Field, anyOf))
	}
	with := func(more bson.D) bson.D { return append(slices.Clone(base), more...) }
	if p.After == nil {
		return []bson.D{with(bounds(p))}
	}
	beyond := "$gt"
	if p.Descending {
		beyond = "$lt"
	}
	if p.Order.Field == docstore.FieldName {
		return []bson.D{with(bounds(p, bson.E{Key: beyond, Value: p.After.Name}))}
	}
	return []bson.D{
		with(bson.D{isEqual(p.Order.Field, p.After.Value), {Key: "_id", Value: bson.D{{Key: beyond, Value: p.After.Name}}}}),
		with(bounds(p, bson.E{Key: beyond, Value: p.After.Value})),
	}
}

// findOptions give the order, and name the index, so that the query runs as
// planned.
func findOptions(p *docstore.Plan, limit int) *options.FindOptionsBuilder {
	direction := 1
	if p.Descending {
		direction = -1
	}
	sort := bson.D{{Key: "_id", Value: direction}}
	if p.Order.Field != docstore.FieldName {
		sort = append(bson.D{{Key: path(p.Order.Field), Value: direction}}, sort...)
	}
	return options.Find().SetSort(sort).SetLimit(int64(limit)).SetHint(hint(p))
}

func hint(p *docstore.Plan) string {
	if p.Index == nil {
		return "_id_"
	}
	return indexName(*p.Index)
}

func (t *table) Find(ctx context.Context, p *docstore.Plan) (docstore.Found, error) {
	if p.AnyOf != nil && len(p.AnyOf.Values) > 1 {
		return t.findAny(ctx, p)
	}
	var value any
	if p.AnyOf != nil {
		value = p.AnyOf.Values[0]
	}
	var found docstore.Found
	err := t.scan(ctx, p, value, nil, func(s stored) (bool, error) {
		found.Examined += 2 // the index entry and the document
		err := found.Take(p, position(p, s), len(s.Body), func() (*docstore.Record, error) { return t.record(s) })
		return !found.More, err
	})
	return found, err
}

// firstBatch is how many whole documents are asked for before anything is known
// of their size. A page that takes them all has room for more of their kind;
// then a batch is what the server answers at once, at most 16 MiB.
const (
	firstBatch = 16
	nextBatch  = 1000
)

// scan reads documents of one any-of value, one more than the limit of a plan,
// until there are no more or yield does not go on.
func (t *table) scan(ctx context.Context, p *docstore.Plan, anyOf any, projection bson.D, yield func(stored) (bool, error)) error {
	left := p.Limit + 1
	for _, filter := range scans(p, anyOf) {
		if left == 0 {
			break
		}
		o := findOptions(p, left)
		if projection == nil {
			o.SetBatchSize(firstBatch)
		} else {
			o.SetProjection(projection)
		}
		on, err := t.each(ctx, filter, o, func(s stored) (bool, error) {
			left--
			return yield(s)
		})
		if err != nil || !on {
			return err
		}
	}
	return nil
}

// each reads the documents of a query as long as yield goes on, and tells
// whether it did to the end.
func (t *table) each(ctx context.Context, filter bson.D, o *options.FindOptionsBuilder, yield func(stored) (bool, error)) (bool, error) {
	cur, err := t.docs.Find(ctx, filter, o)
	if err != nil {
		return false, failure(err)
	}
	defer func() { _ = cur.Close(ctx) }()
	cur.SetBatchSize(nextBatch)
	for cur.Next(ctx) {
		var s stored
		if err := cur.Decode(&s); err != nil {
			return false, failure(err)
		}
		if on, err := yield(s); err != nil || !on {
			return false, err
		}
	}
	return true, failure(cur.Err())
}

// findAny runs the scans of each value for positions and sizes alone, merges
// them, and reads the documents of the page. They are asked for with the query's
// equal and any-of fields again, so that a document which changed in between,
// and may no longer be seen, is not answered.
func (t *table) findAny(ctx context.Context, p *docstore.Plan) (docstore.Found, error) {
	projection := bson.D{{Key: "_id", Value: 1}, {Key: "size", Value: 1}}
	if p.Order.Field != docstore.FieldName {
		projection = append(projection, bson.E{Key: path(p.Order.Field), Value: 1})
	}
	var all []docstore.Position
	size := map[string]int{}
	for _, v := range p.AnyOf.Values {
		err := t.scan(ctx, p, v, projection, func(s stored) (bool, error) {
			all = append(all, position(p, s))
			size[s.Name] = s.Size
			return true, nil
		})
		if err != nil {
			return docstore.Found{}, err
		}
	}
	found := docstore.Found{Examined: len(all)}
	all = docstore.MergePositions(all, p.Descending, p.Limit+1)
	n, bytes := 0, 0
	for n < len(all) && p.Fits(n, bytes, size[all[n].Name]) {
		bytes += size[all[n].Name]
		n++
	}
	more := n < len(all)
	if err := t.read(ctx, p, all[:n], &found); err != nil || found.More || !more {
		return found, err // More: some have grown since they were scanned
	}
	found.More, found.Last = true, all[n-1]
	return found, nil
}

// read takes the documents at the given positions that still match.
func (t *table) read(ctx context.Context, p *docstore.Plan, at []docstore.Position, found *docstore.Found) error {
	if len(at) == 0 {
		return nil
	}
	names := bson.A{}
	place := make(map[string]int, len(at))
	for i := range at {
		names = append(names, at[i].Name)
		place[at[i].Name] = i
	}
	filter := append(equal(p), anyOf(p), bson.E{Key: "_id", Value: bson.D{{Key: "$in", Value: names}}})
	rows, err := t.rows(ctx, filter, options.Find().SetHint("_id_"))
	if err != nil {
		return err
	}
	found.Examined += len(rows)
	slices.SortFunc(rows, func(a, b stored) int { return place[a.Name] - place[b.Name] })
	for _, s := range rows {
		err := found.Take(p, at[place[s.Name]], len(s.Body), func() (*docstore.Record, error) { return t.record(s) })
		if err != nil || found.More {
			return err
		}
	}
	return nil
}

func anyOf(p *docstore.Plan) bson.E {
	return isEqual(p.AnyOf.Column.Field, bson.D{{Key: "$in", Value: bson.A(p.AnyOf.Values)}})
}

func position(p *docstore.Plan, s stored) docstore.Position {
	at := docstore.Position{Name: s.Name, Value: ""}
	if p.Order.Field == docstore.FieldName {
		return at
	}
	v := s.Index.Lookup(elementName(p.Order.Field))
	if text, ok := v.StringValueOK(); ok {
		at.Value = text
	} else if n, ok := v.AsInt64OK(); ok {
		at.Value = n
	}
	return at
}

// Aggregate groups on the server and sorts the groups here.
func (t *table) Aggregate(ctx context.Context, p *docstore.Plan, by, sum []docstore.Column) ([]docstore.Group, error) {
	filter := append(equal(p), bounds(p)...)
	if p.AnyOf != nil {
		filter = append(filter, anyOf(p))
	}
	id, group := bson.D{}, bson.D{}
	for i, c := range by {
		id = append(id, bson.E{Key: fmt.Sprintf("k%d", i), Value: "$" + path(c.Field)})
	}
	group = append(group, bson.E{Key: "_id", Value: id}, bson.E{Key: "count", Value: bson.D{{Key: "$sum", Value: int64(1)}}})
	for i, c := range sum {
		group = append(group, bson.E{Key: fmt.Sprintf("s%d", i), Value: bson.D{{Key: "$sum", Value: "$" + path(c.Field)}}})
	}
	pipeline := bson.A{bson.D{{Key: "$match", Value: filter}}, bson.D{{Key: "$group", Value: group}}}
	cur, err := t.docs.Aggregate(ctx, pipeline, options.Aggregate().SetHint(hint(p)))
	if err != nil {
		return nil, failure(err)
	}
	var rows []bson.Raw
	if err := cur.All(ctx, &rows); err != nil {
		return nil, failure(err)
	}
	out := make([]docstore.Group, len(rows))
	for i, row := range rows {
		out[i] = groupOf(row, len(by), len(sum))
	}
	slices.SortFunc(out, compareGroups)
	return out, nil
}

func groupOf(row bson.Raw, by, sum int) docstore.Group {
	g := docstore.Group{Key: make([]any, by), Sums: make([]int64, sum)}
	for i := range g.Key {
		v := row.Lookup("_id", fmt.Sprintf("k%d", i))
		if text, ok := v.StringValueOK(); ok {
			g.Key[i] = text
		} else {
			g.Key[i], _ = v.AsInt64OK()
		}
	}
	g.Count, _ = row.Lookup("count").AsInt64OK()
	for i := range g.Sums {
		g.Sums[i], _ = row.Lookup(fmt.Sprintf("s%d", i)).AsInt64OK()
	}
	return g
}

func compareGroups(a, b docstore.Group) int {
	for i := range a.Key {
		if c := docstore.CompareValues(a.Key[i], b.Key[i]); c != 0 {
			return c
		}
	}
	return 0
}

// Explain answers the server's winning plan as JSON.
func (t *table) Explain(ctx context.Context, p *docstore.Plan) (string, error) {
	var value any
	if p.AnyOf != nil {
		value = p.AnyOf.Values[0]
	}
	filter := scans(p, value)[0]
	o := &options.FindOptions{}
	for _, set := range findOptions(p, p.Limit).List() {
		if err := set(o); err != nil {
			return "", fmt.Errorf("mongo: %w", err)
		}
	}
	find := bson.D{
		{Key: "find", Value: t.docs.Name()}, {Key: "filter", Value: filter},
		{Key: "sort", Value: o.Sort}, {Key: "limit", Value: o.Limit}, {Key: "hint", Value: o.Hint},
	}
	res := t.docs.Database().RunCommand(ctx, bson.D{{Key: "explain", Value: find}, {Key: "verbosity", Value: "queryPlanner"}})
	raw, err := res.Raw()
	if err != nil {
		return "", failure(err)
	}
	return raw.String(), nil
}

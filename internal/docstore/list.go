package docstore

import (
	"cmp"
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"
)

func (c *collection[M]) List(ctx context.Context, q Query) (Page[M], error) {
	limit, err := pageLimit(q.PageSize, defaultPage)
	if err != nil {
		return Page[M]{}, err
	}
	p, err := c.schema.plan(q, true)
	if err != nil {
		return Page[M]{}, err
	}
	binding := c.schema.binding(p)
	if q.PageToken != "" {
		at, err := c.tokens.open(binding, q.PageToken)
		if err != nil {
			return Page[M]{}, err
		}
		p.After = &at
	}
	if p.AnyOf != nil && len(p.AnyOf.Values) == 0 {
		return Page[M]{}, nil
	}
	p.Limit, p.MaxBytes = limit, cmp.Or(q.MaxBytes, defaultPageBytes)
	examined := 0
	for {
		found, err := c.table.Find(ctx, p)
		if err != nil {
			return Page[M]{}, fmt.Errorf("list %s: %w", c.schema.spec.Name, err)
		}
		examined += found.Examined
		if len(found.Records) > 0 || !found.More {
			found.Examined = examined
			return c.page(found, binding), nil
		}
		p.After = &found.Last // all of them changed while they were read
	}
}

func (c *collection[M]) page(found Found, binding []byte) Page[M] {
	page := Page[M]{Examined: found.Examined}
	if found.More {
		page.NextPageToken = c.tokens.seal(binding, found.Last)
	}
	for _, r := range found.Records {
		m, meta := c.answer(r, false)
		page.Items = append(page.Items, m)
		page.Metas = append(page.Metas, meta)
	}
	return page
}

func (c *collection[M]) Aggregate(ctx context.Context, q Query, by, sum []string) ([]Group, error) {
	q.OrderBy, q.Descending = "", false
	p, err := c.schema.plan(q, false)
	if err != nil {
		return nil, err
	}
	byColumns, err := c.schema.columnsOf(by, 0)
	if err != nil {
		return nil, err
	}
	sumColumns, err := c.schema.columnsOf(sum, KindInt)
	if err != nil {
		return nil, err
	}
	if p.AnyOf != nil && len(p.AnyOf.Values) == 0 {
		return nil, nil
	}
	groups, err := c.table.Aggregate(ctx, p, byColumns, sumColumns)
	if err != nil {
		return nil, fmt.Errorf("aggregate %s: %w", c.schema.spec.Name, err)
	}
	return groups, nil
}

// Explain tells how an engine would run a query of a collection, for tests of
// index use.
func Explain[M proto.Message](ctx context.Context, c Collection[M], q Query) (string, error) {
	own, ok := c.(*collection[M])
	if !ok {
		return "", fmt.Errorf("docstore: %T does not explain", c)
	}
	p, err := own.schema.plan(q, true)
	if err != nil {
		return "", err
	}
	p.Limit = defaultPage
	return own.table.Explain(ctx, p)
}

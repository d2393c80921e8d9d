package rpc

import (
	"cmp"
	"context"

	"google.golang.org/protobuf/proto"

	"fashen/internal/auth"
	"fashen/internal/docstore"
)

// Read reads a document the caller may see, whose name has a pattern. Errors: those of
// [Named] and [Visible], and of the store.
func Read[M proto.Message](ctx context.Context, from docstore.Collection[M], pattern, name string) (M, error) {
	m, _, _, err := ReadAs(ctx, from, pattern, name)
	return m, err
}

// ReadAs is [Read] for who also asks for what the store knows of the document, and for
// the caller.
func ReadAs[M proto.Message](ctx context.Context, from docstore.Collection[M], pattern, name string) (M, docstore.Meta, auth.Caller, error) {
	var none M
	who, err := Named(ctx, pattern, name)
	if err != nil {
		return none, docstore.Meta{}, who, err
	}
	m, meta, err := from.Get(ctx, name)
	if err != nil {
		return none, docstore.Meta{}, who, FromStore(err, name)
	}
	return m, meta, who, Visible(who, meta, name)
}

// A PageRequest asks for a page of a list.
type PageRequest interface {
	GetPageSize() int32
	GetPageToken() string
}

// List is one page of the documents of a query that the caller may see, and the token
// of the next. Errors: those of the store.
func List[M proto.Message](ctx context.Context, from docstore.Collection[M], q docstore.Query, who auth.Caller, in PageRequest) ([]M, string, error) {
	q.AnyOf = &docstore.AnyOf{Field: docstore.FieldViewers, Values: who.Viewers()}
	q.PageSize, q.PageToken = int(in.GetPageSize()), in.GetPageToken()
	page, err := from.List(ctx, q)
	return page.Items, page.NextPageToken, FromStore(err, "")
}

// Change updates a document the caller may see, by one rule, which is pure and may run
// again: in the version the caller names, the newest when etag is empty. Errors: those
// of [Named], [Visible], [Fresh], the rule and the store.
func Change[M proto.Message](ctx context.Context, in docstore.Collection[M], pattern, name, etag string, rule func(m M, who auth.Caller) (docstore.Change, error)) (M, error) {
	who, err := Named(ctx, pattern, name)
	if err != nil {
		var none M
		return none, err
	}
	m, _, err := in.Update(ctx, name, docstore.Precondition{}, func(m M, meta docstore.Meta) (docstore.Change, error) {
		if err := cmp.Or(Visible(who, meta, name), Fresh(etag, meta)); err != nil {
			return docstore.Change{}, err
		}
		return rule(m, who)
	})
	return m, FromStore(err, name)
}

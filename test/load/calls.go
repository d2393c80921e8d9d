package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/resource"
	"fashen/services/filing"
)

// calls are the things that are compared, on copies of one filled store: one
// copy is served, the other is for the engine alone.
type calls struct {
	world     *world
	documents filingv1.FilingServiceClient
	directory directoryv1.DirectoryServiceClient
	echo      *echo
	sizes     map[string]sizes
	// names of documents the drafter sees.
	names []string

	engine     *sqlite.Engine
	collection docstore.Collection[*filingv1.Document]
	table      docstore.Table
	// record is one that CreateDocument made.
	record *docstore.Record
	// plain is a store of its own whose only table has no index.
	plain *sqlite.Engine
}

// Methods of the echo.
const (
	readEcho   = "Read"
	createEcho = "Create"
	insertEcho = "Insert"
)

func newCalls(ctx context.Context, all stores, n int) (_ *calls, err error) {
	c := &calls{sizes: map[string]sizes{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	served, err := all.copy(ctx, n)
	if err != nil {
		return nil, err
	}
	if c.world, err = startWorld(ctx, served); err != nil {
		return nil, err
	}
	c.documents = filingv1.NewFilingServiceClient(c.world.conn)
	c.directory = directoryv1.NewDirectoryServiceClient(c.world.conn)
	bare, err := all.copy(ctx, n)
	if err != nil {
		return nil, err
	}
	if err := c.openEngine(ctx, bare); err != nil {
		return nil, err
	}
	if err := c.learn(ctx); err != nil {
		return nil, err
	}
	insert := c.insert().call
	c.echo, err = newEcho(ctx, c.sizes, map[string]func(context.Context) error{
		insertEcho: func(ctx context.Context) error { return insert(ctx, 0) },
	})
	return c, err
}

func (c *calls) openEngine(ctx context.Context, dir string) (err error) {
	if c.engine, err = sqlite.Open(ctx, filepath.Join(dir, filing.Service+".db"), sqlite.Options{}); err != nil {
		return err
	}
	c.collection, err = docstore.NewCollection[*filingv1.Document](ctx, c.engine, filing.Collections()[0], docstore.Options{})
	if err != nil {
		return err
	}
	c.table = c.engine.Tables()[0]
	if c.plain, err = sqlite.Open(ctx, filepath.Join(dir, "plain.db"), sqlite.Options{}); err != nil {
		return err
	}
	_, err = docstore.NewCollection[*filingv1.Document](ctx, c.plain, docstore.Spec{Name: "plain"}, docstore.Options{})
	return err
}

// learn finds the documents to read and the sizes of the messages.
func (c *calls) learn(ctx context.Context) error {
	page, err := c.documents.ListDocuments(c.world.as(ctx), &filingv1.ListDocumentsRequest{Parent: region, PageSize: 100})
	if err != nil {
		return err
	}
	for _, d := range page.GetDocuments() {
		c.names = append(c.names, d.GetName())
	}
	first := page.GetDocuments()[0]
	c.sizes[readEcho] = sizes{proto.Size(&filingv1.GetDocumentRequest{Name: first.GetName()}), proto.Size(first)}
	made, err := c.documents.CreateDocument(c.world.as(ctx), c.createRequest(0))
	if err != nil {
		return err
	}
	c.sizes[createEcho] = sizes{proto.Size(c.createRequest(0)), proto.Size(made)}
	c.sizes[insertEcho] = c.sizes[createEcho]
	// The same document made in the engine's own copy shows what is stored.
	ctx = docstore.WithOrigin(ctx, docstore.Origin{Actor: c.world.person, Method: filingv1.FilingService_CreateDocument_FullMethodName})
	change := docstore.Change{To: made.GetState().String(), Grant: []string{c.world.bureau}}
	if _, _, err := c.collection.Create(ctx, made, change); err != nil {
		return err
	}
	c.record, err = c.table.Get(ctx, made.GetName())
	return err
}

func (c *calls) close() error {
	var errs []error
	if c.world != nil {
		errs = append(errs, c.world.stop())
	}
	if c.echo != nil {
		errs = append(errs, c.echo.close())
	}
	if c.plain != nil {
		errs = append(errs, c.plain.Close())
	}
	if c.engine != nil {
		errs = append(errs, c.engine.Close())
	}
	return errors.Join(errs...)
}

func (c *calls) get() arm {
	return arm{name: "GetDocument", call: func(ctx context.Context, i int) error {
		_, err := c.documents.GetDocument(c.world.as(ctx), &filingv1.GetDocumentRequest{Name: c.names[i%len(c.names)]})
		return err
	}}
}

func (c *calls) getEcho() arm { return c.echo.arm("bare gRPC echo", readEcho, c.sizes[readEcho]) }

func (c *calls) getEngine() arm {
	return arm{name: "bare engine read", call: func(ctx context.Context, i int) error {
		_, err := c.table.Get(ctx, c.names[i%len(c.names)])
		return err
	}}
}

func (c *calls) createRequest(i int) *filingv1.CreateDocumentRequest {
	return &filingv1.CreateDocumentRequest{Parent: region, Document: &filingv1.Document{
		Title: fmt.Sprintf("示例办法第%06d号（示例）", i), IssuingAuthority: c.world.issuer,
		OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
	}}
}

func (c *calls) create() arm {
	return arm{name: "CreateDocument", call: func(ctx context.Context, i int) error {
		_, err := c.documents.CreateDocument(c.world.as(ctx), c.createRequest(i))
		return err
	}}
}

// post is the create over REST.
func (c *calls) post() arm {
	web := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: crowd}}
	target := "http://" + c.world.app.HTTPAddr + "/v1/" + region + "/documents"
	return arm{name: "POST documents", call: func(ctx context.Context, i int) error {
		body, err := protojson.Marshal(c.createRequest(i).GetDocument())
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", c.world.token)
		req.Header.Set("Content-Type", "application/json")
		res, err := web.Do(req)
		if err != nil {
			return err
		}
		answer, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", res.Status, answer)
		}
		return err
	}}
}

func (c *calls) createEcho() arm {
	return c.echo.arm("bare gRPC echo", createEcho, c.sizes[createEcho])
}

// insertEcho is the bare insert made by the bare echo's method: what the two
// cost together, the waking of threads that slept through the sync included.
func (c *calls) insertEcho() arm {
	return c.echo.arm("  bare gRPC call that inserts", insertEcho, c.sizes[insertEcho])
}

// insert writes records like the one CreateDocument stores, with the same index
// entries, one durable transaction each.
func (c *calls) insert() arm {
	return arm{name: "bare durable insert", call: func(ctx context.Context, _ int) error { return c.insertInto(ctx, c.table) }}
}

// insertPlain writes them into a table without any index, to show what a synced
// transaction costs by itself.
func (c *calls) insertPlain() arm {
	plain := c.plain.Tables()[0]
	return arm{name: "  a row without indexes", call: func(ctx context.Context, _ int) error { return c.insertInto(ctx, plain) }}
}

func (c *calls) insertInto(ctx context.Context, t docstore.Table) error {
	name := region + "/documents/" + resource.NewID(time.Now())
	r := &docstore.Record{Name: name, CreateKey: name, Body: c.record.Body, Envelope: c.record.Envelope}
	r.Index, r.Unique = t.Spec().Values(r)
	return t.Insert(ctx, r)
}

// bureau is the question a create asks the directory, from outside.
func (c *calls) bureau() arm {
	return arm{name: "  GetBureau, which it asks", call: func(ctx context.Context, _ int) error {
		_, err := c.directory.GetBureau(c.world.as(ctx), &directoryv1.GetBureauRequest{Name: c.world.issuer})
		return err
	}}
}

// prepared is the create of the collection: etag, digest, journal entry and hash
// chain come on top of the bare insert.
func (c *calls) prepared() arm {
	return arm{name: "  journaled create in process", call: func(ctx context.Context, _ int) error {
		ctx = docstore.WithOrigin(ctx, docstore.Origin{Actor: c.world.person, Method: filingv1.FilingService_CreateDocument_FullMethodName})
		d := proto.CloneOf(c.record.Body.(*filingv1.Document))
		d.Name = region + "/documents/" + resource.NewID(time.Now())
		_, _, err := c.collection.Create(ctx, d, docstore.Change{To: d.GetState().String(), Grant: []string{c.world.bureau}})
		return err
	}}
}

// page is a page of 20.
const page = 20

func (c *calls) list(name string) arm {
	filter := fmt.Sprintf(`drafting_unit = %q AND state = DRAFTING`, c.world.bureau)
	return arm{name: name, call: func(ctx context.Context, _ int) error {
		out, err := c.documents.ListDocuments(c.world.as(ctx), &filingv1.ListDocumentsRequest{Parent: region, Filter: filter, PageSize: page})
		return full(len(out.GetDocuments()), err)
	}}
}

func (c *calls) listEngine(name string) arm {
	viewers := []string{c.world.person, c.world.bureau, auth.RoleViewer(region, corev1.Role_ROLE_DRAFTER)}
	query := docstore.Query{
		Equal:   map[string]any{"drafting_unit": c.world.bureau, "state": filingv1.Document_DRAFTING},
		AnyOf:   &docstore.AnyOf{Field: docstore.FieldViewers, Values: viewers},
		OrderBy: docstore.FieldCreateTime, Descending: true, PageSize: page,
	}
	return arm{name: name, call: func(ctx context.Context, _ int) error {
		out, err := c.collection.List(ctx, query)
		return full(len(out.Items), err)
	}}
}

func full(got int, err error) error {
	if err == nil && got != page {
		return fmt.Errorf("a page of %d", got)
	}
	return err
}

package mongo

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
)

// These tests change documents between the scan for positions and the reading
// of documents: a scan finds them as scanned says, the read as row does.

var ofTwoViewers = docstore.Query{
	Equal: map[string]any{"state": docstoretest.StateDraft}, OrderBy: docstore.FieldCreateTime, PageSize: 2,
	AnyOf: &docstore.AnyOf{Field: docstore.FieldViewers, Values: []string{"people/li", "people/wang"}},
}

func scanned(id string, at int64) bson.D {
	return bson.D{{Key: "_id", Value: id}, {Key: "size", Value: int64(40)}, {Key: "ix", Value: bson.D{{Key: "create_time", Value: at}}}}
}

// row has moved to another place in the order.
func row(id, title string) bson.D {
	return append(scanned(id, 99), bson.E{Key: "envelope", Value: bson.D{}},
		bson.E{Key: "body", Value: bson.D{{Key: "name", Value: id}, {Key: "title", Value: title}}})
}

// lists answers a page of so many documents.
func lists(t *testing.T, c docstore.Collection[docstoretest.Paper], q docstore.Query, want int, more bool) string {
	t.Helper()
	page, err := c.List(t.Context(), q)
	if err != nil || len(page.Items) != want || (page.NextPageToken != "") != more {
		t.Fatalf("got %v, %v; want %d documents, more: %t", page, err, want, more)
	}
	return page.NextPageToken
}

// TestListOfDocumentsThatVanish: a document that is no longer there is left
// out, and the list goes on behind it.
func TestListOfDocumentsThatVanish(t *testing.T) {
	w, _, c := papers(t)
	query := ofTwoViewers
	w.answers(cursor(scanned("a", 1), scanned("c", 3)), cursor(scanned("b", 2)), cursor(row("a", ""))) // b is gone
	query.PageToken = lists(t, c, query, 1, true)
	w.has(w.command(0, "find"), `{"_id": {"$numberInt":"1"},"size": {"$numberInt":"1"},"ix.create_time": {"$numberInt":"1"}}`, "projection")
	w.has(w.command(2, "find"), `["a","b"]`, "filter", "_id", "$in")

	// The next page begins after b. All of it is gone, so the one behind is read.
	w.answers(empty, cursor(scanned("c", 3), scanned("d", 4)), empty, cursor(scanned("e", 5)), empty,
		empty, cursor(scanned("e", 5)), empty, empty, cursor(row("e", "")))
	lists(t, c, query, 1, false)
	w.has(w.command(0, "find"), `{"$numberLong":"2"}`, "filter", "ix.create_time")
	w.has(w.command(0, "find"), `{"$gt": "b"}`, "filter", "_id")
	w.has(w.command(4, "find"), `["c","d"]`, "filter", "_id", "$in")
	w.has(w.command(5, "find"), `{"$gt": "d"}`, "filter", "_id")
}

// TestListOfDocumentsThatGrow: what does not fit a page is not asked for, and
// what no longer fits comes on the next.
func TestListOfDocumentsThatGrow(t *testing.T) {
	w, _, c := papers(t)
	query := ofTwoViewers
	query.PageSize, query.MaxBytes = 5, 100
	w.answers(cursor(scanned("a", 1), scanned("b", 2), scanned("c", 3)), empty, cursor(row("a", ""), row("b", strings.Repeat("x", 80))))
	query.PageToken = lists(t, c, query, 1, true)
	w.has(w.command(2, "find"), `["a","b"]`, "filter", "_id", "$in")
	w.answers(empty, empty, empty, empty)
	lists(t, c, query, 0, false)
	w.has(w.command(0, "find"), `{"$gt": "a"}`, "filter", "_id")
}

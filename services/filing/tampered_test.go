package filing

import (
	"bytes"
	"database/sql"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/rpc"
)

// A stored text that somebody changed in the file of the store, still well
// formed and as long as before, is no text that a review may be held on.
func TestStoredTextThatWasChangedIsNotServed(t *testing.T) {
	h := newHouse(t)
	_, r := h.drafted()
	ask := &filingv1.GetRevisionTextRequest{Name: r.GetName()}
	text, err := h.client.GetRevisionText(h.as(drafterCaller), ask)
	must(t, err)
	stored, err := partOf(text)
	must(t, err)
	changed := bytes.Replace(stored.bytes, []byte("第一条"), []byte("第二条"), 1)
	if bytes.Equal(changed, stored.bytes) || proto.Unmarshal(changed, &corev1.PolicyText{}) != nil {
		t.Fatal("the change is none, or breaks the encoding")
	}
	db, err := sql.Open("sqlite", "file:"+h.path)
	must(t, err)
	defer db.Close()
	res, err := db.ExecContext(t.Context(), `UPDATE blob_chunks SET data = ? WHERE data = ?`, changed, stored.bytes)
	must(t, err)
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("%d stored texts changed, %v", n, err)
	}
	_, err = h.client.GetRevisionText(h.as(drafterCaller), ask)
	if status.Code(err) != codes.DataLoss || rpc.Reason(err) != "CONTENT_MISMATCH" {
		t.Errorf("got %v", err)
	}
}

package filing

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
)

func TestSameBytesAreTheSameRevision(t *testing.T) {
	h := newHouse(t)
	d := h.created()
	send := func(who auth.Caller, id, text string) (*filingv1.Revision, error) {
		return h.sendDraft(who, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "a.txt", RequestId: id}, []byte(text))
	}
	var names []string
	for _, text := range []string{sampleText, sampleText, suspectText, sampleText} {
		r, err := send(drafterCaller, "", text)
		must(t, err)
		names = append(names, strings.TrimPrefix(r.GetName(), d.GetName()+"/revisions/"))
	}
	if !slices.Equal(names, []string{"1", "1", "2", "1"}) {
		t.Errorf("revisions %v", names)
	}
	for range 3 {
		r, err := send(drafterCaller, "r1", "第一条 示例。\n")
		must(t, err)
		if !strings.HasSuffix(r.GetName(), "/revisions/3") {
			t.Errorf("the same request made %s", r.GetName())
		}
	}
	_, err := send(drafterCaller, "r1", "第一条 另一示例。\n")
	wantCode(t, err, codes.AlreadyExists, "REQUEST_ID_REUSED")
	if got := h.history(d.GetName()); len(got) != 5 {
		t.Errorf("one entry each time another draft stands: %v", got)
	}
}

func TestEarlierDraftStandsAgain(t *testing.T) {
	h := newHouse(t)
	d, first := h.drafted()
	send := func(who auth.Caller, text string) *filingv1.Document {
		_, err := h.sendDraft(who, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "a.txt"}, []byte(text))
		must(t, err)
		return h.get(d.GetName())
	}
	if after := send(drafterCaller, suspectText); after.GetCurrentRevision() != d.GetName()+"/revisions/2" {
		t.Errorf("current is %s", after.GetCurrentRevision())
	}
	again := send(colleague, sampleText)
	if again.GetCurrentRevision() != first.GetName() || again.GetVersionDigest() != d.GetVersionDigest() || len(again.GetRevisions()) != 2 {
		t.Errorf("the earlier draft does not stand again: %v", again)
	}
	if same := send(drafterCaller, sampleText); same.GetEtag() != again.GetEtag() {
		t.Error("the current draft, sent again, changed the document")
	}
	if got := h.history(d.GetName()); len(got) != 4 || got[3] != "UploadRevision OUTCOME_DONE []" {
		t.Errorf("history %v", got)
	}
}

// A client that did not hear the answer sends the same upload again, with the
// etag it had then; it may come after the record was closed.
func TestUploadRepeated(t *testing.T) {
	h := newHouse(t)
	d := h.created()
	up := &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "a.txt", Etag: d.GetEtag(), RequestId: "r1"}
	first, err := h.sendDraft(drafterCaller, up, []byte(sampleText))
	must(t, err)
	etag := h.get(d.GetName()).GetEtag()
	with := &filingv1.MaterialUpload{
		Name: d.GetName(), Kind: filingv1.Material_OTHER, Filename: "m.txt", Etag: etag, RequestId: "m1",
	}
	_, err = h.sendMaterial(drafterCaller, with, []byte("示例材料\n"))
	must(t, err)
	repeat := func() {
		t.Helper()
		before := h.get(d.GetName())
		again, err := h.sendDraft(drafterCaller, up, []byte(sampleText))
		must(t, err)
		if !proto.Equal(again, first) {
			t.Errorf("answered %v, then %v", first, again)
		}
		after, err := h.sendMaterial(drafterCaller, with, []byte("示例材料\n"))
		must(t, err)
		if after.GetEtag() != before.GetEtag() {
			t.Error("a repeated upload changed the document")
		}
	}
	repeat()
	blobs := h.rows("blobs")
	refuse := func(code codes.Code, reason string) {
		t.Helper()
		up, with := proto.CloneOf(up), proto.CloneOf(with)
		up.RequestId, with.RequestId = "r2", "m2"
		_, err := h.sendDraft(drafterCaller, up, []byte(suspectText))
		wantCode(t, err, code, reason)
		_, err = h.sendMaterial(drafterCaller, with, []byte("示例材料二\n"))
		wantCode(t, err, code, reason)
		if n := h.rows("blobs"); n != blobs {
			t.Errorf("%d files of refused uploads were stored", n-blobs)
		}
	}
	refuse(codes.Aborted, "ETAG_STALE")
	h.close(d.GetName())
	up.Etag, with.Etag = "", ""
	repeat()
	refuse(codes.FailedPrecondition, "RECORD_CLOSED")
}

// close ends a record, as deliberation does.
func (h *house) close(name string) {
	h.t.Helper()
	ctx := docstore.WithOrigin(h.t.Context(), docstore.Origin{Actor: officeCaller.Person, Method: "close"})
	_, _, err := h.server.documents.Update(ctx, name, docstore.Precondition{}, func(d *filingv1.Document, _ docstore.Meta) (docstore.Change, error) {
		d.State = filingv1.Document_DELIBERATED
		return docstore.Change{}, nil
	})
	must(h.t, err)
}

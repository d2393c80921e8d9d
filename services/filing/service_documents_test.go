package filing

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
)

func TestCreateDocument(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct {
		name   string
		who    auth.Caller
		change func(in *filingv1.CreateDocumentRequest)
		code   codes.Code
		reason string
	}{
		{"whole", drafterCaller, nil, codes.OK, ""},
		{"the office issues", drafterCaller, func(in *filingv1.CreateDocumentRequest) {
			in.Document.IssuingAuthority = region + "/bureaus/office"
		}, codes.OK, ""},
		{"a department issues", drafterCaller, func(in *filingv1.CreateDocumentRequest) {
			in.Document.IssuingAuthority = region + "/bureaus/bureau-1"
		}, codes.FailedPrecondition, "ISSUER_NOT_ELIGIBLE"},
		{"a task force issues", drafterCaller, func(in *filingv1.CreateDocumentRequest) {
			in.Document.IssuingAuthority = region + "/bureaus/task"
		}, codes.FailedPrecondition, "ISSUER_NOT_ELIGIBLE"},
		{"nobody issues", drafterCaller, func(in *filingv1.CreateDocumentRequest) {
			in.Document.IssuingAuthority = region + "/bureaus/none"
		}, codes.InvalidArgument, "document.issuing_authority:ISSUER_UNKNOWN"},
		{"another region issues", drafterCaller, func(in *filingv1.CreateDocumentRequest) {
			in.Document.IssuingAuthority = "regions/120104/bureaus/government"
		}, codes.InvalidArgument, "document.issuing_authority:ISSUER_UNKNOWN"},
		{"no reason why operators are not touched", drafterCaller, func(in *filingv1.CreateDocumentRequest) {
			in.Document.OperatorImpact = &filingv1.OperatorImpact{}
		}, codes.InvalidArgument, "document.operator_impact.reason:REASON_REQUIRED"},
		{"in another region", drafterCaller, func(in *filingv1.CreateDocumentRequest) { in.Parent = "regions/120104" },
			codes.NotFound, "RESOURCE_NOT_FOUND"},
		{"by a reviewer", reviewerCaller, nil, codes.PermissionDenied, "ROLE_REQUIRED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := h.create(tt.who, tt.change)
			wantCode(t, err, tt.code, tt.reason)
			if err != nil {
				return
			}
			if d.GetState() != filingv1.Document_DRAFTING || d.GetDraftingUnit() != tt.who.Bureau ||
				d.GetDrafter() != tt.who.Person || d.GetEtag() == "" || d.GetVersionDigest() != "" {
				t.Errorf("created %v", d)
			}
		})
	}
}

func TestSameRequestThreeTimes(t *testing.T) {
	h := newHouse(t)
	ask := func(title string) (*filingv1.Document, error) {
		return h.create(drafterCaller, func(in *filingv1.CreateDocumentRequest) {
			in.RequestId, in.Document.Title = "oa-1", title
		})
	}
	first, err := ask("示例补贴办法")
	must(t, err)
	for range 2 {
		again, err := ask("示例补贴办法")
		must(t, err)
		if !proto.Equal(first, again) {
			t.Fatalf("answered %v, then %v", first, again)
		}
	}
	_, err = ask("另一办法")
	wantCode(t, err, codes.AlreadyExists, "REQUEST_ID_REUSED")
	page, err := h.client.ListDocuments(h.as(drafterCaller), &filingv1.ListDocumentsRequest{Parent: region})
	must(t, err)
	if len(page.GetDocuments()) != 1 {
		t.Errorf("%d documents of one request", len(page.GetDocuments()))
	}
}

func TestHiddenIsAbsent(t *testing.T) {
	h := newHouse(t)
	d, r := h.drafted()
	absent := region + "/documents/none"
	h.next.busy = true
	for name, call := range map[string]func(who auth.Caller, document, revision string) error{
		"get": func(who auth.Caller, document, _ string) error {
			_, err := h.client.GetDocument(h.as(who), &filingv1.GetDocumentRequest{Name: document})
			return err
		},
		"update with a stale etag": func(who auth.Caller, document, _ string) error {
			_, err := h.client.UpdateDocument(h.as(who), &filingv1.UpdateDocumentRequest{
				Document: &filingv1.Document{
					Name: document, Etag: "stale", Title: "示例", IssuingAuthority: government,
					OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
				},
			})
			return err
		},
		"text": func(who auth.Caller, _, revision string) error {
			_, err := h.client.GetRevisionText(h.as(who), &filingv1.GetRevisionTextRequest{Name: revision})
			return err
		},
		"findings": func(who auth.Caller, _, revision string) error {
			_, err := h.client.ListFindings(h.as(who), &filingv1.ListFindingsRequest{Parent: revision})
			return err
		},
		"file": func(who auth.Caller, _, revision string) error {
			stream, err := h.client.DownloadRevision(h.as(who), &filingv1.DownloadRevisionRequest{Name: revision})
			must(t, err)
			_, _, err = readAll(stream)
			return err
		},
		"upload": func(who auth.Caller, document, _ string) error {
			_, err := h.sendDraft(who, &filingv1.RevisionUpload{Parent: document, Filename: "a.txt"}, []byte("示例\n"))
			return err
		},
		"consultation": func(who auth.Caller, document, _ string) error {
			_, err := h.client.RecordConsultation(h.as(who), &filingv1.RecordConsultationRequest{
				Name: document, Consultation: &filingv1.Consultation{NotHeldReason: "示例"},
			})
			return err
		},
		"submit": func(who auth.Caller, document, _ string) error {
			_, err := h.submit(who, &filingv1.SubmitDocumentRequest{Name: document})
			return err
		},
		"deliberate": func(who auth.Caller, document, _ string) error {
			_, err := h.client.DeliberateDocument(h.as(who), &filingv1.DeliberateDocumentRequest{
				Name: document, MeetingDate: date(t, "2026-06-01"),
			})
			return err
		},
		"history": func(who auth.Caller, document, _ string) error {
			_, err := h.client.ListDocumentHistory(h.as(who), &filingv1.ListDocumentHistoryRequest{Parent: document})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			hidden := call(strangerCaller, d.GetName(), r.GetName())
			wantCode(t, hidden, codes.NotFound, "RESOURCE_NOT_FOUND")
			gone := call(strangerCaller, absent, absent+"/revisions/1")
			wantCode(t, gone, codes.NotFound, "RESOURCE_NOT_FOUND")
			if a, b := strings.ReplaceAll(hidden.Error(), d.GetName(), ""), strings.ReplaceAll(gone.Error(), absent, ""); a != b {
				t.Errorf("hidden says %q, absent says %q", a, b)
			}
		})
	}
	if got := h.history(d.GetName()); len(got) != 2 {
		t.Errorf("a stranger left a trace: %v", got)
	}
	if _, err := h.client.GetDocument(h.as(colleague), &filingv1.GetDocumentRequest{Name: d.GetName()}); err != nil {
		t.Errorf("a colleague of the drafting unit: %v", err)
	}
}

func TestListDocuments(t *testing.T) {
	h := newHouse(t)
	var names []string
	for i := range 7 {
		h.now = h.now.Add(time.Second)
		d, err := h.create(drafterCaller, func(in *filingv1.CreateDocumentRequest) { in.Document.Title = fmt.Sprintf("示例办法%d", i) })
		must(t, err)
		names = append([]string{d.GetName()}, names...)
	}
	_, err := h.create(strangerCaller, nil)
	must(t, err)
	list := func(who auth.Caller, filter string, size int32) (got []string) {
		token := ""
		for {
			page, err := h.client.ListDocuments(h.as(who), &filingv1.ListDocumentsRequest{
				Parent: region, Filter: filter, PageSize: size, PageToken: token,
			})
			must(t, err)
			for _, d := range page.GetDocuments() {
				got = append(got, d.GetName())
			}
			if token = page.GetNextPageToken(); token == "" {
				return got
			}
		}
	}
	unit := ` drafting_unit = "` + drafterCaller.Bureau + `"`
	for filter, want := range map[string][]string{
		"":                                      names,
		"state = DRAFTING":                      names,
		"state = UNDER_REVIEW":                  nil,
		unit:                                    names,
		unit + " AND state = DRAFTING":          names,
		`drafting_unit = "regions/120105/none"`: nil,
	} {
		for _, size := range []int32{0, 3} {
			if got := list(drafterCaller, filter, size); !slices.Equal(got, want) {
				t.Errorf("filter %q, pages of %d: %v, want %v", filter, size, got, want)
			}
		}
	}
	if got := list(reviewerCaller, "", 0); got != nil {
		t.Errorf("a reviewer sees what was not submitted: %v", got)
	}
	ask := func(in *filingv1.ListDocumentsRequest) error {
		_, err := h.client.ListDocuments(h.as(drafterCaller), in)
		return err
	}
	page, err := h.client.ListDocuments(h.as(drafterCaller), &filingv1.ListDocumentsRequest{Parent: region, PageSize: 2})
	must(t, err)
	wantCode(t, ask(&filingv1.ListDocumentsRequest{Parent: region, Filter: "state = DRAFTING", PageToken: page.GetNextPageToken()}),
		codes.InvalidArgument, "page_token:PAGE_TOKEN_INVALID")
	wantCode(t, ask(&filingv1.ListDocumentsRequest{Parent: region, Filter: "title = \"x\""}),
		codes.InvalidArgument, "filter:FILTER_FIELD_UNKNOWN")
	wantCode(t, ask(&filingv1.ListDocumentsRequest{Parent: region, Filter: "state = NONE"}), codes.InvalidArgument, "filter:FILTER_VALUE")
	wantCode(t, ask(&filingv1.ListDocumentsRequest{Parent: region, PageSize: 1001}), codes.InvalidArgument, "page_size:INT32_GTE_LTE")
	wantCode(t, ask(&filingv1.ListDocumentsRequest{Parent: "regions/120104"}), codes.NotFound, "RESOURCE_NOT_FOUND")
}

// Every list the service makes runs through an index.
func TestListsUseIndexes(t *testing.T) {
	h := newHouse(t)
	for _, equal := range []map[string]any{
		nil, {"state": int64(1)}, {"drafting_unit": "b"}, {"drafting_unit": "b", "state": int64(1)},
	} {
		plan, err := docstore.Explain(t.Context(), h.server.documents, docstore.Query{
			Equal: equal, AnyOf: &docstore.AnyOf{Field: docstore.FieldViewers, Values: drafterCaller.Viewers()},
			OrderBy: docstore.FieldCreateTime, Descending: true,
		})
		must(t, err)
		if strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%v: %s", equal, plan)
		}
	}
}

func TestListOfLongDocumentsFitsAMessage(t *testing.T) {
	h := newHouse(t)
	c := &filingv1.Consultation{OpenDate: date(t, "2026-03-02"), CloseDate: date(t, "2026-04-01"), Channel: "示例网站"}
	for range 150 {
		c.Opinions = append(c.Opinions, &filingv1.ConsultationOpinion{Summary: strings.Repeat("长", 2000)})
	}
	for range 6 {
		d := h.created()
		_, err := h.client.RecordConsultation(h.as(drafterCaller), &filingv1.RecordConsultationRequest{Name: d.GetName(), Consultation: c})
		must(t, err)
	}
	seen, token := 0, ""
	for pages := 1; ; pages++ {
		page, err := h.client.ListDocuments(h.as(drafterCaller), &filingv1.ListDocumentsRequest{Parent: region, PageToken: token})
		must(t, err)
		seen += len(page.GetDocuments())
		if token = page.GetNextPageToken(); token == "" {
			break
		}
		if pages > 6 {
			t.Fatal("pages without end")
		}
	}
	if seen != 6 {
		t.Errorf("saw %d documents of 6", seen)
	}
}

func TestUpdateDocumentOverTheWire(t *testing.T) {
	h := newHouse(t)
	d, _ := h.drafted()
	update := func(who auth.Caller, given *filingv1.Document, paths ...string) (*filingv1.Document, error) {
		given.Name = d.GetName()
		return h.client.UpdateDocument(h.as(who), &filingv1.UpdateDocumentRequest{
			Document: given, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths},
		})
	}
	changed, err := update(drafterCaller, &filingv1.Document{Title: "示例补贴办法（修订）", Etag: d.GetEtag()}, "title")
	must(t, err)
	if changed.GetTitle() != "示例补贴办法（修订）" || changed.GetEtag() == d.GetEtag() || changed.GetVersionDigest() != d.GetVersionDigest() {
		t.Errorf("updated to %v", changed)
	}
	_, err = update(drafterCaller, &filingv1.Document{Title: "昨日的标题", Etag: d.GetEtag()}, "title")
	wantCode(t, err, codes.Aborted, "ETAG_STALE")
	_, err = update(drafterCaller, &filingv1.Document{Title: "示例"}, "materials")
	wantCode(t, err, codes.InvalidArgument, "update_mask:FIELD_MASK_NOTHING_TO_CHANGE")
	_, err = update(drafterCaller, &filingv1.Document{Title: "示例"}, "no_such_field")
	wantCode(t, err, codes.InvalidArgument, "update_mask:FIELD_MASK_UNKNOWN_PATH")
	_, err = update(drafterCaller, &filingv1.Document{IssuingAuthority: region + "/bureaus/office"}, "issuing_authority")
	wantCode(t, err, codes.InvalidArgument, "document.issuing_authority:IMMUTABLE")
	_, err = update(drafterCaller, &filingv1.Document{OperatorImpact: &filingv1.OperatorImpact{}}, "operator_impact")
	wantCode(t, err, codes.InvalidArgument, "document.operator_impact.reason:REASON_REQUIRED")
	changed, err = update(drafterCaller, &filingv1.Document{OperatorImpact: &filingv1.OperatorImpact{Reason: "只涉及内部事务"}}, "operator_impact")
	must(t, err)
	if changed.GetVersionDigest() == d.GetVersionDigest() {
		t.Error("operator impact is a fact the gate reads")
	}
}

func TestRegulatorSeesWhatTouchesOperators(t *testing.T) {
	h := newHouse(t)
	sees := func(name string) bool {
		_, err := h.client.GetDocument(h.as(regulatorCaller), &filingv1.GetDocumentRequest{Name: name})
		return err == nil
	}
	d := h.created()
	if sees(d.GetName()) {
		t.Error("the regulator sees a document without a draft")
	}
	d, _ = h.drafted()
	if !sees(d.GetName()) {
		t.Error("the regulator does not see a draft that touches operators")
	}
	quiet, err := h.create(drafterCaller, func(in *filingv1.CreateDocumentRequest) {
		in.Document.OperatorImpact = &filingv1.OperatorImpact{Reason: "只涉及内部事务"}
	})
	must(t, err)
	_, err = h.sendDraft(drafterCaller, &filingv1.RevisionUpload{Parent: quiet.GetName(), Filename: "a.txt"}, []byte(sampleText))
	must(t, err)
	if sees(quiet.GetName()) {
		t.Error("the regulator sees what touches no operators")
	}
	_, err = h.client.UpdateDocument(h.as(drafterCaller), &filingv1.UpdateDocumentRequest{
		Document: &filingv1.Document{
			Name: quiet.GetName(), Title: quiet.GetTitle(), IssuingAuthority: government,
			OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
		},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"operator_impact"}},
	})
	must(t, err)
	if !sees(quiet.GetName()) {
		t.Error("the regulator does not see what was found to touch operators")
	}
	if _, err := h.client.UpdateDocument(h.as(regulatorCaller), &filingv1.UpdateDocumentRequest{Document: quiet}); err == nil {
		t.Error("the regulator changed a draft")
	}
}

func TestSetDocumentViewer(t *testing.T) {
	h := newHouse(t)
	d, _ := h.drafted()
	set := func(visible bool, viewer string) error {
		_, err := h.client.SetDocumentViewer(h.byService(counselCaller), &filingv1.SetDocumentViewerRequest{
			Name: d.GetName(), Viewer: viewer, Visible: visible, Assignment: region + "/cases/c1/assignments/a1",
		})
		return err
	}
	sees := func() bool {
		_, err := h.client.GetDocument(h.as(counselCaller), &filingv1.GetDocumentRequest{Name: d.GetName()})
		return err == nil
	}
	_, err := h.client.SetDocumentViewer(h.as(counselCaller), &filingv1.SetDocumentViewerRequest{
		Name: d.GetName(), Viewer: counselCaller.Person, Visible: true, Assignment: "a",
	})
	wantCode(t, err, codes.PermissionDenied, "SERVICE_ONLY")
	for _, viewer := range []string{"regions/120105/roles/reviewer", "regions/120104/bureaus/b", "regions/120104/people/p", "nobody"} {
		wantCode(t, set(true, viewer), codes.InvalidArgument, "viewer:VIEWER_UNKNOWN")
	}
	if sees() {
		t.Fatal("counsel sees the document before the assignment is accepted")
	}
	for range 2 {
		must(t, set(true, counselCaller.Person))
	}
	if !sees() {
		t.Error("counsel does not see the assigned document")
	}
	before := h.get(d.GetName()).GetEtag()
	for range 2 {
		must(t, set(false, counselCaller.Person))
	}
	if sees() {
		t.Error("counsel still sees the document")
	}
	if h.get(d.GetName()).GetEtag() != before {
		t.Error("a viewer changed the etag")
	}
	if got := h.history(d.GetName()); len(got) != 4 {
		t.Errorf("two changes of viewers are two entries: %v", got)
	}
}

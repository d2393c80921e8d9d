package e2e

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/pdftext/pdftexttest"
)

// Files that are none, hostile ones and too large ones: a clear error on the
// file, and nothing stored.
func TestBadFiles(t *testing.T) {
	archive := func(entries ...[2]string) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, e := range entries {
			w, err := z.Create(e[0])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, e[1]); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	body := func(inner string) string {
		return `<w:document ` + wordNS + `><w:body>` + inner + `</w:body></w:document>`
	}
	good := draft(t, "1")
	files := map[string]struct {
		file []byte
		want string
	}{
		"no document":       {[]byte{0, 1, 2, 3, 255, 254, 0, 0}, "NOT_A_DOCUMENT"},
		"another zip":       {archive([2]string{"a.txt", "x"}), "NOT_A_DOCUMENT"},
		"a PDF":             {[]byte("%PDF-1.7\n"), "PDF_DAMAGED"},
		"cut off":           {good[:len(good)/2], "ARCHIVE_DAMAGED"},
		"a bomb":            {archive([2]string{"word/document.xml", body(strings.Repeat(" ", 90<<20))}), "ARCHIVE_BOMB"},
		"a DTD":             {archive([2]string{"word/document.xml", `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>` + body("<w:p/>")}), "XML_DTD_FORBIDDEN"},
		"too deep":          {archive([2]string{"word/document.xml", body(strings.Repeat("<w:tbl>", 5000))}), "XML_TOO_DEEP"},
		"a part twice":      {archive([2]string{"word/document.xml", body("<w:p/>")}, [2]string{"word/document.xml", body("<w:p/>")}), "DUPLICATE_PART"},
		"a path upwards":    {archive([2]string{"../../evil", "x"}, [2]string{"word/document.xml", body("<w:p/>")}), "UNSAFE_PART_NAME"},
		"endless paragraph": {archive([2]string{"word/document.xml", body(manyParagraphs(300000))}), "TOO_MANY_PARAGRAPHS"},
		"no text":           {archive([2]string{"word/document.xml", body("<w:p/>")}), "EMPTY_DOCUMENT"},
	}
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		if err := w.app.Warm(); err != nil {
			t.Fatal(err)
		}
		d := w.newDocument(t, true)
		for name, tc := range files {
			_, f := w.upload(t, "drafter", d.GetName(), "draft.docx", tc.file)
			if f == nil || f.code != codes.InvalidArgument || f.reason != tc.want || !slices.Contains(f.fields, "file") || f.message == "" {
				t.Errorf("%s: got %v, want %s on file", name, f, tc.want)
			}
		}
		_, f := w.uploadRevision(t.Context(), w.as(t, "drafter"), &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "big.txt"},
			io.LimitReader(endless{}, 51<<20))
		if f == nil || f.reason != "TOO_LARGE" || f.http != 0 && f.http != 413 {
			t.Errorf("51 MB: got %v (%d)", f, f.http)
		}
		if d = w.document(t, "drafter", "GetDocument", &filingv1.GetDocumentRequest{Name: d.GetName()}); len(d.GetRevisions()) != 0 {
			t.Errorf("something was stored: %v", d.GetRevisions())
		}
	})
}

// A draft is read alike from every format; the name of the file says nothing.
func TestFormats(t *testing.T) {
	const want = "示例办法\n第一条　为了示例，制定本办法。\n第二条　下列事项适用本办法：\n（一）甲；\n（二）乙。\n"
	lines := strings.Split(strings.TrimSpace(want), "\n")
	page, runs := "", ""
	for i, line := range lines {
		y := 100 + 30*float64(i)
		page += pdftexttest.Show(111, 842-y, 16, line)
		runs += fmt.Sprintf(`<TextObject Boundary="111 %g 400 16" Size="16"><TextCode X="0" Y="16" DeltaX="g 99 16">%s</TextCode></TextObject>`, y, line)
	}
	var ofd bytes.Buffer
	z := zip.NewWriter(&ofd)
	for name, part := range map[string]string{
		"OFD.xml":        `<OFD><DocBody><DocRoot>D/Document.xml</DocRoot></DocBody></OFD>`,
		"D/Document.xml": `<Document><CommonData><PageArea><PhysicalBox>0 0 595 842</PhysicalBox></PageArea></CommonData><Pages><Page ID="1" BaseLoc="P.xml"/></Pages></Document>`,
		"D/P.xml":        `<Page><Content><Layer>` + runs + `</Layer></Content></Page>`,
	} {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, part)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		if err := w.app.Warm(); err != nil {
			t.Fatal(err)
		}
		d := w.newDocument(t, true)
		for name, file := range map[string][]byte{"pdf": pdftexttest.File(page), "ofd": ofd.Bytes(), "txt": []byte(want)} {
			revision, f := w.upload(t, "drafter", d.GetName(), "draft.docx", file)
			if f != nil {
				t.Errorf("%s: %v", name, f)
				continue
			}
			if want := map[string]string{"pdf": "application/pdf", "ofd": "application/ofd", "txt": "text/plain"}[name]; revision.GetFile().GetMediaType() != want {
				t.Errorf("%s: media type %s", name, revision.GetFile().GetMediaType())
			}
			text := &corev1.PolicyText{}
			w.must(t, "drafter", filingService+"GetRevisionText", &filingv1.GetRevisionTextRequest{Name: revision.GetName()}, text)
			if text.GetText() != want || text.GetCounts().GetArticles() != 2 || text.GetCounts().GetItems() != 2 {
				t.Errorf("%s: %q, %v", name, text.GetText(), text.GetCounts())
			}
		}
	})
}

// manyParagraphs differ, so that they do not compress like a bomb.
func manyParagraphs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<w:p><w:r><w:t>%x</w:t></w:r></w:p>", i*2654435761)
	}
	return b.String()
}

// endless is text without end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'a'
	}
	return len(b), nil
}

// A marked file is refused on record, and nothing of it is kept.
func TestSecrecyMark(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d := w.newDocument(t, true)
		for name, file := range map[string][]byte{
			"in the header": docx(t, "机密★10年", "示例标题", "第一条 内容。"),
			"in the text":   []byte("机 密\n\n示例标题\n\n第一条 内容。\n"),
		} {
			if _, f := w.upload(t, "drafter", d.GetName(), "x.docx", file); f == nil || f.reason != "CLASSIFIED_MATERIAL" {
				t.Errorf("%s: %v", name, f)
			}
		}
		if _, f := w.upload(t, "drafter", d.GetName(), "x.docx", docx(t, "", "示例办法", "*有关单位应当保守商业秘密和国家秘密。")); f != nil {
			t.Errorf("a word in running text is no mark: %v", f)
		}
		d = w.document(t, "drafter", "GetDocument", &filingv1.GetDocumentRequest{Name: d.GetName()})
		if len(d.GetRevisions()) != 1 {
			t.Errorf("%d revisions", len(d.GetRevisions()))
		}
		h := &filingv1.ListDocumentHistoryResponse{}
		w.must(t, "drafter", filingService+"ListDocumentHistory", &filingv1.ListDocumentHistoryRequest{Parent: d.GetName()}, h)
		marks := 0
		for _, e := range h.GetHistory() {
			if slices.Contains(e.GetReasons(), "CLASSIFIED_MATERIAL") {
				marks++
			}
			if s := fmt.Sprint(e); strings.Contains(s, "示例标题") {
				t.Errorf("text of the file in the history: %s", s)
			}
		}
		if marks != 2 {
			t.Errorf("%d refusals on record, want 2", marks)
		}
	})
}

// Page tokens of another list, yesterday's etag, unknown fields' cousins: bad
// paths, filters and names.
func TestBadRequests(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d := w.newDocument(t, true)
		w.newDocument(t, false)
		page := &filingv1.ListDocumentsResponse{}
		w.must(t, "drafter", filingService+"ListDocuments", &filingv1.ListDocumentsRequest{Parent: region, PageSize: 1}, page)
		if page.GetNextPageToken() == "" || len(page.GetDocuments()) != 1 {
			t.Fatalf("first page: %v", page)
		}
		old := d.GetEtag()
		changed := proto.Clone(d).(*filingv1.Document)
		changed.Title = "另一个标题"
		d = w.document(t, "drafter", "UpdateDocument", &filingv1.UpdateDocumentRequest{Document: changed})
		stale := &filingv1.Document{Name: d.GetName(), Title: "第三个标题", Etag: old}
		for _, tc := range []struct {
			name, method string
			in           proto.Message
			code         codes.Code
			field        string
			http         int
		}{
			{"a page token of another list", "ListDocuments", &filingv1.ListDocumentsRequest{Parent: region, Filter: "state = DRAFTING", PageToken: page.GetNextPageToken()}, codes.InvalidArgument, "page_token", 400},
			{"a damaged page token", "ListDocuments", &filingv1.ListDocumentsRequest{Parent: region, PageToken: "AAAA"}, codes.InvalidArgument, "page_token", 400},
			{"yesterday's etag", "UpdateDocument", &filingv1.UpdateDocumentRequest{Document: stale}, codes.Aborted, "", 412},
			{"an unknown filter field", "ListDocuments", &filingv1.ListDocumentsRequest{Parent: region, Filter: `title = "x"`}, codes.InvalidArgument, "filter", 400},
			{"no filter at all", "ListDocuments", &filingv1.ListDocumentsRequest{Parent: region, Filter: `state = = `}, codes.InvalidArgument, "filter", 400},
			{"too many at once", "ListDocuments", &filingv1.ListDocumentsRequest{Parent: region, PageSize: 1001}, codes.InvalidArgument, "page_size", 400},
			{"no title", "CreateDocument", &filingv1.CreateDocumentRequest{Parent: region, Document: &filingv1.Document{IssuingAuthority: w.bureau[government], OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true}}}, codes.InvalidArgument, "document.title", 400},
			{"no reason why operators are not touched", "CreateDocument", &filingv1.CreateDocumentRequest{Parent: region, Document: &filingv1.Document{Title: "示例", IssuingAuthority: w.bureau[government], OperatorImpact: &filingv1.OperatorImpact{}}}, codes.InvalidArgument, "document.operator_impact.reason", 400},
			{"a department as issuer", "CreateDocument", &filingv1.CreateDocumentRequest{Parent: region, Document: &filingv1.Document{Title: "示例", IssuingAuthority: w.bureau[labour], OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true}}}, codes.FailedPrecondition, "", 400},
			{"another region", "ListDocuments", &filingv1.ListDocumentsRequest{Parent: "regions/120104"}, codes.NotFound, "", 404},
			{"a name that is none", "GetDocument", &filingv1.GetDocumentRequest{Name: region + "/documents/UPPER"}, codes.InvalidArgument, "name", 0},
		} {
			f := w.try(t, "drafter", filingService+tc.method, tc.in, &filingv1.ListDocumentsResponse{})
			switch {
			case f == nil || f.code != tc.code:
				t.Errorf("%s: got %v, want %v", tc.name, f, tc.code)
			case tc.field != "" && !slices.Contains(f.fields, tc.field):
				t.Errorf("%s: fields %v, want %s", tc.name, f.fields, tc.field)
			case f.http != 0 && tc.http != 0 && f.http != tc.http:
				t.Errorf("%s: status %d, want %d", tc.name, f.http, tc.http)
			}
		}
		wrong := &directoryv1.CreateBureauRequest{Parent: region, Bureau: &directoryv1.Bureau{
			DisplayName: "示例局", Uscc: "11120105990000033X", Kind: directoryv1.BureauKind_BUREAU_KIND_DEPARTMENT,
		}}
		if f := w.try(t, "sysadmin", directoryService+"CreateBureau", wrong, &directoryv1.Bureau{}); f == nil || f.reason != "USCC_INVALID" || !slices.Contains(f.fields, "bureau.uscc") {
			t.Errorf("a wrong credit code: %v", f)
		}
	})
}

// The same request three times has one effect and one answer; the same id for
// another request is refused; two submits at once are one submission.
func TestA12OneEffect(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		create := &filingv1.CreateDocumentRequest{
			Parent: region, RequestId: "oa-2026-0001",
			Document: &filingv1.Document{Title: "示例区见习补贴管理办法", IssuingAuthority: w.bureau[government], OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true}},
		}
		first := w.document(t, "drafter", "CreateDocument", create)
		for range 2 {
			if again := w.document(t, "drafter", "CreateDocument", create); !proto.Equal(again, first) {
				t.Errorf("another answer: %v", again)
			}
		}
		other := proto.Clone(create).(*filingv1.CreateDocumentRequest)
		other.Document.Title = "另一份文件"
		if f := w.try(t, "drafter", filingService+"CreateDocument", other, &filingv1.Document{}); f == nil || f.reason != "REQUEST_ID_REUSED" {
			t.Errorf("the same id for another request: %v", f)
		}
		up := &filingv1.RevisionUpload{Parent: first.GetName(), Filename: "draft.docx", RequestId: "oa-2026-0002"}
		file := draft(t, "1200")
		for range 3 {
			if r, f := w.uploadRevision(t.Context(), w.as(t, "drafter"), up, bytes.NewReader(file)); f != nil || !strings.HasSuffix(r.GetName(), "/revisions/1") {
				t.Errorf("upload: %v %v", r, f)
			}
		}
		if _, f := w.uploadRevision(t.Context(), w.as(t, "drafter"), up, bytes.NewReader(draft(t, "9"))); f == nil || f.reason != "REQUEST_ID_REUSED" {
			t.Errorf("the same id for another file: %v", f)
		}
		list := &filingv1.ListDocumentsResponse{}
		w.must(t, "drafter", filingService+"ListDocuments", &filingv1.ListDocumentsRequest{Parent: region}, list)
		if len(list.GetDocuments()) != 1 {
			t.Errorf("%d documents", len(list.GetDocuments()))
		}
		submitTwice(t, w)
	})
}

func submitTwice(t *testing.T, w *world) {
	t.Helper()
	d := w.prepared(t, true)
	token := w.as(t, "drafter")
	var wg sync.WaitGroup
	answers := make([]*failure, 8)
	for i := range answers {
		wg.Go(func() {
			answers[i] = w.call(t.Context(), token, filingService+"SubmitDocument", &filingv1.SubmitDocumentRequest{Name: d.GetName()}, &filingv1.Document{})
		})
	}
	wg.Wait()
	done := 0
	for _, f := range answers {
		switch {
		case f == nil:
			done++
		case f.code != codes.Aborted && f.reason != "REVIEW_IN_PROGRESS":
			t.Errorf("submit: %v", f)
		}
	}
	d = w.document(t, "drafter", "GetDocument", &filingv1.GetDocumentRequest{Name: d.GetName()})
	cases := &counselv1.ListCasesResponse{}
	w.must(t, "reviewer", counselService+"ListCases", &counselv1.ListCasesRequest{Parent: region}, cases)
	if done != 1 || d.GetSubmissionCount() != 1 || len(cases.GetCases()) != 1 || len(cases.GetCases()[0].GetRounds()) != 1 {
		t.Errorf("%d submits succeeded, %d counted, cases %v", done, d.GetSubmissionCount(), cases)
	}
}

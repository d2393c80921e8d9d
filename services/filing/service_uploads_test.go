package filing

import (
	"archive/zip"
	"bytes"
	"cmp"
	"database/sql"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/intake"
	"fashen/internal/policytext"
)

const suspectText = `示例区示例奖励办法

第一条 对在本区登记注册、纳税满三年的企业给予最高50万元奖励。
第二条 未经本局批准，不得从事示例经营活动。
`

// docx builds a Word file with these paragraphs; add may put further parts in.
func docx(t *testing.T, add func(z *zip.Writer), paragraphs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	part := func(name, text string) {
		w, err := z.Create(name)
		must(t, err)
		_, err = io.WriteString(w, text)
		must(t, err)
	}
	part("[Content_Types].xml", `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`)
	part("_rels/.rels", `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`)
	body := ""
	for _, p := range paragraphs {
		body += "<w:p><w:r><w:t>" + p + "</w:t></w:r></w:p>"
	}
	part("word/document.xml", `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>`+body+`</w:body></w:document>`)
	if add != nil {
		add(z)
	}
	must(t, z.Close())
	return b.Bytes()
}

// rows counts the rows of a table of the store's file.
func (h *house) rows(table string) (n int) {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+h.path+"?mode=ro")
	must(h.t, err)
	defer db.Close()
	must(h.t, db.QueryRowContext(h.t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

func (h *house) wantNothingStored(texts ...string) {
	h.t.Helper()
	for _, table := range []string{"blobs", "blob_chunks"} {
		if n := h.rows(table); n != 0 {
			h.t.Errorf("%d rows in %s", n, table)
		}
	}
	for _, text := range texts {
		if h.onDisk(text) {
			h.t.Errorf("the store's file holds %q", text)
		}
	}
}

func TestUploadRevision(t *testing.T) {
	h := newHouse(t)
	d := h.created()
	data := docx(t, nil, strings.Split(strings.TrimSpace(suspectText), "\n")...)
	r, err := h.sendDraft(drafterCaller, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "示例奖励办法.docx"}, data)
	must(t, err)
	if r.GetName() != d.GetName()+"/revisions/1" || r.GetFile().GetSha256() != hashOf(data) ||
		r.GetFile().GetMediaType() != policytext.MediaDocx || r.GetFile().GetSizeBytes() != int64(len(data)) ||
		r.GetCounts().GetArticles() != 2 || r.GetUploader() != drafterCaller.Person || len(r.GetPacks()) != 2 {
		t.Errorf("uploaded %v", r)
	}
	got, err := h.client.GetRevision(h.as(colleague), &filingv1.GetRevisionRequest{Name: r.GetName()})
	must(t, err)
	if got.GetTextSha256() != r.GetTextSha256() || h.get(d.GetName()).GetVersionDigest() == "" {
		t.Errorf("stored %v", got)
	}
	text, err := h.client.GetRevisionText(h.as(drafterCaller), &filingv1.GetRevisionTextRequest{Name: r.GetName()})
	must(t, err)
	if !strings.Contains(text.GetText(), "最高50万元奖励") || len(text.GetOutline()) != 2 {
		t.Errorf("text is %v", text)
	}

	page, err := h.client.ListFindings(h.as(drafterCaller), &filingv1.ListFindingsRequest{Parent: r.GetName()})
	must(t, err)
	findings := page.GetFindings()
	if len(findings) != int(r.GetFindingCount()) || len(findings) < 2 {
		t.Fatalf("%d findings, the draft says %d", len(findings), r.GetFindingCount())
	}
	articles := map[int32]bool{}
	for _, f := range findings {
		a := f.GetAnchor()
		articles[a.GetArticle()] = true
		if a.GetRevision() != r.GetName() || string([]rune(text.GetText())[a.GetStart():a.GetEnd()]) != a.GetQuote() || f.GetLaw() == "" {
			t.Errorf("finding %v", f)
		}
	}
	if !articles[1] || !articles[2] {
		t.Errorf("findings in articles %v, want both", articles)
	}
	if !slices.Equal(page.GetPacks(), r.GetPacks()) {
		t.Errorf("packs %v and %v", page.GetPacks(), r.GetPacks())
	}
	h.pageThroughFindings(r, findings)

	stream, err := h.client.DownloadRevision(h.as(drafterCaller), &filingv1.DownloadRevisionRequest{Name: r.GetName()})
	must(t, err)
	header, err := stream.Header()
	must(t, err)
	back, contentType, err := readAll(stream)
	must(t, err)
	if !bytes.Equal(back, data) || contentType != policytext.MediaDocx {
		t.Errorf("downloaded %d bytes of %s", len(back), contentType)
	}
	if got := header.Get("content-disposition"); !slices.Equal(got, []string{"attachment; filename*=utf-8''%E7%A4%BA%E4%BE%8B%E5%A5%96%E5%8A%B1%E5%8A%9E%E6%B3%95.docx"}) {
		t.Errorf("content-disposition %v", got)
	}
	_, err = h.client.GetRevision(h.as(drafterCaller), &filingv1.GetRevisionRequest{Name: d.GetName() + "/revisions/2"})
	wantCode(t, err, codes.NotFound, "RESOURCE_NOT_FOUND")
}

func (h *house) pageThroughFindings(r *filingv1.Revision, want []*corev1.Finding) {
	h.t.Helper()
	var got []string
	token := ""
	for {
		page, err := h.client.ListFindings(h.as(drafterCaller), &filingv1.ListFindingsRequest{Parent: r.GetName(), PageSize: 1, PageToken: token})
		must(h.t, err)
		for _, f := range page.GetFindings() {
			got = append(got, f.GetId())
		}
		if page.GetNextPageToken() == "" {
			break
		}
		token = page.GetNextPageToken()
	}
	var ids []string
	for _, f := range want {
		ids = append(ids, f.GetId())
	}
	if !slices.Equal(got, ids) {
		h.t.Errorf("page by page %v, at once %v", got, ids)
	}
	_, other := h.drafted()
	for _, bad := range []string{token + "x", "AAAA", "!"} {
		_, err := h.client.ListFindings(h.as(drafterCaller), &filingv1.ListFindingsRequest{Parent: r.GetName(), PageToken: bad})
		wantCode(h.t, err, codes.InvalidArgument, "page_token:PAGE_TOKEN_INVALID")
	}
	_, err := h.client.ListFindings(h.as(drafterCaller), &filingv1.ListFindingsRequest{Parent: other.GetName(), PageToken: token})
	wantCode(h.t, err, codes.InvalidArgument, "page_token:PAGE_TOKEN_INVALID")
}

func TestResolveAnchorsOverTheWire(t *testing.T) {
	h := newHouse(t)
	_, r := h.drafted()
	out, err := h.client.ResolveAnchors(h.as(drafterCaller), &filingv1.ResolveAnchorsRequest{
		Name: r.GetName(), Anchors: []*corev1.Anchor{{Quote: "信用良好"}, {Article: 3, Quote: "应当受理"}},
	})
	must(t, err)
	if a := out.GetAnchors(); len(a) != 2 || a[0].GetItem() != 2 || a[1].GetArticle() != 3 || a[1].GetRevision() != r.GetName() {
		t.Errorf("resolved %v", a)
	}
	_, err = h.client.ResolveAnchors(h.as(drafterCaller), &filingv1.ResolveAnchorsRequest{
		Name: r.GetName(), Anchors: []*corev1.Anchor{{Quote: "信用良好"}, {Quote: "没有这段"}},
	})
	wantCode(t, err, codes.InvalidArgument, "anchors[1]:ANCHOR_NOT_FOUND")
}

func TestSecrecyMarkLeavesNothing(t *testing.T) {
	const phrase = "绝不外传的示例内容"
	for name, data := range map[string][]byte{
		"text": []byte("机密★10年\n示例办法\n第一条 " + phrase + "。\n"),
		"docx": docx(t, nil, "密级：秘密", "示例办法", "第一条 "+phrase+"。"),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			d := h.created()
			for range 2 {
				_, err := h.sendDraft(drafterCaller, &filingv1.RevisionUpload{
					Parent: d.GetName(), Filename: "密件名称.docx", RequestId: "r1",
				}, data)
				wantCode(t, err, codes.FailedPrecondition, "CLASSIFIED_MATERIAL")
			}
			_, err := h.sendMaterial(drafterCaller, &filingv1.MaterialUpload{
				Name: d.GetName(), Kind: filingv1.Material_OTHER, Filename: "密件名称.docx",
			}, data)
			wantCode(t, err, codes.FailedPrecondition, "CLASSIFIED_MATERIAL")
			after := h.get(d.GetName())
			if len(after.GetRevisions()) != 0 || len(after.GetMaterials()) != 0 || after.GetEtag() != d.GetEtag() {
				t.Errorf("the document changed: %v", after)
			}
			want := []string{
				"CreateDocument OUTCOME_DONE []",
				"UploadRevision OUTCOME_REFUSED [CLASSIFIED_MATERIAL]",
				"UploadMaterial OUTCOME_REFUSED [CLASSIFIED_MATERIAL]",
			}
			if got := h.history(d.GetName()); !slices.Equal(got, want) {
				t.Errorf("history %v, want %v", got, want)
			}
			h.wantNothingStored(phrase, "密件名称", "机密★", "密级：秘密", hashOf(data)+"x")
			if !h.onDisk("示例补贴办法") {
				t.Error("the look at the file finds nothing at all, so it shows nothing")
			}
		})
	}
}

func TestBadUploadsLeaveNothing(t *testing.T) {
	bomb := docx(t, func(z *zip.Writer) {
		w, err := z.Create("word/media/zeros.bin")
		must(t, err)
		zeros := make([]byte, 1<<20)
		for range 80 {
			_, err = w.Write(zeros)
			must(t, err)
		}
	}, "第一条 示例。")
	doctype := docx(t, nil, "第一条 示例。")
	doctype = rezip(t, doctype, "word/document.xml", func(s string) string {
		return strings.Replace(s, "<w:document", `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><w:document`, 1)
	})
	h := newHouse(t)
	d := h.created()
	for name, tt := range map[string]struct {
		data   []byte
		reason string
	}{
		"empty":           {nil, "file:EMPTY_DOCUMENT"},
		"no document":     {[]byte("\x00\x01\x02\xff\xfe\x00\x00garbage\x00"), ""},
		"pdf":             {[]byte("%PDF-1.7 示例"), "file:FORMAT_NOT_SUPPORTED"},
		"half an archive": {docx(t, nil, "第一条 示例。")[:200], "file:ARCHIVE_DAMAGED"},
		"bomb":            {bomb, "file:ARCHIVE_BOMB"},
		"doctype":         {doctype, "file:XML_DTD_FORBIDDEN"},
		"51 MB":           {bytes.Repeat([]byte("示例文字\n"), 51<<20/13), "file:TOO_LARGE"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.sendDraft(drafterCaller, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "a.docx"}, tt.data)
			wantCode(t, err, codes.InvalidArgument, cmp.Or(tt.reason, reasonOf(err)))
			if !strings.HasPrefix(reasonOf(err), "file:") {
				t.Errorf("no reason on the field: %v", err)
			}
			_, err = h.sendMaterial(drafterCaller, &filingv1.MaterialUpload{
				Name: d.GetName(), Kind: filingv1.Material_OTHER, Filename: "a.docx",
			}, tt.data)
			wantCode(t, err, codes.InvalidArgument, cmp.Or(tt.reason, reasonOf(err)))
		})
	}
	h.wantNothingStored()
	if after := h.get(d.GetName()); after.GetEtag() != d.GetEtag() {
		t.Errorf("the document changed: %v", after)
	}
	if bytes, people := h.server.door.Held(); bytes != 0 || people != 0 {
		t.Errorf("room is still held: %d bytes of %d people", bytes, people)
	}
}

// rezip changes the text of one part of an archive.
func rezip(t *testing.T, data []byte, part string, change func(string) string) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range in.File {
		r, err := f.Open()
		must(t, err)
		text, err := io.ReadAll(r)
		must(t, err)
		w, err := out.Create(f.Name)
		must(t, err)
		if f.Name == part {
			text = []byte(change(string(text)))
		}
		_, err = w.Write(text)
		must(t, err)
	}
	must(t, out.Close())
	return b.Bytes()
}

func TestBrokenStreams(t *testing.T) {
	h := newHouse(t)
	d := h.created()
	begin := &filingv1.UploadRevisionRequest{Content: &filingv1.UploadRevisionRequest_Upload{
		Upload: &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "a.txt"},
	}}
	chunk := &filingv1.UploadRevisionRequest{Content: &filingv1.UploadRevisionRequest_Chunk{Chunk: []byte("第一条 示例。\n")}}
	for name, tt := range map[string]struct {
		send   []*filingv1.UploadRevisionRequest
		reason string
	}{
		"nothing":          {nil, "upload:UPLOAD_REQUIRED"},
		"bytes first":      {[]*filingv1.UploadRevisionRequest{chunk}, "upload:UPLOAD_REQUIRED"},
		"begun twice":      {[]*filingv1.UploadRevisionRequest{begin, begin}, "chunk:CHUNK_REQUIRED"},
		"an empty message": {[]*filingv1.UploadRevisionRequest{begin, chunk, {}}, "chunk:CHUNK_REQUIRED"},
	} {
		t.Run(name, func(t *testing.T) {
			stream, err := h.client.UploadRevision(h.as(drafterCaller))
			must(t, err)
			for _, m := range tt.send {
				must(t, stream.Send(m))
			}
			_, err = stream.CloseAndRecv()
			wantCode(t, err, codes.InvalidArgument, tt.reason)
		})
	}
	_, err := h.sendDraft(drafterCaller, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "a\x07.txt"}, []byte("第一条 示例。\n"))
	wantCode(t, err, codes.InvalidArgument, "upload.filename:FILENAME_INVALID")
	_, err = h.sendDraft(drafterCaller, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "a.txt", Etag: "stale"}, []byte("第一条 示例。\n"))
	wantCode(t, err, codes.Aborted, "ETAG_STALE")
	h.wantNothingStored()
	if bytes, people := h.server.door.Held(); bytes != 0 || people != 0 {
		t.Errorf("room is still held: %d bytes of %d people", bytes, people)
	}
}

func TestUploadsAtOnce(t *testing.T) {
	h := newHouse(t)
	d := h.created()
	var wg sync.WaitGroup
	for i := range intake.UploadsPerCaller {
		wg.Go(func() {
			text := fmt.Sprintf("示例办法\n第一条 示例%d。\n", i/2) // each text twice
			_, err := h.sendDraft(drafterCaller, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "a.txt"}, []byte(text))
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	after := h.get(d.GetName())
	seen := map[string]bool{}
	for i, r := range after.GetRevisions() {
		if r.GetName() != fmt.Sprintf("%s/revisions/%d", d.GetName(), i+1) || seen[r.GetFile().GetSha256()] {
			t.Errorf("revision %d is %v", i+1, r)
		}
		seen[r.GetFile().GetSha256()] = true
	}
	if _, people := h.server.door.Held(); len(seen) != 2 || people != 0 {
		t.Errorf("%d drafts of 2, room held by %d people", len(seen), people)
	}
}

func TestUploadMaterial(t *testing.T) {
	h := newHouse(t)
	d, _ := h.drafted()
	send := func(who auth.Caller, kind filingv1.Material_Kind, text string) (*filingv1.Document, error) {
		return h.sendMaterial(who, &filingv1.MaterialUpload{Name: d.GetName(), Kind: kind, Filename: "材料.txt"}, []byte(text))
	}
	first, err := send(drafterCaller, filingv1.Material_LEGAL_BASIS, "示例依据\n")
	must(t, err)
	same, err := send(drafterCaller, filingv1.Material_LEGAL_BASIS, "示例依据\n")
	must(t, err)
	if same.GetEtag() != first.GetEtag() {
		t.Error("the same material changed the document")
	}
	second, err := send(drafterCaller, filingv1.Material_LEGAL_BASIS, "示例依据二\n")
	must(t, err)
	if len(second.GetMaterials()) != 1 || second.GetVersionDigest() == first.GetVersionDigest() {
		t.Errorf("material was not replaced: %v", second)
	}
	stream, err := h.client.DownloadMaterial(h.as(drafterCaller), &filingv1.DownloadMaterialRequest{Name: d.GetName(), Kind: filingv1.Material_LEGAL_BASIS})
	must(t, err)
	data, contentType, err := readAll(stream)
	must(t, err)
	if string(data) != "示例依据二\n" || contentType != policytext.MediaPlain {
		t.Errorf("downloaded %q of %s", data, contentType)
	}
	stream, err = h.client.DownloadMaterial(h.as(drafterCaller), &filingv1.DownloadMaterialRequest{Name: d.GetName(), Kind: filingv1.Material_OTHER})
	must(t, err)
	_, _, err = readAll(stream)
	wantCode(t, err, codes.NotFound, "RESOURCE_NOT_FOUND")

	_, err = send(drafterCaller, filingv1.Material_COMPETITION_CONCLUSION, "示例结论\n")
	wantCode(t, err, codes.PermissionDenied, "NOT_MARKET_REGULATOR")
	_, err = send(regulatorCaller, filingv1.Material_LEGAL_BASIS, "示例\n")
	wantCode(t, err, codes.PermissionDenied, "NOT_DRAFTING_UNIT")
	signed, err := send(regulatorCaller, filingv1.Material_COMPETITION_CONCLUSION, "示例结论\n")
	must(t, err)
	if signed.GetVersionDigest() != second.GetVersionDigest() {
		t.Error("the regulator's conclusion is no part of the version")
	}
	_, err = send(strangerCaller, filingv1.Material_OTHER, "示例\n")
	wantCode(t, err, codes.NotFound, "RESOURCE_NOT_FOUND")
}

func TestUploadWithoutSigningIn(t *testing.T) {
	h := newHouse(t)
	stream, err := h.client.UploadRevision(metadata.NewOutgoingContext(t.Context(), nil))
	must(t, err)
	_, err = stream.CloseAndRecv()
	wantCode(t, err, codes.Unauthenticated, "TOKEN_MISSING")
	if docstore.MaxBlobBytes != 50<<20 {
		t.Error("the limit of a file is 50 MB")
	}
}

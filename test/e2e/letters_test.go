package e2e

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/config"
	"fashen/internal/officialdoc"
	"fashen/internal/officialdoc/fonttest"
	"fashen/internal/pdftext"
	"fashen/internal/policytext"
)

// withFonts gives a world a font that has the characters in daily use, and those
// that many fonts lack.
func withFonts(t *testing.T) func(c *config.Config) {
	t.Helper()
	var all strings.Builder
	for _, span := range [][2]rune{{' ', '~'}, {0x2010, 0x2030}, {0x3000, 0x3020}, {0x4e00, 0x9fff}, {0xff01, 0xff5e}} {
		for r := span[0]; r <= span[1]; r++ {
			all.WriteRune(r)
		}
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "gbsn00lp.ttf"), fonttest.TrueType(all.String()+"㐂𠮷"), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *config.Config) { c.Fonts = []string{folder} }
}

// mustMake gets a file and checks what it is called and said to be.
func (w *world) mustMake(t *testing.T, login, method string, in proto.Message, filename string) []byte {
	t.Helper()
	file, f := made(t.Context(), w.client, w.as(t, login), method, in)
	if f != nil {
		t.Fatalf("%s by %s: %v", method, login, f)
	}
	mediaType := officialdoc.MediaTypeDOCX
	if strings.HasSuffix(filename, ".pdf") {
		mediaType = officialdoc.MediaTypePDF
	}
	if file.filename != filename || file.mediaType != mediaType {
		t.Errorf("%s: %q of %s, want %q of %s", method, file.filename, file.mediaType, filename, mediaType)
	}
	return file.data
}

// notMade is why a file is refused.
func (w *world) notMade(t *testing.T, login, method string, in proto.Message) *failure {
	t.Helper()
	file, f := made(t.Context(), w.client, w.as(t, login), method, in)
	if f == nil {
		t.Fatalf("%s by %s answers %d bytes", method, login, len(file.data))
	}
	return f
}

var blank = regexp.MustCompile(`\s`)

// says reads a file as an upload is read and finds texts in it, in this order.
func says(t *testing.T, file []byte, parts ...string) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	limits := policytext.DefaultLimits()
	limits.Time = time.Minute // the machine may be busy
	doc, err := policytext.Reader{Limits: limits, PDF: pdftext.NewReader(filepath.Join(cache, "fashen-pdf"), 1, limits).Pages}.Read(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	text := blank.ReplaceAllString(doc.Text.GetText(), "")
	for _, want := range parts {
		i := strings.Index(text, want)
		if i < 0 {
			t.Errorf("no %q, or not in this order, in\n%s", want, doc.Text.GetText())
			return
		}
		text = text[i+len(want):]
	}
}

// partIn is a part of a Word file.
func partIn(t *testing.T, file []byte, name string) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	part, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer part.Close()
	text, err := io.ReadAll(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A draft goes back, comes again, waits for a supplement, and is reviewed: every
// notice and the opinion are letters in the region's own words, as Word files and PDF.
func TestLetters(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		w.profile(t, "2026-01-01", func(p *directoryv1.JurisdictionProfile) {
			p.LetterTemplate = &directoryv1.LetterTemplate{
				Mark: "示例区司法局文件", LocalRules: "《示例市规定》", Annotation: "此件不予公开", SealNote: "盖章",
				ReturnNotice: &directoryv1.LetterWording{Opening: "{draft}依{rules}退回：", Closing: "改好再报。"},
			}
		})
		d := w.prepared(t, true)
		name := w.driven(t, "drafter", w.document(t, "drafter", "SubmitDocument", &filingv1.SubmitDocumentRequest{Name: d.GetName()})).GetReviewCase()
		notice := &counselv1.DownloadNoticeRequest{Name: name, Kind: counselv1.LetterKind_RETURN_NOTICE}
		if f := w.notMade(t, "drafter", letterService+"DownloadNotice", notice); f.reason != "LETTER_UNAVAILABLE" {
			t.Errorf("a notice of what did not happen: %v", f)
		}
		w.review(t, "reviewer", "ReturnCase", &counselv1.ReturnCaseRequest{Name: name, Reason: "缺少起草说明\n\n未听取𠮷氏企业意见；"})
		w.clock.day(t, "2026-04-09")
		for _, format := range []counselv1.LetterFormat{counselv1.LetterFormat_DOCX, counselv1.LetterFormat_PDF} {
			notice.Format = format
			file := w.mustMake(t, "drafter", letterService+"DownloadNotice", notice, "关于退回《示例区见习补贴管理办法》的通知."+strings.ToLower(format.String()))
			says(t, file, "示例区司法局文件", "（未编号）", "关于退回《示例区见习补贴管理办法》的通知", "《示例区见习补贴管理办法》依《国务院办公厅",
				"和《示例市规定》退回：", "1.缺少起草说明；", "未听取𠮷氏企业意见。", "改好再报。", "司法局（盖章）", "2026年4月8日", "（此件不予公开）")
		}
		w.document(t, "drafter", "SubmitDocument", &filingv1.SubmitDocumentRequest{Name: d.GetName()})
		w.review(t, "reviewer", "AcceptCase", &counselv1.AcceptCaseRequest{Name: name})
		w.review(t, "reviewer", "RequestSupplement", &counselv1.RequestSupplementRequest{Name: name, Reason: "制定依据"})
		says(t, w.mustMake(t, "office", letterService+"DownloadNotice", &counselv1.DownloadNoticeRequest{Name: name, Kind: counselv1.LetterKind_SUPPLEMENT_NOTICE},
			"关于补充《示例区见习补贴管理办法》送审材料的通知.docx"), "请补充下列材料：", "1.制定依据。", "2026年4月9日")
		if f := w.notMade(t, "drafter", letterService+"DownloadNotice", &counselv1.DownloadNoticeRequest{Name: name, Kind: counselv1.LetterKind_REVIEW_OPINION}); f.code != codes.InvalidArgument {
			t.Errorf("a notice of another kind: %v", f)
		}
	}, withFonts(t))
}

// An opinion is a letter and comments on the draft it is about, for whoever sees it.
func TestOpinionFiles(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d, c := w.accepted(t, w.prepared(t, true))
		w.assigned(t, c.GetName())
		theirs := w.opinion(t, "counsel", c.GetName(), counselv1.Conclusion_REVISE, item(3, "按照每人每月1200元的标准"))
		whole := item(4, "另行给予十万元奖励")
		whole.Anchor, whole.Analysis = nil, "没有公开征求意见。"
		o := w.opinion(t, "reviewer", c.GetName(), counselv1.Conclusion_REVISE, item(4, "在本区注册并纳税满二年"), whole)
		for _, format := range []counselv1.LetterFormat{counselv1.LetterFormat_LETTER_FORMAT_UNSPECIFIED, counselv1.LetterFormat_PDF} {
			filename := "关于《示例区见习补贴管理办法》的法制审核意见书.docx"
			if format == counselv1.LetterFormat_PDF {
				filename = strings.TrimSuffix(filename, ".docx") + ".pdf"
			}
			says(t, w.mustMake(t, "drafter", letterService+"DownloadOpinion", &counselv1.DownloadOpinionRequest{Name: o.GetName(), Format: format}, filename),
				"司法局", "（未编号）", "应当予以修改", "（必须修改）示例分析。", "有关要求", "司法局", "2026年4月8日")
		}
		file := w.mustMake(t, "drafter", letterService+"AnnotateOpinion", &counselv1.AnnotateOpinionRequest{Name: o.GetName()}, "示例区见习补贴管理办法（意见批注）.docx")
		comments := partIn(t, file, "word/comments.xml")
		for _, want := range []string{"审核意见（必须修改）：示例分析。", "没有公开征求意见。", "建议：删除。", "疑似问题（FCR-19-3）"} {
			if !strings.Contains(comments, want) {
				t.Errorf("no comment %q in\n%s", want, comments)
			}
		}
		says(t, file, "在本区注册并纳税满二年")
		// What counsel wrote is not for the bureau; findings are not for the office.
		asked := &counselv1.AnnotateOpinionRequest{Name: theirs.GetName()}
		if f := w.notMade(t, "drafter", letterService+"AnnotateOpinion", asked); f.code != codes.NotFound {
			t.Errorf("counsel's opinion for the bureau: %v", f)
		}
		office := partIn(t, w.mustMake(t, "office", letterService+"AnnotateOpinion", asked, "示例区见习补贴管理办法（意见批注）.docx"), "word/comments.xml")
		if !strings.Contains(office, "法律顾问意见（必须修改）：示例分析。") || strings.Contains(office, "疑似问题") {
			t.Errorf("for the office:\n%s", office)
		}
		if f := w.notMade(t, "drafter2", letterService+"DownloadOpinion", &counselv1.DownloadOpinionRequest{Name: o.GetName()}); f.code != codes.NotFound {
			t.Errorf("for a stranger: %v", f)
		}
		draftFiles(t, w, d)
	}, withFonts(t))
}

// draftFiles looks at the files of drafts: findings as comments, and what changed.
func draftFiles(t *testing.T, w *world, d *filingv1.Document) {
	t.Helper()
	first := d.GetRevisions()[0].GetName()
	file := w.mustMake(t, "drafter", filingService+"AnnotateRevision", &filingv1.AnnotateRevisionRequest{Name: first}, "draft（批注）.docx")
	if comments := partIn(t, file, "word/comments.xml"); !strings.Contains(comments, "疑似问题（FCR-19-3）") || strings.Contains(comments, "示例分析") {
		t.Errorf("findings:\n%s", comments)
	}
	if f := w.notMade(t, "office", filingService+"AnnotateRevision", &filingv1.AnnotateRevisionRequest{Name: first}); f.code != codes.PermissionDenied {
		t.Errorf("findings for the office: %v", f)
	}
	other := w.newDocument(t, true)
	older, newer := w.mustUpload(t, other.GetName(), draft(t, "1200")), w.mustUpload(t, other.GetName(), draft(t, "1500"))
	file = w.mustMake(t, "drafter", filingService+"RedlineRevision", &filingv1.RedlineRevisionRequest{Name: newer.GetName(), Base: older.GetName()}, "draft（修订对照）.docx")
	document := partIn(t, file, "word/document.xml")
	if !strings.Contains(document, ">1200</w:delText>") || !strings.Contains(document, ">1500</w:t>") {
		t.Errorf("changes:\n%s", document)
	}
	f := w.notMade(t, "drafter", filingService+"RedlineRevision", &filingv1.RedlineRevisionRequest{Name: newer.GetName(), Base: first})
	if f.code != codes.InvalidArgument || len(f.fields) != 1 || f.fields[0] != "base" {
		t.Errorf("a draft of another document: %v", f)
	}
}

// A character that no font has is named; the Word file, which has no fonts in it, is
// written.
func TestLetterWithoutGlyph(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		_, c := w.accepted(t, w.prepared(t, false))
		w.review(t, "reviewer", "ReturnCase", &counselv1.ReturnCaseRequest{Name: c.GetName(), Reason: "来自\U000F1234镇"})
		notice := &counselv1.DownloadNoticeRequest{Name: c.GetName(), Kind: counselv1.LetterKind_RETURN_NOTICE, Format: counselv1.LetterFormat_PDF}
		if f := w.notMade(t, "drafter", letterService+"DownloadNotice", notice); f.reason != "FONTS_MISSING" || !strings.Contains(f.message, "U+F1234") {
			t.Errorf("a missing glyph: %v", f)
		}
		notice.Format = counselv1.LetterFormat_DOCX
		says(t, w.mustMake(t, "drafter", letterService+"DownloadNotice", notice, "关于退回《示例区见习补贴管理办法》的通知.docx"), "来自\U000F1234镇")
	}, withFonts(t))
}

// A template is looked at before it is in force; what no letter could be written with
// is refused by field.
func TestLetterTemplate(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		p := &directoryv1.JurisdictionProfile{}
		w.must(t, "sysadmin", directoryService+"ResolveJurisdictionProfile", &directoryv1.ResolveJurisdictionProfileRequest{Parent: region}, p)
		p.Name, p.CreateTime, p.EffectiveDate = "", nil, date(t, "2027-01-01")
		for field, bad := range map[string]*directoryv1.LetterTemplate{
			"return_notice.opening": {ReturnNotice: &directoryv1.LetterWording{Opening: "{{.Secret}}{draft}"}},
			"number_format":         {NumberFormat: "{code}{serial}号"},
			"mark":                  {Mark: "示例\n文件"},
		} {
			p.LetterTemplate = bad
			f := w.try(t, "sysadmin", directoryService+"CreateJurisdictionProfile", &directoryv1.CreateJurisdictionProfileRequest{Parent: region, JurisdictionProfile: p}, &directoryv1.JurisdictionProfile{})
			if f == nil || f.code != codes.InvalidArgument || len(f.fields) != 1 || f.fields[0] != "jurisdiction_profile.letter_template."+field {
				t.Errorf("%s: %v", field, f)
			}
		}
		p.LetterTemplate = &directoryv1.LetterTemplate{Issuer: "示例甲局", AgencyCode: "示甲审", Copies: "示例乙局"}
		made := &directoryv1.JurisdictionProfile{}
		w.must(t, "sysadmin", directoryService+"CreateJurisdictionProfile", &directoryv1.CreateJurisdictionProfileRequest{Parent: region, JurisdictionProfile: p}, made)
		asked := &counselv1.PreviewLetterRequest{Name: made.GetName(), Kind: counselv1.LetterKind_COMPETITION_CONCLUSION, Format: counselv1.LetterFormat_PDF}
		says(t, w.mustMake(t, "sysadmin", letterService+"PreviewLetter", asked, "关于《示例管理办法》的公平竞争审查结论.pdf"),
			"示例甲局", "示甲审〔2026〕1号", "关于《示例管理办法》的公平竞争审查结论", "示例甲局", "2026年4月8日", "抄送：示例乙局。")
		if f := w.notMade(t, "drafter", letterService+"PreviewLetter", asked); f.code != codes.PermissionDenied {
			t.Errorf("a preview for a drafter: %v", f)
		}
	}, withFonts(t))
}

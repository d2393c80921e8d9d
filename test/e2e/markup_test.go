package e2e

import (
	"archive/zip"
	"bytes"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// A draft is stored as it is with all tracked changes accepted, with what its file
// holds beside the words, and the drafter is told.
func TestDraftsKeepTheirMarkup(t *testing.T) {
	const space = ` xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"`
	const by = ` w:author="示例甲" w:date="2026-03-02T10:00:00Z"`
	var file bytes.Buffer
	z := zip.NewWriter(&file)
	for name, content := range map[string]string{
		"word/document.xml": `<w:document` + space + `><w:body><w:p><w:r><w:t>示例区见习补贴管理办法</w:t></w:r></w:p>` +
			`<w:p><w:r><w:t>第一条　</w:t></w:r><w:commentRangeStart w:id="0"/><w:del` + by + `><w:r><w:delText>旧文</w:delText></w:r></w:del>` +
			`<w:ins` + by + `><w:r><w:t>新文</w:t></w:r></w:ins><w:commentRangeEnd w:id="0"/><w:r><w:footnoteReference w:id="1"/></w:r><w:r><w:t>。</w:t></w:r></w:p></w:body></w:document>`,
		"word/comments.xml":  `<w:comments` + space + `><w:comment w:id="0"` + by + `><w:p><w:r><w:t>再议</w:t></w:r></w:p></w:comment></w:comments>`,
		"word/footnotes.xml": `<w:footnotes` + space + `><w:footnote w:id="1"><w:p><w:r><w:t>见示例</w:t></w:r></w:p></w:footnote></w:footnotes>`,
	} {
		part, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		revision := w.mustUpload(t, w.newDocument(t, true).GetName(), file.Bytes())
		text := &corev1.PolicyText{}
		w.must(t, "drafter", filingService+"GetRevisionText", &filingv1.GetRevisionTextRequest{Name: revision.GetName()}, text)
		if want := "示例区见习补贴管理办法\n第一条　新文。\n"; text.GetText() != want {
			t.Errorf("text %q, want %q", text.GetText(), want)
		}
		changes, comments, notes := text.GetMarkup().GetChanges(), text.GetMarkup().GetComments(), text.GetMarkup().GetNotes()
		if len(changes) != 2 || len(comments) != 1 || len(notes) != 1 {
			t.Fatalf("markup %v", text.GetMarkup())
		}
		if c := changes[0]; c.GetKind() != corev1.Markup_DELETION || c.GetText() != "旧文" || c.GetAuthor() != "示例甲" || c.GetStart() != 16 || c.GetEnd() != 16 {
			t.Errorf("the deletion: %v", c)
		}
		if c := changes[1]; c.GetKind() != corev1.Markup_INSERTION || c.GetText() != "新文" || c.GetStart() != 16 || c.GetEnd() != 18 {
			t.Errorf("the insertion: %v", c)
		}
		if c := comments[0]; c.GetText() != "再议" || !c.GetAnchored() || c.GetStart() != 16 || c.GetEnd() != 18 {
			t.Errorf("the comment: %v", c)
		}
		if n := notes[0]; n.GetKind() != corev1.Markup_FOOTNOTE || n.GetText() != "见示例" || n.GetPosition() != 18 {
			t.Errorf("the footnote: %v", n)
		}
	})
}

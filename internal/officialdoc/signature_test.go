package officialdoc

import (
	"fmt"
	"strings"
	"testing"

	"fashen/internal/officialdoc/fonttest"
	"fashen/internal/pdftext"
	"fashen/internal/policytext"
)

// However long a letter is: where its signature stands, words of its text stand too
// (GB/T 9704-2012 7.3.5: no page with a seal alone), and the note in brackets is not alone.
func TestSignatureIsNeverAlone(t *testing.T) {
	pdf := pdftext.NewReader("", 1, policytext.DefaultLimits())
	l := sample()
	l.Attachments, l.Copies, l.Printer = nil, "", ""
	faces := parsed(t, Fonts{Songti: fonttest.TrueType(charactersOf(t, l) + "第行结语附件名称：.")})
	for _, attachments := range []int{0, 3} {
		l.Attachments = nil
		for range attachments {
			l.Attachments = append(l.Attachments, Attachment{Name: "附件名称"})
		}
		for lines := 4; lines < 15; lines++ {
			l.Body = []Block{Paragraph(strings.TrimSpace(strings.Repeat("第行。\n", lines) + "结语。"))}
			data, err := l.PDF(faces)
			if err != nil {
				t.Fatal(err)
			}
			pages, err := pdf.Pages(t.Context(), data)
			if err != nil {
				t.Fatal(err)
			}
			signed, noted, end := -1, -1, -1
			for n, page := range pages {
				var b strings.Builder
				for _, s := range page.Spans {
					b.WriteString(s.Text)
				}
				text := squeezed(b.String())
				if strings.Contains(text, "2026年3月5日") {
					signed = n
				}
				if strings.Contains(text, "此件不予公开") {
					noted = n
				}
				if strings.Contains(text, "结语") {
					end = n
				}
			}
			if signed < 0 || end != signed || noted != signed {
				t.Errorf("%d lines, %d attachments: the text ends on page %d, signed on %d, note on %d", lines, attachments, end, signed, noted)
			}
		}
	}
}

// In a Word file what must stay together says so.
func TestSignatureIsKeptWithTheText(t *testing.T) {
	l := sample()
	data, err := l.DOCX()
	if err != nil {
		t.Fatal(err)
	}
	body := partOf(t, data, "word/document.xml")
	for _, words := range []string{"以上意见，请研究。", "附件：1.审核依据目录", "2.关于一个名称", "2026年3月5日<"} {
		before, _, ok := strings.Cut(body, words)
		if at := strings.LastIndex(before, "<w:p>"); !ok || !strings.Contains(before[at:], `"/><w:keepNext/>`) {
			t.Errorf("%q may be parted from what follows", words)
		}
	}
	if before, _, _ := strings.Cut(body, "请在修改后重新报送。"); strings.Contains(before[strings.LastIndex(before, "<w:p>"):], "keepNext") {
		t.Error("all of the text is kept together")
	}
}

// A row longer than a page begins where the last one ended.
func TestLongRowBeginsBelow(t *testing.T) {
	l := sample()
	l.Body = []Block{Table{Header: []string{"序号", "内容"}, Rows: [][]string{{"1", "短。"}, {"2", strings.Repeat("第行。", 400)}}}}
	l.Body = append([]Block{Paragraph(strings.Repeat("第行。\n", 14))}, l.Body...)
	data, err := l.PDF(parsed(t, Fonts{Songti: fonttest.TrueType(charactersOf(t, l))}))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := pdftext.NewReader("", 1, policytext.DefaultLimits()).Pages(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for n, page := range pages {
		for _, s := range page.Spans {
			for _, r := range []string{"短。", "第行。第行。"} {
				if _, known := rows[r]; !known && strings.Contains(squeezed(s.Text), r) {
					rows[r] = n
				}
			}
		}
	}
	if fmt.Sprint(rows) != fmt.Sprint(map[string]int{"短。": 1, "第行。第行。": 1}) {
		t.Errorf("rows begin on pages %v", rows)
	}
}

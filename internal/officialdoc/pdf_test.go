package officialdoc

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fashen/internal/pdftext"
	"fashen/internal/policytext"
)

// TestMain is also the child process that reads PDF files.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == pdftext.Command {
		if err := pdftext.Serve(os.Stdin, os.Stdout, os.Args[2]); err != nil {
			panic(err)
		}
		return
	}
	m.Run()
}

// charactersOf are all characters that a letter shows.
func charactersOf(t testing.TB, l Letter) string {
	t.Helper()
	flow, err := l.flow()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range flow {
		b.WriteString(e.text)
		if e.table != nil {
			for _, row := range append(e.table.Rows, e.table.Header) {
				b.WriteString(strings.Join(row, ""))
			}
		}
	}
	return strings.Join(strings.Fields(b.String()), "") + "— 0123456789"
}

// readPDF reads a PDF file back as an upload is read.
func readPDF(t testing.TB, data []byte) *policytext.Document {
	t.Helper()
	pdf := pdftext.NewReader("", 1, policytext.DefaultLimits())
	if err := pdf.Warm(); err != nil {
		t.Fatal(err)
	}
	limits := policytext.DefaultLimits()
	limits.Time = time.Minute // the machine may be busy
	d, err := policytext.Reader{Limits: limits, PDF: pdf.Pages}.Read(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A row longer than a page is parted; nothing of it is lost.
func TestPDFPartsLongRows(t *testing.T) {
	var words strings.Builder
	for i := range 700 {
		words.WriteString("第" + policytext.FormatNumeral(i+1) + "项、")
	}
	l := sample()
	l.Body = []Block{Table{Header: []string{"序号", "内容"}, Rows: [][]string{{"1", "短。"}, {"2", words.String()}, {"3", "尾。"}}}}
	data, err := l.PDF(Fonts{Songti: fontOf(charactersOf(t, l))})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(squeezed(readPDF(t, data).Text.Text), "序号内容", "") // on every page
	for i := range 700 {
		if want := "第" + policytext.FormatNumeral(i+1) + "项"; !strings.Contains(text, want) {
			t.Errorf("%s is lost", want)
		}
	}
	holds(t, text, "短。", "第一项", "尾。", "示例区司法局2026年3月5日")
}

func TestPDFReadsBack(t *testing.T) {
	l := sample()
	data, err := l.PDF(Fonts{Songti: fontOf(charactersOf(t, l))})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := l.PDF(Fonts{Songti: fontOf(charactersOf(t, l))}); err != nil || !bytes.Equal(data, again) {
		t.Error("the same letter gives other bytes")
	}
	d := readPDF(t, data)
	if d.Text.Title != l.Title || d.Text.DocumentNumber != l.Number {
		t.Errorf("title %q, number %q", d.Text.Title, d.Text.DocumentNumber)
	}
	holds(t, squeezed(d.Text.Text), "一、合法性审核意见", "特殊字符：<&>\"'", "㐂〇·—…“”。", "示例区司法局2026年3月5日", "（此件不予公开）")
}

func TestPDFNamesMissingGlyphs(t *testing.T) {
	l := sample()
	all := charactersOf(t, l)
	for _, c := range []string{"𠮷", "㐂", "厨"} {
		without := Fonts{Songti: fontOf(strings.ReplaceAll(all, c, ""))}
		_, err := l.PDF(without)
		var refused *Error
		if !errors.As(err, &refused) || !strings.Contains(refused.Message, "“"+c+"”") {
			t.Errorf("without %s: %v", c, err)
		}
		without.Rare = fontOf(c)
		if _, err := l.PDF(without); err != nil {
			t.Errorf("%s from another font: %v", c, err)
		}
	}
}

func TestPDFWithoutFonts(t *testing.T) {
	for name, fonts := range map[string]Fonts{"none": {}, "broken": {Songti: []byte("no font")}} {
		var refused *Error
		if _, err := sample().PDF(fonts); !errors.As(err, &refused) || refused.Field != "fonts" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFindFonts(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "truetype", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"truetype/x/GBSN00LP.TTF": "sung", "simkai.ttf": "kai", "gkai00mp.ttf": "another kai"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fonts, err := FindFonts(dir)
	if err != nil || string(fonts.Songti) != "sung" || string(fonts.Kaiti) != "kai" {
		t.Errorf("%v: %q %q", err, fonts.Songti, fonts.Kaiti)
	}
}

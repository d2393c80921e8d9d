package officialdoc

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fashen/internal/officialdoc/fonttest"
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
	data, err := l.PDF(parsed(t, Fonts{Songti: fonttest.TrueType(charactersOf(t, l))}))
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
	data, err := l.PDF(parsed(t, Fonts{Songti: fonttest.TrueType(charactersOf(t, l))}))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := l.PDF(parsed(t, Fonts{Songti: fonttest.TrueType(charactersOf(t, l))})); err != nil || !bytes.Equal(data, again) {
		t.Error("the same letter gives other bytes")
	}
	d := readPDF(t, data)
	if d.Text.Title != l.Title || d.Text.DocumentNumber != l.Number {
		t.Errorf("title %q, number %q", d.Text.Title, d.Text.DocumentNumber)
	}
	holds(t, squeezed(d.Text.Text), "一、合法性审核意见", "特殊字符：<&>\"'𠮷㐂〇·—…“”。", "示例区司法局2026年3月5日", "（此件不予公开）")
}

// Characters beyond the basic plane are copied as what they are, and the file is whole: each
// object begins where its table says.
func TestPDFBeyondTheBasicPlane(t *testing.T) {
	l := sample()
	l.Title, l.Issuer = "关于𠮷祥街道的意见", "𠮷祥街道"
	data, err := l.PDF(parsed(t, Fonts{Songti: fonttest.TrueType(charactersOf(t, l)), Rare: fonttest.TrueType("𠮷𠀀")}))
	if err != nil {
		t.Fatal(err)
	}
	if text := readPDF(t, data).Text; text.Title != l.Title || strings.Count(text.Text, "𠮷") != 3 {
		t.Errorf("read back:\n%s", text.Text)
	}
	if !bytes.Contains(data, []byte("/Author <FEFFD842DFB779658857")) {
		t.Error("no author")
	}
	start := startReference.FindSubmatch(data)
	table, _ := strconv.Atoi(string(start[1]))
	for i, m := range crossReference.FindAllSubmatch(data[table:], -1) {
		if at, _ := strconv.Atoi(string(m[1])); !bytes.HasPrefix(data[at:], []byte(strconv.Itoa(i+1)+" 0 obj\n")) {
			t.Errorf("object %d is not at %d", i+1, at)
		}
	}
	for _, m := range regexp.MustCompile(`/Length (\d+)\n>>\nstream\n`).FindAllSubmatchIndex(data, -1) {
		if length, _ := strconv.Atoi(string(data[m[2]:m[3]])); !bytes.HasPrefix(data[m[1]+length:], []byte("endstream")) && !bytes.HasPrefix(data[m[1]+length:], []byte("\nendstream")) {
			t.Errorf("a stream at %d is not %d long", m[1], length)
		}
	}
	if _, err := mendUnicode([]byte("<<\n/Length 65\n>>\nstream\n/CIDInit /ProcSet findresource begin\n<0001><0001><20BB7>\n12345678")); err == nil {
		t.Error("a file without an end is mended")
	}
}

func TestPDFNamesMissingGlyphs(t *testing.T) {
	l := sample()
	all := charactersOf(t, l)
	for _, c := range []string{"𠮷", "㐂", "厨"} {
		without := Fonts{Songti: fonttest.TrueType(strings.ReplaceAll(all, c, ""))}
		_, err := l.PDF(parsed(t, without))
		var refused *Error
		if !errors.As(err, &refused) || !strings.Contains(refused.Message, "“"+c+"”") {
			t.Errorf("without %s: %v", c, err)
		}
		without.Rare = fonttest.TrueType(c)
		if _, err := l.PDF(parsed(t, without)); err != nil {
			t.Errorf("%s from another font: %v", c, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, fonts := range map[string]Fonts{"none": {}, "broken": {Songti: []byte("no font")}} {
		var refused *Error
		if _, err := fonts.Parse(); !errors.As(err, &refused) || refused.Field != "fonts" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// parsed makes fonts ready.
func parsed(t testing.TB, fonts Fonts) *Typefaces {
	t.Helper()
	faces, err := fonts.Parse()
	if err != nil {
		t.Fatal(err)
	}
	return faces
}

func TestFindFonts(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "truetype", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"truetype/x/GBSN00LP.TTF": "sung", "simkai.ttf": "kai", "gkai00mp.ttf": "another kai", "own.ttf": "own"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	own := filepath.Join(dir, "own.ttf")
	fonts, err := FindFonts(FontSource{Folders: []string{dir}, Files: map[string]string{"heiti": own}})
	if err != nil || string(fonts.Songti) != "sung" || string(fonts.Kaiti) != "kai" || string(fonts.Heiti) != "own" {
		t.Errorf("%v: %q %q %q", err, fonts.Songti, fonts.Kaiti, fonts.Heiti)
	}
	var refused *Error
	if _, err := FindFonts(FontSource{Files: map[string]string{"heiti": own + "x"}}); !errors.As(err, &refused) || !strings.Contains(refused.Message, "font-files") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// A library looks again for fonts that were not there, and keeps those it found. Many
// letters are written with them at a time.
func TestFontLibrary(t *testing.T) {
	defer func(folders []string) { systemFolders = folders }(systemFolders)
	systemFolders = nil
	dir := t.TempDir()
	library := NewFontLibrary(FontSource{Folders: []string{dir}})
	var refused *Error
	if _, err := library.Typefaces(); !errors.As(err, &refused) || refused.Field != "fonts" || !strings.Contains(refused.Message, dir) {
		t.Fatalf("no fonts: %v", err)
	}
	l := sample()
	path := filepath.Join(dir, "gbsn00lp.ttf")
	if err := os.WriteFile(path, fonttest.TrueType(charactersOf(t, l)), 0o600); err != nil {
		t.Fatal(err)
	}
	faces, err := library.Typefaces()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	want, err := l.PDF(faces)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			faces, err := library.Typefaces()
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := l.PDF(faces); err != nil || !bytes.Equal(got, want) {
				t.Errorf("another file, %v", err)
			}
		})
	}
	group.Wait()
}

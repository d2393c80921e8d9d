package pdftext

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"fashen/internal/policytext"
)

// The test program is its own child.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == Command {
		if err := Serve(os.Stdin, os.Stdout, os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// pdfOf makes a PDF file of pages, each the operators of its content; the font of
// Adobe's GB1 collection is not embedded, and its text is UCS-2.
func pdfOf(contents ...string) []byte {
	var b bytes.Buffer
	offsets := []int{0}
	object := func(body string) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offsets)-1, body)
	}
	b.WriteString("%PDF-1.7\n")
	kids := ""
	for i := range contents {
		kids += fmt.Sprintf("%d 0 R ", 6+2*i)
	}
	object("<</Type/Catalog/Pages 2 0 R>>")
	object(fmt.Sprintf("<</Type/Pages/Kids[%s]/Count %d>>", kids, len(contents)))
	object("<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[4 0 R]>>")
	object("<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>/DW 1000/FontDescriptor 5 0 R>>")
	object("<</Type/FontDescriptor/FontName/STSong-Light/Flags 4/FontBBox[0 -200 1000 900]/ItalicAngle 0/Ascent 900/Descent -200/CapHeight 700/StemV 80>>")
	for i, content := range contents {
		object(fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>>>", 7+2*i))
		packed := deflate(content)
		object(fmt.Sprintf("<</Length %d/Filter/FlateDecode>>\nstream\n%s\nendstream", len(packed), packed))
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets))
	for _, at := range offsets[1:] {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(offsets), start)
	return b.Bytes()
}

func deflate(s string) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write([]byte(s)) // into memory
	_ = z.Close()
	return b.Bytes()
}

// show is the operators that print a text at a place, from the foot of the page.
func show(x, y, size float64, s string) string {
	hex := ""
	for _, u := range utf16.Encode([]rune(s)) {
		hex += fmt.Sprintf("%04X", u)
	}
	return fmt.Sprintf("BT /F %g Tf 1 0 0 1 %g %g Tm <%s> Tj ET\n", size, x, y, hex)
}

// reader compiles the engine once for all tests of this machine.
func reader(t testing.TB) policytext.Reader {
	t.Helper()
	pdf := NewReader("", 2)
	if err := pdf.Warm(); err != nil {
		t.Fatal(err)
	}
	limits := policytext.DefaultLimits()
	limits.Time = time.Minute // the machine may be busy
	return policytext.Reader{Limits: limits, PDF: pdf.Pages}
}

const draft = "示例事项管理办法\n第一章　总则\n第一条　为了加强示例事项的管理，保障各方的合法权益，依照《中华人民共和国示例法》第四条的规定，制定本办法。\n" +
	"第二条　有下列情形之一的，不予受理：\n（一）材料不齐全的；\n（二）超过期限的。\n"

func TestPages(t *testing.T) {
	re := reader(t)
	page := show(213, 760, 22, "示例事项管理办法") + show(250, 710, 16, "第一章　总则") +
		show(111, 680, 16, "第一条　为了加强示例事项的管理，保障各方的合法权") + show(79, 650, 16, "益，依照《中华人民共和国示例法》") +
		show(335, 656, 9, "1") + show(340, 650, 16, "第四条的规定，制定") + show(484, 650, 16, "本办") +
		show(79, 620, 16, "法。") + show(79, 120, 9, "1 见示例。") + show(290, 40, 14, "— 1 —")
	second := show(111, 760, 16, "第二条　有下列情形之一的，不予受理：") + show(111, 730, 16, "（一）材料不齐全的；") + show(111, 700, 16, "（二）超过期限的。") +
		"q 0.7 0.7 -0.7 0.7 200 200 cm " + show(0, 0, 40, "内部资料") + "Q " + show(290, 40, 14, "— 2 —")
	d, err := re.Read(t.Context(), pdfOf(page, second))
	if err != nil {
		t.Fatal(err)
	}
	if d.Text.Text != draft {
		t.Errorf("text\n%s\nwant\n%s", d.Text.Text, draft)
	}
	if n := d.Text.Counts; n.Articles != 2 || n.Items != 2 || n.Chapters != 1 {
		t.Errorf("counts %v", n)
	}
	if got := fmt.Sprintf("%q", d.Margins); got != `["内部资料" "1 见示例。" "— 1 —" "— 2 —"]` {
		t.Errorf("margins %s", got)
	}
}

func TestRefusals(t *testing.T) {
	re := reader(t)
	whole := pdfOf(show(79, 700, 16, "第一条　甲。"))
	flipped := bytes.Clone(whole)
	if at := bytes.Index(flipped, []byte("stream\n")); at > 0 {
		flipped[at+len("stream\n")+6] ^= 0x55
		flipped[at+len("stream\n")+9] ^= 0x55
	}
	for _, tt := range []struct {
		name string
		data []byte
		code string
	}{
		{"a picture", pdfOf("0 0 100 100 re f"), policytext.CodeEmptyDocument},
		{"cut off", whole[:len(whole)/3], CodeDamaged},
		{"a changed stream", flipped, CodeDamaged},
		{"nothing behind the head", []byte("%PDF-1.7\n"), CodeDamaged},
		{"a bomb", pdfOf(strings.Repeat("0 0 m ", 40<<20)), policytext.CodeArchiveBomb},
		{"too many pages", bytes.Replace(whole, []byte("/Kids[6 0 R ]/Count 1>>"), []byte("/Kids[2 0 R]/Count 9999>>"), 1), policytext.CodeTooManyPages},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := re.Read(t.Context(), tt.data)
			var refused *policytext.FormatError
			if !errors.As(err, &refused) || refused.Code != tt.code {
				t.Errorf("error %v, want %s", err, tt.code)
			}
		})
	}
}

// A file is given up with its caller, and the child does not outlive it.
func TestPagesEndWithTheCaller(t *testing.T) {
	re := reader(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := re.Read(ctx, pdfOf(show(79, 700, 16, "甲"))); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A child that is none, or that ends early, is our fault and the file's refusal.
func TestChildThatFails(t *testing.T) {
	for program, starts := range map[string]bool{"/bin/false": true, "/does/not/exist": false} {
		r := NewReader(t.TempDir(), 1)
		r.program = program
		_, err := r.child(t.Context(), []byte("%PDF-"))
		var refused *policytext.FormatError
		if err == nil || errors.Is(err, errEngine) != starts || errors.As(err, &refused) != starts {
			t.Errorf("%s: %v", program, err)
		}
		if r.Warm() == nil {
			t.Errorf("%s: ready", program)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(pdfOf(show(79, 700, 16, "甲")))
	f.Add([]byte("%PDF-1.7\n1 0 obj <</Filter/FlateDecode>> stream\r\nx endstream"))
	f.Add([]byte("stream\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		err := check(t.Context(), data)
		var refused *policytext.FormatError
		if err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
	})
}

func BenchmarkPages(b *testing.B) {
	re := reader(b)
	var rows strings.Builder
	for i := range 30 {
		rows.WriteString(show(79, 760-22*float64(i), 16, strings.Repeat("办法", 14)))
	}
	data := pdfOf(rows.String(), rows.String(), rows.String())
	for b.Loop() {
		if _, err := re.Read(b.Context(), data); err != nil {
			b.Fatal(err)
		}
	}
}

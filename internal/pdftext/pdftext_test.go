package pdftext

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fashen/internal/pdftext/pdftexttest"
	"fashen/internal/policytext"
)

// The test program is its own child.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == Command {
		if err := Serve(os.Stdin, os.Stdout, os.Args[2]); err != nil {
			panic(err)
		}
		return
	}
	m.Run()
}

// reader compiles the engine once for all tests of this machine.
func reader(t testing.TB) policytext.Reader {
	t.Helper()
	pdf := NewReader("", 2, policytext.DefaultLimits())
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
	page := pdftexttest.Show(213, 760, 22, "示例事项管理办法") + pdftexttest.Show(250, 710, 16, "第一章　总则") +
		pdftexttest.Show(111, 680, 16, "第一条　为了加强示例事项的管理，保障各方的合法权") + pdftexttest.Show(79, 650, 16, "益，依照《中华人民共和国示例法》") +
		pdftexttest.Show(335, 656, 9, "1") + pdftexttest.Show(340, 650, 16, "第四条的规定，制定") + pdftexttest.Show(484, 650, 16, "本办") +
		pdftexttest.Show(79, 620, 16, "法。") + pdftexttest.Show(79, 120, 9, "1 见示例。") + pdftexttest.Show(290, 40, 14, "— 1 —")
	second := pdftexttest.Show(111, 760, 16, "第二条　有下列情形之一的，不予受理：") + pdftexttest.Show(111, 730, 16, "（一）材料不齐全的；") + pdftexttest.Show(111, 700, 16, "（二）超过期限的。") +
		"q 0.7 0.7 -0.7 0.7 200 200 cm " + pdftexttest.Show(0, 0, 40, "内部资料") + "Q " + pdftexttest.Show(290, 40, 14, "— 2 —")
	d, err := re.Read(t.Context(), pdftexttest.File(page, second))
	if err != nil {
		t.Fatal(err)
	}
	if d.Text.Text != draft {
		t.Errorf("text\n%s\nwant\n%s", d.Text.Text, draft)
	}
	if n := d.Text.Counts; n.Articles != 2 || n.Items != 2 || n.Chapters != 1 {
		t.Errorf("counts %v", n)
	}
	if got := fmt.Sprintf("%v", d.Margins); got != "[{page 内部资料} {page 1 见示例。} {page — 1 —} {page — 2 —}]" {
		t.Errorf("margins %s", got)
	}
}

// A row that is spread to be as wide as the others has no blanks for it.
func TestSpreadRow(t *testing.T) {
	spread := "BT /F 16 Tf 1 0 0 1 79 730 Tm ["
	for _, r := range "例规定（示政发" {
		spread += fmt.Sprintf("<%04X> -700 ", r)
	}
	spread += "] TJ ET\n"
	page := pdftexttest.Show(111, 760, 16, "一、示例示例示例示例示例示例示例示例示例示例示例示例示") +
		spread + pdftexttest.Show(79, 700, 16, "〔2026〕1号）处理，示例示例示例示例示例示例示例示例示例。") +
		pdftexttest.Show(111, 670, 16, "示例 规定")
	d, err := reader(t).Read(t.Context(), pdftexttest.File(page))
	if err != nil {
		t.Fatal(err)
	}
	if want := "例规定（示政发"; !strings.Contains(d.Text.Text, want) || !strings.Contains(d.Text.Text, "示例 规定") {
		t.Errorf("text\n%s", d.Text.Text)
	}
}

func TestRefusals(t *testing.T) {
	re := reader(t)
	whole := pdftexttest.File(pdftexttest.Show(79, 700, 16, "第一条　甲。"))
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
		{"a picture", pdftexttest.File("0 0 100 100 re f"), policytext.CodeScanned},
		{"cut off", whole[:len(whole)/3], CodeDamaged},
		{"a changed stream", flipped, CodeDamaged},
		{"nothing behind the head", []byte("%PDF-1.7\n"), CodeDamaged},
		{"a bomb", pdftexttest.File(strings.Repeat("0 0 m ", 40<<20)), policytext.CodeArchiveBomb},
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

// Each limit is what it is set to.
func TestLimits(t *testing.T) {
	data := pdftexttest.File(pdftexttest.Show(79, 700, 16, "第一条　甲。"), strings.Repeat(pdftexttest.Show(79, 700, 16, "第二条　乙。"), 1_000))
	for name, tt := range map[string]struct {
		lower func(*policytext.Limits)
		code  string
	}{
		"as they are": {func(*policytext.Limits) {}, ""},
		"pages":       {func(l *policytext.Limits) { l.Pages = 1 }, policytext.CodeTooManyPages},
		"a stream":    {func(l *policytext.Limits) { l.PartBytes = 10_000 }, policytext.CodeArchiveBomb},
		"all streams": {func(l *policytext.Limits) { l.TotalBytes = 10_000 }, policytext.CodeArchiveBomb},
		"ratio":       {func(l *policytext.Limits) { l.Ratio, l.RatioFrom = 2, 1_000 }, policytext.CodeArchiveBomb},
	} {
		t.Run(name, func(t *testing.T) {
			re := reader(t)
			limits := policytext.DefaultLimits()
			tt.lower(&limits)
			re.PDF = NewReader("", 1, limits).Pages
			_, err := re.Read(t.Context(), data)
			var refused *policytext.FormatError
			if got := errors.As(err, &refused); got != (tt.code != "") || got && refused.Code != tt.code {
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
	if _, err := re.Read(ctx, pdftexttest.File(pdftexttest.Show(79, 700, 16, "甲"))); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A child that is none, or that ends early, is our fault and the file's refusal.
func TestChildThatFails(t *testing.T) {
	for program, starts := range map[string]bool{"/bin/false": true, "/does/not/exist": false} {
		r := NewReader(t.TempDir(), 1, policytext.DefaultLimits())
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

// What lies in the folder of the engine is run: it is ours alone, or not taken.
func TestFolder(t *testing.T) {
	for name, c := range map[string]struct {
		make func(dir string) error
		good bool
	}{
		"not there":        {func(string) error { return nil }, true},
		"ours":             {func(dir string) error { return os.Mkdir(dir, 0o700) }, true},
		"others may write": {func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o777)) }, false},
		"a link":           {func(dir string) error { return os.Symlink(t.TempDir(), dir) }, false},
		"a file":           {func(dir string) error { return os.WriteFile(dir, nil, 0o600) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "pdf")
			if err := c.make(dir); err != nil {
				t.Fatal(err)
			}
			if err := own(dir); (err == nil) != c.good {
				t.Errorf("%v", err)
			}
			if compiled(dir) {
				t.Error("there is no engine in it")
			}
		})
	}
}

// What kept the engine from being ready once does not keep it so.
func TestWarmAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pdf")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := NewReader(dir, 1, policytext.DefaultLimits())
	_, err := r.Pages(t.Context(), []byte("%PDF-1.7"))
	var refused *policytext.FormatError
	if !errors.As(err, &refused) || refused.Code != CodeUnavailable {
		t.Errorf("without a folder: %v", err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	r.program = "/bin/false"
	if err := r.Warm(); !errors.Is(err, errEngine) {
		t.Errorf("with the folder it is tried: %v", err)
	}
}

func TestEncrypted(t *testing.T) {
	for text, want := range map[string]bool{
		"trailer\n<</Size 9/Encrypt 8 0 R>>":          true,
		"9 0 obj<</Type/XRef/Encrypt 8 0 R>>stream\n": true,
		"%PDF-1.7\n% /Encrypt 8 0 R\n1 0 obj<<>>":     false,
		"trailer\n<</Size 9>>\n(/Encrypt is a word)":  false,
		"trailer\n<</Encrypt<</Filter/Standard>>>>":   true,
	} {
		if got := encrypted([]byte(text)); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(pdftexttest.File(pdftexttest.Show(79, 700, 16, "甲")))
	f.Add([]byte("%PDF-1.7\n1 0 obj <</Filter/FlateDecode>> stream\r\nx endstream"))
	f.Add([]byte("stream\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		err := check(t.Context(), data, policytext.DefaultLimits())
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
		rows.WriteString(pdftexttest.Show(79, 760-22*float64(i), 16, strings.Repeat("办法", 14)))
	}
	data := pdftexttest.File(rows.String(), rows.String(), rows.String())
	for b.Loop() {
		if _, err := re.Read(b.Context(), data); err != nil {
			b.Fatal(err)
		}
	}
}

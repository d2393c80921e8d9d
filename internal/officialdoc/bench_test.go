package officialdoc

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fashen/internal/officialdoc/fonttest"
	"fashen/internal/policytext"
)

// BenchmarkRedline writes what changed in a text of 900 articles, about 370 KB.
func BenchmarkRedline(b *testing.B) {
	var text strings.Builder
	text.WriteString("示例办法\n")
	for i := range 900 {
		fmt.Fprintf(&text, "第%s条　%s\n", policytext.FormatNumeral(i+1), strings.Repeat(fmt.Sprintf("有关单位应当依照本办法第%d项的规定办理，", i), 6))
	}
	before, after := policyText(b, text.String()), policyText(b, strings.ReplaceAll(text.String(), "7项的", "8项的"))
	c := compared(b, before, after)
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Redline(before, after, c, Edit{Author: "甲"}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLetter writes an opinion of five pages, as a Word file and as PDF.
func BenchmarkLetter(b *testing.B) {
	l := sample()
	fonts := parsed(b, Fonts{Songti: fonttest.TrueType(charactersOf(b, l))})
	b.Run("docx", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.DOCX(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("pdf", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.PDF(fonts); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("pdf with the fonts of make fonts", func(b *testing.B) {
		cache, err := os.UserCacheDir()
		if err != nil {
			b.Skip(err)
		}
		fetched, err := NewFontLibrary(FontSource{Folders: []string{filepath.Join(cache, "fashen", "fonts")}}).Typefaces()
		if err != nil {
			b.Skip(err)
		}
		for b.Loop() {
			if _, err := l.PDF(fetched); err != nil {
				b.Fatal(err)
			}
		}
	})
}

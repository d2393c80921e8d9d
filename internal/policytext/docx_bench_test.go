package policytext

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// pageRunes is how many characters a page of an official document holds: 22
// lines of 28 (GB/T 9704-2012, 5.2.3).
const pageRunes = 22 * 28

// longDraft is a draft of about 50 pages as Word writes it: chapters, articles
// and items numbered by style, properties on every run, words in pieces, and a
// table for every chapter.
func longDraft(t testing.TB) []byte {
	const properties = `<w:rPr><w:rFonts w:hint="eastAsia" w:ascii="仿宋_GB2312" w:hAnsi="仿宋_GB2312" w:eastAsia="仿宋_GB2312" w:cs="仿宋_GB2312"/>` +
		`<w:color w:val="000000"/><w:sz w:val="32"/><w:szCs w:val="32"/><w:lang w:eastAsia="zh-CN"/></w:rPr>`
	var body strings.Builder
	paragraph := func(style string, runs ...string) {
		fmt.Fprintf(&body, `<w:p w:rsidR="00A11C2D" w:rsidRDefault="00B22D3E"><w:pPr><w:pStyle w:val="%s"/><w:spacing w:line="560" w:lineRule="exact"/><w:ind w:firstLineChars="200" w:firstLine="640"/>%s</w:pPr>`, style, properties)
		for _, s := range runs {
			fmt.Fprintf(&body, `<w:r w:rsidRPr="00C33E4F">%s<w:t>%s</w:t></w:r>`, properties, s)
		}
		body.WriteString(`</w:p>`)
	}
	const words = "示例条文应当写得清楚明白便于执行和监督"
	paragraph("a", "示例管理办法")
	for range 11 { // chapters
		paragraph("Z", "示例章名")
		for range 12 {
			paragraph("T", "依照《中华人民共和国立法法》第九十三条，", words, words, words, "，按照下列规定办理：")
			for range 3 {
				paragraph("X", words, words, "；")
			}
		}
		body.WriteString(`<w:tbl><w:tblPr><w:tblW w:w="8800" w:type="dxa"/></w:tblPr>`)
		for range 6 {
			body.WriteString(`<w:tr>`)
			for range 4 {
				body.WriteString(`<w:tc><w:tcPr><w:tcW w:w="2200" w:type="dxa"/></w:tcPr>`)
				paragraph("a", "示例表格文字")
				body.WriteString(`</w:tc>`)
			}
			body.WriteString(`</w:tr>`)
		}
		body.WriteString(`</w:tbl>`)
	}
	return wordFile{body: body.String(), styles: statuteStyles, numbering: statuteNumbering}.bytes(t)
}

// BenchmarkReadDocx reads a draft of 50 pages to its outline.
func BenchmarkReadDocx(b *testing.B) {
	data := longDraft(b)
	d := mustRead(b, data)
	if n := d.Text.Counts.Articles; n != 132 {
		b.Fatalf("%d articles", n)
	}
	b.ReportAllocs()
	for b.Loop() {
		mustRead(b, data)
	}
	b.ReportMetric(float64(utf8.RuneCountInString(d.Text.Text))/pageRunes, "pages")
}

// BenchmarkStreamParagraphs reads 1.5 million paragraphs as a stream and reports
// the most memory in use while it does.
func BenchmarkStreamParagraphs(b *testing.B) {
	const paragraphs = 1_500_000
	data := manyParagraphs(b, paragraphs)
	lim := DefaultLimits()
	lim.Paragraphs, lim.Time = paragraphs, time.Hour
	for b.Loop() {
		runtime.GC()
		n, peak := 0, uint64(0)
		for _, err := range (Reader{Limits: lim}).Paragraphs(b.Context(), data) {
			if err != nil {
				b.Fatal(err)
			}
			if n++; n%10_000 == 0 {
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				peak = max(peak, now.HeapInuse)
			}
		}
		if n != paragraphs {
			b.Fatalf("%d paragraphs", n)
		}
		b.ReportMetric(float64(peak)/(1<<20), "peak-heap-MB")
	}
}

// manyParagraphs packs a Word document of so many paragraphs without ever
// holding it unpacked.
func manyParagraphs(t testing.TB, n int) []byte {
	t.Helper()
	const one = `<w:p><w:r><w:t>甲</w:t></w:r></w:p>`
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	sum, size := crc32.NewIEEE(), 0
	write := func(s string) {
		size += len(s)
		if _, err := io.MultiWriter(w, sum).Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	head, tail, _ := strings.Cut(wordBody("|"), "|")
	write(head)
	for range n / 1_000 {
		write(strings.Repeat(one, 1_000))
	}
	write(tail)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	raw, err := z.CreateRaw(&zip.FileHeader{
		Name: "word/document.xml", Method: zip.Deflate, CRC32: sum.Sum32(),
		CompressedSize64: uint64(deflated.Len()), UncompressedSize64: uint64(size),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Write(deflated.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

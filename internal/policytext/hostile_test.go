package policytext

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime"
	"strings"
	"testing"
	"time"
)

// rawZip packs one deflated member and lets its directory entry lie.
func rawZip(t testing.TB, name, content string, claimed uint64) []byte {
	t.Helper()
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	raw, err := z.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Deflate, CRC32: crc32.ChecksumIEEE([]byte(content)),
		CompressedSize64: uint64(deflated.Len()), UncompressedSize64: claimed,
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

func wordBody(body string) string {
	return `<w:document ` + wordNamespaces + `><w:body>` + body + `</w:body></w:document>`
}

func TestHostileArchives(t *testing.T) {
	const main = "word/document.xml"
	whole := wordFile{body: strings.Repeat(text("甲乙丙丁"), 50)}.bytes(t)
	long := wordBody(strings.Repeat(text("甲"), 100_000))
	twice := func() []byte {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for _, name := range []string{main, "Word/Document.xml"} {
			w, err := z.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(wordBody(text(name)))); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	many := map[string]string{main: wordBody(text("甲"))}
	for i := range 2_000 {
		many[fmt.Sprintf("word/media/%d", i)] = ""
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/3] ^= 0xff
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"a part inflates beyond the ratio", rawZip(t, main, wordBody(text(strings.Repeat("甲", 4<<20))), 13<<20), CodeArchiveBomb},
		{"the directory owns to a huge part", rawZip(t, main, long, 1<<31), CodeArchiveBomb},
		{"the directory claims too little", rawZip(t, main, long, 1000), CodeArchiveDamaged},
		{"nested tables", zipOf(t, map[string]string{main: wordBody(strings.Repeat("<w:tbl><w:tr><w:tc>", 10_000))}), CodeXMLTooDeep},
		{"nested runs of another namespace", zipOf(t, map[string]string{main: wordBody(strings.Repeat("<x>", 10_000))}), CodeXMLTooDeep},
		{"document type and entities", zipOf(t, map[string]string{main: `<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + wordBody(text("&x;"))}), CodeXMLForbidden},
		{"undeclared entity", zipOf(t, map[string]string{main: wordBody(text("&x;"))}), CodeXMLDamaged},
		{"name that climbs out", zipOf(t, map[string]string{main: wordBody(text("甲")), "../../evil.txt": "x"}), CodeUnsafePartName},
		{"absolute name", zipOf(t, map[string]string{main: wordBody(text("甲")), "/etc/x": "x"}), CodeUnsafePartName},
		{"backslash name", zipOf(t, map[string]string{main: wordBody(text("甲")), `word\x`: "x"}), CodeUnsafePartName},
		{"the same part twice", twice(), CodeDuplicatePart},
		{"too many members", zipOf(t, many), CodeArchiveBomb},
		{"more styles than any editor makes", wordFile{body: text("甲"), styles: numbered(maxDefinitions+2, `<w:style w:type="paragraph" w:styleId="%d"/>`)}.bytes(t), CodeArchiveBomb},
		{"more lists than any editor makes", wordFile{body: text("甲"), numbering: numbered(maxDefinitions+2, `<w:num w:numId="%d"/>`)}.bytes(t), CodeArchiveBomb},
		{"cut off", whole[:len(whole)/2], CodeArchiveDamaged},
		{"flipped byte", flipped, CodeArchiveDamaged},
		{"cut XML", zipOf(t, map[string]string{main: wordBody(text("甲"))[:350]}), CodeXMLDamaged},
		{"empty part", zipOf(t, map[string]string{main: ""}), CodeXMLDamaged},
		{"not a Word archive", zipOf(t, map[string]string{"xl/workbook.xml": "<x/>"}), CodeFormatNotSupported},
		{"no text at all", wordFile{body: text(" ") + text("　")}.bytes(t), CodeEmptyDocument},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			if got := codeOf(t, tt.data, DefaultLimits()); got != tt.want {
				t.Errorf("code %q, want %q", got, tt.want)
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

// numbered repeats a form with the numbers from 1.
func numbered(n int, form string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, form, i+1)
	}
	return b.String()
}

func TestLimits(t *testing.T) {
	body := strings.Repeat(text("甲"), 30)
	blown := wordFile{
		numbering: definition(1, level(0, "decimal", strings.Repeat("字", 200), "")) + listOf(1, 1, ""),
		body:      strings.Repeat(listed(1, 0, ""), 100),
	}
	tests := []struct {
		name  string
		data  []byte
		lower func(*Limits)
		want  string
	}{
		{"paragraphs of a docx", wordFile{body: body}.bytes(t), func(l *Limits) { l.Paragraphs = 29 }, CodeTooManyParagraphs},
		{"pages", ofdOf(t, []string{textObject(28, 50, em, "甲"), textObject(28, 50, em, "乙")}, "", nil), func(l *Limits) { l.Pages = 1 }, CodeTooManyPages},
		{"pages exactly at the limit", ofdOf(t, []string{textObject(28, 50, em, "甲"), textObject(28, 50, em, "乙")}, "", nil), func(l *Limits) { l.Pages = 2 }, ""},
		{"entries", wordFile{body: body, header: body}.bytes(t), func(l *Limits) { l.Entries = 2 }, CodeArchiveBomb},
		{"one part", wordFile{body: body}.bytes(t), func(l *Limits) { l.PartBytes = 1000 }, CodeArchiveBomb},
		{"ratio", wordFile{body: strings.Repeat(body, 20)}.bytes(t), func(l *Limits) { l.Ratio, l.RatioFrom = 2, 1000 }, CodeArchiveBomb},
		{"ratio below its size", wordFile{body: strings.Repeat(body, 20)}.bytes(t), func(l *Limits) { l.Ratio, l.RatioFrom = 2, 1<<20 }, ""},
		{"paragraphs exactly at the limit", wordFile{body: body}.bytes(t), func(l *Limits) { l.Paragraphs = 30 }, ""},
		{"breaks count as paragraphs", wordFile{body: par("", strings.Repeat(`<w:r><w:br/></w:r>`, 40))}.bytes(t), func(l *Limits) { l.Paragraphs = 30 }, CodeTooManyParagraphs},
		{"lines of a text", []byte(strings.Repeat("甲\n", 30)), func(l *Limits) { l.Paragraphs = 29 }, CodeTooManyParagraphs},
		{"text of a docx", wordFile{body: body}.bytes(t), func(l *Limits) { l.TextBytes = 100 }, CodeTextTooLong},
		{"automatic numbers count as text", blown.bytes(t), func(l *Limits) { l.TextBytes = 10_000 }, CodeTextTooLong},
		{"headers count as text", wordFile{body: text("甲"), header: body}.bytes(t), func(l *Limits) { l.TextBytes = 100 }, CodeTextTooLong},
		{"text boxes count as text", wordFile{body: par("", `<w:r><w:pict><w:txbxContent>`+body+`</w:txbxContent></w:pict></w:r>`)}.bytes(t), func(l *Limits) { l.TextBytes = 100 }, CodeTextTooLong},
		{"a long text", []byte(strings.Repeat("甲", 100)), func(l *Limits) { l.TextBytes = 100 }, CodeTextTooLong},
		{"depth", wordFile{body: body}.bytes(t), func(l *Limits) { l.XMLDepth = 4 }, CodeXMLTooDeep},
		{"all parts together", wordFile{body: body}.bytes(t), func(l *Limits) { l.TotalBytes = 1000 }, CodeArchiveBomb},
		{"time", wordFile{body: strings.Repeat(text("甲"), 5_000)}.bytes(t), func(l *Limits) { l.Time = time.Nanosecond }, CodeReadTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lim := DefaultLimits()
			tt.lower(&lim)
			if got := codeOf(t, tt.data, lim); got != tt.want {
				t.Errorf("code %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReadStopsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Read(ctx, wordFile{body: strings.Repeat(text("甲"), 5_000)}.bytes(t), DefaultLimits())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

// A file that inflates a thousandfold must cost a fixed amount of memory.
func TestHostileMemory(t *testing.T) {
	data := rawZip(t, "word/document.xml", wordBody(strings.Repeat("<w:p/>", 2_000_000)), 12<<20+200)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if got := codeOf(t, data, DefaultLimits()); got != CodeTooManyParagraphs && got != CodeArchiveBomb {
		t.Errorf("code %q", got)
	}
	runtime.ReadMemStats(&after)
	if grown := after.Sys - before.Sys; grown > 200<<20 {
		t.Errorf("the process grew by %d MB", grown>>20)
	}
}

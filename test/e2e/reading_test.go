package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"google.golang.org/grpc/codes"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/config"
)

// What a file may cost is a setting: each, set low, refuses what passes by default.
func TestReadingIsBounded(t *testing.T) {
	good := draft(t, "1")
	text := []byte("示例办法\n第一条　甲。\n第二条　乙。\n")
	for name, tt := range map[string]struct {
		file  []byte
		lower func(*config.Reading)
		want  string
	}{
		"upload-bytes":     {text, func(r *config.Reading) { r.FileBytes = len(text) - 1 }, "TOO_LARGE"},
		"read-entries":     {good, func(r *config.Reading) { r.Limits.Entries = 1 }, "ARCHIVE_BOMB"},
		"read-part-bytes":  {good, func(r *config.Reading) { r.Limits.PartBytes = 100 }, "ARCHIVE_BOMB"},
		"read-total-bytes": {good, func(r *config.Reading) { r.Limits.TotalBytes = 100 }, "ARCHIVE_BOMB"},
		"read-ratio":       {good, func(r *config.Reading) { r.Limits.Ratio, r.Limits.RatioFrom = 1, 1 }, "ARCHIVE_BOMB"},
		"read-xml-depth":   {good, func(r *config.Reading) { r.Limits.XMLDepth = 2 }, "XML_TOO_DEEP"},
		"read-paragraphs":  {text, func(r *config.Reading) { r.Limits.Paragraphs = 2 }, "TOO_MANY_PARAGRAPHS"},
		"read-text-bytes":  {text, func(r *config.Reading) { r.Limits.TextBytes = 30 }, "TEXT_TOO_LONG"},
		"read-time":        {good, func(r *config.Reading) { r.Limits.Time = time.Nanosecond }, "READ_TIMEOUT"},
		"uploads-bytes":    {text, func(r *config.Reading) { r.FileBytes, r.IntakeBytes = 10, 10 }, "TOO_LARGE"},
	} {
		t.Run(name, func(t *testing.T) {
			c := oneEngine(t)
			tt.lower(&c.Reading)
			w := newWorld(t, c, "rest", "2026-04-08")
			d := w.newDocument(t, true)
			_, f := w.upload(t, "drafter", d.GetName(), "draft.docx", tt.file)
			if f == nil || f.code != codes.InvalidArgument || f.reason != tt.want {
				t.Errorf("got %v, want %s", f, tt.want)
			}
		})
	}
}

// compoundFile is an OLE compound file with one stream of this name.
func compoundFile(stream string) []byte {
	data := make([]byte, 3*512)
	copy(data, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	binary.LittleEndian.PutUint16(data[30:], 9)
	binary.LittleEndian.PutUint32(data[48:], 1)
	binary.LittleEndian.PutUint32(data[512+4:], 0xfffffffe)
	for i, u := range utf16.Encode([]rune(stream)) {
		binary.LittleEndian.PutUint16(data[1024+2*i:], u)
	}
	data[1024+66] = 2
	binary.LittleEndian.PutUint32(data[1024+116:], 1)
	return data
}

// A .doc file is read where a converter is configured, and asked for as .docx where
// none is; other office files are named.
func TestOldOfficeFiles(t *testing.T) {
	t.Parallel()
	docx := filepath.Join(t.TempDir(), "made.docx")
	if err := os.WriteFile(docx, draft(t, "1"), 0o600); err != nil {
		t.Fatal(err)
	}
	converter := filepath.Join(filepath.Dir(docx), "converter")
	if err := os.WriteFile(converter, fmt.Appendf(nil, "#!/bin/sh\ncat %s > \"$PWD/in.docx\"\n", docx), 0o700); err != nil {
		t.Fatal(err)
	}
	refusals := func(t *testing.T, w *world, word string) {
		d := w.newDocument(t, true)
		for want, file := range map[string][]byte{
			word:                        compoundFile("WordDocument"),
			"FORMAT_NOT_SUPPORTED .xls": compoundFile("Workbook"),
			"FORMAT_NOT_SUPPORTED .ppt": compoundFile("PowerPoint Document"),
			"FORMAT_NOT_SUPPORTED RTF":  []byte(`{\rtf1\ansi}`),
			"FORMAT_NOT_SUPPORTED 已加密":  compoundFile("EncryptedPackage"),
		} {
			if want == "" {
				continue
			}
			code, says, _ := strings.Cut(want, " ")
			_, f := w.upload(t, "drafter", d.GetName(), "draft.docx", file)
			if f == nil || f.reason != code || !strings.Contains(f.Error(), says) {
				t.Errorf("got %v, want %s", f, want)
			}
		}
	}
	onAll(t, "2026-04-08", func(t *testing.T, w *world) { refusals(t, w, "LEGACY_WORD_FILE .docx") })
	onAll(t, "2026-04-08", func(t *testing.T, w *world) {
		refusals(t, w, "")
		d := w.newDocument(t, true)
		revision, f := w.upload(t, "drafter", d.GetName(), "draft.doc", compoundFile("WordDocument"))
		if f != nil {
			t.Fatal(f)
		}
		if got := revision.GetFile().GetMediaType(); got != "application/msword" {
			t.Errorf("media type %s", got)
		}
		text := &corev1.PolicyText{}
		w.must(t, "drafter", filingService+"GetRevisionText", &filingv1.GetRevisionTextRequest{Name: revision.GetName()}, text)
		if text.GetCounts().GetArticles() == 0 || bytes.Contains([]byte(text.GetText()), []byte("WordDocument")) {
			t.Errorf("read %v", text.GetCounts())
		}
	}, func(c *config.Config) { c.Reading.Word.Program = converter })
}

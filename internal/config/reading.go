package config

import (
	"cmp"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"fashen/internal/docstore"
	"fashen/internal/legacyword"
	"fashen/internal/policytext"
)

// Reading is what the files of strangers may cost. A zero stands for the default.
type Reading struct {
	// FileBytes bounds one upload, IntakeBytes what all of them hold in memory while
	// they arrive, AtOnce how many files are read at a time.
	FileBytes, IntakeBytes, AtOnce int
	// Limits bound what one file may be.
	Limits policytext.Limits
	// Word is the converter of .doc files; without a program they are refused.
	Word legacyword.Settings
}

const (
	// intakes is how many files of the largest size may be on their way by default.
	intakes = 4
	atOnce  = 4
	// maxPages is what the child that reads PDF files takes at most.
	maxPages = 2_000
	// wordTime and wordMemory bound a conversion; LibreOffice takes a second and some
	// 220 MB of memory for a draft, with an address space of less than a gigabyte.
	wordTime   = 30 * time.Second
	wordMemory = 1 << 30
	// minWordMemory is what an office suite needs to start at all.
	minWordMemory = 256 << 20
)

// Effective is the settings with defaults in the place of zeros.
func (r Reading) Effective() Reading {
	r.FileBytes = cmp.Or(r.FileBytes, docstore.MaxBlobBytes)
	r.IntakeBytes = cmp.Or(r.IntakeBytes, intakes*docstore.MaxBlobBytes)
	r.AtOnce = cmp.Or(r.AtOnce, atOnce)
	r.Limits = r.Limits.OrDefault()
	r.Word.Time = cmp.Or(r.Word.Time, wordTime)
	r.Word.Memory = cmp.Or(r.Word.Memory, wordMemory)
	r.Word.Children = 1
	return r
}

// FileFlags binds what bounds the reading of one file, for commands that read
// files and serve nobody.
func (r *Reading) FileFlags(f *pflag.FlagSet) {
	d := Reading{}.Effective()
	f.IntVar(&r.Limits.Entries, "read-entries", d.Limits.Entries, "most `members` of an archive (.docx, .ofd)")
	f.Int64Var(&r.Limits.PartBytes, "read-part-bytes", d.Limits.PartBytes, "most `bytes` of one member, or stream of a PDF file, once inflated")
	f.Int64Var(&r.Limits.TotalBytes, "read-total-bytes", d.Limits.TotalBytes, "most `bytes` of all of them together")
	f.Int64Var(&r.Limits.Ratio, "read-ratio", d.Limits.Ratio, "highest `ratio` of compression of a member that inflates beyond --read-ratio-from")
	f.Int64Var(&r.Limits.RatioFrom, "read-ratio-from", d.Limits.RatioFrom, "`bytes` below which the ratio is not looked at")
	f.IntVar(&r.Limits.XMLDepth, "read-xml-depth", d.Limits.XMLDepth, "deepest `nesting` of elements")
	f.IntVar(&r.Limits.Paragraphs, "read-paragraphs", d.Limits.Paragraphs, "most `paragraphs` of a file")
	f.IntVar(&r.Limits.Pages, "read-pages", d.Limits.Pages, "most `pages` of a PDF or OFD file, at most 2000")
	f.IntVar(&r.Limits.TextBytes, "read-text-bytes", d.Limits.TextBytes, "most `bytes` (UTF-8) of the text that a file holds")
	f.IntVar(&r.Limits.MarkupBytes, "read-markup-bytes", d.Limits.MarkupBytes, "most `bytes` that tracked changes, comments and notes take beside the text")
	f.DurationVar(&r.Limits.Time, "read-time", d.Limits.Time, "longest `time` that a file may take to read")
	f.StringVar(&r.Word.Program, "doc-converter", "", "`program` that converts .doc files, such as /usr/bin/soffice; without one they are refused")
	f.DurationVar(&r.Word.Time, "doc-converter-time", d.Word.Time, "longest `time` of a conversion")
	f.Int64Var(&r.Word.Memory, "doc-converter-memory", d.Word.Memory, "most `bytes` of address space of the converter")
}

// flags binds all settings.
func (r *Reading) flags(f *pflag.FlagSet) {
	d := Reading{}.Effective()
	f.IntVar(&r.FileBytes, "upload-bytes", d.FileBytes, "most `bytes` of an uploaded file, at most 52428800")
	f.IntVar(&r.IntakeBytes, "uploads-bytes", d.IntakeBytes, "most `bytes` that all uploads together hold while they arrive")
	f.IntVar(&r.AtOnce, "reads-at-once", d.AtOnce, "`number` of files that are read at a time; further ones wait")
	r.FileFlags(f)
}

// check names the settings that cannot be.
func (r *Reading) check(problem func(flag, format string, args ...any)) {
	e := r.Effective()
	for _, n := range []struct {
		flag       string
		value, top int64
	}{
		{"upload-bytes", int64(e.FileBytes), docstore.MaxBlobBytes}, {"uploads-bytes", int64(e.IntakeBytes), 0}, {"reads-at-once", int64(e.AtOnce), 0},
		{"read-entries", int64(e.Limits.Entries), 0}, {"read-part-bytes", e.Limits.PartBytes, 0}, {"read-total-bytes", e.Limits.TotalBytes, 0},
		{"read-ratio", e.Limits.Ratio, 0}, {"read-ratio-from", e.Limits.RatioFrom, 0}, {"read-xml-depth", int64(e.Limits.XMLDepth), 1_000},
		{"read-paragraphs", int64(e.Limits.Paragraphs), 0}, {"read-pages", int64(e.Limits.Pages), maxPages},
		{"read-markup-bytes", int64(e.Limits.MarkupBytes), 0}, {"read-text-bytes", int64(e.Limits.TextBytes), 0}, {"read-time", int64(e.Limits.Time), 0}, {"doc-converter-time", int64(e.Word.Time), 0},
	} {
		switch {
		case n.value < 0:
			problem(n.flag, "less than 0")
		case n.top > 0 && n.value > n.top:
			problem(n.flag, "%d is more than %d", n.value, n.top)
		}
	}
	if e.IntakeBytes < e.FileBytes {
		problem("uploads-bytes", "less than one file of --upload-bytes")
	}
	if e.Word.Memory < minWordMemory {
		problem("doc-converter-memory", "less than %d, with which no converter starts", minWordMemory)
	}
	if p := e.Word.Program; p != "" && !filepath.IsAbs(p) {
		problem("doc-converter", "%q is not an absolute path", p)
	}
}

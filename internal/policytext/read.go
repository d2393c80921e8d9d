package policytext

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

// Document is one file as read.
type Document struct {
	// Text is the body with its structure.
	Text *corev1.PolicyText
	// Margins is what the file shows beside its body, a paragraph each: page
	// headers and footers, watermarks, and the text boxes (these stand in the
	// body's text as well). SecrecyMark looks at them.
	Margins []Margin
	// Page is the paper and its margins, where a Word document says them.
	Page *PageSetup
}

// Margin is a paragraph beside the body.
type Margin struct {
	Kind MarginKind `json:"kind"`
	Text string     `json:"text"`
}

// MarginKind tells where a margin stands.
type MarginKind string

// Kinds of margins.
const (
	MarginHeader MarginKind = "header"
	MarginFooter MarginKind = "footer"
	MarginBox    MarginKind = "box"  // a text box, or WordArt: a watermark
	MarginPage   MarginKind = "page" // of a page whose format keeps no header apart
)

// line is one line of the text: a paragraph, or a part of one between manual
// line breaks.
type line struct {
	text string
	// label is the automatic number at the start of text, without the gap
	// after it; empty when the number, if any, was typed.
	label string
	// raw is the line as sent where text is what structure is read from: as many
	// code points, with marks of Markdown blanked out. Empty when they are one.
	raw   string
	place place
	// joined says that the line goes on with the last one of running text.
	joined bool
	// start and end are code points of the whole text; end excludes the line feed.
	start, end int
	// style is the name of the paragraph's style, where the format has any.
	style string
	// spots are the places in it that something beside the text is about.
	spots []spot
}

// sent is what stands at code points [start, end) of the whole text, which are in the
// line, as it was sent.
func (l *line) sent(start, end int) string {
	points := []rune(cmp.Or(l.raw, l.text))
	return string(points[start-l.start : end-l.start])
}

// place tells where a line stands; only the running text holds provisions.
type place int

const (
	inText place = iota
	inTable
	inBox      // a text box or WordArt
	inContents // an entry of a table of contents, told by its style
	inMargin   // a page number in a text without pages
)

// reading collects what a format reader finds; it is turned into a Document
// when the reader is done.
type reading struct {
	lines    []line
	count    int // of the lines
	margins  []Margin
	page     *PageSetup
	warnings []string
	bytes    int
	limits   Limits
	// rows says that the lines may be rows of a page.
	rows bool
	// changes tells how tracked changes are read.
	changes Changes
	// sink takes the lines instead, where the reading is a stream.
	sink func(line) error

	// What a Word document holds beside its text: spots behind the last line,
	// words of notes by their ids, comments, and what they take of
	// Limits.MarkupBytes.
	trailing            []spot
	footnotes, endnotes map[string]string
	comments            []*corev1.Markup_Comment
	markup              int
}

// add appends a line and keeps to the limits.
func (r *reading) add(l line) error {
	if r.count++; r.count > r.limits.Paragraphs {
		return refuse(CodeTooManyParagraphs, "文件段落超过%d段的上限，请拆分后上传", r.limits.Paragraphs)
	}
	if r.bytes += len(l.text) + 1; r.bytes > r.limits.TextBytes {
		return r.tooLong()
	}
	if r.sink != nil {
		return r.sink(l)
	}
	r.lines = append(r.lines, l)
	return nil
}

func (r *reading) tooLong() error {
	return refuse(CodeTextTooLong, "文件文字超过%d字节的上限，请拆分后上传", r.limits.TextBytes)
}

// warn records a warning for people, once.
func (r *reading) warn(message string) {
	for _, w := range r.warnings {
		if w == message {
			return
		}
	}
	r.warnings = append(r.warnings, message)
}

// Reader reads files.
type Reader struct {
	Limits Limits
	// PDF reads the pages of a PDF file, whose engine is no part of this package;
	// nil where none is. It refuses with a *FormatError.
	PDF func(ctx context.Context, data []byte) ([]Page, error)
	// Changes tells how tracked changes are read; as accepted, unless set.
	Changes Changes
	// Word turns a .doc file into a .docx file; nil where no converter is. It refuses
	// with a *FormatError.
	Word func(ctx context.Context, data []byte) ([]byte, error)
}

// Read reads a file as a Reader without a PDF engine does.
func Read(ctx context.Context, data []byte, lim Limits) (*Document, error) {
	return Reader{Limits: lim}.Read(ctx, data)
}

// Read reads a file into text with structure. The format is told by content,
// never by name: .docx, .pdf, .ofd, .doc where Word is set, Markdown, or plain text in
// UTF-8, UTF-16 or GB18030. A file it refuses gives a *FormatError; a cancelled context
// gives the context's error. The same bytes always give the same Document, as far
// as the converter of .doc files does so.
func (re Reader) Read(ctx context.Context, data []byte) (*Document, error) {
	r := &reading{limits: re.Limits, changes: re.Changes}
	if err := re.read(ctx, data, r); err != nil {
		return nil, err
	}
	return r.document()
}

// read tells the format and reads the file's lines.
func (re Reader) read(ctx context.Context, data []byte, r *reading) error {
	data, err := re.modern(ctx, data)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, re.Limits.Time)
	defer cancel()
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	switch {
	case isArchive(data):
		err = readArchive(ctx, data, r)
	case re.PDF != nil && IsPDF(data):
		err = readPDF(ctx, data, r, re.PDF)
	default:
		if err = refuseForeign(data); err == nil {
			err = readPlain(ctx, data, r)
		}
	}
	return err
}

// modern turns a .doc file into the .docx file that is read in its place, within
// the same limits; any other file stays. Text is never taken from a converter: it
// would number the articles its own way.
func (re Reader) modern(ctx context.Context, data []byte) ([]byte, error) {
	if compoundKind(data) != compoundWord {
		return data, nil
	}
	if re.Word == nil {
		return nil, refuse(CodeLegacyWord, "本系统不能直接读取旧版 Word 文件（.doc），请在 Word 或 WPS 中另存为 .docx 后上传")
	}
	docx, err := re.Word(ctx, data)
	if err == nil && !isArchive(docx) {
		err = refuse(CodeWordNotConverted, "旧版 Word 文件（.doc）无法转换，请另存为 .docx 后上传")
	}
	return docx, err
}

// readArchive reads a zip container: an OFD file or a Word document.
func readArchive(ctx context.Context, data []byte, r *reading) error {
	a, err := openArchive(data, r.limits)
	if err != nil {
		return err
	}
	if a.has("OFD.xml") {
		return readOFD(ctx, a, r)
	}
	if err := refuseOffice(a); err != nil {
		return err
	}
	return readDocx(ctx, a, r)
}

// readPDF lays the pages of a PDF file out into paragraphs.
func readPDF(ctx context.Context, data []byte, r *reading, pagesOf func(context.Context, []byte) ([]Page, error)) error {
	pages, err := pagesOf(ctx, data)
	if err == nil {
		return r.layOut(ctx, pages)
	}
	var refused *FormatError
	if ctx.Err() != nil && !errors.As(err, &refused) {
		return stopped(ctx)
	}
	return err
}

// document joins the lines, counts code points once and reads the structure.
func (r *reading) document() (*Document, error) {
	var b strings.Builder
	b.Grow(r.bytes)
	at, blank := 0, true
	for i := range r.lines {
		l := &r.lines[i]
		l.start = at
		l.end = at + utf8.RuneCountInString(l.text)
		at = l.end + 1
		b.WriteString(cmp.Or(l.raw, l.text))
		b.WriteByte('\n')
		blank = blank && trim(l.text) == ""
	}
	if blank {
		return nil, refuse(CodeEmptyDocument, "文件中没有可读的文字；扫描件请先识别为文字后上传")
	}
	r.joinRows()
	text := &corev1.PolicyText{Text: b.String()}
	front := readFront(r, text)
	readOutline(r, front, text)
	readAttachments(r, front, text)
	readCitations(r, front, text)
	readReferences(r, front, text)
	readValidities(r, front, text)
	placeMarkup(r, text)
	text.Warnings = r.warnings
	return &Document{Text: text, Margins: r.margins, Page: r.page}, nil
}

// trim removes the blanks that drafts put around text, ideographic and
// no-break spaces and zero-width marks included.
func trim(s string) string { return strings.TrimFunc(s, IsBlank) }

// IsBlank tells what trim removes.
func IsBlank(r rune) bool {
	switch r {
	case ' ', '\t', '\r', '\n', '\f', '\v', '\u3000', '\u00a0', '\u200b', '\ufeff', '\u2002', '\u2003':
		return true
	}
	return false
}

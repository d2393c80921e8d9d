package policytext

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strings"
)

// This file tells formats by content. A bureau's office suite names files as it
// likes, and a .doc that is a web page or a .docx is nothing rare.

// Media types of the files that are read.
const (
	MediaDocx     = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	MediaDoc      = "application/msword"
	MediaOFD      = "application/ofd"
	MediaPDF      = "application/pdf"
	MediaMarkdown = "text/markdown"
	MediaPlain    = "text/plain"
)

// MediaType tells the media type of a file that was read, by its content.
func MediaType(data []byte) string {
	switch {
	case IsPDF(data):
		return MediaPDF
	case isArchive(data) && bytes.Contains(data, []byte("OFD.xml")):
		return MediaOFD
	case isArchive(data):
		return MediaDocx
	case isCompound(data):
		return MediaDoc
	}
	if text, err := decode(data); err == nil && isMarkdown(text) {
		return MediaMarkdown
	}
	return MediaPlain
}

// isArchive tells a zip container by its beginning.
func isArchive(data []byte) bool { return bytes.HasPrefix(data, []byte("PK")) }

// IsPDF tells a PDF file by its beginning.
func IsPDF(data []byte) bool { return bytes.HasPrefix(headOf(data), []byte("%pdf-")) }

// headOf is the beginning of a file without what may precede a magic word.
func headOf(data []byte) []byte {
	return bytes.ToLower(bytes.TrimLeft(data[:min(len(data), 64)], "\xef\xbb\xbf \t\r\n"))
}

// resave asks for a file that can be read.
const resave = "，请另存为 .docx 后上传"

// refuseForeign names the formats that are recognised but not read.
func refuseForeign(data []byte) error {
	head := headOf(data)
	switch {
	case IsPDF(data):
		return refuse(CodeFormatNotSupported, "暂不支持 PDF 文件"+resave)
	case bytes.HasPrefix(head, []byte("{\\rtf")):
		return refuse(CodeFormatNotSupported, "暂不支持 RTF 文件"+resave)
	case bytes.HasPrefix(head, []byte("<!doctype")), bytes.HasPrefix(head, []byte("<html")),
		bytes.HasPrefix(head, []byte("<?xml")), bytes.HasPrefix(head, []byte("mime-version:")):
		return refuse(CodeFormatNotSupported, "暂不支持网页或 XML 文件"+resave)
	case isCompound(data):
		return refuseCompound(compoundKind(data))
	}
	return nil
}

// refuseOffice names the zip containers of office suites that are no Word document.
func refuseOffice(a *archive) error {
	for part, name := range map[string]string{
		"xl/workbook.xml": "Excel 表格（.xlsx）", "xl/workbook.bin": "Excel 表格（.xlsb）",
		"ppt/presentation.xml": "演示文稿（.pptx）", "content.xml": "OpenDocument 文件",
	} {
		if a.has(part) && !a.has("word/document.xml") {
			return refuse(CodeFormatNotSupported, "暂不支持%s"+resave, name)
		}
	}
	return nil
}

// compound is what an OLE compound file (MS-CFB) holds.
type compound int

const (
	notCompound compound = iota
	compoundOther
	compoundWord
	compoundExcel
	compoundSlides
	compoundWorks
	compoundEncrypted
)

// compoundStreams are the names that tell what a compound file is, the first
// that is there: a Word document may hold an Excel table, never the other way
// in its root, but an encrypted file keeps its former kind's name in some suites.
var compoundStreams = []struct {
	name string
	kind compound
}{
	{"EncryptedPackage", compoundEncrypted},
	{"WordDocument", compoundWord},
	{"Workbook", compoundExcel},
	{"Book", compoundExcel},
	{"PowerPoint Document", compoundSlides},
	{"CONTENTS", compoundWorks},
	{"MatOST", compoundWorks},
}

func refuseCompound(kind compound) error {
	switch kind {
	case compoundEncrypted:
		return refuse(CodeFormatNotSupported, "文件已加密，请取消密码后上传")
	case compoundExcel:
		return refuse(CodeFormatNotSupported, "暂不支持 Excel 表格（.xls、.et）"+resave)
	case compoundSlides:
		return refuse(CodeFormatNotSupported, "暂不支持演示文稿（.ppt、.dps）"+resave)
	case compoundWorks:
		return refuse(CodeFormatNotSupported, "暂不支持 .wps 文件"+resave)
	}
	return refuse(CodeFormatNotSupported, "不能识别的旧版 Office 文件"+resave)
}

func isCompound(data []byte) bool {
	return bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))
}

// compoundKind reads the directory of a compound file, as far as it takes to tell
// what the file is. Word's own flag of encryption counts.
func compoundKind(data []byte) compound {
	if !isCompound(data) {
		return notCompound
	}
	entries := compoundDirectory(data)
	for _, s := range compoundStreams {
		e, ok := entries[s.name]
		if !ok {
			continue
		}
		// FibBase (MS-DOC 2.5.2): wIdent, and bit 8 of the flags at byte 10, fEncrypted.
		if fib := e.bytes; s.kind == compoundWord && len(fib) > 11 && fib[11]&1 != 0 {
			return compoundEncrypted
		}
		return s.kind
	}
	return compoundOther
}

const (
	// maxDirectorySectors bounds how much of a directory is looked at; four entries
	// stand in a sector of 512 bytes, and a document has some thirty.
	maxDirectorySectors = 1_024
	directoryEntry      = 128
)

// stream is an entry of a compound file's directory that is a stream, with the
// first sector of what it holds where it begins in a sector of its own.
type stream struct{ bytes []byte }

// compoundDirectory reads the streams of a compound file by name (MS-CFB 2.2 to
// 2.6). Whatever is damaged ends the reading: what was found until then stands.
func compoundDirectory(data []byte) map[string]stream {
	entries := map[string]stream{}
	if len(data) < 512 {
		return entries
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(data[at:])) }
	u32 := func(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	shift := u16(30)
	if shift != 9 && shift != 12 {
		return entries
	}
	size := 1 << shift
	sector := func(id uint32) []byte {
		from := (int64(id) + 1) << shift
		if id >= 0xfffffffa || from+int64(size) > int64(len(data)) {
			return nil
		}
		return data[from : from+int64(size)]
	}
	// next follows the chain of sectors through the allocation table, whose own first
	// 109 sectors the header lists: enough for seven megabytes, and a directory beyond
	// them is cut short.
	next := func(id uint32) (uint32, bool) {
		perSector := uint32(size / 4)
		at := id / perSector
		if at >= 109 {
			return 0, false
		}
		table := sector(u32(data, 76+4*int(at)))
		if table == nil {
			return 0, false
		}
		return u32(table, 4*int(id%perSector)), true
	}
	id := u32(data, 48)
	for range maxDirectorySectors {
		body := sector(id)
		if body == nil {
			return entries
		}
		for at := 0; at+directoryEntry <= size; at += directoryEntry {
			e := body[at : at+directoryEntry]
			if e[66] == 2 { // a stream
				entries[entryName(e)] = stream{sector(u32(e, 116))}
			}
		}
		var ok bool
		if id, ok = next(id); !ok {
			return entries
		}
	}
	return entries
}

// entryName is the name of a directory entry, as far as it is ASCII.
func entryName(e []byte) string {
	var b strings.Builder
	for at := 0; at+1 < 64; at += 2 {
		if e[at] == 0 && e[at+1] == 0 {
			break
		}
		if e[at+1] != 0 {
			return ""
		}
		b.WriteByte(e[at])
	}
	return b.String()
}

// Markdown. Its marks are part of what was sent and stay in the text; structure is
// read through them.

var (
	markdownHeading = regexp.MustCompile(`(?m)^ {0,3}#{1,6}[ \t]+\S`)
	markdownStrong  = regexp.MustCompile(`\*\*[^*\s](?:[^*\n]*[^*\s])?\*\*`)
	markdownEm      = regexp.MustCompile(`\*{1,3}[^*\s](?:[^*\n]*[^*\s])?\*{1,3}|__[^_\s](?:[^_\n]*[^_\s])?__`)
	markdownLead    = regexp.MustCompile(`^[ \t]*(?:>[ \t]?)*(?:#{1,6}[ \t]+|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?)?`)
	markdownTail    = regexp.MustCompile(`[ \t]+#+[ \t]*$`)
	markdownRule    = regexp.MustCompile("^[ \t]*(?:={3,}|-{3,}|\\*{3,}|_{3,}|`{3,}.*|~{3,}.*|[-*_](?:[ \t]+[-*_]){2,})[ \t]*$")
	markdownTable   = regexp.MustCompile(`^[ \t]*\|.*\|[ \t]*$`)
)

// isMarkdown tells Markdown from plain text, which no official document confuses:
// a line that begins with # and a blank, or two runs of ** around words.
func isMarkdown(text string) bool {
	return markdownHeading.MatchString(text) || len(markdownStrong.FindAllStringIndex(text, 2)) == 2
}

// throughMarkdown blanks the marks of a line out, one blank for each, so that
// offsets stay, and tells where the line stands.
func throughMarkdown(s string) line {
	l := line{text: s, raw: s}
	switch {
	case markdownRule.MatchString(s):
		l.text = strings.Repeat(" ", len([]rune(s)))
		return l
	case markdownTable.MatchString(s):
		l.place = inTable
		return l
	}
	b := []byte(s)
	blank := func(from, to int) {
		for i := from; i < to; i++ {
			if strings.IndexByte("#*_->+\\[]xX", b[i]) >= 0 {
				b[i] = ' '
			}
		}
	}
	lead := markdownLead.FindStringIndex(s)
	blank(lead[0], lead[1])
	if tail := markdownTail.FindStringIndex(s); tail != nil && strings.Contains(s[:lead[1]], "#") {
		blank(tail[0], tail[1])
	}
	for _, m := range markdownEm.FindAllStringIndex(s, -1) {
		for i, j := m[0], m[1]-1; i < j && b[i] == s[m[0]] && b[j] == s[m[0]]; i, j = i+1, j-1 {
			b[i], b[j] = ' ', ' '
		}
	}
	l.text = string(b)
	return l
}

package officialdoc

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error tells people what cannot be written.
type Error struct {
	// Field is the part at fault in the manner of a field path, such as
	// `body[2].rows[0]`; empty when it is no part in particular.
	Field string
	// Message is for people, in Chinese.
	Message string
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + "：" + e.Message
}

func refuse(field, format string, args ...any) error {
	return &Error{Field: field, Message: fmt.Sprintf(format, args...)}
}

// docx is a Word document in the making. The first error stays.
type docx struct {
	body, comments strings.Builder
	properties     string // of the runs that are being written
	shows          bool   // U+FFFD where a character cannot be written
	err            error
}

// paragraph writes one paragraph of a style; runs writes what stands in it.
func (d *docx) paragraph(id string, runs func()) { d.marked(id, "", runs) }

// marked writes a paragraph with properties of its own, in the order of the schema.
func (d *docx) marked(id, own string, runs func()) {
	d.body.WriteString(`<w:p><w:pPr><w:pStyle w:val="` + id + `"/>` + own + `</w:pPr>`)
	runs()
	d.body.WriteString(`</w:p>`)
}

// line writes a paragraph of plain text.
func (d *docx) line(id, text string) { d.paragraph(id, func() { d.text(text) }) }

// element writes a paragraph of a letter.
func (d *docx) element(e element) {
	own := ""
	if e.keep {
		own = `<w:keepNext/>`
	}
	if e.style == imprint {
		own += imprintFrame
	}
	if e.indent != nil {
		own += e.indent.xml()
	}
	if e.size > 0 {
		d.properties = fmt.Sprintf(`<w:sz w:val="%[1]d"/><w:szCs w:val="%[1]d"/>`, e.size)
	}
	d.marked(e.style, own, func() { d.text(e.text) })
	d.properties = ""
}

// text writes runs of text into the open paragraph.
func (d *docx) text(s string) { d.runs(&d.body, s, "t") }

// runs writes text as w:t or w:delText. A line feed is a break, a tab a tab, and
// characters beyond the basic plane get a face that has them.
func (d *docx) runs(b *strings.Builder, s, element string) {
	if !d.shows && !utf8.ValidString(s) {
		d.fail(refuse("", "文字不是有效的 UTF-8 编码"))
		return
	}
	for s != "" {
		n, beyond := span(s)
		properties := `<w:rFonts w:hint="eastAsia"/>`
		if beyond {
			properties = fmt.Sprintf(`<w:rFonts w:hint="eastAsia" w:ascii="%[1]s" w:hAnsi="%[1]s" w:eastAsia="%[1]s"/>`, rare)
		}
		b.WriteString(`<w:r><w:rPr>` + properties + d.properties + `</w:rPr>`)
		d.content(b, s[:n], element)
		b.WriteString(`</w:r>`)
		s = s[n:]
	}
}

// content writes what stands in a run.
func (d *docx) content(b *strings.Builder, s, element string) {
	for s != "" {
		n := strings.IndexAny(s, "\n\t")
		if n < 0 {
			n = len(s)
		}
		if n > 0 {
			b.WriteString(`<w:` + element + ` xml:space="preserve">`)
			d.escape(b, s[:n])
			b.WriteString(`</w:` + element + `>`)
		}
		if n == len(s) {
			return
		}
		if s[n] == '\n' {
			b.WriteString(`<w:br/>`)
		} else {
			b.WriteString(`<w:tab/>`)
		}
		s = s[n+1:]
	}
}

// span is how many bytes at the start of s can be set in one face.
func span(s string) (n int, beyond bool) {
	for i, r := range s {
		if i == 0 {
			beyond = r > 0xffff
		} else if (r > 0xffff) != beyond {
			return i, beyond
		}
	}
	return len(s), beyond
}

// escape writes character data or the value of an attribute.
func (d *docx) escape(b *strings.Builder, s string) {
	for _, r := range s {
		switch {
		case !writable(r) && d.shows:
			b.WriteRune(utf8.RuneError)
		case !writable(r):
			d.fail(refuse("", "文字含有无法写入文件的字符 U+%04X", r))
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		default:
			b.WriteRune(r)
		}
	}
}

// attribute is an attribute with its value.
func (d *docx) attribute(name, value string) string {
	var b strings.Builder
	b.WriteString(` w:` + name + `="`)
	d.escape(&b, value)
	b.WriteString(`"`)
	return b.String()
}

func (d *docx) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// writable reports whether XML can hold a character and a reader gives it back:
// control characters are not, tabs and line feeds have elements of their own.
func writable(r rune) bool {
	switch {
	case r == '\t', r == '\n':
		return true
	case r < ' ', r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff:
		return false
	}
	return true
}

// table writes a table as wide as the type area, its header on every page.
func (d *docx) table(t Table) {
	b := &d.body
	widths := t.columns()
	b.WriteString(`<w:tbl><w:tblPr><w:tblW w:w="8844" w:type="dxa"/><w:jc w:val="center"/><w:tblBorders>`)
	for _, side := range []string{"top", "left", "bottom", "right", "insideH", "insideV"} {
		b.WriteString(`<w:` + side + ` w:val="single" w:sz="4" w:space="0" w:color="auto"/>`)
	}
	b.WriteString(`</w:tblBorders><w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>`)
	for _, w := range widths {
		fmt.Fprintf(b, `<w:gridCol w:w="%d"/>`, w)
	}
	b.WriteString(`</w:tblGrid>`)
	d.row(widths, t.Header, "TableHead", `<w:tblHeader/>`)
	for _, row := range t.Rows {
		d.row(widths, row, "TableCell", "")
	}
	b.WriteString(`</w:tbl>`)
}

func (d *docx) row(widths []int, cells []string, id, properties string) {
	d.body.WriteString(`<w:tr><w:trPr><w:cantSplit/>` + properties + `</w:trPr>`)
	for i, cell := range cells {
		fmt.Fprintf(&d.body, `<w:tc><w:tcPr><w:tcW w:w="%d" w:type="dxa"/><w:vAlign w:val="center"/></w:tcPr>`, widths[i])
		for _, text := range paragraphs(cell) {
			d.line(id, text)
		}
		d.body.WriteString(`</w:tc>`)
	}
	d.body.WriteString(`</w:tr>`)
}

// paragraphs are the lines of a text that a person typed; at least one.
func paragraphs(s string) []string {
	return strings.Split(strings.ReplaceAll(strings.TrimSpace(s), "\r\n", "\n"), "\n")
}

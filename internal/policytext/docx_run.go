package policytext

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
	"unicode/utf8"
)

// run reads an open w:r.
func (d *docx) run(x *xmlReader, p *paragraph) error {
	return x.children(func(e xml.StartElement) error {
		switch namespaceOf(e.Name) {
		case nsWord:
			return d.runContent(x, p, e)
		case nsCompat:
			return d.alternative(x, e, func(e xml.StartElement) error { return d.runContent(x, p, e) })
		}
		return x.skip()
	})
}

func (d *docx) runContent(x *xmlReader, p *paragraph, e xml.StartElement) error {
	var text string
	switch e.Name.Local {
	case "t":
		return d.runText(x, p, e)
	case "delText":
		if len(d.open) > 0 { // outside a deletion it is no text
			return d.runText(x, p, e)
		}
	case "tab", "ptab":
		text = "\t"
	case "br", "cr":
		if kind, _ := attr(e, "type"); kind == "" || kind == "textWrapping" || p.text.Len() > 0 {
			text = "\n"
		}
	case "noBreakHyphen":
		text = "\u2011"
	case "sym":
		text = symbol(e)
	case "fldChar":
		if kind, _ := attr(e, "fldCharType"); d.hidden == 0 {
			d.fields.step(kind)
		}
	case "ruby":
		return d.ruby(x, p)
	case "drawing", "pict", "object":
		if d.hidden == 0 {
			return d.graphics(x, p)
		}
	case "footnoteReference", "endnoteReference":
		d.noteReference(p, e)
	case "commentReference":
		p.place(d, commentSpot(e))
	case "rPr":
		return d.runProperties(x)
	}
	if text != "" {
		if err := d.write(p, text); err != nil {
			return err
		}
	}
	return x.skip()
}

// runProperties looks for hidden text: it stays in the text, since it is part
// of what was sent, but the reader is told.
func (d *docx) runProperties(x *xmlReader) error {
	return x.children(func(e xml.StartElement) error {
		if e.Name.Local == "vanish" && isOn(e) {
			d.reading.warn("文件含有隐藏文字，已一并读入正文")
		}
		return x.skip()
	})
}

// runText reads a w:t. Line ends inside are only layout of the XML, and outer
// blanks count only when the element says so.
func (d *docx) runText(x *xmlReader, p *paragraph, e xml.StartElement) error {
	space, _ := attr(e, "space")
	var raw []byte
	err := x.text(func(b []byte) error {
		if len(raw)+len(b) > d.reading.limits.TextBytes {
			return d.reading.tooLong()
		}
		raw = append(raw, b...)
		return nil
	})
	if err != nil {
		return err
	}
	if space != "preserve" {
		raw = bytes.Trim(raw, " \t\r\n")
	}
	for i, c := range raw {
		if c == '\n' || c == '\r' {
			raw[i] = ' '
		}
	}
	return d.write(p, string(raw))
}

// fieldStack follows the complex fields of a story, which nest and may span
// paragraphs: only the part between separate and end is shown.
type fieldStack struct {
	open         []bool // true once the result has begun
	instructions int    // how many of them are still in their instruction
}

func (f *fieldStack) step(kind string) {
	if kind == "begin" {
		f.open = append(f.open, false)
		f.instructions++
		return
	}
	n := len(f.open)
	if n == 0 {
		return
	}
	if !f.open[n-1] && (kind == "separate" || kind == "end") {
		f.open[n-1] = true
		f.instructions--
	}
	if kind == "end" {
		f.open = f.open[:n-1]
	}
}

// ruby reads the base text of a phonetic guide and leaves the guide out.
func (d *docx) ruby(x *xmlReader, p *paragraph) error {
	return x.children(func(e xml.StartElement) error {
		if e.Name.Local != "rubyBase" {
			return x.skip()
		}
		return x.children(func(e xml.StartElement) error { return d.inline(x, p, e) })
	})
}

// graphics looks for text inside a drawing: text boxes, and the string of a
// WordArt, which is how watermarks are made.
func (d *docx) graphics(x *xmlReader, p *paragraph) error {
	var into func(e xml.StartElement) error
	into = func(e xml.StartElement) error {
		switch namespaceOf(e.Name) {
		case nsCompat:
			return d.alternative(x, e, into)
		case nsVML:
			if s, ok := attr(e, "string"); ok && e.Name.Local == "textpath" {
				p.box(d, line{text: strings.ReplaceAll(s, "\n", " ")})
			}
		case nsWord:
			if e.Name.Local == "txbxContent" {
				return d.textBox(x, p)
			}
		}
		return x.children(into)
	}
	return x.children(into)
}

// box keeps a line of a text box, beside the body and for the margins.
func (p *paragraph) box(d *docx, l line) {
	l.place = inBox
	p.boxes = append(p.boxes, l)
	if trim(l.text) != "" {
		d.reading.margins = append(d.reading.margins, Margin{MarginBox, l.text})
	}
}

func (d *docx) textBox(x *xmlReader, p *paragraph) error {
	kept, carried := d.fields, d.carried
	d.fields, d.carried = fieldStack{}, nil
	defer func() { d.fields, d.carried = kept, append(carried, d.carried...) }()
	inner := &story{place: inBox, sink: func(l line) error {
		if d.reading.bytes += len(l.text); d.reading.bytes > d.reading.limits.TextBytes {
			return d.reading.tooLong()
		}
		p.box(d, l)
		return nil
	}}
	err := x.children(func(e xml.StartElement) error { return d.block(x, inner, e) })
	if err != nil {
		return err
	}
	return d.flush(inner)
}

// symbol gives a w:sym as a character: the ticks and boxes of forms by their
// Unicode twins, anything else as the code point the file holds.
func symbol(e xml.StartElement) string {
	font, _ := attr(e, "font")
	code, _ := attr(e, "char")
	n, err := strconv.ParseUint(code, 16, 32)
	if err != nil || n < 0x20 || n > utf8.MaxRune || n >= 0xd800 && n < 0xe000 {
		return ""
	}
	type glyph struct {
		font string
		low  uint64
	}
	twins := map[glyph]string{
		{"Wingdings", 0xfc}: "✓", {"Wingdings", 0xfe}: "☑", {"Wingdings", 0xfd}: "☒", {"Wingdings", 0xfb}: "✗",
		{"Wingdings", 0xa8}: "□", {"Wingdings", 0x6f}: "□", {"Wingdings", 0x6e}: "■", {"Wingdings", 0xab}: "★",
		{"Wingdings 2", 0x52}: "☑", {"Wingdings 2", 0xa3}: "□", {"Wingdings 2", 0x50}: "✓", {"Wingdings 2", 0x54}: "☒",
	}
	if twin, ok := twins[glyph{font, n & 0xff}]; ok && (n < 0x100 || n&^0xff == 0xf000) {
		return twin
	}
	return string(rune(n))
}

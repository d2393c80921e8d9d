package policytext

import (
	"encoding/xml"
	"strings"
	"unicode/utf8"
)

// labelGap stands between an automatic number and the text where Word draws a
// tab or a space: one ideographic space, as the statutes print it (第一条　…).
// Where the list says that nothing follows the number, nothing is written.
const labelGap = "\u3000"

// story is one flow of paragraphs: the body, a cell, a text box, a header.
type story struct {
	sink  func(line) error
	place place
	// pending is the content of a paragraph whose mark was deleted: it joins
	// the next paragraph, which keeps its own number.
	pending strings.Builder
}

// paragraph is one w:p while it is read.
type paragraph struct {
	text        strings.Builder
	style       string
	number      numRef
	markDeleted bool
	label       string
	gap         bool
	counted     bool
	boxes       []line
}

// story walks the blocks of a part.
func (d *docx) story(x *xmlReader, s *story) error {
	d.fields = fieldStack{}
	err := x.root(func(e xml.StartElement) error {
		if e.Name.Local == "body" {
			return x.children(func(e xml.StartElement) error { return d.block(x, s, e) })
		}
		return d.block(x, s, e)
	})
	if err != nil {
		return err
	}
	if len(d.fields.open) > 0 {
		d.reading.warn("文件中的域不完整，部分文字可能没有读出")
	}
	return s.flush()
}

// flush writes out text left behind by a deleted paragraph mark that had no
// paragraph to join.
func (s *story) flush() error {
	if s.pending.Len() == 0 {
		return nil
	}
	return s.emit(line{text: s.join(""), place: s.place}, nil)
}

// join puts the text left by deleted paragraph marks before a paragraph's own.
func (s *story) join(text string) string {
	if s.pending.Len() == 0 {
		return text
	}
	text = s.pending.String() + text
	s.pending.Reset()
	return text
}

// emit sends a paragraph on, a line for each part between manual breaks, then
// the text boxes anchored in it.
func (s *story) emit(l line, boxes []line) error {
	for rest, more := l.text, true; more; l.label = "" {
		l.text, rest, more = strings.Cut(rest, "\n")
		if err := s.sink(l); err != nil {
			return err
		}
	}
	for _, box := range boxes {
		if err := s.sink(box); err != nil {
			return err
		}
	}
	return nil
}

// block reads one block-level element. Wrappers (content controls, custom XML,
// tracked insertions) are passed through.
func (d *docx) block(x *xmlReader, s *story, e xml.StartElement) error {
	into := func(e xml.StartElement) error { return d.block(x, s, e) }
	switch namespaceOf(e.Name) {
	case nsCompat:
		return d.alternative(x, e, into)
	case nsWord:
	default:
		return x.skip()
	}
	switch e.Name.Local {
	case "p":
		return d.paragraph(x, s)
	case "tbl":
		if err := s.flush(); err != nil {
			return err
		}
		return d.table(x, s)
	case "sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag":
		return x.children(into)
	case "altChunk", "subDoc":
		d.reading.warn("文件引用了另一个文件的内容，该内容没有读入")
	}
	return x.skip()
}

// alternative reads an mc:AlternateContent: the first choice, or the fallback
// when there is none, never both.
func (d *docx) alternative(x *xmlReader, e xml.StartElement, into func(xml.StartElement) error) error {
	if e.Name.Local != "AlternateContent" {
		return x.skip()
	}
	taken := false
	return x.children(func(e xml.StartElement) error {
		if taken || e.Name.Local != "Choice" && e.Name.Local != "Fallback" {
			return x.skip()
		}
		taken = true
		return x.children(into)
	})
}

// table reads a table, a row, or a wrapper inside one; every paragraph of a
// cell is a line of its own. Rows and cells deleted by a tracked change count
// as gone.
func (d *docx) table(x *xmlReader, s *story) error {
	deleted := false
	return x.children(func(e xml.StartElement) error {
		if deleted || namespaceOf(e.Name) != nsWord {
			return x.skip()
		}
		switch e.Name.Local {
		case "tr", "sdt", "sdtContent", "customXml":
			return d.table(x, s)
		case "trPr":
			return x.children(func(e xml.StartElement) error {
				if e.Name.Local == "del" {
					deleted, d.tracked = true, true
				}
				return x.skip()
			})
		case "tc":
			return d.cell(x, s)
		}
		return x.skip()
	})
}

func (d *docx) cell(x *xmlReader, s *story) error {
	inner := &story{sink: s.sink, place: max(s.place, inTable)}
	deleted := false
	err := x.children(func(e xml.StartElement) error {
		switch {
		case deleted:
			return x.skip()
		case e.Name.Local == "tcPr":
			return x.children(func(e xml.StartElement) error {
				if e.Name.Local == "cellDel" {
					deleted, d.tracked = true, true
				}
				return x.skip()
			})
		}
		return d.block(x, inner, e)
	})
	if err != nil {
		return err
	}
	return inner.flush()
}

// paragraph reads one open w:p into the story.
func (d *docx) paragraph(x *xmlReader, s *story) error {
	if d.paragraphs++; d.paragraphs > d.reading.limits.Paragraphs {
		return refuse(CodeTooManyParagraphs, "文件段落超过%d段的上限，请拆分后上传", d.reading.limits.Paragraphs)
	}
	p := &paragraph{number: noNumRef}
	if err := x.children(func(e xml.StartElement) error { return d.inline(x, p, e) }); err != nil {
		return err
	}
	if p.markDeleted {
		d.tracked = true
		s.pending.WriteString(p.text.String())
		if s.pending.Len() > d.reading.limits.TextBytes {
			return d.reading.tooLong()
		}
		if len(p.boxes) > 0 {
			return s.emit(line{place: s.place}, p.boxes)
		}
		return nil
	}
	text := s.join(p.text.String())
	d.number(p)
	if p.label != "" && p.gap && !strings.HasPrefix(text, labelGap) && !IsBlank(lastRune(p.label)) {
		text = labelGap + text
	}
	l := line{text: p.label + text, label: strings.TrimRightFunc(p.label, IsBlank), place: s.place}
	if l.place == inText && d.styles.resolve(p.style).contents {
		l.place = inContents
	}
	return s.emit(l, p.boxes)
}

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}

// number counts the paragraph once in its list. It runs when the properties
// are known, before any text box inside is read.
func (d *docx) number(p *paragraph) {
	if p.counted || p.markDeleted {
		return
	}
	p.counted = true
	style := d.styles.resolve(p.style)
	id, at := p.number.list, p.number.level
	if id < 0 {
		id = style.number.list
	}
	if id <= 0 {
		return
	}
	if at < 0 {
		at = d.numbers.levelOfStyle(id, style.chain)
	}
	if at < 0 {
		at = max(style.number.level, 0)
	}
	p.label, p.gap = d.numbers.label(id, at)
}

// inline reads one element inside a paragraph.
func (d *docx) inline(x *xmlReader, p *paragraph, e xml.StartElement) error {
	into := func(e xml.StartElement) error { return d.inline(x, p, e) }
	switch namespaceOf(e.Name) {
	case nsCompat:
		return d.alternative(x, e, into)
	case nsMath:
		return d.math(x, p, e)
	case nsWord:
	default:
		return x.skip()
	}
	switch e.Name.Local {
	case "r":
		return d.run(x, p)
	case "pPr":
		return d.properties(x, p)
	case "ins", "moveTo":
		d.tracked = true
		return x.children(into)
	case "del", "moveFrom":
		d.tracked = true
	case "hyperlink", "fldSimple", "smartTag", "customXml", "sdt", "sdtContent", "dir", "bdo":
		return x.children(into)
	}
	return x.skip()
}

// properties reads a w:pPr.
func (d *docx) properties(x *xmlReader, p *paragraph) error {
	err := x.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "pStyle":
			p.style, _ = attr(e, "val")
		case "numPr":
			return readNumRef(x, &p.number)
		case "rPr":
			return x.children(func(e xml.StartElement) error {
				switch e.Name.Local {
				case "del", "moveFrom":
					p.markDeleted = true
				case "ins", "moveTo":
					d.tracked = true
				}
				return x.skip()
			})
		}
		return x.skip()
	})
	d.number(p)
	return err
}

// math reads the text of a formula.
func (d *docx) math(x *xmlReader, p *paragraph, e xml.StartElement) error {
	if e.Name.Local == "t" {
		return x.text(func(b []byte) error { return d.write(p, string(b)) })
	}
	return x.children(func(e xml.StartElement) error { return d.inline(x, p, e) })
}

// write appends text that the page shows.
func (d *docx) write(p *paragraph, text string) error {
	if d.fields.instructions > 0 {
		return nil
	}
	if p.text.Len()+len(text) > d.reading.limits.TextBytes {
		return d.reading.tooLong()
	}
	p.text.WriteString(text)
	return nil
}

package policytext

import (
	"encoding/xml"
	"slices"
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
	// held is the content of paragraphs whose end this reading leaves out: it
	// joins the next paragraph, which keeps its own number.
	held held
}

// maxEndChanges bounds the changes of one paragraph's end: Word puts it in, moves
// it and takes it out.
const maxEndChanges = 4

type held struct {
	text  strings.Builder
	runes int
	spots []spot
}

// paragraph is one w:p while it is read.
type paragraph struct {
	text     strings.Builder
	style    string
	number   numRef
	label    string
	gap      bool
	numbered bool // its list has counted it
	boxes    []line

	// gone is set when this reading leaves out the paragraph's end, for one of
	// endChanges or because all around it is left out.
	gone       bool
	endChanges []revision
	// all are all words, from the first on that this reading leaves out.
	all     strings.Builder
	leftOut bool
	spots   []spot
	open    []int // the open changes, in spots; -1 for one that is not recorded
	// counted is the number of code points in the first countedBytes of text.
	counted, countedBytes int
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
	return d.flush(s)
}

// flush ends a story or a part of one: what is held has no paragraph to join,
// and spots without words wait for the next line of another.
func (d *docx) flush(s *story) error {
	d.release(s)
	return s.flush()
}

// release lets spots that are held without any words wait for the next line.
func (d *docx) release(s *story) {
	if s.held.text.Len() == 0 {
		d.carried = append(d.carried, s.held.spots...)
		s.held = held{}
	}
}

// flush writes out text that was held and has no paragraph to join.
func (s *story) flush() error {
	if s.held.text.Len() == 0 {
		return nil
	}
	text, spots := s.join("", nil)
	return s.emit(line{text: text, place: s.place, spots: spots}, nil)
}

// hold keeps the content of a paragraph whose end is left out.
func (s *story) hold(d *docx, p *paragraph) {
	shift(p.spots, s.held.runes)
	s.held.text.WriteString(p.text.String())
	s.held.runes += p.runes()
	s.held.spots = append(append(s.held.spots, p.spots...), p.endSpots(d, s.held.runes, 0)...)
}

// join puts what is held before a paragraph's own words and spots.
func (s *story) join(text string, spots []spot) (string, []spot) {
	if s.held.text.Len() == 0 && len(s.held.spots) == 0 {
		return text, spots
	}
	shift(spots, s.held.runes)
	text, spots = s.held.text.String()+text, append(s.held.spots, spots...)
	s.held = held{}
	return text, spots
}

// emit sends a paragraph on, a line for each part between manual breaks, then
// the text boxes anchored in it.
func (s *story) emit(l line, boxes []line) error {
	for rest, more := l.text, true; more; l.label, l.spots = "", nil {
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
		if err := d.flush(s); err != nil {
			return err
		}
		return d.table(x, s)
	case "sdt", "sdtContent", "customXml", "smartTag":
		return x.children(into)
	case "ins", "del", "moveFrom", "moveTo":
		rev, _ := d.revisionOf(e)
		return d.within(x, rev, nil, into)
	case "commentRangeStart", "commentRangeEnd":
		d.carry(e)
	case "sectPr":
		return d.section(x)
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
// cell is a line of its own. A tracked change of a row or cell is one of all its
// paragraphs.
func (d *docx) table(x *xmlReader, s *story) error {
	defer d.leaveTo(len(d.open))
	return x.children(func(e xml.StartElement) error {
		if namespaceOf(e.Name) != nsWord {
			return x.skip()
		}
		switch e.Name.Local {
		case "tr", "sdt", "sdtContent", "customXml":
			return d.table(x, s)
		case "trPr":
			return d.enterWhole(x)
		case "tc":
			return d.cell(x, s)
		case "commentRangeStart", "commentRangeEnd":
			d.carry(e)
		}
		return x.skip()
	})
}

// enterWhole reads the properties of a row or cell for a change of the whole.
func (d *docx) enterWhole(x *xmlReader) error {
	return x.children(func(e xml.StartElement) error {
		if rev, ok := d.revisionOf(e); ok {
			d.enter(rev, nil)
		}
		return x.skip()
	})
}

// leaveTo leaves the innermost changes, down to so many.
func (d *docx) leaveTo(n int) {
	for len(d.open) > n {
		d.leave(nil)
	}
}

// carry keeps the place of a comment that begins or ends between paragraphs for
// the next line.
func (d *docx) carry(e xml.StartElement) {
	m := commentSpot(e)
	if d.marking && d.reading.spend(spotCost+len(m.id)) {
		d.carried = append(d.carried, m)
	}
}

// commentSpot is where a comment begins, ends or is referred to.
func commentSpot(e xml.StartElement) spot {
	m := spot{kind: spotComment}
	switch e.Name.Local {
	case "commentRangeStart":
		m.kind = spotCommentStart
	case "commentRangeEnd":
		m.kind = spotCommentEnd
	}
	m.id, _ = attr(e, "id")
	return m
}

func (d *docx) cell(x *xmlReader, s *story) error {
	inner := &story{sink: s.sink, place: max(s.place, inTable)}
	defer d.leaveTo(len(d.open))
	err := x.children(func(e xml.StartElement) error {
		if e.Name.Local == "tcPr" {
			return d.enterWhole(x)
		}
		return d.block(x, inner, e)
	})
	if err != nil {
		return err
	}
	return d.flush(inner)
}

// paragraph reads one open w:p into the story.
func (d *docx) paragraph(x *xmlReader, s *story) error {
	if d.paragraphs++; d.paragraphs > d.reading.limits.Paragraphs {
		return refuse(CodeTooManyParagraphs, "文件段落超过%d段的上限，请拆分后上传", d.reading.limits.Paragraphs)
	}
	p := &paragraph{number: noNumRef, gone: d.hidden > 0}
	for _, rev := range d.open {
		p.begin(d, rev)
	}
	d.release(s)
	carried := d.carried
	d.carried = nil
	if err := x.children(func(e xml.StartElement) error { return d.inline(x, p, e) }); err != nil {
		return err
	}
	p.close(d)
	if p.gone {
		p.spots = append(carried, p.spots...)
		if s.hold(d, p); s.held.text.Len() > d.reading.limits.TextBytes {
			return d.reading.tooLong()
		}
		if len(p.boxes) > 0 {
			return s.emit(line{place: s.place}, p.boxes)
		}
		return nil
	}
	text, spots := s.join(p.text.String(), p.spots)
	d.number(p)
	if label := p.label; label != "" {
		if p.gap && !strings.HasPrefix(text, labelGap) && !IsBlank(lastRune(label)) {
			label += labelGap
		}
		text = label + text
		shift(spots, utf8.RuneCountInString(label))
	}
	if len(p.endChanges) > 0 {
		spots = append(spots, p.endSpots(d, utf8.RuneCountInString(text), 1)...)
	}
	spots = append(carried, spots...)
	l := line{text: text, label: strings.TrimRightFunc(p.label, IsBlank), place: s.place, spots: spots}
	style := d.styles.resolve(p.style)
	l.style = style.name
	if l.place == inText && style.contents {
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
	if p.numbered || p.gone {
		return
	}
	p.numbered = true
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
	case "ins", "del", "moveFrom", "moveTo":
		rev, _ := d.revisionOf(e)
		return d.within(x, rev, p, into)
	case "commentRangeStart", "commentRangeEnd":
		p.place(d, commentSpot(e))
	case "hyperlink", "fldSimple", "smartTag", "customXml", "sdt", "sdtContent", "dir", "bdo":
		return x.children(into)
	}
	return x.skip()
}

// properties reads a w:pPr and counts the paragraph in its list.
func (d *docx) properties(x *xmlReader, p *paragraph) error {
	err := d.style(x, p)
	d.number(p)
	return err
}

// style reads style and numbering from a w:pPr; the ones before a tracked change
// of them, where the text is read as it was.
func (d *docx) style(x *xmlReader, p *paragraph) error {
	return x.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "pStyle":
			p.style, _ = attr(e, "val")
		case "numPr":
			return d.numberProperties(x, p)
		case "sectPr":
			return d.section(x)
		case "pPrChange":
			d.tracked = true
			if d.mode != ChangesOriginal {
				break
			}
			p.style, p.number = "", noNumRef
			return x.children(func(xml.StartElement) error { return d.style(x, p) })
		case "rPr":
			return x.children(func(e xml.StartElement) error {
				if rev, ok := d.revisionOf(e); ok {
					if !slices.Contains(p.endChanges, rev) && len(p.endChanges) < maxEndChanges {
						p.endChanges = append(p.endChanges, rev)
					}
					p.gone = p.gone || d.mode.hides(rev.kind)
				}
				return x.skip()
			})
		}
		return x.skip()
	})
}

// numberProperties reads a w:numPr; one put in by a tracked change is none where
// the text is read as it was.
func (d *docx) numberProperties(x *xmlReader, p *paragraph) error {
	inserted := false
	err := readNumRef(x, &p.number, func(e xml.StartElement) {
		if _, ok := d.revisionOf(e); ok {
			inserted = true
		}
	})
	if inserted && d.mode == ChangesOriginal {
		p.number = numRef{list: 0, level: -1}
	}
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
	if d.fields.instructions > 0 || d.hidden > 0 && !d.marking {
		return nil
	}
	if p.words()+len(text) > d.reading.limits.TextBytes {
		return d.reading.tooLong()
	}
	if d.hidden > 0 {
		p.hide(text)
	} else {
		p.keep(text)
	}
	return nil
}

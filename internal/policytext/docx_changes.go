package policytext

import (
	"encoding/xml"
	"strings"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

// Changes tells how the tracked changes (修订) of a file are read.
type Changes int

const (
	// ChangesAccepted reads the text as it is once all changes are accepted.
	ChangesAccepted Changes = iota
	// ChangesOriginal reads the text as it was before any change.
	ChangesOriginal
	// ChangesShown reads what was put in and what was taken out alike, numbered
	// as Word numbers it while it shows both.
	ChangesShown
)

// warning tells people how tracked changes were read.
func (c Changes) warning() string {
	switch c {
	case ChangesOriginal:
		return "文件含有修订标记，已按修订前的原文读取"
	case ChangesShown:
		return "文件含有修订标记，插入和删除的文字均已读入"
	}
	return "文件含有修订标记，已按接受全部修订读取"
}

// hides tells whether a reading leaves out what a change of that kind marks.
func (c Changes) hides(kind corev1.Markup_ChangeKind) bool {
	switch kind {
	case corev1.Markup_INSERTION, corev1.Markup_MOVE_TO:
		return c == ChangesOriginal
	case corev1.Markup_DELETION, corev1.Markup_MOVE_FROM:
		return c == ChangesAccepted
	}
	return false
}

// changeKinds are the elements that mark a tracked change of words, of a
// paragraph's end, of a row or of a cell.
var changeKinds = map[string]corev1.Markup_ChangeKind{
	"ins": corev1.Markup_INSERTION, "del": corev1.Markup_DELETION,
	"moveFrom": corev1.Markup_MOVE_FROM, "moveTo": corev1.Markup_MOVE_TO,
	"cellIns": corev1.Markup_INSERTION, "cellDel": corev1.Markup_DELETION,
}

// revision is one tracked change: what, by whom and when.
type revision struct {
	kind         corev1.Markup_ChangeKind
	author, date string
}

// revisionOf tells whether an element marks a tracked change.
func (d *docx) revisionOf(e xml.StartElement) (revision, bool) {
	kind, ok := changeKinds[e.Name.Local]
	if !ok {
		return revision{}, false
	}
	d.tracked = true
	rev := revision{kind: kind}
	rev.author, _ = attr(e, "author")
	rev.date, _ = attr(e, "date")
	return rev, true
}

// enter opens a change around what is read next; leave closes the innermost.
// The paragraph is nil between paragraphs.
func (d *docx) enter(rev revision, p *paragraph) {
	if p != nil {
		p.begin(d, rev)
	}
	d.open = append(d.open, rev)
	if d.mode.hides(rev.kind) {
		d.hidden++
	}
}

func (d *docx) leave(p *paragraph) {
	last := len(d.open) - 1
	if p != nil {
		p.finish(d)
	}
	if d.mode.hides(d.open[last].kind) {
		d.hidden--
	}
	d.open = d.open[:last]
}

// within reads the children of a change.
func (d *docx) within(x *xmlReader, rev revision, p *paragraph, into func(xml.StartElement) error) error {
	d.enter(rev, p)
	defer d.leave(p)
	return x.children(into)
}

// spotKind tells what a spot is.
type spotKind int

const (
	spotChange spotKind = iota
	spotCommentStart
	spotCommentEnd
	spotComment // the reference of a comment
	spotFootnote
	spotEndnote
)

// spot is a place in the text that something beside it is about. Offsets count
// code points from the start of the line that carries it; what a spot spans may
// go on in the following lines.
type spot struct {
	kind       spotKind
	start, end int
	// id is the comment's or note's.
	id string
	// own is set for a note whose author set its sign by hand.
	own bool
	// change is a tracked change, and from and to are the bytes of its words in
	// all the words of the paragraph, those left out included.
	change   revision
	from, to int
	text     string
}

// spotCost is what a spot costs of Limits.MarkupBytes beside its words.
const spotCost = 64

// place puts a spot at the end of what was read of the paragraph.
func (p *paragraph) place(d *docx, m spot) {
	if !d.marking || !d.reading.spend(spotCost+len(m.id)) {
		return
	}
	m.start = p.runes()
	m.end = m.start
	p.spots = append(p.spots, m)
}

// begin records that a change begins; the same change is recorded once where
// row, paragraph and run all say it.
func (p *paragraph) begin(d *docx, rev revision) {
	at := -1
	if d.marking && !p.within(rev) && d.reading.spend(spotCost+len(rev.author)+len(rev.date)) {
		at = len(p.spots)
		p.spots = append(p.spots, spot{kind: spotChange, change: rev, start: p.runes(), from: p.words()})
	}
	p.open = append(p.open, at)
}

// within tells whether a change is recorded as open.
func (p *paragraph) within(rev revision) bool {
	for _, at := range p.open {
		if at >= 0 && p.spots[at].change == rev {
			return true
		}
	}
	return false
}

// finish records that the innermost change ends. One without words is forgotten,
// and one that continues the change before it is made part of that.
func (p *paragraph) finish(d *docx) {
	last := len(p.open) - 1
	at := p.open[last]
	p.open = p.open[:last]
	if at < 0 {
		return
	}
	m := &p.spots[at]
	m.end, m.to = p.runes(), p.words()
	if at != len(p.spots)-1 {
		return
	}
	refund := spotCost + len(m.change.author) + len(m.change.date)
	if m.from == m.to {
		p.spots = p.spots[:at]
		d.reading.spend(-refund)
		return
	}
	if at == 0 {
		return
	}
	if before := &p.spots[at-1]; before.kind == spotChange && before.change == m.change && before.to == m.from {
		before.end, before.to = m.end, m.to
		p.spots = p.spots[:at]
		d.reading.spend(-refund)
	}
}

// runes counts the code points read so far, each once.
func (p *paragraph) runes() int {
	p.counted += utf8.RuneCountInString(p.text.String()[p.countedBytes:])
	p.countedBytes = p.text.Len()
	return p.counted
}

// words is the length in bytes of all words, those left out included.
func (p *paragraph) words() int {
	if p.leftOut {
		return p.all.Len()
	}
	return p.text.Len()
}

// hide keeps words that this reading leaves out.
func (p *paragraph) hide(text string) {
	if !p.leftOut {
		p.leftOut = true
		p.all.WriteString(p.text.String())
	}
	p.all.WriteString(text)
}

// keep adds words that this reading shows.
func (p *paragraph) keep(text string) {
	p.text.WriteString(text)
	if p.leftOut {
		p.all.WriteString(text)
	}
}

// close ends the changes that go on behind the paragraph and gives each the
// words it marks.
func (p *paragraph) close(d *docx) {
	for len(p.open) > 0 {
		p.finish(d)
	}
	all := p.text.String()
	if p.leftOut {
		all = p.all.String()
	}
	kept := p.spots[:0]
	for _, m := range p.spots {
		if m.kind == spotChange {
			if m.from == m.to || !d.reading.spend(m.to-m.from) {
				continue
			}
			m.text = strings.Clone(all[m.from:m.to]) // the rest of the paragraph is let go
		}
		kept = append(kept, m)
	}
	p.spots = kept
}

// endSpots are the changes of the paragraph's own end: a line feed, at that
// place of the line, which holds it or, when it is left out, does not.
func (p *paragraph) endSpots(d *docx, at, length int) []spot {
	var spots []spot
	for _, rev := range p.endChanges {
		if d.marking && d.reading.spend(spotCost+len(rev.author)+len(rev.date)) {
			spots = append(spots, spot{kind: spotChange, change: rev, start: at, end: at + length, text: "\n"})
		}
	}
	return spots
}

// shift moves spots behind words that come before them.
func shift(spots []spot, by int) {
	for i := range spots {
		spots[i].start += by
		spots[i].end += by
	}
}

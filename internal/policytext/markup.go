package policytext

import (
	"cmp"
	"slices"

	corev1 "fashen/gen/fashen/core/v1"
)

// spend counts bytes of what is listed beside the text and tells whether they
// are within the limit; what is not within it is left out, with a warning.
func (r *reading) spend(n int) bool {
	if r.markup += n; r.markup <= r.limits.MarkupBytes {
		return true
	}
	r.warn("修订、批注和注释过多，只列出其中一部分")
	return false
}

// placeMarkup turns the spots of the lines into places of the text.
func placeMarkup(r *reading, text *corev1.PolicyText) {
	p := &placing{comments: map[string]*corev1.Markup_Comment{}, markup: &corev1.Markup{Comments: r.comments}, ends: map[string]bool{}}
	for _, c := range r.comments {
		p.comments[c.Id] = c
	}
	for i := range r.lines {
		l := &r.lines[i]
		for _, m := range l.spots {
			p.place(r, m, l.start)
		}
		l.spots = nil
	}
	end := 0
	if n := len(r.lines); n > 0 {
		end = r.lines[n-1].end
	}
	for _, m := range r.trailing {
		p.place(r, m, end)
	}
	slices.SortStableFunc(p.markup.Changes, func(a, b *corev1.Markup_Change) int { return cmp.Compare(a.Start, b.Start) })
	if len(p.markup.Changes)+len(p.markup.Comments)+len(p.markup.Notes) == 0 {
		return
	}
	p.trimComments(r)
	text.Markup = p.markup
}

type placing struct {
	markup              *corev1.Markup
	comments            map[string]*corev1.Markup_Comment
	ends                map[string]bool // comments whose end was met
	footnotes, endnotes int32
}

func (p *placing) place(r *reading, m spot, from int) {
	start, end := int32(from+m.start), int32(from+m.end)
	switch m.kind {
	case spotChange:
		p.markup.Changes = append(p.markup.Changes, &corev1.Markup_Change{
			Kind: m.change.kind, Author: m.change.author, Written: m.change.date, Start: start, End: end, Text: m.text,
		})
	case spotCommentStart, spotCommentEnd, spotComment:
		p.comment(m, start)
	case spotFootnote:
		p.note(corev1.Markup_FOOTNOTE, &p.footnotes, r.footnotes, m, start)
	case spotEndnote:
		p.note(corev1.Markup_ENDNOTE, &p.endnotes, r.endnotes, m, start)
	}
}

// comment moves a comment to a place. A comment begins where its range does, or
// at its reference where it has none; a second range of the same id counts for
// nothing.
func (p *placing) comment(m spot, at int32) {
	c := p.comments[m.id]
	if c == nil {
		return
	}
	if !c.Anchored {
		c.Anchored, c.Start, c.End = true, at, at
	} else if m.kind == spotCommentEnd && !p.ends[m.id] {
		p.ends[m.id] = true
		c.End = at
	}
}

func (p *placing) note(kind corev1.Markup_NoteKind, counter *int32, texts map[string]string, m spot, at int32) {
	text, ok := texts[m.id]
	if !ok {
		return
	}
	delete(texts, m.id) // a second reference would print it twice
	n := &corev1.Markup_Note{Kind: kind, Position: at, Text: text}
	if !m.own {
		*counter++
		n.Number = *counter
	}
	p.markup.Notes = append(p.markup.Notes, n)
}

// trimComments takes the line feed off a comment that ends where a line begins.
func (p *placing) trimComments(r *reading) {
	for _, c := range p.markup.Comments {
		for c.End > c.Start && r.lineStarts(int(c.End)) {
			c.End--
		}
	}
}

// lineStarts tells whether a line starts at that code point.
func (r *reading) lineStarts(at int) bool {
	_, found := slices.BinarySearchFunc(r.lines, at, func(l line, at int) int { return cmp.Compare(l.start, at) })
	return found
}

package policytext

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// This file tells how a plain text that came off a page was broken: its page numbers
// are lines of it, and a row of the page may be a line.

// pageLine is a page number that stands in a text: — 3 —, 第3页 共9页.
var pageLine = regexp.MustCompile(`^(?:[-—–－]+\s*\d{1,4}\s*[-—–－]+|第\s*\d{1,4}\s*页(?:[\s,，/]*共\s*\d{1,4}\s*页)?)$`)

const (
	// leastRow is the least that a row of a page holds, in cells: a Chinese character
	// takes two. widestRow is the most.
	leastRow, widestRow = 30, 120
	// rowSlack is how many cells short of the edge a full row may end.
	rowSlack = 4
)

// joinRows sets page numbers apart and marks the lines that go on with the one before
// them. A line that ends in a comma is never the last of a paragraph. Of plain text,
// and around a page number, one that stopped in the middle of a sentence is not either
// or, where lines are rows of a page, at the edge of it, and the next is not indented
// as a paragraph is.
func (r *reading) joinRows() {
	edge := 0
	if r.rows {
		edge = r.edge()
	}
	before, first := -1, 0 // the last line of running text, and its paragraph's first
	turned := false
	for i := range r.lines {
		l := &r.lines[i]
		s := trim(l.text)
		switch {
		case pageLine.MatchString(s):
			l.place, turned = inMargin, true
			continue
		case s == "" && turned:
			continue
		case s == "" || l.place != inText:
			before, turned = -1, false
			continue
		}
		if before >= 0 {
			last := r.lines[before].text
			l.joined = (r.rows || turned) && goesOn(last, l.text, indent(r.lines[first].text), edge) ||
				strings.ContainsRune("，、", lastRune(trim(last))) && !begins(l)
		}
		if !l.joined {
			first = i
		}
		before, turned = i, false
	}
}

// goesOn tells whether a line goes on with the one before it, of a paragraph with an
// indent; edge is the width of a row, 0 where lines are no rows.
func goesOn(before, s string, first, edge int) bool {
	if cells(before) < leastRow || indent(s) > first {
		return false
	}
	if strings.ContainsRune("。；：！？;:!?…—”", lastRune(trim(before))) {
		return edge > 0 && cells(before) > edge-rowSlack && indent(s) < first
	}
	if begins(&line{text: s}) {
		return false
	}
	note, page := attachmentLine(trim(s))
	_, day := signatureDate(trim(s))
	return !note && !page && !day
}

// begins reports whether a line begins a provision.
func begins(l *line) bool {
	m, numbered := readMark(l)
	return numbered && !m.cited()
}

// edge is the width of the rows that the lines of a text are, 0 where they are
// paragraphs: of rows, many are equally long and none is longer.
func (r *reading) edge() int {
	var widths []int
	for i := range r.lines {
		if w := cells(r.lines[i].text); w >= leastRow {
			widths = append(widths, w)
		}
	}
	if len(widths) == 0 {
		return 0
	}
	widest, full := slices.Max(widths), 0
	if widest > widestRow {
		return 0
	}
	for _, w := range widths {
		if w > widest-rowSlack {
			full++
		}
	}
	if full < 3 || 2*full < len(widths) {
		return 0
	}
	return widest
}

// cells is the width of a line where each Chinese character takes two.
func cells(s string) int {
	n := 0
	for _, r := range strings.TrimRightFunc(s, IsBlank) {
		n += cell(r)
	}
	return n
}

func cell(r rune) int {
	if r < utf8.RuneSelf {
		return 1
	}
	return 2
}

// indent is the width of the blanks that a line begins with.
func indent(s string) int {
	n := 0
	for _, r := range s {
		if !IsBlank(r) {
			break
		}
		n += cell(r)
	}
	return n
}

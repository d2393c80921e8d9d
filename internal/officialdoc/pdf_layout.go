package officialdoc

import (
	"strings"
	"unicode"
)

// partedRows is how many lines of a row that is longer than a page stand together.
const partedRows = 4

// layOut puts a letter on pages.
func (p *sheet) layOut(flow []element) {
	for i := 0; i < len(flow); i++ {
		e := flow[i]
		switch {
		case e.table != nil:
			p.table(*e.table)
		case e.style == imprint:
			n := i
			for n < len(flow) && flow[n].style == imprint {
				n++
			}
			p.imprint(flow[i:n])
			i = n - 1
		case e.style == "End":
		default:
			if p.styles[e.style].newPage && p.y > top {
				p.turn()
			}
			rest := 0.0
			if e.keep {
				rest = p.together(flow[i+1:])
			} else {
				p.reserve(p.together(flow[i:]))
			}
			p.paragraph(e, rest)
		}
	}
}

// reserve turns to a page that has room, if this one has not and one can have.
func (p *sheet) reserve(room float64) {
	if p.y > top && p.y+room > bottom+0.01 && room <= bottom-top {
		p.turn()
	}
}

// together is how much room an element needs with those it must not be parted
// from, the first line of the last included.
func (p *sheet) together(flow []element) float64 {
	room := 0.0
	for _, e := range flow {
		if e.table != nil {
			return room + 2*(lineOf(p.styles["TableCell"])+2*cellTop)
		}
		s := p.styles[e.style]
		room += float64(s.before) / point
		if !s.keepNext && !e.keep {
			return room + lineOf(s)
		}
		room += lineOf(s) * float64(len(p.lines(e, s)))
	}
	return room
}

func lineOf(s style) float64 {
	if s.line == 0 {
		return float64(s.size) / 2 * 1.2
	}
	return float64(s.line) / point
}

// line is one line of a paragraph.
type line struct {
	text []rune
	// wide is the room it has, last that the paragraph ends with it.
	x, wide float64
	last    bool
}

// spacing of the characters of a style.
func (s style) spacing() float64 {
	if s.size == 32 {
		return pitch / point
	}
	return 0
}

// lines breaks an element into lines.
func (p *sheet) lines(e element, s style) []line {
	in, size := s.indent, float64(s.size)/2
	if e.indent != nil {
		in = *e.indent
	}
	if e.size > 0 {
		size = float64(e.size) / 2
	}
	var out []line
	x, end := left+float64(in.left)/point, right-float64(in.right)/point
	begin := x + float64(in.first)/point
	for _, part := range strings.Split(e.text, "\n") {
		out = append(out, p.broken([]rune(part), s.face, size, s.spacing(), begin, x, end)...)
		begin = x
	}
	return out
}

// broken breaks text into lines: the first from begin, others from x, all to end.
func (p *sheet) broken(text []rune, f face, size, space, begin, x, end float64) []line {
	var out []line
	for {
		n, w := 0, 0.0
		for n < len(text) {
			next := p.glyph(f, text[n]).width*size + space
			if w+next > end-begin+0.01 && n > 0 {
				break
			}
			w += next
			n++
		}
		if n < len(text) {
			n = breakAt(text, n)
		}
		out = append(out, line{text: text[:n], x: begin, wide: end - begin, last: n == len(text)})
		if text = text[n:]; len(text) == 0 {
			return out
		}
		begin = x
	}
}

// breakAt moves a break so that no closing mark begins a line, no opening one
// ends it, and no word or number is parted that begins on the line.
func breakAt(text []rune, n int) int {
	if strings.ContainsRune("，。、；：？！》〉）”’】〕", text[n]) && (n+1 == len(text) || !strings.ContainsRune("，。、；：？！》〉）”’】〕", text[n+1])) {
		return n + 1 // it is pushed in
	}
	word := func(r rune) bool { return r < unicode.MaxLatin1 && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
	at := n
	for at > 0 && (word(text[at]) && word(text[at-1]) || strings.ContainsRune("《〈（“‘【〔", text[at-1]) ||
		strings.ContainsRune("，。、；：？！》〉）”’】〕", text[at])) {
		at--
	}
	if at == 0 {
		return n
	}
	return at
}

// paragraph writes an element, over as many pages as it takes, the last two lines of
// it with what rests.
func (p *sheet) paragraph(e element, rest float64) {
	s := p.styles[e.style]
	size := float64(s.size) / 2
	if e.size > 0 {
		size = float64(e.size) / 2
	}
	if s.red {
		p.pdf.SetTextColor(255, 0, 0)
		defer p.pdf.SetTextColor(0, 0, 0)
	}
	p.y += float64(s.before) / point
	height := max(lineOf(s), size)
	lines := p.lines(e, s)
	for i, l := range lines {
		if rest > 0 && i == max(0, len(lines)-2) {
			p.reserve(float64(len(lines)-i)*height + rest)
		}
		if p.y+height > bottom+0.01 {
			p.turn()
		}
		p.line(l, s, size, height)
		p.y += height
	}
	if e.style == "DocumentNumber" || e.style == "SignedNumber" {
		p.pdf.SetStrokeColor(255, 0, 0)
		p.rule(left, right, p.y+redLineBelow, redLineFat)
		p.pdf.SetStrokeColor(0, 0, 0)
		p.y += redLineBelow + redLineFat
	}
}

// line writes one line in a height.
func (p *sheet) line(l line, s style, size, height float64) {
	baseline, space := p.y+(height-size)/2+size*ascent, s.spacing()
	if before, after, ok := strings.Cut(string(l.text), "\t"); ok { // to the right edge
		end := l.x + l.wide
		if s.id == "SignedNumber" {
			end -= em / point
		}
		p.draw([]rune(before), s.face, size, l.x, baseline, space)
		p.draw([]rune(after), s.face, size, end-p.width([]rune(after), s.face, size, space), baseline, space)
		return
	}
	used, x := p.width(l.text, s.face, size, space), l.x
	rest := l.wide - used
	switch {
	case s.align == "center":
		x += rest / 2
	case s.align == "right":
		x += rest
	case (s.align == "" && !l.last || rest < 0) && len(l.text) > 1:
		space += rest / float64(len(l.text)-1)
	}
	p.draw(l.text, s.face, size, x, baseline, space)
}

// imprint writes the 版记 at the foot of the page.
func (p *sheet) imprint(parts []element) {
	s := p.styles[imprint]
	height := 0.0
	for _, e := range parts {
		height += lineOf(s) * float64(len(p.lines(e, s)))
	}
	if p.y+height > bottom {
		p.turn()
	}
	p.y = bottom - height
	p.rule(left, right, p.y, 1)
	for i, e := range parts {
		if i > 0 {
			p.rule(left, right, p.y, 0.7)
		}
		p.paragraph(e, 0)
	}
	p.rule(left, right, bottom, 1)
}

// table writes a table; its header stands on every page, and a row is parted only
// when it is longer than a page.
func (p *sheet) table(t Table) {
	head, cell := p.styles["TableHead"], p.styles["TableCell"]
	widths := t.columns()
	header := p.cells(t.Header, widths, head)
	room := p.rowHeight(header, head)
	if len(t.Rows) > 0 {
		room += p.rowHeight(p.cells(t.Rows[0], widths, cell), cell)
	}
	if p.y > top && p.y+room > bottom {
		p.turn()
	}
	p.row(header, widths, head)
	for _, row := range t.Rows {
		cells := p.cells(row, widths, cell)
		fresh := top + p.rowHeight(header, head)
		for {
			whole := p.rowHeight(cells, cell)
			if whole > bottom-fresh { // it is parted anyway: from here, if a few lines fit
				whole = partedRows*lineOf(cell) + 2*cellTop
			}
			if p.y+whole > bottom && p.y > fresh+1 {
				p.turn()
				p.row(header, widths, head)
			}
			var rest [][]line
			cells, rest = parted(cells, max(1, int((bottom-p.y-2*cellTop)/lineOf(cell))))
			p.row(cells, widths, cell)
			if rest == nil {
				break
			}
			cells = rest
		}
	}
}

// cells breaks the texts of a row.
func (p *sheet) cells(row []string, widths []int, s style) [][]line {
	out := make([][]line, len(row))
	x := left
	for i, text := range row {
		end := x + float64(widths[i])/point
		for _, part := range paragraphs(text) {
			out[i] = append(out[i], p.broken([]rune(part), s.face, float64(s.size)/2, 0, x+cellSide, x+cellSide, end-cellSide)...)
		}
		x = end
	}
	return out
}

func (p *sheet) rowHeight(cells [][]line, s style) float64 {
	most := 0
	for _, c := range cells {
		most = max(most, len(c))
	}
	return float64(most)*lineOf(s) + 2*cellTop
}

// parted cuts a row behind so many lines; rest is nil when nothing is left.
func parted(cells [][]line, lines int) (now, rest [][]line) {
	now = make([][]line, len(cells))
	after := make([][]line, len(cells))
	for i, c := range cells {
		n := min(lines, len(c))
		now[i], after[i] = c[:n], c[n:]
		if len(after[i]) > 0 {
			rest = after
		}
	}
	return now, rest
}

// row draws one row with its lines around it.
func (p *sheet) row(cells [][]line, widths []int, s style) {
	height, size := p.rowHeight(cells, s), float64(s.size)/2
	begin := p.y
	x := left
	p.pdf.SetLineWidth(0.5)
	for i, c := range cells {
		p.y = begin + (height-float64(len(c))*lineOf(s))/2
		for _, l := range c {
			p.line(l, s, size, lineOf(s))
			p.y += lineOf(s)
		}
		p.pdf.Line(x, begin, x, begin+height)
		x += float64(widths[i]) / point
	}
	p.pdf.Line(x, begin, x, begin+height)
	p.rule(left, x, begin, 0.5)
	p.rule(left, x, begin+height, 0.5)
	p.y = begin + height
}

package policytext

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Fixed pages (OFD, PDF) keep no paragraphs, only runs of text at places. This
// file finds the printed rows again, and the paragraphs that were broken into
// them: a row that reaches the right edge goes on in the next one that begins at
// the left edge, where paragraphs are indented (GB/T 9704-2012, 7.3.3), and in
// one that begins with no number of its own, where they are not.

// Span is a run of text on a page. Lengths are of one unit, the same for a file;
// X grows to the right and Y downwards.
type Span struct {
	Text string
	// X is where it begins, Y its baseline.
	X, Y float64
	// Width it takes, and Size of its font.
	Width, Size float64
	// Turned says that it does not run from left to right: a stamp or a watermark.
	Turned bool
}

// Page is a page as it is printed.
type Page struct {
	Spans         []Span
	Width, Height float64
}

// row is what stands on one line of print.
type row struct {
	text    string
	x, end  float64
	y, size float64
	// height is the page's, to tell the margins.
	height float64
	// gaps counts the wide blanks inside: a row of a table has them.
	gaps int
	page int
	// marks are the numbers of notes that stand in the text of the page.
	marks []string
}

const (
	// maxSpans bounds the runs of a file: a page of a thousand of them is rare.
	maxSpans = 500_000
	// maxNoteMarks bounds the numbers of notes on a page, noteWindow how many runs
	// beside one are looked at: a page with more is no page with notes.
	maxNoteMarks, noteWindow = 200, 500
	// wideGap, in sizes of the font, is a blank that somebody set; wordGap parts
	// Latin words; column is the least that parts the columns of a table.
	wideGap, wordGap, column = 0.9, 0.2, 1.8
	// slack, in sizes of the font, is how short of the edge a full row may end: a
	// mark of punctuation and the character after it are never parted.
	slack = 1.7
)

// layOut turns pages into the lines of a text.
func (r *reading) layOut(ctx context.Context, pages []Page) error {
	if len(pages) > r.limits.Pages {
		return r.tooManyPages()
	}
	var rows []row
	var bare []int // pages without text
	spans := 0
	for number := range pages {
		page := &pages[number]
		if spans += len(page.Spans); spans > maxSpans {
			return r.tooLong()
		}
		if ctx.Err() != nil {
			return stopped(ctx)
		}
		for _, s := range page.Spans {
			if s.Turned && trim(s.Text) != "" {
				r.margins = append(r.margins, Margin{MarginPage, s.Text})
			}
		}
		printed := rowsOf(page, number)
		if len(printed) == 0 {
			bare = append(bare, number+1)
		}
		rows = append(rows, printed...)
	}
	if err := r.withoutText(bare, len(pages)); err != nil {
		return err
	}
	body, margins := partMargins(rows, len(pages))
	for _, m := range margins {
		if r.bytes += len(m.text) + 1; r.bytes > r.limits.TextBytes {
			return r.tooLong()
		}
		r.margins = append(r.margins, Margin{MarginPage, m.text})
	}
	return r.paragraphs(body)
}

func (r *reading) tooManyPages() error {
	return refuse(CodeTooManyPages, "文件超过%d页的上限，请拆分后上传", r.limits.Pages)
}

// withoutText refuses a file none of whose pages has text, and warns of the pages
// that have none: pictures of paper, which a reviewer must look at in the file.
func (r *reading) withoutText(bare []int, pages int) error {
	const listed = 20
	switch {
	case len(bare) == 0:
	case len(bare) == pages:
		return refuse(CodeScanned, "文件共%d页，没有可读的文字，疑为扫描件；请先识别为文字，或者另存为 .docx 后上传", pages)
	case len(bare) > listed:
		r.warn(fmt.Sprintf("有%d页没有可读的文字，可能是扫描件或者图片，请核对原件", len(bare)))
	default:
		numbers := strings.ReplaceAll(strings.Trim(fmt.Sprint(bare), "[]"), " ", "、")
		r.warn("第" + numbers + "页没有可读的文字，可能是扫描件或者图片，请核对原件")
	}
	return nil
}

// rowsOf joins the runs of a page that stand on one baseline, from left to right.
func rowsOf(s *Page, page int) []row {
	spans := slices.DeleteFunc(s.Spans, func(s Span) bool {
		return s.Turned || s.Text == "" || !(s.Size > 0) || math.IsNaN(s.X+s.Y+s.Width) || math.IsInf(s.X+s.Y+s.Width, 0)
	})
	slices.SortStableFunc(spans, func(a, b Span) int { return cmp.Compare(a.Y, b.Y) })
	spans, marks := dropNoteMarks(spans)
	var rows []row
	for from := 0; from < len(spans); {
		to := from + 1
		for to < len(spans) && spans[to].Y-spans[from].Y <= 0.5*min(spans[to].Size, spans[from].Size) {
			to++
		}
		line := spans[from:to]
		slices.SortStableFunc(line, func(a, b Span) int { return cmp.Compare(a.X, b.X) })
		if joined := joinRow(line); trim(joined.text) != "" {
			joined.height, joined.page = s.Height, page
			joined.marks = marks
			rows = append(rows, joined)
		}
		from = to
	}
	return rows
}

// noteMark is what stands above the line where a note is: a number, in a circle or
// brackets.
var noteMark = regexp.MustCompile(`^[\s]*[〔\[（(]?(?:\d{1,3}|[①-⑳*†])[〕\]）)]?[\s]*$`)

// dropNoteMarks takes the raised numbers of notes out of spans, which are sorted by
// Y: they are no part of the text they stand in.
func dropNoteMarks(spans []Span) (kept []Span, marks []string) {
	largest := 0.0
	for _, s := range spans {
		largest = max(largest, s.Size)
	}
	candidates := 0
	raised := func(i int) bool {
		s := spans[i]
		if s.Size >= 0.75*largest || !noteMark.MatchString(s.Text) {
			return false
		}
		candidates++
		beside := func(k int) bool {
			o := spans[k]
			up := o.Y - s.Y
			return s.Size < 0.75*o.Size && up > 0.1*o.Size && up < 0.8*o.Size && s.X >= o.X-2*s.Size && s.X <= o.X+o.Width+s.Size
		}
		for k := i + 1; k < min(len(spans), i+noteWindow) && spans[k].Y-s.Y < 2*s.Size; k++ {
			if beside(k) {
				return true
			}
		}
		return false
	}
	for i, s := range spans {
		if raised(i) {
			marks = append(marks, trim(s.Text))
		} else {
			kept = append(kept, s)
		}
		if candidates > maxNoteMarks {
			return spans, nil
		}
	}
	return kept, marks
}

// joinRow writes the runs of a row behind one another. A run printed twice at one
// place, which makes it look bold, is read once.
func joinRow(line []Span) row {
	var b strings.Builder
	out := row{x: line[0].X, end: line[0].X, y: line[0].Y}
	var before Span
	for i, s := range line {
		if i > 0 && s.Text == before.Text && math.Abs(s.X-before.X) < 0.3*s.Size {
			continue
		}
		if i > 0 {
			gap := s.X - out.end
			last, _ := utf8.DecodeLastRuneInString(before.Text)
			first, _ := utf8.DecodeRuneInString(s.Text)
			blank := IsBlank(last) || IsBlank(first)
			switch {
			case gap > wideGap*s.Size && !blank:
				b.WriteRune('　')
			case gap > wordGap*s.Size && !blank && isLatin(last) && isLatin(first):
				b.WriteByte(' ')
			}
			if gap > column*s.Size {
				out.gaps++
			}
		}
		b.WriteString(s.Text)
		out.end = max(out.end, s.X+s.Width)
		out.size = max(out.size, s.Size)
		before = s
	}
	out.text = b.String()
	return out
}

func isLatin(r rune) bool {
	return r < utf8.RuneSelf && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
}

// pageNumber is a page number in any of its usual dresses.
var pageNumber = regexp.MustCompile(`^[\s　]*(?:[-—–－·•]*[\s　]*\d{1,4}[\s　]*[-—–－·•]*|第[\s　]*[\d一二三四五六七八九十百]+[\s　]*页.{0,12}|\d{1,4}[\s　]*/[\s　]*\d{1,4})[\s　]*$`)

// partMargins takes footnotes, page numbers and running heads out of the rows: what
// follows the first note of a page, and what stands in the outer eighth of a page and is a page number, or comes again at the same
// height on half of the pages.
func partMargins(rows []row, pages int) (body, margins []row) {
	type place struct {
		text string
		y    int
	}
	at := func(r row) place { return place{squeeze(r.text), int(math.Round(r.y / max(r.size, 1)))} }
	outer := func(r row) bool { return r.height > 0 && (r.y < r.height/8 || r.y > r.height*7/8) }
	seen := map[place]int{}
	for _, r := range rows {
		if outer(r) {
			seen[at(r)]++
		}
	}
	size := blockOf(rows).size
	foot := -1 // the page whose notes were reached
	for i, r := range rows {
		running := pages > 2 && seen[at(r)] > pages/2
		apart := r.size < 0.9*size || i > 0 && r.y-rows[i-1].y > 2.5*r.size
		if apart && r.y > r.height/2 && slices.ContainsFunc(r.marks, func(m string) bool { return strings.HasPrefix(trim(r.text), m) }) {
			foot = r.page
		}
		if foot == r.page || outer(r) && (running || pageNumber.MatchString(r.text)) {
			margins = append(margins, r)
			continue
		}
		body = append(body, r)
	}
	return body, margins
}

// block is what the rows of a file have in common.
type block struct {
	size, left, right float64
	// indented says that paragraphs begin with an indent.
	indented bool
}

func blockOf(rows []row) block {
	weight := map[int]int{}
	most, b := 0, block{}
	for _, r := range rows {
		key := int(math.Round(r.size * 4))
		weight[key] += utf8.RuneCountInString(r.text)
		if weight[key] > most {
			most, b.size = weight[key], r.size
		}
	}
	b.left = math.Inf(1)
	for _, r := range rows {
		if b.body(r) && r.gaps == 0 {
			b.left, b.right = min(b.left, r.x), max(b.right, r.end)
		}
	}
	flush, indented := 0, 0
	for i, r := range rows {
		if !b.body(r) || i > 0 && b.full(rows[i-1]) {
			continue // it may go on with the row before
		}
		switch in := (r.x - b.left) / b.size; {
		case in < 0.8:
			flush++
		case in < 3:
			indented++
		}
	}
	b.indented = indented > flush
	return b
}

func (b block) body(r row) bool { return math.Abs(r.size-b.size) <= 0.15*b.size }

// full tells a row that reaches the right edge.
func (b block) full(r row) bool { return b.body(r) && r.end >= b.right-slack*b.size }

// continues tells whether a row goes on with the paragraph of the row before it.
func (b block) continues(before, r row) bool {
	if !b.body(before) || !b.body(r) || r.x > b.left+0.8*b.size || before.gaps > 0 || r.gaps > 0 {
		return false
	}
	if before.x > b.left+4*b.size { // centred, or set to the right
		return false
	}
	note, page := attachmentLine(r.text)
	if _, day := signatureDate(trim(before.text)); day || page && !note {
		return false
	}
	if b.indented {
		// A row that stops short in the middle of a sentence was broken all the same.
		return b.full(before) || before.end > (b.left+b.right)/2 && !strings.ContainsRune("。；：！？”）", lastRune(trim(before.text)))
	}
	if !b.full(before) && !(before.end > (b.left+b.right)/2 && inBrackets(before.text)) {
		return false
	}
	if note || page {
		return false
	}
	m, numbered := readMark(&line{text: r.text})
	return !numbered || m.loose && refersBack(m.rest)
}

// inBrackets tells that a row ends within brackets: 〔2026〕 is never parted, and makes
// the row before it short.
func inBrackets(s string) bool {
	for _, pair := range []string{"（）", "〔〕", "《》", "()"} {
		open, size := utf8.DecodeRuneInString(pair)
		if strings.Count(s, string(open)) > strings.Count(s, pair[size:]) {
			return true
		}
	}
	return false
}

// paragraphs joins the rows of the body and adds them as lines.
func (r *reading) paragraphs(rows []row) error {
	b := blockOf(rows)
	var text strings.Builder
	flush := func(at place) error {
		if text.Len() == 0 {
			return nil
		}
		defer text.Reset()
		return r.add(line{text: text.String(), place: at})
	}
	for i, cur := range rows {
		at := inText
		if inColumns(rows, i) {
			at = inTable
		}
		joins := i > 0 && at == inText && b.continues(rows[i-1], cur)
		if joins {
			last, _ := utf8.DecodeLastRuneInString(text.String())
			first, _ := utf8.DecodeRuneInString(cur.text)
			if isLatin(last) && isLatin(first) && (last >= 'A' || first >= 'A') {
				text.WriteByte(' ')
			}
		}
		text.WriteString(cur.text)
		if text.Len() > r.limits.TextBytes {
			return r.tooLong()
		}
		if i+1 < len(rows) && at == inText && b.continues(cur, rows[i+1]) && !inColumns(rows, i+1) {
			continue
		}
		if err := flush(at); err != nil {
			return err
		}
	}
	return nil
}

// inColumns tells a row of a table: it is parted by wide blanks, and so is a row
// next to it, or both are.
func inColumns(rows []row, i int) bool {
	near := func(k int) bool {
		return k >= 0 && k < len(rows) && rows[k].page == rows[i].page && rows[k].gaps > 0 &&
			math.Abs(rows[k].y-rows[i].y) < 4*rows[i].size
	}
	if rows[i].gaps == 0 { // a cell beside an empty one
		return near(i-1) && near(i+1)
	}
	return rows[i].gaps > 1 || near(i-1) || near(i+1)
}

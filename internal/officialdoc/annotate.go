package officialdoc

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

// Comment is a remark on a place of a draft.
type Comment struct {
	// Start and End are code points of the text, End just behind the place; the
	// same twice is a point.
	Start, End int
	Author     string
	// Time is shown as the wall clock of its location; none when zero.
	Time time.Time
	Text string
}

// Annotate writes a draft as a Word file with comments at their places. Comments
// may overlap and reach over several lines.
func Annotate(t *corev1.PolicyText, comments []Comment) ([]byte, error) {
	total := utf8.RuneCountInString(t.GetText())
	for i, c := range comments {
		field := fmt.Sprintf("comments[%d]", i)
		switch {
		case c.Start < 0 || c.End < c.Start || c.End > total:
			return nil, refuse(field, "批注位置[%d,%d)超出文本的%d个字符", c.Start, c.End, total)
		case strings.TrimSpace(c.Author) == "":
			return nil, refuse(field+".author", "批注人不能为空")
		}
	}
	lines := draftLines(t)
	if len(lines) == 0 {
		return nil, refuse("text", "文本不能为空")
	}
	d := draft()
	ends := anchorsOf(comments)
	for i, l := range lines {
		here := len(ends)
		if i < len(lines)-1 {
			here = 0
			for here < len(ends) && ends[here].at <= l.end {
				here++
			}
		}
		d.paragraph(l.style, func() { d.anchored(l, ends[:here]) })
		ends = ends[here:]
	}
	for i, c := range comments {
		d.comment(i, c)
	}
	return d.bytes()
}

// anchor is where a comment begins or ends.
type anchor struct {
	at, comment int
	end         bool
}

// anchorsOf puts beginnings and ends in the order of the text; where one comment
// ends the next begins behind it, and a point begins before it ends.
func anchorsOf(comments []Comment) []anchor {
	var out []anchor
	for i, c := range comments {
		out = append(out, anchor{at: c.Start, comment: i}, anchor{at: c.End, comment: i, end: true})
	}
	order := func(a anchor) int {
		switch {
		case a.end && comments[a.comment].Start < a.at:
			return 0
		case a.end:
			return 2
		}
		return 1
	}
	slices.SortStableFunc(out, func(a, b anchor) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(order(a), order(b)))
	})
	return out
}

// anchored writes the words of a line with what begins and ends between them.
func (d *docx) anchored(l draftLine, anchors []anchor) {
	rest, at := l.text, l.start
	for _, a := range anchors {
		n := 0
		for ; at < min(a.at, l.end); at++ {
			_, size := utf8.DecodeRuneInString(rest[n:])
			n += size
		}
		d.text(rest[:n])
		rest = rest[n:]
		if !a.end {
			fmt.Fprintf(&d.body, `<w:commentRangeStart w:id="%d"/>`, a.comment)
			continue
		}
		fmt.Fprintf(&d.body, `<w:commentRangeEnd w:id="%[1]d"/><w:r><w:commentReference w:id="%[1]d"/></w:r>`, a.comment)
	}
	d.text(rest)
}

func (d *docx) comment(id int, c Comment) {
	b := &d.comments
	fmt.Fprintf(b, `<w:comment w:id="%d"%s>`, id, d.by(c.Author, c.Time))
	for _, text := range paragraphs(c.Text) {
		b.WriteString(`<w:p><w:pPr><w:pStyle w:val="CommentText"/></w:pPr>`)
		d.runs(b, text, "t")
		b.WriteString(`</w:p>`)
	}
	b.WriteString(`</w:comment>`)
}

// by are the attributes that say who changed or remarked something, and when. Word
// takes the time for local although it bears a Z.
func (d *docx) by(author string, at time.Time) string {
	attributes := d.attribute("author", strings.Join(strings.Fields(author), " "))
	if !at.IsZero() {
		attributes += d.attribute("date", at.Format("2006-01-02T15:04:05Z"))
	}
	return attributes
}

// FindingComments are the findings of a screening as comments, which only ever
// suspect something, with what people said of them; what they dismissed is left out.
func FindingComments(findings []*corev1.Finding, author string, at time.Time) []Comment {
	out := make([]Comment, 0, len(findings))
	for _, f := range findings {
		said := ""
		switch f.GetDisposition().GetState() {
		case corev1.Disposition_DISMISSED:
			continue
		case corev1.Disposition_CONFIRMED:
			said = "，审核人员已确认"
		case corev1.Disposition_EXCEPTION_CLAIMED:
			said = "，起草单位主张适用例外规定"
		}
		text := fmt.Sprintf("疑似问题（%s%s）：%s", f.GetRule(), said, f.GetReason())
		if f.GetLaw() != "" {
			text += "\n依据：" + f.GetLaw()
		}
		if f.GetRewrite() != "" {
			text += "\n建议：" + f.GetRewrite()
		}
		if f.GetVerifyBasis() {
			text += "\n请核实是否有法律、行政法规或者国务院规定作为依据。"
		}
		out = append(out, Comment{
			Start: int(f.GetAnchor().GetStart()), End: int(f.GetAnchor().GetEnd()), Author: author, Time: at, Text: text,
		})
	}
	return out
}

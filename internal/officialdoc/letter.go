package officialdoc

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"fashen/internal/calendar"
)

// Letter is an official document by the parts that GB/T 9704-2012 names. Texts
// are plain; empty ones leave their part out.
type Letter struct {
	// Mark is the 发文机关标志, set in red.
	Mark string
	// Number is the 发文字号.
	Number string
	// Unnumbered stands in brackets in its place while there is none.
	Unnumbered string
	// Signer is the 签发人, who is named on a document to a higher authority only.
	Signer string
	// Title is the 标题; a line feed in it is kept, otherwise it is broken evenly.
	Title string
	// Addressees are the 主送机关, without the colon.
	Addressees string
	Body       []Block
	// Attachments are named below the body, and follow where they have blocks.
	Attachments []Attachment
	// Issuer is the 署名.
	Issuer string
	// SealNote stands in brackets behind it.
	SealNote string
	// Date is the 成文日期.
	Date calendar.Date
	// Annotation is the 附注, without its brackets.
	Annotation string
	// Copies are the 抄送机关.
	Copies string
	// Printer is the 印发机关; PrintDate must be given with it.
	Printer   string
	PrintDate calendar.Date
}

// Block is a Heading, a Paragraph or a Table.
type Block interface{ block() }

// Heading is a numbered heading, its number included: 一、 is of level 1,
// （一） of 2, 1. of 3 and （1） of 4.
type Heading struct {
	Level int
	Text  string
}

// Paragraph is one or, with line feeds in it, more paragraphs of text.
type Paragraph string

// Table has as many cells in each row as in its header.
type Table struct {
	Header []string
	Rows   [][]string
	// Widths are the columns' shares of the width; equal when empty.
	Widths []int
}

func (Heading) block()   {}
func (Paragraph) block() {}
func (Table) block()     {}

// Attachment is a 附件. One without blocks is sent as a file of its own.
type Attachment struct {
	Name string
	Body []Block
}

// check tells the first thing that is missing or wrong.
func (l Letter) check() error {
	for _, required := range []struct{ field, name, value string }{
		{"title", "标题", l.Title}, {"issuer", "署名", l.Issuer},
	} {
		if strings.TrimSpace(required.value) == "" {
			return refuse(required.field, "%s不能为空", required.name)
		}
	}
	if l.Date.IsZero() {
		return refuse("date", "成文日期不能为空")
	}
	if l.Printer != "" && l.PrintDate.IsZero() {
		return refuse("print_date", "有印发机关的，印发日期不能为空")
	}
	if len(l.Body) == 0 {
		return refuse("body", "正文不能为空")
	}
	if err := checkBlocks("body", l.Body); err != nil {
		return err
	}
	for i, a := range l.Attachments {
		field := fmt.Sprintf("attachments[%d]", i)
		if strings.TrimSpace(a.Name) == "" {
			return refuse(field+".name", "附件名称不能为空")
		}
		if err := checkBlocks(field+".body", a.Body); err != nil {
			return err
		}
	}
	return nil
}

func checkBlocks(field string, blocks []Block) error {
	for i, b := range blocks {
		at := fmt.Sprintf("%s[%d]", field, i)
		switch b := b.(type) {
		case Heading:
			if b.Level < 1 || b.Level > 4 {
				return refuse(at+".level", "标题层次只有一至四级")
			}
		case Table:
			if err := b.check(at); err != nil {
				return err
			}
		case Paragraph:
		default:
			return refuse(at, "不是标题、段落或者表格")
		}
	}
	return nil
}

func (t Table) check(field string) error {
	n := len(t.Header)
	if n == 0 {
		return refuse(field+".header", "表头不能为空")
	}
	if len(t.Widths) != 0 && len(t.Widths) != n {
		return refuse(field+".widths", "列宽有%d个，表头有%d列", len(t.Widths), n)
	}
	for i, w := range t.Widths {
		if w < 1 || w > 100 {
			return refuse(fmt.Sprintf("%s.widths[%d]", field, i), "列宽为1至100的份数")
		}
	}
	for i, row := range t.Rows {
		if len(row) != n {
			return refuse(fmt.Sprintf("%s.rows[%d]", field, i), "该行有%d格，表头有%d列", len(row), n)
		}
	}
	return nil
}

// columns are the widths in twips, which fill the type area.
func (t Table) columns() []int {
	n := len(t.Header)
	shares, all := t.Widths, 0
	if len(shares) == 0 {
		shares = make([]int, n)
		for i := range shares {
			shares[i] = 1
		}
	}
	for _, s := range shares {
		all += s
	}
	widths, used := make([]int, n), 0
	for i, s := range shares {
		widths[i] = textWidth * s / all
		used += widths[i]
	}
	widths[n-1] += textWidth - used
	return widths
}

// DOCX writes the letter as a Word file. What cannot be written is an *Error.
func (l Letter) DOCX() ([]byte, error) {
	flow, err := l.flow()
	if err != nil {
		return nil, err
	}
	var d docx
	for _, e := range flow {
		if e.table != nil {
			d.table(*e.table)
		} else {
			d.element(e)
		}
	}
	return d.bytes()
}

// longDate is a 成文日期: Arabic numerals, no leading zeros.
func longDate(d calendar.Date) string {
	return fmt.Sprintf("%d年%d月%d日", d.Year, int(d.Month), d.Day)
}

// width is how much of a line of 3号 a text takes: half a character for what is
// typed half-width.
func width(s string) int {
	half := 0
	for _, r := range s {
		if half++; r >= 0x2000 {
			half++
		}
	}
	return half * em / 2
}

// markSize is the size in half points at which the mark of an issuer fills no
// more than a line.
func markSize(mark string) int {
	return max(32, min(84, 2*textWidth/20/max(1, utf8.RuneCountInString(mark))))
}

package officialdoc

import (
	"fmt"
	"strings"
)

// element is a paragraph or, when it has one, a table.
type element struct {
	style string
	text  string
	// indent and size stand in for those of the style.
	indent *indent
	size   int
	// keep holds the end of it on the page of what follows.
	keep  bool
	table *Table
}

// flow lays the letter out as elements from top to bottom. The end of the body, what is
// named below it and the signature stay together: no page has a signature and none of
// the text it is for.
func (l Letter) flow() ([]element, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	var f []element
	add := func(style, text string) { f = append(f, element{style: style, text: text}) }
	if l.Mark != "" {
		f = append(f, element{style: "IssuerMark", text: l.Mark, size: markSize(l.Mark)})
	}
	number := l.Number
	if number == "" {
		number = bracketed(l.Unnumbered)
	}
	switch {
	case l.Signer != "":
		add("SignedNumber", "\u3000"+number+"\t签发人："+l.Signer)
	case number != "" || l.Mark != "":
		add("DocumentNumber", number)
	}
	add("Title", titleLines(l.Title))
	if l.Addressees != "" {
		add("Addressee", strings.TrimRight(l.Addressees, "：:")+"：")
	}
	body := blocks(l.Body)
	body[len(body)-1].keep = true
	f = append(f, body...)
	f = append(f, l.attachmentNote()...)
	f = append(f, l.signature()...)
	if l.Annotation != "" {
		f[len(f)-1].keep = true
		add("Annotation", bracketed(l.Annotation))
	}
	f = append(f, l.attached()...)
	return append(f, l.imprint(f)...), nil
}

// bracketed puts a text in 全角 brackets, once.
func bracketed(text string) string {
	if text == "" {
		return ""
	}
	return "（" + strings.Trim(text, "（）()") + "）"
}

// imprint is the 版记 at the foot of the last page. Its frame, and a table, want a
// paragraph behind them.
func (l Letter) imprint(before []element) []element {
	var f []element
	if l.Copies != "" {
		f = append(f, element{style: imprint, text: "抄送：" + strings.TrimRight(l.Copies, "。") + "。"})
	}
	if l.Printer != "" {
		f = append(f, element{style: imprint, text: l.Printer + "\t" + longDate(l.PrintDate) + "印发"})
	}
	if len(f) > 0 || before[len(before)-1].table != nil {
		f = append(f, element{style: "End"})
	}
	return f
}

func blocks(body []Block) []element {
	var f []element
	for _, b := range body {
		switch b := b.(type) {
		case Heading:
			f = append(f, element{style: fmt.Sprintf("Heading%d", b.Level), text: b.Text})
		case Paragraph:
			for _, text := range paragraphs(string(b)) {
				f = append(f, element{style: "BodyText", text: text})
			}
		case Table:
			f = append(f, element{table: &b})
		}
	}
	return f
}

// attachmentNote is the 附件说明: a line below the body, numbered where there are
// several, names aligned under one another.
func (l Letter) attachmentNote() []element {
	if len(l.Attachments) == 0 {
		return nil
	}
	f := []element{{style: "Gap"}}
	for i, a := range l.Attachments {
		text, own := a.Name, indent{left: 5 * em, first: -3 * em}
		if len(l.Attachments) > 1 {
			text = fmt.Sprintf("%d.%s", i+1, a.Name)
			own = indent{left: 6 * em, first: -em}
		}
		if i == 0 {
			text = "附件：" + text
			own.first = -(own.left - 2*em)
		}
		f = append(f, element{style: "AttachmentNote", text: text, indent: &own, keep: true})
	}
	return f
}

// signature is the 署名 centred over the 成文日期, which stands four characters
// in, further where the name is long.
func (l Letter) signature() []element {
	date, issuer := longDate(l.Date), l.Issuer+bracketed(l.SealNote)
	name, day := indent{}, indent{right: 4 * em}
	name.right = day.right + (width(date)-width(issuer))/2
	if name.right < 0 {
		day.right -= name.right
		name.right = 0
	}
	return []element{
		{style: "Gap"}, {style: "Gap"},
		{style: "Signature", text: issuer, indent: &name},
		{style: "SignatureDate", text: date, indent: &day},
	}
}

// attached are the 附件 themselves, each from a new page.
func (l Letter) attached() []element {
	var f []element
	for i, a := range l.Attachments {
		if len(a.Body) == 0 {
			continue
		}
		label := "附件"
		if len(l.Attachments) > 1 {
			label = fmt.Sprintf("附件%d", i+1)
		}
		f = append(f, element{style: "AttachmentLabel", text: label}, element{style: "AttachmentTitle", text: titleLines(a.Name)})
		f = append(f, blocks(a.Body)...)
	}
	return f
}

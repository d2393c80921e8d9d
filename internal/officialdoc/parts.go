package officialdoc

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"time"
)

const (
	xmlHead   = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	wordNames = ` xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"` +
		` xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	officeType  = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	contentType = "application/vnd.openxmlformats-officedocument.wordprocessingml."
)

// part is one file inside a Word document. Kind is the last word of its
// relationship and, but for the main part, of its content type.
type part struct{ name, kind, text string }

// bytes packs the document. Times are fixed, so that the same document gives the
// same bytes.
func (d *docx) bytes() ([]byte, error) {
	if d.err != nil {
		return nil, d.err
	}
	parts := []part{
		{"styles", "styles", stylesXML()},
		{"settings", "settings", `<w:settings` + wordNames + `><w:evenAndOddHeaders/>` +
			`<w:characterSpacingControl w:val="compressPunctuation"/>` +
			`<w:compat><w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat></w:settings>`},
		{"footer1", "footer", footer("FooterOdd")},
		{"footer2", "footer", footer("FooterEven")},
	}
	if d.comments.Len() > 0 {
		parts = append(parts, part{"comments", "comments", `<w:comments` + wordNames + `>` + d.comments.String() + `</w:comments>`})
	}
	var types, relations strings.Builder
	for i, p := range parts {
		fmt.Fprintf(&types, `<Override PartName="/word/%s.xml" ContentType="%s%s+xml"/>`, p.name, contentType, p.kind)
		fmt.Fprintf(&relations, `<Relationship Id="r%d" Type="%s%s" Target="%s.xml"/>`, i+1, officeType, p.kind, p.name)
	}
	const relationsOf = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
	files := []part{
		{name: "[Content_Types].xml", text: `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Override PartName="/word/document.xml" ContentType="` + contentType + `document.main+xml"/>` + types.String() + `</Types>`},
		{name: "_rels/.rels", text: relationsOf + `<Relationship Id="r1" Type="` + officeType + `officeDocument" Target="word/document.xml"/></Relationships>`},
		{name: "word/document.xml", text: `<w:document` + wordNames + `><w:body>` + d.body.String() + section() + `</w:body></w:document>`},
		{name: "word/_rels/document.xml.rels", text: relationsOf + relations.String() + `</Relationships>`},
	}
	for _, p := range parts {
		files = append(files, part{name: "word/" + p.name + ".xml", text: p.text})
	}
	return packed(files)
}

func packed(files []part) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.name, err)
		}
		if _, err := w.Write([]byte(xmlHead + f.text)); err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return out.Bytes(), nil
}

// section is the page: r3 and r4 are the footers of odd and even pages.
func section() string {
	return fmt.Sprintf(`<w:sectPr><w:footerReference w:type="default" r:id="r3"/><w:footerReference w:type="even" r:id="r4"/>`+
		`<w:pgSz w:w="%d" w:h="%d"/><w:pgMar w:top="%d" w:right="%d" w:bottom="%d" w:left="%d" w:header="851" w:footer="%d" w:gutter="0"/></w:sectPr>`,
		pageWidth, pageHeight, marginTop, marginRight, marginBottom, marginLeft, footerDistance)
}

// footer is a page number between dashes.
func footer(id string) string {
	run := func(s string) string {
		return `<w:r><w:rPr><w:rFonts w:ascii="宋体" w:hAnsi="宋体"/></w:rPr>` + s + `</w:r>`
	}
	return `<w:ftr` + wordNames + `><w:p><w:pPr><w:pStyle w:val="` + id + `"/></w:pPr>` +
		run(`<w:t xml:space="preserve">— </w:t>`) +
		run(`<w:fldChar w:fldCharType="begin"/>`) + run(`<w:instrText xml:space="preserve"> PAGE </w:instrText>`) +
		run(`<w:fldChar w:fldCharType="separate"/>`) + run(`<w:t>1</w:t>`) + run(`<w:fldChar w:fldCharType="end"/>`) +
		run(`<w:t xml:space="preserve"> —</w:t>`) + `</w:p></w:ftr>`
}

// stylesXML writes the styles in the order that the schema asks for.
func stylesXML() string {
	var b strings.Builder
	b.WriteString(`<w:styles` + wordNames + `><w:docDefaults><w:rPrDefault><w:rPr>` +
		`<w:rFonts w:ascii="Times New Roman" w:hAnsi="Times New Roman" w:eastAsia="仿宋_GB2312" w:cs="Times New Roman"/>` +
		`<w:sz w:val="32"/><w:szCs w:val="32"/><w:lang w:val="en-US" w:eastAsia="zh-CN"/></w:rPr></w:rPrDefault><w:pPrDefault><w:pPr>` +
		`<w:widowControl w:val="0"/><w:autoSpaceDE w:val="0"/><w:autoSpaceDN w:val="0"/><w:jc w:val="both"/></w:pPr></w:pPrDefault></w:docDefaults>`)
	for i, s := range styles() {
		based := `<w:basedOn w:val="Normal"/>`
		if i == 0 {
			b.WriteString(`<w:style w:type="paragraph" w:default="1" w:styleId="` + s.id + `">`)
			based = ""
		} else {
			b.WriteString(`<w:style w:type="paragraph" w:styleId="` + s.id + `">`)
		}
		b.WriteString(`<w:name w:val="` + s.name + `"/>` + based + `<w:qFormat/><w:pPr>` + s.paragraphXML() + `</w:pPr><w:rPr>` + s.runXML() + `</w:rPr></w:style>`)
	}
	b.WriteString(`</w:styles>`)
	return b.String()
}

func (s style) paragraphXML() string {
	var b strings.Builder
	if s.keepNext {
		b.WriteString(`<w:keepNext/>`)
	}
	if s.newPage {
		b.WriteString(`<w:pageBreakBefore/>`)
	}
	b.WriteString(s.more)
	if s.line > 0 {
		fmt.Fprintf(&b, `<w:spacing w:before="%d" w:after="0" w:line="%d" w:lineRule="exact"/>`, s.before, s.line)
	} else { // what Normal says does not hold
		fmt.Fprintf(&b, `<w:spacing w:before="%d" w:after="0" w:line="240" w:lineRule="auto"/>`, s.before)
	}
	b.WriteString(s.indent.xml())
	if s.align != "" {
		b.WriteString(`<w:jc w:val="` + s.align + `"/>`)
	}
	if s.level > 0 {
		fmt.Fprintf(&b, `<w:outlineLvl w:val="%d"/>`, s.level-1)
	}
	return b.String()
}

func (s style) runXML() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<w:rFonts w:eastAsia="%s"/>`, s.face)
	if s.red {
		b.WriteString(`<w:color w:val="FF0000"/>`)
	}
	if s.size == 32 {
		fmt.Fprintf(&b, `<w:spacing w:val="%d"/>`, pitch)
	} else { // what Normal says does not hold
		b.WriteString(`<w:spacing w:val="0"/>`)
	}
	fmt.Fprintf(&b, `<w:sz w:val="%[1]d"/><w:szCs w:val="%[1]d"/>`, s.size)
	return b.String()
}

func (i indent) xml() string {
	first := fmt.Sprintf(`w:firstLine="%d"`, i.first)
	if i.first < 0 {
		first = fmt.Sprintf(`w:hanging="%d"`, -i.first)
	}
	return fmt.Sprintf(`<w:ind w:left="%d" w:right="%d" %s/>`, i.left, i.right, first)
}

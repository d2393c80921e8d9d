package policytext

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// printed is a text set on pages as a bureau prints it: 28 characters a line, an
// indent of two, a page number at the foot. Lengths are in millimetres.
type printed struct {
	// indent of paragraphs, in characters.
	indent int
	// ragged ends lines up to so many characters early.
	ragged int
	rows   []string
}

const (
	em       = 5.6
	leftEdge = 28.0
	perLine  = 28
	perPage  = 22
)

// set breaks a paragraph into rows; no row begins with a closing mark.
func (p *printed) set(paragraph string, centred bool) {
	rest, at := []rune(paragraph), p.indent
	if centred {
		at = (perLine - len(rest)) / 2
	}
	for n := 0; len(rest) > 0; n++ {
		take := min(len(rest), perLine-at-(n*p.ragged)%3)
		for take < len(rest) && take > 1 && strings.ContainsRune("，。；：、）》”", rest[take]) {
			take--
		}
		p.put(leftEdge+float64(at)*em, string(rest[:take]))
		rest, at = rest[take:], 0
	}
}

func (p *printed) put(x float64, s string) {
	y := 40 + 10*float64(len(p.rows)%perPage)
	p.rows = append(p.rows, textObject(x, y, em, s))
}

func textObject(x, y, size float64, s string) string {
	n := utf8.RuneCountInString(s)
	return fmt.Sprintf(`<ofd:TextObject Boundary="%g %g %g %g" Size="%g"><ofd:TextCode X="0" Y="%g" DeltaX="g %d %g">%s</ofd:TextCode></ofd:TextObject>`,
		x, y-size, float64(n)*size, size, size, size, n-1, size, s)
}

// pages are the contents of the page files.
func (p *printed) pages() []string {
	var out []string
	for from := 0; from < len(p.rows); from += perPage {
		foot := textObject(100, 285, 4, fmt.Sprintf("— %d —", len(out)+1))
		out = append(out, strings.Join(p.rows[from:min(from+perPage, len(p.rows))], "")+foot)
	}
	return out
}

const ofdSpace = `xmlns:ofd="http://www.ofdspec.org/2016"`

// ofdOf packs pages into an OFD file; more are further parts, and common is put
// into the document's common data.
func ofdOf(t testing.TB, pages []string, common string, more map[string]string) []byte {
	t.Helper()
	parts := map[string]string{
		"OFD.xml": `<ofd:OFD ` + ofdSpace + `><ofd:DocBody><ofd:DocInfo><ofd:Title>x</ofd:Title></ofd:DocInfo><ofd:DocRoot>/Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>`,
	}
	list := ""
	for i, page := range pages {
		list += fmt.Sprintf(`<ofd:Page ID="%d" BaseLoc="Pages\P%d.xml"/>`, i, i)
		parts[fmt.Sprintf("Doc_0/Pages/P%d.xml", i)] = `<ofd:Page ` + ofdSpace + `>` + page + `</ofd:Page>`
		if !strings.Contains(page, "<ofd:Content>") {
			parts[fmt.Sprintf("Doc_0/Pages/P%d.xml", i)] = `<ofd:Page ` + ofdSpace + `><ofd:Content><ofd:Layer><ofd:PageBlock>` + page + `</ofd:PageBlock></ofd:Layer></ofd:Content></ofd:Page>`
		}
	}
	parts["Doc_0/Document.xml"] = `<ofd:Document ` + ofdSpace + `><ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea>` +
		common + `</ofd:CommonData><ofd:Pages>` + list + `</ofd:Pages><ofd:Annotations>Annots.xml</ofd:Annotations></ofd:Document>`
	for name, content := range more {
		parts[name] = content
	}
	return zipOf(t, parts)
}

// statute is a text long enough for several pages, with provisions whose rows
// begin with what looks like a number of their own.
func statute() (paragraphs []string) {
	paragraphs = []string{"第一章　总则"}
	for n := 1; n <= 30; n++ {
		paragraphs = append(paragraphs,
			fmt.Sprintf("第%s条　为了加强示例事项的管理，保障各方的合法权益，依照《中华人民共和国示例法》第四条、第五条第二款的规定，结合本区实际，制定本办法，各有关单位应当遵照执行。", FormatNumeral(n)),
			"前款所称单位包括下列各项：", "（一）甲类单位；", "（二）乙类单位，以及按照国家有关规定应当纳入管理的其他单位，具体范围由主管部门另行公布。")
	}
	return paragraphs
}

// The text set on pages is read as the text that was set, whether paragraphs are
// indented or not, and the outline is that of the plain text.
func TestOFDParagraphs(t *testing.T) {
	for name, p := range map[string]*printed{
		"indented": {indent: 2}, "indented and ragged": {indent: 2, ragged: 1}, "flush": {},
	} {
		t.Run(name, func(t *testing.T) {
			want := append([]string{"示例事项管理办法"}, statute()...)
			p.set(want[0], true)
			for _, paragraph := range want[1:] {
				p.set(paragraph, strings.HasPrefix(paragraph, "第一章"))
			}
			d := mustRead(t, ofdOf(t, p.pages(), "", nil))
			plain := strings.Join(want, "\n") + "\n"
			checkText(t, d, plain)
			if got, want := skeleton(d.Text.Outline, ""), skeleton(mustRead(t, []byte(plain)).Text.Outline, ""); got != want {
				t.Errorf("outline\n%s\nwant\n%s", got, want)
			}
			if len(d.Margins) != len(p.pages()) || d.Margins[0].Text != "— 1 —" {
				t.Errorf("margins %q", d.Margins)
			}
		})
	}
}

// What is centred or set to the right never runs on, and a page of the attachments
// begins anew.
func TestRowsThatEnd(t *testing.T) {
	const size, left = 16.0, 80.0
	var rows []row
	for y, s := range []string{"　　现印发给你们，请遵照执行，执行中的问题请及时向示例局反映", "并且说明理由。", "2026年4月30日", "附件1：", "示例的办法"} {
		at := left
		if s == "2026年4月30日" {
			at = left + 18*size
		}
		text := strings.TrimLeft(s, "　")
		at += float64(len([]rune(s))-len([]rune(text))) * size
		rows = append(rows, row{text: text, x: at, end: at + float64(len([]rune(text)))*size, y: float64(y) * 28, size: size, height: 800})
	}
	r := &reading{limits: DefaultLimits()}
	if err := r.paragraphs(rows); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range r.lines {
		got = append(got, l.text)
	}
	if want := "现印发给你们，请遵照执行，执行中的问题请及时向示例局反映并且说明理由。|2026年4月30日|附件1：|示例的办法"; strings.Join(got, "|") != want {
		t.Errorf("lines %q", got)
	}
}

// Where paragraphs are not indented, a full row is followed by what begins anew for
// certain, and a row that is short for a number in brackets goes on.
func TestFlushRows(t *testing.T) {
	full := func(s string) string { return s + strings.Repeat("甲", perLine-utf8.RuneCountInString(s)-1) + "。" }
	rows := []string{full("第一条　一"), "第二条　第一条不适用。", full("第三条　依照"), "附件：表", full("第四条　《甲办法》（甲"), "乙。", "第五条　" + strings.Repeat("丙", 16) + "（甲政发", "〔2019〕3号）废止。"}
	var p printed
	for _, s := range rows {
		p.put(leftEdge, s)
	}
	want := strings.Join(rows[:6], "\n") + "\n" + rows[6] + rows[7] + "\n"
	want = strings.Replace(want, "。\n乙。", "。乙。", 1)
	checkText(t, mustRead(t, ofdOf(t, p.pages(), "", nil)), want)
}

// Templates stand under the pages that name them; what is turned or lies over a
// page is a margin; a row of a table holds no provision; bold by double printing
// is one text; runs on one baseline are one row.
func TestOFDObjects(t *testing.T) {
	page := `<ofd:Template TemplateID="7"/><ofd:Content><ofd:Layer>` +
		textObject(28, 50, em, "第一条　甲") + textObject(28+5*em, 50, em, "乙丙。") + textObject(28, 50.1, em, "第一条　甲") +
		textObject(28, 70, em, "名称") + textObject(100, 70, em, "第二条") + textObject(28, 80, em, "数量") + textObject(100, 80, em, "12") +
		`<ofd:TextObject Boundary="0 0 9 9" CTM="0 1 -1 0 0 0" Size="9"><ofd:TextCode>秘密★1年</ofd:TextCode></ofd:TextObject>` +
		`<ofd:TextObject Boundary="28 90 99 9" CTM="1 0 0 -1 0 0" Size="5.6"><ofd:TextCode X="0" Y="0" DeltaX="5.6">丁戊</ofd:TextCode></ofd:TextObject>` +
		`</ofd:Layer></ofd:Content>`
	d := mustRead(t, ofdOf(t, []string{page}, `<ofd:TemplatePage ID="7" BaseLoc="T.xml"/>`, map[string]string{
		"Doc_0/T.xml":      `<ofd:Page ` + ofdSpace + `><ofd:Template TemplateID="7"/><ofd:Content><ofd:Layer>` + textObject(60, 40, em, "示例办法") + `</ofd:Layer></ofd:Content></ofd:Page>`,
		"Doc_0/Annots.xml": `<ofd:Annotations ` + ofdSpace + `><ofd:Page PageID="0"><ofd:FileLoc>A.xml</ofd:FileLoc></ofd:Page></ofd:Annotations>`,
		"Doc_0/A.xml": `<ofd:PageAnnot ` + ofdSpace + `><ofd:Annot Type="Watermark"><ofd:Appearance>` +
			textObject(9, 9, 9, "内部资料") + `</ofd:Appearance></ofd:Annot></ofd:PageAnnot>`,
	}))
	checkText(t, d, "示例办法\n第一条　甲乙丙。\n名称　第二条\n数量　12\n丁戊\n")
	if len(d.Text.Outline) != 1 || d.Text.Counts.Articles != 1 {
		t.Errorf("outline %v", d.Text.Outline)
	}
	if got := fmt.Sprint(d.Margins); got != "[{page 内部资料} {page 秘密★1年}]" {
		t.Errorf("margins %s", got)
	}
	if SecrecyMark(d) == "" {
		t.Error("the mark of secrecy was not seen")
	}
}

func TestOFDRefusals(t *testing.T) {
	page := textObject(28, 50, em, "第一条　甲。")
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"no document", zipOf(t, map[string]string{"OFD.xml": "<x/>"}), CodeArchiveDamaged},
		{"no pages", ofdOf(t, nil, "", nil), CodeArchiveDamaged},
		{"pictures only", ofdOf(t, []string{`<ofd:ImageObject/>`}, "", nil), CodeScanned},
		{"page that is not there", ofdOf(t, []string{page}, "", map[string]string{"Doc_0/Document.xml": `<Document><Pages><Page BaseLoc="x"/></Pages></Document>`}), CodeScanned},
		{"too many pages", ofdOf(t, nil, "", map[string]string{"Doc_0/Document.xml": `<Document><Pages>` + strings.Repeat(`<Page BaseLoc="x"/>`, DefaultLimits().Pages+1) + `</Pages></Document>`}), CodeTooManyPages},
		{"document type", ofdOf(t, []string{page}, "", map[string]string{"Doc_0/Document.xml": `<!DOCTYPE x>` + `<Document/>`}), CodeXMLForbidden},
		{"nested blocks", ofdOf(t, []string{strings.Repeat("<ofd:PageBlock>", 10_000)}, "", nil), CodeXMLTooDeep},
		{"a template on every page", ofdOf(t, many(`<ofd:Template TemplateID="7"/><ofd:Content></ofd:Content>`, 4_000), `<ofd:TemplatePage ID="7" BaseLoc="T.xml"/>`, map[string]string{
			"Doc_0/T.xml": `<Page><Content><Layer>` + textObject(28, 50, em, strings.Repeat("甲", 5_000)) + `</Layer></Content></Page>`,
		}), CodeArchiveBomb},
		{"numbers that are none", ofdOf(t, []string{`<ofd:TextObject Boundary="NaN 1e999 x" Size="Inf"><ofd:TextCode DeltaX="g 999999999 1e308">甲</ofd:TextCode></ofd:TextObject>`}, "", nil), CodeScanned},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := codeOf(t, tt.data, DefaultLimits()); got != tt.want {
				t.Errorf("code %q, want %q", got, tt.want)
			}
		})
	}
}

// A page of nothing but small numbers costs no more than its length.
func TestOFDEffort(t *testing.T) {
	var b strings.Builder
	b.WriteString(textObject(28, 50, 16, "第一条　甲。"))
	b.WriteString(`<ofd:TextObject Boundary="0 40 9 9" Size="3">`)
	for range 60_000 {
		b.WriteString(`<ofd:TextCode X="1" Y="9">1</ofd:TextCode>`)
	}
	b.WriteString(`</ofd:TextObject>`)
	limits := DefaultLimits()
	limits.Ratio = 1 << 20
	if _, err := Read(t.Context(), ofdOf(t, []string{b.String()}, "", nil), limits); err != nil {
		t.Fatal(err)
	}
	marks := make([]Span, 60_001)
	for i := range marks {
		marks[i] = Span{Text: "1", Y: float64(i) / 60_000, Size: 3}
	}
	marks[60_000] = Span{Text: "甲", Y: 2, Size: 16, Width: 16}
	if kept, notes := dropNoteMarks(marks); len(kept) != 60_001 || len(notes) != 0 {
		t.Errorf("%d kept, %d notes", len(kept), len(notes))
	}
	pages := []Page{{Spans: make([]Span, maxSpans+1)}}
	r := &reading{limits: limits}
	var refused *FormatError
	if err := r.layOut(t.Context(), pages); !errors.As(err, &refused) || refused.Code != CodeTextTooLong {
		t.Errorf("more runs than any document: %v", err)
	}
}

func many(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

func FuzzReadOFD(f *testing.F) {
	f.Add(textObject(28, 50, em, "第一条　甲")+textObject(28, 60, em, "— 1 —"), `<ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox>`)
	f.Add(`<ofd:TextObject Boundary="1 2 3 4" CTM="1 0 0 -1 0 0" Size="3"><ofd:TextCode X="1" DeltaX="g 3 2 -1">甲乙</ofd:TextCode></ofd:TextObject>`, `<ofd:TemplatePage ID="1" BaseLoc="Pages/P0.xml"/>`)
	f.Add(`<ofd:Template TemplateID="1"/>`, `<ofd:TemplatePage ID="1" BaseLoc="../OFD.xml"/>`)
	f.Fuzz(func(t *testing.T, page, common string) {
		checkRead(t, ofdOf(t, []string{page, page}, common, nil))
	})
}

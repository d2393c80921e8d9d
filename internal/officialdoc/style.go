package officialdoc

// Measures are in twips, a twentieth of a point; one millimetre is 56.7.
const (
	pageWidth, pageHeight = 11906, 16838 // A4
	// 天头 37 mm and 订口 28 mm leave the 版心 of 156 mm × 225 mm.
	marginTop, marginLeft = 2098, 1588
	marginRight           = pageWidth - marginLeft - textWidth
	marginBottom          = pageHeight - marginTop - textHeight
	textWidth, textHeight = 8844, 12756
	// The dash of a page number lies 7 mm below the type area.
	footerDistance = 1430

	// pitch closes up the characters of the body, 3号 or 16 pt, so that 28 of them
	// stand on a line of 156 mm; em is what one takes.
	pitch = -5
	em    = 320 + pitch
	// lineHeight puts 22 lines on a page.
	lineHeight = 560
)

// A face is a typeface by its role, with the name that office suites know.
type face string

// The faces of GB/T 9704-2012.
const (
	fangsong face = "仿宋_GB2312"
	kaiti    face = "楷体_GB2312"
	heiti    face = "黑体"
	songti   face = "宋体"
	mark     face = "方正小标宋简体"
	// rare has the characters beyond the basic plane, which the others lack.
	rare face = "SimSun-ExtB"
)

// style is one kind of paragraph.
type style struct {
	id, name string
	face     face
	size     int // in half points
	line     int // exact height; 0 as the font wants
	before   int
	indent   indent
	align    string // as w:jc; empty for both
	level    int    // in the outline, from 1
	red      bool
	keepNext bool
	newPage  bool
	// more is raw properties that only one style has, which precede spacing.
	more string
}

// The 版记 stands in a frame at the foot of the page, which is written with each of
// its paragraphs: not every office suite looks for it in a style.
const (
	imprint      = "Imprint"
	imprintFrame = `<w:framePr w:w="8844" w:wrap="notBeside" w:vAnchor="margin" w:hAnchor="margin" w:xAlign="center" w:yAlign="bottom"/>`
)

// indent of a paragraph; first may be negative, a hanging indent.
type indent struct{ left, right, first int }

// styles are all kinds of paragraph. The first is the one without a name in a
// file.
func styles() []style {
	body := indent{first: 2 * em}
	rule := func(side, size string) string {
		return `<w:` + side + ` w:val="single" w:sz="` + size + `" w:space="1" w:color="000000"/>`
	}
	redLine := `<w:pBdr><w:bottom w:val="single" w:sz="12" w:space="11" w:color="FF0000"/></w:pBdr>`
	return []style{
		{id: "Normal", name: "Normal", face: fangsong, size: 32, line: lineHeight},
		{id: "BodyText", name: "Body Text", face: fangsong, size: 32, line: lineHeight, indent: body},
		{id: "IssuerMark", name: "发文机关标志", face: mark, size: 84, before: 1984, align: "center", red: true, keepNext: true},
		{id: "DocumentNumber", name: "发文字号", face: fangsong, size: 32, line: lineHeight, before: 2 * lineHeight, align: "center", more: redLine},
		{id: "SignedNumber", name: "发文字号和签发人", face: fangsong, size: 32, line: lineHeight, before: 2 * lineHeight, align: "left",
			more: redLine + `<w:tabs><w:tab w:val="right" w:pos="8524"/></w:tabs>`},
		{id: "Title", name: "Title", face: mark, size: 44, line: 700, before: 2 * lineHeight, align: "center", keepNext: true},
		{id: "Addressee", name: "主送机关", face: fangsong, size: 32, line: lineHeight, before: lineHeight, align: "left"},
		{id: "Heading1", name: "heading 1", face: heiti, size: 32, line: lineHeight, indent: body, level: 1, keepNext: true},
		{id: "Heading2", name: "heading 2", face: kaiti, size: 32, line: lineHeight, indent: body, level: 2, keepNext: true},
		{id: "Heading3", name: "heading 3", face: fangsong, size: 32, line: lineHeight, indent: body, level: 3, keepNext: true},
		{id: "Heading4", name: "heading 4", face: fangsong, size: 32, line: lineHeight, indent: body, level: 4, keepNext: true},
		{id: "Chapter", name: "章节标题", face: heiti, size: 32, line: lineHeight, align: "center", level: 1, keepNext: true},
		{id: "AttachmentNote", name: "附件说明", face: fangsong, size: 32, line: lineHeight, align: "left"},
		{id: "Gap", name: "空行", face: fangsong, size: 32, line: lineHeight, keepNext: true},
		{id: "Signature", name: "署名", face: fangsong, size: 32, line: lineHeight, align: "right", keepNext: true},
		{id: "SignatureDate", name: "成文日期", face: fangsong, size: 32, line: lineHeight, align: "right"},
		{id: "Annotation", name: "附注", face: fangsong, size: 32, line: lineHeight, indent: body},
		{id: imprint, name: "版记", face: fangsong, size: 28, line: 480, align: "left",
			more: `<w:pBdr>` + rule("top", "8") + rule("bottom", "8") + rule("between", "6") + `</w:pBdr>` +
				`<w:tabs><w:tab w:val="right" w:pos="8564"/></w:tabs>`, indent: indent{left: 4 * 280, right: 280, first: -3 * 280}},
		{id: "AttachmentLabel", name: "附件序号", face: heiti, size: 32, line: lineHeight, align: "left", newPage: true, keepNext: true},
		{id: "AttachmentTitle", name: "附件标题", face: mark, size: 44, line: 700, before: lineHeight, align: "center", keepNext: true},
		{id: "TableHead", name: "表头", face: heiti, size: 24, line: 400, align: "center"},
		{id: "TableCell", name: "表格正文", face: fangsong, size: 24, line: 400, align: "left"},
		{id: "FooterOdd", name: "页码（单页）", face: songti, size: 28, align: "right", indent: indent{right: 280}},
		{id: "FooterEven", name: "页码（双页）", face: songti, size: 28, align: "left", indent: indent{left: 280}},
		{id: "End", name: "文末", face: fangsong, size: 2, line: 20},
		{id: "CommentText", name: "annotation text", face: songti, size: 20, align: "left"},
	}
}

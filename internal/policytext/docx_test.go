package policytext

import (
	"slices"
	"strings"
	"testing"
)

const statuteStyles = `<w:style w:type="paragraph" w:default="1" w:styleId="a"/>` +
	`<w:style w:type="paragraph" w:styleId="Z"><w:basedOn w:val="a"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>` +
	`<w:style w:type="paragraph" w:styleId="T"><w:basedOn w:val="a"/><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr></w:pPr></w:style>` +
	`<w:style w:type="paragraph" w:styleId="T2"><w:basedOn w:val="T"/></w:style>` +
	`<w:style w:type="paragraph" w:styleId="X"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>`

var statuteNumbering = definition(1,
	level(0, "chineseCountingThousand", "第%1章　", `<w:pStyle w:val="Z"/>`)+
		level(1, "chineseCountingThousand", "第%2条　", `<w:lvlRestart w:val="0"/>`)+
		level(2, "chineseCountingThousand", "（%3）", `<w:pStyle w:val="X"/>`)) + listOf(1, 1, "")

func TestDocxStatuteNumbering(t *testing.T) {
	d := mustRead(t, wordFile{
		styles: statuteStyles, numbering: statuteNumbering,
		body: text("示例办法") + styled("Z", "总则") + styled("T", "为了示例，制定本办法。") + styled("T2", "本办法适用于下列事项：") +
			styled("X", "甲；") + styled("X", "乙。") + styled("Z", "附则") + styled("T", "本办法自发布之日起施行，下列除外：") + styled("X", "丙。"),
	}.bytes(t))
	checkText(t, d, "示例办法\n第一章　总则\n第一条　为了示例，制定本办法。\n第二条　本办法适用于下列事项：\n（一）甲；\n（二）乙。\n"+
		"第二章　附则\n第三条　本办法自发布之日起施行，下列除外：\n（一）丙。\n")
	want := "chap-1 总则\n art-1\n  art-1.para-1\n art-2\n  art-2.para-1\n   art-2.para-1.item-1\n   art-2.para-1.item-2\n" +
		"chap-2 附则\n art-3\n  art-3.para-1\n   art-3.para-1.item-1\n"
	if got := skeleton(d.Text.Outline, ""); got != want {
		t.Errorf("outline\n%s\nwant\n%s", got, want)
	}
}

func TestDocxListNumbering(t *testing.T) {
	notice := level(0, "japaneseCounting", "%1、", "") + level(1, "chineseCounting", "（%2）", "") +
		level(2, "decimal", "%3.", "") + level(3, "decimalEnclosedCircle", "%4", "")
	tests := []struct {
		name, numbering, body string
		want                  string
	}{
		{"levels restart below a higher one", definition(1, notice) + listOf(1, 1, ""),
			listed(1, 0, "甲") + listed(1, 1, "乙") + listed(1, 1, "丙") + listed(1, 2, "丁") + listed(1, 3, "戊") + listed(1, 0, "己") + listed(1, 1, "庚"),
			"一、甲|（一）乙|（二）丙|1.丁|①戊|二、己|（一）庚"},
		{"lists of one definition run on, an override begins anew", definition(1, notice) +
			listOf(1, 1, "") + listOf(2, 1, `<w:lvlOverride w:ilvl="0"><w:startOverride w:val="9"/></w:lvlOverride>`),
			listed(1, 0, "甲") + listed(2, 0, "乙") + listed(2, 0, "丙"), "一、甲|九、乙|十、丙"},
		{"two lists without override share the count", definition(1, notice) + listOf(1, 1, "") + listOf(2, 1, ""),
			listed(1, 0, "甲") + listed(2, 0, "乙"), "一、甲|二、乙"},
		{"lvlRestart names the level that restarts", definition(1,
			level(0, "decimal", "%1", "")+level(1, "decimal", "%2)", "")+level(2, "decimal", "%3]", `<w:lvlRestart w:val="1"/>`)) + listOf(1, 1, ""),
			listed(1, 0, "甲") + listed(1, 1, "乙") + listed(1, 2, "丙") + listed(1, 1, "丁") + listed(1, 2, "戊") + listed(1, 0, "己") + listed(1, 2, "庚"),
			"1甲|1)乙|1]丙|2)丁|2]戊|2己|1]庚"},
		{"isLgl writes digits for every level", definition(1,
			level(0, "chineseLegalSimplified", "%1、", "")+level(1, "chineseCounting", "%1.%2　", "<w:isLgl/>")) + listOf(1, 1, ""),
			listed(1, 0, "甲") + listed(1, 1, "乙"), "壹、甲|1.1　乙"},
		{"a replaced level", definition(1, notice) + listOf(1, 1, `<w:lvlOverride w:ilvl="0">`+level(0, "ideographTraditional", "%1．", "")+`</w:lvlOverride>`),
			listed(1, 0, "甲") + listed(1, 0, "乙"), "甲．甲|乙．乙"},
		{"the gap of a tab is one ideographic space", definition(1,
			`<w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="chineseCountingThousand"/><w:lvlText w:val="第%1条"/></w:lvl>`) + listOf(1, 1, ""),
			listed(1, 0, "甲") + listed(1, 0, "　乙"), "第三条　甲|第四条　乙"},
		{"a custom format names its fallback", definition(1, `<w:lvl w:ilvl="0"><w:start w:val="0"/><mc:AlternateContent><mc:Choice Requires="w14"><w:numFmt w:val="custom"/></mc:Choice><mc:Fallback><w:numFmt w:val="decimalZero"/></mc:Fallback></mc:AlternateContent><w:suff w:val="nothing"/><w:lvlText w:val="%1%"/></w:lvl>`) + listOf(1, 1, ""),
			listed(1, 0, "甲") + listed(1, 0, "乙"), "00%甲|01%乙"},
		{"a level below one that was not used", definition(1, level(0, "decimal", "%1", "")+level(1, "decimal", "%1.%2 ", "")) + listOf(1, 1, ""), listed(1, 1, "甲"), "1.1 甲"},
		{"a plain bullet", definition(1, level(0, "bullet", "◆", "")) + listOf(1, 1, ""), listed(1, 0, "甲"), "◆甲"},
		{"bullets", definition(1, level(0, "bullet", "\uf0b7", "")) + listOf(1, 1, ""), listed(1, 0, "甲"), "•甲"},
		{"list zero and unknown lists give none", definition(1, notice) + listOf(1, 1, ""), listed(0, 0, "甲") + listed(7, 0, "乙") + listed(1, 8, "丙"), "甲|乙|丙"},
		{"a huge pattern gives none", definition(1, level(0, "decimal", strings.Repeat("%1", 1000), "")) + listOf(1, 1, ""), listed(1, 0, "甲"), "甲"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := mustRead(t, wordFile{numbering: tt.numbering, body: tt.body}.bytes(t))
			checkText(t, d, strings.ReplaceAll(tt.want, "|", "\n")+"\n")
		})
	}
}

func TestDocxNumberingStyle(t *testing.T) {
	d := mustRead(t, wordFile{
		styles:    `<w:style w:type="numbering" w:styleId="L"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>`,
		numbering: definition(1, level(0, "upperRoman", "%1.", "")) + definition(2, `<w:numStyleLink w:val="L"/>`) + listOf(1, 1, "") + listOf(2, 2, ""),
		body:      listed(2, 0, "甲") + listed(2, 0, "乙"),
	}.bytes(t))
	checkText(t, d, "I.甲\nII.乙\n")
}

func TestDocxContentsByStyle(t *testing.T) {
	d := mustRead(t, wordFile{
		styles: `<w:style w:type="paragraph" w:styleId="11"><w:name w:val="toc 1"/></w:style>`,
		body:   text("示例办法") + styled("11", "第一章　总则　1") + styled("11", "第二章　附则　9") + text("第一章　总则") + text("第一条　甲。"),
	}.bytes(t))
	if got := skeleton(d.Text.Outline, ""); got != "chap-1 总则\n art-1\n  art-1.para-1\n" {
		t.Errorf("outline\n%s", got)
	}
}

func TestDocxStyleCycleEnds(t *testing.T) {
	d := mustRead(t, wordFile{
		styles: `<w:style w:type="paragraph" w:styleId="A"><w:basedOn w:val="B"/></w:style><w:style w:type="paragraph" w:styleId="B"><w:basedOn w:val="A"/></w:style>`,
		body:   styled("A", "甲"),
	}.bytes(t))
	checkText(t, d, "甲\n")
}

func TestDocxContent(t *testing.T) {
	box := `<w:txbxContent>` + text("框内") + `</w:txbxContent>`
	field := func(kind string) string { return `<w:r><w:fldChar w:fldCharType="` + kind + `"/></w:r>` }
	tests := []struct{ name, body, want string }{
		{"runs join", par("", run("甲"), run("乙")), "甲乙\n"},
		{"blanks count only when preserved", par("", `<w:r><w:t> 甲 </w:t></w:r>`, run(" 乙 ")), "甲 乙 \n"},
		{"line ends of the XML are blanks", par("", run("甲\n乙")), "甲 乙\n"},
		{"manual break", par("", run("甲"), `<w:r><w:br/></w:r>`, run("乙")), "甲\n乙\n"},
		{"page break before text", par("", `<w:r><w:br w:type="page"/></w:r>`, run("乙")), "乙\n"},
		{"special characters", par("", `<w:r><w:t>甲</w:t><w:noBreakHyphen/><w:tab/><w:sym w:font="Wingdings" w:char="F0FE"/><w:softHyphen/></w:r>`), "甲\u2011\t☑\n"},
		{"tab stops are no tabs", par(`<w:tabs><w:tab w:val="left" w:pos="1"/></w:tabs>`, run("甲")), "甲\n"},
		{"field result, not instruction", par("", run("见"), field("begin"), `<w:r><w:instrText>REF x</w:instrText></w:r>`, field("separate"), run("表1"), field("end"), run("。")), "见表1。\n"},
		{"nested field inside an instruction", par("", field("begin"), field("begin"), field("separate"), run("隐"), field("end"), field("separate"), run("显"), field("end")), "显\n"},
		{"field across paragraphs", par("", field("begin"), field("separate"), run("甲")) + par("", run("乙"), field("end")), "甲\n乙\n"},
		{"simple field, link, control", par("", `<w:fldSimple w:instr="DATE">`+run("甲")+`</w:fldSimple><w:hyperlink>`+run("乙")+`</w:hyperlink><w:sdt><w:sdtPr/><w:sdtContent>`+run("丙")+`</w:sdtContent></w:sdt>`), "甲乙丙\n"},
		{"content control around paragraphs", `<w:sdt><w:sdtContent>` + text("甲") + text("乙") + `</w:sdtContent></w:sdt>`, "甲\n乙\n"},
		{"text box once, after its paragraph", par("", `<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing>`+box+`</w:drawing></mc:Choice><mc:Fallback><w:pict>`+box+`</w:pict></mc:Fallback></mc:AlternateContent></w:r>`, run("甲")), "甲\n框内\n"},
		{"old text box", par("", run("甲"), `<w:r><w:pict><v:shape><v:textbox>`+box+`</v:textbox></v:shape></w:pict></w:r>`), "甲\n框内\n"},
		{"fallback when there is no choice", par("", `<w:r><mc:AlternateContent><mc:Fallback><w:t>甲</w:t></mc:Fallback></mc:AlternateContent></w:r>`), "甲\n"},
		{"table, a line a cell", `<w:tbl><w:tr><w:tc>` + text("甲") + `</w:tc><w:tc>` + text("乙") + text("丙") + `</w:tc></w:tr></w:tbl>` + text("丁"), "甲\n乙\n丙\n丁\n"},
		{"deleted row", `<w:tbl><w:tr><w:trPr><w:del w:id="1"/></w:trPr><w:tc>` + text("甲") + `</w:tc></w:tr><w:tr><w:tc>` + text("乙") + `</w:tc></w:tr></w:tbl>`, "乙\n"},
		{"deleted cell", `<w:tbl><w:tr><w:tc><w:tcPr><w:cellDel w:id="1"/></w:tcPr>` + text("甲") + `</w:tc><w:tc>` + text("乙") + `</w:tc></w:tr></w:tbl>`, "乙\n"},
		{"deleted mark with nothing to join", text("甲") + par(`<w:rPr><w:del w:id="1"/></w:rPr>`, run("乙")), "甲\n乙\n"},
		{"deleted mark before a table", par(`<w:rPr><w:del w:id="1"/></w:rPr>`, run("甲")) + `<w:tbl><w:tr><w:tc>` + text("乙") + `</w:tc></w:tr></w:tbl>`, "甲\n乙\n"},
		{"symbol of an ordinary font", par("", `<w:r><w:sym w:font="SimSun" w:char="2605"/><w:sym w:font="X" w:char="D800"/><w:sym w:char="zz"/></w:r>`), "★\n"},
		{"footnote text stays out", par("", run("甲"), `<w:r><w:footnoteReference w:id="2"/></w:r>`), "甲\n"},
		{"phonetic guide", par("", `<w:r><w:ruby><w:rt>`+run("yi")+`</w:rt><w:rubyBase>`+run("乙")+`</w:rubyBase></w:ruby></w:r>`), "乙\n"},
		{"formula", par("", `<m:oMath><m:r><m:t>a+b</m:t></m:r></m:oMath>`), "a+b\n"},
		{"astral characters", text("𠮷㐂〇"), "𠮷㐂〇\n"},
		{"strict namespace", `<s:p xmlns:s="http://purl.oclc.org/ooxml/wordprocessingml/main"><s:r><s:t>甲</s:t></s:r></s:p>`, "甲\n"},
		{"foreign elements are passed over", `<x:p xmlns:x="urn:x">乱<w:p/></x:p>` + text("甲"), "甲\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkText(t, mustRead(t, wordFile{body: tt.body}.bytes(t)), tt.want) })
	}
}

func TestDocxTrackedChanges(t *testing.T) {
	const gone = `<w:rPr><w:del w:id="9"/></w:rPr>`
	article := func(mark, s string) string {
		return par(`<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>`+mark, s)
	}
	deleted := func(s string) string {
		return `<w:del w:id="1"><w:r><w:delText>` + s + `</w:delText></w:r></w:del>`
	}
	d := mustRead(t, wordFile{
		numbering: definition(1, level(0, "chineseCountingThousand", "第%1条　", "")) + listOf(1, 1, ""),
		body: article("", run("甲"+"")+deleted("旧")+`<w:ins w:id="2">`+run("新")+`</w:ins>`) +
			article(gone, deleted("整条删除。")) +
			article(gone, run("并入")) + article("", run("下一条")) +
			text("移") + par("", `<w:moveFrom w:id="3">`+run("走")+`</w:moveFrom>`, `<w:moveTo w:id="4">`+run("来")+`</w:moveTo>`) +
			par(`<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr><w:pPrChange w:id="5"><w:pPr><w:numPr><w:numId w:val="7"/></w:numPr></w:pPr></w:pPrChange>`, run("丁")),
	}.bytes(t))
	checkText(t, d, "第一条　甲新\n第二条　并入下一条\n移\n来\n第三条　丁\n")
	if !slices.Contains(d.Text.Warnings, "文件含有修订标记，已按接受全部修订读取") {
		t.Errorf("warnings %q do not tell of tracked changes", d.Text.Warnings)
	}
}

func TestDocxTablesAndBoxesAreNoProvisions(t *testing.T) {
	d := mustRead(t, wordFile{body: text("示例办法") + text("第一条　按照下表处理：") +
		`<w:tbl><w:tr><w:tc>` + text("第二条　表中文字。") + text("（一）表中项。") + `</w:tc></w:tr></w:tbl>` +
		par("", `<w:r><w:pict><w:txbxContent>`+text("第三条　框中文字。")+`</w:txbxContent></w:pict></w:r>`) + text("第二条　继续。")}.bytes(t))
	if got := skeleton(d.Text.Outline, ""); got != "art-1\n art-1.para-1\nart-2\n art-2.para-1\n" {
		t.Errorf("outline\n%s", got)
	}
	if !slices.Equal(d.Margins, []Margin{{MarginBox, "第三条　框中文字。"}}) {
		t.Errorf("margins %q", d.Margins)
	}
	first := d.Text.Outline[0]
	if got := Slice(d.Text, int(first.Start), int(first.End)); !strings.HasSuffix(got, "（一）表中项。") {
		t.Errorf("the table is not part of its article: %q", got)
	}
}

func TestDocxWarnings(t *testing.T) {
	for body, want := range map[string]string{
		par("", `<w:r><w:rPr><w:vanish/></w:rPr><w:t>甲</w:t></w:r>`):                 "文件含有隐藏文字，已一并读入正文",
		par("", `<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>甲</w:t></w:r>`):       "",
		text("甲") + `<w:altChunk/>`:                                                  "文件引用了另一个文件的内容，该内容没有读入",
		par("", run("甲"), `<w:r><w:footnoteReference w:id="2"/></w:r>`):              "文件含有脚注或尾注，注释文字不计入正文",
		par("", run("甲"), `<w:r><w:fldChar w:fldCharType="begin"/></w:r>`, run("乙")): "文件中的域不完整，部分文字可能没有读出",
	} {
		d := mustRead(t, wordFile{body: body}.bytes(t))
		if got := strings.Join(d.Text.Warnings, "|"); got != want {
			t.Errorf("%s warns %q, want %q", body, got, want)
		}
	}
}

func TestDocxMargins(t *testing.T) {
	d := mustRead(t, wordFile{body: text("甲"), header: text("机密★5年") + par("", `<w:r><w:pict><v:shape><v:textpath string="秘密"/></v:shape></w:pict></w:r>`)}.bytes(t))
	checkText(t, d, "甲\n")
	if !slices.Equal(d.Margins, []Margin{{MarginHeader, "机密★5年"}, {MarginBox, "秘密"}}) {
		t.Errorf("margins %q", d.Margins)
	}
}

func TestDocxMainPartByRelationship(t *testing.T) {
	data := zipOf(t, map[string]string{
		"_rels/.rels":        `<Relationships><Relationship Type="http://x/officeDocument" Target="/word/document2.xml"/></Relationships>`,
		"word/document2.xml": `<w:document ` + wordNamespaces + `><w:body>` + text("甲") + `</w:body></w:document>`,
	})
	checkText(t, mustRead(t, data), "甲\n")
}

func TestListNumberFormats(t *testing.T) {
	tests := []struct {
		format string
		n      int
		want   string
	}{
		{"chineseCountingThousand", 103, "一百零三"}, {"chineseCounting", 99, "九十九"}, {"chineseCounting", 103, "一〇三"},
		{"chineseLegalSimplified", 12, "壹拾贰"}, {"ideographLegalTraditional", 20, "貳拾"}, {"ideographDigital", 10, "一〇"},
		{"ideographTraditional", 10, "癸"}, {"ideographTraditional", 11, "11"}, {"ideographZodiac", 12, "亥"}, {"ideographZodiacTraditional", 60, "癸亥"},
		{"decimalEnclosedCircle", 20, "⑳"}, {"decimalEnclosedCircleChinese", 21, "㉑"}, {"decimalEnclosedCircle", 36, "㊱"}, {"decimalEnclosedCircle", 51, "51"},
		{"decimalEnclosedParen", 3, "⑶"}, {"decimalEnclosedFullstop", 3, "⒊"}, {"ideographEnclosedCircle", 2, "㊁"}, {"decimalFullWidth", 12, "１２"},
		{"decimalZero", 7, "07"}, {"decimalZero", 17, "17"}, {"numberInDash", 3, "- 3 -"}, {"upperLetter", 27, "AA"}, {"lowerLetter", 28, "bb"},
		{"upperRoman", 1994, "MCMXCIV"}, {"lowerRoman", 4, "iv"}, {"none", 1, ""}, {"vietnameseCounting", 5, "5"}, {"lowerRoman", 1 << 30, "1073741824"}, {"lowerLetter", 30000, "30000"},
	}
	for _, tt := range tests {
		if got := formatListNumber(tt.n, tt.format); got != tt.want {
			t.Errorf("%s %d = %q, want %q", tt.format, tt.n, got, tt.want)
		}
	}
}

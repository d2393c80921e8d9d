package policytext

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
)

// by is who made a tracked change, as attributes.
const by = ` w:id="9" w:author="示例甲" w:date="2026-03-02T10:00:00Z"`

func ins(inner string) string { return `<w:ins` + by + `>` + inner + `</w:ins>` }
func del(words string) string {
	return `<w:del` + by + `><w:r><w:delText>` + words + `</w:delText></w:r></w:del>`
}

// article is a numbered paragraph; ends is the tracked change of its end.
func article(ends string, runs ...string) string {
	if ends != "" {
		ends = `<w:rPr><w:` + ends + by + `/></w:rPr>`
	}
	return par(`<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>`+ends, runs...)
}

var articles = definition(1, level(0, "chineseCountingThousand", "第%1条　", "")) + listOf(1, 1, "")

func readAs(t testing.TB, data []byte, mode Changes) *Document {
	t.Helper()
	d, err := Reader{Limits: DefaultLimits(), Changes: mode}.Read(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// changesOf writes the changes of a reading, and holds that what is read of one
// stands where it says.
func changesOf(t testing.TB, d *Document) string {
	t.Helper()
	var b strings.Builder
	for _, c := range d.Text.GetMarkup().GetChanges() {
		if c.Author != "示例甲" || c.Written != "2026-03-02T10:00:00Z" {
			t.Errorf("made by %q at %q", c.Author, c.Written)
		}
		fmt.Fprintf(&b, "%s %q %d-%d|", c.Kind, c.Text, c.Start, c.End)
	}
	return b.String()
}

func TestDocxChanges(t *testing.T) {
	row := func(change string, cells ...string) string {
		if change != "" {
			change = `<w:trPr><w:` + change + by + `/></w:trPr>`
		}
		return `<w:tr>` + change + `<w:tc>` + strings.Join(cells, `</w:tc><w:tc>`) + `</w:tc></w:tr>`
	}
	tests := []struct {
		name, body                string
		accepted, original, shown string
		changes                   string // of the reading that shows all
	}{
		{"words put in and taken out", article("", run("甲"), del("旧"), ins(run("新")), run("。")),
			"第一条　甲新。", "第一条　甲旧。", "第一条　甲旧新。", `DELETION "旧" 5-6|INSERTION "新" 6-7|`},
		{"runs of one change are one", article("", del("旧"), del("词"), ins(run("新")+run("词")), ins(run("。"))),
			"第一条　新词。", "第一条　旧词", "第一条　旧词新词。", `DELETION "旧词" 4-6|INSERTION "新词。" 6-9|`},
		{"a deleted article takes no number", article("", run("甲。")) + article("del", del("乙。")) + article("", run("丙。")),
			"第一条　甲。|第二条　丙。", "第一条　甲。|第二条　乙。|第三条　丙。", "第一条　甲。|第二条　乙。|第三条　丙。",
			`DELETION "乙。" 11-13|DELETION "\n" 13-14|`},
		{"an inserted article had no number", article("", run("甲。")) + article("ins", ins(run("乙。"))) + article("", run("丙。")),
			"第一条　甲。|第二条　乙。|第三条　丙。", "第一条　甲。|第二条　丙。", "第一条　甲。|第二条　乙。|第三条　丙。",
			`INSERTION "乙。" 11-13|INSERTION "\n" 13-14|`},
		{"two articles made one", article("del", run("甲，")) + article("", run("乙。")),
			"第一条　甲，乙。", "第一条　甲，|第二条　乙。", "第一条　甲，|第二条　乙。", `DELETION "\n" 6-7|`},
		{"one article made two", article("ins", run("甲。")) + article("", run("乙。")),
			"第一条　甲。|第二条　乙。", "第一条　甲。乙。", "第一条　甲。|第二条　乙。", `INSERTION "\n" 6-7|`},
		{"put in by one and taken out again", article("", run("甲"), ins(run("乙")+del("丙")+run("丁"))),
			"第一条　甲乙丁", "第一条　甲", "第一条　甲乙丙丁", `INSERTION "乙丙丁" 5-8|DELETION "丙" 6-7|`},
		{"a moved article", article("moveFrom", `<w:moveFrom`+by+`>`+run("甲。")+`</w:moveFrom>`) + article("", run("乙。")) +
			article("moveTo", `<w:moveTo`+by+`>`+run("甲。")+`</w:moveTo>`) + article("", run("丙。")),
			"第一条　乙。|第二条　甲。|第三条　丙。", "第一条　甲。|第二条　乙。|第三条　丙。", "第一条　甲。|第二条　乙。|第三条　甲。|第四条　丙。",
			`MOVE_FROM "甲。" 4-6|MOVE_FROM "\n" 6-7|MOVE_TO "甲。" 18-20|MOVE_TO "\n" 20-21|`},
		{"rows", text("表") + `<w:tbl>` + row("del", article("", run("甲")), text("乙")) + row("", text("丙")) + row("ins", text("丁")) + `</w:tbl>` + article("", run("戊")),
			"表|丙|丁|第一条　戊", "表|第一条　甲|乙|丙|第二条　戊", "表|第一条　甲|乙|丙|丁|第二条　戊",
			`DELETION "甲" 6-7|DELETION "乙" 8-9|INSERTION "丁" 12-13|`},
		{"a row and the words in it say the same", `<w:tbl>` + row("ins", article("ins", ins(run("甲")))) + `</w:tbl>` + text("乙"),
			"第一条　甲|乙", "乙", "第一条　甲|乙", `INSERTION "甲" 4-5|INSERTION "\n" 5-6|`},
		{"numbering put on by a change", article("", run("甲")) + par(`<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/><w:ins`+by+`/></w:numPr>`, run("乙")) +
			par(`<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr><w:pPrChange`+by+`><w:pPr/></w:pPrChange>`, run("丙")) +
			par(`<w:pPrChange`+by+`><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr></w:pPrChange>`, run("丁")),
			"第一条　甲|第二条　乙|第三条　丙|丁", "第一条　甲|乙|丙|第二条　丁", "第一条　甲|第二条　乙|第三条　丙|丁", ""},
		{"a deleted field hides nothing behind it", article("", `<w:del`+by+`><w:r><w:fldChar w:fldCharType="begin"/></w:r></w:del>`, run("甲"), del("一")),
			"第一条　甲", "第一条　", "第一条　", ""},
		{"text outside a deletion is no deleted text", article("", run("甲"), `<w:r><w:delText>乱</w:delText></w:r>`), "第一条　甲", "第一条　甲", "第一条　甲", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := wordFile{numbering: articles, body: tt.body}.bytes(t)
			for mode, want := range map[Changes]string{ChangesAccepted: tt.accepted, ChangesOriginal: tt.original, ChangesShown: tt.shown} {
				checkText(t, readAs(t, data, mode), strings.ReplaceAll(want, "|", "\n")+"\n")
			}
			if got := changesOf(t, readAs(t, data, ChangesShown)); got != tt.changes {
				t.Errorf("changes\n got %s\nwant %s", got, tt.changes)
			}
		})
	}
}

// A change that a reading leaves out has a place all the same.
func TestDocxChangesLeftOutHaveAPlace(t *testing.T) {
	data := wordFile{numbering: articles, body: article("", run("甲"), del("旧"), ins(run("新"))) + article("del", del("乙。")) +
		article("", run("丙")) + `<w:tbl><w:tr><w:trPr><w:del` + by + `/></w:trPr><w:tc>` + text("丁") + `</w:tc></w:tr></w:tbl>`}.bytes(t)
	for mode, want := range map[Changes]string{
		ChangesAccepted: `DELETION "旧" 5-5|INSERTION "新" 5-6|DELETION "乙。" 7-7|DELETION "\n" 7-7|DELETION "丁" 12-12|`,
		ChangesOriginal: `DELETION "旧" 5-6|INSERTION "新" 6-6|DELETION "乙。" 11-13|DELETION "\n" 13-14|DELETION "丁" 20-21|`,
	} {
		if got := changesOf(t, readAs(t, data, mode)); got != want {
			t.Errorf("changes\n got %s\nwant %s", got, want)
		}
	}
}

func TestDocxChangesWarn(t *testing.T) {
	data := wordFile{body: par("", run("甲"), ins(run("乙")))}.bytes(t)
	for mode, want := range map[Changes]string{
		ChangesAccepted: "文件含有修订标记，已按接受全部修订读取", ChangesOriginal: "文件含有修订标记，已按修订前的原文读取",
		ChangesShown: "文件含有修订标记，插入和删除的文字均已读入",
	} {
		if got := strings.Join(readAs(t, data, mode).Text.Warnings, "|"); got != want {
			t.Errorf("warns %q, want %q", got, want)
		}
	}
}

func comment(id, words string) string {
	return `<w:comment w:id="` + id + `" w:author="示例乙" w:date="2026-03-03T10:00:00Z">` + words + `</w:comment>`
}

func TestDocxComments(t *testing.T) {
	const from, to, ref = `<w:commentRangeStart w:id="%s"/>`, `<w:commentRangeEnd w:id="%s"/>`, `<w:r><w:commentReference w:id="%s"/></w:r>`
	at := func(form, id string) string { return fmt.Sprintf(form, id) }
	d := mustRead(t, wordFile{
		numbering: articles,
		body: article("", at(from, "0"), run("甲乙"), del("旧"), run("。"), at(to, "0"), at(ref, "0")) +
			article("", run("丙"), at(from, "1"), run("丁")) + article("", run("戊"), at(to, "1"), at(ref, "1")) +
			article("", run("己"), at(ref, "2")) +
			at(from, "3") + article("", run("庚")) + at(to, "3") +
			article("", run("辛"), at(from, "4"), del("壬"), at(to, "4"), at(ref, "4")),
		more: map[string]string{
			"comments": comment("0", `<w:p w14:paraId="A1"><w:r><w:annotationRef/></w:r>`+run("一")+`</w:p><w:p w14:paraId="A2">`+run("二")+`</w:p>`) +
				comment("1", `<w:p w14:paraId="B1">`+run("三")+`</w:p>`) + comment("2", text("四")) + comment("3", text("五")) +
				comment("4", text("六")) + comment("5", text("无处")),
			"commentsExtended": `<w15:commentEx w15:paraId="A2" w15:done="1"/><w15:commentEx w15:paraId="B1" w15:paraIdParent="A2" w15:done="0"/>`,
		},
	}.bytes(t))
	checkText(t, d, "第一条　甲乙。\n第二条　丙丁\n第三条　戊\n第四条　己\n第五条　庚\n第六条　辛\n")
	var got []string
	for _, c := range Inspect(d).Comments {
		if c.Author != "示例乙" || c.Date != "2026-03-03T10:00:00Z" {
			t.Errorf("written by %q at %q", c.Author, c.Date)
		}
		place, _ := json.Marshal([]any{c.Start, c.End, c.Parent, c.Resolved})
		got = append(got, strings.ReplaceAll(fmt.Sprintf("%s %q on %q %s", c.ID, c.Text, c.Quote, place), `\u3000`, "　"))
	}
	want := []string{
		`0 "一\n二" on "甲乙。" [4,7,null,true]`,
		`1 "三" on "丁\n第三条　戊" [13,20,"0",false]`,
		`2 "四" on "" [26,26,null,false]`,
		`3 "五" on "第五条　庚" [27,32,null,false]`,
		`4 "六" on "" [38,38,null,false]`,
		`5 "无处" on "" [null,null,null,false]`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("comments\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestDocxNotesAndMargins(t *testing.T) {
	note := func(kind, id, more string) string {
		return `<w:r><w:` + kind + `Reference w:id="` + id + `"` + more + `/></w:r>`
	}
	d := mustRead(t, wordFile{
		numbering: articles,
		header:    text("示例局文件"),
		footer:    text("— 1 —"),
		body: article("", run("甲"), note("footnote", "3", ""), run("乙"), note("endnote", "1", ""), note("footnote", "2", "")) +
			article("", run("丙"), note("footnote", "4", ` w:customMarkFollows="1"`), run("*"), `<w:del`+by+`>`+note("footnote", "5", "")+`</w:del>`, note("footnote", "77", "")),
		more: map[string]string{
			"footnotes": `<w:footnote w:type="separator" w:id="0">` + text("线") + `</w:footnote>` +
				`<w:footnote w:id="2">` + text("注二") + `</w:footnote><w:footnote w:id="3">` + text(" 注三") + text("续") + `</w:footnote>` +
				`<w:footnote w:id="4">` + text("注四") + `</w:footnote><w:footnote w:id="5">` + text("注五") + `</w:footnote>`,
			"endnotes": `<w:endnote w:id="1">` + article("", run("尾注")) + `</w:endnote>`,
		},
	}.bytes(t))
	checkText(t, d, "第一条　甲乙\n第二条　丙*\n")
	got := fmt.Sprint(Inspect(d).Notes)
	if want := "[{footnote 1 5 注三\n续} {endnote 1 6 第一条　尾注} {footnote 2 6 注二} {footnote 0 12 注四}]"; got != want {
		t.Errorf("notes %s, want %s", got, want)
	}
	if got := fmt.Sprint(d.Margins); got != "[{header 示例局文件} {footer — 1 —}]" {
		t.Errorf("margins %s", got)
	}
}

// What is listed beside a text is bounded, and the text is whole all the same.
func TestDocxMarkupIsBounded(t *testing.T) {
	lim := DefaultLimits()
	lim.MarkupBytes = 10_000
	body := strings.Repeat(par("", run("甲"), del(strings.Repeat("旧", 500)), `<w:commentRangeStart w:id="1"/>`, ins(run("新"))), 100)
	d, err := Reader{Limits: lim, Changes: ChangesAccepted}.Read(t.Context(), wordFile{body: body, more: map[string]string{"comments": comment("1", text("一"))}}.bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	checkText(t, d, strings.Repeat("甲新\n", 100))
	size := 0
	for _, c := range d.Text.Markup.Changes {
		size += len(c.Text)
	}
	if n := len(d.Text.Markup.Changes); n == 0 || n > 20 || size > lim.MarkupBytes {
		t.Errorf("%d changes with %d bytes are listed", n, size)
	}
	if !strings.Contains(strings.Join(d.Text.Warnings, "|"), "修订、批注和注释过多") {
		t.Errorf("warnings %q", d.Text.Warnings)
	}
}

func TestParagraphsStream(t *testing.T) {
	data := wordFile{
		styles: `<w:style w:type="paragraph" w:styleId="11"><w:name w:val="条"/></w:style>`, numbering: articles, header: text("页眉"),
		body: styled("11", "示例") + article("del", del("旧")) + article("", run("甲")) + `<w:tbl><w:tr><w:tc>` + text("乙") + `</w:tc></w:tr></w:tbl>`,
	}.bytes(t)
	reader := Reader{Limits: DefaultLimits()}
	var got []Paragraph
	for p, err := range reader.Paragraphs(t.Context(), data) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p)
	}
	want := []Paragraph{{"", "条", "text", "示例"}, {"第一条", "", "text", "第一条　甲"}, {"", "", "table", "乙"}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("paragraphs %v, want %v", got, want)
	}
	for range reader.Paragraphs(t.Context(), data) {
		break // a stream may be left
	}
	reader.Limits.Paragraphs = 2
	n, last := 0, error(nil)
	for _, err := range reader.Paragraphs(t.Context(), data) {
		n, last = n+1, err
	}
	if n != 2 || last == nil || !strings.Contains(last.Error(), CodeTooManyParagraphs) {
		t.Errorf("%d items, the last %v", n, last)
	}
	if p, ok := firstOf(reader.Paragraphs(t.Context(), []byte("甲\n乙"))); !ok || p.Text != "甲" {
		t.Errorf("a plain text gives %v", p)
	}
}

func firstOf(seq func(func(Paragraph, error) bool)) (Paragraph, bool) {
	for p, err := range seq {
		return p, err == nil
	}
	return Paragraph{}, false
}

// The kinds are part of what `fashen inspect` prints.
func TestMarkupKindsArePlain(t *testing.T) {
	d := mustRead(t, wordFile{body: par("", run("甲"), ins(run("乙")), `<w:moveTo`+by+`>`+run("丙")+`</w:moveTo>`)}.bytes(t))
	changes := Inspect(d).Changes
	if len(changes) != 2 || changes[0].Kind != "insertion" || changes[1].Kind != "move_to" {
		t.Errorf("changes %v", changes)
	}
	if corev1.Markup_FOOTNOTE.String() != "FOOTNOTE" {
		t.Error("kinds are printed by their names")
	}
}

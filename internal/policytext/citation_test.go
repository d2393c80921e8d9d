package policytext

import (
	"fmt"
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
)

// citedText writes citations for comparing: kind, title, provisions, number.
func citedText(t *testing.T, text *corev1.PolicyText) string {
	t.Helper()
	var out []string
	for _, c := range Inspect(&Document{Text: text}).Citations {
		quote := strings.ReplaceAll(Slice(text, c.Start, c.End), "\n", "")
		if quote != "《"+c.Title+"》" {
			t.Errorf("at %d to %d stands %q, not %q", c.Start, c.End, quote, c.Title)
		}
		line := c.Kind + " " + c.Title
		if len(c.Provisions) > 0 {
			line += " " + strings.Join(c.Provisions, "+")
		}
		if c.Normalized != nil {
			line += " " + *c.Normalized
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

func TestCitations(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"own and enclosed titles", "关于印发《示例县示例办法（试行）》的通知\n\n《示例县示例办法（试行）》已经通过。\n《示例县示例办法》（示政发〔2019〕3号）同时废止。\n",
			"self 示例县示例办法（试行）\nself 示例县示例办法（试行）\ndocument 示例县示例办法 示政发〔2019〕3号"},
		{"own title of a draft", "示例县示例办法\n（送审稿）\n\n《示例县示例办法》自印发之日起施行。\n", "self 示例县示例办法"},
		{"a text that is amended is not the document's own", "关于修改《示例县示例办法》的决定\n\n甲。\n", "document 示例县示例办法"},
		{"a text that is ended is not the document's own", "示例局关于废止《示例县示例办法》的公告\n\n甲。\n", "document 示例县示例办法"},
		{"nested marks", "示例办法\n\n根据《关于修改〈示例条例〉的决定》和《关于印发《示例方案》的通知》办理。\n", "document 关于修改〈示例条例〉的决定\ndocument 关于印发《示例方案》的通知"},
		{"a title broken in the head", "关于印发《示例县示例\n管理办法》的通知\n\n甲。\n", "self 示例县示例管理办法"},
		{"provisions", "示例办法\n\n依照《示例法》第十条第一款第（二）项、第十二条之一和第2款的规定，《示例条例》第 23 条处理。\n",
			"law 示例法 第十条第一款第（二）项+第十二条之一+第2款\nlaw 示例条例 第 23 条"},
		{"numbers that share a unit", "示例办法\n\n依照《示例法》第五、六条和第八条，《示例条例》第十二条第（一）、（二）项及第三款，《甲法》第三条第一至三款，《乙法》第一、第二章处理。\n",
			"law 示例法 第五+六条+第八条\nlaw 示例条例 第十二条第（一）+（二）项+第三款\nlaw 甲法 第三条第一+三款\nlaw 乙法"},
		{"note before the provision", "示例办法\n\n按照《示例管理暂行规定》（示例局令第5号，以下简称《规定》）第三条，《规定》第四条。\n",
			"law 示例管理暂行规定 第三条 示例局令第5号\nlaw 规定\nlaw 规定 第四条"},
		{"damaged numbers", "示例办法\n\n《甲意见》（示办发〔201837号）、《乙意见》（示发﹝2018﹞第031号）、《丙意见》（2021年3月1日示发（2021）3号公布）。\n",
			"document 甲意见 示办发〔2018〕37号\ndocument 乙意见 示发〔2018〕31号\ndocument 丙意见 示发〔2021〕3号"},
		{"forms and plans", "示例办法\n\n填写《示例申请表》，提交《示例许可证》《施工方案》《示例市示例规划》。\n",
			"other 示例申请表\nother 示例许可证\nother 施工方案\ndocument 示例市示例规划"},
		{"办法 is no 法", "示例通知\n\n《示例工作办法》《示例方法》《示例法（2020年修订）》《中华人民共和国示例办法》。\n",
			"document 示例工作办法\nother 示例方法\nlaw 示例法（2020年修订）\nlaw 中华人民共和国示例办法"},
		{"laws whose names end as other words do", "示例通知\n\n《中华人民共和国预算法》《示例适用法》《示例算法》《某省〈示例条例〉实施办法》《某省实施〈示例法〉办法》《关于〈示例法〉》。\n",
			"law 中华人民共和国预算法\nlaw 示例适用法\nother 示例算法\nlaw 某省〈示例条例〉实施办法\nlaw 某省实施〈示例法〉办法\ndocument 关于〈示例法〉"},
		{"orders, and a rule once told by its order", "示例通知\n\n《甲办法》（市政府令第150号）、《乙办法》（2024年第17号令）、《甲办法》第四条、《丙规定》（示政发〔2018年〕12号）。\n",
			"law 甲办法 市政府令第150号\nlaw 乙办法 2024年第17号令\nlaw 甲办法 第四条\ndocument 丙规定 示政发〔2018〕12号"},
		{"marks that do not pair", "示例办法\n\n《甲《乙法》》《丙法。\n》《》丁》《戊法》第一项目。\n", "other 甲《乙法》\nlaw 戊法"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := citedText(t, mustRead(t, []byte(tt.text)).Text); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestNormalizeNumber(t *testing.T) {
	for number, want := range map[string]string{
		"示政规[2026]2号":    "示政规〔2026〕2号",
		"示政规（2026）第008号": "示政规〔2026〕8号",
		"示办发2018〕37号":    "示办发〔2018〕37号",
		"示发 〔2018〕 ３ 号":  "示发〔2018〕3号",
		"示例市人民政府令第15号":   "示例市人民政府令第15号",
		"示例局公告2024年第45号": "示例局公告2024年第45号",
		"":               "",
	} {
		if got := normalizeNumber(number); got != want {
			t.Errorf("%q gives %q, want %q", number, got, want)
		}
	}
}

func TestAttachmentCount(t *testing.T) {
	for text, want := range map[string]int{
		"甲。\n附件：乙\n": 1,
		"甲。\n附件：1.乙\n2.丙\n　3.丁\n示例局\n2026年1月2日\n附件1\n乙\n": 3,
		"甲。\n附件：1.乙 2.丙\n":                     2,
		"甲。\n附件：\n1.乙\n2.丙\n":                  2,
		"甲。\n附件1：乙\n附件2：丙\n\n附件1\n乙\n附件2\n丙\n": 2,
		"甲。\n附件1\n乙\n附件2\n丙\n":                 2,
		"甲。\n附件：1.乙；2.丙；3.丁\n":                 3,
		"甲。\n附件：\n\n1.乙\n\n2.丙\n\n示例局\n":       2,
		"甲。\n附件\n乙\n":                          1,
		"按附件办理。\n":                             0,
	} {
		if got := Inspect(mustRead(t, []byte("示例办法\n\n"+text))).Counts.Attachments; got != want {
			t.Errorf("%q holds %d, want %d", text, got, want)
		}
	}
}

func TestCitationsAreBounded(t *testing.T) {
	text := mustRead(t, []byte("示例办法\n\n"+strings.Repeat("《甲法》", maxCitations+1)+"\n")).Text
	if len(text.Citations) != maxCitations || !strings.Contains(fmt.Sprint(text.Warnings), "之后的未列入引用") {
		t.Errorf("%d citations, warnings %v", len(text.Citations), text.Warnings)
	}
	mustRead(t, []byte("示例办法\n\n"+strings.Repeat("《", 200_000)+strings.Repeat("》", 200_000)+"\n"))
}

func FuzzCitations(f *testing.F) {
	f.Add("《甲〈乙〉法》（示发[2020]1号）第十条第（二）项、第3款")
	f.Add("《甲《乙》第一条之")
	f.Fuzz(func(t *testing.T, s string) {
		data := []byte("关于印发《示例办法》的通知\n\n" + s)
		checkRead(t, data)
		d, err := Read(t.Context(), data, DefaultLimits())
		if err != nil {
			return
		}
		end := 0
		for _, c := range d.Text.Citations {
			if int(c.Start) < end || c.End <= c.Start || !strings.HasPrefix(Slice(d.Text, int(c.Start), int(c.End)), "《") {
				t.Fatalf("%v overlaps or stands elsewhere", c)
			}
			end = int(c.End)
		}
	})
}

func TestShortNames(t *testing.T) {
	text := mustRead(t, []byte("示例办法\n第一条　根据《示例省示例条例》（以下简称《条例》）和《国务院关于示例的通知》（国发〔2020〕1号，以下简称“通知”），制定本办法。\n第二条　依照《条例》第三条和《通知》执行，不适用《规定》。\n")).Text
	var got []string
	for _, c := range text.Citations {
		got = append(got, c.Title+"="+c.FullTitle)
	}
	if want := "示例省示例条例=|条例=示例省示例条例|国务院关于示例的通知=|条例=示例省示例条例|通知=国务院关于示例的通知|规定="; strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
	if k := text.Citations[4].Kind; k != corev1.CitationKind_CITATION_KIND_DOCUMENT {
		t.Errorf("the short name is %s", k)
	}
}

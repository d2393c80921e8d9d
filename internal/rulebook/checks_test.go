package rulebook

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
)

func TestLinesWithContext(t *testing.T) {
	set := builtinSet(t, "form")
	cases := []struct{ name, line, want string }{
		{"chapter beyond the last", `{"text":"执行本规定第七章。","context":{"doc_chapters":6}}`, "POW-XREF"},
		{"last chapter", `{"text":"执行本规定第六章。","context":{"doc_chapters":6}}`, ""},
		{"unknown number of chapters", `{"text":"执行本规定第七章。"}`, ""},
		{"article beyond the last", `{"text":"违反本细则第三条、第二十二条的，予以公示。","context":{"doc_articles":20}}`, "POW-XREF"},
		{"paragraph that is not there", `{"text":"按照本细则第三条第四款办理。","context":{"doc_articles":20,"article_paragraphs":{"3":2}}}`, "POW-XREF"},
		{"no earlier paragraph", `{"text":"第六条 前款期限可以延长。","context":{"article_paragraphs":{"6":1}}}`, "POW-XREF"},
		{"an earlier paragraph", `{"text":"第六条 前款期限可以延长。","context":{"article_paragraphs":{"6":2}}}`, ""},
		{"bare article beyond the last", `{"text":"有第九条所列情形的，予以注销。","context":{"doc_articles":8}}`, "POW-XREF"},
		{"bare paragraph beyond the last", `{"text":"第四条第三款所称期限，自受理之日起计算。","context":{"doc_articles":8,"article_paragraphs":{"4":2}}}`, "POW-XREF"},
		{"bare chapter beyond the last", `{"text":"监督检查适用第六章。","context":{"doc_chapters":5}}`, "POW-XREF"},
		{"bare article that is there", `{"text":"有第八条所列情形的，予以注销。","context":{"doc_articles":8}}`, ""},
		{"article of a law", `{"text":"《示例法》施行后，有第九条所列情形的，予以注销。","context":{"doc_articles":8}}`, ""},
		{"article of that law", `{"text":"有该法第九条所列情形的，予以注销。","context":{"doc_articles":8}}`, ""},
		{"heading of an article", `{"text":"第九条 予以注销。","context":{"doc_articles":8}}`, ""},
		{"in force on the document's date", `{"text":"依照《继承法》办理。","context":{"doc_date":"2019-03-01"}}`, ""},
		{"ended on the document's date", `{"text":"依照《继承法》办理。","context":{"doc_date":"2021-01-01"}}`, "POW-CITE-REPEALED"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := set.ScreenLines(strings.NewReader(c.line), &out); err != nil {
				t.Fatal(err)
			}
			if flagged := strings.Contains(out.String(), `"flagged":true`); flagged != (c.want != "") || !strings.Contains(out.String(), c.want) {
				t.Errorf("want %q, got %s", c.want, out.String())
			}
		})
	}
	for _, bad := range []string{`{"context":{"doc_date":"1 May"}}`, `{"context":{"article_paragraphs":{"x":1}}}`} {
		if err := set.ScreenLines(strings.NewReader(bad), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// A burden that begins before the day of the document is found, a favour is not, nor what
// another text says of itself.
func TestBackdated(t *testing.T) {
	set := builtinSet(t, "powers")
	for text, want := range map[string]bool{
		"自2025年7月1日起，沿街商户按照每平方米2元补交保洁费。":     true,
		"本办法自二〇二五年七月起施行，逾期没有登记的车位予以收回。":      true,
		"本办法自2025年7月1日起施行，各单位应当完成设备更换并承担费用。": true,
		"本办法自2025年7月1日起施行。":                  false,
		"本办法自2026年7月1日起施行，逾期没有登记的车位予以收回。":    false,
		"自2025年7月1日起，停止收取保洁费，已收的退还。":         false,
		"自2025年7月1日起，符合条件的，补发护理补贴。":          false,
		"依照2025年7月1日起施行的《示例办法》缴纳保洁费。":        false,
		"《示例办法》自2025年7月1日起施行，缴费标准照旧。":        false,
		"本办法自2025年13月1日起施行，逾期没有登记的车位予以收回。":   false,
	} {
		facts := Facts{Date: day(2026, 1, 10)}
		found := set.ScreenClause(&corev1.PolicyText{Text: text}, facts).Findings
		if got := slices.ContainsFunc(found, func(f *corev1.Finding) bool { return f.Rule == "ND-P12-DATE" }); got != want {
			t.Errorf("found %v: %s", got, text)
		}
	}
}

func TestUncertainEndOnlyPrompts(t *testing.T) {
	got := builtinSet(t, "form").Screen(&corev1.PolicyText{Text: "排放标准依照《水污染防治法》执行。"}).Findings
	if len(got) != 1 || Flagged(got) || !strings.Contains(got[0].Reason, "2026-08-15") {
		t.Errorf("got %v", got)
	}
}

func TestLawLibraryErrors(t *testing.T) {
	for _, c := range []struct{ entry, want string }{
		{"{title: 示例法, to: 2020-01-01}", "what replaced it"},
		{"{title: 示例法, from: 1 May}", "statute 示例法"},
		{"{title: 示例法, articles: many}", "number of articles"},
		{"{title: 示例法}\n  - {title: 中华人民共和国示例法}", "listed twice"},
	} {
		if _, err := loadText(tiny + "statutes:\n  - " + c.entry + "\n"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.entry, err)
		}
	}
	if _, err := loadText(strings.Replace(tiny, "    frames:\n      - all: ['限定{here}']", "    check: none", 1)); err == nil || !strings.Contains(err.Error(), "unknown check") {
		t.Errorf("got %v", err)
	}
}

// A title is a slip for the one statute it is nearest to; titles of other things, of places
// and of what implements a statute are their own.
func TestMeant(t *testing.T) {
	lib, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for title, want := range map[string]string{
		"突发事件应急对法": "中华人民共和国突发事件应对法", "妇女权益保护法": "中华人民共和国妇女权益保障法", "招投标法实施条例": "中华人民共和国招标投标法实施条例",
		"中华人民共和国价格管理法": "中华人民共和国价格法", "生产安全事故调查处理条例": "生产安全事故报告和调查处理条例", "历史文化名镇名城名村保护条例": "历史文化名城名镇名村保护条例",
		"中华人民共和国监察官员法": "中华人民共和国监察官法", "大型群众性活动安全管理条列": "大型群众性活动安全管理条例",
		"中华人民共和国行政强制条例": "中华人民共和国行政强制法", "农民工工资支付保障条例": "保障农民工工资支付条例", "优化商业环境条例": "优化营商环境条例",
		"中华人民共和国畜禽牧业法": "", "安全生产条例": "", "未成年人保护条例": "",
		"价格管理法": "", "城市供热条例": "", "示例市物业管理条例": "", "村民自治法": "", "物业服务条例": "", "行政许可法实施条例": "", "农村公路管理办法": "",
		"关于物业管理的条例": "", "建设工程造价管理条例": "", "": "", "条例": "", "治安法": "", "安全生产法（修订草案）": "",
	} {
		got := ""
		if s := lib.statutes.meant(title); s != nil {
			got = s.title
		}
		if got != want {
			t.Errorf("%s is taken for %q, want %q", title, got, want)
		}
	}
}

// No title of the library is a slip for another, but for those that replaced one another
// under all but the same name and a few of two things.
func TestTitlesAreTheirOwn(t *testing.T) {
	lib, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, s := range lib.statutes.all { // no title is a slip for itself
		if of := lib.statutes.meant(s.title); of != nil {
			t.Logf("%s for %s", s.title, of.title)
			taken++
		}
	}
	if most := len(lib.statutes.all) / 30; taken > most {
		t.Errorf("%d of %d titles would be slips for another, at most %d are expected", taken, len(lib.statutes.all), most)
	}
}

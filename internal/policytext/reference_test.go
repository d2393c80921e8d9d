package policytext

import (
	"fmt"
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
)

func TestMentions(t *testing.T) {
	for s, want := range map[string]string{
		"违反本办法第十条第一款第（二）项、第十二条规定的": "本办法第十条第一款第（二）项、第十二条",
		"依照本规定 第10条办理，本条第二款除外":     "本规定 第10条|本条第二款",
		"本办法（试行）第三条至第五条":           "本办法（试行）第三条至第五条",
		"执行本规定第七章，前款、前两款和前条规定":     "本规定第七章|前款|前两款|前条",
		"前款第（三）项所列文件":              "前款第（三）项",
		"第一条 为了示例，制定本办法":           "",
		"目前条件下，提前款项的支付":            "",
		"《示例法》第十条前款":               "",
		"第十条规定的前款":                 "",
		"本办法所称企业":                  "",
		"材料见附件2，填写附表一":             "附件2|附表一",
		"《示例办法》（示发〔2020〕1号）附件2":    "",
		"本实施细则第二条":                 "本实施细则第二条",
		"本办法第五、六条和第八条规定":           "本办法第五、六条和第八条",
		"本办法第一、二项工作":               "",
	} {
		var got []string
		for _, m := range Mentions(s) {
			if s[m.Start:m.End] != m.Text {
				t.Errorf("%q: %q stands at %d", s, m.Text, m.Start)
			}
			got = append(got, m.Text)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%q mentions %q, want %q", s, strings.Join(got, "|"), want)
		}
	}
}

func TestReferences(t *testing.T) {
	const text = `关于印发《示例办法》的通知
各单位：
现印发给你们，请按照本办法第二条执行。
示例局
2026年3月1日
示例办法
第一章 总则
第一条 制定本办法。
前款所称办法，是指本办法第一章。
第二条 申请人应当提交下列材料：
（一）申请书；
（二）附件1所列材料。
违反前款第（二）项的，依照本办法第九条处理。
第二条之一 前两条规定的事项，本条第一款和本办法第二条第一款第（二）项、第二条之一适用。
第三条 前款规定见附件3，附件2另行印发。本办法第二条至第五条。
附件：1.示例表
2.示例单

附件1
示例合同
第一条 本合同第二条和本办法第一条。前条适用。
第二条 前条适用。
`
	d := mustRead(t, []byte(text)).Text
	var got []string
	for _, r := range d.References {
		if Slice(d, int(r.Start), int(r.End)) != r.Text {
			t.Errorf("%q stands at %d", r.Text, r.Start)
		}
		line := r.Text + "=" + strings.Join(r.Targets, ",")
		if r.Broken {
			line += "!"
		}
		got = append(got, line)
	}
	want := []string{
		"本办法第二条=enc-1.art-2", "前款=enc-1.art-1.para-1", "本办法第一章=enc-1.chap-1", "附件1=att-1",
		"前款第（二）项=enc-1.art-2.para-1.item-2", "本办法第九条=!", "前两条=enc-1.art-1,enc-1.art-2", "本条第一款=enc-1.art-2-1.para-1",
		"本办法第二条第一款第（二）项、第二条之一=enc-1.art-2.para-1.item-2,enc-1.art-2-1", "前款=!", "附件3=!", "附件2=",
		"本办法第二条至第五条=!", "本办法第一条=enc-1.art-1", "前条=!", "前条=att-1.art-1",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Articles that are named without their document are its own, unless a sentence has
// named another text.
func TestBareReferences(t *testing.T) {
	const head = "示例办法\n第一条 甲。\n第二条 申请人应当提交：\n（一）甲；\n（二）乙。\n前款材料应当真实。\n第三条 包括：\n1.甲；\n2.乙。\n第四条 "
	for s, want := range map[string]string{
		"依照第一条、第九条处理。":                   "第一条、第九条!",
		"违反第二条第一款第（二）项的，责令改正。":           "第二条第一款第（二）项=art-2.para-1.item-2",
		"符合第二条第（三）项的，第三条第二项另有规定的除外。":     "第二条第（三）项!|第三条第二项=art-3.para-1.sub-2",
		"依照《示例法》第一条、第二条处理，第三条适用。":        "",
		"违反示例法第一条的，依照第二条处理。":             "",
		"依照《示例法》处理。依照第九条，第一条不适用。":        "第一条=art-1",
		"依照《示例法》处理。本办法第一条和第二条不适用；第三条除外。": "本办法第一条和第二条=art-1,art-2|第三条=art-3",
		"本办法第二条第一款第（三）项、前款第（一）项适用。":      "本办法第二条第一款第（三）项!|前款第（一）项!",
		"《示例办法》（试行）第二条第二款和《示例办法》第九条适用。":  "《示例办法》（试行）第二条第二款=art-2.para-2|《示例办法》第九条!",
		"建设第三条道路。": "",
	} {
		d := mustRead(t, []byte(head+s+"\n")).Text
		var got []string
		for _, r := range d.References[1:] {
			if Slice(d, int(r.Start), int(r.End)) != r.Text {
				t.Errorf("%q stands at %d", r.Text, r.Start)
			}
			line := r.Text + "=" + strings.Join(r.Targets, ",")
			if r.Broken {
				line = r.Text + "!"
			}
			got = append(got, line)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s\n got %s\nwant %s", s, strings.Join(got, "|"), want)
		}
	}
}

// In a notice 第二条 is 二、, and what it encloses is cited by its title.
func TestReferencesOfParts(t *testing.T) {
	const text = "关于印发《甲办法》和《乙细则》的通知\n各单位：\n一、现印发两个文件。\n二、工作要求\n（一）抓紧实施。\n三、本通知第二条第（一）项、第五条适用。本通知第二条适用。\n示例局\n2026年3月1日\n" +
		"甲办法\n第一条 **甲**。\n第二条 甲。\n乙细则\n第一条 **依据**《甲办法》第二条制定，《甲办法》第五条除外。\n"
	d := mustRead(t, []byte(text)).Text
	var got []string
	for _, r := range d.References {
		if Slice(d, int(r.Start), int(r.End)) != r.Text {
			t.Errorf("%q stands at %d", r.Text, r.Start)
		}
		got = append(got, fmt.Sprintf("%s%v%t", r.Text, r.Targets, r.Broken))
	}
	want := "本通知第二条第（一）项、第五条[]true|本通知第二条[head-2]false|《甲办法》第二条[enc-1.art-2]false|《甲办法》第五条[]true"
	if strings.Join(got, "|") != want {
		t.Errorf("got %s", strings.Join(got, "|"))
	}
}

// The words of a decision to amend speak of the text that it amends.
func TestReferencesInAmendments(t *testing.T) {
	if refs := mustRead(t, []byte("关于修改《示例办法》的决定\n一、第五条修改为：“违反本办法第四十条的，予以纠正。”\n")).Text.References; len(refs) != 0 {
		t.Errorf("found %v", refs)
	}
}

func TestMissing(t *testing.T) {
	outline := []*corev1.Provision{{Kind: corev1.ProvisionKind_PROVISION_KIND_ARTICLE, Number: 1}, {Kind: corev1.ProvisionKind_PROVISION_KIND_ARTICLE, Number: 3}}
	exact, context := NumberingOf(outline), Numbering{Articles: 3, Paragraphs: map[int]int{3: 2}}
	for s, want := range map[string][2]string{
		"本办法第二条":    {"第二条", ""},
		"本办法第三条":    {"", ""},
		"本办法第四条":    {"第四条", "第四条"},
		"本办法第三条第四款": {"", "第三条第四款"},
		"本办法第九章":    {"", ""},
	} {
		m := Mentions(s)[0]
		if got := [2]string{exact.Missing(m, 1, 0), context.Missing(m, 1, 0)}; got != want {
			t.Errorf("%s lacks %q, want %q", s, got, want)
		}
	}
}

func TestValidities(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"第九条 本办法自2021年12月1日起施行，有效期五年。", "2021-12-01 2026-11-30 60"},
		{"第九条 本办法自２０２６年５月１日起施行，有效期为5年。《示例旧办法》自2020年1月1日起施行的规定废止。", "2026-05-01 2031-04-30 60"},
		{"第九条 本办法自印发之日起施行，有效期两年。", "2026-03-05+ 2028-03-04 24"},
		{"第九条 本办法自公布之日起三十日后施行。", "+  0"},
		{"第九条 本办法自二〇二六年五月一日起施行。有效期至2028年12月31日止。", "2026-05-01 2028-12-31 0"},
		{"第九条 本办法自2026年5月1日起至2028年4月30日止。", "2026-05-01 2028-04-30 0"},
		{"第九条 本办法自2026年4月1日起实施，试行期18个月。", "2026-04-01 2027-09-30 18"},
		{"第九条 本办法有效期自2026年4月1日起至2027年3月31日止。", "2026-04-01 2027-03-31 0"},
		{"第九条 《示例条例》自2020年1月1日起施行。", ""},
		{"第九条 许可证有效期为三年。", ""},
		{"第九条 本办法自2026年2月30日起施行。", ""},
		{"第九条 本办法自2026\u00a0年\u00a05\u00a0月１日起施行，至2028年4月30日止。", "2026-05-01 2028-04-30 0"},
		{"三、本通告自2026年9月1日至2026年11月30日施行。", "2026-09-01 2026-11-30 0"},
		{"第九条 有效期自2026年4月1日起至2027年3月31日止。", "2026-04-01 2027-03-31 0"},
		{"第九条 本办法由示例局解释，自2026年4月1日起至2027年3月31日止有效。", "2026-04-01 2027-03-31 0"},
		{"第九条 申请期限自2026年1月1日起至2026年6月30日止。", ""},
		{"第九条 符合本办法的企业，自2026年1月1日起至2026年6月30日止享受补贴。", ""},
		{"第九条 本办法适用于自2026年1月1日起至2026年6月30日登记的企业。", ""},
		{"第九条 本办法自2026年8月31日起试行，试行期6个月。", "2026-08-31 2027-02-28 6"},
		{"第九条 自2024年2月29日起施行，有效期1年。", "2024-02-29 2025-02-28 12"},
		{"第九条 本办法自二O二六年五月一日起施行，2028年4月30日自行失效。", "2026-05-01 2028-04-30 0"},
		{"第九条 本办法自2026年1月1日起试行一年。", "2026-01-01 2026-12-31 12"},
		{"第九条 本办法自发文之日起执行。", "2026-03-05+  0"},
		{"第九条 本办法自2026年5月1日起施行，《示例规定》于2026年4月30日废止。", "2026-05-01  0"},
	} {
		d := mustRead(t, []byte("示例办法\n"+tt.text+"\n示例局\n2026年3月5日\n")).Text
		var got []string
		for _, v := range d.Validities {
			if Slice(d, int(v.Start), int(v.End)) != v.Text || !strings.Contains(tt.text, v.Text) {
				t.Errorf("%q stands at %d", v.Text, v.Start)
			}
			issue := ""
			if v.FromIssue {
				issue = "+"
			}
			got = append(got, isoDate(v.EffectiveDate)+issue+" "+isoDate(v.LastDay)+" "+fmt.Sprint(v.Months))
		}
		if strings.Join(got, "|") != tt.want {
			t.Errorf("%s\n%q, want %q", tt.text, strings.Join(got, "|"), tt.want)
		}
		if warned := len(d.Warnings) > 1; warned != strings.Contains(tt.text, "2月30日") { // one tells that 第一条 lacks
			t.Errorf("%s\nwarnings %q", tt.text, d.Warnings)
		}
	}
}

// A sentence may end with the name of the document itself.
func TestMentionAtTheEnd(t *testing.T) {
	for _, s := range []string{"制定本办法", "制定本办法　", "按照本办法第", "本办法第章"} {
		if got := Mentions(s); len(got) > 0 {
			t.Errorf("%q: %v", s, got)
		}
	}
}

package policytext

import (
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
)

func TestSecrecyMark(t *testing.T) {
	long := strings.Repeat("第一条　普通条文。\n", 40)
	tests := []struct {
		name, text string
		margins    []string
		want       string
	}{
		{"with a term", "机密★10年\n示例办法\n", nil, "机密★10年"},
		{"spread apart", "000123　　机　密 ★ 1 0 年　特急\n示例办法\n", nil, "机密★10年"},
		{"full-width star", "秘密＊长期\n示例办法\n", nil, "秘密＊长期"},
		{"bare", "绝密\n示例办法\n", nil, "绝密"},
		{"with the grade's name", "示例办法\n密级：机密\n", nil, "机密"},
		{"in the cell beside its name", long + "密级：\n秘密\n", nil, "秘密"},
		{"in a longer form line", "文号：　　密级：机密★5年　　份数：10\n示例办法\n", nil, "机密★5年"},
		{"in brackets", "【机密】\n示例办法\n", nil, "机密"},
		{"starred far down", long + "机密★5年\n", nil, "机密★5年"},
		{"beside other words of the head", "示例区人民政府　　秘密★5年\n示例办法\n", nil, "秘密★5年"},
		{"a starred word in a sentence", "示例办法 机密★10年 的文件，另行规定。\n", nil, ""},
		{"Markdown heading", "# 机密★10年\n# 示例办法\n", nil, "机密★10年"},
		{"Markdown emphasis", "# 示例办法\n**机密**\n", nil, "机密"},
		{"Markdown emphasis of a star", "***秘密\\*1年***\n", nil, "秘密*1年"},
		{"Markdown quote", "> `绝密`\n", nil, "绝密"},
		{"Markdown table", "# 示例办法\n" + long + "| 密级 | 机密 |\n", nil, "机密"},
		{"HTML", "<center><b>机密★10年</b></center>\n", nil, "机密★10年"},
		{"Markdown that explains", "# 示例办法\n- 机密级\n  不得上传。\n**商业秘密**\n| 类别 | 商业秘密 |\n", nil, ""},
		{"header", "示例办法\n", []string{"示例区　秘 密★5年　第1页"}, "秘密★5年"},
		{"watermark", "示例办法\n", []string{"机密"}, "机密"},
		{"business secret", "商业秘密\n第一条　保守国家秘密和商业秘密。\n涉及机密、绝密的，另行规定。\n", nil, ""},
		{"bare word far down", long + "秘密\n", nil, ""},
		{"a sentence that explains", "示例办法\n标明密级：机密的文件，按照规定办理。\n", nil, ""},
		{"header of a secrecy office", "示例办法\n", []string{"示例市国家保密局关于商业秘密的通知"}, ""},
		{"no grade", "密级：无\n密级：公开\n示例办法\n", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &Document{Text: &corev1.PolicyText{Text: tt.text}, Margins: marginsOf(tt.margins)}
			if got := SecrecyMark(d); got != tt.want {
				t.Errorf("mark %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSecrecyMarkOfWord(t *testing.T) {
	for name, f := range map[string]wordFile{
		"header":   {body: text("示例办法"), header: par("", run("机"), run("密★10年"))},
		"deletion": {body: par("", `<w:del w:id="1" w:author="a"><w:r><w:delText>机密★10年</w:delText></w:r></w:del>`) + text("示例办法")},
		"cell":     {body: `<w:tbl><w:tr><w:tc>` + text("密级") + `</w:tc><w:tc>` + text("机密★10年") + `</w:tc></w:tr></w:tbl>` + text("示例办法")},
		"text box": {body: strings.Repeat(text("甲。"), 50) + par("", `<w:r><w:pict><w:txbxContent>`+text("机密★10年")+`</w:txbxContent></w:pict></w:r>`)},
	} {
		if got := SecrecyMark(mustRead(t, f.bytes(t))); got != "机密★10年" {
			t.Errorf("%s: mark %q", name, got)
		}
	}
}

// marginsOf are lines of page headers.
func marginsOf(lines []string) []Margin {
	var out []Margin
	for _, l := range lines {
		out = append(out, Margin{MarginHeader, l})
	}
	return out
}

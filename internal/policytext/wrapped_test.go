package policytext

import (
	"strings"
	"testing"
)

func TestRowsOfAPage(t *testing.T) {
	const rows = `       示例市示例区人民政府办公室关于印发《示例
                  管理办法》的通知

各单位：
    现印发给你们，请遵照执行，执行中的问题请向示例局反映，示例
局汇总后报区政府。

    第一条  为了示例，根据《示例条例》《关于示例示例示例示例示
例的通知》（示发〔2020〕1号），制定本办法。
    第二条  示例工作应当公开、公平、公正，示例工作所称示例，是
第三条规定的示例，以及依照第四条第
（二）项办理的示例。示例工作由示例部门负责，示例部门应当配合。
有关单位应当协助。
    示例的费用由财政负担。
— 2 —

    第三条  申请人应当提交：
    （一）能够证明示例、示例、示例、示例、示例以及示例之间关系
的材料；
    （二）示例。
`
	d := mustRead(t, []byte(rows)).Text
	want := "art-1| art-1.para-1|art-2| art-2.para-1| art-2.para-2|art-3| art-3.para-1|  art-3.para-1.item-1|  art-3.para-1.item-2"
	if got := strings.ReplaceAll(strings.TrimSpace(skeleton(d.Outline, "")), "\n", "|"); got != want {
		t.Errorf("outline %s", got)
	}
	var cited []string
	for _, c := range d.Citations {
		cited = append(cited, c.Title+c.DocumentNumber)
	}
	if got := strings.Join(cited, "|"); got != "示例管理办法|示例条例|关于示例示例示例示例示例的通知示发〔2020〕1号" {
		t.Errorf("cites %s", got)
	}
}

// Lines that are paragraphs stay what they are, even where somebody left out a stop.
func TestLinesAreParagraphs(t *testing.T) {
	for text, want := range map[string]string{
		"第一条　示例示例示例示例示例示例示例示例示例示例。\n示例示例示例示例示例示例示例示例，示例。\n":    "art-1| art-1.para-1| art-1.para-2",
		"第一条　示例示例示例示例示例示例示例示例示例示例示例\n第二条示例示例示例示例示例示例示例示例示例。\n": "art-1| art-1.para-1|art-2| art-2.para-1",
		"第一条　包括：\n（一）示例示例示例示例示例示例示例示例示例\n（二）示例示例示例示例\n":        "art-1| art-1.para-1|  art-1.para-1.item-1|  art-1.para-1.item-2",
		"第一条　包括：\n（一）示例的，\n补助；\n（二）示例。\n":                      "art-1| art-1.para-1|  art-1.para-1.item-1|  art-1.para-1.item-2",
		"第一条　示例示例示例示例示例示例示例示例示例示例示例\n- 3 -\n示例，示例。\n":          "art-1| art-1.para-1",
		"第一条　示例示例示例示例示例示例示例示例示例示例示例\n　　示例示例示例示例示例，示例示例示例示例。\n": "art-1| art-1.para-1| art-1.para-2",
	} {
		d := mustRead(t, []byte("示例办法\n"+text)).Text
		if got := strings.ReplaceAll(strings.TrimSpace(skeleton(d.Outline, "")), "\n", "|"); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

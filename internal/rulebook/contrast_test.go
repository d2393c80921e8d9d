package rulebook

import (
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
)

func TestContrastOfNeighbouringSentences(t *testing.T) {
	set := framesOnly(builtinSet(t, "competition"))
	for _, c := range []struct {
		text    string
		article string // empty: nothing is found
	}{
		{"外地企业承揽业务的，缴纳合同价4%的信誉保证金。本地企业免收。", "REG-9-4"},
		{"外地企业承揽业务的，缴纳合同价4%的信誉保证金；本市企业无需缴纳。", "REG-9-4"},
		{"外地企业承揽业务的，缴纳合同价4%的信誉保证金。\n本地企业免收。", ""},
		{"外地企业承揽业务的，缴纳合同价4%的履约保证金。施工单位应当文明施工。本地企业免收年费。", ""},
		{"外地检测报告予以认可。本市检测机构应当公示收费标准。", ""},
		{"外地企业和本地企业平等参加竞争，缴纳统一标准的保证金。本市企业不免收。", ""},
		{"支持外地企业来本区投资。本区为企业提供免费代办服务。", ""},
	} {
		found := set.Screen(&corev1.PolicyText{Text: c.text}).Findings
		switch {
		case c.article == "" && Flagged(found):
			t.Errorf("found %v: %s", rulesOf(found), c.text)
		case c.article == "":
		case len(found) != 1 || found[0].GetArticle() != c.article:
			t.Errorf("found %v, want one of %s: %s", rulesOf(found), c.article, c.text)
		case !strings.Contains(c.text, found[0].GetAnchor().GetQuote()):
			t.Errorf("quotes %s: %s", found[0].GetAnchor().GetQuote(), c.text)
		}
	}
}

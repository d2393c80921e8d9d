package rulebook

import (
	"slices"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
)

func TestNarrowedTermColoursItsUses(t *testing.T) {
	set := builtinSet(t, "competition")
	for _, c := range []struct {
		name, text string
		rules      []string // of the findings, in order
		article    string   // of the first
	}{
		{"benefit", "第二条 本办法所称商户，是指在本区登记注册并纳税的经营者。\n第三条 商户参加展会的，给予展位费补贴。", []string{"FCR-19-3"}, "REG-10-2"},
		{"short name", "第二条 在我县登记的商户（以下简称“会员商户”）名册由商务局公布。\n第三条 会员商户参加展会的，给予展位费补贴。", []string{"FCR-19-3"}, "REG-10-2"},
		{"nothing given", "第二条 本办法所称商户，是指在本区登记注册并纳税的经营者。\n第三条 商户应当明码标价。", []string{"FCR-12-2"}, "REG-8-4"},
		{"open term", "第二条 本办法所称商户，是指从事零售的经营者。\n第三条 商户参加展会的，给予展位费补贴。", nil, ""},
		{"name of a document", "第二条 本办法所称商户，是指从事零售的经营者。\n第三条 《商户展位费补贴办法》同时废止。", nil, ""},
	} {
		found := set.Screen(&corev1.PolicyText{Text: c.text}).Findings
		t.Logf("%s: %v", c.name, found)
		if got := rulesOf(found); !slices.Equal(got, c.rules) {
			t.Errorf("%s: found %v, want %v", c.name, got, c.rules)
		} else if len(found) > 0 && found[0].GetArticle() != c.article {
			t.Errorf("%s: article %s, want %s", c.name, found[0].GetArticle(), c.article)
		}
	}
}

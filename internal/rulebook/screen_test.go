package rulebook

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
)

func rulesOf(findings []*corev1.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, f.Rule)
	}
	return out
}

func TestItemInheritsItsLeadIn(t *testing.T) {
	set := builtinSet(t, "competition")
	cases := []struct {
		name, text string
		want       []string
	}{
		{"condition of a benefit", "申请本补助的公司应当符合下列条件：\n（一）依法经营；\n（二）在本县登记注册并纳税。", []string{"FCR-19-3"}},
		{"prohibition governs every item", "采购人不得有下列行为：\n（一）优先采购本县企业的产品；\n（二）以本县业绩加分。", nil},
		{"the next paragraph stands alone", "采购人不得有下列行为：\n（一）泄露标底。\n采购人应当优先采购本县企业的产品。", []string{"FCR-15-2"}},
		{"sub-items see both lead-ins", "采购人不得实施下列行为：\n（一）评审中的：\n1. 以本县业绩加分；", nil},
		{"list inside one line", "招标人不得：（一）仅限本县企业投标；（二）以本市纳税加分。", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := rulesOf(set.Screen(&corev1.PolicyText{Text: c.text}).Findings)
			for _, w := range c.want {
				if !slices.Contains(got, w) {
					t.Errorf("got %v, want %v", got, c.want)
				}
			}
			if c.want == nil && len(got) > 0 {
				t.Errorf("got %v, want none", got)
			}
		})
	}
}

func TestAnchors(t *testing.T) {
	set := builtinSet(t, "competition")
	text := "第一条 为了示例，制定本办法。\n第二条 补助对象应当符合下列条件：\n（一）在本县登记注册并纳税；\n"
	second := int32(utf8.RuneCountInString("第一条 为了示例，制定本办法。\n"))
	end := int32(utf8.RuneCountInString(text))
	item := second + int32(utf8.RuneCountInString("第二条 补助对象应当符合下列条件：\n"))
	doc := &corev1.PolicyText{Text: text, Outline: []*corev1.Provision{
		{Kind: corev1.ProvisionKind_PROVISION_KIND_ARTICLE, Number: 1, End: second},
		{Kind: corev1.ProvisionKind_PROVISION_KIND_ARTICLE, Number: 2, Start: second, End: end, Children: []*corev1.Provision{
			{Kind: corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH, Number: 1, Start: second, End: end, Children: []*corev1.Provision{
				{Kind: corev1.ProvisionKind_PROVISION_KIND_ITEM, Number: 1, Start: item, End: end},
			}},
		}},
	}}
	got := set.Screen(doc)
	if len(got.Findings) == 0 {
		t.Fatal("no finding")
	}
	for _, f := range got.Findings {
		a := f.Anchor
		if a.Article != 2 || a.Paragraph != 1 || a.Item != 1 || a.Start < item {
			t.Errorf("%s anchored at %v", f.Rule, a)
		}
		if quote := string([]rune(text)[a.Start:a.End]); quote != a.Quote {
			t.Errorf("quote %q, text %q", a.Quote, quote)
		}
	}
}

func TestMaskedWords(t *testing.T) {
	set := framesOnly(builtinSet(t, "competition"))
	for _, s := range []string{
		"小区内企业承接的绿化项目，按照考核结果计分，评分公开。",
		"优先采购本市场检疫合格的产品。",
	} {
		if got := set.Screen(&corev1.PolicyText{Text: s}); len(got.Findings) > 0 {
			t.Errorf("%s: %v", s, rulesOf(got.Findings))
		}
	}
}

func TestTruncated(t *testing.T) {
	set := builtinSet(t, "competition")
	got := set.Screen(&corev1.PolicyText{Text: strings.Repeat("仅限本县企业投标。", MaxFindings+5)})
	if !got.Truncated || len(got.Findings) != MaxFindings {
		t.Errorf("%d findings, truncated %v", len(got.Findings), got.Truncated)
	}
}

func TestArticlesAndFlagged(t *testing.T) {
	verify := &corev1.Finding{Article: "REG-10-1", Strength: corev1.Strength_STRENGTH_DIRECT, VerifyBasis: true}
	prompt := &corev1.Finding{Article: "REG-8-1", Strength: corev1.Strength_STRENGTH_CONTEXTUAL}
	presumed := &corev1.Finding{Article: "REG-9-2", Strength: corev1.Strength_STRENGTH_PRESUMPTIVE}
	direct := &corev1.Finding{Article: "REG-10-2", Strength: corev1.Strength_STRENGTH_DIRECT}
	if Flagged([]*corev1.Finding{verify, prompt}) {
		t.Error("neither a basis to verify nor a prompt flags")
	}
	all := []*corev1.Finding{verify, prompt, presumed, direct, direct}
	if want := []string{"REG-10-2", "REG-9-2", "REG-10-1", "REG-8-1"}; !slices.Equal(Articles(all), want) {
		t.Errorf("got %v, want %v", Articles(all), want)
	}
}

func TestScreenLines(t *testing.T) {
	set := builtinSet(t)
	in := `{"id":"a","text":"仅限本县企业投标。","note":"ignored"}` + "\n\n" + `{"id":"b","text":"鼓励企业创新。"}` + "\n"
	var first, again bytes.Buffer
	if err := set.ScreenLines(strings.NewReader(in), &first); err != nil {
		t.Fatal(err)
	}
	if err := set.ScreenLines(strings.NewReader(in), &again); err != nil || !bytes.Equal(first.Bytes(), again.Bytes()) {
		t.Errorf("the output is not repeatable: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(first.String()), "\n")
	var a struct {
		ID       string
		Flagged  bool
		Articles []string
		Findings []map[string]any
	}
	if err := json.Unmarshal([]byte(lines[0]), &a); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 2 || a.ID != "a" || !a.Flagged || a.Articles[0] != "REG-9-3" || a.Findings[0]["rule"] != "FCR-15-1" {
		t.Errorf("got %s", first.String())
	}
	if lines[1] != `{"id":"b","flagged":false,"articles":[],"findings":[]}` {
		t.Errorf("got %s", lines[1])
	}
	if err := set.ScreenLines(strings.NewReader("{\"id\":\"a\",\"text\":\"\"}\nnonsense\n"), &first); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v", err)
	}
}

func TestRenderings(t *testing.T) {
	got := builtinSet(t).Screen(&corev1.PolicyText{Text: "仅限本县企业投标。"})
	var text, js bytes.Buffer
	if err := got.WriteText(&text, "示例.docx"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"示例.docx", "FCR-15-1", "疑似", "第九条第三项", "建议："} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, text.String())
		}
	}
	if err := got.WriteJSON(&js, "示例.docx"); err != nil || !json.Valid(js.Bytes()) {
		t.Errorf("%v: %s", err, js.String())
	}
}

// everyRule screens without the prefilter, to compare.
func everyRule(set *Set, s string) []string {
	var out []string
	m := newMatcher(set.lib)
	m.plain = true
	eachClause(s, func(c *clause) bool {
		m.reset(c)
		byRule := map[*rule]hit{}
		for _, f := range set.lib.frames {
			if _, on := set.active[f.rule]; !on {
				continue
			}
			if h, ok := m.frame(f); ok {
				if had, seen := byRule[f.rule]; !seen || had.verify {
					byRule[f.rule] = h
				}
			}
		}
		hits := slices.Collect(maps.Values(byRule))
		for _, h := range hits {
			if !h.rule.residual || !behind(hits, h.rule) {
				out = append(out, h.rule.id)
			}
		}
		facts := Facts{}
		for _, f := range set.checks(&corev1.PolicyText{Text: s}, c, &facts, ^traits(0)) {
			out = append(out, f.Rule)
		}
		return true
	})
	for _, f := range set.forms(&corev1.PolicyText{Text: s}, &Facts{Whole: true}) {
		out = append(out, f.Rule)
	}
	slices.Sort(out)
	return out
}

func FuzzScreen(f *testing.F) {
	set := builtinSet(f)
	frames := framesOnly(set)
	for r := range set.active {
		for _, e := range r.doc.Violation {
			f.Add(e.s)
		}
	}
	f.Add("不得：（一）《仅限本市“企业》投标”；\n1.（（一）：：")
	f.Fuzz(func(t *testing.T, s string) {
		doc := &corev1.PolicyText{Text: s}
		got, again := set.Screen(doc), set.Screen(doc)
		if !slices.EqualFunc(got.Findings, again.Findings, func(a, b *corev1.Finding) bool { return proto.Equal(a, b) }) {
			t.Fatal("two runs differ")
		}
		if !utf8.ValidString(s) {
			return
		}
		runes := []rune(s)
		for _, f := range got.Findings {
			if a := f.Anchor; string(runes[a.Start:a.End]) != a.Quote {
				t.Fatalf("quote %q is not at %d–%d", a.Quote, a.Start, a.End)
			}
		}
		framed := frames.Screen(doc)
		have := rulesOf(framed.Findings)
		slices.Sort(have)
		if want := everyRule(set, s); !framed.Truncated && !slices.Equal(have, want) {
			t.Fatalf("with the prefilter %v, without %v", have, want)
		}
	})
}

// document is about 4,000 characters of ordinary provisions with a few hits.
func document() *corev1.PolicyText {
	const lawful = "第%条 主管部门自收到材料之日起十个工作日内完成核查，并将结果书面告知申请人；申请人对结果有异议的，可以申请复核。\n"
	var b strings.Builder
	for n := 0; utf8.RuneCountInString(b.String()) < 4000; n++ {
		b.WriteString(lawful)
		if n%15 == 0 {
			b.WriteString("对注册在本县、连续纳税两年以上的餐饮公司给予三万元补助。\n")
		}
	}
	return &corev1.PolicyText{Text: b.String()}
}

func BenchmarkScreen(b *testing.B) {
	set, doc := builtinSet(b), document()
	b.SetBytes(int64(len(doc.Text)))
	for b.Loop() {
		set.Screen(doc)
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Builtin(); err != nil {
			b.Fatal(err)
		}
	}
}

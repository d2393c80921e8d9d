package officialdoc

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/policytext"
)

var (
	taken  = regexp.MustCompile(`(?s)<w:(?:ins|moveTo) [^>]*[^/]>.*?</w:(?:ins|moveTo)>`)
	put    = regexp.MustCompile(`<w:(?:ins|moveTo) [^>]*/>`)
	back   = regexp.MustCompile(`<w:(?:del|moveFrom) [^>]*/>`)
	opened = regexp.MustCompile(`</?w:(?:del|moveFrom)(?: [^>]*)?>`)
)

// rejected gives the text that rejecting every change leaves: what was put in is
// gone, and what was taken out is there.
func rejected(t testing.TB, data []byte) string {
	t.Helper()
	document := partOf(t, data, "word/document.xml")
	var lines []string
	for _, p := range strings.SplitAfter(document, "</w:p>") {
		start := strings.Index(p, "<w:p>")
		if start < 0 || put.MatchString(p) {
			continue
		}
		p = opened.ReplaceAllString(back.ReplaceAllString(taken.ReplaceAllString(p[start:], ""), ""), "")
		p = strings.ReplaceAll(p, "<w:tab/>", "\t")
		line := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(p, "")
		lines = append(lines, strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&amp;", "&").Replace(line))
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestRedline(t *testing.T) {
	at := time.Date(2026, 3, 5, 9, 30, 0, 0, time.UTC)
	for name, texts := range map[string][2]string{
		"nothing":    {draftText, draftText},
		"words":      {draftText, strings.ReplaceAll(draftText, "自发布之日起", "自2026年5月1日起")},
		"an article": {draftText, strings.ReplaceAll(strings.ReplaceAll(draftText, "第四条", "第五条"), "（二）乙。\n", "（二）乙。\n第四条　由区<城管>局负责解释。\n")},
		"backwards":  {strings.ReplaceAll(strings.ReplaceAll(draftText, "第四条", "第五条"), "（二）乙。\n", "（二）乙。\n第四条　由区城管局负责解释。\n"), draftText},
		"a move":     {draftText, strings.ReplaceAll(strings.ReplaceAll(draftText, "第二条　本办法适用于本区。\n", ""), "（一）甲", "第二条　本办法适用于本区。\n（一）甲")},
		"a move changed": {draftText + "第五条　区城市管理部门应当会同有关部门制定实施细则并组织实施。\n",
			strings.Replace(draftText, "第一条　", "第一条　区城市管理部门应当会同有关部门制定实施办法并组织实施。\n第二条　", 1)},
		"the whole":  {draftText, "示例区道路停车规定\n第一条　完全不同的文字，没有任何一处相同。\n"},
		"the end":    {draftText + "第五条　尾条。\n第六条　再尾条。\n", draftText},
		"a number":   {draftText, strings.ReplaceAll(draftText, "第四条　", "第五条　")},
		"words gone": {draftText, strings.ReplaceAll(draftText, "（二）乙。", "（二）")},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := policyText(t, texts[0]), policyText(t, texts[1])
			data, err := Redline(before, after, compared(t, before, after), Edit{Author: "审核员", Time: at})
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, data).Text.Text; got != after.Text {
				t.Errorf("accepted\n%s", got)
			}
			if got, want := squeezed(rejected(t, data)), squeezed(before.Text); got != want {
				t.Errorf("rejected\n got %s\nwant %s", got, want)
			}
			document := partOf(t, data, "word/document.xml")
			if tracked := strings.Contains(document, `w:author="审核员" w:date="2026-03-05T09:30:00Z"`); tracked != (name != "nothing") {
				t.Errorf("tracked %v", tracked)
			}
			if name == "a move" && (strings.Count(document, `w:name="move1"`) != 2 || strings.Contains(document, "<w:del ")) {
				t.Error(document)
			}
		})
	}
}

func TestRedlineRefusals(t *testing.T) {
	before, after := policyText(t, draftText), policyText(t, strings.ReplaceAll(draftText, "总则", "通则")+"第五条　附条。\n")
	c := compared(t, before, after)
	for name, wrong := range map[string]func() error{
		"no author":     func() error { _, err := Redline(before, after, c, Edit{}); return err },
		"nothing newer": func() error { _, err := Redline(before, &corev1.PolicyText{}, c, Edit{Author: "甲"}); return err },
		"the other way": func() error { _, err := Redline(after, before, c, Edit{Author: "甲"}); return err },
		"no comparison": func() error { _, err := Redline(before, after, nil, Edit{Author: "甲"}); return err },
		"another's text": func() error {
			_, err := Redline(before, policyText(t, "示例办法\n第一条　甲。\n"), c, Edit{Author: "甲"})
			return err
		},
	} {
		var refused *Error
		if err := wrong(); !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// compared compares two texts.
func compared(t testing.TB, before, after *corev1.PolicyText) *corev1.Comparison {
	t.Helper()
	c, err := policytext.Compare(context.Background(), before, after)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

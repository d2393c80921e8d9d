package policytext

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

const located = "示例办法\n\n第一章　总则\n第一条　𠮷字在前。\n第二款文字。\n第二条　有下列情形：\n（一）情形甲；\n1.子甲；\n2.子乙。\n（二）情形乙。\n末款文字。\n"

func TestLocate(t *testing.T) {
	d := mustRead(t, []byte(located)).Text
	tests := []struct {
		quote string
		want  [4]int
	}{
		{"示例办法", [4]int{}},
		{"总则", [4]int{}},
		{"第一条", [4]int{1, 1, 0, 0}},
		{"字在前", [4]int{1, 1, 0, 0}},
		{"第二款文字", [4]int{1, 2, 0, 0}},
		{"下列情形", [4]int{2, 1, 0, 0}},
		{"情形甲", [4]int{2, 1, 1, 0}},
		{"子乙", [4]int{2, 1, 1, 2}},
		{"1.子甲；\n2.子乙", [4]int{2, 1, 1, 0}},
		{"（一）情形甲；\n1.子甲；\n2.子乙。\n（二）情形乙", [4]int{2, 1, 0, 0}},
		{"情形乙", [4]int{2, 1, 2, 0}},
		{"末款", [4]int{2, 2, 0, 0}},
		{"文字。\n第二条　有", [4]int{1, 2, 0, 0}},
	}
	for _, tt := range tests {
		start := utf8.RuneCountInString(located[:strings.Index(located, tt.quote)])
		end := start + utf8.RuneCountInString(tt.quote)
		if got := Slice(d, start, end); got != tt.quote {
			t.Errorf("Slice = %q, want %q", got, tt.quote)
		}
		a, p, i, s := Locate(d, start, end)
		if got := [4]int{a, p, i, s}; got != tt.want {
			t.Errorf("%q is at %v, want %v", tt.quote, got, tt.want)
		}
	}
}

func TestSliceOutside(t *testing.T) {
	d := mustRead(t, []byte("𠮷乙\n")).Text
	for _, tt := range []struct {
		start, end int
		want       string
	}{{-5, 1, "𠮷"}, {1, 99, "乙\n"}, {2, 1, ""}, {7, 9, ""}} {
		if got := Slice(d, tt.start, tt.end); got != tt.want {
			t.Errorf("Slice(%d, %d) = %q, want %q", tt.start, tt.end, got, tt.want)
		}
	}
}

func TestInspect(t *testing.T) {
	d := mustRead(t, []byte("示例办法\n示规〔2026〕1号\n第一条　甲。\n示例局\n2026年3月1日\n（此件公开发布）\n"))
	got, err := json.Marshal(Inspect(d))
	if err != nil {
		t.Fatal(err)
	}
	const outline = `[{"id":"art-1","kind":"article","number":1,"label":"第一条","title":"","start":16,"end":22,` +
		`"children":[{"id":"art-1.para-1","kind":"paragraph","number":1,"label":"","title":"","start":20,"end":22,"children":[]}]}]`
	const want = `{"title":"示例办法","document_number":"示规〔2026〕1号","document_number_normalized":"示规〔2026〕1号","date":"2026-03-01",` +
		`"counts":{"chapters":0,"sections":0,"articles":1,"paragraphs":1,"items":0,"attachments":0},` +
		`"addressees":"","signatories":["示例局"],"annotation":"此件公开发布","attachments":[],"outline":` + outline +
		`,"parts":[{"id":"main","kind":"main","label":"","title":"示例办法","document_number":"示规〔2026〕1号","start":0,"end":46,"outline":` + outline +
		`}],"citations":[],"references":[],"validities":[],"changes":[],"comments":[],"notes":[],"margins":[],"warnings":[]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

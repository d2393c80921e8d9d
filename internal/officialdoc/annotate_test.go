package officialdoc

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
)

const draftText = "示例区餐厨垃圾管理办法\n（草案送审稿）\n\n第一章　总则\n第一条　为了加强管理，制定本办法。𠮷㐂〇\n" +
	"第二条　本办法适用于本区。\n　　其他区域参照执行。\n第三条　收集单位应当<遵守>\"规定\"&标准。\n（一）甲；\n（二）乙。\n第四条　自发布之日起施行。\n"

// partOf is the text of one part of a file.
func partOf(t testing.TB, data []byte, name string) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// anchoredText tells what stands between the marks of each comment.
func anchoredText(t testing.TB, data []byte) map[string]string {
	t.Helper()
	found, open := map[string]string{}, map[string]bool{}
	x := xml.NewDecoder(strings.NewReader(partOf(t, data, "word/document.xml")))
	lines := 0
	for {
		token, err := x.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		add := ""
		switch e := token.(type) {
		case xml.CharData:
			add = string(e)
		case xml.StartElement:
			switch e.Name.Local {
			case "p":
				if lines++; lines > 1 {
					add = "\n"
				}
			case "commentRangeStart":
				open[e.Attr[0].Value], found[e.Attr[0].Value] = true, ""
			case "commentRangeEnd":
				delete(open, e.Attr[0].Value)
			}
		}
		for id := range open {
			found[id] += add
		}
	}
}

func TestAnnotate(t *testing.T) {
	text := policyText(t, draftText)
	runes := []rune(text.Text)
	place := func(from, to string) (int, int) {
		start := len([]rune(text.Text[:strings.Index(text.Text, from)]))
		return start, len([]rune(text.Text[:strings.Index(text.Text, to)])) + len([]rune(to))
	}
	at := time.Date(2026, 3, 5, 9, 30, 0, 0, time.UTC)
	var comments []Comment
	var want []string
	for _, p := range [][2]string{
		{"示例区", "示例区"}, {"𠮷", "㐂"}, {"制定本办法", "本办法适用"}, {"本办法适用", "适用于"}, {"<遵守>", "&标准"}, {"第四条", "施行。\n"},
	} {
		start, end := place(p[0], p[1])
		comments = append(comments, Comment{Start: start, End: end, Author: `审核员 "甲" <一>`, Time: at, Text: "请核实。\r\n依据：《示例法》&第一条"})
		want = append(want, string(runes[start:end]))
	}
	comments = append(comments, Comment{Start: 0, Author: "乙", Text: "总体意见"}, Comment{Start: len(runes), End: len(runes), Author: "乙"})
	data, err := Annotate(text, comments)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, data).Text.Text; got != text.Text {
		t.Errorf("read back\n%s", got)
	}
	found := anchoredText(t, data)
	for i, w := range want {
		if got := found[string(rune('0'+i))]; got != strings.TrimSuffix(w, "\n") {
			t.Errorf("comment %d stands on %q, not on %q", i, got, w)
		}
	}
	if len(found) != len(comments) || found["6"] != "" || found["7"] != "" {
		t.Errorf("points: %q", found)
	}
	said := partOf(t, data, "word/comments.xml")
	if strings.Count(said, "<w:comment ") != len(comments) || strings.Count(said, `w:date="2026-03-05T09:30:00Z"`) != len(want) ||
		!strings.Contains(said, `w:author="审核员 &quot;甲&quot; &lt;一&gt;"`) || !strings.Contains(said, "依据：《示例法》&amp;第一条") {
		t.Error(said)
	}
}

func TestAnnotateRefusals(t *testing.T) {
	text := policyText(t, draftText)
	for field, c := range map[string]Comment{
		"comments[0]":        {Start: -1, End: 1, Author: "甲"},
		"comments[0] ":       {Start: 2, End: 1, Author: "甲"},
		"comments[0]  ":      {Start: 0, End: 1 << 20, Author: "甲"},
		"comments[0].author": {Start: 0, End: 1, Author: " "},
	} {
		data, err := Annotate(text, []Comment{c})
		var refused *Error
		if !errors.As(err, &refused) || refused.Field != strings.TrimSpace(field) || data != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestDraftStyles(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string // for each line that is not empty
	}{
		"a draft": {draftText, []string{"Title", "BodyText", "Chapter", "BodyText", "BodyText", "Normal", "BodyText", "BodyText", "BodyText", "BodyText"}},
		"a notice": {"示例区人民政府关于印发\n《示例区示例办法》的通知\n示政规〔2026〕2号\n各镇人民政府：\n现印发给你们。\n示例区人民政府\n2026年1月16日\n示例区示例办法\n第一章　总则\n第一条　甲。\n",
			[]string{"Title", "Title", "BodyText", "Addressee", "BodyText", "BodyText", "BodyText", "Title", "Chapter", "BodyText"}},
		"headings": {"示例区示例方案\n一、总体要求\n（一）目标\n到年底完成。\n", []string{"Title", "Heading1", "Heading2", "BodyText"}},
	} {
		var got []string
		for _, l := range draftLines(policyText(t, c.text)) {
			if squeezed(l.text) != "" {
				got = append(got, l.style)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestFindingComments(t *testing.T) {
	finding := func(rule string, state corev1.Disposition_State) *corev1.Finding {
		return &corev1.Finding{Rule: rule, Reason: "示例。", Law: "《示例法》", Anchor: &corev1.Anchor{Start: 3, End: 5}, Disposition: &corev1.Disposition{State: state}}
	}
	got := FindingComments([]*corev1.Finding{
		finding("A", corev1.Disposition_OPEN), finding("B", corev1.Disposition_DISMISSED), finding("C", corev1.Disposition_CONFIRMED), finding("D", corev1.Disposition_EXCEPTION_CLAIMED),
	}, "甲", time.Time{})
	want := []string{"疑似问题（A）：示例。\n依据：《示例法》", "疑似问题（C，审核人员已确认）：示例。\n依据：《示例法》", "疑似问题（D，起草单位主张适用例外规定）：示例。\n依据：《示例法》"}
	for i, c := range got {
		if c.Text != want[i] || c.Start != 3 || c.End != 5 || c.Author != "甲" {
			t.Errorf("%+v", c)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d comments, want %d", len(got), len(want))
	}
}

package policytext

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFindQuote(t *testing.T) {
	const text = "第 十 条　依照〔２０２６〕7号文件，（一）限定 “本地” 企业；\n⑴㈠⼀般规定，限定本地企业。é"
	for quote, want := range map[string]string{
		"限定本地":         "限定本地",
		"第十条":          "第 十 条",
		"[2026]7号文件":   "〔２０２６〕7号文件",
		"(一)限定“本地”企业;": "（一）限定 “本地” 企业；",
		"（1）（一）一般":     "⑴㈠⼀般",
		"e\u0301":      "é",
		"(1)":          "⑴",
		"没有的":          "",
		"　":            "　",
	} {
		got := ""
		runes := []rune(text)
		if spans := FindQuote(text, quote, 1); len(spans) > 0 {
			got = string(runes[spans[0][0]:spans[0][1]])
		}
		if got != want {
			t.Errorf("%q found as %q, want %q", quote, got, want)
		}
	}
	if spans := FindQuote("aaa", "aa", 9); len(spans) != 2 || spans[1] != [2]int{1, 3} {
		t.Errorf("overlapping: %v", spans)
	}
	if spans := FindQuote("（（（", "((", 9); len(spans) != 2 {
		t.Errorf("overlapping in the shadow: %v", spans)
	}
	if FindQuote("甲", "", 1) != nil || FindQuote("", "甲", 1) != nil || FindQuote("甲", " \u200b", 1) != nil {
		t.Error("nothing was found")
	}
}

// The text issued is known by its title however the two are written.
func TestTitlesAreMatchedFolded(t *testing.T) {
	text := mustRead(t, []byte("关于印发《示例办法（试行）》的通知\n各单位：\n现印发给你们。\n示例办法(试行)\n第一条 甲。\n")).Text
	if got := partsOf(text); !strings.Contains(got, "enc-1 示例办法(试行) 1/0") {
		t.Errorf("parts are\n%s", got)
	}
}

func FuzzShadow(f *testing.F) {
	f.Add("第 十 条　〔２０２６〕7号（一）⑴é", 3, 9)
	f.Add("e\u0301\u0301甲\u200b", 0, 2)
	f.Add("ﷺ\xff㈠", 0, 3)
	f.Fuzz(func(t *testing.T, s string, start, end int) {
		s = strings.ToValidUTF8(s, "?")
		sh := NewShadow(s)
		runes := []rune(s)
		if Fold(sh.Text) != Fold(Fold(sh.Text)) {
			t.Fatalf("%q folds on and on", s)
		}
		start, end = max(0, min(start, len(runes))), max(0, min(end, len(runes)))
		if start >= end {
			return
		}
		quote := string(runes[start:end])
		found := false
		for _, span := range FindQuote(s, quote, 1<<20) {
			if span[0] < 0 || span[1] > len(runes) || span[0] >= span[1] || string(runes[span[0]:span[1]]) != quote {
				t.Fatalf("%q in %q at %v", quote, s, span)
			}
			found = found || span[0] == start
		}
		if !found {
			t.Fatalf("%q of %q is not found where it stands", quote, s)
		}
		for _, span := range sh.Find(quote, 1<<20) {
			if span[0] < 0 || span[1] > utf8.RuneCountInString(s) || span[0] >= span[1] {
				t.Fatalf("%q in the shadow of %q at %v", quote, s, span)
			}
		}
	})
}

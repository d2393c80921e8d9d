package directory

import (
	"strings"
	"testing"
)

func TestCheckUSCC(t *testing.T) {
	for _, code := range []string{
		// Published codes of an enterprise of each kind of division, and organs.
		"91350100M000100Y43", "91330100716105852F", "91110000802100433B", "91440300708461136T",
		"111201120001847279", "11370322004222241N", "11441300007187648G",
		// Made up for division 120105.
		"11120105990000017P", "1112010599000005X0",
	} {
		if message, ok := checkUSCC(code); !ok {
			t.Errorf("%s: %s", code, message)
		}
		// Any other last character is wrong.
		for _, c := range usccAlphabet {
			if other := code[:17] + string(c); other != code {
				if _, ok := checkUSCC(other); ok {
					t.Errorf("%s passes", other)
				}
			}
		}
	}
	for _, v := range []struct{ code, says string }{
		{"", "18位"},
		{"1112010599000001P", "18位"},
		{"11120105990000017PP", "18位"},
		{"11120105990000017p", "大写"},
		{"1112010599000001IP", "不使用字母"},
		{"1112010599000001OP", "不使用字母"},
		{"11120105990000017S", "不使用字母"},
		{"11120105990000017Z", "不使用字母"},
		{"11120105990000017V", "不使用字母"},
		{"1112010599000001-P", "只能由数字"},
		{"111201059900000", "18位"},
		{"一二三四五六", "只能由数字"},
		// The inner check character is wrong and the outer one fits it.
		{"11120105990000018" + string(usccCheck("11120105990000018")), "GB 11714"},
		{"11120105990000017A", "GB 32100"},
		{"11120106990000017P", "GB 32100"},
	} {
		message, ok := checkUSCC(v.code)
		if ok || !strings.Contains(message, v.says) {
			t.Errorf("%q: %v %q, want a refusal about %s", v.code, ok, message, v.says)
		}
	}
}

package policytext

import "testing"

func TestParseNumeral(t *testing.T) {
	good := map[string]int{
		"一": 1, "十": 10, "十二": 12, "二十": 20, "二十三": 23, "一百": 100, "一百零三": 103, "一百〇三": 103, "一百一十": 110, "一百十二": 112,
		"一千零一十": 1010, "一千零一": 1001, "两千": 2000, "一万零三": 10003, "十二万三千": 123000, "〇": 0, "二〇二六": 2026, "二○二六": 2026,
		"叁拾": 30, "12": 12, "１２": 12, "007": 7, "九千九百九十九万九千九百九十九": 99_999_999,
	}
	for s, want := range good {
		if got, ok := ParseNumeral(s); !ok || got != want {
			t.Errorf("ParseNumeral(%q) = %d, %v, want %d", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "甲", "百", "百三", "十二三", "三十二百", "一二百", "一万万", "万", "一 二", "999999999", "二〇十"} {
		if got, ok := ParseNumeral(s); ok {
			t.Errorf("ParseNumeral(%q) = %d, want a refusal", s, got)
		}
	}
}

func TestFormatNumeral(t *testing.T) {
	for n, want := range map[int]string{
		0: "零", 1: "一", 10: "十", 11: "十一", 20: "二十", 100: "一百", 103: "一百零三", 110: "一百一十", 1001: "一千零一", 1010: "一千零一十",
		10000: "一万", 10003: "一万零三", 100000: "十万", 110000: "十一万", 20_100: "二万零一百", -1: "", 100_000_000: "",
	} {
		if got := FormatNumeral(n); got != want {
			t.Errorf("FormatNumeral(%d) = %q, want %q", n, got, want)
		}
	}
	for n := 0; n <= maxNumeral; n += 1 + n/7 {
		if got, ok := ParseNumeral(FormatNumeral(n)); !ok || got != n {
			t.Fatalf("%d became %q became %d, %v", n, FormatNumeral(n), got, ok)
		}
	}
}

package rulebook

import (
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
)

func TestNamedPlaceReadsAsOwn(t *testing.T) {
	lib, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, want string }{
		{"在盐城市注册的企业", "在本市注册的企业"},
		{"盐城市外企业须备案", "市外企业须备案"},
		{"浙江省以外的设计单位", "省以外的设计单位"},
		{"注册地在浙江省杭州市余杭区的公司", "注册地在本区的公司"},
		{"注册地在垫江的建筑企业", "注册地在本县的建筑企业"},
		{"在杭州或湖州地区的", "在本市或湖州地区的"},
		{"双江拉祜族佤族布朗族傣族自治县境内", "本县境内"},
		{"依照《盐城市停车管理办法》", "依照《盐城市停车管理办法》"},
		{"进入东方市场的商户、中山区域", "进入东方市场的商户、中山区域"},
		{"本市城区超市", "本市城区超市"},
		{"\xff市盐城市\xe7", "\xff市本市\xe7"},
	} {
		if got, _ := lib.places.read(c.text); got != c.want {
			t.Errorf("%s is read as %s, want %s", c.text, got, c.want)
		}
	}
}

func TestNamedPlaceKeepsAnchors(t *testing.T) {
	set := builtinSet(t, "competition")
	for _, text := range []string{
		"为做好工作，浙江省杭州市余杭区决定，限额以下工程仅限在盐城市注册的企业投标，盐城市外企业不得参加投标。",
		"浙江省杭州市余杭区评分办法：\n（一）投标人在盐城市纳税的，加2分；",
	} {
		found := set.Screen(&corev1.PolicyText{Text: text}).Findings
		if !Flagged(found) {
			t.Errorf("silent: %s", text)
		}
		runes := []rune(text)
		for _, f := range found {
			a := f.GetAnchor()
			if got := string(runes[a.GetStart():a.GetEnd()]); got != a.GetQuote() {
				t.Errorf("%s: anchor says %s, quote %s", f.GetRule(), got, a.GetQuote())
			}
		}
	}
}

func FuzzPlaces(f *testing.F) {
	lib, err := Builtin()
	if err != nil {
		f.Fatal(err)
	}
	f.Add("在杭州市外的盐城市、在杭州的《浙江省》自治县", uint8(0), uint8(9))
	f.Fuzz(func(t *testing.T, text string, a, b uint8) {
		read, names := lib.places.read(text)
		start, end := min(int(a), int(b), len(read)), min(max(int(a), int(b)), len(read))
		if from, to := origin(names, start, end); from < 0 || to < from || to > len(text) {
			t.Fatalf("%q: %d-%d of %q leads to %d-%d", text, start, end, read, from, to)
		}
		if !strings.Contains(text, "《") && len(names) == 0 && read != text {
			t.Fatalf("%q is read as %q", text, read)
		}
	})
}

package rulebook

import (
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
)

// TestGeneralSuppressorsOnEveryPack puts every one-sentence violation of every pack
// into what the suppressors that hold for all packs excuse: a prohibition (G1) and
// a quotation of what somebody else holds unlawful (G2).
func TestGeneralSuppressorsOnEveryPack(t *testing.T) {
	lib, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	frames := map[string]func(string) string{
		"G1": func(s string) string { return "政策措施不得有下列内容：\n（一）" + s },
		"G2": func(s string) string {
			return "举报人认为通知中“" + strings.TrimSuffix(s, "。") + "”的规定违法。"
		},
	}
	for _, name := range lib.names {
		for g, frame := range frames {
			t.Run(name+"/"+g, func(t *testing.T) {
				var all, still float64
				for _, r := range lib.packs[name].rules {
					if r.check != nil || r.form != nil {
						continue
					}
					set, err := lib.Set(r.cites[0].law.from.AddDate(0, 0, 1), name)
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range r.doc.Violation {
						if strings.Count(e.s, "。") != 1 || strings.ContainsAny(e.s, "“：；") {
							continue
						}
						all++
						if got := set.Screen(&corev1.PolicyText{Text: frame(e.s)}); Flagged(got.Findings) {
							still++
							t.Logf("%v: %s", rulesOf(got.Findings), frame(e.s))
						}
					}
				}
				if all > 0 && still/all > 0.02 {
					t.Errorf("%v of %v violations are still flagged", still, all)
				}
			})
		}
	}
}

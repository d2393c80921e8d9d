package rulebook

import (
	"os"
	"slices"
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
)

// articleOfItem maps an article of Order 99 to the item of the Regulation it spells out.
var articleOfItem = map[string]string{
	"9": "8-1", "10": "8-2", "11": "8-3", "12": "8-4", "13": "9-1", "14": "9-2", "15": "9-3", "16": "9-4",
	"17": "9-5", "18": "10-1", "19": "10-2", "20": "10-3", "21": "11-1", "22": "11-2", "23": "11-3",
}

// clauseCase is one line of a file of clauses; article is empty for a lawful one.
type clauseCase struct{ article, text string }

func readClauses(t testing.TB, name string) []clauseCase {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out []clauseCase
	for line := range strings.Lines(string(data)) {
		expected, text, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			continue
		}
		c := clauseCase{text: text}
		switch article, _, _ := strings.Cut(expected, "-"); {
		case expected == "clean":
		case article == "37":
			c.article = "POW-" + expected
		default:
			c.article = "REG-" + articleOfItem[article]
		}
		out = append(out, c)
	}
	return out
}

// TestClausesOfOurOwn measures the packs against clauses that were written without a
// look at the rules. The bounds are what the packs reach, less a little: a change
// that loses more than a few clauses is seen, and -v names every one of them.
func TestClausesOfOurOwn(t *testing.T) {
	for _, c := range []struct {
		file                      string
		packs                     []string
		recall, precision, rights float64
	}{
		{"competition.tsv", []string{"competition"}, 0.96, 0.98, 0.92},
		{"cases.tsv", []string{"competition"}, 0.98, 0.98, 0.86},
		{"powers.tsv", []string{"powers", "form"}, 0.98, 0.97, 0.95},
	} {
		t.Run(c.file, func(t *testing.T) {
			set := builtinSet(t, c.packs...)
			var hit, missed, alarms, right float64
			for _, one := range readClauses(t, c.file) {
				found := set.Screen(&corev1.PolicyText{Text: one.text}).Findings
				switch flagged := Flagged(found); {
				case one.article == "" && flagged:
					alarms++
					t.Logf("flagged although lawful, by %v: %s", rulesOf(found), one.text)
				case one.article != "" && !flagged:
					missed++
					t.Logf("missed (%s): %s", one.article, one.text)
				case one.article != "":
					hit++
					if first := found[slices.IndexFunc(found, Flags)]; Articles(found)[0] == one.article || slices.Contains(first.AlternativeArticles, one.article) {
						right++
					}
				}
			}
			recall, precision := hit/(hit+missed), hit/(hit+alarms)
			t.Logf("recall %.3f, precision %.3f, right article %.3f of %v", recall, precision, right/hit, hit+missed)
			if recall < c.recall || precision < c.precision || right/hit < c.rights {
				t.Errorf("recall %.3f, precision %.3f, right article %.3f; want %v, %v, %v", recall, precision, right/hit, c.recall, c.precision, c.rights)
			}
		})
	}
}

// TestClausesWithPlacesByName writes the clauses of published cases with the names of
// places: what is flagged of 本市 is flagged of 盐城市.
func TestClausesWithPlacesByName(t *testing.T) {
	set := builtinSet(t, "competition")
	named := strings.NewReplacer("本市", "盐城市", "我市", "苏州市", "本县", "德清县", "我县", "垫江县", "本区", "余杭区", "我区", "莲都区",
		"市外", "杭州市外", "县外", "平阴县外", "省外", "浙江省以外")
	for _, one := range readClauses(t, "cases.tsv") {
		text := named.Replace(one.text)
		if text == one.text {
			continue
		}
		plain := Flagged(set.Screen(&corev1.PolicyText{Text: one.text}).Findings)
		if got := Flagged(set.Screen(&corev1.PolicyText{Text: text}).Findings); got != plain {
			t.Errorf("flagged %v, with places by name %v: %s", plain, got, text)
		}
	}
}

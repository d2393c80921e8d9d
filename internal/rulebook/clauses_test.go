package rulebook

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
)

// clauseCase is one line of a file of clauses; rule is empty for a lawful one, and
// breach where no named rule fits.
type clauseCase struct{ rule, text string }

func readClauses(t testing.TB, pattern string) []clauseCase {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v", pattern, err)
	}
	var out []clauseCase
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			label, text, ok := strings.Cut(strings.TrimSpace(line), "\t")
			switch {
			case !ok:
			case label == "clean":
				out = append(out, clauseCase{text: text})
			default:
				out = append(out, clauseCase{label, text})
			}
		}
	}
	return out
}

// TestClauses measures the packs against labelled clauses: those the models were learnt
// from, and those that no rule and no model has seen. The bounds are what the packs
// reach, less a little: a change that loses more than a few clauses is seen, and -v
// names every one of them.
func TestClauses(t *testing.T) {
	for _, c := range []struct {
		files                     string
		packs                     []string
		recall, precision, rights float64
	}{
		{"../wording/clauses/competition/*.tsv", []string{"competition"}, 0.97, 0.96, 0.96},
		{"../wording/clauses/powers/*.tsv", []string{"powers", "form"}, 0.95, 0.97, 0.98},
		{"testdata/unseen_competition.tsv", []string{"competition"}, 0.95, 0.94, 0.91},
		{"testdata/unseen_powers.tsv", []string{"powers", "form"}, 0.90, 0.94, 0.94},
	} {
		t.Run(c.files, func(t *testing.T) {
			set := builtinSet(t, c.packs...)
			articles := map[string]string{}
			for r := range set.active {
				articles[r.id] = r.article
			}
			var hit, missed, alarms, right, named float64
			for _, one := range readClauses(t, c.files) {
				found := set.Screen(&corev1.PolicyText{Text: one.text}).Findings
				switch flagged := Flagged(found); {
				case one.rule == "" && flagged:
					alarms++
					t.Logf("flagged although lawful, by %v: %s", rulesOf(found), one.text)
				case one.rule != "" && !flagged:
					missed++
					t.Logf("missed (%s): %s", one.rule, one.text)
				case one.rule != "":
					hit++
					if article := articles[one.rule]; article != "" {
						named++
						if first := found[slices.IndexFunc(found, Flags)]; Articles(found)[0] == article || slices.Contains(first.AlternativeArticles, article) {
							right++
						}
					}
				}
			}
			recall, precision := hit/(hit+missed), hit/(hit+alarms)
			t.Logf("recall %.3f, precision %.3f, right article %.3f of %v", recall, precision, right/named, hit+missed)
			if recall < c.recall || precision < c.precision || right/named < c.rights {
				t.Errorf("recall %.3f, precision %.3f, right article %.3f; want %v, %v, %v", recall, precision, right/named, c.recall, c.precision, c.rights)
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
	for _, one := range readClauses(t, "../wording/clauses/competition/cases.tsv") {
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

package rulebook

import (
	"strings"
	"testing"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

// workOn counts the bytes that expressions are set to search while a text is screened,
// and the sentences.
func workOn(set *Set, text string) (work, sentences int) {
	r := newRun(set)
	eachClause(text, func(c *clause) bool {
		sentences++
		r.clause(c)
		return true
	})
	return r.m.work, sentences
}

// adversaries are texts that would cost a careless matcher more than their length.
func adversaries() map[string]string {
	return map[string]string{
		"one paragraph without a mark": "对在本区注册纳税的外地企业给予奖励补贴不得",
		"commas only":                  "外地企业，应当，备案，",
		"hits in every sentence":       "仅限本县企业投标。",
		"open quotations":              "“《外地企业须备案",
		"items without end":            "（一）外地产品须重新检测：\n",
		"openings of gaps":             "对外地税收价格报名",
		"zero width":                   "\u200b\u2060本区",
	}
}

// TestWorkIsLinear counts: four times the text is at most four times the work, whatever
// the text is.
func TestWorkIsLinear(t *testing.T) {
	set := builtinSet(t)
	for name, unit := range adversaries() {
		t.Run(name, func(t *testing.T) {
			n := 40_000 / utf8.RuneCountInString(unit)
			once, _ := workOn(set, strings.Repeat(unit, n))
			four, _ := workOn(set, strings.Repeat(unit, 4*n))
			if float64(four) > 4.1*float64(once) {
				t.Errorf("%d bytes of work for one, %d for four", once, four)
			}
		})
	}
}

// TestBoundedSentences: a paragraph of five megabytes is cut into sentences of a
// bounded length that make up the whole of it.
func TestBoundedSentences(t *testing.T) {
	text := strings.Repeat("没有句号的一段话，", 5<<20/27)
	whole, longest := 0, 0
	eachClause(text, func(c *clause) bool {
		whole += len(c.text)
		longest = max(longest, utf8.RuneCountInString(c.text))
		return true
	})
	if whole != len(text) || longest > maxClauseRunes {
		t.Errorf("%d of %d bytes, longest %d", whole, len(text), longest)
	}
}

// TestManyFindings: what is kept of a hundred thousand findings is bounded, and the
// text is left there.
func TestManyFindings(t *testing.T) {
	set := builtinSet(t, "competition")
	asked := 0
	got := set.screen(&corev1.PolicyText{Text: strings.Repeat("仅限本县企业投标。", 100_000)}, Facts{}, func() bool { asked++; return false })
	if !got.Truncated || len(got.Findings) != MaxFindings || asked > MaxFindings+1 {
		t.Errorf("%d findings, truncated %v, after %d sentences", len(got.Findings), got.Truncated, asked)
	}
}

// corpus is about ten megabytes of documents: articles from the lawful clauses of our
// own, and of every tenth article one that is not.
func corpus(tb testing.TB) []*corev1.PolicyText {
	var lawful, suspect []string
	for _, c := range readClauses(tb, "../wording/clauses/*/items.tsv") {
		if c.rule == "" {
			lawful = append(lawful, c.text)
		} else {
			suspect = append(suspect, c.text)
		}
	}
	var out []*corev1.PolicyText
	for size, n := 0, 0; size < 10<<20; {
		var b strings.Builder
		for utf8.RuneCountInString(b.String()) < 4000 {
			for range 9 {
				b.WriteString("第一条 " + lawful[n%len(lawful)] + "\n")
				n++
			}
			b.WriteString("第二条 " + suspect[n%len(suspect)] + "\n")
		}
		size += b.Len()
		out = append(out, &corev1.PolicyText{Text: b.String()})
	}
	return out
}

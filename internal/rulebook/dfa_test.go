package rulebook

import (
	"maps"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
)

// agree compares an automaton with regexp on a text: where the matches are, and whether
// there is one. It reports whether the automaton had an answer.
func agree(t *testing.T, d *dfa, re *regexp.Regexp, text string, spelt *spelling) bool {
	t.Helper()
	var got [][]int
	known := d.all(spelt.classes, maxHeads, func(from, to int) { got = append(got, []int{int(spelt.at[from]), int(spelt.at[to])}) })
	if want := re.FindAllStringIndex(text, maxHeads); known && !slices.EqualFunc(got, want, slices.Equal) {
		t.Fatalf("%s\nin %q: %v, regexp %v", d.expr, text, got, want)
	}
	yes, sure := d.occurs(spelt.classes)
	if want := re.MatchString(text); sure && yes != want {
		t.Fatalf("%s\nin %q: %v, regexp %v", d.expr, text, yes, want)
	}
	return known && sure
}

// expressions are the patterns of a set, and its cues where they have to stand.
func expressions(set *Set) []expression {
	var out []expression
	for _, p := range set.lib.patterns {
		out = append(out, expression{p.re, p.dfa})
	}
	seen := map[*suppressor]bool{}
	for _, r := range slices.SortedFunc(maps.Keys(set.active), func(a, b *rule) int { return strings.Compare(a.id, b.id) }) {
		for _, s := range r.suppressors {
			for _, c := range s.cues {
				for _, e := range []expression{c.placed, c.lead} {
					if e.dfa != nil && !seen[s] {
						out = append(out, e)
					}
				}
			}
			seen[s] = true
		}
	}
	return out
}

// TestAutomataAgree: every pattern and cue of the packs finds in clauses of our own, and in
// literals of the packs strung together, what regexp finds.
func TestAutomataAgree(t *testing.T) {
	set := builtinSet(t)
	lib, all := set.lib, expressions(set)
	var texts []string
	for _, c := range append(readClauses(t, "../wording/clauses/competition/items.tsv"), readClauses(t, "../wording/clauses/powers/items.tsv")...) {
		texts = append(texts, c.text)
	}
	words := slices.Sorted(func(yield func(string) bool) {
		for _, p := range lib.patterns {
			for _, w := range strings.FieldsFunc(p.dfa.expr, func(r rune) bool { return r < 0x80 }) {
				if !yield(w) {
					return
				}
			}
		}
	})
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var b strings.Builder
		for range 1 + random.IntN(25) {
			b.WriteString(words[random.IntN(len(words))])
			b.WriteString([]string{"", "", "", "的", "不", "，", "\n", "\xff", "。", "1", "\U00020000"}[random.IntN(11)])
		}
		texts = append(texts, b.String())
	}
	var spelt spelling
	asked, known := 0, 0
	for n, text := range texts {
		lib.spell(text, &spelt)
		for i := n % 61; i < len(all); i += 61 {
			asked++
			if agree(t, all[i].dfa, all[i].re, text, &spelt) {
				known++
			}
		}
	}
	if known < asked*9/10 {
		t.Errorf("the automata answered %d of %d", known, asked)
	}
}

// automatonOf compiles one expression by itself.
func automatonOf(tb testing.TB, expr string) *dfa {
	tb.Helper()
	m := newMachines()
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		tb.Fatal(err)
	}
	m.note(re)
	m.seal(nil)
	return newDFA(m, expr)
}

func TestAutomaton(t *testing.T) {
	for _, expr := range []string{
		`(?s:甲|甲乙)`, `(?s:甲乙|甲)`, `(?s:甲.*?乙)`, `(?s:甲.*乙)`, `(?s:(?:甲|乙甲)+丙?)`, `(?s:[^甲，]{2,3}?乙)`,
		`(?s:甲{2,}乙{0,2}?)`, `(?:甲.乙)`, `(?s:甲[一-十]+条)`, `(?s:(甲|乙)(丙|))`, `(?s:甲(?:乙丙)??丙)`, `(?s:\x{FFFD}甲)`,
		`(?s:[丙-甲]|丙丁)`, `(?s:甲[^，不]{0,24}?丙)`,
		`(?s)^甲`, `(?s)甲$`, `(?s)不$|甲`, `(?s)(?:^|[^乙丙])甲`, `(?s)^[^，]*?乙`, `(?s)甲(?:[^，]|，(?:丁|丙))*$`, `(?s)^(?:甲|乙甲)丙?$`,
		`(?s)甲(?:乙$|丙)`, `(?s)甲|乙$`, `(?s)乙$|甲乙`, `(?s)(?:^乙|甲)+?(?:丙|$)`, `(?s)甲^`, `(?s)$甲`, `(?s)(?:丙|甲$)`, `\A甲\z`, `(?s).*?甲?丙$`,
	} {
		d, re := automatonOf(t, expr), regexp.MustCompile(expr)
		for _, text := range []string{
			"不", "甲不", "，甲", "甲，", "甲，丙乙", "甲，丁，乙", "乙甲甲", "乙，乙", "", "甲", "甲乙", "乙甲乙甲乙", "甲甲甲乙乙乙丙", "甲\n乙", "乙甲乙甲丙", "甲乙丙丙", "\xff甲", "\xff\xfe甲三条甲", "丙丁丁丙",
			"甲，丙", "甲" + strings.Repeat("丁", 24) + "丙", "甲" + strings.Repeat("丁", 25) + "丙", "甲甲不甲丙",
		} {
			var spelt spelling
			d.machines.spell(text, &spelt)
			if !agree(t, d, re, text, &spelt) {
				t.Errorf("%s in %q: no answer", expr, text)
			}
		}
	}
	for _, expr := range []string{`(?m)^甲`, `(?ms)(?:^|丁)甲*乙`, `(?ms)甲(?:\n^乙)?`} { // where they are is regexp's to say
		d, re := automatonOf(t, expr), regexp.MustCompile(expr)
		for _, text := range []string{"", "甲", "乙甲", "乙\n甲", "\n\n甲甲", "丁甲乙\n乙", "甲\n乙", "甲乙\n", "\n"} {
			var spelt spelling
			d.machines.spell(text, &spelt)
			if agree(t, d, re, text, &spelt); d.ahead() == nil {
				t.Errorf("%s has no automaton", expr)
			}
		}
	}
	for _, expr := range []string{`(?m)甲$`, `(?i)a`, `\b甲`} {
		var spelt spelling
		d := automatonOf(t, expr)
		d.machines.spell("甲", &spelt)
		if _, known := d.occurs(spelt.classes); known {
			t.Errorf("%s has an automaton", expr)
		}
	}
}

// TestAutomataWithoutRoom: whatever room there is, it is kept to, and what is found is
// the same.
func TestAutomataWithoutRoom(t *testing.T) {
	whole := builtinSet(t)
	lib, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	set, err := lib.Set(whole.Date())
	if err != nil {
		t.Fatal(err)
	}
	lib.limit, lib.each = 2<<20, 1<<12
	clauses := readClauses(t, "../wording/clauses/competition/items.tsv")
	var all sync.WaitGroup
	for part := range 3 { // together, as workers share a library
		all.Go(func() {
			for i, c := range clauses {
				if i%6 != part {
					continue
				}
				doc := &corev1.PolicyText{Text: c.text}
				got, want := set.Screen(doc).Findings, whole.Screen(doc).Findings
				if !slices.EqualFunc(got, want, func(a, b *corev1.Finding) bool { return proto.Equal(a, b) }) {
					t.Errorf("%s: %v, with room %v", c.text, rulesOf(got), rulesOf(want))
				}
				if lib.used.Load() > int64(lib.limit) {
					t.Errorf("%d bytes of %d", lib.used.Load(), lib.limit)
				}
			}
		})
	}
	all.Wait()
}

// FuzzAutomata compares patterns and cues of the packs with regexp on any text.
func FuzzAutomata(f *testing.F) {
	set := builtinSet(f)
	lib, all := set.lib, expressions(set)
	for i, c := range readClauses(f, "../wording/clauses/competition/items.tsv") {
		if i%20 == 0 {
			f.Add(c.text, uint(i*7))
		}
	}
	f.Fuzz(func(t *testing.T, text string, first uint) {
		var spelt spelling
		lib.spell(text, &spelt)
		for i := first % 97; i < uint(len(all)); i += 97 {
			agree(t, all[i].dfa, all[i].re, text, &spelt)
		}
	})
}

package rulebook

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
)

func TestWeighing(t *testing.T) {
	set := builtinSet(t, "competition")
	frames := framesOnly(set)
	screen := func(s *Set, text string) []*corev1.Finding { return s.Screen(&corev1.PolicyText{Text: text}).Findings }

	// What no frame foresaw is found by its words, and says so.
	text := "各单位应当做好准备工作。镇办企业的废旧物资悉数交给供销社名下的回收站收走，别家来收的一概劝返。"
	if found := screen(frames, text); Flagged(found) {
		t.Fatalf("a frame foresees it: %v", rulesOf(found))
	}
	found := screen(set, text)
	if len(found) != 1 || !strings.HasPrefix(found[0].GetArticle(), "REG-8-") || found[0].GetStrength() != corev1.Strength_STRENGTH_PRESUMPTIVE ||
		!strings.HasSuffix(found[0].GetReason(), byWordsNote) || !strings.Contains(text, found[0].GetAnchor().GetQuote()) {
		t.Fatalf("found %v", found)
	}
	if quote := found[0].GetAnchor().GetQuote(); strings.Contains(quote, "准备工作") {
		t.Errorf("the quote goes beyond the sentence: %s", quote)
	}
}

func TestSentences(t *testing.T) {
	for text, want := range map[string]bool{
		"外地企业应当另行缴纳投标保证金。":          true,
		"（一）外地企业另行缴纳投标保证金；":         true,
		"在本区设立的企业，奖励十万元":            true,
		"第二章 本地企业优先采购与奖励的具体办法":      false,
		"外地企业应当缴纳下列本地企业不缴的各项费用：":    false,
		"法定代表人（签字）：    年    月    日": false,
		"不得收费。":   false,
		"":        false,
		"    \t　": false,
	} {
		if got := isSentence(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// Rules that the model was not taught of are left to their frames.
func TestUntaughtRules(t *testing.T) {
	w := weighing{taught: []*rule{nil, {id: "A"}}}
	w.relate()
	if w.knows(&rule{id: "A"}) || !w.knows(w.taught[1]) {
		t.Error("another rule of the same name passes for the one taught")
	}
}

func TestLikeliestArticle(t *testing.T) {
	a, b, c := &rule{id: "1", article: "x"}, &rule{id: "2", article: "y"}, &rule{id: "3", article: "x", also: []string{"y"}}
	w := weighing{taught: []*rule{a, b, nil, c}}
	w.relate()
	chances := []float64{0.2, 0.35, 0.2, 0.25}
	if best, chance := w.likeliest(chances); best != 3 || chance < 0.449 || chance > 0.451 {
		t.Errorf("%d, %v", best, chance)
	}
	for r, want := range map[*rule]float64{a: 0.45, b: 0.35, c: 0.45} {
		if got := w.chanceOf(chances, r); got < want-1e-9 || got > want+1e-9 {
			t.Errorf("%s: %v, want %v", r.id, got, want)
		}
	}
}

func TestWordingOfAPackIsChecked(t *testing.T) {
	for line, says := range map[string]string{
		`wording: {model: nothing, flag: "0.5", keep: "0.1"}`:     "no clauses were learnt",
		`wording: {model: competition, flag: "2", keep: "0.1"}`:   "no likelihood",
		`wording: {model: competition, flag: "0.5", keep: "low"}`: "no likelihood",
		`wording: {model: competition, flag: "0.5"}`:              "no likelihood",
	} {
		file := strings.Replace(tiny, "laws:\n", line+"\nlaws:\n", 1)
		if _, err := loadText(file); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// Reading is the same each time, also by several at once.
func TestWeighingIsDeterministic(t *testing.T) {
	set := builtinSet(t)
	var first [][]string
	for _, one := range readClauses(t, "testdata/unseen_competition.tsv")[:60] {
		first = append(first, rulesOf(set.Screen(&corev1.PolicyText{Text: one.text}).Findings))
	}
	done := make(chan bool)
	for range 4 {
		go func() {
			same := true
			for i, one := range readClauses(t, "testdata/unseen_competition.tsv")[:60] {
				same = same && slices.Equal(first[i], rulesOf(set.Screen(&corev1.PolicyText{Text: one.text}).Findings))
			}
			done <- same
		}()
	}
	for range 4 {
		if !<-done {
			t.Error("another answer")
		}
	}
}

// A clause that a frame asks to verify the basis of is not told a second time by its words.
func TestWordsLeaveTheBasisToBeVerified(t *testing.T) {
	set := builtinSet(t, "competition", "powers")
	verified := 0
	for _, one := range slices.Concat(readClauses(t, "testdata/unseen_competition.tsv"), readClauses(t, "testdata/unseen_powers.tsv")) {
		if strings.Count(one.text, "。") > 1 || strings.ContainsAny(one.text, "；？！") {
			continue // the sentences are screened one by one
		}
		seen := map[string]bool{}
		for _, f := range set.Screen(&corev1.PolicyText{Text: "根据国务院有关规定，" + one.text}).Findings {
			if f.GetVerifyBasis() {
				verified++
			}
			if seen[f.GetRule()] {
				t.Errorf("%s twice: %s", f.GetRule(), one.text)
			}
			seen[f.GetRule()] = true
		}
	}
	if verified == 0 {
		t.Error("no basis is to be verified: this shows nothing")
	}
}

// To what is not read as it is written words add nothing.
func TestWordsAddNothingToAColouredClause(t *testing.T) {
	text := "本办法所称经营者，是指在本县登记注册、依法纳税的经营主体。\n鼓励商场延长营业时间，由经营者自行安排。"
	for _, f := range builtinSet(t, "competition", "powers").Screen(&corev1.PolicyText{Text: text}).Findings {
		if f.GetRule() != "FCR-12-2" || strings.Contains(f.GetReason(), "一语已限定") {
			t.Errorf("found %v", f)
		}
	}
}

// A rule that borrows frames borrows what a clause must hold.
func TestNeedsAreBorrowed(t *testing.T) {
	set, err := builtinSet(t).lib.Set(day(2019, 11, 20), "competition-2016")
	if err != nil {
		t.Fatal(err)
	}
	text := "园区企业可以自评打分；管委会检查得分低于60分的，责令停产整顿，厂门悬挂红牌直至复评合格。"
	if found := set.Screen(&corev1.PolicyText{Text: text}).Findings; slices.Contains(rulesOf(found), "H08") {
		t.Errorf("found %v", found)
	}
}

func TestStrengthByWords(t *testing.T) {
	direct, likely := &rule{strength: corev1.Strength_STRENGTH_DIRECT, order: 1}, &rule{strength: corev1.Strength_STRENGTH_PRESUMPTIVE}
	if compareHits(hit{rule: direct, words: true}, hit{rule: likely}) < 0 || compareHits(hit{rule: direct}, hit{rule: likely}) > 0 {
		t.Error("what was found by words stands before what frames found of the same strength")
	}
	if got := (hit{rule: &rule{strength: corev1.Strength_STRENGTH_CONTEXTUAL}, words: true}).strength(); got != corev1.Strength_STRENGTH_CONTEXTUAL {
		t.Errorf("words make of a prompt %v", got)
	}
}

// Findings name the version of a pack, whose sum tells when it gives others.
func TestDigestHoldsTheModel(t *testing.T) {
	const line = `wording: {model: competition, flag: "0.5", keep: "0.1"}`
	lib, err := loadText(strings.Replace(tiny, "laws:\n", line+"\nlaws:\n", 1))
	if err != nil {
		t.Fatal(err)
	}
	files := sha256.New()
	fmt.Fprintf(files, "%s\x00%x\n", "demo/rules.yaml", sha256.Sum256([]byte(strings.Replace(tiny, "laws:\n", line+"\nlaws:\n", 1))))
	if lib.packs["demo"].sum == hex.EncodeToString(files.Sum(nil)) {
		t.Error("the sum is of the files alone")
	}
}

// The fair words of a lead-in do not whitewash the items of its list, and a ban in it does.
func TestItemsUnderFairWords(t *testing.T) {
	set := builtinSet(t, "competition", "powers")
	var breaches, found, banned int
	for _, one := range readClauses(t, "testdata/unseen_*.tsv") {
		if one.rule == "" {
			continue
		}
		breaches++
		if Flagged(set.Screen(&corev1.PolicyText{Text: "第五条 各部门应当认真落实优化营商环境的各项要求，扎实推进下列工作：\n（一）" + one.text}).Findings) {
			found++
		}
		if Flagged(set.Screen(&corev1.PolicyText{Text: "第五条 严禁下列行为：\n（一）" + one.text}).Findings) {
			banned++
		}
	}
	t.Logf("of %d breaches %d are found under fair words, %d under a ban", breaches, found, banned)
	if found*10 < breaches*8 || banned > 0 {
		t.Errorf("of %d breaches %d are found under fair words, %d under a ban", breaches, found, banned)
	}
}

// A rule that was changed to find what the model takes for lawful is left to its frames.
func TestRuleWithAnExampleOfItsOwn(t *testing.T) {
	builtin, err := BuiltinFiles()
	if err != nil {
		t.Fatal(err)
	}
	const (
		path = "competition/20-costs.yaml"
		odd  = "主管部门应当自收到材料之日起十个工作日内公布晚霞名册，并书面告知申请人。"
	)
	screen := func(lib *Library) []string {
		set, err := lib.Set(day(2026, 11, 23), "competition")
		if err != nil {
			t.Fatal(err)
		}
		return rulesOf(set.Screen(&corev1.PolicyText{Text: odd}).Findings)
	}
	rules := string(builtin[path])
	at := strings.Index(rules, "  - id: FCR-19-3\n")
	frames := at + strings.Index(rules[at:], "    frames:\n") + len("    frames:\n")
	examples := at + strings.Index(rules[at:], "    violation:\n") + len("    violation:\n")
	changed := rules[:frames] + "      - all: [晚霞名册]\n" + rules[frames:examples] + "      - " + odd + "\n" + rules[examples:]
	if got := screen(candidate(t, Files{path: []byte(changed)})); !slices.Contains(got, "FCR-19-3") {
		t.Errorf("found %v", got)
	}
}

func TestDefinitionsAreLeftToFrames(t *testing.T) {
	set := builtinSet(t, "competition")
	for _, text := range []string{
		"本细则所称经营主体，是指在本县登记注册、依法纳税的经营主体。",
		"本办法所称申请人，是指工商注册地和税务征管关系均在本区的法人。",
	} {
		if found := set.Screen(&corev1.PolicyText{Text: text}).Findings; !Flagged(found) {
			t.Errorf("not found: %s", text)
		}
	}
}

// Where the model takes every article for impossible, none is the likeliest.
func TestNoneIsLikeliest(t *testing.T) {
	w := weighing{taught: []*rule{nil, {article: "A"}}}
	w.relate()
	if best, chance := w.likeliest([]float64{1, 0}); best >= 0 || chance > 0 {
		t.Errorf("%d, %v", best, chance)
	}
}

// What a pack finds does not hang on which others look at the same text.
func TestPacksLeaveEachOtherAlone(t *testing.T) {
	both := builtinSet(t, "competition", "powers")
	alone := []*Set{builtinSet(t, "competition"), builtinSet(t, "powers")}
	said := func(f *corev1.Finding) string {
		return f.GetPack() + " " + f.GetRule() + " " + f.GetStrength().String() + " " + f.GetAnchor().GetQuote()
	}
	for _, one := range readClauses(t, "testdata/unseen_*.tsv") {
		var want, got []string
		for _, set := range alone {
			for _, f := range set.Screen(&corev1.PolicyText{Text: one.text}).Findings {
				want = append(want, said(f))
			}
		}
		for _, f := range both.Screen(&corev1.PolicyText{Text: one.text}).Findings {
			got = append(got, said(f))
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("together %q, alone %q: %s", got, want, one.text)
		}
	}
}

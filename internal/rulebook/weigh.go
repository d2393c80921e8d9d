package rulebook

import (
	"slices"
	"strings"
	"unicode/utf8"

	"fashen/internal/wording"
)

// No list of frames foresees every wording, so a pack may also have its clauses
// weighed: a model learnt from labelled clauses (package wording) tells how likely the
// words of a clause are to breach the pack, and which rule. The rule then says law,
// reason and rewrite; its suppressors hold as for a frame.

// byWordsNote tells a reader how such a finding came about.
const byWordsNote = "（本条由措辞比对得出，请结合上下文判断。）"

// weighed is what a pack says of the weighing of its clauses.
type weighed struct {
	model *wording.Model
	head  wording.Head
	// flag is the likelihood from which a clause is flagged by its words alone; keep
	// the one below which a hit of a frame is not told.
	flag, keep float64
}

// weighing is the weighing of one pack on one day.
type weighing struct {
	weighed
	pack string
	// taught are the rules in force that the model was taught of, by its numbers of
	// them; nil for the others.
	taught []*rule
	// articles are the numbers of those that stand for the same article.
	articles map[string][]int
	// needs is for each what a clause found by its words must hold.
	needs []*pattern
}

// What a model has to say to put its own provision before a frame's: so much for its own,
// and no more than such a part of that for the frame's. The frame's is told after it where
// its rule names the other one beside, and not at all where it does not.
const (
	preferred = 0.10
	doubted   = 0.40
)

// declareWording takes up what a pack says of the weighing of clauses.
func (l *loader) declareWording(f loadedFile, p *pack) {
	d := f.doc.Wording
	if d.Model.s == "" {
		return
	}
	w := &weighed{}
	var err error
	if w.model, err = wording.Builtin(); err != nil {
		l.fail(f.name, d.Model.line, "%w", err)
		return
	}
	var ok bool
	if w.head, ok = w.model.Head(d.Model.s); !ok {
		l.fail(f.name, d.Model.line, "wording: no clauses were learnt for %q", d.Model.s)
	}
	for _, bound := range []struct {
		said text
		to   *float64
	}{{d.Flag, &w.flag}, {d.Keep, &w.keep}} {
		if *bound.to, err = likelihood(bound.said.s); err != nil {
			l.fail(f.name, max(bound.said.line, d.Model.line), "wording: %w", err)
		}
	}
	p.wording = w
}

// weighings are the weighings of a set's packs.
func (s *Set) weighings(packs []string) []weighing {
	var out []weighing
	needs := s.lib.needs()
	for _, name := range packs {
		p := s.lib.packs[name]
		if p.wording == nil {
			continue
		}
		known := p.wording.model.Rules(p.wording.head)
		w := weighing{weighed: *p.wording, pack: name, taught: make([]*rule, len(known))}
		for _, class := range known {
			w.needs = append(w.needs, needs[class])
		}
		for _, r := range p.rules {
			if _, ok := s.active[r]; !ok {
				continue
			}
			for _, class := range r.classes() {
				if i, ok := slices.BinarySearch(known, class); ok && w.taught[i] == nil {
					w.taught[i] = r
				}
			}
		}
		w.relate()
		out = append(out, w)
	}
	return out
}

// needs are what clauses found by their words must hold, by rule. A rule that borrows
// frames borrows this with them.
func (l *Library) needs() map[string]*pattern {
	out := map[string]*pattern{}
	for _, p := range l.packs {
		for _, r := range p.rules {
			out[r.id] = r.needs
		}
	}
	return out
}

// relate finds out which of the rules taught stand for the same article.
func (w *weighing) relate() {
	w.articles = map[string][]int{}
	for i, r := range w.taught {
		if r != nil {
			w.articles[r.article] = append(w.articles[r.article], i)
		}
	}
}

// classes are the classes of a model that a rule stands for: its own id, or those whose
// frames it borrows.
func (r *rule) classes() []string {
	if len(r.doc.FramesOf) == 0 {
		return []string{r.id}
	}
	var out []string
	for _, t := range r.doc.FramesOf {
		out = append(out, t.s)
	}
	return out
}

// weigh has the words of a clause confirm, doubt or add to what the frames found; to a
// clause that nobody wrote so they add nothing, as nothing was learnt of such.
func (r *run) weigh() {
	m := r.m
	if len(r.set.weighed) == 0 || !isSentence(m.plainText[m.own:]) {
		return
	}
	model := r.set.weighed[0].model
	model.Weigh(m.plainText, &r.weight)
	if m.own > 0 {
		model.Weigh(m.plainText[m.own:], &r.alone)
	}
	for i := range r.set.weighed {
		r.judge(&r.set.weighed[i])
	}
}

// weightOf is what the words of a clause come to for a pack, and how likely it is so to
// breach it: an item with its lead-in, which may say what is wrong, or alone, as the fair
// words of a lead-in say nothing for it.
func (r *run) weightOf(w *weighing) (*wording.Weight, float64) {
	p := w.model.Likelihood(&r.weight, w.head)
	if r.m.own > 0 {
		if alone := w.model.Likelihood(&r.alone, w.head); alone > p {
			return &r.alone, alone
		}
	}
	return &r.weight, p
}

// judge has the weight of a clause confirm, doubt or add to the hits of a pack.
func (r *run) judge(w *weighing) {
	weight, p := r.weightOf(w)
	if p < w.keep && r.m.traits&hasDefinition == 0 { // what a definition does shows where its term is used
		r.hits = slices.DeleteFunc(r.hits, func(h hit) bool { return w.knows(h.rule) && !h.verify })
	}
	if r.made || p < w.bound(r.m.plainText) {
		return
	}
	r.chances = w.model.Chances(w.head, weight, r.chances)
	class, chance := w.likeliest(r.chances)
	if class < 0 {
		return
	}
	best := w.taught[class]
	doubtful := func(h hit) bool {
		return !h.verify && chance >= preferred && w.knows(h.rule) && w.chanceOf(r.chances, h.rule) < doubted*chance
	}
	told := slices.ContainsFunc(r.hits, func(h hit) bool {
		if h.verify { // it tells with the basis that is to be looked at
			return h.rule.pack == w.pack && h.rule.article == best.article
		}
		return h.rule.pack == w.pack && !doubtful(h)
	})
	if !told {
		h, ok := r.byWords(w, class)
		if !ok {
			return // nothing takes the place of what is doubted
		}
		r.hits = append(r.hits, h)
	}
	r.hits = slices.DeleteFunc(r.hits, func(h hit) bool { return doubtful(h) && !slices.Contains(h.rule.also, best.article) })
	for i := range r.hits {
		r.hits[i].doubted = r.hits[i].doubted || doubtful(r.hits[i])
	}
}

// bound is the likelihood from which a clause is flagged by its words: in a short one few
// words have been weighed, and a single one tips them.
func (w *weighing) bound(text string) float64 {
	const short = 90 // bytes: thirty characters
	if len(text) < short {
		return w.flag + 0.1
	}
	return w.flag
}

// knows reports whether the model may judge a rule's hits: it was taught of the rule, and
// does not speak against one of its examples. A rule of a region's own, or one that was
// changed to find what the model takes for lawful, is left to its frames.
func (w *weighing) knows(r *rule) bool { return !r.apart && slices.Contains(w.taught, r) }

// setApart finds the rules of which the words of an example would have the hit not told.
func (l *loader) setApart() {
	for _, name := range l.lib.names {
		p := l.lib.packs[name]
		if p.wording == nil {
			continue
		}
		s := &Set{lib: l.lib, active: map[*rule]ruleText{}}
		for _, r := range p.rules {
			s.active[r] = ruleText{}
		}
		s.weighed = s.weighings([]string{name})
		run := newRun(s)
		for _, r := range p.rules {
			r.apart = slices.ContainsFunc(r.doc.Violation, func(t text) bool { return run.silences(r, t.s) })
		}
		l.lib.giveBack(run.m)
	}
}

// silences reports whether the words of an example have all its hits not told.
func (r *run) silences(of *rule, example string) bool {
	found, told := false, false
	eachClause(example, func(c *clause) bool {
		r.m.reset(c)
		for _, f := range of.frames {
			h, ok := r.m.frame(f)
			if !ok || h.verify {
				continue
			}
			found, r.hits = true, append(r.hits[:0], h)
			r.weigh()
			told = told || slices.ContainsFunc(r.hits, func(h hit) bool { return h.rule == of })
			break
		}
		return !told
	})
	return found && !told
}

// likeliest is the article that a clause breaches most likely, by the likeliest class of
// it, -1 for none, and the chance of all its rules.
func (w *weighing) likeliest(chances []float64) (best int, chance float64) {
	best, own := -1, 0.0
	for i, r := range w.taught {
		if r == nil {
			continue
		}
		sum := w.chanceOf(chances, r)
		if sum > chance || sum == chance && chances[i] > own { // of one article the likeliest
			best, chance, own = i, sum, chances[i]
		}
	}
	return best, chance
}

// chanceOf is the chance of the article of a rule: of all that the model was taught of it.
func (w *weighing) chanceOf(chances []float64, r *rule) float64 {
	sum := 0.0
	for _, i := range w.articles[r.article] {
		sum += chances[i]
	}
	return sum
}

// isSentence reports whether a clause says something: a heading, a title, a cell of a table
// or a line to sign on has nothing in it to be weighed.
func isSentence(text string) bool {
	const least = 30 // bytes: ten characters
	for len(text) >= least {
		last, size := utf8.DecodeLastRuneInString(text)
		switch last {
		case ' ', '\t', '\r', '　', '”', '’', '」', '』', '）', ')', '》':
			text = text[:len(text)-size]
			continue
		case '。', '；', '！', '？', ';', '!', '?':
			return true
		case '：', ':':
			return false
		}
		return strings.Contains(text, "，")
	}
	return false
}

// byWords is the hit of a class's rule at the stretch of the clause whose words speak most for it,
// between commas, unless the clause lacks what the rule needs or suppresses it there.
func (r *run) byWords(w *weighing, class int) (hit, bool) {
	m, rule := r.m, w.taught[class]
	if needs := w.needs[class]; needs != nil && !m.occurs(needs) {
		return hit{}, false
	}
	start, end := w.model.Speaks(w.head, m.plainText)
	start = max(start, m.own)
	if end <= start {
		start, end = m.own, len(m.plainText)
	}
	letters := utf8.RuneCountInString(m.plainText[:start])
	head := stretch{letters, letters + utf8.RuneCountInString(m.plainText[start:end])}
	drop, verify := m.suppressed(&frame{rule: rule}, head)
	if drop {
		return hit{}, false
	}
	start, end = between(m.plainText, m.own, start, end)
	start, end = origin(m.names, start-m.own, end-m.own)
	return hit{rule: rule, start: start, end: end, verify: verify, words: true}, true
}

// between widens a stretch to the marks around it.
func between(text string, own, start, end int) (int, int) {
	const marks = "，。；：！？,;:!?\n"
	if i := strings.LastIndexAny(text[own:start], marks); i >= 0 {
		_, size := utf8.DecodeRuneInString(text[own+i:])
		start = own + i + size
	} else {
		start = own
	}
	if i := strings.IndexAny(text[end:], marks); i >= 0 {
		end += i
	} else {
		end = len(text)
	}
	body := text[start:end]
	start += len(body) - len(strings.TrimLeft(body, " \t　"))
	return start, end
}

// Examples calls yield for every example of a pack's rules that stands as a clause: the
// rule, the text, and whether it is one that the rule is to find.
func (l *Library) Examples(name string, yield func(rule, text string, breach bool)) {
	p, ok := l.packs[name]
	if !ok {
		return
	}
	for _, r := range p.rules {
		if r.check != nil || r.form != nil {
			continue
		}
		for _, t := range r.doc.Violation {
			yield(r.id, t.s, true)
		}
		for _, t := range r.doc.Clean {
			yield(r.id, t.s, false)
		}
	}
}

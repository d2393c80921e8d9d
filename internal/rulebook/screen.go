package rulebook

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/policytext"
	"fashen/internal/wording"
)

// MaxFindings bounds what one screening keeps.
const MaxFindings = 2000

// ruleText is what a rule's findings say that depends on pack and date.
type ruleText struct{ pack, law string }

// Set is the rules of some packs in force on one review date. It does not
// change and is safe for concurrent use.
type Set struct {
	lib    *Library
	day    time.Time
	labels []string
	active map[*rule]ruleText
	// named and residual are the frames of active rules, residual those of residual ones.
	named, residual bitset
	// waiting are those frames.
	waiting waitingList
	// checkRules are the active rules that run a check, in order.
	checkRules []*rule
	// formRules are those that run a check of form.
	formRules []*rule
	weighed   []weighing
}

// Version names packs and versions, such as `competition@2026.11+powers@2026.11`.
func (s *Set) Version() string { return strings.Join(s.labels, "+") }

// Size is the number of rules in force.
func (s *Set) Size() int { return len(s.active) }

// Date is the review date the set was chosen for, at midnight UTC.
func (s *Set) Date() time.Time { return s.day }

// Screening is the outcome of running a set over one text.
type Screening struct {
	// Findings in reading order; at one place the stronger first, then by rule.
	// Anchors name article, paragraph and item of the outline, code points of
	// the text and the quote; the caller fills in the revision.
	Findings []*corev1.Finding
	// Truncated is true when there was more than MaxFindings.
	Truncated bool
	// Version of the set that was run.
	Version string
}

// Screen runs the rules over a text. A text without outline is screened all
// the same, its anchors then name no article. A rule points at a sentence once.
func (s *Set) Screen(t *corev1.PolicyText) Screening { return s.ScreenClause(t, FactsOf(t)) }

// ScreenClause runs the rules over a text that may be a part of a document of
// which some facts are known.
func (s *Set) ScreenClause(t *corev1.PolicyText, facts Facts) Screening {
	return s.screen(t, facts, func() bool { return false })
}

// ScreenContext is [Set.ScreenClause] that ends, between two sentences, with the
// context.
func (s *Set) ScreenContext(ctx context.Context, t *corev1.PolicyText, facts Facts) (Screening, error) {
	out := s.screen(t, facts, func() bool { return ctx.Err() != nil })
	return out, ctx.Err()
}

func (s *Set) screen(t *corev1.PolicyText, facts Facts, stopped func() bool) Screening {
	r := newRun(s)
	defer s.lib.giveBack(r.m)
	out := Screening{Version: s.Version()}
	add := func(f *corev1.Finding) bool {
		if len(out.Findings) == MaxFindings {
			out.Truncated = true
			return false
		}
		locate(t, f.Anchor)
		f.Id = "f" + strconv.Itoa(len(out.Findings)+1)
		out.Findings = append(out.Findings, f)
		return true
	}
	forms := s.forms(t, &facts)
	eachClause(t.GetText(), func(c *clause) bool {
		if stopped() {
			return false
		}
		for ; len(forms) > 0 && int(forms[0].Anchor.Start) < c.runeStart; forms = forms[1:] {
			if !add(forms[0]) {
				return false
			}
		}
		hits, first := r.clause(c), len(out.Findings)
		has := r.m.traits
		for _, h := range hits {
			if !add(s.finding(c, h)) {
				return false
			}
		}
		if both, h, ok := r.contrast(c, len(hits) > 0); ok && !add(s.finding(both, h)) {
			return false
		}
		if own := out.Findings[first:]; !Flagged(own) {
			if f := r.coloured(c); f != nil && !add(f) {
				return false
			}
		}
		r.define(c, has, out.Findings[first:])
		for _, f := range s.checks(t, c, &facts, has) {
			if !add(f) {
				return false
			}
		}
		return true
	})
	for _, f := range forms {
		if stopped() || !add(f) {
			break
		}
	}
	return out
}

func (s *Set) finding(c *clause, h hit) *corev1.Finding {
	start := c.runeStart + codePoints(c.text[:h.start])
	quote := c.text[h.start:h.end]
	said := s.active[h.rule]
	f := &corev1.Finding{
		Rule: h.rule.id, Pack: said.pack, Article: h.rule.article,
		AlternativeArticles: slices.Clone(h.rule.also),
		Law:                 said.law, Strength: h.strength(),
		Reason: h.rule.reason, Rewrite: h.rule.rewrite, VerifyBasis: h.verify,
		Anchor: &corev1.Anchor{Start: int32(start), End: int32(start + codePoints(quote)), Quote: quote},
	}
	if h.words {
		f.Reason += byWordsNote
	}
	return f
}

// locate names the provision of an anchor by its first code point: a hit that
// reaches into the next provision is read where it begins.
func locate(t *corev1.PolicyText, a *corev1.Anchor) {
	first := &corev1.Anchor{Start: a.Start, End: a.Start + 1}
	policytext.Place(t, first)
	a.Part, a.Article, a.Paragraph, a.Item, a.SubItem = first.Part, first.Article, first.Paragraph, first.Item, first.SubItem
}

// run is the working memory of one screening.
type run struct {
	set    *Set
	m      *matcher
	queued bitset // frames of which literals were seen
	hits   []hit
	// residual: it is the turn of the frames of residual rules.
	residual bool
	pair     bool // two sentences at once: only rules that look for a contrast
	made     bool // the clause is not what is written: two at once, or read with a meaning
	prior    sentence
	terms    []term
	meaning  spelling       // of a term at hand
	weight   wording.Weight // of the clause
	alone    wording.Weight // of an item without its lead-in
	chances  []float64      // of rules, by the words of the clause
}

func newRun(s *Set) *run {
	return &run{set: s, m: s.lib.borrow(), queued: newBitset(len(s.lib.frames))}
}

// clause returns the hits of one clause, at most one per rule, best first, until the
// next. The frames of named items are asked first, then those of residual ones, which
// stand back behind the named items of their pack.
func (r *run) clause(c *clause) []hit {
	r.m.reset(c)
	clear(r.queued)
	r.set.waiting.queue(r.m.held, r.queued)
	r.hits = r.hits[:0]
	r.residual = false
	r.queued.both(r.set.named, r.ask)
	r.residual = true
	r.queued.both(r.set.residual, r.ask)
	r.weigh()
	slices.SortStableFunc(r.hits, compareHits)
	return r.hits
}

// ask adds the hit of a frame, where it has one that its rule has none better than.
func (r *run) ask(id int32) {
	f := r.set.lib.frames[id]
	if r.pair && !f.rule.contrast {
		return
	}
	n := len(r.hits)
	again := n > 0 && r.hits[n-1].rule == f.rule // frames of a rule are adjacent
	if again && !r.hits[n-1].verify || r.residual && behind(r.hits, f.rule) {
		return
	}
	h, ok := r.m.frame(f)
	switch {
	case !ok:
	case !again:
		r.hits = append(r.hits, h)
	case !h.verify:
		r.hits[n-1] = h
	}
}

// behind reports whether a named item of the residual rule's pack flags the clause: it
// says what is wrong, the residual one only that something is.
func behind(hits []hit, residual *rule) bool {
	return slices.ContainsFunc(hits, func(h hit) bool {
		return !h.rule.residual && !h.verify && h.rule.pack == residual.pack
	})
}

// compareHits puts a finding that flags before one that only asks to verify,
// then the stronger, then what is not doubted, then pack and the rule's position in it:
// packs list the more specific rule first.
func compareHits(a, b hit) int {
	return cmp.Or(
		cmp.Compare(rank(a.verify), rank(b.verify)),
		cmp.Compare(a.strength(), b.strength()),
		cmp.Compare(rank(a.doubted), rank(b.doubted)),
		strings.Compare(a.rule.pack, b.rule.pack),
		cmp.Compare(a.rule.order, b.rule.order),
		cmp.Compare(a.start, b.start),
	)
}

func rank(last bool) int {
	if last {
		return 1
	}
	return 0
}

// Flags reports whether a finding by itself flags its clause: one that only
// asks to verify a national basis does not, nor does a contextual prompt to look.
func Flags(f *corev1.Finding) bool {
	return !f.GetVerifyBasis() && f.GetStrength() != corev1.Strength_STRENGTH_CONTEXTUAL
}

// Flagged reports whether any finding flags.
func Flagged(findings []*corev1.Finding) bool { return slices.ContainsFunc(findings, Flags) }

// Articles lists the provisions of the findings once each, best first: those
// that flag before the others, then the stronger, then in the order found;
// alternatives stay with their finding and are not listed.
func Articles(findings []*corev1.Finding) []string {
	sorted := slices.Clone(findings)
	slices.SortStableFunc(sorted, func(a, b *corev1.Finding) int {
		return cmp.Or(
			cmp.Compare(rank(!Flags(a)), rank(!Flags(b))),
			cmp.Compare(a.GetStrength(), b.GetStrength()),
		)
	})
	out := []string{}
	for _, f := range sorted {
		if !slices.Contains(out, f.GetArticle()) {
			out = append(out, f.GetArticle())
		}
	}
	return out
}

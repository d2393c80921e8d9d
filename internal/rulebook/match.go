package rulebook

import (
	"math"
	"slices"
	"strings"

	corev1 "fashen/gen/fashen/core/v1"
)

// hit is one rule's best match in one clause.
type hit struct {
	rule       *rule
	start, end int // bytes of the clause's own text
	verify     bool
	words      bool // found by its words alone, not by a frame
	doubted    bool // its words speak for another article
}

// strength is that of the rule; what was found by words alone, or is doubted by them, is
// never more than presumptive.
func (h hit) strength() corev1.Strength {
	if h.words || h.doubted {
		return max(h.rule.strength, corev1.Strength_STRENGTH_PRESUMPTIVE)
	}
	return h.rule.strength
}

// maxHeads bounds how many heads of one frame are tried in one clause.
const maxHeads = 8

// matcher evaluates frames on one clause at a time and remembers what it has
// already searched there. It is not safe for concurrent use.
type matcher struct {
	sighting
	text      string // masked, names of places read as 本市
	plainText string // the same, not masked
	own       int
	traits                 // of what is written
	names     []namedPlace // of the clause's own text
	sought    []sought     // pattern -> its matches in text
	cued      []cued
	skip      *suppressor // left out, to test a suppressor against its examples
	plain     bool        // asks the expressions alone, to test what spares them
}

// sought are the matches of a pattern in the clause of an epoch.
type sought struct {
	epoch uint32
	locs  []stretch
}

// stretch is a part of the text that is read, in its code points.
type stretch struct{ from, to int }

// cued is how a cue stands in the clause of an epoch.
type cued struct {
	epoch uint32
	standing
}

func newMatcher(lib *Library) *matcher {
	return &matcher{sighting: newSighting(lib), sought: make([]sought, len(lib.patterns)), cued: make([]cued, lib.cues)}
}

// borrow gives a matcher to work with, until it is given back.
func (l *Library) borrow() *matcher {
	if m, ok := l.idle.Get().(*matcher); ok {
		return m
	}
	return newMatcher(l)
}

func (l *Library) giveBack(m *matcher) {
	m.text, m.names, m.skip, m.plain, m.work = "", nil, nil, false, 0
	l.idle.Put(m)
}

// reset takes up a clause.
func (m *matcher) reset(c *clause) {
	if m.epoch == math.MaxUint32 { // the answers of old would be taken for new ones
		clear(m.asked)
		clear(m.tried)
		clear(m.sought)
		clear(m.cued)
		m.epoch = 0
	}
	m.text, m.own = c.joined()
	m.traits, m.names = m.lib.spell(m.text, &m.spelling), nil
	if m.traits&(hasName|hasBareName) != 0 {
		read := *c
		read.lead, _ = m.lib.places.read(c.lead)
		if read.text, m.names = m.lib.places.read(c.text); read.lead != c.lead || m.names != nil {
			m.text, m.own = read.joined()
			m.lib.spell(m.text, &m.spelling)
		}
	}
	m.plainText = m.text
	m.text = m.look(m.text)
}

func (m *matcher) matches(p *pattern) []stretch {
	at := &m.sought[p.index]
	if at.epoch != m.epoch {
		m.work += len(m.text)
		at.epoch, at.locs = m.epoch, m.locate(p, at.locs[:0])
	}
	return at.locs
}

// locate finds the first matches of a pattern; into is room for them.
func (m *matcher) locate(p *pattern, into []stretch) []stretch {
	if !m.plain && p.dfa.all(m.classes, maxHeads, func(from, to int) { into = append(into, stretch{from, to}) }) {
		return into
	}
	into = into[:0]
	for _, loc := range p.re.FindAllStringIndex(m.text, maxHeads) {
		into = append(into, stretch{m.position(loc[0]), m.position(loc[1])})
	}
	return into
}

// bytes is a stretch in bytes of the text.
func (m *matcher) bytes(s stretch) (start, end int) { return int(m.at[s.from]), int(m.at[s.to]) }

func (m *matcher) occurs(p *pattern) bool {
	if m.plain {
		return len(m.matches(p)) > 0
	}
	return m.has(p, m.text)
}

// frame looks for the first unsuppressed hit of a frame in the current clause;
// failing that, for one that only asks to verify the basis.
func (m *matcher) frame(f *frame) (hit, bool) {
	if !m.fits(f) {
		return hit{}, false
	}
	var pending hit
	found := false
	for _, head := range m.matches(f.all[0]) {
		drop, verify := m.suppressed(f, head)
		if drop || verify && found {
			continue
		}
		start, end := m.span(f, head)
		if end == 0 {
			continue // wholly in the lead-in, which is a clause of its own
		}
		start, end = origin(m.names, start-m.own, end-m.own)
		h := hit{rule: f.rule, start: start, end: end, verify: verify}
		if !verify {
			return h, true
		}
		if !found {
			pending, found = h, true
		}
	}
	return pending, found
}

// fits reports whether a frame has all it looks for and nothing it excludes: first by the
// literals of the clause, then by expressions.
func (m *matcher) fits(f *frame) bool {
	all, none := f.open, f.openNone
	switch {
	case m.plain:
		all, none = f.all, f.none
	case !m.every(f.gates) || slices.ContainsFunc(f.bars, m.holds):
		return false
	case len(all) > 1 && !m.glances(all):
		return false
	}
	for _, p := range all {
		if !m.occurs(p) {
			return false
		}
	}
	for _, p := range none {
		if m.occurs(p) {
			return false
		}
	}
	return true
}

// glances reports whether all of some patterns may occur.
func (m *matcher) glances(patterns []*pattern) bool {
	for _, p := range patterns {
		if !m.glance(p) {
			return false
		}
	}
	return true
}

// span is the least stretch from the head to the nearest match of every other
// pattern, without what stands in the lead-in; end is 0 when all of it does.
func (m *matcher) span(f *frame, head stretch) (start, end int) {
	start, end = len(m.text), 0
	widen := func(from, to int) {
		if to > m.own {
			start, end = min(start, max(from, m.own)), max(end, to)
		}
	}
	from, to := m.bytes(head)
	widen(from, to)
	for _, p := range f.all[1:] {
		pick, dist := stretch{}, -1
		for _, s := range m.matches(p) {
			a, b := m.bytes(s)
			if d := max(a-to, from-b, 0); dist < 0 || d < dist {
				pick, dist = s, d
			}
		}
		widen(m.bytes(pick))
	}
	return start, end
}

func (m *matcher) suppressed(f *frame, head stretch) (drop, verify bool) {
	for _, s := range f.rule.suppressors {
		if s == m.skip || !m.cue(s, head, f.except[s]) {
			continue
		}
		if s.effect == effectDrop {
			return true, false
		}
		verify = true
	}
	return false, verify
}

// cue reports whether a cue of a suppressor stands by a head; for a frame that does
// without it, only one that governs the whole clause does.
func (m *matcher) cue(s *suppressor, head stretch, except bool) bool {
	for i := range s.cues {
		c := &s.cues[i]
		state := m.standing(c)
		if state == standsEverywhere || (!except && state == standsSomewhere && m.near(c, head)) {
			return true
		}
	}
	return false
}

// standing is what can be said of a cue before looking at a head, so that most
// cues cost one search a clause.
type standing int8

const (
	standsNowhere standing = iota
	standsSomewhere
	standsEverywhere
)

func (m *matcher) standing(c *cue) standing {
	known := &m.cued[c.index]
	if known.epoch == m.epoch {
		return known.standing
	}
	state := standsNowhere
	switch {
	case c.unless != nil && m.occurs(c.unless):
	case c.where == placeTitled:
		if strings.Contains(m.text, "《") {
			state = standsSomewhere
		}
	case !m.occurs(c.any):
	case c.where == placeSentence || m.governed(c):
		state = standsEverywhere
	default:
		state = standsSomewhere
	}
	*known = cued{m.epoch, state}
	return state
}

// governed reports whether a cue that belongs before the head governs the list
// of the lead-in, as 不得有下列行为： does, and with it the whole item.
func (m *matcher) governed(c *cue) bool {
	if c.where != placeBefore || m.own == 0 {
		return false
	}
	lead := stretch{0, m.position(m.own)}
	return m.stands(&c.placed, lead) || m.stands(&c.lead, lead)
}

// stands reports whether an expression matches in a part of the text, taken for a whole.
func (m *matcher) stands(e *expression, in stretch) bool {
	m.work += int(m.at[in.to] - m.at[in.from])
	if !m.plain {
		if yes, known := e.dfa.occurs(m.classes[in.from:in.to]); known {
			return yes
		}
	}
	return e.re.MatchString(m.text[m.at[in.from]:m.at[in.to]])
}

// near reports whether a cue stands by a head where it has to.
func (m *matcher) near(c *cue, head stretch) bool {
	end := len(m.classes)
	switch c.where {
	case placeBefore:
		return m.stands(&c.placed, stretch{0, head.from})
	case placeAfter:
		return m.stands(&c.placed, stretch{head.to, end})
	case placeWithin:
		return m.stands(&c.placed, head)
	case placeTitled:
		_, _, ok := m.enclosing(head, "《", "》")
		return ok
	case placeQuoted:
		open, closed, ok := m.enclosing(head, "“", "”")
		return ok && (m.stands(&c.placed, stretch{0, m.position(open)}) || m.stands(&c.placed, stretch{m.position(closed), end}))
	}
	return false
}

// enclosing finds the pair of marks around the head, when one encloses it, in bytes.
func (m *matcher) enclosing(head stretch, left, right string) (open, end int, ok bool) {
	s := m.text
	from, to := m.bytes(head)
	open = strings.LastIndex(s[:from], left)
	if open < 0 || strings.LastIndex(s[:from], right) > open {
		return 0, 0, false
	}
	if end = strings.Index(s[to:], right); end < 0 {
		return 0, 0, false
	}
	return open, to + end + len(right), true
}

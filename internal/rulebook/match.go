package rulebook

import (
	"math"
	"strings"
)

// hit is one rule's best match in one clause.
type hit struct {
	rule       *rule
	start, end int // bytes of the clause's own text
	verify     bool
}

// maxHeads bounds how many heads of one frame are tried in one clause.
const maxHeads = 8

// matcher evaluates frames on one clause at a time and remembers what it has
// already searched there. It is not safe for concurrent use.
type matcher struct {
	sighting
	text   string // masked, names of places read as 本市
	own    int
	names  []namedPlace // of the clause's own text
	sought []sought     // pattern -> its matches in text
	cued   map[cueKey]standing
	skip   *suppressor // left out, to test a suppressor against its examples
	plain  bool        // asks the expressions alone, to test what spares them
}

// sought are the matches of a pattern in the clause of an epoch.
type sought struct {
	epoch uint32
	locs  [][]int
}

type cueKey struct {
	s *suppressor
	i int
}

func newMatcher(lib *Library) *matcher {
	return &matcher{sighting: newSighting(lib), sought: make([]sought, len(lib.patterns)), cued: map[cueKey]standing{}}
}

// borrow gives a matcher to work with, until it is given back.
func (l *Library) borrow() *matcher {
	if m, ok := l.idle.Get().(*matcher); ok {
		return m
	}
	return newMatcher(l)
}

func (l *Library) giveBack(m *matcher) {
	m.text, m.names, m.skip, m.plain = "", nil, nil, false
	l.idle.Put(m)
}

// reset takes up a clause.
func (m *matcher) reset(c *clause) {
	if m.epoch == math.MaxUint32 { // the answers of old would be taken for new ones
		clear(m.held)
		clear(m.asked)
		clear(m.sought)
		m.epoch = 0
	}
	lead, _ := m.lib.places.read(c.lead)
	text, names := m.lib.places.read(c.text)
	m.names = names
	m.text, m.own = (&clause{lead: lead, text: text}).joined()
	clear(m.cued)
	m.text = m.look(m.text)
}

func (m *matcher) matches(p *pattern) [][]int {
	at := &m.sought[p.index]
	if at.epoch != m.epoch {
		m.work += len(m.text)
		at.epoch, at.locs = m.epoch, m.locate(p, at.locs[:0])
	}
	return at.locs
}

// locate finds the first matches of a pattern; into is room for them.
func (m *matcher) locate(p *pattern, into [][]int) [][]int {
	if !m.plain && p.dfa.all(&m.spelling, maxHeads, func(start, end int) { into = append(into, []int{start, end}) }) {
		return into
	}
	return p.re.FindAllStringIndex(m.text, maxHeads)
}

func (m *matcher) occurs(p *pattern) bool {
	if m.plain {
		return len(m.matches(p)) > 0
	}
	return m.has(p, m.text)
}

// frame looks for the first unsuppressed hit of a frame in the current clause;
// failing that, for one that only asks to verify the basis.
func (m *matcher) frame(f *frame) (hit, bool) {
	for _, p := range f.all {
		if !m.occurs(p) {
			return hit{}, false
		}
	}
	for _, p := range f.none {
		if m.occurs(p) {
			return hit{}, false
		}
	}
	var pending hit
	found := false
	for _, head := range m.matches(f.all[0]) {
		start, end := m.span(f, head)
		if end == 0 {
			continue // wholly in the lead-in, which is a clause of its own
		}
		drop, verify := m.suppressed(f, head)
		if drop {
			continue
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

// span is the least stretch from the head to the nearest match of every other
// pattern, without what stands in the lead-in; end is 0 when all of it does.
func (m *matcher) span(f *frame, head []int) (start, end int) {
	start, end = len(m.text), 0
	widen := func(loc []int) {
		if loc[1] > m.own {
			start, end = min(start, max(loc[0], m.own)), max(end, loc[1])
		}
	}
	widen(head)
	for _, p := range f.all[1:] {
		pick, dist := []int(nil), 0
		for _, loc := range m.matches(p) {
			d := max(loc[0]-head[1], head[0]-loc[1], 0)
			if pick == nil || d < dist {
				pick, dist = loc, d
			}
		}
		widen(pick)
	}
	return start, end
}

func (m *matcher) suppressed(f *frame, head []int) (drop, verify bool) {
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
func (m *matcher) cue(s *suppressor, head []int, except bool) bool {
	for i := range s.cues {
		c := &s.cues[i]
		state := m.standing(cueKey{s, i}, c)
		if state == standsEverywhere || (!except && state == standsSomewhere && c.near(m.text, head)) {
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

func (m *matcher) standing(key cueKey, c *cue) standing {
	state, ok := m.cued[key]
	if ok {
		return state
	}
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
	m.cued[key] = state
	return state
}

// governed reports whether a cue that belongs before the head governs the list
// of the lead-in, as 不得有下列行为： does, and with it the whole item.
func (m *matcher) governed(c *cue) bool {
	if c.where != placeBefore || m.own == 0 {
		return false
	}
	lead := m.text[:m.own]
	return c.re.MatchString(lead) || c.lead.MatchString(lead)
}

func (c *cue) near(s string, head []int) bool {
	switch c.where {
	case placeBefore:
		return c.re.MatchString(s[:head[0]])
	case placeAfter:
		return c.re.MatchString(s[head[1]:])
	case placeWithin:
		return c.re.MatchString(s[head[0]:head[1]])
	case placeTitled:
		_, _, ok := enclosing(s, head, "《", "》")
		return ok
	case placeQuoted:
		open, end, ok := enclosing(s, head, "“", "”")
		return ok && (c.re.MatchString(s[:open]) || c.re.MatchString(s[end:]))
	}
	return false
}

// enclosing finds the pair of marks around the head, when one encloses it.
func enclosing(s string, head []int, left, right string) (open, end int, ok bool) {
	open = strings.LastIndex(s[:head[0]], left)
	if open < 0 || strings.LastIndex(s[:head[0]], right) > open {
		return 0, 0, false
	}
	if end = strings.Index(s[head[1]:], right); end < 0 {
		return 0, 0, false
	}
	return open, head[1] + end + len(right), true
}

package rulebook

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
)

// presence answers whether a pattern occurs in a clause at all, which is what most
// patterns of a frame are asked. An alternation is taken apart: of the parts that are
// plain words the scan for literals has already told whether they occur, and each
// other part is searched only when its own literals do. Nothing is searched twice, and
// most patterns are not searched at all.
type presence struct {
	words []int32 // the set of literals that are the pattern, if any
	parts []option
}

// option is a part as a pattern holds it, with what is asked first.
type option struct {
	index int     // of the part
	gates []int32 // sets of literals of which it needs one each
	*part
}

// part is one alternative that is no plain word. Equal ones, of however many patterns,
// are one.
type part struct {
	dfa *dfa
	re  func() *regexp.Regexp // where the automaton cannot tell; compiled when it is first asked
}

// presenceOf takes an expression apart.
func (c *compiler) presenceOf(expr string) (presence, error) {
	var out presence
	var exact []string
	for _, alt := range alternatives(expr) {
		re, err := syntax.Parse(`(?s:`+alt+`)`, syntax.Perl)
		if err != nil {
			return out, err
		}
		c.machines.note(re)
		s := analyse(re)
		if s.known && useful(s.exact) && !anchored(re) {
			exact = append(exact, s.exact...)
			continue
		}
		p, ok := c.parts[alt]
		if !ok {
			p.index, p.part = len(c.parts), &part{
				dfa: newDFA(c.machines, `(?s:`+alt+`)`),
				re:  sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?s:` + alt + `)`) }),
			}
			for _, set := range s.required() {
				p.gates = append(p.gates, c.set(set))
			}
			c.parts[alt] = p
		}
		out.parts = append(out.parts, p)
	}
	if len(exact) > 0 {
		out.words = []int32{c.set(exact)}
	}
	return out, nil
}

// anchored reports whether an expression says where it has to stand.
func anchored(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	return slices.ContainsFunc(re.Sub, anchored)
}

// alternatives splits an expression at its outermost bars, through groups that hold
// nothing but alternatives.
func alternatives(expr string) []string {
	var out []string
	depth, class, from := 0, false, 0
	for i := 0; i < len(expr); i++ {
		switch ch := expr[i]; {
		case ch == '\\':
			i++
		case class:
			class = ch != ']'
		case ch == '[':
			class = true
			if i+1 < len(expr) && expr[i+1] == '^' {
				i++
			}
			if i+1 < len(expr) && expr[i+1] == ']' {
				i++
			}
		case ch == '(':
			depth++
		case ch == ')':
			depth--
		case ch == '|' && depth == 0:
			out = append(out, ungroup(expr[from:i])...)
			from = i + 1
		}
	}
	if from == 0 {
		if inner, ok := whole(expr); ok {
			return alternatives(inner)
		}
		return []string{expr}
	}
	return append(out, ungroup(expr[from:])...)
}

func ungroup(expr string) []string {
	if inner, ok := whole(expr); ok {
		return alternatives(inner)
	}
	return []string{expr}
}

// whole strips a group that is the whole of an expression.
func whole(expr string) (inner string, ok bool) {
	inner, ok = strings.CutPrefix(expr, "(?:")
	if !ok || !strings.HasSuffix(inner, ")") {
		return expr, false
	}
	inner = inner[:len(inner)-1]
	depth, class := 0, false
	for i := 0; i < len(inner); i++ {
		switch ch := inner[i]; {
		case ch == '\\':
			i++
		case class:
			class = ch != ']'
		case ch == '[':
			class = true
		case ch == '(':
			depth++
		case ch == ')':
			if depth--; depth < 0 {
				return expr, false
			}
		}
	}
	return inner, depth == 0 && !class
}

// sighting remembers which literals occur in the current clause, and what has been
// asked of its patterns.
type sighting struct {
	spelling
	lib   *Library
	epoch uint32
	ended []int32  // states of the scan in which literals ended
	held  bitset   // sets of literals of which one was seen
	asked []answer // of each pattern, whether it occurs
	tried []answer // the same of each part
	work  int      // bytes that expressions were set to search, for tests that count it
}

func newSighting(lib *Library) sighting {
	return sighting{
		lib: lib, held: newBitset(lib.sets),
		asked: make([]answer, len(lib.patterns)), tried: make([]answer, lib.parts),
	}
}

// answer is what is known since an epoch.
type answer struct {
	epoch uint32
	yes   bool
}

// look scans a clause that was spelt for literals, and once more without what only looks
// like one.
// It returns the clause as patterns see it.
func (s *sighting) look(text string) string {
	s.epoch++
	if s.scan(); s.holds(setMasked) {
		text = s.lib.masks.Replace(text)
		s.lib.spell(text, &s.spelling)
		s.scan()
	}
	return text
}

func (s *sighting) scan() {
	clear(s.held)
	s.held.set(setAlways)
	s.ended = s.lib.scanner.scan(s.classes, s.ended[:0])
	s.lib.within.mark(s.ended, s.held)
}

// every reports whether of each set a literal occurs.
func (s *sighting) every(sets []int32) bool {
	for _, set := range sets {
		if !s.holds(set) {
			return false
		}
	}
	return true
}

func (s *sighting) holds(set int32) bool { return s.held.has(set) }

// glance reports whether a pattern may occur in the clause that was looked at, by its
// literals alone.
func (s *sighting) glance(p *pattern) bool {
	a := &s.asked[p.index]
	if a.epoch == s.epoch {
		return a.yes
	}
	if len(p.words) > 0 && s.every(p.words) {
		*a = answer{s.epoch, true}
		return true
	}
	for _, alt := range p.parts {
		if s.every(alt.gates) {
			return true
		}
	}
	*a = answer{s.epoch, false}
	return false
}

// has reports whether a pattern occurs in the clause that was looked at.
func (s *sighting) has(p *pattern, text string) bool {
	a := &s.asked[p.index]
	if a.epoch != s.epoch {
		*a = answer{s.epoch, s.search(p, text)}
	}
	return a.yes
}

func (s *sighting) search(p *pattern, text string) bool {
	if len(p.presence.words) > 0 && s.every(p.presence.words) {
		return true
	}
	for _, alt := range p.presence.parts {
		a := &s.tried[alt.index]
		if a.epoch != s.epoch {
			*a = answer{s.epoch, s.every(alt.gates) && s.try(alt.part, text)}
		}
		if a.yes {
			return true
		}
	}
	return false
}

func (s *sighting) try(p *part, text string) bool {
	s.work += len(text)
	yes, known := p.dfa.occurs(s.classes)
	return yes || !known && p.re().MatchString(text)
}

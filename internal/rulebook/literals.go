package rulebook

import (
	"regexp/syntax"
	"unicode/utf8"
)

// Bounds of the literal analysis. Past them a part of an expression simply
// counts as "may be anything", which costs speed, never a match.
const (
	maxClassRunes = 16
	maxLiterals   = 512
	maxCross      = 64
)

// shape is what is known of an expression: either exactly the strings it
// matches, or sets of literals that any match must contain.
type shape struct {
	exact []string
	known bool
	sets  [][]string
}

func exactly(s ...string) shape { return shape{exact: s, known: true} }

// required is a conjunction of sets, of each of which at least one member must occur;
// none where nothing can be said.
func (s shape) required() [][]string {
	if !s.known {
		return s.sets
	}
	if useful(s.exact) {
		return [][]string{s.exact}
	}
	return nil
}

func useful(set []string) bool {
	for _, s := range set {
		if s == "" {
			return false
		}
	}
	return len(set) > 0
}

func analyse(re *syntax.Regexp) shape {
	if re.Flags&syntax.FoldCase != 0 {
		return shape{}
	}
	switch re.Op {
	case syntax.OpLiteral:
		return exactly(string(re.Rune))
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText,
		syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return exactly("")
	case syntax.OpCharClass:
		return classShape(re.Rune)
	case syntax.OpCapture:
		return analyse(re.Sub[0])
	case syntax.OpQuest:
		return optional(analyse(re.Sub[0]))
	case syntax.OpPlus:
		return shape{sets: analyse(re.Sub[0]).required()}
	case syntax.OpRepeat:
		if re.Min > 0 {
			return shape{sets: analyse(re.Sub[0]).required()}
		}
		if re.Max == 1 {
			return optional(analyse(re.Sub[0]))
		}
		return shape{}
	case syntax.OpConcat:
		return concatShape(re.Sub)
	case syntax.OpAlternate:
		return alternateShape(re.Sub)
	default:
		return shape{}
	}
}

func classShape(ranges []rune) shape {
	var out []string
	for i := 0; i+1 < len(ranges); i += 2 {
		if int(ranges[i+1]-ranges[i]) >= maxClassRunes {
			return shape{}
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if out = append(out, string(r)); len(out) > maxClassRunes {
				return shape{}
			}
		}
	}
	return shape{exact: out, known: len(out) > 0}
}

func optional(s shape) shape {
	if !s.known {
		return shape{}
	}
	return exactly(append([]string{""}, s.exact...)...)
}

func concatShape(subs []*syntax.Regexp) shape {
	run, whole, sets := []string{""}, true, [][]string(nil)
	flush := func() {
		if useful(run) {
			sets = append(sets, run)
		}
		run, whole = []string{""}, false
	}
	for _, sub := range subs {
		s := analyse(sub)
		switch {
		case !s.known:
			flush()
			sets = append(sets, s.sets...)
		case len(run)*len(s.exact) > maxCross && !(len(run) == 1 && run[0] == ""):
			flush()
			run = s.exact
		default:
			run = cross(run, s.exact)
		}
	}
	if whole {
		return exactly(run...)
	}
	flush()
	return shape{sets: sets}
}

func cross(a, b []string) []string {
	out := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			out = append(out, x+y)
		}
	}
	return out
}

func alternateShape(subs []*syntax.Regexp) shape {
	var union []string
	known := true
	for _, sub := range subs {
		s := analyse(sub)
		set := s.exact
		if !s.known {
			known = false
			set = best(s.sets)
		}
		if len(set) == 0 || (!known && !useful(set)) {
			return shape{}
		}
		if union = append(union, set...); len(union) > maxLiterals {
			return shape{}
		}
	}
	if known {
		return exactly(union...)
	}
	if !useful(union) {
		return shape{}
	}
	return shape{sets: [][]string{union}}
}

// best picks the set that rejects most texts: the longest shortest member,
// then the fewest members.
func best(sets [][]string) []string {
	var pick []string
	bestLen := 0
	for _, set := range sets {
		n := shortest(set)
		if n > bestLen || (n == bestLen && len(set) < len(pick)) {
			pick, bestLen = set, n
		}
	}
	return pick
}

func shortest(set []string) int {
	n := 1 << 30
	for _, s := range set {
		n = min(n, utf8.RuneCountInString(s))
	}
	return n
}

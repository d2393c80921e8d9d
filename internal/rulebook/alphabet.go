package rulebook

import (
	"cmp"
	"maps"
	"regexp/syntax"
	"slices"
	"sort"
	"unicode"
	"unicode/utf8"
)

// maxRanges bounds the sets of several code points that an alphabet tells apart; those
// of a library from outside could be very many.
const maxRanges = 2048

// alphabet puts code points that no expression and no literal of a library tells apart
// into one class, so that a clause is turned into classes once and every automaton of
// the library reads those. It is noted down while the library is compiled, sealed at the
// end, and does not change afterwards.
type alphabet struct {
	single map[rune]bool     // code points that stand for themselves
	ranges map[string][]rune // pairs of first and last, by their code points

	bounds  []rune            // where intervals of code points begin, in order
	classes []int32           // interval -> class
	flat    []uint32          // code point of the basic plane -> class, and traits above it
	beyond  traits            // that some code point outside that plane has
	reps    []rune            // class -> one of its code points
	inside  map[string]bitset // set of several code points -> the classes it is made of
}

func newAlphabet() *alphabet {
	return &alphabet{single: map[rune]bool{}, ranges: map[string][]rune{}}
}

// note tells the code points of an expression apart. What it was not told of,
// [alphabet.knows] denies.
func (a *alphabet) note(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		a.word(string(re.Rune))
	case syntax.OpCharClass:
		a.set(re.Rune)
	case syntax.OpAnyCharNotNL:
		a.set([]rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune})
	case syntax.OpBeginLine, syntax.OpEndLine:
		a.single['\n'] = true
	}
	for _, sub := range re.Sub {
		a.note(sub)
	}
}

func (a *alphabet) word(s string) {
	for _, r := range s {
		a.single[r] = true
	}
}

func (a *alphabet) set(ranges []rune) {
	if len(ranges) == 2 && ranges[0] == ranges[1] {
		a.single[ranges[0]] = true
		return
	}
	if len(a.ranges) < maxRanges {
		a.ranges[string(ranges)] = ranges
	}
}

// knows reports whether a set of code points is made up of whole classes.
func (a *alphabet) knows(ranges []rune) bool {
	switch {
	case len(ranges) == 1 || len(ranges) == 2 && ranges[0] == ranges[1]:
		return a.single[ranges[0]]
	case len(ranges) == 2 && ranges[0] == 0 && ranges[1] == unicode.MaxRune:
		return true
	}
	_, ok := a.ranges[string(ranges)]
	return ok
}

// members are the classes that make up a set of several code points, once the alphabet is
// sealed; some is false for the set of all.
func (a *alphabet) members(ranges []rune) (in bitset, some bool) {
	in, some = a.inside[string(ranges)]
	return in, some
}

// seal numbers the classes; often is how often code points stand in texts.
func (a *alphabet) seal(often map[rune]int) {
	a.bounds = []rune{0}
	for r := range a.single {
		a.bounds = append(a.bounds, r, r+1)
	}
	for _, set := range a.ranges {
		for i := 0; i+1 < len(set); i += 2 {
			a.bounds = append(a.bounds, set[i], set[i+1]+1)
		}
	}
	slices.Sort(a.bounds)
	a.bounds = slices.Compact(a.bounds)

	// Every interval of a code point that stands for itself is a class, all others are
	// one, which each set divides.
	a.classes = make([]int32, len(a.bounds))
	n := int32(1)
	for i, first := range a.bounds {
		if a.single[first] {
			a.classes[i] = n
			n++
		}
	}
	for _, key := range slices.Sorted(maps.Keys(a.ranges)) {
		set, inside := a.ranges[key], map[int32]int32{}
		for i := 0; i+1 < len(set); i += 2 {
			for at := a.interval(set[i]); at < len(a.bounds) && a.bounds[at] <= set[i+1]; at++ {
				class := &a.classes[at]
				if inside[*class] == 0 {
					inside[*class] = n
					n++
				}
				*class = inside[*class]
			}
		}
	}
	a.number(often)
	a.inside = map[string]bitset{}
	for key, set := range a.ranges {
		in := newBitset(len(a.reps))
		for i := 0; i+1 < len(set); i += 2 {
			for at := a.interval(set[i]); at < len(a.bounds) && a.bounds[at] <= set[i+1]; at++ {
				in.set(a.classes[at])
			}
		}
		a.inside[key] = in
	}
	a.flat = make([]uint32, 1<<16)
	for i, first := range a.bounds {
		end := rune(len(a.flat))
		if i+1 < len(a.bounds) {
			end = min(end, a.bounds[i+1])
		}
		for r := first; r < end; r++ {
			a.flat[r] = uint32(a.classes[i])
		}
	}
}

// number numbers the classes without gaps, those of common code points first, so that
// what is looked up by class lies close together, and picks a code point of each.
func (a *alphabet) number(often map[rune]int) {
	weight, first := map[int32]int{}, map[int32]rune{}
	for r, n := range often {
		weight[a.classes[a.interval(r)]] += n
	}
	for i, r := range slices.Backward(a.bounds) {
		first[a.classes[i]] = r
	}
	order := slices.SortedFunc(maps.Keys(first), func(x, y int32) int {
		return cmp.Or(cmp.Compare(weight[y], weight[x]), cmp.Compare(first[x], first[y]))
	})
	to := make(map[int32]int32, len(order))
	for class, from := range order {
		to[from] = int32(class)
		a.reps = append(a.reps, first[from])
	}
	for i, from := range a.classes {
		a.classes[i] = to[from]
	}
}

func (a *alphabet) interval(r rune) int {
	return sort.Search(len(a.bounds), func(i int) bool { return a.bounds[i] > r }) - 1
}

func (a *alphabet) class(r rune) int32 {
	if int(r) < len(a.flat) {
		return int32(a.flat[r] & maxClass)
	}
	return a.classes[a.interval(r)]
}

// spelling is a text as the automata read it.
type spelling struct {
	classes []int32
	at      []int32 // where each begins, in bytes, and where the last ends
}

// position is the code point that begins at a byte.
func (s *spelling) position(at int) int {
	n, _ := slices.BinarySearch(s.at, int32(at))
	return n
}

// spell reads a text in, and tells its traits. A byte that is no UTF-8 is read as U+FFFD,
// as regexp does.
func (a *alphabet) spell(text string, into *spelling) (have traits) {
	if cap(into.at) <= len(text) {
		into.classes, into.at = make([]int32, 2*len(text)), make([]int32, 2*len(text)+1)
	}
	classes, at := into.classes[:len(text)], into.at[:len(text)+1]
	n, last := 0, traits(0)
	for i := 0; i < len(text); n++ {
		at[n] = int32(i)
		var r rune
		if isHan(text, i) {
			r = rune(text[i]&0x0F)<<12 | rune(text[i+1]&0x3F)<<6 | rune(text[i+2]&0x3F)
			i += 3
		} else {
			var size int
			r, size = runeAt(text, i)
			i += size
		}
		t := a.beyond
		if int(r) < len(a.flat) {
			v := a.flat[r]
			classes[n], t = int32(v&maxClass), traits(v>>classBits)
		} else {
			classes[n] = a.class(r)
		}
		have |= t&singles | last&(t>>pairs)
		last = t
	}
	at[n] = int32(len(text))
	into.classes, into.at = classes[:n], at[:n+1]
	return have
}

// codePoints is [utf8.RuneCountInString] of such a text.
func codePoints(s string) (n int) {
	for i := 0; i < len(s); n++ {
		if isHan(s, i) {
			i += 3
			continue
		}
		_, size := runeAt(s, i)
		i += size
	}
	return n
}

// isHan reports whether the character at a byte of a text is one of U+4000 to U+9FFF,
// which need no care.
func isHan(s string, i int) bool {
	return i+2 < len(s) && s[i]-0xE4 < 6 && s[i+1]&0xC0 == 0x80 && s[i+2]&0xC0 == 0x80
}

// runeAt is [utf8.DecodeRuneInString] at a byte of a text most of whose characters take
// three.
func runeAt(s string, i int) (r rune, size int) {
	b := s[i]
	if b < utf8.RuneSelf {
		return rune(b), 1
	}
	if b&0xF0 == 0xE0 && i+2 < len(s) && s[i+1]&0xC0 == 0x80 && s[i+2]&0xC0 == 0x80 {
		r = rune(b&0x0F)<<12 | rune(s[i+1]&0x3F)<<6 | rune(s[i+2]&0x3F)
		if r >= 0x800 && (r < 0xD800 || r > 0xDFFF) {
			return r, 3
		}
	}
	return utf8.DecodeRuneInString(s[i:])
}

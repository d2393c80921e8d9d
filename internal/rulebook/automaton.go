package rulebook

// automaton finds every one of a set of literals in one pass over the bytes of
// a text (Aho–Corasick, compiled to a table over the byte values that occur).
type automaton struct {
	class [256]uint16
	width int
	next  []int32 // state*width + class -> state, with the mark of one where literals end
	out   [][]int32
}

// ends marks a state where literals end, so that the scan looks up what ends only there.
const ends = 1 << 30

// newAutomaton compiles literals; the number reported for a hit is the index
// in the list. Literals must not be empty.
func newAutomaton(literals []string) *automaton {
	a := &automaton{width: 1}
	for _, l := range literals {
		for i := range len(l) {
			if a.class[l[i]] == 0 {
				a.class[l[i]] = uint16(a.width)
				a.width++
			}
		}
	}
	a.addState()
	for id, l := range literals {
		s := int32(0)
		for i := range len(l) {
			at := int(s)*a.width + int(a.class[l[i]])
			if a.next[at] == 0 {
				a.next[at] = a.addState()
			}
			s = a.next[at]
		}
		a.out[s] = append(a.out[s], int32(id))
	}
	a.link()
	for i, t := range a.next {
		if len(a.out[t]) > 0 {
			a.next[i] |= ends
		}
	}
	return a
}

func (a *automaton) addState() int32 {
	a.next = append(a.next, make([]int32, a.width)...)
	a.out = append(a.out, nil)
	return int32(len(a.out) - 1)
}

// link turns the trie into a complete automaton, breadth first: a missing edge
// goes where the longest proper suffix would go.
func (a *automaton) link() {
	fail := make([]int32, len(a.out))
	var queue []int32
	for c := range a.width {
		if s := a.next[c]; s != 0 {
			queue = append(queue, s)
		}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		a.out[s] = append(a.out[s], a.out[fail[s]]...)
		for c := range a.width {
			at := int(s)*a.width + c
			via := a.next[int(fail[s])*a.width+c]
			if t := a.next[at]; t != 0 {
				fail[t] = via
				queue = append(queue, t)
			} else {
				a.next[at] = via
			}
		}
	}
}

// scan calls hit with the number of every literal each time it ends in s.
func (a *automaton) scan(s string, hit func(id int32)) {
	state := int32(0)
	for i := range len(s) {
		t := a.next[int(state)*a.width+int(a.class[s[i]])]
		if state = t &^ ends; t != state {
			for _, id := range a.out[state] {
				hit(id)
			}
		}
	}
}

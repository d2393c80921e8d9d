package rulebook

import (
	"sync"
	"sync/atomic"
)

// Bounds of what the automata of one library keep, in bytes, about: together, and each.
const (
	maxAutomata  = 64 << 20
	maxAutomaton = 2 << 20
)

// maxSets bounds the sets of several code points in one expression that has an automaton.
const maxSets = 96

// machines is what the automata of a library share.
type machines struct {
	*alphabet
	used atomic.Int64 // bytes the automata hold
	// limit and each bound the bytes of all automata and of one.
	limit, each int
	// asleep leaves all to regexp: what is asked once needs no automaton.
	asleep bool
}

func newMachines() *machines {
	return &machines{alphabet: newAlphabet(), limit: maxAutomata, each: maxAutomaton}
}

// take reserves room, where there is some.
func (m *machines) take(n int) bool {
	if m.used.Add(int64(n)) <= int64(m.limit) {
		return true
	}
	m.used.Add(int64(-n))
	return false
}

// dfa finds where an expression matches, as regexp does, one table look-up a code point.
// Its states are made when a text first leads to them and kept, within bounds, for all
// that follow; where the bounds are reached it forgets them and lets the caller ask
// regexp that once. So are expressions answered that fold case or speak of the ends of
// words or lines: it has no automaton for those.
//
// One automaton runs forward and knows where the match ends that regexp prefers; the
// other runs from there backward and knows how far to the left it may begin. The left
// end of the longest is that of the match: had another begun before it, the one that
// regexp prefers would have too. It is safe for concurrent use.
type dfa struct {
	expr              string
	machines          *machines
	forward, backward lazyHalf
}

func newDFA(m *machines, expr string) *dfa { return &dfa{expr: expr, machines: m} }

// lazyHalf is built when it is first asked.
type lazyHalf struct {
	once sync.Once
	none bool
	half
}

func (d *dfa) ahead() *table { return d.forward.get(d, false) }
func (d *dfa) back() *table  { return d.backward.get(d, true) }

// get gives the table of an automaton, nil where there is none or no room for it now.
func (l *lazyHalf) get(d *dfa, backward bool) *table {
	if t := l.table.Load(); t != nil && t.first != 0 {
		return t
	}
	if d.machines.asleep {
		return nil
	}
	l.once.Do(func() {
		l.backward, l.machines = backward, d.machines
		l.none = !l.build(d.expr)
	})
	if l.none {
		return nil
	}
	return l.begun()
}

// occurs reports whether the expression matches somewhere in what is taken for a whole
// text; known is false where it cannot tell.
func (d *dfa) occurs(classes []int32) (yes, known bool) {
	t := d.ahead()
	if t == nil {
		return false, false
	}
	end, known := d.forward.run(t, classes, true, true)
	return end >= 0, known
}

// all calls found with the matches that do not overlap, from the left, in code points,
// until it has been given n; known is false where it cannot tell, and what it said then
// is void.
func (d *dfa) all(text []int32, n int, found func(from, to int)) (known bool) {
	for from := 0; n > 0; n-- {
		t := d.ahead()
		if t == nil || from > 0 && d.forward.lines && d.machines.reps[text[from-1]] == '\n' {
			return false
		}
		end, known := d.forward.run(t, text[from:], from == 0, false)
		if !known || end < 0 {
			return known
		}
		end += from
		if t = d.back(); t == nil {
			return false
		}
		length, known := d.backward.back(t, text[from:end], from == 0, end == len(text))
		if !known || length <= 0 {
			return false
		}
		found(end-length, end)
		from = end
	}
	return true
}

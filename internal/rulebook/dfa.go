package rulebook

import (
	"regexp/syntax"
	"slices"
	"sync"
	"sync/atomic"
	"unicode"
)

// Bounds of what the automata of one library keep, in bytes, about: together, and each.
const (
	maxAutomata  = 64 << 20
	maxAutomaton = 2 << 20
)

// maxSets bounds the sets of several code points in one expression that has an automaton.
const maxSets = 24

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
// regexp that once. So are expressions answered that say where they have to stand or
// fold case: it has no automaton for those.
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

func (d *dfa) ahead() *half { return d.forward.get(d, false) }
func (d *dfa) back() *half  { return d.backward.get(d, true) }

func (l *lazyHalf) get(d *dfa, backward bool) *half {
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
	return &l.half
}

// occurs reports whether the expression matches somewhere; known is false where
// it cannot tell.
func (d *dfa) occurs(text *spelling) (yes, known bool) {
	f := d.ahead()
	if f == nil {
		return false, false
	}
	end, known := f.run(text.classes, true)
	return end >= 0, known
}

// all calls found with the matches that do not overlap, from the left, in bytes, until it
// has been given n; known is false where it cannot tell, and what it said then is void.
func (d *dfa) all(text *spelling, n int, found func(start, end int)) (known bool) {
	f := d.ahead()
	if f == nil {
		return false
	}
	for from := 0; n > 0; n-- {
		end, known := f.run(text.classes[from:], false)
		if !known || end < 0 {
			return known
		}
		end += from
		b := d.back()
		if b == nil {
			return false
		}
		length, known := b.back(text.classes[from:end])
		if !known || length <= 0 {
			return false
		}
		found(int(text.at[end-length]), int(text.at[end]))
		from = end
	}
	return true
}

// build makes the automaton, if there can be one.
func (h *half) build(expr string) bool {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return false
	}
	re = re.Simplify()
	if h.backward {
		reverse(re)
	}
	if h.prog, err = syntax.Compile(re); err != nil || !h.machines.take(2*len(h.machines.reps)+4*len(h.prog.Inst)) {
		return false
	}
	if !h.classify() {
		return false
	}
	h.marks = make([]uint32, len(h.prog.Inst))
	h.forget()
	if h.backward {
		return true
	}
	h.begins = newBitset(len(h.local))
	for class, rep := range h.machines.reps {
		if slices.ContainsFunc(h.list, func(pc uint32) bool { return pc != again && h.prog.Inst[pc].MatchRune(rep) }) {
			h.begins.set(int32(class))
		}
	}
	return true
}

// reverse turns an expression into the one of its matches read backward.
func reverse(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		slices.Reverse(re.Rune)
	case syntax.OpConcat:
		slices.Reverse(re.Sub)
	}
	for _, sub := range re.Sub {
		reverse(sub)
	}
}

// half is the automaton of one direction.
type half struct {
	machines *machines
	prog     *syntax.Prog
	backward bool     // from one place, as far as it goes; else from everywhere, as regexp prefers
	local    []uint16 // class of the alphabet -> class of this expression
	begins   bitset   // classes of the alphabet with which a match may begin
	reps     []rune   // class of this expression -> one of its code points

	table atomic.Pointer[table]

	mu     sync.Mutex
	states map[string]uint32 // by their instructions
	insts  [][]uint32        // state -> the instructions a text may have led to, the preferred first
	held   int               // bytes of all that
	marks  []uint32          // instruction -> turn it was last reached in
	turn   uint32
	list   []uint32
	cut    bool
}

// table holds, for each state and class of the expression, the state that follows, with
// its marks; 0 where that is not yet known. Where it is too short it is copied; readers
// of the old one come to the end of what it knows, and take the new one.
type table struct {
	next []uint32
	age  uint32 // how often all was forgotten before
}

// A state is its number from 1 on, with marks.
const (
	matches = 1 << 31 // a match ends here
	dead    = 1 << 30 // nothing can follow
	number  = dead - 1
	first   = 1 // the state before anything was read
)

// again stands behind the instructions of a state that may still begin a match.
const again = ^uint32(0)

// classify merges the classes that the expression does not tell apart. It fails for an
// expression that asks more than what the next code point is.
func (h *half) classify() bool {
	var sets []*syntax.Inst
	seen := map[string]bool{}
	h.local, h.reps = make([]uint16, len(h.machines.reps)), []rune{0}
	if len(h.local) == 0 || len(h.local) >= 1<<16-1 {
		return false
	}
	own := func(class int32) {
		h.local[class] = uint16(len(h.reps))
		h.reps = append(h.reps, h.machines.reps[class])
	}
	for i := range h.prog.Inst {
		inst := &h.prog.Inst[i]
		ranges := inst.Rune
		switch inst.Op {
		case syntax.InstEmptyWidth:
			return false
		case syntax.InstRune, syntax.InstRune1:
			if syntax.Flags(inst.Arg)&syntax.FoldCase != 0 || !h.machines.knows(ranges) {
				return false
			}
		case syntax.InstRuneAnyNotNL:
			if ranges = []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}; !h.machines.knows(ranges) {
				return false
			}
		default:
			continue
		}
		if key := string(ranges); !seen[key] {
			seen[key] = true
			if len(ranges) == 1 || len(ranges) == 2 && ranges[0] == ranges[1] {
				if class := h.machines.class(ranges[0]); h.local[class] == 0 {
					own(class)
				}
				continue
			}
			if sets = append(sets, inst); len(sets) > maxSets {
				return false
			}
		}
	}
	for _, inst := range sets {
		h.split(inst)
	}
	return true
}

// split divides each class into what a set holds of it and what it does not.
func (h *half) split(set *syntax.Inst) {
	type side struct {
		class uint16
		in    bool
	}
	sides := map[side]uint16{}
	reps := h.reps[:0:0]
	for class, rep := range h.machines.reps {
		key := side{h.local[class], set.MatchRune(rep)}
		to, ok := sides[key]
		if !ok {
			to = uint16(len(reps))
			sides[key] = to
			reps = append(reps, rep)
		}
		h.local[class] = to
	}
	h.reps = reps
}

// run reads a text and returns where the preferred match ends, -1 for none; or,
// early, where the first is seen.
func (h *half) run(text []int32, early bool) (end int, known bool) {
	t := h.begun()
	if t == nil {
		return -1, false
	}
	end = -1
	width, s := uint32(len(h.reps)), uint32(first)
	for i, class := range text {
		if s == first && !h.begins.has(class) {
			continue // the first state goes on to itself
		}
		to := atomic.LoadUint32(&t.next[(s&number-1)*width+uint32(h.local[class])])
		if to == 0 {
			if to, t = h.step(t, s&number, h.local[class]); to == 0 {
				return -1, false
			}
		}
		if s = to; s >= dead {
			if s&dead != 0 {
				break
			}
			if end = i + 1; early {
				return end, true
			}
		}
	}
	return end, true
}

// back reads a text from its end and returns how long the longest match is that ends
// there.
func (h *half) back(text []int32) (length int, known bool) {
	t := h.begun()
	if t == nil {
		return 0, false
	}
	width, s := uint32(len(h.reps)), uint32(first)
	for i := len(text) - 1; i >= 0; i-- {
		class := h.local[text[i]]
		to := atomic.LoadUint32(&t.next[(s&number-1)*width+uint32(class)])
		if to == 0 {
			if to, t = h.step(t, s&number, class); to == 0 {
				return 0, false
			}
		}
		if s = to; s >= dead {
			if s&dead != 0 {
				break
			}
			length = len(text) - i
		}
	}
	return length, true
}

// step works out where a class leads from a state, and gives the table that knows; 0 when
// there is no room for it, and then all is forgotten, or when it has been meanwhile.
func (h *half) step(t *table, from uint32, class uint16) (uint32, *table) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.age != h.table.Load().age {
		return 0, nil
	}
	h.begin()
	for _, pc := range h.insts[from-1] {
		if h.cut {
			break
		}
		if pc == again {
			h.reach(uint32(h.prog.Start))
			if !h.cut {
				h.list = append(h.list, again)
			}
			continue
		}
		if inst := &h.prog.Inst[pc]; inst.Op != syntax.InstMatch && inst.MatchRune(h.reps[class]) {
			h.reach(inst.Out)
		}
	}
	to := h.state()
	if to == 0 {
		h.forget()
		return 0, nil
	}
	t = h.table.Load()
	atomic.StoreUint32(&t.next[(from-1)*uint32(len(h.reps))+uint32(class)], to)
	return to, t
}

func (h *half) begin() {
	h.turn++
	h.list, h.cut = h.list[:0], false
}

// reach adds what an instruction leads to without reading. A match of a text that is
// read forward cuts off all that regexp would prefer less.
func (h *half) reach(pc uint32) {
	if h.cut || h.marks[pc] == h.turn {
		return
	}
	h.marks[pc] = h.turn
	switch inst := &h.prog.Inst[pc]; inst.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		h.reach(inst.Out)
		h.reach(inst.Arg)
	case syntax.InstCapture, syntax.InstNop:
		h.reach(inst.Out)
	case syntax.InstFail, syntax.InstEmptyWidth:
	case syntax.InstMatch:
		h.list = append(h.list, pc)
		h.cut = !h.backward
	default:
		h.list = append(h.list, pc)
	}
}

// state finds or keeps the state of the list that was reached; 0 when there is no room.
func (h *half) state() uint32 {
	if len(h.list) == 0 {
		return dead
	}
	if h.backward {
		slices.Sort(h.list)
	}
	key := make([]byte, 0, 4*len(h.list))
	mark := uint32(0)
	for _, pc := range h.list {
		key = append(key, byte(pc), byte(pc>>8), byte(pc>>16), byte(pc>>24))
		if pc != again && h.prog.Inst[pc].Op == syntax.InstMatch {
			mark = matches
		}
	}
	if s, ok := h.states[string(key)]; ok {
		return s
	}
	t := h.table.Load()
	rows := len(h.insts) + 1
	size := 8*len(h.list) + 100
	grown := t.next
	if rows*len(h.reps) > len(t.next) {
		grown = make([]uint32, max(2*len(t.next), 4*len(h.reps)))
		size += 4 * (len(grown) - len(t.next))
	}
	if h.held+size > h.machines.each || !h.machines.take(size) {
		return 0
	}
	h.held += size
	if rows*len(h.reps) > len(t.next) {
		copy(grown, t.next)
		h.table.Store(&table{next: grown, age: t.age})
	}
	h.insts = append(h.insts, slices.Clone(h.list))
	s := uint32(rows) | mark
	h.states[string(key)] = s
	return s
}

// forget drops all states but the first, which is made anew. A search that is under way
// ends where it would need more than it knows.
func (h *half) forget() {
	h.machines.used.Add(int64(-h.held))
	h.states, h.insts, h.held = map[string]uint32{}, nil, 0
	age := uint32(1)
	if t := h.table.Load(); t != nil {
		age = t.age + 1
	}
	h.table.Store(&table{age: age})
	h.begin()
	h.reach(uint32(h.prog.Start))
	if !h.backward {
		h.list = append(h.list, again)
	}
	h.state()
}

// begun is the table, once there is a first state; nil while there is no room for that.
func (h *half) begun() *table {
	t := h.table.Load()
	if len(t.next) == 0 {
		h.mu.Lock()
		defer h.mu.Unlock()
		if t = h.table.Load(); len(t.next) == 0 {
			h.forget()
			t = h.table.Load()
		}
		if len(t.next) == 0 {
			return nil
		}
	}
	return t
}

package rulebook

import (
	"regexp/syntax"
	"slices"
	"sync"
	"sync/atomic"
	"unicode"
)

// half is the automaton of one direction.
type half struct {
	machines *machines
	prog     *syntax.Prog
	backward bool // from one place, as far as it goes; else from everywhere, as regexp prefers
	anchored bool // forward: only from the beginning of a text
	far      bool
	lines    bool // it knows of lines
	local    []uint16
	begins   bitset
	reps     []rune // class of this expression -> one of its code points

	table atomic.Pointer[table]

	mu     sync.Mutex
	states map[string]uint32 // by their instructions
	insts  [][]uint32        // state -> the instructions a text may have led to, the preferred first
	held   int               // bytes of all that
	marks  []uint32          // instruction -> turn it was last reached in
	turn   uint32
	list   []uint32
	cut    bool
	holds  syntax.EmptyOp // of the place the list is for
	edged  bool           // it makes a difference whether a text is read from its very end
}

// table holds, for each state and class of the expression, the state that follows, with
// its marks; 0 where that is not yet known. Where it is too short it is copied; readers
// of the old one come to the end of what it knows, and take the new one.
type table struct {
	// next has all states of one class, then those of the next: the many that only count
	// how long a gap has lasted are led on by the same class.
	next []uint32
	rows uint32 // how many states there is room for
	age  uint32 // how often all was forgotten before
	// first is the state before anything was read, edge that where it is read from the
	// very end of a text; 0 when there is no room for them.
	first, edge uint32
	// What follows is the same in every table of an automaton: it lies here to be near.
	width  uint32   // one for each class, one for the end of the text
	far    bool     // a match may have to end where the text does
	local  []uint16 // class of the alphabet -> class of this expression
	begins bitset   // classes of the alphabet with which a match, or a line before it, may begin
}

// grow makes room for more states.
func (t *table) grow(rows uint32) {
	next := make([]uint32, rows*t.width)
	for class := range t.width {
		copy(next[class*rows:], t.next[class*t.rows:(class+1)*t.rows])
	}
	t.next, t.rows = next, rows
}

// A state is its number from 1 on, with marks.
const (
	matches = 1 << 31 // a match ends here
	dead    = 1 << 30 // nothing can follow
	number  = dead - 1
)

// again stands behind the instructions of a state that may still begin a match.
const again = ^uint32(0)

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
	h.prog, err = syntax.Compile(re)
	if err != nil || !h.machines.take(2*len(h.machines.reps)+4*len(h.prog.Inst)) {
		return false
	}
	if !h.classify() {
		return false
	}
	h.anchored = !h.backward && h.prog.StartCond()&syntax.EmptyBeginText != 0
	h.marks = make([]uint32, len(h.prog.Inst))
	h.begin(edges)
	if h.reach(uint32(h.prog.Start)); slices.ContainsFunc(h.list, func(pc uint32) bool { return h.prog.Inst[pc].Op == syntax.InstMatch }) {
		return false // of the empty text
	}
	h.begin(0)
	h.reach(uint32(h.prog.Start))
	h.begins = newBitset(len(h.local))
	for class, rep := range h.machines.reps {
		if h.lines && rep == '\n' || slices.ContainsFunc(h.list, func(pc uint32) bool { return h.reads(pc, rep) }) {
			h.begins.set(int32(class))
		}
	}
	h.forget()
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

// classify merges the classes that the expression does not tell apart. It fails for an
// expression that asks more than what the next code point is and where the text begins
// and ends.
func (h *half) classify() bool {
	var sets []bitset
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
			asked := syntax.EmptyOp(inst.Arg)
			if asked&^(h.near()|h.distant()) != 0 {
				return false
			}
			h.far = h.far || asked&h.distant() != 0
			h.edged = h.edged || asked&h.near() != 0
			if asked&(syntax.EmptyBeginLine|syntax.EmptyEndLine) == 0 {
				continue
			}
			if h.lines, ranges = true, []rune{'\n'}; !h.machines.knows(ranges) {
				return false
			}
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
			if set, some := h.machines.members(ranges); some {
				sets = append(sets, set)
			}
			if len(sets) > maxSets {
				return false
			}
		}
	}
	for _, set := range sets {
		h.split(set)
	}
	return true
}

// split divides each class into what a set holds of it and what it does not.
func (h *half) split(set bitset) {
	sides := make([]uint16, 2*len(h.reps)) // class and side -> the new class and one
	reps := h.reps[:0:0]
	for class, rep := range h.machines.reps {
		side := &sides[2*int(h.local[class])]
		if set.has(int32(class)) {
			side = &sides[2*int(h.local[class])+1]
		}
		if *side == 0 {
			reps = append(reps, rep)
			*side = uint16(len(reps))
		}
		h.local[class] = *side - 1
	}
	h.reps = reps
}

// run reads a text and returns where the preferred match ends, -1 for none; or,
// early, where the first is seen. At the edge it is the beginning of a text.
func (h *half) run(t *table, text []int32, edge, early bool) (end int, known bool) {
	s, first, local, begins := t.first, t.first, t.local, t.begins
	if edge {
		s = t.edge
	}
	end = -1
	for i, class := range text {
		if s >= dead {
			return end, true
		}
		if s == first && !begins.has(class) {
			continue // the first state goes on to itself
		}
		to := atomic.LoadUint32(&t.next[uint32(local[class])*t.rows+s-1])
		if to == 0 {
			if to, t = h.step(t, s, uint32(local[class])); to == 0 {
				return -1, false
			}
		}
		if s = to; s >= matches {
			if end = i + 1; early {
				return end, true
			}
			s &= number
		}
	}
	if t.far && s < dead {
		to, known := h.finish(t, s)
		if !known {
			return -1, false
		}
		if to >= matches {
			end = len(text)
		}
	}
	return end, true
}

// back reads a text from its end and returns how long the longest match is that ends
// there. The text begins, and ends, where that of which it is a part does or does not.
func (h *half) back(t *table, text []int32, begins, ends bool) (length int, known bool) {
	s := t.first
	if ends {
		s = t.edge
	}
	for i := len(text) - 1; i >= 0; i-- {
		if s >= dead {
			return length, true
		}
		class := uint32(t.local[text[i]])
		to := atomic.LoadUint32(&t.next[class*t.rows+s-1])
		if to == 0 {
			if to, t = h.step(t, s, class); to == 0 {
				return 0, false
			}
		}
		if s = to; s >= matches {
			length = len(text) - i
			s &= number
		}
	}
	if t.far && begins && s < dead {
		to, known := h.finish(t, s)
		if !known {
			return 0, false
		}
		if to >= matches {
			length = len(text)
		}
	}
	return length, true
}

// finish is the state at the end of the text.
func (h *half) finish(t *table, s uint32) (to uint32, known bool) {
	end := t.width - 1
	if to = atomic.LoadUint32(&t.next[end*t.rows+s-1]); to == 0 {
		to, _ = h.step(t, s, end)
	}
	return to, to != 0
}

// reads reports whether an instruction goes on with a code point.
func (h *half) reads(pc uint32, r rune) bool {
	if pc == again {
		return false
	}
	switch inst := &h.prog.Inst[pc]; inst.Op {
	case syntax.InstMatch, syntax.InstEmptyWidth:
		return false
	default:
		return inst.MatchRune(r)
	}
}

// step works out where a class leads from a state, and gives the table that knows; 0 when
// there is no room for it, and then all is forgotten, or when it has been meanwhile. The
// class behind all others is the end of the text.
func (h *half) step(t *table, from, class uint32) (uint32, *table) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.age != h.table.Load().age {
		return 0, nil
	}
	if int(class) == len(h.reps) {
		h.begin(edges)
		for _, pc := range h.insts[from-1] {
			if pc != again && h.prog.Inst[pc].Op == syntax.InstEmptyWidth {
				h.reach(h.prog.Inst[pc].Out)
			}
		}
	} else {
		h.read(h.insts[from-1], h.reps[class])
	}
	to := h.state()
	if to == 0 {
		h.forget()
		return 0, nil
	}
	t = h.table.Load()
	atomic.StoreUint32(&t.next[class*t.rows+from-1], to)
	return to, t
}

// read lists what instructions lead to over a code point.
func (h *half) read(insts []uint32, r rune) {
	holds := syntax.EmptyOp(0)
	if r == '\n' {
		holds = syntax.EmptyBeginLine
		if h.backward {
			holds = syntax.EmptyEndLine
		}
	}
	h.begin(holds)
	for _, pc := range insts {
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
		if h.reads(pc, r) {
			h.reach(h.prog.Inst[pc].Out)
		}
	}
}

// edges are what holds at the end of a text, to either side.
const edges = syntax.EmptyBeginText | syntax.EmptyBeginLine | syntax.EmptyEndText | syntax.EmptyEndLine

// near are what an automaton knows of the place it has come to, distant what it can only
// tell when it finds the text to end there.
func (h *half) near() syntax.EmptyOp {
	if h.backward {
		return syntax.EmptyEndText | syntax.EmptyEndLine
	}
	return syntax.EmptyBeginText | syntax.EmptyBeginLine
}

func (h *half) distant() syntax.EmptyOp {
	if h.backward {
		return syntax.EmptyBeginText
	}
	return syntax.EmptyEndText
}

// begin starts a list, at a place of which something holds.
func (h *half) begin(holds syntax.EmptyOp) {
	h.turn++
	h.list, h.cut, h.holds = h.list[:0], false, holds
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
	case syntax.InstFail:
	case syntax.InstEmptyWidth:
		switch asked := syntax.EmptyOp(inst.Arg); {
		case asked&^h.holds == 0:
			h.reach(inst.Out)
		case asked&^h.distant() == 0:
			h.list = append(h.list, pc)
		}
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
	t := *h.table.Load()
	s := uint32(len(h.insts)) + 1
	size := 8*len(h.list) + 100
	rows := t.rows
	if s > rows {
		rows = max(2*rows, 4)
		size += 4 * int((rows-t.rows)*t.width)
	}
	if h.held+size > h.machines.each || !h.machines.take(size) {
		return 0
	}
	h.held += size
	if rows > t.rows {
		t.grow(rows)
		h.table.Store(&t)
	}
	h.insts = append(h.insts, slices.Clone(h.list))
	s |= mark
	h.states[string(key)] = s
	return s
}

// forget drops all states but those before anything was read, which are made anew. A
// search that is under way ends where it would need more than it knows.
func (h *half) forget() {
	h.machines.used.Add(int64(-h.held))
	h.states, h.insts, h.held = map[string]uint32{}, nil, 0
	age := uint32(1)
	if t := h.table.Load(); t != nil {
		age = t.age + 1
	}
	h.table.Store(&table{age: age, width: uint32(len(h.reps)) + 1, far: h.far, local: h.local, begins: h.begins})
	first := h.initial(0)
	edge := first
	if first != 0 && h.edged {
		edge = h.initial(h.near())
	}
	if edge != 0 {
		t := *h.table.Load()
		t.first, t.edge = first, edge
		h.table.Store(&t)
	}
}

// initial makes the state before anything was read, at a place of which something holds.
func (h *half) initial(holds syntax.EmptyOp) uint32 {
	h.begin(holds)
	h.reach(uint32(h.prog.Start))
	if !h.backward && !h.anchored {
		h.list = append(h.list, again)
	}
	return h.state()
}

// begun is the table, once there is a first state; nil while there is no room for that.
func (h *half) begun() *table {
	t := h.table.Load()
	if t.first == 0 {
		h.mu.Lock()
		defer h.mu.Unlock()
		if t = h.table.Load(); t.first == 0 {
			h.forget()
			t = h.table.Load()
		}
		if t.first == 0 {
			return nil
		}
	}
	return t
}

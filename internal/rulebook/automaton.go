package rulebook

import (
	"maps"
	"slices"
)

// automaton finds every one of a set of literals in one pass over the classes of a text
// (Aho–Corasick). Where a literal goes on is looked up in one array that all states
// share (a double-array trie), so that the whole of it stays near the processor.
type automaton struct {
	root []cell // class -> where it leads from no literal at all
	node []node // by state
	cell []cell
	out  []int32 // the literals that end in each state, one state after the other
}

type node struct {
	base int32 // where its row begins in cells
	fail int32 // the state of its longest proper suffix
	from int32 // where the literals that end there begin in out
	to   int32
}

// cell is where a state goes on with a class, if the cell is that state's.
type cell struct {
	owner int32
	ended int32 // the state it leads to, if literals end there
	next  int32 // the state it goes on from: the same, or where that fails to if nothing follows
	base  int32 // of next
}

// newAutomaton compiles literals; the number of one is its index in the list. Literals
// must not be empty, and the alphabet must know their code points.
func newAutomaton(a *alphabet, literals []string) *automaton {
	trie := []map[int32]int32{{}} // state -> class -> state
	m, out := &automaton{root: make([]cell, len(a.reps))}, [][]int32{nil}
	for id, l := range literals {
		s := int32(0)
		for _, r := range l {
			c := a.class(r)
			to, ok := trie[s][c]
			if !ok {
				to = int32(len(trie))
				trie[s][c] = to
				trie, out = append(trie, map[int32]int32{}), append(out, nil)
			}
			s = to
		}
		out[s] = append(out[s], int32(id))
	}
	m.node = make([]node, len(trie))
	m.link(trie, out)
	for s := range out {
		n := &m.node[s]
		n.from = int32(len(m.out))
		m.out = append(m.out, out[s]...)
		n.to = int32(len(m.out))
	}
	m.pack(trie)
	return m
}

// ending are the literals that end in a state.
func (m *automaton) ending(state int32) []int32 {
	n := &m.node[state]
	return m.out[n.from:n.to]
}

// link finds, breadth first, where the longest proper suffix of a state stands; what
// ends there ends here too.
func (m *automaton) link(trie []map[int32]int32, out [][]int32) {
	queue := slices.Collect(maps.Values(trie[0]))
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		out[s] = append(out[s], out[m.node[s].fail]...)
		for c, to := range trie[s] {
			via := m.node[s].fail
			for next, ok := trie[via][c]; ; next, ok = trie[via][c] {
				if ok {
					m.node[to].fail = next
					break
				}
				if via == 0 {
					break
				}
				via = m.node[via].fail
			}
			queue = append(queue, to)
		}
	}
}

// pack lays the rows of the states into one array, each where its cells are free.
func (m *automaton) pack(trie []map[int32]int32) {
	free := int32(0)
	for s := 1; s < len(trie); s++ {
		row := slices.Sorted(maps.Keys(trie[s]))
		if len(row) == 0 {
			continue
		}
		for int(free) < len(m.cell) && m.cell[free].owner != 0 {
			free++
		}
		at := max(free-row[0], 0)
		for slices.ContainsFunc(row, func(c int32) bool { return int(at+c) < len(m.cell) && m.cell[at+c].owner != 0 }) {
			at++
		}
		if short := int(at) + len(m.root) - len(m.cell); short > 0 {
			m.cell = append(m.cell, make([]cell, short)...)
		}
		m.node[s].base = at
		for _, c := range row {
			m.cell[at+c].owner = int32(s)
		}
	}
	m.cell = append(m.cell, make([]cell, len(m.root))...)
	for s := range trie {
		for c, to := range trie[s] {
			k := &m.root[c]
			if s > 0 {
				k = &m.cell[m.node[s].base+c]
			}
			if len(m.ending(to)) > 0 {
				k.ended = to
			}
			for to > 0 && len(trie[to]) == 0 {
				to = m.node[to].fail
			}
			k.next, k.base = to, m.node[to].base
		}
	}
}

// scan appends the state each time a literal ends in a text.
func (m *automaton) scan(classes, ended []int32) []int32 {
	s, base := int32(0), int32(0)
	for _, c := range classes {
		k := &m.cell[base+c]
		for s != 0 && k.owner != s {
			if s = m.node[s].fail; s != 0 {
				k = &m.cell[m.node[s].base+c]
			}
		}
		if s == 0 {
			k = &m.root[c]
		}
		s, base = k.next, k.base
		if k.ended != 0 {
			ended = append(ended, k.ended)
		}
	}
	return ended
}

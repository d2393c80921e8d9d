package rulebook

import (
	"math/bits"
	"slices"
)

// bitset is a set of small numbers.
type bitset []uint64

func newBitset(size int) bitset { return make(bitset, (size+63)/64) }

func (b bitset) set(n int32)      { b[n>>6] |= 1 << (n & 63) }
func (b bitset) has(n int32) bool { return b[n>>6]&(1<<(n&63)) != 0 }

// both calls yield with the members that two sets of the same size share, in order.
func (b bitset) both(other bitset, yield func(n int32)) {
	for i, word := range b {
		for word &= other[i]; word != 0; word &= word - 1 {
			yield(int32(i<<6 + bits.TrailingZeros64(word)))
		}
	}
}

// below calls yield with the members below a limit, in order.
func (b bitset) below(limit int, yield func(n int32)) {
	for i := 0; i<<6 < limit; i++ {
		for word := b[i]; word != 0; word &= word - 1 {
			n := i<<6 + bits.TrailingZeros64(word)
			if n >= limit {
				return
			}
			yield(int32(n))
		}
	}
}

// sparseSets are sets with few members among many numbers, one after the other: their words
// that are not empty.
type sparseSets struct {
	from []int32 // where the words of each begin
	word []sparseWord
}

type sparseWord struct {
	at   int32
	bits uint64
}

func (m *sparseSets) add(members []int32) {
	if len(m.from) == 0 {
		m.from = []int32{0}
	}
	start := len(m.word)
	for _, n := range slices.Sorted(slices.Values(members)) {
		if last := len(m.word) - 1; last < start || m.word[last].at != n>>6 {
			m.word = append(m.word, sparseWord{at: n >> 6})
		}
		m.word[len(m.word)-1].bits |= 1 << (n & 63)
	}
	m.from = append(m.from, int32(len(m.word)))
}

// mark adds one of the sets to a set.
func (m *sparseSets) mark(n int32, to bitset) {
	for _, w := range m.word[m.from[n]:m.from[n+1]] {
		to[w.at] |= w.bits
	}
}

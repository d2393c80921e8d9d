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

// sparseSets are sets with few members among many numbers: their words that are not
// empty, four at a time, since a branch that cannot be foreseen costs more than words
// for nothing.
type sparseSets struct {
	from  []int32 // where the words of each begin
	words []fourWords
}

type fourWords [4]struct {
	bits uint64
	at   int32
}

// add appends a set, which must have members to be marked.
func (s *sparseSets) add(members []int32) {
	if len(s.from) == 0 {
		s.from = []int32{0}
	}
	n, last := 0, int32(-1)
	for _, m := range slices.Sorted(slices.Values(members)) {
		if m>>6 != last {
			if n, last = n+1, m>>6; n%4 == 1 {
				s.words = append(s.words, fourWords{})
			}
		}
		w := &s.words[len(s.words)-1][(n-1)%4]
		w.at, w.bits = last, w.bits|1<<(m&63)
	}
	s.from = append(s.from, int32(len(s.words)))
}

// mark adds sets to a set. The first words of all are gone through before the others: what
// is loaded for one does not wait for what comes of the one before.
func (s *sparseSets) mark(sets []int32, to bitset) {
	for _, n := range sets {
		s.words[s.from[n]].mark(to)
	}
	for _, n := range sets {
		for i := s.from[n] + 1; i < s.from[n+1]; i++ {
			s.words[i].mark(to)
		}
	}
}

func (w *fourWords) mark(to bitset) {
	to[w[0].at] |= w[0].bits
	to[w[1].at] |= w[1].bits
	to[w[2].at] |= w[2].bits
	to[w[3].at] |= w[3].bits
}

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

// sparse is a set with few members among many numbers: its words that are not empty.
type sparse []struct {
	at   int32
	word uint64
}

func newSparse(members []int32) sparse {
	var out sparse
	for _, n := range slices.Sorted(slices.Values(members)) {
		if len(out) == 0 || out[len(out)-1].at != n>>6 {
			out = append(out, struct {
				at   int32
				word uint64
			}{at: n >> 6})
		}
		out[len(out)-1].word |= 1 << (n & 63)
	}
	return out
}

// meets reports whether the sets share a member.
func (s sparse) meets(b bitset) bool {
	for i := range s {
		if b[s[i].at]&s[i].word != 0 {
			return true
		}
	}
	return false
}

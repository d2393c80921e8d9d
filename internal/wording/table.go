package wording

// letters give the characters of a model small numbers; 0 is any other.
type letters struct {
	pages [0x110000 >> 8]*[256]uint16
	n     uint16
}

func (l *letters) of(r rune) uint32 {
	if page := l.pages[uint32(r)>>8]; page != nil {
		return uint32(page[r&0xff])
	}
	return 0
}

func (l *letters) add(r rune) uint32 {
	page := l.pages[r>>8]
	if page == nil {
		page = new([256]uint16)
		l.pages[r>>8] = page
	}
	if page[r&0xff] == 0 {
		l.n++
		page[r&0xff] = l.n
	}
	return uint32(page[r&0xff])
}

// run is what a character, or two of them, count for.
type run struct {
	// weights are for a breach where positive, by how rare the run is; square is the
	// square of that. All are 0 for what is not counted.
	weights [maxHeads]float32
	square  float32
}

// couples finds the number of two characters: a hash table with open addressing, and
// before it a bit for each of many hashes that tells most of those apart that are not in
// it. Both are small: what they take of the cache is missing elsewhere.
type couples struct {
	seen  []uint64 // a bit for a hash, a power of two of words
	slots []couple // a power of two of them, at most four in five in use
	shift uint
}

type couple struct {
	key uint32 // both letters, never 0; 0 where the slot is free
	id  uint32
}

const (
	// seenBits is how many of the bits there are for each slot, as a power of two.
	seenBits = 2
	// spread makes a hash of a key.
	spread uint32 = 0x9E3779B1
)

func newCouples(n int) couples {
	bits := uint(4)
	for 4<<bits < 5*n {
		bits++
	}
	return couples{make([]uint64, 1<<(bits+seenBits-6)), make([]couple, 1<<bits), 32 - bits}
}

// of answers 0 for two characters that are not counted together; second is not 0.
func (t *couples) of(first, second uint32) uint32 {
	if key := first<<16 | second; t.may(key) {
		return t.find(key)
	}
	return 0
}

// may reports whether both letters of a key may be counted together.
func (t *couples) may(key uint32) bool {
	bit := key * spread >> (t.shift - seenBits)
	return t.seen[bit>>6]>>(bit&63)&1 != 0
}

func (t *couples) find(key uint32) uint32 {
	for i := key * spread >> t.shift; ; i = (i + 1) & uint32(len(t.slots)-1) {
		switch s := &t.slots[i]; s.key {
		case key:
			return s.id
		case 0:
			return 0
		}
	}
}

func (t *couples) put(first, second, id uint32) {
	key := first<<16 | second
	bit := key * spread >> (t.shift - seenBits)
	t.seen[bit>>6] |= 1 << (bit & 63)
	i := key * spread >> t.shift
	for t.slots[i].key != 0 {
		i = (i + 1) & uint32(len(t.slots)-1)
	}
	t.slots[i] = couple{key, id}
}

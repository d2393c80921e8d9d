package rulebook

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"strings"
)

// The first sets of literals are not of rules: that which every clause holds, and that of
// words which only look like one.
const (
	setAlways int32 = iota
	setMasked
)

// waiting is a frame that may hit once a literal of some set is seen, if those of two
// others are.
type waiting struct{ frame, second, third int32 }

// waitingList is who waits for each of the first sets, one set after the other.
type waitingList struct {
	some bitset // sets for which any waits
	from []int32
	all  []waiting
}

// add appends who waits for the next set.
func (l *waitingList) add(list []waiting) {
	set := len(l.from)
	if set&63 == 0 {
		l.some = append(l.some, 0)
	}
	if len(list) > 0 {
		l.some.set(int32(set))
	}
	l.all = append(l.all, list...)
	l.from = append(l.from, int32(len(l.all)-len(list)))
}

// of gives who waits for a set.
func (l *waitingList) of(set int) []waiting {
	if set+1 == len(l.from) {
		return l.all[l.from[set]:]
	}
	return l.all[l.from[set]:l.from[set+1]]
}

// only gives the list without the frames that are not of a set of them.
func (l *waitingList) only(frames bitset) (out waitingList) {
	for set := range l.from {
		out.add(slices.DeleteFunc(slices.Clone(l.of(set)), func(w waiting) bool { return !frames.has(w.frame) }))
	}
	return out
}

// queue adds the frames to look at in a clause that holds some sets.
func (l *waitingList) queue(held, queued bitset) {
	for i, some := range l.some {
		for word := held[i] & some; word != 0; word &= word - 1 {
			for _, w := range l.of(i<<6 + bits.TrailingZeros64(word)) {
				both := held[w.second>>6] >> (w.second & 63) & (held[w.third>>6] >> (w.third & 63)) & 1
				queued[w.frame>>6] |= both << (w.frame & 63)
			}
		}
	}
}

// index prepares the prefilter. One scan of a clause tells of each set of literals whether
// it holds one of it; each frame waits for the most selective set that any hit must
// hold, and is looked at when the next two are there as well.
func (l *loader) index() {
	lib := l.lib
	lib.patterns, lib.parts, lib.cues = l.order, len(l.compiler.parts), l.compiler.cues
	words := slices.Clone(l.words)
	for i := 0; i < len(l.masks); i += 2 {
		lib.word(l.masks[i])
		l.members[setMasked] = append(l.members[setMasked], int32(len(words)))
		words = append(words, l.masks[i])
	}
	lib.literals, lib.sets = len(words), len(l.members)
	lib.seal(l.characters())
	lib.trace()
	often := l.sort(words)
	lib.masks = strings.NewReplacer(l.masks...)
	rarity := make([]int, len(l.members))
	for set, members := range l.members {
		for _, id := range members {
			rarity[set] += often[id]
		}
	}
	for _, name := range lib.names {
		for _, r := range lib.packs[name].rules {
			for _, f := range r.frames {
				l.gates(f, rarity)
				lib.frames = append(lib.frames, f)
			}
		}
	}
	lists := make([][]waiting, l.renumber())
	for id, f := range lib.frames {
		w := waiting{int32(id), setAlways, setAlways}
		switch {
		case len(f.gates) > 2:
			w.second, w.third = f.gates[1], f.gates[2]
		case len(f.gates) > 1:
			w.second = f.gates[1]
		}
		lists[f.gates[0]] = append(lists[f.gates[0]], w)
	}
	for _, list := range lists {
		lib.waiting.add(list)
	}
}

// eachExample gives the examples of the packs, which stand for the texts to come.
func (l *loader) eachExample(yield func(string)) {
	for _, r := range l.rules {
		for _, e := range slices.Concat(r.doc.Violation, r.doc.Clean) {
			yield(e.s)
		}
	}
}

// characters tells how often each stands in the examples.
func (l *loader) characters() map[rune]int {
	often := map[rune]int{}
	l.eachExample(func(s string) {
		for _, r := range s {
			often[r]++
		}
	})
	return often
}

// sort numbers the literals anew, common ones first, so that what is looked up by
// literal or by state of the scan lies close together. It makes the scanner and tells of
// each literal how often it stands in the examples.
func (l *loader) sort(words []string) []int {
	often, text, ended := make([]int, len(words)), spelling{}, []int32(nil)
	scanner := newAutomaton(l.lib.alphabet, words)
	l.eachExample(func(s string) {
		l.lib.spell(s, &text)
		ended = scanner.scan(text.classes, ended[:0])
		for _, state := range ended {
			for _, id := range scanner.ending(state) {
				often[id]++
			}
		}
	})
	order := make([]int32, len(words))
	for id := range order {
		order[id] = int32(id)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(often[b], often[a]) })
	number, sorted, counts := make([]int32, len(words)), make([]string, len(words)), make([]int, len(words))
	for to, id := range order {
		number[id], sorted[to], counts[to] = int32(to), words[id], often[id]
	}
	for _, members := range l.members {
		for i, id := range members {
			members[i] = number[id]
		}
	}
	l.lib.scanner = newAutomaton(l.lib.alphabet, sorted)
	return counts
}

// gates gives a frame the sets of which it needs a literal each, first those that are the
// most likely to turn it away, and those of which it may have none.
func (l *loader) gates(f *frame, rarity []int) {
	for _, p := range f.all {
		f.gates = append(f.gates, p.gates...)
		if len(p.parts) > 0 {
			f.open = append(f.open, p)
		}
	}
	slices.SortFunc(f.gates, func(a, b int32) int {
		return cmp.Or(cmp.Compare(rarity[a], rarity[b]), cmp.Compare(len(l.members[a]), len(l.members[b])), cmp.Compare(a, b))
	})
	if f.gates = slices.Compact(f.gates); len(f.gates) == 0 {
		f.gates = []int32{setAlways}
	}
	for _, p := range f.none {
		f.bars = append(f.bars, p.words...)
		if len(p.parts) > 0 {
			f.openNone = append(f.openNone, p)
		}
	}
}

// renumber puts the sets for which frames wait before all others, and sets of the same
// common literals beside each other, so that what a literal says of its sets is few
// words. It returns how many sets frames may wait for.
func (l *loader) renumber() int {
	lib := l.lib
	awaited, sorted := map[int32]bool{}, make([][]int32, len(l.members))
	for _, f := range lib.frames {
		awaited[f.gates[0]] = true
	}
	for set, members := range l.members {
		sorted[set] = slices.Sorted(slices.Values(members)) // the common ones first
	}
	order := make([]int32, len(l.members))
	for set := range order {
		order[set] = int32(set)
	}
	class := func(set int32) int {
		switch {
		case set <= setMasked:
			return 0
		case awaited[set]:
			return 1
		}
		return 2
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(class(a), class(b)), slices.Compare(sorted[a], sorted[b]), cmp.Compare(a, b))
	})
	number := make([]int32, len(order))
	within := make([][]int32, lib.literals)
	for to, set := range order {
		number[set] = int32(to)
		for _, id := range l.members[set] {
			within[id] = append(within[id], int32(to))
		}
	}
	for state := range lib.scanner.node {
		var sets []int32
		for _, id := range lib.scanner.ending(int32(state)) {
			sets = append(sets, within[id]...)
		}
		lib.within.add(sets)
	}
	again := func(sets []int32) {
		for i, set := range sets {
			sets[i] = number[set]
		}
	}
	for _, p := range l.order {
		p.gates = slices.Clone(p.gates) // which may be its words
		again(p.gates)
		again(p.words)
	}
	for p := range maps.Values(l.compiler.parts) {
		again(p.gates)
	}
	for _, f := range lib.frames {
		again(f.gates)
		again(f.bars)
	}
	return len(awaited) + int(setMasked) + 1
}

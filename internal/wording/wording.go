// Package wording tells from the words of a clause how likely it is to breach the rules
// of a pack, and which rule.
//
// The model is linear, so that every answer can be taken apart: each character and each
// two in a row that labelled clauses hold often enough have a weight for or against a
// breach, for each pack, and weights that tell the rules of a pack apart. The likelihood
// of a clause is the logistic function of the sum of the weights, each by how rare the run
// is, over the length of the clause. Weights are learnt from clauses by tools/learn
// (logistic regression over TF-IDF); this package reads and applies them.
//
// It answers the same for the same text, in time linear in it.
package wording

import (
	"math"
	"slices"
	"unicode"
	"unicode/utf8"
)

const (
	// maxRun is the longest run of characters that counts, in code points.
	maxRun = 2
	// maxHeads is for how many packs one model can weigh.
	maxHeads = 2
)

// Model is the weights. It does not change once read and is safe for concurrent use.
type Model struct {
	letters letters
	couples couples
	runs    []run // a letter's has its number; those of couples come after
	idf     []float32
	heads   []head
}

// head is what the model knows of one pack.
type head struct {
	name string
	bias float64
	// rules are in order; their biases and the pairs of runs tell them apart. The pairs of
	// run n are from of[n] to of[n+1].
	rules  []string
	biases []float64
	of     []int32
	pairs  []pair
}

// pair is the weight of a run for a rule.
type pair struct {
	rule   int32
	weight float32
}

// Head names a pack that a model weighs for.
type Head int

// Head finds the pack of a name.
func (m *Model) Head(name string) (Head, bool) {
	i := slices.IndexFunc(m.heads, func(h head) bool { return h.name == name })
	return Head(i), i >= 0
}

// Weight is what the words of one clause come to. One Weight may serve for clause after
// clause, not for two at once.
type Weight struct {
	sums    [maxHeads]float32
	square  float32
	letters []uint32
	runs    []uint32
}

// Likelihood is how likely the clause breaches a pack, from 0 to 1.
func (m *Model) Likelihood(w *Weight, h Head) float64 {
	x := m.heads[h].bias
	if w.square > 0 {
		x += float64(w.sums[h]) / math.Sqrt(float64(w.square))
	}
	return 1 / (1 + math.Exp(-x))
}

// Weigh weighs a clause for all packs.
func (m *Model) Weigh(text string, to *Weight) {
	to.letters = m.read(text, to.letters[:0])
	runs := slices.Grow(to.runs[:0], maxRun*len(to.letters))
	// What is added up stands in variables of its own, which the processor need not store.
	var first, second, square float32
	before := uint32(0)
	for _, letter := range to.letters {
		if letter != 0 {
			r := &m.runs[letter]
			first, second, square = first+r.weights[0], second+r.weights[1], square+r.square
			runs = append(runs, letter)
			if key := before<<16 | letter; m.couples.may(key) {
				if id := m.couples.find(key); id != 0 {
					r := &m.runs[id]
					first, second, square = first+r.weights[0], second+r.weights[1], square+r.square
					runs = append(runs, id)
				}
			}
		}
		before = letter
	}
	to.sums, to.square, to.runs = [maxHeads]float32{first, second}, square, runs
}

// read tells the letters of a text: its ends, no space, and one mark for a number however
// long it is.
func (m *Model) read(text string, into []uint32) []uint32 {
	into = append(slices.Grow(into, len(text)+2), m.letters.of(edgeStart))
	digits := false
	for i := 0; i < len(text); {
		if isHan(text, i) {
			r := rune(text[i]&0x0F)<<12 | rune(text[i+1]&0x3F)<<6 | rune(text[i+2]&0x3F)
			into = append(into, m.letters.of(r))
			digits = false
			i += 3
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		i += size
		switch {
		case r > '　':
		case '0' <= r && r <= '9':
			if !digits {
				into = append(into, m.letters.of(number))
			}
			digits = true
			continue
		case r == '.' && digits && isDigit(text, i):
			continue
		case isSpace(r):
			digits = false
			continue
		}
		digits = false
		into = append(into, m.letters.of(r))
	}
	return append(into, m.letters.of(edgeEnd))
}

// isHan reports whether the character at a byte of a text is one of U+4000 to U+9FFF,
// which most are and which need no care.
func isHan(s string, i int) bool {
	return i+2 < len(s) && s[i]-0xE4 < 6 && s[i+1]&0xC0 == 0x80 && s[i+2]&0xC0 == 0x80
}

// isDigit reports whether a digit stands at a byte of the text.
func isDigit(text string, at int) bool { return at < len(text) && '0' <= text[at] && text[at] <= '9' }

// isSpace is told for what is no larger than the ideographic space.
func isSpace(r rune) bool { return r <= ' ' || unicode.IsSpace(r) }

// Rules are the rules of a pack that the model tells apart, sorted.
func (m *Model) Rules(h Head) []string { return m.heads[h].rules }

// Chances tells how likely each of [Model.Rules] is the one that a clause breaches, given
// that it breaches one; into is room for the answer.
func (m *Model) Chances(h Head, w *Weight, into []float64) []float64 {
	of := &m.heads[h]
	into = append(into[:0], of.biases...)
	if len(into) == 0 {
		return into // of a pack whose rules are yet to be learnt
	}
	norm := float32(1 / math.Sqrt(float64(w.square)))
	for _, id := range w.runs {
		v := m.idf[id] * norm
		for _, p := range of.pairs[of.of[id]:of.of[id+1]] {
			into[p.rule] += float64(v * p.weight)
		}
	}
	total, top := 0.0, math.Inf(-1)
	for _, x := range into {
		top = max(top, x)
	}
	for i, x := range into {
		into[i] = math.Exp(x - top)
		total += into[i]
	}
	for i := range into {
		into[i] /= total
	}
	return into
}

// Speaks finds the stretch of a clause, in bytes, whose words speak most for a breach.
func (m *Model) Speaks(h Head, text string) (start, end int) {
	var best, sum float32
	from, before := 0, letter{}
	for _, l := range lettersOf(text) {
		now := m.letters.of(l.r)
		gain := m.runs[now].weights[h] + m.runs[m.couples.of(m.letters.of(before.r), now)].weights[h]
		if sum <= 0 {
			sum, from = 0, before.start
		}
		if sum += gain; sum > best {
			best, start, end = sum, from, l.end
		}
		before = l
	}
	return start, end
}

// Marks of the two ends of a clause, and of a number.
const (
	edgeStart = '\x02'
	edgeEnd   = '\x03'
	number    = '0'
)

// letter is what a model sees of a text at a place.
type letter struct {
	r          rune
	start, end int
}

// lettersOf is what a model sees of a text: its ends, no space, and one mark for a number
// however long it is. It sees what [Model.read] does, which FuzzWeigh holds against it.
func lettersOf(text string) []letter {
	out := append(make([]letter, 0, utf8.RuneCountInString(text)+2), letter{r: edgeStart})
	digits := false
	for i, r := range text {
		switch {
		case '0' <= r && r <= '9':
			if !digits {
				out = append(out, letter{number, i, i})
			}
			digits = true
			out[len(out)-1].end = i + 1
			continue
		case r == '.' && digits && isDigit(text, i+1):
			continue
		case r <= '　' && isSpace(r):
			digits = false
			continue
		}
		digits = false
		out = append(out, letter{r, i, i + utf8.RuneLen(r)})
	}
	return append(out, letter{edgeEnd, len(text), len(text)})
}

// Runs lists what a model would see of a text, with how often: for learning.
func Runs(text string) map[string]int {
	out := map[string]int{}
	var letters []rune
	for _, l := range lettersOf(text) {
		letters = append(letters, l.r)
	}
	for i := range letters {
		for n := 1; n <= maxRun && i+n <= len(letters); n++ {
			out[string(letters[i:i+n])]++
		}
	}
	return out
}

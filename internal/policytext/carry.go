package policytext

import (
	"context"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"znkr.io/diff"

	corev1 "fashen/gen/fashen/core/v1"
)

const (
	// kin is how similar a reworded provision that has another number or place must
	// be for a quote in it to go with it: below, another may have taken its place.
	kin = 0.5
	// nearly is how much less similar one that is gone may be and still be taken for
	// the older form of a provision.
	nearly = 0.05
	// maxCarried is the longest line, in bytes, in which a quote that stands there
	// several times is told apart.
	maxCarried = 60_000
	// aroundRunes is how far beside such a quote the words must be the same.
	aroundRunes = 4
)

// Carry tells where places in one version of a text stand in another, in the order
// given. A quote goes with its provision, as Compare pairs provisions, and nowhere
// else: a place in carried always holds the quote, and what is not certain is
// CHANGED. An anchor whose quote does not stand at its own place is CHANGED too.
// revision names the newer version in what is carried. The error is that of a
// context which ended.
func Carry(ctx context.Context, before, after *corev1.PolicyText, anchors []*corev1.Anchor, revision string) ([]*corev1.CarriedAnchor, error) {
	if len(anchors) == 0 {
		return nil, ctx.Err()
	}
	c, err := paired(ctx, before, after)
	if err != nil {
		return nil, err
	}
	p := &carrier{comparison: c, before: newRuneText(before.GetText()), after: newRuneText(after.GetText()), text: after, revision: revision, rivals: map[int]bool{}}
	p.effort = 4 * maxEffort
	p.count()
	out := make([]*corev1.CarriedAnchor, len(anchors))
	for i, a := range anchors {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out[i] = p.carry(a)
	}
	return out, nil
}

// runeText is a text by code points.
type runeText struct {
	text string
	// at is the byte of every 64th code point.
	at []int
	n  int
}

const runeStep = 64

func newRuneText(s string) runeText {
	t := runeText{text: s}
	for i := range s {
		if t.n%runeStep == 0 {
			t.at = append(t.at, i)
		}
		t.n++
	}
	return t
}

// byteAt is where a code point begins; beyond the text, its end.
func (t runeText) byteAt(point int) int {
	if point >= t.n {
		return len(t.text)
	}
	from := t.at[point/runeStep]
	return from + byteOffset(t.text[from:], point%runeStep)
}

func (t runeText) slice(start, end int) string { return t.text[t.byteAt(start):t.byteAt(end)] }

type carrier struct {
	*comparison

	before, after runeText
	text          *corev1.PolicyText
	revision      string
	// oldKeys and newKeys count the units that have the same words.
	oldKeys, newKeys map[string]int
	// oldHeads and newHeads are the first unit of each provision.
	oldHeads, newHeads map[string]int
	// rivals remembers what rivalled found.
	rivals map[int]bool
}

func (p *carrier) count() {
	tally := func(units []unit) (keys, heads map[string]int) {
		keys, heads = map[string]int{}, map[string]int{}
		for i := range units {
			keys[units[i].key]++
			if id := units[i].place.GetProvision(); id != "" {
				if _, known := heads[id]; !known {
					heads[id] = i
				}
			}
		}
		return keys, heads
	}
	p.oldKeys, p.oldHeads = tally(p.old)
	p.newKeys, p.newHeads = tally(p.new)
}

// unitsIn are the first and the last unit that a span of the older text touches.
func (p *carrier) unitsIn(start, end int) (first, last int, ok bool) {
	first = sort.Search(len(p.old), func(i int) bool { return int(p.old[i].place.GetEnd()) > start })
	last = sort.Search(len(p.old), func(i int) bool { return int(p.old[i].place.GetStart()) >= end }) - 1
	return first, last, first <= last && first < len(p.old)
}

func (p *carrier) carry(a *corev1.Anchor) *corev1.CarriedAnchor {
	out := &corev1.CarriedAnchor{Anchor: a, Outcome: corev1.CarriedAnchor_CHANGED}
	start, end, quote := int(a.GetStart()), int(a.GetEnd()), a.GetQuote()
	if start < 0 || end <= start || end > p.before.n || p.before.slice(start, end) != quote {
		return out
	}
	first, last, ok := p.unitsIn(start, end)
	if !ok {
		return out
	}
	gone := true
	for _, u := range p.old[first : last+1] {
		gone = gone && u.pair < 0
	}
	if gone {
		out.Outcome = corev1.CarriedAnchor_REMOVED
		return out
	}
	to := p.old[first].pair
	for i, u := range p.old[first : last+1] {
		if u.pair < 0 || u.pair != to+i {
			return out // torn apart
		}
		if !p.certain(first + i) {
			return out
		}
		out.Reworded = out.Reworded || u.key != p.new[u.pair].key
	}
	out.Provision = p.new[to].place
	at, ok := p.place(first, last, start, quote)
	if !ok {
		return out
	}
	out.Carried = &corev1.Anchor{Revision: p.revision, Start: int32(at), End: int32(at + end - start), Quote: quote}
	Place(p.text, out.Carried)
	out.Outcome = corev1.CarriedAnchor_SAME
	if was, is := &p.old[first], &p.new[to]; was.moved || was.place.GetProvision() != is.place.GetProvision() {
		out.Outcome = corev1.CarriedAnchor_MOVED
	}
	return out
}

// certain reports that a pair is one provision beyond doubt. Words that stand in a
// text only once are. Of words that come again, such as （五）其他, the provision
// around them must be the same, or else what stands before and behind them. Words
// that changed must be much alike where their number or place changed too.
func (p *carrier) certain(i int) bool {
	u := &p.old[i]
	k := u.pair
	if u.key != p.new[k].key {
		if p.newKeys[u.key] > 0 || p.oldKeys[p.new[k].key] > 0 {
			return false
		}
		stays := !u.moved && u.place.GetProvision() == p.new[k].place.GetProvision()
		own := similarity(u, &p.new[k])
		return (stays || own >= kin) && !p.rivalled(i, own, stays)
	}
	if p.oldKeys[u.key] == 1 && p.newKeys[u.key] == 1 {
		return true
	}
	if above, ok := p.above(p.oldHeads, p.old, i); ok {
		now, ok := p.above(p.newHeads, p.new, k)
		return ok && p.old[above].pair == now && p.certain(above) && p.only(above, i, k-now)
	}
	before := i == 0 && k == 0 || i > 0 && k > 0 && p.old[i-1].pair == k-1
	behind := i == len(p.old)-1 && k == len(p.new)-1 || i < len(p.old)-1 && p.old[i+1].pair == k+1
	return before && behind
}

// rivalled reports that another unit of the older text could as well have become
// what this one did; one that kept its place yields to better ones only, and to
// ones that are gone and nearly as good.
func (p *carrier) rivalled(i int, own float64, stays bool) bool {
	if known, ok := p.rivals[i]; ok {
		return known
	}
	now := &p.new[p.old[i].pair]
	found := !p.afford([]*unit{now}, pointers(p.old))
	for at := 0; at < len(p.old) && !found; at++ {
		if at != i {
			other := similarity(&p.old[at], now)
			found = other > own || other == own && !stays || other > own-nearly && p.old[at].pair < 0
		}
	}
	p.rivals[i] = found
	return found
}

// only reports that the same words do not come twice below one head, unless they
// stand as far from it as before.
func (p *carrier) only(head, i, distance int) bool {
	if i-head == distance {
		return true
	}
	n := 0
	for at := head; at < len(p.old) && at < i+64; at++ {
		if p.old[at].key == p.old[i].key {
			n++
		}
	}
	m := 0
	for at := p.old[head].pair; at < len(p.new) && at < p.old[i].pair+64; at++ {
		if p.new[at].key == p.old[i].key {
			m++
		}
	}
	return n == 1 && m == 1
}

// above is the unit at which the provision around a unit begins: its own when the
// unit goes on with it, else its parent's.
func (p *carrier) above(heads map[string]int, units []unit, i int) (int, bool) {
	id := units[i].place.GetProvision()
	for id != "" {
		if head, ok := heads[id]; ok && head < i {
			return head, true
		}
		dot := strings.LastIndexByte(id, '.')
		id = id[:max(dot, 0)]
	}
	return 0, false
}

// place finds the quote of the older text in what its units became. A quote that
// stands there several times must stand there as often as before, and the words
// around it must say which it is.
func (p *carrier) place(first, last, start int, quote string) (int, bool) {
	from, to := int(p.old[first].place.GetStart()), int(p.new[p.old[first].pair].place.GetStart())
	was := p.before.slice(from, int(p.old[last].place.GetEnd()))
	is := p.after.slice(to, int(p.new[p.old[last].pair].place.GetEnd()))
	own := p.before.byteAt(start) - p.before.byteAt(from)
	if own < 0 {
		return 0, false // it begins with a blank line
	}
	old, fresh := occurrences(was, quote), occurrences(is, quote)
	if len(fresh) == 0 || len(old) != len(fresh) {
		return 0, false
	}
	n := slices.Index(old, own)
	if n < 0 || len(old) > 1 && !stayed(was, is, own, fresh[n], len(quote)) {
		return 0, false
	}
	return to + utf8.RuneCountInString(is[:fresh[n]]), true
}

// occurrences are the bytes at which a quote stands, overlapping ones as well.
func occurrences(s, quote string) (at []int) {
	for i := 0; ; {
		k := strings.Index(s[i:], quote)
		if k < 0 {
			return at
		}
		at = append(at, i+k)
		_, size := utf8.DecodeRuneInString(s[i+k:])
		i += k + size
	}
}

// stayed reports that the bytes [at, at+size) of one line are those at now in
// another, by the least that changed between the two.
func stayed(was, is string, at, now, size int) bool {
	if was == is {
		return at == now
	}
	if len(was)+len(is) > maxCarried {
		return false
	}
	old, fresh := []rune(was), []rune(is)
	from, to, n := utf8.RuneCountInString(was[:at]), utf8.RuneCountInString(is[:now]), utf8.RuneCountInString(was[at:at+size])
	if !sameAround(old, fresh, from, to, n) {
		return false
	}
	kept := 0
	for _, e := range diff.Edits(old, fresh) {
		if e.Op == diff.Match && e.PosX >= from && e.PosX < from+n && e.PosY-to == e.PosX-from {
			kept++
		}
	}
	return kept == n
}

// sameAround reports that the characters next to a quote are the same on one side.
func sameAround(old, fresh []rune, from, to, n int) bool {
	lead := min(from, to, aroundRunes)
	behind := min(len(old)-from-n, len(fresh)-to-n, aroundRunes)
	return lead > 0 && slices.Equal(old[from-lead:from], fresh[to-lead:to]) ||
		behind > 0 && slices.Equal(old[from+n:from+n+behind], fresh[to+n:to+n+behind])
}

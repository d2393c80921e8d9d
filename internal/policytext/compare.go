package policytext

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"znkr.io/diff"

	corev1 "fashen/gen/fashen/core/v1"
)

const (
	// alike is how similar the words of two provisions at one place must be to be
	// one provision that changed, and sure how similar at different places.
	alike, sure = 0.3, 0.8
	// maxEffort bounds the characters that are looked at to pair similar words, and
	// maxWords the characters and words of one line that are compared: beyond, what is
	// not the same is told as gone and new.
	maxEffort = 8 << 20
	maxWords  = 10_000
	// island is how long words that stayed between changes must be to be shown as
	// such: a single character that happens to recur tells nobody anything.
	island = 2
)

// Compare tells how a text became another. Provisions are paired by their words:
// those that are the same in the same order, then those alike between them, then
// those that stand elsewhere. It is deterministic, and its effort is bounded. The
// error is that of a context which ended.
func Compare(ctx context.Context, before, after *corev1.PolicyText) (*corev1.Comparison, error) {
	c, err := paired(ctx, before, after)
	if err != nil {
		return nil, err
	}
	result := c.result()
	return result, ctx.Err()
}

// paired finds for each unit of one text what it is in the other.
func paired(ctx context.Context, before, after *corev1.PolicyText) (*comparison, error) {
	c := &comparison{ctx: ctx, old: unitsOf(before), new: unitsOf(after), effort: maxEffort}
	for _, step := range []func(){c.same, c.similar, c.moved} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		step()
	}
	return c, ctx.Err()
}

// unit is a line of text with what it begins: the least that is added or moved.
type unit struct {
	place *corev1.Comparison_Place
	// words are the line without its number and the blanks around it, key those
	// without any blanks.
	words, key string
	// pair is the unit of the other text, -1 without one; moved says that the pair
	// stands elsewhere.
	pair  int
	moved bool
	// grams counts pairs of characters; see similarity.
	grams map[[2]rune]int
	total int
}

type comparison struct {
	ctx      context.Context //nolint:containedctx // it lives as long as the call
	old, new []unit
	// effort is how many characters may still be looked at for similar words.
	effort int
}

// afford takes the effort of comparing each of some units with each of others, if
// there is that much left.
func (c *comparison) afford(a, b []*unit) bool {
	characters := func(units []*unit) (n int) {
		for _, u := range units {
			n += len(u.key)
		}
		return n
	}
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	cost := characters(a)*len(b) + characters(b)*len(a)
	if cost > c.effort || c.ctx.Err() != nil {
		return false
	}
	c.effort -= cost
	return true
}

func pointers(units []unit) []*unit {
	out := make([]*unit, len(units))
	for i := range units {
		out[i] = &units[i]
	}
	return out
}

// unitsOf parts a text into its lines, each with the deepest provision that begins
// on it, or that it stands in.
func unitsOf(t *corev1.PolicyText) []unit {
	var flat []*corev1.Provision
	var walk func(nodes []*corev1.Provision)
	walk = func(nodes []*corev1.Provision) {
		for _, n := range nodes {
			flat = append(flat, n)
			walk(n.GetChildren())
		}
	}
	walk(t.GetOutline())
	for _, p := range t.GetParts() {
		walk(p.GetOutline())
	}
	slices.SortStableFunc(flat, func(a, b *corev1.Provision) int { return cmp.Compare(a.GetStart(), b.GetStart()) })
	var units []unit
	var open *corev1.Provision
	start, next := 0, 0
	for line := range strings.Lines(t.GetText()) {
		line = strings.TrimSuffix(line, "\n")
		end := start + utf8.RuneCountInString(line)
		label := ""
		for ; next < len(flat) && int(flat[next].GetStart()) <= end; next++ {
			open = flat[next]
			label = cmp.Or(label, open.GetLabel())
		}
		if words := trim(line); words != "" {
			u := unit{pair: -1, place: &corev1.Comparison_Place{Label: label, Start: int32(start), End: int32(end)}}
			if open != nil && int(open.GetEnd()) > start {
				u.place.Provision = open.GetId()
			}
			u.words = trim(strings.TrimPrefix(words, label))
			u.key = squeeze(u.words)
			units = append(units, u)
		}
		start = end + 1
	}
	return units
}

// match pairs two units.
func (c *comparison) match(i, k int, moved bool) {
	c.old[i].pair, c.new[k].pair = k, i
	c.old[i].moved, c.new[k].moved = moved, moved
}

// same pairs what has the same words in the same order.
func (c *comparison) same() {
	keys := func(units []unit) []string {
		out := make([]string, len(units))
		for i := range units {
			out[i] = units[i].key
		}
		return out
	}
	for _, e := range diff.Edits(keys(c.old), keys(c.new)) {
		if e.Op == diff.Match {
			c.match(e.PosX, e.PosY, false)
		}
	}
}

// similar pairs, between two provisions that stayed, those whose words are alike,
// in their order and so that they are most alike in all.
func (c *comparison) similar() {
	for i, k := 0, 0; i < len(c.old) || k < len(c.new); {
		fromOld, fromNew := i, k
		for i < len(c.old) && c.old[i].pair < 0 {
			i++
		}
		for k < len(c.new) && c.new[k].pair < 0 {
			k++
		}
		c.align(fromOld, i, fromNew, k)
		i, k = i+1, k+1 // past the pair that ends both
	}
}

// align pairs old[a:b] with new[x:y] by the best sum of similarities.
func (c *comparison) align(a, b, x, y int) {
	n, m := b-a, y-x
	if !c.afford(pointers(c.old[a:b]), pointers(c.new[x:y])) {
		return
	}
	best := make([][]float64, n+1)
	for i := range best {
		best[i] = make([]float64, m+1)
	}
	score := func(i, k int) float64 {
		s := similarity(&c.old[a+i], &c.new[x+k])
		switch {
		case s >= alike:
			return s
		case renamed(&c.old[a+i], &c.new[x+k]):
			return alike
		}
		return 0
	}
	for i := n - 1; i >= 0; i-- {
		for k := m - 1; k >= 0; k-- {
			best[i][k] = max(best[i+1][k], best[i][k+1], best[i+1][k+1]+score(i, k))
		}
	}
	for i, k := 0, 0; i < n && k < m; {
		switch s := score(i, k); {
		case s > 0 && best[i][k] == best[i+1][k+1]+s:
			c.match(a+i, x+k, false)
			i, k = i+1, k+1
		case best[i][k] == best[i+1][k]:
			i++
		default:
			k++
		}
	}
}

// renamed reports that two units are titles of the chapter or section of one number,
// whatever their words.
func renamed(a, b *unit) bool {
	own := a.place.GetProvision()
	own = own[strings.LastIndexByte(own, '.')+1:]
	return a.place.GetLabel() != "" && a.place.GetProvision() == b.place.GetProvision() &&
		(strings.HasPrefix(own, "chap-") || strings.HasPrefix(own, "sec-"))
}

// moved pairs what is left with the same words, or nearly the same, elsewhere.
func (c *comparison) moved() {
	left := map[string][]int{}
	for i := range c.old {
		if c.old[i].pair < 0 {
			left[c.old[i].key] = append(left[c.old[i].key], i)
		}
	}
	for k := range c.new {
		if from := left[c.new[k].key]; c.new[k].pair < 0 && len(from) > 0 {
			c.match(from[0], k, true)
			left[c.new[k].key] = from[1:]
		}
	}
	var gone, come []int
	for i := range c.old {
		if c.old[i].pair < 0 {
			gone = append(gone, i)
		}
	}
	for k := range c.new {
		if c.new[k].pair < 0 {
			come = append(come, k)
		}
	}
	pick := func(units []unit, which []int) []*unit {
		out := make([]*unit, len(which))
		for n, i := range which {
			out[n] = &units[i]
		}
		return out
	}
	if !c.afford(pick(c.old, gone), pick(c.new, come)) {
		return
	}
	for _, k := range come {
		most, from := sure, -1
		for _, i := range gone {
			if s := similarity(&c.old[i], &c.new[k]); c.old[i].pair < 0 && s >= most && (s > most || from < 0) {
				most, from = s, i
			}
		}
		if from >= 0 {
			c.match(from, k, true)
		}
	}
}

// similarity is Dice's coefficient of the pairs of characters of two units, 0 to 1.
func similarity(a, b *unit) float64 {
	a.count()
	b.count()
	if a.total+b.total == 0 {
		return 0
	}
	if len(a.grams) > len(b.grams) {
		a, b = b, a
	}
	both := 0
	for gram, n := range a.grams {
		both += min(n, b.grams[gram])
	}
	return 2 * float64(both) / float64(a.total+b.total)
}

func (u *unit) count() {
	if u.grams != nil {
		return
	}
	u.grams = map[[2]rune]int{}
	last := rune(0)
	for _, r := range u.key {
		u.grams[[2]rune{last, r}]++
		u.total++
		last = r
	}
}

// result lists the changes in the order of the newer text; what is gone stands
// behind what it stood behind.
func (c *comparison) result() *corev1.Comparison {
	type change struct {
		*corev1.Comparison_Change

		at, then int
	}
	var out []change
	behind := 0 // how far the newer text has come where an older unit stood
	for i := range c.old {
		u := &c.old[i]
		if u.pair >= 0 {
			if !u.moved {
				behind = u.pair + 1
			}
			continue
		}
		out = append(out, change{&corev1.Comparison_Change{Kind: corev1.Comparison_REMOVED, Before: u.place, Segments: whole(corev1.Comparison_Segment_DELETED, u.words)}, behind, -len(c.old) + i})
	}
	for k := range c.new {
		u := &c.new[k]
		if u.pair < 0 {
			out = append(out, change{&corev1.Comparison_Change{Kind: corev1.Comparison_ADDED, After: u.place, Segments: whole(corev1.Comparison_Segment_INSERTED, u.words)}, k, 0})
			continue
		}
		old := &c.old[u.pair]
		made := &corev1.Comparison_Change{Before: old.place, After: u.place}
		if c.ctx.Err() != nil {
			return nil
		}
		if old.key != u.key {
			made.Segments = segments(old.words, u.words)
		}
		switch {
		case u.moved:
			made.Kind = corev1.Comparison_MOVED
		case made.Segments != nil:
			made.Kind = corev1.Comparison_CHANGED
		case squeeze(old.place.GetLabel()) != squeeze(u.place.GetLabel()):
			made.Kind = corev1.Comparison_RENUMBERED
		default:
			continue
		}
		out = append(out, change{made, k, 0})
	}
	slices.SortStableFunc(out, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.then, b.then)) })
	result := &corev1.Comparison{}
	for _, o := range out {
		result.Changes = append(result.Changes, o.Comparison_Change)
	}
	return result
}

func whole(op corev1.Comparison_Segment_Operation, words string) []*corev1.Comparison_Segment {
	if words == "" {
		return nil
	}
	return []*corev1.Comparison_Segment{{Operation: op, Text: words}}
}

// segments compares words: character by character in Chinese, word by word and
// number by number otherwise.
func segments(before, after string) []*corev1.Comparison_Segment {
	var out []*corev1.Comparison_Segment
	var gone, come, stay strings.Builder
	changed := func() {
		out = append(out, whole(corev1.Comparison_Segment_DELETED, gone.String())...)
		out = append(out, whole(corev1.Comparison_Segment_INSERTED, come.String())...)
		gone.Reset()
		come.Reset()
	}
	stayed := func(last bool) {
		text := stay.String()
		stay.Reset()
		if !last && gone.Len()+come.Len() > 0 && utf8.RuneCountInString(text) < island {
			gone.WriteString(text)
			come.WriteString(text)
			return
		}
		changed()
		out = append(out, whole(corev1.Comparison_Segment_EQUAL, text)...)
	}
	old, fresh := tokens(before), tokens(after)
	if len(old)+len(fresh) > maxWords {
		return append(whole(corev1.Comparison_Segment_DELETED, before), whole(corev1.Comparison_Segment_INSERTED, after)...)
	}
	for _, e := range diff.Edits(old, fresh) {
		if e.Op == diff.Match {
			stay.WriteString(e.X)
			continue
		}
		if stay.Len() > 0 {
			stayed(false)
		}
		if e.Op == diff.Delete {
			gone.WriteString(e.X)
		} else {
			come.WriteString(e.Y)
		}
	}
	stayed(true)
	return out
}

// tokens parts words: a Chinese character or a mark is one, and so is a run of
// letters or a number, with its point and separators.
func tokens(s string) []string {
	kind := func(r rune) int {
		switch {
		case r < utf8.RuneSelf && unicode.IsLetter(r):
			return 1
		case unicode.IsDigit(r):
			return 2
		}
		return 0
	}
	var out []string
	from, last := 0, 0
	for i, r := range s {
		k := kind(r)
		if last == 2 && (r == '.' || r == ',') {
			if next, _ := utf8.DecodeRuneInString(s[i+1:]); unicode.IsDigit(next) {
				k = 2
			}
		}
		if i > from && (k == 0 || k != last) {
			out = append(out, s[from:i])
			from = i
		}
		last = k
	}
	if from < len(s) {
		out = append(out, s[from:])
	}
	return out
}

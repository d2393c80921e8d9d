package rulebook

import (
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// titleShape is a title made ready to be compared with others.
type titleShape struct {
	runes []rune
	// seen has a bit for each character, those that share one not told apart.
	seen uint64
	kind string
	// least is from how many characters on a title is looked at as a slip for another:
	// shorter ones resemble too many, less so where 中华人民共和国 says what they are.
	least int
}

// Longer titles are no statutes; titles that differ by more than maxSlip characters are two.
const (
	minSlipRunes = 5
	minNational  = 3
	maxSlipRunes = 40
	maxSlip      = 6
)

func shapeOf(title string) titleShape {
	bare := bareTitle(title)
	s := titleShape{kind: kindOf(bare), least: minSlipRunes}
	if bare != title {
		s.least = minNational
	}
	if n := utf8.RuneCountInString(bare); n > maxSlipRunes {
		return s
	}
	s.runes = []rune(bare)
	for _, r := range s.runes {
		s.seen |= 1 << (uint(r) % 64)
	}
	return s
}

// near reports whether two titles can be a slip apart at all.
func (s *titleShape) near(of *titleShape) bool {
	d := len(s.runes) - len(of.runes)
	return len(of.runes) >= s.least && -maxSlip <= d && d <= maxSlip && bits.OnesCount64(s.seen^of.seen) <= maxSlip &&
		(s.head() == of.head() || d == 0) && (s.kind == of.kind || s.kind == "")
}

// head is the first character, 0 where a title is not compared.
func (s *titleShape) head() rune {
	if len(s.runes) == 0 {
		return 0
	}
	return s.runes[0]
}

// national reports whether a title begins with 中华人民共和国.
func (s *titleShape) national() bool { return s.least == minNational }

// slip tells by how many characters a title misses a statute's, 0 when they are two
// titles.
func slip(a, b *titleShape) int {
	from, n, m := 0, len(a.runes), len(b.runes)
	for from < n && from < m && a.runes[from] == b.runes[from] {
		from++
	}
	for n > from && m > from && a.runes[n-1] == b.runes[m-1] {
		n, m = n-1, m-1
	}
	written, right := a.runes[from:n], b.runes[from:m]
	size := max(len(written), len(right))
	if permuted(written, right) {
		size = 2 // words in another order
	}
	// Of local rules there are so many that a title of theirs is a slip for a national
	// one only where it is long and all but the same.
	law := b.kind == "法" || b.kind == "条例" || b.kind == "法典"
	if !law && (size > 2 || size == 2 && !permuted(written, right) || len(b.runes) < longTitle) {
		return 0
	}
	if a.kind == "" && (size > 1 || len(a.runes) != len(b.runes)) {
		return 0 // a kind that there is nowhere: 条列
	}
	switch {
	case slipped(written, right, len(b.runes)+minSlipRunes-a.least):
	case a.national() && b.kind == "法" && size <= 2 && (len(written) == 0 || len(right) == 0) && len(b.runes) > minSlipRunes-1:
		// The laws of the nation are all known: a word more or less makes none.
	default:
		return 0
	}
	return size
}

// longTitle is from how many characters on a title tells what it is about even with a
// word less.
const longTitle = 10

// slipped reports whether the middle of a title is a slip for the middle of one of so many
// characters.
func slipped(written, right []rune, of int) bool {
	switch w, r := len(written), len(right); {
	case w == 0:
		return r == 1 || common(right) && r <= 4 || r == 2 && of >= longTitle || r <= of/4 && of >= longTitle+2
	case r == 0:
		return (w == 1 || common(written) && w <= 4) && of >= minSlipRunes
	case w == 1 && r == 1:
		return of > minSlipRunes && !(isSubject(written[0]) && isSubject(right[0]))
	case permuted(written, right):
		return of > minSlipRunes
	case w+r > 4 || of < minSlipRunes+2:
		return false
	default:
		return common(written) && common(right) || of > minSlipRunes+2 && slices.ContainsFunc(written, func(c rune) bool { return slices.Contains(right, c) })
	}
}

// common reports whether characters are words that say what is done rather than to what,
// which titles are remembered without.
func common(s []rune) bool {
	words := string(s)
	for words != "" {
		i := slices.IndexFunc(commonWords, func(w string) bool { return strings.HasPrefix(words, w) })
		if i < 0 {
			return false
		}
		words = words[len(commonWords[i]):]
	}
	return true
}

var commonWords = []string{"管理", "监督", "监管", "保护", "保障", "防治", "防止", "治理", "促进", "推进", "经营", "权益", "服务", "工作", "行政", "安全", "处理",
	"处置", "控制", "维护", "暂行", "和", "与", "及", "的", "或者", "以及"}

// isSubject reports whether a character names a thing, so that another in its place names
// another thing: 供热 is no slip for 供水.
func isSubject(r rune) bool {
	return strings.ContainsRune("水热气电油煤粮盐路车船港河湖海江山林草田地矿农工商渔牧村镇乡街县市省州区城国军警民校园医药食房楼桥男女老幼妇童兵犬牛羊猪禽鱼", r)
}

func permuted(a, b []rune) bool {
	if len(a) != len(b) || len(a) < 2 {
		return false
	}
	x, y := slices.Clone(a), slices.Clone(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

func kindOf(title string) string {
	for _, k := range []string{"条例", "办法", "规定", "细则", "规则", "法典", "标准", "规范", "规划", "方案", "意见", "法"} {
		if strings.HasSuffix(title, k) {
			return k
		}
	}
	return ""
}

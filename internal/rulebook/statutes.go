package rulebook

import (
	"strings"
	"time"
	"unicode/utf8"
)

// statute is one entry of the law library: what is cited, and whether it still
// may be.
type statute struct {
	title      string // official
	number     string
	from, to   time.Time
	replacedBy string
	uncertain  bool // the end is not certain: a prompt, never a suspicion
}

// statuteIndex finds statutes by title, and the statute a wrong title means.
type statuteIndex struct {
	byTitle map[string]*statute
	// byGap holds every title with one character left out, so that two titles
	// one slip apart meet in it.
	byGap map[string]*statute
}

const nationalPrefix = "中华人民共和国"

// Shorter titles resemble too many others, longer ones are no statutes.
const (
	minSlipRunes = 5
	maxSlipRunes = 40
)

func bareTitle(s string) string { return strings.TrimPrefix(s, nationalPrefix) }

func (x *statuteIndex) add(s *statute) bool {
	bare := bareTitle(s.title)
	if _, dup := x.byTitle[bare]; dup {
		return false
	}
	x.byTitle[bare] = s
	if n := utf8.RuneCountInString(bare); n >= minSlipRunes && n <= maxSlipRunes {
		for _, g := range gaps(bare) {
			x.byGap[g] = s
		}
	}
	return true
}

// find returns the statute cited by a title, with or without 中华人民共和国 and
// whatever stands in brackets behind it.
func (x *statuteIndex) find(title string) *statute {
	if i := strings.IndexAny(title, "（("); i > 0 {
		title = title[:i]
	}
	return x.byTitle[bareTitle(title)]
}

// meant returns the statute whose title is one character away from a title that
// no statute has. Instruments of another kind (办法 for 条例) and of a place keep
// their own titles; a kind that exists nowhere (条列) is a slip.
func (x *statuteIndex) meant(title string) *statute {
	bare := bareTitle(title)
	n := utf8.RuneCountInString(bare)
	if n < minSlipRunes-1 || n > maxSlipRunes {
		return nil
	}
	if s := x.byGap[bare]; s != nil && sameKind(bare, s.title) { // one left out
		return s
	}
	var g []byte // the title without one character
	for i := 0; i < len(bare); {
		_, size := utf8.DecodeRuneInString(bare[i:])
		g = append(append(g[:0], bare[:i]...), bare[i+size:]...)
		i += size
		if s := x.byTitle[string(g)]; s != nil && n > minSlipRunes && sameKind(bare, s.title) && sameHead(bare, s.title) {
			return s // one too many
		}
		if s := x.byGap[string(g)]; s != nil && n > minSlipRunes && sameKind(bare, s.title) && sameHead(bare, s.title) &&
			utf8.RuneCountInString(bareTitle(s.title)) == n {
			return s // one wrong
		}
	}
	return nil
}

// gaps lists s with each of its characters left out.
func gaps(s string) []string {
	out := make([]string, 0, utf8.RuneCountInString(s))
	for i := 0; i < len(s); {
		_, size := utf8.DecodeRuneInString(s[i:])
		out = append(out, s[:i]+s[i+size:])
		i += size
	}
	return out
}

// sameHead keeps a title with a place in front from passing for a slip.
func sameHead(a, b string) bool {
	first, _ := utf8.DecodeRuneInString(a)
	other, _ := utf8.DecodeRuneInString(bareTitle(b))
	return first == other
}

func sameKind(a, b string) bool {
	k := kindOf(a)
	return k == "" || k == kindOf(b)
}

func kindOf(title string) string {
	for _, k := range []string{"条例", "办法", "规定", "细则", "规则", "法典", "标准", "规范", "规划", "方案", "意见", "法"} {
		if strings.HasSuffix(title, k) {
			return k
		}
	}
	return ""
}

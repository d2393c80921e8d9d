package rulebook

import (
	"strings"
	"time"
)

// statute is one entry of the law library: what is cited, and whether it still
// may be.
type statute struct {
	title      string // official
	number     string
	from, to   time.Time
	replacedBy string
	uncertain  bool // the end is not certain: a prompt, never a suspicion
	// articles is how many it has, the most of any version; 0 when unknown.
	articles int

	shape titleShape
}

// ended reports whether a statute was no longer in force on a day.
func (s *statute) ended(day time.Time) bool { return !s.to.IsZero() && day.After(s.to) }

// statuteIndex finds statutes by title, and the statute a wrong title means.
type statuteIndex struct {
	byTitle map[string]*statute
	// all is in the order of the files; byHead and bySeen hold those whose title begins
	// with a character, or has the same ones.
	all    []*statute
	byHead map[rune][]*statute
	bySeen map[uint64][]*statute
}

const nationalPrefix = "中华人民共和国"

func bareTitle(s string) string { return strings.TrimPrefix(s, nationalPrefix) }

func (x *statuteIndex) add(s *statute) bool {
	bare := bareTitle(s.title)
	if _, dup := x.byTitle[bare]; dup {
		return false
	}
	s.shape = shapeOf(s.title)
	x.byTitle[bare] = s
	x.all = append(x.all, s)
	if head := s.shape.head(); head != 0 {
		x.byHead[head] = append(x.byHead[head], s)
		x.bySeen[s.shape.seen] = append(x.bySeen[s.shape.seen], s)
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

// meant returns the one statute that a title which no statute has is a slip for: a
// character or a common word too many, left out or wrong. What implements a statute,
// instruments of another kind (办法 for 条例) and those of a place have titles of their own.
func (x *statuteIndex) meant(title string) *statute {
	if strings.ContainsAny(title, "〈〉<>（(") || strings.HasPrefix(title, "关于") {
		return nil
	}
	bare := bareTitle(title)
	a := shapeOf(title)
	if len(a.runes) < a.least-1 || len(a.runes) > maxSlipRunes || x.implements(bare) {
		return nil
	}
	if law := x.byTitle[strings.TrimSuffix(bare, a.kind)+"法"]; law != nil && a.kind != "" && a.kind != "法" {
		if a.national() {
			return law
		}
		return nil // what a place makes of the law bears its name
	}
	var best *statute
	least := maxSlip + 1
	try := func(s *statute) {
		if !a.near(&s.shape) {
			return
		}
		switch n := slip(&a, &s.shape); {
		case n == 0 || n > least || s == best:
		case n < least:
			best, least = s, n
		case best == nil || !best.to.IsZero() && s.to.IsZero():
			best = s
		case best.to.IsZero() == s.to.IsZero():
			best = nil // two are as near as each other
		}
	}
	for _, s := range x.byHead[a.head()] {
		try(s)
	}
	for _, s := range x.bySeen[a.seen] {
		if s.shape.head() != a.head() {
			try(s)
		}
	}
	return best
}

// implements reports whether a title is that of rules under a statute: 示例法实施办法.
func (x *statuteIndex) implements(bare string) bool {
	for _, kind := range []string{"实施条例", "实施细则", "实施办法", "实施规定", "实施意见", "施行细则", "细则"} {
		if of, ok := strings.CutSuffix(bare, kind); ok && x.byTitle[of] != nil {
			return true
		}
	}
	return false
}

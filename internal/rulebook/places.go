package rulebook

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A city or county body names its own place about as often as it says 本市: rules read
// 在盐城市注册 as 在本市注册, and 盐城市外 as 市外. Titles in 《》 are left as they are.

// Bounds on names: the longest plain one, and with 自治 in it.
const (
	plainNameRunes      = 5
	autonomousNameRunes = 16
)

// namedPlace is a stretch of what is read that stands for a name: bytes there and in the
// clause.
type namedPlace struct{ start, end, from, to int }

// places are the names of administrative divisions.
type places struct {
	full map[string]bool
	bare map[string]string // without 省, 市 or 县 -> that ending
}

// add takes up a name; it reports whether the name is one.
func (p *places) add(name string) bool {
	end, size := utf8.DecodeLastRuneInString(name)
	if utf8.RuneCountInString(name) < 3 || !isDivision(name[len(name)-size:]) {
		return false
	}
	p.full[name] = true
	if end == '省' || end == '市' || end == '县' && !strings.Contains(name, "自治") {
		p.bare[name[:len(name)-size]] = name[len(name)-size:]
	}
	return true
}

// divisions are the endings of names, beforeBare what a name without one stands behind.
const (
	divisions  = "省市县区州旗盟"
	beforeBare = "在入于到至来"
)

func isDivision(s string) bool {
	switch s {
	case "省", "市", "县", "区", "州", "旗", "盟":
		return true
	}
	return false
}

// What makes the ending of a name the beginning of another word.
var notEndings = []string{"市场", "区域", "区间", "区块", "区位", "区划", "省级", "州际"}

// read gives the text with the names replaced, and where it was.
func (p *places) read(text string) (string, []namedPlace) {
	if len(p.full) == 0 {
		return text, nil
	}
	var b strings.Builder
	var out []namedPlace
	done := 0
	put := func(from, to int, ending string) {
		word := "本" + ending
		if rest := text[to:]; strings.HasPrefix(rest, "外") || strings.HasPrefix(rest, "以外") || strings.HasPrefix(rest, "之外") {
			word = ending
		}
		if n := len(out) - 1; n >= 0 && out[n].to == from { // 浙江省杭州市 is one place
			rest := b.String()[:out[n].start]
			b.Reset()
			b.WriteString(rest)
			from, out = out[n].from, out[:n]
		} else {
			b.WriteString(text[done:from])
		}
		start := b.Len()
		b.WriteString(word)
		out, done = append(out, namedPlace{start, b.Len(), from, to}), to
	}
	title := false
	for i := 0; i+3 <= len(text); i++ {
		if text[i] < 0xE3 {
			continue
		}
		switch r, _ := runeAt(text, i); r {
		case '《':
			title = true
		case '》':
			title = false
		case '省', '市', '县', '区', '州', '旗', '盟':
			if title || i < done {
				break
			}
			if from := p.nameBefore(text, done, i+3); from >= 0 {
				put(from, i+3, text[i:i+3])
			}
		case '在', '入', '于', '到', '至', '来':
			if title || i < done {
				break
			}
			if to, ending := p.bareAfter(text, i+3); to > 0 {
				put(i+3, to, ending)
			}
		}
		i += 2
	}
	if out == nil {
		return text, nil
	}
	b.WriteString(text[done:])
	return b.String(), out
}

// nameBefore finds where the longest name that ends at end begins, or -1.
func (p *places) nameBefore(text string, done, end int) int {
	if slices.ContainsFunc(notEndings, func(w string) bool { return strings.HasPrefix(text[end-3:], w) }) {
		return -1
	}
	limit := plainNameRunes
	if strings.HasSuffix(text[done:end-3], "自治") {
		limit = autonomousNameRunes
	}
	found := -1
	for n, at := 1, end-3; n < limit && at > done; n++ {
		_, size := utf8.DecodeLastRuneInString(text[done:at])
		if at -= size; size != 3 {
			break
		}
		if n >= 2 && p.full[text[at:end]] {
			found = at
		}
	}
	return found
}

// What follows a bare name that is the place of a rule: 在德清设立, 在杭州或.
var afterBare = []string{"的", "境", "范围", "注册", "登记", "设", "缴", "纳", "有", "内", "外", "地区", "开", "从事", "经营", "承", "投资", "落", "或", "、", "建", "成立", "工商", "施工", "办", "购"}

// bareAfter finds a name without its ending at from, where what follows fits.
func (p *places) bareAfter(text string, from int) (end int, ending string) {
	for n := 2; n <= 3 && from+3*n <= len(text); n++ {
		ending, ok := p.bare[text[from:from+3*n]]
		if ok && slices.ContainsFunc(afterBare, func(w string) bool { return strings.HasPrefix(text[from+3*n:], w) }) {
			return from + 3*n, ending
		}
	}
	return 0, ""
}

// origin leads from a stretch of what was read to that of the clause.
func origin(names []namedPlace, start, end int) (from, to int) {
	from, to = start, end
	for _, n := range names {
		switch {
		case start >= n.end:
			from = start + n.to - n.end
		case start > n.start:
			from = n.from
		}
		switch {
		case end >= n.end:
			to = end + n.to - n.end
		case end > n.start:
			to = n.to
		}
	}
	return from, to
}

// Plain is a text as models of wording see it: names of places read as 本市, 本县 and so on.
func (l *Library) Plain(text string) string {
	plain, _ := l.places.read(text)
	return plain
}

package policytext

import (
	"strings"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

// mark is the number that a line begins with, typed or automatic.
type mark struct {
	kind   corev1.ProvisionKind // PART to ARTICLE, or HEADING
	level  int                  // of a heading: 1 一、 2 （一） 3 1. 4 （1） 5 ①
	number int
	branch int // 第三条之一
	label  string
	start  int    // code points before the label
	body   int    // code points before what follows it
	rest   string // what follows, without blanks at either end
	loose  bool   // typed, and nothing sets it off from what follows
}

// readMark tells what number a line begins with.
func readMark(l *line) (mark, bool) {
	s := strings.TrimLeftFunc(l.text, IsBlank)
	indent := len(l.text) - len(s)
	m, size, ok := scanMark(s)
	if !ok {
		return mark{}, false
	}
	after := strings.TrimLeftFunc(s[size:], IsBlank)
	m.label = s[:size]
	m.start = utf8.RuneCountInString(l.text[:indent])
	m.body = utf8.RuneCountInString(l.text[:len(l.text)-len(after)])
	m.rest = trim(after)
	m.loose = l.label == "" && after != "" && len(after) == len(s)-size
	return m, true
}

// scanMark reads a number at the start of s and how many bytes it takes.
func scanMark(s string) (mark, int, bool) {
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case r == '第':
		return scanOrdinal(s)
	case r == '（' || r == '(':
		number, chinese, n := scanNumber(s[size:])
		end, width := utf8.DecodeRuneInString(s[size+n:])
		if n == 0 || end != '）' && end != ')' {
			return mark{}, 0, false
		}
		level := 4
		if chinese {
			level = 2
		}
		return mark{kind: corev1.ProvisionKind_PROVISION_KIND_HEADING, level: level, number: number}, size + n + width, true
	}
	for _, e := range enclosedNumbers {
		if r >= e.first && r <= e.last {
			return mark{kind: corev1.ProvisionKind_PROVISION_KIND_HEADING, level: e.level, number: int(r-e.first) + 1}, size, true
		}
	}
	number, chinese, n := scanNumber(s)
	if n == 0 {
		return mark{}, 0, false
	}
	stop, width := utf8.DecodeRuneInString(s[n:])
	m := mark{kind: corev1.ProvisionKind_PROVISION_KIND_HEADING, level: 3, number: number}
	if chinese {
		m.level = 1
		return m, n + width, stop == '、' || stop == '．' || stop == '.'
	}
	next, _ := utf8.DecodeRuneInString(s[n+width:])
	decimal := (stop == '.' || stop == '．') && next < utf8.RuneSelf && numeralDigit(next) >= 0
	return m, n + width, !decimal && strings.ContainsRune(".．、)）", stop) && width > 0
}

// enclosedNumbers are numbers that are one character with what sets them off.
var enclosedNumbers = []struct {
	first, last rune
	level       int
}{{'㈠', '㈩', 2}, {'⒈', '⒛', 3}, {'⑴', '⒇', 4}, {'①', '⑳', 5}}

// scanOrdinal reads 第…编, 第…章, 第…节 or 第…条, blanks inside allowed.
func scanOrdinal(s string) (mark, int, bool) {
	at := len("第")
	at += len(s[at:]) - len(strings.TrimLeftFunc(s[at:], IsBlank))
	number, _, n := scanNumber(s[at:])
	if n == 0 {
		return mark{}, 0, false
	}
	at += n
	at += len(s[at:]) - len(strings.TrimLeftFunc(s[at:], IsBlank))
	unit, width := utf8.DecodeRuneInString(s[at:])
	m := mark{number: number}
	switch unit {
	case '编':
		m.kind = corev1.ProvisionKind_PROVISION_KIND_PART
	case '章':
		m.kind = corev1.ProvisionKind_PROVISION_KIND_CHAPTER
	case '节':
		m.kind = corev1.ProvisionKind_PROVISION_KIND_SECTION
	case '条':
		m.kind = corev1.ProvisionKind_PROVISION_KIND_ARTICLE
	default:
		return mark{}, 0, false
	}
	at += width
	if after, ok := strings.CutPrefix(s[at:], "之"); ok && unit == '条' {
		if branch, chinese, n := scanNumber(after); n > 0 && chinese {
			m.branch = branch
			at += len("之") + n
		}
	}
	return m, at, true
}

// scanNumber reads a run of numerals, all Chinese or all digits, and how many
// bytes it takes.
func scanNumber(s string) (number int, chinese bool, size int) {
	for i, r := range s {
		isDigit := r >= '0' && r <= '9' || r >= '０' && r <= '９'
		if !isDigit && numeralDigit(r) < 0 && numeralUnit(r) == 0 || i > 0 && isDigit == chinese || i > 40 {
			break
		}
		chinese = !isDigit
		size = i + utf8.RuneLen(r)
	}
	number, ok := ParseNumeral(s[:size])
	if !ok || number > 99_999 {
		return 0, false, 0
	}
	return number, chinese, size
}

// isSentence reports whether a text reads as prose and not as a title, a
// signature or a cell: it holds a stop, a comma or a closing mark.
func isSentence(s string) bool { return strings.ContainsAny(s, "，。；：！？,;!?") }

// refersBack reports whether what follows 第…条 shows a citation in running
// text and not the start of an article.
func refersBack(rest string) bool {
	for _, word := range []string{"第", "的", "规定", "所", "和", "与", "及", "至", "到", "或", "、", "，", "。", "；", "中", "以", "之"} {
		if strings.HasPrefix(rest, word) {
			return true
		}
	}
	return false
}

// cited reports whether a number is one that running text refers to, 第五条规定 or
// （二）项, and not the start of a provision.
func (m mark) cited() bool {
	return m.loose && (m.kind == corev1.ProvisionKind_PROVISION_KIND_ARTICLE && refersBack(m.rest) ||
		m.kind == corev1.ProvisionKind_PROVISION_KIND_HEADING && strings.HasPrefix(m.rest, "项") && !strings.HasPrefix(m.rest, "项目"))
}

// squeeze removes every blank, for lines whose letters are spread apart.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if IsBlank(r) {
			return -1
		}
		return r
	}, s)
}

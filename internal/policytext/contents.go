package policytext

import (
	"strings"
	"unicode/utf8"
)

// isContents reports the head of a table of contents.
func isContents(s string) bool { return squeeze(s[:min(len(s), 30)]) == "目录" }

// contents passes over a table of contents and returns its last line: the
// entries below 目录, when the first of them comes again as a heading of the
// text. Only the first 目录 of a document is looked at.
func (o *outliner) contents(i int) int {
	if o.listed {
		return i
	}
	o.listed = true
	var first mark
	last, ended := i, false
	for k := i + 1; k < o.part.last; k++ {
		l := &o.r.lines[k]
		if l.place != inText || trim(l.text) == "" {
			continue
		}
		m, ok := readMark(l)
		switch paged := endsInPage(l.text); {
		case first.label == "" && !ok && !paged:
			return i // no list follows
		case first.label == "" && ok:
			first = m
		case ok && m.label == first.label && strings.HasPrefix(squeeze(first.rest), squeeze(m.rest)):
			return last
		case !paged && (!ok || strings.HasSuffix(m.rest, "。")):
			ended = true
		}
		if !ended {
			last = k
		}
	}
	return i
}

// endsInPage reports an entry with its page: 附则……12.
func endsInPage(s string) bool {
	s = trim(s)
	stem := strings.TrimRight(s, "0123456789")
	return stem != s && strings.ContainsAny(lastOf(stem), "\t.…·　 ")
}

func lastOf(s string) string {
	_, n := utf8.DecodeLastRuneInString(s)
	return s[len(s)-n:]
}

package rulebook

import (
	"strings"
	"unicode/utf8"
)

// Bounds that keep matching linear: a longer sentence is cut, at a comma where
// one comes soon, and a longer lead-in keeps its end, which holds the governing
// words.
const (
	softClauseRunes = 400
	maxClauseRunes  = 600
	maxLeadRunes    = 200
)

// clause is one sentence of a text, together with the lead-in it stands under.
type clause struct {
	lead      string // empty outside a list
	text      string // the sentence itself, end mark included
	runeStart int    // code points of the document before text
	runes     int    // code points of text
}

// joined is what patterns see. The line feed between the parts occurs in no
// sentence, so no literal of a rule can straddle them unseen.
func (c *clause) joined() (s string, own int) {
	if c.lead == "" {
		return c.text, 0
	}
	return c.lead + "\n" + c.text, len(c.lead) + 1
}

// itemMark reports whether a line begins with the number of an item, such as （一）:
// ^[\s　]*[（(][一二三四五六七八九十百]{1,4}[）)]
func itemMark(s string) bool {
	rest, ok := opened(afterBlanks(s))
	if !ok {
		return false
	}
	for n := 0; ; n++ {
		r, size := utf8.DecodeRuneInString(rest)
		if !strings.ContainsRune("一二三四五六七八九十百", r) || size == 0 {
			return n > 0 && closes(rest)
		}
		if n == 4 {
			return false
		}
		rest = rest[size:]
	}
}

// subItemMark reports whether a line begins with the number of a sub-item, such as (1)
// or 1. : ^[\s　]*(?:[（(]\d{1,3}[）)]|\d{1,3}(?:[．、]|\.[^\d]))
func subItemMark(s string) bool {
	rest, bracket := opened(afterBlanks(s))
	n := 0
	for n < len(rest) && n < 4 && isDigit(rest[n]) {
		n++
	}
	if n == 0 || n == 4 {
		return false
	}
	rest = rest[n:]
	if bracket {
		return closes(rest)
	}
	if strings.HasPrefix(rest, "．") || strings.HasPrefix(rest, "、") {
		return true
	}
	return len(rest) > 1 && rest[0] == '.' && !isDigit(rest[1])
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func afterBlanks(s string) string {
	for len(s) > 0 {
		switch {
		case s[0] == ' ' || s[0] == '\t' || s[0] == '\n' || s[0] == '\f' || s[0] == '\r':
			s = s[1:]
		case strings.HasPrefix(s, "　"):
			s = s[len("　"):]
		default:
			return s
		}
	}
	return s
}

func opened(s string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(s, "（"); ok {
		return rest, true
	}
	return strings.CutPrefix(s, "(")
}

func closes(s string) bool { return strings.HasPrefix(s, "）") || strings.HasPrefix(s, ")") }

// splitter walks the sentences of a text in reading order and tracks the
// lead-ins in force.
type splitter struct {
	leads [2]string // of the items, of the sub-items
	level int       // of the current line: 0 outside lists, 1 item, 2 sub-item
	runes int
	yield func(*clause) bool
	clause
	done bool
}

// eachClause calls yield for every sentence of s until it answers false. What it gives
// holds until the next.
func eachClause(s string, yield func(*clause) bool) {
	sp := &splitter{yield: yield}
	for len(s) > 0 && !sp.done {
		line, rest, found := strings.Cut(s, "\n")
		sp.line(line)
		if found {
			sp.runes++
		}
		s = rest
	}
}

func (sp *splitter) line(line string) {
	sp.level = 0
	fresh := true
	for len(line) > 0 && !sp.done {
		n, runes := sentenceEnd(line)
		sp.sentence(line[:n], runes, fresh)
		line, fresh = line[n:], false
	}
}

func (sp *splitter) sentence(s string, runes int, fresh bool) {
	switch {
	case itemMark(s):
		sp.level, sp.leads[1] = 1, ""
	case subItemMark(s):
		sp.level = 2
	case fresh:
		sp.leads = [2]string{}
	}
	c := &sp.clause
	*c = clause{text: s, runeStart: sp.runes, runes: runes}
	switch sp.level {
	case 1:
		c.lead = sp.leads[0]
	case 2:
		c.lead = lastRunes(sp.leads[0]+sp.leads[1], maxLeadRunes)
	}
	sp.runes += runes
	if !blank(s) && !sp.yield(c) {
		sp.done = true
	}
	if lead, ok := leadIn(s); ok {
		sp.leads[min(sp.level, 1)] = lastRunes(lead, maxLeadRunes)
	}
}

// blank reports whether a sentence has no more than white space.
func blank(s string) bool {
	if s != "" && s[0] >= 0xE4 && s[0] <= 0xE9 { // a Chinese character
		return false
	}
	return strings.TrimSpace(s) == ""
}

// leadIn gives a sentence that ends in a colon without the blanks behind.
func leadIn(s string) (string, bool) {
	if s == "" || strings.IndexByte(":\x9a \t\r\x80", s[len(s)-1]) < 0 { // ends of ：and of an ideographic space
		return "", false
	}
	s = strings.TrimRight(s, " \t　\r")
	return s, strings.HasSuffix(s, "：") || strings.HasSuffix(s, ":")
}

// sentenceEnd returns how many bytes of line its first sentence takes, and how many code
// points.
func sentenceEnd(line string) (n, runes int) {
	ended := false
	for i := 0; i < len(line); {
		if !ended && runes < softClauseRunes && isHan(line, i) {
			runes++
			i += 3
			continue
		}
		r, size := runeAt(line, i)
		if ended && !strings.ContainsRune("”’」』）)》。；！？", r) {
			return i, runes
		}
		if runes == maxClauseRunes {
			return i, runes
		}
		runes++
		i += size
		if runes > softClauseRunes && (r == '，' || r == ',') {
			return i, runes
		}
		switch r {
		case '。', '；', '！', '？', ';', '!', '?':
			ended = true
		case '：', ':':
			if rest := line[i:]; itemMark(rest) || subItemMark(rest) {
				return i, runes
			}
		}
	}
	return len(line), runes
}

func lastRunes(s string, n int) string {
	for extra := utf8.RuneCountInString(s) - n; extra > 0; extra-- {
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	return s
}

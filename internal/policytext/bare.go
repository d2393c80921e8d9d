package policytext

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

var (
	// bareHead is what stands before an article that is named without its document:
	// 违反第五条, or the beginning of a clause.
	bareHead = regexp.MustCompile(`(?:[，。；：、（(]|依照|按照|参照|根据|依据|违反|符合|满足|适用|执行|遵守|履行|载明|包括|涉及|属于|具有|关于|除|有|按|报|对|经|由|因|以|在|见|与|和|及|或者?)$`)
	// ofThatText says that an article is another text's: 该条例, 《甲法》.
	ofThatText = regexp.MustCompile(`》|[该同其上][述一]?(?:法|条例|规定|办法)`)
)

// bareMentions adds to the mentions of a line the articles that it names without
// saying whose they are: 依照第五条处理. Behind another text's title, to the end of the
// sentence, they are that text's.
func bareMentions(s string, mentions []Mention) []Mention {
	if !strings.Contains(s, "条") {
		return mentions
	}
	from, foreign := 0, false
	if m, ok := readMark(&line{text: s}); ok && !m.cited() {
		from = len(s) - len(strings.TrimLeftFunc(s[strings.Index(s, m.label)+len(m.label):], IsBlank))
		foreign = m.level == 1 // 一、第三条修改为
	}
	if !strings.Contains(s[from:], "条") || !strings.Contains(s[from:], "第") {
		return mentions
	}
	other := -1 // where another text is named first, once it is asked for
	out, next := slices.Clip(mentions), 0
	for at := from; at < len(s) && len(out) <= maxReferences; {
		if next < len(mentions) && at >= mentions[next].Start {
			at, foreign = max(at, mentions[next].End), false
			next++
			continue
		}
		r, width := utf8.DecodeRuneInString(s[at:])
		switch r {
		case '。', '；':
			foreign = false
		case '》':
			foreign = true
		case '第':
			list, size := scanCitedList(s[at:])
			if size == 0 || list[0].GetArticle() == 0 {
				break
			}
			if foreign = foreign || !stands(s[from:at]); !foreign {
				if other < 0 {
					other = len(s)
					if found := ofThatText.FindStringIndex(s); found != nil {
						other = found[0]
					}
				}
				out = append(out, Mention{Start: at, End: at + size, Text: s[at : at+size], provisions: list, doubtful: other < at})
			}
			width = size
		}
		at += width
	}
	if len(out) == len(mentions) {
		return mentions
	}
	slices.SortFunc(out, func(a, b Mention) int { return cmp.Compare(a.Start, b.Start) })
	return out
}

// ofParts finds the citations of a line that name a part of the document itself and
// provisions of it: 《甲办法》第八条.
func (rs *resolver) ofParts(l *line, citations []*corev1.Citation) (out []Mention) {
	point, byteAt := l.start, 0
	bytesTo := func(to int) int {
		for ; point < to; point++ {
			_, size := utf8.DecodeRuneInString(l.text[byteAt:])
			byteAt += size
		}
		return byteAt
	}
	for _, c := range citations {
		if int(c.GetEnd()) > l.end {
			break
		}
		part := rs.titles[Fold(withoutDraftMark(c.GetTitle()))]
		if c.GetKind() != corev1.CitationKind_CITATION_KIND_SELF || len(c.GetProvisions()) == 0 || part == nil {
			continue
		}
		start := bytesTo(int(c.GetStart()))
		end := bytesTo(int(c.GetEnd()))
		if _, note := bracketed(l.text[end:]); note > 0 {
			end += note
		}
		if list, size := scanCitedList(l.text[end:]); size > 0 {
			out = append(out, Mention{Start: start, End: end + size, Text: l.text[start : end+size], provisions: list, part: part})
		}
	}
	return out
}

// stands reports whether an article named behind these words may be the text's own.
func stands(before string) bool {
	before = strings.TrimRightFunc(before[max(0, len(before)-longestHead):], IsBlank)
	return before == "" || bareHead.MatchString(before)
}

// longestHead is how many bytes before an article are looked at.
const longestHead = 24

package policytext

import (
	"regexp"
	"strings"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

// scanCitedList reads provisions in a row: 第八条、第九条第一款和第二款, 第五、六条.
func scanCitedList(s string) (list []*corev1.CitedProvision, size int) {
	for at := 0; ; {
		var last *corev1.CitedProvision
		if len(list) > 0 {
			last = list[len(list)-1]
		}
		p, n, ok := scanCited(s[at:], last, false)
		run, more := scanRun(s[at+n:], p, last)
		switch {
		case more > 0:
			list = append(list, run...)
		case ok:
			list = append(list, p)
		default:
			return list, size
		}
		at += n + more
		size = at
		word := joinWord(s[at:])
		if word == 0 {
			return list, size
		}
		at += word
	}
}

// joinWord is how many bytes the word takes that joins one provision to the next.
func joinWord(s string) int {
	for _, word := range []string{"、", "以及", "或者", "和", "及", "与", "或", "至", "到"} {
		if strings.HasPrefix(s, word) {
			return len(word)
		}
	}
	return 0
}

// maxRun bounds the numbers that share a unit.
const maxRun = 30

// scanRun reads numbers that share one unit, 第五、六条 or 第（一）、（二）项, below what was
// read before them, or else beside the last of the list.
func scanRun(s string, before, last *corev1.CitedProvision) (list []*corev1.CitedProvision, size int) {
	rest, ok := strings.CutPrefix(s, "第")
	if !ok {
		return nil, 0
	}
	var numbers, starts, ends []int
	for len(numbers) < maxRun {
		number, n := scanCitedNumber(rest)
		if n == 0 {
			return nil, 0
		}
		numbers, starts = append(numbers, number), append(starts, len(s)-len(rest))
		rest = rest[n:]
		if unit, n := scanUnit(rest); n > 0 {
			size = len(s) - len(rest) + n
			ends = append(ends, size)
			if list = inRun(unit, numbers, before, last); len(numbers) < 2 || list == nil {
				return nil, 0
			}
			break
		}
		ends = append(ends, len(s)-len(rest))
		word := joinWord(rest)
		if word == 0 && !strings.HasPrefix(rest, "（") {
			return nil, 0
		}
		rest = strings.TrimPrefix(rest[word:], "第")
	}
	for i, p := range list {
		p.Text = s[starts[i]:ends[i]]
	}
	if len(list) > 0 {
		list[0].Text = before.GetText() + s[:ends[0]]
	}
	return list, size
}

// inRun are the provisions of a run; nil where it stands below nothing that could
// hold them.
func inRun(unit rune, numbers []int, before, last *corev1.CitedProvision) (list []*corev1.CitedProvision) {
	holder := before
	if before.GetText() == "" {
		holder = last
	}
	if unit != '条' && holder == nil || unit == '条' && before.GetText() != "" {
		return nil
	}
	for _, n := range numbers {
		number, p := int32(n), &corev1.CitedProvision{}
		switch unit {
		case '条':
			p.Article = number
		case '款':
			p.Article, p.Branch, p.Paragraph = holder.Article, holder.Branch, number
		case '项':
			p.Article, p.Branch, p.Paragraph, p.Item = holder.Article, holder.Branch, holder.Paragraph, number
		default:
			p.Article, p.Branch, p.Paragraph, p.Item, p.SubItem = holder.Article, holder.Branch, holder.Paragraph, holder.Item, number
		}
		list = append(list, p)
	}
	return list
}

// scanCited reads one provision (FACTS ST-02): 第十条之一第二款第（三）项第1目,
// numerals Chinese or digits, brackets of either width. What it leaves out at
// the front it takes from the provision named before; articleOnly stops after 条.
func scanCited(s string, last *corev1.CitedProvision, articleOnly bool) (*corev1.CitedProvision, int, bool) {
	p := &corev1.CitedProvision{}
	at, rank := 0, 0
	for {
		number, unit, size := scanCitedLevel(s[at:])
		next := strings.Index("条款项目", string(unit))/len("条") + 1
		if size == 0 || next <= rank || rank == 0 && next > 1 && last == nil || articleOnly && next > 1 {
			break
		}
		if rank == 0 && next > 1 {
			p.Article, p.Branch = last.Article, last.Branch
			if next > 2 {
				p.Paragraph = last.Paragraph
			}
			if next > 3 {
				p.Item = last.Item
			}
		}
		at += size
		rank = next
		switch unit {
		case '条':
			p.Article = int32(number)
			if after, ok := strings.CutPrefix(s[at:], "之"); ok {
				if branch, chinese, n := scanNumber(after); n > 0 && chinese {
					p.Branch = int32(branch)
					at += len("之") + n
				}
			}
		case '款':
			p.Paragraph = int32(number)
		case '项':
			p.Item = int32(number)
		case '目':
			p.SubItem = int32(number)
		}
	}
	p.Text = s[:at]
	return p, at, rank > 0
}

// scanCitedLevel reads 第十条, 第2款, 第（三）项 or （三）项.
func scanCitedLevel(s string) (number int, unit rune, size int) {
	rest, ordinal := strings.CutPrefix(s, "第")
	number, n := scanCitedNumber(rest)
	if n == 0 {
		return 0, 0, 0
	}
	unit, width := scanUnit(rest[n:])
	if width == 0 || !ordinal && (unit != '项' || !strings.HasPrefix(s, "（") && !strings.HasPrefix(s, "(")) {
		return 0, 0, 0
	}
	return number, unit, len(s) - len(rest) + n + width
}

// scanCitedNumber reads 十, 10 or （三） and the blanks around it.
func scanCitedNumber(s string) (number, size int) {
	rest := strings.TrimLeftFunc(s, IsBlank)
	open, width := utf8.DecodeRuneInString(rest)
	inBrackets := open == '（' || open == '('
	if inBrackets {
		rest = strings.TrimLeftFunc(rest[width:], IsBlank)
	}
	number, _, n := scanNumber(rest)
	if n == 0 {
		return 0, 0
	}
	rest = strings.TrimLeftFunc(rest[n:], IsBlank)
	if inBrackets {
		shut, width := utf8.DecodeRuneInString(rest)
		if shut != '）' && shut != ')' {
			return 0, 0
		}
		rest = strings.TrimLeftFunc(rest[width:], IsBlank)
	}
	return number, len(s) - len(rest)
}

// scanUnit reads 条, 款, 项 or 目; 第一项目 and 第二目录 are words of their own.
func scanUnit(s string) (unit rune, size int) {
	unit, size = utf8.DecodeRuneInString(s)
	rest := s[size:]
	if size == 0 || !strings.ContainsRune("条款项目", unit) || unit == '项' && strings.HasPrefix(rest, "目") ||
		unit == '目' && (strings.HasPrefix(rest, "录") || strings.HasPrefix(rest, "标")) {
		return 0, 0
	}
	return unit, size
}

var (
	numberParts = regexp.MustCompile(`^(.*?)[〔\[［(（【﹝〈]?((?:19|20)\d{2})年?[〕\]］)）】﹞〉]?第?0*(\d{1,5})号$`)
	orderParts  = regexp.MustCompile(`(?:令|公告|通告)(?:[〔\[［(（]?(?:19|20)\d{2}年?[〕\]］)）]?)?第`)
	fullDigits  = strings.NewReplacer("０", "0", "１", "1", "２", "2", "３", "3", "４", "4", "５", "5", "６", "6", "７", "7", "８", "8", "９", "9")
)

// normalizeNumber writes a document number as GB/T 9704-2012, 7.2.5 asks, and
// an order's without blanks only (FACTS DN-01 to DN-03).
func normalizeNumber(number string) string {
	number = fullDigits.Replace(squeeze(number))
	if orderParts.MatchString(number) {
		return number
	}
	if m := numberParts.FindStringSubmatch(number); m != nil && m[3] != "" {
		return m[1] + "〔" + m[2] + "〕" + m[3] + "号"
	}
	return number
}

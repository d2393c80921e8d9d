package policytext

import (
	"regexp"
	"strings"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

// scanCitedList reads provisions in a row: 第八条、第九条第一款和第二款.
func scanCitedList(s string) (list []*corev1.CitedProvision, size int) {
	for at := 0; ; {
		var last *corev1.CitedProvision
		if len(list) > 0 {
			last = list[len(list)-1]
		}
		p, n, ok := scanCited(s[at:], last, false)
		if !ok {
			return list, size
		}
		list = append(list, p)
		at += n
		size = at
		joined := false
		for _, word := range []string{"、", "以及", "或者", "和", "及", "与", "或", "至", "到"} {
			if rest, ok := strings.CutPrefix(s[at:], word); ok {
				at, joined = len(s)-len(rest), true
				break
			}
		}
		if !joined {
			return list, size
		}
	}
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
	rest = strings.TrimLeftFunc(rest, IsBlank)
	open, width := utf8.DecodeRuneInString(rest)
	inBrackets := open == '（' || open == '('
	if inBrackets {
		rest = strings.TrimLeftFunc(rest[width:], IsBlank)
	}
	number, _, n := scanNumber(rest)
	if n == 0 {
		return 0, 0, 0
	}
	rest = strings.TrimLeftFunc(rest[n:], IsBlank)
	if inBrackets {
		shut, width := utf8.DecodeRuneInString(rest)
		if shut != '）' && shut != ')' {
			return 0, 0, 0
		}
		rest = strings.TrimLeftFunc(rest[width:], IsBlank)
	}
	unit, width = utf8.DecodeRuneInString(rest)
	if !strings.ContainsRune("条款项目", unit) || width == 0 || !ordinal && (unit != '项' || !inBrackets) {
		return 0, 0, 0
	}
	rest = rest[width:]
	// 第一项目 and 第二目录 are words of their own.
	if unit == '项' && strings.HasPrefix(rest, "目") || unit == '目' && (strings.HasPrefix(rest, "录") || strings.HasPrefix(rest, "标")) {
		return 0, 0, 0
	}
	return number, unit, len(s) - len(rest)
}

var (
	numberParts = regexp.MustCompile(`^(.*?)[〔\[［(（【﹝〈]?((?:19|20)\d{2})[〕\]］)）】﹞〉]?第?0*(\d{1,5})号$`)
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

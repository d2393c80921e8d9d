package policytext

import (
	"strconv"
	"strings"
)

// maxListNumber is the largest number Word itself counts a list to; above it
// digits are written, so that Roman numerals and repeated letters stay short.
const maxListNumber = 32_767

// formatListNumber writes a list number in a format of ST_NumberFormat
// (ECMA-376, 17.18.59). Formats that no Chinese document uses fall back to
// digits, as Word does where it lacks one.
func formatListNumber(n int, format string) string {
	if n > maxListNumber {
		return strconv.Itoa(n)
	}
	switch format {
	case "none", "bullet":
		return ""
	case "chineseCountingThousand", "japaneseCounting", "taiwaneseCountingThousand":
		return FormatNumeral(n)
	case "chineseCounting", "taiwaneseCounting":
		if n >= 100 { // 一〇三, not 一百零三
			return digitwise(n, []rune("〇一二三四五六七八九"))
		}
		return FormatNumeral(n)
	case "chineseLegalSimplified":
		return countingNumeral(n, []rune("零壹贰叁肆伍陆柒捌玖"), []rune("拾佰仟"), "万")
	case "ideographLegalTraditional":
		return countingNumeral(n, []rune("零壹貳參肆伍陸柒捌玖"), []rune("拾佰仟"), "萬")
	case "ideographDigital", "japaneseDigitalTenThousand", "taiwaneseDigital":
		return digitwise(n, []rune("〇一二三四五六七八九"))
	case "ideographTraditional":
		return pick(n, "甲乙丙丁戊己庚辛壬癸")
	case "ideographZodiac":
		return pick(n, "子丑寅卯辰巳午未申酉戌亥")
	case "ideographZodiacTraditional":
		if n < 1 || n > 60 {
			return strconv.Itoa(n)
		}
		return string([]rune("甲乙丙丁戊己庚辛壬癸")[(n-1)%10]) + string([]rune("子丑寅卯辰巳午未申酉戌亥")[(n-1)%12])
	case "ideographEnclosedCircle":
		return pick(n, "㊀㊁㊂㊃㊄㊅㊆㊇㊈㊉")
	case "decimalEnclosedCircle", "decimalEnclosedCircleChinese":
		return circled(n)
	case "decimalEnclosedFullstop":
		return offset(n, 20, '⒈')
	case "decimalEnclosedParen":
		return offset(n, 20, '⑴')
	case "decimalFullWidth", "decimalFullWidth2":
		return digitwise(n, []rune("０１２３４５６７８９"))
	case "decimalZero":
		if n < 10 {
			return "0" + strconv.Itoa(n)
		}
	case "numberInDash":
		return "- " + strconv.Itoa(n) + " -"
	case "upperLetter":
		return letters(n, 'A')
	case "lowerLetter":
		return letters(n, 'a')
	case "upperRoman":
		return roman(n)
	case "lowerRoman":
		return strings.ToLower(roman(n))
	}
	return strconv.Itoa(n)
}

func digitwise(n int, digits []rune) string {
	var b strings.Builder
	for _, d := range strconv.Itoa(n) {
		b.WriteRune(digits[d-'0'])
	}
	return b.String()
}

// pick takes the n-th character, from 1; digits beyond the last.
func pick(n int, from string) string {
	runes := []rune(from)
	if n < 1 || n > len(runes) {
		return strconv.Itoa(n)
	}
	return string(runes[n-1])
}

// offset takes the n-th character of a run of code points, from 1.
func offset(n, last int, one rune) string {
	if n < 1 || n > last {
		return strconv.Itoa(n)
	}
	return string(one + rune(n) - 1)
}

func circled(n int) string {
	switch {
	case n == 0:
		return "⓪"
	case n <= 20:
		return offset(n, 20, '①')
	case n <= 35:
		return offset(n-20, 15, '㉑')
	case n <= 50:
		return offset(n-35, 15, '㊱')
	}
	return strconv.Itoa(n)
}

// letters counts as Word does: a … z, aa, bb … zz, aaa.
func letters(n int, first rune) string {
	if n < 1 || n > 26*40 {
		return strconv.Itoa(n)
	}
	return strings.Repeat(string(first+rune((n-1)%26)), (n-1)/26+1)
}

func roman(n int) string {
	if n < 1 {
		return strconv.Itoa(n)
	}
	var b strings.Builder
	for _, step := range []struct {
		value int
		text  string
	}{
		{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"},
		{50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"},
	} {
		for ; n >= step.value; n -= step.value {
			b.WriteString(step.text)
		}
	}
	return b.String()
}

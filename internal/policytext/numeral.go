package policytext

import "strings"

// maxNumeral bounds ParseNumeral and FormatNumeral: 九千九百九十九万九千九百九十九.
const maxNumeral = 99_999_999

// numeralDigit gives the value of a single digit, Chinese, capital, Arabic or
// full-width, or -1.
func numeralDigit(r rune) int {
	switch r {
	case '零', '〇', '○', '0', '０':
		return 0
	case '一', '壹', '1', '１':
		return 1
	case '二', '贰', '两', '2', '２':
		return 2
	case '三', '叁', '3', '３':
		return 3
	case '四', '肆', '4', '４':
		return 4
	case '五', '伍', '5', '５':
		return 5
	case '六', '陆', '6', '６':
		return 6
	case '七', '柒', '7', '７':
		return 7
	case '八', '捌', '8', '８':
		return 8
	case '九', '玖', '9', '９':
		return 9
	}
	return -1
}

func numeralUnit(r rune) int {
	switch r {
	case '十', '拾':
		return 10
	case '百', '佰':
		return 100
	case '千', '仟':
		return 1_000
	case '万':
		return 10_000
	}
	return 0
}

// ParseNumeral reads a number written in Chinese numerals (一百零三, 二〇二六,
// 十二), capital numerals (叁拾) or digits of either width. It answers false
// for anything else, for an empty string and above 99,999,999.
func ParseNumeral(s string) (int, bool) {
	total, section, digit := 0, 0, -1
	positional, units, digits := true, false, 0
	for _, r := range s {
		if d := numeralDigit(r); d >= 0 {
			if digit > 0 && units {
				return 0, false // 十二三
			}
			if digits++; digits > 8 {
				return 0, false
			}
			if positional && digit >= 0 {
				digit = digit*10 + d
			} else {
				digit = d
			}
			continue
		}
		unit := numeralUnit(r)
		if unit == 0 || digits > 1 && !units {
			return 0, false
		}
		positional, units, digits = false, true, 0
		if unit == 10_000 {
			section += max(digit, 0)
			if section == 0 || total != 0 {
				return 0, false
			}
			total, section, digit = section*unit, 0, -1
			continue
		}
		if digit <= 0 {
			if unit != 10 || section%100 != 0 {
				return 0, false // 百三, 二十十
			}
			digit = 1
		}
		if section%(unit*10) != 0 {
			return 0, false // 三十二百
		}
		section, digit = section+digit*unit, -1
	}
	if !units && digit < 0 {
		return 0, false
	}
	total += section + max(digit, 0)
	return total, total <= maxNumeral
}

// FormatNumeral writes n as it stands in 第…条: 十, 一百零三, 一千零一十. Numbers
// outside 0 to 99,999,999 give an empty string.
func FormatNumeral(n int) string {
	if n < 0 || n > maxNumeral {
		return ""
	}
	s := countingNumeral(n, []rune("零一二三四五六七八九"), []rune("十百千"), "万")
	if strings.HasPrefix(s, "一十") { // 十二, 十二万
		return strings.TrimPrefix(s, "一")
	}
	return s
}

// countingNumeral writes n with digits and units, one zero for each gap.
func countingNumeral(n int, digits, units []rune, myriad string) string {
	if n >= 10_000 {
		high, low := countingNumeral(n/10_000, digits, units, myriad)+myriad, n%10_000
		switch {
		case low == 0:
			return high
		case low < 1_000:
			return high + string(digits[0]) + countingNumeral(low, digits, units, myriad)
		}
		return high + countingNumeral(low, digits, units, myriad)
	}
	if n == 0 {
		return string(digits[0])
	}
	var b strings.Builder
	gap := false
	for place, unit := 3, 1_000; place >= 0; place, unit = place-1, unit/10 {
		d := n / unit % 10
		if d == 0 {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteRune(digits[0])
			gap = false
		}
		b.WriteRune(digits[d])
		if place > 0 {
			b.WriteRune(units[place-1])
		}
	}
	return b.String()
}

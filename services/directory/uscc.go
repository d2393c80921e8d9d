package directory

import "strings"

// The alphabet of a credit code leaves out I, O, S, V and Z, which are easily
// misread (GB 32100-2015); that of an organisation code is all of them
// (GB 11714-1997), inside a credit code as far as its alphabet goes.
const (
	usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	orgAlphabet  = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	usccLength   = 18
)

// checkUSCC checks a 统一社会信用代码 (GB 32100-2015): 18 characters, of which
// 9 to 17 are an organisation code whose last is a check character
// (GB 11714-1997), and the 18th is the check character of the whole. It answers
// the broken rule in Chinese, or nothing.
//
// Codes of natural persons' businesses (type 92) and others that were given out
// without an organisation code fail the inner check; such bodies are no bureaus.
func checkUSCC(code string) (message string, ok bool) {
	if len(code) != usccLength {
		return "统一社会信用代码应为18位", false
	}
	for _, r := range code {
		switch {
		case strings.ContainsRune(usccAlphabet, r):
		case r >= 'a' && r <= 'z':
			return "统一社会信用代码中的字母应为大写", false
		case strings.ContainsRune("IOSVZ", r):
			return "统一社会信用代码不使用字母I、O、S、V、Z", false
		default:
			return "统一社会信用代码只能由数字和大写字母组成", false
		}
	}
	if code[16] != orgCheck(code[8:16]) {
		return "统一社会信用代码第17位（组织机构代码校验码，GB 11714）不正确", false
	}
	if code[17] != usccCheck(code[:17]) {
		return "统一社会信用代码第18位（校验码，GB 32100-2015）不正确", false
	}
	return "", true
}

// usccCheck is the 18th character of a code: weights 3^i mod 31.
func usccCheck(first17 string) byte {
	sum, weight := 0, 1
	for i := range len(first17) {
		sum += strings.IndexByte(usccAlphabet, first17[i]) * weight
		weight = weight * 3 % 31
	}
	return usccAlphabet[(31-sum%31)%31]
}

// orgCheck is the last character of an organisation code.
func orgCheck(first8 string) byte {
	sum := 0
	for i, weight := range [...]int{3, 7, 9, 10, 5, 8, 4, 2} {
		sum += strings.IndexByte(orgAlphabet, first8[i]) * weight
	}
	switch c := 11 - sum%11; c {
	case 10:
		return 'X'
	case 11:
		return '0'
	default:
		return byte('0' + c)
	}
}

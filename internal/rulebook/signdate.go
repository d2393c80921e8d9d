package rulebook

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"fashen/internal/policytext"
)

var (
	// signDate is a line that is a date, alone or behind the issuer's name, in a form
	// that GB/T 9704-2012 does not know: Chinese numerals, zeros ahead, a year cut
	// short, stops or strokes, a part left out.
	signDate = regexp.MustCompile(`^([^\s　，。；：、]{1,40}?(?:[\s　]+|\p{Han}))?(` +
		`[一二][〇○零ＯOo0一二三四五六七八九]{3}年[一二三四五六七八九十元\d]{1,3}月[一二三四五六七八九十\d]{1,3}日` +
		`|\d{4}年(?:[一二三四五六七八九十]{1,3}月[一二三四五六七八九十\d]{1,3}|\d{1,2}月[一二三四五六七八九十]{1,3})日` +
		`|\d{4}年0\d月\d{1,2}日|\d{4}年\d{1,2}月0\d日|\d{2}年\d{1,2}月\d{1,2}日|\d{4}年\d{1,2}月\d{1,2}` +
		`|(?:19|20)\d{2}[.．/-]\d{1,2}[.．/-]\d{1,2}日?)([\s　]*印发)?$`)
	// signMonth is a date without its day, as covers bear it too.
	signMonth = regexp.MustCompile(`^([^\s　，。；：、]{1,40}?(?:[\s　]+|\p{Han}))?(\d{4}年\d{1,2}月|[一二][〇○零ＯOo0一二三四五六七八九]{3}年[一二三四五六七八九十]{1,3}月)$`)
	signedBy  = regexp.MustCompile(`^[^。；：，“”]{2,60}(?:政府|办公室|办公厅|委员会|管委会|工委|局|厅|部|委|院|中心|办事处|支队|大队|总队|公司|党组|领导小组|指挥部|办|分局)$`)
)

// checkSignDate looks at the form of 成文日期 and 印发日期. Below the issuer's name, beside
// it, or before 印发 it is one; another line that is a date may be a cell of a table.
func checkSignDate(in *formInput) []formHit {
	var hits []formHit
	issuer := ""
	for _, l := range in.lines {
		if l.s == "" {
			continue
		}
		above := issuer
		issuer = l.s
		if len(l.s) > longForm || !endsIn(l.s, "日", "月", "印发") && !isDigit(l.s[len(l.s)-1]) {
			continue
		}
		if m := signDate.FindStringSubmatchIndex(l.s); m != nil {
			signed := m[6] >= 0 || signs(above) || m[2] >= 0 && signs(l.s[m[2]:m[3]])
			hits = append(hits, formHit{line: l, start: m[4], end: m[5], prompt: !signed})
		} else if m := signMonth.FindStringSubmatchIndex(l.s); m != nil && !in.found && (signs(above) || m[2] >= 0 && signs(l.s[m[2]:m[3]])) {
			hits = append(hits, formHit{line: l, start: m[4], end: m[5]})
		}
	}
	return hits
}

// signs reports whether a line may be the name of who signs.
func signs(s string) bool {
	s = strings.TrimRightFunc(s, policytext.IsBlank)
	return utf8.RuneCountInString(s) <= 60 && !strings.ContainsAny(s, "《》") && signedBy.MatchString(s)
}

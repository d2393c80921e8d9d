package policytext

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/type/date"

	corev1 "fashen/gen/fashen/core/v1"
)

// maxValidities bounds what one text may hold; real ones have a few.
const maxValidities = 1_000

const (
	dayPattern = `([\d〇○零OoＯｏ一二三四五六七八九]{4})\s*年\s*([\d一二三四五六七八九十]{1,3})\s*月\s*([\d一二三四五六七八九十]{1,3})\s*日`
	takesForce = `(?:正式)?(?:施行|实施|执行|生效|试行)`
	itself     = `本(?:\p{Han}{0,4})(?:办法|规定|细则|规则|意见|通知|方案|决定|条例|措施|指引|标准|基准|规范|规程|准则|制度|公告|通告)`
)

var (
	fromDay   = lenient(`[自从]` + dayPattern + `(?:之日)?起` + takesForce)
	fromTo    = lenient(`[自从]` + dayPattern + `(?:之日)?起?(?:至|到)` + dayPattern + `止?(?:` + takesForce + `|有效|[，。；]|\s*$)`)
	fromIssue = lenient(`[自从](?:印发|公布|发布|颁布|下发|公告|发文|签发|通过)之?日起(.{0,12}?)` + takesForce)
	untilDay  = lenient(`(?:有效期(?:限)?(?:为|截至|截止)?(?:[^，。；]{0,24})?|` + takesForce + `[，,]?|之日起)(?:至|到|截至|截止到?)` + dayPattern)
	lapsesOn  = lenient(`[，,于至到]` + dayPattern + `(?:自动|自行)?(?:废止|失效|终止)`)
	period    = lenient(`(?:有效期(?:限)?|(?:试行|施行|暂行)期(?:限)?|起(?:试行|施行|实施|执行))(?:暂定)?(?:为|是)?\s*([\d一二两三四五六七八九十]{1,3})\s*(年|个月)`)
	// ofItself begins a sentence about how long the text itself holds, and rightThen ends
	// what stands before its days: applications too are taken from one day to another.
	ofItself  = regexp.MustCompile(itself + `|^(?:有效期|试行期|现予|自)`)
	rightThen = regexp.MustCompile(`(?:` + itself + `(?:[（(][^（()）]{0,8}[）)])?(?:的?有效期(?:限)?为?)?|，|^(?:(?:有效期|试行期)(?:限)?为?)?)$`)
	citedLast = regexp.MustCompile(`《([^《》]+)》(?:[（(][^（()）]*[）)])?$`)
)

// readValidities finds what a text says about how long it holds (FACTS VA-01): when
// it takes force and when it ends, one for each sentence; a sentence that begins with
// 有效期 goes with the one before it.
func readValidities(r *reading, f *front, text *corev1.PolicyText) {
	own := ownTitles(text)
	for i := f.body; i < len(r.lines); i++ {
		l := &r.lines[i]
		if !strings.ContainsAny(l.text, "起期至") {
			continue
		}
		at := l.start
		var last *corev1.Validity
		for _, s := range strings.SplitAfter(l.text, "。") {
			v := validityOf(s, own, text.GetDate())
			if day := fromDay.FindStringSubmatchIndex(s); day != nil && dayOf(s, day[2:8]) == nil && len(r.warnings) < maxWarnings {
				r.warn("施行日期“" + excerpt(s[day[0]:day[1]]) + "”不是有效日期，未采用")
			}
			if v != nil && len(text.Validities) < maxValidities {
				lead := len(s) - len(strings.TrimLeftFunc(s, IsBlank))
				v.Text = strings.TrimSuffix(trim(s), "。")
				v.Start = int32(at + utf8.RuneCountInString(s[:lead]))
				v.End = v.Start + int32(utf8.RuneCountInString(v.Text))
				if l.raw != "" {
					v.Text = l.sent(int(v.Start), int(v.End))
				}
				if last != nil && v.EffectiveDate == nil && !v.FromIssue && last.Months == 0 && last.LastDay == nil {
					last.Text = Slice(text, int(last.Start), int(v.End))
					last.End, last.Months, last.LastDay = v.End, v.Months, v.LastDay
					closeValidity(last)
				} else {
					text.Validities = append(text.Validities, v)
					last = v
				}
			}
			at += utf8.RuneCountInString(s)
		}
	}
}

// validityOf reads one sentence; nil when it says nothing about the text itself.
func validityOf(s string, own map[string]bool, issued *date.Date) *corev1.Validity {
	v := &corev1.Validity{}
	s = trim(s)
	if _, size, numbered := scanMark(s); numbered {
		s = strings.TrimLeftFunc(s[size:], IsBlank)
	}
	from := fromDay.FindStringSubmatchIndex(s)
	issue := fromIssue.FindStringSubmatchIndex(s)
	switch {
	case from != nil && !ofOtherTitle(s[:from[0]], own):
		v.EffectiveDate = dayOf(s, from[2:8])
	case issue != nil && !ofOtherTitle(s[:issue[0]], own):
		v.FromIssue = true
		if s[issue[2]:issue[3]] == "" { // 三十日后施行 is told by no calendar of ours
			v.EffectiveDate = issued
		}
	default:
		if m := fromTo.FindStringSubmatchIndex(s); m != nil && ofItself.MatchString(s) && rightThen.MatchString(s[:m[0]]) {
			v.EffectiveDate, v.LastDay = dayOf(s, m[2:8]), dayOf(s, m[8:14])
		}
	}
	if v.EffectiveDate == nil && !v.FromIssue && !ofItself.MatchString(s) {
		return nil
	}
	if m := untilDay.FindStringSubmatchIndex(s); m != nil && v.LastDay == nil {
		v.LastDay = dayOf(s, m[2:8])
	}
	if m := lapsesOn.FindStringSubmatchIndex(s); m != nil && v.LastDay == nil && !strings.Contains(s, "《") {
		v.LastDay = dayOf(s, m[2:8])
	}
	if m := period.FindStringSubmatch(s); m != nil {
		n, _ := ParseNumeral(strings.Replace(m[1], "两", "二", 1))
		if m[2] == "年" {
			n *= 12
		}
		v.Months = int32(n)
	}
	if v.EffectiveDate == nil && !v.FromIssue && v.LastDay == nil && v.Months == 0 {
		return nil
	}
	closeValidity(v)
	return v
}

// ofOtherTitle reports that a clause speaks of another document, whose title stands
// right before it.
func ofOtherTitle(before string, own map[string]bool) bool {
	m := citedLast.FindStringSubmatch(trim(before))
	return m != nil && !own[Fold(withoutDraftMark(m[1]))]
}

// closeValidity works out the last day of a period: the day before the same date, or
// the last of a month that has no such date (FACTS K17).
func closeValidity(v *corev1.Validity) {
	if v.LastDay != nil || v.Months == 0 || v.EffectiveDate == nil {
		return
	}
	d := v.EffectiveDate
	first := time.Date(int(d.Year), time.Month(d.Month)+time.Month(v.Months), 1, 0, 0, 0, 0, time.UTC)
	end := first.AddDate(0, 1, -1)
	if int(d.Day) <= end.Day() {
		end = first.AddDate(0, 0, int(d.Day)-2)
	}
	v.LastDay = &date.Date{Year: int32(end.Year()), Month: int32(end.Month()), Day: int32(end.Day())}
}

// dayOf reads year, month and day at these bytes; nil when the calendar lacks it.
func dayOf(s string, at []int) *date.Date {
	var n [3]int
	for i := range n {
		var ok bool
		if n[i], ok = ParseNumeral(letterO.Replace(s[at[2*i]:at[2*i+1]])); !ok {
			return nil
		}
	}
	return validDate(&date.Date{Year: int32(n[0]), Month: int32(n[1]), Day: int32(n[2])})
}

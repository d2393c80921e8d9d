package officialdoc

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"fashen/internal/calendar"
	"fashen/internal/policytext"
)

// Template is what a region says in its letters in a way of its own. Empty parts
// take the wording of national rules.
type Template struct {
	// Issuer is the 署名 of every letter.
	Issuer string
	// Mark is the 发文机关标志; Issuer when empty.
	Mark string
	// AgencyCode is the 机关代字, and NumberFormat how a 发文字号 is made with it;
	// DefaultNumberFormat when empty.
	AgencyCode, NumberFormat string
	// Rules are local rules named beside the national ones, such as
	// 《示例市行政规范性文件管理规定》.
	Rules string
	// Annotation is the 附注, such as 此件不予公开.
	Annotation string
	// Copies are the 抄送机关 of letters that name none.
	Copies string
	// SealNote stands in brackets behind the 署名, such as 盖章.
	SealNote string
	// Wordings of the letters that begin with a draft.
	Review, Competition, Return, Supplement Wording
	// FilingClosing is the last sentence of what is sent for filing.
	FilingClosing string
}

// Wording is how a letter begins and ends. In both, {draft} is the draft's title in
// 《》, {rules} the rules it is measured by, {issuer} the 署名, and {due} in the request
// for a supplement its last day; anything else in braces is refused. What the law
// requires stands between them and is nobody's to change.
type Wording struct {
	// Opening names the draft.
	Opening string
	// Closing is the last sentence.
	Closing string
}

// or takes the national wording for what is empty.
func (w Wording) or(opening, closing string) Wording {
	return Wording{cmp.Or(w.Opening, opening), cmp.Or(w.Closing, closing)}
}

// DefaultNumberFormat is the form of a 发文字号 (GB/T 9704-2012, 7.2.5).
const DefaultNumberFormat = "{code}〔{year}〕{serial}号"

// Number is a 发文字号 of the region.
func (t Template) Number(year, serial int) string {
	return strings.NewReplacer("{code}", t.AgencyCode, "{year}", fmt.Sprint(year), "{serial}", fmt.Sprint(serial)).
		Replace(cmp.Or(t.NumberFormat, DefaultNumberFormat))
}

// Check tells what of a template no letter could be written with.
func (t Template) Check() error {
	for _, w := range []struct {
		field   string
		wording Wording
		names   []string
	}{
		{"review_opinion", t.Review, nil}, {"competition_conclusion", t.Competition, nil},
		{"return_notice", t.Return, nil}, {"supplement_notice", t.Supplement, []string{"due"}},
	} {
		names := append([]string{"draft", "rules", "issuer"}, w.names...)
		if err := cmp.Or(checkFields(w.field+".opening", w.wording.Opening, names), checkFields(w.field+".closing", w.wording.Closing, names)); err != nil {
			return err
		}
		if w.wording.Opening != "" && !strings.Contains(w.wording.Opening, "{draft}") {
			return refuse(w.field+".opening", "开头应当含有送审稿名称 {draft}")
		}
	}
	if err := checkFields("filing_closing", t.FilingClosing, nil); err != nil || t.NumberFormat == "" {
		return err
	}
	if err := checkFields("number_format", t.NumberFormat, []string{"code", "year", "serial"}); err != nil {
		return err
	}
	for _, name := range []string{"{code}", "{year}", "{serial}"} {
		if strings.Count(t.NumberFormat, name) != 1 {
			return refuse("number_format", "发文字号格式应当含有一个 %s", name)
		}
	}
	return nil
}

// placeholder is anything that looks like one.
var placeholder = regexp.MustCompile(`\{[^{}]*\}|[{}]`)

// checkFields refuses placeholders that a text cannot have.
func checkFields(field, text string, names []string) error {
	for _, found := range placeholder.FindAllString(text, -1) {
		if len(found) < 2 || !slices.Contains(names, found[1:len(found)-1]) {
			allowed := "不能有"
			if len(names) > 0 {
				allowed = "只能有 {" + strings.Join(names, "}、{") + "}"
			}
			return refuse(field, "“%s”不是可用的占位符，此处%s", found, allowed)
		}
	}
	return nil
}

// Head is what every letter bears.
type Head struct {
	// Number is the 发文字号; empty before it is numbered.
	Number string
	// Unnumbered stands in brackets in its place while there is none; 未编号 when empty.
	Unnumbered string
	// Addressees are the 主送机关.
	Addressees string
	// Copies are the 抄送机关; the template's when empty.
	Copies string
	// Date is the 成文日期.
	Date calendar.Date
}

// letter begins a letter.
func (t Template) letter(h Head, title string) (*Letter, error) {
	if strings.TrimSpace(h.Addressees) == "" {
		return nil, refuse("addressees", "主送机关不能为空")
	}
	return &Letter{
		Mark: cmp.Or(t.Mark, t.Issuer), Number: h.Number, Unnumbered: cmp.Or(h.Unnumbered, "未编号"), Title: title, Addressees: h.Addressees,
		Issuer: t.Issuer, SealNote: t.SealNote, Date: h.Date, Annotation: t.Annotation, Copies: cmp.Or(h.Copies, t.Copies),
	}, nil
}

// rules are the national rules and the region's own.
func (t Template) rules(national string) string {
	if t.Rules == "" {
		return national + "等规定"
	}
	return national + "和" + t.Rules
}

// fill puts what is known into a wording: the draft in its marks, the rules as named.
func (t Template) fill(w Wording, draft, rules, due string) Wording {
	r := strings.NewReplacer("{draft}", draft, "{rules}", rules, "{issuer}", t.Issuer, "{due}", due)
	return Wording{r.Replace(w.Opening), r.Replace(w.Closing)}
}

func (l *Letter) say(format string, args ...any) {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	if text != "" {
		l.Body = append(l.Body, Paragraph(text))
	}
}

// section begins a section, numbered in Chinese.
func (l *Letter) section(title string) {
	number := 1
	for _, b := range l.Body {
		if h, ok := b.(Heading); ok && h.Level == 1 {
			number++
		}
	}
	l.Body = append(l.Body, Heading{1, policytext.FormatNumeral(number) + "、" + title})
}

// list says numbered things, each of which may end as it likes.
func (l *Letter) list(things []string) {
	for i, thing := range things {
		end := "；"
		if i == len(things)-1 {
			end = "。"
		}
		l.say("%d.%s%s", i+1, strings.TrimRight(strings.TrimSpace(thing), "；;。"), end)
	}
}

// done checks the letter as a whole.
func (l *Letter) done() (Letter, error) {
	if err := l.check(); err != nil {
		return Letter{}, err
	}
	return *l, nil
}

// named refuses an empty field, or an empty entry of a list.
func named(field, name string, values ...string) error {
	if len(values) == 0 {
		return refuse(field, "%s不能为空", name)
	}
	for i, v := range values {
		if strings.TrimSpace(v) == "" {
			if len(values) > 1 {
				field = fmt.Sprintf("%s[%d]", field, i)
			}
			return refuse(field, "%s不能为空", name)
		}
	}
	return nil
}

// quoted puts a title in 《》; the marks inside it alternate with 〈〉.
func quoted(title string) string {
	var b strings.Builder
	b.WriteRune('《')
	depth := 0
	for _, r := range strings.TrimSpace(title) {
		switch r {
		case '《', '〈':
			r = []rune("〈《")[depth%2]
			depth++
		case '》', '〉':
			depth = max(0, depth-1)
			r = []rune("〉》")[depth%2]
		}
		b.WriteRune(r)
	}
	b.WriteRune('》')
	return b.String()
}

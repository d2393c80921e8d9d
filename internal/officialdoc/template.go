package officialdoc

import (
	"cmp"
	"fmt"
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
	// Rules are local rules named beside the national ones, such as
	// 《示例市行政规范性文件管理规定》.
	Rules string
	// Annotation is the 附注, such as 此件不予公开.
	Annotation string
	// Closing is the last sentence of each kind of letter.
	Closing Closing
}

// Closing is the last sentence of each kind of letter.
type Closing struct {
	Review, Competition, Return, Supplement, Filing string
}

// Head is what every letter bears.
type Head struct {
	// Number is the 发文字号; empty before it is numbered.
	Number string
	// Addressees are the 主送机关.
	Addressees string
	// Copies are the 抄送机关, if any.
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
		Mark: cmp.Or(t.Mark, t.Issuer), Number: h.Number, Title: title, Addressees: h.Addressees,
		Issuer: t.Issuer, Date: h.Date, Annotation: t.Annotation, Copies: h.Copies,
	}, nil
}

// rules are the national rules and the region's own.
func (t Template) rules(national string) string {
	if t.Rules == "" {
		return national + "等规定"
	}
	return national + "和" + t.Rules
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

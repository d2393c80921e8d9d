package rulebook

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/policytext"
)

// Checks of form look at a document as a whole: its head, its sign-off, its
// numbering, its paper. Of a clause alone only a sign-off is looked at.

// formInput is what a check of form sees.
type formInput struct {
	text  *corev1.PolicyText
	page  *policytext.PageSetup
	lines []formLine
	// title is without （试行） behind it, titled the last line of it, where it was found.
	title  string
	titled formLine
	found  bool
}

// formLine is a line without the blanks around it, and the code point it begins at.
type formLine struct {
	s  string
	at int
}

// formHit is one place a check of form points at, with what the reason says of it.
type formHit struct {
	line       formLine
	start, end int // bytes of line.s
	words      []string
	prompt     bool // not certain enough to flag, whatever the rule's strength
}

type formCheck func(*formInput) []formHit

// formChecks are the checks a rule may name.
var formChecks = map[string]formCheck{
	"title_kind": checkTitleKind, "title_reserved": checkTitleReserved, "title_form": checkTitleForm, "addressees": checkAddressees,
	"sign_date": checkSignDate, "number_year": checkNumberYear, "heading_order": checkHeadingOrder, "numbering": checkNumbering,
	"attachment_note": checkAttachmentNote, "attachment_count": checkAttachmentCount, "annotation": checkAnnotation,
	"effect": checkEffect, "effect_early": checkEffectEarly, "validity": checkValidity, "validity_long": checkValidityLong, "page": checkPage,
}

// maxFormLines bounds the lines that are looked at, longForm the bytes of one: what is
// longer is prose.
const (
	maxFormLines = 20_000
	longForm     = 600
)

func newFormInput(t *corev1.PolicyText, page *policytext.PageSetup) *formInput {
	in := &formInput{text: t, page: page, lines: make([]formLine, 0, min(strings.Count(t.GetText(), "\n")+1, maxFormLines))}
	at := 0
	for rest, more := t.GetText(), true; more && len(in.lines) < maxFormLines; {
		var line string
		line, rest, more = strings.Cut(rest, "\n")
		s := strings.TrimLeftFunc(line, policytext.IsBlank)
		in.lines = append(in.lines, formLine{strings.TrimRightFunc(s, policytext.IsBlank), at + codePoints(line[:len(line)-len(s)])})
		at += codePoints(line) + 1
	}
	in.findTitle()
	return in
}

// forms runs the checks of form of a set over a document, in reading order.
func (s *Set) forms(t *corev1.PolicyText, facts *Facts) []*corev1.Finding {
	if len(s.formRules) == 0 || !facts.Whole && len(t.GetText()) > longForm {
		return nil
	}
	in := newFormInput(t, facts.Page)
	var out []*corev1.Finding
	for _, r := range s.formRules {
		if !facts.Whole && r.doc.Check.s != "sign_date" {
			continue
		}
		for _, h := range r.form(in) {
			if !facts.Whole && h.prompt {
				continue
			}
			c := &clause{text: h.line.s, runeStart: h.line.at}
			f := s.finding(c, hit{rule: r, start: h.start, end: h.end})
			words := strings.NewReplacer(h.words...)
			f.Reason, f.Rewrite = words.Replace(f.Reason), words.Replace(f.Rewrite)
			if h.prompt {
				f.Strength = corev1.Strength_STRENGTH_CONTEXTUAL
			}
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b *corev1.Finding) int {
		return cmp.Or(cmp.Compare(a.Anchor.Start, b.Anchor.Start), cmp.Compare(a.Strength, b.Strength))
	})
	return out
}

// allOf is a hit on all of a line.
func allOf(l formLine, words ...string) formHit {
	return formHit{line: l, end: len(l.s), words: words}
}

// headLines is how far down a title may stand.
const headLines = 40

var afterKind = regexp.MustCompile(`[（(][^（()）]{1,10}[）)]$`)

// findTitle finds the title among the lines.
func (in *formInput) findTitle() {
	title := in.text.GetTitle()
	if title == "" {
		return
	}
	for _, l := range in.lines[:min(len(in.lines), headLines)] {
		if l.s != "" && len(l.s) <= longForm && (strings.HasSuffix(title, l.s) || strings.HasPrefix(l.s, title)) {
			in.titled, in.found = l, true
			break
		}
	}
	in.title = title
	if strings.HasSuffix(title, "）") || strings.HasSuffix(title, ")") {
		in.title = afterKind.ReplaceAllString(title, "")
	}
}

var (
	wrongKinds   = []string{"报告", "请示", "议案", "函", "纪要"}
	reservedName = regexp.MustCompile(`(?:印发|发布|公布|颁布|施行|制定)(?:新修订的|修订后的)?《[^《》〈〉]*条例(?:[（(][^《》]{1,10}[）)])?》`)
)

// checkTitleKind finds kinds that no normative document has (FACTS KT-02).
func checkTitleKind(in *formInput) []formHit {
	for _, kind := range wrongKinds {
		if in.found && strings.HasSuffix(in.title, kind) {
			return []formHit{allOf(in.titled, "{kind}", kind)}
		}
	}
	return nil
}

// checkTitleReserved finds a 条例 that an administration makes (FACTS KT-03).
func checkTitleReserved(in *formInput) []formHit {
	if in.found && strings.Contains(in.title, "条例") && (strings.HasSuffix(in.title, "条例") || reservedName.MatchString(in.title)) {
		return []formHit{allOf(in.titled)}
	}
	return nil
}

// checkTitleForm finds titles that lack what the document is about (GB/T 9704-2012,
// 7.3.1: issuer, matter and kind).
func checkTitleForm(in *formInput) []formHit {
	if in.found && endsIn(in.title, "通知", "通报", "批复", "请示") && !strings.Contains(in.title, "关于") && !strings.Contains(in.title, "《") {
		return []formHit{allOf(in.titled)}
	}
	return nil
}

// checkAddressees wants a full-width colon behind 主送机关.
func checkAddressees(in *formInput) []formHit {
	name := in.text.GetAddressees()
	if name == "" {
		return nil
	}
	for _, l := range in.lines {
		if rest, ok := strings.CutPrefix(l.s, name); ok && rest == ":" {
			return []formHit{{line: l, start: len(name), end: len(l.s)}}
		}
	}
	return nil
}

var yearOf = regexp.MustCompile(`〔(\d{4})〕`)

// checkNumberYear compares the year of the number with that of the date (FACTS
// DN-07).
func checkNumberYear(in *formInput) []formHit {
	m := yearOf.FindStringSubmatch(in.text.GetDocumentNumberNormalized())
	if m == nil || in.text.GetDate().GetYear() == 0 {
		return nil
	}
	year, _ := strconv.Atoi(m[1])
	if year == int(in.text.GetDate().GetYear()) {
		return nil
	}
	for _, l := range in.lines[:min(len(in.lines), headLines)] {
		if at := strings.Index(l.s, in.text.GetDocumentNumber()); at >= 0 {
			return []formHit{{line: l, start: at, end: at + len(in.text.GetDocumentNumber()),
				words: []string{"{year}", m[1], "{date}", strconv.Itoa(int(in.text.GetDate().GetYear()))}}}
		}
	}
	return nil
}

// headingForms are how headings of each level are numbered.
var headingForms = [5]string{"", "一、", "（一）", "1.", "（1）"}

// checkHeadingOrder finds headings that leave a level out (GB/T 9704-2012, 7.3.3).
func checkHeadingOrder(in *formInput) []formHit {
	var hits []formHit
	var walk func(nodes []*corev1.Provision, above int32)
	walk = func(nodes []*corev1.Provision, above int32) {
		for _, n := range nodes {
			below := int32(0)
			if n.Kind == corev1.ProvisionKind_PROVISION_KIND_HEADING && n.Level > 0 && int(n.Level) < len(headingForms) {
				if n.Level > above+1 && n.Number == 1 {
					if l, ok := in.lineAt(int(n.Start)); ok {
						hits = append(hits, formHit{line: l, end: min(len(n.Label), len(l.s)),
							words: []string{"{label}", n.Label, "{want}", headingForms[above+1]}})
					}
				}
				below = n.Level
			}
			walk(n.Children, below)
		}
	}
	walk(in.text.GetOutline(), 0)
	return hits
}

// lineAt finds the line that begins at a code point.
func (in *formInput) lineAt(start int) (formLine, bool) {
	i, ok := slices.BinarySearchFunc(in.lines, start, func(l formLine, at int) int { return cmp.Compare(l.at, at) })
	if !ok {
		return formLine{}, false
	}
	return in.lines[i], true
}

var (
	noteStart = regexp.MustCompile(`^附件[\s　]*([：:])[\s　]*`)
	noteItem  = regexp.MustCompile(`^(\d{1,2})[\s　]*([.．、])`)
	notePage  = regexp.MustCompile(`^附[\s　]*件[\s　]*([\d一二三四五六七八九十]{0,3})$`)
	noteEnd   = regexp.MustCompile(`[。；，、;,]$`)
	noteRef   = regexp.MustCompile(`[见按照]附件[\s　]*(\d{1,2})`)
)

// notes gives the lines of the first list of attachments, from 附件： on.
func (in *formInput) notes() (lines []formLine) {
	for i, l := range in.lines {
		if len(l.s) > longForm || !strings.HasPrefix(l.s, "附件") || !noteStart.MatchString(l.s) {
			continue
		}
		lines = append(lines, l)
		for _, next := range in.lines[i+1:] {
			if !noteItem.MatchString(next.s) || len(next.s) > longForm {
				return lines
			}
			lines = append(lines, next)
		}
		return lines
	}
	return nil
}

// checkAttachmentNote looks at the form of 附件说明 (GB/T 9704-2012, 7.3.4).
func checkAttachmentNote(in *formInput) []formHit {
	var hits []formHit
	for i, l := range in.notes() {
		m := noteStart.FindStringSubmatchIndex(l.s)
		begin := 0
		if i == 0 {
			if l.s[m[2]:m[3]] == ":" {
				hits = append(hits, formHit{line: l, end: m[1], words: []string{"{what}", "冒号应当用全角"}})
			}
			begin = m[1]
		}
		if item := noteItem.FindStringSubmatch(l.s[begin:]); item != nil && item[2] == "、" {
			hits = append(hits, formHit{line: l, start: begin, end: begin + len(item[0]), words: []string{"{what}", "顺序号后用“.”"}})
		}
		if noteEnd.MatchString(l.s) {
			hits = append(hits, formHit{line: l, start: begin, end: len(l.s), words: []string{"{what}", "附件名称后不加标点符号"}})
		}
	}
	return hits
}

// checkAttachmentCount compares the attachments that are listed with those that
// follow and those that the text refers to.
func checkAttachmentCount(in *formInput) []formHit {
	list := in.notes()
	listed := len(list)
	if listed == 0 {
		return nil
	}
	if m := noteItem.FindString(noteStart.ReplaceAllString(list[0].s, "")); m == "" && listed > 1 {
		listed-- // 附件： alone on its line
	}
	pages := 0
	var hits []formHit
	for _, l := range in.lines {
		if len(l.s) <= longForm && strings.HasPrefix(l.s, "附") && notePage.MatchString(l.s) {
			pages++
		}
		if !strings.Contains(l.s, "附件") {
			continue
		}
		for _, m := range noteRef.FindAllStringSubmatchIndex(l.s, -1) {
			if n, _ := strconv.Atoi(l.s[m[2]:m[3]]); n > listed {
				hits = append(hits, formHit{line: l, start: m[0], end: m[1],
					words: []string{"{what}", fmt.Sprintf("附件说明列有%d个附件，没有附件%d", listed, n)}})
			}
		}
	}
	if pages > 0 && pages != listed {
		hits = append(hits, allOf(list[0], "{what}", fmt.Sprintf("附件说明列有%d个附件，文后附有%d个", listed, pages)))
	}
	return hits
}

var knownAnnotation = regexp.MustCompile(`^此件(?:公开发布|主动公开|依申请公开|不予公开|删减后公开|有删减|发至\p{Han}|可\p{Han}|传达)`)

// checkAnnotation finds 附注 in no usual form (FACTS 3.2).
func checkAnnotation(in *formInput) []formHit {
	note := strings.TrimSpace(in.text.GetAnnotation())
	if note == "" || knownAnnotation.MatchString(note) {
		return nil
	}
	for _, l := range in.lines {
		if at := strings.Index(l.s, note); at >= 0 {
			return []formHit{{line: l, start: at, end: at + len(note)}}
		}
	}
	return nil
}

const (
	// someArticles is from how many articles on a text is a set of rules, and not a
	// notice that happens to quote some.
	someArticles = 3
	// longest is the period of validity that local rules usually allow, trial that of
	// a text on trial (FACTS VA-01).
	longest, trial = 5, 2
)

var (
	effective = regexp.MustCompile(`[自从][^。；，\n《》]{1,40}起[^。；，\n《》]{0,10}(?:施行|实施|执行|生效|试行)|于\d[^。；，\n《》]{0,14}日[^。；，\n《》]{0,4}(?:施行|实施|执行|生效)|(?:施行|实施|生效)(?:日期|时间)为`)
	untilDay  = regexp.MustCompile(`^[^。；\n]{4,16}日(?:止|失效|废止)`)
	trialWord = regexp.MustCompile(`[（(](?:试行|暂行)[）)]|暂行(?:办法|规定|细则|规则|意见|条例|措施|标准)|起试行`)
)

// rules reports whether a document is a set of rules with a title.
func (in *formInput) rules() bool {
	return in.found && in.text.GetCounts().GetArticles() >= someArticles
}

// effectLine finds the last line that says from when a document holds. Most lines lack
// even the characters of it.
func (in *formInput) effectLine() (l formLine, at []int, ok bool) {
	for i := len(in.lines) - 1; i >= 0; i-- {
		if s := in.lines[i].s; !strings.Contains(s, "行") && !strings.Contains(s, "施") && !strings.Contains(s, "生效") {
			continue
		}
		if m := effective.FindStringIndex(in.lines[i].s); m != nil {
			return in.lines[i], m, true
		}
	}
	return formLine{}, nil, false
}

// checkEffect finds rules that do not say from when they hold.
func checkEffect(in *formInput) []formHit {
	if !in.rules() {
		return nil
	}
	if _, _, said := in.effectLine(); said {
		return nil
	}
	return []formHit{allOf(in.titled)}
}

// checkEffectEarly finds texts that hold from a day before their own.
func checkEffectEarly(in *formInput) []formHit {
	signed := dayOf(in.text.GetDate())
	for _, v := range in.text.GetValidities() {
		if from := dayOf(v.GetEffectiveDate()); !v.GetFromIssue() && !signed.IsZero() && !from.IsZero() && from.Before(signed) {
			return []formHit{allOf(formLine{v.Text, int(v.Start)}, "{from}", from.Format(dateLayout), "{date}", signed.Format(dateLayout))}
		}
	}
	return nil
}

// checkValidity finds rules that do not say until when they hold (FACTS VA-01).
func checkValidity(in *formInput) []formHit {
	if !in.rules() || endsSometime(in.text.GetText()) {
		return nil
	}
	l, at, ok := in.effectLine()
	if !ok {
		return nil // said already
	}
	return []formHit{{line: l, start: at[0], end: at[1]}}
}

// endsSometime reports whether a text speaks of a period of validity or of its end:
// 有效期|有效至|长期有效|(?:施行|实施|执行|试行|暂行)(?:期|至)|至[^。；\n]{4,16}日(?:止|失效|废止)|期满(?:后)?自动
// An expression would take longer over a whole document than all its rules.
func endsSometime(text string) bool {
	const reach = 80 // bytes that hold the end of the longest match of untilDay
	return standsAt(text, "期", func(before, after string) bool {
		return endsIn(before, "有效", "施行", "实施", "执行", "试行", "暂行") || endsIn(before, "长") && strings.HasPrefix(after, "有效") ||
			strings.HasPrefix(after, "满自动") || strings.HasPrefix(after, "满后自动")
	}) || standsAt(text, "至", func(before, after string) bool {
		return endsIn(before, "有效", "施行", "实施", "执行", "试行", "暂行") || untilDay.MatchString(after[:min(len(after), reach)])
	})
}

// standsAt reports whether a word stands anywhere in a text with what fits around it.
func standsAt(text, word string, fits func(before, after string) bool) bool {
	for at := 0; ; at += len(word) {
		next := strings.Index(text[at:], word)
		if next < 0 {
			return false
		}
		if at += next; fits(text[:at], text[at+len(word):]) {
			return true
		}
	}
}

func endsIn(s string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.HasSuffix(s, w) })
}

// checkValidityLong finds periods that are longer than local rules usually allow:
// two years on trial, five otherwise. The longer one is only a prompt, since some
// kinds may hold for longer (FACTS VA-02).
func checkValidityLong(in *formInput) []formHit {
	if !in.rules() {
		return nil
	}
	for _, v := range in.text.GetValidities() {
		most := longest
		onTrial := trialWord.MatchString(in.text.GetTitle()) || trialWord.MatchString(v.Text)
		if onTrial {
			most = trial
		}
		if int(v.Months) <= 12*most {
			continue
		}
		h := allOf(formLine{v.Text, int(v.Start)}, "{most}", policytext.FormatNumeral(most))
		h.prompt = !onTrial
		return []formHit{h}
	}
	return nil
}

// checkPage compares the paper and its margins with GB/T 9704-2012, 5: A4, 天头 37 mm,
// 订口 28 mm, and so 26 and 35 on the other sides of the type area; each ±1. A draft
// that has no number yet is not set for print.
func checkPage(in *formInput) []formHit {
	if !in.found || in.page == nil || in.text.GetDocumentNumber() == "" {
		return nil
	}
	var wrong []string
	for _, m := range []struct {
		name      string
		got, want float64
	}{
		{"纸宽", in.page.Width, 210}, {"纸高", in.page.Height, 297}, {"天头", in.page.Top, 37}, {"下白边", in.page.Bottom, 35},
		{"订口", in.page.Left, 28}, {"翻口", in.page.Right, 26},
	} {
		if m.got > 0 && math.Abs(m.got-m.want) > 1.05 {
			wrong = append(wrong, fmt.Sprintf("%s%.0f毫米（应为%.0f）", m.name, m.got, m.want))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return []formHit{allOf(in.titled, "{what}", strings.Join(wrong, "、"))}
}

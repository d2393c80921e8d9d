package policytext

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

const (
	// maxCitations bounds what one text may hold; real documents have hundreds.
	maxCitations = 20_000
	// maxTitleBytes is the longest title; what is longer are stray marks.
	maxTitleBytes = 1_000
	// noteRunes is how far behind a title its bracketed note is looked at.
	noteRunes = 160
)

// titleMark is a pair of marks: code points from 《 to just after 》, and the
// bytes of the title inside.
type titleMark struct{ start, end, from, to int }

// citer collects citations in one pass over the lines.
type citer struct {
	text *corev1.PolicyText
	own  map[string]bool
	// open and found are the marks of the run being read: those without 》 yet,
	// and the outermost pairs.
	open, found []titleMark
	// alias is what a short name (以下简称《条例》 or “条例”) stands for.
	alias map[string]*corev1.Citation
	// orders are the titles, folded, that an order's number has told to be law.
	orders map[string]bool
	last   *corev1.Citation
	full   bool
}

// readCitations finds every outermost 《…》 (FACTS KT-04). A title ends on its
// line, except in the head, where long titles are broken.
func readCitations(r *reading, f *front, text *corev1.PolicyText) {
	c := &citer{text: text, own: ownTitles(text), alias: map[string]*corev1.Citation{}, orders: map[string]bool{}}
	for at := 0; at < len(r.lines); {
		// The lines of the head are one run of text, so that a title may go on.
		from, end := at, at+1
		for end < f.body && end < len(r.lines) && trim(r.lines[end].text) != "" {
			end++
		}
		run := r.lines[from].text
		for _, l := range r.lines[from+1 : end] {
			run += "\n" + l.text
		}
		for end < len(r.lines) && end < from+maxTitleLines && r.lines[end].joined && quotes(run) {
			run += "\n" + r.lines[end].text
			end++
		}
		c.run(run, r.lines[from].start)
		if len(c.open) > 0 && len(r.warnings) < maxWarnings {
			r.warn(fmt.Sprintf("书名号不成对：“%s”", excerpt(run[c.open[0].from:])))
		}
		at = end
	}
	if c.full {
		r.warn(fmt.Sprintf("文中书名号超过%d处，之后的未列入引用", maxCitations))
	}
}

// quotes reports whether a text ends inside a title.
func quotes(s string) bool { return strings.LastIndex(s, "《") > strings.LastIndex(s, "》") }

// excerpt is the beginning of a text for a message.
func excerpt(s string) string {
	if utf8.RuneCountInString(s) > 20 {
		return string([]rune(s[:min(len(s), 80)])[:20]) + "…"
	}
	return s
}

// run reads one line, or the joined lines of the head.
func (c *citer) run(s string, start int) {
	c.open = c.open[:0]
	if !strings.ContainsAny(s, "《》") {
		return
	}
	c.found = c.found[:0]
	at := start
	for i, r := range s {
		at++
		switch {
		case r == '《':
			c.open = append(c.open, titleMark{start: at - 1, from: i + len("《")})
		case r == '》' && len(c.open) > 0:
			mark := c.open[len(c.open)-1]
			c.open = c.open[:len(c.open)-1]
			// What stands inside these marks is part of their title.
			n := len(c.found)
			for n > 0 && c.found[n-1].start > mark.start {
				n--
			}
			mark.end, mark.to = at, i
			c.found = append(c.found[:n], mark)
		}
	}
	for _, mark := range c.found {
		title := lineBreak.ReplaceAllString(s[mark.from:mark.to], "")
		if trim(title) == "" || len(title) > maxTitleBytes {
			continue
		}
		if c.full = len(c.text.Citations) >= maxCitations; c.full {
			return
		}
		cited := &corev1.Citation{Title: title, Start: int32(mark.start), End: int32(mark.end)}
		follow(cited, s[mark.to+len("》"):])
		c.classify(cited, s[:mark.from-len("《")])
		if m := shortName.FindStringSubmatch(firstRunes(s[mark.to+len("》"):], noteRunes)); m != nil {
			c.introduce(squeeze(m[1]), cited)
		}
		c.text.Citations = append(c.text.Citations, cited)
	}
}

// ProvisionsBehind reads the provisions that are cited behind a title, of the text that
// follows its 》: （国务院令第379号）第六十三条、第六十四条.
func ProvisionsBehind(rest string) []*corev1.CitedProvision {
	var cited corev1.Citation
	follow(&cited, rest)
	return cited.Provisions
}

// follow reads what stands behind a title: a note in brackets with its number,
// and the provisions meant, in either order.
func follow(cited *corev1.Citation, rest string) {
	rest = firstRunes(rest, noteRunes)
	for range 2 {
		rest = strings.TrimLeftFunc(rest, IsBlank)
		if note, size := bracketed(rest); size > 0 && cited.DocumentNumber == "" {
			cited.DocumentNumber = numberWithin(note)
			cited.DocumentNumberNormalized = normalizeNumber(cited.DocumentNumber)
			rest = rest[size:]
			continue
		}
		if len(cited.Provisions) == 0 {
			var size int
			cited.Provisions, size = scanCitedList(rest)
			rest = rest[size:]
		}
	}
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// bracketed gives the content of the round brackets that s begins with, and how
// many bytes they take. Where they do not close, it ends at the first stop.
func bracketed(s string) (string, int) {
	if !strings.HasPrefix(s, "（") && !strings.HasPrefix(s, "(") {
		return "", 0
	}
	_, lead := utf8.DecodeRuneInString(s)
	depth := 0
	for i, r := range s {
		switch r {
		case '（', '(':
			depth++
		case '）', ')':
			if depth--; depth == 0 {
				return s[lead:i], i + utf8.RuneLen(r)
			}
		}
	}
	if stop := strings.IndexAny(s, "。；\n"); stop >= 0 {
		s = s[:stop]
	}
	return s[lead:], len(s)
}

// lineBreak is where a title is broken, with the blanks that set the next line in.
var lineBreak = lenient(`\s*\n\s*`)

var (
	// What may stand before the number inside a bracketed note.
	numberLead = regexp.MustCompile(`^(?:文号[:：]?|[\d\s]+年[\d\s]+月(?:[\d\s]+日)?|[以见即原])`)
	orderTail  = regexp.MustCompile(`号(?:公布|发布|修订|修正|修改|印发).*$`)
	// orderNumber tells the number of an order, 令第5号 or 第5号令, by which rules are made.
	orderNumber = regexp.MustCompile(`令(?:[〔\[（(]?\d{4}年?[〕\]）)]?)?第|第[\d一二三四五六七八九十百零〇]+号令$`)
	orderBehind = lenient(`^(\p{Han}{0,30}?(?:(?:19|20)\d{2}\s*年?\s*)?第\s*[\d一二三四五六七八九十百零〇]{1,6}\s*号\s*令)$`)
	nestedName  = regexp.MustCompile(`《[^》]*》?`)
)

// numberWithin finds the document number inside a bracketed note.
func numberWithin(note string) string {
	note = nestedName.ReplaceAllString(note, "")
	for piece := range strings.FieldsFuncSeq(note, func(r rune) bool { return strings.ContainsRune("，,；;、。", r) }) {
		piece = numberLead.ReplaceAllString(trim(piece), "")
		piece = orderTail.ReplaceAllString(piece, "号")
		if number := documentNumber(trim(piece)); number != "" {
			return number
		}
		if orderBehind.MatchString(trim(piece)) {
			return trim(piece)
		}
	}
	return ""
}

var (
	lawTitle    = regexp.MustCompile(`(?:法|法典|宪法|条例|条例实施(?:办法|细则)|法实施(?:条例|办法|细则)|修正案)$`)
	notLawTitle = regexp.MustCompile(`(?:办法|方法|做法|(?:^|[^预])算法|(?:^|[^适信])用法|疗法|书法|语法|手法)$`)
	// 《某省实施〈中华人民共和国某法〉办法》 is law of a province or its rule.
	carriesOut = regexp.MustCompile(`实施《[^《》]+(?:法|条例)》(?:的?(?:若干)?(?:规定|办法|细则))$`)
	// pairedMarks are title marks inside a title, which say nothing of its kind.
	pairedMarks = strings.NewReplacer("《", "", "》", "")
	courtTitle  = regexp.MustCompile(`^最高人民(?:法院|检察院).*(?:解释|规定|批复|决定)$|^全国人民代表大会.*(?:决定|解释|决议)$`)
	stateTitle  = regexp.MustCompile(`^中华人民共和国.*(?:规定|办法|细则)$`)
	policyTitle = regexp.MustCompile(`(?:决议|决定|命令|公报|公告|通告|意见|通知|通报|批复|办法|规定|细则|规则|纲要|措施|制度|目录|标准|指南|规程|章程|政策|基准|指引|规范|准则|导则|守则|清单)$`)
	planTitle   = regexp.MustCompile(`^(?:中共|国务院|国家|全国|\p{Han}{1,8}[省市区县州盟旗镇乡]).*(?:方案|规划|计划|预案|要点)$|^关于`)
	titleSuffix = regexp.MustCompile(`[（(][^（()）]*[）)]$`)
)

// ownTitles are the names under which a document speaks of itself: its title,
// and where it issues a text, that text's.
func ownTitles(text *corev1.PolicyText) map[string]bool {
	own := map[string]bool{}
	title := squeeze(text.GetTitle())
	if title == "" {
		return own
	}
	own[Fold(title)] = true
	if isIssuing(title) || strings.HasPrefix(title, "《") && strings.HasSuffix(title, "》") {
		for _, name := range issuedTitles(title) {
			own[Fold(name)] = true
		}
		// Of an order or announcement, the title of what it issues first.
		for _, p := range text.GetParts() {
			if p.GetKind() == corev1.PartKind_PART_KIND_ENCLOSED && p.GetTitle() != "" {
				own[Fold(p.GetTitle())] = true
				break
			}
		}
	}
	return own
}

// classify tells what a citation names. A short name takes the kind of what it
// was introduced for.
func (c *citer) classify(cited *corev1.Citation, before string) {
	title := squeeze(cited.Title)
	if strings.HasSuffix(before, "简称") || strings.HasSuffix(before, "以下称") {
		c.introduce(title, c.last)
	}
	if of := c.alias[title]; of != nil {
		cited.Kind, cited.FullTitle = of.Kind, of.Title
		return
	}
	number := cited.DocumentNumberNormalized
	switch own := c.own[Fold(withoutDraftMark(title))]; {
	case own && (number == "" || number == c.text.DocumentNumberNormalized):
		cited.Kind = corev1.CitationKind_CITATION_KIND_SELF
	case number == "" && c.orders[Fold(title)]:
		cited.Kind = corev1.CitationKind_CITATION_KIND_LAW
	default:
		cited.Kind = kindOfTitle(title, number)
		if orderNumber.MatchString(number) {
			c.orders[Fold(title)] = true
		}
	}
	c.last = cited
}

// shortName is a short name in quotation marks behind a title.
var shortName = regexp.MustCompile(`^[\s\x{3000}]*[（(][^（()）]*?简?称[为：:]?[“"「]([^”"」]{1,60})[”"」]`)

// introduce notes what a short name stands for, the first time.
func (c *citer) introduce(name string, of *corev1.Citation) {
	if _, known := c.alias[name]; !known && of != nil && name != "" && name != squeeze(of.Title) {
		c.alias[name] = of
	}
}

func kindOfTitle(title, number string) corev1.CitationKind {
	nested := markPairs.Replace(titleSuffix.ReplaceAllString(title, ""))
	stem := nested
	if !strings.HasSuffix(stem, "》") {
		stem = pairedMarks.Replace(stem)
	}
	order := orderNumber.MatchString(number)
	switch {
	case carriesOut.MatchString(nested) && (number == "" || order):
		return corev1.CitationKind_CITATION_KIND_LAW
	case lawTitle.MatchString(stem) && !notLawTitle.MatchString(stem), courtTitle.MatchString(stem),
		strings.HasSuffix(stem, "条例实施办法"), strings.HasSuffix(stem, "法实施办法"),
		order, stateTitle.MatchString(stem) && number == "":
		return corev1.CitationKind_CITATION_KIND_LAW
	case number != "", policyTitle.MatchString(stem), planTitle.MatchString(stem):
		return corev1.CitationKind_CITATION_KIND_DOCUMENT
	}
	return corev1.CitationKind_CITATION_KIND_OTHER
}

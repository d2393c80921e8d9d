package policytext

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

var (
	// issuing finds titles of documents that issue an enclosed text.
	issuing = regexp.MustCompile(`印发|发布|公布|颁布|转发|批转`)
	// issuingKind are kinds that issue a text, unless they are about changing or ending it.
	issuingKind = regexp.MustCompile(`令$|公告$`)
	endingTitle = regexp.MustCompile(`关于(?:宣布)?(?:修改|修订|修正|调整|废止|停止|终止|延长|继续)`)
	// issuedBare is the text that a title issues without title marks.
	issuedBare = regexp.MustCompile(`(?:印发|发布|公布|颁布|转发|批转)([^《》]+)的(?:通知|公告|通告|决定|函|令)$`)
	// issuedMore finds 关于印发《甲办法》等三个文件的通知.
	issuedMore = regexp.MustCompile(`》等[^《》]{0,4}[个件项部种]`)
)

// maxTitleLines is the most lines that a title of a part is broken into.
const maxTitleLines = 4

// partLines is a part while it is read: lines [first, last), of which those from
// body on are below its title.
type partLines struct {
	*corev1.Part

	first, body, last int
}

// splitter finds where the parts of a document begin, in one pass over its lines.
type splitter struct {
	r     *reading
	front *front
	// issued are the titles, folded, of the texts that the document names in its title,
	// and whether they have been met; issues says that it issues them.
	issued map[string]bool
	issues bool
	parts  []*partLines
	// signed is set below a sign-off of the open part; title is the first line since
	// that could be one, or -1.
	signed bool
	title  int
	// noted are the heads 附件1 that the open part has named.
	noted map[string]bool
	// article and heading are the numbers of the last 条 and 一、 of the open part.
	article, heading int
}

// readParts parts a document: itself, the texts that it issues below its sign-off or
// as its attachments, and what else is attached. A text is known to be issued by its
// title, which the document's title names, or else by its articles.
func readParts(r *reading, f *front, text *corev1.PolicyText) []*partLines {
	sp := &splitter{r: r, front: f, issued: map[string]bool{}, issues: isIssuing(text.Title), title: -1}
	for _, title := range issuedTitles(text.Title) {
		sp.issued[Fold(title)] = false
	}
	if sp.issues && issuedMore.MatchString(text.Title) { // 等三个文件, which the document itself names
		for i := f.body; i < len(r.lines) && !f.signature[i]; i++ {
			for _, title := range issuedTitles(r.lines[i].text) {
				sp.issued[Fold(title)] = false
			}
		}
	}
	sp.begin(corev1.PartKind_PART_KIND_MAIN, 0)
	sp.open().body, sp.open().Title, sp.open().DocumentNumber = f.body, text.Title, text.DocumentNumber
	for i := f.body; i < len(r.lines); i++ {
		i = max(i, sp.line(i))
	}
	sp.settle(issuedMore.MatchString(text.Title))
	return sp.parts
}

// isIssuing tells titles of documents that issue the texts they name.
func isIssuing(title string) bool {
	return issuing.MatchString(title) || issuingKind.MatchString(title) && !endingTitle.MatchString(title)
}

func (sp *splitter) open() *partLines { return sp.parts[len(sp.parts)-1] }

// begin opens a part at a line.
func (sp *splitter) begin(kind corev1.PartKind, at int) *partLines {
	p := &partLines{Part: &corev1.Part{Kind: kind}, first: at, body: at, last: len(sp.r.lines)}
	if len(sp.parts) > 0 {
		sp.open().last = at
	}
	sp.parts = append(sp.parts, p)
	sp.signed, sp.title, sp.noted, sp.article, sp.heading = false, -1, map[string]bool{}, 0, 0
	return p
}

// line reads one line and returns the last line it used.
func (sp *splitter) line(i int) int {
	l := &sp.r.lines[i]
	s := trim(l.text)
	switch {
	case s == "" || l.place != inText:
		return i
	case sp.front.signature[i]:
		sp.signed, sp.title = sp.open().Kind != corev1.PartKind_PART_KIND_ATTACHMENT, -1
		return i
	}
	if label, ok := sp.pageHead(i, s); ok && i > 0 { // a file that begins with it is all of it
		p := sp.begin(corev1.PartKind_PART_KIND_ATTACHMENT, i)
		return sp.head(p, label, i)
	}
	if len(sp.issued) > 0 && sp.open().Kind != corev1.PartKind_PART_KIND_ATTACHMENT {
		title, end := sp.titleAt(i)
		if met, named := sp.issued[Fold(title)]; named && !met {
			return sp.enclosed(i, title, end)
		}
	}
	if isContents(s) && sp.signed && sp.title >= 0 {
		title, end := sp.titleAt(sp.title)
		return sp.enclosed(sp.title, title, max(end, i))
	}
	m, ok := readMark(l)
	if !ok {
		if sp.signed && sp.title < 0 && titleLine(l, s) && !isNote(s) {
			sp.title = i
		}
		return i
	}
	return sp.mark(i, m)
}

// mark reads a numbered line. Below a sign-off, one that goes on from the number
// before shows that it was none; another begins an enclosed text.
func (sp *splitter) mark(i int, m mark) int {
	statute := m.kind != corev1.ProvisionKind_PROVISION_KIND_HEADING
	article := m.kind == corev1.ProvisionKind_PROVISION_KIND_ARTICLE
	if sp.signed && sp.open().Kind == corev1.PartKind_PART_KIND_MAIN {
		next := article && m.number == sp.article+1 && sp.article > 0 || !statute && m.level == 1 && m.number == sp.heading+1 && sp.heading > 0
		switch {
		case next:
			sp.signed = false
		case sp.article == 0 && (statute || m.level == 1 && m.number == 1 && (sp.issues || sp.heading == 0)):
			at, title, end := i, "", i
			if sp.title >= 0 {
				at = sp.title
				title, end = sp.titleAt(at)
			}
			i = max(sp.enclosed(at, title, end), i-1)
			return i
		}
	}
	switch {
	case article && (!m.loose || !refersBack(m.rest)):
		sp.article = m.number
	case !statute && m.level == 1:
		sp.heading = m.number
	}
	return i
}

// enclosed begins an issued text and returns the last line of its head.
func (sp *splitter) enclosed(at int, title string, end int) int {
	p := sp.begin(corev1.PartKind_PART_KIND_ENCLOSED, at)
	p.Title, p.body = title, end
	sp.issued[Fold(title)] = true
	for _, named := range issuedTitles(title) { // the text that a decision amends
		if _, known := sp.issued[Fold(named)]; !known {
			sp.issued[Fold(named)] = false
		}
	}
	return sp.number(p) - 1
}

// head reads what stands over an attachment: its title, below 附件1 or behind it.
func (sp *splitter) head(p *partLines, label string, at int) int {
	p.Label, p.body = label, at+1
	name := strings.TrimLeftFunc(strings.TrimPrefix(trim(sp.r.lines[at].text), label), func(r rune) bool { return IsBlank(r) || strings.ContainsRune("：:.．、", r) })
	if p.Title = name; name == "" {
		for i := at + 1; i < len(sp.r.lines); i++ {
			if trim(sp.r.lines[i].text) != "" {
				if title, end := sp.titleAt(i); title != "" {
					p.Title, p.body = title, end
				}
				break
			}
		}
	}
	p.Title = withoutDraftMark(p.Title)
	if met, named := sp.issued[Fold(p.Title)]; named && !met {
		p.Kind = corev1.PartKind_PART_KIND_ENCLOSED
		sp.issued[Fold(p.Title)] = true
	}
	return sp.number(p) - 1
}

// number reads a document number right below the title, and returns the first line
// of the body.
func (sp *splitter) number(p *partLines) int {
	for i, seen := p.body, 0; i < len(sp.r.lines) && seen < 2; i++ {
		s := trim(sp.r.lines[i].text)
		if s == "" {
			continue
		}
		seen++
		if n := documentNumber(s); n != "" {
			p.DocumentNumber, p.body = n, i+1
			break
		}
	}
	return p.body
}

// pageHead tells the line over an attached page: 附件1, or 附件1：甲 where a note has
// listed it before or among the attachments.
func (sp *splitter) pageHead(at int, s string) (label string, ok bool) {
	note, page := attachmentLine(s)
	if !note && !page {
		return "", false
	}
	label = attachmentLabel(s)
	key := squeeze(label)
	again := sp.open().Kind == corev1.PartKind_PART_KIND_ATTACHMENT && endsInNumber(key)
	if page && !note || again || sp.noted[key] || sp.bareHead(at, strings.TrimPrefix(s, label)) {
		return label, true
	}
	sp.noted[key] = true
	return label, page
}

// bareHead tells 附： over an attached page from a note: nothing follows it but a title
// that text follows, where a note is followed by names and the sign-off.
func (sp *splitter) bareHead(at int, rest string) bool {
	if strings.Trim(trim(rest), "：:") != "" {
		return false
	}
	title := ""
	for i, l := range sp.r.lines[at+1:] {
		s := trim(l.text)
		if s == "" {
			continue
		}
		_, numbered := readMark(&l)
		note, page := attachmentLine(s)
		switch {
		case sp.front.signature[at+1+i] || note || page || l.place != inText:
			return false
		case title != "":
			return numbered || isSentence(s)
		case numbered || isSentence(s):
			return false
		}
		title = s
	}
	return false
}

func endsInNumber(label string) bool {
	return numeralDigit(lastRune(label)) >= 0 || numeralUnit(lastRune(label)) > 0
}

// titleAt joins the lines of a title that begins at a line, without a draft's mark,
// and returns the line behind it; an empty title where none begins.
func (sp *splitter) titleAt(at int) (title string, end int) {
	joined := ""
	for i := at; i < len(sp.r.lines) && i < at+maxTitleLines; i++ {
		l := &sp.r.lines[i]
		s := trim(l.text)
		if s == "" || l.place != inText || !titleLine(l, s) || i > at && isNote(s) {
			break
		}
		whole := squeeze(joined + s)
		name := withoutDraftMark(strings.TrimSuffix(strings.TrimPrefix(whole, "《"), "》"))
		if _, named := sp.issued[Fold(name)]; named {
			return name, i + 1
		}
		if title != "" && (isTitle(title) || !isTitle(whole)) && !draftPattern.MatchString(s) {
			joined = whole
			continue
		}
		if title == "" || isTitle(whole) {
			title, end = withoutDraftMark(whole), i+1
		}
		joined = whole
	}
	return title, end
}

// settle decides what the attachments are and names the parts. Where no text was
// found enclosed by its title, the first attachment with articles is, when the
// document issues one or has no structure of its own; and one with headings, when
// both hold. A document that issues 《甲办法》等三个文件 encloses all with articles.
func (sp *splitter) settle(all bool) {
	main := sp.marks(sp.parts[0])
	found := false
	for _, p := range sp.parts {
		found = found || p.Kind == corev1.PartKind_PART_KIND_ENCLOSED
	}
	for _, p := range sp.parts[1:] {
		if p.Kind != corev1.PartKind_PART_KIND_ATTACHMENT || found && !all {
			continue
		}
		has := sp.marks(p)
		if has.article && (sp.issues || !main.any()) || has.heading && sp.issues && !main.any() && !found {
			p.Kind, found = corev1.PartKind_PART_KIND_ENCLOSED, true
		}
	}
	counts := map[corev1.PartKind]int{}
	for _, p := range sp.parts {
		counts[p.Kind]++
		switch p.Kind {
		case corev1.PartKind_PART_KIND_MAIN:
			p.Id = "main"
		case corev1.PartKind_PART_KIND_ENCLOSED:
			p.Id = fmt.Sprintf("enc-%d", counts[p.Kind])
		default:
			p.Id = fmt.Sprintf("att-%d", counts[p.Kind])
		}
		p.Start = int32(sp.r.lines[p.first].start)
		if p.End = int32(sp.r.end()); p.last < len(sp.r.lines) {
			p.End = int32(sp.r.lines[p.last].start)
		}
	}
}

// end is how many code points the text has.
func (r *reading) end() int { return r.lines[len(r.lines)-1].end + 1 }

type foundMarks struct{ article, heading bool }

func (m foundMarks) any() bool { return m.article || m.heading }

// marks tells what numbers the lines of a part begin with.
func (sp *splitter) marks(p *partLines) (found foundMarks) {
	for i := p.body; i < p.last; i++ {
		l := &sp.r.lines[i]
		if m, ok := readMark(l); ok && l.place == inText {
			article := m.kind == corev1.ProvisionKind_PROVISION_KIND_ARTICLE && !(m.loose && refersBack(m.rest))
			found.article = found.article || article
			found.heading = found.heading || m.kind == corev1.ProvisionKind_PROVISION_KIND_HEADING && m.level == 1
		}
	}
	return found
}

// markPairs writes nested title marks as outer ones.
var markPairs = strings.NewReplacer("〈", "《", "〉", "》", "＜", "《", "＞", "》", "<", "《", ">", "》")

// issuedTitles are the titles that a document's title names, without a draft's mark.
func issuedTitles(title string) (out []string) {
	title = markPairs.Replace(squeeze(title))
	if m := issuedBare.FindStringSubmatch(title); m != nil {
		out = append(out, withoutDraftMark(m[1]))
	}
	for rest := title; ; {
		_, after, found := strings.Cut(rest, "《")
		if !found {
			return out
		}
		depth, end := 1, len(after)
		for i, r := range after {
			if r == '《' {
				depth++
			} else if r == '》' {
				depth--
			}
			if depth == 0 {
				end = i
				break
			}
		}
		if name := withoutDraftMark(after[:end]); utf8.RuneCountInString(name) > 1 {
			out = append(out, name)
		}
		rest = after[end:]
	}
}

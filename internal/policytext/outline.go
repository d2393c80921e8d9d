package policytext

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

// Ranks order the provisions that may be open at once; a provision closes all
// that are open at its own rank or below.
const (
	rankPart = iota + 1
	rankChapter
	rankSection
	rankHeading // and three more below it
	_
	_
	_
	rankArticle
	rankParagraph
	rankItem
	rankSubItem
)

// maxWarnings bounds what is said about numbering.
const maxWarnings = 20

// issuing finds titles of documents that issue an enclosed text.
var issuing = regexp.MustCompile(`印发|发布|公布|颁布|转发|批转|令$|公告$`)

type openProvision struct {
	rank int
	node *corev1.Provision
}

// stage is where in a document the outliner is.
type stage int

const (
	inBody     stage = iota
	afterSign        // below a sign-off: an enclosed text may follow
	inAttached       // among the attachments
)

// outliner builds the tree in one pass over the lines.
type outliner struct {
	r     *reading
	text  *corev1.PolicyText
	front *front
	open  []openProvision
	stage stage
	ids   map[string]int
	// end is where the last line that belongs to an open provision ends.
	end int
	// article is the number of the last article.
	article int
	// announces is set while the open paragraph ends in a colon.
	announces bool
	// ignored is set when articles were found among the attachments.
	ignored bool
	// issues is set when the title says that the document issues another.
	issues bool
	// last is the last line that begins an article.
	last int
	// listed is set when a table of contents was met.
	listed bool
}

// readOutline fills outline and counts.
//
// A notice that issues an enclosed text is one document: the enclosed articles
// follow the notice's own headings. What is attached behind the text is not
// part of the outline, so that a form or model contract adds nothing to the
// last article.
func readOutline(r *reading, f *front, text *corev1.PolicyText) {
	o := &outliner{r: r, text: text, front: f, ids: map[string]int{}, issues: issuing.MatchString(text.Title)}
	for o.last = len(r.lines) - 1; o.last > f.body; o.last-- {
		if m, ok := readMark(&r.lines[o.last]); ok && m.kind == corev1.ProvisionKind_PROVISION_KIND_ARTICLE {
			break
		}
	}
	text.Counts = &corev1.ProvisionCounts{}
	for i := f.body; i < len(r.lines); i++ {
		i = o.line(i)
	}
	o.close(0)
	if o.ignored {
		r.warn("正文之后的附件中另有编号的条文，未列入提纲")
	}
	count(text.Outline, text.Counts, false)
}

// line reads one line and returns the last line it used.
func (o *outliner) line(i int) int {
	l := &o.r.lines[i]
	s := trim(l.text)
	switch {
	case s == "":
		return i
	case l.place != inText:
		if l.place == inTable && len(o.open) > 0 {
			o.end = l.end
		}
		return i
	case squeeze(s[:min(len(s), 30)]) == "目录":
		return o.contents(i)
	case o.front.signature[i]:
		o.close(0)
		if o.stage == inBody {
			o.stage = afterSign
		}
		return i
	}
	if note, page := attachmentLine(s); note || page {
		o.close(0)
		o.stage = inAttached
		return i
	}
	m, ok := readMark(l)
	if ok && m.kind == corev1.ProvisionKind_PROVISION_KIND_ARTICLE && m.loose {
		ok = !refersBack(m.rest) && (m.number == o.article+1 || m.number == 1 || m.branch > 0)
	}
	if ok && m.kind < corev1.ProvisionKind_PROVISION_KIND_ARTICLE && (m.loose && isSentence(m.rest) ||
		strings.HasSuffix(m.rest, "。") || utf8.RuneCountInString(m.rest) > 60) {
		ok = false
	}
	if !ok {
		o.plain(l, s)
		return i
	}
	if o.stage != inBody && !o.resume(m) {
		return i
	}
	if m.kind != corev1.ProvisionKind_PROVISION_KIND_HEADING {
		return o.statute(i, l, m)
	}
	o.numbered(i, m)
	return i
}

// resume decides whether a number below a sign-off or an attachment's head
// begins the enclosed text. It may while there are no articles yet. Below an
// attachment's head, articles do when the title says that a text is issued or
// nothing else has structure, headings only when both hold: else it is a form
// or a model contract.
func (o *outliner) resume(m mark) bool {
	statute := m.kind != corev1.ProvisionKind_PROVISION_KIND_HEADING
	empty := len(o.text.Outline) == 0
	attached := o.stage == inAttached && (statute && !o.issues && !empty || !statute && !(o.issues && empty))
	if o.article > 0 || attached {
		o.ignored = o.ignored || m.kind == corev1.ProvisionKind_PROVISION_KIND_ARTICLE
		return false
	}
	if !statute && m.level > 1 && len(o.open) == 0 {
		return false // 1.表一 2.表二 under 附件：
	}
	o.stage = inBody
	return true
}

// statute opens a part, chapter, section or article.
func (o *outliner) statute(i int, l *line, m mark) int {
	node := &corev1.Provision{Kind: m.kind, Number: int32(m.number), Label: m.label, Title: m.rest}
	var id string
	switch m.kind {
	case corev1.ProvisionKind_PROVISION_KIND_PART:
		id = fmt.Sprintf("part-%d", m.number)
	case corev1.ProvisionKind_PROVISION_KIND_CHAPTER:
		id = fmt.Sprintf("chap-%d", m.number)
	case corev1.ProvisionKind_PROVISION_KIND_SECTION:
		id = fmt.Sprintf("sec-%d", m.number)
	case corev1.ProvisionKind_PROVISION_KIND_ARTICLE:
		o.openArticle(l, m, node)
		return i
	}
	rank := int(m.kind-corev1.ProvisionKind_PROVISION_KIND_PART) + rankPart
	o.push(rank, node, id, l.start+m.start, l.end)
	if m.rest == "" {
		if next := o.titleBelow(i + 1); next >= 0 {
			node.Title = trim(o.r.lines[next].text)
			o.end = o.r.lines[next].end
			return next
		}
	}
	return i
}

// titleBelow finds the title of a chapter on the line after its number, or -1.
func (o *outliner) titleBelow(i int) int {
	for ; i < len(o.r.lines); i++ {
		l := &o.r.lines[i]
		s := trim(l.text)
		if s == "" {
			continue
		}
		if _, numbered := readMark(l); numbered || isSentence(s) || utf8.RuneCountInString(s) > 30 {
			return -1
		}
		return i
	}
	return -1
}

// openArticle opens an article, and its first paragraph when text follows on the
// same line.
func (o *outliner) openArticle(l *line, m mark, node *corev1.Provision) {
	o.checkSequence(m)
	id := fmt.Sprintf("art-%d", m.number)
	if m.branch > 0 {
		id = fmt.Sprintf("art-%d-%d", m.number, m.branch)
	}
	o.article = m.number
	node.Title = ""
	if h := o.opened(rankHeading); h != nil && m.number == 1 && h.Number > 1 {
		o.close(rankHeading) // an enclosed text begins below the notice's last heading
	}
	o.push(rankArticle, node, id, l.start+m.start, l.end)
	if m.rest != "" && !isCaption(m.rest) {
		o.paragraph(l.start+m.body, l)
	}
}

// isCaption reports an article's caption standing alone: 【立法目的】.
func isCaption(s string) bool {
	first, last := []rune(s)[0], lastRune(s)
	return (first == '【' && last == '】' || first == '（' && last == '）') && utf8.RuneCountInString(s) <= 24
}

// checkSequence tells people where the articles do not run on.
func (o *outliner) checkSequence(m mark) {
	if m.branch > 0 || m.number == o.article+1 || len(o.r.warnings) >= maxWarnings {
		return
	}
	switch {
	case m.number <= o.article:
		o.r.warn(fmt.Sprintf("条文序号重复或倒退：%s之后又出现%s", articleName(o.article), m.label))
	case o.article == 0:
		o.r.warn(fmt.Sprintf("条文从%s开始，缺少之前的条文", m.label))
	default:
		o.r.warn(fmt.Sprintf("条文序号不连续：%s之后是%s", articleName(o.article), m.label))
	}
}

func articleName(n int) string { return "第" + FormatNumeral(n) + "条" }

// numbered reads a line that begins with 一、（一）1. or （1）: an item or sub-item
// inside an article, a heading elsewhere.
func (o *outliner) numbered(i int, m mark) {
	l := &o.r.lines[i]
	start := l.start + m.start
	inArticle := o.opened(rankArticle) != nil
	if inArticle && m.level == 1 && !o.isItem(i, m) {
		o.close(rankArticle)
		inArticle = false
	}
	if !inArticle {
		o.heading(l, m)
		return
	}
	if o.opened(rankParagraph) == nil {
		o.paragraph(start, l) // items right below the article's number
	}
	node := &corev1.Provision{Number: int32(m.number), Label: m.label}
	switch {
	case m.level <= 2:
		node.Kind = corev1.ProvisionKind_PROVISION_KIND_ITEM
		o.push(rankItem, node, fmt.Sprintf("item-%d", m.number), start, l.end)
	case m.level == 4 && o.opened(rankSubItem) != nil && !strings.ContainsAny(o.opened(rankSubItem).Label, "（("):
		o.end = l.end // （1） below 1.: part of the sub-item
	default:
		node.Kind = corev1.ProvisionKind_PROVISION_KIND_SUB_ITEM
		o.push(rankSubItem, node, fmt.Sprintf("sub-%d", m.number), start, l.end)
	}
}

// isItem tells an item numbered 一、 inside an article from a heading: the
// paragraph announces a list (…如下：) or has begun one, or more articles
// follow. A heading that holds articles is followed by the next one.
func (o *outliner) isItem(i int, m mark) bool {
	if h := o.opened(rankHeading); h != nil && int(h.Number) == m.number-1 {
		return false
	}
	if p := o.opened(rankParagraph); p != nil && (o.announces || len(p.Children) > 0 && strings.HasSuffix(p.Children[0].Label, "、")) {
		return true
	}
	return i < o.last
}

// heading opens a heading of the notice style.
func (o *outliner) heading(l *line, m mark) {
	node := &corev1.Provision{
		Kind: corev1.ProvisionKind_PROVISION_KIND_HEADING, Number: int32(m.number),
		Label: m.label, Title: headingTitle(m.rest), Level: int32(m.level),
	}
	o.push(rankHeading+m.level-1, node, fmt.Sprintf("head-%d", m.number), l.start+m.start, l.end)
}

// headingTitle is the whole line, or its first sentence when text runs on.
func headingTitle(s string) string {
	s, _, _ = strings.Cut(s, "：“") // 一、第三条修改为：“…”
	title, _, _ := strings.Cut(s, "。")
	title = strings.TrimSuffix(title, "：")
	if utf8.RuneCountInString(title) > 60 {
		return ""
	}
	return title
}

// plain reads an unnumbered line: a paragraph (款) when an article is open.
func (o *outliner) plain(l *line, s string) {
	if len(o.open) == 0 || o.stage != inBody {
		return
	}
	if o.opened(rankArticle) == nil {
		o.end = l.end
		return
	}
	// A short line without any stop is a table's title, a form or a stray
	// signature, not a paragraph of law.
	if !isSentence(s) && utf8.RuneCountInString(s) <= 30 && o.opened(rankParagraph) != nil {
		o.end = l.end
		return
	}
	lead := len(l.text) - len(strings.TrimLeftFunc(l.text, IsBlank))
	o.paragraph(l.start+utf8.RuneCountInString(l.text[:lead]), l)
}

// paragraph opens the next 款 of the open article.
func (o *outliner) paragraph(start int, l *line) {
	o.close(rankParagraph)
	n := len(o.opened(rankArticle).Children) + 1
	node := &corev1.Provision{Kind: corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH, Number: int32(n)}
	o.push(rankParagraph, node, fmt.Sprintf("para-%d", n), start, l.end)
	o.announces = strings.HasSuffix(strings.TrimRightFunc(l.text, IsBlank), "：")
}

// push opens a provision under the nearest open one of a higher rank. Articles
// run on through parts, chapters and sections, so that their id starts anew;
// any other id is below its parent's. A number used twice gets ~2.
func (o *outliner) push(rank int, node *corev1.Provision, id string, start, end int) {
	o.close(rank)
	siblings := &o.text.Outline
	if n := len(o.open); n > 0 {
		parent := o.open[n-1].node
		siblings = &parent.Children
		if rank != rankArticle {
			id = parent.Id + "." + id
		}
	}
	o.ids[id]++
	if n := o.ids[id]; n > 1 {
		id = fmt.Sprintf("%s~%d", id, n)
	}
	node.Id, node.Start, node.End = id, int32(start), int32(end)
	*siblings = append(*siblings, node)
	o.open = append(o.open, openProvision{rank, node})
	o.end = end
}

// close ends the open provisions of this rank and below.
func (o *outliner) close(rank int) {
	n := len(o.open)
	for n > 0 && o.open[n-1].rank >= rank {
		n--
		o.open[n].node.End = int32(o.end)
	}
	o.open = o.open[:n]
}

// opened returns the open provision of a rank, or nil.
func (o *outliner) opened(rank int) *corev1.Provision {
	for i := len(o.open) - 1; i >= 0; i-- {
		if o.open[i].rank == rank {
			return o.open[i].node
		}
	}
	return nil
}

// contents passes over a table of contents and returns its last line: the
// entries below 目录, when the first of them comes again as a heading of the
// text. Only the first 目录 of a document is looked at.
func (o *outliner) contents(i int) int {
	if o.listed {
		return i
	}
	o.listed = true
	var first mark
	last, ended := i, false
	for k := i + 1; k < len(o.r.lines); k++ {
		l := &o.r.lines[k]
		if l.place != inText || trim(l.text) == "" {
			continue
		}
		m, ok := readMark(l)
		switch paged := endsInPage(l.text); {
		case first.label == "" && !ok && !paged:
			return i // no list follows
		case first.label == "" && ok:
			first = m
		case ok && m.label == first.label && strings.HasPrefix(squeeze(first.rest), squeeze(m.rest)):
			return last
		case !paged && (!ok || strings.HasSuffix(m.rest, "。")):
			ended = true
		}
		if !ended {
			last = k
		}
	}
	return i
}

// endsInPage reports an entry with its page: 附则……12.
func endsInPage(s string) bool {
	s = trim(s)
	stem := strings.TrimRight(s, "0123456789")
	return stem != s && strings.ContainsAny(lastOf(stem), "\t.…·　 ")
}

func lastOf(s string) string {
	_, n := utf8.DecodeLastRuneInString(s)
	return s[len(s)-n:]
}

// count adds up a tree. 款 and 项 count inside articles only. The headings 一、
// of a notice stand where a statute has 节, and count as such.
func count(nodes []*corev1.Provision, c *corev1.ProvisionCounts, inArticle bool) {
	for _, n := range nodes {
		switch n.Kind {
		case corev1.ProvisionKind_PROVISION_KIND_CHAPTER:
			c.Chapters++
		case corev1.ProvisionKind_PROVISION_KIND_SECTION:
			c.Sections++
		case corev1.ProvisionKind_PROVISION_KIND_HEADING:
			if n.Level == 1 {
				c.Sections++
			}
		case corev1.ProvisionKind_PROVISION_KIND_ARTICLE:
			c.Articles++
		case corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH:
			c.Paragraphs++
		case corev1.ProvisionKind_PROVISION_KIND_ITEM:
			if inArticle {
				c.Items++
			}
		}
		count(n.Children, c, inArticle || n.Kind == corev1.ProvisionKind_PROVISION_KIND_ARTICLE)
	}
}

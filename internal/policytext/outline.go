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

// maxLevel is the deepest level of headings, （1）.
const maxLevel = 4

// maxWarnings bounds what is said about numbering.
const maxWarnings = 20

type openProvision struct {
	rank int
	node *corev1.Provision
}

// outliner builds the tree of one part in one pass over its lines.
type outliner struct {
	r     *reading
	front *front
	part  *partLines
	// nodes are the provisions at the top, prefix what their ids begin with.
	nodes  []*corev1.Provision
	prefix string
	open   []openProvision
	ids    map[string]int
	// end is where the last line that belongs to an open provision ends.
	end int
	// ended is set below a sign-off and a note 附件：…
	ended bool
	// article is the number of the last article, heading of the last 一、
	article, heading1 int
	// announces is set while the open paragraph ends in a colon.
	announces bool
	// amendment is set below a heading that amends, quoting inside the words that it
	// quotes.
	amendment, quoting bool
	// last is the last line that begins an article.
	last int
	// listed is set when a table of contents was met.
	listed bool
}

// readOutline fills outline, parts and counts. The provisions of the document and
// of the texts it issues are one outline; what is attached has its own, so that a
// form or model contract adds nothing to the last article.
func readOutline(r *reading, f *front, text *corev1.PolicyText) {
	text.Counts = &corev1.ProvisionCounts{}
	for _, p := range readParts(r, f, text) {
		o := &outliner{r: r, part: p, front: f, ids: map[string]int{}}
		if p.Kind != corev1.PartKind_PART_KIND_MAIN {
			o.prefix = p.Id + "."
		}
		nodes := o.read()
		if p.Kind == corev1.PartKind_PART_KIND_ATTACHMENT {
			p.Outline = nodes
		} else {
			text.Outline = append(text.Outline, nodes...)
		}
		text.Parts = append(text.Parts, p.Part)
	}
	count(text.Outline, text.Counts, false)
}

func (o *outliner) read() []*corev1.Provision {
	for o.last = o.part.last - 1; o.last > o.part.body; o.last-- {
		if m, ok := readMark(&o.r.lines[o.last]); ok && m.kind == corev1.ProvisionKind_PROVISION_KIND_ARTICLE {
			break
		}
	}
	for i := o.part.body; i < o.part.last; i++ {
		i = o.line(i)
	}
	o.close(0)
	return o.nodes
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
	case isContents(s):
		return o.contents(i)
	case o.front.signature[i]:
		o.close(0)
		o.ended = true
		return i
	}
	if note, page := attachmentLine(s); note || page {
		o.close(0)
		o.ended = true
		return i
	}
	m, ok := readMark(l)
	ok = ok && !l.joined && (m.kind != corev1.ProvisionKind_PROVISION_KIND_HEADING || !m.cited())
	if ok && m.kind == corev1.ProvisionKind_PROVISION_KIND_ARTICLE && m.loose {
		ok = !refersBack(m.rest) && (m.number == o.article+1 || m.number == 1 || m.branch > 0)
	}
	if ok && m.kind < corev1.ProvisionKind_PROVISION_KIND_ARTICLE && (m.loose && isSentence(m.rest) ||
		strings.HasSuffix(m.rest, "。") || utf8.RuneCountInString(m.rest) > 60) {
		ok = false
	}
	if quoted := o.amends(s, m); !ok || quoted {
		o.plain(l, s)
		return i
	}
	if o.ended && !o.resume(m) {
		return i
	}
	if m.kind != corev1.ProvisionKind_PROVISION_KIND_HEADING {
		return o.statute(i, l, m)
	}
	o.numbered(i, m)
	return i
}

// amending finds headings of a decision that quote new words: 增加一条，作为第四条：“….
var amending = regexp.MustCompile(`修改为|修改如下|增加|作为第|修订为|改为`)

// amends reports a number inside the words that an amendment quotes, which may run
// over several lines. The next 一、 ends them in any case.
func (o *outliner) amends(s string, m mark) bool {
	if m.kind == corev1.ProvisionKind_PROVISION_KIND_HEADING && m.level == 1 && m.number == o.heading1+1 {
		o.amendment, o.quoting = amending.MatchString(s), false
	}
	inside := o.quoting
	if open, shut := strings.LastIndex(s, "“"), strings.LastIndex(s, "”"); open > shut {
		o.quoting = o.amendment
	} else if shut >= 0 {
		o.quoting = false
	}
	return inside
}

// resume decides whether a number below a date or a note goes on with the part: the
// next one does, and the first where there was none.
func (o *outliner) resume(m mark) bool {
	switch {
	case m.kind == corev1.ProvisionKind_PROVISION_KIND_ARTICLE:
		o.ended = m.number != o.article+1
	case m.kind == corev1.ProvisionKind_PROVISION_KIND_HEADING:
		o.ended = m.level > 1 || m.number != o.heading1+1 || o.article > 0
	default:
		o.ended = false
	}
	return !o.ended
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
	for ; i < o.part.last; i++ {
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
	if o.part.Kind != corev1.PartKind_PART_KIND_ATTACHMENT {
		o.checkSequence(m)
	}
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
	switch {
	case m.rest == "" || isCaption(m.rest):
	case o.inner(l, m):
	default:
		o.paragraph(l.start+m.body, l)
	}
}

// inner reads the first of a list that begins on the line of what holds it, 第二条
// （一）甲, and reports whether one does.
func (o *outliner) inner(l *line, outer mark) bool {
	m, size, ok := scanMark(outer.rest)
	if !ok || m.number != 1 || m.kind != corev1.ProvisionKind_PROVISION_KIND_HEADING || m.level < 2 || outer.level >= m.level {
		return false
	}
	m.label, m.rest, m.start = outer.rest[:size], trim(outer.rest[size:]), outer.body
	m.body = outer.body + utf8.RuneCountInString(outer.rest[:len(outer.rest)-len(m.rest)])
	if m.loose = true; m.cited() {
		return false
	}
	o.item(l, m)
	return true
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
	inArticle := o.opened(rankArticle) != nil
	if inArticle && m.level == 1 && !o.isItem(i, m) {
		o.close(rankArticle)
		inArticle = false
	}
	if !inArticle {
		o.heading(l, m)
		return
	}
	o.item(l, m)
}

// item opens an item or sub-item of the open article.
func (o *outliner) item(l *line, m mark) {
	start := l.start + m.start
	if o.opened(rankParagraph) == nil {
		o.paragraph(start, l) // items right below the article's number
	}
	node := &corev1.Provision{Number: int32(m.number), Label: m.label}
	switch {
	case m.level <= 2:
		node.Kind = corev1.ProvisionKind_PROVISION_KIND_ITEM
		o.push(rankItem, node, fmt.Sprintf("item-%d", m.number), start, l.end)
		o.inner(l, m)
	case o.below(m.level):
		o.end = l.end // （1） below 1., ① below either: part of the sub-item
	default:
		node.Kind = corev1.ProvisionKind_PROVISION_KIND_SUB_ITEM
		o.push(rankSubItem, node, fmt.Sprintf("sub-%d", m.number), start, l.end)
	}
}

// below reports whether a number stands below the open sub-item.
func (o *outliner) below(level int) bool {
	sub := o.opened(rankSubItem)
	if sub == nil {
		return false
	}
	m, _, _ := scanMark(sub.Label)
	return m.level < level
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
	if m.level > maxLevel { // ① runs on in what is open
		o.plain(l, m.rest)
		return
	}
	node := &corev1.Provision{
		Kind: corev1.ProvisionKind_PROVISION_KIND_HEADING, Number: int32(m.number),
		Label: m.label, Title: headingTitle(m.rest), Level: int32(m.level),
	}
	if m.level == 1 {
		o.heading1 = m.number
	}
	o.push(rankHeading+m.level-1, node, fmt.Sprintf("head-%d", m.number), l.start+m.start, l.end)
}

// headingTitle is the whole line, or its first sentence when text runs on.
func headingTitle(s string) string {
	s, _, _ = strings.Cut(s, "：“") // 一、第三条修改为：“…”
	title, _, _ := strings.Cut(s, "。")
	title = strings.TrimRight(title, "：；")
	if utf8.RuneCountInString(title) > 60 {
		return ""
	}
	return title
}

// plain reads an unnumbered line: a paragraph (款) when an article is open.
func (o *outliner) plain(l *line, s string) {
	if len(o.open) == 0 || o.ended {
		return
	}
	if o.opened(rankArticle) == nil || l.joined && o.opened(rankParagraph) != nil {
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
	siblings := &o.nodes
	nested := false
	if n := len(o.open); n > 0 {
		parent := o.open[n-1].node
		siblings = &parent.Children
		if nested = rank != rankArticle; nested {
			id = parent.Id + "." + id
		}
	}
	if !nested {
		id = o.prefix + id
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

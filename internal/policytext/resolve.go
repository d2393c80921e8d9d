package policytext

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

// maxReferences bounds what one text may hold.
const maxReferences = 20_000

// amendingTitle finds decisions that amend another text: 本办法 in them is that text.
var amendingTitle = regexp.MustCompile(`关于(?:修改|修订|修正|调整)`)

// numberedPart is what a part of a document numbers, by number.
type numberedPart struct {
	*corev1.Part
	Numbering

	chapters map[int]string
	articles map[[2]int32]*corev1.Provision
	headings map[int32]*corev1.Provision // 一、
	order    []*corev1.Provision
	places   map[*corev1.Provision]int // in order
	lists    map[listKey]map[int32]*corev1.Provision
}

// resolver finds what the mentions of a document name.
type resolver struct {
	text        *corev1.PolicyText
	parts       []*numberedPart
	attachments []*corev1.Part
	titles      map[string]*numberedPart // by title, folded, of what is no attachment
}

// readReferences resolves the references of a document to places of its own.
func readReferences(r *reading, f *front, text *corev1.PolicyText) {
	rs := newResolver(text)
	part, citations := 0, text.GetCitations()
	for i := f.body; i < len(r.lines); i++ {
		l := &r.lines[i]
		for part+1 < len(rs.parts) && int(rs.parts[part].GetEnd()) <= l.start {
			part++
		}
		if note, page := attachmentLine(trim(l.text)); note || page || amendingTitle.MatchString(rs.parts[part].GetTitle()) {
			continue
		}
		cited := len(citations)
		for cited > 0 && int(citations[len(citations)-cited].GetStart()) < l.start {
			cited--
		}
		citations = citations[len(citations)-cited:]
		at, from := l.start, 0
		for _, m := range rs.mentions(l, rs.parts[part], citations) {
			at += utf8.RuneCountInString(l.text[from:m.Start])
			from = m.Start
			if len(text.References) == maxReferences {
				return
			}
			found := rs.resolve(m, at, rs.parts[part])
			if m.doubtful && found.Broken {
				continue // of the text named before
			}
			if l.raw != "" {
				found.Text = l.sent(int(found.Start), int(found.End))
			}
			text.References = append(text.References, found)
		}
	}
}

// mentions are the references of a line, in order; citations begin at the line.
func (rs *resolver) mentions(l *line, own *numberedPart, citations []*corev1.Citation) []Mention {
	out := Mentions(l.text)
	if own.Articles > 0 && l.place == inText {
		out = bareMentions(l.text, out)
	}
	if named := rs.ofParts(l, citations); len(named) > 0 {
		out = append(out, named...)
		slices.SortStableFunc(out, func(a, b Mention) int { return cmp.Compare(a.Start, b.Start) })
	}
	return out
}

func newResolver(text *corev1.PolicyText) *resolver {
	rs := &resolver{text: text, titles: map[string]*numberedPart{}}
	next := 0
	for _, p := range text.GetParts() {
		nodes := p.GetOutline()
		if p.GetKind() == corev1.PartKind_PART_KIND_ATTACHMENT {
			rs.attachments = append(rs.attachments, p)
		} else {
			if p.GetLabel() != "" {
				rs.attachments = append(rs.attachments, p)
			}
			from := next
			for next < len(text.Outline) && text.Outline[next].GetStart() < p.GetEnd() {
				next++
			}
			nodes = text.Outline[from:next]
		}
		n := &numberedPart{
			Part: p, Numbering: NumberingOf(nodes), chapters: map[int]string{}, articles: map[[2]int32]*corev1.Provision{},
			headings: map[int32]*corev1.Provision{}, places: map[*corev1.Provision]int{}, lists: map[listKey]map[int32]*corev1.Provision{},
		}
		n.index(nodes)
		rs.parts = append(rs.parts, n)
		if key := Fold(p.GetTitle()); rs.titles[key] == nil && p.GetKind() != corev1.PartKind_PART_KIND_ATTACHMENT {
			rs.titles[key] = n
		}
	}
	return rs
}

func (n *numberedPart) index(nodes []*corev1.Provision) {
	for _, p := range nodes {
		switch p.GetKind() {
		case corev1.ProvisionKind_PROVISION_KIND_CHAPTER:
			if _, twice := n.chapters[int(p.GetNumber())]; !twice {
				n.chapters[int(p.GetNumber())] = p.GetId()
			}
		case corev1.ProvisionKind_PROVISION_KIND_ARTICLE:
			key := [2]int32{p.GetNumber(), branchOf(p.GetLabel())}
			if _, twice := n.articles[key]; !twice {
				n.articles[key] = p
			}
			n.places[p] = len(n.order)
			n.order = append(n.order, p)
		case corev1.ProvisionKind_PROVISION_KIND_HEADING:
			if _, twice := n.headings[p.GetNumber()]; !twice && p.GetLevel() == 1 {
				n.headings[p.GetNumber()] = p
			}
		}
		n.index(p.GetChildren())
	}
}

// branchOf is 2 in 第十条之二.
func branchOf(label string) int32 {
	m, _, _ := scanMark(label)
	return int32(m.branch)
}

// resolve tells what a mention at a code point of a part names.
func (rs *resolver) resolve(m Mention, at int, own *numberedPart) *corev1.Reference {
	out := &corev1.Reference{Text: m.Text, Start: int32(at), End: int32(at + utf8.RuneCountInString(m.Text))}
	if m.attachment > 0 {
		rs.attached(m.attachment, out)
		return out
	}
	in := own
	article, paragraph := own.around(rs.text, at)
	switch {
	case m.part != nil:
		in = m.part
	case m.self != "":
		in = rs.named(m.self, own)
	}
	if in != own {
		article, paragraph = nil, nil
	}
	if in.Articles == 0 && len(in.headings) > 0 && len(m.provisions) > 0 {
		in.below(m, out)
		return out
	}
	out.Broken = in.Missing(m, int(article.GetNumber()), int(paragraph.GetNumber())) != ""
	add := func(id string) {
		if id != "" {
			out.Targets = append(out.Targets, id)
		}
	}
	switch {
	case out.Broken:
	case m.chapter > 0:
		add(in.chapters[m.chapter])
	case m.articles > 0:
		before := in.before(article, m.articles)
		for _, p := range before {
			add(p.GetId())
		}
		out.Broken = article != nil && len(before) < m.articles
	case m.paragraphs > 0:
		for k := int(paragraph.GetNumber()) - m.paragraphs; k > 0 && k < int(paragraph.GetNumber()); k++ {
			p := &corev1.CitedProvision{Paragraph: int32(k), Item: firstItem(m.provisions), SubItem: 0}
			out.Broken = out.Broken || in.lacksItem(article, p)
			add(in.deepest(article, p))
		}
	default:
		in.provisions(m, article, out)
	}
	return out
}

// provisions resolves what a mention lists; article is where the mention stands.
func (n *numberedPart) provisions(m Mention, article *corev1.Provision, out *corev1.Reference) {
	for _, p := range m.provisions {
		node := article
		if p.GetArticle() > 0 {
			node = n.articles[[2]int32{p.GetArticle(), p.GetBranch()}]
			out.Broken = out.Broken || node == nil && n.Articles > 0
		}
		out.Broken = out.Broken || n.lacksItem(node, p)
		if id := n.deepest(node, p); id != "" {
			out.Targets = append(out.Targets, id)
		}
	}
	if out.Broken {
		out.Targets = nil
	}
}

// below resolves 本通知第二条第（一）项 in a text of headings: 二、（一）.
func (n *numberedPart) below(m Mention, out *corev1.Reference) {
	for _, p := range m.provisions {
		at := n.headings[p.GetArticle()]
		if p.GetArticle() > 0 && at == nil {
			out.Broken, out.Targets = true, nil
			return
		}
		if c := n.list(at, corev1.ProvisionKind_PROVISION_KIND_HEADING)[p.GetItem()]; c != nil {
			at = c
		}
		if at.GetId() != "" {
			out.Targets = append(out.Targets, at.GetId())
		}
	}
}

// lacksItem reports an item or sub-item that the list it is of does not hold. Items
// that run on in their paragraph are not known.
func (n *numberedPart) lacksItem(article *corev1.Provision, p *corev1.CitedProvision) bool {
	at := article
	if p.GetParagraph() > 0 {
		at = n.list(at, corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH)[p.GetParagraph()]
	}
	if at == nil || p.GetItem() == 0 {
		return false
	}
	items := n.list(at, corev1.ProvisionKind_PROVISION_KIND_ITEM)
	item := items[p.GetItem()]
	if item == nil {
		return len(items) > 0
	}
	subItems := n.list(item, corev1.ProvisionKind_PROVISION_KIND_SUB_ITEM)
	return p.GetSubItem() > 0 && len(subItems) > 0 && subItems[p.GetSubItem()] == nil
}

func firstItem(list []*corev1.CitedProvision) int32 {
	if len(list) == 0 {
		return 0
	}
	return list[0].GetItem()
}

// attached resolves 附件2 by the label of a page; one that only the note names is
// sent apart.
func (rs *resolver) attached(number int, out *corev1.Reference) {
	var single []string
	for _, p := range rs.attachments {
		rest := strings.TrimLeftFunc(strings.TrimLeft(p.GetLabel(), "附件表录 \u3000"), IsBlank)
		switch got, _, size := scanNumber(rest); {
		case size == 0:
			single = append(single, p.GetId())
		case got == number:
			out.Targets = []string{p.GetId()}
			return
		}
	}
	if number == 1 && len(single) == 1 {
		out.Targets = single
		return
	}
	out.Broken = number > len(rs.text.GetAttachmentNames())
}

// named is the part that calls itself 办法: the one that the mention stands in, or
// else another text with articles whose title says so, or the first with articles.
func (rs *resolver) named(self string, own *numberedPart) *numberedPart {
	text := func(p *numberedPart) bool {
		return p.GetKind() != corev1.PartKind_PART_KIND_ATTACHMENT && p.Articles > 0
	}
	if strings.Contains(own.GetTitle(), self) && own.Articles > 0 ||
		strings.HasSuffix(own.GetTitle(), self) && len(own.headings) > 0 {
		return own
	}
	var first *numberedPart
	for _, p := range rs.parts {
		if text(p) && strings.HasSuffix(titleSuffix.ReplaceAllString(p.GetTitle(), ""), self) {
			return p
		}
		if first == nil && text(p) {
			first = p
		}
	}
	if text(own) || first == nil {
		return own
	}
	return first
}

// around are the article and the paragraph that a code point stands in.
func (n *numberedPart) around(t *corev1.PolicyText, at int) (article, paragraph *corev1.Provision) {
	nodes := t.GetOutline()
	if n.GetKind() == corev1.PartKind_PART_KIND_ATTACHMENT {
		nodes = n.GetOutline()
	}
	for {
		node := holding(nodes, at)
		switch node.GetKind() {
		case corev1.ProvisionKind_PROVISION_KIND_UNSPECIFIED:
			return article, paragraph
		case corev1.ProvisionKind_PROVISION_KIND_ARTICLE:
			article = node
		case corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH:
			paragraph = node
		}
		nodes = node.GetChildren()
	}
}

// before are the articles in front of one.
func (n *numberedPart) before(article *corev1.Provision, back int) []*corev1.Provision {
	if i, ok := n.places[article]; ok {
		return n.order[max(0, i-back):i]
	}
	return nil
}

// deepest is the id of what is named below an article, as far as the outline shows
// it: an item that runs on in its paragraph is found as the paragraph.
func (n *numberedPart) deepest(article *corev1.Provision, p *corev1.CitedProvision) string {
	at := article
	for _, step := range []struct {
		kind   corev1.ProvisionKind
		number int32
	}{
		{corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH, p.GetParagraph()},
		{corev1.ProvisionKind_PROVISION_KIND_ITEM, p.GetItem()},
		{corev1.ProvisionKind_PROVISION_KIND_SUB_ITEM, p.GetSubItem()},
	} {
		if next := n.list(at, step.kind)[step.number]; step.number > 0 && next != nil {
			at = next
		}
	}
	return at.GetId()
}

// listKey is a rank below a provision.
type listKey struct {
	of   *corev1.Provision
	kind corev1.ProvisionKind
}

// list are the provisions of a rank below another, by number and through ranks that
// are left out: 第十条第（二）项 is an item of its only paragraph that has one. Items of
// a paragraph may be numbered 1. alone.
func (n *numberedPart) list(of *corev1.Provision, kind corev1.ProvisionKind) map[int32]*corev1.Provision {
	key := listKey{of, kind}
	if known, ok := n.lists[key]; ok || of == nil {
		return known
	}
	found := map[int32]*corev1.Provision{}
	var collect func(p *corev1.Provision)
	collect = func(p *corev1.Provision) {
		for _, c := range p.GetChildren() {
			item := kind == corev1.ProvisionKind_PROVISION_KIND_ITEM && p.GetKind() == corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH &&
				c.GetKind() == corev1.ProvisionKind_PROVISION_KIND_SUB_ITEM
			switch {
			case c.GetKind() == kind || item:
				if found[c.GetNumber()] == nil {
					found[c.GetNumber()] = c
				}
			case c.GetKind() < kind:
				collect(c)
			}
		}
	}
	collect(of)
	n.lists[key] = found
	return found
}

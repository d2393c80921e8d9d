package policytext

import (
	"regexp"
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
	order    []*corev1.Provision
}

// resolver finds what the mentions of a document name.
type resolver struct {
	text        *corev1.PolicyText
	parts       []*numberedPart
	attachments []*corev1.Part
}

// readReferences resolves the references of a document to places of its own.
func readReferences(r *reading, f *front, text *corev1.PolicyText) {
	rs := newResolver(text)
	part := 0
	for i := f.body; i < len(r.lines); i++ {
		l := &r.lines[i]
		for part+1 < len(rs.parts) && int(rs.parts[part].GetEnd()) <= l.start {
			part++
		}
		if note, page := attachmentLine(trim(l.text)); note || page || amendingTitle.MatchString(rs.parts[part].GetTitle()) {
			continue
		}
		at, from := l.start, 0
		for _, m := range Mentions(l.text) {
			at += utf8.RuneCountInString(l.text[from:m.Start])
			from = m.Start
			if len(text.References) == maxReferences {
				return
			}
			text.References = append(text.References, rs.resolve(m, at, rs.parts[part]))
		}
	}
}

func newResolver(text *corev1.PolicyText) *resolver {
	rs := &resolver{text: text}
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
		n := &numberedPart{Part: p, Numbering: NumberingOf(nodes), chapters: map[int]string{}, articles: map[[2]int32]*corev1.Provision{}}
		n.index(nodes)
		rs.parts = append(rs.parts, n)
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
			n.order = append(n.order, p)
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
	if m.self != "" {
		in = rs.named(m.self, own)
		if in != own {
			article, paragraph = nil, nil
		}
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
			add(deepest(article, &corev1.CitedProvision{Paragraph: int32(k), Item: firstItem(m.provisions), SubItem: 0}))
		}
	default:
		for _, p := range m.provisions {
			node := article
			if p.GetArticle() > 0 {
				node = in.articles[[2]int32{p.GetArticle(), p.GetBranch()}]
				out.Broken = out.Broken || node == nil && in.Articles > 0
			}
			add(deepest(node, p))
		}
	}
	return out
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
	if strings.Contains(own.GetTitle(), self) && own.Articles > 0 {
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
	for i, p := range n.order {
		if p == article {
			return n.order[max(0, i-back):i]
		}
	}
	return nil
}

// deepest is the id of what is named below an article, as far as the outline shows
// it: an item that runs on in its paragraph is found as the paragraph.
func deepest(article *corev1.Provision, p *corev1.CitedProvision) string {
	at := article
	for _, step := range []struct {
		kind   corev1.ProvisionKind
		number int32
	}{
		{corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH, p.GetParagraph()},
		{corev1.ProvisionKind_PROVISION_KIND_ITEM, p.GetItem()},
		{corev1.ProvisionKind_PROVISION_KIND_SUB_ITEM, p.GetSubItem()},
	} {
		if step.number == 0 {
			continue
		}
		if next := childNumbered(at, step.kind, step.number); next != nil {
			at = next
		}
	}
	return at.GetId()
}

// childNumbered finds a provision below another, through ranks that are left out:
// 第十条第（二）项 is an item of its only paragraph that has one.
func childNumbered(n *corev1.Provision, kind corev1.ProvisionKind, number int32) *corev1.Provision {
	for _, c := range n.GetChildren() {
		if c.GetKind() == kind && c.GetNumber() == number {
			return c
		}
		if c.GetKind() < kind {
			if found := childNumbered(c, kind, number); found != nil {
				return found
			}
		}
	}
	return nil
}

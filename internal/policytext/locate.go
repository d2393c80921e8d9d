package policytext

import (
	"sort"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

// Locate names the provision that holds the span [start, end) of code points:
// article, paragraph within it, item within that, and sub-item, each 0 where
// the place is outside any. Where the span reaches beyond one provision the
// deepest that holds all of it is named, within the article where it starts. The
// numbers are those of the part of the text that PartAt tells.
func Locate(t *corev1.PolicyText, start, end int) (article, paragraph, item, subItem int) {
	nodes := t.GetOutline()
	if p := PartAt(t, start); p.GetKind() == corev1.PartKind_PART_KIND_ATTACHMENT {
		nodes = p.GetOutline()
	}
	for {
		node := holding(nodes, start)
		if node == nil {
			return article, paragraph, item, subItem
		}
		switch node.Kind {
		case corev1.ProvisionKind_PROVISION_KIND_ARTICLE:
			article = int(node.Number)
			end = min(end, int(node.End))
			if len(node.Children) > 0 { // the label belongs to the first paragraph
				start = max(start, int(node.Children[0].Start))
			}
		case corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH, corev1.ProvisionKind_PROVISION_KIND_ITEM,
			corev1.ProvisionKind_PROVISION_KIND_SUB_ITEM:
			if end > int(node.End) {
				return article, paragraph, item, subItem
			}
			switch node.Kind {
			case corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH:
				paragraph = int(node.Number)
			case corev1.ProvisionKind_PROVISION_KIND_ITEM:
				item = int(node.Number)
			default:
				subItem = int(node.Number)
			}
		}
		nodes = node.Children
	}
}

// AnchorAt makes the anchor of a span of code points that lies within the text.
func AnchorAt(t *corev1.PolicyText, revision string, start, end int) *corev1.Anchor {
	a := &corev1.Anchor{Revision: revision, Start: int32(start), End: int32(end), Quote: Slice(t, start, end)}
	Place(t, a)
	return a
}

// Place fills in what an anchor's place is called: part, article, paragraph, item
// and sub-item.
func Place(t *corev1.PolicyText, a *corev1.Anchor) {
	article, paragraph, item, subItem := Locate(t, int(a.GetStart()), int(a.GetEnd()))
	a.Article, a.Paragraph, a.Item, a.SubItem = int32(article), int32(paragraph), int32(item), int32(subItem)
	a.Part = ""
	if p := PartAt(t, int(a.GetStart())); p.GetKind() != corev1.PartKind_PART_KIND_MAIN {
		a.Part = p.GetId()
	}
}

// PartAt is the part of a text that holds a code point; nil where its parts were not
// told apart.
func PartAt(t *corev1.PolicyText, at int) *corev1.Part {
	parts := t.GetParts()
	i := sort.Search(len(parts), func(i int) bool { return int(parts[i].GetEnd()) > at })
	if i == len(parts) || int(parts[i].GetStart()) > at {
		return nil
	}
	return parts[i]
}

// holding finds the provision that holds a code point among siblings in order.
func holding(nodes []*corev1.Provision, at int) *corev1.Provision {
	i := sort.Search(len(nodes), func(i int) bool { return int(nodes[i].End) > at })
	if i < len(nodes) && int(nodes[i].Start) <= at {
		return nodes[i]
	}
	return nil
}

// Slice returns the code points [start, end) of the text; offsets beyond it
// are moved to its ends.
func Slice(t *corev1.PolicyText, start, end int) string {
	text := t.GetText()
	if start >= end {
		return ""
	}
	from := byteOffset(text, start)
	return text[from : from+byteOffset(text[from:], end-max(start, 0))]
}

func byteOffset(s string, codePoints int) int {
	at := 0
	for ; codePoints > 0 && at < len(s); codePoints-- {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return at
}

package intake

import (
	"fmt"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/policytext"
	"fashen/internal/rpc"
)

// ResolveAnchor makes a place in a text whole: from offsets and the quote they
// enclose, from an article (narrowed by paragraph, item and sub-item where given)
// and a quote in it, of which the first occurrence counts, or from a quote alone
// that stands once. A quote may write widths, brackets and blanks otherwise than the
// text does; the anchor has the words of the text. field is the path of the anchor, for errors. Errors:
// INVALID_ARGUMENT with ANCHOR_NOT_FOUND.
func ResolveAnchor(t *corev1.PolicyText, revision, field string, a *corev1.Anchor) (*corev1.Anchor, error) {
	if r := a.GetRevision(); r != "" && r != revision {
		return nil, rpc.Field(field+".revision", "ANCHOR_NOT_FOUND", "锚点属于另一稿")
	}
	start, end := int(a.GetStart()), int(a.GetEnd())
	quote := a.GetQuote()
	switch {
	case end != 0 || start != 0:
		if start < 0 || end <= start || end > utf8.RuneCountInString(t.GetText()) {
			return nil, anchorNotFound(field, "位置超出文本范围")
		}
		text := policytext.Slice(t, start, end)
		if quote != "" && quote != text {
			return nil, anchorNotFound(field, "引文与该位置的文字不一致")
		}
	case quote == "":
		return nil, anchorNotFound(field, "请给出引文或起止位置")
	case a.GetArticle() != 0:
		var ok bool
		if start, end, ok = inArticle(t, a); !ok {
			return nil, anchorNotFound(field, fmt.Sprintf("第%d条的所指位置没有这段文字", a.GetArticle()))
		}
	default:
		// Overlapping occurrences count as well: the place must be certain.
		spans := policytext.FindQuote(t.GetText(), quote, 2)
		switch len(spans) {
		case 0:
			return nil, anchorNotFound(field, "文中没有这段文字")
		case 2:
			return nil, anchorNotFound(field, "这段文字在文中不止一处，请指明条款或起止位置")
		}
		start, end = spans[0][0], spans[0][1]
	}
	return policytext.AnchorAt(t, revision, start, end), nil
}

func anchorNotFound(field, message string) error {
	return rpc.Field(field, "ANCHOR_NOT_FOUND", message)
}

// inArticle finds the first place of the anchor's quote in the provision it
// names. A part of the document numbers its articles from one again, so every article
// of the number is looked at, in the part that the anchor names if it names one.
func inArticle(t *corev1.PolicyText, a *corev1.Anchor) (start, end int, ok bool) {
	var look func(nodes []*corev1.Provision) bool
	look = func(nodes []*corev1.Provision) bool {
		for _, n := range nodes {
			if n.GetKind() != corev1.ProvisionKind_PROVISION_KIND_ARTICLE {
				if look(n.GetChildren()) {
					return true
				}
				continue
			}
			if n.GetNumber() != a.GetArticle() || a.GetPart() != "" && policytext.PartAt(t, int(n.GetStart())).GetId() != a.GetPart() {
				continue
			}
			if start, end, ok = inProvision(t, narrowed(n, a), a.GetQuote()); ok {
				return true
			}
		}
		return false
	}
	if look(t.GetOutline()) {
		return start, end, ok
	}
	for _, p := range t.GetParts() {
		if look(p.GetOutline()) {
			break
		}
	}
	return start, end, ok
}

// narrowed follows the anchor from an article down to the deepest provision it
// names; nil when there is no such provision.
func narrowed(article *corev1.Provision, a *corev1.Anchor) *corev1.Provision {
	at := article
	for _, step := range []struct {
		kind   corev1.ProvisionKind
		number int32
	}{
		{corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH, a.GetParagraph()},
		{corev1.ProvisionKind_PROVISION_KIND_ITEM, a.GetItem()},
		{corev1.ProvisionKind_PROVISION_KIND_SUB_ITEM, a.GetSubItem()},
	} {
		if step.number == 0 {
			continue
		}
		if at = childOf(at, step.kind, step.number); at == nil {
			return nil
		}
	}
	return at
}

// childOf finds a provision of a kind and number under another, through ranks the
// anchor leaves out.
func childOf(n *corev1.Provision, kind corev1.ProvisionKind, number int32) *corev1.Provision {
	for _, c := range n.GetChildren() {
		if c.GetKind() == kind && c.GetNumber() == number {
			return c
		}
		if c.GetKind() != kind {
			if found := childOf(c, kind, number); found != nil {
				return found
			}
		}
	}
	return nil
}

func inProvision(t *corev1.PolicyText, n *corev1.Provision, quote string) (start, end int, ok bool) {
	if n == nil {
		return 0, 0, false
	}
	spans := policytext.FindQuote(policytext.Slice(t, int(n.GetStart()), int(n.GetEnd())), quote, 1)
	if len(spans) == 0 {
		return 0, 0, false
	}
	return int(n.GetStart()) + spans[0][0], int(n.GetStart()) + spans[0][1], true
}

package rulebook

import corev1 "fashen/gen/fashen/core/v1"

// locator fills the article, paragraph, item and sub-item of anchors from the
// outline of the text they lie in.
type locator struct{ outline []*corev1.Provision }

func newLocator(outline []*corev1.Provision) locator { return locator{outline} }

// locate walks down the outline to the anchor's first code point. A rank that
// lies outside any article stays 0, as the anchor's contract says.
func (l locator) locate(a *corev1.Anchor) {
	level := l.outline
	for {
		p := covering(level, a.Start)
		if p == nil {
			return
		}
		switch p.Kind {
		case corev1.ProvisionKind_PROVISION_KIND_ARTICLE:
			a.Article = p.Number
		case corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH:
			a.Paragraph = p.Number
		case corev1.ProvisionKind_PROVISION_KIND_ITEM:
			a.Item = p.Number
		case corev1.ProvisionKind_PROVISION_KIND_SUB_ITEM:
			a.SubItem = p.Number
		}
		level = p.Children
	}
}

func covering(level []*corev1.Provision, at int32) *corev1.Provision {
	for _, p := range level {
		if p.Start <= at && at < p.End {
			return p
		}
	}
	return nil
}

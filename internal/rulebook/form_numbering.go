package rulebook

import (
	"strings"

	corev1 "fashen/gen/fashen/core/v1"
)

// checkNumbering finds chapters, articles, items and headings whose numbers do not run
// on. One that begins anew is another list; what an amendment quotes bears the
// numbers of the text that it amends.
func checkNumbering(in *formInput) []formHit {
	if strings.Contains(in.text.GetTitle(), "修改") || strings.Contains(in.text.GetTitle(), "修正") {
		return nil
	}
	n := numbering{in: in}
	n.walk(in.text.GetOutline())
	for _, p := range in.text.GetParts() {
		n.article = nil
		n.walk(p.GetOutline())
	}
	return n.hits
}

// numbering walks an outline in its order.
type numbering struct {
	in      *formInput
	article *corev1.Provision // the one before, which chapters do not end
	hits    []formHit
}

func (n *numbering) walk(siblings []*corev1.Provision) {
	type rank struct {
		kind  corev1.ProvisionKind
		level int32
	}
	before := map[rank]*corev1.Provision{}
	for _, p := range siblings {
		switch p.Kind {
		case corev1.ProvisionKind_PROVISION_KIND_ARTICLE:
			n.step(n.article, p)
			n.article = p
		case corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH:
		default:
			at := rank{p.Kind, p.Level}
			n.step(before[at], p)
			before[at] = p
		}
		n.walk(p.Children)
	}
}

// step tells when a number is not the next one. 第二条之一 goes on with 第二条.
func (n *numbering) step(before, p *corev1.Provision) {
	if before == nil || p.Number == before.Number+1 || p.Number <= 1 || strings.Contains(p.Label, "之") {
		return
	}
	what := "有缺漏"
	switch {
	case p.Number == before.Number:
		what = "重复"
	case p.Number < before.Number:
		what = "倒退"
	}
	if l, ok := n.in.lineAt(int(p.Start)); ok && strings.HasPrefix(l.s, p.Label) {
		n.hits = append(n.hits, formHit{line: l, end: len(p.Label),
			words: []string{"{label}", p.Label, "{before}", before.Label, "{what}", what}})
	}
}

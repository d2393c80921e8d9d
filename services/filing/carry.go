package filing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/docstore"
	"fashen/internal/policytext"
)

// heritage is what the findings of the draft before may pass on: their places, and
// those of the words that lead in the items they stand in.
type heritage struct {
	base     *filingv1.Revision
	findings []*corev1.Finding
	// anchors are those of the findings, in order, and then the leads.
	anchors []*corev1.Anchor
	// leads are, for each finding, indexes of anchors.
	leads [][]int
}

// heritageOf collects the places to look for in a newer draft.
func heritageOf(base *filingv1.Revision, before *filingv1.Screening, text *corev1.PolicyText) *heritage {
	h := &heritage{base: base, findings: before.GetFindings(), leads: make([][]int, len(before.GetFindings()))}
	for _, f := range h.findings {
		h.anchors = append(h.anchors, f.GetAnchor())
	}
	known := map[int32]int{}
	for i, f := range h.findings {
		for _, lead := range leadsOf(text, f.GetAnchor().GetStart()) {
			at, ok := known[lead.GetStart()]
			if !ok {
				at = len(h.anchors)
				known[lead.GetStart()] = at
				h.anchors = append(h.anchors, lead)
			}
			h.leads[i] = append(h.leads[i], at)
		}
	}
	return h
}

// leadsOf are the words that lead in the items around a place: 不得有下列行为 before
// （一）. An item says what its lead makes of it.
func leadsOf(t *corev1.PolicyText, at int32) []*corev1.Anchor {
	var out []*corev1.Anchor
	nodes := t.GetOutline()
	for len(nodes) > 0 {
		i := slices.IndexFunc(nodes, func(n *corev1.Provision) bool { return n.GetStart() <= at && at < n.GetEnd() })
		if i < 0 {
			return out
		}
		n := nodes[i]
		nodes = n.GetChildren()
		leads := n.GetKind() == corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH || n.GetKind() == corev1.ProvisionKind_PROVISION_KIND_ITEM
		if !leads || len(nodes) == 0 || at < nodes[0].GetStart() {
			continue
		}
		start := int(n.GetStart()) + utf8.RuneCountInString(n.GetLabel())
		whole := policytext.Slice(t, start, int(nodes[0].GetStart()))
		quote := strings.TrimSpace(whole)
		if quote == "" {
			continue
		}
		before, _, _ := strings.Cut(whole, quote)
		start += utf8.RuneCountInString(before)
		out = append(out, &corev1.Anchor{Start: int32(start), End: int32(start + utf8.RuneCountInString(quote)), Quote: quote})
	}
	return out
}

// inherit lets the findings of a newer draft say which earlier ones they are: the same
// rule at the same words, in a provision of which no other word changed, in the same
// place or another, with the same lead. carried are the places of the heritage in the
// newer text.
func (h *heritage) inherit(after *filingv1.Screening, carried []*corev1.CarriedAnchor) {
	type place struct {
		rule       string
		start, end int32
	}
	roots := map[place]string{}
	for i, f := range h.findings {
		stands := untouched(carried[i]) && !slices.ContainsFunc(h.leads[i], func(at int) bool { return !untouched(carried[at]) })
		if stands {
			to := carried[i].GetCarried()
			roots[place{f.GetRule(), to.GetStart(), to.GetEnd()}] = rootOf(h.base, f)
		}
	}
	for _, f := range after.GetFindings() {
		at := place{f.GetRule(), f.GetAnchor().GetStart(), f.GetAnchor().GetEnd()}
		if root, ok := roots[at]; ok {
			f.FirstRaised = root
			delete(roots, at) // one finding goes on as one
		}
	}
}

func untouched(c *corev1.CarriedAnchor) bool {
	return c.GetCarried() != nil && !c.GetReworded()
}

// raised are the facts, for the journal of a new draft, of what the rules found there
// first: `FCR-19-3 competition@2026.11 2`. Statistics of rules are worked out from it.
func raised(s *filingv1.Screening) []*corev1.Detail {
	type by struct{ rule, pack string }
	counts := map[by]int{}
	for _, f := range s.GetFindings() {
		if f.GetFirstRaised() == "" {
			counts[by{f.GetRule(), f.GetPack()}]++
		}
	}
	var out []*corev1.Detail
	for b, n := range counts {
		out = append(out, docstore.Detail("raised", fmt.Sprintf("%s %s %d", b.rule, b.pack, n)))
	}
	slices.SortFunc(out, func(a, b *corev1.Detail) int { return cmp.Compare(a.GetValue(), b.GetValue()) })
	return out
}

package e2e

import (
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// Two drafts of a document are compared by provision and word; drafts of different
// documents are not.
func TestCompareRevisions(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d := w.newDocument(t, true)
		first, second := w.mustUpload(t, d.GetName(), draft(t, "1200")), w.mustUpload(t, d.GetName(), draft(t, "1500"))
		c := &corev1.Comparison{}
		w.must(t, "drafter", filingService+"CompareRevisions", &filingv1.CompareRevisionsRequest{Name: second.GetName(), Base: first.GetName()}, c)
		if len(c.GetChanges()) != 1 || c.GetChanges()[0].GetKind() != corev1.Comparison_CHANGED ||
			c.GetChanges()[0].GetBefore().GetProvision() != "art-3.para-1" {
			t.Fatalf("changes %v", c.GetChanges())
		}
		var gone, come string
		for _, s := range c.GetChanges()[0].GetSegments() {
			switch s.GetOperation() {
			case corev1.Comparison_Segment_DELETED:
				gone += s.GetText()
			case corev1.Comparison_Segment_INSERTED:
				come += s.GetText()
			}
		}
		if gone != "1200" || come != "1500" {
			t.Errorf("%q became %q", gone, come)
		}
		w.must(t, "drafter", filingService+"CompareRevisions", &filingv1.CompareRevisionsRequest{Name: first.GetName(), Base: first.GetName()}, c)
		if len(c.GetChanges()) != 0 {
			t.Errorf("a draft differs from itself: %v", c)
		}
		other := w.newDocument(t, true)
		foreign := w.mustUpload(t, other.GetName(), draft(t, "900"))
		f := w.try(t, "drafter", filingService+"CompareRevisions", &filingv1.CompareRevisionsRequest{Name: first.GetName(), Base: foreign.GetName()}, c)
		if f == nil || f.reason != "OTHER_DOCUMENT" || strings.Join(f.fields, "") != "base" {
			t.Errorf("a draft of another document: %v", f)
		}
	})
}

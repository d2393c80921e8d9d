package e2e

import (
	"fmt"
	"sync"
	"testing"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
)

// While the draft keeps changing, what is signed is what was approved: a signature
// either comes before the next change or is refused.
func TestNothingUncheckedIsSigned(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		w.profile(t, "2026-04-08", func(p *directoryv1.JurisdictionProfile) {
			p.ReviewCheckRequired = &directoryv1.FlagSetting{Value: true, Source: &directoryv1.SettingSource{Citation: "示例区内部规定"}}
		})
		_, c := w.accepted(t, w.prepared(t, false))
		author := w.as(t, "reviewer")
		for round := range 5 {
			o := w.signable(t, "reviewer", c.GetName())
			ch := w.askCheck(t, "reviewer", o.GetName(), "reviewer2")
			w.must(t, "reviewer2", reviewService+"DecideCheck", &counselv1.DecideCheckRequest{Name: ch.GetName(), Decision: counselv1.DecideCheckRequest_APPROVE}, ch)
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					in := &counselv1.UpdateOpinionRequest{
						Opinion: &counselv1.Opinion{Name: o.GetName(), Summary: fmt.Sprintf("示例意见，第%d次改。", i)}, UpdateMask: fields("summary"),
					}
					f := w.call(t.Context(), author, counselService+"UpdateOpinion", in, &counselv1.Opinion{})
					if got := reason(f); got != "" && got != "RECORD_CLOSED" {
						t.Errorf("change %d: %v", i, f)
					}
				})
			}
			wg.Go(func() {
				f := w.call(t.Context(), author, counselService+"SignOpinion", &counselv1.SignOpinionRequest{Name: o.GetName()}, &counselv1.Opinion{})
				if got := reason(f); got != "" && got != "OPINION_CHECK_MISSING" {
					t.Errorf("sign: %v", f)
				}
			})
			wg.Wait()
			w.must(t, "reviewer", counselService+"GetOpinion", &counselv1.GetOpinionRequest{Name: o.GetName()}, o)
			if o.GetState() == counselv1.Opinion_SIGNED && (o.GetContentDigest() != ch.GetContentDigest() || o.GetSummary() != "") {
				t.Errorf("round %d: signed %q, which nobody checked", round, o.GetSummary())
			}
		}
	})
}

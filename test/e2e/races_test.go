package e2e

import (
	"fmt"
	"sync"
	"testing"

	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// While somebody keeps changing the title, a submission and a deliberation go
// through: they rest on the version, which the title is no part of, and nothing
// is left half-way.
func TestUnrelatedChangesStopNothing(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d := w.prepared(t, false)
		drafter, office := w.as(t, "drafter"), w.as(t, "office")
		busily := func(do func()) {
			stop := make(chan struct{})
			var wg sync.WaitGroup
			wg.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					in := &filingv1.UpdateDocumentRequest{Document: &filingv1.Document{Name: d.GetName(), Title: fmt.Sprintf("示例办法（第%d次改名）", i)}}
					if f := w.call(t.Context(), drafter, filingService+"UpdateDocument", in, &filingv1.Document{}); f != nil && f.reason != "RECORD_CLOSED" {
						t.Errorf("rename: %v", f)
					}
				}
			})
			do()
			close(stop)
			wg.Wait()
		}
		submitted := &filingv1.Document{}
		busily(func() {
			if f := w.call(t.Context(), drafter, filingService+"SubmitDocument", &filingv1.SubmitDocumentRequest{Name: d.GetName()}, submitted); f != nil {
				t.Errorf("submit: %v", f)
			}
		})
		c := w.review(t, "reviewer", "AcceptCase", &counselv1.AcceptCaseRequest{Name: submitted.GetReviewCase()})
		c = w.conclude(t, c.GetName(), counselv1.Conclusion_LAWFUL)
		busily(func() {
			in := &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-12")}
			if f := w.call(t.Context(), office, filingService+"DeliberateDocument", in, d); f != nil {
				t.Errorf("deliberate: %v", f)
			}
		})
		c = w.review(t, "reviewer", "GetCase", &counselv1.GetCaseRequest{Name: c.GetName()})
		standing := 0
		for _, cert := range c.GetCertificates() {
			if cert.GetWithdrawTime() == nil {
				standing++
			}
		}
		if d.GetState() != filingv1.Document_DELIBERATED || len(c.GetRounds()) != int(d.GetSubmissionCount()) || standing != 1 {
			t.Errorf("document %v with %d submissions, %d rounds, %d standing certificates", d.GetState(), d.GetSubmissionCount(), len(c.GetRounds()), standing)
		}
	})
}

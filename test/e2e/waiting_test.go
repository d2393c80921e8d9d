package e2e

import (
	"errors"
	"testing"

	"google.golang.org/grpc/codes"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// errWaiting: a resource still waits for another service.
var errWaiting = errors.New("it waits still")

// While the review is away a submission is accepted and waits; the drafter and the
// administrator see that it does, and it is done once the review is back.
func TestSubmissionWaitsForTheReview(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d := w.prepared(t, false)
		w.cut("CounselService")
		d = w.document(t, "drafter", "SubmitDocument", &filingv1.SubmitDocumentRequest{Name: d.GetName(), RequestId: "s1"})
		if !d.GetReconciling() || d.GetState() != filingv1.Document_DRAFTING || d.GetIntent().GetRequester() != w.people["drafter"] {
			t.Errorf("waits as %v", d)
		}
		if _, f := w.upload(t, "drafter", d.GetName(), "b.docx", draft(t, "1500")); f == nil || f.reason != "RECONCILING" || f.code != codes.Aborted || f.http != 0 && f.http != 409 {
			t.Errorf("another draft while it waits: %v", f)
		}
		page := &corev1.ListIntentsResponse{}
		w.must(t, "sysadmin", intentService+"ListIntents", &corev1.ListIntentsRequest{Parent: region, Service: "filing", Filter: "state = OPEN"}, page)
		if len(page.GetIntents()) != 1 || page.GetIntents()[0].GetName() != d.GetIntent().GetName() {
			t.Errorf("listed %v", page)
		}
		retried := &corev1.Intent{}
		w.must(t, "sysadmin", intentService+"RetryIntent", &corev1.RetryIntentRequest{Name: d.GetIntent().GetName(), Service: "filing"}, retried)
		if retried.GetState() != corev1.Intent_OPEN {
			t.Errorf("retried %v", retried)
		}
		w.cut("")
		eventually(t, "submitted", func() error {
			if d = w.document(t, "drafter", "GetDocument", &filingv1.GetDocumentRequest{Name: d.GetName()}); d.GetReconciling() {
				return errWaiting
			}
			return nil
		})
		c := w.review(t, "reviewer", "GetCase", &counselv1.GetCaseRequest{Name: d.GetReviewCase()})
		if d.GetState() != filingv1.Document_UNDER_REVIEW || len(c.GetRounds()) != 1 || c.GetRounds()[0].GetSubmitter() != w.people["drafter"] {
			t.Errorf("submitted %v, %v", d, c)
		}
		w.must(t, "sysadmin", intentService+"ListIntents", &corev1.ListIntentsRequest{Parent: region, Service: "filing", Filter: "state = OPEN"}, page)
		if len(page.GetIntents()) != 0 {
			t.Errorf("listed %v", page)
		}
	})
}

// While the documents are away counsel may accept and step back: the state says so
// at once, and the file follows.
func TestCounselWaitsForTheFile(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		w.retain(t, "counsel")
		d, c := w.accepted(t, w.prepared(t, true))
		a := &counselv1.Assignment{}
		w.must(t, "reviewer", counselService+"CreateAssignment", &counselv1.CreateAssignmentRequest{
			Parent: c.GetName(), Assignment: &counselv1.Assignment{Counsel: w.people["counsel"], Question: "是否合法？"},
		}, a)
		sees := func() bool {
			f := w.try(t, "counsel", filingService+"GetDocument", &filingv1.GetDocumentRequest{Name: d.GetName()}, &filingv1.Document{})
			return f == nil
		}
		for _, tt := range []struct {
			declare *counselv1.DeclareConflictRequest
			state   counselv1.Assignment_State
			sees    bool
		}{
			{&counselv1.DeclareConflictRequest{Result: counselv1.DeclareConflictRequest_CLEAR}, counselv1.Assignment_ACCEPTED, true},
			{&counselv1.DeclareConflictRequest{Result: counselv1.DeclareConflictRequest_CONFLICT, Note: "接受了一方的委托"}, counselv1.Assignment_BARRED, false},
		} {
			w.cut("FilingService")
			tt.declare.Name = a.GetName()
			w.must(t, "counsel", counselService+"DeclareConflict", tt.declare, a)
			if a.GetState() != tt.state || !a.GetReconciling() || a.GetIntent().GetRequester() != w.people["counsel"] || sees() == tt.sees {
				t.Errorf("waits as %v", a)
			}
			if f := w.try(t, "counsel", counselService+"GetCase", &counselv1.GetCaseRequest{Name: c.GetName()}, &counselv1.Case{}); (f == nil) != tt.sees {
				t.Errorf("%v, counsel reads the case: %v", tt.state, f)
			}
			w.cut("")
			eventually(t, "shown or hidden", func() error {
				if w.must(t, "reviewer", counselService+"GetAssignment", &counselv1.GetAssignmentRequest{Name: a.GetName()}, a); a.GetReconciling() {
					return errWaiting
				}
				return nil
			})
			if sees() != tt.sees {
				t.Errorf("%v, counsel sees the document: %v", tt.state, sees())
			}
		}
	})
}

package e2e

import (
	"testing"

	"google.golang.org/grpc/codes"

	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/app"
	"fashen/internal/journal"
)

// After a whole review and a stop of the process, the record is whole; so it is
// after another start on the same store, which finds everything as it was.
func TestTheRecordIsWhole(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d, c := w.accepted(t, w.prepared(t, false))
		w.conclude(t, c.GetName(), counselv1.Conclusion_LAWFUL)
		d, f := w.deliberate(t, "office", d.GetName(), "2026-05-12")
		if f != nil {
			t.Fatal(f)
		}
		w.stop(t)
		entries := map[string]int64{}
		verify := func() {
			t.Helper()
			err := app.Verify(t.Context(), w.config, nil, func(service string, r journal.Report) {
				entries[service] = r.Entries
				for _, p := range r.Problems {
					t.Errorf("%s: %v", service, p)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		verify()
		// The document was created, got a draft, four pieces of material and its
		// consultation, was submitted, and deliberated, the last two in two steps each.
		if entries["filing"] != 11 || entries["counsel"] < 5 {
			t.Errorf("entries %v", entries)
		}
		w.start(t)
		switch w.client.(type) {
		case overGRPC:
			w.reach(t, "grpc")
		case overREST:
			w.reach(t, "rest")
		}
		again := w.document(t, "drafter", "GetDocument", &filingv1.GetDocumentRequest{Name: d.GetName()})
		if again.GetEtag() != d.GetEtag() || again.GetState() != filingv1.Document_DELIBERATED {
			t.Errorf("after another start: %v %v", again.GetEtag(), again.GetState())
		}
		verify()
	})
}

// Counsel sees the matter only after the conflict check: a firm that is a party
// is barred at once, a pending declaration opens nothing, a waivable conflict
// needs the written consent.
func TestCounselBeforeAndAfterTheConflictCheck(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		w.retain(t, "counsel")
		d := w.prepared(t, true)
		party := &filingv1.Document{Name: d.GetName(), Parties: []string{"示例律师事务所"}}
		w.document(t, "drafter", "UpdateDocument", &filingv1.UpdateDocumentRequest{Document: party})
		_, c := w.accepted(t, d)
		assign := func(name string) (*counselv1.Assignment, *failure) {
			a := &counselv1.Assignment{}
			return a, w.try(t, "reviewer", counselService+"CreateAssignment", &counselv1.CreateAssignmentRequest{
				Parent: name, Assignment: &counselv1.Assignment{Counsel: w.people["counsel"], Question: "是否合法？"},
			}, a)
		}
		hidden := func(when string, c *counselv1.Case) {
			t.Helper()
			if f := w.try(t, "counsel", counselService+"GetCase", &counselv1.GetCaseRequest{Name: c.GetName()}, &counselv1.Case{}); f == nil || f.code != codes.NotFound {
				t.Errorf("%s counsel sees the case: %v", when, f)
			}
			if f := w.try(t, "counsel", filingService+"GetDocument", &filingv1.GetDocumentRequest{Name: c.GetSubject()}, &filingv1.Document{}); f == nil || f.code != codes.NotFound {
				t.Errorf("%s counsel sees the document: %v", when, f)
			}
		}
		if _, f := assign(c.GetName()); f == nil || f.reason != "COUNSEL_CONFLICT" {
			t.Errorf("a firm that is a party: %v", f)
		}
		hidden("barred", c)
		list := &counselv1.ListAssignmentsResponse{}
		w.must(t, "reviewer", counselService+"ListAssignments", &counselv1.ListAssignmentsRequest{Parent: c.GetName()}, list)
		if len(list.GetAssignments()) != 1 || list.GetAssignments()[0].GetState() != counselv1.Assignment_BARRED {
			t.Errorf("the attempt is not kept: %v", list)
		}

		_, c = w.accepted(t, w.prepared(t, true))
		a, f := assign(c.GetName())
		if f != nil {
			t.Fatal(f)
		}
		hidden("pending,", c)
		declare := &counselv1.DeclareConflictRequest{Name: a.GetName(), Result: counselv1.DeclareConflictRequest_WAIVABLE, Note: "曾为一方提供过咨询"}
		w.must(t, "counsel", counselService+"DeclareConflict", declare, a)
		hidden("waiting for a waiver,", c)
		w.must(t, "reviewer", counselService+"WaiveConflict", &counselv1.WaiveConflictRequest{Name: a.GetName(), Consent: "书面同意（示例）"}, a)
		if a.GetState() != counselv1.Assignment_ACCEPTED || a.GetReconciling() {
			t.Errorf("after the waiver: %v", a)
		}
		w.must(t, "counsel", counselService+"GetCase", &counselv1.GetCaseRequest{Name: c.GetName()}, c)
		w.must(t, "counsel", filingService+"GetDocument", &filingv1.GetDocumentRequest{Name: c.GetSubject()}, &filingv1.Document{})
		w.must(t, "counsel", counselService+"DeclareConflict", &counselv1.DeclareConflictRequest{
			Name: a.GetName(), Result: counselv1.DeclareConflictRequest_CONFLICT, Note: "新接受了一方的委托",
		}, a)
		hidden("having stepped back,", c)
		if _, f := assign(c.GetName()); f == nil || f.reason != "COUNSEL_CONFLICT" {
			t.Errorf("assigned again after a conflict: %v", f)
		}
	})
}

// A submission that names the accepted counsel's firm as a party takes the file
// away, and what that counsel signed no longer counts.
func TestCounselWhoseFirmBecomesAParty(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d, c := w.accepted(t, w.prepared(t, true))
		a := w.assigned(t, c.GetName())
		w.opinion(t, "counsel", c.GetName(), counselv1.Conclusion_LAWFUL)
		w.review(t, "reviewer", "RequestSupplement", &counselv1.RequestSupplementRequest{Name: c.GetName(), Reason: "补充当事人情况"})
		w.document(t, "drafter", "UpdateDocument", &filingv1.UpdateDocumentRequest{
			Document: &filingv1.Document{Name: d.GetName(), Parties: []string{"示例律师事务所"}},
		})
		w.document(t, "drafter", "SubmitDocument", &filingv1.SubmitDocumentRequest{Name: d.GetName()})
		if f := w.try(t, "counsel", filingService+"GetDocument", &filingv1.GetDocumentRequest{Name: d.GetName()}, &filingv1.Document{}); f == nil || f.code != codes.NotFound {
			t.Errorf("counsel still sees the document: %v", f)
		}
		w.must(t, "reviewer", counselService+"GetAssignment", &counselv1.GetAssignmentRequest{Name: a.GetName()}, a)
		c = w.review(t, "reviewer", "GetCase", &counselv1.GetCaseRequest{Name: c.GetName()})
		if a.GetState() != counselv1.Assignment_BARRED || a.GetReconciling() || c.GetCounselVerdicts()[0].GetWithdrawTime() == nil {
			t.Errorf("assignment %v, verdicts %v", a, c.GetCounselVerdicts())
		}
	})
}

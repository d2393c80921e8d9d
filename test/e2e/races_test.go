package e2e

import (
	"fmt"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
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

// Fifty replies come in at once, are handled at once by fifty reviewers, and fifty items
// are answered at once: each is there, and the figures count each.
func TestFiftyRepliesAndAnswersAreKept(t *testing.T) {
	const fifty = 50
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		_, c := w.accepted(t, w.prepared(t, false))
		public := w.solicit(t, c.GetName(), &counselv1.Solicitation{Kind: counselv1.Solicitation_PUBLIC, Addressee: "示例区政府网站"})
		drafter, tokens := w.as(t, "drafter"), make([]string, fifty)
		for i := range tokens {
			tokens[i] = w.mint(t, fmt.Sprintf("%s/people/reviewer-%d", region, i), corev1.Role_ROLE_REVIEWER)
		}
		text := func(i int) string { return fmt.Sprintf("示例意见%d。", i) }
		atOnce := func(token func(i int) string, method string, in func(i int) proto.Message, out func() proto.Message) {
			t.Helper()
			var wg sync.WaitGroup
			for i := range fifty {
				wg.Go(func() {
					if f := w.call(t.Context(), token(i), method, in(i), out()); f != nil {
						t.Errorf("%s %d: %v", method, i, f)
					}
				})
			}
			wg.Wait()
		}
		of := func(i int) string { return tokens[i] }
		reply := func() proto.Message { return &counselv1.Reply{} }
		atOnce(of, solicitationService+"CreateReply", func(i int) proto.Message {
			return &counselv1.CreateReplyRequest{Parent: public.GetName(), Reply: &counselv1.Reply{Text: text(i)}}
		}, reply)
		list := &counselv1.ListRepliesResponse{}
		all := &counselv1.ListRepliesRequest{Parent: public.GetName(), PageSize: 100}
		if w.must(t, "reviewer", solicitationService+"ListReplies", all, list); len(list.GetReplies()) != fifty {
			t.Fatalf("%d replies of %d", len(list.GetReplies()), fifty)
		}
		atOnce(of, solicitationService+"HandleReply", func(i int) proto.Message {
			return &counselv1.HandleReplyRequest{Name: list.GetReplies()[i].GetName(), Handling: &counselv1.Answer{Adoption: counselv1.Answer_NOT_ADOPTED, Reason: text(i)}}
		}, reply)
		w.must(t, "reviewer", solicitationService+"ListReplies", all, list)
		for i, r := range list.GetReplies() {
			if r.GetHandling().GetReason() != text(i) {
				t.Errorf("reply %d: %v", i, r)
			}
		}
		w.must(t, "reviewer", solicitationService+"CloseSolicitation", &counselv1.CloseSolicitationRequest{Name: public.GetName()}, public)

		var items []*counselv1.OpinionItem
		for i := range fifty {
			items = append(items, &counselv1.OpinionItem{Kind: counselv1.OpinionItem_CONTENT, Severity: counselv1.OpinionItem_SHOULD, Basis: "示例依据", Analysis: text(i)})
		}
		c = w.conclude(t, c.GetName(), counselv1.Conclusion_REVISE, items...)
		atOnce(func(int) string { return drafter }, counselService+"AnswerItem", func(i int) proto.Message {
			a := &counselv1.Answer{Adoption: counselv1.Answer_Adoption(1 + i%3), Reason: text(i), Decider: "示例负责人"}
			return &counselv1.AnswerItemRequest{Name: c.GetName(), Number: int32(i + 1), Answer: a}
		}, func() proto.Message { return &counselv1.Case{} })
		c = w.review(t, "reviewer", "GetCase", &counselv1.GetCaseRequest{Name: c.GetName()})
		for i, l := range c.GetLedger() {
			if l.GetAnswer().GetReason() != text(i) {
				t.Errorf("line %d: %v", i+1, l.GetAnswer())
			}
		}
		if len(c.GetLedger()) != fifty || c.GetState() != counselv1.Case_REVISED {
			t.Errorf("%d lines, %v", len(c.GetLedger()), c.GetState())
		}
		w.counted(t, "answered", "office", "counsel", &corev1.ListFiguresRequest{Codes: []string{"M02"}}, "M02 50 34/50 68.0%")
	})
}

package filing

import (
	"context"
	"slices"
	"sync"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
)

// violations are the refusals a client is told of, as type=subject.
func violations(err error) (types []string) {
	for _, detail := range status.Convert(err).Details() {
		if p, ok := detail.(*errdetails.PreconditionFailure); ok {
			for _, v := range p.GetViolations() {
				types = append(types, v.GetType())
			}
		}
	}
	return types
}

func infoOf(err error) map[string]string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetMetadata()
		}
	}
	return nil
}

func TestSubmitDocument(t *testing.T) {
	h := newHouse(t)
	d, _ := h.drafted()
	_, err := h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName()})
	wantCode(t, err, codes.FailedPrecondition, "MATERIALS_INCOMPLETE")
	if got := infoOf(err)["missing"]; got != "DRAFTING_STATEMENT,LEGAL_BASIS,CONSULTATION_RECORD,OWN_LEGALITY_OPINION" {
		t.Errorf("missing %q", got)
	}
	if got := h.history(d.GetName()); !slices.Contains(got, "SubmitDocument OUTCOME_REFUSED [MATERIALS_INCOMPLETE]") {
		t.Errorf("the attempt is not on record: %v", got)
	}
	if len(h.next.rounds) != 0 {
		t.Error("a case was opened for an incomplete package")
	}

	d = h.ready()
	_, err = h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName(), Etag: "yesterday"})
	wantCode(t, err, codes.Aborted, "ETAG_STALE")
	for _, who := range []auth.Caller{reviewerCaller, officeCaller} {
		_, err := h.client.GetDocument(h.as(who), &filingv1.GetDocumentRequest{Name: d.GetName()})
		wantCode(t, err, codes.NotFound, "RESOURCE_NOT_FOUND")
	}
	var first *filingv1.Document
	h.next.busy = true // the reviewer has it from the first submission on
	for range 3 {
		got, err := h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName(), Etag: d.GetEtag(), RequestId: "s1"})
		must(t, err)
		if first == nil {
			first = got
		}
		if !proto.Equal(first, got) {
			t.Errorf("the same request answered %v, then %v", first, got)
		}
	}
	if first.GetState() != filingv1.Document_UNDER_REVIEW || first.GetSubmissionCount() != 1 || first.GetReviewCase() == "" || len(h.next.rounds) != 1 {
		t.Errorf("submitted %v in %d rounds", first, len(h.next.rounds))
	}
	for _, who := range []auth.Caller{reviewerCaller, officeCaller, regulatorCaller} {
		_, err := h.client.GetDocument(h.as(who), &filingv1.GetDocumentRequest{Name: d.GetName()})
		must(t, err)
	}
	_, err = h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName()})
	wantCode(t, err, codes.FailedPrecondition, "REVIEW_IN_PROGRESS")
	h.next.busy = false
	again, err := h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName()})
	must(t, err)
	if again.GetSubmissionCount() != 2 || h.next.rounds[1].GetSubmission() != 2 {
		t.Errorf("the second submission is %v", h.next.rounds[1])
	}
}

func TestTwoSubmitsAtOnce(t *testing.T) {
	h := newHouse(t)
	d := h.ready()
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName(), Etag: d.GetEtag()})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case status.Code(err) != codes.Aborted:
			t.Errorf("the later submit got %v", err)
		}
	}
	after := h.get(d.GetName())
	if won != 1 || after.GetSubmissionCount() != 1 || len(h.next.rounds) != 1 {
		t.Errorf("%d won, submitted %d times, %d rounds", won, after.GetSubmissionCount(), len(h.next.rounds))
	}
}

// retitle changes what is no part of the version.
func (h *house) retitle(name string) {
	h.t.Helper()
	_, err := h.client.UpdateDocument(h.as(colleague), &filingv1.UpdateDocumentRequest{
		Document: &filingv1.Document{Name: name, Title: "示例补贴办法（改题）"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"title"}},
	})
	if err != nil {
		h.t.Error(err)
	}
}

func TestSubmitWhileTheTitleChanges(t *testing.T) {
	h := newHouse(t)
	d := h.ready()
	h.next.asked = func(context.Context) { h.retitle(d.GetName()) }
	h.next.between = h.next.asked
	got, err := h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName(), Etag: d.GetEtag()})
	must(t, err)
	if got.GetState() != filingv1.Document_UNDER_REVIEW || got.GetReviewCase() == "" || got.GetTitle() == d.GetTitle() {
		t.Errorf("submitted %v", got)
	}
	if _, err := h.client.GetDocument(h.as(reviewerCaller), &filingv1.GetDocumentRequest{Name: d.GetName()}); err != nil {
		t.Errorf("the reviewer: %v", err)
	}
}

// What changes before the submission is stored is submitted by nobody; asking again
// submits what is there now.
func TestSubmitIsPinnedToWhatWasSeen(t *testing.T) {
	h := newHouse(t)
	d := h.ready()
	h.next.asked = func(context.Context) {
		_, err := h.sendDraft(colleague, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "b.txt"}, []byte(suspectText))
		if err != nil {
			t.Error(err)
		}
	}
	_, err := h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName(), RequestId: "s1"})
	wantCode(t, err, codes.Aborted, "ETAG_STALE")
	if got := h.get(d.GetName()); got.GetState() != filingv1.Document_DRAFTING || got.GetReconciling() || len(h.next.rounds) != 0 {
		t.Errorf("submitted %v", got)
	}
	got, err := h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName(), RequestId: "s1"})
	must(t, err)
	last := h.next.rounds[len(h.next.rounds)-1]
	if last.GetSubmission() != 1 || last.GetVersionDigest() != got.GetVersionDigest() || got.GetSubmissionCount() != 1 {
		t.Errorf("the review has %v, the document %v", last, got)
	}
}

func TestRecordConsultationOverTheWire(t *testing.T) {
	h := newHouse(t)
	d, _ := h.drafted()
	record := func(who auth.Caller, c *filingv1.Consultation) error {
		_, err := h.client.RecordConsultation(h.as(who), &filingv1.RecordConsultationRequest{Name: d.GetName(), Consultation: c})
		return err
	}
	short := &filingv1.Consultation{OpenDate: date(t, "2026-03-02"), CloseDate: date(t, "2026-03-20"), Channel: "示例网站"}
	err := record(drafterCaller, short)
	wantCode(t, err, codes.FailedPrecondition, "SHORTEN_REASON_MISSING")
	if infoOf(err)["earliest_close_date"] != "2026-04-01" {
		t.Errorf("told %v", infoOf(err))
	}
	h.next.profile.ConsultationDays = number(15)
	must(t, record(drafterCaller, short))
	h.next.profile.ConsultationDays = number(30)
	short.ShortenReason = "示例：防汛急需"
	must(t, record(drafterCaller, short))
	wantCode(t, record(regulatorCaller, short), codes.PermissionDenied, "ROLE_REQUIRED")
	want := []string{
		"RecordConsultation OUTCOME_REFUSED [SHORTEN_REASON_MISSING]",
		"RecordConsultation OUTCOME_DONE []", "RecordConsultation OUTCOME_DONE []",
	}
	if got := h.history(d.GetName())[2:]; !slices.Equal(got, want) {
		t.Errorf("history %v", got)
	}
}

func TestCompetitionOverTheWire(t *testing.T) {
	h := newHouse(t)
	d, r := h.drafted()
	conclude := func(revision string) (*filingv1.Document, error) {
		return h.client.RecordCompetitionConclusion(h.as(regulatorCaller), &filingv1.RecordCompetitionConclusionRequest{
			Name: d.GetName(), Revision: revision, Outcome: filingv1.CompetitionConclusion_COMPLIES, Summary: "示例",
		})
	}
	carry := func(revision string) (*filingv1.Document, error) {
		return h.client.CarryCompetitionConclusion(h.as(regulatorCaller), &filingv1.CarryCompetitionConclusionRequest{
			Name: d.GetName(), Revision: revision, Reason: "示例：只改错别字",
		})
	}
	_, err := conclude(r.GetName())
	wantCode(t, err, codes.FailedPrecondition, "EVIDENCE_MISSING")
	_, err = h.sendMaterial(regulatorCaller, &filingv1.MaterialUpload{
		Name: d.GetName(), Kind: filingv1.Material_COMPETITION_CONCLUSION, Filename: "结论.txt",
	}, []byte("示例结论\n"))
	must(t, err)
	_, err = carry(r.GetName())
	wantCode(t, err, codes.FailedPrecondition, "FCR_MISSING")
	got, err := conclude(r.GetName())
	must(t, err)
	if c := got.GetCompetitionConclusion(); c.GetRecorder() != regulatorCaller.Person || c.GetRevisionSha256() != r.GetFile().GetSha256() {
		t.Errorf("concluded %v", c)
	}
	second, err := h.sendDraft(drafterCaller, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "b.txt"}, []byte(suspectText))
	must(t, err)
	_, err = conclude(r.GetName())
	wantCode(t, err, codes.FailedPrecondition, "FCR_STALE")
	_, err = conclude(second.GetName())
	wantCode(t, err, codes.FailedPrecondition, "EVIDENCE_MISSING")
	got, err = carry(second.GetName())
	must(t, err)
	if !competitionCovers(got.GetCompetitionConclusion(), second) {
		t.Errorf("carried %v", got.GetCompetitionConclusion())
	}
	_, err = h.client.RecordCompetitionConclusion(h.as(drafterCaller), &filingv1.RecordCompetitionConclusionRequest{
		Name: d.GetName(), Revision: r.GetName(), Outcome: filingv1.CompetitionConclusion_COMPLIES, Summary: "示例",
	})
	wantCode(t, err, codes.PermissionDenied, "ROLE_REQUIRED")
}

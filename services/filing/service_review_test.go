package filing

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
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
	h.next.between = func() { h.retitle(d.GetName()) }
	got, err := h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName(), Etag: d.GetEtag()})
	must(t, err)
	if got.GetState() != filingv1.Document_UNDER_REVIEW || got.GetReviewCase() == "" || got.GetTitle() == d.GetTitle() {
		t.Errorf("submitted %v", got)
	}
	if _, err := h.client.GetDocument(h.as(reviewerCaller), &filingv1.GetDocumentRequest{Name: d.GetName()}); err != nil {
		t.Errorf("the reviewer: %v", err)
	}
}

// What changes between the opening of the case and the write is submitted by
// nobody; asking again submits what is there now.
func TestSubmitIsPinnedToWhatWasOpened(t *testing.T) {
	h := newHouse(t)
	d := h.ready()
	h.next.between = func() {
		_, err := h.sendDraft(colleague, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "b.txt"}, []byte(suspectText))
		if err != nil {
			t.Error(err)
		}
	}
	_, err := h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName(), RequestId: "s1"})
	wantCode(t, err, codes.Aborted, "ETAG_STALE")
	if got := h.get(d.GetName()); got.GetState() != filingv1.Document_DRAFTING || got.GetSubmissionCount() != 0 {
		t.Errorf("submitted %v", got)
	}
	got, err := h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName(), RequestId: "s1"})
	must(t, err)
	last := h.next.rounds[len(h.next.rounds)-1]
	if last.GetSubmission() != 1 || last.GetVersionDigest() != got.GetVersionDigest() || got.GetSubmissionCount() != 1 {
		t.Errorf("the review has %v, the document %v", last, got)
	}
}

// passable is a submitted document for which every gate is open on 2026-05-20.
func (h *house) passable() *filingv1.Document {
	h.t.Helper()
	d := h.ready()
	d, err := h.client.RecordConsultation(h.as(drafterCaller), &filingv1.RecordConsultationRequest{
		Name: d.GetName(), Consultation: &filingv1.Consultation{
			OpenDate: date(h.t, "2026-03-02"), CloseDate: date(h.t, "2026-04-01"), Channel: "示例网站",
		},
	})
	must(h.t, err)
	_, err = h.sendMaterial(regulatorCaller, &filingv1.MaterialUpload{
		Name: d.GetName(), Kind: filingv1.Material_COMPETITION_CONCLUSION, Filename: "结论.txt",
	}, []byte("示例结论\n"))
	must(h.t, err)
	d, err = h.client.RecordCompetitionConclusion(h.as(regulatorCaller), &filingv1.RecordCompetitionConclusionRequest{
		Name: d.GetName(), Revision: currentRevision(d).GetName(), Outcome: filingv1.CompetitionConclusion_COMPLIES, Summary: "示例",
	})
	must(h.t, err)
	d, err = h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName()})
	must(h.t, err)
	h.next.verdict = &counselv1.Verdict{
		Case: d.GetReviewCase(), Standing: counselv1.Verdict_PASSES, Etag: "v1",
		EarliestMeetingDate: date(h.t, "2026-05-20"),
		CounselVerdicts:     []*counselv1.CounselVerdict{{Conclusion: counselv1.Conclusion_LAWFUL}},
	}
	return d
}

func (h *house) deliberate(who auth.Caller, in *filingv1.DeliberateDocumentRequest) (*filingv1.Document, error) {
	return h.client.DeliberateDocument(h.as(who), in)
}

// A3: accepted on 2026-05-12 and not concluded.
func TestMeetingRefused(t *testing.T) {
	for _, tt := range []struct {
		name, earliest string
		codes          []string
	}{
		{"full days", "2026-05-20", []string{"LEGALITY_REVIEW_MISSING", "REVIEW_TIME_INSUFFICIENT", "COUNSEL_OPINION_REQUIRED"}},
		{"the last day counts", "2026-05-19", []string{"LEGALITY_REVIEW_MISSING", "COUNSEL_OPINION_REQUIRED"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			d := h.passable()
			h.next.verdict = &counselv1.Verdict{Standing: counselv1.Verdict_NOT_CONCLUDED, EarliestMeetingDate: date(t, tt.earliest), Etag: "v1"}
			ask := &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-19"), Meeting: "示例第1次常务会议", RequestId: "m1"}
			dry := proto.CloneOf(ask)
			dry.ValidateOnly, dry.RequestId = true, ""
			before := len(h.history(d.GetName()))
			for _, in := range []*filingv1.DeliberateDocumentRequest{dry, ask, ask} {
				_, err := h.deliberate(drafterCaller, in)
				wantCode(t, err, codes.FailedPrecondition, "LEGALITY_REVIEW_MISSING")
				if got := violations(err); !slices.Equal(got, tt.codes) {
					t.Errorf("refused for %v, want %v", got, tt.codes)
				}
				if info := infoOf(err); info["earliest_date"] != tt.earliest || !strings.Contains(info["law"], "37号") {
					t.Errorf("told %v", info)
				}
			}
			page, err := h.client.ListDocumentHistory(h.as(drafterCaller), &filingv1.ListDocumentHistoryRequest{Parent: d.GetName()})
			must(t, err)
			entries := page.GetHistory()
			if len(entries) != before+1 {
				t.Fatalf("%d new entries for one refused request and one dry run", len(entries)-before)
			}
			e := entries[len(entries)-1]
			facts := map[string]string{}
			for _, fact := range e.GetDetails() {
				facts[fact.GetName()] = fact.GetValue()
			}
			if e.GetOutcome() != corev1.Outcome_OUTCOME_REFUSED || !slices.Equal(e.GetReasons(), tt.codes) ||
				facts["meeting_date"] != "2026-05-19" || facts["earliest_date"] != tt.earliest || e.GetRequestId() != "m1" {
				t.Errorf("the attempt is on record as %v", e)
			}
			if got := h.get(d.GetName()); got.GetState() != filingv1.Document_UNDER_REVIEW || got.GetEtag() != d.GetEtag() || len(h.next.certified) != 0 {
				t.Errorf("the refused document is %v", got)
			}
		})
	}
}

func TestDeliberateDocument(t *testing.T) {
	h := newHouse(t)
	d := h.passable()
	ask := &filingv1.DeliberateDocumentRequest{
		Name: d.GetName(), MeetingDate: date(t, "2026-05-20"), Meeting: "示例第1次常务会议", RequestId: "m1", Etag: d.GetEtag(),
	}
	wrong := proto.CloneOf(ask)
	wrong.RequestId, wrong.MeetingDate = "", date(t, "2026-05-11")
	_, err := h.deliberate(drafterCaller, wrong)
	wantCode(t, err, codes.InvalidArgument, "meeting_date:DATE_PAST")
	wrong.MeetingDate.Month = 13
	_, err = h.deliberate(drafterCaller, wrong)
	wantCode(t, err, codes.InvalidArgument, "meeting_date:DATE_INVALID")
	wrong.MeetingDate, wrong.Etag = ask.MeetingDate, "yesterday"
	_, err = h.deliberate(drafterCaller, wrong)
	wantCode(t, err, codes.Aborted, "ETAG_STALE")
	wrong.ValidateOnly = true
	_, err = h.deliberate(drafterCaller, wrong)
	wantCode(t, err, codes.Aborted, "ETAG_STALE")

	dry := proto.CloneOf(ask)
	dry.ValidateOnly, dry.RequestId = true, ""
	would, err := h.deliberate(officeCaller, dry)
	must(t, err)
	if would.GetState() != filingv1.Document_DELIBERATED || h.get(d.GetName()).GetState() != filingv1.Document_UNDER_REVIEW || len(h.next.certified) != 0 {
		t.Errorf("a dry run answered %v and certified %v", would, h.next.certified)
	}
	var first *filingv1.Document
	for range 3 {
		got, err := h.deliberate(officeCaller, ask)
		must(t, err)
		if first == nil {
			first = got
		}
		if !proto.Equal(first, got) {
			t.Errorf("the same request answered %v, then %v", first, got)
		}
	}
	m := first.GetDeliberation()
	if first.GetState() != filingv1.Document_DELIBERATED || m.GetVersionDigest() != d.GetVersionDigest() || m.GetMeeting() != ask.Meeting {
		t.Errorf("deliberated %v", first)
	}
	if !proto.Equal(would.GetDeliberation(), m) {
		t.Errorf("the dry run said %v, done was %v", would.GetDeliberation(), m)
	}
	if len(h.next.certified) != 1 || h.next.certified[0].GetTransition() != m.GetCertificate() ||
		h.next.certified[0].GetVerdictEtag() != "v1" || h.next.certified[0].GetVersionDigest() != d.GetVersionDigest() {
		t.Errorf("certified %v", h.next.certified)
	}
	_, err = h.deliberate(officeCaller, &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: ask.MeetingDate})
	wantCode(t, err, codes.FailedPrecondition, "RECORD_CLOSED")
	_, err = h.sendDraft(drafterCaller, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "b.txt"}, []byte(suspectText))
	wantCode(t, err, codes.FailedPrecondition, "RECORD_CLOSED")
	if n := h.rows("blobs"); n == 0 || h.onDisk("未经本局批准") {
		t.Error("a draft of a closed record was stored")
	}
}

func TestDeliberateWhenTheVerdictMoves(t *testing.T) {
	h := newHouse(t)
	d := h.passable()
	// The review moves on between the gate and the certificate.
	h.next.moved = &counselv1.Verdict{Standing: counselv1.Verdict_NOT_CONCLUDED, Etag: "v2"}
	_, err := h.deliberate(officeCaller, &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20")})
	wantCode(t, err, codes.Aborted, "ETAG_STALE")
	if got := h.get(d.GetName()); got.GetState() != filingv1.Document_UNDER_REVIEW {
		t.Errorf("deliberated on a verdict that moved: %v", got)
	}
}

// What changes between the gate and the write goes to no meeting.
func TestDeliberateIsPinnedToWhatTheGateSaw(t *testing.T) {
	h := newHouse(t)
	d := h.passable()
	h.next.between = func() {
		_, err := h.sendDraft(colleague, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "b.txt"}, []byte(suspectText))
		if err != nil {
			t.Error(err)
		}
	}
	_, err := h.deliberate(officeCaller, &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20")})
	wantCode(t, err, codes.Aborted, "ETAG_STALE")
	if got := h.get(d.GetName()); got.GetState() != filingv1.Document_UNDER_REVIEW || len(got.GetRevisions()) != 2 {
		t.Errorf("a draft nobody reviewed went to the meeting: %v", got)
	}
	_, err = h.deliberate(officeCaller, &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20")})
	if got := violations(err); !slices.Contains(got, "FCR_STALE") {
		t.Errorf("the newer draft is refused for %v", got)
	}
	if len(h.next.withdrawn) != 1 || len(h.next.certified) != 1 ||
		h.next.withdrawn[0].GetTransition() != h.next.certified[0].GetTransition() || h.next.withdrawn[0].GetReason() == "" {
		t.Errorf("certified %v, withdrawn %v", h.next.certified, h.next.withdrawn)
	}
	// The reviewed draft, sent again, goes to the meeting by a certificate of its own.
	_, err = h.sendDraft(colleague, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "a.txt"}, []byte(sampleText))
	must(t, err)
	got, err := h.deliberate(officeCaller, &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20")})
	must(t, err)
	if got.GetVersionDigest() != d.GetVersionDigest() || len(h.next.certified) != 2 || len(h.next.withdrawn) != 1 {
		t.Errorf("deliberated %v, certified %v", got, h.next.certified)
	}
}

func TestDeliberateWhileTheTitleChanges(t *testing.T) {
	h := newHouse(t)
	d := h.passable()
	h.next.between = func() { h.retitle(d.GetName()) }
	got, err := h.deliberate(officeCaller, &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20")})
	must(t, err)
	if got.GetState() != filingv1.Document_DELIBERATED || got.GetTitle() == d.GetTitle() || len(h.next.withdrawn) != 0 {
		t.Errorf("deliberated %v, withdrawn %v", got, h.next.withdrawn)
	}
}

// A competition conclusion is no part of the version, and closes the gate all
// the same.
func TestDeliberateWhileTheConclusionChanges(t *testing.T) {
	h := newHouse(t)
	d := h.passable()
	h.next.between = func() {
		_, err := h.sendMaterial(regulatorCaller, &filingv1.MaterialUpload{
			Name: d.GetName(), Kind: filingv1.Material_COMPETITION_CONCLUSION, Filename: "结论.txt",
		}, []byte("示例结论：不符合\n"))
		if err != nil {
			t.Error(err)
		}
		_, err = h.client.RecordCompetitionConclusion(h.as(regulatorCaller), &filingv1.RecordCompetitionConclusionRequest{
			Name: d.GetName(), Revision: d.GetCurrentRevision(), Outcome: filingv1.CompetitionConclusion_ADVERSE, Summary: "示例",
		})
		if err != nil {
			t.Error(err)
		}
	}
	_, err := h.deliberate(officeCaller, &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20")})
	wantCode(t, err, codes.Aborted, "ETAG_STALE")
	_, err = h.deliberate(officeCaller, &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20")})
	wantCode(t, err, codes.FailedPrecondition, "FCR_ADVERSE")
	if len(h.next.certified) != 1 || len(h.next.withdrawn) != 1 {
		t.Errorf("certified %v, withdrawn %v", h.next.certified, h.next.withdrawn)
	}
}

// The later of two calls finds the record closed and leaves the certificate that
// the earlier one rests on.
func TestDeliberateTwiceAtOnce(t *testing.T) {
	h := newHouse(t)
	d := h.passable()
	in := &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20")}
	h.next.between = func() {
		if _, err := h.deliberate(drafterCaller, in); err != nil {
			t.Error(err)
		}
	}
	_, err := h.deliberate(officeCaller, in)
	wantCode(t, err, codes.FailedPrecondition, "RECORD_CLOSED")
	if len(h.next.withdrawn) != 0 {
		t.Errorf("withdrawn %v of a meeting that takes place", h.next.withdrawn)
	}
}

func TestDeliberateGivenUp(t *testing.T) {
	h := newHouse(t)
	d := h.passable()
	ctx, giveUp := context.WithCancel(h.as(officeCaller))
	h.next.between = giveUp
	withdrew := make(chan struct{})
	h.next.withdrew = func() { close(withdrew) }
	_, err := h.client.DeliberateDocument(ctx, &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20")})
	if status.Code(err) != codes.Canceled {
		t.Fatalf("got %v", err)
	}
	<-withdrew
	if got := h.get(d.GetName()); got.GetState() != filingv1.Document_UNDER_REVIEW {
		t.Errorf("deliberated %v", got)
	}
}

func TestDeliberateNothingSubmitted(t *testing.T) {
	h := newHouse(t)
	d := h.created()
	_, err := h.deliberate(drafterCaller, &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20")})
	wantCode(t, err, codes.FailedPrecondition, "LEGALITY_REVIEW_MISSING")
	if got := violations(err); !slices.Equal(got, []string{
		"LEGALITY_REVIEW_MISSING", "MATERIALS_INCOMPLETE", "COUNSEL_OPINION_REQUIRED", "CONSULTATION_MISSING", "FCR_MISSING",
	}) {
		t.Errorf("refused for %v", got)
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

package filing

import (
	"context"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
)

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
	foreseen := proto.CloneOf(m)
	foreseen.Certificate = "" // it cannot be told beforehand
	if !proto.Equal(would.GetDeliberation(), foreseen) || would.GetReconciling() {
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

// The review moves on between the gate and the certificate: the gate decides anew.
func TestDeliberateWhenTheVerdictMoves(t *testing.T) {
	h := newHouse(t)
	d := h.passable()
	ask := &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20"), RequestId: "m1"}
	h.next.between = func(context.Context) {
		h.next.verdict = &counselv1.Verdict{Standing: counselv1.Verdict_ADVERSE, Etag: "v2", CounselVerdicts: h.next.verdict.GetCounselVerdicts()}
	}
	_, err := h.deliberate(officeCaller, ask)
	wantCode(t, err, codes.FailedPrecondition, "LEGALITY_ADVERSE")
	got := h.get(d.GetName())
	if got.GetState() != filingv1.Document_UNDER_REVIEW || got.GetReconciling() || got.GetRequestedDeliberation() != nil || got.GetIntent() != nil {
		t.Errorf("deliberated on a verdict that moved: %v", got)
	}
	if history := h.history(d.GetName()); !slices.Contains(history, "DeliberateDocument OUTCOME_REFUSED [LEGALITY_ADVERSE]") {
		t.Errorf("the refusal is not on record: %v", history)
	}
	if len(h.next.certified) != 0 || len(h.next.withdrawn) != 1 {
		t.Errorf("certified %v, withdrawn %v", h.next.certified, h.next.withdrawn)
	}
	h.next.verdict = &counselv1.Verdict{
		Standing: counselv1.Verdict_PASSES, Etag: "v3", CounselVerdicts: h.next.verdict.GetCounselVerdicts(),
	}
	h.next.between = func(context.Context) { h.next.verdict.Etag = "v4" } // another opinion, and it passes still
	ask.RequestId = "m2"
	got, err = h.deliberate(officeCaller, ask)
	must(t, err)
	if got.GetState() != filingv1.Document_DELIBERATED || len(h.next.certified) != 1 || h.next.certified[0].GetVerdictEtag() != "v4" {
		t.Errorf("deliberated %v on %v", got, h.next.certified)
	}
}

// What changes between the gate and the request goes to no meeting; from then on
// nothing changes that the review concluded on.
func TestDeliberateIsPinnedToWhatTheGateSaw(t *testing.T) {
	h := newHouse(t)
	d := h.passable()
	redraft := func(text string) error {
		_, err := h.sendDraft(colleague, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "b.txt"}, []byte(text))
		return err
	}
	in := &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20")}
	h.next.asked = func(context.Context) {
		if err := redraft(suspectText); err != nil {
			t.Error(err)
		}
	}
	_, err := h.deliberate(officeCaller, in)
	wantCode(t, err, codes.Aborted, "ETAG_STALE")
	if got := h.get(d.GetName()); got.GetState() != filingv1.Document_UNDER_REVIEW || len(got.GetRevisions()) != 2 || got.GetReconciling() {
		t.Errorf("a draft nobody reviewed went to the meeting: %v", got)
	}
	_, err = h.deliberate(officeCaller, in)
	if got := violations(err); !slices.Contains(got, "FCR_STALE") {
		t.Errorf("the newer draft is refused for %v", got)
	}
	must(t, redraft(sampleText)) // the reviewed draft again
	h.next.between = func(context.Context) {
		wantCode(t, redraft(suspectText), codes.Aborted, "RECONCILING")
		_, err := h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName()})
		wantCode(t, err, codes.Aborted, "RECONCILING")
		_, err = h.deliberate(drafterCaller, &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-21")})
		wantCode(t, err, codes.Aborted, "RECONCILING")
	}
	got, err := h.deliberate(officeCaller, in)
	must(t, err)
	if got.GetVersionDigest() != d.GetVersionDigest() || len(h.next.certified) != 1 || len(h.next.withdrawn) != 0 {
		t.Errorf("deliberated %v, certified %v", got, h.next.certified)
	}
}

func TestDeliberateWhileTheTitleChanges(t *testing.T) {
	h := newHouse(t)
	d := h.passable()
	h.next.between = func(context.Context) { h.retitle(d.GetName()) }
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
	h.next.between = func(context.Context) {
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
	wantCode(t, err, codes.FailedPrecondition, "FCR_ADVERSE")
	_, err = h.deliberate(officeCaller, &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20")})
	wantCode(t, err, codes.FailedPrecondition, "FCR_ADVERSE")
	if len(h.next.certified) != 1 || len(h.next.withdrawn) != 1 {
		t.Errorf("certified %v, withdrawn %v", h.next.certified, h.next.withdrawn)
	}
}

// Of two calls for the same meeting one goes through, on one certificate.
func TestDeliberateTwiceAtOnce(t *testing.T) {
	h := newHouse(t)
	d := h.passable()
	in := &filingv1.DeliberateDocumentRequest{Name: d.GetName(), MeetingDate: date(t, "2026-05-20")}
	h.next.between = func(context.Context) {
		_, err := h.deliberate(drafterCaller, in)
		wantCode(t, err, codes.Aborted, "RECONCILING")
	}
	got, err := h.deliberate(officeCaller, in)
	must(t, err)
	if got.GetState() != filingv1.Document_DELIBERATED || len(h.next.certified) != 1 || len(h.next.withdrawn) != 0 {
		t.Errorf("deliberated %v, certified %v, withdrawn %v", got, h.next.certified, h.next.withdrawn)
	}
	_, err = h.deliberate(officeCaller, in)
	wantCode(t, err, codes.FailedPrecondition, "RECORD_CLOSED")
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

package filing

import (
	"cmp"
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/intent"
	"fashen/internal/rpc"
)

// RecordCompetitionConclusion implements FilingService.
func (s *Server) RecordCompetitionConclusion(ctx context.Context, in *filingv1.RecordCompetitionConclusionRequest) (*filingv1.Document, error) {
	at := timestamppb.New(s.now())
	d, _, err := s.change(ctx, in.GetName(), in.GetEtag(), func(d *filingv1.Document, who auth.Caller) ([]*corev1.Detail, error) {
		err := concludeCompetition(d, &filingv1.CompetitionConclusion{
			Outcome: in.GetOutcome(), Revision: in.GetRevision(), Summary: in.GetSummary(),
			RecordTime: at,
		}, who)
		details := []*corev1.Detail{
			docstore.Detail("outcome", in.GetOutcome()),
			docstore.Detail("revision", in.GetRevision()),
		}
		if err == nil {
			details = append(details,
				docstore.Detail("signed_file_sha256", d.GetCompetitionConclusion().GetSignedFile().GetSha256()))
		}
		return details, err
	})
	return d, err
}

// CarryCompetitionConclusion implements FilingService.
func (s *Server) CarryCompetitionConclusion(ctx context.Context, in *filingv1.CarryCompetitionConclusionRequest) (*filingv1.Document, error) {
	d, _, err := s.change(ctx, in.GetName(), in.GetEtag(), func(d *filingv1.Document, who auth.Caller) ([]*corev1.Detail, error) {
		return []*corev1.Detail{
			docstore.Detail("revision", in.GetRevision()),
			docstore.Detail("reason", in.GetReason()),
		}, carryCompetition(d, in.GetRevision(), who)
	})
	return d, err
}

// consider checks a document the caller may see before other services are asked
// about it, and answers it with the version that was checked. Meta.Replayed says
// that this very request was done before, so that there is nothing left to ask.
func (s *Server) consider(ctx context.Context, name, etag string, check func(*filingv1.Document, auth.Caller) error) (*filingv1.Document, docstore.Meta, error) {
	return s.change(ctx, name, etag, func(d *filingv1.Document, who auth.Caller) ([]*corev1.Detail, error) {
		return nil, cmp.Or(check(d, who), docstore.ErrUnchanged)
	})
}

// SubmitDocument implements FilingService. The review is asked whether it would
// take the submission, so that a refusal changes nothing. What is accepted is
// stored, and done at once, or as soon as the review can be reached.
func (s *Server) SubmitDocument(ctx context.Context, in *filingv1.SubmitDocumentRequest) (*filingv1.Document, error) {
	seen, meta, err := s.consider(ctx, in.GetName(), in.GetEtag(), func(d *filingv1.Document, who auth.Caller) error {
		return cmp.Or(checkDraftingUnit(d, who), checkWaiting(d, submitMethod), checkSubmittable(d))
	})
	if err != nil || meta.Replayed {
		return seen, err
	}
	if seen.GetIntent() == nil {
		ask := caseOf(seen)
		ask.Transition, ask.ValidateOnly = "asked", true
		if _, err := s.counsel.OpenCase(ctx, ask); err != nil && rpc.Unreachable(err) == nil {
			return nil, err
		}
	}
	i := s.intent(ctx, in.GetName())
	d, _, err := s.write(ctx, in.GetName(), "", true, func(d *filingv1.Document, who auth.Caller) ([]*corev1.Detail, error) {
		err := cmp.Or(checkDraftingUnit(d, who), requestSubmission(d, seen, i))
		return []*corev1.Detail{docstore.Detail("intent", intent.ID(d.GetIntent()))}, err
	})
	if err != nil {
		return nil, err
	}
	return s.intents.Do(ctx, d)
}

// DeliberateDocument implements FilingService. Profile and verdict are asked for,
// and the gate decides on them and the document. What is accepted is stored, and
// done at once, or as soon as the review can be reached, if the gate is still open
// then.
func (s *Server) DeliberateDocument(ctx context.Context, in *filingv1.DeliberateDocumentRequest) (*filingv1.Document, error) {
	meeting, err := calendar.FromProto(in.GetMeetingDate())
	if err != nil {
		return nil, rpc.Field("meeting_date", "DATE_INVALID", "会议日期不存在")
	}
	seen, meta, err := s.deliberable(ctx, in)
	if err != nil || meta.Replayed {
		return seen, err
	}
	if meeting.Before(s.today()) {
		return nil, rpc.Field("meeting_date", "DATE_PAST", "会议日期不得早于今日")
	}
	gate, err := s.gateInput(ctx, seen, meeting)
	if err != nil {
		return nil, err
	}
	no := Gate(gate).Refusals
	switch {
	case len(no) > 0 && in.GetValidateOnly():
		return nil, refused(no)
	case len(no) > 0:
		return s.refuseMeeting(ctx, in, meta.Etag, no)
	}
	i := s.intent(ctx, in.GetName())
	if in.GetValidateOnly() {
		return wouldDeliberate(seen, gate, in.GetMeeting(), i)
	}
	d, _, err := s.write(ctx, in.GetName(), "", true, func(d *filingv1.Document, _ auth.Caller) ([]*corev1.Detail, error) {
		err := requestDeliberation(d, seen, gate, in.GetMeeting(), i)
		return append(meetingDetails(in, meeting), docstore.Detail("intent", intent.ID(d.GetIntent()))), err
	})
	if err != nil {
		return nil, err
	}
	return s.intents.Do(ctx, d)
}

// wouldDeliberate is the document as a deliberation would leave it; which
// certificate it would rest on cannot be told.
func wouldDeliberate(d *filingv1.Document, gate GateInput, meeting string, i *corev1.Intent) (*filingv1.Document, error) {
	if err := requestDeliberation(d, d, gate, meeting, i); err != nil {
		return nil, err
	}
	if err := deliberate(d, gate); err != nil {
		return nil, err
	}
	d.Deliberation.Certificate = ""
	return d, nil
}

// Methods whose last step waits for the review.
const (
	submitMethod     = filingv1.FilingService_SubmitDocument_FullMethodName
	deliberateMethod = filingv1.FilingService_DeliberateDocument_FullMethodName
)

// deliberable reads the document for the gate. A dry run leaves no trace, not
// even of a closed record.
func (s *Server) deliberable(ctx context.Context, in *filingv1.DeliberateDocumentRequest) (*filingv1.Document, docstore.Meta, error) {
	check := func(d *filingv1.Document, who auth.Caller) error {
		return cmp.Or(checkArranger(d, who), checkOpen(d), checkWaiting(d, deliberateMethod))
	}
	if !in.GetValidateOnly() {
		return s.consider(ctx, in.GetName(), in.GetEtag(), check)
	}
	d, meta, who, err := s.visible(ctx, in.GetName())
	if err == nil {
		err = rpc.FromStore(cmp.Or(rpc.Fresh(in.GetEtag(), meta), check(d, who)), in.GetName())
	}
	return d, meta, err
}

// gateInput asks what the gate looks at beside the document.
func (s *Server) gateInput(ctx context.Context, d *filingv1.Document, meeting calendar.Date) (GateInput, error) {
	in := GateInput{Document: d, MeetingDate: meeting, Today: s.today()}
	var err error
	if in.Profile, err = s.profile(ctx, d.GetName()); err != nil || d.GetVersionDigest() == "" {
		return in, err
	}
	in.Verdict, err = s.counsel.GetVerdict(ctx, &counselv1.GetVerdictRequest{
		Subject: d.GetName(), VersionDigest: d.GetVersionDigest(),
	})
	return in, err
}

// refuseMeeting keeps the attempt in the history of the version it was made on.
func (s *Server) refuseMeeting(ctx context.Context, in *filingv1.DeliberateDocumentRequest, etag string, no refused) (*filingv1.Document, error) {
	d, _, err := s.change(ctx, in.GetName(), etag, func(*filingv1.Document, auth.Caller) ([]*corev1.Detail, error) {
		meeting, _ := calendar.FromProto(in.GetMeetingDate())
		return meetingDetails(in, meeting), no
	})
	return d, err
}

func meetingDetails(in *filingv1.DeliberateDocumentRequest, meeting calendar.Date) []*corev1.Detail {
	return []*corev1.Detail{
		docstore.Detail("meeting_date", meeting),
		docstore.Detail("meeting", in.GetMeeting()),
	}
}

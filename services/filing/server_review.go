package filing

import (
	"cmp"
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
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

// SubmitDocument implements FilingService. The case is opened first, by a call
// that may be repeated; the document then changes only if it is still the version
// that was submitted. What is no part of the version, such as the title, may
// change in between.
func (s *Server) SubmitDocument(ctx context.Context, in *filingv1.SubmitDocumentRequest) (*filingv1.Document, error) {
	name := in.GetName()
	d, meta, err := s.consider(ctx, name, in.GetEtag(), func(d *filingv1.Document, who auth.Caller) error {
		return cmp.Or(checkDraftingUnit(d, who), checkSubmittable(d))
	})
	if err != nil || meta.Replayed {
		return d, err
	}
	submission := caseOf(d)
	opened, err := s.counsel.OpenCase(ctx, submission)
	if err != nil {
		return nil, err
	}
	d, _, err = s.change(ctx, name, "", func(d *filingv1.Document, who auth.Caller) ([]*corev1.Detail, error) {
		if err := cmp.Or(checkDraftingUnit(d, who), markSubmitted(d, submission.GetVersionDigest(), opened)); err != nil {
			return nil, err
		}
		return []*corev1.Detail{
			docstore.Detail("submission", d.GetSubmissionCount()),
			docstore.Detail("revision", currentRevision(d).GetName()),
			docstore.Detail("version_digest", d.GetVersionDigest()),
			docstore.Detail("review_case", d.GetReviewCase()),
		}, nil
	})
	return d, err
}

// DeliberateDocument implements FilingService. Profile and verdict are asked for,
// the gate decides on them and the document, the review certifies the verdict it
// gave, and the document changes only if it is still the version that was asked
// about and the gate still open. Where it does not change, the certificate is
// withdrawn; a repeated call asks for another.
func (s *Server) DeliberateDocument(ctx context.Context, in *filingv1.DeliberateDocumentRequest) (*filingv1.Document, error) {
	meeting, err := calendar.FromProto(in.GetMeetingDate())
	if err != nil {
		return nil, rpc.Field("meeting_date", "DATE_INVALID", "会议日期不存在")
	}
	d, meta, err := s.deliberable(ctx, in)
	if err != nil || meta.Replayed {
		return d, err
	}
	if meeting.Before(s.today()) {
		return nil, rpc.Field("meeting_date", "DATE_PAST", "会议日期不得早于今日")
	}
	seen, err := s.gateInput(ctx, d, meeting)
	if err != nil {
		return nil, err
	}
	no := Gate(seen).Refusals
	switch {
	case len(no) > 0 && in.GetValidateOnly():
		return nil, refused(no)
	case len(no) > 0:
		return s.refuseMeeting(ctx, in, meta.Etag, no)
	case in.GetValidateOnly():
		return d, deliberate(d, seen, in.GetMeeting())
	}
	certified := &counselv1.CertifyVerdictRequest{
		Subject: d.GetName(), VersionDigest: d.GetVersionDigest(),
		Transition: transitionOf(d, meeting), VerdictEtag: seen.Verdict.GetEtag(),
	}
	if _, err = s.counsel.CertifyVerdict(ctx, certified); err != nil {
		if rpc.Unreachable(err) != nil { // it may have been given all the same
			s.withdraw(ctx, certified, err)
		}
		return nil, err
	}
	d, _, err = s.change(ctx, in.GetName(), "", func(d *filingv1.Document, _ auth.Caller) ([]*corev1.Detail, error) {
		return append(meetingDetails(in, meeting),
			docstore.Detail("version_digest", certified.GetVersionDigest()),
			docstore.Detail("certificate", certified.GetTransition()),
		), deliberate(d, seen, in.GetMeeting())
	})
	if err != nil {
		s.withdraw(ctx, certified, err)
	}
	return d, err
}

// withdrawTimeout bounds the withdrawal of a certificate, which outlives a call
// that was given up.
const withdrawTimeout = 5 * time.Second

// withdraw takes back the certificate of a transition that did not take place.
// The document is read once more, since a failed answer does not tell that
// nothing was written, and another call may have made the very transition. Where
// that cannot be told, or the review does not answer, the certificate stays until
// a repeated call uses it or the next submission withdraws it.
func (s *Server) withdraw(ctx context.Context, certified *counselv1.CertifyVerdictRequest, why error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawTimeout)
	defer cancel()
	d, _, err := s.documents.Get(ctx, certified.GetSubject())
	if err == nil && d.GetDeliberation().GetCertificate() == certified.GetTransition() {
		return
	}
	if err == nil {
		_, err = s.counsel.WithdrawCertificate(ctx, &counselv1.WithdrawCertificateRequest{
			Subject: certified.GetSubject(), Transition: certified.GetTransition(),
			Reason: "未能提请集体审议：" + cmp.Or(rpc.Reason(why), rpc.ReasonInternal),
		})
	}
	if err != nil {
		s.log.ErrorContext(ctx, "certificate of a transition that did not take place still stands",
			"document", certified.GetSubject(), "transition", certified.GetTransition(), "error", err)
	}
}

// deliberable reads the document for the gate. A dry run leaves no trace, not
// even of a closed record.
func (s *Server) deliberable(ctx context.Context, in *filingv1.DeliberateDocumentRequest) (*filingv1.Document, docstore.Meta, error) {
	check := func(d *filingv1.Document, who auth.Caller) error {
		return cmp.Or(checkArranger(d, who), checkOpen(d))
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

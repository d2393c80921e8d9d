package filing

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/intent"
	"fashen/internal/rpc"
)

// Intents are the submissions and deliberations that wait for the review.
func (s *Server) Intents() intent.Work { return s.intents }

// intent is that of the running call on a document.
func (s *Server) intent(ctx context.Context, document string) *corev1.Intent {
	who, _ := auth.CallerFrom(ctx)
	o, _ := docstore.OriginFrom(ctx)
	return intent.New(document, o.Method, who, s.now())
}

// stepDone is the step that does what the call was for.
const stepDone = "done"

// maxLooks bounds how often one attempt follows a document and a review that keep
// moving.
const maxLooks = 4

// perform does what a document waits for. Several attempts may be at work at the
// same moment: each step is made by the id of the intent, and once.
func (s *Server) perform(ctx context.Context, d *filingv1.Document) (*filingv1.Document, error) {
	name, waiting := d.GetName(), d.GetIntent().GetName()
	for range maxLooks {
		if d.GetIntent().GetName() != waiting {
			return d, nil // another attempt was faster
		}
		done, err := s.attempt(ctx, d)
		if err == nil || status.Code(rpc.FromStore(err, "")) != codes.Aborted {
			return done, err
		}
		if d, _, err = s.documents.Get(ctx, name); err != nil {
			return nil, err
		}
	}
	return nil, rpc.FromStore(docstore.ErrConflict, name)
}

// attempt looks once: ABORTED where something moved in between.
func (s *Server) attempt(ctx context.Context, d *filingv1.Document) (*filingv1.Document, error) {
	method := d.GetIntent().GetMethod()
	switch {
	case len(d.GetIntent().GetRefusals()) > 0:
		return s.takeBack(ctx, d, refusedEarlier(d.GetIntent()))
	case method == submitMethod:
		return s.performSubmission(ctx, d)
	case method == deliberateMethod:
		return s.performDeliberation(ctx, d)
	}
	return nil, rpc.New(codes.Unimplemented, "INTENT_UNKNOWN", "无法办理的事项："+method)
}

// performSubmission opens the case, or adds the round, by the id of the intent,
// and puts the document under review.
func (s *Server) performSubmission(ctx context.Context, d *filingv1.Document) (*filingv1.Document, error) {
	opened, err := s.counsel.OpenCase(ctx, caseOf(d))
	if status.Code(err) == codes.FailedPrecondition {
		return s.end(ctx, d, refusalsOf(err))
	}
	if err != nil {
		return nil, err
	}
	return s.settle(ctx, d, stepDone, func(d *filingv1.Document) ([]*corev1.Detail, error) {
		details := requestDetails(d)
		if err := markSubmitted(d, opened); err != nil {
			return nil, err
		}
		return append(details,
			docstore.Detail("submission", d.GetSubmissionCount()),
			docstore.Detail("revision", currentRevision(d).GetName()),
			docstore.Detail("version_digest", d.GetVersionDigest()),
			docstore.Detail("review_case", d.GetReviewCase()),
		), nil
	})
}

// performDeliberation asks for the verdict, lets the gate decide, has the review
// certify the verdict the gate saw, by the id of the intent, and puts the document
// before the meeting. Where the review or the competition conclusion moved in
// between, the gate decides anew.
func (s *Server) performDeliberation(ctx context.Context, d *filingv1.Document) (*filingv1.Document, error) {
	meeting, err := calendar.FromProto(d.GetRequestedDeliberation().GetMeetingDate())
	if err != nil {
		return nil, fmt.Errorf("meeting that was asked for: %w", err)
	}
	gate, err := s.gateInput(ctx, d, meeting)
	if err != nil {
		return nil, err
	}
	if no := lateGate(gate); len(no) > 0 {
		return s.end(ctx, d, no)
	}
	_, err = s.counsel.CertifyVerdict(ctx, &counselv1.CertifyVerdictRequest{
		Subject: d.GetName(), VersionDigest: d.GetVersionDigest(),
		Transition: intent.ID(d.GetIntent()), VerdictEtag: gate.Verdict.GetEtag(),
	})
	if status.Code(err) == codes.FailedPrecondition {
		return s.end(ctx, d, refusalsOf(err))
	}
	if err != nil {
		return nil, err
	}
	return s.settle(ctx, d, stepDone, func(d *filingv1.Document) ([]*corev1.Detail, error) {
		details := append(requestDetails(d),
			docstore.Detail("version_digest", d.GetVersionDigest()),
			docstore.Detail("certificate", intent.ID(d.GetIntent())))
		return details, deliberate(d, gate)
	})
}

// end ends an intent that may not be done. The refusal is on record, as that of the
// call would have been; from then on no attempt does it any more, and what was done
// for it is taken back.
func (s *Server) end(ctx context.Context, d *filingv1.Document, no refused) (*filingv1.Document, error) {
	waiting := d.GetIntent().GetName()
	_, err := s.settle(ctx, d, "refused", func(d *filingv1.Document) ([]*corev1.Detail, error) { return requestDetails(d), no })
	if err != nil && !errors.As(err, new(refused)) {
		return nil, err
	}
	d, err = s.settle(ctx, d, "ending", func(d *filingv1.Document) ([]*corev1.Detail, error) {
		d.Intent.Refusals = no.codes()
		return requestDetails(d), nil
	})
	if err != nil || d.GetIntent().GetName() != waiting {
		return d, err
	}
	return s.takeBack(ctx, d, no)
}

// takeBack has the review withdraw the certificate of a deliberation that ends, and
// give none later; then the document goes on as it was.
func (s *Server) takeBack(ctx context.Context, d *filingv1.Document, no refused) (*filingv1.Document, error) {
	if i := d.GetIntent(); i.GetMethod() == deliberateMethod {
		_, err := s.counsel.WithdrawCertificate(ctx, &counselv1.WithdrawCertificateRequest{
			Subject: d.GetName(), Transition: intent.ID(i), Reason: "未能提请集体审议：" + no.Error(),
		})
		if err != nil {
			return nil, err
		}
	}
	d, err := s.settle(ctx, d, "ended", func(d *filingv1.Document) ([]*corev1.Detail, error) {
		details := requestDetails(d)
		settled(d)
		return details, nil
	})
	if err != nil {
		return nil, err
	}
	return d, &intent.Ended{Err: no}
}

// settle takes one step of an intent in its document, by a rule, if the document
// still waits for that intent as it did when it was read; if it does not wait any
// more, another attempt was faster, and the document is answered as it is. Whether
// the caller may was decided when they asked.
func (s *Server) settle(ctx context.Context, seen *filingv1.Document, step string, do func(d *filingv1.Document) ([]*corev1.Detail, error)) (*filingv1.Document, error) {
	ctx = intent.Step(ctx, seen.GetIntent(), step)
	d, _, err := s.documents.Update(ctx, seen.GetName(), docstore.Precondition{}, func(d *filingv1.Document, _ docstore.Meta) (docstore.Change, error) {
		switch now := d.GetIntent(); {
		case now.GetName() != seen.GetIntent().GetName():
			return docstore.Change{}, docstore.ErrUnchanged
		case len(now.GetRefusals()) != len(seen.GetIntent().GetRefusals()):
			return docstore.Change{}, docstore.ErrConflict
		}
		return changed(d, step != stepDone, do)
	})
	return d, err
}

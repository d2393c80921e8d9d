package competition

import (
	"cmp"
	"context"

	competitionv1 "fashen/gen/fashen/competition/v1"
	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/resource"
	"fashen/internal/rpc"
	"fashen/internal/rulebook"
)

// TryRuleSetCandidate implements CompetitionService. Documents and their texts are
// asked for as the caller, so that a trial tells nobody more than the documents do.
func (s *Server) TryRuleSetCandidate(ctx context.Context, in *competitionv1.TryRuleSetCandidateRequest) (*competitionv1.TryRuleSetCandidateResponse, error) {
	c, err := s.visibleCandidate(ctx, in.GetName())
	if err != nil {
		return nil, err
	}
	named, err := dateField("review_date", in.GetReviewDate())
	if err != nil {
		return nil, err
	}
	leave, err := s.trials.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	lib, err := s.compiled(ctx, c)
	if err != nil {
		return nil, rpc.FromStore(err, in.GetName())
	}
	on := todayAt(s.now(), named)
	trial, err := rulebook.NewTrial(s.rules, lib, day(on), in.GetPacks()...)
	if err != nil {
		return nil, refused(err)
	}
	page, err := s.filing.ListDocuments(ctx, &filingv1.ListDocumentsRequest{
		Parent: resource.Region(in.GetName()), PageSize: cmp.Or(in.GetPageSize(), 50), PageToken: in.GetPageToken(),
	})
	if err != nil {
		return nil, err
	}
	var drafts []string
	for _, d := range page.GetDocuments() {
		if d.GetCurrentRevision() != "" {
			drafts = append(drafts, d.GetCurrentRevision())
		}
	}
	changes, total, err := trial.Each(ctx, len(drafts), maxChanges, func(ctx context.Context, i int) (*corev1.PolicyText, error) {
		return s.filing.GetRevisionText(ctx, &filingv1.GetRevisionTextRequest{Name: drafts[i]})
	})
	if err != nil {
		return nil, rpc.FromStore(err, in.GetName())
	}
	out := answerOfTrial(drafts, changes, total)
	out.ReviewDate, out.NextPageToken = on.Proto(), page.GetNextPageToken()
	out.Packs, out.CandidatePacks = trial.Packs()
	return out, nil
}

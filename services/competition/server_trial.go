package competition

import (
	"cmp"
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	competitionv1 "fashen/gen/fashen/competition/v1"
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
	lib, err := s.library(ctx, c)
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
	outcomes, err := s.tryEach(ctx, trial, page.GetDocuments())
	if err != nil {
		return nil, rpc.FromStore(err, in.GetName())
	}
	out := answerOfTrial(outcomes, trial, on)
	out.NextPageToken = page.GetNextPageToken()
	return out, nil
}

// tryEach runs a trial over the current drafts of documents, on all processors; no
// more texts are in memory than there are processors.
func (s *Server) tryEach(ctx context.Context, trial *rulebook.Trial, documents []*filingv1.Document) ([]outcome, error) {
	var drafts []string
	for _, d := range documents {
		if d.GetCurrentRevision() != "" {
			drafts = append(drafts, d.GetCurrentRevision())
		}
	}
	outcomes := make([]outcome, len(drafts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, draft := range drafts {
		group.Go(func() error {
			text, err := s.filing.GetRevisionText(ctx, &filingv1.GetRevisionTextRequest{Name: draft})
			if err != nil {
				return err
			}
			changes, err := trial.Compare(ctx, text)
			outcomes[i] = outcomeOf(draft, changes)
			return err
		})
	}
	return outcomes, group.Wait()
}

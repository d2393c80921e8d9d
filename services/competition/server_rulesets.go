package competition

import (
	"context"

	competitionv1 "fashen/gen/fashen/competition/v1"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// GetRuleSet implements CompetitionService. Sets of this release come from memory,
// earlier versions from the store.
func (s *Server) GetRuleSet(ctx context.Context, in *competitionv1.GetRuleSetRequest) (*competitionv1.RuleSet, error) {
	on, err := dateField("review_date", in.GetReviewDate())
	if err != nil {
		return nil, err
	}
	if _, ok := resource.Match(ruleSetName, in.GetName()); !ok {
		return nil, rpc.Field("name", "RESOURCE_NAME_INVALID", "资源名应当形如 "+ruleSetName)
	}
	r := s.builtinSet(in.GetName())
	if r == nil {
		if r, _, err = s.ruleSets.Get(ctx, in.GetName()); err != nil {
			return nil, rpc.FromStore(err, in.GetName())
		}
	}
	if on.IsZero() {
		return r, nil
	}
	return inForce(r, on)
}

// ListRuleSets implements CompetitionService.
func (s *Server) ListRuleSets(_ context.Context, in *competitionv1.ListRuleSetsRequest) (*competitionv1.ListRuleSetsResponse, error) {
	on, err := dateField("review_date", in.GetReviewDate())
	if err != nil {
		return nil, err
	}
	var all []*competitionv1.RuleSet
	for _, r := range s.builtin {
		if !on.IsZero() {
			if r, err = inForce(r, on); err != nil {
				continue // none of its rules is in force then
			}
		}
		all = append(all, summary(r))
	}
	page, next, err := rpc.Stretch(s.pages, "ruleSets/"+on.String(), all, in.GetPageSize(), in.GetPageToken())
	if err != nil {
		return nil, err
	}
	return &competitionv1.ListRuleSetsResponse{RuleSets: page, NextPageToken: next}, nil
}

// ListStatutes implements CompetitionService.
func (s *Server) ListStatutes(_ context.Context, in *competitionv1.ListStatutesRequest) (*competitionv1.ListStatutesResponse, error) {
	page, next, err := rpc.Stretch(s.pages, "statutes", s.statutes, in.GetPageSize(), in.GetPageToken())
	if err != nil {
		return nil, err
	}
	return &competitionv1.ListStatutesResponse{Statutes: page, NextPageToken: next}, nil
}

package competition

import (
	"context"

	competitionv1 "fashen/gen/fashen/competition/v1"
	"fashen/internal/docstore"
)

type (
	ruleSetStore   = docstore.Collection[*competitionv1.RuleSet]
	candidateStore = docstore.Collection[*competitionv1.RuleSetCandidate]
)

// ruleSetsSpec keeps every version of a pack that a release came with. They are read
// by name alone.
var ruleSetsSpec = docstore.Spec{Name: "rule_sets"}

var candidatesSpec = docstore.Spec{
	Name: "rule_set_candidates",
	Indexes: []docstore.Index{
		{Fields: []string{docstore.FieldViewers, docstore.FieldCreateTime}},
	},
}

func (s *Server) open(ctx context.Context, engine docstore.Engine, o docstore.Options) (err error) {
	if s.ruleSets, err = docstore.NewCollection[*competitionv1.RuleSet](ctx, engine, ruleSetsSpec, o); err != nil {
		return err
	}
	s.candidates, err = docstore.NewCollection[*competitionv1.RuleSetCandidate](ctx, engine, candidatesSpec, o)
	return err
}

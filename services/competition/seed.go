package competition

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	competitionv1 "fashen/gen/fashen/competition/v1"
	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
)

// SeedRuleSets keeps the rule sets of this release, so that a later one that comes
// with other versions can still show them. It may run at every start, and in several
// processes at once.
func (s *Server) SeedRuleSets(ctx context.Context) error {
	ctx = docstore.WithOrigin(ctx, docstore.Origin{Actor: "services/" + Service, Method: "seed"})
	for _, r := range s.builtin {
		if err := s.keep(ctx, r); err != nil {
			return fmt.Errorf("keep rule set %s: %w", r.GetLabel(), err)
		}
	}
	return nil
}

func (s *Server) keep(ctx context.Context, r *competitionv1.RuleSet) error {
	kept, _, err := s.ruleSets.Get(ctx, r.GetName())
	change := docstore.Change{Details: []*corev1.Detail{docstore.Detail("label", r.GetLabel()), docstore.Detail("sha256", r.GetSha256())}}
	switch {
	case errors.Is(err, docstore.ErrNotFound):
		if _, _, err = s.ruleSets.Create(ctx, proto.CloneOf(r), change); errors.Is(err, docstore.ErrAlreadyExists) {
			return nil
		}
		return err
	case err != nil || kept.GetSha256() == r.GetSha256():
		return err
	}
	s.log.WarnContext(ctx, "rule set changed under its version", "rule_set", r.GetLabel(), "was", kept.GetSha256(), "is", r.GetSha256())
	_, _, err = s.ruleSets.Update(ctx, r.GetName(), docstore.Precondition{}, func(into *competitionv1.RuleSet, _ docstore.Meta) (docstore.Change, error) {
		proto.Reset(into)
		proto.Merge(into, r)
		return change, nil
	})
	return err
}

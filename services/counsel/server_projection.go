package counsel

import (
	"context"
	"errors"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
	"fashen/internal/projection"
)

// Projection declares the tasks and figures of legality review.
func (s *Server) Projection() projection.Declaration {
	return projection.Declaration{
		Version: 1, Figures: figures, SubjectOf: subjectOf, Rows: s.rows,
		Subjects: func(ctx context.Context, region, after string) ([]string, error) {
			return projection.Names(ctx, s.cases, region+"/cases/", after)
		},
	}
}

// rows reads a case with what belongs to it and works out its rows. Parts that
// are read while the case changes make rows that the next look puts right.
func (s *Server) rows(ctx context.Context, subject string) (projection.Rows, error) {
	c, _, err := s.cases.Get(ctx, subject)
	if errors.Is(err, docstore.ErrNotFound) {
		return projection.Rows{}, nil
	}
	if err != nil {
		return projection.Rows{}, err
	}
	m := matter{c: c, declarations: map[string][]*corev1.JournalEntry{}}
	if m.history, err = projection.History(ctx, s.cases, subject); err != nil {
		return projection.Rows{}, err
	}
	if m.assignments, err = s.assignmentsOf(ctx, subject); err != nil {
		return projection.Rows{}, err
	}
	for _, a := range m.assignments {
		if m.declarations[a.GetName()], err = projection.History(ctx, s.assignments, a.GetName()); err != nil {
			return projection.Rows{}, err
		}
	}
	return project(m), nil
}

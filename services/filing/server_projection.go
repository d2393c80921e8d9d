package filing

import (
	"context"
	"errors"

	"fashen/internal/docstore"
	"fashen/internal/projection"
)

// Projection declares the tasks of documents, what the gate refused, and what becomes
// of the findings of each rule. What else the yearly report counts of documents begins
// with publication, which is not kept here yet.
func (s *Server) Projection() projection.Declaration {
	return projection.Declaration{
		Version: 3, Figures: figures, Rules: ruleFigures, SubjectOf: subjectOf, Rows: s.rows,
		Subjects: func(ctx context.Context, region, after string) ([]string, error) {
			return projection.Names(ctx, s.documents, region+"/documents/", after)
		},
	}
}

// rows reads a document and works out its rows.
func (s *Server) rows(ctx context.Context, subject string) (projection.Rows, error) {
	d, _, err := s.documents.Get(ctx, subject)
	if errors.Is(err, docstore.ErrNotFound) {
		return projection.Rows{}, nil
	}
	if err != nil {
		return projection.Rows{}, err
	}
	history, err := projection.History(ctx, s.documents, subject)
	if err != nil {
		return projection.Rows{}, err
	}
	lines := blocked(d, history)
	if len(d.GetRevisions()) == 0 {
		return projection.Rows{Lines: lines}, nil
	}
	said, err := s.dispositionsOf(ctx, subject)
	if err != nil {
		return projection.Rows{}, err
	}
	rows := project(d, history)
	rows.Lines, rows.Rules = lines, ruleLines(history, said.newest)
	return rows, nil
}

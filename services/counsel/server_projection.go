package counsel

import (
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/docstore"
	"fashen/internal/projection"
)

// Projection declares the tasks and figures of legality review.
func (s *Server) Projection() projection.Declaration {
	return projection.Declaration{
		Version: 5, SubjectOf: subjectOf, Subjects: s.subjects, Rows: s.rows,
		Figures: slices.SortedFunc(slices.Values(slices.Concat(figures, workFigures)), func(a, b projection.Definition) int {
			return strings.Compare(a.Code, b.Code)
		}),
	}
}

// subjects pages through the cases of a region, then through its register.
func (s *Server) subjects(ctx context.Context, region, after string) ([]string, error) {
	if entries := region + "/counselEntries/"; after < entries {
		names, err := projection.Names(ctx, s.cases, region+"/cases/", after)
		if err != nil || len(names) > 0 {
			return names, err
		}
	}
	return projection.Names(ctx, s.entries, region+"/counselEntries/", after)
}

// rows works out the rows of a subject.
func (s *Server) rows(ctx context.Context, subject string) (projection.Rows, error) {
	if strings.Contains(subject, "/counselEntries/") {
		return s.entryRows(ctx, subject)
	}
	return s.caseRows(ctx, subject)
}

// entryRows reads an entry of the register with its contracts.
func (s *Server) entryRows(ctx context.Context, subject string) (projection.Rows, error) {
	e, _, err := s.entries.Get(ctx, subject)
	if errors.Is(err, docstore.ErrNotFound) {
		return projection.Rows{}, nil
	}
	if err != nil {
		return projection.Rows{}, err
	}
	history, err := projection.History(ctx, s.entries, subject)
	if err != nil {
		return projection.Rows{}, err
	}
	engagements, err := s.engagementsOf(ctx, subject)
	return projectEntry(e, history, engagements), err
}

// caseRows reads a case with what belongs to it. Parts that are read while the case
// changes make rows that the next look puts right.
func (s *Server) caseRows(ctx context.Context, subject string) (projection.Rows, error) {
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
	if m.checks, m.drafts, err = s.checksOf(ctx, subject); err != nil {
		return projection.Rows{}, err
	}
	if m.solicitations, err = pages(ctx, s.solicited, subject+"/solicitations/"); err != nil {
		return projection.Rows{}, err
	}
	if m.replies, err = pages(ctx, s.replies, subject+"/solicitations/"); err != nil {
		return projection.Rows{}, err
	}
	if m.letters, err = pages(ctx, s.issued, subject+"/letters/"); err != nil {
		return projection.Rows{}, err
	}
	return project(m), nil
}

// pages reads all documents of a collection below a prefix, by name.
func pages[M proto.Message](ctx context.Context, c docstore.Collection[M], prefix string) ([]M, error) {
	var out []M
	q := docstore.Query{Prefix: under(prefix)}
	for {
		page, err := c.List(ctx, q)
		if err != nil {
			return nil, err
		}
		out = append(out, page.Items...)
		if q.PageToken = page.NextPageToken; q.PageToken == "" {
			return out, nil
		}
	}
}

// checksOf are the checks of the opinions of a case, and the opinions of open ones.
func (s *Server) checksOf(ctx context.Context, name string) ([]*counselv1.Check, map[string]*counselv1.Opinion, error) {
	drafts := map[string]*counselv1.Opinion{}
	checks, err := pages(ctx, s.checks, name+"/opinions/")
	if err != nil {
		return nil, nil, err
	}
	for _, ch := range checks {
		opinion := parentOpinion(ch.GetName())
		if ch.GetState() != counselv1.Check_REQUESTED || drafts[opinion] != nil {
			continue
		}
		o, _, err := s.opinions.Get(ctx, opinion)
		if err != nil {
			return nil, nil, err
		}
		drafts[opinion] = o
	}
	return checks, drafts, nil
}

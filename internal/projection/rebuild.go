package projection

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
)

// walk is how far a rebuild has come. It lives in memory: a rebuild that was cut
// off begins again.
type walk struct {
	requested *timestamppb.Timestamp
	// after is the last subject that was worked out.
	after               string
	subjects, corrected int64
}

// request asks for a rebuild, in the journal like every other write; the state is
// what the worker looks for. One that is under way goes on.
func (p *Projector) request(ctx context.Context, name, person string) (*corev1.Projection, error) {
	start := func(m *corev1.Projection) docstore.Change {
		change := docstore.Change{From: m.GetState().String(), To: corev1.Projection_REBUILDING.String()}
		proto.Reset(m)
		m.Name, m.State, m.Requester = name, corev1.Projection_REBUILDING, person
		m.RequestTime = timestamppb.New(p.o.Clock())
		return change
	}
	for {
		m, _, err := p.rows.projections.Update(ctx, name, docstore.Precondition{}, func(m *corev1.Projection, _ docstore.Meta) (docstore.Change, error) {
			if m.GetState() == corev1.Projection_REBUILDING {
				return docstore.Change{}, docstore.ErrUnchanged
			}
			return start(m), nil
		})
		if !errors.Is(err, docstore.ErrNotFound) {
			return m, err
		}
		m = &corev1.Projection{}
		change := start(m)
		change.From, change.Grant = "", []string{auth.RoleViewer(resource.Region(name), corev1.Role_ROLE_SYSTEM_ADMINISTRATOR)}
		m, _, err = p.rows.projections.Create(ctx, m, change)
		if !errors.Is(err, docstore.ErrAlreadyExists) {
			return m, err
		}
	}
}

// rebuild does one page of every rebuild that was asked for, and tells whether
// there is more to do.
func (p *Projector) rebuild(ctx context.Context) (more bool, err error) {
	page, err := p.rows.projections.List(ctx, docstore.Query{
		Equal: map[string]any{"state": corev1.Projection_REBUILDING}, PageSize: 1000,
	})
	if err != nil {
		return false, err
	}
	for _, m := range page.Items {
		w := p.walks[m.GetName()]
		if w == nil || !proto.Equal(w.requested, m.GetRequestTime()) {
			w = &walk{requested: m.GetRequestTime()}
			p.walks[m.GetName()] = w
		}
		if err := p.walkOn(ctx, m.GetName(), w); err != nil {
			return false, fmt.Errorf("rebuild %s: %w", m.GetName(), err)
		}
	}
	return len(page.Items) > 0, nil
}

// walkOn works out the next page of subjects, and those that have rows between
// them and are none; at the end it says so.
func (p *Projector) walkOn(ctx context.Context, name string, w *walk) error {
	region := resource.Region(name)
	subjects, err := p.d.Subjects(ctx, region, w.after)
	if err != nil {
		return err
	}
	upTo := region + "~"
	if len(subjects) > 0 {
		upTo = subjects[len(subjects)-1]
	}
	strays, err := p.strays(ctx, max(region+"/", w.after+"\x00"), upTo, subjects)
	if err != nil {
		return err
	}
	n, err := p.project(ctx, append(strays, subjects...))
	if err != nil {
		return err
	}
	w.corrected += n
	w.subjects += int64(len(subjects))
	if len(subjects) > 0 {
		w.after = upTo
		return nil
	}
	delete(p.walks, name)
	return p.complete(ctx, name, w)
}

// strays are what rows name as their subjects, in a stretch of names, beside the
// subjects there are.
func (p *Projector) strays(ctx context.Context, from, upTo string, subjects []string) ([]string, error) {
	known := map[string]bool{}
	for _, s := range subjects {
		known[s] = true
	}
	var out []string
	note := func(subject string) {
		if !known[subject] {
			known[subject] = true
			out = append(out, subject)
		}
	}
	q := docstore.Query{Range: &docstore.Range{Field: "subject", From: from, To: upTo + "\x00"}}
	err := errors.Join(
		each(ctx, p.rows.tasks, q, func(t *corev1.Task) { note(t.GetSubject()) }),
		each(ctx, p.rows.lines, q, func(l *corev1.FigureLine) { note(l.GetSubject()) }),
	)
	return out, err
}

func (p *Projector) complete(ctx context.Context, name string, w *walk) error {
	ctx = docstore.WithOrigin(ctx, docstore.Origin{
		Actor: "services/" + p.o.Service, Method: corev1.WorkService_RebuildProjection_FullMethodName,
	})
	_, _, err := p.rows.projections.Update(ctx, name, docstore.Precondition{}, func(m *corev1.Projection, _ docstore.Meta) (docstore.Change, error) {
		if m.GetState() != corev1.Projection_REBUILDING || !proto.Equal(m.GetRequestTime(), w.requested) {
			return docstore.Change{}, docstore.ErrUnchanged
		}
		m.State, m.CompleteTime = corev1.Projection_REBUILT, timestamppb.New(p.o.Clock())
		m.SubjectCount, m.CorrectedCount = w.subjects, w.corrected
		return docstore.Change{
			From: corev1.Projection_REBUILDING.String(), To: m.GetState().String(),
			Details: []*corev1.Detail{docstore.Detail("subjects", w.subjects), docstore.Detail("corrected", w.corrected)},
		}, nil
	})
	return err
}

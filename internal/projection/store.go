package projection

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
)

var tasksSpec = docstore.Spec{
	Name: "tasks",
	Indexes: []docstore.Index{
		{Fields: []string{"assignee", "state", "rank"}},
		{Fields: []string{"assignee", "state", "kind", "rank"}},
		{Fields: []string{docstore.FieldParent, "state", "kind", "rank", "assignee"}}, // counted
		{Fields: []string{"subject"}},
	},
}

var linesSpec = docstore.Spec{
	Name: "figure_lines",
	Indexes: []docstore.Index{
		// Sums are read from this one alone; it comes first, since the first that
		// serves is taken.
		{Fields: []string{docstore.FieldParent, "event_date", "bureau", "subject_kind", "person", "category", "count", "numerator", "denominator"}},
		{Fields: []string{docstore.FieldParent, "event_date"}},
		{Fields: []string{docstore.FieldParent, "bureau", "event_date"}},
		{Fields: []string{docstore.FieldParent, "person", "event_date"}},
		{Fields: []string{docstore.FieldParent, "category", "event_date"}},
		{Fields: []string{"subject"}},
	},
}

var ruleLinesSpec = docstore.Spec{
	Name: "rule_lines",
	Indexes: []docstore.Index{
		{Fields: []string{docstore.FieldParent, "event_date", "rule", "pack", "state", "ground", "count"}}, // summed
		{Fields: []string{"subject"}},
	},
}

var projectionsSpec = docstore.Spec{
	Name:    "projections",
	Indexes: []docstore.Index{{Fields: []string{"state"}}},
}

// rows are the collections of a projection.
type rows struct {
	tasks       docstore.Derived[*corev1.Task]
	lines       docstore.Derived[*corev1.FigureLine]
	rules       docstore.Derived[*corev1.RuleLine]
	projections docstore.Collection[*corev1.Projection]
}

func openRows(ctx context.Context, engine docstore.Engine, o docstore.Options) (r rows, err error) {
	if r.tasks, err = docstore.NewDerived[*corev1.Task](ctx, engine, tasksSpec, o); err != nil {
		return r, err
	}
	if r.lines, err = docstore.NewDerived[*corev1.FigureLine](ctx, engine, linesSpec, o); err != nil {
		return r, err
	}
	if r.rules, err = docstore.NewDerived[*corev1.RuleLine](ctx, engine, ruleLinesSpec, o); err != nil {
		return r, err
	}
	r.projections, err = docstore.NewCollection[*corev1.Projection](ctx, engine, projectionsSpec, o)
	return r, err
}

// row is what all kinds of rows have.
type row interface {
	proto.Message
	GetName() string
	GetSubject() string
}

// apply makes the rows of a subject be those, and counts what had to change. New
// rows come before old ones go, so that nothing is missing in between.
func (r rows) apply(ctx context.Context, subject string, want Rows) (changed int, err error) {
	tasks, err := replace(ctx, r.tasks, subject, want.tasks(subject))
	if err != nil {
		return tasks, fmt.Errorf("tasks of %s: %w", subject, err)
	}
	lines, err := replace(ctx, r.lines, subject, want.lines(subject))
	if err != nil {
		return tasks + lines, fmt.Errorf("figures of %s: %w", subject, err)
	}
	rules, err := replace(ctx, r.rules, subject, want.rules(subject))
	if err != nil {
		return tasks + lines + rules, fmt.Errorf("rules of %s: %w", subject, err)
	}
	return tasks + lines + rules, nil
}

func replace[M row](ctx context.Context, rows docstore.Derived[M], subject string, want map[string]M) (changed int, err error) {
	have := map[string]M{}
	err = each(ctx, rows, docstore.Query{Equal: map[string]any{"subject": subject}}, func(m M) { have[m.GetName()] = m })
	if err != nil {
		return 0, err
	}
	for name, m := range want {
		if was, ok := have[name]; ok && proto.Equal(was, m) {
			continue
		}
		if err := rows.Put(ctx, m); err != nil {
			return changed, err
		}
		changed++
	}
	for name := range have {
		if _, ok := want[name]; ok {
			continue
		}
		if err := rows.Delete(ctx, name); err != nil {
			return changed, err
		}
		changed++
	}
	return changed, nil
}

// each reads all pages of a list.
func each[M row](ctx context.Context, rows docstore.Derived[M], q docstore.Query, do func(M)) error {
	q.PageSize = 1000
	for {
		page, err := rows.List(ctx, q)
		if err != nil {
			return err
		}
		for _, m := range page.Items {
			do(m)
		}
		if q.PageToken = page.NextPageToken; q.PageToken == "" {
			return nil
		}
	}
}

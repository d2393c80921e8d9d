package projection

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/resource"
)

// Declaration is what a service says of its tasks and figures.
type Declaration struct {
	// Version of the rules below. Another one has every row worked out anew.
	Version int
	// Figures are those the service keeps, by code.
	Figures []Definition
	// Rules says what is counted of findings by rule; no Text where the service has
	// none.
	Rules Definition
	// Subjects pages through the subjects of a region in the order of their names,
	// those after a name, or the first.
	Subjects func(ctx context.Context, region, after string) (names []string, err error)
	// SubjectOf names the subject whose rows may change with a resource; empty for
	// none.
	SubjectOf func(resource string) string
	// Rows works out what a subject makes now; nothing where it does not exist.
	Rows func(ctx context.Context, subject string) (Rows, error)
}

// Definition is what a figure counts.
type Definition struct {
	// Code such as `M02`.
	Code string
	// DisplayName, Unit, Text and RateName are Chinese; Text goes into every
	// output. A figure without a rate has no RateName.
	DisplayName, Unit, Text, RateName string
	// Decimals of the rate.
	Decimals int
	// CategoryName says, Chinese, what the category of its lines is; empty where they
	// have none.
	CategoryName string
	// Balance says that the figure is how many there are on the last day of a period:
	// its lines add what comes on their day and take off what is gone on it.
	Balance bool
	// Mean says that the rate is the quotient itself, not so many in a hundred.
	Mean bool
	// Personal says that its lines are of the work of single persons: it is told to
	// reviewers, and to each person about the own work.
	Personal bool
}

// id is the code as it stands in names.
func (d Definition) id() string { return strings.ToLower(d.Code) }

// Rows are what one subject makes. Names need only be unique within the subject
// and be the same each time: the whole name, the subject and the rank are filled
// in. Of two of one name the later one counts.
type Rows struct {
	Tasks []*corev1.Task
	Lines []Line
	Rules []*corev1.RuleLine
}

// Line is a line of a figure.
type Line struct {
	Code string
	*corev1.FigureLine
}

// noDueDate is the rank of an open task without a due date: behind all others.
const noDueDate = "9999-12-31"

// tasks completes the tasks of a subject, by name.
func (r Rows) tasks(subject string) map[string]*corev1.Task {
	out := map[string]*corev1.Task{}
	for _, t := range r.Tasks {
		t.Name = resource.Region(subject) + "/tasks/" + idOf(subject, t.GetName())
		t.Subject, t.Overdue = subject, false
		t.OpenTime, t.DoneTime = toTheMillisecond(t.GetOpenTime()), toTheMillisecond(t.GetDoneTime())
		t.Rank = rankOf(t)
		out[t.GetName()] = t
	}
	return out
}

// lines completes the lines of a subject, by name.
func (r Rows) lines(subject string) map[string]*corev1.FigureLine {
	out := map[string]*corev1.FigureLine{}
	for _, l := range r.Lines {
		l.Name = figureName(resource.Region(subject), l.Code) + "/lines/" + idOf(subject, l.GetName())
		l.Subject = subject
		out[l.GetName()] = l.FigureLine
	}
	return out
}

// rules completes the lines of rules of a subject, by name.
func (r Rows) rules(subject string) map[string]*corev1.RuleLine {
	out := map[string]*corev1.RuleLine{}
	for _, l := range r.Rules {
		l.Name = resource.Region(subject) + "/ruleLines/" + idOf(subject, l.GetName())
		l.Subject = subject
		out[l.GetName()] = l
	}
	return out
}

// idOf makes `01jx…-turn-3` of a subject and a name within it. Ids of subjects
// are unique by themselves.
func idOf(subject, name string) string { return path.Base(subject) + "-" + name }

func figureName(region, code string) string {
	return region + "/figures/" + strings.ToLower(code)
}

// rankOf is the place of a task in lists.
func rankOf(t *corev1.Task) string {
	if t.GetState() == corev1.Task_DONE {
		return t.GetDoneTime().AsTime().Format("2006-01-02T15:04:05.000Z")
	}
	if t.GetDueDate() == nil {
		return noDueDate
	}
	d := t.GetDueDate()
	return fmt.Sprintf("%04d-%02d-%02d", d.GetYear(), d.GetMonth(), d.GetDay())
}

// overdue tells whether a task is past its due date today, or was when done.
func overdue(t *corev1.Task, today calendar.Date) bool {
	due, err := calendar.FromProto(t.GetDueDate())
	if err != nil || t.GetDueDate() == nil {
		return false
	}
	if t.GetState() == corev1.Task_DONE {
		today = calendar.On(t.GetDoneTime().AsTime())
	}
	return due.Before(today)
}

// toTheMillisecond is a time as every engine keeps it.
func toTheMillisecond(t *timestamppb.Timestamp) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(t.AsTime().Truncate(time.Millisecond))
}

// History reads the whole journal of a document.
func History[M proto.Message](ctx context.Context, c docstore.Collection[M], name string) ([]*corev1.JournalEntry, error) {
	var out []*corev1.JournalEntry
	for token := ""; ; {
		entries, next, err := c.History(ctx, name, 1000, token)
		if err != nil {
			return nil, err
		}
		out = append(out, entries...)
		if token = next; token == "" {
			return out, nil
		}
	}
}

// Names pages through the documents of a collection below a prefix, such as
// `regions/120105/cases/`, for [Declaration.Subjects].
func Names[M interface {
	proto.Message
	GetName() string
}](ctx context.Context, c docstore.Collection[M], prefix, after string) ([]string, error) {
	page, err := c.List(ctx, docstore.Query{Range: &docstore.Range{
		Field: docstore.FieldName, From: max(prefix, after+"\x00"), To: prefix + "~",
	}, PageSize: pageSize})
	if err != nil {
		return nil, err
	}
	names := make([]string, len(page.Items))
	for i, m := range page.Items {
		names[i] = m.GetName()
	}
	return names, nil
}

// Stay is a time a document spent in one state, as its journal tells.
type Stay struct {
	State string
	// From is the entry that brought the state, Until the one that ended it; nil
	// while it lasts.
	From, Until *corev1.JournalEntry
}

// Stays are the states a document went through. Entries that leave a document in
// its state end no stay.
func Stays(history []*corev1.JournalEntry) []Stay {
	var out []Stay
	for _, e := range history {
		if e.GetOutcome() != corev1.Outcome_OUTCOME_DONE || e.GetToState() == "" {
			continue
		}
		if n := len(out); n > 0 {
			if out[n-1].State == e.GetToState() {
				continue
			}
			out[n-1].Until = e
		}
		out = append(out, Stay{State: e.GetToState(), From: e})
	}
	return out
}

// Did tells whether an entry records that one of some RPCs was done.
func Did(e *corev1.JournalEntry, methods ...string) bool {
	if e.GetOutcome() != corev1.Outcome_OUTCOME_DONE {
		return false
	}
	for _, m := range methods {
		if strings.HasSuffix(e.GetMethod(), "/"+m) {
			return true
		}
	}
	return false
}

// Done marks a task done by what an entry records, on whoever's behalf.
func Done(t *corev1.Task, e *corev1.JournalEntry) {
	t.State, t.DoneTime = corev1.Task_DONE, e.GetTime()
	t.DoneBy, t.DoneOnBehalfOf = e.GetActor(), e.GetOnBehalfOf()
}

// Fact reads a named fact of an entry; empty where there is none.
func Fact(e *corev1.JournalEntry, name string) string {
	for _, d := range e.GetDetails() {
		if d.GetName() == name {
			return d.GetValue()
		}
	}
	return ""
}

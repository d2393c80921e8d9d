package docstore

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
)

// entries of a journal make a good collection for planning: they have texts,
// numbers, an enum, a timestamp and repeated fields.
func planner(t *testing.T, indexes ...Index) *schema {
	t.Helper()
	s, err := resolve(Spec{Name: "entries", Indexes: indexes}, (&corev1.JournalEntry{}).ProtoReflect().Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPlan(t *testing.T) {
	s := planner(t,
		Index{Fields: []string{"actor", "method", "time"}},
		Index{Fields: []string{"method", "actor"}},
		Index{Fields: []string{FieldViewers, "outcome", FieldName}},
		Index{Fields: []string{"reasons", "sequence"}},
		Index{Fields: []string{"details.name"}},
		Index{Fields: []string{"trace_id"}},
	)
	both := map[string]any{"method": "m", "actor": "a"}
	for _, c := range []struct {
		what  string
		q     Query
		index string // fields of the planned index, `name` for the order of names
	}{
		{"names", Query{}, "name"},
		{"a prefix of names", Query{Prefix: &Prefix{FieldName, "a"}, Descending: true}, "name"},
		{"equal fields in any order", Query{Equal: both, OrderBy: "time"}, "actor,method,time"},
		{"equal fields by name", Query{Equal: both}, "method,actor"},
		{"a range of the order field", Query{Equal: both, Range: &Range{Field: "time", From: time.Unix(1, 0)}}, "actor,method,time"},
		{"any-of and equal", Query{Equal: map[string]any{"outcome": corev1.Outcome_OUTCOME_DONE}, AnyOf: &AnyOf{FieldViewers, []string{"x"}}}, "viewers,outcome,name"},
		{"a repeated field", Query{Equal: map[string]any{"reasons": "A"}, OrderBy: "sequence"}, "reasons,sequence"},
		{"a nested repeated field", Query{AnyOf: &AnyOf{"details.name", []string{"x"}}}, "details.name"},
		{"order alone", Query{OrderBy: "trace_id"}, "trace_id"},
		{"a field too few", Query{Equal: map[string]any{"actor": "a"}, OrderBy: "time"}, ""},
		{"order after no equal field", Query{OrderBy: "time"}, ""},
		{"order of an index that goes on", Query{Equal: map[string]any{"actor": "a"}, OrderBy: "method"}, ""},
		{"range and order of two fields", Query{Equal: both, Range: &Range{Field: "time"}, OrderBy: "trace_id"}, ""},
		{"a field of no index", Query{Equal: map[string]any{"via_service": "x"}}, ""},
		{"a prefix of numbers", Query{Equal: both, Prefix: &Prefix{"time", "2026"}}, ""},
		{"two repeated fields", Query{Equal: map[string]any{"reasons": "A"}, AnyOf: &AnyOf{FieldViewers, []string{"x"}}}, ""},
	} {
		p, err := s.plan(c.q, true)
		if c.index == "" {
			if !errors.Is(err, ErrNoIndex) {
				t.Errorf("%s: planned %+v, %v", c.what, p, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		got := FieldName
		if p.Index != nil {
			got = strings.Join(p.Index.Fields, ",")
		}
		if got != c.index {
			t.Errorf("%s: index %s, want %s", c.what, got, c.index)
		}
	}
}

func TestSpecs(t *testing.T) {
	md := (&corev1.JournalEntry{}).ProtoReflect().Descriptor()
	for what, spec := range map[string]Spec{
		"a bad name":           {Name: "Entries"},
		"no such field":        {Name: "e", Indexes: []Index{{Fields: []string{"nothing"}}}},
		"no such nested field": {Name: "e", Indexes: []Index{{Fields: []string{"actor.name"}}}},
		"two repeated fields":  {Name: "e", Indexes: []Index{{Fields: []string{"reasons", FieldViewers}}}},
		"a repeated unique":    {Name: "e", Indexes: []Index{{Fields: []string{"reasons"}, Unique: true}}},
		"bytes":                {Name: "e", Indexes: []Index{{Fields: []string{"hash"}}}},
		"a field twice":        {Name: "e", Indexes: []Index{{Fields: []string{"actor", "actor"}}}},
		"the name first":       {Name: "e", Indexes: []Index{{Fields: []string{"name", "actor"}}}},
		"no fields":            {Name: "e", Indexes: []Index{{}}},
	} {
		if _, err := resolve(spec, md); err == nil {
			t.Errorf("%s passed", what)
		}
	}
}

func TestAfterPrefix(t *testing.T) {
	for _, c := range []struct{ prefix, want string }{
		{"a/", "a0"}, {"条", "杢"}, {"a\u007f", "a\u0080"}, {"\uD7FF", "\uE000"}, {"a\U0010FFFF", "b"}, {"\U0010FFFF", ""},
	} {
		got, ok := afterPrefix(c.prefix)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("after %q comes %q, %v, want %q", c.prefix, got, ok, c.want)
		}
	}
}

func TestParentOf(t *testing.T) {
	for name, want := range map[string]string{
		"regions/1": "", "regions/1/documents/d": "regions/1", "a": "", "": "", "regions/1/documents/d/revisions/2": "regions/1/documents/d",
	} {
		if got := parentOf(name); got != want {
			t.Errorf("parent of %q is %q, want %q", name, got, want)
		}
	}
}

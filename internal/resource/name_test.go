package resource_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fashen/internal/resource"
)

func TestNewID(t *testing.T) {
	at := time.Date(2026, 5, 12, 8, 0, 0, 0, time.UTC)
	seen := map[string]bool{}
	before := ""
	for i := range 100 {
		id := resource.NewID(at.Add(time.Duration(i) * time.Millisecond))
		if len(id) != 26 || !resource.ValidID(id) || strings.ContainsAny(id, "-ilou") {
			t.Fatalf("id %q", id)
		}
		if seen[id] || id <= before {
			t.Fatalf("id %q after %q", id, before)
		}
		seen[id], before = true, id
	}
	// The example of the ULID specification.
	if id := resource.NewID(time.UnixMilli(1469918176385)); !strings.HasPrefix(id, "01aryz6s41") {
		t.Errorf("id %q", id)
	}
	if id := resource.NewID(time.UnixMilli(0)); !strings.HasPrefix(id, "0000000000") {
		t.Errorf("id at the epoch %q", id)
	}
}

func TestMatch(t *testing.T) {
	const documents = "regions/{region}/documents/{document}"
	for _, c := range []struct {
		pattern, name string
		vars          []string
		ok            bool
	}{
		{documents, "regions/120105/documents/01h-a", []string{"120105", "01h-a"}, true},
		{"regions/{region}", "regions/120105", []string{"120105"}, true},
		{"regions", "regions", nil, true},
		{"regions/{r}/cases/{c}", "regions/1/cases/" + strings.Repeat("a", 63), []string{"1", strings.Repeat("a", 63)}, true},
		{documents, "regions/120105/documents/" + strings.Repeat("a", 64), nil, false},
		{documents, "regions/120105/documents/", nil, false},
		{documents, "regions/120105/documents", nil, false},
		{documents, "regions/120105/documents/a/", nil, false},
		{documents, "regions/120105/documents/a/b", nil, false},
		{documents, "/regions/120105/documents/a", nil, false},
		{documents, "regions//documents/a", nil, false},
		{documents, "regions/120105/cases/a", nil, false},
		{documents, "regions/120105/documents/-a", nil, false},
		{documents, "regions/120105/documents/A", nil, false},
		{documents, "regions/120105/documents/a_b", nil, false},
		{documents, "regions/120105/documents/..", nil, false},
		{documents, "regions/120105/documents/甲", nil, false},
		{documents, "regions/120105/documents/a\x00", nil, false},
		{documents, "regions/-/documents/a", nil, false},
		{documents, "", nil, false},
	} {
		vars, ok := resource.Match(c.pattern, c.name)
		if ok != c.ok || !slices.Equal(vars, c.vars) {
			t.Errorf("Match(%q, %q) = %q, %v, want %q, %v", c.pattern, c.name, vars, ok, c.vars, c.ok)
		}
	}
}

func TestRegion(t *testing.T) {
	for name, want := range map[string]string{
		"regions/120105/documents/x": "regions/120105",
		"regions/120105":             "regions/120105",
		"regions/":                   "",
		"regions":                    "",
		"calendars/2026":             "",
		"regions/../x":               "",
		"":                           "",
	} {
		if got := resource.Region(name); got != want {
			t.Errorf("Region(%q) = %q, want %q", name, got, want)
		}
	}
}

// A name that matches is made of its ids again, so nothing of it was ignored.
func FuzzName(f *testing.F) {
	f.Add("regions/120105/documents/x")
	f.Add("regions//documents/")
	f.Add("regions/甲/documents/\x00")
	f.Fuzz(func(t *testing.T, name string) {
		vars, ok := resource.Match("regions/{region}/documents/{document}", name)
		if !ok {
			return
		}
		if again := "regions/" + vars[0] + "/documents/" + vars[1]; again != name {
			t.Errorf("%q matched as %q", name, again)
		}
		if resource.Region(name) != "regions/"+vars[0] {
			t.Errorf("Region(%q) = %q", name, resource.Region(name))
		}
	})
}

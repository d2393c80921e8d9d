package resource_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/resource"
)

func fields() map[string]resource.FieldKind {
	return map[string]resource.FieldKind{
		"title":         resource.String,
		"parent.bureau": resource.String,
		"sample":        resource.Bool,
		"year":          resource.Int,
		"role":          resource.Enum(corev1.Role(0).Descriptor()),
		"state":         resource.Enum(directoryv1.Person_State(0).Descriptor()),
	}
}

func TestParseFilter(t *testing.T) {
	drafter := protoreflect.EnumNumber(corev1.Role_ROLE_DRAFTER)
	active := protoreflect.EnumNumber(directoryv1.Person_ACTIVE)
	for filter, want := range map[string]map[string]any{
		"":                                  {},
		" \t\n":                             {},
		`title = "办法"`:                      {"title": "办法"},
		`title='it"s'`:                      {"title": `it"s`},
		`title = "a \"b\" \\ c"`:            {"title": `a "b" \ c`},
		`title = ""`:                        {"title": ""},
		`title = "x AND year = 1"`:          {"title": "x AND year = 1"},
		`parent.bureau = "regions/1"`:       {"parent.bureau": "regions/1"},
		`sample = true AND year = -7`:       {"sample": true, "year": int64(-7)},
		`sample=false`:                      {"sample": false},
		`role = ROLE_DRAFTER`:               {"role": drafter},
		`role = DRAFTER`:                    {"role": drafter},
		"state = ACTIVE\n AND role=DRAFTER": {"state": active, "role": drafter},
	} {
		got, err := resource.ParseFilter(filter, fields())
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("ParseFilter(%q) = %v, %v, want %v", filter, got, err, want)
		}
	}
}

func TestParseFilterRefuses(t *testing.T) {
	for filter, want := range map[string]string{
		`title`:                       "FILTER_SYNTAX",
		`title "x"`:                   "FILTER_SYNTAX",
		`title != "x"`:                "FILTER_SYNTAX",
		`title == "x"`:                "FILTER_VALUE",
		`title = "x`:                  "FILTER_SYNTAX",
		`title = "x\`:                 "FILTER_SYNTAX",
		`title = "x\n"`:               "FILTER_SYNTAX",
		`title = x`:                   "FILTER_VALUE",
		`title = "x" OR year = 1`:     "FILTER_SYNTAX",
		`title = "x" and year = 1`:    "FILTER_SYNTAX",
		`title = "x" year = 1`:        "FILTER_SYNTAX",
		`title = "x" AND`:             "FILTER_SYNTAX",
		`title = "x" AND title = "y"`: "FILTER_FIELD_REPEATED",
		`(title = "x")`:               "FILTER_SYNTAX",
		`NOT title = "x"`:             "FILTER_FIELD_UNKNOWN",
		`viewers = "x"`:               "FILTER_FIELD_UNKNOWN",
		`sample = 1`:                  "FILTER_VALUE",
		`sample = "true"`:             "FILTER_VALUE",
		`year = 1.5`:                  "FILTER_VALUE",
		`year = 99999999999999999999`: "FILTER_VALUE",
		`role = ROLE_UNSPECIFIED`:     "FILTER_VALUE",
		`role = UNSPECIFIED`:          "FILTER_VALUE",
		`role = 1`:                    "FILTER_VALUE",
		`role = `:                     "FILTER_VALUE",
		`state = active`:              "FILTER_VALUE",
		`标题 = "x"`:                    "FILTER_SYNTAX",
		"title = \"x\" \x00":          "FILTER_SYNTAX",
		`title = "` + strings.Repeat("长", 700) + `"`: "FILTER_TOO_LONG",
	} {
		got, err := resource.ParseFilter(filter, fields())
		var wrong *resource.FilterError
		if !errors.As(err, &wrong) || wrong.Reason != want || wrong.Message == "" {
			t.Errorf("ParseFilter(%q) = %v, %v, want %s", filter, got, err, want)
		}
	}
}

// Whatever comes, the answer holds allowed fields only, or a place inside the
// filter.
func FuzzFilter(f *testing.F) {
	f.Add(`title = "x" AND year = 1`)
	f.Add(`role=DRAFTER AND sample = true`)
	f.Add(`title = "\"`)
	f.Fuzz(func(t *testing.T, filter string) {
		got, err := resource.ParseFilter(filter, fields())
		var wrong *resource.FilterError
		if err != nil && (!errors.As(err, &wrong) || wrong.Offset < 0 || wrong.Offset > len(filter)) {
			t.Errorf("ParseFilter(%q): %v", filter, err)
		}
		for field := range got {
			if _, ok := fields()[field]; !ok {
				t.Errorf("ParseFilter(%q) answers %q", filter, field)
			}
		}
	})
}

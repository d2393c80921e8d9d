package auth_test

import (
	"context"
	"slices"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/auth"
)

func TestViewers(t *testing.T) {
	want := []string{
		"regions/120105/people/p1",
		"regions/120105/bureaus/b2",
		"regions/120105/bureaus/b1",
		"regions/120105/roles/reviewer",
		"regions/120105/roles/general-office",
	}
	if got := reviewer().Insiders(); !slices.Equal(got, want) {
		t.Errorf("Insiders() = %q, want %q", got, want)
	}
	want = append(want, "regions/120105/bureaus/b2/asked", "regions/120105/bureaus/b1/asked")
	if got := reviewer().Viewers(); !slices.Equal(got, want) {
		t.Errorf("Viewers() = %q, want %q", got, want)
	}
	counsel := auth.Caller{Person: "regions/120105/people/p9", Region: "regions/120105"}
	if got := counsel.Viewers(); !slices.Equal(got, []string{counsel.Person}) {
		t.Errorf("a person without bureau and roles sees as %q", got)
	}
}

func TestRoles(t *testing.T) {
	c := reviewer()
	if !c.Has(corev1.Role_ROLE_REVIEWER) || c.Has(corev1.Role_ROLE_DRAFTER) {
		t.Error("Has tells another role than the one held")
	}
	if !c.HasAny(corev1.Role_ROLE_DRAFTER, corev1.Role_ROLE_REVIEWER) || c.HasAny(corev1.Role_ROLE_DRAFTER) || c.HasAny() {
		t.Error("HasAny tells another role than those held")
	}
}

func TestCallerFrom(t *testing.T) {
	if _, ok := auth.CallerFrom(context.Background()); ok {
		t.Error("an empty context has a caller")
	}
	got, ok := auth.CallerFrom(auth.WithCaller(context.Background(), reviewer()))
	if !ok || got.Person != reviewer().Person {
		t.Errorf("CallerFrom = %+v, %v", got, ok)
	}
}

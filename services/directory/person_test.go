package directory

import (
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/rpc"
)

func TestRoles(t *testing.T) {
	const (
		drafter  = corev1.Role_ROLE_DRAFTER
		reviewer = corev1.Role_ROLE_REVIEWER
		counsel  = corev1.Role_ROLE_COUNSEL
		office   = corev1.Role_ROLE_GENERAL_OFFICE
		system   = corev1.Role_ROLE_SYSTEM_ADMINISTRATOR
		security = corev1.Role_ROLE_SECURITY_ADMINISTRATOR
		auditor  = corev1.Role_ROLE_SECURITY_AUDITOR
	)
	staff := &directoryv1.Person{Bureau: "regions/120105/bureaus/b"}
	outside := &directoryv1.Person{LawFirm: "示例律师事务所"}
	for _, v := range []struct {
		name   string
		person *directoryv1.Person
		roles  []corev1.Role
		reason string
	}{
		{"none", staff, nil, ""},
		{"one", staff, []corev1.Role{drafter}, ""},
		{"two that go together", staff, []corev1.Role{reviewer, drafter}, ""},
		{"one administrator", staff, []corev1.Role{system}, ""},
		{"two administrators", staff, []corev1.Role{system, security}, "ROLES_EXCLUSIVE"},
		{"auditor and administrator", staff, []corev1.Role{auditor, system}, "ROLES_EXCLUSIVE"},
		{"administrator and reviewer", staff, []corev1.Role{reviewer, security}, "ROLES_EXCLUSIVE"},
		{"auditor and office", staff, []corev1.Role{office, auditor}, "ROLES_EXCLUSIVE"},
		{"counsel", outside, []corev1.Role{counsel}, ""},
		{"counsel and reviewer", outside, []corev1.Role{counsel, reviewer}, "ROLES_EXCLUSIVE"},
		{"counsel and drafter of a law firm", outside, []corev1.Role{counsel, drafter}, "ROLE_NEEDS_BUREAU"},
		{"government lawyer", staff, []corev1.Role{counsel}, ""},
		{"government lawyer who drafts", staff, []corev1.Role{drafter, counsel}, ""},
		{"government lawyer who reviews", staff, []corev1.Role{reviewer, counsel}, "ROLES_EXCLUSIVE"},
		{"government lawyer in the office", staff, []corev1.Role{office, counsel}, "ROLES_EXCLUSIVE"},
		{"reviewer of a law firm", outside, []corev1.Role{reviewer}, "ROLE_NEEDS_BUREAU"},
	} {
		if err := checkRoles(v.person, v.roles); rpc.Reason(err) != v.reason {
			t.Errorf("%s: %v, want %q", v.name, err, v.reason)
		}
	}
}

func TestPersonWorksSomewhere(t *testing.T) {
	for _, v := range []struct {
		bureau, firm string
		ok           bool
	}{
		{"regions/120105/bureaus/b", "", true},
		{"", "示例律师事务所", true},
		{"", "", false},
		{"regions/120105/bureaus/b", "示例律师事务所", false},
	} {
		if err := checkPerson(&directoryv1.Person{Bureau: v.bureau, LawFirm: v.firm}); (err == nil) != v.ok {
			t.Errorf("%+v: %v", v, err)
		}
	}
}

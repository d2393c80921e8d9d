package directory

import (
	"slices"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/rpc"
)

// checkPerson checks what the protos cannot: a person works for a bureau, or,
// as outside counsel, for a law firm.
func checkPerson(p *directoryv1.Person) error {
	if (p.GetBureau() == "") == (p.GetLawFirm() == "") {
		return rpc.Field("person.bureau", "BUREAU_OR_LAW_FIRM", "所在单位与律师事务所应当且只能填写一项")
	}
	return nil
}

// separated are the three administrators (三员), who exclude one another and
// every other role.
func separated(r corev1.Role) bool {
	switch r {
	case corev1.Role_ROLE_SYSTEM_ADMINISTRATOR,
		corev1.Role_ROLE_SECURITY_ADMINISTRATOR,
		corev1.Role_ROLE_SECURITY_AUDITOR:
		return true
	}
	return false
}

// advised tells whether holders of a role are who counsel advises, so that none of them
// is counsel as well: a government lawyer (公职律师) may draft for the own bureau, and
// a reviewer who is one reviews.
func advised(r corev1.Role) bool {
	return r != corev1.Role_ROLE_COUNSEL && r != corev1.Role_ROLE_DRAFTER
}

// checkRoles refuses roles that exclude one another, and roles that do not fit
// where the person works.
func checkRoles(p *directoryv1.Person, roles []corev1.Role) error {
	if len(roles) > 1 {
		if slices.ContainsFunc(roles, separated) {
			return rpc.Field("roles", "ROLES_EXCLUSIVE", "系统管理员、安全保密管理员、安全审计员应当分设，不得兼任其他角色")
		}
		if slices.Contains(roles, corev1.Role_ROLE_COUNSEL) && slices.ContainsFunc(roles, advised) {
			return rpc.Field("roles", "ROLES_EXCLUSIVE", "法律顾问只可以兼任起草人员")
		}
	}
	for _, r := range roles {
		if r != corev1.Role_ROLE_COUNSEL && p.GetBureau() == "" {
			return rpc.Field("roles", "ROLE_NEEDS_BUREAU", "法律顾问以外的角色应当登记所在单位")
		}
	}
	return nil
}

// setRoles replaces a person's roles, in the order of the enum.
func setRoles(p *directoryv1.Person, roles []corev1.Role) error {
	if p.GetState() == directoryv1.Person_DISABLED {
		return errDisabled(p)
	}
	if err := checkRoles(p, roles); err != nil {
		return err
	}
	p.Roles = slices.Clone(roles)
	slices.Sort(p.Roles)
	return nil
}

func errDisabled(p *directoryv1.Person) error {
	return rpc.Refused(rpc.Refusal{
		Code: "PERSON_DISABLED", Message: p.GetDisplayName() + "已停用",
		Metadata: map[string]string{"person": p.GetName()},
	})
}

// checkNotSelf keeps an administrator from changing their own account.
func checkNotSelf(caller, person string) error {
	if caller != person {
		return nil
	}
	return rpc.Refused(rpc.Refusal{
		Code: "SELF_ADMINISTRATION_FORBIDDEN", Message: "不得变更本人的角色或停用本人，应由另一名安全保密管理员办理",
	})
}

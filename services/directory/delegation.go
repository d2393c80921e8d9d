package directory

import (
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// Rules of absence delegation. They are pure: people and days come in.

// maxAbsence is how many days after its first the last day of a delegation is at
// most. Whoever is away longer has left the post.
const maxAbsence = 180

// delegable tells the roles one may hold in another's place. Legal advice is
// counsel's in person, and the three administrators exclude everybody else.
func delegable(r corev1.Role) bool {
	switch r {
	case corev1.Role_ROLE_DRAFTER, corev1.Role_ROLE_REVIEWER, corev1.Role_ROLE_MARKET_REGULATOR, corev1.Role_ROLE_GENERAL_OFFICE:
		return true
	}
	return false
}

// checkAuthor lets the absent person create a delegation, and the security
// administrator for anybody.
func checkAuthor(d *directoryv1.Delegation, who auth.Caller) error {
	if who.Person == d.GetPrincipal() || who.Has(corev1.Role_ROLE_SECURITY_ADMINISTRATOR) {
		return nil
	}
	return errNotPrincipal()
}

func errNotPrincipal() error {
	return rpc.New(codes.PermissionDenied, "NOT_PRINCIPAL", "代理由委托人本人或者安全保密管理员设立和撤销，被代理后不能再委托")
}

// checkDelegation refuses a delegation that gives what its author cannot give.
func checkDelegation(d *directoryv1.Delegation, principal, delegate *directoryv1.Person, today calendar.Date) error {
	if err := checkColleagues(principal, delegate); err != nil {
		return err
	}
	for _, r := range d.GetRoles() {
		switch {
		case !delegable(r):
			return rpc.Field("delegation.roles", "ROLE_NOT_DELEGABLE", "法律顾问和系统、安全保密、审计管理须本人办理，不得委托")
		case !slices.Contains(principal.GetRoles(), r):
			return rpc.Field("delegation.roles", "ROLE_NOT_HELD", "委托人不具有所委托的角色")
		case !mayTake(d, delegate, r):
			return rpc.Field("delegation.roles", "ROLE_NOT_GRANTED", "受托人本人不具有该角色，须由安全保密管理员设立代理")
		}
	}
	return checkAbsence(d, today)
}

// checkColleagues refuses people who cannot stand in for one another.
func checkColleagues(principal, delegate *directoryv1.Person) error {
	switch {
	case principal.GetName() == delegate.GetName():
		return rpc.Field("delegation.delegate", "DELEGATE_IS_PRINCIPAL", "受托人不能是委托人本人")
	case principal.GetState() == directoryv1.Person_DISABLED:
		return rpc.Field("delegation.principal", "PERSON_DISABLED", "委托人已停用")
	case delegate.GetState() == directoryv1.Person_DISABLED:
		return rpc.Field("delegation.delegate", "PERSON_DISABLED", "受托人已停用")
	case delegate.GetBureau() == "" || delegate.GetBureau() != principal.GetBureau():
		return rpc.Field("delegation.delegate", "BUREAU_DIFFERS", "受托人应当是委托人所在单位的人员")
	case slices.ContainsFunc(delegate.GetRoles(), separated):
		return rpc.Field("delegation.delegate", "ROLES_EXCLUSIVE", "系统管理员、安全保密管理员、安全审计员不得兼办他人的业务")
	}
	return nil
}

// mayTake tells whether a role may come to a delegate: who holds it already, and
// anybody where the security administrator, whose roles are to give, decided so.
func mayTake(d *directoryv1.Delegation, delegate *directoryv1.Person, r corev1.Role) bool {
	return d.GetAuthor() != d.GetPrincipal() || slices.Contains(delegate.GetRoles(), r)
}

// checkAbsence refuses days that are over, do not exist, or are too many.
func checkAbsence(d *directoryv1.Delegation, today calendar.Date) error {
	first, err := calendar.FromProto(d.GetFirstDate())
	if err != nil {
		return rpc.Field("delegation.first_date", "DATE_INVALID", "该日期不存在")
	}
	last, err := calendar.FromProto(d.GetLastDate())
	switch {
	case err != nil:
		return rpc.Field("delegation.last_date", "DATE_INVALID", "该日期不存在")
	case last.Before(first):
		return rpc.Field("delegation.last_date", "DATE_ORDER", "截止日期不得早于起始日期")
	case last.Before(today):
		return rpc.Field("delegation.last_date", "DATE_PAST", "截止日期不得早于今日")
	case last.After(first.AddDays(maxAbsence)):
		return rpc.Field("delegation.last_date", "ABSENCE_TOO_LONG", "代理期限不得超过180天，需要更长的请调整角色")
	}
	return nil
}

// stateOf tells where a delegation stands on a day.
func stateOf(d *directoryv1.Delegation, today calendar.Date) directoryv1.Delegation_State {
	first, errFirst := calendar.FromProto(d.GetFirstDate())
	last, errLast := calendar.FromProto(d.GetLastDate())
	switch {
	case d.GetRevokeTime() != nil:
		return directoryv1.Delegation_REVOKED
	case errFirst != nil || errLast != nil || today.After(last):
		return directoryv1.Delegation_ENDED
	case today.Before(first):
		return directoryv1.Delegation_PLANNED
	}
	return directoryv1.Delegation_ACTIVE
}

// shownOn is a stored delegation with its state on a day.
func shownOn(d *directoryv1.Delegation, today calendar.Date) *directoryv1.Delegation {
	shown := proto.CloneOf(d)
	shown.State = stateOf(d, today)
	return shown
}

// rolesInPlace are the roles a delegate has now in the principal's place, or why
// there are none. Both people are as they are now: a role that either has lost
// since is lost here too.
func rolesInPlace(d *directoryv1.Delegation, principal, delegate *directoryv1.Person, today calendar.Date) ([]corev1.Role, error) {
	if state := stateOf(d, today); state != directoryv1.Delegation_ACTIVE {
		return nil, rpc.Refused(rpc.Refusal{
			Code: "DELEGATION_NOT_IN_FORCE", Message: "代理尚未开始、已经期满或者已被撤销",
			Metadata: map[string]string{"delegation": d.GetName(), "state": state.String()},
		})
	}
	for _, p := range []*directoryv1.Person{principal, delegate} {
		if p.GetState() == directoryv1.Person_DISABLED {
			return nil, errDisabled(p)
		}
	}
	var roles []corev1.Role
	for _, r := range d.GetRoles() {
		if delegable(r) && slices.Contains(principal.GetRoles(), r) && mayTake(d, delegate, r) {
			roles = append(roles, r)
		}
	}
	if len(roles) == 0 || slices.ContainsFunc(delegate.GetRoles(), separated) {
		return nil, rpc.Refused(rpc.Refusal{
			Code: "ROLE_NOT_HELD", Message: "所委托的角色已被收回",
			Metadata: map[string]string{"delegation": d.GetName()},
		})
	}
	return roles, nil
}

// endOf is the instant at which the last day is over in Shanghai.
func endOf(d *directoryv1.Delegation) time.Time {
	last, err := calendar.FromProto(d.GetLastDate())
	if err != nil {
		return time.Time{}
	}
	return last.AddDays(1).Start()
}

// revoke ends a delegation: by either of its people or the security administrator.
func revoke(d *directoryv1.Delegation, who auth.Caller, now time.Time) (docstore.Change, error) {
	if who.Person != d.GetPrincipal() && who.Person != d.GetDelegate() && !who.Has(corev1.Role_ROLE_SECURITY_ADMINISTRATOR) {
		return docstore.Change{}, errNotPrincipal()
	}
	if d.GetRevokeTime() != nil {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	d.RevokeTime, d.Revoker = timestamppb.New(now), who.Person
	return docstore.Change{Details: events("revoked")}, nil
}

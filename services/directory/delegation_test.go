package directory

import (
	"context"
	"errors"
	"testing"
	"time"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

func colleague(name string, roles ...corev1.Role) *directoryv1.Person {
	return &directoryv1.Person{
		Name: hebei + "/people/" + name, Bureau: hebei + "/bureaus/justice", Roles: roles, State: directoryv1.Person_ACTIVE,
	}
}

func absent(principal, delegate *directoryv1.Person, roles ...corev1.Role) *directoryv1.Delegation {
	return &directoryv1.Delegation{
		Name: hebei + "/delegations/d", Principal: principal.GetName(), Delegate: delegate.GetName(), Author: principal.GetName(),
		Roles: roles, FirstDate: &datepb.Date{Year: 2026, Month: 5, Day: 11}, LastDate: &datepb.Date{Year: 2026, Month: 5, Day: 15},
	}
}

var (
	may12      = calendar.Date{Year: 2026, Month: 5, Day: 12}
	roleReview = corev1.Role_ROLE_REVIEWER
	roleDraft  = corev1.Role_ROLE_DRAFTER
)

func TestCheckDelegation(t *testing.T) {
	type parts struct {
		d                   *directoryv1.Delegation
		principal, delegate *directoryv1.Person
	}
	by := func(author string) func(*parts) { return func(p *parts) { p.d.Author = author } }
	secadmin := by(hebei + "/people/secadmin")
	for name, tt := range map[string]struct {
		change func(*parts)
		also   func(*parts)
		want   string
	}{
		"a colleague with the role":   {},
		"one day, today":              {change: func(p *parts) { p.d.FirstDate, p.d.LastDate = may12.Proto(), may12.Proto() }},
		"to oneself":                  {change: func(p *parts) { p.delegate = p.principal }, want: "DELEGATE_IS_PRINCIPAL"},
		"never signed in here":        {change: func(p *parts) { p.principal.State = directoryv1.Person_INVITED }},
		"principal was disabled":      {change: func(p *parts) { p.principal.State = directoryv1.Person_DISABLED }, want: "PERSON_DISABLED"},
		"delegate was disabled":       {change: func(p *parts) { p.delegate.State = directoryv1.Person_DISABLED }, want: "PERSON_DISABLED"},
		"of another bureau":           {change: func(p *parts) { p.delegate.Bureau = hebei + "/bureaus/labour" }, want: "BUREAU_DIFFERS"},
		"of no bureau, both":          {change: func(p *parts) { p.principal.Bureau, p.delegate.Bureau = "", "" }, want: "BUREAU_DIFFERS"},
		"a role nobody gave":          {change: func(p *parts) { p.d.Roles = []corev1.Role{roleDraft} }, want: "ROLE_NOT_HELD"},
		"to whom the role lacks":      {change: func(p *parts) { p.delegate.Roles = []corev1.Role{roleDraft} }, want: "ROLE_NOT_GRANTED"},
		"the same, by the secadmin":   {change: func(p *parts) { p.delegate.Roles = nil }, also: secadmin},
		"to an administrator":         {change: func(p *parts) { p.delegate.Roles = []corev1.Role{corev1.Role_ROLE_SECURITY_AUDITOR} }, also: secadmin, want: "ROLES_EXCLUSIVE"},
		"last before first":           {change: func(p *parts) { p.d.LastDate.Day = 10 }, want: "DATE_ORDER"},
		"over":                        {change: func(p *parts) { p.d.FirstDate.Day, p.d.LastDate.Day = 1, 11 }, want: "DATE_PAST"},
		"180 days":                    {change: func(p *parts) { p.d.LastDate = &datepb.Date{Year: 2026, Month: 11, Day: 7} }},
		"181 days":                    {change: func(p *parts) { p.d.LastDate = &datepb.Date{Year: 2026, Month: 11, Day: 8} }, want: "ABSENCE_TOO_LONG"},
		"a first day there is not":    {change: func(p *parts) { p.d.FirstDate = &datepb.Date{Year: 2026, Month: 2, Day: 30} }, want: "DATE_INVALID"},
		"a last day without its year": {change: func(p *parts) { p.d.LastDate = &datepb.Date{Month: 5, Day: 15} }, want: "DATE_INVALID"},
	} {
		principal, delegate := colleague("p", roleReview), colleague("d", roleReview)
		p := parts{absent(principal, delegate, roleReview), principal, delegate}
		for _, change := range []func(*parts){tt.change, tt.also} {
			if change != nil {
				change(&p)
			}
		}
		if err := checkDelegation(p.d, p.principal, p.delegate, may12); rpc.Reason(err) != tt.want {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	// Of all the roles there are, whoever holds them.
	for n := range corev1.Role_name {
		r := corev1.Role(n)
		principal, delegate := colleague("p", r), colleague("d", roleReview)
		d := absent(principal, delegate, r)
		d.Author = hebei + "/people/secadmin"
		want := "ROLE_NOT_DELEGABLE"
		switch r {
		case roleDraft, roleReview, corev1.Role_ROLE_MARKET_REGULATOR, corev1.Role_ROLE_GENERAL_OFFICE:
			want = ""
		}
		if err := checkDelegation(d, principal, delegate, may12); rpc.Reason(err) != want {
			t.Errorf("%v: %v, want %q", r, err, want)
		}
	}
}

func TestRolesInPlace(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(d *directoryv1.Delegation, principal, delegate *directoryv1.Person)
		on     int
		want   string
		roles  int
	}{
		"in force":               {on: 12, roles: 2},
		"on the first day":       {on: 11, roles: 2},
		"on the last day":        {on: 15, roles: 2},
		"the day before":         {on: 10, want: "DELEGATION_NOT_IN_FORCE"},
		"the day after":          {on: 16, want: "DELEGATION_NOT_IN_FORCE"},
		"revoked":                {on: 12, want: "DELEGATION_NOT_IN_FORCE", change: func(d *directoryv1.Delegation, _, _ *directoryv1.Person) { d.RevokeTime = timestamppb.Now() }},
		"the principal disabled": {on: 12, want: "PERSON_DISABLED", change: func(_ *directoryv1.Delegation, p, _ *directoryv1.Person) { p.State = directoryv1.Person_DISABLED }},
		"the delegate disabled":  {on: 12, want: "PERSON_DISABLED", change: func(_ *directoryv1.Delegation, _, d *directoryv1.Person) { d.State = directoryv1.Person_DISABLED }},
		"principal lost a role":  {on: 12, roles: 1, change: func(_ *directoryv1.Delegation, p, _ *directoryv1.Person) { p.Roles = p.Roles[:1] }},
		"delegate lost a role":   {on: 12, roles: 1, change: func(_ *directoryv1.Delegation, _, d *directoryv1.Person) { d.Roles = d.Roles[:1] }},
		"principal lost all":     {on: 12, want: "ROLE_NOT_HELD", change: func(_ *directoryv1.Delegation, p, _ *directoryv1.Person) { p.Roles = nil }},
		"became an administrator": {on: 12, want: "ROLE_NOT_HELD", change: func(_ *directoryv1.Delegation, _, d *directoryv1.Person) {
			d.Roles = []corev1.Role{corev1.Role_ROLE_SYSTEM_ADMINISTRATOR}
		}},
	} {
		principal, delegate := colleague("p", roleDraft, roleReview), colleague("d", roleDraft, roleReview)
		d := absent(principal, delegate, roleDraft, roleReview)
		if tt.change != nil {
			tt.change(d, principal, delegate)
		}
		roles, err := rolesInPlace(d, principal, delegate, calendar.Date{Year: 2026, Month: 5, Day: tt.on})
		if rpc.Reason(err) != tt.want || len(roles) != tt.roles {
			t.Errorf("%s: %v, %v; want %q and %d roles", name, roles, err, tt.want, tt.roles)
		}
	}
	if end := endOf(absent(colleague("p"), colleague("d"))); !end.Equal(time.Date(2026, 5, 15, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("ends %v, want midnight in Shanghai", end)
	}
}

func TestRevokeDelegation(t *testing.T) {
	d := absent(colleague("p"), colleague("d"))
	if _, err := revoke(d, auth.Caller{Person: hebei + "/people/x", Roles: []corev1.Role{corev1.Role_ROLE_SECURITY_AUDITOR}}, time.Now()); rpc.Reason(err) != "NOT_PRINCIPAL" {
		t.Errorf("the auditor: %v", err)
	}
	for _, who := range []auth.Caller{
		{Person: d.GetPrincipal()}, {Person: d.GetDelegate()},
		{Person: hebei + "/people/x", Roles: []corev1.Role{corev1.Role_ROLE_SECURITY_ADMINISTRATOR}},
	} {
		again := absent(colleague("p"), colleague("d"))
		if _, err := revoke(again, who, time.Now()); err != nil || again.GetRevoker() != who.Person {
			t.Errorf("%s: %v, by %s", who.Person, err, again.GetRevoker())
		}
		if _, err := revoke(again, who, time.Now()); !errors.Is(err, docstore.ErrUnchanged) {
			t.Errorf("again: %v", err)
		}
	}
}

// A process that starts anew refuses the tokens of a delegation that was revoked
// before.
func TestRevokedDelegationIsRemembered(t *testing.T) {
	h := newHouse(t)
	first, second := h.activate("reviewer"), h.activate("reviewer2")
	d, err := h.delegations.CreateDelegation(with(first), &directoryv1.CreateDelegationRequest{
		Parent: hebei, Delegation: &directoryv1.Delegation{
			Principal: h.people["reviewer"].Person, Delegate: h.people["reviewer2"].Person, Roles: []corev1.Role{roleReview},
			FirstDate: may12.Proto(), LastDate: may12.Proto(), Reason: "示例：外出培训",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	// People who signed in just now have stale tokens after a restart.
	h.clock.add(auth.UserTokenLife - time.Minute)
	s, err := h.delegations.ActForPrincipal(with(second), &directoryv1.ActForPrincipalRequest{Name: d.GetName()})
	if err != nil {
		t.Fatal(err)
	}
	read := func(ctx context.Context) error {
		_, err := h.delegations.GetDelegation(ctx, &directoryv1.GetDelegationRequest{Name: d.GetName()})
		return err
	}
	h.wants(read(with(s)), "")
	h.start()
	h.wants(read(with(s)), "")
	if d, err = h.delegations.RevokeDelegation(with(first), &directoryv1.RevokeDelegationRequest{Name: d.GetName()}); err != nil || d.GetState() != directoryv1.Delegation_REVOKED {
		t.Fatalf("revoke: %v, %v", d, err)
	}
	h.wants(read(with(s)), "TOKEN_REVOKED")
	h.start()
	h.wants(read(with(s)), "TOKEN_REVOKED")
	h.wants(read(with(first)), "")
}

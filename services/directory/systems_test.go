package directory

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
)

// program is a system of the sample's first bureau, with one key.
type program struct {
	*house
	security context.Context
	admin    context.Context
	system   *directoryv1.System
	key      *directoryv1.ApiKey
}

func newProgram(t testing.TB) *program {
	t.Helper()
	h := newHouse(t)
	security := h.as("secadmin")
	bureau, err := h.directory.GetPerson(security, &directoryv1.GetPersonRequest{Name: h.people["drafter"].Person})
	if err != nil {
		t.Fatal(err)
	}
	p := &program{house: h, security: security, admin: h.as("sysadmin")}
	p.system, err = h.systems.CreateSystem(p.admin, &directoryv1.CreateSystemRequest{
		Parent: hebei, System: &directoryv1.System{DisplayName: "示例办公系统", Bureau: bureau.GetBureau()},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.setRoles(corev1.Role_ROLE_DRAFTER, corev1.Role_ROLE_GENERAL_OFFICE)
	p.key = p.newKey(corev1.Role_ROLE_DRAFTER)
	return p
}

func (p *program) setRoles(roles ...corev1.Role) {
	p.t.Helper()
	_, err := p.systems.SetSystemRoles(p.security, &directoryv1.SetSystemRolesRequest{Name: p.system.GetName(), Roles: roles})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) request(roles ...corev1.Role) *directoryv1.CreateApiKeyRequest {
	return &directoryv1.CreateApiKeyRequest{Parent: p.system.GetName(), ApiKey: &directoryv1.ApiKey{
		DisplayName: "示例密钥", Roles: roles, Services: []string{"directory"}, ExpireTime: timestamppb.New(p.clock.now().Add(48 * time.Hour)),
	}}
}

func (p *program) newKey(roles ...corev1.Role) *directoryv1.ApiKey {
	p.t.Helper()
	k, err := p.systems.CreateApiKey(p.security, p.request(roles...))
	if err != nil {
		p.t.Fatal(err)
	}
	return k
}

// call makes a call with a key that any caller of the region may make.
func (p *program) call(token string) error {
	ctx := metadata.AppendToOutgoingContext(p.t.Context(), auth.MetadataUser, "Bearer "+token)
	_, err := p.systems.GetSystem(ctx, &directoryv1.GetSystemRequest{Name: p.system.GetName()})
	return err
}

func TestKeyStandsForItsSystem(t *testing.T) {
	p := newProgram(t)
	caller, err := p.verifier.Caller(t.Context(), p.key.GetToken())
	if err != nil {
		t.Fatal(err)
	}
	if caller.Person != p.system.GetName() || caller.Region != hebei || caller.Bureau != p.system.GetBureau() ||
		len(caller.Roles) != 1 || !caller.Has(corev1.Role_ROLE_DRAFTER) {
		t.Errorf("the key stands for %+v", caller)
	}
	p.wants(p.call(p.key.GetToken()), "")
	p.wants(p.call(p.key.GetToken()+"x"), "TOKEN_INVALID")

	ctx := metadata.AppendToOutgoingContext(t.Context(), auth.MetadataUser, "Bearer "+p.key.GetToken())
	_, err = p.session.GetCaller(ctx, &directoryv1.GetCallerRequest{})
	p.wants(err, "PERSON_REQUIRED")
	_, err = p.session.SignOut(ctx, &directoryv1.SignOutRequest{})
	p.wants(err, "PERSON_REQUIRED")
}

// The secret is in the first answer and nowhere else.
func TestKeyIsShownOnce(t *testing.T) {
	p := newProgram(t)
	id := p.key.GetName()[strings.LastIndex(p.key.GetName(), "/")+1:]
	if want := "fsk_" + id + "_"; !strings.HasPrefix(p.key.GetToken(), want) || len(p.key.GetToken()) != len(want)+52 {
		t.Errorf("token %q", p.key.GetToken())
	}
	request := p.request(corev1.Role_ROLE_DRAFTER)
	request.RequestId = "once"
	first, err := p.systems.CreateApiKey(p.security, request)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.systems.CreateApiKey(p.security, request)
	if err != nil || again.GetName() != first.GetName() || again.GetToken() != "" {
		t.Errorf("a repeated request answers %v, %v", again, err)
	}
	read, err := p.systems.GetApiKey(p.security, &directoryv1.GetApiKeyRequest{Name: first.GetName()})
	if err != nil || read.GetToken() != "" {
		t.Errorf("reading answers %v, %v", read, err)
	}
	list, err := p.systems.ListApiKeys(p.security, &directoryv1.ListApiKeysRequest{Parent: p.system.GetName()})
	if err != nil || len(list.GetApiKeys()) != 2 || strings.Contains(list.String(), "fsk_") {
		t.Errorf("the list is %v, %v", list, err)
	}
	history, err := p.directory.ListDirectoryHistory(p.as("secauditor"), &directoryv1.ListDirectoryHistoryRequest{Parent: p.key.GetName()})
	if err != nil || len(history.GetHistory()) != 1 {
		t.Fatalf("history %v, %v", history, err)
	}
	if _, secret, _ := strings.Cut(p.key.GetToken(), id+"_"); strings.Contains(history.String(), secret) {
		t.Error("the journal holds the secret")
	}
}

func TestKeyEnds(t *testing.T) {
	p := newProgram(t)
	second, third := p.newKey(corev1.Role_ROLE_DRAFTER), p.newKey(corev1.Role_ROLE_DRAFTER)
	for _, k := range []*directoryv1.ApiKey{p.key, second, third} {
		p.wants(p.call(k.GetToken()), "")
	}
	for range 2 {
		k, err := p.systems.RevokeApiKey(p.security, &directoryv1.RevokeApiKeyRequest{Name: p.key.GetName()})
		if err != nil || k.GetRevokeTime() == nil {
			t.Fatalf("revoke answers %v, %v", k, err)
		}
		p.wants(p.call(p.key.GetToken()), "TOKEN_REVOKED")
	}
	p.wants(p.call(second.GetToken()), "")
	if _, err := p.systems.DisableSystem(p.security, &directoryv1.DisableSystemRequest{Name: p.system.GetName()}); err != nil {
		t.Fatal(err)
	}
	p.wants(p.call(second.GetToken()), "TOKEN_REVOKED")
	_, err := p.systems.CreateApiKey(p.security, p.request(corev1.Role_ROLE_DRAFTER))
	p.wants(err, "SYSTEM_DISABLED")
	_, err = p.systems.SetSystemRoles(p.security, &directoryv1.SetSystemRolesRequest{Name: p.system.GetName()})
	p.wants(err, "SYSTEM_DISABLED")
}

func TestKeyExpires(t *testing.T) {
	p := newProgram(t)
	p.wants(p.call(p.key.GetToken()), "")
	p.clock.add(48*time.Hour - time.Millisecond)
	p.wants(p.call(p.key.GetToken()), "")
	p.clock.add(time.Millisecond)
	p.wants(p.call(p.key.GetToken()), "TOKEN_EXPIRED")
}

// A role the system loses is lost to its keys at once.
func TestKeyRolesShrink(t *testing.T) {
	p := newProgram(t)
	both := p.newKey(corev1.Role_ROLE_DRAFTER, corev1.Role_ROLE_GENERAL_OFFICE)
	list := func() error {
		ctx := metadata.AppendToOutgoingContext(t.Context(), auth.MetadataUser, "Bearer "+both.GetToken())
		_, err := p.directory.ListPeople(ctx, &directoryv1.ListPeopleRequest{Parent: hebei})
		return err
	}
	p.wants(list(), "")
	p.setRoles(corev1.Role_ROLE_DRAFTER)
	p.wants(list(), "ROLE_REQUIRED")
	p.setRoles(corev1.Role_ROLE_DRAFTER, corev1.Role_ROLE_GENERAL_OFFICE)
	p.wants(list(), "")
	_, err := p.systems.CreateApiKey(p.security, p.request(corev1.Role_ROLE_MARKET_REGULATOR))
	p.wantsField(err, "api_key.roles", "ROLE_NOT_GRANTED")
}

func TestSystemRolesAreNotForPeople(t *testing.T) {
	p := newProgram(t)
	for number := range corev1.Role_name {
		role := corev1.Role(number)
		if role == 0 || forSystems(role) {
			continue
		}
		_, err := p.systems.SetSystemRoles(p.security, &directoryv1.SetSystemRolesRequest{Name: p.system.GetName(), Roles: []corev1.Role{role}})
		p.wantsField(err, "roles", "ROLE_NEEDS_PERSON")
	}
}

func TestKeyRequestRefused(t *testing.T) {
	p := newProgram(t)
	for name, end := range map[string]time.Duration{"past": 0, "more than 400 days": maxKeyLife + time.Second} {
		r := p.request(corev1.Role_ROLE_DRAFTER)
		r.ApiKey.ExpireTime = timestamppb.New(p.clock.now().Add(end))
		_, err := p.systems.CreateApiKey(p.security, r)
		t.Log(name)
		p.wantsField(err, "api_key.expire_time", "EXPIRE_TIME_INVALID")
	}
	for name, change := range map[string]func(*directoryv1.ApiKey){
		"no roles":    func(k *directoryv1.ApiKey) { k.Roles = nil },
		"no services": func(k *directoryv1.ApiKey) { k.Services = nil },
		"no end":      func(k *directoryv1.ApiKey) { k.ExpireTime = nil },
		"no name":     func(k *directoryv1.ApiKey) { k.DisplayName = "" },
	} {
		r := p.request(corev1.Role_ROLE_DRAFTER)
		change(r.ApiKey)
		if _, err := p.systems.CreateApiKey(p.security, r); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := p.systems.CreateSystem(p.admin, &directoryv1.CreateSystemRequest{
		Parent: hebei, System: &directoryv1.System{DisplayName: "示例办公系统", Bureau: hebei + "/bureaus/nobody"},
	})
	p.wantsField(err, "system.bureau", "BUREAU_UNKNOWN")
}

// The use of a key is written down once an hour, however often it is used.
func TestKeyUseIsNotedHourly(t *testing.T) {
	p := newProgram(t)
	seen := func() *directoryv1.ApiKey {
		t.Helper()
		k, err := p.systems.GetApiKey(p.security, &directoryv1.GetApiKeyRequest{Name: p.key.GetName()})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	if seen().GetLastUseTime() != nil {
		t.Error("a key was used before it was")
	}
	p.wants(p.call(p.key.GetToken()[:40]+strings.Repeat("0", 42)), "TOKEN_INVALID")
	if seen().GetLastUseTime() != nil {
		t.Error("a wrong secret counts as use")
	}
	hour := p.clock.now().Truncate(time.Hour)
	for range 5 {
		p.wants(p.call(p.key.GetToken()), "")
		p.clock.add(auth.SystemKeyMemory)
	}
	if got := seen().GetLastUseTime().AsTime(); !got.Equal(hour) {
		t.Errorf("last used %v, want %v", got, hour)
	}
	entries, _, err := p.server.store.apiKeys.History(t.Context(), p.key.GetName(), 0, "")
	if err != nil || len(entries) != 2 {
		t.Fatalf("%d entries, %v; want that of the making and one of the use", len(entries), err)
	}
	if use := entries[1]; use.GetActor() != p.system.GetName() || use.GetDetails()[0].GetValue() != "used" {
		t.Errorf("the use is noted as %v", use)
	}
}

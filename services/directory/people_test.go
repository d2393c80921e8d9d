package directory

import (
	"context"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/docstore"
)

func TestSeedAgain(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	first := h.people
	h.activate("drafter")
	if err := h.server.SeedReference(ctx); err != nil {
		t.Fatal(err)
	}
	h.seed()
	if len(h.people) != 10 {
		t.Fatalf("%d sample people", len(h.people))
	}
	for login, i := range h.people {
		switch {
		case i.Person != first[login].Person:
			t.Errorf("%s was made twice", login)
		case login == "drafter" && i.Code != "":
			t.Error("a person with a password got a code")
		case login != "drafter" && (i.Code == "" || i.Code == first[login].Code):
			t.Errorf("%s got no new code", login)
		}
	}
	_, err := h.session.ActivateSignIn(ctx, &directoryv1.ActivateSignInRequest{
		Login: "office", OneTimeCode: first["office"].Code, Password: password,
	})
	h.wants(err, "SIGN_IN_FAILED")
	reviewer := h.as("reviewer")
	regions, err := h.directory.ListRegions(reviewer, &directoryv1.ListRegionsRequest{Filter: `parent_region = "regions/120000"`})
	if err != nil || len(regions.GetRegions()) != 16 {
		t.Errorf("districts: %v (%v)", regions, err)
	}
	bureaus, err := h.directory.ListBureaus(reviewer, &directoryv1.ListBureausRequest{Parent: hebei})
	if err != nil || len(bureaus.GetBureaus()) != 6 {
		t.Errorf("bureaus: %v (%v)", bureaus, err)
	}
	profiles, err := h.directory.ListJurisdictionProfiles(reviewer, &directoryv1.ListJurisdictionProfilesRequest{Parent: hebei})
	if err != nil || len(profiles.GetJurisdictionProfiles()) != 1 || !profiles.GetJurisdictionProfiles()[0].GetSample() {
		t.Errorf("profiles: %v (%v)", profiles, err)
	}
}

func TestPeople(t *testing.T) {
	h := newHouse(t)
	sysadmin, secadmin := h.as("sysadmin"), h.as("secadmin")
	bureau := h.bureauOf("drafter")
	request := &directoryv1.CreatePersonRequest{Parent: hebei, RequestId: "new-1", Person: &directoryv1.Person{
		DisplayName: "示例新人", Login: "newcomer", Bureau: bureau,
		Roles: []corev1.Role{corev1.Role_ROLE_SYSTEM_ADMINISTRATOR}, State: directoryv1.Person_ACTIVE,
	}}
	p, err := h.directory.CreatePerson(sysadmin, request)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.GetRoles()) != 0 || p.GetState() != directoryv1.Person_INVITED || p.GetEtag() == "" {
		t.Errorf("a new person: %v", p)
	}
	for range 2 {
		again, err := h.directory.CreatePerson(sysadmin, request)
		if err != nil || again.GetName() != p.GetName() {
			t.Errorf("the same request: %v (%v)", again, err)
		}
	}
	other := proto.CloneOf(request)
	other.Person.DisplayName = "示例别人"
	_, err = h.directory.CreatePerson(sysadmin, other)
	h.wants(err, "REQUEST_ID_REUSED")
	other.RequestId = ""
	_, err = h.directory.CreatePerson(sysadmin, other)
	h.wants(err, "LOGIN_TAKEN")
	other.Person.Login = "Newcomer"
	_, err = h.directory.CreatePerson(sysadmin, other)
	h.wantsField(err, "person.login", "STRING_PATTERN")
	other.Person.Login, other.Person.Bureau = "newcomer2", hebei+"/bureaus/nowhere"
	_, err = h.directory.CreatePerson(sysadmin, other)
	h.wantsField(err, "person.bureau", "BUREAU_UNKNOWN")

	// Roles: nobody but the security administrator, and not against the rules.
	set := func(roles ...corev1.Role) error {
		_, err := h.directory.SetPersonRoles(secadmin, &directoryv1.SetPersonRolesRequest{Name: p.GetName(), Roles: roles})
		return err
	}
	h.wantsField(set(corev1.Role_ROLE_REVIEWER, corev1.Role_ROLE_SECURITY_AUDITOR), "roles", "ROLES_EXCLUSIVE")
	h.wantsField(set(corev1.Role_ROLE_COUNSEL, corev1.Role_ROLE_REVIEWER), "roles", "ROLES_EXCLUSIVE")
	h.wants(set(corev1.Role_ROLE_REVIEWER, corev1.Role_ROLE_DRAFTER), "")
	_, err = h.directory.SetPersonRoles(sysadmin, &directoryv1.SetPersonRolesRequest{Name: p.GetName()})
	h.wants(err, "ROLE_REQUIRED")
	_, err = h.directory.SetPersonRoles(secadmin, &directoryv1.SetPersonRolesRequest{Name: p.GetName(), Etag: p.GetEtag()})
	h.wants(err, "ETAG_STALE")
	_, err = h.directory.DisablePerson(secadmin, &directoryv1.DisablePersonRequest{Name: h.people["secadmin"].Person})
	h.wants(err, "SELF_ADMINISTRATION_FORBIDDEN")

	// A change of roles ends sessions; the next token carries the new roles.
	issued, err := h.directory.IssueOneTimeCode(secadmin, &directoryv1.IssueOneTimeCodeRequest{Name: p.GetName()})
	if err != nil {
		t.Fatal(err)
	}
	h.people["newcomer"] = Invitation{Code: issued.GetOneTimeCode()}
	s := h.activate("newcomer")
	caller, err := h.verifier.User(s.GetAccessToken())
	if err != nil || !slices.Equal(caller.Roles, []corev1.Role{corev1.Role_ROLE_DRAFTER, corev1.Role_ROLE_REVIEWER}) {
		t.Errorf("caller: %v (%v)", caller, err)
	}
	h.wants(set(corev1.Role_ROLE_GENERAL_OFFICE), "")
	_, err = h.session.GetCaller(with(s), &directoryv1.GetCallerRequest{})
	h.wants(err, "TOKEN_REVOKED")
	_, err = h.session.RefreshSession(sysadmin, &directoryv1.RefreshSessionRequest{RefreshToken: s.GetRefreshToken()})
	h.wants(err, "SESSION_ENDED")

	found, err := h.directory.ListPeople(sysadmin, &directoryv1.ListPeopleRequest{Parent: hebei, Filter: `bureau = "` + bureau + `"`})
	if err != nil || len(found.GetPeople()) != 2 {
		t.Errorf("people of a bureau: %v (%v)", found, err)
	}
	_, err = h.directory.ListPeople(sysadmin, &directoryv1.ListPeopleRequest{Parent: hebei, Filter: `login = "x"`})
	h.wantsField(err, "filter", "FILTER_FIELD_UNKNOWN")
	page, err := h.directory.ListPeople(sysadmin, &directoryv1.ListPeopleRequest{Parent: hebei, PageSize: 3})
	if err != nil || len(page.GetPeople()) != 3 {
		t.Fatalf("a page: %v (%v)", page, err)
	}
	_, err = h.directory.ListBureaus(sysadmin, &directoryv1.ListBureausRequest{Parent: hebei, PageToken: page.GetNextPageToken()})
	h.wantsField(err, "page_token", "PAGE_TOKEN_INVALID")
}

// bureauOf tells where a sample person works.
func (h *house) bureauOf(login string) string {
	h.t.Helper()
	p, _, err := h.server.store.people.Get(context.Background(), h.people[login].Person)
	if err != nil {
		h.t.Fatal(err)
	}
	return p.GetBureau()
}

func TestBureaus(t *testing.T) {
	h := newHouse(t)
	sysadmin := h.as("sysadmin")
	create := func(uscc string) (*directoryv1.Bureau, error) {
		return h.directory.CreateBureau(sysadmin, &directoryv1.CreateBureauRequest{Parent: hebei, Bureau: &directoryv1.Bureau{
			DisplayName: "示例新局", Uscc: uscc, Kind: directoryv1.BureauKind_BUREAU_KIND_DEPARTMENT,
		}})
	}
	_, err := create("11120105990000017A")
	h.wantsField(err, "bureau.uscc", "USCC_INVALID")
	_, err = create("1112010599000001P")
	h.wantsField(err, "bureau.uscc", "USCC_INVALID")
	_, err = create("11120105990000017P")
	h.wants(err, "USCC_TAKEN")
	code := "1112010599000009"
	code += string(orgCheck(code[8:16]))
	code += string(usccCheck(code))
	b, err := create(code)
	if err != nil {
		t.Fatal(err)
	}

	update := func(b *directoryv1.Bureau, paths ...string) (*directoryv1.Bureau, error) {
		return h.directory.UpdateBureau(sysadmin, &directoryv1.UpdateBureauRequest{
			Bureau: b, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths},
		})
	}
	renamed, err := update(&directoryv1.Bureau{Name: b.GetName(), DisplayName: "示例改名局", Etag: b.GetEtag()})
	if err != nil || renamed.GetDisplayName() != "示例改名局" || renamed.GetUscc() != code || renamed.GetEtag() == b.GetEtag() {
		t.Errorf("renamed: %v (%v)", renamed, err)
	}
	_, err = update(&directoryv1.Bureau{Name: b.GetName(), DisplayName: "示例再改名局", Etag: b.GetEtag()}, "display_name")
	h.wants(err, "ETAG_STALE")
	_, err = update(&directoryv1.Bureau{Name: b.GetName(), Uscc: code}, "uscc")
	h.wantsField(err, "update_mask", "FIELD_NOT_CHANGEABLE")
	_, err = update(&directoryv1.Bureau{Name: b.GetName()}, "display_name")
	h.wantsField(err, "bureau.display_name", "NAME_LENGTH")
	_, err = update(&directoryv1.Bureau{Name: b.GetName(), Kind: 99}, "kind")
	h.wantsField(err, "bureau.kind", "KIND_INVALID")
	_, err = update(&directoryv1.Bureau{Name: b.GetName(), Successor: hebei + "/bureaus/nowhere"}, "successor")
	h.wantsField(err, "bureau.successor", "SUCCESSOR_UNKNOWN")
	_, err = update(&directoryv1.Bureau{Name: b.GetName(), Successor: b.GetName()}, "successor")
	h.wantsField(err, "bureau.successor", "SUCCESSOR_CYCLE")

	// Mergers: new bureau -> housing -> labour. The staff of labour inherit both.
	housing, labour := h.bureauOf("drafter2"), h.bureauOf("drafter")
	if _, err := update(&directoryv1.Bureau{Name: b.GetName(), Successor: housing}, "successor"); err != nil {
		t.Fatal(err)
	}
	if _, err := update(&directoryv1.Bureau{Name: housing, Successor: labour}, "successor"); err != nil {
		t.Fatal(err)
	}
	_, err = update(&directoryv1.Bureau{Name: labour, Successor: b.GetName()}, "successor")
	h.wantsField(err, "bureau.successor", "SUCCESSOR_CYCLE")
	caller, err := h.verifier.User(h.activate("drafter").GetAccessToken())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(caller.Viewers(), b.GetName()) || !slices.Contains(caller.Viewers(), housing) {
		t.Errorf("viewers of a successor's staff: %v", caller.Viewers())
	}
	caller, err = h.verifier.User(h.activate("drafter2").GetAccessToken())
	if err != nil || slices.Contains(caller.Viewers(), labour) {
		t.Errorf("viewers of a merged bureau's staff: %v (%v)", caller.Viewers(), err)
	}
}

func TestRegions(t *testing.T) {
	h := newHouse(t)
	sysadmin := h.as("sysadmin")
	create := func(id string, r *directoryv1.Region) (*directoryv1.Region, error) {
		return h.directory.CreateRegion(sysadmin, &directoryv1.CreateRegionRequest{RegionId: id, Region: r})
	}
	made, err := create("120107", &directoryv1.Region{
		DisplayName: "示例旧区", ParentRegion: "regions/120000", ValidFrom: date(t, "1980-01-01"), ValidUntil: date(t, "2010-01-01"),
	})
	if err != nil || made.GetName() != "regions/120107" {
		t.Fatalf("%v (%v)", made, err)
	}
	_, err = create("120107", &directoryv1.Region{DisplayName: "示例旧区"})
	h.wants(err, "RESOURCE_ALREADY_EXISTS")
	_, err = create("12010", &directoryv1.Region{DisplayName: "示例区"})
	h.wantsField(err, "region_id", "STRING_PATTERN")
	_, err = create("130102", &directoryv1.Region{DisplayName: "示例区", ParentRegion: "regions/130100"})
	h.wantsField(err, "region.parent_region", "PARENT_UNKNOWN")
	_, err = create("130102", &directoryv1.Region{
		DisplayName: "示例区", ValidFrom: date(t, "2010-01-01"), ValidUntil: date(t, "2009-01-01"),
	})
	h.wantsField(err, "region.valid_until", "DATES_OUT_OF_ORDER")
	if err := h.server.checkOpenRegion(context.Background(), "regions/120107"); err == nil {
		t.Error("a retired code is open for new bureaus")
	}
	// 河北区 is not 河北省.
	_, err = h.directory.GetRegion(sysadmin, &directoryv1.GetRegionRequest{Name: "regions/130000"})
	h.wants(err, "RESOURCE_NOT_FOUND")
	got, err := h.directory.GetRegion(sysadmin, &directoryv1.GetRegionRequest{Name: hebei})
	if err != nil || got.GetParentRegion() != "regions/120000" {
		t.Errorf("%v (%v)", got, err)
	}
}

// What lies in another region does not exist for a caller, whoever they are.
func TestOtherRegionsAreHidden(t *testing.T) {
	h := newHouse(t)
	const nankai = "regions/120104"
	ctx := asService(context.Background(), "test", "")
	bureau, _, err := h.server.store.bureaus.Create(ctx, &directoryv1.Bureau{
		Name: nankai + "/bureaus/b", DisplayName: "示例外区局", Uscc: "x", Kind: directoryv1.BureauKind_BUREAU_KIND_DEPARTMENT,
	}, docstore.Change{})
	if err != nil {
		t.Fatal(err)
	}
	person, _, err := h.server.store.people.Create(ctx, &directoryv1.Person{
		Name: nankai + "/people/p", DisplayName: "示例外区人员", Login: "stranger", Bureau: bureau.GetName(),
	}, docstore.Change{})
	if err != nil {
		t.Fatal(err)
	}
	profile := sampleProfile(t)
	profile.Name = nankai + "/jurisdictionProfiles/p"
	if _, _, err := h.server.store.profiles.Create(ctx, profile, docstore.Change{}); err != nil {
		t.Fatal(err)
	}
	sysadmin, secadmin, auditor := h.as("sysadmin"), h.as("secadmin"), h.as("secauditor")
	d := h.directory
	for name, call := range map[string]func() error{
		"GetBureau": func() error {
			_, err := d.GetBureau(sysadmin, &directoryv1.GetBureauRequest{Name: bureau.Name})
			return err
		},
		"ListBureaus": func() error {
			_, err := d.ListBureaus(sysadmin, &directoryv1.ListBureausRequest{Parent: nankai})
			return err
		},
		"CreateBureau": func() error {
			_, err := d.CreateBureau(sysadmin, &directoryv1.CreateBureauRequest{Parent: nankai, Bureau: &directoryv1.Bureau{DisplayName: "示例局", Uscc: "11120105990000017P", Kind: 3}})
			return err
		},
		"UpdateBureau": func() error {
			_, err := d.UpdateBureau(sysadmin, &directoryv1.UpdateBureauRequest{Bureau: &directoryv1.Bureau{Name: bureau.Name, DisplayName: "示例局"}})
			return err
		},
		"GetPerson": func() error {
			_, err := d.GetPerson(sysadmin, &directoryv1.GetPersonRequest{Name: person.Name})
			return err
		},
		"ListPeople": func() error {
			_, err := d.ListPeople(sysadmin, &directoryv1.ListPeopleRequest{Parent: nankai})
			return err
		},
		"CreatePerson": func() error {
			_, err := d.CreatePerson(sysadmin, &directoryv1.CreatePersonRequest{Parent: nankai, Person: &directoryv1.Person{DisplayName: "示例", Login: "someone", LawFirm: "示例律师事务所"}})
			return err
		},
		"SetPersonRoles": func() error {
			_, err := d.SetPersonRoles(secadmin, &directoryv1.SetPersonRolesRequest{Name: person.Name})
			return err
		},
		"DisablePerson": func() error {
			_, err := d.DisablePerson(secadmin, &directoryv1.DisablePersonRequest{Name: person.Name})
			return err
		},
		"IssueOneTimeCode": func() error {
			_, err := d.IssueOneTimeCode(secadmin, &directoryv1.IssueOneTimeCodeRequest{Name: person.Name})
			return err
		},
		"RevokeSessions": func() error {
			_, err := d.RevokeSessions(secadmin, &directoryv1.RevokeSessionsRequest{Name: person.Name})
			return err
		},
		"ListDirectoryHistory": func() error {
			_, err := d.ListDirectoryHistory(auditor, &directoryv1.ListDirectoryHistoryRequest{Parent: person.Name})
			return err
		},
		"CreateJurisdictionProfile": func() error {
			_, err := d.CreateJurisdictionProfile(sysadmin, &directoryv1.CreateJurisdictionProfileRequest{Parent: nankai, JurisdictionProfile: sampleProfile(t)})
			return err
		},
		"GetJurisdictionProfile": func() error {
			_, err := d.GetJurisdictionProfile(sysadmin, &directoryv1.GetJurisdictionProfileRequest{Name: profile.Name})
			return err
		},
		"ListJurisdictionProfiles": func() error {
			_, err := d.ListJurisdictionProfiles(sysadmin, &directoryv1.ListJurisdictionProfilesRequest{Parent: nankai})
			return err
		},
		"ResolveJurisdictionProfile": func() error {
			_, err := d.ResolveJurisdictionProfile(sysadmin, &directoryv1.ResolveJurisdictionProfileRequest{Parent: nankai})
			return err
		},
		"ComputeDeadline": func() error {
			_, err := d.ComputeDeadline(sysadmin, &directoryv1.ComputeDeadlineRequest{Region: nankai, Kind: kindFloor, StartDate: date(t, "2026-05-12")})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := *h
			h.t = t
			h.wants(call(), "RESOURCE_NOT_FOUND")
		})
	}
	_, err = d.GetPerson(sysadmin, &directoryv1.GetPersonRequest{Name: "people/x"})
	h.wantsField(err, "name", "RESOURCE_NAME_INVALID")
}

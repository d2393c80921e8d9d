package directory

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/resource"
)

//go:embed data/regions.yaml
var regionsData []byte

//go:embed data/sample.yaml
var sampleData []byte

//go:embed data/profile-120105.json
var profileData []byte

// municipality is the division above those of regionsData.
const municipality = "regions/120000"

// SeedReference adds the divisions and calendars shipped with the program that
// are not there yet, and leaves those that are as they are. It may run at every
// start, and in several processes at once.
func (s *Server) SeedReference(ctx context.Context) error {
	ctx = asService(ctx, "seed", "")
	var names map[string]string
	if err := yaml.Unmarshal(regionsData, &names); err != nil {
		return fmt.Errorf("read the shipped divisions: %w", err)
	}
	for _, code := range slices.Sorted(maps.Keys(names)) {
		region := &directoryv1.Region{Name: "regions/" + code, DisplayName: names[code], ParentRegion: municipality}
		if region.Name == municipality {
			region.ParentRegion = ""
		}
		if err := createMissing(ctx, s.store.regions, region.Name, region); err != nil {
			return fmt.Errorf("seed divisions: %w", err)
		}
	}
	years, err := calendar.Published()
	if err != nil {
		return err
	}
	for _, year := range years {
		c := calendarOf(year)
		if err := createMissing(ctx, s.store.calendars, c.Name, c); err != nil {
			return fmt.Errorf("seed calendars: %w", err)
		}
	}
	return nil
}

// createMissing creates a document unless one of its name exists.
func createMissing[M proto.Message](ctx context.Context, c docstore.Collection[M], name string, m M) error {
	_, _, err := c.Get(ctx, name)
	if !isNotFound(err) {
		return err
	}
	if _, _, err = c.Create(ctx, m, docstore.Change{}); isAlreadyExists(err) {
		return nil
	}
	return err
}

// Invitation tells how a sample person signs in.
type Invitation struct {
	// Login is the sign-in name.
	Login string
	// DisplayName is the name in Chinese; it says that the person is a sample.
	DisplayName string
	// Role is the person's only role.
	Role corev1.Role
	// Person is the resource name.
	Person string
	// Code is a new one-time code; empty once the person has set a password.
	Code string
}

// sample is the form of sampleData.
type sample struct {
	Region  string                  `yaml:"region"`
	Bureaus map[string]sampleBureau `yaml:"bureaus"`
	People  []samplePerson          `yaml:"people"`
}

type sampleBureau struct {
	DisplayName string `yaml:"display_name"`
	USCC        string `yaml:"uscc"`
	Kind        string `yaml:"kind"`
}

type samplePerson struct {
	Login       string `yaml:"login"`
	DisplayName string `yaml:"display_name"`
	Bureau      string `yaml:"bureau"`
	LawFirm     string `yaml:"law_firm"`
	Role        string `yaml:"role"`
}

// SeedSample adds the sample bureaus, people and jurisdiction profile of one
// district that are not there yet, after [Server.SeedReference]. Everyone who has
// not set a password gets a new one-time code, in the place of an earlier one.
func (s *Server) SeedSample(ctx context.Context) ([]Invitation, error) {
	ctx = asService(ctx, "seed", "")
	var data sample
	if err := yaml.Unmarshal(sampleData, &data); err != nil {
		return nil, fmt.Errorf("read the sample: %w", err)
	}
	bureaus := make(map[string]string, len(data.Bureaus))
	for _, key := range slices.Sorted(maps.Keys(data.Bureaus)) {
		name, err := s.seedBureau(ctx, data.Region, data.Bureaus[key])
		if err != nil {
			return nil, fmt.Errorf("seed bureau %s: %w", key, err)
		}
		bureaus[key] = name
	}
	if err := s.seedProfile(ctx, data.Region); err != nil {
		return nil, fmt.Errorf("seed the profile: %w", err)
	}
	invitations := make([]Invitation, 0, len(data.People))
	for _, p := range data.People {
		invitation, err := s.seedPerson(ctx, data.Region, bureaus, p)
		if err != nil {
			return nil, fmt.Errorf("seed person %s: %w", p.Login, err)
		}
		invitations = append(invitations, invitation)
	}
	return invitations, nil
}

func (s *Server) seedBureau(ctx context.Context, region string, data sampleBureau) (string, error) {
	b := &directoryv1.Bureau{
		Name:        region + "/bureaus/" + resource.NewID(s.now()),
		DisplayName: data.DisplayName,
		Uscc:        data.USCC,
		Kind:        directoryv1.BureauKind(directoryv1.BureauKind_value[data.Kind]),
	}
	if err := checkBureau(b); err != nil {
		return "", err
	}
	found, err := findOrCreate(ctx, s.store.bureaus, "uscc", data.USCC, b, docstore.Change{})
	return found.GetName(), err
}

func (s *Server) seedPerson(ctx context.Context, region string, bureaus map[string]string, data samplePerson) (Invitation, error) {
	role := corev1.Role(corev1.Role_value[data.Role])
	p := &directoryv1.Person{
		Name:        region + "/people/" + resource.NewID(s.now()),
		DisplayName: data.DisplayName,
		Login:       data.Login,
		Bureau:      bureaus[data.Bureau],
		LawFirm:     data.LawFirm,
		State:       directoryv1.Person_INVITED,
	}
	if err := checkPerson(p); err != nil {
		return Invitation{}, err
	}
	if err := setRoles(p, []corev1.Role{role}); err != nil {
		return Invitation{}, err
	}
	return s.invite(ctx, p)
}

// invite adds a person unless one with the sign-in name is there, and makes a
// new one-time code for whoever has not set a password yet.
func (s *Server) invite(ctx context.Context, p *directoryv1.Person) (Invitation, error) {
	p, err := findOrCreate(ctx, s.store.people, "login", p.GetLogin(), p, docstore.Change{
		To: p.State.String(), Details: []*corev1.Detail{docstore.Detail("roles", roleNames(p.Roles))},
	})
	if err != nil {
		return Invitation{}, err
	}
	invitation := Invitation{Login: p.GetLogin(), DisplayName: p.GetDisplayName(), Person: p.GetName()}
	if len(p.GetRoles()) > 0 {
		invitation.Role = p.GetRoles()[0]
	}
	credential, err := s.findCredential(ctx, p.GetLogin())
	if err != nil || credential.GetPasswordHash() != "" || p.GetState() == directoryv1.Person_DISABLED {
		return invitation, err
	}
	invitation.Code, err = s.newCode(ctx, p)
	return invitation, err
}

// SeedAdministrators adds the three separated administrators of a region, who
// set up everything else: the way into an empty store. They work for no bureau,
// since there is none yet; their sign-in names end in the region's code.
// Whoever has not set a password gets a new one-time code, in the place of an
// earlier one.
func (s *Server) SeedAdministrators(ctx context.Context, region string) ([]Invitation, error) {
	ctx = asService(ctx, "seed", "")
	if _, _, err := s.store.regions.Get(ctx, region); err != nil {
		return nil, fmt.Errorf("find %s: %w", region, err)
	}
	var invitations []Invitation
	for _, a := range []struct {
		login, name string
		role        corev1.Role
	}{
		{"sysadmin", "系统管理员", corev1.Role_ROLE_SYSTEM_ADMINISTRATOR},
		{"secadmin", "安全保密管理员", corev1.Role_ROLE_SECURITY_ADMINISTRATOR},
		{"secauditor", "安全审计员", corev1.Role_ROLE_SECURITY_AUDITOR},
	} {
		invitation, err := s.invite(ctx, &directoryv1.Person{
			Name: region + "/people/" + resource.NewID(s.now()), DisplayName: a.name,
			Login: a.login + "." + strings.TrimPrefix(region, "regions/"),
			State: directoryv1.Person_INVITED, Roles: []corev1.Role{a.role},
		})
		if err != nil {
			return nil, fmt.Errorf("seed %s: %w", a.login, err)
		}
		invitations = append(invitations, invitation)
	}
	return invitations, nil
}

// seedProfile adds the sample profile to a region that has none.
func (s *Server) seedProfile(ctx context.Context, region string) error {
	page, err := s.store.profiles.List(ctx, docstore.Query{
		Prefix:   &docstore.Prefix{Field: docstore.FieldName, Value: region + "/jurisdictionProfiles/"},
		PageSize: 1,
	})
	if err != nil || len(page.Items) > 0 {
		return err
	}
	p := &directoryv1.JurisdictionProfile{}
	if err := protojson.Unmarshal(profileData, p); err != nil {
		return fmt.Errorf("read the sample profile: %w", err)
	}
	if err := checkProfile(p); err != nil {
		return err
	}
	p.Name = region + "/jurisdictionProfiles/" + resource.NewID(s.now())
	_, _, err = s.store.profiles.Create(ctx, p, docstore.Change{})
	return err
}

// findOrCreate answers the document with a value of a unique field, after
// creating it where there is none.
func findOrCreate[M proto.Message](ctx context.Context, c docstore.Collection[M], field, value string, m M, change docstore.Change) (found M, err error) {
	for range 2 {
		page, err := c.List(ctx, docstore.Query{Equal: map[string]any{field: value}, PageSize: 1})
		if err != nil {
			return found, err
		}
		if len(page.Items) > 0 {
			return page.Items[0], nil
		}
		made, _, err := c.Create(ctx, m, change)
		if !isAlreadyExists(err) { // else another process came first
			return made, err
		}
	}
	return found, fmt.Errorf("%s %q: %w", field, value, docstore.ErrConflict)
}

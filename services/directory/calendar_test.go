package directory

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
)

func TestImportCalendar(t *testing.T) {
	h := newHouse(t)
	sysadmin, reviewer := h.as("sysadmin"), h.as("reviewer")
	load := func(c *directoryv1.Calendar) (*directoryv1.Calendar, error) {
		return h.directory.ImportCalendar(sysadmin, &directoryv1.ImportCalendarRequest{Calendar: c})
	}
	floor := &directoryv1.ComputeDeadlineRequest{Region: hebei, Kind: kindFloor, StartDate: date(t, "2026-12-30")}
	_, err := h.directory.ComputeDeadline(reviewer, floor)
	h.wants(err, "CALENDAR_NOT_LOADED")

	year := &directoryv1.Calendar{
		Year: 2027, Source: "示例放假通知", DaysOff: []string{"2027-01-01", "2027-01-04"}, MakeUpWorkdays: []string{"2027-01-02"},
	}
	for _, v := range []struct {
		field, reason string
		spoil         func(c *directoryv1.Calendar)
	}{
		{"calendar.days_off[1]", "CALENDAR_DATE_MALFORMED", func(c *directoryv1.Calendar) { c.DaysOff[1] = "2027-1-4" }},
		{"calendar.days_off[1]", "CALENDAR_DATE_OF_OTHER_YEAR", func(c *directoryv1.Calendar) { c.DaysOff[1] = "2026-01-04" }},
		{"calendar.make_up_workdays[0]", "CALENDAR_MAKE_UP_NOT_WEEKEND", func(c *directoryv1.Calendar) { c.MakeUpWorkdays[0] = "2027-01-05" }},
		{"calendar.make_up_workdays[0]", "CALENDAR_DATE_OVERLAP", func(c *directoryv1.Calendar) { c.DaysOff[1] = "2027-01-02" }},
		{"calendar.year", "INT32_GTE_LTE", func(c *directoryv1.Calendar) { c.Year = 1999 }},
	} {
		bad := proto.CloneOf(year)
		v.spoil(bad)
		_, err := load(bad)
		h.wantsField(err, v.field, v.reason)
	}
	stale := proto.CloneOf(year)
	stale.Etag = "of-another-time"
	_, err = load(stale)
	h.wants(err, "ETAG_STALE")

	made, err := load(year)
	if err != nil || made.GetName() != "calendars/2027" || made.GetEtag() == "" {
		t.Fatalf("%v (%v)", made, err)
	}
	got, err := h.directory.ComputeDeadline(reviewer, floor)
	if err != nil || got.GetProvisional() || text(got.GetDate()) != "2027-01-07" {
		t.Errorf("with the year loaded: %v (%v)", got, err)
	}

	// A notice that changes in the middle of the year counts at once.
	changed := proto.CloneOf(made)
	changed.DaysOff = append(changed.DaysOff, "2027-01-05")
	replaced, err := load(changed)
	if err != nil || len(replaced.GetDaysOff()) != 3 || replaced.GetEtag() == made.GetEtag() {
		t.Fatalf("%v (%v)", replaced, err)
	}
	_, err = load(changed)
	h.wants(err, "ETAG_STALE")
	if got, err = h.directory.ComputeDeadline(reviewer, floor); err != nil || text(got.GetDate()) != "2027-01-08" {
		t.Errorf("after the change: %v (%v)", got, err)
	}
	list, err := h.directory.ListCalendars(reviewer, &directoryv1.ListCalendarsRequest{})
	if err != nil || len(list.GetCalendars()) != 3 {
		t.Errorf("%v (%v)", list, err)
	}
	_, err = h.directory.GetCalendar(reviewer, &directoryv1.GetCalendarRequest{Name: "calendars/2030"})
	h.wants(err, "RESOURCE_NOT_FOUND")
}

func TestImportCalendarTwice(t *testing.T) {
	h := newHouse(t)
	sysadmin := h.as("sysadmin")
	r := &directoryv1.ImportCalendarRequest{RequestId: "import-1", Calendar: &directoryv1.Calendar{
		Year: 2027, Source: "示例放假通知", DaysOff: []string{"2027-01-01"},
	}}
	for range 3 {
		if _, err := h.directory.ImportCalendar(sysadmin, r); err != nil {
			t.Fatal(err)
		}
	}
	entries, _, err := h.server.store.calendars.History(context.Background(), "calendars/2027", 0, "")
	if err != nil || len(entries) != 1 {
		t.Errorf("one request left %d entries (%v)", len(entries), err)
	}
}

func TestProfiles(t *testing.T) {
	h := newHouse(t)
	sysadmin, reviewer := h.as("sysadmin"), h.as("reviewer")
	create := func(effective, note string, days int32) (*directoryv1.JurisdictionProfile, error) {
		h.clock.add(time.Second)
		p := sampleProfile(t)
		p.EffectiveDate, p.Note, p.Sample = date(t, effective), note, false
		p.FilingDeadlineDays.Value = days
		return h.directory.CreateJurisdictionProfile(sysadmin, &directoryv1.CreateJurisdictionProfileRequest{
			Parent: hebei, JurisdictionProfile: p,
		})
	}
	_, err := create("2026-06-01", "x", 0)
	h.wantsField(err, "jurisdiction_profile.filing_deadline_days.value", "SETTING_OUT_OF_RANGE")
	if _, err := create("2026-06-01", "六月起", 20); err != nil {
		t.Fatal(err)
	}
	second, err := create("2026-06-01", "更正", 25)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := create("2026-03-01", "三月起", 10); err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		on   string
		note string
		days int32
	}{
		{"2026-02-28", "示例", 15}, {"2026-03-01", "三月起", 10}, {"2026-05-31", "三月起", 10},
		{"2026-06-01", "更正", 25}, {"2030-01-01", "更正", 25},
	} {
		got, err := h.directory.ResolveJurisdictionProfile(reviewer, &directoryv1.ResolveJurisdictionProfileRequest{Parent: hebei, Date: date(t, v.on)})
		if err != nil || !strings.HasPrefix(got.GetNote(), v.note) || got.GetFilingDeadlineDays().GetValue() != v.days {
			t.Errorf("on %s: %v (%v), want %s", v.on, got, err, v.note)
		}
	}
	// Without a date: today, which is 2026-05-12.
	got, err := h.directory.ResolveJurisdictionProfile(reviewer, &directoryv1.ResolveJurisdictionProfileRequest{Parent: hebei})
	if err != nil || got.GetNote() != "三月起" {
		t.Errorf("today: %v (%v)", got, err)
	}
	_, err = h.directory.ResolveJurisdictionProfile(reviewer, &directoryv1.ResolveJurisdictionProfileRequest{Parent: hebei, Date: date(t, "2019-11-30")})
	h.wants(err, "PROFILE_NOT_IN_FORCE")
	deadline, err := h.directory.ComputeDeadline(reviewer, &directoryv1.ComputeDeadlineRequest{Region: hebei, Kind: kindFiling, StartDate: date(t, "2026-06-01")})
	if err != nil || text(deadline.GetDate()) != "2026-06-26" || deadline.GetJurisdictionProfile() != second.GetName() {
		t.Errorf("filing: %v (%v)", deadline, err)
	}
	list, err := h.directory.ListJurisdictionProfiles(reviewer, &directoryv1.ListJurisdictionProfilesRequest{Parent: hebei})
	if err != nil || len(list.GetJurisdictionProfiles()) != 4 || list.GetJurisdictionProfiles()[0].GetNote() != "三月起" {
		t.Errorf("newest first: %v (%v)", list, err)
	}
	same, err := h.directory.GetJurisdictionProfile(reviewer, &directoryv1.GetJurisdictionProfileRequest{Name: second.GetName()})
	if err != nil || !proto.Equal(same, second) {
		t.Errorf("%v (%v)", same, err)
	}
}

func TestHistory(t *testing.T) {
	h := newHouse(t)
	secadmin, auditor := h.as("secadmin"), h.as("secauditor")
	session := h.activate("drafter")
	person := session.GetPerson().GetName()
	_, err := h.signIn("drafter", "Wrong-2026-x")
	h.wants(err, "SIGN_IN_FAILED")
	if _, err := h.directory.SetPersonRoles(secadmin, &directoryv1.SetPersonRolesRequest{
		Name: person, Roles: []corev1.Role{corev1.Role_ROLE_REVIEWER}, RequestId: "roles-1",
	}); err != nil {
		t.Fatal(err)
	}
	list, err := h.directory.ListDirectoryHistory(auditor, &directoryv1.ListDirectoryHistoryRequest{Parent: person})
	if err != nil || len(list.GetHistory()) != 3 {
		t.Fatalf("%v (%v)", list, err)
	}
	roles := list.GetHistory()[2]
	if roles.GetActor() != h.people["secadmin"].Person || roles.GetRequestId() != "roles-1" ||
		!strings.Contains(prototext.Format(roles), "ROLE_REVIEWER") {
		t.Errorf("entry: %v", roles)
	}
	if first := list.GetHistory()[0]; first.GetActor() != "services/directory" || first.GetToState() != "INVITED" {
		t.Errorf("entry: %v", first)
	}
	page, err := h.directory.ListDirectoryHistory(auditor, &directoryv1.ListDirectoryHistoryRequest{Parent: person, PageSize: 2})
	if err != nil || len(page.GetHistory()) != 2 || page.GetNextPageToken() == "" {
		t.Errorf("a page: %v (%v)", page, err)
	}
	if _, err := h.directory.ListDirectoryHistory(auditor, &directoryv1.ListDirectoryHistoryRequest{Parent: "calendars/2026"}); err != nil {
		t.Error(err)
	}
	_, err = h.directory.ListDirectoryHistory(auditor, &directoryv1.ListDirectoryHistoryRequest{Parent: "credentials/drafter"})
	h.wantsField(err, "parent", "RESOURCE_NAME_INVALID")

	// The journal of a credential tells what happened, and by whom, and no secret.
	entries, _, err := h.server.store.credentials.History(context.Background(), "credentials/drafter", 0, "")
	if err != nil {
		t.Fatal(err)
	}
	var happened []string
	for _, e := range entries {
		text := prototext.Format(e)
		for _, secret := range []string{"argon2", password, h.people["drafter"].Code, hashCode(h.people["drafter"].Code), session.GetRefreshToken(), "Wrong-2026-x"} {
			if strings.Contains(text, secret) {
				t.Errorf("an entry holds %q: %s", secret, text)
			}
		}
		happened = append(happened, e.GetActor()[:8]+" "+e.GetDetails()[0].GetValue())
	}
	want := "services one_time_code_issued|regions/ password_set|services sign_in_failed|regions/ sessions_ended"
	if got := strings.Join(happened, "|"); got != want {
		t.Errorf("happened: %s", got)
	}
}

// A repeated command has no second effect: it spares the sessions that began
// since.
func TestRolesAreSetOnce(t *testing.T) {
	h := newHouse(t)
	session := h.activate("drafter")
	secadmin := h.as("secadmin")
	r := &directoryv1.SetPersonRolesRequest{Name: session.GetPerson().GetName(), Roles: []corev1.Role{corev1.Role_ROLE_REVIEWER}, RequestId: "r"}
	if _, err := h.directory.SetPersonRoles(secadmin, r); err != nil {
		t.Fatal(err)
	}
	again, err := h.signIn("drafter", password)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.directory.SetPersonRoles(secadmin, r); err != nil {
		t.Fatal(err)
	}
	if _, err := h.session.GetCaller(with(again), &directoryv1.GetCallerRequest{}); err != nil {
		t.Errorf("a repeated request ended a session it was not about: %v", err)
	}
	entries, _, err := h.server.store.people.History(context.Background(), r.GetName(), 0, "")
	if err != nil || len(entries) != 3 {
		t.Errorf("%d entries (%v)", len(entries), err)
	}
}

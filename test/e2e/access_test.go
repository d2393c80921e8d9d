package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	datepb "google.golang.org/genproto/googleapis/type/date"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// methods are the RPCs of every fashen service that is linked in, by name.
func methods() []protoreflect.MethodDescriptor {
	var all []protoreflect.MethodDescriptor
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package()), "fashen.") {
			return true
		}
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				all = append(all, service.Methods().Get(j))
			}
		}
		return true
	})
	slices.SortFunc(all, func(a, b protoreflect.MethodDescriptor) int { return strings.Compare(nameOf(a), nameOf(b)) })
	return all
}

// nameOf is the full name of a method as calls use it, without a leading slash.
func nameOf(m protoreflect.MethodDescriptor) string {
	return string(m.Parent().FullName()) + "/" + string(m.Name())
}

// Every RPC says in exactly one way who may call it, and what is between services
// is not on REST.
func TestAccessIsDeclared(t *testing.T) {
	all := methods()
	if len(all) == 0 {
		t.Fatal("no service is linked in")
	}
	for _, m := range all {
		for _, wrong := range accessFaults(nameOf(m), m.Options(), m.IsStreamingClient() || m.IsStreamingServer()) {
			t.Errorf("%s: %s", nameOf(m), wrong)
		}
	}
}

// accessFaults tells what is wrong with the access rule of a method.
func accessFaults(name string, options proto.Message, stream bool) []string {
	var faults []string
	access, _ := proto.GetExtension(options, corev1.E_Access).(*corev1.Access)
	bound := proto.HasExtension(options, annotations.E_Http)
	ways := 0
	for _, way := range []bool{access.GetAnyone(), access.GetSignedIn(), len(access.GetRoles()) > 0, access.GetServiceOnly(), access.GetServiceItself(), access.GetGatewayOnly()} {
		if way {
			ways++
		}
	}
	if ways != 1 {
		faults = append(faults, fmt.Sprintf("declares %d ways of access, want 1", ways))
	}
	between := access.GetServiceOnly() || access.GetServiceItself() || access.GetGatewayOnly()
	if between && bound {
		faults = append(faults, "is for services only and has an http binding")
	}
	if !between && !bound && !stream {
		faults = append(faults, "has no http binding")
	}
	if access.GetAnyone() && !strings.HasPrefix(name, sessionService) && name != letterService+"VerifyLetter" {
		faults = append(faults, "is open to anyone; only signing in and checking a letter are")
	}
	for i, role := range access.GetRoles() {
		if role == corev1.Role_ROLE_UNSPECIFIED || corev1.Role_name[int32(role)] == "" || slices.Contains(access.GetRoles()[:i], role) {
			faults = append(faults, fmt.Sprintf("role %d is unknown or there twice", role))
		}
	}
	return faults
}

// The check above finds what it is for.
func TestAccessFaultsAreFound(t *testing.T) {
	roles := []corev1.Role{corev1.Role_ROLE_REVIEWER}
	for _, c := range []struct {
		name   string
		access *corev1.Access
		bound  bool
		want   int
	}{
		{"roles", &corev1.Access{Roles: roles}, true, 0},
		{"between services", &corev1.Access{ServiceOnly: true}, false, 0},
		{"a service itself", &corev1.Access{ServiceItself: true}, false, 0},
		{"a service itself and on REST", &corev1.Access{ServiceItself: true}, true, 1},
		{"no rule", nil, true, 1},
		{"an empty rule", &corev1.Access{}, true, 1},
		{"two ways", &corev1.Access{SignedIn: true, Roles: roles}, true, 1},
		{"between services and on REST", &corev1.Access{ServiceOnly: true}, true, 1},
		{"for the gateway", &corev1.Access{GatewayOnly: true}, false, 0},
		{"for the gateway and on REST", &corev1.Access{GatewayOnly: true}, true, 1},
		{"not on REST", &corev1.Access{Roles: roles}, false, 1},
		{"anyone", &corev1.Access{Anyone: true}, true, 1},
		{"a role that is none", &corev1.Access{Roles: []corev1.Role{0}}, true, 1},
		{"a role twice", &corev1.Access{Roles: append(roles, roles...)}, true, 1},
	} {
		options := filingv1.File_fashen_filing_v1_filing_service_proto.Services().Get(0).Methods().ByName("GetDocument").Options()
		options = proto.Clone(options)
		proto.ClearExtension(options, corev1.E_Access)
		if c.access != nil {
			proto.SetExtension(options, corev1.E_Access, c.access)
		}
		if !c.bound {
			proto.ClearExtension(options, annotations.E_Http)
		}
		if faults := accessFaults("fashen.example.v1.ExampleService/Call", options, false); len(faults) != c.want {
			t.Errorf("%s: %v, want %d faults", c.name, faults, c.want)
		}
	}
}

// names are what the requests of the table are about.
type names struct {
	region, bureau, profile, document, revision, review, assignment string
	signedReview, signedCounsel, draftReview, draftCounsel          string
	// check is one of an opinion of a colleague, for the reviewer to decide; internal
	// and addressed are comments, the second for the assigned counsel too.
	check, internal, addressed string
	// colleague is another reviewer of the region.
	colleague string
	// matter is submitted and assigned to the counsel; bare is not submitted, and lacks
	// what its review asks for.
	matter, matterDraft, bare string
	// system has the key apiKey; retired is one that is disabled.
	system, apiKey, retired string
	// delegation lets the reviewer act for a colleague; recalled is one that was
	// revoked. standIn is the token of a colleague in the reviewer's place.
	delegation, recalled, standIn string
	// webhook of the system has the delivery; mute is one that is disabled.
	webhook, delivery, mute string
	// ruleSet is a built-in rule set, candidate a changed rule library on trial.
	ruleSet, candidate string
	// entry is counsel's on the register, engagement the contract.
	entry, engagement string
	// solicitation asks an expert, with one reply.
	solicitation, reply string
	// letter was issued and not served, served was; concluded is the opinion of both.
	letter, served, concluded, register, code string
	// person drafts, spare and leaver never sign in.
	person, spare, leaver string
	// etag is the version the requests are about; the newest when empty.
	etag string
	// file is the draft of the document, as it was uploaded.
	file []byte
	// refresh is the refresh token of a person nobody else signs in as.
	refresh *string
	digest  string
	whole   *directoryv1.JurisdictionProfile
}

// each answers the same names, changed.
func (n names) each(change func(string) string) names {
	for _, s := range []*string{
		&n.region, &n.bureau, &n.person, &n.spare, &n.leaver, &n.profile, &n.document, &n.revision, &n.review, &n.assignment,
		&n.check, &n.internal, &n.addressed, &n.colleague, &n.matter, &n.matterDraft, &n.bare,
		&n.signedReview, &n.signedCounsel, &n.draftReview, &n.draftCounsel, &n.system, &n.apiKey, &n.retired,
		&n.delegation, &n.recalled,
		&n.webhook, &n.delivery, &n.mute, &n.candidate, &n.entry, &n.engagement,
		&n.letter, &n.served, &n.concluded, &n.register, &n.solicitation, &n.reply,
	} {
		*s = change(*s)
	}
	return n
}

// moved are the same names in another region.
func (n names) moved() names {
	return n.each(func(s string) string { return elsewhere + strings.TrimPrefix(s, region) })
}

// absent are names of the same shape that nothing has.
func (n names) absent() names { return n.each(absentName) }

func absentName(name string) string {
	parts := strings.Split(name, "/")
	for i := 3; i < len(parts); i += 2 {
		if len(parts[i]) == len(absentID) {
			parts[i] = absentID
		}
	}
	return strings.Join(parts, "/")
}

// hire adds a counsel, who can sign in from then on.
func (w *world) hire(t *testing.T, login, firm string) string {
	t.Helper()
	p := &directoryv1.Person{}
	w.must(t, "sysadmin", directoryService+"CreatePerson", &directoryv1.CreatePersonRequest{
		Parent: region, Person: &directoryv1.Person{DisplayName: "示例法律顾问（" + login + "）", Login: login, LawFirm: firm},
	}, p)
	w.must(t, "secadmin", directoryService+"SetPersonRoles", &directoryv1.SetPersonRolesRequest{
		Name: p.GetName(), Roles: []corev1.Role{corev1.Role_ROLE_COUNSEL},
	}, p)
	code := &directoryv1.IssueOneTimeCodeResponse{}
	w.must(t, "secadmin", directoryService+"IssueOneTimeCode", &directoryv1.IssueOneTimeCodeRequest{Name: p.GetName()}, code)
	w.people[login], w.codes[login] = p.GetName(), code.GetOneTimeCode()
	w.retain(t, login)
	return p.GetName()
}

// retain enters a counsel on the register, once, under a contract that is in force
// for years, and answers the entry.
func (w *world) retain(t *testing.T, login string) string {
	t.Helper()
	if w.retained[login] != "" {
		return w.retained[login]
	}
	e := &counselv1.CounselEntry{}
	w.must(t, "reviewer", registerService+"CreateCounselEntry", &counselv1.CreateCounselEntryRequest{
		Parent: region, CounselEntry: &counselv1.CounselEntry{
			Person: w.people[login], Kind: counselv1.CounselEntry_RETAINED_COUNSEL, CertificateNumber: "SL-" + login,
			PracticeStartDate: &datepb.Date{Year: 2015, Month: 7, Day: 1}, Specialities: []string{"行政法"},
		},
	}, e)
	w.must(t, "reviewer", registerService+"CreateEngagement", &counselv1.CreateEngagementRequest{
		Parent: e.GetName(), Engagement: &counselv1.Engagement{
			ContractNumber: "示例合同一号", Scope: "规范性文件合法性审核",
			StartDate: &datepb.Date{Year: 2019, Month: 1, Day: 1}, EndDate: &datepb.Date{Year: 2035, Month: 12, Day: 31},
		},
	}, &counselv1.Engagement{})
	if w.retained == nil {
		w.retained = map[string]string{}
	}
	w.retained[login] = e.GetName()
	return e.GetName()
}

// drafted starts an opinion that is not signed.
func (w *world) drafted(t *testing.T, login, review string) *counselv1.Opinion {
	t.Helper()
	o := &counselv1.Opinion{}
	w.must(t, login, counselService+"CreateOpinion", &counselv1.CreateOpinionRequest{
		Parent: review, Opinion: &counselv1.Opinion{Summary: "示例草稿。"},
	}, o)
	return o
}

// prepareMatrix makes the world the table speaks of.
func prepareMatrix(t *testing.T, w *world) names {
	t.Helper()
	n := names{region: region, file: draft(t, "1200"), bureau: w.bureau[labour], refresh: new(string)}
	w.hire(t, "counsel-idle", "另一示例律师事务所")
	w.hire(t, "visitor", otherFirm)
	n.person, n.spare, n.leaver = w.people["drafter"], w.hire(t, "spare", otherFirm), w.hire(t, "leaver", otherFirm)
	w.as(t, "visitor")
	w.hire(t, "returner", otherFirm)
	w.as(t, "returner")
	session := &directoryv1.Session{}
	w.must(t, "returner", sessionService+"SignIn", &directoryv1.SignInRequest{Login: "returner", Password: password}, session)
	*n.refresh = session.GetRefreshToken()

	d := w.prepared(t, true)
	n.document, n.revision = d.GetName(), w.mustUpload(t, d.GetName(), n.file).GetName()
	d, c := w.accepted(t, d)
	n.digest, n.review = d.GetVersionDigest(), c.GetName()
	n.assignment = w.assigned(t, n.review).GetName()
	n.signedReview = w.opinion(t, "reviewer", n.review, counselv1.Conclusion_LAWFUL).GetName()
	n.signedCounsel = w.opinion(t, "counsel", n.review, counselv1.Conclusion_LAWFUL).GetName()
	n.draftReview = w.drafted(t, "reviewer", n.review).GetName()
	n.draftCounsel = w.drafted(t, "counsel", n.review).GetName()
	n.colleague = w.people["reviewer2"]
	m, mc := w.submittedMatter(t)
	w.assigned(t, mc.GetName())
	n.matter, n.matterDraft, n.bare = m.GetName(), m.GetCurrentRevision(), w.newMatter(t, counselv1.Regime_REGIME_ADVICE).GetName()
	n.check = w.askCheck(t, "reviewer2", w.signable(t, "reviewer2", n.review).GetName(), "reviewer").GetName()
	n.internal, n.addressed = w.comment(t, "reviewer", n.review).GetName(), w.comment(t, "reviewer", n.review, "counsel").GetName()
	n.entry = w.retained["counsel"]
	n.engagement = w.engagements(t, n.entry)[0].GetName()
	expert := w.solicit(t, n.review, &counselv1.Solicitation{Kind: counselv1.Solicitation_EXPERT, Addressee: "示例专家（示例大学）"})
	n.solicitation, n.reply = expert.GetName(), w.reply(t, "reviewer", expert, "示例意见。").GetName()
	n.whole = &directoryv1.JurisdictionProfile{}
	w.must(t, "office", directoryService+"ResolveJurisdictionProfile", &directoryv1.ResolveJurisdictionProfileRequest{Parent: region}, n.whole)
	n.profile = n.whole.GetName()
	_, n.concluded = w.concluded(t)
	_, another := w.concluded(t)
	issued, served := w.letter(t, "reviewer", "CreateLetter", letterFor(n.concluded)), w.letter(t, "reviewer", "CreateLetter", letterFor(another))
	w.letter(t, "reviewer", "ServeLetter", &counselv1.ServeLetterRequest{Name: served.GetName()})
	n.letter, n.code, n.served, n.register = issued.GetName(), issued.GetVerificationCode(), served.GetName(), register2026
	n.system, n.retired = w.connect(t, labour), w.connect(t, labour)
	n.apiKey = w.keyFor(t, n.system, "filing").GetName()
	n.delegation = w.delegated(t, "reviewer2", "reviewer", "2026-04-08", corev1.Role_ROLE_REVIEWER).GetName()
	n.recalled = w.delegated(t, "reviewer2", "reviewer", "2026-04-08", corev1.Role_ROLE_REVIEWER).GetName()
	n.standIn = w.actFor(t, "reviewer2", w.delegated(t, "reviewer", "reviewer2", "2026-04-08", corev1.Role_ROLE_REVIEWER))
	n.webhook, n.mute = w.hook(t, n.system, "http://127.0.0.1:1/").GetName(), w.hook(t, n.system, "http://127.0.0.1:1/").GetName()
	n.ruleSet, n.candidate = w.ruleSet(t, "competition", nil).GetName(), w.imported(t, "reviewer").GetName()
	w.newDocument(t, true)
	n.delivery = w.settled(t, n.webhook, is(directoryv1.Delivery_PENDING))[0].GetName()
	return n
}

func codeOf(f *failure) codes.Code {
	if f == nil {
		return codes.OK
	}
	return f.code
}

// messages makes an empty request and answer of a method.
func messages(t *testing.T, method string) (in, out protoreflect.Message) {
	t.Helper()
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(method, "/", ".")))
	if err != nil {
		t.Fatal(err)
	}
	made := make([]protoreflect.Message, 0, 2)
	m := d.(protoreflect.MethodDescriptor)
	for _, of := range []protoreflect.MessageDescriptor{m.Input(), m.Output()} {
		message, err := protoregistry.GlobalTypes.FindMessageByName(of.FullName())
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, message.New())
	}
	return made[0], made[1]
}

func field(m protoreflect.Message, name protoreflect.Name) protoreflect.FieldDescriptor {
	return m.Descriptor().Fields().ByName(name)
}

// get reads one resource by its name.
func (w *world) get(t *testing.T, login, method, name string) *failure {
	t.Helper()
	in, out := messages(t, method)
	in.Set(field(in, "name"), protoreflect.ValueOfString(name))
	return w.try(t, login, method, in.Interface(), out.Interface())
}

// list reads the names of all resources below a parent, in pages of two.
func (w *world) list(t *testing.T, login, method, parent string) ([]string, *failure) {
	t.Helper()
	var all []string
	for token := ""; ; {
		in, out := messages(t, method)
		in.Set(field(in, "parent"), protoreflect.ValueOfString(parent))
		in.Set(field(in, "page_size"), protoreflect.ValueOfInt32(2))
		in.Set(field(in, "page_token"), protoreflect.ValueOfString(token))
		if f := w.try(t, login, method, in.Interface(), out.Interface()); f != nil {
			return nil, f
		}
		items := out.Get(out.Descriptor().Fields().ByNumber(1)).List()
		for i := range items.Len() {
			item := items.Get(i).Message()
			all = append(all, item.Get(field(item, "name")).String())
		}
		if token = out.Get(field(out, "next_page_token")).String(); token == "" {
			return all, nil
		}
	}
}

package e2e

import (
	"slices"
	"testing"
	"time"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

const delegationService = "fashen.directory.v1.DelegationService/"

// delegationRequests are the requests of the table about delegations.
var delegationRequests = map[string]func(n names) proto.Message{
	delegationService + "CreateDelegation": func(n names) proto.Message {
		return &directoryv1.CreateDelegationRequest{Parent: n.region, Delegation: &directoryv1.Delegation{
			Principal: n.person, Delegate: n.person, Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER}, Reason: "示例：外出培训",
			FirstDate: &datepb.Date{Year: 2026, Month: 4, Day: 8}, LastDate: &datepb.Date{Year: 2026, Month: 4, Day: 8},
		}}
	},
	delegationService + "GetDelegation":    func(n names) proto.Message { return &directoryv1.GetDelegationRequest{Name: n.delegation} },
	delegationService + "ListDelegations":  func(n names) proto.Message { return &directoryv1.ListDelegationsRequest{Parent: n.region} },
	delegationService + "ActForPrincipal":  func(n names) proto.Message { return &directoryv1.ActForPrincipalRequest{Name: n.delegation} },
	delegationService + "RevokeDelegation": func(n names) proto.Message { return &directoryv1.RevokeDelegationRequest{Name: n.recalled} },
}

// delegated lets one persona stand in for another until a day.
func (w *world) delegated(t *testing.T, principal, delegate, until string, roles ...corev1.Role) *directoryv1.Delegation {
	t.Helper()
	d := &directoryv1.Delegation{}
	w.must(t, principal, delegationService+"CreateDelegation", &directoryv1.CreateDelegationRequest{
		Parent: region, Delegation: &directoryv1.Delegation{
			Principal: w.people[principal], Delegate: w.people[delegate], Roles: roles, Reason: "示例：外出培训",
			FirstDate: date(t, w.clock.time().In(shanghai).Format(time.DateOnly)), LastDate: date(t, until),
		},
	}, d)
	return d
}

// actFor is a token of the delegate.
func (w *world) actFor(t *testing.T, delegate string, d *directoryv1.Delegation) string {
	t.Helper()
	s := &directoryv1.Session{}
	w.must(t, delegate, delegationService+"ActForPrincipal", &directoryv1.ActForPrincipalRequest{Name: d.GetName()}, s)
	if s.GetRefreshToken() != "" || s.GetPerson().GetName() != d.GetPrincipal() {
		t.Errorf("session in another's place: %v", s)
	}
	return s.GetAccessToken()
}

func reason(f *failure) string {
	if f == nil {
		return ""
	}
	return f.reason
}

// The reviewer is away, and a colleague signs and concludes in their place what the
// reviewer had begun. The case shows both.
func TestDelegateConcludes(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		_, c := w.accepted(t, w.prepared(t, true))
		begun := w.drafted(t, "reviewer", c.GetName())
		d := w.delegated(t, "reviewer", "reviewer2", "2026-04-10", corev1.Role_ROLE_REVIEWER)
		token := w.actFor(t, "reviewer2", d)
		call := func(method string, in, out proto.Message) {
			t.Helper()
			if f := w.call(t.Context(), token, counselService+method, in, out); f != nil {
				t.Fatalf("%s in another's place: %v", method, f)
			}
		}
		if f := w.try(t, "reviewer2", counselService+"GetOpinion", &counselv1.GetOpinionRequest{Name: begun.GetName()}, begun); reason(f) != "RESOURCE_NOT_FOUND" {
			t.Errorf("a colleague in their own name sees the draft: %v", f)
		}
		call("UpdateOpinion", &counselv1.UpdateOpinionRequest{
			Opinion:    &counselv1.Opinion{Name: begun.GetName(), Conclusion: counselv1.Conclusion_LAWFUL, Checklist: checklist(counselv1.Conclusion_LAWFUL)},
			UpdateMask: fields("conclusion", "checklist"),
		}, begun)
		call("SignOpinion", &counselv1.SignOpinionRequest{Name: begun.GetName()}, begun)
		if begun.GetAuthor() != w.people["reviewer"] || begun.GetSigner() != w.people["reviewer2"] ||
			!slices.Equal(begun.GetDelegates(), []string{w.people["reviewer2"]}) {
			t.Errorf("opinion of %s, signed by %s, written by %v", begun.GetAuthor(), begun.GetSigner(), begun.GetDelegates())
		}
		call("ConcludeCase", &counselv1.ConcludeCaseRequest{Name: c.GetName(), Opinion: begun.GetName(), TimeSufficient: true}, c)
		if c.GetState() != counselv1.Case_CONCLUDED_LAWFUL {
			t.Errorf("state %v", c.GetState())
		}
		history := &counselv1.ListCaseHistoryResponse{}
		w.must(t, "drafter", counselService+"ListCaseHistory", &counselv1.ListCaseHistoryRequest{Parent: c.GetName()}, history)
		last := history.GetHistory()[len(history.GetHistory())-1]
		if last.GetActor() != w.people["reviewer2"] || last.GetOnBehalfOf() != w.people["reviewer"] || last.GetToState() != "CONCLUDED_LAWFUL" {
			t.Errorf("on record: %v", last)
		}
		audit := &directoryv1.ListDirectoryHistoryResponse{}
		w.must(t, "secauditor", directoryService+"ListDirectoryHistory", &directoryv1.ListDirectoryHistoryRequest{Parent: d.GetName()}, audit)
		if n := len(audit.GetHistory()); n != 2 || audit.GetHistory()[1].GetActor() != w.people["reviewer2"] {
			t.Errorf("the auditor reads %d entries: %v", n, audit.GetHistory())
		}
	})
}

// Whoever drafted a document neither reviews it for a colleague nor has a colleague
// review it for them, and the attempts are on record.
func TestDelegateWhoDraftedIsBarred(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		both := []corev1.Role{corev1.Role_ROLE_DRAFTER, corev1.Role_ROLE_REVIEWER}
		w.must(t, "secadmin", directoryService+"SetPersonRoles", &directoryv1.SetPersonRolesRequest{Name: w.people["reviewer2"], Roles: both}, &directoryv1.Person{})
		delete(w.tokens, "reviewer2")
		drafted := &filingv1.Document{}
		w.must(t, "reviewer2", filingService+"CreateDocument", &filingv1.CreateDocumentRequest{Parent: region, Document: &filingv1.Document{
			Title: "示例办法", IssuingAuthority: w.bureau[government], OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
		}}, drafted)
		whole := w.packaged(t, "reviewer2", drafted)
		whole = w.document(t, "reviewer2", "SubmitDocument", &filingv1.SubmitDocumentRequest{Name: whole.GetName()})
		accept := func(token string) *failure {
			return w.call(t.Context(), token, counselService+"AcceptCase", &counselv1.AcceptCaseRequest{Name: whole.GetReviewCase()}, &counselv1.Case{})
		}
		there := w.actFor(t, "reviewer2", w.delegated(t, "reviewer", "reviewer2", "2026-04-10", corev1.Role_ROLE_REVIEWER))
		back := w.actFor(t, "reviewer", w.delegated(t, "reviewer2", "reviewer", "2026-04-10", corev1.Role_ROLE_REVIEWER))
		for name, token := range map[string]string{"for a colleague": there, "by a colleague": back, "in own name": w.as(t, "reviewer2")} {
			if f := accept(token); reason(f) != "SELF_REVIEW_FORBIDDEN" {
				t.Errorf("own draft %s: %v", name, f)
			}
		}
		c := w.review(t, "reviewer", "AcceptCase", &counselv1.AcceptCaseRequest{Name: whole.GetReviewCase()})
		begun := w.drafted(t, "reviewer", c.GetName())
		edit := &counselv1.UpdateOpinionRequest{Opinion: &counselv1.Opinion{Name: begun.GetName(), Summary: "示例"}, UpdateMask: fields("summary")}
		if f := w.call(t.Context(), there, counselService+"UpdateOpinion", edit, begun); reason(f) != "SELF_REVIEW_FORBIDDEN" {
			t.Errorf("writing on the opinion of a colleague: %v", f)
		}
		leavesToOthers(t, w, "reviewer2", c)
		history := &counselv1.ListCaseHistoryResponse{}
		w.must(t, "reviewer", counselService+"ListCaseHistory", &counselv1.ListCaseHistoryRequest{Parent: c.GetName()}, history)
		inPlace := 0
		for _, e := range history.GetHistory() {
			if e.GetOutcome() == corev1.Outcome_OUTCOME_REFUSED && e.GetOnBehalfOf() != "" {
				inPlace++
			}
		}
		if inPlace != 3 {
			t.Errorf("%d refusals in another's place on record, want 3", inPlace)
		}
	})
}

// leavesToOthers has a reviewer who drafted the subject try what only looks on: whom to
// ask about it, and when that ends.
func leavesToOthers(t *testing.T, w *world, login string, c *counselv1.Case) {
	t.Helper()
	a, q := w.assigned(t, c.GetName()), &counselv1.Solicitation{Kind: counselv1.Solicitation_PUBLIC, Addressee: "示例区政府网站"}
	ask := &counselv1.CreateSolicitationRequest{Parent: c.GetName(), Solicitation: &counselv1.Solicitation{
		Kind: q.GetKind(), Addressee: q.GetAddressee(), Question: "示例问题？", DueDate: ymd(2026, 12, 31),
	}}
	q = w.solicit(t, c.GetName(), q)
	for method, in := range map[string]proto.Message{
		solicitationService + "CreateSolicitation": ask,
		solicitationService + "CloseSolicitation":  &counselv1.CloseSolicitationRequest{Name: q.GetName()},
		counselService + "CreateAssignment": &counselv1.CreateAssignmentRequest{
			Parent: c.GetName(), Assignment: &counselv1.Assignment{Counsel: w.people["counsel"], Question: "是否合法？"},
		},
		counselService + "WaiveConflict":      &counselv1.WaiveConflictRequest{Name: a.GetName(), Consent: "同意"},
		counselService + "WithdrawAssignment": &counselv1.WithdrawAssignmentRequest{Name: a.GetName(), Reason: "示例"},
		counselService + "CloseAssignment":    &counselv1.CloseAssignmentRequest{Name: a.GetName(), Evaluation: &counselv1.Evaluation{Score: 5}},
	} {
		if f := w.try(t, login, method, in, &counselv1.Case{}); reason(f) != "SELF_REVIEW_FORBIDDEN" {
			t.Errorf("%s about the own draft: %v", method, f)
		}
	}
	o, list := w.opinion(t, "counsel", c.GetName(), counselv1.Conclusion_LAWFUL), &counselv1.ListOpinionsResponse{}
	if f := w.get(t, login, counselService+"GetOpinion", o.GetName()); reason(f) != "RESOURCE_NOT_FOUND" {
		t.Errorf("what counsel wrote of the own draft: %v", f)
	}
	w.must(t, login, counselService+"ListOpinions", &counselv1.ListOpinionsRequest{Parent: c.GetName()}, list)
	if len(list.GetOpinions()) != 0 {
		t.Errorf("what counsel wrote of the own draft is listed: %v", list)
	}
	w.must(t, "reviewer", counselService+"GetOpinion", &counselv1.GetOpinionRequest{Name: o.GetName()}, o)
}

// A delegation ends with its last day, when it is revoked, with the session of the
// delegate and with either person; and nothing can be made of it meanwhile.
func TestDelegationEnds(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		role := corev1.Role_ROLE_REVIEWER
		list := func(token string) *failure {
			return w.call(t.Context(), token, counselService+"ListCases", &counselv1.ListCasesRequest{Parent: region}, &counselv1.ListCasesResponse{})
		}
		wants := func(what string, f *failure, want string) {
			t.Helper()
			if reason(f) != want {
				t.Errorf("%s: %v, want %q", what, f, want)
			}
		}
		act := func(d *directoryv1.Delegation) *failure {
			return w.try(t, "reviewer2", delegationService+"ActForPrincipal", &directoryv1.ActForPrincipalRequest{Name: d.GetName()}, &directoryv1.Session{})
		}
		d := w.delegated(t, "reviewer", "reviewer2", "2026-04-08", role)
		token := w.actFor(t, "reviewer2", d)
		wants("in force", list(token), "")
		noChain(t, w, token, d)

		w.must(t, "reviewer", delegationService+"RevokeDelegation", &directoryv1.RevokeDelegationRequest{Name: d.GetName()}, d)
		w.ends(t, "revoked by the principal", func() *failure { return list(token) })
		wants("a revoked one", act(d), "DELEGATION_NOT_IN_FORCE")

		d = w.delegated(t, "reviewer", "reviewer2", "2026-04-08", role)
		own := &directoryv1.Session{}
		w.must(t, "reviewer2", sessionService+"SignIn", &directoryv1.SignInRequest{Login: "reviewer2", Password: password}, own)
		s := &directoryv1.Session{}
		if f := w.call(t.Context(), own.GetAccessToken(), delegationService+"ActForPrincipal", &directoryv1.ActForPrincipalRequest{Name: d.GetName()}, s); f != nil {
			t.Fatal(f)
		}
		wants("by a second session", list(s.GetAccessToken()), "")
		if f := w.call(t.Context(), own.GetAccessToken(), sessionService+"SignOut", &directoryv1.SignOutRequest{}, &directoryv1.SignOutResponse{}); f != nil {
			t.Fatal(f)
		}
		w.ends(t, "after the delegate signed out", func() *failure { return list(s.GetAccessToken()) })

		w.clock.later(15*time.Hour - 10*time.Minute) // 23:50 in Shanghai
		token = w.actFor(t, "reviewer2", d)
		wants("on the last evening", list(token), "")
		w.clock.later(10 * time.Minute)
		wants("past midnight", list(token), "TOKEN_EXPIRED")
		wants("the day after", act(d), "DELEGATION_NOT_IN_FORCE")

		d = w.delegated(t, "reviewer", "reviewer2", "2026-04-20", role)
		token = w.actFor(t, "reviewer2", d)
		w.must(t, "secadmin", directoryService+"DisablePerson", &directoryv1.DisablePersonRequest{Name: w.people["reviewer"]}, &directoryv1.Person{})
		w.ends(t, "the principal is disabled", func() *failure { return list(token) })
		wants("of a disabled principal", act(d), "PERSON_DISABLED")
	})
}

// noChain sees that a delegate's token begets nothing.
func noChain(t *testing.T, w *world, token string, d *directoryv1.Delegation) {
	t.Helper()
	again := proto.CloneOf(d)
	for method, in := range map[string]proto.Message{
		delegationService + "CreateDelegation": &directoryv1.CreateDelegationRequest{Parent: region, Delegation: again},
		delegationService + "ActForPrincipal":  &directoryv1.ActForPrincipalRequest{Name: d.GetName()},
		delegationService + "RevokeDelegation": &directoryv1.RevokeDelegationRequest{Name: d.GetName()},
		sessionService + "SignOut":             &directoryv1.SignOutRequest{},
	} {
		_, answer := messages(t, method)
		if f := w.call(t.Context(), token, method, in, answer.New().Interface()); reason(f) != "DELEGATE_FORBIDDEN" {
			t.Errorf("%s with a delegate's token: %v", method, f)
		}
	}
}

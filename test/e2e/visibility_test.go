package e2e

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// seen is a world with documents, opinions and assignments in every state that
// tells who may see them.
type seen struct {
	*world
	// bare has no draft yet, drafting is not submitted, quiet touches no
	// operators, open is under review, strange is another bureau's.
	bare, drafting, quiet, open, strange *filingv1.Document
	reviewersDraft, counselsDraft        string
	// assignments by the sign-in name of the counsel.
	assignments map[string]string
}

func prepareSeen(t *testing.T, w *world) seen {
	t.Helper()
	s := seen{world: w, assignments: map[string]string{}}
	s.bare, s.drafting, s.quiet, s.open = w.newDocument(t, true), w.prepared(t, true), w.prepared(t, false), w.prepared(t, true)
	s.strange = w.document(t, "drafter2", "CreateDocument", &filingv1.CreateDocumentRequest{
		Parent: region, Document: &filingv1.Document{
			Title: "示例区房屋管理办法", IssuingAuthority: w.bureau[government], OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
		},
	})
	s.open.Parties = []string{"示例当事律师事务所"}
	s.open = w.document(t, "drafter", "UpdateDocument", &filingv1.UpdateDocumentRequest{Document: s.open, UpdateMask: fields("parties")})
	s.quiet = w.document(t, "drafter", "SubmitDocument", &filingv1.SubmitDocumentRequest{Name: s.quiet.GetName()})
	s.open, _ = w.accepted(t, s.open)

	review := s.open.GetReviewCase()
	s.assignments["counsel"] = w.assigned(t, review).GetName()
	w.opinion(t, "counsel", review, counselv1.Conclusion_LAWFUL)
	w.opinion(t, "reviewer", review, counselv1.Conclusion_LAWFUL)
	s.reviewersDraft, s.counselsDraft = w.drafted(t, "reviewer", review).GetName(), w.drafted(t, "counsel", review).GetName()
	for login, result := range map[string]counselv1.DeclareConflictRequest_Result{
		"pending": 0, "waivable": counselv1.DeclareConflictRequest_WAIVABLE,
		"conflicted": counselv1.DeclareConflictRequest_CONFLICT, "declining": counselv1.DeclareConflictRequest_DECLINE,
	} {
		a := &counselv1.Assignment{}
		w.must(t, "reviewer", counselService+"CreateAssignment", s.passOn(w.hire(t, login, otherFirm)), a)
		if s.assignments[login] = a.GetName(); result != 0 {
			w.must(t, login, counselService+"DeclareConflict", &counselv1.DeclareConflictRequest{Name: a.GetName(), Result: result, Note: "示例说明"}, a)
		}
	}
	f := w.try(t, "reviewer", counselService+"CreateAssignment", s.passOn(w.hire(t, "party", "示例当事律师事务所")), &counselv1.Assignment{})
	if f == nil || f.reason != "COUNSEL_CONFLICT" {
		t.Fatalf("assigned to the counsel of a party: %v", f)
	}
	s.assignments["party"] = f.metadata["assignment"]
	w.hire(t, "counsel-idle", otherFirm)
	return s
}

// passOn asks for an assignment of the open document to a counsel.
func (s seen) passOn(counsel string) *counselv1.CreateAssignmentRequest {
	return &counselv1.CreateAssignmentRequest{
		Parent: s.open.GetReviewCase(), Assignment: &counselv1.Assignment{Counsel: counsel, Question: "是否合法？"},
	}
}

func TestAccessVisibility(t *testing.T) {
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := prepareSeen(t, newWorld(t, configure(t), "grpc", "2026-04-08"))
			s.checkDocuments(t)
			s.checkOpinions(t)
			s.checkLists(t)
			s.checkTraces(t)
			s.checkAssignments(t)
			s.checkLists(t)
		})
	}
}

// reads are all ways to read a document.
func (s seen) reads(t *testing.T, login string, d *filingv1.Document) map[string]*failure {
	t.Helper()
	out := map[string]*failure{"GetDocument": s.get(t, login, filingService+"GetDocument", d.GetName())}
	out["ListDocumentHistory"] = s.try(t, login, filingService+"ListDocumentHistory",
		&filingv1.ListDocumentHistoryRequest{Parent: d.GetName()}, &filingv1.ListDocumentHistoryResponse{})
	if len(d.GetRevisions()) == 0 {
		return out
	}
	n, token := names{document: d.GetName(), revision: d.GetRevisions()[0].GetName()}, s.as(t, login)
	for method, ask := range transfers() {
		if strings.HasPrefix(method, filingService) && !strings.Contains(method, "Upload") {
			out[method] = ask(t.Context(), s.client, token, n)
		}
	}
	for _, method := range []string{"GetRevision", "GetRevisionText", "ListFindings", "ResolveAnchors"} {
		out[method] = unary(t, filingService+method, filingRequests(t)[filingService+method])(t.Context(), s.client, token, n)
	}
	return out
}

// checkDocuments looks at who sees which document, by every way to read it.
func (s seen) checkDocuments(t *testing.T) {
	t.Helper()
	everybody := []string{
		"drafter", "drafter2", "reviewer", "reviewer2", "regulator", "office",
		"counsel", "counsel-idle", "pending", "waivable", "conflicted", "declining", "party",
	}
	for name, c := range map[string]struct {
		document *filingv1.Document
		sees     []string
	}{
		"without a draft":        {s.bare, []string{"drafter"}},
		"not submitted":          {s.drafting, []string{"drafter", "regulator"}},
		"touching no operators":  {s.quiet, []string{"drafter", "reviewer", "reviewer2", "office"}},
		"under review":           {s.open, []string{"drafter", "reviewer", "reviewer2", "regulator", "office", "counsel"}},
		"of another bureau, new": {s.strange, []string{"drafter2"}},
	} {
		for _, login := range everybody {
			sees := slices.Contains(c.sees, login)
			for method, f := range s.reads(t, login, c.document) {
				// What the role may not call is the table's matter.
				if codeOf(f) != codes.PermissionDenied && (f == nil) != sees {
					t.Errorf("document %s, %s by %s: %v, want visible %v", name, method, login, f, sees)
				}
			}
		}
	}
}

// checkOpinions looks at what others may do with an opinion that is not signed.
func (s seen) checkOpinions(t *testing.T) {
	t.Helper()
	for opinion, author := range map[string]string{s.reviewersDraft: "reviewer", s.counselsDraft: "counsel"} {
		n := names{draftReview: opinion, review: s.open.GetReviewCase()}
		for _, login := range []string{"drafter", "reviewer", "reviewer2", "office", "counsel", "counsel-idle", "pending"} {
			for _, key := range []string{"GetOpinion draft review", "UpdateOpinion draft review", "SignOpinion draft review", "ConcludeCase"} {
				method, _, _ := strings.Cut(counselService+key, " ")
				f := unary(t, method, counselRequests[counselService+key])(t.Context(), s.client, s.as(t, login), n)
				switch {
				case login == author, codeOf(f) == codes.PermissionDenied:
				case codeOf(f) != codes.NotFound:
					t.Errorf("unsigned opinion of %s, %s by %s: %v, want hidden", author, key, login, f)
				}
			}
		}
	}
}

// checkAssignments looks at counsel who may not see the file: each sees their own
// assignment and nothing else, and cannot change that alone.
func (s seen) checkAssignments(t *testing.T) {
	t.Helper()
	review := s.open.GetReviewCase()
	for login, assignment := range s.assignments {
		if login == "counsel" {
			continue
		}
		// Whose firm is a party was barred before seeing anything at all.
		barredAtOnce := login == "party"
		if f := s.get(t, login, counselService+"GetAssignment", assignment); (codeOf(f) == codes.NotFound) != barredAtOnce {
			t.Errorf("%s reads their assignment: %v", login, f)
		}
		if login != "pending" && !barredAtOnce {
			f := s.try(t, login, counselService+"DeclareConflict", &counselv1.DeclareConflictRequest{
				Name: assignment, Result: counselv1.DeclareConflictRequest_CLEAR,
			}, &counselv1.Assignment{})
			if f == nil || f.reason != "RECORD_CLOSED" {
				t.Errorf("%s declares again: %v", login, f)
			}
		}
		for _, method := range []string{"GetCase", "ListOpinions", "CreateOpinion"} {
			f := unary(t, counselService+method, counselRequests[counselService+method])(t.Context(), s.client, s.as(t, login), names{review: review})
			if codeOf(f) != codes.NotFound {
				t.Errorf("%s by %s: %v, want hidden", method, login, f)
			}
		}
		mine, f := s.list(t, login, counselService+"ListAssignments", region+"/cases/-")
		if f != nil || !slices.Equal(mine, []string{assignment}) != barredAtOnce || barredAtOnce && len(mine) > 0 {
			t.Errorf("%s lists assignments %v %v, want their own", login, mine, f)
		}
		for _, method := range []string{filingService + "ListDocuments", counselService + "ListCases"} {
			if got, f := s.list(t, login, method, region); f != nil || len(got) > 0 {
				t.Errorf("%s by %s: %v %v, want nothing", method, login, got, f)
			}
		}
	}
	waived := &counselv1.Assignment{}
	s.must(t, "reviewer", counselService+"WaiveConflict", &counselv1.WaiveConflictRequest{
		Name: s.assignments["waivable"], Consent: "示例书面同意",
	}, waived)
	for method, f := range s.reads(t, "waivable", s.open) {
		if method != "ListDocumentHistory" && f != nil {
			t.Errorf("%s by counsel whose conflict was waived: %v", method, f)
		}
	}
}

// checkTraces looks for what a stranger might learn beside: by an etag, a request
// id of somebody else, a page token, a filter.
func (s seen) checkTraces(t *testing.T) {
	t.Helper()
	d := s.open
	s.must(t, "drafter", filingService+"UpdateDocument", &filingv1.UpdateDocumentRequest{
		Document:   &filingv1.Document{Name: d.GetName(), Title: d.GetTitle(), IssuingAuthority: d.GetIssuingAuthority(), OperatorImpact: d.GetOperatorImpact()},
		UpdateMask: fields("title"), RequestId: "one-of-the-drafter",
	}, d)
	for name, in := range map[string]*filingv1.SubmitDocumentRequest{
		"a stale etag":            {Name: d.GetName(), Etag: "stale"},
		"the right etag":          {Name: d.GetName(), Etag: d.GetEtag()},
		"somebody's request id":   {Name: d.GetName(), RequestId: "one-of-the-drafter"},
		"a draft nobody may see":  {Name: s.bare.GetName()},
		"an id that nothing has":  {Name: region + "/documents/" + absentID},
		"a region of other folks": {Name: elsewhere + "/documents/" + absentID},
	} {
		f := s.try(t, "drafter2", filingService+"SubmitDocument", in, &filingv1.Document{})
		if codeOf(f) != codes.NotFound || f.reason != "RESOURCE_NOT_FOUND" {
			t.Errorf("a stranger with %s: %v, want hidden", name, f)
		}
	}
	page := &filingv1.ListDocumentsResponse{}
	s.must(t, "reviewer", filingService+"ListDocuments", &filingv1.ListDocumentsRequest{Parent: region, PageSize: 1}, page)
	if page.GetNextPageToken() == "" {
		t.Fatal("the reviewer has one page only")
	}
	for name, in := range map[string]*filingv1.ListDocumentsRequest{
		"a page token of the reviewer": {Parent: region, PageSize: 1, PageToken: page.GetNextPageToken()},
		"a filter on another bureau":   {Parent: region, Filter: `drafting_unit = "` + d.GetDraftingUnit() + `"`},
	} {
		got := &filingv1.ListDocumentsResponse{}
		if f := s.try(t, "drafter2", filingService+"ListDocuments", in, got); f != nil && f.code != codes.InvalidArgument || len(got.GetDocuments()) > 0 {
			t.Errorf("a stranger with %s: %v %v", name, got, f)
		}
	}
}

// checkLists holds what each caller lists against what they can get: a list shows
// exactly that, of everything anybody lists.
func (s seen) checkLists(t *testing.T) {
	t.Helper()
	cases := []string{s.open.GetReviewCase(), s.quiet.GetReviewCase()}
	for _, c := range []struct {
		list, get string
		parents   []string
	}{
		{filingService + "ListDocuments", filingService + "GetDocument", []string{region}},
		{counselService + "ListCases", counselService + "GetCase", []string{region}},
		{counselService + "ListOpinions", counselService + "GetOpinion", cases},
		{counselService + "ListAssignments", counselService + "GetAssignment", []string{region + "/cases/-"}},
		{counselService + "ListAssignments", counselService + "GetAssignment", cases},
		{directoryService + "ListBureaus", directoryService + "GetBureau", []string{region}},
		{directoryService + "ListPeople", directoryService + "GetPerson", []string{region}},
		{directoryService + "ListJurisdictionProfiles", directoryService + "GetJurisdictionProfile", []string{region}},
	} {
		listed, known := map[string][]string{}, map[string]bool{}
		for login := range s.people {
			var denied bool
			for _, parent := range c.parents {
				got, f := s.list(t, login, c.list, parent)
				denied = denied || codeOf(f) == codes.PermissionDenied
				listed[login] = append(listed[login], got...)
			}
			if denied {
				delete(listed, login)
			}
			for _, name := range listed[login] {
				known[name] = true
			}
		}
		if len(known) == 0 {
			t.Errorf("%s shows nobody anything", c.list)
		}
		for login, names := range listed {
			for name := range known {
				f := s.get(t, login, c.get, name)
				if shown := slices.Contains(names, name); shown != (f == nil) {
					t.Errorf("%s by %s shows %s: %v; %s answers %v", c.list, login, name, shown, c.get, f)
				}
			}
		}
	}
}

// A counsel who is barred from a matter sees nothing of it, whatever they saw
// before and however often they are asked (律师法 art 39).
func TestAccessOfBarredCounsel(t *testing.T) {
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := prepareSeen(t, newWorld(t, configure(t), "grpc", "2026-04-08"))
			// One declared a conflict and is asked again, one accepted and then
			// learns of a conflict.
			s.askAgain(t, "conflicted", counselv1.DeclareConflictRequest_CLEAR)
			s.askAgain(t, "counsel", counselv1.DeclareConflictRequest_CONFLICT)
		})
	}
}

// askAgain assigns a counsel a second time, if that is let through, and looks at
// what a counsel with a barred assignment can do then.
func (s seen) askAgain(t *testing.T, login string, result counselv1.DeclareConflictRequest_Result) {
	t.Helper()
	a := &counselv1.Assignment{}
	if f := s.try(t, "reviewer", counselService+"CreateAssignment", s.passOn(s.people[login]), a); f == nil {
		f = s.try(t, login, counselService+"DeclareConflict", &counselv1.DeclareConflictRequest{Name: a.GetName(), Result: result, Note: "示例说明"}, a)
		t.Logf("%s declares %v: %v", login, result, f)
	}
	all := &counselv1.ListAssignmentsResponse{}
	s.must(t, login, counselService+"ListAssignments", &counselv1.ListAssignmentsRequest{Parent: region + "/cases/-"}, all)
	barred := slices.ContainsFunc(all.GetAssignments(), func(a *counselv1.Assignment) bool { return a.GetState() == counselv1.Assignment_BARRED })
	if !barred {
		return
	}
	for method, f := range s.reads(t, login, s.open) {
		if f == nil {
			t.Errorf("%s is barred from the matter, and %s is answered", login, method)
		}
	}
	n := names{review: s.open.GetReviewCase(), draftCounsel: s.counselsDraft}
	for _, key := range []string{"GetCase", "ListOpinions", "CreateOpinion", "UpdateOpinion draft counsel", "SignOpinion draft counsel"} {
		method, _, _ := strings.Cut(counselService+key, " ")
		f := unary(t, method, counselRequests[counselService+key])(t.Context(), s.client, s.as(t, login), n)
		if outcome(f) == "ok" {
			t.Errorf("%s is barred from the matter, and %s is let in: %v", login, key, f)
		}
	}
}

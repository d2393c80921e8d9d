package e2e

import (
	"slices"
	"strings"
	"testing"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

func ymd(year, month, day int32) *datepb.Date {
	return &datepb.Date{Year: year, Month: month, Day: day}
}

// registerRequests are the requests of the table about the register of counsel.
var registerRequests = map[string]func(n names) proto.Message{
	registerService + "CreateCounselEntry": func(n names) proto.Message {
		return &counselv1.CreateCounselEntryRequest{Parent: n.region, CounselEntry: &counselv1.CounselEntry{
			Person: n.person, Kind: counselv1.CounselEntry_RETAINED_COUNSEL, CertificateNumber: "SL-0002", PracticeStartDate: ymd(2015, 7, 1),
		}}
	},
	registerService + "GetCounselEntry":    func(n names) proto.Message { return &counselv1.GetCounselEntryRequest{Name: n.entry} },
	registerService + "ListCounselEntries": func(n names) proto.Message { return &counselv1.ListCounselEntriesRequest{Parent: n.region} },
	registerService + "UpdateCounselEntry": func(n names) proto.Message {
		return &counselv1.UpdateCounselEntryRequest{
			CounselEntry: &counselv1.CounselEntry{Name: n.entry, Clients: []*counselv1.Client{{DisplayName: "示例客户有限公司"}}}, UpdateMask: fields("clients"),
		}
	},
	registerService + "SuspendCounsel": func(n names) proto.Message {
		return &counselv1.SuspendCounselRequest{Name: n.entry, Reason: "示例", Etag: "stale"}
	},
	registerService + "ReinstateCounsel": func(n names) proto.Message {
		return &counselv1.ReinstateCounselRequest{Name: n.entry, Reason: "示例", Etag: "stale"}
	},
	registerService + "RemoveCounsel": func(n names) proto.Message {
		return &counselv1.RemoveCounselRequest{Name: n.entry, Reason: "示例", Etag: "stale"}
	},
	registerService + "AssessCounsel": func(n names) proto.Message {
		return &counselv1.AssessCounselRequest{Name: n.entry, Assessment: &counselv1.Assessment{Year: 2025, Grade: counselv1.Assessment_COMPETENT}, Etag: "stale"}
	},
	registerService + "CreateEngagement": func(n names) proto.Message {
		return &counselv1.CreateEngagementRequest{Parent: n.entry, Engagement: &counselv1.Engagement{
			ContractNumber: "示例合同二号", Scope: "示例范围", StartDate: ymd(2026, 2, 1), EndDate: ymd(2026, 1, 1),
		}}
	},
	registerService + "GetEngagement":   func(n names) proto.Message { return &counselv1.GetEngagementRequest{Name: n.engagement} },
	registerService + "ListEngagements": func(n names) proto.Message { return &counselv1.ListEngagementsRequest{Parent: n.entry} },
	registerService + "TerminateEngagement": func(n names) proto.Message {
		return &counselv1.TerminateEngagementRequest{Name: n.engagement, Reason: "示例", Etag: "stale"}
	},
}

// engagements are the contracts of an adviser.
func (w *world) engagements(t *testing.T, entry string) []*counselv1.Engagement {
	t.Helper()
	list := &counselv1.ListEngagementsResponse{}
	w.must(t, "reviewer", registerService+"ListEngagements", &counselv1.ListEngagementsRequest{Parent: entry}, list)
	return list.GetEngagements()
}

// Counsel is asked only while on the register and under a contract in force, from
// a list that shows speciality and load.
func TestRegisterOfCounsel(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		_, c := w.accepted(t, w.prepared(t, true))
		assign := &counselv1.CreateAssignmentRequest{
			Parent: c.GetName(), Assignment: &counselv1.Assignment{Counsel: w.people["counsel"], Question: "是否合法？"},
		}
		refused := func(reason string) {
			t.Helper()
			if f := w.try(t, "reviewer", counselService+"CreateAssignment", assign, &counselv1.Assignment{}); f == nil || f.reason != reason {
				t.Errorf("assigned: %v, want %s", f, reason)
			}
		}
		refused("COUNSEL_NOT_REGISTERED")
		e := &counselv1.CounselEntry{}
		create := &counselv1.CreateCounselEntryRequest{Parent: region, CounselEntry: &counselv1.CounselEntry{
			Person: w.people["counsel"], Kind: counselv1.CounselEntry_RETAINED_COUNSEL, CertificateNumber: "SL-0001",
			PracticeStartDate: ymd(2015, 7, 1), Specialities: []string{"行政法", "政府采购"}, LanguageCodes: []string{"en"},
		}}
		w.must(t, "reviewer", registerService+"CreateCounselEntry", create, e)
		if f := w.try(t, "reviewer", registerService+"CreateCounselEntry", create, e); f == nil || f.reason != "COUNSEL_REGISTERED" {
			t.Errorf("entered twice: %v", f)
		}
		refused("ENGAGEMENT_NOT_IN_FORCE")
		engage := func(number, renewed string, start, end *datepb.Date) (*counselv1.Engagement, *failure) {
			g := &counselv1.Engagement{}
			return g, w.try(t, "reviewer", registerService+"CreateEngagement", &counselv1.CreateEngagementRequest{
				Parent: e.GetName(), Engagement: &counselv1.Engagement{
					ContractNumber: number, RenewedContractNumber: renewed, StartDate: start, EndDate: end, Scope: "规范性文件合法性审核", FeeFen: 12000000,
				},
			}, g)
		}
		for name, bad := range map[string]struct {
			number, renewed string
			start, end      *datepb.Date
			reason          string
		}{
			"dates reversed":      {"1", "", ymd(2026, 5, 1), ymd(2026, 4, 1), "DATES_REVERSED"},
			"no date":             {"1", "", ymd(2026, 2, 30), ymd(2026, 4, 1), "DATE_INVALID"},
			"renewing nothing":    {"1", "0", ymd(2026, 5, 1), ymd(2027, 4, 1), "CONTRACT_UNKNOWN"},
			"a contract gone by":  {"2", "", ymd(2024, 1, 1), ymd(2025, 12, 31), ""},
			"one to come":         {"3", "", ymd(2027, 1, 1), ymd(2027, 12, 31), ""},
			"without a number":    {"", "", ymd(2026, 1, 1), ymd(2026, 12, 31), "string.min_len"},
			"a number before it ": {"4", "", nil, ymd(2026, 12, 31), "required"},
		} {
			if _, f := engage(bad.number, bad.renewed, bad.start, bad.end); bad.reason == "" != (f == nil) {
				t.Errorf("%s: %v, want %q", name, f, bad.reason)
			}
		}
		refused("ENGAGEMENT_NOT_IN_FORCE")
		g, f := engage("5", "2", ymd(2026, 1, 1), ymd(2026, 5, 20))
		if f != nil || g.GetState() != counselv1.Engagement_EXPIRING {
			t.Fatalf("the renewal: %v, %v", g, f)
		}
		if _, f := engage("6", "2", ymd(2026, 5, 21), ymd(2027, 5, 20)); f == nil || f.reason != "CONTRACT_RENEWED" {
			t.Errorf("renewed twice: %v", f)
		}
		assign.Assignment.DueDate = ymd(2026, 4, 7)
		refused("DATE_INVALID")
		assign.Assignment.DueDate = ymd(2026, 4, 8)
		w.must(t, "reviewer", counselService+"CreateAssignment", assign, &counselv1.Assignment{})
		assign.Assignment.DueDate = nil

		list := &counselv1.ListCounselEntriesResponse{}
		w.must(t, "reviewer", registerService+"ListCounselEntries", &counselv1.ListCounselEntriesRequest{Parent: region, Filter: "state = ACTIVE AND kind = RETAINED_COUNSEL"}, list)
		if n := len(list.GetCounselEntries()); n != 1 || list.GetCounselEntries()[0].GetOpenAssignments() != 1 ||
			strings.Join(list.GetCounselEntries()[0].GetSpecialities(), "、") != "行政法、政府采购" {
			t.Errorf("the list to choose from: %v", list)
		}
		w.must(t, "reviewer", registerService+"SuspendCounsel", &counselv1.SuspendCounselRequest{Name: e.GetName(), Reason: "示例：本人申请"}, e)
		_, c = w.accepted(t, w.prepared(t, true))
		assign.Parent = c.GetName()
		refused("COUNSEL_NOT_REGISTERED")
		w.must(t, "reviewer", registerService+"ReinstateCounsel", &counselv1.ReinstateCounselRequest{Name: e.GetName(), Reason: "示例"}, e)
		w.must(t, "reviewer", registerService+"TerminateEngagement", &counselv1.TerminateEngagementRequest{Name: g.GetName(), Reason: "示例：协商解除"}, g)
		w.clock.day(t, "2026-04-09")
		refused("ENGAGEMENT_NOT_IN_FORCE")
		w.must(t, "reviewer", registerService+"RemoveCounsel", &counselv1.RemoveCounselRequest{Name: e.GetName(), Reason: "示例"}, e)
		if f := w.try(t, "reviewer", registerService+"ReinstateCounsel", &counselv1.ReinstateCounselRequest{Name: e.GetName(), Reason: "示例"}, e); f == nil || f.reason != "RECORD_CLOSED" {
			t.Errorf("back after removal: %v", f)
		}
	})
}

// One contract number is taken once, however many record it at a time.
func TestContractNumberIsTakenOnce(t *testing.T) {
	w := alone(t, onSQLite(t), "grpc", "2026-04-08")
	entry, token := w.retain(t, "counsel"), w.as(t, "reviewer")
	answers := make(chan *failure)
	for range 8 {
		go func() {
			answers <- w.call(t.Context(), token, registerService+"CreateEngagement", &counselv1.CreateEngagementRequest{
				Parent: entry, Engagement: &counselv1.Engagement{ContractNumber: "示例合同二号", Scope: "示例", StartDate: ymd(2036, 1, 1), EndDate: ymd(2036, 12, 31)},
			}, &counselv1.Engagement{})
		}()
	}
	taken := 0
	for range 8 {
		switch f := <-answers; {
		case f == nil:
			taken++
		case f.reason != "CONTRACT_NUMBER_TAKEN":
			t.Errorf("refused with %v", f)
		}
	}
	if taken != 1 {
		t.Errorf("taken %d times", taken)
	}
	again := &counselv1.CreateEngagementRequest{Parent: entry, RequestId: "once", Engagement: &counselv1.Engagement{
		ContractNumber: "示例合同三号", Scope: "示例", StartDate: ymd(2037, 1, 1), EndDate: ymd(2037, 12, 31),
	}}
	first, second := &counselv1.Engagement{}, &counselv1.Engagement{}
	w.must(t, "reviewer", registerService+"CreateEngagement", again, first)
	w.must(t, "reviewer", registerService+"CreateEngagement", again, second)
	if !proto.Equal(first, second) {
		t.Errorf("the same request again: %v, %v", first, second)
	}
}

// The conflict check knows the clients that counsel and colleagues of the firm
// declared: those of today bar, those of the past want a waiver before counsel
// is even asked (律师法 arts 23, 39).
func TestConflictWithClients(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		w.retain(t, "counsel")
		own := w.retained["counsel"]
		w.hire(t, "colleague", "示例律师事务所")
		colleague := w.retained["colleague"]
		clients := func(login, entry string, clients ...*counselv1.Client) *failure {
			return w.try(t, login, registerService+"UpdateCounselEntry", &counselv1.UpdateCounselEntryRequest{
				CounselEntry: &counselv1.CounselEntry{Name: entry, Clients: clients}, UpdateMask: fields("clients"),
			}, &counselv1.CounselEntry{})
		}
		if f := clients("colleague", colleague, &counselv1.Client{DisplayName: "示例投标有限公司"}); f != nil {
			t.Fatal(f)
		}
		if f := clients("counsel", own, &counselv1.Client{DisplayName: "示例旧客户有限公司", EndDate: ymd(2025, 6, 30)}); f != nil {
			t.Fatal(f)
		}
		if f := clients("counsel", colleague); f == nil || f.code != codes.NotFound {
			t.Errorf("counsel changed a colleague's entry: %v", f)
		}
		if f := w.try(t, "counsel", registerService+"UpdateCounselEntry", &counselv1.UpdateCounselEntryRequest{
			CounselEntry: &counselv1.CounselEntry{Name: own, CertificateNumber: "SL-9999"}, UpdateMask: fields("certificate_number"),
		}, &counselv1.CounselEntry{}); f == nil || f.reason != "FIELD_NOT_YOURS" {
			t.Errorf("counsel changed the own certificate: %v", f)
		}
		matter := func(party string) *counselv1.Case {
			d := w.prepared(t, true)
			w.document(t, "drafter", "UpdateDocument", &filingv1.UpdateDocumentRequest{Document: &filingv1.Document{Name: d.GetName(), Parties: []string{party}}})
			_, c := w.accepted(t, d)
			return c
		}
		assign := func(c *counselv1.Case) (*counselv1.Assignment, *failure) {
			a := &counselv1.Assignment{}
			return a, w.try(t, "reviewer", counselService+"CreateAssignment", &counselv1.CreateAssignmentRequest{
				Parent: c.GetName(), Assignment: &counselv1.Assignment{Counsel: w.people["counsel"], Question: "是否合法？"},
			}, a)
		}
		hidden := func(when string, c *counselv1.Case) {
			t.Helper()
			if f := w.try(t, "counsel", filingService+"GetDocument", &filingv1.GetDocumentRequest{Name: c.GetSubject()}, &filingv1.Document{}); f == nil || f.code != codes.NotFound {
				t.Errorf("%s counsel sees the document: %v", when, f)
			}
		}
		barred := matter("示例投标有限公司")
		if _, f := assign(barred); f == nil || f.reason != "COUNSEL_CONFLICT" {
			t.Errorf("the firm acts for a party: %v", f)
		}
		hidden("barred,", barred)

		past := matter("示例旧客户有限公司（投标人）")
		a, f := assign(past)
		if f != nil || a.GetState() != counselv1.Assignment_WAIVER_PENDING {
			t.Fatalf("the firm acted for a party: %v, %v", a, f)
		}
		if f := w.try(t, "counsel", counselService+"GetAssignment", &counselv1.GetAssignmentRequest{Name: a.GetName()}, &counselv1.Assignment{}); f == nil || f.code != codes.NotFound {
			t.Errorf("counsel hears of the matter before the waiver: %v", f)
		}
		w.must(t, "reviewer", counselService+"WaiveConflict", &counselv1.WaiveConflictRequest{Name: a.GetName(), Consent: "书面同意（示例）"}, a)
		if a.GetState() != counselv1.Assignment_DECLARATION_PENDING {
			t.Errorf("after the waiver: %v", a)
		}
		hidden("not having declared,", past)
		w.must(t, "counsel", counselService+"DeclareConflict", &counselv1.DeclareConflictRequest{Name: a.GetName(), Result: counselv1.DeclareConflictRequest_CLEAR}, a)
		w.must(t, "counsel", filingService+"GetDocument", &filingv1.GetDocumentRequest{Name: past.GetSubject()}, &filingv1.Document{})

		// What the firm takes on after the matter was passed on bars before the file opens.
		late := matter("示例新客户有限公司")
		if a, f = assign(late); f != nil || a.GetState() != counselv1.Assignment_DECLARATION_PENDING {
			t.Fatalf("assigned: %v, %v", a, f)
		}
		if f := clients("colleague", colleague, &counselv1.Client{DisplayName: "示例新客户有限公司"}); f != nil {
			t.Fatal(f)
		}
		w.must(t, "reviewer", counselService+"GetAssignment", &counselv1.GetAssignmentRequest{Name: a.GetName()}, a)
		if a.GetState() != counselv1.Assignment_BARRED {
			t.Errorf("the firm has taken on a party: %v", a)
		}
		hidden("barred since,", late)

		// Nor does it stay open, and an adverse opinion holds until another is heard.
		taken := matter("示例最新客户有限公司")
		if a, f = assign(taken); f != nil {
			t.Fatal(f)
		}
		w.must(t, "counsel", counselService+"DeclareConflict", &counselv1.DeclareConflictRequest{Name: a.GetName(), Result: counselv1.DeclareConflictRequest_CLEAR}, a)
		w.opinion(t, "counsel", taken.GetName(), counselv1.Conclusion_UNLAWFUL, item(4, "另行给予十万元奖励"))
		w.conclude(t, taken.GetName(), counselv1.Conclusion_LAWFUL)
		if f := clients("reviewer", colleague, &counselv1.Client{DisplayName: "示例最新客户有限公司"}); f != nil {
			t.Fatal(f)
		}
		hidden("acting for a party since,", taken)
		if _, f := w.deliberate(t, "drafter", taken.GetSubject(), "2026-05-12"); f == nil || !slices.Contains(f.refusals, "COUNSEL_OPINION_ADVERSE") {
			t.Errorf("an adverse opinion is lifted by an entry in the register: %v", f)
		}
	})
}

// A later submission that names counsel in person closes the file.
func TestCounselBecomesAParty(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d, c := w.accepted(t, w.prepared(t, true))
		a, e := w.assigned(t, c.GetName()), &counselv1.CounselEntry{}
		w.must(t, "reviewer", registerService+"GetCounselEntry", &counselv1.GetCounselEntryRequest{Name: w.retained["counsel"]}, e)
		w.review(t, "reviewer", "ReturnCase", &counselv1.ReturnCaseRequest{Name: c.GetName(), Reason: "请补充当事人（示例）"})
		w.document(t, "drafter", "UpdateDocument", &filingv1.UpdateDocumentRequest{Document: &filingv1.Document{Name: d.GetName(), Parties: []string{e.GetDisplayName()}}})
		w.driven(t, "drafter", w.document(t, "drafter", "SubmitDocument", &filingv1.SubmitDocumentRequest{Name: d.GetName()}))
		w.must(t, "reviewer", counselService+"GetAssignment", &counselv1.GetAssignmentRequest{Name: a.GetName()}, a)
		if a.GetState() != counselv1.Assignment_BARRED {
			t.Errorf("counsel is a party: %v", a)
		}
	})
}

// What is asked about a signed opinion and the evaluation stay beside it; a closed
// assignment closes the file and leaves the opinion counting.
func TestClarificationAndEvaluation(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		_, c := w.accepted(t, w.prepared(t, true))
		a := w.assigned(t, c.GetName())
		shut := func(want string) {
			t.Helper()
			f := w.try(t, "reviewer", counselService+"CloseAssignment", &counselv1.CloseAssignmentRequest{Name: a.GetName(), Evaluation: &counselv1.Evaluation{Score: 5}}, a)
			if want == "" && f != nil || want != "" && (f == nil || f.reason != want) {
				t.Errorf("closed: %v, want %q", f, want)
			}
		}
		shut("EVIDENCE_MISSING")
		o := w.opinion(t, "counsel", c.GetName(), counselv1.Conclusion_LAWFUL)
		ask := &counselv1.RequestClarificationRequest{Name: a.GetName(), Opinion: o.GetName(), Question: "第四条的依据是否现行有效？"}
		w.must(t, "reviewer", counselService+"RequestClarification", ask, a)
		if f := w.try(t, "reviewer", counselService+"RequestClarification", ask, a); f == nil || f.reason != "CLARIFICATION_OPEN" {
			t.Errorf("asked twice: %v", f)
		}
		shut("CLARIFICATION_OPEN")
		w.must(t, "counsel", counselService+"AnswerClarification", &counselv1.AnswerClarificationRequest{Name: a.GetName(), Answer: "现行有效（示例）。"}, a)
		if n := len(a.GetClarifications()); n != 1 || a.GetClarifications()[0].GetAnswer() == "" {
			t.Errorf("clarifications %v", a.GetClarifications())
		}
		shut("")
		if a.GetState() != counselv1.Assignment_CLOSED || a.GetEvaluation().GetScore() != 5 || a.GetEvaluation().GetAuthor() != w.people["reviewer"] {
			t.Errorf("closed as %v", a)
		}
		if f := w.try(t, "counsel", counselService+"GetCase", &counselv1.GetCaseRequest{Name: c.GetName()}, &counselv1.Case{}); f == nil || f.code != codes.NotFound {
			t.Errorf("counsel sees the case afterwards: %v", f)
		}
		w.must(t, "counsel", counselService+"GetOpinion", &counselv1.GetOpinionRequest{Name: o.GetName()}, o)
		w.must(t, "reviewer", counselService+"GetCase", &counselv1.GetCaseRequest{Name: c.GetName()}, c)
		if v := c.GetCounselVerdicts(); len(v) != 1 || v[0].GetWithdrawTime() != nil {
			t.Errorf("verdicts %v", v)
		}
		e := &counselv1.CounselEntry{}
		assess := &counselv1.AssessCounselRequest{Name: w.retained["counsel"], Assessment: &counselv1.Assessment{Year: 2025, Grade: counselv1.Assessment_EXCELLENT}}
		w.must(t, "reviewer", registerService+"AssessCounsel", assess, e)
		if f := w.try(t, "reviewer", registerService+"AssessCounsel", assess, e); f == nil || f.reason != "ASSESSMENT_EXISTS" {
			t.Errorf("assessed twice: %v", f)
		}
		if e.GetOpenAssignments() != 0 || len(e.GetAssessments()) != 1 {
			t.Errorf("entry %v", e)
		}
	})
}

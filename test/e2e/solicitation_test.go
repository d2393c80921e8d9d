package e2e

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// solicitationService asks others for their opinions.
const solicitationService = "fashen.counsel.v1.SolicitationService/"

// solicitationRequests are the requests of the table about solicited opinions.
var solicitationRequests = map[string]func(n names) proto.Message{
	solicitationService + "CreateSolicitation": func(n names) proto.Message {
		return &counselv1.CreateSolicitationRequest{Parent: n.review, Solicitation: &counselv1.Solicitation{
			Kind: counselv1.Solicitation_BUREAU, Question: "示例问题？", DueDate: ymd(2026, 5, 8),
		}}
	},
	solicitationService + "GetSolicitation":   func(n names) proto.Message { return &counselv1.GetSolicitationRequest{Name: n.solicitation} },
	solicitationService + "ListSolicitations": func(n names) proto.Message { return &counselv1.ListSolicitationsRequest{Parent: n.review} },
	solicitationService + "CloseSolicitation": func(n names) proto.Message {
		return &counselv1.CloseSolicitationRequest{Name: n.solicitation, Etag: "stale"}
	},
	solicitationService + "CreateReply": func(n names) proto.Message {
		return &counselv1.CreateReplyRequest{Parent: n.solicitation, Reply: &counselv1.Reply{Text: "示例意见。", ReceiveDate: ymd(2036, 1, 1)}}
	},
	solicitationService + "GetReply":    func(n names) proto.Message { return &counselv1.GetReplyRequest{Name: n.reply} },
	solicitationService + "ListReplies": func(n names) proto.Message { return &counselv1.ListRepliesRequest{Parent: n.solicitation} },
	solicitationService + "HandleReply": func(n names) proto.Message {
		return &counselv1.HandleReplyRequest{Name: n.reply, Handling: &counselv1.Answer{Adoption: counselv1.Answer_ADOPTED}, Etag: "stale"}
	},
}

// solicit asks as the reviewer, until a day long away.
func (w *world) solicit(t *testing.T, review string, q *counselv1.Solicitation) *counselv1.Solicitation {
	t.Helper()
	q.Question, q.DueDate = "第四条的条件是否必要？", ymd(2026, 12, 31)
	out := &counselv1.Solicitation{}
	w.must(t, "reviewer", solicitationService+"CreateSolicitation", &counselv1.CreateSolicitationRequest{Parent: review, Solicitation: q}, out)
	return out
}

func (w *world) reply(t *testing.T, login string, q *counselv1.Solicitation, text string) *counselv1.Reply {
	t.Helper()
	out := &counselv1.Reply{}
	w.must(t, login, solicitationService+"CreateReply", &counselv1.CreateReplyRequest{Parent: q.GetName(), Reply: &counselv1.Reply{Text: text}}, out)
	return out
}

// A bureau that is asked sees the draft and not what is suspected in it, answers
// for itself, and sees it no more afterwards; no review is concluded over an open
// question or an unread reply.
func TestSolicitedOpinions(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		_, c := w.accepted(t, w.prepared(t, true))
		revision := c.GetRounds()[0].GetRevision()
		drafter2 := &directoryv1.Person{}
		w.must(t, "sysadmin", directoryService+"GetPerson", &directoryv1.GetPersonRequest{Name: w.people["drafter2"]}, drafter2)
		sees := func(want bool, when string) {
			t.Helper()
			f := w.try(t, "drafter2", filingService+"GetRevisionText", &filingv1.GetRevisionTextRequest{Name: revision}, &corev1.PolicyText{})
			if want != (f == nil) || f != nil && f.code != codes.NotFound {
				t.Errorf("%s the bureau reads the draft: %v", when, f)
			}
		}
		sees(false, "before")
		q := w.solicit(t, c.GetName(), &counselv1.Solicitation{Kind: counselv1.Solicitation_BUREAU, Bureau: drafter2.GetBureau()})
		if q.GetState() != counselv1.Solicitation_OPEN || q.GetAddressee() == "" {
			t.Fatalf("asked: %v", q)
		}
		sees(true, "asked,")
		if f := w.try(t, "drafter2", filingService+"ListFindings", &filingv1.ListFindingsRequest{Parent: revision}, &filingv1.ListFindingsResponse{}); f == nil || f.reason != "NOT_DRAFTING_UNIT" {
			t.Errorf("the bureau reads findings: %v", f)
		}
		staysOutside(t, w, revision)
		if f := w.try(t, "drafter2", counselService+"GetCase", &counselv1.GetCaseRequest{Name: c.GetName()}, &counselv1.Case{}); f == nil || f.code != codes.NotFound {
			t.Errorf("the bureau reads the case: %v", f)
		}
		if f := w.try(t, "drafter", solicitationService+"GetSolicitation", &counselv1.GetSolicitationRequest{Name: q.GetName()}, &counselv1.Solicitation{}); f == nil || f.code != codes.NotFound {
			t.Errorf("the drafting unit reads the question: %v", f)
		}
		if f := w.try(t, "reviewer", solicitationService+"CreateReply", &counselv1.CreateReplyRequest{Parent: q.GetName(), Reply: &counselv1.Reply{Text: "代为答复"}}, &counselv1.Reply{}); f == nil || f.reason != "NOT_ADDRESSEE" {
			t.Errorf("the reviewer replies for the bureau: %v", f)
		}
		w.pending(t, "asked", "drafter2", "counsel", "REPLY_TO_SOLICITATION 2026-12-31")
		r := w.reply(t, "drafter2", q, "建议删除第四条（示例）。")
		w.pending(t, "replied", "drafter2", "counsel")
		w.pending(t, "replied", "reviewer", "counsel", "REVIEW_CASE 2026-04-29", "HANDLE_REPLY")
		if r.GetSender() != q.GetAddressee() || r.GetLate() {
			t.Errorf("reply %v", r)
		}
		takesReply(t, w, c, r)
		public := w.solicit(t, c.GetName(), &counselv1.Solicitation{Kind: counselv1.Solicitation_PUBLIC, Addressee: "示例区政府网站"})
		w.reply(t, "reviewer", public, "希望放宽条件（示例）。")

		opinion := w.opinion(t, "reviewer", c.GetName(), counselv1.Conclusion_LAWFUL)
		conclude := func(want string) {
			t.Helper()
			f := w.try(t, "reviewer", counselService+"ConcludeCase", &counselv1.ConcludeCaseRequest{Name: c.GetName(), Opinion: opinion.GetName(), TimeSufficient: true}, &counselv1.Case{})
			if want == "" && f != nil || want != "" && (f == nil || f.reason != want) {
				t.Errorf("concluded: %v, want %q", f, want)
			}
		}
		conclude("SOLICITATION_OPEN")
		for _, open := range []*counselv1.Solicitation{q, public} {
			w.must(t, "reviewer", solicitationService+"CloseSolicitation", &counselv1.CloseSolicitationRequest{Name: open.GetName()}, open)
		}
		sees(false, "afterwards")
		if f := w.try(t, "drafter2", solicitationService+"CreateReply", &counselv1.CreateReplyRequest{Parent: q.GetName(), Reply: &counselv1.Reply{Text: "又一条意见"}}, &counselv1.Reply{}); f == nil || f.reason != "RECORD_CLOSED" {
			t.Errorf("a reply after the end: %v", f)
		}
		conclude("REPLY_UNHANDLED")
		list := &counselv1.ListRepliesResponse{}
		w.must(t, "reviewer", solicitationService+"ListReplies", &counselv1.ListRepliesRequest{Parent: c.GetName() + "/solicitations/-"}, list)
		if len(list.GetReplies()) != 2 {
			t.Fatalf("the ledger of solicited opinions: %v", list)
		}
		for _, r := range list.GetReplies() {
			handle := &counselv1.HandleReplyRequest{Name: r.GetName(), Handling: &counselv1.Answer{Adoption: counselv1.Answer_NOT_ADOPTED}}
			if f := w.try(t, "reviewer", solicitationService+"HandleReply", handle, &counselv1.Reply{}); f == nil || f.reason != "NON_ADOPTION_REASON_MISSING" {
				t.Errorf("not adopted without a reason: %v", f)
			}
			handle.Handling.Reason = "与上位法规定不一致（示例）。"
			w.must(t, "reviewer", solicitationService+"HandleReply", handle, r)
		}
		w.pending(t, "handled", "reviewer", "counsel", "REVIEW_CASE 2026-04-29")
		conclude("")
		own := &counselv1.ListRepliesResponse{}
		w.must(t, "drafter2", solicitationService+"ListReplies", &counselv1.ListRepliesRequest{Parent: q.GetName()}, own)
		if len(own.GetReplies()) != 1 || own.GetReplies()[0].GetHandling().GetReason() == "" {
			t.Errorf("the bureau learns what became of its reply: %v", own)
		}
	})
}

// takesReply drafts an item that takes a reply up; one that is not there, or not in the
// case, is refused.
func takesReply(t *testing.T, w *world, c *counselv1.Case, r *counselv1.Reply) {
	t.Helper()
	with := func(reply string) *counselv1.CreateOpinionRequest {
		return &counselv1.CreateOpinionRequest{Parent: c.GetName(), Opinion: &counselv1.Opinion{Items: []*counselv1.OpinionItem{{
			Kind: counselv1.OpinionItem_CONTENT, Severity: counselv1.OpinionItem_SHOULD, Basis: "示例依据", Analysis: "示例分析。", Reply: reply,
		}}}}
	}
	for _, name := range []string{r.GetName() + "x", strings.Replace(r.GetName(), c.GetName(), c.GetName()+"x", 1), c.GetName()} {
		if f := w.try(t, "reviewer", counselService+"CreateOpinion", with(name), &counselv1.Opinion{}); reason(f) != "REPLY_UNKNOWN" || f.fields[0] != "opinion.items[0].reply" {
			t.Errorf("takes up %s: %v", name, f)
		}
	}
	o := &counselv1.Opinion{}
	w.must(t, "reviewer", counselService+"CreateOpinion", with(r.GetName()), o)
	if o.GetItems()[0].GetReply() != r.GetName() {
		t.Errorf("takes up %v", o)
	}
	add := &counselv1.AddItemRequest{Name: o.GetName(), Source: &counselv1.AddItemRequest_Item{Item: with(c.GetName()).GetOpinion().GetItems()[0]}}
	if f := w.try(t, "reviewer", reviewService+"AddItem", add, &counselv1.Opinion{}); reason(f) != "REPLY_UNKNOWN" || f.fields[0] != "item.reply" {
		t.Errorf("added: %v", f)
	}
}

// staysOutside looks at what a bureau that is asked sees beside the draft: nothing of
// what is suspected in it, decided about it or done with it.
func staysOutside(t *testing.T, w *world, revision string) {
	t.Helper()
	document, _, _ := strings.Cut(revision, "/revisions/")
	none := revision + "/findings/none"
	for method, in := range map[string]proto.Message{
		"ListFindings":        &filingv1.ListFindingsRequest{Parent: revision},
		"ListFindingHistory":  &filingv1.ListFindingHistoryRequest{Parent: none},
		"ReopenFinding":       &filingv1.ReopenFindingRequest{Name: none, Reason: "示例：撤回主张"},
		"ListDocumentHistory": &filingv1.ListDocumentHistoryRequest{Parent: document},
	} {
		if f := w.try(t, "drafter2", filingService+method, in, &filingv1.ListFindingsResponse{}); f == nil || f.reason != "NOT_DRAFTING_UNIT" {
			t.Errorf("the bureau that is asked calls %s: %v", method, f)
		}
	}
	if f := w.notMade(t, "drafter2", filingService+"AnnotateRevision", &filingv1.AnnotateRevisionRequest{Name: revision}); f.reason != "NOT_DRAFTING_UNIT" {
		t.Errorf("the bureau that is asked reads the findings in Word: %v", f)
	}
	events := w.follow(t, "drafter2", &corev1.WatchRequest{Service: "filing", FromStart: true, Resources: []string{document}})
	events.quiet()
}

// A bureau sees the draft while any question to it is open, also where one ends while
// another is asked.
func TestSolicitationsCrossing(t *testing.T) {
	w := alone(t, onSQLite(t), "grpc", "2026-04-08")
	_, c := w.accepted(t, w.prepared(t, true))
	asked := &directoryv1.Person{}
	w.must(t, "sysadmin", directoryService+"GetPerson", &directoryv1.GetPersonRequest{Name: w.people["drafter2"]}, asked)
	token := w.as(t, "reviewer")
	q := w.solicit(t, c.GetName(), &counselv1.Solicitation{Kind: counselv1.Solicitation_BUREAU, Bureau: asked.GetBureau()})
	for range 20 {
		next, ended := &counselv1.Solicitation{}, make(chan *failure)
		go func() {
			ended <- w.call(t.Context(), token, solicitationService+"CloseSolicitation", &counselv1.CloseSolicitationRequest{Name: q.GetName()}, &counselv1.Solicitation{})
		}()
		f := w.call(t.Context(), token, solicitationService+"CreateSolicitation", &counselv1.CreateSolicitationRequest{
			Parent: c.GetName(), Solicitation: &counselv1.Solicitation{
				Kind: counselv1.Solicitation_BUREAU, Bureau: asked.GetBureau(), Question: "示例问题？", DueDate: ymd(2026, 12, 31),
			},
		}, next)
		if over := <-ended; f != nil || over != nil {
			t.Fatalf("asked %v, ended %v", f, over)
		}
		w.must(t, "drafter2", filingService+"GetDocument", &filingv1.GetDocumentRequest{Name: c.GetSubject()}, &filingv1.Document{})
		q = next
	}
	w.must(t, "reviewer", solicitationService+"CloseSolicitation", &counselv1.CloseSolicitationRequest{Name: q.GetName()}, q)
	if f := w.try(t, "drafter2", filingService+"GetDocument", &filingv1.GetDocumentRequest{Name: c.GetSubject()}, &filingv1.Document{}); f == nil || f.code != codes.NotFound {
		t.Errorf("all ended: %v", f)
	}
}

package e2e

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
)

const reviewService = "fashen.counsel.v1.ReviewService/"

// reviewRequests are the requests of the table for the review of an opinion.
func reviewRequests(t *testing.T) map[string]func(n names) proto.Message {
	t.Helper()
	const s = reviewService
	add := func(of func(n names) string) func(n names) proto.Message {
		return func(n names) proto.Message {
			return &counselv1.AddItemRequest{Name: of(n), Source: &counselv1.AddItemRequest_Item{Item: item(4, "稿中没有的话")}}
		}
	}
	unknown := &counselv1.OpinionItem{
		Id: "none", Kind: counselv1.OpinionItem_FORM, Severity: counselv1.OpinionItem_SHOULD, Basis: "示例依据", Analysis: "示例分析",
	}
	return map[string]func(n names) proto.Message{
		s + "AddItem draft review":  add(func(n names) string { return n.draftReview }),
		s + "AddItem draft counsel": add(func(n names) string { return n.draftCounsel }),
		s + "ReplaceItem": func(n names) proto.Message {
			return &counselv1.ReplaceItemRequest{Name: n.draftReview, Item: proto.CloneOf(unknown)}
		},
		s + "RemoveItem": func(n names) proto.Message {
			return &counselv1.RemoveItemRequest{Name: n.draftReview, ItemId: "none"}
		},
		s + "CreateCheck": func(n names) proto.Message {
			return &counselv1.CreateCheckRequest{Parent: n.draftReview, Check: &counselv1.Check{Checker: n.colleague}}
		},
		s + "GetCheck":   func(n names) proto.Message { return &counselv1.GetCheckRequest{Name: n.check} },
		s + "ListChecks": func(n names) proto.Message { return &counselv1.ListChecksRequest{Parent: opinionOf(n.check)} },
		s + "DecideCheck": func(n names) proto.Message {
			return &counselv1.DecideCheckRequest{Name: n.check, Decision: counselv1.DecideCheckRequest_SEND_BACK}
		},
		s + "CreateComment": func(n names) proto.Message {
			return &counselv1.CreateCommentRequest{Parent: n.review, Comment: &counselv1.Comment{Text: "示例讨论。", ReplyTo: n.review + "/comments/" + absentID}}
		},
		s + "GetComment internal":  func(n names) proto.Message { return &counselv1.GetCommentRequest{Name: n.internal} },
		s + "GetComment addressed": func(n names) proto.Message { return &counselv1.GetCommentRequest{Name: n.addressed} },
		s + "ListComments":         func(n names) proto.Message { return &counselv1.ListCommentsRequest{Parent: n.review} },
		s + "RecomputeDates":       func(n names) proto.Message { return &counselv1.RecomputeDatesRequest{Parent: n.region} },
		s + "ExtendCase": func(n names) proto.Message {
			return &counselv1.ExtendCaseRequest{Name: n.review, Days: 5, Reason: "示例理由"}
		},
		s + "TransferCase": func(n names) proto.Message {
			return &counselv1.TransferCaseRequest{Name: n.review, Reviewer: n.person, Reason: "示例理由"}
		},
		s + "MergeCases": func(n names) proto.Message {
			return &counselv1.MergeCasesRequest{Name: n.review, Cases: []string{n.review}}
		},
		s + "SplitCases":   func(n names) proto.Message { return &counselv1.SplitCasesRequest{Name: n.review} },
		s + "CompareItems": func(n names) proto.Message { return &counselv1.CompareItemsRequest{Name: n.review} },
	}
}

// signable drafts an opinion that could be signed as it is.
func (w *world) signable(t *testing.T, login, review string, items ...*counselv1.OpinionItem) *counselv1.Opinion {
	t.Helper()
	o, conclusion := &counselv1.Opinion{}, counselv1.Conclusion_LAWFUL
	if len(items) > 0 {
		conclusion = counselv1.Conclusion_REVISE
	}
	w.must(t, login, counselService+"CreateOpinion", &counselv1.CreateOpinionRequest{
		Parent: review, Opinion: &counselv1.Opinion{Conclusion: conclusion, Items: items, Checklist: checklist(conclusion)},
	}, o)
	return o
}

// askCheck asks a colleague to check an opinion.
func (w *world) askCheck(t *testing.T, login, opinion, checker string) *counselv1.Check {
	t.Helper()
	ch := &counselv1.Check{}
	w.must(t, login, reviewService+"CreateCheck", &counselv1.CreateCheckRequest{
		Parent: opinion, Check: &counselv1.Check{Checker: w.people[checker], Question: "请复核。"},
	}, ch)
	return ch
}

// comment adds to the discussion of a case, addressed to counsel by sign-in name.
func (w *world) comment(t *testing.T, login, review string, counsel ...string) *counselv1.Comment {
	t.Helper()
	m := &counselv1.Comment{Text: "示例讨论。", Anchor: &corev1.Anchor{Article: 4, Quote: "十万元奖励"}}
	for _, c := range counsel {
		m.Addressees = append(m.Addressees, w.people[c])
	}
	w.must(t, login, reviewService+"CreateComment", &counselv1.CreateCommentRequest{Parent: review, Comment: proto.CloneOf(m)}, m)
	return m
}

// opinionOf is the opinion of a check.
func opinionOf(check string) string {
	opinion, _, _ := strings.Cut(check, "/checks/")
	return opinion
}

package rpc

import (
	"strings"
	"testing"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	competitionv1 "fashen/gen/fashen/competition/v1"
	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
)

// White space is no reason where one is asked for.
func TestBlankTexts(t *testing.T) {
	long := strings.Repeat("\u3000", 30)
	for name, c := range map[string]struct {
		in   proto.Message
		want string
	}{
		"a reason":       {&counselv1.ReturnCaseRequest{Name: "n", Reason: "材料不全"}, ""},
		"blank":          {&counselv1.ReturnCaseRequest{Name: "n", Reason: " \n\u3000"}, "reason"},
		"blank and long": {&counselv1.ReturnCaseRequest{Name: "n", Reason: long}, "reason"},
		"inside":         {&counselv1.CreateReplyRequest{Parent: "p", Reply: &counselv1.Reply{Text: long}}, "reply.text"},
		"in a list": {&counselv1.CreateMatterRequest{Parent: "p", Matter: &counselv1.Matter{
			Regime: counselv1.Regime_REGIME_POWER_LIST_CHANGE, Title: "示例", Changes: []*counselv1.PowerListChange{{
				Kind: counselv1.PowerListChange_ADD, Department: "d", Power: "p", Reason: long, CreatingBases: []*counselv1.LegalBasis{{Law: "示例法"}},
			}},
		}}, "matter.changes[0].reason"},
		"of one that is too short": {&counselv1.ReturnCaseRequest{Name: "n", Reason: " "}, "reason"},
		"beside what an update leaves out": {&counselv1.UpdateMatterRequest{
			Matter: &counselv1.Matter{Name: "m", Title: long}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"title"}},
		}, "matter.title"},
		"where none is asked for": {&counselv1.CreateMatterRequest{Parent: "p", Matter: &counselv1.Matter{
			Regime: counselv1.Regime_REGIME_ADVICE, Title: "示例", EmergencyReason: long,
		}}, ""},
		"of no width":                 {&counselv1.ReturnCaseRequest{Name: "n", Reason: "\u200b\u200b \u2060"}, "reason"},
		"of no width, unasked":        {&counselv1.AnswerItemRequest{Name: "n", Number: 1, Answer: &counselv1.Answer{Adoption: counselv1.Answer_NOT_ADOPTED, Reason: "\ufeff"}}, "answer.reason"},
		"in a list of texts":          {&counselv1.CreateMatterRequest{Parent: "p", Matter: &counselv1.Matter{Regime: 3, Title: "示例", Parties: []string{"甲", "\u3000"}}}, "matter.parties[1]"},
		"NUL":                         {&counselv1.CreateMatterRequest{Parent: "p", Matter: &counselv1.Matter{Regime: 3, Title: "示\x00例"}}, "matter.title"},
		"turned round":                {&counselv1.CreateMatterRequest{Parent: "p", Matter: &counselv1.Matter{Regime: 3, Title: "示例\u202e"}}, "matter.title"},
		"isolated":                    {&counselv1.CreateMatterRequest{Parent: "p", Matter: &counselv1.Matter{Regime: 3, Title: "示例", Parties: []string{"\u2066甲"}}}, "matter.parties[0]"},
		"two lines, joined":           {&counselv1.ReturnCaseRequest{Name: "n", Reason: "一\r\n\t二\u200d"}, ""},
		"a file that nobody looks at": {&competitionv1.ImportRuleSetCandidateRequest{Parent: "p", RuleSetCandidate: &competitionv1.RuleSetCandidate{DisplayName: "示例"}, Filename: "a\u202e.zip", Content: []byte("x")}, "filename"},
		"words of a document":         {&counselv1.CreateCommentRequest{Parent: "p", Comment: &counselv1.Comment{Text: "示例", Anchor: &corev1.Anchor{Quote: "\u202e\v"}}}, ""},
	} {
		err := validateRequest(c.in)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(status.Convert(err).Message(), c.want+"：") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

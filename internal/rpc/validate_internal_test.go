package rpc

import (
	"strings"
	"testing"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

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
	} {
		err := validateRequest(c.in)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(status.Convert(err).Message(), c.want+"：") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

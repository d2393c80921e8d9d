package e2e

import (
	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/proto"

	competitionv1 "fashen/gen/fashen/competition/v1"
)

const competitionService = "fashen.competition.v1.CompetitionService/"

var competitionRequests = map[string]func(n names) proto.Message{
	competitionService + "GetRuleSet": func(n names) proto.Message {
		return &competitionv1.GetRuleSetRequest{Name: n.ruleSet}
	},
	competitionService + "GetRuleSet before the law": func(n names) proto.Message {
		return &competitionv1.GetRuleSetRequest{Name: n.ruleSet, ReviewDate: &datepb.Date{Year: 1990, Month: 1, Day: 1}}
	},
	competitionService + "ListRuleSets": func(names) proto.Message { return &competitionv1.ListRuleSetsRequest{} },
	competitionService + "ListStatutes": func(names) proto.Message { return &competitionv1.ListStatutesRequest{} },
	competitionService + "ScreenText": func(n names) proto.Message {
		return &competitionv1.ScreenTextRequest{Parent: n.region, Source: &competitionv1.ScreenTextRequest_Text{Text: "示例文字。"}}
	},
	competitionService + "ScreenText draft": func(n names) proto.Message {
		return &competitionv1.ScreenTextRequest{Parent: n.region, Source: &competitionv1.ScreenTextRequest_Revision{Revision: n.revision}}
	},
	competitionService + "ImportRuleSetCandidate": func(n names) proto.Message {
		return &competitionv1.ImportRuleSetCandidateRequest{
			Parent: n.region, RuleSetCandidate: &competitionv1.RuleSetCandidate{DisplayName: "示例"},
			Filename: "competition/own.yaml", Content: []byte("rules: {}"),
		}
	},
	competitionService + "GetRuleSetCandidate": func(n names) proto.Message {
		return &competitionv1.GetRuleSetCandidateRequest{Name: n.candidate}
	},
	competitionService + "ListRuleSetCandidates": func(n names) proto.Message {
		return &competitionv1.ListRuleSetCandidatesRequest{Parent: n.region}
	},
	competitionService + "ListRuleSetCandidateHistory": func(n names) proto.Message {
		return &competitionv1.ListRuleSetCandidateHistoryRequest{Parent: n.candidate}
	},
	competitionService + "TryRuleSetCandidate": func(n names) proto.Message {
		return &competitionv1.TryRuleSetCandidateRequest{Name: n.candidate}
	},
}

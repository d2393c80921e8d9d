package filing

import (
	"maps"
	"slices"
	"strings"
	"testing"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/calendar"
	"fashen/internal/rpc"
)

func day(t testing.TB, iso string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(iso)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func date(t testing.TB, iso string) *datepb.Date { return day(t, iso).Proto() }

func number(v int32) *directoryv1.NumberSetting { return &directoryv1.NumberSetting{Value: v} }

func flag(v bool) *directoryv1.FlagSetting { return &directoryv1.FlagSetting{Value: v} }

// sampleProfile has the defaults of national law.
func sampleProfile() *directoryv1.JurisdictionProfile {
	return &directoryv1.JurisdictionProfile{
		FloorCountsFullDays:       flag(true),
		EarlyConclusionLiftsFloor: flag(true),
		ConsultationDays:          number(30),
		ConsultationShortenedDays: number(7),
		CounselAdverseBlocks:      flag(true),
		CounselForAllDocuments:    flag(false),
	}
}

// openGate is a document that touches operators and may go to the meeting of
// 2026-05-20, the first day after the floor.
func openGate(t testing.TB) GateInput {
	return GateInput{
		Document: &filingv1.Document{
			Name:             "regions/120105/documents/d1",
			OperatorImpact:   &filingv1.OperatorImpact{TouchesOperators: true},
			IssuingAuthority: "regions/120105/bureaus/gov",
			Revisions:        []*filingv1.Revision{draft(1, "f1")},
			CurrentRevision:  "regions/120105/documents/d1/revisions/1",
			Materials:        submittable().GetMaterials(),
			Consultation: &filingv1.Consultation{
				OpenDate: date(t, "2026-03-02"), CloseDate: date(t, "2026-04-01"), Channel: "示例网站",
				Opinions: []*filingv1.ConsultationOpinion{
					{Summary: "示例意见一", Handling: filingv1.ConsultationOpinion_ADOPTED},
					{Summary: "示例意见二", Handling: filingv1.ConsultationOpinion_NOT_ADOPTED, Reason: "示例理由"},
				},
			},
			CompetitionConclusion: &filingv1.CompetitionConclusion{
				Outcome:  filingv1.CompetitionConclusion_COMPLIES,
				Revision: "regions/120105/documents/d1/revisions/1", RevisionSha256: "f1",
			},
		},
		Verdict: &counselv1.Verdict{
			Case: "regions/120105/cases/c1", Standing: counselv1.Verdict_PASSES,
			EarliestMeetingDate: date(t, "2026-05-20"),
			CounselVerdicts:     []*counselv1.CounselVerdict{{Conclusion: counselv1.Conclusion_LAWFUL}},
		},
		Profile:     sampleProfile(),
		MeetingDate: day(t, "2026-05-20"),
		Today:       day(t, "2026-05-12"),
	}
}

func draft(n int, sha string) *filingv1.Revision {
	return &filingv1.Revision{
		Name: "regions/120105/documents/d1/revisions/" + string(rune('0'+n)),
		File: &filingv1.File{Sha256: sha}, TextSha256: "t-" + sha,
	}
}

func TestGate(t *testing.T) {
	notTouching := func(in *GateInput) {
		in.Document.OperatorImpact = &filingv1.OperatorImpact{Reason: "只涉及机关内部分工"}
		in.Document.CompetitionConclusion = nil
	}
	adverseCounsel := func(in *GateInput) {
		in.Verdict.CounselVerdicts = append(in.Verdict.CounselVerdicts,
			&counselv1.CounselVerdict{Conclusion: counselv1.Conclusion_UNLAWFUL})
	}
	tests := []struct {
		name       string
		change     func(in *GateInput)
		codes      []string
		metadata   map[string]string // of the first refusal
		advisories []string          // a part of each
	}{
		{name: "open", change: func(*GateInput) {}},

		// Legality.
		{name: "nothing submitted", change: func(in *GateInput) { in.Verdict = nil },
			codes: []string{"LEGALITY_REVIEW_MISSING", "COUNSEL_OPINION_REQUIRED"}},
		{name: "no standing known", change: func(in *GateInput) { in.Verdict.Standing = 0 },
			codes: []string{"LEGALITY_REVIEW_MISSING"}},
		{name: "a standing of a newer server", change: func(in *GateInput) { in.Verdict.Standing = 99 },
			codes: []string{"LEGALITY_REVIEW_MISSING"}},
		{name: "not concluded", change: func(in *GateInput) { in.Verdict.Standing = counselv1.Verdict_NOT_CONCLUDED },
			codes: []string{"LEGALITY_REVIEW_MISSING"}, metadata: map[string]string{"earliest_date": "2026-05-20"}},
		{name: "not accepted yet", change: func(in *GateInput) {
			in.Verdict.Standing, in.Verdict.EarliestMeetingDate = counselv1.Verdict_NOT_CONCLUDED, nil
		}, codes: []string{"LEGALITY_REVIEW_MISSING"}, metadata: map[string]string{}},
		{name: "unlawful", change: func(in *GateInput) { in.Verdict.Standing = counselv1.Verdict_ADVERSE },
			codes: []string{"LEGALITY_ADVERSE"}},
		{name: "changed since", change: func(in *GateInput) { in.Verdict.Standing = counselv1.Verdict_STALE },
			codes: []string{"LEGALITY_STALE"}},
		{name: "items open", change: func(in *GateInput) {
			in.Verdict.Standing, in.Verdict.UnansweredItems = counselv1.Verdict_ITEMS_UNANSWERED, []int32{2, 5}
		}, codes: []string{"OPINION_ITEM_UNANSWERED"}, metadata: map[string]string{"items": "2,5"}},
		{name: "revised draft not confirmed", change: func(in *GateInput) { in.Verdict.Standing = counselv1.Verdict_REVISION_OPEN },
			codes: []string{"CONDITION_OPEN"}},

		// Time for the review: A3, accepted on 2026-05-12 and not concluded.
		{name: "A3, full days", change: func(in *GateInput) {
			in.Verdict.Standing, in.MeetingDate = counselv1.Verdict_NOT_CONCLUDED, day(t, "2026-05-19")
		}, codes: []string{"LEGALITY_REVIEW_MISSING", "REVIEW_TIME_INSUFFICIENT"},
			metadata: map[string]string{"earliest_date": "2026-05-20"}},
		{name: "A3, the last day counts", change: func(in *GateInput) {
			in.Profile.FloorCountsFullDays = flag(false)
			in.Verdict.Standing, in.MeetingDate = counselv1.Verdict_NOT_CONCLUDED, day(t, "2026-05-19")
			in.Verdict.EarliestMeetingDate = date(t, "2026-05-19")
		}, codes: []string{"LEGALITY_REVIEW_MISSING"}, metadata: map[string]string{"earliest_date": "2026-05-19"}},
		{name: "concluded, a day too early", change: func(in *GateInput) { in.MeetingDate = day(t, "2026-05-19") },
			codes: []string{"REVIEW_TIME_INSUFFICIENT"}, metadata: map[string]string{"earliest_date": "2026-05-20"}},
		{name: "time was sufficient", change: func(in *GateInput) {
			in.MeetingDate, in.Verdict.TimeSufficient = day(t, "2026-05-18"), true
		}, advisories: []string{"2026-05-20"}},
		{name: "time was sufficient, the floor stands here", change: func(in *GateInput) {
			in.MeetingDate, in.Verdict.TimeSufficient = day(t, "2026-05-18"), true
			in.Profile.EarlyConclusionLiftsFloor = flag(false)
		}, codes: []string{"REVIEW_TIME_INSUFFICIENT"}},
		{name: "emergency", change: func(in *GateInput) {
			in.Document.Emergency = &filingv1.Emergency{Reason: "示例：防汛急需"}
			in.Verdict.EarliestMeetingDate, in.MeetingDate = nil, day(t, "2026-05-13")
		}, advisories: []string{"防汛急需"}},
		{name: "emergency that lifted no floor", change: func(in *GateInput) {
			in.Document.Emergency = &filingv1.Emergency{Reason: "示例：防汛急需"}
		}},
		{name: "floor is provisional", change: func(in *GateInput) { in.Verdict.ProvisionalDates = true },
			codes: []string{"CALENDAR_NOT_LOADED"}, metadata: map[string]string{"provisional_date": "2026-05-20"}},
		{name: "floor is provisional and not over", change: func(in *GateInput) {
			in.Verdict.ProvisionalDates, in.MeetingDate = true, day(t, "2026-05-19")
		}, codes: []string{"CALENDAR_NOT_LOADED", "REVIEW_TIME_INSUFFICIENT"}},

		// Counsel.
		{name: "counsel not heard", change: func(in *GateInput) { in.Verdict.CounselVerdicts = nil },
			codes: []string{"COUNSEL_OPINION_REQUIRED"}},
		{name: "counsel without a conclusion", change: func(in *GateInput) {
			in.Verdict.CounselVerdicts = []*counselv1.CounselVerdict{{}}
		}, codes: []string{"COUNSEL_OPINION_REQUIRED"}},
		{name: "counsel not needed", change: func(in *GateInput) {
			notTouching(in)
			in.Verdict.CounselVerdicts = nil
		}},
		{name: "counsel needed on every document here", change: func(in *GateInput) {
			notTouching(in)
			in.Verdict.CounselVerdicts, in.Profile.CounselForAllDocuments = nil, flag(true)
		}, codes: []string{"COUNSEL_OPINION_REQUIRED"}},
		{name: "one counsel of two adverse", change: adverseCounsel, codes: []string{"COUNSEL_OPINION_ADVERSE"}},
		{name: "adverse although not needed", change: func(in *GateInput) {
			notTouching(in)
			adverseCounsel(in)
		}, codes: []string{"COUNSEL_OPINION_ADVERSE"}},
		{name: "adverse is advisory here", change: func(in *GateInput) {
			adverseCounsel(in)
			in.Profile.CounselAdverseBlocks = flag(false)
		}, advisories: []string{"1名法律顾问"}},
		{name: "adverse with a conflict, nobody else heard", change: func(in *GateInput) {
			in.Verdict.CounselVerdicts = []*counselv1.CounselVerdict{{Conclusion: counselv1.Conclusion_UNLAWFUL, WithdrawTime: timestamppb.Now()}}
		}, codes: []string{"COUNSEL_OPINION_REQUIRED", "COUNSEL_OPINION_ADVERSE"}},
		{name: "counsel says revise", change: func(in *GateInput) {
			in.Verdict.CounselVerdicts[0].Conclusion = counselv1.Conclusion_REVISE
		}},

		// Material: what was excused at the submission is looked at again.
		{name: "no record of the consultation", change: func(in *GateInput) { in.Document.Materials[2].Kind = filingv1.Material_OTHER },
			codes: []string{"MATERIALS_INCOMPLETE"}, metadata: map[string]string{"missing": "CONSULTATION_RECORD"}},
		{name: "no record, none was held", change: func(in *GateInput) {
			in.Document.Materials[2].Kind = filingv1.Material_OTHER
			in.Document.Consultation = &filingv1.Consultation{NotHeldReason: "示例：依法保密"}
		}, advisories: []string{"示例：依法保密"}},

		// Consultation.
		{name: "no consultation", change: func(in *GateInput) { in.Document.Consultation = nil },
			codes: []string{"CONSULTATION_MISSING"}},
		{name: "no consultation, not touching", change: func(in *GateInput) {
			notTouching(in)
			in.Document.Consultation = nil
		}, codes: []string{"CONSULTATION_MISSING"}},
		{name: "not held, with a reason", change: func(in *GateInput) {
			in.Document.Consultation = &filingv1.Consultation{NotHeldReason: "示例：依法保密"}
		}, advisories: []string{"示例：依法保密"}},
		{name: "an opinion not handled", change: func(in *GateInput) {
			in.Document.Consultation.Opinions[0].Handling = filingv1.ConsultationOpinion_HANDLING_UNSPECIFIED
		}, codes: []string{"CONSULTATION_MISSING"}, metadata: map[string]string{"unhandled_opinions": "1"}},
		{name: "no dates", change: func(in *GateInput) { in.Document.Consultation = &filingv1.Consultation{} },
			codes: []string{"CONSULTATION_MISSING"}},
		{name: "not held, with blanks for a reason", change: func(in *GateInput) {
			in.Document.Consultation = &filingv1.Consultation{NotHeldReason: " 　"}
		}, codes: []string{"CONSULTATION_MISSING"}},
		{name: "closes on the day of the meeting", change: func(in *GateInput) {
			in.Document.Consultation.CloseDate = date(t, "2026-05-20")
		}, codes: []string{"CONSULTATION_TOO_SHORT"}, metadata: map[string]string{"earliest_date": "2026-05-21"}},
		{name: "closes before the meeting, not before today", change: func(in *GateInput) {
			in.Document.Consultation.CloseDate = date(t, "2026-05-12")
		}, codes: []string{"CONSULTATION_TOO_SHORT"}, metadata: map[string]string{"earliest_date": "2026-05-13"}},
		{name: "closed yesterday", change: func(in *GateInput) { in.Document.Consultation.CloseDate = date(t, "2026-05-11") }},
		{name: "short, no reason", change: func(in *GateInput) {
			in.Document.Consultation.CloseDate = date(t, "2026-03-20")
		}, codes: []string{"SHORTEN_REASON_MISSING"}, metadata: map[string]string{"earliest_close_date": "2026-04-01", "consultation_days": "30"}},
		{name: "short, with a reason", change: func(in *GateInput) {
			in.Document.Consultation.CloseDate = date(t, "2026-03-20")
			in.Document.Consultation.ShortenReason = "示例：防汛急需"
		}, advisories: []string{"防汛急需"}},
		{name: "shorter than the least", change: func(in *GateInput) {
			in.Document.Consultation.CloseDate = date(t, "2026-03-06")
			in.Document.Consultation.ShortenReason = "示例：防汛急需"
		}, codes: []string{"CONSULTATION_TOO_SHORT"}, metadata: map[string]string{"earliest_close_date": "2026-03-09", "consultation_days": "7"},
			advisories: []string{"防汛急需"}},
		{name: "no local least", change: func(in *GateInput) {
			in.Document.Consultation.CloseDate = date(t, "2026-03-06")
			in.Document.Consultation.ShortenReason = "示例：防汛急需"
			in.Profile.ConsultationShortenedDays = number(0)
		}, advisories: []string{"防汛急需"}},
		{name: "longer by local rule", change: func(in *GateInput) { in.Profile.ConsultationDays = number(45) },
			codes: []string{"SHORTEN_REASON_MISSING"}, metadata: map[string]string{"earliest_close_date": "2026-04-16", "consultation_days": "45"}},
		{name: "short, not touching: the law names no days", change: func(in *GateInput) {
			notTouching(in)
			in.Document.Consultation.CloseDate = date(t, "2026-03-06")
		}},

		// Fair competition.
		{name: "no conclusion", change: func(in *GateInput) { in.Document.CompetitionConclusion = nil },
			codes: []string{"FCR_MISSING"}},
		{name: "a conclusion without an outcome", change: func(in *GateInput) { in.Document.CompetitionConclusion.Outcome = 0 },
			codes: []string{"FCR_MISSING"}},
		{name: "an exception", change: func(in *GateInput) {
			in.Document.CompetitionConclusion.Outcome = filingv1.CompetitionConclusion_EXCEPTION_OK
		}},
		{name: "adverse", change: func(in *GateInput) {
			in.Document.CompetitionConclusion.Outcome = filingv1.CompetitionConclusion_ADVERSE
		}, codes: []string{"FCR_ADVERSE"}},
		{name: "a newer draft", change: func(in *GateInput) {
			redraft(in.Document, draft(2, "f2"))
		}, codes: []string{"FCR_STALE"}, metadata: map[string]string{
			"reviewed_revision": "regions/120105/documents/d1/revisions/1",
			"current_revision":  "regions/120105/documents/d1/revisions/2",
		}},
		{name: "adverse and stale", change: func(in *GateInput) {
			in.Document.CompetitionConclusion.Outcome = filingv1.CompetitionConclusion_ADVERSE
			redraft(in.Document, draft(2, "f2"))
		}, codes: []string{"FCR_ADVERSE", "FCR_STALE"}},
		{name: "carried to a newer draft", change: func(in *GateInput) {
			redraft(in.Document, draft(2, "f2"))
			in.Document.CompetitionConclusion.CarriedSha256S = []string{"f2"}
		}},
		{name: "not touching", change: notTouching},
		{name: "not touching any more, adverse", change: func(in *GateInput) {
			in.Document.OperatorImpact = &filingv1.OperatorImpact{Reason: "只涉及机关内部分工"}
			in.Document.CompetitionConclusion.Outcome = filingv1.CompetitionConclusion_ADVERSE
		}, codes: []string{"FCR_ADVERSE"}},
		{name: "not touching any more, all that touching asks for", change: func(in *GateInput) {
			in.Document.OperatorImpact = &filingv1.OperatorImpact{Reason: "只涉及机关内部分工"}
			in.Document.Consultation.CloseDate = date(t, "2026-03-20")
			in.Verdict.CounselVerdicts = nil
			redraft(in.Document, draft(2, "f2"))
		}, codes: []string{"COUNSEL_OPINION_REQUIRED", "SHORTEN_REASON_MISSING", "FCR_STALE"}},
		{name: "not touching, no reason", change: func(in *GateInput) {
			notTouching(in)
			in.Document.OperatorImpact.Reason = " "
		}, codes: []string{"FCR_MISSING"}},

		{name: "everything at once", change: func(in *GateInput) {
			in.MeetingDate, in.Today = day(t, "2026-03-19"), day(t, "2026-03-19")
			in.Document.Materials = in.Document.Materials[1:]
			in.Verdict.Standing, in.Verdict.CounselVerdicts = counselv1.Verdict_STALE, nil
			in.Document.Consultation.CloseDate = date(t, "2026-03-20")
			in.Document.Consultation.Opinions[1].Handling = 0
			redraft(in.Document, draft(2, "f2"))
		}, codes: []string{
			"LEGALITY_STALE", "REVIEW_TIME_INSUFFICIENT", "MATERIALS_INCOMPLETE", "COUNSEL_OPINION_REQUIRED", "SHORTEN_REASON_MISSING",
			"CONSULTATION_MISSING", "CONSULTATION_TOO_SHORT", "FCR_STALE",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := openGate(t)
			tt.change(&in)
			before := proto.CloneOf(in.Document)
			got := Gate(in)
			if codes := codesOf(got.Refusals); !slices.Equal(codes, tt.codes) {
				t.Fatalf("refusals %v, want %v", codes, tt.codes)
			}
			if tt.metadata != nil && !maps.Equal(got.Refusals[0].Metadata, tt.metadata) {
				t.Errorf("metadata %v, want %v", got.Refusals[0].Metadata, tt.metadata)
			}
			for _, r := range got.Refusals {
				if r.Law == "" || r.Message == "" {
					t.Errorf("%s names no law or says nothing: %+v", r.Code, r)
				}
			}
			if len(got.Advisories) != len(tt.advisories) {
				t.Fatalf("advisories %v, want %d", got.Advisories, len(tt.advisories))
			}
			for i, want := range tt.advisories {
				if !strings.Contains(got.Advisories[i], want) {
					t.Errorf("advisory %q does not say %q", got.Advisories[i], want)
				}
			}
			if !proto.Equal(before, in.Document) {
				t.Error("the gate changed the document")
			}
		})
	}
}

func codesOf(refusals []rpc.Refusal) []string { return refused(refusals).codes() }

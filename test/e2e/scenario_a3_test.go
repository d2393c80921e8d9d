package e2e

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

const directoryService = "fashen.directory.v1.DirectoryService/"

// profile adds a version of the region's profile, changed from the one in force.
func (w *world) profile(t *testing.T, from string, change func(p *directoryv1.JurisdictionProfile)) {
	t.Helper()
	p := &directoryv1.JurisdictionProfile{}
	w.must(t, "sysadmin", directoryService+"ResolveJurisdictionProfile", &directoryv1.ResolveJurisdictionProfileRequest{Parent: region}, p)
	p = proto.Clone(p).(*directoryv1.JurisdictionProfile)
	p.Name, p.CreateTime, p.EffectiveDate, p.Note = "", nil, date(t, from), "测试用的一版"
	change(p)
	w.must(t, "sysadmin", directoryService+"CreateJurisdictionProfile", &directoryv1.CreateJurisdictionProfileRequest{
		Parent: region, JurisdictionProfile: p,
	}, p)
}

// A3 on a document: accepted 2026-05-12 and not concluded, the meeting of
// 2026-05-19 is refused, for want of a conclusion and of time. Five full working
// days make 2026-05-20 the earliest day; with the flag off it is the fifth day.
func TestA3NoMeetingBeforeTheReview(t *testing.T) {
	for name, tc := range map[string]struct {
		fullDays bool
		earliest string
		codes    []string
	}{
		"full days":            {true, "2026-05-20", []string{"LEGALITY_REVIEW_MISSING", "REVIEW_TIME_INSUFFICIENT"}},
		"the fifth day itself": {false, "2026-05-19", []string{"LEGALITY_REVIEW_MISSING"}},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, "2026-05-12", func(t *testing.T, w *world) {
				w.profile(t, "2026-01-01", func(p *directoryv1.JurisdictionProfile) { p.FloorCountsFullDays.Value = tc.fullDays })
				d, c := w.accepted(t, w.prepared(t, true))
				if got := iso(c.GetRounds()[0].GetEarliestMeetingDate()); got != tc.earliest {
					t.Errorf("earliest meeting %s, want %s", got, tc.earliest)
				}
				_, f := w.deliberate(t, "drafter", d.GetName(), "2026-05-19")
				if f == nil || f.code != codes.FailedPrecondition || f.reason != "LEGALITY_REVIEW_MISSING" {
					t.Fatalf("got %v", f)
				}
				for _, code := range tc.codes {
					if !slices.Contains(f.refusals, code) {
						t.Errorf("%s is not among %v", code, f.refusals)
					}
				}
				if slices.Contains(f.refusals, "REVIEW_TIME_INSUFFICIENT") != tc.fullDays {
					t.Errorf("time floor in %v", f.refusals)
				}
				if f.metadata["earliest_date"] != tc.earliest || f.metadata["law"] == "" {
					t.Errorf("metadata %v", f.metadata)
				}
				if f.http != 0 && f.http != 400 {
					t.Errorf("status %d over REST", f.http)
				}
				history := &filingv1.ListDocumentHistoryResponse{}
				w.must(t, "reviewer", filingService+"ListDocumentHistory", &filingv1.ListDocumentHistoryRequest{Parent: d.GetName(), PageSize: 100}, history)
				last := history.GetHistory()[len(history.GetHistory())-1]
				if !slices.Contains(last.GetReasons(), "LEGALITY_REVIEW_MISSING") {
					t.Errorf("the blocked attempt is not on record: %v", last)
				}
			})
		})
	}
}

// The floor binds although the review was concluded earlier, unless the region
// lets the reviewer's statement lift it.
func TestFloorAfterAnEarlyConclusion(t *testing.T) {
	everywhere(t, "2026-05-12", func(t *testing.T, w *world) {
		d, c := w.accepted(t, w.prepared(t, false))
		o := w.opinion(t, "reviewer", c.GetName(), counselv1.Conclusion_LAWFUL)
		w.review(t, "reviewer", "ConcludeCase", &counselv1.ConcludeCaseRequest{Name: c.GetName(), Opinion: o.GetName(), TimeSufficient: true})
		_, f := w.deliberate(t, "office", d.GetName(), "2026-05-15")
		if f == nil || !slices.Equal(f.refusals, []string{"REVIEW_TIME_INSUFFICIENT"}) {
			t.Fatalf("got %v", f)
		}
		w.profile(t, "2026-01-01", func(p *directoryv1.JurisdictionProfile) { p.EarlyConclusionLiftsFloor.Value = true })
		if _, f := w.deliberate(t, "office", d.GetName(), "2026-05-15"); f != nil {
			t.Errorf("with the floor lifted: %v", f)
		}
	})
}

// Every gate of the slice, one at a time: what closes it, and that the rest is open.
func TestEachGate(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		const day = "2026-05-12"
		lawful := func(touches bool) *filingv1.Document {
			d, c := w.accepted(t, w.prepared(t, touches))
			w.conclude(t, c.GetName(), counselv1.Conclusion_LAWFUL)
			return d
		}
		refusedFor := func(name string, d *filingv1.Document, want ...string) {
			t.Helper()
			_, f := w.deliberate(t, "drafter", d.GetName(), day)
			slices.Sort(want)
			if f == nil || !slices.Equal(slices.Sorted(slices.Values(f.refusals)), want) {
				t.Errorf("%s: got %v, want %v", name, f, want)
			}
		}
		d := lawful(true)
		refusedFor("no counsel, no competition review", d, "FCR_MISSING", "COUNSEL_OPINION_REQUIRED")
		w.competition(t, d.GetName(), d.GetRevisions()[0].GetName(), filingv1.CompetitionConclusion_ADVERSE)
		refusedFor("adverse competition review", d, "FCR_ADVERSE", "COUNSEL_OPINION_REQUIRED")
		w.competition(t, d.GetName(), d.GetRevisions()[0].GetName(), filingv1.CompetitionConclusion_COMPLIES)
		w.assigned(t, d.GetReviewCase())
		w.opinion(t, "counsel", d.GetReviewCase(), counselv1.Conclusion_UNLAWFUL, item(4, "另行给予十万元奖励"))
		refusedFor("adverse counsel", d, "COUNSEL_OPINION_ADVERSE")
		w.opinion(t, "counsel", d.GetReviewCase(), counselv1.Conclusion_LAWFUL)
		if _, f := w.deliberate(t, "office", d.GetName(), day); f != nil {
			t.Errorf("all open: %v", f)
		}

		d, c := w.accepted(t, w.prepared(t, false))
		w.conclude(t, c.GetName(), counselv1.Conclusion_UNLAWFUL, item(4, "另行给予十万元奖励"))
		refusedFor("unlawful", d, "LEGALITY_ADVERSE")

		d = lawful(false)
		w.mustUpload(t, d.GetName(), draft(t, "7777"))
		refusedFor("changed since", d, "LEGALITY_STALE")

		d = w.newDocument(t, true)
		refusedFor("nothing done", d, "LEGALITY_REVIEW_MISSING", "MATERIALS_INCOMPLETE", "CONSULTATION_MISSING", "FCR_MISSING", "COUNSEL_OPINION_REQUIRED")
	})
}

// A4 on recording: a consultation shorter than 30 days needs its reason.
func TestA4ConsultationShortenedOnlyWithAReason(t *testing.T) {
	everywhere(t, "2026-03-02", func(t *testing.T, w *world) {
		d := w.newDocument(t, true)
		record := func(closing, reason string) *failure {
			return w.try(t, "drafter", filingService+"RecordConsultation", &filingv1.RecordConsultationRequest{
				Name: d.GetName(), Consultation: &filingv1.Consultation{
					OpenDate: date(t, "2026-03-02"), CloseDate: date(t, closing), Channel: "示例网站", ShortenReason: reason,
				},
			}, &filingv1.Document{})
		}
		f := record("2026-03-20", "")
		if f == nil || f.reason != "SHORTEN_REASON_MISSING" || f.metadata["earliest_close_date"] != "2026-04-01" {
			t.Errorf("without a reason: %v %v", f, f.metadata)
		}
		if f := record("2026-03-05", "上级要求"); f == nil || f.reason != "CONSULTATION_TOO_SHORT" {
			t.Errorf("below the local minimum: %v", f)
		}
		if f := record("2026-03-20", "上级要求在三月底前出台"); f != nil {
			t.Errorf("with a reason: %v", f)
		}
		if f := record("2026-04-01", ""); f != nil {
			t.Errorf("thirty days: %v", f)
		}
	})
}

package filing

import (
	"cmp"
	"testing"

	"google.golang.org/protobuf/proto"

	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
)

const officer = "regions/120105/people/officer"

func TestConcludeCompetition(t *testing.T) {
	const first, second = "regions/120105/documents/d1/revisions/1", "regions/120105/documents/d1/revisions/2"
	signed := material(filingv1.Material_COMPETITION_CONCLUSION, "s1")
	signed.Revision = first
	recorded := func(outcome filingv1.CompetitionConclusion_Outcome) *filingv1.CompetitionConclusion {
		return &filingv1.CompetitionConclusion{Outcome: outcome, RevisionSha256: "f1", SignedFile: signed.GetFile()}
	}
	for _, tt := range []struct {
		name     string
		change   func(d *filingv1.Document)
		revision string
		// recorder records it, in the place of inPlaceOf if that is somebody.
		recorder, inPlaceOf string

		want string
	}{
		{name: "signed", change: func(d *filingv1.Document) { d.Materials = append(d.Materials, signed) }},
		{name: "not signed", change: func(*filingv1.Document) {}, want: "EVIDENCE_MISSING"},
		{name: "an older draft", change: func(d *filingv1.Document) {
			d.Materials = append(d.Materials, signed)
			redraft(d, draft(2, "f2"))
		}, want: "FCR_STALE"},
		{name: "no such draft", revision: "regions/120105/documents/d2/revisions/1", change: func(*filingv1.Document) {},
			want: "revision:REVISION_UNKNOWN"},
		{name: "the drafter", recorder: "regions/120105/people/p1", want: "SELF_REVIEW_FORBIDDEN",
			change: func(d *filingv1.Document) { d.Materials = append(d.Materials, signed) }},
		{name: "who sent a draft", recorder: "regions/120105/people/p2", want: "SELF_REVIEW_FORBIDDEN",
			change: func(d *filingv1.Document) {
				d.Materials = append(d.Materials, signed)
				d.Revisions[0].Uploader = "regions/120105/people/p2"
			}},
		{name: "for the drafter, who is absent", recorder: officer, inPlaceOf: "regions/120105/people/p1", want: "SELF_REVIEW_FORBIDDEN",
			change: func(d *filingv1.Document) { d.Materials = append(d.Materials, signed) }},
		{name: "the drafter, for another", recorder: "regions/120105/people/p1", inPlaceOf: officer, want: "SELF_REVIEW_FORBIDDEN",
			change: func(d *filingv1.Document) { d.Materials = append(d.Materials, signed) }},
		{name: "in whose place a draft was sent", recorder: officer, want: "SELF_REVIEW_FORBIDDEN",
			change: func(d *filingv1.Document) {
				d.Materials = append(d.Materials, signed)
				d.Revisions[0].UploadedOnBehalfOf = officer
			}},
		{name: "in whose place the document was created", recorder: officer, want: "SELF_REVIEW_FORBIDDEN",
			change: func(d *filingv1.Document) {
				d.Materials = append(d.Materials, signed)
				d.DraftedOnBehalfOf = officer
			}},
		{name: "signed for another draft", revision: second, want: "EVIDENCE_MISSING",
			change: func(d *filingv1.Document) {
				d.Materials = append(d.Materials, signed)
				redraft(d, draft(2, "f2"))
			}},
		{name: "the file of another draft's conclusion, sent again", revision: second, want: "EVIDENCE_MISSING",
			change: func(d *filingv1.Document) {
				d.CompetitionConclusion = recorded(filingv1.CompetitionConclusion_COMPLIES)
				redraft(d, draft(2, "f2"))
				again := proto.CloneOf(signed)
				again.Revision = second
				d.Materials = append(d.Materials, again)
			}},
		{name: "the file of another outcome", want: "EVIDENCE_MISSING", change: func(d *filingv1.Document) {
			d.Materials = append(d.Materials, signed)
			d.CompetitionConclusion = recorded(filingv1.CompetitionConclusion_ADVERSE)
		}},
		{name: "another file for another outcome", change: func(d *filingv1.Document) {
			d.Materials = append(d.Materials, signed)
			d.CompetitionConclusion = recorded(filingv1.CompetitionConclusion_ADVERSE)
			d.CompetitionConclusion.SignedFile = &filingv1.File{Sha256: "s0"}
		}},
		{name: "said again of the same draft", change: func(d *filingv1.Document) {
			d.Materials = append(d.Materials, signed)
			d.CompetitionConclusion = recorded(filingv1.CompetitionConclusion_COMPLIES)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := submittable()
			tt.change(d)
			given := &filingv1.CompetitionConclusion{
				Outcome: filingv1.CompetitionConclusion_COMPLIES, Summary: "示例结论",
				Revision: cmp.Or(tt.revision, first),
			}
			who := auth.Caller{Person: cmp.Or(tt.recorder, officer)}
			if tt.inPlaceOf != "" {
				who = auth.Caller{Person: tt.inPlaceOf, Delegate: tt.recorder}
			}
			err := concludeCompetition(d, given, who)
			wantReason(t, err, tt.want)
			if c := d.GetCompetitionConclusion(); err == nil &&
				(c.GetRevisionSha256() != "f1" || c.GetSignedFile().GetSha256() != "s1" || c.GetRecorder() != officer || c.GetOutcome() != given.Outcome) {
				t.Errorf("recorded %v", c)
			}
		})
	}
}

func TestCarryCompetition(t *testing.T) {
	const first, second = "regions/120105/documents/d1/revisions/1", "regions/120105/documents/d1/revisions/2"
	d := submittable()
	wantReason(t, carryCompetition(d, first, auth.Caller{Person: officer}), "FCR_MISSING")
	d.CompetitionConclusion = &filingv1.CompetitionConclusion{
		Outcome: filingv1.CompetitionConclusion_COMPLIES, Revision: first, RevisionSha256: "f1",
	}
	wantReason(t, carryCompetition(d, first, auth.Caller{Person: officer}), "unchanged")
	redraft(d, draft(2, "f2"))
	wantReason(t, carryCompetition(d, first, auth.Caller{Person: officer}), "FCR_STALE")
	wantReason(t, carryCompetition(d, second, auth.Caller{Person: "regions/120105/people/p1"}), "SELF_REVIEW_FORBIDDEN")
	wantReason(t, carryCompetition(d, second, auth.Caller{Person: officer}), "")
	wantReason(t, carryCompetition(d, second, auth.Caller{Person: officer}), "unchanged")
	if !competitionCovers(d.GetCompetitionConclusion(), currentRevision(d)) {
		t.Error("the conclusion does not cover the draft it was carried to")
	}
	redraft(d, draft(3, "f3"))
	if competitionCovers(d.GetCompetitionConclusion(), currentRevision(d)) {
		t.Error("the conclusion covers a draft nobody looked at")
	}
}

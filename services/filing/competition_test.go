package filing

import (
	"cmp"
	"testing"

	filingv1 "fashen/gen/fashen/filing/v1"
)

const officer = "regions/120105/people/officer"

func TestConcludeCompetition(t *testing.T) {
	signed := material(filingv1.Material_COMPETITION_CONCLUSION, "s1")
	for _, tt := range []struct {
		name     string
		change   func(d *filingv1.Document)
		revision string
		recorder string
		want     string
	}{
		{name: "signed", change: func(d *filingv1.Document) { d.Materials = append(d.Materials, signed) }},
		{name: "not signed", change: func(*filingv1.Document) {}, want: "EVIDENCE_MISSING"},
		{name: "an older draft", change: func(d *filingv1.Document) {
			d.Materials = append(d.Materials, signed)
			d.Revisions = append(d.Revisions, draft(2, "f2"))
		}, want: "LEGALITY_STALE"},
		{name: "no such draft", revision: "regions/120105/documents/d2/revisions/1", change: func(*filingv1.Document) {},
			want: "revision:REVISION_UNKNOWN"},
		{name: "the drafter", recorder: "regions/120105/people/p1", want: "SELF_REVIEW_FORBIDDEN",
			change: func(d *filingv1.Document) { d.Materials = append(d.Materials, signed) }},
		{name: "who sent a draft", recorder: "regions/120105/people/p2", want: "SELF_REVIEW_FORBIDDEN",
			change: func(d *filingv1.Document) {
				d.Materials = append(d.Materials, signed)
				d.Revisions[0].Uploader = "regions/120105/people/p2"
			}},
		{name: "the file of another draft's conclusion", revision: "regions/120105/documents/d1/revisions/2", want: "EVIDENCE_MISSING",
			change: func(d *filingv1.Document) {
				d.Materials = append(d.Materials, signed)
				d.Revisions = append(d.Revisions, draft(2, "f2"))
				d.CompetitionConclusion = &filingv1.CompetitionConclusion{RevisionSha256: "f1", SignedFile: signed.GetFile()}
			}},
		{name: "corrected for the same draft", change: func(d *filingv1.Document) {
			d.Materials = append(d.Materials, signed)
			d.CompetitionConclusion = &filingv1.CompetitionConclusion{RevisionSha256: "f1", SignedFile: signed.GetFile()}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := submittable()
			tt.change(d)
			given := &filingv1.CompetitionConclusion{
				Outcome: filingv1.CompetitionConclusion_COMPLIES, Summary: "示例结论",
				Revision: cmp.Or(tt.revision, "regions/120105/documents/d1/revisions/1"), Recorder: cmp.Or(tt.recorder, officer),
			}
			err := concludeCompetition(d, given)
			wantReason(t, err, tt.want)
			if c := d.GetCompetitionConclusion(); err == nil &&
				(c.GetRevisionSha256() != "f1" || c.GetSignedFile().GetSha256() != "s1" || c.GetOutcome() != given.Outcome) {
				t.Errorf("recorded %v", c)
			}
		})
	}
}

func TestCarryCompetition(t *testing.T) {
	const first, second = "regions/120105/documents/d1/revisions/1", "regions/120105/documents/d1/revisions/2"
	d := submittable()
	wantReason(t, carryCompetition(d, first, officer), "FCR_MISSING")
	d.CompetitionConclusion = &filingv1.CompetitionConclusion{
		Outcome: filingv1.CompetitionConclusion_COMPLIES, Revision: first, RevisionSha256: "f1",
	}
	wantReason(t, carryCompetition(d, first, officer), "unchanged")
	d.Revisions = append(d.Revisions, draft(2, "f2"))
	wantReason(t, carryCompetition(d, first, officer), "LEGALITY_STALE")
	wantReason(t, carryCompetition(d, second, "regions/120105/people/p1"), "SELF_REVIEW_FORBIDDEN")
	wantReason(t, carryCompetition(d, second, officer), "")
	wantReason(t, carryCompetition(d, second, officer), "unchanged")
	if !competitionCovers(d.GetCompetitionConclusion(), newestRevision(d)) {
		t.Error("the conclusion does not cover the draft it was carried to")
	}
	d.Revisions = append(d.Revisions, draft(3, "f3"))
	if competitionCovers(d.GetCompetitionConclusion(), newestRevision(d)) {
		t.Error("the conclusion covers a draft nobody looked at")
	}
}

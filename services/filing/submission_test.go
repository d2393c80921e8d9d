package filing

import (
	"errors"
	"testing"

	filingv1 "fashen/gen/fashen/filing/v1"
)

func material(kind filingv1.Material_Kind, sha string) *filingv1.Material {
	return &filingv1.Material{Kind: kind, File: &filingv1.File{Sha256: sha}}
}

// submittable is a draft with everything that goes with it.
func submittable() *filingv1.Document {
	d := drafting()
	d.Revisions = []*filingv1.Revision{draft(1, "f1")}
	d.Materials = []*filingv1.Material{
		material(filingv1.Material_DRAFTING_STATEMENT, "m1"), material(filingv1.Material_LEGAL_BASIS, "m2"),
		material(filingv1.Material_CONSULTATION_RECORD, "m3"), material(filingv1.Material_OWN_LEGALITY_OPINION, "m4"),
	}
	d.VersionDigest = versionDigest(d)
	return d
}

func TestCheckSubmittable(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(d *filingv1.Document)
		want    string
		missing string
	}{
		{name: "whole", change: func(*filingv1.Document) {}},
		{name: "again", change: func(d *filingv1.Document) { d.State, d.SubmissionCount = filingv1.Document_UNDER_REVIEW, 3 }},
		{name: "nothing", change: func(d *filingv1.Document) { d.Revisions, d.Materials = nil, nil },
			want: "MATERIALS_INCOMPLETE", missing: "DRAFT,DRAFTING_STATEMENT,LEGAL_BASIS,CONSULTATION_RECORD,OWN_LEGALITY_OPINION"},
		{name: "no statement", change: func(d *filingv1.Document) { d.Materials = d.Materials[1:] },
			want: "MATERIALS_INCOMPLETE", missing: "DRAFTING_STATEMENT"},
		{name: "no consultation record", change: func(d *filingv1.Document) { d.Materials[2].Kind = filingv1.Material_OTHER },
			want: "MATERIALS_INCOMPLETE", missing: "CONSULTATION_RECORD"},
		{name: "no consultation, with a reason", change: func(d *filingv1.Document) {
			d.Materials[2].Kind = filingv1.Material_OTHER
			d.Consultation = &filingv1.Consultation{NotHeldReason: "示例：依法保密"}
		}},
		{name: "too often", change: func(d *filingv1.Document) { d.SubmissionCount = maxSubmissions }, want: "TOO_MANY_SUBMISSIONS"},
		{name: "closed", change: func(d *filingv1.Document) { d.State = filingv1.Document_DELIBERATED }, want: "RECORD_CLOSED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := submittable()
			tt.change(d)
			err := checkSubmittable(d)
			wantReason(t, err, tt.want)
			var no refused
			if errors.As(err, &no) && no[0].Metadata["missing"] != tt.missing {
				t.Errorf("missing %q, want %q", no[0].Metadata["missing"], tt.missing)
			}
		})
	}
}

func TestMarkSubmitted(t *testing.T) {
	d := submittable()
	d.Emergency, d.Parties = &filingv1.Emergency{Reason: "示例紧急情形"}, []string{"示例公司"}
	in := caseOf(d)
	if in.GetParent() != "regions/120105" || in.GetSubmission() != 1 || in.GetVersionDigest() != d.GetVersionDigest() ||
		in.GetRevision() != d.GetRevisions()[0].GetName() || !in.GetTouchesOperators() ||
		in.GetEmergencyReason() == "" || len(in.GetParties()) != 1 || in.GetDraftingUnit() != d.GetDraftingUnit() {
		t.Errorf("the review is told %v", in)
	}
	if err := markSubmitted(d, "regions/120105/cases/c1"); err != nil {
		t.Fatal(err)
	}
	if d.GetState() != filingv1.Document_UNDER_REVIEW || d.GetSubmissionCount() != 1 || d.GetReviewCase() == "" {
		t.Errorf("submitted document is %v", d)
	}
	if caseOf(d).GetSubmission() != 2 {
		t.Error("the next submission is the second")
	}
}

package filing

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/docstore"
	"fashen/internal/intent"
)

func material(kind filingv1.Material_Kind, sha string) *filingv1.Material {
	return &filingv1.Material{Kind: kind, File: &filingv1.File{Sha256: sha}}
}

// submittable is a draft with everything that goes with it.
func submittable() *filingv1.Document {
	d := drafting()
	redraft(d, draft(1, "f1"))
	d.Materials = []*filingv1.Material{
		material(filingv1.Material_DRAFTING_STATEMENT, "m1"), material(filingv1.Material_LEGAL_BASIS, "m2"),
		material(filingv1.Material_CONSULTATION_RECORD, "m3"), material(filingv1.Material_OWN_LEGALITY_OPINION, "m4"),
	}
	d.VersionDigest = versionDigest(d)
	return d
}

// redraft lets another draft stand.
func redraft(d *filingv1.Document, r *filingv1.Revision) {
	d.Revisions, d.CurrentRevision = append(d.Revisions, r), r.GetName()
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
		{name: "no consultation, with blanks for a reason", change: func(d *filingv1.Document) {
			d.Materials[2].Kind = filingv1.Material_OTHER
			d.Consultation = &filingv1.Consultation{NotHeldReason: " 　\t"}
		}, want: "MATERIALS_INCOMPLETE", missing: "CONSULTATION_RECORD"},
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
	before := proto.CloneOf(d)
	i := intent.New(d.GetName(), submitMethod, drafterCaller, time.Now())
	must(t, requestSubmission(d, before, i))
	if !d.GetReconciling() || caseOf(d).GetTransition() != intent.ID(i) || d.GetState() != before.GetState() {
		t.Errorf("waits as %v", d)
	}
	// The case has a round more than the document knows of.
	opened := &counselv1.Case{Name: "regions/120105/cases/c1", Rounds: []*counselv1.Round{
		{Number: 1, Transition: "another"}, {Number: 2, Transition: intent.ID(i)}, {Number: 3, Transition: "a later one"},
	}}
	if err := markSubmitted(d, &counselv1.Case{}); err == nil || !d.GetReconciling() {
		t.Error("a case without a round is no submission")
	}
	must(t, markSubmitted(d, opened))
	if d.GetState() != filingv1.Document_UNDER_REVIEW || d.GetSubmissionCount() != 2 || d.GetReviewCase() == "" || d.GetReconciling() || d.GetIntent() != nil {
		t.Errorf("submitted document is %v", d)
	}
	if caseOf(d).GetSubmission() != 3 {
		t.Error("the next submission is the third")
	}
	if err := requestSubmission(d, before, i); !errors.Is(err, docstore.ErrConflict) {
		t.Errorf("what another call has submitted answers %v", err)
	}
}

func TestDrafters(t *testing.T) {
	d := drafting()
	for i, person := range []string{"p2", "p1", "p2", "p3"} {
		r := draft(i+1, fmt.Sprint("f", i))
		r.Uploader = "regions/120105/people/" + person
		redraft(d, r)
	}
	want := []string{"regions/120105/people/p1", "regions/120105/people/p2", "regions/120105/people/p3"}
	if got := caseOf(d).GetDrafters(); !slices.Equal(got, want) {
		t.Errorf("drafters %v", got)
	}
}

// What a regulator has concluded on counts as touching operators, whatever the
// document says since.
func TestTouchesOperators(t *testing.T) {
	d := submittable()
	d.OperatorImpact = &filingv1.OperatorImpact{Reason: "只涉及内部事务"}
	if touchesOperators(d) || caseOf(d).GetTouchesOperators() {
		t.Error("a document that touches no operators counts as touching them")
	}
	d.CompetitionConclusion = &filingv1.CompetitionConclusion{Outcome: filingv1.CompetitionConclusion_ADVERSE}
	if !touchesOperators(d) || !caseOf(d).GetTouchesOperators() {
		t.Error("a document with a conclusion counts as touching no operators")
	}
}

func TestRequestDeliberation(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(d *filingv1.Document)
		want   error
	}{
		"as seen":         {func(*filingv1.Document) {}, nil},
		"another title":   {func(d *filingv1.Document) { d.Title = "另一标题" }, nil},
		"another version": {func(d *filingv1.Document) { d.VersionDigest = "another" }, docstore.ErrConflict},
		"submitted again": {func(d *filingv1.Document) { d.SubmissionCount++ }, docstore.ErrConflict},
		"waiting since":   {func(d *filingv1.Document) { d.Intent = &corev1.Intent{Name: "another"} }, docstore.ErrConflict},
		"an adverse conclusion since": {func(d *filingv1.Document) {
			d.CompetitionConclusion.Outcome = filingv1.CompetitionConclusion_ADVERSE
		}, docstore.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			gate := openGate(t)
			d := proto.CloneOf(gate.Document)
			tt.change(d)
			i := intent.New(d.GetName(), deliberateMethod, officeCaller, time.Now())
			err := requestDeliberation(d, gate.Document, gate, "示例第1次常务会议", i)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if waits := d.GetReconciling() && d.GetRequestedDeliberation() != nil; waits != (tt.want == nil) || d.GetDeliberation() != nil {
				t.Errorf("waits as %v", d)
			}
		})
	}
}

func TestDeliberate(t *testing.T) {
	gate := openGate(t)
	waiting := proto.CloneOf(gate.Document)
	i := intent.New(waiting.GetName(), deliberateMethod, officeCaller, time.Now())
	must(t, requestDeliberation(waiting, gate.Document, gate, "示例第1次常务会议", i))
	adverse := proto.CloneOf(waiting)
	adverse.CompetitionConclusion.Outcome = filingv1.CompetitionConclusion_ADVERSE
	if err := deliberate(adverse, gate); !errors.Is(err, docstore.ErrConflict) || adverse.GetState() == filingv1.Document_DELIBERATED {
		t.Errorf("the gate closed in between: %v, %v", err, adverse)
	}
	must(t, deliberate(waiting, gate))
	if d := waiting; d.GetState() != filingv1.Document_DELIBERATED || d.GetDeliberation().GetCertificate() != intent.ID(i) ||
		d.GetReconciling() || d.GetIntent() != nil || d.GetRequestedDeliberation() != nil {
		t.Errorf("deliberated %v", d)
	}
}

// A meeting that is over when the review is reached is none to go to.
func TestLateGate(t *testing.T) {
	gate := openGate(t)
	if no := lateGate(gate); len(no) > 0 {
		t.Fatalf("refused for %v", no)
	}
	gate.Today = gate.MeetingDate
	if no := lateGate(gate); len(no) > 0 {
		t.Errorf("on the day itself refused for %v", no)
	}
	gate.Today = gate.MeetingDate.AddDays(1)
	if no := lateGate(gate); len(no) != 1 || no[0].Code != "MEETING_PAST" {
		t.Errorf("on the day after refused for %v", no)
	}
}

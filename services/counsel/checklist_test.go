package counsel

import (
	"errors"
	"fmt"
	"testing"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// nextID makes ids that differ.
func nextID() func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("id-%d", n) }
}

// answered is a checklist in which every point but the failing ones conforms.
func answered(failing ...counselv1.ReviewPoint) []*counselv1.ChecklistEntry {
	var out []*counselv1.ChecklistEntry
	for _, p := range normativePoints {
		e := &counselv1.ChecklistEntry{Point: p.point, Result: counselv1.ChecklistEntry_CONFORMS}
		for _, f := range failing {
			if f == p.point {
				e.Result, e.Note = counselv1.ChecklistEntry_DOES_NOT_CONFORM, "示例"
			}
		}
		out = append(out, e)
	}
	return out
}

func drafted(c *counselv1.Case, conclusion counselv1.Conclusion, items ...*counselv1.OpinionItem) *counselv1.Opinion {
	o := signed(c, conclusion, 0)
	o.State, o.Items, o.Checklist = counselv1.Opinion_DRAFT, items, answered()
	if !lawful(conclusion) {
		o.Checklist = answered(counselv1.ReviewPoint_REVIEW_POINT_POWERS)
	}
	return o
}

func itemWith(kind counselv1.OpinionItem_Kind, severity counselv1.OpinionItem_Severity) *counselv1.OpinionItem {
	return &counselv1.OpinionItem{Kind: kind, Severity: severity, Basis: "示例依据", Analysis: "示例分析"}
}

// A review opinion is signed with every point answered, and answered as it concludes
// (国办发〔2018〕115号).
func TestSignatureWantsTheChecklist(t *testing.T) {
	c := at(t, counselv1.Case_UNDER_REVIEW)
	must := itemWith(counselv1.OpinionItem_CONTENT, counselv1.OpinionItem_MUST)
	form := itemWith(counselv1.OpinionItem_FORM, counselv1.OpinionItem_MUST)
	should := itemWith(counselv1.OpinionItem_CONTENT, counselv1.OpinionItem_SHOULD)
	for name, tt := range map[string]struct {
		conclusion counselv1.Conclusion
		items      []*counselv1.OpinionItem
		checklist  []*counselv1.ChecklistEntry
		want       string
	}{
		"lawful, all conform":          {counselv1.Conclusion_LAWFUL, nil, answered(), ""},
		"lawful, something advised":    {counselv1.Conclusion_LAWFUL, []*counselv1.OpinionItem{should}, answered(), ""},
		"lawful, yet to be changed":    {counselv1.Conclusion_LAWFUL, []*counselv1.OpinionItem{should, must}, answered(), codeConclusionContradicts},
		"lawful, a form to be changed": {counselv1.Conclusion_LAWFUL, []*counselv1.OpinionItem{form}, answered(), codeConclusionContradicts},
		"none answered":                {counselv1.Conclusion_LAWFUL, nil, nil, codeChecklistIncomplete},
		"one open":                     {counselv1.Conclusion_LAWFUL, nil, unanswered7(answered()), codeChecklistIncomplete},
		"failing without a note":       {counselv1.Conclusion_REVISE, []*counselv1.OpinionItem{must}, noteless(answered(counselv1.ReviewPoint_REVIEW_POINT_ISSUER)), codeChecklistIncomplete},
		"lawful in spite of a failure": {counselv1.Conclusion_LAWFUL, nil, answered(counselv1.ReviewPoint_REVIEW_POINT_POWERS), codeChecklistContradicts},
		"unlawful though all conform":  {counselv1.Conclusion_UNLAWFUL, []*counselv1.OpinionItem{must}, answered(), codeChecklistContradicts},
		"revise though all conform":    {counselv1.Conclusion_REVISE, []*counselv1.OpinionItem{should, must}, answered(), codeChecklistContradicts},
		"revise in form only":          {counselv1.Conclusion_REVISE, []*counselv1.OpinionItem{form, should}, answered(), ""},
		"revise with a failing point":  {counselv1.Conclusion_REVISE, []*counselv1.OpinionItem{must}, answered(counselv1.ReviewPoint_REVIEW_POINT_PROCEDURE), ""},
		"unlawful with one":            {counselv1.Conclusion_UNLAWFUL, []*counselv1.OpinionItem{must}, answered(counselv1.ReviewPoint_REVIEW_POINT_RESERVED_MATTERS), ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := drafted(c, tt.conclusion, tt.items...)
			o.Checklist = tt.checklist
			_, err := closeForSigning(o, c, signing{}, reviewer, day0)
			if got := code(err); got != tt.want {
				t.Fatalf("code %q, want %q", got, tt.want)
			}
			if tt.want != "" && o.GetState() != counselv1.Opinion_DRAFT {
				t.Errorf("refused and %v", o.GetState())
			}
		})
	}
}

func unanswered7(entries []*counselv1.ChecklistEntry) []*counselv1.ChecklistEntry {
	entries[6].Result = 0
	return entries
}

func noteless(entries []*counselv1.ChecklistEntry) []*counselv1.ChecklistEntry {
	for _, e := range entries {
		e.Note = " "
	}
	return entries
}

// A checklist holds the points of its review, in their order, each once.
func TestChecklistOf(t *testing.T) {
	whole, err := checklistOf(normativePoints, []*counselv1.ChecklistEntry{{Point: counselv1.ReviewPoint_REVIEW_POINT_PROCEDURE, Result: counselv1.ChecklistEntry_CONFORMS}})
	if err != nil || len(whole) != 7 || whole[6].GetResult() != counselv1.ChecklistEntry_CONFORMS || whole[0].GetResult() != 0 {
		t.Errorf("%v, %v", whole, err)
	}
	twice := []*counselv1.ChecklistEntry{{Point: counselv1.ReviewPoint_REVIEW_POINT_ISSUER}, {Point: counselv1.ReviewPoint_REVIEW_POINT_ISSUER}}
	if _, err := checklistOf(normativePoints, twice); rpc.Reason(err) != "CHECKLIST_POINT_TWICE" {
		t.Errorf("a point twice: %v", err)
	}
	if _, err := checklistOf(nil, twice[:1]); rpc.Reason(err) != "CHECKLIST_POINT_UNKNOWN" {
		t.Errorf("a point the review does not have: %v", err)
	}
}

// Lawful with a stated risk is no conclusion about a normative document, but may be
// counsel's, who states the risk.
func TestLawfulWithRisk(t *testing.T) {
	c := at(t, counselv1.Case_UNDER_REVIEW)
	o := drafted(c, counselv1.Conclusion_LAWFUL_WITH_RISK)
	o.RiskStatement = "示例风险。"
	if _, err := closeForSigning(o, c, signing{}, reviewer, day0); code(err) != codeConclusionNotAllowed {
		t.Errorf("a review of a document: %v", err)
	}
	if _, err := conclude(c, signed(c, counselv1.Conclusion_LAWFUL_WITH_RISK, 0), reviewer, dated(t).ceiling, true); code(err) != codeConclusionNotAllowed {
		t.Errorf("a conclusion about a document: %v", err)
	}
	o.Kind, o.Author, o.Checklist = counselv1.Opinion_COUNSEL, counsel.Person, nil
	if _, err := closeForSigning(o, c, signing{}, counsel, day0); err != nil {
		t.Errorf("counsel's: %v", err)
	}
	o.State, o.RiskStatement = counselv1.Opinion_DRAFT, " "
	if _, err := closeForSigning(o, c, signing{}, counsel, day0); rpc.Reason(err) != "REQUIRED" {
		t.Errorf("without the risk: %v", err)
	}
}

// An opinion that supersedes a signed one closes first, so that both stay and name
// each other; what was signed does not change by that, and no conclusion rests on it
// any more.
func TestSupersedingOpinion(t *testing.T) {
	c := at(t, counselv1.Case_UNDER_REVIEW)
	before := signed(c, counselv1.Conclusion_LAWFUL, 0)
	in := &counselv1.Opinion{Supersedes: before.GetName(), Conclusion: counselv1.Conclusion_LAWFUL, Checklist: answered()}
	deputy := auth.Caller{Person: region + "/people/deputy", Region: region, Roles: reviewer.Roles}
	if _, _, err := newOpinion("n", c, in, before, deputy, nextID()); rpc.Reason(err) != "OPINION_NOT_SUPERSEDABLE" {
		t.Errorf("another's opinion: %v", err)
	}
	o, change, err := newOpinion("n", c, in, before, reviewer, nextID())
	if err != nil || len(change.Details) != 1 {
		t.Fatalf("%v, %v", change, err)
	}
	if _, err := closeForSigning(o, c, signing{before: before}, reviewer, day0); err != nil || o.GetState() != counselv1.Opinion_SIGNING {
		t.Fatalf("%v after closing, %v", o.GetState(), err)
	}
	digest, _ := contentDigest(before)
	if _, err := supersede(before, o); err != nil || before.GetSupersededBy() != "n" {
		t.Fatalf("%v, %v", before.GetSupersededBy(), err)
	}
	if after, _ := contentDigest(before); after != digest {
		t.Error("what was signed has changed")
	}
	if _, err := supersede(before, o); !errors.Is(err, docstore.ErrUnchanged) {
		t.Errorf("again: %v", err)
	}
	if _, err := conclude(c, before, reviewer, dated(t).ceiling, true); code(err) != codeOpinionSuperseded {
		t.Errorf("a conclusion on what was superseded: %v", err)
	}
	if _, _, err := newOpinion("m", c, in, before, reviewer, nextID()); code(err) != codeOpinionSuperseded {
		t.Errorf("superseded twice: %v", err)
	}
	// What a conclusion rests on is not superseded after it.
	before = signed(c, counselv1.Conclusion_LAWFUL, 0)
	if o, _, err = newOpinion("l", c, in, before, reviewer, nextID()); err != nil {
		t.Fatal(err)
	}
	if _, err := conclude(c, before, reviewer, dated(t).ceiling, true); err != nil {
		t.Fatal(err)
	}
	if _, err := closeForSigning(o, c, signing{before: before}, reviewer, day0); code(err) != codeStateNotAllowed {
		t.Errorf("superseded after the conclusion: %v, %v", o.GetState(), err)
	}
}

package policytext

import (
	"strings"

	corev1 "fashen/gen/fashen/core/v1"
)

// InspectedPart is a part of a document; offsets are code points.
type InspectedPart struct {
	ID             string `json:"id"`
	Kind           string `json:"kind"` // main, enclosed, attachment
	Label          string `json:"label"`
	Title          string `json:"title"`
	DocumentNumber string `json:"document_number"`
	Start          int    `json:"start"`
	End            int    `json:"end"`
	// What of the outline stands in it; of an attachment, its own.
	Outline []*Inspected `json:"outline"`
}

// InspectedReference is a reference to a place of the document itself.
type InspectedReference struct {
	Text    string   `json:"text"`
	Start   int      `json:"start"`
	End     int      `json:"end"`
	Targets []string `json:"targets"`
	Broken  bool     `json:"broken"`
}

// InspectedValidity is a clause on how long a text holds.
type InspectedValidity struct {
	Text          string `json:"text"`
	Start         int    `json:"start"`
	End           int    `json:"end"`
	EffectiveDate string `json:"effective_date"` // ISO 8601, or empty
	FromIssue     bool   `json:"from_issue"`
	LastDay       string `json:"last_day"` // ISO 8601, or empty
	Months        int    `json:"months"`
}

func inspectParts(t *corev1.PolicyText) []InspectedPart {
	out := make([]InspectedPart, 0, len(t.GetParts()))
	for _, p := range t.GetParts() {
		nodes := p.GetOutline()
		for _, n := range t.GetOutline() {
			if n.GetStart() >= p.GetStart() && n.GetStart() < p.GetEnd() {
				nodes = append(nodes, n)
			}
		}
		out = append(out, InspectedPart{
			ID: p.GetId(), Kind: strings.ToLower(strings.TrimPrefix(p.GetKind().String(), "PART_KIND_")), Label: p.GetLabel(), Title: p.GetTitle(),
			DocumentNumber: p.GetDocumentNumber(), Start: int(p.GetStart()), End: int(p.GetEnd()), Outline: inspectNodes(nodes),
		})
	}
	return out
}

func inspectReferences(references []*corev1.Reference) []InspectedReference {
	out := make([]InspectedReference, 0, len(references))
	for _, r := range references {
		out = append(out, InspectedReference{r.GetText(), int(r.GetStart()), int(r.GetEnd()), orEmpty(r.GetTargets()), r.GetBroken()})
	}
	return out
}

func inspectValidities(validities []*corev1.Validity) []InspectedValidity {
	out := make([]InspectedValidity, 0, len(validities))
	for _, v := range validities {
		out = append(out, InspectedValidity{
			Text: v.GetText(), Start: int(v.GetStart()), End: int(v.GetEnd()), EffectiveDate: isoDate(v.GetEffectiveDate()),
			FromIssue: v.GetFromIssue(), LastDay: isoDate(v.GetLastDay()), Months: int(v.GetMonths()),
		})
	}
	return out
}

// orEmpty prints as [] and never as null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

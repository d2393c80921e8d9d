package officialdoc

import (
	"strings"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/calendar"
)

// TemplateOf is the template that a region's profile holds; the issuer is the one
// given where it names none.
func TemplateOf(p *directoryv1.LetterTemplate, issuer string) Template {
	wording := func(w *directoryv1.LetterWording) Wording { return Wording{w.GetOpening(), w.GetClosing()} }
	t := Template{
		Issuer: p.GetIssuer(), Mark: p.GetMark(), AgencyCode: p.GetAgencyCode(), NumberFormat: p.GetNumberFormat(),
		Rules: p.GetLocalRules(), Annotation: p.GetAnnotation(), Copies: p.GetCopies(), SealNote: p.GetSealNote(),
		Review: wording(p.GetReviewOpinion()), Competition: wording(p.GetCompetitionConclusion()),
		Return: wording(p.GetReturnNotice()), Supplement: wording(p.GetSupplementNotice()), FilingClosing: p.GetFilingClosing(),
	}
	if strings.TrimSpace(t.Issuer) == "" {
		t.Issuer = issuer
	}
	return t
}

// A Kind is a kind of letter.
type Kind int

// The kinds of letter.
const (
	KindReviewOpinion Kind = iota + 1
	KindReturnNotice
	KindSupplementNotice
	KindCompetitionConclusion
	KindFilingReport
	KindFilingList
)

// Specimen writes a letter of a kind about nothing that exists, to look at the
// template with, dated and numbered on a day.
func (t Template) Specimen(kind Kind, on calendar.Date) (Letter, error) {
	const draft = "示例管理办法"
	item := Item{Place: "第八条第一款", Quote: "示例条文", Problem: "示例问题。", Basis: "《示例法》第一条", Suggestion: "示例建议。"}
	head := Head{Number: t.Number(on.Year, 1), Addressees: "示例局", Date: on}
	filed := FiledDocument{Title: draft, Number: "示例〔2026〕1号", Published: on, Effective: on, Validity: "五年"}
	switch kind {
	case KindReviewOpinion:
		return t.ReviewOpinion(ReviewOpinion{Head: head, Draft: draft, Conclusion: Revise, Summary: "示例总体意见。", Items: []Item{item}})
	case KindReturnNotice:
		return t.ReturnNotice(ReturnNotice{Head: head, Draft: draft, Reasons: []string{"示例理由"}})
	case KindSupplementNotice:
		return t.SupplementNotice(SupplementNotice{Head: head, Draft: draft, Materials: []string{"示例材料"}, Due: on})
	case KindCompetitionConclusion:
		return t.CompetitionConclusion(CompetitionConclusion{Head: head, Measure: draft, Outcome: Adverse, Heard: "示例听取意见情况。", Items: []Item{item}})
	case KindFilingReport:
		return t.FilingReport(FilingReport{Head: head, Signer: "示例人", Document: filed, Enclosed: []string{"制定说明"}})
	case KindFilingList:
		return t.FilingList(FilingList{Head: head, Signer: "示例人", Period: "示例时段", Documents: []FiledDocument{filed}})
	}
	return Letter{}, refuse("kind", "没有这种文书")
}

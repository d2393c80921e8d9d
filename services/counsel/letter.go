package counsel

import (
	"strings"
	"time"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/calendar"
	"fashen/internal/officialdoc"
)

// Letters are worked out from a case when they are asked for, and nothing of them is
// kept, but for the numbered ones (issue.go).

// codeLetterUnavailable is the reason where a case has nothing to write a letter of.
const codeLetterUnavailable = "LETTER_UNAVAILABLE"

// letterKinds are the kinds of letter as the writer knows them.
var letterKinds = map[counselv1.LetterKind]officialdoc.Kind{
	counselv1.LetterKind_REVIEW_OPINION: officialdoc.KindReviewOpinion, counselv1.LetterKind_RETURN_NOTICE: officialdoc.KindReturnNotice,
	counselv1.LetterKind_SUPPLEMENT_NOTICE: officialdoc.KindSupplementNotice, counselv1.LetterKind_COMPETITION_CONCLUSION: officialdoc.KindCompetitionConclusion,
	counselv1.LetterKind_FILING_REPORT: officialdoc.KindFilingReport, counselv1.LetterKind_FILING_LIST: officialdoc.KindFilingList,
}

// hasNotices refuses notices about subjects other than normative documents: their
// wording cites the law of that review.
func hasNotices(c *counselv1.Case) error {
	if regimeOf(c) != counselv1.Regime_REGIME_NORMATIVE_DOCUMENT {
		return refused(codeLetterUnavailable, lawOf(c), "退回和补正的通知目前只为行政规范性文件的合法性审核制作")
	}
	return nil
}

// letterSubjects are the subjects of review as the writer of letters knows them.
var letterSubjects = map[counselv1.Regime]officialdoc.Subject{
	counselv1.Regime_REGIME_NORMATIVE_DOCUMENT: officialdoc.NormativeDocument, counselv1.Regime_REGIME_MAJOR_DECISION: officialdoc.MajorDecision,
	counselv1.Regime_REGIME_AGENDA_ITEM: officialdoc.AgendaItem, counselv1.Regime_REGIME_POWER_LIST_CHANGE: officialdoc.PowerListChange,
	counselv1.Regime_REGIME_AGREEMENT: officialdoc.Agreement, counselv1.Regime_REGIME_ENFORCEMENT_DECISION: officialdoc.EnforcementDecision,
	counselv1.Regime_REGIME_RECTIFICATION: officialdoc.Rectification, counselv1.Regime_REGIME_ADVICE: officialdoc.Advice,
}

// letterSubject is what a letter about a case is about. 行政处罚法 art 58 is about
// penalties alone; what an act is, its unit says.
func letterSubject(c *counselv1.Case) officialdoc.Subject {
	s := letterSubjects[regimeOf(c)]
	if s == officialdoc.EnforcementDecision && strings.TrimSpace(c.GetActType()) == "行政处罚" {
		return officialdoc.Penalty
	}
	return s
}

// letterConclusions are the conclusions as the writer of letters knows them.
var letterConclusions = map[counselv1.Conclusion]officialdoc.Conclusion{
	counselv1.Conclusion_LAWFUL: officialdoc.Lawful, counselv1.Conclusion_LAWFUL_WITH_RISK: officialdoc.LawfulWithRisk,
	counselv1.Conclusion_REVISE: officialdoc.Revise, counselv1.Conclusion_UNLAWFUL: officialdoc.Unlawful,
}

// opinionLetter writes the 法制审核意见书 of a review opinion; one that is not signed
// bears the day of today and says what it is.
func opinionLetter(t officialdoc.Template, c *counselv1.Case, o *counselv1.Opinion, unit string, today calendar.Date) (officialdoc.Letter, error) {
	if o.GetKind() != counselv1.Opinion_REVIEW {
		return officialdoc.Letter{}, refused(codeLetterUnavailable, lawOf(c), "法律顾问意见供审核机构参考，不制发法制审核意见书")
	}
	opinion := officialdoc.ReviewOpinion{
		Head:    officialdoc.Head{Addressees: unit, Date: today, Unnumbered: "送审稿，未签署"},
		Subject: letterSubject(c), Draft: c.GetTitle(), Summary: o.GetSummary(), Conclusion: letterConclusions[o.GetConclusion()],
	}
	if statesRisk(o) {
		opinion.Risk = o.GetRiskStatement()
	}
	if o.GetState() == counselv1.Opinion_SIGNED {
		opinion.Date, opinion.Unnumbered = calendar.On(o.GetSignTime().AsTime()), ""
	}
	if o.GetSupersededBy() != "" {
		opinion.Unnumbered = "已由后一份意见替代"
	}
	for _, r := range c.GetRounds() {
		if r.GetNumber() == o.GetRound() {
			opinion.VersionDigest = r.GetVersionDigest()
		}
	}
	for _, cover := range o.GetCovers() {
		opinion.Covers = append(opinion.Covers, officialdoc.CoveredDraft{
			Title: cover.GetTitle(), VersionDigest: cover.GetVersionDigest(), Conclusion: letterConclusions[concludesOn(o, cover.GetCase())],
		})
	}
	for _, item := range o.GetItems() {
		place := officialdoc.PlaceOf(item.GetAnchor())
		if cover := covered(o.GetCovers(), item.GetCase()); cover != nil {
			place = "《" + cover.GetTitle() + "》" + place
		}
		opinion.Items = append(opinion.Items, officialdoc.Item{
			Place: place, Quote: item.GetAnchor().GetQuote(),
			Problem: "（" + severityName(item) + "）" + item.GetAnalysis(), Basis: item.GetBasis(), Suggestion: item.GetRecommendedWording(),
		})
	}
	return t.ReviewOpinion(opinion)
}

func severityName(item *counselv1.OpinionItem) string {
	if item.GetSeverity() == counselv1.OpinionItem_MUST {
		return "必须修改"
	}
	return "建议修改"
}

// noticeLetter writes the notice that a round was returned or that a supplement is
// asked for; of the newest round in which that happened when none is named. What
// was asked for last is in the notice.
func noticeLetter(t officialdoc.Template, c *counselv1.Case, kind counselv1.LetterKind, number int32, unit string) (officialdoc.Letter, error) {
	if err := hasNotices(c); err != nil {
		return officialdoc.Letter{}, err
	}
	for i := len(c.GetRounds()) - 1; i >= 0; i-- {
		r := c.GetRounds()[i]
		pauses := r.GetPauses()
		switch {
		case number > 0 && r.GetNumber() != number:
		case kind == counselv1.LetterKind_RETURN_NOTICE && r.GetReturnDate() != nil:
			on, err := calendar.FromProto(r.GetReturnDate())
			if err != nil {
				return officialdoc.Letter{}, err
			}
			return t.ReturnNotice(officialdoc.ReturnNotice{
				Head: officialdoc.Head{Addressees: unit, Date: on}, Draft: c.GetTitle(), Reasons: points(r.GetReturnReason()),
			})
		case kind == counselv1.LetterKind_SUPPLEMENT_NOTICE && len(pauses) > 0:
			asked := pauses[len(pauses)-1]
			on, err := calendar.FromProto(asked.GetFrom())
			if err != nil {
				return officialdoc.Letter{}, err
			}
			return t.SupplementNotice(officialdoc.SupplementNotice{
				Head: officialdoc.Head{Addressees: unit, Date: on}, Draft: c.GetTitle(), Materials: points(asked.GetReason()),
			})
		}
	}
	what := "没有被退回"
	if kind == counselv1.LetterKind_SUPPLEMENT_NOTICE {
		what = "没有要求补正"
	}
	return officialdoc.Letter{}, refused(codeLetterUnavailable, "", "该案件或者该次送审"+what)
}

// points are the lines of a reason that say something.
func points(reason string) []string {
	var out []string
	for line := range strings.Lines(reason) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// itemComments are the items of an opinion on a case as comments of its author on the
// draft; an item without a place stands at the beginning.
func itemComments(o *counselv1.Opinion, of, author string, at time.Time) []officialdoc.Comment {
	title := "审核意见"
	if o.GetKind() == counselv1.Opinion_COUNSEL {
		title = "法律顾问意见"
	}
	var out []officialdoc.Comment
	for _, item := range itemsOn(o, of) {
		text := title + "（" + severityName(item) + "）：" + item.GetAnalysis() + "\n依据：" + item.GetBasis()
		if item.GetRecommendedWording() != "" {
			text += "\n建议：" + item.GetRecommendedWording()
		}
		out = append(out, officialdoc.Comment{
			Start: int(item.GetAnchor().GetStart()), End: int(item.GetAnchor().GetEnd()), Author: author, Time: at, Text: text,
		})
	}
	return out
}

package counsel

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// maxMerged is the most cases that one case leads.
const maxMerged = 50

const (
	codeCaseMerged       = "CASE_MERGED"
	codeCasesDiffer      = "CASES_DIFFER"
	codeMergedReviewFull = "MERGED_REVIEW_FULL"
	codeCaseNotMerged    = "CASE_NOT_MERGED"
)

// led tells whether a case under review waits for the opinion on another. What it was
// concluded with stays on record until its next submission.
func led(c *counselv1.Case) bool {
	return c.GetMergedInto() != "" && c.GetState() == counselv1.Case_UNDER_REVIEW
}

// alone refuses what a case does not do by itself while another leads it.
func alone(c *counselv1.Case, doing string) error {
	if led(c) {
		return refused(codeCaseMerged, "", "本案已并入其他案件审核，不能单独"+doing+"；请在主案办理，或者先将本案分出")
	}
	return nil
}

// leadless refuses to stop the review of a case that leads others.
func leadless(c *counselv1.Case, doing string) error {
	if len(c.GetMergedCases()) > 0 && c.GetState() == counselv1.Case_UNDER_REVIEW {
		return refused(codeCaseMerged, "", "本案是并案审核的主案，不能"+doing+"；请先将其他案件分出，或者另定主案")
	}
	return nil
}

// mergeable tells whether a lead takes a case: both are under review, by the same
// law and reviewer, and neither leads nor is led otherwise. The caller drafted none.
func mergeable(lead, c *counselv1.Case, who auth.Caller) error {
	switch {
	case lead.GetState() != counselv1.Case_UNDER_REVIEW:
		return wrongState(lead, "并案审核")
	case c.GetState() != counselv1.Case_UNDER_REVIEW:
		return wrongState(c, "并案审核")
	case led(lead):
		return refused(codeCaseMerged, "", "主案已并入其他案件审核")
	case c.GetName() == lead.GetName(), len(c.GetMergedCases()) > 0:
		return refused(codeCaseMerged, "", "案件“"+c.GetTitle()+"”本身是主案，不能并入")
	case led(c) && c.GetMergedInto() != lead.GetName():
		return refused(codeCaseMerged, "", "案件“"+c.GetTitle()+"”已并入另一主案")
	case regimeOf(c) != regimeOf(lead), c.GetExploratoryReform() != lead.GetExploratoryReform():
		return refused(codeCasesDiffer, "", "案件“"+c.GetTitle()+"”与主案不是同一类审核，不能并案")
	case c.GetReviewer() != lead.GetReviewer():
		return refused(codeCasesDiffer, "", "案件“"+c.GetTitle()+"”与主案不由同一审核人员办理，请先移交")
	}
	if err := notOwn(lead, who); err != nil {
		return err
	}
	return notOwn(c, who)
}

// list begins a merge: the lead names the cases it is to lead, before they name it.
func list(lead *counselv1.Case, cases []*counselv1.Case, who auth.Caller) (docstore.Change, error) {
	var added []string
	for _, c := range cases {
		if err := mergeable(lead, c, who); err != nil {
			return docstore.Change{}, err
		}
		if !slices.Contains(lead.GetMergedCases(), c.GetName()) {
			added = append(added, c.GetName())
		}
	}
	switch {
	case len(added) == 0:
		return docstore.Change{}, docstore.ErrUnchanged
	case len(lead.GetMergedCases())+len(added) > maxMerged:
		return docstore.Change{}, refused(codeMergedReviewFull, "", fmt.Sprintf("一个主案最多并入%d个案件", maxMerged))
	}
	lead.MergedCases = append(lead.MergedCases, added...)
	change := moved(lead, lead.GetState())
	for _, name := range added {
		change.Details = append(change.Details, docstore.Detail("merged_case", name))
	}
	return change, nil
}

// join makes a case part of the review that the lead leads.
func join(c, lead *counselv1.Case, who auth.Caller) (docstore.Change, error) {
	if err := mergeable(lead, c, who); err != nil {
		return docstore.Change{}, err
	}
	if led(c) {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	c.MergedInto = lead.GetName()
	change := moved(c, c.GetState())
	change.Details = []*corev1.Detail{docstore.Detail("merged_into", lead.GetName())}
	return change, nil
}

// leave takes a case out of the review that the lead leads. What was concluded with
// the lead is not undone.
func leave(c *counselv1.Case, lead string, who auth.Caller) (docstore.Change, error) {
	if !led(c) || c.GetMergedInto() != lead {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	if err := notOwn(c, who); err != nil {
		return docstore.Change{}, err
	}
	c.MergedInto = ""
	change := moved(c, c.GetState())
	change.Details = []*corev1.Detail{docstore.Detail("split_from", lead)}
	return change, nil
}

// delist ends a split: the lead no longer names the cases that left.
func delist(lead *counselv1.Case, left []string) (docstore.Change, error) {
	change := moved(lead, lead.GetState())
	lead.MergedCases = slices.DeleteFunc(lead.MergedCases, func(name string) bool {
		gone := slices.Contains(left, name)
		if gone {
			change.Details = append(change.Details, docstore.Detail("split_case", name))
		}
		return gone
	})
	if len(change.Details) == 0 {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	return change, nil
}

// joined is the lead as a reviewer meets the whole review: whoever drafted any of its
// subjects is among the drafters.
func joined(lead *counselv1.Case, group []*counselv1.Case) *counselv1.Case {
	if len(group) == 0 {
		return lead
	}
	all := proto.CloneOf(lead)
	for _, c := range group {
		all.Drafters = append(all.Drafters, c.GetDrafters()...)
	}
	return all
}

// coversOf is what an opinion on the lead covers now, with what is given for single
// cases; nothing where the lead leads none.
func coversOf(lead *counselv1.Case, group []*counselv1.Case, given []*counselv1.CoveredCase) ([]*counselv1.CoveredCase, error) {
	var out []*counselv1.CoveredCase
	if len(group) > 0 {
		for _, c := range append([]*counselv1.Case{lead}, group...) {
			round := last(c)
			out = append(out, &counselv1.CoveredCase{
				Case: c.GetName(), Round: round.GetNumber(), Revision: round.GetRevision(), VersionDigest: round.GetVersionDigest(),
				DraftingUnit: c.GetDraftingUnit(), Title: c.GetTitle(),
			})
		}
	}
	for i, g := range given {
		cover := covered(out, g.GetCase())
		if cover == nil {
			return nil, notCovered(fmt.Sprintf("opinion.covers[%d].case", i))
		}
		cover.Conclusion = g.GetConclusion()
	}
	return out, nil
}

func notCovered(field string) error {
	return rpc.Field(field, "CASE_NOT_COVERED", "该案件不在本意见所针对的并案案件之中；并案有变动的，请先更新意见的 covers")
}

// covered is what an opinion covers of a case; nil when it does not.
func covered(covers []*counselv1.CoveredCase, name string) *counselv1.CoveredCase {
	i := slices.IndexFunc(covers, func(c *counselv1.CoveredCase) bool { return c.GetCase() == name })
	if i < 0 {
		return nil
	}
	return covers[i]
}

// place tells the draft an item is about and names its case in an opinion on several:
// the one it names, that of its anchor's draft, or the opinion's own.
func place(o *counselv1.Opinion, item *counselv1.OpinionItem, field string) (revision string, err error) {
	if len(o.GetCovers()) == 0 {
		if item.GetCase() != "" && item.GetCase() != parentCase(o.GetName()) {
			return "", notCovered(field + ".case")
		}
		item.Case = ""
		return o.GetRevision(), nil
	}
	cover := o.GetCovers()[0]
	if item.GetCase() != "" {
		cover = covered(o.GetCovers(), item.GetCase())
	} else if r := item.GetAnchor().GetRevision(); r != "" {
		cover = nil
		for _, c := range o.GetCovers() {
			if c.GetRevision() == r {
				cover = c
			}
		}
	}
	if cover == nil {
		return "", notCovered(field + ".case")
	}
	item.Case = cover.GetCase()
	return cover.GetRevision(), nil
}

// current refuses to sign, or to have checked, an opinion that covers other cases or
// versions than are merged now: what is signed is what its author saw.
func current(o *counselv1.Opinion, lead *counselv1.Case, group []*counselv1.Case) error {
	if o.GetKind() != counselv1.Opinion_REVIEW {
		return nil
	}
	if err := alone(lead, "签署审核意见"); err != nil {
		return err
	}
	now, err := coversOf(lead, group, nil)
	if err != nil {
		return err
	}
	same := func(a, b *counselv1.CoveredCase) bool {
		a = proto.CloneOf(a)
		a.Conclusion = counselv1.Conclusion_CONCLUSION_UNSPECIFIED
		return proto.Equal(a, b)
	}
	if !slices.EqualFunc(o.GetCovers(), now, same) {
		return stale(lead, "并案的案件或者其送审版本已有变动，请先更新意见的 covers")
	}
	return nil
}

// concludesOn is what an opinion concludes on a case.
func concludesOn(o *counselv1.Opinion, name string) counselv1.Conclusion {
	if c := covered(o.GetCovers(), name).GetConclusion(); c != counselv1.Conclusion_CONCLUSION_UNSPECIFIED {
		return c
	}
	return o.GetConclusion()
}

// statesRisk tells whether an opinion concludes with a risk, on any case.
func statesRisk(o *counselv1.Opinion) bool {
	const risk = counselv1.Conclusion_LAWFUL_WITH_RISK
	return o.GetConclusion() == risk || slices.ContainsFunc(o.GetCovers(), func(c *counselv1.CoveredCase) bool { return c.GetConclusion() == risk })
}

// itemsOn are the items of an opinion that belong to a case.
func itemsOn(o *counselv1.Opinion, name string) []*counselv1.OpinionItem {
	if len(o.GetCovers()) == 0 {
		return o.GetItems()
	}
	var out []*counselv1.OpinionItem
	for _, item := range o.GetItems() {
		if item.GetCase() == name {
			out = append(out, item)
		}
	}
	return out
}

// graver orders conclusions by how far they hold a draft up.
var graver = []counselv1.Conclusion{
	counselv1.Conclusion_CONCLUSION_UNSPECIFIED, counselv1.Conclusion_LAWFUL, counselv1.Conclusion_LAWFUL_WITH_RISK,
	counselv1.Conclusion_REVISE, counselv1.Conclusion_UNLAWFUL,
}

// apportioned checks that an opinion on several cases says of each what its conclusion
// asks for: items of its own for what does not stand as it is. The opinion as a whole
// concludes what the gravest case does.
func apportioned(o *counselv1.Opinion) error {
	for i, item := range o.GetItems() {
		if len(o.GetCovers()) > 0 && covered(o.GetCovers(), item.GetCase()) == nil {
			return notCovered(fmt.Sprintf("items[%d].case", i))
		}
	}
	gravest := 0
	for i, c := range o.GetCovers() {
		conclusion := concludesOn(o, c.GetCase())
		gravest = max(gravest, slices.Index(graver, conclusion))
		if !lawful(conclusion) && len(itemsOn(o, c.GetCase())) == 0 {
			return rpc.Field(fmt.Sprintf("covers[%d].conclusion", i), "REQUIRED",
				"案件“"+c.GetTitle()+"”的结论为应当予以修改或者不合法，应当逐条写明意见；没有意见的，请另行填写其结论")
		}
	}
	if len(o.GetCovers()) > 0 && graver[gravest] != o.GetConclusion() {
		return rpc.Field("conclusion", codeConclusionNotAllowed, "并案意见的总结论应当与各案结论中最重的一致")
	}
	return nil
}

// wholly refuses a conclusion while a case is merged in that the opinion does not
// cover; out are the cases that the lead lists and does not lead.
func wholly(lead *counselv1.Case, o *counselv1.Opinion, out []string) error {
	for _, name := range lead.GetMergedCases() {
		if lead.GetState() == counselv1.Case_UNDER_REVIEW && covered(o.GetCovers(), name) == nil && !slices.Contains(out, name) {
			return stale(lead, "签署审核意见后又有案件并入，请先将其分出，或者另行出具意见")
		}
	}
	return nil
}

// concludedBy tells whether a round of a case was concluded by an opinion.
func concludedBy(c *counselv1.Case, o *counselv1.Opinion) bool {
	return slices.ContainsFunc(c.GetRounds(), func(r *counselv1.Round) bool { return r.GetOpinion() == o.GetName() })
}

// covering refuses to conclude a case on an opinion that is about another version of
// it, or that no longer leads it.
func covering(c *counselv1.Case, o *counselv1.Opinion) error {
	round, cover := last(c), covered(o.GetCovers(), c.GetName())
	if parentCase(o.GetName()) == c.GetName() {
		if err := alone(c, "作出审核结论"); err != nil {
			return err
		}
		if o.GetRound() != round.GetNumber() || o.GetRevision() != round.GetRevision() ||
			cover != nil && cover.GetVersionDigest() != round.GetVersionDigest() {
			return refused(codeEvidenceMissing, lawOf(c), "审核结论应当以本人就本轮送审稿签署的审核意见为依据")
		}
		return nil
	}
	switch {
	case cover.GetRound() != round.GetNumber(), cover.GetRevision() != round.GetRevision(), cover.GetVersionDigest() != round.GetVersionDigest():
		return stale(c, "并案意见所针对的不是最新一次送审的版本，本案不随主案作出结论")
	case !led(c), c.GetMergedInto() != parentCase(o.GetName()):
		return refused(codeCaseNotMerged, "", "本案已经从并案中分出，不随主案作出结论")
	}
	return nil
}

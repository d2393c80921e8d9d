package counsel

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// newOpinion starts a draft on the running round. The author alone sees it
// until it is signed, and the colleague who is asked to check it. before is the
// opinion it is to supersede; nil when there is none.
func newOpinion(name string, c *counselv1.Case, in, before *counselv1.Opinion, who auth.Caller, newID func() string) (*counselv1.Opinion, docstore.Change, error) {
	kind, err := opinionKind(c, who)
	if err != nil {
		return nil, docstore.Change{}, err
	}
	if err := supersedable(in.GetSupersedes(), before, kind, who); err != nil {
		return nil, docstore.Change{}, err
	}
	round := last(c)
	o := &counselv1.Opinion{
		Name: name, Kind: kind, Author: who.Person, Round: round.GetNumber(), Revision: round.GetRevision(),
		Conclusion: in.GetConclusion(), Summary: in.GetSummary(), Items: in.GetItems(), State: counselv1.Opinion_DRAFT,
		RiskStatement: in.GetRiskStatement(), Supersedes: in.GetSupersedes(), Covers: in.GetCovers(),
	}
	if o.Checklist, err = checklistFor(o, c, in.GetChecklist()); err != nil {
		return nil, docstore.Change{}, err
	}
	nameItems(o.GetItems(), nil, newID)
	noteDelegate(o, who)
	change := docstore.Change{To: o.GetState().String(), Grant: []string{who.Person}}
	if o.GetSupersedes() != "" {
		change.Details = append(change.Details, docstore.Detail("supersedes", o.GetSupersedes()))
	}
	return o, change, checkSize(o)
}

// supersedable checks the opinion that another is to supersede: a signed one of the
// same author in the same case, which nothing has superseded yet.
func supersedable(name string, before *counselv1.Opinion, kind counselv1.Opinion_Kind, who auth.Caller) error {
	if name == "" {
		return nil
	}
	if before.GetState() != counselv1.Opinion_SIGNED || before.GetKind() != kind || before.GetAuthor() != who.Person {
		return rpc.Field("opinion.supersedes", "OPINION_NOT_SUPERSEDABLE", "只能替代本人在本案中已签署的意见")
	}
	return unsuperseded(before)
}

// unsuperseded refuses to supersede an opinion a second time.
func unsuperseded(before *counselv1.Opinion) error {
	if before.GetSupersededBy() != "" {
		return refused(codeOpinionSuperseded, "", "该意见已由后一份意见替代")
	}
	return nil
}

// supersede notes on a signed opinion which one has taken its place; what was signed
// stays as it is.
func supersede(before, o *counselv1.Opinion) (docstore.Change, error) {
	if before.GetSupersededBy() != "" {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	before.SupersededBy = o.GetName()
	return docstore.Change{
		From: before.GetState().String(), To: before.GetState().String(),
		Details: []*corev1.Detail{docstore.Detail("superseded_by", o.GetName())},
	}, nil
}

// checklistFor is the checklist of an opinion: that of its review, and none for
// counsel's.
func checklistFor(o *counselv1.Opinion, c *counselv1.Case, given []*counselv1.ChecklistEntry) ([]*counselv1.ChecklistEntry, error) {
	if o.GetKind() != counselv1.Opinion_REVIEW {
		return checklistOf(nil, given)
	}
	return checklistOf(pointsOf(c), given)
}

// noteDelegate keeps who writes on an opinion in its author's place.
func noteDelegate(o *counselv1.Opinion, who auth.Caller) {
	if who.Delegate != "" && !slices.Contains(o.GetDelegates(), who.Delegate) {
		o.Delegates = append(o.Delegates, who.Delegate)
	}
}

// opinionKind tells whose opinion the caller may write now.
func opinionKind(c *counselv1.Case, who auth.Caller) (counselv1.Opinion_Kind, error) {
	if who.Has(corev1.Role_ROLE_COUNSEL) {
		switch c.GetState() {
		case counselv1.Case_RECEIVED, counselv1.Case_RETURNED:
			return 0, wrongState(c, "出具法律意见")
		}
		return counselv1.Opinion_COUNSEL, nil
	}
	if c.GetState() != counselv1.Case_UNDER_REVIEW {
		return 0, wrongState(c, "出具审核意见")
	}
	if err := alone(c, "出具审核意见"); err != nil {
		return 0, err
	}
	return counselv1.Opinion_REVIEW, notOwn(c, who)
}

// maxOpinionBytes bounds an opinion, so that a case holds the ledger of many.
const maxOpinionBytes = 128 << 10

// checkSize refuses an opinion that is too long.
func checkSize(o *counselv1.Opinion) error {
	if proto.Size(o) > maxOpinionBytes {
		return rpc.Field("opinion", rpc.ReasonTooLarge, "一份意见合计不得超过约四万字，请精简或者分次出具")
	}
	return nil
}

// writable lets the author change a draft, and whoever acts in the author's place.
func writable(o *counselv1.Opinion, who auth.Caller) error {
	if o.GetAuthor() != who.Person {
		return rpc.NotFound(o.GetName())
	}
	if o.GetState() != counselv1.Opinion_DRAFT {
		return refused(codeRecordClosed, "", "意见已签署，不能再改")
	}
	return nil
}

// edit changes a draft: conclusion, summary, items, checklist, risk, covered cases.
func edit(o, in *counselv1.Opinion, fields map[string]bool, c *counselv1.Case, who auth.Caller, newID func() string) (docstore.Change, error) {
	if err := writable(o, who); err != nil {
		return docstore.Change{}, err
	}
	noteDelegate(o, who)
	if fields["conclusion"] {
		o.Conclusion = in.GetConclusion()
	}
	if fields["summary"] {
		o.Summary = in.GetSummary()
	}
	if fields["items"] {
		nameItems(in.GetItems(), o.GetItems(), newID)
		o.Items = in.GetItems()
	}
	if fields["covers"] {
		o.Covers = in.GetCovers()
	}
	if fields["risk_statement"] {
		o.RiskStatement = in.GetRiskStatement()
	}
	if fields["checklist"] {
		entries, err := checklistFor(o, c, in.GetChecklist())
		if err != nil {
			return docstore.Change{}, err
		}
		o.Checklist = entries
	}
	if err := checkSize(o); err != nil {
		return docstore.Change{}, err
	}
	return docstore.Change{From: o.GetState().String(), To: o.GetState().String()}, nil
}

// signable checks what a signature needs of the content.
func signable(o *counselv1.Opinion, c *counselv1.Case) error {
	if o.GetConclusion() == counselv1.Conclusion_CONCLUSION_UNSPECIFIED {
		return rpc.Field("conclusion", "REQUIRED", "签署前应当填写结论")
	}
	if !lawful(o.GetConclusion()) && len(o.GetItems()) == 0 {
		return rpc.Field("items", "REQUIRED", "结论为应当予以修改或者不合法的，应当逐条写明意见")
	}
	if err := apportioned(o); err != nil {
		return err
	}
	if statesRisk(o) && strings.TrimSpace(o.GetRiskStatement()) == "" {
		return rpc.Field("risk_statement", "REQUIRED", "结论为合法但有风险的，应当说明法律风险")
	}
	if o.GetKind() != counselv1.Opinion_REVIEW {
		return stands(o)
	}
	if statesRisk(o) {
		if err := allowed(counselv1.Conclusion_LAWFUL_WITH_RISK, c); err != nil {
			return err
		}
	}
	return cmp.Or(checkChecklist(o, lawOf(c)), stands(o))
}

// stands refuses to call lawful what an item says has to be changed: nobody would be
// asked to change it.
func stands(o *counselv1.Opinion) error {
	for i, item := range o.GetItems() {
		if item.GetSeverity() == counselv1.OpinionItem_MUST && lawful(concludesOn(o, item.GetCase())) {
			return rpc.Field(fmt.Sprintf("items[%d].severity", i), codeConclusionContradicts, "结论为合法的，不能有必须修改的意见；应当改为建议修改，或者另作结论")
		}
	}
	return nil
}

// allowed refuses a conclusion that the review of the subject does not know.
func allowed(conclusion counselv1.Conclusion, c *counselv1.Case) error {
	if conclusion == counselv1.Conclusion_LAWFUL_WITH_RISK && !mayStateRisk(c) {
		return refused(codeConclusionNotAllowed, lawOf(c), "本类事项的审核结论只能是合法、应当予以修改或者不合法")
	}
	return nil
}

// signing is what a signature rests on beside the opinion and its case.
type signing struct {
	// before is the opinion that is superseded; nil when there is none.
	before *counselv1.Opinion
	// wantsCheck says that the region has review opinions checked; check is the
	// newest check of the content, nil when there is none.
	wantsCheck bool
	check      *counselv1.Check
	// group are the cases that the opinion's case leads.
	group []*counselv1.Case
}

// closeForSigning fixes the content and its digest. A review opinion is signed
// by that, unless it supersedes another, which is told first; counsel's waits until
// the case has its verdict.
func closeForSigning(o *counselv1.Opinion, c *counselv1.Case, with signing, who auth.Caller, now time.Time) (docstore.Change, error) {
	if err := writable(o, who); err != nil {
		return docstore.Change{}, err
	}
	from := o.GetState()
	if err := signable(o, c); err != nil {
		return docstore.Change{}, err
	}
	if err := unsuperseded(with.before); err != nil {
		return docstore.Change{}, err
	}
	if o.GetRound() != last(c).GetNumber() || o.GetRevision() != last(c).GetRevision() {
		return docstore.Change{}, stale(c, "意见所针对的不是最新一次送审的版本，应当另行起草")
	}
	if err := current(o, c, with.group); err != nil {
		return docstore.Change{}, err
	}
	digest, err := contentDigest(o)
	if err != nil {
		return docstore.Change{}, err
	}
	o.ContentDigest = digest
	if o.GetKind() == counselv1.Opinion_REVIEW {
		// What the conclusion rests on is not superseded any more.
		if c.GetState() != counselv1.Case_UNDER_REVIEW {
			return docstore.Change{}, wrongState(c, "签署审核意见")
		}
		if err := notOwn(c, who); err != nil {
			return docstore.Change{}, err
		}
		if with.wantsCheck {
			if err := checked(o, digest, with.check, who); err != nil {
				return docstore.Change{}, err
			}
		}
		noteDelegate(o, who)
	}
	if o.GetKind() == counselv1.Opinion_COUNSEL || o.GetSupersedes() != "" {
		o.State = counselv1.Opinion_SIGNING
		return docstore.Change{From: from.String(), To: o.GetState().String()}, nil
	}
	return sign(o, from, c, who.Actor(), now), nil
}

// sign completes the signature and shows the opinion to those who rely on it.
// What counsel wrote is for the reviewing side; the bureau learns from the case
// what it concludes, since the gate rests on it, and reads the review opinion.
func sign(o *counselv1.Opinion, from counselv1.Opinion_State, c *counselv1.Case, signer string, now time.Time) docstore.Change {
	o.State, o.Signer, o.SignTime = counselv1.Opinion_SIGNED, signer, timestamppb.New(now)
	region := regionOf(c.GetName())
	viewers := []string{
		auth.RoleViewer(region, corev1.Role_ROLE_REVIEWER),
		auth.RoleViewer(region, corev1.Role_ROLE_GENERAL_OFFICE),
	}
	if o.GetKind() == counselv1.Opinion_REVIEW {
		viewers = append(viewers, c.GetDraftingUnit())
		for _, other := range o.GetCovers() {
			viewers = append(viewers, other.GetDraftingUnit())
		}
	}
	return docstore.Change{
		From: from.String(), To: o.GetState().String(), Grant: viewers,
		Details: []*corev1.Detail{docstore.Detail("conclusion", o.GetConclusion()), docstore.Detail("content_digest", o.GetContentDigest())},
	}
}

// recordVerdict puts what counsel signs on the case, where the gate reads it.
func recordVerdict(c *counselv1.Case, o *counselv1.Opinion, now time.Time) (docstore.Change, error) {
	for _, v := range c.GetCounselVerdicts() {
		if v.GetOpinion() == o.GetName() {
			return docstore.Change{}, docstore.ErrUnchanged
		}
	}
	if standingCertificate(c) {
		return docstore.Change{}, refused(codeRecordClosed, lawCounsel, "该版本已经提请集体审议，法律顾问意见应当在此前出具")
	}
	if len(c.GetCounselVerdicts()) >= maxLedger {
		return docstore.Change{}, refused(codeRecordClosed, "", "法律顾问意见数量已达上限")
	}
	c.CounselVerdicts = append(c.CounselVerdicts, &counselv1.CounselVerdict{
		Opinion: o.GetName(), Counsel: o.GetAuthor(), Round: o.GetRound(), Conclusion: o.GetConclusion(),
		ContentDigest: o.GetContentDigest(), SignTime: timestamppb.New(now), Supersedes: o.GetSupersedes(),
	})
	change := moved(c, c.GetState())
	change.Details = append(change.Details, docstore.Detail("opinion", o.GetName()), docstore.Detail("conclusion", o.GetConclusion()))
	if o.GetSupersedes() != "" {
		change.Details = append(change.Details, docstore.Detail("supersedes", o.GetSupersedes()))
	}
	return change, nil
}

// contentDigest is the SHA-256, in hex, of what is signed: everything the
// author wrote and the version it is about.
func contentDigest(o *counselv1.Opinion) (string, error) {
	signed := &counselv1.Opinion{
		Name: o.GetName(), Kind: o.GetKind(), Author: o.GetAuthor(), Round: o.GetRound(), Revision: o.GetRevision(),
		Conclusion: o.GetConclusion(), Summary: o.GetSummary(), Items: o.GetItems(),
		Checklist: o.GetChecklist(), RiskStatement: o.GetRiskStatement(), Supersedes: o.GetSupersedes(),
		Covers: o.GetCovers(),
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(signed)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

package counsel

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// maxCertificates bounds the certificates of a case: one for each meeting a
// version was put before.
const maxCertificates = 200

// verdict is what the review says of one version.
func verdict(c *counselv1.Case, digest, etag string) *counselv1.Verdict {
	v := &counselv1.Verdict{
		Case: c.GetName(), State: c.GetState(), Etag: etag,
		Standing: standing(c, digest), UnansweredItems: unanswered(c),
	}
	for _, r := range slices.Backward(c.GetRounds()) {
		if r.GetAcceptDate() != nil {
			v.EarliestMeetingDate, v.ProvisionalDates = r.GetEarliestMeetingDate(), r.GetProvisionalDates()
			break
		}
	}
	base := concluded(c)
	v.TimeSufficient, v.RiskStatement = base.GetTimeSufficient(), base.GetRiskStatement()
	v.CounselVerdicts = counselVerdicts(c, base)
	return v
}

// standing tells how a version stands to the conclusion.
func standing(c *counselv1.Case, digest string) counselv1.Verdict_Standing {
	round := last(c)
	switch c.GetState() {
	case counselv1.Case_CONCLUDED_LAWFUL, counselv1.Case_CONCLUDED_LAWFUL_WITH_RISK, counselv1.Case_CONCLUDED_UNLAWFUL,
		counselv1.Case_CONCLUDED_REVISE, counselv1.Case_REVISED:
	default:
		return counselv1.Verdict_NOT_CONCLUDED
	}
	if digest != round.GetVersionDigest() {
		return counselv1.Verdict_STALE
	}
	switch c.GetState() {
	case counselv1.Case_CONCLUDED_LAWFUL:
		return counselv1.Verdict_PASSES
	case counselv1.Case_CONCLUDED_LAWFUL_WITH_RISK:
		return counselv1.Verdict_PASSES_WITH_RISK
	case counselv1.Case_CONCLUDED_UNLAWFUL:
		return counselv1.Verdict_ADVERSE
	case counselv1.Case_CONCLUDED_REVISE:
		return counselv1.Verdict_ITEMS_UNANSWERED
	}
	// REVISED: a revised draft passes once confirmed; the reviewed draft itself
	// passes only when no item was adopted, with the reasons on record.
	if round.GetRevisedDraft() && round.GetConfirmation() == nil || !round.GetRevisedDraft() && anyAdopted(c) {
		return counselv1.Verdict_REVISION_OPEN
	}
	return counselv1.Verdict_PASSES
}

func anyAdopted(c *counselv1.Case) bool {
	return slices.ContainsFunc(openItems(c), func(i *counselv1.LedgerItem) bool {
		return i.GetAnswer().GetAdoption() != counselv1.Answer_NOT_ADOPTED
	})
}

// counselVerdicts are the opinions of counsel that count: the newest of each who has no
// conflict since. Where none counts, those that found the draft unlawful hold until
// another counsel is heard: no conflict that somebody finds or enters in the register
// lifts them (中办发〔2016〕30号).
func counselVerdicts(c *counselv1.Case, base *counselv1.Round) []*counselv1.CounselVerdict {
	if counting := newestVerdicts(c, base, false); len(counting) > 0 {
		return counting
	}
	return slices.DeleteFunc(newestVerdicts(c, base, true), func(v *counselv1.CounselVerdict) bool {
		return v.GetConclusion() != counselv1.Conclusion_UNLAWFUL
	})
}

// newestVerdicts are the newest opinions of each counsel, of those that were withdrawn
// or that were not, on the concluded draft and the revised ones that follow from it. A
// draft that was changed and reviewed anew needs a new one.
func newestVerdicts(c *counselv1.Case, base *counselv1.Round, withdrawn bool) []*counselv1.CounselVerdict {
	newest := map[string]*counselv1.CounselVerdict{}
	var order []string
	for _, v := range c.GetCounselVerdicts() {
		about := c.GetRounds()[v.GetRound()-1]
		if (v.GetWithdrawTime() != nil) != withdrawn || v.GetRound() < base.GetNumber() && about.GetRevision() != base.GetRevision() {
			continue
		}
		if newest[v.GetCounsel()] == nil {
			order = append(order, v.GetCounsel())
		}
		newest[v.GetCounsel()] = v
	}
	var out []*counselv1.CounselVerdict
	for _, counsel := range order {
		out = append(out, newest[counsel])
	}
	return out
}

// discount ends the counting of what a counsel signed who has declared a
// conflict since; the lines stay.
func discount(c *counselv1.Case, counsel string, now time.Time) int {
	n := 0
	for _, v := range c.GetCounselVerdicts() {
		if v.GetCounsel() == counsel && v.GetWithdrawTime() == nil {
			v.WithdrawTime = timestamppb.New(now)
			n++
		}
	}
	return n
}

// certify gives the certificate for one transition, if the version passes in
// the very state of the case that the gate read.
func certify(c *counselv1.Case, etag string, in *counselv1.CertifyVerdictRequest, now time.Time) (docstore.Change, error) {
	if cert := certificateFor(c, in.GetTransition()); cert.GetWithdrawTime() != nil {
		return docstore.Change{}, rpc.Refused(rpc.Refusal{Code: codeCertificateWithdrawn, Law: gateLaw(c), Message: "本次提请的审核结论确认已被撤回，应当另行提请"})
	} else if cert != nil {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	if etag != in.GetVerdictEtag() {
		return docstore.Change{}, docstore.ErrConflict
	}
	if err := uncertifiable(c, in.GetVersionDigest()); err != nil {
		return docstore.Change{}, err
	}
	if len(c.GetCertificates()) >= maxCertificates {
		return docstore.Change{}, rpc.Refused(rpc.Refusal{Code: codeRecordClosed, Message: "提请审议次数已达上限"})
	}
	c.Certificates = append(c.Certificates, &counselv1.Certificate{
		Transition: in.GetTransition(), VersionDigest: in.GetVersionDigest(), CertifyTime: timestamppb.New(now),
	})
	change := moved(c, c.GetState())
	change.Details = append(change.Details, docstore.Detail("transition", in.GetTransition()),
		docstore.Detail("version_digest", in.GetVersionDigest()))
	return change, nil
}

// uncertifiable tells by the law of the subject why a version may not be put before a
// meeting; nil where it may. What was not reviewed, or found unlawful, may not
// (国办发〔2018〕37号（六）; 重大行政决策程序暂行条例 art 25).
func uncertifiable(c *counselv1.Case, digest string) error {
	switch standing(c, digest) {
	case counselv1.Verdict_PASSES, counselv1.Verdict_PASSES_WITH_RISK:
		return nil
	case counselv1.Verdict_NOT_CONCLUDED:
		no := rpc.Refusal{Code: codeReviewMissing, Law: gateLaw(c), Message: "尚无审核结论，不得提交集体审议"}
		if day := dayString(last(c).GetEarliestMeetingDate()); day != "" {
			no.Metadata = map[string]string{"earliest_date": day}
		}
		return &docstore.Refusal{Reasons: []string{no.Code}, Err: rpc.Refused(no)}
	case counselv1.Verdict_ADVERSE:
		return refused(codeLegalityAdverse, gateLaw(c), "审核结论为不合法，不得提交集体审议")
	case counselv1.Verdict_ITEMS_UNANSWERED:
		return refused(codeItemUnanswered, answersLaw(c), "尚有审核意见未逐条答复")
	case counselv1.Verdict_REVISION_OPEN:
		return refused(codeConditionOpen, answersLaw(c), "已采纳的审核意见尚未落实到修改稿，或者修改稿尚未经审核人员确认")
	}
	return stale(c, "该版本没有可以确认的审核结论")
}

// passes tells whether a version may go on; with a stated risk too, where the law of
// the subject let the review conclude so.
func passes(s counselv1.Verdict_Standing) bool {
	return s == counselv1.Verdict_PASSES || s == counselv1.Verdict_PASSES_WITH_RISK
}

// certificateFor is the certificate of a transition; nil when there is none.
func certificateFor(c *counselv1.Case, transition string) *counselv1.Certificate {
	for _, cert := range c.GetCertificates() {
		if cert.GetTransition() == transition {
			return cert
		}
	}
	return nil
}

// withdrawCertificate takes back the certificate of a transition that does not take
// place. Where none was given, that none may be given is kept: a call for it may
// still be on its way.
func withdrawCertificate(c *counselv1.Case, transition, reason string, now time.Time) (docstore.Change, error) {
	cert := certificateFor(c, transition)
	switch {
	case cert.GetWithdrawTime() != nil, cert == nil && len(c.GetCertificates()) >= maxCertificates:
		return docstore.Change{}, docstore.ErrUnchanged
	case cert == nil:
		cert = &counselv1.Certificate{Transition: transition}
		c.Certificates = append(c.Certificates, cert)
	}
	cert.WithdrawTime, cert.WithdrawReason = timestamppb.New(now), reason
	change := moved(c, c.GetState())
	change.Details = append(change.Details, docstore.Detail("transition", transition), docstore.Detail("reason", reason))
	return change, nil
}

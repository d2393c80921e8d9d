package counsel

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/officialdoc"
)

// lawsOf are the words by which the law of one regime is known, and of no other.
var lawsOf = map[counselv1.Regime][]string{
	counselv1.Regime_REGIME_NORMATIVE_DOCUMENT:   {"37号", "115号"},
	counselv1.Regime_REGIME_MAJOR_DECISION:       {"重大行政决策程序暂行条例"},
	counselv1.Regime_REGIME_ENFORCEMENT_DECISION: {"118号", "行政处罚法"},
}

// foreign is the law of another regime that a refusal in a case of this one names;
// empty when there is none.
func foreign(regime counselv1.Regime, err error) string {
	if r := (*docstore.Refusal)(nil); errors.As(err, &r) {
		err = r.Err
	}
	var said strings.Builder
	for _, d := range status.Convert(err).Details() {
		if p, ok := d.(*errdetails.PreconditionFailure); ok {
			for _, v := range p.GetViolations() {
				said.WriteString(v.GetSubject() + v.GetDescription())
			}
		}
	}
	own := regimeOf(&counselv1.Case{Regime: regime})
	for other, laws := range lawsOf {
		for _, law := range laws {
			if other != own && strings.Contains(said.String(), law) {
				return law
			}
		}
	}
	return ""
}

// A refusal cites the law of the review it is made in, or none.
func TestRefusalsCiteTheLawOfTheirRegime(t *testing.T) {
	today, template := calendar.On(day0), officialdoc.Template{Issuer: "示例局"}
	for number := range counselv1.Regime_name {
		regime := counselv1.Regime(number)
		in := func(state counselv1.Case_State) *counselv1.Case {
			c := at(t, state)
			c.Regime = regime
			return c
		}
		under := func() *counselv1.Case { return in(counselv1.Case_UNDER_REVIEW) }
		lawful := func(c *counselv1.Case, spoil func(*counselv1.Opinion)) *counselv1.Opinion {
			o := signed(c, counselv1.Conclusion_LAWFUL, 0)
			spoil(o)
			return o
		}
		as := func(*counselv1.Opinion) {}
		again := func(state counselv1.Case_State) error {
			s := submission(2, 1)
			s.Regime = regime
			_, err := submit(in(state), s, drafter, day0, dates{})
			return err
		}
		certified := func(cert *counselv1.Certificate) *counselv1.Case {
			c := in(counselv1.Case_CONCLUDED_LAWFUL)
			c.Certificates = append(c.Certificates, cert)
			return c
		}
		for name, tt := range map[string]struct {
			code string
			do   func() error
		}{
			"a draft of one's own": {codeSelfReview, func() error { _, err := accept(in(counselv1.Case_RECEIVED), drafter, today, dates{}); return err }},
			"a check of one's own": {codeSelfReview, func() error {
				return checked(lawful(under(), as), "d", &counselv1.Check{State: counselv1.Check_APPROVED, ContentDigest: "d", Checker: reviewer.Person}, reviewer)
			}},
			"concluded on a draft": {codeEvidenceMissing, func() error {
				c := under()
				_, err := conclude(c, lawful(c, func(o *counselv1.Opinion) { o.State = counselv1.Opinion_DRAFT }), reviewer, today, false)
				return err
			}},
			"concluded on another round": {codeEvidenceMissing, func() error {
				c := under()
				return covering(c, lawful(c, func(o *counselv1.Opinion) { o.Round = 9 }))
			}},
			"concluded with another lead": {codeLegalityStale, func() error {
				c := under()
				return covering(c, lawful(c, func(o *counselv1.Opinion) { o.Name = region + "/cases/lead/opinions/o" }))
			}},
			"signed on another round": {codeLegalityStale, func() error {
				c := under()
				o := lawful(c, func(o *counselv1.Opinion) {
					o.Kind, o.State, o.Round = counselv1.Opinion_COUNSEL, counselv1.Opinion_DRAFT, 9
				})
				_, err := closeForSigning(o, c, signing{}, reviewer, day0)
				return err
			}},
			"signed without points": {codeChecklistIncomplete, func() error { c := under(); return signable(lawful(c, as), c) }},
			"signed before a merge": {codeLegalityStale, func() error {
				c := under()
				return current(lawful(c, as), c, []*counselv1.Case{numbered(t, 2)})
			}},
			"concluded before a merge": {codeLegalityStale, func() error {
				c := under()
				c.MergedCases = []string{"x"}
				return wholly(c, lawful(c, as), nil)
			}},
			"answered after confirmation": {codeRecordClosed, func() error {
				c := in(counselv1.Case_REVISED)
				last(c).Confirmation = &counselv1.Confirmation{}
				_, err := answer(c, 1, &counselv1.Answer{}, drafter, day0)
				return err
			}},
			"declined without a reason": {codeNonAdoptionReason, func() error {
				_, err := answer(in(counselv1.Case_CONCLUDED_REVISE), 1, &counselv1.Answer{}, drafter, day0)
				return err
			}},
			"confirmed unanswered": {codeItemUnanswered, func() error {
				c := in(counselv1.Case_CONCLUDED_REVISE)
				last(c).RevisedDraft = true
				_, err := confirm(c, "d", "x", reviewer, day0)
				return err
			}},
			"confirmed in another version": {codeLegalityStale, func() error {
				c := in(counselv1.Case_REVISED)
				last(c).RevisedDraft = true
				_, err := confirm(c, "d", "x", reviewer, day0)
				return err
			}},
			"the same version again":  {codeReviewConcluded, func() error { return again(counselv1.Case_CONCLUDED_LAWFUL) }},
			"an unlawful draft again": {codeLegalityAdverse, func() error { return again(counselv1.Case_CONCLUDED_UNLAWFUL) }},
			"a reply unhandled":       {codeReplyUnhandled, func() error { return heard(false, true) }},
			"a question open":         {codeSolicitationOpen, func() error { return heard(true, false) }},
			"a reply without a reason": {codeNonAdoptionReason, func() error {
				_, err := handle(&counselv1.Reply{}, under(), &counselv1.Answer{}, reviewer, day0)
				return err
			}},
			"a certificate withdrawn": {codeCertificateWithdrawn, func() error {
				c := in(counselv1.Case_CONCLUDED_LAWFUL)
				if _, err := withdrawCertificate(c, "t", "x", day0); err != nil {
					return err
				}
				_, err := certify(c, "e", &counselv1.CertifyVerdictRequest{Transition: "t"}, day0)
				return err
			}},
			"a certificate of another version": {codeLegalityStale, func() error {
				_, err := certify(in(counselv1.Case_CONCLUDED_LAWFUL), "e", &counselv1.CertifyVerdictRequest{VerdictEtag: "e", VersionDigest: "d"}, day0)
				return err
			}},
			"counsel after the certificate": {codeRecordClosed, func() error {
				c := certified(&counselv1.Certificate{Transition: "t"})
				_, err := recordVerdict(c, lawful(c, as), day0)
				return err
			}},
			"more time than the region has":  {codeExtensionNotAllowed, func() error { return extensible(under(), 5, 4) }},
			"time where the region has none": {codeExtensionNotAllowed, func() error { return extensible(under(), 5, 0) }},
			"more time again": {codeExtensionNotAllowed, func() error {
				c := under()
				last(c).Extension = &counselv1.Extension{}
				return extensible(c, 1, 5)
			}},
			"a number for a draft": {codeLetterUnsigned, func() error {
				c := under()
				return issuable(c, lawful(c, as), reviewer)
			}},
			"a letter of counsel": {codeLetterUnavailable, func() error {
				c := under()
				_, err := opinionLetter(template, c, lawful(c, func(o *counselv1.Opinion) { o.Kind = counselv1.Opinion_COUNSEL }), "示例甲局", today)
				return err
			}},
			"a notice of nothing": {codeLetterUnavailable, func() error {
				_, err := noticeLetter(template, under(), counselv1.LetterKind_RETURN_NOTICE, 0, "示例甲局")
				return err
			}},
			"an empty matter": {codeMaterialsIncomplete, func() error { return complete(&counselv1.Matter{Regime: regime}) }},
		} {
			err := tt.do()
			if law := foreign(regime, err); code(err) != tt.code || law != "" {
				t.Errorf("%v, %s: %v, want %s, and nothing of %s", regime, name, err, tt.code, law)
			}
		}
	}
}

package counsel

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/calendar"
)

// Random commands never lead to a state that the law forbids.
func TestRandomCommandsKeepTheInvariants(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		c, next, today := received(), int32(2), calendar.On(day0)
		c.Regime, c.ExploratoryReform = counselv1.Regime(r.IntN(9)), r.IntN(2) == 0
		var path []string
		withdrawn := map[string]bool{}
		for range 40 {
			before := len(c.GetLedger())
			which := r.IntN(9)
			var err error
			switch which {
			case 0:
				_, err = accept(c, reviewer, today, dated(t))
			case 1:
				_, err = sendBack(c, "x", reviewer, today)
			case 2:
				_, err = requestSupplement(c, "x", reviewer, today)
			case 3:
				_, err = conclude(c, signed(c, counselv1.Conclusion(1+r.IntN(4)), 1+r.IntN(3)), reviewer, today, false)
			case 4:
				a := &counselv1.Answer{Adoption: counselv1.Answer_Adoption(1 + r.IntN(3)), Reason: "r", Decider: "d"}
				_, err = answer(c, int32(1+r.IntN(len(c.GetLedger())+1)), a, drafter, day0)
			case 5:
				in := submission(next, r.IntN(4))
				in.Regime, in.ExploratoryReform = c.GetRegime(), c.GetExploratoryReform()
				if _, err = submit(c, in, drafter, day0, dated(t)); err == nil {
					next++
				}
			case 6:
				_, err = confirm(c, last(c).GetVersionDigest(), "x", reviewer, day0)
			case 7:
				_, err = certify(c, "e", &counselv1.CertifyVerdictRequest{VersionDigest: digest(r.IntN(4)), Transition: fmt.Sprint(r.IntN(9)), VerdictEtag: "e"}, day0)
			case 8:
				transition := fmt.Sprint(r.IntN(9))
				_, err = withdrawCertificate(c, transition, "x", day0)
				withdrawn[transition] = true
			}
			if law := foreign(c.GetRegime(), err); law != "" {
				t.Fatalf("seed %d: %v: %v names %s", seed, c.GetRegime(), err, law)
			}
			path = append(path, fmt.Sprintf("%d:%v:%v", which, c.GetState(), err == nil))
			if problem := cmp.Or(broken(c, before), certifiedWrongly(c, withdrawn)); problem != "" {
				t.Fatalf("seed %d: %s after %s", seed, problem, strings.Join(path, " "))
			}
		}
	}
}

// certifiedWrongly names a transition with two certificates, or with one that stands
// although it was withdrawn.
func certifiedWrongly(c *counselv1.Case, withdrawn map[string]bool) string {
	seen := map[string]bool{}
	for _, cert := range c.GetCertificates() {
		if seen[cert.GetTransition()] || withdrawn[cert.GetTransition()] && cert.GetWithdrawTime() == nil {
			return "transition " + cert.GetTransition() + " is certified twice, or after its withdrawal"
		}
		seen[cert.GetTransition()] = true
	}
	return ""
}

// broken names the first invariant a case breaks.
func broken(c *counselv1.Case, ledgerBefore int) string {
	if len(c.GetLedger()) < ledgerBefore {
		return "a ledger line vanished"
	}
	how := standing(c, last(c).GetVersionDigest())
	passes := passes(how)
	base := concluded(c)
	switch {
	case how == counselv1.Verdict_PASSES_WITH_RISK && !mayStateRisk(c):
		return "passes with a risk that the law of the subject does not let be stated"
	case passes && base == nil:
		return "passes without a conclusion"
	case passes && base.GetConclusion() == counselv1.Conclusion_UNLAWFUL:
		return "passes although unlawful"
	case passes && len(unanswered(c)) > 0 && base.GetConclusion() == counselv1.Conclusion_REVISE:
		return "passes with unanswered items"
	case base != nil && base.GetAcceptDate() == nil:
		return "a conclusion on a submission that nobody accepted"
	}
	for i, r := range c.GetRounds() {
		if r.GetNumber() != int32(i+1) {
			return "rounds are not numbered without gaps"
		}
		if (r.GetConclusion() == counselv1.Conclusion_CONCLUSION_UNSPECIFIED) != (r.GetOpinion() == "") {
			return "a conclusion without its opinion"
		}
	}
	for _, cert := range c.GetCertificates() {
		if cert.GetWithdrawTime() == nil && cert.GetVersionDigest() != last(c).GetVersionDigest() {
			return "a standing certificate for another version than the newest"
		}
	}
	return ""
}

package counsel

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
)

// newCase opens the review of a subject with its first submission.
func newCase(name string, in *counselv1.OpenCaseRequest, who auth.Caller, today calendar.Date) (*counselv1.Case, docstore.Change) {
	c := &counselv1.Case{
		Name: name, Subject: in.GetSubject(), DraftingUnit: in.GetDraftingUnit(), State: counselv1.Case_RECEIVED,
		Regime: regimeAsked(in),
	}
	addRound(c, in, who, today)
	return c, docstore.Change{
		To: c.GetState().String(),
		Grant: []string{
			c.GetDraftingUnit(),
			auth.RoleViewer(in.GetParent(), corev1.Role_ROLE_REVIEWER),
			auth.RoleViewer(in.GetParent(), corev1.Role_ROLE_GENERAL_OFFICE),
		},
		Details: []*corev1.Detail{docstore.Detail("round", 1), docstore.Detail("version_digest", in.GetVersionDigest())},
	}
}

// addRound appends a submission and takes over what it says of the subject.
func addRound(c *counselv1.Case, in *counselv1.OpenCaseRequest, who auth.Caller, today calendar.Date) *counselv1.Round {
	takeOver(c, in, who)
	round := &counselv1.Round{
		Number: int32(len(c.GetRounds()) + 1), Revision: in.GetRevision(), VersionDigest: in.GetVersionDigest(),
		SubmitDate: today.Proto(), EmergencyReason: in.GetEmergencyReason(), Submitter: who.Actor(),
		Transition: in.GetTransition(),
	}
	c.Rounds = append(c.Rounds, round)
	return round
}

// takeOver keeps what a submission says of the subject. Whoever drafted or
// submitted once, or in whose place it was done, stays among the drafters.
func takeOver(c *counselv1.Case, in *counselv1.OpenCaseRequest, who auth.Caller) {
	c.Title, c.Parties = in.GetTitle(), in.GetParties()
	c.TouchesOperators, c.Submitter = in.GetTouchesOperators(), who.Actor()
	c.ExploratoryReform, c.ActType = in.GetExploratoryReform(), in.GetActType()
	for _, person := range append(in.GetDrafters(), who.Person, who.Actor()) {
		if !slices.Contains(c.GetDrafters(), person) {
			c.Drafters = append(c.Drafters, person)
		}
	}
}

// resumes tells whether a submission is the supplement that was asked for
// after acceptance: the same draft and the same facts with more material, so
// that the clock of the running round goes on instead of starting anew. A claim
// of urgency, for one, has to be accepted first.
func resumes(c *counselv1.Case, in *counselv1.OpenCaseRequest) bool {
	round := last(c)
	return c.GetState() == counselv1.Case_SUPPLEMENT_REQUESTED && round.GetAcceptDate() != nil &&
		round.GetRevision() == in.GetRevision() && round.GetEmergencyReason() == in.GetEmergencyReason() &&
		c.GetTouchesOperators() == in.GetTouchesOperators() && c.GetExploratoryReform() == in.GetExploratoryReform()
}

// pausesUntil are the pauses of a round, the open one ended today.
func pausesUntil(round *counselv1.Round, today calendar.Date) []*counselv1.Pause {
	pauses := make([]*counselv1.Pause, 0, len(round.GetPauses()))
	for _, p := range round.GetPauses() {
		until := p.GetUntil()
		if until == nil {
			until = today.Proto()
		}
		pauses = append(pauses, &counselv1.Pause{From: p.GetFrom(), Until: until, Reason: p.GetReason()})
	}
	return pauses
}

// submit adds a submission to a case. The same transition of the subject again
// changes nothing; what the reviewer has in hand cannot be exchanged. d is read only
// where the submission resumes the running round.
func submit(c *counselv1.Case, in *counselv1.OpenCaseRequest, who auth.Caller, now time.Time, d dates) (docstore.Change, error) {
	from, prev, today := c.GetState(), last(c), calendar.On(now)
	if err := admits(c, in); err != nil {
		return docstore.Change{}, err
	}
	resumed := resumes(c, in)
	withdrawn := withdraw(c, now, "再次送审")
	c.MergedInto, c.MergedCases = "", nil
	round := addRound(c, in, who, today)
	switch {
	case resumed:
		round.AcceptDate, round.Pauses = prev.GetAcceptDate(), pausesUntil(prev, today)
		round.Extension = prev.GetExtension()
		c.State = counselv1.Case_UNDER_REVIEW
		setDates(c, round, d)
	case from == counselv1.Case_CONCLUDED_REVISE || from == counselv1.Case_REVISED:
		round.RevisedDraft = true
	default:
		c.State = counselv1.Case_RECEIVED
	}
	change := moved(c, from)
	change.Details = append(change.Details, docstore.Detail("round", round.GetNumber()),
		docstore.Detail("version_digest", in.GetVersionDigest()), docstore.Detail("certificates_withdrawn", withdrawn))
	return change, nil
}

// admits tells whether a case takes a submission; docstore.ErrUnchanged where it
// has taken it already.
func admits(c *counselv1.Case, in *counselv1.OpenCaseRequest) error {
	taken := slices.ContainsFunc(c.GetRounds(), func(r *counselv1.Round) bool { return r.GetTransition() == in.GetTransition() })
	if taken {
		return docstore.ErrUnchanged
	}
	if regimeAsked(in) != regimeOf(c) {
		return refused(codeRegimeChanged, "", "审核类别不能在再次送审时更改")
	}
	if next := last(c).GetNumber() + 1; in.GetSubmission() > next {
		return refused(codeReviewInProgress, "", fmt.Sprintf("应当是第%d次送审", next))
	}
	if err := submittable(c, in); err != nil {
		return err
	}
	if len(c.GetRounds()) >= maxRounds {
		return refused(codeRecordClosed, "", "送审次数已达上限")
	}
	return nil
}

// submittable tells whether the state takes another submission.
func submittable(c *counselv1.Case, in *counselv1.OpenCaseRequest) error {
	prev := last(c)
	sameVersion := prev.GetVersionDigest() == in.GetVersionDigest()
	switch c.GetState() {
	case counselv1.Case_RETURNED, counselv1.Case_SUPPLEMENT_REQUESTED:
		return nil
	case counselv1.Case_CONCLUDED_LAWFUL, counselv1.Case_CONCLUDED_LAWFUL_WITH_RISK, counselv1.Case_CONCLUDED_REVISE, counselv1.Case_REVISED:
		if sameVersion {
			return refused(codeReviewConcluded, "", "该版本已经审核，内容未变的不必再次送审")
		}
		return nil
	case counselv1.Case_CONCLUDED_UNLAWFUL:
		if prev.GetRevision() == in.GetRevision() {
			return refused(codeLegalityAdverse, gateLaw(c), "该稿已被审核为不合法，应当另行起草后送审")
		}
		return nil
	}
	return refused(codeReviewInProgress, "", "案件处于“"+stateName(c.GetState())+"”，审核机构退回或者要求补正后方可再次送审")
}

// standingCertificate tells whether a certificate was given and not withdrawn.
func standingCertificate(c *counselv1.Case) bool {
	for _, cert := range c.GetCertificates() {
		if cert.GetWithdrawTime() == nil {
			return true
		}
	}
	return false
}

// withdraw withdraws every standing certificate and counts them.
func withdraw(c *counselv1.Case, now time.Time, reason string) int {
	n := 0
	for _, cert := range c.GetCertificates() {
		if cert.GetWithdrawTime() == nil {
			cert.WithdrawTime, cert.WithdrawReason = timestamppb.New(now), reason
			n++
		}
	}
	return n
}

package counsel

import (
	"fmt"

	"google.golang.org/protobuf/types/known/timestamppb"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"

	"time"

	corev1 "fashen/gen/fashen/core/v1"
)

// newCase opens the review of a subject with its first submission.
func newCase(name string, in *counselv1.OpenCaseRequest, who auth.Caller, today calendar.Date) (*counselv1.Case, docstore.Change) {
	c := &counselv1.Case{Name: name, Subject: in.GetSubject(), DraftingUnit: in.GetDraftingUnit(), State: counselv1.Case_RECEIVED}
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
	c.Title, c.Parties = in.GetTitle(), in.GetParties()
	c.TouchesOperators, c.Submitter = in.GetTouchesOperators(), who.Person
	round := &counselv1.Round{
		Number: in.GetSubmission(), Revision: in.GetRevision(), VersionDigest: in.GetVersionDigest(),
		SubmitDate: today.Proto(), EmergencyReason: in.GetEmergencyReason(), Submitter: who.Person,
	}
	c.Rounds = append(c.Rounds, round)
	return round
}

// resumes tells whether a submission is the supplement that was asked for
// after acceptance: the same draft with more material, so that the clock of
// the running round goes on instead of starting anew.
func resumes(c *counselv1.Case, in *counselv1.OpenCaseRequest) bool {
	round := last(c)
	return c.GetState() == counselv1.Case_SUPPLEMENT_REQUESTED && round.GetAcceptDate() != nil &&
		round.GetRevision() == in.GetRevision() && in.GetSubmission() == round.GetNumber()+1
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

// submit adds a submission to a case. The same submission again changes
// nothing; what the reviewer has in hand cannot be exchanged. d is read only
// where the submission resumes the running round.
func submit(c *counselv1.Case, in *counselv1.OpenCaseRequest, who auth.Caller, now time.Time, d dates) (docstore.Change, error) {
	from, prev, today := c.GetState(), last(c), calendar.On(now)
	if in.GetSubmission() == prev.GetNumber() {
		return repeat(c, in, who)
	}
	if in.GetSubmission() != prev.GetNumber()+1 {
		return docstore.Change{}, refused(codeReviewInProgress, "", fmt.Sprintf("应当是第%d次送审", prev.GetNumber()+1))
	}
	if len(c.GetRounds()) >= maxRounds {
		return docstore.Change{}, refused(codeRecordClosed, "", "送审次数已达上限")
	}
	resumed := resumes(c, in)
	if err := submittable(c, in); err != nil {
		return docstore.Change{}, err
	}
	withdrawn := withdraw(c, now, "再次送审")
	round := addRound(c, in, who, today)
	switch {
	case resumed:
		round.AcceptDate, round.Pauses = prev.GetAcceptDate(), pausesUntil(prev, today)
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

// repeat answers a submission whose number the case has already. With another
// version it stands for a submission whose sender stopped half-way and changed
// the draft since: as long as nobody accepted it, it is exchanged.
func repeat(c *counselv1.Case, in *counselv1.OpenCaseRequest, who auth.Caller) (docstore.Change, error) {
	round := last(c)
	if round.GetVersionDigest() == in.GetVersionDigest() {
		return docstore.Change{}, docstore.ErrUnchanged
	}
	if c.GetState() != counselv1.Case_RECEIVED {
		return docstore.Change{}, refused(codeReviewInProgress, "", "该次送审已由审核机构办理")
	}
	c.Title, c.Parties, c.TouchesOperators = in.GetTitle(), in.GetParties(), in.GetTouchesOperators()
	c.Submitter, round.Submitter = who.Person, who.Person
	round.Revision, round.VersionDigest = in.GetRevision(), in.GetVersionDigest()
	round.EmergencyReason = in.GetEmergencyReason()
	change := moved(c, c.GetState())
	change.Details = append(change.Details, docstore.Detail("version_digest", in.GetVersionDigest()))
	return change, nil
}

// submittable tells whether the state takes another submission.
func submittable(c *counselv1.Case, in *counselv1.OpenCaseRequest) error {
	prev := last(c)
	sameVersion := prev.GetVersionDigest() == in.GetVersionDigest()
	switch c.GetState() {
	case counselv1.Case_RETURNED, counselv1.Case_SUPPLEMENT_REQUESTED:
		return nil
	case counselv1.Case_CONCLUDED_LAWFUL, counselv1.Case_CONCLUDED_REVISE, counselv1.Case_REVISED:
		if sameVersion {
			return refused(codeReviewConcluded, law115, "该版本已经审核，内容未变的不必再次送审")
		}
		return nil
	case counselv1.Case_CONCLUDED_UNLAWFUL:
		if prev.GetRevision() == in.GetRevision() {
			return refused(codeLegalityAdverse, law37, "该稿已被审核为不合法，应当另行起草后送审")
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

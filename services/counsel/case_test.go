package counsel

import (
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

const (
	region   = "regions/120105"
	unit     = region + "/bureaus/drafting"
	document = region + "/documents/doc"
)

var (
	day0     = time.Date(2026, 4, 8, 9, 0, 0, 0, time.FixedZone("CST", 8*3600))
	drafter  = auth.Caller{Person: region + "/people/drafter", Region: region, Bureau: unit, Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER}}
	reviewer = auth.Caller{Person: region + "/people/reviewer", Region: region, Bureau: region + "/bureaus/justice", Roles: []corev1.Role{corev1.Role_ROLE_REVIEWER}}
	counsel  = auth.Caller{Person: region + "/people/counsel", Region: region, Roles: []corev1.Role{corev1.Role_ROLE_COUNSEL}}
)

func digest(version int) string { return fmt.Sprintf("%064d", version) }

func submission(number int32, version int) *counselv1.OpenCaseRequest {
	return &counselv1.OpenCaseRequest{
		Parent: region, Subject: document, Submission: number, DraftingUnit: unit, Title: "示例办法",
		Revision: fmt.Sprintf("%s/revisions/%d", document, version), VersionDigest: digest(version),
		Transition: fmt.Sprintf("submit-%d-%d", number, version),
	}
}

func received() *counselv1.Case {
	c, _ := newCase(region+"/cases/one", submission(1, 1), drafter, calendar.On(day0))
	return c
}

func dated(t *testing.T) dates {
	t.Helper()
	var d dates
	for _, p := range []struct {
		to *calendar.Date
		s  string
	}{{&d.floor, "2026-04-15"}, {&d.earliest, "2026-04-16"}, {&d.ceiling, "2026-04-29"}} {
		v, err := calendar.ParseDate(p.s)
		if err != nil {
			t.Fatal(err)
		}
		*p.to = v
	}
	return d
}

func signed(c *counselv1.Case, conclusion counselv1.Conclusion, items int) *counselv1.Opinion {
	o := &counselv1.Opinion{
		Name: c.GetName() + "/opinions/o", Kind: counselv1.Opinion_REVIEW, Author: reviewer.Person, State: counselv1.Opinion_SIGNED,
		Round: last(c).GetNumber(), Revision: last(c).GetRevision(), Conclusion: conclusion,
	}
	for i := range items {
		o.Items = append(o.Items, &counselv1.OpinionItem{Basis: fmt.Sprintf("依据%d", i+1)})
	}
	return o
}

// at brings a case into a state by the commands that lead there.
func at(t *testing.T, state counselv1.Case_State) *counselv1.Case {
	t.Helper()
	c := received()
	do := func(_ docstore.Change, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	today := calendar.On(day0)
	switch state {
	case counselv1.Case_RECEIVED:
		return c
	case counselv1.Case_RETURNED:
		do(sendBack(c, "材料不全", reviewer, today))
		return c
	}
	do(accept(c, reviewer, today, dated(t)))
	switch state {
	case counselv1.Case_SUPPLEMENT_REQUESTED:
		do(requestSupplement(c, "补充依据", reviewer, today))
	case counselv1.Case_CONCLUDED_LAWFUL:
		do(conclude(c, signed(c, counselv1.Conclusion_LAWFUL, 0), reviewer, today, false))
	case counselv1.Case_CONCLUDED_LAWFUL_WITH_RISK:
		c.Regime = counselv1.Regime_REGIME_ADVICE
		do(conclude(c, signed(c, counselv1.Conclusion_LAWFUL_WITH_RISK, 0), reviewer, today, false))
		c.Regime = 0
	case counselv1.Case_CONCLUDED_UNLAWFUL:
		do(conclude(c, signed(c, counselv1.Conclusion_UNLAWFUL, 1), reviewer, today, false))
	case counselv1.Case_CONCLUDED_REVISE, counselv1.Case_REVISED:
		do(conclude(c, signed(c, counselv1.Conclusion_REVISE, 2), reviewer, today, false))
	}
	if state == counselv1.Case_REVISED {
		do(answer(c, 1, &counselv1.Answer{Adoption: counselv1.Answer_ADOPTED}, drafter, day0))
		do(answer(c, 2, &counselv1.Answer{Adoption: counselv1.Answer_NOT_ADOPTED, Reason: "另有规定", Decider: "分管负责人"}, drafter, day0))
	}
	if c.GetState() != state {
		t.Fatalf("state %v, want %v", c.GetState(), state)
	}
	return c
}

func code(err error) string {
	var r *docstore.Refusal
	if errors.As(err, &r) {
		return r.Reasons[0]
	}
	return rpc.Reason(err)
}

var states = []counselv1.Case_State{
	counselv1.Case_RECEIVED, counselv1.Case_RETURNED, counselv1.Case_SUPPLEMENT_REQUESTED, counselv1.Case_UNDER_REVIEW,
	counselv1.Case_CONCLUDED_LAWFUL, counselv1.Case_CONCLUDED_REVISE, counselv1.Case_CONCLUDED_UNLAWFUL, counselv1.Case_REVISED,
	counselv1.Case_CONCLUDED_LAWFUL_WITH_RISK,
}

// Every command in every state: what is allowed leads to the state given, all
// else is refused with the code given and leaves the state alone.
func TestTransitions(t *testing.T) {
	type outcome = map[counselv1.Case_State]string
	today := calendar.On(day0)
	commands := []struct {
		name string
		do   func(c *counselv1.Case) (docstore.Change, error)
		want outcome
	}{
		{"accept", func(c *counselv1.Case) (docstore.Change, error) { return accept(c, reviewer, today, dates{}) },
			outcome{counselv1.Case_RECEIVED: "UNDER_REVIEW"}},
		{"return", func(c *counselv1.Case) (docstore.Change, error) { return sendBack(c, "x", reviewer, today) },
			outcome{counselv1.Case_RECEIVED: "RETURNED", counselv1.Case_UNDER_REVIEW: "RETURNED", counselv1.Case_SUPPLEMENT_REQUESTED: "RETURNED"}},
		{"supplement", func(c *counselv1.Case) (docstore.Change, error) { return requestSupplement(c, "x", reviewer, today) },
			outcome{counselv1.Case_RECEIVED: "SUPPLEMENT_REQUESTED", counselv1.Case_UNDER_REVIEW: "SUPPLEMENT_REQUESTED"}},
		{"conclude lawful", func(c *counselv1.Case) (docstore.Change, error) {
			return conclude(c, signed(c, counselv1.Conclusion_LAWFUL, 0), reviewer, today, false)
		}, outcome{counselv1.Case_UNDER_REVIEW: "CONCLUDED_LAWFUL"}},
		{"submit the same version", func(c *counselv1.Case) (docstore.Change, error) {
			return submit(c, submission(2, 1), drafter, day0, dates{})
		}, outcome{
			counselv1.Case_RETURNED: "RECEIVED", counselv1.Case_SUPPLEMENT_REQUESTED: "UNDER_REVIEW",
			counselv1.Case_RECEIVED: codeReviewInProgress, counselv1.Case_UNDER_REVIEW: codeReviewInProgress,
			counselv1.Case_CONCLUDED_LAWFUL: codeReviewConcluded, counselv1.Case_CONCLUDED_REVISE: codeReviewConcluded,
			counselv1.Case_REVISED: codeReviewConcluded, counselv1.Case_CONCLUDED_UNLAWFUL: codeLegalityAdverse,
			counselv1.Case_CONCLUDED_LAWFUL_WITH_RISK: codeReviewConcluded,
		}},
		{"submit another draft", func(c *counselv1.Case) (docstore.Change, error) {
			return submit(c, submission(2, 2), drafter, day0, dates{})
		}, outcome{
			counselv1.Case_RETURNED: "RECEIVED", counselv1.Case_SUPPLEMENT_REQUESTED: "RECEIVED",
			counselv1.Case_RECEIVED: codeReviewInProgress, counselv1.Case_UNDER_REVIEW: codeReviewInProgress,
			counselv1.Case_CONCLUDED_LAWFUL: "RECEIVED", counselv1.Case_CONCLUDED_REVISE: "CONCLUDED_REVISE",
			counselv1.Case_REVISED: "REVISED", counselv1.Case_CONCLUDED_UNLAWFUL: "RECEIVED",
			counselv1.Case_CONCLUDED_LAWFUL_WITH_RISK: "RECEIVED",
		}},
		{"answer", func(c *counselv1.Case) (docstore.Change, error) {
			return answer(c, 1, &counselv1.Answer{Adoption: counselv1.Answer_ADOPTED}, drafter, day0)
		}, outcome{
			counselv1.Case_CONCLUDED_REVISE: "CONCLUDED_REVISE", counselv1.Case_REVISED: "REVISED", counselv1.Case_CONCLUDED_UNLAWFUL: "CONCLUDED_UNLAWFUL",
			counselv1.Case_CONCLUDED_LAWFUL: "ITEM_UNKNOWN", counselv1.Case_CONCLUDED_LAWFUL_WITH_RISK: "ITEM_UNKNOWN", // nothing was recommended
		}},
	}
	for _, cmd := range commands {
		for _, s := range states {
			t.Run(cmd.name+" in "+s.String(), func(t *testing.T) {
				c := at(t, s)
				want, listed := cmd.want[s]
				if !listed {
					want = codeStateNotAllowed
				}
				_, err := cmd.do(c)
				got := c.GetState().String()
				if err != nil {
					if c.GetState() != s {
						t.Errorf("refused, yet the state moved to %v", c.GetState())
					}
					got = code(err)
				}
				if got != want {
					t.Errorf("got %s, want %s (%v)", got, want, err)
				}
			})
		}
	}
}

// What is only recommended, and what was found unlawful, is answered for the record: it
// holds nothing up, and opens nothing.
func TestAnswersForTheRecord(t *testing.T) {
	no := &counselv1.Answer{Adoption: counselv1.Answer_NOT_ADOPTED, Reason: "另有规定", Decider: "分管负责人"}
	for conclusion, want := range map[counselv1.Conclusion]counselv1.Verdict_Standing{
		counselv1.Conclusion_LAWFUL: counselv1.Verdict_PASSES, counselv1.Conclusion_UNLAWFUL: counselv1.Verdict_ADVERSE,
	} {
		c := at(t, counselv1.Case_UNDER_REVIEW)
		if _, err := conclude(c, signed(c, conclusion, 1), reviewer, calendar.On(day0), false); err != nil {
			t.Fatal(err)
		}
		before := c.GetState()
		if _, err := answer(c, 1, &counselv1.Answer{Adoption: counselv1.Answer_NOT_ADOPTED}, drafter, day0); code(err) != codeNonAdoptionReason {
			t.Errorf("%v: without a reason: %v", conclusion, err)
		}
		_, err := answer(c, 1, no, drafter, day0)
		if err != nil || c.GetState() != before || c.GetLedger()[0].GetAnswer().GetReason() == "" || standing(c, digest(1)) != want {
			t.Errorf("%v: answered: %v, %v, %v", conclusion, err, c.GetState(), standing(c, digest(1)))
		}
		if want != counselv1.Verdict_PASSES {
			continue
		}
		if _, err := certify(c, "e", &counselv1.CertifyVerdictRequest{VersionDigest: digest(1), Transition: "t", VerdictEtag: "e"}, day0); err != nil {
			t.Fatal(err)
		}
		if _, err := answer(c, 1, no, drafter, day0); code(err) != codeRecordClosed {
			t.Errorf("answered after the certificate: %v", err)
		}
	}
}

func TestRulesOfConclusionAndAnswers(t *testing.T) {
	today := calendar.On(day0)
	own := auth.Caller{Person: drafter.Person, Region: region, Bureau: unit}
	t.Run("nobody reviews a draft of their own", func(t *testing.T) {
		_, err := accept(received(), own, today, dates{})
		if code(err) != codeSelfReview {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a conclusion rests on one's own signed opinion on this round", func(t *testing.T) {
		for name, spoil := range map[string]func(*counselv1.Opinion){
			"draft":          func(o *counselv1.Opinion) { o.State = counselv1.Opinion_DRAFT },
			"counsel's":      func(o *counselv1.Opinion) { o.Kind = counselv1.Opinion_COUNSEL },
			"another round":  func(o *counselv1.Opinion) { o.Round = 7 },
			"another draft":  func(o *counselv1.Opinion) { o.Revision += "x" },
			"another author": func(o *counselv1.Opinion) { o.Author = drafter.Person },
		} {
			c := at(t, counselv1.Case_UNDER_REVIEW)
			o := signed(c, counselv1.Conclusion_LAWFUL, 0)
			spoil(o)
			if _, err := conclude(c, o, reviewer, today, false); code(err) != codeEvidenceMissing {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
	t.Run("non-adoption needs reason and decider", func(t *testing.T) {
		for _, a := range []*counselv1.Answer{
			{Adoption: counselv1.Answer_NOT_ADOPTED}, {Adoption: counselv1.Answer_NOT_ADOPTED, Reason: "r"},
			{Adoption: counselv1.Answer_PARTLY_ADOPTED, Decider: "d"},
		} {
			if _, err := answer(at(t, counselv1.Case_CONCLUDED_REVISE), 1, a, drafter, day0); code(err) != codeNonAdoptionReason {
				t.Errorf("%v: got %v", a, err)
			}
		}
	})
	t.Run("a revised draft is confirmed once all is answered, in its newest version", func(t *testing.T) {
		c := at(t, counselv1.Case_CONCLUDED_REVISE)
		if _, err := submit(c, submission(2, 2), drafter, day0, dates{}); err != nil {
			t.Fatal(err)
		}
		if _, err := confirm(c, digest(2), "x", reviewer, day0); code(err) != codeItemUnanswered {
			t.Errorf("unanswered: got %v", err)
		}
		c = at(t, counselv1.Case_REVISED)
		if _, err := submit(c, submission(2, 2), drafter, day0, dates{}); err != nil {
			t.Fatal(err)
		}
		if _, err := confirm(c, digest(1), "x", reviewer, day0); code(err) != codeLegalityStale {
			t.Errorf("stale: got %v", err)
		}
		if _, err := confirm(c, digest(2), "x", own, day0); code(err) != codeSelfReview {
			t.Errorf("own: got %v", err)
		}
	})
	t.Run("an emergency has no floor", func(t *testing.T) {
		in := submission(1, 1)
		in.EmergencyReason = "防汛抢险"
		c, _ := newCase(region+"/cases/one", in, drafter, today)
		if _, err := accept(c, reviewer, today, dated(t)); err != nil {
			t.Fatal(err)
		}
		if v := verdict(c, digest(1), "e"); v.GetEarliestMeetingDate() != nil || c.GetDueDate() != nil {
			t.Errorf("got floor %v, due %v", v.GetEarliestMeetingDate(), c.GetDueDate())
		}
	})
}

func TestSupplementStopsTheClock(t *testing.T) {
	c := at(t, counselv1.Case_SUPPLEMENT_REQUESTED)
	if c.GetDueDate() != nil {
		t.Error("a due date while the clock stands")
	}
	later := day0.AddDate(0, 0, 6)
	in := submission(2, 1)
	if !resumes(c, in) {
		t.Fatal("the same draft with more material goes on with the round")
	}
	pauses := pausesUntil(last(c), calendar.On(later))
	if len(pauses) != 1 || pauses[0].GetUntil().GetDay() != 14 {
		t.Fatalf("pauses %v", pauses)
	}
	if _, err := submit(c, in, drafter, later, dated(t)); err != nil {
		t.Fatal(err)
	}
	r := last(c)
	if r.GetAcceptDate().GetDay() != 8 || len(r.GetPauses()) != 1 || r.GetCeilingDate() == nil || len(c.GetRounds()) != 2 {
		t.Errorf("round %v", r)
	}
}

// A document that stopped after the case took its submission counts one less
// than the case; whatever happened since, it finds its way back.
func TestASubjectThatIsBehind(t *testing.T) {
	for state, want := range map[counselv1.Case_State]string{
		counselv1.Case_RECEIVED:             codeReviewInProgress,
		counselv1.Case_RETURNED:             "RECEIVED",
		counselv1.Case_SUPPLEMENT_REQUESTED: "RECEIVED",
		counselv1.Case_UNDER_REVIEW:         codeReviewInProgress,
		counselv1.Case_CONCLUDED_LAWFUL:     "RECEIVED",
		counselv1.Case_CONCLUDED_UNLAWFUL:   "RECEIVED",
		counselv1.Case_CONCLUDED_REVISE:     "CONCLUDED_REVISE",
		counselv1.Case_REVISED:              "REVISED",
	} {
		t.Run(state.String(), func(t *testing.T) {
			c := at(t, state)
			if _, err := submit(c, submission(1, 1), drafter, day0, dates{}); !errors.Is(err, docstore.ErrUnchanged) {
				t.Errorf("the same transition again: %v", err)
			}
			got := refusalOf(submit(c, submission(1, 2), drafter, day0, dates{}))
			if got == "" {
				got = c.GetState().String()
				if last(c).GetVersionDigest() != digest(2) {
					t.Errorf("the newest round is about %s", last(c).GetVersionDigest())
				}
			}
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func refusalOf(_ docstore.Change, err error) string { return code(err) }

// A claim of urgency that comes with a supplement has to be accepted.
func TestUrgencyClaimedInASupplement(t *testing.T) {
	c, in := at(t, counselv1.Case_SUPPLEMENT_REQUESTED), submission(2, 1)
	in.EmergencyReason = "防汛抢险"
	if _, err := submit(c, in, drafter, day0, dated(t)); err != nil {
		t.Fatal(err)
	}
	if c.GetState() != counselv1.Case_RECEIVED || last(c).GetAcceptDate() != nil {
		t.Errorf("state %v, accepted %v", c.GetState(), last(c).GetAcceptDate())
	}
}

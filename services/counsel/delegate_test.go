package counsel

import (
	"slices"
	"testing"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
)

// inPlace is the delegate acting in another's place.
func inPlace(delegate, principal auth.Caller) auth.Caller {
	principal.Delegate, principal.Delegation = delegate.Person, region+"/delegations/d"
	return principal
}

var deputy = auth.Caller{Person: region + "/people/deputy", Region: region, Bureau: reviewer.Bureau, Roles: reviewer.Roles}

// Nobody reviews their own draft: neither by another, nor for another.
func TestOwnDraftInAnothersPlace(t *testing.T) {
	later := calendar.On(day0)
	steps := map[string]struct {
		at counselv1.Case_State
		do func(c *counselv1.Case, who auth.Caller) error
	}{
		"accept": {counselv1.Case_RECEIVED, func(c *counselv1.Case, who auth.Caller) error {
			_, err := accept(c, who, later, dates{})
			return err
		}},
		"return": {counselv1.Case_RECEIVED, func(c *counselv1.Case, who auth.Caller) error {
			_, err := sendBack(c, "示例", who, later)
			return err
		}},
		"supplement": {counselv1.Case_UNDER_REVIEW, func(c *counselv1.Case, who auth.Caller) error {
			_, err := requestSupplement(c, "示例", who, later)
			return err
		}},
		"write": {counselv1.Case_UNDER_REVIEW, func(c *counselv1.Case, who auth.Caller) error {
			_, _, err := newOpinion("o", c, &counselv1.Opinion{}, nil, who, nextID())
			return err
		}},
		"sign": {counselv1.Case_UNDER_REVIEW, func(c *counselv1.Case, who auth.Caller) error {
			o := drafted(c, counselv1.Conclusion_LAWFUL)
			o.Author = who.Person
			_, err := closeForSigning(o, c, signing{}, who, day0)
			return err
		}},
		"conclude": {counselv1.Case_UNDER_REVIEW, func(c *counselv1.Case, who auth.Caller) error {
			o := signed(c, counselv1.Conclusion_LAWFUL, 0)
			o.Author = who.Person
			_, err := conclude(c, o, who, later, true)
			return err
		}},
	}
	for name, step := range steps {
		for who, tt := range map[string]struct {
			caller   auth.Caller
			drafters []string
			want     string
		}{
			"neither drafted":              {inPlace(deputy, reviewer), nil, ""},
			"the delegate drafted":         {inPlace(deputy, reviewer), []string{deputy.Person}, codeSelfReview},
			"the principal drafted":        {inPlace(deputy, reviewer), []string{reviewer.Person}, codeSelfReview},
			"the delegate, in own name":    {deputy, []string{reviewer.Person}, ""},
			"drafted, and in own name too": {deputy, []string{deputy.Person}, codeSelfReview},
		} {
			c := at(t, step.at)
			c.Drafters = append(c.Drafters, tt.drafters...)
			if err := step.do(c, tt.caller); code(err) != tt.want {
				t.Errorf("%s, %s: %v, want %q", name, who, err, tt.want)
			}
		}
	}
}

// What is done in another's place says who did it.
func TestDelegateIsOnRecord(t *testing.T) {
	c := received()
	who := inPlace(deputy, reviewer)
	if _, err := accept(c, who, calendar.On(day0), dated(t)); err != nil {
		t.Fatal(err)
	}
	if c.GetReviewer() != reviewer.Person || c.GetReviewerDelegate() != deputy.Person {
		t.Errorf("accepted by %s in the place of %s", c.GetReviewerDelegate(), c.GetReviewer())
	}
	o, change, err := newOpinion("o", c, &counselv1.Opinion{Conclusion: counselv1.Conclusion_LAWFUL, Checklist: answered()}, nil, who, nextID())
	if err != nil || o.GetAuthor() != reviewer.Person || !slices.Equal(change.Grant, []string{reviewer.Person}) {
		t.Fatalf("opinion of %s, seen by %v: %v", o.GetAuthor(), change.Grant, err)
	}
	for _, do := range []func() (docstore.Change, error){
		func() (docstore.Change, error) {
			return edit(o, &counselv1.Opinion{Summary: "示例"}, map[string]bool{"summary": true}, c, who, nextID())
		},
		func() (docstore.Change, error) { return closeForSigning(o, c, signing{}, who, day0) },
	} {
		if _, err := do(); err != nil {
			t.Fatal(err)
		}
	}
	if o.GetSigner() != deputy.Person || !slices.Equal(o.GetDelegates(), []string{deputy.Person}) {
		t.Errorf("signed by %s, written by %v", o.GetSigner(), o.GetDelegates())
	}

	in := submission(1, 1)
	in.Drafters = []string{drafter.Person}
	assistant := auth.Caller{Person: region + "/people/assistant"}
	c, _ = newCase("c", in, inPlace(assistant, auth.Caller{Person: region + "/people/head", Bureau: unit}), calendar.On(day0))
	if !slices.Equal(c.GetDrafters(), []string{drafter.Person, region + "/people/head", assistant.Person}) || c.GetSubmitter() != assistant.Person {
		t.Errorf("drafters %v, submitted by %s", c.GetDrafters(), c.GetSubmitter())
	}
}

package counsel

import (
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/rpc"
)

var second = auth.Caller{Person: region + "/people/second", Region: region, Bureau: region + "/bureaus/justice", Roles: []corev1.Role{corev1.Role_ROLE_REVIEWER}}

// Where the region wants it, a review opinion is signed only after another reviewer
// approved exactly its content.
func TestSignatureWantsACheck(t *testing.T) {
	c := at(t, counselv1.Case_UNDER_REVIEW)
	o := drafted(c, counselv1.Conclusion_LAWFUL)
	sign := func(ch *counselv1.Check, who auth.Caller) string {
		_, err := closeForSigning(o, c, signing{wantsCheck: true, check: ch}, who, day0)
		return code(err)
	}
	ask := func() *counselv1.Check {
		ch, change, err := newCheck("k", o, c, &counselv1.Check{Checker: second.Person}, reviewer)
		if err != nil || len(change.Grant) != 2 {
			t.Fatalf("%v, %v", change, err)
		}
		return ch
	}
	decideBy := func(ch *counselv1.Check, who auth.Caller, d counselv1.DecideCheckRequest_Decision, note string) string {
		_, err := decide(ch, o, c, &counselv1.DecideCheckRequest{Decision: d, Note: note}, who, day0)
		return code(err)
	}
	const approve, sendBack = counselv1.DecideCheckRequest_APPROVE, counselv1.DecideCheckRequest_SEND_BACK

	if got := sign(nil, reviewer); got != codeCheckMissing {
		t.Errorf("without a check: %q", got)
	}
	ch := ask()
	if got := sign(ch, reviewer); got != codeCheckMissing {
		t.Errorf("with an open check: %q", got)
	}
	if got := decideBy(ch, second, sendBack, " "); got != "REQUIRED" {
		t.Errorf("sent back without a note: %q", got)
	}
	if got := decideBy(ch, second, sendBack, "示例"); got != "" {
		t.Fatalf("sent back: %q", got)
	}
	if got := sign(ch, reviewer); got != codeCheckMissing {
		t.Errorf("sent back and signed: %q", got)
	}
	if got := decideBy(ch, second, approve, ""); got != codeRecordClosed {
		t.Errorf("decided twice: %q", got)
	}
	ch = ask()
	o.Summary = "改动。"
	if got := decideBy(ch, second, approve, ""); got != codeCheckStale {
		t.Errorf("approval of what has changed: %q", got)
	}
	ch = ask()
	if got := decideBy(ch, second, approve, ""); got != "" {
		t.Fatalf("approved: %q", got)
	}
	o.Summary = "又改。"
	if got := sign(ch, reviewer); got != codeCheckMissing {
		t.Errorf("changed after the check: %q", got)
	}
	o.Summary = "改动。"
	if got := sign(ch, inPlace(second, reviewer)); got != codeSelfReview {
		t.Errorf("signed by the checker in the author's place: %q", got)
	}
	if got := sign(ch, reviewer); got != "" {
		t.Errorf("checked: %q", got)
	}
}

// Nobody checks what they wrote or drafted, nor has it checked in their place.
func TestNobodyChecksTheirOwn(t *testing.T) {
	c := at(t, counselv1.Case_UNDER_REVIEW)
	for name, tt := range map[string]struct {
		checker, decider auth.Caller
		delegates        []string
		asked, decided   string
	}{
		"the author":                          {checker: reviewer, asked: codeSelfReview},
		"a drafter":                           {checker: drafter, asked: codeSelfReview},
		"a delegate who wrote":                {checker: second, delegates: []string{second.Person}, asked: codeSelfReview},
		"another":                             {checker: second, decider: second},
		"the author in the checker's place":   {checker: second, decider: inPlace(reviewer, second), decided: codeSelfReview},
		"a drafter in the checker's place":    {checker: second, decider: inPlace(drafter, second), decided: codeSelfReview},
		"somebody who was not asked":          {checker: second, decider: counsel, decided: rpc.ReasonNotFound},
		"the author, who sees the check, too": {checker: second, decider: reviewer, decided: rpc.ReasonNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			o := drafted(c, counselv1.Conclusion_LAWFUL)
			o.Delegates = tt.delegates
			ch, _, err := newCheck("k", o, c, &counselv1.Check{Checker: tt.checker.Person}, reviewer)
			if code(err) != tt.asked || err != nil {
				if code(err) != tt.asked {
					t.Errorf("asked: %v, want %q", err, tt.asked)
				}
				return
			}
			_, err = decide(ch, o, c, &counselv1.DecideCheckRequest{Decision: counselv1.DecideCheckRequest_APPROVE}, tt.decider, day0)
			if code(err) != tt.decided {
				t.Errorf("decided: %v, want %q", err, tt.decided)
			}
		})
	}
}

// Counsel is addressed only with an accepted assignment, and answers only what was
// addressed to them.
func TestComments(t *testing.T) {
	c := at(t, counselv1.Case_UNDER_REVIEW)
	to := &counselv1.Comment{Name: "m", Addressees: []string{counsel.Person}}
	text := func(to ...string) *counselv1.Comment { return &counselv1.Comment{Text: "示例", Addressees: to} }
	for name, tt := range map[string]struct {
		in, to *counselv1.Comment
		open   []string
		who    auth.Caller
		grants int
		want   string
	}{
		"a reviewer":                        {in: text(), who: reviewer, grants: 2},
		"to counsel of the case":            {in: text(counsel.Person), open: []string{counsel.Person}, who: reviewer, grants: 3},
		"to counsel who is not":             {in: text(counsel.Person), who: reviewer, want: "ADDRESSEE_UNKNOWN"},
		"to the bureau":                     {in: text(drafter.Person), open: []string{counsel.Person}, who: reviewer, want: "ADDRESSEE_UNKNOWN"},
		"counsel unasked":                   {in: text(), who: counsel, want: "COMMENT_UNKNOWN"},
		"counsel asked":                     {in: text(), to: to, who: counsel, grants: 2},
		"counsel asked addresses another":   {in: text(counsel.Person), open: []string{counsel.Person}, to: to, who: counsel, want: "COMMENT_UNKNOWN"},
		"counsel answers what others asked": {in: text(), to: text(), who: counsel, want: "COMMENT_UNKNOWN"},
	} {
		m, change, err := newComment(c.GetName()+"/comments/x", c, tt.in, tt.to, tt.open, tt.who)
		if code(err) != tt.want || len(change.Grant) != tt.grants || err == nil && m.GetRound() != 1 {
			t.Errorf("%s: %v, grants %v", name, err, change.Grant)
		}
	}
	if err := discusses(c, drafter); rpc.Reason(err) != rpc.ReasonNotFound {
		t.Errorf("a drafter reads along: %v", err)
	}
}

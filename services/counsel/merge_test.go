package counsel

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// numbered is a case under review of a document and a bureau of its own.
func numbered(t *testing.T, n int) *counselv1.Case {
	t.Helper()
	in := submission(1, n)
	in.Subject, in.DraftingUnit = fmt.Sprintf("%s/documents/doc-%d", region, n), fmt.Sprintf("%s/bureaus/b-%d", region, n)
	in.Revision = fmt.Sprintf("%s/revisions/%d", in.GetSubject(), n)
	by := drafter
	by.Person = fmt.Sprintf("%s/people/p-%d", region, n)
	c, _ := newCase(fmt.Sprintf("%s/cases/c-%d", region, n), in, by, calendar.On(day0))
	if _, err := accept(c, reviewer, calendar.On(day0), dated(t)); err != nil {
		t.Fatal(err)
	}
	return c
}

// merged are a lead and cases that it leads.
func merged(t *testing.T, members int) (lead *counselv1.Case, group []*counselv1.Case) {
	t.Helper()
	lead = numbered(t, 1)
	for n := range members {
		group = append(group, numbered(t, n+2))
	}
	if _, err := list(lead, group, reviewer); err != nil {
		t.Fatal(err)
	}
	for _, c := range group {
		if _, err := join(c, lead, reviewer); err != nil {
			t.Fatal(err)
		}
	}
	return lead, group
}

// onAll is a signed opinion that covers a lead and its cases, with an item on each of
// the cases of the given places; the others are lawful.
func onAll(t *testing.T, lead *counselv1.Case, group []*counselv1.Case, items ...int) *counselv1.Opinion {
	t.Helper()
	o := signed(lead, counselv1.Conclusion_REVISE, 0)
	covers, err := coversOf(lead, group, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range covers {
		c.Conclusion = counselv1.Conclusion_LAWFUL
		for _, at := range items {
			if at == i {
				c.Conclusion = counselv1.Conclusion_REVISE
				o.Items = append(o.Items, &counselv1.OpinionItem{Case: c.GetCase(), Basis: fmt.Sprintf("依据%d", i)})
			}
		}
	}
	if o.Covers = covers; len(items) == 0 {
		o.Conclusion = counselv1.Conclusion_LAWFUL
	}
	return o
}

// What may not be put together is refused by a code, and by both steps of a merge.
func TestMergeRefusals(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(lead, c *counselv1.Case)
		code   string
	}{
		"two of a kind":           {func(_, _ *counselv1.Case) {}, ""},
		"a lead not under review": {func(lead, _ *counselv1.Case) { lead.State = counselv1.Case_RECEIVED }, codeStateNotAllowed},
		"a case not under review": {func(_, c *counselv1.Case) { c.State = counselv1.Case_CONCLUDED_LAWFUL }, codeStateNotAllowed},
		"a lead that is led":      {func(lead, _ *counselv1.Case) { lead.MergedInto = "x" }, codeCaseMerged},
		"a case of another lead":  {func(_, c *counselv1.Case) { c.MergedInto = "x" }, codeCaseMerged},
		"a case that leads":       {func(_, c *counselv1.Case) { c.MergedCases = []string{"x"} }, codeCaseMerged},
		"a case with itself":      {func(lead, c *counselv1.Case) { c.Name = lead.GetName() }, codeCaseMerged},
		"another law":             {func(_, c *counselv1.Case) { c.Regime = counselv1.Regime_REGIME_ADVICE }, codeCasesDiffer},
		"an exploratory reform":   {func(_, c *counselv1.Case) { c.ExploratoryReform = true }, codeCasesDiffer},
		"another reviewer":        {func(_, c *counselv1.Case) { c.Reviewer = second.Person }, codeCasesDiffer},
		"the lead's drafter":      {func(lead, _ *counselv1.Case) { lead.Drafters = append(lead.Drafters, reviewer.Person) }, codeSelfReview},
		"the case's drafter":      {func(_, c *counselv1.Case) { c.Drafters = append(c.Drafters, reviewer.Person) }, codeSelfReview},
	} {
		t.Run(name, func(t *testing.T) {
			lead, c := numbered(t, 1), numbered(t, 2)
			tt.change(lead, c)
			before := proto.CloneOf(lead)
			if _, err := list(lead, []*counselv1.Case{c}, reviewer); code(err) != tt.code {
				t.Errorf("list: %v, want %q", err, tt.code)
			}
			if tt.code != "" && !proto.Equal(lead, before) {
				t.Errorf("refused, and written: %v", lead)
			}
			if _, err := join(c, before, reviewer); code(err) != tt.code {
				t.Errorf("join: %v, want %q", err, tt.code)
			}
		})
	}
	lead, c := numbered(t, 1), numbered(t, 2)
	lead.MergedCases = make([]string, maxMerged)
	if _, err := list(lead, []*counselv1.Case{c}, reviewer); code(err) != codeMergedReviewFull {
		t.Errorf("one more than a lead may lead: %v", err)
	}
}

// Each step of a merge, and of a split, changes nothing when it is made again.
func TestMergeStepsAreRepeatable(t *testing.T) {
	lead, group := merged(t, 2)
	for _, again := range []func() (docstore.Change, error){
		func() (docstore.Change, error) { return list(lead, group, reviewer) },
		func() (docstore.Change, error) { return join(group[0], lead, reviewer) },
	} {
		if _, err := again(); !errors.Is(err, docstore.ErrUnchanged) {
			t.Errorf("merged again: %v", err)
		}
	}
	if change, err := leave(group[0], lead.GetName(), reviewer); err != nil || group[0].GetMergedInto() != "" || len(change.Details) != 1 {
		t.Fatalf("leave: %v %v", change, err)
	}
	if change, err := delist(lead, []string{group[0].GetName()}); err != nil || len(lead.GetMergedCases()) != 1 || len(change.Details) != 1 {
		t.Fatalf("delist: %v %v", change, err)
	}
	for _, again := range []func() (docstore.Change, error){
		func() (docstore.Change, error) { return leave(group[0], lead.GetName(), reviewer) },
		func() (docstore.Change, error) { return delist(lead, []string{group[0].GetName()}) },
		func() (docstore.Change, error) { return leave(group[1], "another", reviewer) },
	} {
		if _, err := again(); !errors.Is(err, docstore.ErrUnchanged) {
			t.Errorf("split again: %v", err)
		}
	}
	own := reviewer
	own.Person = group[1].GetDrafters()[0]
	if _, err := leave(group[1], lead.GetName(), own); code(err) != codeSelfReview {
		t.Errorf("split by its drafter: %v", err)
	}
}

// What is led waits for its lead; returned or asked for more, it is led no more. The
// lead does not stop while it leads.
func TestWhatIsLedDoesNothingAlone(t *testing.T) {
	lead, group := merged(t, 2)
	c := group[0]
	if _, err := conclude(c, signed(c, counselv1.Conclusion_LAWFUL, 0), reviewer, calendar.On(day0), false); code(err) != codeCaseMerged {
		t.Errorf("concluded alone: %v", err)
	}
	if _, _, err := newOpinion("o", c, &counselv1.Opinion{}, nil, reviewer, nextID()); code(err) != codeCaseMerged {
		t.Errorf("an opinion of its own: %v", err)
	}
	if _, err := closeForSigning(drafted(c, counselv1.Conclusion_LAWFUL), c, signing{}, reviewer, day0); code(err) != codeCaseMerged {
		t.Errorf("an opinion from before is signed: %v", err)
	}
	if _, err := extend(c, &counselv1.ExtendCaseRequest{Days: 1}, 5, dated(t).ceiling, false, reviewer, day0); code(err) != codeCaseMerged {
		t.Errorf("extended alone: %v", err)
	}
	if _, err := sendBack(lead, "示例", reviewer, calendar.On(day0)); code(err) != codeCaseMerged {
		t.Errorf("the lead is returned: %v", err)
	}
	if _, err := requestSupplement(lead, "示例", reviewer, calendar.On(day0)); code(err) != codeCaseMerged {
		t.Errorf("the lead waits: %v", err)
	}
	if _, err := sendBack(c, "示例", reviewer, calendar.On(day0)); err != nil || c.GetMergedInto() != "" {
		t.Errorf("returned: %v, led by %q", err, c.GetMergedInto())
	}
	if _, err := requestSupplement(group[1], "示例", reviewer, calendar.On(day0)); err != nil || group[1].GetMergedInto() != "" {
		t.Errorf("asked for more: %v, led by %q", err, group[1].GetMergedInto())
	}
}

// An item goes to the case it names, that of its place, or the opinion's own.
func TestItemsFindTheirCase(t *testing.T) {
	lead, group := merged(t, 2)
	o := onAll(t, lead, group, 0)
	at := func(c *counselv1.Case) *corev1.Anchor { return &corev1.Anchor{Revision: last(c).GetRevision()} }
	for name, tt := range map[string]struct {
		item *counselv1.OpinionItem
		want *counselv1.Case
	}{
		"of no place":         {&counselv1.OpinionItem{}, lead},
		"of a draft":          {&counselv1.OpinionItem{Anchor: at(group[1])}, group[1]},
		"of a place unnamed":  {&counselv1.OpinionItem{Anchor: &corev1.Anchor{}}, lead},
		"of a case":           {&counselv1.OpinionItem{Case: group[0].GetName(), Anchor: &corev1.Anchor{}}, group[0]},
		"of a case elsewhere": {&counselv1.OpinionItem{Case: numbered(t, 9).GetName()}, nil},
		"of a draft so":       {&counselv1.OpinionItem{Anchor: at(numbered(t, 9))}, nil},
	} {
		revision, err := place(o, tt.item, "item")
		if tt.want == nil {
			if rpc.Reason(err) != "CASE_NOT_COVERED" {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || revision != last(tt.want).GetRevision() || tt.item.GetCase() != tt.want.GetName() {
			t.Errorf("%s: %q, %v of %q", name, revision, err, tt.item.GetCase())
		}
	}
	if item, draft, err := draftOfItem(o, group[1].GetName()); err != nil || draft != last(group[1]).GetRevision() || item.GetCase() != group[1].GetName() {
		t.Errorf("a finding of a case that is led: %v of %q, %v", item, draft, err)
	}
	if _, _, err := draftOfItem(o, "x"); rpc.Reason(err) != "CASE_NOT_COVERED" {
		t.Errorf("a finding of a case elsewhere: %v", err)
	}
	single := signed(lead, counselv1.Conclusion_LAWFUL, 0)
	own, other := &counselv1.OpinionItem{Case: lead.GetName()}, &counselv1.OpinionItem{Case: group[0].GetName()}
	if _, err := place(single, own, "item"); err != nil || own.GetCase() != "" {
		t.Errorf("in an opinion on one case: %v of %q", err, own.GetCase())
	}
	if _, err := place(single, other, "item"); rpc.Reason(err) != "CASE_NOT_COVERED" {
		t.Errorf("of another case in an opinion on one: %v", err)
	}
}

// What is signed says of each case what its conclusion asks for, covers what is merged
// now, and is not signed by who drafted any of it.
func TestSignatureOnMergedCases(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(o *counselv1.Opinion, group []*counselv1.Case)
		code   string
	}{
		"as it should be":        {func(*counselv1.Opinion, []*counselv1.Case) {}, ""},
		"nothing said of a case": {func(o *counselv1.Opinion, _ []*counselv1.Case) { o.Covers[2].Conclusion = 0 }, "REQUIRED"},
		"graver than the whole": {func(o *counselv1.Opinion, _ []*counselv1.Case) {
			o.Covers[0].Conclusion = counselv1.Conclusion_UNLAWFUL
		}, codeConclusionNotAllowed},
		"lighter than the whole":    {func(o *counselv1.Opinion, _ []*counselv1.Case) { o.Covers[0].Conclusion, o.Covers[1].Conclusion = 1, 1 }, codeConclusionNotAllowed},
		"a risk 115号 does not know": {func(o *counselv1.Opinion, _ []*counselv1.Case) { o.Covers[2].Conclusion, o.RiskStatement = 4, "示例" }, codeConclusionNotAllowed},
		"an item of no case":        {func(o *counselv1.Opinion, _ []*counselv1.Case) { o.Items[0].Case = "" }, "CASE_NOT_COVERED"},
		"a case has left":           {func(_ *counselv1.Opinion, group []*counselv1.Case) { group[1] = group[0] }, codeLegalityStale},
		"a version has changed":     {func(_ *counselv1.Opinion, group []*counselv1.Case) { last(group[1]).VersionDigest = digest(7) }, codeLegalityStale},
		"drafted by the signer": {func(_ *counselv1.Opinion, group []*counselv1.Case) {
			group[1].Drafters = append(group[1].Drafters, reviewer.Person)
		}, codeSelfReview},
	} {
		t.Run(name, func(t *testing.T) {
			lead, group := merged(t, 2)
			o := onAll(t, lead, group, 0, 1)
			o.State, o.Checklist = counselv1.Opinion_DRAFT, answered(counselv1.ReviewPoint_REVIEW_POINT_POWERS)
			tt.change(o, group)
			change, err := closeForSigning(o, joined(lead, group), signing{group: group}, reviewer, day0)
			if code(err) != tt.code {
				t.Fatalf("%v, want %q", err, tt.code)
			}
			if err == nil && len(change.Grant) != 6 { // reviewers, the office, the lead's bureau with each of three
				t.Errorf("shown to %v", change.Grant)
			}
		})
	}
}

// The covered cases are part of what is signed.
func TestCoversAreSigned(t *testing.T) {
	lead, group := merged(t, 1)
	o := onAll(t, lead, group, 0)
	before, err := contentDigest(o)
	if err != nil {
		t.Fatal(err)
	}
	o.Covers[1].VersionDigest = digest(7)
	if after, err := contentDigest(o); err != nil || after == before {
		t.Errorf("another version, the same digest: %v", err)
	}
}

// One opinion concludes each case by what it says of it; a case that is not as it was
// signed for is left alone.
func TestOneOpinionConcludesEach(t *testing.T) {
	lead, group := merged(t, 4)
	o := onAll(t, lead, group, 0, 1)
	split, stale, late := group[2], group[3], numbered(t, 9)
	if _, err := leave(split, lead.GetName(), reviewer); err != nil {
		t.Fatal(err)
	}
	last(stale).VersionDigest = digest(7)
	if _, err := list(lead, []*counselv1.Case{late}, reviewer); err != nil {
		t.Fatal(err)
	}
	if err := wholly(lead, o, nil); code(err) != codeLegalityStale {
		t.Errorf("with a case that came after the signature: %v", err)
	}
	if err := wholly(lead, o, []string{late.GetName()}); err != nil {
		t.Errorf("with a case that is listed only: %v", err)
	}
	for _, tt := range []struct {
		c     *counselv1.Case
		code  string
		state counselv1.Case_State
		lines int
	}{
		{lead, "", counselv1.Case_CONCLUDED_REVISE, 1},
		{group[0], "", counselv1.Case_CONCLUDED_REVISE, 1},
		{group[1], "", counselv1.Case_CONCLUDED_LAWFUL, 0},
		{split, codeCaseNotMerged, counselv1.Case_UNDER_REVIEW, 0},
		{stale, codeLegalityStale, counselv1.Case_UNDER_REVIEW, 0},
		{late, codeLegalityStale, counselv1.Case_UNDER_REVIEW, 0},
	} {
		_, err := conclude(tt.c, o, reviewer, calendar.On(day0), true)
		if code(err) != tt.code || tt.c.GetState() != tt.state || len(tt.c.GetLedger()) != tt.lines {
			t.Errorf("%s: %v, %v with %d lines", tt.c.GetName(), err, tt.c.GetState(), len(tt.c.GetLedger()))
		}
		if err == nil && last(tt.c).GetOpinion() != o.GetName() {
			t.Errorf("%s names %q", tt.c.GetName(), last(tt.c).GetOpinion())
		}
	}
}

// The marks on a draft are the items on its case.
func TestMarksOfOneCase(t *testing.T) {
	lead, group := merged(t, 2)
	o := onAll(t, lead, group, 0, 1)
	for i, want := range []int{1, 1, 0} {
		c := append([]*counselv1.Case{lead}, group...)[i]
		if marks := itemComments(o, c.GetName(), "示例", day0); len(marks) != want {
			t.Errorf("case %d: %d marks, want %d", i, len(marks), want)
		}
	}
}

// Random commands on cases that are merged, split and left half-way never conclude a
// case on an opinion that does not cover its version, nor put an item into another's
// ledger.
func TestRandomMergesKeepTheInvariants(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		cases := []*counselv1.Case{numbered(t, 1), numbered(t, 2), numbered(t, 3), numbered(t, 4)}
		var opinions []*counselv1.Opinion
		var path []string
		for range 60 {
			lead, c := cases[r.IntN(2)], cases[r.IntN(len(cases))]
			before := len(c.GetLedger())
			which := r.IntN(9)
			var err error
			switch which {
			case 0:
				_, err = list(lead, []*counselv1.Case{c}, reviewer)
			case 1, 2: // each may be left out, as by a crash
				if _, err = list(lead, []*counselv1.Case{c}, reviewer); err == nil || errors.Is(err, docstore.ErrUnchanged) {
					_, err = join(c, lead, reviewer)
				}
			case 3:
				_, err = leave(c, lead.GetName(), reviewer)
			case 4:
				_, err = sendBack(c, "x", reviewer, calendar.On(day0))
			case 5:
				in := submission(last(c).GetNumber()+1, r.IntN(4))
				in.Subject, in.DraftingUnit = c.GetSubject(), c.GetDraftingUnit()
				if _, err = submit(c, in, drafter, day0, dated(t)); err == nil {
					_, err = accept(c, reviewer, calendar.On(day0), dated(t))
				}
			case 6:
				opinions = append(opinions, signedOn(t, r, lead, cases, len(opinions)))
			default:
				if len(opinions) > 0 {
					_, err = conclude(c, opinions[r.IntN(len(opinions))], reviewer, calendar.On(day0), true)
				}
			}
			path = append(path, fmt.Sprintf("%d:%s:%v:%v", which, c.GetName()[len(c.GetName())-1:], c.GetState(), err == nil))
			if problem := cmp.Or(broken(c, before), astray(c, opinions)); problem != "" {
				t.Fatalf("seed %d: %s after %s", seed, problem, strings.Join(path, " "))
			}
		}
	}
}

// signedOn is an opinion on what a case leads now, with items on some of it.
func signedOn(t *testing.T, r *rand.Rand, lead *counselv1.Case, cases []*counselv1.Case, n int) *counselv1.Opinion {
	t.Helper()
	var group []*counselv1.Case
	for _, c := range cases {
		if led(c) && c.GetMergedInto() == lead.GetName() {
			group = append(group, c)
		}
	}
	o := onAll(t, lead, group, 0, 1+r.IntN(3))
	o.Name = fmt.Sprintf("%s/opinions/o-%d", lead.GetName(), n)
	if len(group) == 0 {
		o = signed(lead, counselv1.Conclusion_REVISE, 1)
		o.Name = fmt.Sprintf("%s/opinions/o-%d", lead.GetName(), n)
	}
	return o
}

// astray names what a case has from an opinion that does not say it.
func astray(c *counselv1.Case, opinions []*counselv1.Opinion) string {
	by := map[string]*counselv1.Opinion{}
	for _, o := range opinions {
		by[o.GetName()] = o
	}
	for _, round := range c.GetRounds() {
		o := by[round.GetOpinion()]
		cover := covered(o.GetCovers(), c.GetName())
		switch {
		case round.GetOpinion() == "":
		case len(o.GetCovers()) == 0 && parentCase(o.GetName()) != c.GetName():
			return "concluded by the opinion on another case"
		case len(o.GetCovers()) > 0 && (cover.GetRound() != round.GetNumber() || cover.GetVersionDigest() != round.GetVersionDigest()):
			return "concluded by an opinion that does not cover the version"
		case round.GetConclusion() != concludesOn(o, c.GetName()):
			return "concluded otherwise than the opinion says"
		}
	}
	for _, line := range c.GetLedger() {
		if of := line.GetItem().GetCase(); of != "" && of != c.GetName() {
			return "an item of another case in the ledger"
		}
	}
	if led(c) && len(c.GetMergedCases()) > 0 {
		return "led, and leads"
	}
	return ""
}

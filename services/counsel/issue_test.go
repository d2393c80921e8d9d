package counsel

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/officialdoc"
	"fashen/internal/rpc"
)

const otherUnit = region + "/bureaus/other"

// issuedLetter is a letter to the drafting unit and, where asked, another.
func issuedLetter(more ...string) *counselv1.Letter {
	c, _ := newCase(region+"/cases/one", submission(1, 1), drafter, calendar.On(day0))
	o := &counselv1.Opinion{Name: c.GetName() + "/opinions/o", ContentDigest: "d"}
	l := newLetter(letterID(o.GetName(), 1), c, o, reviewer)
	l.Addressees = append(l.Addressees, more...)
	return l
}

func TestIssuable(t *testing.T) {
	c, _ := newCase(region+"/cases/one", submission(1, 1), drafter, calendar.On(day0))
	name := c.GetName() + "/opinions/o"
	c.Rounds[0].Opinion = name
	whole := func(change func(o *counselv1.Opinion)) *counselv1.Opinion {
		o := &counselv1.Opinion{Name: name, State: counselv1.Opinion_SIGNED, Kind: counselv1.Opinion_REVIEW}
		change(o)
		return o
	}
	drafting := reviewer
	drafting.Person = c.GetDrafters()[0]
	for what, tc := range map[string]struct {
		opinion *counselv1.Opinion
		who     auth.Caller
		want    string
	}{
		"the conclusion":     {whole(func(*counselv1.Opinion) {}), reviewer, ""},
		"a draft":            {whole(func(o *counselv1.Opinion) { o.State = counselv1.Opinion_DRAFT }), reviewer, codeLetterUnsigned},
		"being signed":       {whole(func(o *counselv1.Opinion) { o.State = counselv1.Opinion_SIGNING }), reviewer, codeLetterUnsigned},
		"counsel's":          {whole(func(o *counselv1.Opinion) { o.Kind = counselv1.Opinion_COUNSEL }), reviewer, codeLetterUnsigned},
		"not the conclusion": {whole(func(o *counselv1.Opinion) { o.Name += "2" }), reviewer, codeLetterUnsigned},
		"of the own draft":   {whole(func(*counselv1.Opinion) {}), drafting, codeSelfReview},
	} {
		err := issuable(c, tc.opinion, tc.who)
		var refusal *docstore.Refusal
		if tc.want == "" && err != nil || tc.want != "" && (!errors.As(err, &refusal) || refusal.Reasons[0] != tc.want) {
			t.Errorf("%s: %v, want %q", what, err, tc.want)
		}
	}
}

// An opinion on merged cases goes to all their units and says what it concludes on each.
func TestLetterOnMergedCases(t *testing.T) {
	c, _ := newCase(region+"/cases/one", submission(1, 1), drafter, calendar.On(day0))
	o := &counselv1.Opinion{
		Name: c.GetName() + "/opinions/o", Kind: counselv1.Opinion_REVIEW, State: counselv1.Opinion_SIGNED, Conclusion: counselv1.Conclusion_REVISE,
		Covers: []*counselv1.CoveredCase{
			{Case: c.GetName(), Title: "示例甲办法", DraftingUnit: c.GetDraftingUnit(), Conclusion: counselv1.Conclusion_LAWFUL},
			{Case: region + "/cases/two", Title: "示例乙办法", DraftingUnit: otherUnit},
			{Case: region + "/cases/three", Title: "示例丙办法", DraftingUnit: otherUnit},
		},
		Items: []*counselv1.OpinionItem{{Case: region + "/cases/two", Anchor: &corev1.Anchor{Article: 3}, Analysis: "示例分析。"}},
	}
	l := newLetter(letterID(o.GetName(), 1), c, o, reviewer)
	if got := l.GetAddressees(); len(got) != 2 || got[0] != c.GetDraftingUnit() || got[1] != otherUnit {
		t.Errorf("addressees %v", got)
	}
	if l.GetTitle() != c.GetTitle()+"等3件" {
		t.Errorf("title %s", l.GetTitle())
	}
	p, err := opinionLetter(officialdoc.Template{Issuer: "示例局"}, c, o, "示例甲局、示例乙局", calendar.On(day0))
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(p.Body)
	for _, want := range []string{"《示例甲办法》：合法。", "《示例乙办法》：应当予以修改。", "《示例丙办法》：应当予以修改。", "《示例乙办法》第三条"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

// A letter to two units is received when both have received it.
func TestLetterOfTwoAddressees(t *testing.T) {
	l := issuedLetter(otherUnit)
	other, stranger := drafter, drafter
	other.Bureau, other.Person = otherUnit, region+"/people/other"
	stranger.Bureau = region + "/bureaus/stranger"
	change, err := serve(l, reviewer, day0)
	if err != nil || len(change.Grant) != 2 || l.GetState() != counselv1.Letter_SERVED {
		t.Fatalf("serve: %v, %v", change, err)
	}
	if _, err := serve(l, reviewer, day0); !errors.Is(err, docstore.ErrUnchanged) {
		t.Errorf("serve again: %v", err)
	}
	if _, err := acknowledge(l, stranger, day0); rpc.Reason(err) != "NOT_ADDRESSEE" {
		t.Errorf("by a stranger: %v", err)
	}
	if _, err := acknowledge(l, auth.Caller{}, day0); rpc.Reason(err) != "NOT_ADDRESSEE" {
		t.Errorf("by one without a bureau: %v", err)
	}
	for i, tc := range []struct {
		who   auth.Caller
		state counselv1.Letter_State
		err   error
	}{
		{drafter, counselv1.Letter_SERVED, nil},
		{drafter, counselv1.Letter_SERVED, docstore.ErrUnchanged},
		{other, counselv1.Letter_RECEIVED, nil},
		{other, counselv1.Letter_RECEIVED, docstore.ErrUnchanged},
	} {
		if _, err := acknowledge(l, tc.who, day0); !errors.Is(err, tc.err) || l.GetState() != tc.state {
			t.Errorf("receipt %d: %v, %v", i, l.GetState(), err)
		}
	}
	if r := receiptOf(l, otherUnit); len(l.GetReceipts()) != 2 || r.GetRecipient() != other.Person {
		t.Errorf("receipts %v", l.GetReceipts())
	}
}

// Who sees a letter as a reviewer of the addressed bureau receives it only once it is
// served, or the other addressees would never see it.
func TestNoReceiptBeforeService(t *testing.T) {
	l, both := issuedLetter(otherUnit), drafter
	both.Roles = append(both.Roles[:1:1], reviewer.Roles...)
	if _, err := acknowledge(l, both, day0); code(err) != codeStateNotAllowed || l.GetState() != counselv1.Letter_ISSUED || len(l.GetReceipts()) > 0 {
		t.Errorf("%v, %v", l, err)
	}
}

// The successor of a merged bureau receives what was addressed to it.
func TestSuccessorAcknowledges(t *testing.T) {
	l := issuedLetter(otherUnit)
	l.State = counselv1.Letter_SERVED
	successor := drafter
	successor.Bureau, successor.Predecessors = region+"/bureaus/successor", l.GetAddressees()
	if _, err := acknowledge(l, successor, day0); err != nil || l.GetState() != counselv1.Letter_RECEIVED || len(l.GetReceipts()) != 2 {
		t.Errorf("%v, %v", l, err)
	}
}

func TestVoidLetterTakesNothingMore(t *testing.T) {
	for _, state := range []counselv1.Letter_State{counselv1.Letter_ISSUED, counselv1.Letter_SERVED, counselv1.Letter_RECEIVED} {
		l := issuedLetter()
		l.State = state
		change, err := void(l, "示例：印错", reviewer, day0)
		if err != nil || change.From != state.String() || l.GetState() != counselv1.Letter_VOID || l.GetVoidReason() == "" || len(change.Revoke) > 0 {
			t.Errorf("void from %v: %v, %v", state, change, err)
		}
		if _, err := void(l, "again", reviewer, day0); !errors.Is(err, docstore.ErrUnchanged) || l.GetVoidReason() != "示例：印错" {
			t.Errorf("void again: %v", err)
		}
		_, served := serve(l, reviewer, day0)
		_, received := acknowledge(l, drafter, day0)
		for _, err := range []error{served, received} {
			if refusal := (*docstore.Refusal)(nil); !errors.As(err, &refusal) || refusal.Reasons[0] != codeLetterVoid {
				t.Errorf("after void: %v", err)
			}
		}
	}
}

func TestTypedNumbersAndCodes(t *testing.T) {
	for _, typed := range []string{"示例法审〔2026〕7号", "示例法审[2026]7号", "示例法审（2026）7号", " 示例法审【2026】 7号", "示例法审﹝2026﹞7号", "示例法审［2026］7号", "示例法审〔２０２６〕７号\u200b"} {
		if got := readNumber(typed); got != "示例法审〔2026〕7号" {
			t.Errorf("%q is read as %q", typed, got)
		}
	}
	for _, typed := range []string{"7K3M9-01RST", "7k3m9 01rst", "7K3M9OIRST", "7k3m9-olrst", "７Ｋ３ｍ９－０１ＲＳＴ", "7K3M9—01RST\n"} {
		if got := readCode(typed); got != "7K3M901RST" {
			t.Errorf("%q is read as %q", typed, got)
		}
	}
	seen, shape := map[string]bool{}, regexp.MustCompile("^["+codeAlphabet+"]{10}$")
	for range 1000 {
		code := newCode()
		if seen[code] || !shape.MatchString(code) || readCode(code) != code {
			t.Fatalf("code %q", code)
		}
		seen[code] = true
	}
}

func TestPrinted(t *testing.T) {
	l := &counselv1.Letter{DocumentNumber: "示例法审〔2026〕7号", VerificationCode: "7K3M9PQRST"}
	for before, want := range map[string]string{"": "核验码：7K3M9-PQRST", "此件不予公开": "此件不予公开；核验码：7K3M9-PQRST"} {
		p := &officialdoc.Letter{Unnumbered: "未编号", Annotation: before}
		if printed(p, l); p.Number != l.GetDocumentNumber() || p.Unnumbered != "" || p.Annotation != want {
			t.Errorf("%q: %+v", before, p)
		}
	}
}

func TestStatesOfNumbers(t *testing.T) {
	numbers := []*corev1.RegisterNumber{{Name: "n/1"}, {Name: "n/2"}, {Name: "n/3"}}
	tellStates(numbers, []*counselv1.Letter{
		{RegisterNumber: "n/3", State: counselv1.Letter_RECEIVED}, {RegisterNumber: "n/1", State: counselv1.Letter_VOID, VoidReason: "示例"},
	})
	var got []string
	for _, n := range numbers {
		got = append(got, n.GetState().String()+n.GetVoidReason())
	}
	if strings.Join(got, " ") != "VOID示例 CLAIMED ASSIGNED" {
		t.Errorf("states %v", got)
	}
}

// Void letters count no more; receipts are tasks of the addressees.
func TestRowsOfLetters(t *testing.T) {
	r := newRecord(t)
	r.history = nil // the case's own turns are another test's
	l := issuedLetter(otherUnit)
	l.DocumentNumber, l.IssueDate = "示例法审〔2026〕1号", calendar.On(day0).Proto()
	r.letters = []*counselv1.Letter{l}
	count := func(want int64) {
		t.Helper()
		if got := summed(project(r.matter))["M19"].count; got != want {
			t.Errorf("M19 is %d, want %d", got, want)
		}
		checkNames(t, project(r.matter))
	}
	r.want("issued")
	count(1)
	if _, err := serve(l, reviewer, day0); err != nil {
		t.Fatal(err)
	}
	r.want("served", "ACKNOWLEDGE_LETTER OPEN drafting", "ACKNOWLEDGE_LETTER OPEN other")
	if _, err := acknowledge(l, drafter, day0); err != nil {
		t.Fatal(err)
	}
	r.want("received by one", "ACKNOWLEDGE_LETTER DONE drafting by drafter", "ACKNOWLEDGE_LETTER OPEN other")
	if _, err := void(l, "示例", reviewer, day0); err != nil {
		t.Fatal(err)
	}
	r.want("void", "ACKNOWLEDGE_LETTER DONE drafting by drafter")
	count(0)
}

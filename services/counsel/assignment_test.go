package counsel

import (
	"errors"
	"testing"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/intent"
)

// What a counsel signed ceases to count with a conflict, and stays on record.
func TestConflictDeclaredLater(t *testing.T) {
	a := &counselv1.Assignment{Name: "a", Counsel: counsel.Person, State: counselv1.Assignment_ACCEPTED, LawFirm: "示例律师事务所"}
	if _, err := declare(a, counselv1.DeclareConflictRequest_CONFLICT, "接受了一方委托", counsel, nil); err != nil || a.GetState() != counselv1.Assignment_BARRED {
		t.Fatalf("%v %v", a.GetState(), err)
	}
	if _, err := declare(a, counselv1.DeclareConflictRequest_CLEAR, "", counsel, nil); code(err) != codeRecordClosed {
		t.Errorf("clear after a conflict: %v", err)
	}
	if _, err := askAgain(a, &counselv1.Assignment{Question: "再问"}, &counselv1.Case{}, profile{}, reviewer, calendar.On(day0)); code(err) != codeCounselConflict {
		t.Errorf("asked again: %v", err)
	}
	c := at(t, counselv1.Case_CONCLUDED_LAWFUL)
	o := &counselv1.Opinion{Name: "o", Author: counsel.Person, Round: 1, Conclusion: counselv1.Conclusion_UNLAWFUL}
	if _, err := recordVerdict(c, o, day0); err != nil {
		t.Fatal(err)
	}
	if n := discount(c, counsel.Person, day0); n != 1 || len(newestVerdicts(c, last(c), false)) != 0 || len(c.GetCounselVerdicts()) != 1 {
		t.Errorf("%d discounted, %v", n, c.GetCounselVerdicts())
	}
	if v := counselVerdicts(c, last(c)); len(v) != 1 || v[0].GetWithdrawTime() == nil {
		t.Errorf("an adverse opinion is gone before anybody else was heard: %v", v)
	}
	another := &counselv1.Opinion{Name: "p", Author: "another", Round: 1, Conclusion: counselv1.Conclusion_LAWFUL}
	if _, err := recordVerdict(c, another, day0); err != nil {
		t.Fatal(err)
	}
	if v := counselVerdicts(c, last(c)); len(v) != 1 || v[0].GetCounsel() != "another" {
		t.Errorf("once another was heard: %v", v)
	}
	if discount(c, "another", day0); len(counselVerdicts(c, last(c))) != 1 {
		t.Errorf("a favourable opinion counts in spite of a conflict: %v", counselVerdicts(c, last(c)))
	}
	b := &counselv1.Assignment{Name: "b", State: counselv1.Assignment_ACCEPTED, LawFirm: "示例律师事务所"}
	if _, err := rebar(b, &counselv1.Case{Parties: []string{"甲公司（代理：示例律师事务所）"}}, profile{firm: b.GetLawFirm()}, calendar.On(day0), nil); err != nil || b.GetState() != counselv1.Assignment_BARRED {
		t.Errorf("a firm that became a party: %v %v", b.GetState(), err)
	}
}

// An assignment waits until counsel sees what its newest state says, and not what an
// earlier one said.
func TestAssignmentWaits(t *testing.T) {
	first := intent.New("a", "m", counsel, day0)
	second := intent.New("a", "m", counsel, day0)
	a := &counselv1.Assignment{Name: "a", Counsel: counsel.Person, State: counselv1.Assignment_DECLARATION_PENDING}
	if _, err := declare(a, counselv1.DeclareConflictRequest_CLEAR, "", counsel, first); err != nil || !a.GetReconciling() || a.GetIntent() != first {
		t.Fatalf("accepted as %v, %v", a, err)
	}
	if _, err := declare(a, counselv1.DeclareConflictRequest_DECLINE, "示例", counsel, second); err != nil || a.GetIntent() != second {
		t.Fatalf("declined as %v, %v", a, err)
	}
	if _, err := reconciled(a, true); !errors.Is(err, docstore.ErrUnchanged) || !a.GetReconciling() {
		t.Errorf("what the earlier state said was shown: %v, %v", a, err)
	}
	if c, err := reconciled(a, false); err != nil || !c.Step || a.GetReconciling() || a.GetIntent() != nil {
		t.Errorf("what the state says was shown: %v, %v", a, err)
	}
	if _, err := reconciled(a, false); !errors.Is(err, docstore.ErrUnchanged) {
		t.Errorf("shown again: %v", err)
	}
}

// Who had a hand in a later submission advises on it no more.
func TestAdviserWhoDrafts(t *testing.T) {
	a := &counselv1.Assignment{Name: "a", Counsel: counsel.Person, State: counselv1.Assignment_ACCEPTED}
	c := &counselv1.Case{Drafters: []string{counsel.Person}}
	if _, err := rebar(a, c, profile{person: counsel.Person}, calendar.On(day0), nil); err != nil || a.GetState() != counselv1.Assignment_BARRED {
		t.Errorf("%v, %v", a.GetState(), err)
	}
}

// Names are compared as people mean them, not as they type them.
func TestConflictByName(t *testing.T) {
	const (
		unknown = counselv1.Assignment_DECLARATION_PENDING
		waiver  = counselv1.Assignment_WAIVER_PENDING
		barred  = counselv1.Assignment_BARRED
	)
	p := profile{displayName: "示例·法律顾问", firm: "示例（某地）律师事务所", clients: []*counselv1.Client{
		{DisplayName: "示例投标（某地）有限公司"}, {DisplayName: "示例银行股份有限公司某地分行"},
		{DisplayName: "Sample Ｃ　Ltd."}, {DisplayName: "旧客户有限公司", EndDate: calendar.On(day0).AddDays(-1).Proto()}, {DisplayName: "（）"},
	}}
	for party, want := range map[string]counselv1.Assignment_State{
		"示例投标(某地)有限公司":            barred,
		"示例投标 （某地） 有限公司":          barred,
		"示例投标（某地）有限公司\u200b第一分公司": barred,
		"示例投标﹙某地﹚有限公司（投标人）":       barred,
		"SAMPLE C LTD": barred,
		"示例(某地)律师事务所":  barred,
		"示例•法律顾问":      barred,
		"旧客户有限公司":      waiver,
		"示例银行股份有限公司":   waiver, // a client is its branch, by name
		"示例银":          unknown,
		"示例投标有限公司":     unknown,
		"（）":           unknown,
		"":             unknown,
	} {
		if _, got := p.conflict([]string{"别的当事人", party}, calendar.On(day0)); got != want {
			t.Errorf("%q: %v, want %v", party, got, want)
		}
	}
}

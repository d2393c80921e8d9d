package counsel

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/officialdoc"
)

// Which points, conclusions and times a review has hangs on what is reviewed, and on
// nothing else.
func TestRegimes(t *testing.T) {
	const normative, decision = counselv1.Regime_REGIME_NORMATIVE_DOCUMENT, counselv1.Regime_REGIME_MAJOR_DECISION
	const enforcement, agreement = counselv1.Regime_REGIME_ENFORCEMENT_DECISION, counselv1.Regime_REGIME_AGREEMENT
	for name, tt := range map[string]struct {
		regime         counselv1.Regime
		exploratory    bool
		points         int
		risk           bool
		floor, ceiling bool
	}{
		"opened before there were regimes":    {0, false, 7, false, true, true},
		"normative document":                  {normative, false, 7, false, true, true},
		"normative document, exploratory":     {normative, true, 7, false, true, true},
		"major decision":                      {decision, false, 3, false, true, false},
		"major decision, exploratory reform":  {decision, true, 3, true, true, false},
		"enforcement decision":                {enforcement, true, 7, false, false, false},
		"agreement":                           {agreement, false, 3, true, false, false},
		"advice on a question":                {counselv1.Regime_REGIME_ADVICE, false, 3, true, false, false},
		"power-list change":                   {counselv1.Regime_REGIME_POWER_LIST_CHANGE, false, 3, false, false, false},
		"agenda item, exploratory as claimed": {counselv1.Regime_REGIME_AGENDA_ITEM, true, 3, false, false, false},
	} {
		c := &counselv1.Case{Regime: tt.regime, ExploratoryReform: tt.exploratory}
		kinds := timesOf(c)
		if len(pointsOf(c)) != tt.points || mayStateRisk(c) != tt.risk || (kinds.floor != 0) != tt.floor || (kinds.ceiling != 0) != tt.ceiling {
			t.Errorf("%s: %d points, risk %v, times %v", name, len(pointsOf(c)), mayStateRisk(c), kinds)
		}
		for _, p := range pointsOf(c) {
			if pointName(p.point) != p.name {
				t.Errorf("%s: %v is called %s", name, p.point, pointName(p.point))
			}
		}
	}
}

// An exploratory reform whose risk is stated passes, and tells the risk; the same
// subject stays what it is from one submission to the next.
func TestDecisionWithAStatedRisk(t *testing.T) {
	in := submission(1, 1)
	in.Regime, in.ExploratoryReform = counselv1.Regime_REGIME_MAJOR_DECISION, true
	c, _ := newCase(region+"/cases/one", in, drafter, calendar.On(day0))
	d := dated(t)
	d.ceiling = calendar.Date{}
	if _, err := accept(c, reviewer, calendar.On(day0), d); err != nil || c.GetDueDate() != nil || last(c).GetFloorDate() == nil {
		t.Fatalf("accepted: %v, due %v", err, c.GetDueDate())
	}
	o := drafted(c, counselv1.Conclusion_LAWFUL_WITH_RISK)
	o.RiskStatement = "示例风险。"
	var err error
	if o.Checklist, err = checklistFor(o, c, nil); err != nil || len(o.GetChecklist()) != 3 {
		t.Fatalf("%v, %v", o.GetChecklist(), err)
	}
	if _, err := closeForSigning(o, c, signing{}, reviewer, day0); code(err) != codeChecklistIncomplete {
		t.Errorf("unanswered: %v", err)
	}
	for _, e := range o.GetChecklist() {
		e.Result = counselv1.ChecklistEntry_CONFORMS
	}
	if _, err := closeForSigning(o, c, signing{}, reviewer, day0); err != nil {
		t.Fatal(err)
	}
	if _, err := conclude(c, o, reviewer, calendar.On(day0), false); err != nil {
		t.Fatal(err)
	}
	v := verdict(c, digest(1), "e")
	if v.GetStanding() != counselv1.Verdict_PASSES_WITH_RISK || v.GetRiskStatement() != "示例风险。" {
		t.Errorf("verdict %v", v)
	}
	if _, err := certify(c, "e", &counselv1.CertifyVerdictRequest{VersionDigest: digest(1), Transition: "x", VerdictEtag: "e"}, day0); err != nil {
		t.Errorf("certified: %v", err)
	}
	if _, err := submit(c, submission(2, 2), drafter, day0, dates{}); code(err) != codeRegimeChanged {
		t.Errorf("as a normative document now: %v", err)
	}
}

// A review is extended once, by no more than the region allows, and only while it
// runs and has a last day.
func TestExtend(t *testing.T) {
	longer := calendar.On(day0).AddDays(40)
	for name, tt := range map[string]struct {
		state counselv1.Case_State
		most  int32
		twice bool
		open  bool
		who   auth.Caller
		want  string
	}{
		"within":          {state: counselv1.Case_UNDER_REVIEW, most: 5, who: reviewer},
		"not by law":      {state: counselv1.Case_UNDER_REVIEW, most: 0, who: reviewer, want: codeExtensionNotAllowed},
		"too long":        {state: counselv1.Case_UNDER_REVIEW, most: 4, who: reviewer, want: codeExtensionNotAllowed},
		"twice":           {state: counselv1.Case_UNDER_REVIEW, most: 5, twice: true, who: reviewer, want: codeExtensionNotAllowed},
		"without an end":  {state: counselv1.Case_UNDER_REVIEW, most: 5, open: true, who: reviewer, want: codeExtensionNotAllowed},
		"by a drafter":    {state: counselv1.Case_UNDER_REVIEW, most: 5, who: drafter, want: codeSelfReview},
		"not yet running": {state: counselv1.Case_RECEIVED, most: 5, who: reviewer, want: codeStateNotAllowed},
		"concluded":       {state: counselv1.Case_CONCLUDED_LAWFUL, most: 5, who: reviewer, want: codeStateNotAllowed},
	} {
		c := at(t, tt.state)
		if tt.twice {
			last(c).Extension = &counselv1.Extension{Days: 1}
		}
		if tt.open {
			last(c).CeilingDate = nil
		}
		_, err := extend(c, &counselv1.ExtendCaseRequest{Days: 5, Reason: "示例"}, tt.most, longer, false, tt.who, day0)
		if code(err) != tt.want {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if tt.want == "" && (c.GetDueDate().GetDay() != longer.Proto().GetDay() || last(c).GetExtension().GetReason() != "示例") {
			t.Errorf("%s: due %v, %v", name, c.GetDueDate(), last(c).GetExtension())
		}
	}
	// The supplement of an extended review goes on with the extension.
	c := at(t, counselv1.Case_UNDER_REVIEW)
	last(c).Extension = &counselv1.Extension{Days: 5}
	if _, err := requestSupplement(c, "示例", reviewer, calendar.On(day0)); err != nil {
		t.Fatal(err)
	}
	again := submission(2, 1)
	if _, err := submit(c, again, drafter, day0, dated(t)); err != nil || last(c).GetExtension().GetDays() != 5 {
		t.Errorf("resumed: %v, %v", err, last(c).GetExtension())
	}
}

// A case passes to another reviewer who did not draft its subject, and its open task
// with it; what was done before stays whose it was.
func TestTransfer(t *testing.T) {
	r := newRecord(t)
	in := &counselv1.TransferCaseRequest{Reviewer: second.Person, Reason: "示例"}
	if _, err := transfer(r.c, in, reviewer); code(err) != codeStateNotAllowed {
		t.Errorf("of a case that nobody accepted: %v", err)
	}
	change, err := accept(r.c, reviewer, calendar.On(day0), dated(t))
	r.must("AcceptCase", reviewer, change, err)
	if _, err := transfer(r.c, &counselv1.TransferCaseRequest{Reviewer: drafter.Person}, reviewer); code(err) != codeSelfReview {
		t.Errorf("to a drafter: %v", err)
	}
	if _, err := transfer(r.c, &counselv1.TransferCaseRequest{Reviewer: reviewer.Person}, reviewer); !errors.Is(err, docstore.ErrUnchanged) {
		t.Errorf("to the same: %v", err)
	}
	change, err = transfer(r.c, in, reviewer)
	r.must("TransferCase", reviewer, change, err)
	if who := r.assignee(); who != second.Person || r.c.GetReviewer() != second.Person {
		t.Errorf("the open task is %s's", who)
	}
	change, err = sendBack(r.c, "示例", second, calendar.On(day0))
	r.must("ReturnCase", second, change, err)
	if who := r.assignee(); who != second.Person {
		t.Errorf("the done task is %s's", who)
	}
}

// assignee is whose the review is or was.
func (r *record) assignee() string {
	for _, task := range project(r.matter).Tasks {
		if task.GetKind().String() == "REVIEW_CASE" {
			return task.GetAssignee()
		}
	}
	return ""
}

// Whatever is reviewed has a letter of its own wording, which names 国办发〔2018〕115号 for
// normative documents alone and 行政处罚法 for penalties alone; no rule in it is a guess.
func TestLetterByRegime(t *testing.T) {
	for name, tt := range map[string]struct {
		regime counselv1.Regime
		act    string
		title  string
		says   string
		not    string
	}{
		"opened before there were regimes": {0, "", "法制审核意见书", "国办发〔2018〕115号", "国办发〔2018〕118号"},
		"normative document":               {counselv1.Regime_REGIME_NORMATIVE_DOCUMENT, "", "法制审核意见书", "国办发〔2018〕115号", "条例"},
		"major decision":                   {counselv1.Regime_REGIME_MAJOR_DECISION, "", "合法性审查意见书", "《重大行政决策程序暂行条例》第二十五条、第二十七条", "国办发"},
		"agenda item":                      {counselv1.Regime_REGIME_AGENDA_ITEM, "", "法制审核意见书", "依照有关规定", "国办发"},
		"power-list change":                {counselv1.Regime_REGIME_POWER_LIST_CHANGE, "", "法制审核意见书", "权责清单调整事项", "国办发"},
		"agreement":                        {counselv1.Regime_REGIME_AGREEMENT, "", "法制审核意见书", "协议文本", "国办发"},
		"penalty":                          {counselv1.Regime_REGIME_ENFORCEMENT_DECISION, " 行政处罚", "法制审核意见书", "《中华人民共和国行政处罚法》第五十八条和《国务院办公厅", "115号"},
		"coercion":                         {counselv1.Regime_REGIME_ENFORCEMENT_DECISION, "行政强制", "法制审核意见书", "国办发〔2018〕118号", "行政处罚法"},
		"rectification":                    {counselv1.Regime_REGIME_RECTIFICATION, "", "法制审核意见书", "整改事项", "国办发"},
		"advice":                           {counselv1.Regime_REGIME_ADVICE, "", "法制审核意见书", "处理意见", "国办发"},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newCase(region+"/cases/one", submission(1, 1), drafter, calendar.On(day0))
			c.Regime, c.ActType, c.ExploratoryReform = tt.regime, tt.act, true
			for conclusion := range conclusionName {
				if allowed(conclusion, c) != nil {
					continue
				}
				o := &counselv1.Opinion{
					Name: c.GetName() + "/opinions/o", Kind: counselv1.Opinion_REVIEW, Round: 1, Conclusion: conclusion, RiskStatement: "示例风险说明。",
					Items: []*counselv1.OpinionItem{{Analysis: "示例分析。"}},
				}
				l, err := opinionLetter(officialdoc.Template{Issuer: "示例局"}, c, o, "示例甲局", calendar.On(day0))
				if err != nil {
					t.Fatalf("%v: %v", conclusion, err)
				}
				text := fmt.Sprint(l.Body)
				if !strings.HasSuffix(l.Title, tt.title) || !strings.Contains(text, tt.says) || strings.Contains(text, tt.not) {
					t.Errorf("%v: %s\n%s", conclusion, l.Title, text)
				}
				if risk := conclusion == counselv1.Conclusion_LAWFUL_WITH_RISK; strings.Contains(text, "示例风险说明。") != risk {
					t.Errorf("%v, its risk is stated: %v", conclusion, !risk)
				}
				if o.Kind = counselv1.Opinion_COUNSEL; tt.regime == counselv1.Regime_REGIME_ADVICE {
					if _, err := opinionLetter(officialdoc.Template{Issuer: "示例局"}, c, o, "示例甲局", calendar.On(day0)); code(err) != codeLetterUnavailable || strings.Contains(err.Error(), "115号") {
						t.Errorf("of counsel's opinion: %v", err)
					}
				}
			}
		})
	}
}

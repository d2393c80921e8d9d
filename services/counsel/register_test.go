package counsel

import (
	"errors"
	"testing"
	"time"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/types/known/timestamppb"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

func ymd(year, month, day int32) *datepb.Date {
	return &datepb.Date{Year: year, Month: month, Day: day}
}

func TestEngagementState(t *testing.T) {
	g := &counselv1.Engagement{StartDate: ymd(2026, 1, 1), EndDate: ymd(2026, 12, 31)}
	ended := &counselv1.Engagement{StartDate: ymd(2026, 1, 1), EndDate: ymd(2026, 12, 31), TerminateDate: ymd(2026, 3, 31)}
	for _, c := range []struct {
		g    *counselv1.Engagement
		day  string
		want counselv1.Engagement_State
	}{
		{g, "2025-12-31", counselv1.Engagement_NOT_YET},
		{g, "2026-01-01", counselv1.Engagement_IN_FORCE},
		{g, "2026-11-01", counselv1.Engagement_IN_FORCE},
		{g, "2026-11-02", counselv1.Engagement_EXPIRING},
		{g, "2026-12-31", counselv1.Engagement_EXPIRING},
		{g, "2027-01-01", counselv1.Engagement_EXPIRED},
		{ended, "2026-03-31", counselv1.Engagement_EXPIRING},
		{ended, "2026-04-01", counselv1.Engagement_TERMINATED},
	} {
		day, err := calendar.ParseDate(c.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := engagementState(c.g, day); got != c.want {
			t.Errorf("%v on %s is %v, want %v", c.g.GetTerminateDate(), c.day, got, c.want)
		}
	}
}

func TestConflict(t *testing.T) {
	today := calendar.On(day0) // 2026-04-08
	p := profile{
		displayName: "示例律师", firm: "示例律师事务所",
		clients: []*counselv1.Client{
			{DisplayName: "今日客户有限公司"},
			{DisplayName: "旧客户有限公司", EndDate: ymd(2026, 4, 7)},
			{DisplayName: "末日客户有限公司", EndDate: ymd(2026, 4, 8)},
		},
	}
	for name, c := range map[string]struct {
		parties []string
		want    counselv1.Assignment_State
	}{
		"nobody named":             {nil, counselv1.Assignment_DECLARATION_PENDING},
		"a stranger":               {[]string{"第三人有限公司"}, counselv1.Assignment_DECLARATION_PENDING},
		"counsel":                  {[]string{"示例律师"}, counselv1.Assignment_BARRED},
		"the firm":                 {[]string{"甲公司（代理：示例律师事务所）"}, counselv1.Assignment_BARRED},
		"a client":                 {[]string{"今日客户有限公司"}, counselv1.Assignment_BARRED},
		"a client of the last day": {[]string{"末日客户有限公司"}, counselv1.Assignment_BARRED},
		"a client of the past":     {[]string{"旧客户有限公司（投标人）"}, counselv1.Assignment_WAIVER_PENDING},
		"both":                     {[]string{"旧客户有限公司", "今日客户有限公司"}, counselv1.Assignment_BARRED},
	} {
		if note, got := p.conflict(c.parties, today); got != c.want || (note == "") != (got == counselv1.Assignment_DECLARATION_PENDING) {
			t.Errorf("%s: %v (%s), want %v", name, got, note, c.want)
		}
	}
}

// What shows while counsel is only asked wants the same waiver as what showed before,
// and counsel hears of the matter no more until then.
func TestConflictWhileAsked(t *testing.T) {
	today, c := calendar.On(day0), &counselv1.Case{Parties: []string{"旧客户有限公司"}}
	past := profile{clients: []*counselv1.Client{{DisplayName: "旧客户有限公司", EndDate: ymd(2026, 4, 7)}}}
	a := &counselv1.Assignment{Name: "a", Counsel: counsel.Person, State: counselv1.Assignment_DECLARATION_PENDING}
	change, err := rebar(a, c, past, today, nil)
	if err != nil || a.GetState() != counselv1.Assignment_WAIVER_PENDING || len(change.Revoke) != 1 {
		t.Fatalf("%v, %v, %v", a.GetState(), change, err)
	}
	if _, err := declare(a, counselv1.DeclareConflictRequest_CLEAR, "", counsel, nil); rpc.Reason(err) != rpc.ReasonNotFound {
		t.Errorf("declared without the waiver: %v", err)
	}
	if _, err := waive(a, "书面同意（示例）", reviewer, nil); err != nil || a.GetState() != counselv1.Assignment_DECLARATION_PENDING {
		t.Fatalf("waived: %v, %v", a.GetState(), err)
	}
	if _, err := rebar(a, c, past, today, nil); !errors.Is(err, docstore.ErrUnchanged) {
		t.Errorf("a waiver that stands: %v", err)
	}
	if _, err := declare(a, counselv1.DeclareConflictRequest_DECLINE, " \n", counsel, nil); rpc.Reason(err) != "REQUIRED" {
		t.Errorf("declined with blanks: %v", err)
	}
	a.State = counselv1.Assignment_DECLINED
	if change, err = askAgain(a, &counselv1.Assignment{Question: "再问"}, c, past, reviewer, today); err != nil || len(change.Revoke) != 1 || len(change.Grant) != 0 {
		t.Errorf("asked again over a conflict: %v, %v", change, err)
	}
	a.State = counselv1.Assignment_CLOSED
	if change, err = askAgain(a, &counselv1.Assignment{Question: "再问"}, &counselv1.Case{}, past, reviewer, today); err != nil || len(change.Grant) != 1 || len(change.Revoke) != 0 {
		t.Errorf("asked again: %v, %v", change, err)
	}
}

// Who is asked again after the evaluation is done with it by another opinion.
func TestFirstSigned(t *testing.T) {
	c := at(t, counselv1.Case_UNDER_REVIEW)
	a := &counselv1.Assignment{Counsel: counsel.Person}
	if firstSigned(c, a) != nil {
		t.Error("nothing was signed")
	}
	c.CounselVerdicts = []*counselv1.CounselVerdict{{Counsel: counsel.Person, SignTime: timestamppb.New(day0)}}
	if firstSigned(c, a) == nil {
		t.Error("the first opinion does not count")
	}
	a.Evaluation = &counselv1.Evaluation{EvaluateTime: timestamppb.New(day0.Add(time.Hour))}
	if signed := firstSigned(c, a); signed != nil {
		t.Errorf("done again with what was evaluated: %v", signed)
	}
	later := timestamppb.New(day0.Add(2 * time.Hour))
	c.CounselVerdicts = append(c.CounselVerdicts, &counselv1.CounselVerdict{Counsel: counsel.Person, SignTime: later})
	if signed := firstSigned(c, a); signed != later {
		t.Errorf("the next opinion: %v", signed)
	}
}

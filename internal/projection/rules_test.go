package projection

import (
	"math/big"
	"slices"
	"testing"
	"time"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/auth"
	"fashen/internal/calendar"
)

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		numerator, denominator int64
		decimals               int
		want                   string
	}{
		{6, 65, 1, "9.2%"}, {4, 5, 1, "80.0%"}, {4, 5, 0, "80%"}, {1, 3, 2, "33.33%"}, {2, 3, 1, "66.7%"},
		{1, 8, 0, "13%"}, {1, 8, 1, "12.5%"}, {1, 2000, 1, "0.1%"}, {1, 2001, 1, "0.0%"}, // exactly a half goes up
		{5, 5, 1, "100.0%"}, {0, 7, 1, "0.0%"}, {7, 2, 1, "350.0%"}, {0, 0, 1, ""}, {3, 0, 1, ""},
		{1 << 62, 1<<63 - 1, 1, "50.0%"},
	} {
		if got := percent(c.numerator, c.denominator, c.decimals); got != c.want {
			t.Errorf("%d of %d to %d: %s, want %s", c.numerator, c.denominator, c.decimals, got, c.want)
		}
	}
}

func FuzzPercent(f *testing.F) {
	f.Add(int64(6), int64(65))
	f.Fuzz(func(t *testing.T, n, d int64) {
		if n < 0 || d <= 0 {
			return
		}
		got, ok := new(big.Rat).SetString(percent(n, d, 1)[:len(percent(n, d, 1))-1])
		if !ok {
			t.Fatal(percent(n, d, 1))
		}
		exact := new(big.Rat).Mul(big.NewRat(n, d), big.NewRat(100, 1))
		off := new(big.Rat).Sub(got, exact)
		if half := big.NewRat(1, 20); off.Cmp(half) > 0 || off.Cmp(new(big.Rat).Neg(half)) <= 0 {
			t.Errorf("%d of %d: %v is off by %v", n, d, got, off)
		}
	})
}

func on(t *testing.T, iso string) *datepb.Date {
	t.Helper()
	d, err := calendar.ParseDate(iso)
	if err != nil {
		t.Fatal(err)
	}
	return d.Proto()
}

func TestOrderAndOverdue(t *testing.T) {
	today, err := calendar.ParseDate("2026-04-30")
	if err != nil {
		t.Fatal(err)
	}
	late := timestamppb.New(time.Date(2026, 4, 29, 16, 30, 0, 0, time.UTC)) // already the 30th in Shanghai
	for what, c := range map[string]struct {
		task    *corev1.Task
		rank    string
		overdue bool
	}{
		"without a due date": {&corev1.Task{State: corev1.Task_OPEN}, "9999-12-31", false},
		"due yesterday":      {&corev1.Task{State: corev1.Task_OPEN, DueDate: on(t, "2026-04-29")}, "2026-04-29", true},
		"due today":          {&corev1.Task{State: corev1.Task_OPEN, DueDate: on(t, "2026-04-30")}, "2026-04-30", false},
		"done late":          {&corev1.Task{State: corev1.Task_DONE, DueDate: on(t, "2026-04-29"), DoneTime: late}, "2026-04-29T16:30:00.000Z", true},
		"done in time":       {&corev1.Task{State: corev1.Task_DONE, DueDate: on(t, "2026-04-30"), DoneTime: late}, "2026-04-29T16:30:00.000Z", false},
	} {
		if rank, over := rankOf(c.task), overdue(c.task, today); rank != c.rank || over != c.overdue {
			t.Errorf("%s: rank %s, overdue %v", what, rank, over)
		}
	}
}

func TestStays(t *testing.T) {
	entry := func(n int64, to string, outcome corev1.Outcome) *corev1.JournalEntry {
		return &corev1.JournalEntry{Sequence: n, ToState: to, Outcome: outcome}
	}
	done, refused := corev1.Outcome_OUTCOME_DONE, corev1.Outcome_OUTCOME_REFUSED
	var got []int64
	for _, s := range Stays([]*corev1.JournalEntry{
		entry(1, "A", done), entry(2, "A", done), entry(3, "B", refused), entry(4, "", done), entry(5, "B", done), entry(6, "A", done),
	}) {
		got = append(got, s.From.GetSequence(), s.Until.GetSequence())
	}
	if want := []int64{1, 5, 5, 6, 6, 0}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Whose tasks may be asked for: one's own, and for a reviewer those of review.
func TestWhoseTasks(t *testing.T) {
	reviewer := auth.Caller{Person: region + "/people/wu", Region: region, Bureau: region + "/bureaus/justice", Roles: []corev1.Role{corev1.Role_ROLE_REVIEWER}}
	drafter := auth.Caller{
		Person: region + "/people/li", Region: region, Bureau: region + "/bureaus/labour", Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER},
		Predecessors: []string{region + "/bureaus/old"},
	}
	other := region + "/people/zhao"
	for what, c := range map[string]struct {
		who  auth.Caller
		in   *corev1.ListTasksRequest
		code codes.Code
		any  []string
	}{
		"own":                 {drafter, &corev1.ListTasksRequest{}, codes.OK, []string{drafter.Person, drafter.Bureau, region + "/bureaus/old", region + "/roles/drafter"}},
		"the bureau's":        {drafter, &corev1.ListTasksRequest{Assignee: drafter.Bureau}, codes.OK, nil},
		"the predecessor's":   {drafter, &corev1.ListTasksRequest{Assignee: region + "/bureaus/old"}, codes.OK, nil},
		"another's":           {drafter, &corev1.ListTasksRequest{Assignee: other}, codes.PermissionDenied, nil},
		"another role's":      {drafter, &corev1.ListTasksRequest{Assignee: region + "/roles/reviewer"}, codes.PermissionDenied, nil},
		"another reviewer's":  {reviewer, &corev1.ListTasksRequest{Assignee: other}, codes.OK, []string{"ACCEPT_CASE", "REVIEW_CASE", "CONFIRM_REVISION"}},
		"one kind of another": {reviewer, &corev1.ListTasksRequest{Assignee: other, Kind: corev1.Task_REVIEW_CASE}, codes.OK, []string{"REVIEW_CASE"}},
		"what is no review":   {reviewer, &corev1.ListTasksRequest{Assignee: other, Kind: corev1.Task_WRITE_OPINION}, codes.OK, nil},
	} {
		q, err := tasksQuery(c.in, c.who, calendar.On(time.Now()))
		if status.Code(err) != c.code {
			t.Errorf("%s: %v", what, err)
		}
		if err == nil && q.AnyOf != nil && !slices.Equal(q.AnyOf.Values, c.any) {
			t.Errorf("%s: %v", what, q.AnyOf.Values)
		}
		if err == nil && q.AnyOf == nil && q.Equal["assignee"] == nil {
			t.Errorf("%s: everybody's", what)
		}
	}
}

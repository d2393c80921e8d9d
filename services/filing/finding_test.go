package filing

import (
	"testing"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
)

const longReason = "文意与规则所指不同"

var claimed = &corev1.ExceptionClaim{
	Basis: corev1.ExceptionClaim_PUBLIC_INTEREST, Statement: "救灾物资就近采购", Alternatives: "没有影响更小的替代方案", Term: "至救灾结束",
}

// Every state, under every decision, by everyone who may come near it.
func TestDecisions(t *testing.T) {
	open, confirmed, dismissed, exception := corev1.Disposition_OPEN, corev1.Disposition_CONFIRMED, corev1.Disposition_DISMISSED, corev1.Disposition_EXCEPTION_CLAIMED
	away, standIn := reviewerCaller, reviewerCaller
	away.Delegate = drafterCaller.Person
	standIn.Delegate = region + "/people/reviewer2"
	tests := map[string]struct {
		from   corev1.Disposition_State
		who    auth.Caller
		do     decision
		pack   string
		closed bool
		want   corev1.Disposition_State
		reason string
	}{
		"confirm":                        {open, reviewerCaller, confirm(""), "", false, confirmed, ""},
		"dismiss":                        {open, reviewerCaller, dismiss(corev1.Disposition_MISREAD, longReason), "", false, dismissed, ""},
		"regulator on competition":       {open, regulatorCaller, confirm(""), "competition-2016@2026.11", false, confirmed, ""},
		"regulator on powers":            {open, regulatorCaller, confirm(""), "powers@2026.11", false, open, "ROLE_REQUIRED"},
		"reviewer on powers":             {open, reviewerCaller, confirm(""), "powers@2026.11", false, confirmed, ""},
		"dismiss blank":                  {open, reviewerCaller, dismiss(corev1.Disposition_MISREAD, "     "), "", false, open, "reason:TEXT_REQUIRED"},
		"own draft":                      {open, drafterCaller, dismiss(corev1.Disposition_MISREAD, longReason), "", false, open, "SELF_REVIEW_FORBIDDEN"},
		"own draft by a delegate":        {open, away, confirm(""), "", false, open, "SELF_REVIEW_FORBIDDEN"},
		"in an absent reviewer's place":  {open, standIn, confirm(""), "", false, confirmed, ""},
		"bureau's colleague":             {open, colleague, confirm(""), "", false, open, "ROLE_REQUIRED"},
		"confirm dismissed":              {dismissed, reviewerCaller, confirm(""), "", false, dismissed, "FINDING_DECIDED"},
		"dismiss confirmed":              {confirmed, reviewerCaller, dismiss(corev1.Disposition_OTHER, longReason), "", false, confirmed, "FINDING_DECIDED"},
		"dismiss twice":                  {dismissed, reviewerCaller, dismiss(corev1.Disposition_OTHER, longReason), "", false, dismissed, "FINDING_DECIDED"},
		"claim":                          {open, drafterCaller, claimException(claimed), "", false, exception, ""},
		"claim after confirmation":       {confirmed, colleague, claimException(claimed), "", false, exception, ""},
		"claim of a dismissed one":       {dismissed, drafterCaller, claimException(claimed), "", false, dismissed, "FINDING_DECIDED"},
		"claim on powers":                {open, drafterCaller, claimException(claimed), "powers@2026.11", false, open, "EXCEPTION_NOT_APPLICABLE"},
		"claim of another bureau":        {open, strangerCaller, claimException(claimed), "", false, open, "NOT_DRAFTING_UNIT"},
		"claim without a term":           {open, drafterCaller, claimException(&corev1.ExceptionClaim{Statement: longReason, Alternatives: longReason, Term: "  "}), "", false, open, "term:TEXT_REQUIRED"},
		"exception holds":                {exception, regulatorCaller, dismiss(corev1.Disposition_EXCEPTION_APPLIES, longReason), "", false, dismissed, ""},
		"exception does not":             {exception, reviewerCaller, confirm(longReason), "", false, confirmed, ""},
		"exception nobody claimed":       {open, reviewerCaller, dismiss(corev1.Disposition_EXCEPTION_APPLIES, longReason), "", false, open, "EXCEPTION_NOT_CLAIMED"},
		"take back":                      {dismissed, reviewerCaller, reopen(longReason), "", false, open, ""},
		"take back what is open":         {open, reviewerCaller, reopen(longReason), "", false, open, "FINDING_OPEN"},
		"take back another's claim":      {exception, reviewerCaller, reopen(longReason), "", false, exception, "NOT_DRAFTING_UNIT"},
		"take back the own claim":        {exception, drafterCaller, reopen(longReason), "", false, open, ""},
		"drafter takes back a decision":  {confirmed, drafterCaller, reopen(longReason), "", false, confirmed, "SELF_REVIEW_FORBIDDEN"},
		"after the meeting":              {open, reviewerCaller, confirm(""), "", true, open, "RECORD_CLOSED"},
		"claim after the meeting":        {open, drafterCaller, claimException(claimed), "", true, open, "RECORD_CLOSED"},
		"take back after the meeting":    {dismissed, reviewerCaller, reopen(longReason), "", true, dismissed, "RECORD_CLOSED"},
		"own claim back after a meeting": {exception, drafterCaller, reopen(longReason), "", true, exception, "RECORD_CLOSED"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := drafting()
			d.DraftingUnit, d.Drafter = drafterCaller.Bureau, drafterCaller.Person
			if tt.closed {
				d.State = filingv1.Document_DELIBERATED
			}
			if tt.pack == "" {
				tt.pack = "competition@2026.11"
			}
			x := &corev1.Disposition{State: tt.from}
			before := proto.CloneOf(x)
			at := time.Date(2026, 5, 12, 2, 0, 0, 0, time.UTC)
			err := tt.do(matter{d: d, f: &corev1.Finding{Pack: tt.pack}, x: x}, tt.who, at)
			if got := reasonOf(err); got != tt.reason || x.GetState() != tt.want {
				t.Fatalf("%v %q (%v), want %v %q", x.GetState(), got, status.Convert(err).Message(), tt.want, tt.reason)
			}
			if err != nil && !proto.Equal(x, before) {
				t.Errorf("a refusal left %v", x)
			}
			who, behalf := x.GetDecider(), x.GetDecidedOnBehalfOf()
			if x.GetState() == exception {
				who, behalf = x.GetClaim().GetClaimant(), x.GetClaim().GetClaimedOnBehalfOf()
			}
			if err == nil && (who != tt.who.Actor() || behalf != tt.who.OnBehalfOf()) {
				t.Errorf("decided by %q for %q", who, behalf)
			}
		})
	}
}

// What was decided about the same words last holds in other drafts; an exception
// never does, and what a finding has of its own goes first.
func TestDispositionOfAFinding(t *testing.T) {
	r3 := &filingv1.Revision{Name: "regions/120105/documents/d/revisions/3"}
	root := "regions/120105/documents/d/revisions/1/findings/f1"
	f := &corev1.Finding{Id: "f7", Rule: "FCR-14-1", Pack: "competition@2026.11", FirstRaised: root}
	said := func(revision string, state corev1.Disposition_State, second int64) *corev1.Disposition {
		return &corev1.Disposition{
			Name: "regions/120105/documents/d/revisions/" + revision, State: state, FirstRaised: root, Reason: longReason,
			Decider: reviewerCaller.Person, Etag: "e", UpdateTime: &timestamppb.Timestamp{Seconds: second},
		}
	}
	tests := map[string]struct {
		had  []*corev1.Disposition
		want corev1.Disposition_State
		from string
	}{
		"nothing":            {nil, corev1.Disposition_OPEN, ""},
		"dismissed before":   {[]*corev1.Disposition{said("1/findings/f1", corev1.Disposition_DISMISSED, 1)}, corev1.Disposition_DISMISSED, "1/findings/f1"},
		"confirmed before":   {[]*corev1.Disposition{said("1/findings/f1", corev1.Disposition_CONFIRMED, 1)}, corev1.Disposition_CONFIRMED, "1/findings/f1"},
		"an exception":       {[]*corev1.Disposition{said("1/findings/f1", corev1.Disposition_EXCEPTION_CLAIMED, 1)}, corev1.Disposition_OPEN, ""},
		"the later one":      {[]*corev1.Disposition{said("1/findings/f1", corev1.Disposition_DISMISSED, 1), said("2/findings/f3", corev1.Disposition_CONFIRMED, 2)}, corev1.Disposition_CONFIRMED, "2/findings/f3"},
		"taken back since":   {[]*corev1.Disposition{said("2/findings/f3", corev1.Disposition_OPEN, 2), said("1/findings/f1", corev1.Disposition_DISMISSED, 1)}, corev1.Disposition_OPEN, ""},
		"its own goes first": {[]*corev1.Disposition{said("3/findings/f7", corev1.Disposition_CONFIRMED, 1), said("1/findings/f1", corev1.Disposition_DISMISSED, 2)}, corev1.Disposition_CONFIRMED, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ds := &dispositions{}
			for _, x := range tt.had {
				ds.add(x)
			}
			got := ds.of(r3, f)
			from := tt.from
			if from != "" {
				from = "regions/120105/documents/d/revisions/" + from
			}
			if got.GetState() != tt.want || got.GetCarriedFrom() != from || got.GetName() != r3.GetName()+"/findings/f7" {
				t.Errorf("%v", got)
			}
			if from != "" && (got.GetEtag() != "" || got.GetDecider() == "" || got.GetReason() == "") {
				t.Errorf("carried as %v", got)
			}
		})
	}
}

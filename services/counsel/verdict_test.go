package counsel

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/docstore"
)

func TestStanding(t *testing.T) {
	revised := func(t *testing.T) *counselv1.Case {
		c := at(t, counselv1.Case_REVISED)
		if _, err := submit(c, submission(2, 2), drafter, day0, dates{}); err != nil {
			t.Fatal(err)
		}
		return c
	}
	confirmed := func(t *testing.T) *counselv1.Case {
		c := revised(t)
		if _, err := confirm(c, digest(2), "与意见一致", reviewer, day0); err != nil {
			t.Fatal(err)
		}
		return c
	}
	declined := func(t *testing.T) *counselv1.Case {
		c := at(t, counselv1.Case_CONCLUDED_REVISE)
		for n := range int32(2) {
			if _, err := answer(c, n+1, &counselv1.Answer{Adoption: counselv1.Answer_NOT_ADOPTED, Reason: "r", Decider: "d"}, drafter, day0); err != nil {
				t.Fatal(err)
			}
		}
		return c
	}
	in := func(s counselv1.Case_State) func(*testing.T) *counselv1.Case {
		return func(t *testing.T) *counselv1.Case { return at(t, s) }
	}
	for _, tc := range []struct {
		name    string
		c       func(*testing.T) *counselv1.Case
		version int
		want    counselv1.Verdict_Standing
	}{
		{"received", in(counselv1.Case_RECEIVED), 1, counselv1.Verdict_NOT_CONCLUDED},
		{"under review", in(counselv1.Case_UNDER_REVIEW), 1, counselv1.Verdict_NOT_CONCLUDED},
		{"returned", in(counselv1.Case_RETURNED), 1, counselv1.Verdict_NOT_CONCLUDED},
		{"lawful", in(counselv1.Case_CONCLUDED_LAWFUL), 1, counselv1.Verdict_PASSES},
		{"lawful, other text", in(counselv1.Case_CONCLUDED_LAWFUL), 2, counselv1.Verdict_STALE},
		{"unlawful", in(counselv1.Case_CONCLUDED_UNLAWFUL), 1, counselv1.Verdict_ADVERSE},
		{"revise, unanswered", in(counselv1.Case_CONCLUDED_REVISE), 1, counselv1.Verdict_ITEMS_UNANSWERED},
		{"revise, adopted, same draft", in(counselv1.Case_REVISED), 1, counselv1.Verdict_REVISION_OPEN},
		{"revise, all declined with reasons, same draft", declined, 1, counselv1.Verdict_PASSES},
		{"revised draft, unconfirmed", revised, 2, counselv1.Verdict_REVISION_OPEN},
		{"revised draft, confirmed", confirmed, 2, counselv1.Verdict_PASSES},
		{"revised draft confirmed, the reviewed one asked", confirmed, 1, counselv1.Verdict_STALE},
		{"revised draft confirmed, a third asked", confirmed, 3, counselv1.Verdict_STALE},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := standing(tc.c(t), digest(tc.version)); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestCertify(t *testing.T) {
	in := &counselv1.CertifyVerdictRequest{Subject: document, VersionDigest: digest(1), Transition: "t1", VerdictEtag: "e1"}
	c := at(t, counselv1.Case_CONCLUDED_LAWFUL)
	if _, err := certify(c, "e2", in, day0); !errors.Is(err, docstore.ErrConflict) {
		t.Errorf("another state of the case: %v", err)
	}
	if _, err := certify(c, "e1", in, day0); err != nil {
		t.Fatal(err)
	}
	if _, err := certify(c, "e9", in, day0); !errors.Is(err, docstore.ErrUnchanged) {
		t.Errorf("the same transition again: %v", err)
	}
	o := &counselv1.Opinion{Name: "o", Author: counsel.Person, Round: 1, Conclusion: counselv1.Conclusion_UNLAWFUL}
	if _, err := recordVerdict(c, o, day0); code(err) != codeRecordClosed {
		t.Errorf("an adverse opinion after the certificate: %v", err)
	}
	if _, err := submit(c, submission(2, 2), drafter, day0, dates{}); err != nil {
		t.Fatal(err)
	}
	if standingCertificate(c) || c.GetCertificates()[0].GetWithdrawReason() == "" {
		t.Error("a new submission withdraws the certificate on record")
	}
}

// What may not go before a meeting is refused with the reason that holds of it.
func TestCertifyNamesTheReason(t *testing.T) {
	revised := at(t, counselv1.Case_REVISED)
	if _, err := submit(revised, submission(2, 2), drafter, day0, dates{}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		c       *counselv1.Case
		version int
		want    string
	}{
		"not accepted":             {at(t, counselv1.Case_RECEIVED), 1, codeReviewMissing},
		"under review":             {at(t, counselv1.Case_UNDER_REVIEW), 1, codeReviewMissing},
		"unlawful":                 {at(t, counselv1.Case_CONCLUDED_UNLAWFUL), 1, codeLegalityAdverse},
		"unanswered":               {at(t, counselv1.Case_CONCLUDED_REVISE), 1, codeItemUnanswered},
		"a revised draft to come":  {at(t, counselv1.Case_REVISED), 1, codeConditionOpen},
		"a revised draft unlooked": {revised, 2, codeConditionOpen},
		"another version":          {at(t, counselv1.Case_CONCLUDED_LAWFUL), 2, codeLegalityStale},
	} {
		_, err := certify(tt.c, "e", &counselv1.CertifyVerdictRequest{VersionDigest: digest(tt.version), Transition: "t", VerdictEtag: "e"}, day0)
		if code(err) != tt.want || standingCertificate(tt.c) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	// A3: a major decision whose review was accepted and is not concluded.
	c := at(t, counselv1.Case_UNDER_REVIEW)
	c.Regime, last(c).EarliestMeetingDate = counselv1.Regime_REGIME_MAJOR_DECISION, &datepb.Date{Year: 2026, Month: 5, Day: 22}
	_, err := certify(c, "e", &counselv1.CertifyVerdictRequest{VersionDigest: digest(1), Transition: "t", VerdictEtag: "e"}, day0)
	refusal := (*docstore.Refusal)(nil)
	if !errors.As(err, &refusal) || refusal.Reasons[0] != codeReviewMissing {
		t.Fatalf("a decision: %v", err)
	}
	for _, detail := range status.Convert(refusal.Err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && (info.GetMetadata()["law"] != law713Art25 || info.GetMetadata()["earliest_date"] != "2026-05-22") {
			t.Errorf("of a decision: %v", info)
		}
	}
}

// A transition that was withdrawn is never certified, whichever call comes first.
func TestWithdrawCertificate(t *testing.T) {
	in := &counselv1.CertifyVerdictRequest{Subject: document, VersionDigest: digest(1), Transition: "t1", VerdictEtag: "e1"}
	for name, certifiedBefore := range map[string]bool{"certified before": true, "certified after": false} {
		t.Run(name, func(t *testing.T) {
			c := at(t, counselv1.Case_CONCLUDED_LAWFUL)
			if certifiedBefore {
				if _, err := certify(c, "e1", in, day0); err != nil || !standingCertificate(c) {
					t.Fatal(err)
				}
			}
			if _, err := withdrawCertificate(c, "t1", "示例", day0); err != nil {
				t.Fatal(err)
			}
			if _, err := withdrawCertificate(c, "t1", "示例", day0); !errors.Is(err, docstore.ErrUnchanged) {
				t.Errorf("withdrawn again: %v", err)
			}
			if _, err := certify(c, "e1", in, day0); code(err) != codeCertificateWithdrawn || standingCertificate(c) || len(c.GetCertificates()) != 1 {
				t.Errorf("certified afterwards: %v, %v", err, c.GetCertificates())
			}
			other := &counselv1.CertifyVerdictRequest{Subject: document, VersionDigest: digest(1), Transition: "t2", VerdictEtag: "e1"}
			if _, err := certify(c, "e1", other, day0); err != nil || !standingCertificate(c) {
				t.Errorf("another transition: %v", err)
			}
		})
	}
}

func TestCounselVerdicts(t *testing.T) {
	v := func(counsel string, round int32, conclusion counselv1.Conclusion) *counselv1.CounselVerdict {
		return &counselv1.CounselVerdict{Opinion: fmt.Sprint(counsel, round), Counsel: counsel, Round: round, Conclusion: conclusion}
	}
	gone := v("a", 1, counselv1.Conclusion_UNLAWFUL)
	favour := v("a", 1, counselv1.Conclusion_LAWFUL)
	gone.WithdrawTime, favour.WithdrawTime = timestamppb.New(day0), timestamppb.New(day0)
	// Rounds 1 and 2 are about one draft, round 3 about another.
	rounds := []*counselv1.Round{{Number: 1, Revision: "r1"}, {Number: 2, Revision: "r1"}, {Number: 3, Revision: "r2"}}
	for _, tc := range []struct {
		name string
		all  []*counselv1.CounselVerdict
		base int32
		want []string
	}{
		{"the newest of each", []*counselv1.CounselVerdict{v("a", 1, counselv1.Conclusion_UNLAWFUL), v("b", 1, counselv1.Conclusion_LAWFUL), v("a", 1, counselv1.Conclusion_LAWFUL)}, 1, []string{"a1", "b1"}},
		{"one on the same draft counts in a later round", []*counselv1.CounselVerdict{v("a", 1, counselv1.Conclusion_LAWFUL)}, 2, []string{"a1"}},
		{"one on another draft does not", []*counselv1.CounselVerdict{v("a", 1, counselv1.Conclusion_LAWFUL), v("b", 2, counselv1.Conclusion_UNLAWFUL)}, 3, nil},
		{"a conflict ends it", []*counselv1.CounselVerdict{favour}, 1, nil},
		{"an adverse one holds in spite of a conflict", []*counselv1.CounselVerdict{gone}, 1, []string{"a1"}},
		{"until another counsel is heard", []*counselv1.CounselVerdict{gone, v("b", 1, counselv1.Conclusion_LAWFUL)}, 1, []string{"b1"}},
		{"not on another draft", []*counselv1.CounselVerdict{gone}, 3, nil},
		{"an adverse one counts until the same counsel signs again", []*counselv1.CounselVerdict{v("a", 1, counselv1.Conclusion_UNLAWFUL), v("a", 2, counselv1.Conclusion_LAWFUL)}, 2, []string{"a2"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, x := range counselVerdicts(&counselv1.Case{CounselVerdicts: tc.all, Rounds: rounds}, rounds[tc.base-1]) {
				got = append(got, x.GetOpinion())
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

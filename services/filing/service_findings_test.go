package filing

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/auth"
)

// suspected is a submitted document with a draft in which the rules found something.
func (h *house) suspected() (*filingv1.Document, *filingv1.Revision) {
	h.t.Helper()
	d := h.ready()
	r, err := h.sendDraft(drafterCaller, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "示例奖励办法.txt"}, []byte(suspectText))
	must(h.t, err)
	d, err = h.submit(drafterCaller, &filingv1.SubmitDocumentRequest{Name: d.GetName()})
	must(h.t, err)
	return d, r
}

func (h *house) findings(who auth.Caller, in *filingv1.ListFindingsRequest) []*corev1.Finding {
	h.t.Helper()
	var out []*corev1.Finding
	for {
		page, err := h.client.ListFindings(h.as(who), in)
		must(h.t, err)
		out = append(out, page.GetFindings()...)
		if in.PageToken = page.GetNextPageToken(); in.PageToken == "" {
			return out
		}
	}
}

func (h *house) dismiss(who auth.Caller, name string) (*corev1.Disposition, error) {
	return h.client.DismissFinding(h.as(who), &filingv1.DismissFindingRequest{
		Name: name, Ground: corev1.Disposition_NOT_PRESCRIPTIVE, Reason: longReason,
	})
}

// decisions counts what was decided about a document.
func (h *house) decisions(r *filingv1.Revision) int {
	h.t.Helper()
	said, err := h.server.dispositionsOf(h.t.Context(), documentOf(r.GetName()))
	must(h.t, err)
	return len(said.own)
}

// A decision changes the finding and nothing else, is kept in the history of the
// finding, and is listed.
func TestDecideOnFindings(t *testing.T) {
	h := newHouse(t)
	d, r := h.suspected()
	all := h.findings(reviewerCaller, &filingv1.ListFindingsRequest{Parent: r.GetName()})
	if len(all) < 3 {
		t.Fatalf("%d findings", len(all))
	}
	for _, f := range all {
		if f.GetName() != r.GetName()+"/findings/"+f.GetId() || f.GetDisposition().GetState() != corev1.Disposition_OPEN || f.GetDisposition().GetEtag() != "" {
			t.Errorf("new finding %v", f)
		}
	}
	first, second := all[0].GetName(), all[1].GetName()
	in := &filingv1.DismissFindingRequest{Name: first, Ground: corev1.Disposition_MISREAD, Reason: longReason, RequestId: "q1"}
	x, err := h.client.DismissFinding(h.as(reviewerCaller), in)
	must(t, err)
	again, err := h.client.DismissFinding(h.as(reviewerCaller), in)
	must(t, err)
	if !proto.Equal(x, again) || x.GetDecider() != reviewerCaller.Person || x.GetEtag() == "" || x.GetFirstRaised() != first || x.GetRule() != all[0].GetRule() {
		t.Errorf("dismissed %v, again %v", x, again)
	}
	in.Reason = "另一个理由说明"
	_, err = h.client.DismissFinding(h.as(reviewerCaller), in)
	wantCode(t, err, codes.AlreadyExists, "REQUEST_ID_REUSED")
	_, err = h.client.ConfirmFinding(h.as(reviewerCaller), &filingv1.ConfirmFindingRequest{Name: second, Etag: "stale"})
	wantCode(t, err, codes.Aborted, "ETAG_STALE")
	_, err = h.client.ConfirmFinding(h.as(regulatorCaller), &filingv1.ConfirmFindingRequest{Name: second})
	must(t, err)

	listed := func(filter string) (ids []string) {
		for _, f := range h.findings(drafterCaller, &filingv1.ListFindingsRequest{Parent: r.GetName(), Filter: filter, PageSize: 1}) {
			ids = append(ids, f.GetId())
		}
		return ids
	}
	if got := listed("state = DISMISSED"); !slices.Equal(got, []string{all[0].GetId()}) {
		t.Errorf("dismissed: %v", got)
	}
	if got := listed("state = OPEN"); len(got) != len(all)-2 {
		t.Errorf("open: %v", got)
	}
	if got := listed(fmt.Sprintf("rule = %q AND state = CONFIRMED", all[1].GetRule())); !slices.Equal(got, []string{all[1].GetId()}) {
		t.Errorf("confirmed of a rule: %v", got)
	}
	_, err = h.client.ListFindings(h.as(drafterCaller), &filingv1.ListFindingsRequest{Parent: r.GetName(), Filter: "article = 1"})
	wantCode(t, err, codes.InvalidArgument, "filter:FILTER_FIELD_UNKNOWN")
	page1, err := h.client.ListFindings(h.as(drafterCaller), &filingv1.ListFindingsRequest{Parent: r.GetName(), PageSize: 1})
	must(t, err)
	_, err = h.client.ListFindings(h.as(drafterCaller), &filingv1.ListFindingsRequest{Parent: r.GetName(), Filter: "state = OPEN", PageToken: page1.GetNextPageToken()})
	wantCode(t, err, codes.InvalidArgument, "page_token:PAGE_TOKEN_INVALID")

	_, err = h.client.ReopenFinding(h.as(reviewerCaller), &filingv1.ReopenFindingRequest{Name: first, Reason: longReason, Etag: x.GetEtag()})
	must(t, err)
	_, err = h.client.ReopenFinding(h.as(reviewerCaller), &filingv1.ReopenFindingRequest{Name: first, Reason: longReason})
	wantCode(t, err, codes.FailedPrecondition, "FINDING_OPEN")
	page, err := h.client.ListFindingHistory(h.as(drafterCaller), &filingv1.ListFindingHistoryRequest{Parent: first})
	must(t, err)
	var entries []string
	for _, e := range page.GetHistory() {
		entries = append(entries, fmt.Sprintf("%v %s>%s %v", e.GetOutcome(), e.GetFromState(), e.GetToState(), e.GetReasons()))
	}
	if want := []string{"OUTCOME_DONE OPEN>DISMISSED []", "OUTCOME_DONE DISMISSED>OPEN []", "OUTCOME_REFUSED > [FINDING_OPEN]"}; !slices.Equal(entries, want) {
		t.Errorf("history %q", entries)
	}
	none, err := h.client.ListFindingHistory(h.as(drafterCaller), &filingv1.ListFindingHistoryRequest{Parent: all[2].GetName()})
	must(t, err)
	if len(none.GetHistory()) != 0 {
		t.Errorf("history of what nobody decided on: %v", none)
	}
	if got := h.get(d.GetName()); got.GetEtag() != d.GetEtag() || got.GetVersionDigest() != d.GetVersionDigest() {
		t.Errorf("a decision on a finding changed the document: %v", got)
	}
}

// What may not be decided changes nothing and is kept where it was tried.
func TestRefusedDecisions(t *testing.T) {
	h := newHouse(t)
	d, r := h.suspected()
	name := r.GetName() + "/findings/f1"
	_, err := h.dismiss(strangerCaller, name)
	wantCode(t, err, codes.PermissionDenied, "ROLE_REQUIRED")
	both := drafterCaller
	both.Roles = append(slices.Clone(both.Roles), corev1.Role_ROLE_REVIEWER)
	_, err = h.dismiss(both, name)
	wantCode(t, err, codes.FailedPrecondition, "SELF_REVIEW_FORBIDDEN")
	for _, absent := range []string{r.GetName() + "/findings/f999", r.GetName() + "/findings/x", d.GetName() + "/revisions/9/findings/f1"} {
		_, err = h.dismiss(reviewerCaller, absent)
		wantCode(t, err, codes.NotFound, "RESOURCE_NOT_FOUND")
	}
	_, err = h.client.ReopenFinding(h.as(strangerCaller), &filingv1.ReopenFindingRequest{Name: name, Reason: longReason})
	wantCode(t, err, codes.NotFound, "RESOURCE_NOT_FOUND")
	if n := h.decisions(r); n != 0 {
		t.Errorf("%d dispositions of refused decisions", n)
	}
	if lines := h.history(d.GetName()); lines[len(lines)-1] != "DismissFinding OUTCOME_REFUSED [SELF_REVIEW_FORBIDDEN]" {
		t.Errorf("history %q", lines)
	}
	if got := h.get(d.GetName()); got.GetEtag() != d.GetEtag() {
		t.Error("a refusal changed the document")
	}
}

// Of many who decide on one finding at once one is heard, and the others are told;
// on different findings all are.
func TestManyDecideAtOnce(t *testing.T) {
	h := newHouse(t)
	_, r := h.suspected()
	all := h.findings(reviewerCaller, &filingv1.ListFindingsRequest{Parent: r.GetName()})
	ctx := h.as(reviewerCaller)
	decide := func(n int, name func(i int) string) (done int) {
		var mu sync.Mutex
		var wait sync.WaitGroup
		for i := range n {
			wait.Go(func() {
				_, err := h.client.ConfirmFinding(ctx, &filingv1.ConfirmFindingRequest{Name: name(i)})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					done++
				case reasonOf(err) != "FINDING_DECIDED":
					t.Errorf("decide: %v", err)
				}
			})
		}
		wait.Wait()
		return done
	}
	if n := decide(16, func(int) string { return all[0].GetName() }); n != 1 {
		t.Errorf("%d of 16 decided on one finding", n)
	}
	rest := all[1:]
	if n := decide(len(rest), func(i int) string { return rest[i].GetName() }); n != len(rest) || h.decisions(r) != len(all) {
		t.Errorf("%d of %d decided, %d kept", n, len(rest), h.decisions(r))
	}
}

// A decision that was stored while the answer was lost is answered again, also
// through the read-only door of another call.
func TestDecisionsAreReadBack(t *testing.T) {
	h := newHouse(t)
	_, r := h.suspected()
	name := r.GetName() + "/findings/f1"
	in := &filingv1.ClaimExceptionRequest{
		Name: name, Basis: claimed.GetBasis(), Statement: claimed.GetStatement(), Alternatives: claimed.GetAlternatives(), Term: claimed.GetTerm(), RequestId: "c1",
	}
	var made []*corev1.Disposition
	for _, ctx := range []context.Context{h.as(drafterCaller), h.as(drafterCaller)} {
		x, err := h.client.ClaimException(ctx, in)
		must(t, err)
		made = append(made, x)
	}
	x, err := h.client.DismissFinding(h.as(regulatorCaller), &filingv1.DismissFindingRequest{
		Name: name, Ground: corev1.Disposition_EXCEPTION_APPLIES, Reason: longReason, Etag: made[1].GetEtag(),
	})
	must(t, err)
	if !proto.Equal(made[0], made[1]) || x.GetClaim().GetStatement() != in.GetStatement() || x.GetClaim().GetClaimant() != drafterCaller.Person {
		t.Errorf("claimed %v, dismissed %v", made, x)
	}
}

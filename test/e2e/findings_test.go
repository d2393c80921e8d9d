package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

func (w *world) findings(t *testing.T, login, revision, filter string) []*corev1.Finding {
	t.Helper()
	var out []*corev1.Finding
	for token := ""; ; {
		res := &filingv1.ListFindingsResponse{}
		w.must(t, login, filingService+"ListFindings", &filingv1.ListFindingsRequest{Parent: revision, Filter: filter, PageSize: 2, PageToken: token}, res)
		out = append(out, res.GetFindings()...)
		if token = res.GetNextPageToken(); token == "" {
			return out
		}
	}
}

// TestFindingsLive follows findings from the rules' word to the reviewer's, over a
// second draft, and counts them rule by rule.
func TestFindingsLive(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d := w.prepared(t, true)
		d = w.document(t, "drafter", "SubmitDocument", &filingv1.SubmitDocumentRequest{Name: d.GetName()})
		first := d.GetRevisions()[0].GetName()
		all := w.findings(t, "reviewer", first, "")
		if len(all) < 3 {
			t.Fatalf("%d findings", len(all))
		}
		x := &corev1.Disposition{}
		dismiss := &filingv1.DismissFindingRequest{
			Name: all[0].GetName(), Ground: corev1.Disposition_LEGAL_BASIS, Reason: "有国务院规定作为依据", RequestId: "dismiss-1",
		}
		w.must(t, "reviewer", filingService+"DismissFinding", dismiss, x)
		again := &corev1.Disposition{}
		w.must(t, "reviewer", filingService+"DismissFinding", dismiss, again)
		if !proto.Equal(x, again) || x.GetState() != corev1.Disposition_DISMISSED {
			t.Errorf("dismissed %v, again %v", x, again)
		}
		refusals(t, w, all)
		w.must(t, "regulator", filingService+"ConfirmFinding", &filingv1.ConfirmFindingRequest{Name: all[1].GetName()}, x)
		w.must(t, "drafter", filingService+"ClaimException", &filingv1.ClaimExceptionRequest{
			Name: all[2].GetName(), Basis: corev1.ExceptionClaim_PUBLIC_INTEREST, Statement: "为救助就业困难人员",
			Alternatives: "没有影响更小的替代方案", Term: "有效期五年届满终止",
		}, x)
		if got := w.document(t, "drafter", "GetDocument", &filingv1.GetDocumentRequest{Name: d.GetName()}); got.GetEtag() != d.GetEtag() || got.GetVersionDigest() != d.GetVersionDigest() {
			t.Errorf("decisions on findings changed the document")
		}
		recount(t, w, d.GetName())

		// The amount in another article changes, and the rest stands.
		second := w.mustUpload(t, d.GetName(), draft(t, "1500")).GetName()
		got := w.findings(t, "drafter", second, "state = DISMISSED")
		if len(got) != 1 || got[0].GetDisposition().GetCarriedFrom() != all[0].GetName() || got[0].GetDisposition().GetReason() != dismiss.GetReason() ||
			w.loginOf(got[0].GetDisposition().GetDecider()) != "reviewer" {
			t.Errorf("remembered in the second draft: %v", got)
		}
		if got := w.findings(t, "drafter", second, "state = EXCEPTION_CLAIMED"); len(got) != 0 {
			t.Errorf("an exception was carried: %v", got)
		}
		w.must(t, "reviewer", filingService+"ReopenFinding", &filingv1.ReopenFindingRequest{Name: got[0].GetName(), Reason: "经复核依据不足"}, x)
		w.must(t, "reviewer", filingService+"ConfirmFinding", &filingv1.ConfirmFindingRequest{Name: got[0].GetName(), Etag: x.GetEtag()}, x)
		recount(t, w, d.GetName())
	})
}

// refusals are what may not be decided: the finding stays, and whoever asked is told.
func refusals(t *testing.T, w *world, all []*corev1.Finding) {
	t.Helper()
	name := all[0].GetName()
	for _, tt := range []struct {
		login, method string
		in            proto.Message
		want          string
	}{
		{"reviewer", "DismissFinding", &filingv1.DismissFindingRequest{Name: name, Ground: corev1.Disposition_MISREAD, Reason: ""}, "FIELD_VIOLATION"},
		{"reviewer", "DismissFinding", &filingv1.DismissFindingRequest{Name: name, Reason: "没有写明驳回的类别"}, "FIELD_VIOLATION"},
		{"reviewer", "ConfirmFinding", &filingv1.ConfirmFindingRequest{Name: name}, "FINDING_DECIDED"},
		{"reviewer", "ConfirmFinding", &filingv1.ConfirmFindingRequest{Name: name, Etag: "stale"}, "ETAG_STALE"},
		{"drafter", "ReopenFinding", &filingv1.ReopenFindingRequest{Name: name, Reason: "本单位不同意处理意见"}, "SELF_REVIEW_FORBIDDEN"},
		{"drafter", "DismissFinding", &filingv1.DismissFindingRequest{Name: all[1].GetName(), Ground: corev1.Disposition_OTHER, Reason: "本单位认为没有问题"}, "ROLE_REQUIRED"},
		{"reviewer", "ConfirmFinding", &filingv1.ConfirmFindingRequest{Name: name + "0000"}, "RESOURCE_NOT_FOUND"},
	} {
		f := w.try(t, tt.login, filingService+tt.method, tt.in, &corev1.Disposition{})
		if f == nil || f.reason != tt.want && !(tt.want == "FIELD_VIOLATION" && f.code.String() == "InvalidArgument") {
			t.Errorf("%s by %s: %v, want %s", tt.method, tt.login, f, tt.want)
		}
	}
}

// recount compares the figures of the rules with what the journals of the document
// and of its findings say: what was raised, and what each finding came to last.
func recount(t *testing.T, w *world, document string) {
	t.Helper()
	raised, state := map[string]int64{}, map[string]map[string]int64{}
	history := &filingv1.ListDocumentHistoryResponse{}
	w.must(t, "reviewer", filingService+"ListDocumentHistory", &filingv1.ListDocumentHistoryRequest{Parent: document, PageSize: 1000}, history)
	roots := map[string]*corev1.JournalEntry{}
	for _, e := range history.GetHistory() {
		for _, d := range e.GetDetails() {
			switch words := strings.Fields(d.GetValue()); d.GetName() {
			case "raised":
				n, err := strconv.ParseInt(words[2], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				raised[words[0]+" "+words[1]] += n
			case "revision":
				for _, f := range w.findings(t, "reviewer", d.GetValue(), "") {
					last(t, w, f.GetName(), roots)
				}
			}
		}
	}
	for _, e := range roots {
		key := fact(e, "rule") + " " + fact(e, "pack")
		if state[key] == nil {
			state[key] = map[string]int64{}
		}
		state[key][strings.TrimSpace(e.GetToState()+" "+fact(e, "ground"))]++
	}
	var want []string
	for _, key := range slices.Sorted(maps.Keys(raised)) {
		s := state[key]
		dismissed := int64(0)
		for k, n := range s {
			if strings.HasPrefix(k, "DISMISSED") {
				dismissed += n
			}
		}
		want = append(want, fmt.Sprintf("%s raised %d confirmed %d dismissed %d claimed %d open %d rate %d/%d", key, raised[key], s["CONFIRMED"], dismissed,
			s["EXCEPTION_CLAIMED"], raised[key]-s["CONFIRMED"]-dismissed-s["EXCEPTION_CLAIMED"],
			dismissed-s["DISMISSED EXCEPTION_APPLIES"], s["CONFIRMED"]+dismissed))
	}
	var got []string
	res := &corev1.ListRuleFiguresResponse{}
	w.current(t, "regulator", "ListRuleFigures", &corev1.ListRuleFiguresRequest{
		Parent: region, Service: "filing", FirstDate: date(t, "2026-04-01"), LastDate: date(t, "2026-04-30"),
	}, res)
	for _, f := range res.GetRuleFigures() {
		got = append(got, fmt.Sprintf("%s %s raised %d confirmed %d dismissed %d claimed %d open %d rate %d/%d", f.GetRule(), f.GetPack(), f.GetRaisedCount(),
			f.GetConfirmedCount(), f.GetDismissedCount(), f.GetExceptionClaimedCount(), f.GetOpenCount(), f.GetDismissal().GetNumerator(), f.GetDismissal().GetDenominator()))
		if v := f.GetDismissal(); (v.GetRate() == "") != (v.GetDenominator() == 0) {
			t.Errorf("rate %v", v)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("figures %q\nthe journals %q", got, want)
	}
	if res.GetDefinition() == "" || res.GetRateDisplayName() == "" {
		t.Error("figures without their definition")
	}
}

// last keeps the newest decision on the words of a finding.
func last(t *testing.T, w *world, finding string, roots map[string]*corev1.JournalEntry) {
	t.Helper()
	history := &filingv1.ListFindingHistoryResponse{}
	w.must(t, "reviewer", filingService+"ListFindingHistory", &filingv1.ListFindingHistoryRequest{Parent: finding, PageSize: 1000}, history)
	for _, e := range history.GetHistory() {
		root := fact(e, "first_raised")
		if e.GetOutcome() == corev1.Outcome_OUTCOME_DONE && !e.GetTime().AsTime().Before(roots[root].GetTime().AsTime()) {
			roots[root] = e
		}
	}
}

func fact(e *corev1.JournalEntry, name string) string {
	for _, d := range e.GetDetails() {
		if d.GetName() == name {
			return d.GetValue()
		}
	}
	return ""
}

package filing

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/policytext"
)

const (
	headText  = "示例区示例奖励办法\n\n"
	firstText = headText + `第一条 对在本区登记注册、纳税满三年的企业给予最高50万元奖励。
第二条 各单位可以采取下列措施：
（一）优先采购本地企业产品；
（二）要求外地企业在本地设立分公司；
（三）其他措施。
第三条 本办法自公布之日起施行。
`
)

// A finding goes on as the same one where its rule points at the same words, its
// provision has no other word than before, and neither has what leads it in.
func TestFindingsInherit(t *testing.T) {
	tests := map[string]struct {
		second string
		// from says, for each finding of the second draft, which of the first it is.
		want []string
	}{
		"the same text, saved again": {firstText + "\n", []string{"f1", "f2", "f3", "f4"}},
		"an article before": {
			headText + "第一条 为了示例，制定本办法。\n" + renumbered(strings.TrimPrefix(firstText, headText)), []string{"f1", "f2", "f3", "f4"},
		},
		"a word of the provision changed": {strings.Replace(firstText, "50万元奖励", "80万元奖励", 1), []string{"", "", "f3", "f4"}},
		"the lead of the items changed":   {strings.Replace(firstText, "各单位可以", "各单位经批准后可以", 1), []string{"f1", "f2", "", ""}},
		"items change places": {
			strings.Replace(firstText, "（一）优先采购本地企业产品；\n（二）要求外地企业在本地设立分公司；", "（一）要求外地企业在本地设立分公司；\n（二）优先采购本地企业产品；", 1),
			[]string{"f1", "f2", "f4", "f3"},
		},
		"the provision is gone": {strings.Replace(firstText, "（二）要求外地企业在本地设立分公司；\n（三）", "（二）", 1), []string{"f1", "f2", "f3"}},
		"another provision says the same": {
			strings.Replace(firstText, "第三条 ", "第三条 要求外地企业在本地设立分公司；\n第四条 ", 1), []string{"f1", "f2", "f3", "f4", ""},
		},
	}
	base := &filingv1.Revision{Name: "d/revisions/1"}
	first := pointedAt(t, firstText)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			second := pointedAt(t, tt.second)
			h := heritageOf(base, first.findings, first.policy)
			carried, err := policytext.Carry(t.Context(), first.policy, second.policy, h.anchors, "")
			must(t, err)
			h.inherit(second.findings, carried)
			var got, quotes []string
			for _, f := range second.findings.GetFindings() {
				got = append(got, strings.TrimPrefix(f.GetFirstRaised(), "d/revisions/1/findings/"))
				quotes = append(quotes, f.GetRule()+" "+f.GetAnchor().GetQuote())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q\nare %q, want %q", quotes, got, tt.want)
			}
		})
	}
}

// pointedAt is a draft in which rules point at words of the test, whatever the packs
// hold: R1 and R2 at the same ones.
func pointedAt(t *testing.T, text string) *reading {
	t.Helper()
	doc, err := policytext.Read(t.Context(), []byte(text), policytext.DefaultLimits())
	must(t, err)
	r := &reading{policy: doc.Text, findings: &filingv1.Screening{}}
	var found []*corev1.Finding
	for _, rule := range []struct{ id, words string }{
		{"R1", "纳税满三年的企业"}, {"R2", "纳税满三年的企业"}, {"R3", "优先采购本地"}, {"R4", "设立分公司"},
	} {
		for at := 0; ; {
			i := strings.Index(doc.Text.GetText()[at:], rule.words)
			if i < 0 {
				break
			}
			start := utf8.RuneCountInString(doc.Text.GetText()[:at+i])
			a := &corev1.Anchor{Start: int32(start), End: int32(start + utf8.RuneCountInString(rule.words)), Quote: rule.words}
			found = append(found, &corev1.Finding{Rule: rule.id, Anchor: a})
			at += i + len(rule.words)
		}
	}
	slices.SortStableFunc(found, func(a, b *corev1.Finding) int { return int(a.GetAnchor().GetStart() - b.GetAnchor().GetStart()) })
	for i, f := range found {
		f.Id = fmt.Sprintf("f%d", i+1)
	}
	r.findings.Findings = found
	return r
}

// renumbered moves 第一条 to 第三条 by one.
func renumbered(text string) string {
	return strings.NewReplacer("第一条", "第二条", "第二条", "第三条", "第三条", "第四条").Replace(text)
}

// A dismissal is remembered where the same text stands in the next draft, with who,
// when and why, and taken back there alone; an exception wants a new claim.
func TestDismissalsAreRemembered(t *testing.T) {
	h := newHouse(t)
	d, r := h.suspected()
	all := h.findings(reviewerCaller, &filingv1.ListFindingsRequest{Parent: r.GetName()})
	name := func(r *filingv1.Revision, i int) string { return r.GetName() + "/findings/" + all[i].GetId() }
	x, err := h.dismiss(reviewerCaller, name(r, 0))
	must(t, err)
	_, err = h.client.ConfirmFinding(h.as(regulatorCaller), &filingv1.ConfirmFindingRequest{Name: name(r, 1)})
	must(t, err)
	last := len(all) - 1 // in the other article
	_, err = h.dismiss(reviewerCaller, name(r, last))
	must(t, err)

	send := func(text string) *filingv1.Revision {
		t.Helper()
		r, err := h.sendDraft(drafterCaller, &filingv1.RevisionUpload{Parent: d.GetName(), Filename: "示例奖励办法.txt"}, []byte(text))
		must(t, err)
		return r
	}
	second := send(strings.Replace(suspectText, "未经本局批准，", "未经本局同意和批准，", 1))
	states := func(r *filingv1.Revision) (out []string) {
		for _, f := range h.findings(drafterCaller, &filingv1.ListFindingsRequest{Parent: r.GetName()}) {
			x := f.GetDisposition()
			out = append(out, fmt.Sprintf("%v %s", x.GetState(), strings.TrimPrefix(x.GetCarriedFrom(), path.Dir(r.GetName())+"/")))
		}
		return out
	}
	want := []string{"DISMISSED 2/findings/f1", "CONFIRMED 2/findings/f2"}
	for range last - 2 {
		want = append(want, "OPEN ")
	}
	if got := states(second); !slices.Equal(got, append(want, "OPEN ")) {
		t.Fatalf("second draft: %q", got)
	}
	got := h.findings(drafterCaller, &filingv1.ListFindingsRequest{Parent: second.GetName(), Filter: "state = DISMISSED"})[0].GetDisposition()
	if got.GetReason() != x.GetReason() || got.GetDecider() != x.GetDecider() || !got.GetDecideTime().AsTime().Equal(x.GetDecideTime().AsTime()) || got.GetEtag() != "" {
		t.Errorf("remembered as %v, was %v", got, x)
	}

	// What was carried is decided already; it can be taken back here, and stays there.
	_, err = h.dismiss(reviewerCaller, name(second, 0))
	wantCode(t, err, codes.FailedPrecondition, "FINDING_DECIDED")
	back, err := h.client.ReopenFinding(h.as(reviewerCaller), &filingv1.ReopenFindingRequest{Name: name(second, 0), Reason: longReason})
	must(t, err)
	if back.GetFirstRaised() != name(r, 0) || back.GetCarriedFrom() != "" {
		t.Errorf("taken back %v", back)
	}
	if a, b := states(r)[0], states(second)[0]; a != "DISMISSED " || b != "OPEN " {
		t.Errorf("first %q, second %q", a, b)
	}
	_, err = h.client.ClaimException(h.as(drafterCaller), &filingv1.ClaimExceptionRequest{
		Name: name(second, 0), Basis: claimed.GetBasis(), Statement: claimed.GetStatement(), Alternatives: claimed.GetAlternatives(), Term: claimed.GetTerm(),
	})
	must(t, err)

	// The third draft follows the second: the claim is not carried, the confirmation is.
	third := send(strings.Replace(suspectText, "未经本局批准，", "未经许可，", 1))
	if got := states(third); got[0] != "OPEN " || got[1] != "CONFIRMED 2/findings/f2" {
		t.Errorf("third draft: %q", got)
	}
	// A decision on an earlier draft that comes late is not lost for the newer one.
	_, err = h.client.ConfirmFinding(h.as(reviewerCaller), &filingv1.ConfirmFindingRequest{Name: name(second, 0)})
	must(t, err)
	if got := states(third); got[0] != "CONFIRMED 3/findings/f1" {
		t.Errorf("third draft: %q", got)
	}
}

func TestRaisedForTheJournal(t *testing.T) {
	s := &filingv1.Screening{Findings: []*corev1.Finding{
		{Rule: "FCR-19-3", Pack: "competition@2026.11"}, {Rule: "FCR-14-1", Pack: "competition@2026.11"},
		{Rule: "FCR-19-3", Pack: "competition@2026.11"}, {Rule: "FCR-19-3", Pack: "competition@2026.11", FirstRaised: "d/revisions/1/findings/f1"},
	}}
	var got []string
	for _, d := range raised(s) {
		got = append(got, d.GetName()+"="+d.GetValue())
	}
	if want := []string{"raised=FCR-14-1 competition@2026.11 1", "raised=FCR-19-3 competition@2026.11 2"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

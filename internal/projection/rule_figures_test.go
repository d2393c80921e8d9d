package projection

import (
	"fmt"
	"slices"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
)

// Rates come with what was divided by what; the worst rule first, and of equal rates
// the one that rests on more.
func TestFiguresOfRules(t *testing.T) {
	group := func(rule, pack string, state corev1.Disposition_State, ground corev1.Disposition_Ground, n int64) docstore.Group {
		return docstore.Group{Key: []any{rule, pack, int64(state), int64(ground)}, Sums: []int64{n}}
	}
	groups := []docstore.Group{
		group("A", "p@1", corev1.Disposition_OPEN, 0, 5),
		group("A", "p@1", corev1.Disposition_CONFIRMED, 0, 1),
		group("A", "p@1", corev1.Disposition_DISMISSED, corev1.Disposition_MISREAD, 2),
		group("A", "p@2", corev1.Disposition_EXCEPTION_CLAIMED, 0, 1),
		group("B", "p@1", corev1.Disposition_DISMISSED, corev1.Disposition_LEGAL_BASIS, 3),
		group("B", "p@1", corev1.Disposition_DISMISSED, corev1.Disposition_EXCEPTION_APPLIES, 1),
		group("C", "q@1", corev1.Disposition_CONFIRMED, 0, 2),
		group("D", "q@1", corev1.Disposition_CONFIRMED, 0, 4),
		group("D", "q@1", corev1.Disposition_DISMISSED, corev1.Disposition_OTHER, 8),
	}
	var got []string
	for _, f := range (Definition{RateName: "驳回率", Decimals: 1}).rules(groups) {
		got = append(got, fmt.Sprintf("%s %s: %d raised %d open %d confirmed %d dismissed %d claimed; %d/%d %q; %d grounds", f.GetRule(), f.GetPack(), f.GetRaisedCount(),
			f.GetOpenCount(), f.GetConfirmedCount(), f.GetDismissedCount(), f.GetExceptionClaimedCount(),
			f.GetDismissal().GetNumerator(), f.GetDismissal().GetDenominator(), f.GetDismissal().GetRate(), len(f.GetGrounds())))
	}
	want := []string{
		`B p@1: 4 raised 0 open 0 confirmed 4 dismissed 0 claimed; 3/4 "75.0%"; 2 grounds`,
		`D q@1: 12 raised 0 open 4 confirmed 8 dismissed 0 claimed; 8/12 "66.7%"; 1 grounds`,
		`A p@1: 8 raised 5 open 1 confirmed 2 dismissed 0 claimed; 2/3 "66.7%"; 1 grounds`,
		`C q@1: 2 raised 0 open 2 confirmed 0 dismissed 0 claimed; 0/2 "0.0%"; 0 grounds`,
		`A p@2: 1 raised 0 open 0 confirmed 0 dismissed 1 claimed; 0/0 ""; 0 grounds`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

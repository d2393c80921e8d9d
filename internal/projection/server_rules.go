package projection

import (
	"cmp"
	"context"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// ListRuleFigures implements WorkService.
func (s *Server) ListRuleFigures(ctx context.Context, in *corev1.ListRuleFiguresRequest) (*corev1.ListRuleFiguresResponse, error) {
	p, _, err := s.asked(ctx, regionName, in.GetParent(), in.GetService())
	if err != nil {
		return nil, err
	}
	if p.d.Rules.Text == "" {
		return nil, rpc.Field("service", "SERVICE_UNKNOWN", "这个服务没有规则统计")
	}
	dates, err := period(in.GetFirstDate(), in.GetLastDate())
	if err != nil {
		return nil, err
	}
	out := &corev1.ListRuleFiguresResponse{
		Definition: p.d.Rules.Text, RateDisplayName: p.d.Rules.RateName, QueryTime: timestamppb.New(s.now()),
	}
	if out.Watermark, err = p.watermark(ctx, in.GetParent()); err != nil {
		return nil, err
	}
	groups, err := p.rows.rules.Aggregate(ctx, docstore.Query{
		Equal: map[string]any{docstore.FieldParent: in.GetParent()}, Range: &dates,
	}, []string{"rule", "pack", "state", "ground"}, []string{"count"})
	if err != nil {
		return nil, err
	}
	out.RuleFigures = p.d.Rules.rules(groups)
	return out, nil
}

// rules makes the figures of rules of sums by rule, pack, state and ground, which come
// in this order. The highest rate of dismissals comes first, and of equal rates the one
// that rests on more.
func (d Definition) rules(groups []docstore.Group) []*corev1.RuleFigure {
	var out []*corev1.RuleFigure
	for _, g := range groups {
		rule, _ := g.Key[0].(string)
		pack, _ := g.Key[1].(string)
		state, _ := g.Key[2].(int64)
		ground, _ := g.Key[3].(int64)
		if n := len(out); n == 0 || out[n-1].GetRule() != rule || out[n-1].GetPack() != pack {
			out = append(out, &corev1.RuleFigure{Rule: rule, Pack: pack, Dismissal: &corev1.FigureValue{}})
		}
		count(out[len(out)-1], corev1.Disposition_State(state), corev1.Disposition_Ground(ground), g.Sums[0])
	}
	for _, f := range out {
		v := f.GetDismissal()
		v.Count = f.GetDismissedCount()
		v.Rate = percent(v.GetNumerator(), v.GetDenominator(), d.Decimals)
	}
	slices.SortStableFunc(out, func(a, b *corev1.RuleFigure) int {
		x, y := a.GetDismissal(), b.GetDismissal()
		return cmp.Or(
			cmp.Compare(y.GetNumerator()*max(x.GetDenominator(), 1), x.GetNumerator()*max(y.GetDenominator(), 1)),
			cmp.Compare(y.GetDenominator(), x.GetDenominator()),
		)
	})
	return out
}

// count adds findings that stand alike to the figure of their rule.
func count(f *corev1.RuleFigure, state corev1.Disposition_State, ground corev1.Disposition_Ground, n int64) {
	f.RaisedCount += n
	switch state {
	case corev1.Disposition_CONFIRMED:
		f.ConfirmedCount += n
		f.Dismissal.Denominator += n
	case corev1.Disposition_DISMISSED:
		f.DismissedCount += n
		f.Grounds = append(f.Grounds, &corev1.GroundCount{Ground: ground, Count: n})
		f.Dismissal.Denominator += n
		if ground != corev1.Disposition_EXCEPTION_APPLIES {
			f.Dismissal.Numerator += n
		}
	case corev1.Disposition_EXCEPTION_CLAIMED:
		f.ExceptionClaimedCount += n
	default:
		f.OpenCount += n
	}
}

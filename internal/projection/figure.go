package projection

import (
	"fmt"
	"math/big"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
)

// percent is the quotient in a hundred; empty where there is nothing to divide by.
func percent(numerator, denominator int64, decimals int) string {
	if denominator <= 0 {
		return ""
	}
	return quotient(numerator, denominator, 100, decimals) + "%"
}

// quotient divides so many times the numerator and rounds half up to so many
// decimals; empty where there is nothing to divide by. It is done in whole numbers, so
// that 0.5 is a half.
func quotient(numerator, denominator, times int64, decimals int) string {
	if denominator <= 0 {
		return ""
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
	below := big.NewInt(denominator)
	twice := new(big.Int).Mul(big.NewInt(2*times), new(big.Int).Mul(big.NewInt(numerator), scale))
	twice.Add(twice, below)
	n := twice.Div(twice, new(big.Int).Lsh(below, 1))
	if decimals == 0 {
		return n.String()
	}
	whole, part := new(big.Int).DivMod(n, scale, new(big.Int))
	return fmt.Sprintf("%s.%0*d", whole, decimals, part)
}

// figure makes a figure of the sums of its groups.
func (d Definition) figure(region string, groups []docstore.Group, grouped bool) *corev1.Figure {
	out := &corev1.Figure{
		Name: figureName(region, d.Code), Code: d.Code, DisplayName: d.DisplayName, Definition: d.Text,
		Unit: d.Unit, RateDisplayName: d.RateName, CategoryDisplayName: d.CategoryName,
	}
	var total [3]int64
	for _, g := range groups {
		for i := range total {
			total[i] += g.Sums[i]
		}
		if grouped {
			key, _ := g.Key[0].(string)
			out.Groups = append(out.Groups, &corev1.FigureGroup{Key: key, Value: d.value([3]int64(g.Sums))})
		}
	}
	out.Total = d.value(total)
	return out
}

// value makes a value of count, numerator and denominator.
func (d Definition) value(sums [3]int64) *corev1.FigureValue {
	v := &corev1.FigureValue{Count: sums[0], Numerator: sums[1], Denominator: sums[2]}
	switch {
	case d.RateName == "":
	case d.Mean:
		v.Rate = quotient(v.GetNumerator(), v.GetDenominator(), 1, d.Decimals)
	default:
		v.Rate = percent(v.GetNumerator(), v.GetDenominator(), d.Decimals)
	}
	return v
}

package officialdoc

import (
	"fmt"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/policytext"
)

// PlaceOf names a provision as a citation does, such as 第十条第一款第（二）项; empty
// for a place outside any article.
func PlaceOf(a *corev1.Anchor) string {
	if a.GetArticle() == 0 {
		return ""
	}
	place := "第" + policytext.FormatNumeral(int(a.GetArticle())) + "条"
	if n := a.GetParagraph(); n > 0 {
		place += "第" + policytext.FormatNumeral(int(n)) + "款"
	}
	if n := a.GetItem(); n > 0 {
		place += "第（" + policytext.FormatNumeral(int(n)) + "）项"
	}
	if n := a.GetSubItem(); n > 0 {
		place += fmt.Sprintf("第%d目", n)
	}
	return place
}

package rulebook

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What is looked for by hand is what these say.
var (
	itemForm    = regexp.MustCompile(`^[\s　]*[（(][一二三四五六七八九十百]{1,4}[）)]`)
	subItemForm = regexp.MustCompile(`^[\s　]*(?:[（(]\d{1,3}[）)]|\d{1,3}(?:[．、]|\.[^\d]))`)
	titleForm   = regexp.MustCompile(`《([^《》]{2,240})》`)
)

// TestMarksAgree: marks of items and titles in 《》 are where the expressions find them,
// in characters of both strung together.
func TestMarksAgree(t *testing.T) {
	parts := []string{" ", "　", "\t", "（", "(", "）", ")", "一", "十", "百", "1", "23", "．", ".", "、", "甲", "\xff", "《", "》", "管理", "《", "》", strings.Repeat("长", 118)}
	random := rand.New(rand.NewPCG(3, 4))
	items, subItems, titles := 0, 0, 0
	for range 200_000 {
		var b strings.Builder
		for range random.IntN(9) {
			b.WriteString(parts[random.IntN(len(parts))])
		}
		s := b.String()
		if got, want := itemMark(s), itemForm.MatchString(s); got != want {
			t.Fatalf("item %q: %v", s, got)
		} else if got {
			items++
		}
		if got, want := subItemMark(s), subItemForm.MatchString(s); got != want {
			t.Fatalf("sub-item %q: %v", s, got)
		} else if got {
			subItems++
		}
		var got [][]int
		for _, c := range citedTitles(s) {
			got = append(got, []int{c.start, c.end()})
		}
		want := titleForm.FindAllStringIndex(s, -1)
		if !slices.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("titles of %q: %v, not %v", s, got, want)
		}
		titles += len(got)
	}
	if items < 100 || subItems < 100 || titles < 100 {
		t.Errorf("%d items, %d sub-items, %d titles are too few to tell", items, subItems, titles)
	}
}

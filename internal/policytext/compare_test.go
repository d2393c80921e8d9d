package policytext

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
)

// told writes a comparison on lines: what happened, from where, to where, and the
// words with [-deleted-] and {+inserted+}.
func told(c *corev1.Comparison) string {
	var b strings.Builder
	for _, ch := range c.GetChanges() {
		fmt.Fprintf(&b, "%s %s>%s ", ch.GetKind(), cmpName(ch.GetBefore()), cmpName(ch.GetAfter()))
		for _, s := range ch.GetSegments() {
			switch s.GetOperation() {
			case corev1.Comparison_Segment_DELETED:
				fmt.Fprintf(&b, "[-%s-]", s.GetText())
			case corev1.Comparison_Segment_INSERTED:
				fmt.Fprintf(&b, "{+%s+}", s.GetText())
			default:
				b.WriteString(s.GetText())
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func cmpName(p *corev1.Comparison_Place) string {
	if p == nil {
		return "-"
	}
	return p.GetProvision()
}

const compared = "示例办法\n第一章　总则\n第一条　为了示例，制定本办法。\n第二条　申请补贴应当符合下列条件：\n（一）具有独立法人资格；\n（二）在本区登记注册满二年；\n（三）信用记录良好。\n第三条　补贴标准为每人每月1200元。\n第四条　本办法自2026年5月1日起施行。\n"

func compare(t testing.TB, before, after *corev1.PolicyText) *corev1.Comparison {
	t.Helper()
	c, err := Compare(context.Background(), before, after)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Texts made to take long cost a bounded effort, and end with their caller.
func TestCompareEffort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	noise := func(lines, length int) *corev1.PolicyText {
		var b strings.Builder
		for range lines {
			for range length {
				b.WriteRune(rune(0x4e00 + r.IntN(2000)))
			}
			b.WriteString("\n")
		}
		return &corev1.PolicyText{Text: b.String()}
	}
	for name, n := range map[string][2]int{"one long line": {1, 1 << 20}, "many long lines": {190, 2000}, "many lines": {20_000, 10}} {
		t.Run(name, func(t *testing.T) {
			before, after := noise(n[0], n[1]), noise(n[0], n[1])
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			c, err := Compare(ctx, before, after)
			if err != nil {
				t.Fatal(err)
			}
			checkComparison(t, before, after, c)
			cancel()
			if _, err := Compare(ctx, before, after); !errors.Is(err, context.Canceled) {
				t.Errorf("given up: %v", err)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(string) string
		want string
	}{
		{"itself", func(s string) string { return s }, ""},
		{"blanks", func(s string) string { return strings.ReplaceAll(s, "条　", "条 ") + "\n\n" }, ""},
		{"words and a number", func(s string) string { return strings.Replace(s, "1200元", "1500元", 1) },
			"CHANGED art-3.para-1>art-3.para-1 补贴标准为每人每月[-1200-]{+1500+}元。\n"},
		{"a number with separators", func(s string) string { return strings.Replace(s, "1200元", "1,200.50元", 1) },
			"CHANGED art-3.para-1>art-3.para-1 补贴标准为每人每月[-1200-]{+1,200.50+}元。\n"},
		{"a single character that recurs is no island", func(s string) string {
			return strings.Replace(s, "在本区登记注册满二年", "在本市登记、经营满三年", 1)
		},
			"CHANGED art-2.para-1.item-2>art-2.para-1.item-2 在本[-区-]{+市+}登记[-注册满二-]{+、经营满三+}年；\n"},
		{"an item is dropped, the next moves up", func(s string) string {
			return strings.Replace(s, "（二）在本区登记注册满二年；\n（三）", "（二）", 1)
		},
			"REMOVED art-2.para-1.item-2>- [-在本区登记注册满二年；-]\nRENUMBERED art-2.para-1.item-3>art-2.para-1.item-2 \n"},
		{"an article comes in", func(s string) string {
			return strings.NewReplacer("第三条", "第三条　本办法由主管部门组织实施。\n第四条", "第四条", "第五条").Replace(s)
		},
			"ADDED ->art-3.para-1 {+本办法由主管部门组织实施。+}\nRENUMBERED art-3.para-1>art-4.para-1 \nRENUMBERED art-4.para-1>art-5.para-1 \n"},
		{"an article goes elsewhere, with another word", func(s string) string {
			s = strings.Replace(s, "第三条　补贴标准为每人每月1200元。\n", "", 1)
			s = strings.Replace(s, "第二条", "第二条　补贴标准为每人每月1300元。\n第三条", 1)
			return s
		},
			"MOVED art-3.para-1>art-2.para-1 补贴标准为每人每月[-1200-]{+1300+}元。\nRENUMBERED art-2.para-1>art-3.para-1 \n"},
		{"a chapter of another name", func(s string) string { return strings.Replace(s, "第一章　总则", "第一章　一般规定", 1) },
			"CHANGED chap-1>chap-1 [-总则-]{+一般规定+}\n"},
		{"title", func(s string) string { return strings.Replace(s, "示例办法\n", "示例暂行办法\n", 1) },
			"CHANGED > 示例{+暂行+}办法\n"},
		{"everything", func(string) string { return "通知\n各单位：\n请遵照执行。\n" }, "REMOVED >- [-示例办法-]\nREMOVED chap-1>- [-总则-]\n"},
		{"nothing of it is left", func(string) string { return "甲\n" }, "REMOVED >- [-示例办法-]\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := told(compare(t, mustRead(t, []byte(compared)).Text, mustRead(t, []byte(tt.edit(compared))).Text))
			if got != tt.want && (tt.name[0] != 'e' && tt.name[0] != 'n' || !strings.HasPrefix(got, tt.want)) {
				t.Errorf("\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// Whatever was edited: what a comparison says of the older text is all of it that
// did not stay, and of the newer one likewise; each line is told of once; the words
// add up; and the same texts are told of alike.
func TestCompareAddsUp(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 7))
	base := strings.Split(strings.TrimSuffix(compared, "\n"), "\n")
	for range 500 {
		lines := slices.Clone(base)
		for range r.IntN(5) {
			i, k := r.IntN(len(lines)), r.IntN(len(lines))
			switch r.IntN(4) {
			case 0:
				lines = slices.Delete(lines, i, i+1)
			case 1:
				lines = slices.Insert(lines, i, fmt.Sprintf("新增内容%d，应当公布。", r.IntN(3)))
			case 2:
				lines[i], lines[k] = lines[k], lines[i]
			default:
				lines[i] = strings.Replace(lines[i], "本", "该", 1)
			}
			if len(lines) == 0 {
				lines = []string{"甲"}
			}
		}
		before, after := mustRead(t, []byte(compared)).Text, mustRead(t, []byte(strings.Join(lines, "\n")+"\n")).Text
		c := compare(t, before, after)
		checkComparison(t, before, after, c)
		if again := compare(t, before, after); told(again) != told(c) {
			t.Fatalf("told otherwise the second time:\n%s\n%s", told(c), told(again))
		}
	}
}

// checkComparison applies a comparison to the lines of the older text and looks
// whether the newer one's come out.
func checkComparison(t *testing.T, before, after *corev1.PolicyText, c *corev1.Comparison) {
	t.Helper()
	lines := func(text *corev1.PolicyText) map[int32]string {
		out := map[int32]string{}
		for _, u := range unitsOf(text) {
			out[u.place.GetStart()] = u.words
		}
		return out
	}
	old, fresh := lines(before), lines(after)
	for _, ch := range c.GetChanges() {
		gone, come := "", ""
		for _, s := range ch.GetSegments() {
			if s.GetOperation() != corev1.Comparison_Segment_INSERTED {
				gone += s.GetText()
			}
			if s.GetOperation() != corev1.Comparison_Segment_DELETED {
				come += s.GetText()
			}
		}
		for _, side := range []struct {
			place *corev1.Comparison_Place
			words string
			left  map[int32]string
		}{{ch.GetBefore(), gone, old}, {ch.GetAfter(), come, fresh}} {
			if side.place == nil {
				continue
			}
			words, there := side.left[side.place.GetStart()]
			if !there || ch.GetSegments() != nil && words != side.words {
				t.Fatalf("%v\nsays %q, the text %q (%t)", ch, side.words, words, there)
			}
			delete(side.left, side.place.GetStart())
		}
	}
	stayed := func(m map[int32]string) []string {
		var out []string
		for _, words := range m {
			out = append(out, squeeze(words))
		}
		slices.Sort(out)
		return out
	}
	if a, b := stayed(old), stayed(fresh); !slices.Equal(a, b) {
		t.Fatalf("what is not told of differs:\n%q\n%q\n%s", a, b, told(c))
	}
}

func FuzzCompare(f *testing.F) {
	f.Add(compared, strings.Replace(compared, "1200", "1500", 1))
	f.Add("第一条　甲\n", "第一条　甲\n第一条　甲\n")
	f.Add("1.\n（一）", "（一）\n1.甲")
	f.Fuzz(func(t *testing.T, a, b string) {
		limits := DefaultLimits()
		limits.TextBytes = 1 << 14
		before, err := Read(t.Context(), []byte(a), limits)
		if err != nil {
			return
		}
		after, err := Read(t.Context(), []byte(b), limits)
		if err != nil {
			return
		}
		checkComparison(t, before.Text, after.Text, compare(t, before.Text, after.Text))
	})
}

// BenchmarkCompare compares a text of some 370 KB with a version of it in which one
// article in nine has changed.
func BenchmarkCompare(b *testing.B) {
	var before, after strings.Builder
	for n := 1; n <= 900; n++ {
		line := fmt.Sprintf("第%s条　市、区人民政府应当加强对本行政区域内示例事项的领导，建立健全工作协调机制，所需经费列入本级财政预算，具体办法由主管部门会同有关部门制定，并报第%d号台账备案。违反本条规定的，由有权机关责令改正；情节严重的，依照有关法律、法规的规定处理。\n", FormatNumeral(n), n)
		before.WriteString(line)
		switch n % 27 {
		case 0:
		case 9:
			after.WriteString(strings.Replace(line, "协调机制", "联席会议制度", 1))
		case 18:
			after.WriteString(strings.Replace(line, "示例事项", "有关工作", 1) + "　　新增一款，另有规定的除外。\n")
		default:
			after.WriteString(line)
		}
	}
	x, err := Read(b.Context(), []byte(before.String()), DefaultLimits())
	if err != nil {
		b.Fatal(err)
	}
	y, err := Read(b.Context(), []byte(after.String()), DefaultLimits())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(before.Len()))
	for b.Loop() {
		compare(b, x.Text, y.Text)
	}
}

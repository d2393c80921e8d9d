package policytext

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
)

// anchorAt makes the anchor of the nth place of a quote, from 0.
func anchorAt(t testing.TB, text *corev1.PolicyText, quote string, n int) *corev1.Anchor {
	t.Helper()
	at := occurrences(text.GetText(), quote)
	if n >= len(at) {
		t.Fatalf("%q stands %d times", quote, len(at))
	}
	start := utf8.RuneCountInString(text.GetText()[:at[n]])
	return AnchorAt(text, "old", start, start+utf8.RuneCountInString(quote))
}

func carryOne(t testing.TB, before, after *corev1.PolicyText, a *corev1.Anchor) *corev1.CarriedAnchor {
	t.Helper()
	out, err := Carry(t.Context(), before, after, []*corev1.Anchor{a}, "new")
	if err != nil {
		t.Fatal(err)
	}
	checkCarried(t, before, after, out[0])
	return out[0]
}

// checkCarried holds what must be true of any carried anchor.
func checkCarried(t testing.TB, before, after *corev1.PolicyText, c *corev1.CarriedAnchor) {
	t.Helper()
	now := c.GetCarried()
	found := c.GetOutcome() == corev1.CarriedAnchor_SAME || c.GetOutcome() == corev1.CarriedAnchor_MOVED
	if found != (now != nil) || c.GetOutcome() == 0 {
		t.Fatalf("outcome and place do not go together: %v", c)
	}
	if now == nil {
		return
	}
	quote := c.GetAnchor().GetQuote()
	if now.GetQuote() != quote || Slice(after, int(now.GetStart()), int(now.GetEnd())) != quote || now.GetRevision() != "new" {
		t.Fatalf("carried to %q: %v", Slice(after, int(now.GetStart()), int(now.GetEnd())), c)
	}
	if Slice(before, int(c.GetAnchor().GetStart()), int(c.GetAnchor().GetEnd())) != quote {
		t.Fatalf("carried from a place without its quote: %v", c)
	}
}

const carried = `示例办法
第一条　为了示例，制定本办法。
第二条　有下列情形之一的，可以办理，也可以不予办理：
（一）情形甲；
（二）法律、法规规定的其他情形。
第三条　申请人应当提交下列材料：
（一）申请书；
（二）法律、法规规定的其他情形。
申请人应当对材料负责。
第四条　本办法自2026年5月1日起施行。
`

func TestCarry(t *testing.T) {
	replace := func(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }
	renumber := replace("第一条", "第一条　新增的条文。\n第二条", "第二条", "第三条", "第三条", "第四条", "第四条", "第五条")
	for _, tt := range []struct {
		name, quote string
		nth         int
		edit        func(string) string
		want        string // outcome, article.paragraph.item, + when reworded
	}{
		{"nothing changed", "应当提交", 0, replace(), "SAME 3.1.0"},
		{"blanks", "应当提交", 0, replace("第三条　", "第三条 "), "SAME 3.1.0"},
		{"renumbered", "应当提交", 0, renumber, "MOVED 4.1.0"},
		{"an item of a renumbered article", "其他情形", 1, renumber, "MOVED 4.1.2"},
		{"words before it", "应当提交", 0, replace("申请人应当提交", "申请人依法应当提交"), "SAME 3.1.0+"},
		{"the quote itself", "应当提交", 0, replace("应当提交", "须提交"), "CHANGED"},
		{"the quote went to another provision", "为了示例", 0, replace("为了示例，", "", "材料负责", "为了示例材料负责"), "CHANGED"},
		{"its provision is gone", "材料负责", 0, replace("申请人应当对材料负责。\n", ""), "REMOVED"},
		{"one of two in a line, first", "可以", 0, replace("情形之一", "条件之一"), "SAME 2.1.0+"},
		{"one of two in a line, second", "可以", 1, replace("情形之一", "条件之一"), "SAME 2.1.0+"},
		{"one of two is dropped", "可以", 1, replace("可以办理，也", ""), "CHANGED"},
		{"one is dropped, another comes", "可以", 0, replace("可以办理，也可以不予办理", "也可以不予办理，可以延期"), "CHANGED"},
		{"the first of two like items is dropped", "法律、法规规定的其他情形", 0, replace("（一）情形甲；\n（二）法律、法规规定的其他情形。\n", "（一）情形甲。\n"), "REMOVED"},
		{"the article with the first of two like items is dropped", "法律、法规规定的其他情形", 1,
			func(s string) string {
				from, to := strings.Index(s, "第二条"), strings.Index(s, "第三条")
				return strings.NewReplacer("第三条", "第二条", "第四条", "第三条").Replace(s[:from] + s[to:])
			}, "MOVED 2.1.2"},
		{"several lines", "申请书；\n（二）法律", 0, renumber, "MOVED 4.1.0"},
		{"several lines torn apart", "申请书；\n（二）法律", 0, replace("申请书；\n", "申请书；\n（二）身份证明；\n"), "CHANGED"},
		{"it moves", "施行", 0, func(s string) string {
			s = strings.Replace(s, "第四条　本办法自2026年5月1日起施行。\n", "", 1)
			return strings.Replace(s, "示例办法\n", "示例办法\n第零条　本办法自2026年5月1日起施行。\n", 1)
		}, "MOVED 0.1.0"},
		{"outside every provision", "示例办法", 0, replace("第二条　有", "第二条　凡有"), "SAME 0.0.0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, after := mustRead(t, []byte(carried)).Text, mustRead(t, []byte(tt.edit(carried))).Text
			c := carryOne(t, before, after, anchorAt(t, before, tt.quote, tt.nth))
			got := c.GetOutcome().String()
			if now := c.GetCarried(); now != nil {
				got += fmt.Sprintf(" %d.%d.%d", now.GetArticle(), now.GetParagraph(), now.GetItem())
				if c.GetReworded() {
					got += "+"
				}
			}
			if got != tt.want {
				t.Errorf("%s, want %s: %v", got, tt.want, c)
			}
		})
	}
}

// Of two provisions alike one is left, in other words: nobody can tell which it was.
func TestCarryFromOneOfTwoAlike(t *testing.T) {
	before := mustRead(t, []byte("示例办法\n第一条　甲类企业应当公布年度结果。\n第二条　乙类企业应当公布年度结果。\n第三条　本办法自公布之日起施行。\n")).Text
	after := mustRead(t, []byte("示例办法\n第一条　丙类企业应当公布年度结果。\n第二条　本办法自公布之日起施行。\n")).Text
	for n := range 2 {
		c := carryOne(t, before, after, anchorAt(t, before, "应当公布", n))
		if c.GetCarried() != nil {
			t.Errorf("the quote of article %d went to %v", n+1, c.GetCarried())
		}
	}
}

// An anchor that is not what it says is carried nowhere.
func TestCarryFalseAnchors(t *testing.T) {
	text := mustRead(t, []byte(carried)).Text
	for _, a := range []*corev1.Anchor{
		{}, {Quote: "示例"}, {Start: -3, End: 2, Quote: "示例"}, {Start: 2, End: 1}, {Start: 1, End: 3, Quote: "示例"},
		{Start: 0, End: 1 << 30, Quote: "示"}, {Start: 4, End: 5, Quote: "\n"},
	} {
		if c := carryOne(t, text, text, a); c.GetOutcome() != corev1.CarriedAnchor_CHANGED || !proto.Equal(c.GetAnchor(), a) {
			t.Errorf("%v carried: %v", a, c)
		}
	}
}

// draftArticle is an article that knows itself through versions.
type draftArticle struct {
	name  string // stands once in its first line, as long as the article lives
	head  string
	items []string
	from  string // the article whose second half and items it was
}

func written(articles []draftArticle) string {
	var b strings.Builder
	b.WriteString("示例办法\n")
	for i, a := range articles {
		fmt.Fprintf(&b, "第%s条　%s事项%s：\n", FormatNumeral(i+1), a.name, a.head)
		for k, item := range a.items {
			fmt.Fprintf(&b, "（%s）%s；\n", FormatNumeral(k+1), item)
		}
	}
	return b.String()
}

// edited makes a next version: articles come, go, change places and words.
func edited(r *rand.Rand, articles []draftArticle, fresh *int) []draftArticle {
	out := make([]draftArticle, len(articles))
	for i, a := range articles {
		out[i] = draftArticle{a.name, a.head, append([]string(nil), a.items...), a.from}
	}
	for range 1 + r.IntN(4) {
		i, k := r.IntN(len(out)), r.IntN(len(out))
		switch r.IntN(8) {
		case 0:
			if len(out) > 1 {
				out = append(out[:i:i], out[i+1:]...)
			}
		case 1:
			*fresh++
			out = append(out[:i:i], append([]draftArticle{{fmt.Sprintf("新设第%d号", *fresh), "应当公开透明地办理", []string{"应当公布", "其他情形"}, ""}}, out[i:]...)...)
		case 2:
			out[i], out[k] = out[k], out[i]
		case 3:
			out[i].head += "，并且应当公布"
		case 4:
			if n := len(out[i].items); n > 0 {
				out[i].items = out[i].items[:n-1]
			}
		case 5: // an article is split, its items go with the second half
			if head, rest, ok := strings.Cut(out[i].head, "，"); ok {
				*fresh++
				second := draftArticle{"拆出" + FormatNumeral(*fresh), rest, out[i].items, out[i].name}
				out[i].head, out[i].items = head, nil
				out = append(out[:i+1:i+1], append([]draftArticle{second}, out[i+1:]...)...)
			}
		case 6: // an article takes the next one up
			if i+1 < len(out) {
				out[i].head += "；" + out[i+1].name + "事项" + out[i+1].head
				out[i].items = append(out[i].items, out[i+1].items...)
				out = append(out[:i+1:i+1], out[i+2:]...)
			}
		default:
			out[i].items = append(out[i].items, "应当公布")
		}
	}
	return out
}

// However a text was edited, a carried place holds its quote, and it stands in the
// article that it stood in.
func TestCarryNeverToAWrongPlace(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 5))
	quotes := []string{"应当", "其他情形", "公布", "事项", "可以依法办理", "（二）", "情形；\n（"}
	fresh, carriedOn, moved := 0, 0, 0
	for range 400 {
		var articles []draftArticle
		for _, name := range []string{"市容绿化", "消防设施", "殡葬服务", "养犬登记", "校车许可", "二次供水"} {
			articles = append(articles, draftArticle{name, "应当可以依法办理，" + name + "公布之后应当备案",
				[]string{"应当公布", "其他情形", "应当说明理由"}, ""})
		}
		next := edited(r, articles, &fresh)
		before, after := mustRead(t, []byte(written(articles))).Text, mustRead(t, []byte(written(next))).Text
		for _, quote := range quotes {
			for n := range occurrences(before.GetText(), quote) {
				a := anchorAt(t, before, quote, n)
				c := carryOne(t, before, after, a)
				if c.GetCarried() == nil {
					continue
				}
				carriedOn++
				if c.GetOutcome() == corev1.CarriedAnchor_MOVED {
					moved++
				}
				was, is := articles[a.GetArticle()-1], next[c.GetCarried().GetArticle()-1]
				parted := is.from == was.name && strings.Contains(Slice(before, int(a.GetStart())-30, int(a.GetStart())), was.name+"事项"+"应当可以依法办理，")
				if was.name != is.name && !strings.Contains(is.head, was.name) && !parted {
					t.Fatalf("%q of %s went to %s\n%s\n%s", quote, was.name, is.name, before.GetText(), after.GetText())
				}
			}
		}
	}
	if carriedOn < 10_000 || moved < 1_000 {
		t.Errorf("only %d carried, %d of them moved", carriedOn, moved)
	}
}

func FuzzCarry(f *testing.F) {
	f.Add(carried, strings.Replace(carried, "第三条", "第四条", 1), 3, 9)
	f.Add("第一条　甲甲\n", "第一条　甲\n第一条　甲甲\n", 4, 5)
	f.Fuzz(func(t *testing.T, a, b string, start, end int) {
		limits := DefaultLimits()
		limits.TextBytes = 1 << 13
		before, err := Read(t.Context(), []byte(a), limits)
		if err != nil {
			return
		}
		after, err := Read(t.Context(), []byte(b), limits)
		if err != nil {
			return
		}
		n := utf8.RuneCountInString(before.Text.GetText())
		start, end = max(0, min(start, n)), max(0, min(end, n))
		carryOne(t, before.Text, after.Text, &corev1.Anchor{Start: int32(start), End: int32(end), Quote: Slice(before.Text, start, end)})
	})
}

// BenchmarkCarry carries a hundred anchors of a text of some 370 KB.
func BenchmarkCarry(b *testing.B) {
	var before, after strings.Builder
	for n := 1; n <= 900; n++ {
		line := fmt.Sprintf("第%s条　市、区人民政府应当加强对本行政区域内示例事项的领导，建立健全工作协调机制，所需经费列入本级财政预算，具体办法由主管部门会同有关部门制定，并报第%d号台账备案。违反本条规定的，由有权机关责令改正；情节严重的，依照有关法律、法规的规定处理。\n", FormatNumeral(n), n)
		before.WriteString(line)
		if n%9 == 0 {
			line = strings.Replace(line, "协调机制", "联席会议制度", 1)
		}
		after.WriteString(line)
	}
	x, y := mustRead(b, []byte(before.String())).Text, mustRead(b, []byte(after.String())).Text
	var anchors []*corev1.Anchor
	for n := range 100 {
		anchors = append(anchors, anchorAt(b, x, "示例事项", 9*n))
	}
	for b.Loop() {
		if _, err := Carry(b.Context(), x, y, anchors, "new"); err != nil {
			b.Fatal(err)
		}
	}
}

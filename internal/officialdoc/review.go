package officialdoc

import (
	"cmp"
	"fmt"
	"strings"

	"fashen/internal/calendar"
)

// Conclusion is what a legality review concludes (国办发〔2018〕115号).
type Conclusion int

// The conclusions.
const (
	Lawful Conclusion = iota + 1
	Revise
	Unlawful
)

// Item is a point that a review makes.
type Item struct {
	// Place is the provision, such as 第八条第二款; empty for the whole draft.
	Place string
	// Quote is what stands there; may be empty.
	Quote string
	// Problem is what is wrong.
	Problem string
	// Basis is the law it is measured by; may be empty.
	Basis string
	// Suggestion is what to write in its place; may be empty.
	Suggestion string
}

// ReviewOpinion is a 法制审核意见书.
type ReviewOpinion struct {
	Head

	// Draft is the title of the draft, without 《》.
	Draft string
	// VersionDigest is the SHA-256 digest of the version that was reviewed, if known.
	VersionDigest string
	Conclusion    Conclusion
	// Summary is the view as a whole; may be empty.
	Summary string
	// Items are needed unless the draft is lawful.
	Items []Item
}

// The rules that every review of a normative document goes by.
const (
	reviewRules = "《国务院办公厅关于全面推行行政规范性文件合法性审核机制的指导意见》（国办发〔2018〕115号）"
	filingRules = "《国务院办公厅关于加强行政规范性文件制定和监督管理工作的通知》（国办发〔2018〕37号）"
)

// ReviewOpinion writes the opinion of a legality review.
func (t Template) ReviewOpinion(o ReviewOpinion) (Letter, error) {
	if err := named("draft", "送审稿名称", o.Draft); err != nil {
		return Letter{}, err
	}
	said := map[Conclusion][2]string{
		Lawful:   {"经审核，送审稿合法。", "送审稿在提请集体审议前有实质性修改的，应当重新报送审核。"},
		Revise:   {"经审核，送审稿应当予以修改。", "请根据上述意见对送审稿作出修改或者补充。未完全采纳的，应当在提请集体审议时详细说明理由和依据。"},
		Unlawful: {"经审核，送审稿不合法。", "送审稿不得提交集体审议。重新起草的，应当重新报送审核。"},
	}[o.Conclusion]
	if said[0] == "" {
		return Letter{}, refuse("conclusion", "审核结论应当为合法、应当予以修改或者不合法")
	}
	if o.Conclusion != Lawful && len(o.Items) == 0 {
		return Letter{}, refuse("items", "审核结论不是合法的，应当有具体意见")
	}
	l, err := t.letter(o.Head, "关于"+quoted(o.Draft)+"的法制审核意见书")
	if err != nil {
		return Letter{}, err
	}
	w := t.fill(t.Review.or("你单位报送的{draft}（以下简称送审稿）及有关材料收悉。我单位依照{rules}进行了审核，现提出如下意见：", "以上意见，请研究办理。"), o.Draft, reviewRules, "")
	l.say("%s", w.Opening)
	l.section("审核结论")
	l.say("%s", said[0])
	l.say("%s", o.Summary)
	if err := l.items("具体意见", "问题及依据", o.Items); err != nil {
		return Letter{}, err
	}
	l.section("有关要求")
	l.say("%s", said[1])
	if o.VersionDigest != "" {
		l.say("本意见仅针对文件摘要（SHA-256）如下的送审稿：\n%s", o.VersionDigest)
	}
	l.say("%s", w.Closing)
	return l.done()
}

// items are the points of a review as a table in a section of its own.
func (l *Letter) items(title, problems string, items []Item) error {
	if len(items) == 0 {
		return nil
	}
	table := Table{Header: []string{"序号", "送审稿条文", problems, "修改建议"}, Widths: []int{3, 9, 10, 8}}
	for i, it := range items {
		if err := named(fmt.Sprintf("items[%d].problem", i), "问题", it.Problem); err != nil {
			return err
		}
		lines := func(parts ...string) string { return strings.TrimSpace(strings.Join(parts, "\n")) }
		basis := it.Basis
		if basis != "" {
			basis = "依据：" + basis
		}
		place := cmp.Or(it.Place, "全文")
		table.Rows = append(table.Rows, []string{fmt.Sprint(i + 1), lines(place, it.Quote), lines(it.Problem, basis), it.Suggestion})
	}
	l.section(title)
	l.Body = append(l.Body, table)
	return nil
}

// ReturnNotice is a notice that a draft goes back to its drafting unit.
type ReturnNotice struct {
	Head

	Draft   string
	Reasons []string
}

// ReturnNotice writes it.
func (t Template) ReturnNotice(n ReturnNotice) (Letter, error) {
	if err := named("draft", "送审稿名称", n.Draft); err != nil {
		return Letter{}, err
	}
	if err := named("reasons", "退回理由", n.Reasons...); err != nil {
		return Letter{}, err
	}
	l, err := t.letter(n.Head, "关于退回"+quoted(n.Draft)+"的通知")
	if err != nil {
		return Letter{}, err
	}
	w := t.fill(t.Return.or("你单位报送的{draft}及有关材料收悉。依照{rules}，该送审稿存在下列问题，现予退回：", "请改正后重新报送。审核期限自收到齐备的材料之日起计算。"), n.Draft, reviewRules, "")
	l.say("%s", w.Opening)
	l.list(n.Reasons)
	l.say("%s", w.Closing)
	return l.done()
}

// SupplementNotice asks a drafting unit for what is missing.
type SupplementNotice struct {
	Head

	Draft     string
	Materials []string
	// Due is the last day; none when zero.
	Due calendar.Date
}

// SupplementNotice writes it.
func (t Template) SupplementNotice(n SupplementNotice) (Letter, error) {
	if err := named("draft", "送审稿名称", n.Draft); err != nil {
		return Letter{}, err
	}
	if err := named("materials", "需要补充的材料", n.Materials...); err != nil {
		return Letter{}, err
	}
	if !n.Due.IsZero() && n.Due.Before(n.Date) {
		return Letter{}, refuse("due", "补充材料的期限早于成文日期")
	}
	l, err := t.letter(n.Head, "关于补充"+quoted(n.Draft)+"送审材料的通知")
	if err != nil {
		return Letter{}, err
	}
	by := ""
	if !n.Due.IsZero() {
		by = "于" + longDate(n.Due) + "前"
	}
	w := t.fill(t.Supplement.or("你单位报送的{draft}及有关材料收悉。依照{rules}，请{due}补充下列材料：", "补充材料的时间不计入审核期限。"), n.Draft, reviewRules, by)
	l.say("%s", w.Opening)
	l.list(n.Materials)
	l.say("%s", w.Closing)
	return l.done()
}

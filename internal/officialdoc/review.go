package officialdoc

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"fashen/internal/calendar"
)

// Conclusion is what a legality review concludes (国办发〔2018〕115号).
type Conclusion int

// The conclusions, by how far they hold a draft up.
const (
	Lawful Conclusion = iota + 1
	// LawfulWithRisk is known to the review of some subjects only, among them a decision
	// on an exploratory reform (重大行政决策程序暂行条例 art 25).
	LawfulWithRisk
	Revise
	Unlawful
)

// conclusionNames are the conclusions in a list.
var conclusionNames = map[Conclusion]string{
	Lawful: "合法", LawfulWithRisk: "合法，但存在法律风险", Revise: "应当予以修改", Unlawful: "不合法",
}

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

// ReviewOpinion is a 法制审核意见书; on a major decision, a 合法性审查意见书.
type ReviewOpinion struct {
	Head

	Subject Subject
	// Draft is the title of the draft, without 《》.
	Draft string
	// VersionDigest is the SHA-256 digest of the version that was reviewed, if known.
	VersionDigest string
	// Conclusion is that on the whole: of several drafts the gravest.
	Conclusion Conclusion
	// Risk says what is risky; needed where that is concluded.
	Risk string
	// Summary is the view as a whole; may be empty.
	Summary string
	// Items are needed unless the draft is lawful.
	Items []Item
	// Covers are the drafts of an opinion on several, Draft among them; empty otherwise.
	Covers []CoveredDraft
}

// CoveredDraft is one of several drafts that an opinion is on.
type CoveredDraft struct {
	Title, VersionDigest string
	Conclusion           Conclusion
}

// The rules that every review of a normative document goes by.
const (
	reviewRules = "《国务院办公厅关于全面推行行政规范性文件合法性审核机制的指导意见》（国办发〔2018〕115号）"
	filingRules = "《国务院办公厅关于加强行政规范性文件制定和监督管理工作的通知》（国办发〔2018〕37号）"
)

// check tells the first thing that an opinion lacks.
func (o ReviewOpinion) check() error {
	if err := named("draft", "送审稿名称", o.Draft); err != nil {
		return err
	}
	risky := false
	for i, c := range o.concluded() {
		field := "conclusion"
		if len(o.Covers) > 0 {
			if err := named(fmt.Sprintf("covers[%d].title", i), "送审稿名称", c.Title); err != nil {
				return err
			}
			field = fmt.Sprintf("covers[%d].conclusion", i)
		}
		if _, known := subjectWordings[o.Subject].said[c.Conclusion]; !known {
			return refuse(field, "该类事项没有这种审核结论")
		}
		if c.Conclusion > LawfulWithRisk && len(o.Items) == 0 {
			return refuse("items", "审核结论为应当予以修改或者不合法的，应当有具体意见")
		}
		risky = risky || c.Conclusion == LawfulWithRisk
	}
	if risky {
		return named("risk", "法律风险说明", o.Risk)
	}
	return nil
}

// concluded are the drafts with what is concluded on each.
func (o ReviewOpinion) concluded() []CoveredDraft {
	if len(o.Covers) == 0 {
		return []CoveredDraft{{o.Draft, o.VersionDigest, o.Conclusion}}
	}
	return o.Covers
}

// ReviewOpinion writes the opinion of a legality review.
func (t Template) ReviewOpinion(o ReviewOpinion) (Letter, error) {
	if err := o.check(); err != nil {
		return Letter{}, err
	}
	draft := quoted(o.Draft)
	if len(o.Covers) > 1 {
		draft = fmt.Sprintf("%s等%d件", draft, len(o.Covers))
	}
	l, err := t.letter(o.Head, "关于"+draft+"的"+o.Subject.Title())
	if err != nil {
		return Letter{}, err
	}
	w := t.fill(t.reviewWording(o.Subject), draft, t.rulesOf(o.Subject), "")
	l.say("%s", w.Opening)
	l.conclusions(o)
	l.say("%s", o.Summary)
	if o.Risk != "" {
		l.section("法律风险")
		l.say("%s", o.Risk)
	}
	if err := l.items("具体意见", "问题及依据", o.Items); err != nil {
		return Letter{}, err
	}
	l.demands(o)
	l.say("%s", w.Closing)
	return l.done()
}

// conclusions say what is concluded, of several drafts on each.
func (l *Letter) conclusions(o ReviewOpinion) {
	l.section(o.Subject.act() + "结论")
	if len(o.Covers) == 0 {
		l.say("%s", subjectWordings[o.Subject].said[o.Conclusion].finding)
		return
	}
	l.say("经%s，对各件的结论如下：", o.Subject.act())
	for _, c := range o.Covers {
		l.say("%s：%s。", quoted(c.Title), conclusionNames[c.Conclusion])
	}
}

// demands say what each conclusion asks for, and of which versions the opinion is.
func (l *Letter) demands(o ReviewOpinion) {
	l.section("有关要求")
	drafts := o.concluded()
	mixed := slices.ContainsFunc(drafts, func(c CoveredDraft) bool { return c.Conclusion != drafts[0].Conclusion })
	for conclusion := Lawful; conclusion <= Unlawful; conclusion++ {
		if !slices.ContainsFunc(drafts, func(c CoveredDraft) bool { return c.Conclusion == conclusion }) {
			continue
		}
		demand := subjectWordings[o.Subject].said[conclusion].demand
		if mixed {
			demand = "结论为“" + conclusionNames[conclusion] + "”的：" + demand
		}
		l.say("%s", demand)
	}
	var digests []string
	for _, c := range drafts {
		if c.VersionDigest == "" {
			continue
		}
		if len(o.Covers) > 0 {
			digests = append(digests, quoted(c.Title)+"：")
		}
		digests = append(digests, c.VersionDigest)
	}
	if len(digests) > 0 {
		l.say("本意见仅针对文件摘要（SHA-256）如下的送审稿：\n%s", strings.Join(digests, "\n"))
	}
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
	w := t.fill(t.Return.or("你单位报送的{draft}及有关材料收悉。依照{rules}，该送审稿存在下列问题，现予退回：", "请改正后重新报送。审核期限自收到齐备的材料之日起计算。"), quoted(n.Draft), t.rules(reviewRules), "")
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
	w := t.fill(t.Supplement.or("你单位报送的{draft}及有关材料收悉。依照{rules}，请{due}补充下列材料：", "补充材料的时间不计入审核期限。"), quoted(n.Draft), t.rules(reviewRules), by)
	l.say("%s", w.Opening)
	l.list(n.Materials)
	l.say("%s", w.Closing)
	return l.done()
}

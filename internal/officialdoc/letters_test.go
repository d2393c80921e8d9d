package officialdoc

import (
	"errors"
	"strings"
	"testing"

	"fashen/internal/calendar"
)

var (
	march   = calendar.Date{Year: 2026, Month: 3, Day: 5}
	region  = Template{Issuer: "示例区司法局", Rules: "《示例市行政规范性文件管理规定》", Annotation: "此件不予公开"}
	head    = Head{Number: "示司审〔2026〕12号", Addressees: "示例区城市管理局", Date: march}
	finding = Item{Place: "第八条", Quote: "处五千元罚款", Problem: "没有法律、法规依据设定罚款。", Basis: "《中华人民共和国行政处罚法》第十六条", Suggestion: "删去。"}
	filed   = FiledDocument{Title: "示例区餐厨垃圾管理办法", Number: "示政规〔2026〕3号", Published: march, Effective: calendar.Date{Year: 2026, Month: 5, Day: 1}, Validity: "五年"}
)

// written reads back what a constructor makes of a letter.
func written(t *testing.T, l Letter, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	data, err := l.DOCX()
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, data).Text
	if text.Title != strings.ReplaceAll(l.Title, "\n", "") || text.DocumentNumber != l.Number || text.Addressees != l.Addressees {
		t.Errorf("read back: title %q, number %q, addressees %q", text.Title, text.DocumentNumber, text.Addressees)
	}
	if d, err := calendar.FromProto(text.Date); err != nil || d != l.Date {
		t.Errorf("read back: date %v, %v", text.Date, err)
	}
	return text.Text
}

func holds(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, want := range parts {
		i := strings.Index(text, want)
		if i < 0 {
			t.Errorf("no %q, or not in this order, in\n%s", want, text)
			return
		}
		text = text[i:]
	}
}

func TestReviewOpinion(t *testing.T) {
	for name, c := range map[string]struct {
		opinion ReviewOpinion
		parts   []string
	}{
		"lawful": {ReviewOpinion{Head: head, Draft: "示例办法", Conclusion: Lawful}, []string{
			"你单位报送的《示例办法》（以下简称送审稿）", "（国办发〔2018〕115号）和《示例市行政规范性文件管理规定》进行了审核",
			"一、审核结论\n经审核，送审稿合法。\n二、有关要求\n", "实质性修改的，应当重新报送审核。\n以上意见，请研究办理。\n", "（此件不予公开）\n",
		}},
		"revise": {ReviewOpinion{Head: head, Draft: "关于印发《示例办法》的通知", Conclusion: Revise, Summary: "总体可行。", Items: []Item{finding, {Problem: "缺少施行日期。"}}, VersionDigest: strings.Repeat("ab", 32)}, []string{
			"《关于印发〈示例办法〉的通知》", "应当予以修改。\n总体可行。\n二、具体意见\n序号\n", "1\n第八条\n处五千元罚款\n没有法律、法规依据设定罚款。\n依据：《中华", "删去。\n2\n全文\n缺少施行日期。\n",
			"三、有关要求\n", "未完全采纳的，应当在提请集体审议时详细说明理由和依据。\n", "文件摘要（SHA-256）如下的送审稿：\nabab",
		}},
		"unlawful": {ReviewOpinion{Head: head, Draft: "示例办法", Conclusion: Unlawful, Items: []Item{finding}}, []string{"送审稿不合法。\n", "不得提交集体审议。重新起草的，应当重新报送审核。\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := region.ReviewOpinion(c.opinion)
			holds(t, written(t, l, err), c.parts...)
		})
	}
}

func TestCompetitionConclusion(t *testing.T) {
	base := CompetitionConclusion{Head: head, Measure: "示例办法", Outcome: Complies, Heard: "已听取五家企业和一家行业协会的意见。"}
	l, err := region.CompetitionConclusion(base)
	holds(t, written(t, l, err), "根据《公平竞争审查条例》《公平竞争审查条例实施办法》和", "一、审查结论\n经审查，送审稿符合公平竞争审查标准。\n二、听取意见情况\n已听取", "三、有关要求\n送审稿在审查后有重大修改", "特此函告。")

	exception := base
	exception.Outcome = ExceptionApplies
	exception.Exception = &Exception{Effect: "限制了外地产品进入。", Limb: "为防疫所需。", LeastHarm: "别无他法。", Period: "六个月。"}
	l, err = region.CompetitionConclusion(exception)
	holds(t, written(t, l, err), "第十二条规定的情形，可以出台。", "三、适用例外规定的说明\n（一）对公平竞争的影响\n限制了外地", "（四）实施期限或者终止条件合理的理由\n六个月。\n四、有关要求\n实施期限届满")

	adverse := base
	adverse.Outcome, adverse.Items = Adverse, []Item{finding}
	l, err = region.CompetitionConclusion(adverse)
	holds(t, written(t, l, err), "违反《公平竞争审查条例》第八条至第十一条", "三、具体问题\n", "第十八条，送审稿不得出台。")
}

func TestNotices(t *testing.T) {
	custom := region
	custom.Return = Wording{"{draft}不合要求（{issuer}），{due}：", "示例结语。"}
	l, err := custom.ReturnNotice(ReturnNotice{Head: head, Draft: "示例办法", Reasons: []string{"未公开征求意见；", "缺少起草说明"}})
	holds(t, written(t, l, err), "关于退回《示例办法》的通知", "《示例办法》不合要求（示例区司法局），：\n1.未公开征求意见；\n2.缺少起草说明。\n示例结语。\n")

	l, err = region.SupplementNotice(SupplementNotice{Head: head, Draft: "示例办法", Materials: []string{"制定依据"}, Due: calendar.Date{Year: 2026, Month: 3, Day: 10}})
	holds(t, written(t, l, err), "关于补充《示例办法》送审材料的通知", "请于2026年3月10日前补充下列材料：\n1.制定依据。\n补充材料的时间不计入审核期限。\n")
}

func TestFiling(t *testing.T) {
	up := head
	up.Addressees = "示例市人民政府"
	l, err := region.FilingReport(FilingReport{Head: up, Signer: "张示例", Document: filed, Passed: "区人民政府第12次常务会议", Enclosed: []string{"制定说明"}})
	holds(t, written(t, l, err), "签发人：张示例", "关于报送《示例区餐厨垃圾管理办法》\n备案的报告\n", "现将《示例区餐厨垃圾管理办法》（示政规〔2026〕3号）报送备案。\n",
		"该文件经区人民政府第12次常务会议审议通过，于2026年3月5日公布，自2026年5月1日起施行，有效期五年。\n特此报告。\n", "附件：1.示例区餐厨垃圾管理办法\n2.制定说明\n")

	l, err = region.FilingList(FilingList{Head: up, Signer: "张示例", Period: "2026年3月", Documents: []FiledDocument{filed, filed}})
	holds(t, written(t, l, err), "共2件。", "附件：2026年3月行政规范性文件备案目录\n", "附件\n", "2\n示例区餐厨垃圾管理办法\n示政规〔2026〕3号\n2026年3月5日公布\n2026年5月1日施行\n五年\n")

	l, err = region.FilingList(FilingList{Head: up, Signer: "张示例", Period: "2026年3月"})
	holds(t, written(t, l, err), "2026年3月未制定行政规范性文件。\n特此报告。\n")
}

func TestLettersRefuse(t *testing.T) {
	for field, err := range map[string]error{
		"addressees":           second(region.ReviewOpinion(ReviewOpinion{Draft: "甲", Conclusion: Lawful})),
		"draft":                second(region.ReviewOpinion(ReviewOpinion{Head: head, Conclusion: Lawful})),
		"conclusion":           second(region.ReviewOpinion(ReviewOpinion{Head: head, Draft: "甲"})),
		"items":                second(region.ReviewOpinion(ReviewOpinion{Head: head, Draft: "甲", Conclusion: Revise})),
		"items[0].problem":     second(region.ReviewOpinion(ReviewOpinion{Head: head, Draft: "甲", Conclusion: Revise, Items: []Item{{}}})),
		"issuer":               second(Template{}.ReviewOpinion(ReviewOpinion{Head: head, Draft: "甲", Conclusion: Lawful})),
		"measure":              second(region.CompetitionConclusion(CompetitionConclusion{Head: head})),
		"outcome":              second(region.CompetitionConclusion(CompetitionConclusion{Head: head, Measure: "甲"})),
		"heard":                second(region.CompetitionConclusion(CompetitionConclusion{Head: head, Measure: "甲", Outcome: Complies})),
		"items ":               second(region.CompetitionConclusion(CompetitionConclusion{Head: head, Measure: "甲", Outcome: Adverse, Heard: "乙"})),
		"items  ":              second(region.CompetitionConclusion(CompetitionConclusion{Head: head, Measure: "甲", Outcome: Complies, Heard: "乙", Items: []Item{finding}})),
		"exception":            second(region.CompetitionConclusion(CompetitionConclusion{Head: head, Measure: "甲", Outcome: ExceptionApplies, Heard: "乙"})),
		"exception.least_harm": second(region.CompetitionConclusion(CompetitionConclusion{Head: head, Measure: "甲", Outcome: ExceptionApplies, Heard: "乙", Exception: &Exception{Effect: "一", Limb: "二", Period: "四"}})),
		"reasons":              second(region.ReturnNotice(ReturnNotice{Head: head, Draft: "甲"})),
		"reasons[1]":           second(region.ReturnNotice(ReturnNotice{Head: head, Draft: "甲", Reasons: []string{"一", " "}})),
		"materials":            second(region.SupplementNotice(SupplementNotice{Head: head, Draft: "甲"})),
		"due":                  second(region.SupplementNotice(SupplementNotice{Head: head, Draft: "甲", Materials: []string{"一"}, Due: march.AddDays(-1)})),
		"document.number":      second(region.FilingReport(FilingReport{Head: head, Signer: "甲", Document: FiledDocument{Title: "乙"}})),
		"signer":               second(region.FilingReport(FilingReport{Head: head, Document: filed})),
		"period":               second(region.FilingList(FilingList{Head: head, Signer: "甲"})),
		"documents[0].title":   second(region.FilingList(FilingList{Head: head, Signer: "甲", Period: "乙", Documents: []FiledDocument{{}}})),
	} {
		var refused *Error
		if !errors.As(err, &refused) || refused.Field != strings.TrimSpace(field) || refused.Message == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func second(_ Letter, err error) error { return err }

func TestQuoted(t *testing.T) {
	for title, want := range map[string]string{
		"甲": "《甲》", "关于印发《甲》的通知": "《关于印发〈甲〉的通知》", "转发〈关于印发《甲》的通知〉的通知": "《转发〈关于印发《甲》的通知〉的通知》", "坏》": "《坏〉》",
	} {
		if got := quoted(title); got != want {
			t.Errorf("%s: %s", title, got)
		}
	}
}

package officialdoc

import (
	"errors"
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
)

func TestTemplateCheck(t *testing.T) {
	for name, c := range map[string]struct {
		template Template
		field    string // empty for none at fault
	}{
		"empty":               {Template{}, ""},
		"every placeholder":   {Template{Review: Wording{"{draft}{rules}{issuer}", "{draft}"}, Supplement: Wording{"{due}{draft}", ""}, NumberFormat: "{code}字〔{year}〕{serial}号"}, ""},
		"unknown":             {Template{Review: Wording{"{draft}{person}", ""}}, "review_opinion.opening"},
		"of another letter":   {Template{Return: Wording{"", "{due}前"}}, "return_notice.closing"},
		"of another language": {Template{Competition: Wording{"{{.Draft}}{draft}", ""}}, "competition_conclusion.opening"},
		"an open brace":       {Template{Supplement: Wording{"{draft", ""}}, "supplement_notice.opening"},
		"no draft":            {Template{Review: Wording{"你单位来文收悉。", ""}}, "review_opinion.opening"},
		"in a filing report":  {Template{FilingClosing: "{draft}"}, "filing_closing"},
		"no serial":           {Template{NumberFormat: "{code}〔{year}〕号"}, "number_format"},
		"a year twice":        {Template{NumberFormat: "{code}〔{year}〕{year}{serial}号"}, "number_format"},
		"not of a number":     {Template{NumberFormat: "{code}〔{year}〕{serial}{draft}"}, "number_format"},
	} {
		err := c.template.Check()
		var refused *Error
		if (err == nil) != (c.field == "") || err != nil && (!errors.As(err, &refused) || refused.Field != c.field) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Each setting of a region is seen in a letter.
func TestTemplateOf(t *testing.T) {
	wording := func(name string) *directoryv1.LetterWording {
		return &directoryv1.LetterWording{Opening: name + "{draft}依{rules}{issuer}", Closing: name + "结语"}
	}
	template := TemplateOf(&directoryv1.LetterTemplate{
		Issuer: "甲局", Mark: "甲局文件", AgencyCode: "甲审", NumberFormat: "{code}字〔{year}〕{serial}号", LocalRules: "《示例规定》", Annotation: "此件公开发布",
		Copies: "乙局", SealNote: "盖章", ReviewOpinion: wording("一"), ReturnNotice: wording("二"), SupplementNotice: wording("三"),
		CompetitionConclusion: wording("四"), FilingClosing: "五结语",
	}, "不用")
	for kind, own := range map[Kind]string{
		KindReviewOpinion: "一", KindReturnNotice: "二", KindSupplementNotice: "三", KindCompetitionConclusion: "四", KindFilingReport: "", KindFilingList: "",
	} {
		l, err := template.Specimen(kind, march)
		text := written(t, l, err)
		for _, want := range []string{"甲局文件\n", "甲审字〔2026〕1号", "《示例规定》", "（此件公开发布）", "抄送：乙局。", "甲局（盖章）\n"} {
			if !strings.Contains(text, want) {
				t.Errorf("kind %d: no %q in\n%s", kind, want, text)
			}
		}
		if own == "" {
			holds(t, text, "五结语")
		} else {
			holds(t, text, own+"《示例管理办法》依", "甲局\n", own+"结语")
		}
	}
	if got := TemplateOf(nil, "丙局"); got.Issuer != "丙局" || got.Number(2026, 7) != "〔2026〕7号" {
		t.Errorf("the default: %+v", got)
	}
}

// A title that looks like a placeholder is a title.
func TestFillOnce(t *testing.T) {
	l, err := region.ReturnNotice(ReturnNotice{Head: Head{Addressees: "甲", Date: march, Unnumbered: "未签署"}, Draft: "{rules}{issuer}", Reasons: []string{"一"}})
	if err != nil {
		t.Fatal(err)
	}
	data, err := l.DOCX()
	if err != nil {
		t.Fatal(err)
	}
	holds(t, read(t, data).Text.Text, "（未签署）\n", "报送的《{rules}{issuer}》及有关材料收悉。依照《国务院")
}

func TestPlaceOf(t *testing.T) {
	for want, a := range map[string]*corev1.Anchor{
		"": {Start: 3}, "第十条": {Article: 10}, "第十条第一款第（二）项第3目": {Article: 10, Paragraph: 1, Item: 2, SubItem: 3},
	} {
		if got := PlaceOf(a); got != want {
			t.Errorf("%v: %s", a, got)
		}
	}
}

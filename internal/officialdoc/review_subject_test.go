package officialdoc

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fashen/internal/officialdoc/fonttest"
	"fashen/internal/pdftext"
	"fashen/internal/policytext"
)

// subjectCases are what the letter on each subject has to say; a conclusion that its
// review does not know has no sentence.
var subjectCases = map[string]struct {
	subject Subject
	title   string
	// cites are all the instruments that the letter names.
	cites                         []string
	lawful, risk, revise, adverse string
}{
	"normative document": {NormativeDocument, "法制审核意见书", []string{
		"《国务院办公厅关于全面推行行政规范性文件合法性审核机制的指导意见》（国办发〔2018〕115号）", "《示例市行政规范性文件管理规定》",
	}, "送审稿合法。", "", "未完全采纳的，应当在提请集体审议时详细说明理由和依据。", "不得提交集体审议。"},
	"major decision": {MajorDecision, "合法性审查意见书", []string{"《重大行政决策程序暂行条例》"},
		"经审查，决策草案合法。", "应当依照《重大行政决策程序暂行条例》第二十五条明示法律风险。", "经审查，决策草案应当予以修改。", "第二十五条，决策草案不得提交决策机关讨论。"},
	"agenda item":       {AgendaItem, "法制审核意见书", nil, "议题合法。", "", "议题应当予以修改。", "不得提请会议审议。"},
	"power-list change": {PowerListChange, "法制审核意见书", nil, "权责清单调整事项合法。", "", "权责清单调整事项应当予以修改。", "不得据此调整权责清单。"},
	"agreement":         {Agreement, "法制审核意见书", nil, "协议文本合法。", "协议文本合法，但存在法律风险。", "应当在签订前说明理由和依据。", "不得按照该文本签订协议。"},
	"enforcement decision": {EnforcementDecision, "法制审核意见书", []string{
		"《国务院办公厅关于全面推行行政执法公示制度执法全过程记录制度重大执法决定法制审核制度的指导意见》（国办发〔2018〕118号）",
	}, "同意作出。", "", "作出相应处理后再次报送法制审核", "不得作出该执法决定。"},
	"penalty": {Penalty, "法制审核意见书", []string{
		"《中华人民共和国行政处罚法》", "《国务院办公厅关于全面推行行政执法公示制度执法全过程记录制度重大执法决定法制审核制度的指导意见》（国办发〔2018〕118号）",
	}, "同意作出。", "", "应当予以修改。", "不合法。"},
	"rectification": {Rectification, "法制审核意见书", nil, "整改事项合法。", "", "整改事项应当予以修改。", "不合法。"},
	"advice":        {Advice, "法制审核意见书", nil, "处理意见合法。", "处理意见合法，但存在法律风险。", "处理意见应当予以修改。", "不得按照报送的处理意见办理。"},
}

// instrument is the name of a law or document of an authority.
var instrument = regexp.MustCompile(`《[^《》]*》(（[^（）]*号）)?`)

// Every subject has its own title, rules and sentences for each conclusion that its
// review knows, and names no other rules; Word file and PDF say the same.
func TestReviewOpinionBySubject(t *testing.T) {
	reader := pdftext.NewReader("", 1, policytext.DefaultLimits())
	if err := reader.Warm(); err != nil {
		t.Fatal(err)
	}
	for name, tt := range subjectCases {
		for conclusion, want := range map[Conclusion]string{Lawful: tt.lawful, LawfulWithRisk: tt.risk, Revise: tt.revise, Unlawful: tt.adverse} {
			t.Run(name+"/"+conclusionNames[conclusion], func(t *testing.T) {
				o := ReviewOpinion{Head: head, Subject: tt.subject, Draft: "示例送审件", Conclusion: conclusion, Summary: "总体说明。", VersionDigest: strings.Repeat("ab", 32)}
				if conclusion == LawfulWithRisk {
					o.Risk = "可能引起示例争议。"
				}
				if conclusion > LawfulWithRisk {
					o.Items = []Item{{Place: "第二条", Problem: "缺少依据。", Suggestion: "删去。"}}
				}
				l, err := region.ReviewOpinion(o)
				if want == "" {
					if refused(err) != "conclusion" {
						t.Errorf("a conclusion that the review does not know: %v", err)
					}
					return
				}
				text := written(t, l, err)
				act := "审核"
				if tt.subject == MajorDecision {
					act = "审查"
				}
				parts := []string{"《示例送审件》", "一、" + act + "结论\n经" + act + "，"}
				if conclusion == LawfulWithRisk {
					parts = append(parts, "总体说明。\n二、法律风险\n可能引起示例争议。\n三、有关要求\n")
				}
				holds(t, text, append(parts, "有关要求\n", "（SHA-256）如下的送审稿：\nabab", "以上意见，请研究办理。\n")...)
				holds(t, text, want)
				if got := strings.ReplaceAll(l.Title, "\n", ""); got != "关于《示例送审件》的"+tt.title {
					t.Errorf("title %q", got)
				}
				cites := instrument.FindAllString(strings.ReplaceAll(text, "《示例送审件》", ""), -1)
				slices.Sort(cites)
				if cites = slices.Compact(cites); !slices.Equal(cites, slices.Sorted(slices.Values(tt.cites))) {
					t.Errorf("cites %q, want %q", cites, tt.cites)
				}
				if tt.cites == nil && (!strings.Contains(text, "依照有关规定进行了") || strings.Contains(text, "国办发")) {
					t.Errorf("names rules:\n%s", text)
				}
				data, err := l.PDF(parsed(t, Fonts{Songti: fonttest.TrueType(charactersOf(t, l))}))
				if err != nil {
					t.Fatal(err)
				}
				limits := policytext.DefaultLimits()
				d, err := policytext.Reader{Limits: limits, PDF: reader.Pages}.Read(t.Context(), data)
				if err != nil {
					t.Fatal(err)
				}
				holds(t, squeezed(d.Text.Text), append([]string{tt.title, "示例区城市管理局："}, squeezed(want))...)
			})
		}
	}
}

// refused is the field that an error is about.
func refused(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}

// A region's own words take the rules of each subject, or none; words that name rules
// of normative documents by themselves are for those alone.
func TestReviewWordingOfARegion(t *testing.T) {
	own := region
	own.Review = Wording{"{draft}已收到。{issuer}依照{rules}审核如下：", "特此函复。"}
	fixed := region
	fixed.Review = Wording{Opening: "{draft}已收到。依照国办发〔2018〕115号文件审核如下："}
	local := region
	local.Review = Wording{Opening: "{draft}已收到。依照" + region.Rules + "审核如下："}
	for name, tt := range map[string]struct {
		template Template
		subject  Subject
		want     string
	}{
		"documents":            {own, NormativeDocument, "《示例》已收到。示例区司法局依照《国务院办公厅关于"},
		"decisions":            {own, MajorDecision, "《示例》已收到。示例区司法局依照《重大行政决策程序暂行条例》第二十五条、第二十七条的规定审核如下："},
		"power lists":          {own, PowerListChange, "《示例》已收到。示例区司法局依照有关规定审核如下："},
		"fixed, documents":     {fixed, NormativeDocument, "依照国办发〔2018〕115号文件审核如下："},
		"fixed, enforcement":   {fixed, EnforcementDecision, "你单位报送的《示例》及有关材料收悉。我单位依照《国务院"},
		"local, documents":     {local, NormativeDocument, "依照《示例市行政规范性文件管理规定》审核如下："},
		"local, advice":        {local, Advice, "你单位报送的《示例》及有关材料收悉。我单位依照有关规定进行了合法性审核"},
		"no wording, decision": {region, MajorDecision, "你单位送请合法性审查的《示例》及有关材料收悉。"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := tt.template.ReviewOpinion(ReviewOpinion{Head: head, Subject: tt.subject, Draft: "示例", Conclusion: Lawful})
			text := written(t, l, err)
			holds(t, text, tt.want)
			if tt.subject != NormativeDocument && (strings.Contains(text, "115号") || strings.Contains(text, region.Rules)) {
				t.Errorf("names rules of normative documents:\n%s", text)
			}
		})
	}
}

// One letter on several drafts says what is concluded on each, what each conclusion
// asks for, and which versions it is on.
func TestReviewOpinionOnSeveral(t *testing.T) {
	o := ReviewOpinion{
		Head: head, Subject: PowerListChange, Draft: "甲调整", Conclusion: Revise, Items: []Item{finding},
		Covers: []CoveredDraft{{"甲调整", "aa", Lawful}, {"乙〈丙〉调整", "bb", Revise}, {"丁调整", "", Lawful}},
	}
	l, err := region.ReviewOpinion(o)
	holds(t, written(t, l, err), "关于《甲调整》等3件的法制审核意见书", "你单位报送的《甲调整》等3件及", "经审核，对各件的结论如下：\n《甲调整》：合法。\n《乙〈丙〉调整》：应当予以修改。\n《丁调整》：合法。\n",
		"结论为“合法”的：调整事项", "结论为“应当予以修改”的：请根据", "《甲调整》：\naa\n《乙〈丙〉调整》：\nbb\n")

	for i := range o.Covers {
		o.Covers[i].Conclusion = Lawful
	}
	l, err = region.ReviewOpinion(o)
	holds(t, written(t, l, err), "三、有关要求\n调整事项及其依据")

	o.Subject, o.Covers[1].Conclusion = Agreement, LawfulWithRisk
	if _, err := region.ReviewOpinion(o); refused(err) != "risk" {
		t.Errorf("a risk on one that is not stated: %v", err)
	}
	o.Subject = AgendaItem
	if _, err := region.ReviewOpinion(o); refused(err) != "covers[1].conclusion" {
		t.Errorf("a conclusion that the review does not know: %v", err)
	}
	o.Covers[1] = CoveredDraft{Conclusion: Lawful}
	if _, err := region.ReviewOpinion(o); refused(err) != "covers[1].title" {
		t.Errorf("one without a title: %v", err)
	}
}

package officialdoc

import (
	"cmp"
	"strings"
)

// Subject is what a legality review is of, and so by which rules its opinion goes.
type Subject int

// The subjects.
const (
	// NormativeDocument is a 行政规范性文件 (国办发〔2018〕115号).
	NormativeDocument Subject = iota
	// MajorDecision is a 重大行政决策 (重大行政决策程序暂行条例 arts 25 to 27).
	MajorDecision
	// AgendaItem is an item for a meeting of the government (会议议题).
	AgendaItem
	// PowerListChange is a 权责清单调整.
	PowerListChange
	// Agreement is a 行政协议.
	Agreement
	// EnforcementDecision is a 重大执法决定 (国办发〔2018〕118号).
	EnforcementDecision
	// Penalty is one that is a 行政处罚 (行政处罚法 art 58 too).
	Penalty
	// Rectification is support in a 整改.
	Rectification
	// Advice is on a difficult case (疑难事项).
	Advice
)

// enforcementRules are those that the review of every major enforcement decision goes by.
const enforcementRules = "《国务院办公厅关于全面推行行政执法公示制度执法全过程记录制度重大执法决定法制审核制度的指导意见》（国办发〔2018〕118号）"

// said is how an opinion puts a conclusion, and what it asks for.
type said struct{ finding, demand string }

// subjectWording is what the opinion on a subject says of its own.
type subjectWording struct {
	title string
	// act is what the review is called; 审核 when empty.
	act string
	// rules are the national ones; empty where none is known to be the measure, and
	// then the letter names none. The region's own, which are about normative
	// documents, are named beside them where local is set.
	rules   string
	local   bool
	opening string
	// said are the conclusions that the review of the subject knows.
	said map[Conclusion]said
}

const (
	reviewTitle = "法制审核意见书"
	// reviewOpening has a name for the draft, where the sentences below speak by it.
	reviewOpening  = "你单位报送的{draft}（以下简称送审稿）及有关材料收悉。我单位依照{rules}进行了审核，现提出如下意见："
	subjectOpening = "你单位报送的{draft}及有关材料收悉。我单位依照{rules}进行了合法性审核，现提出如下意见："
	// unnamedRules stand for rules where none is named.
	unnamedRules = "有关规定"
)

// subjectWordings are the wordings by subject.
var subjectWordings = map[Subject]subjectWording{
	NormativeDocument: {title: reviewTitle, rules: reviewRules, local: true, opening: reviewOpening, said: map[Conclusion]said{
		Lawful:   {"经审核，送审稿合法。", "送审稿在提请集体审议前有实质性修改的，应当重新报送审核。"},
		Revise:   {"经审核，送审稿应当予以修改。", "请根据上述意见对送审稿作出修改或者补充。未完全采纳的，应当在提请集体审议时详细说明理由和依据。"},
		Unlawful: {"经审核，送审稿不合法。", "送审稿不得提交集体审议。重新起草的，应当重新报送审核。"},
	}},
	MajorDecision: {
		title: "合法性审查意见书", act: "审查", rules: "《重大行政决策程序暂行条例》第二十五条、第二十七条的规定",
		opening: "你单位送请合法性审查的{draft}及有关材料收悉。我单位依照{rules}进行了审查，现提出如下意见：",
		said: map[Conclusion]said{
			Lawful:         {"经审查，决策草案合法。", "决策草案在提交决策机关讨论前有实质性修改的，应当重新送请合法性审查。"},
			LawfulWithRisk: {"经审查，决策草案合法，但存在法律风险。", "提交决策机关讨论时，应当依照《重大行政决策程序暂行条例》第二十五条明示法律风险。"},
			Revise:         {"经审查，决策草案应当予以修改。", "请根据上述意见对决策草案作出调整或者补充。未完全采纳的，应当在提交决策机关讨论时说明理由和依据。"},
			Unlawful:       {"经审查，决策草案不合法。", "依照《重大行政决策程序暂行条例》第二十五条，决策草案不得提交决策机关讨论。"},
		},
	},
	AgendaItem: {title: reviewTitle, opening: subjectOpening, said: map[Conclusion]said{
		Lawful:   {"经审核，议题合法。", "议题在提请会议审议前有实质性修改的，应当重新报送审核。"},
		Revise:   {"经审核，议题应当予以修改。", "请根据上述意见对议题作出修改或者补充。未完全采纳的，应当在提请会议审议时说明理由和依据。"},
		Unlawful: {"经审核，议题不合法。", "议题不得提请会议审议。重新拟订的，应当重新报送审核。"},
	}},
	PowerListChange: {title: reviewTitle, opening: subjectOpening, said: map[Conclusion]said{
		Lawful:   {"经审核，权责清单调整事项合法。", "调整事项及其依据有实质性修改的，应当重新报送审核。"},
		Revise:   {"经审核，权责清单调整事项应当予以修改。", "请根据上述意见对调整事项及其依据作出修改或者补充。未完全采纳的，应当说明理由和依据。"},
		Unlawful: {"经审核，权责清单调整事项不合法。", "不得据此调整权责清单。重新拟订的，应当重新报送审核。"},
	}},
	Agreement: {title: reviewTitle, opening: subjectOpening, said: map[Conclusion]said{
		Lawful:         {"经审核，协议文本合法。", "协议文本在签订前有实质性修改的，应当重新报送审核。"},
		LawfulWithRisk: {"经审核，协议文本合法，但存在法律风险。", "请在决定签订前研究上述法律风险，并采取相应的防范措施。"},
		Revise:         {"经审核，协议文本应当予以修改。", "请根据上述意见对协议文本作出修改或者补充。未完全采纳的，应当在签订前说明理由和依据。"},
		Unlawful:       {"经审核，协议文本不合法。", "不得按照该文本签订协议。重新拟订的，应当重新报送审核。"},
	}},
	EnforcementDecision: enforcementWording(enforcementRules),
	Penalty:             enforcementWording("《中华人民共和国行政处罚法》第五十八条和" + enforcementRules),
	Rectification: {title: reviewTitle, opening: subjectOpening, said: map[Conclusion]said{
		Lawful:   {"经审核，整改事项合法。", "整改事项有实质性修改的，应当重新报送审核。"},
		Revise:   {"经审核，整改事项应当予以修改。", "请根据上述意见对整改事项作出修改或者补充。未完全采纳的，应当说明理由和依据。"},
		Unlawful: {"经审核，整改事项不合法。", "不得按照报送的内容实施整改。重新拟订的，应当重新报送审核。"},
	}},
	Advice: {title: reviewTitle, opening: subjectOpening, said: map[Conclusion]said{
		Lawful:         {"经审核，所报送的处理意见合法。", "处理意见或者其所依据的事实有实质性变化的，应当重新报送审核。"},
		LawfulWithRisk: {"经审核，所报送的处理意见合法，但存在法律风险。", "请在作出处理前研究上述法律风险，并采取相应的防范措施。"},
		Revise:         {"经审核，所报送的处理意见应当予以修改。", "请根据上述意见对处理意见作出修改或者补充。未完全采纳的，应当说明理由和依据。"},
		Unlawful:       {"经审核，所报送的处理意见不合法。", "不得按照报送的处理意见办理。重新拟订的，应当重新报送审核。"},
	}},
}

// enforcementWording is that of a 重大执法决定: one that is not reviewed, or does not
// pass, is not made (国办发〔2018〕118号).
func enforcementWording(rules string) subjectWording {
	return subjectWording{
		title: reviewTitle, rules: rules,
		opening: "你单位报送的{draft}及有关材料收悉。我单位依照{rules}进行了法制审核，现提出如下意见：",
		said: map[Conclusion]said{
			Lawful:   {"经审核，拟作出的执法决定合法，同意作出。", "执法决定作出前，事实、证据、依据或者内容有实质性变化的，应当重新报送法制审核。"},
			Revise:   {"经审核，拟作出的执法决定存在问题，应当予以修改。", "请对上述意见进行研究，作出相应处理后再次报送法制审核；审核未通过的，不得作出决定。"},
			Unlawful: {"经审核，拟作出的执法决定不合法。", "法制审核未通过，不得作出该执法决定。"},
		},
	}
}

// Title is what the opinion on the subject is called.
func (s Subject) Title() string { return subjectWordings[s].title }

func (s Subject) act() string { return cmp.Or(subjectWordings[s].act, "审核") }

// reviewWording is how an opinion on a subject begins and ends in the region. A
// wording of the region's own that names rules of normative documents by itself,
// instead of {rules}, is for those alone.
func (t Template) reviewWording(s Subject) Wording {
	own, w := t.Review, subjectWordings[s]
	if !w.local && (strings.Contains(own.Opening+own.Closing, "115号") || t.Rules != "" && strings.Contains(own.Opening+own.Closing, t.Rules)) {
		own = Wording{}
	}
	return own.or(w.opening, "以上意见，请研究办理。")
}

// rulesOf are the rules that the opinion on a subject names.
func (t Template) rulesOf(s Subject) string {
	w := subjectWordings[s]
	switch {
	case w.local:
		return t.rules(w.rules)
	case w.rules == "":
		return unnamedRules
	}
	return w.rules
}

package officialdoc

// Outcome is what a fair competition review concludes.
type Outcome int

// The outcomes.
const (
	// Complies: the measure keeps to the standards.
	Complies Outcome = iota + 1
	// ExceptionApplies: it restricts competition, which an exception allows.
	ExceptionApplies
	// Adverse: it may not be issued.
	Adverse
)

// CompetitionConclusion is a 公平竞争审查结论.
type CompetitionConclusion struct {
	Head

	// Measure is the title of the measure, without 《》.
	Measure string
	Outcome Outcome
	// Summary is the view as a whole; may be empty.
	Summary string
	// Heard tells whom the review heard (公平竞争审查条例 art 16), or why nobody.
	Heard string
	// Exception is what article 29 of 实施办法 wants said where one applies.
	Exception *Exception
	// Items are needed where the outcome is adverse.
	Items []Item
}

// Exception is what a conclusion states about an exception (公平竞争审查条例实施办法
// art 29). The last may be empty.
type Exception struct{ Effect, Limb, LeastHarm, Period, Other string }

// CompetitionConclusion writes the conclusion of a fair competition review.
func (t Template) CompetitionConclusion(c CompetitionConclusion) (Letter, error) {
	if err := c.check(); err != nil {
		return Letter{}, err
	}
	l, err := t.letter(c.Head, "关于"+quoted(c.Measure)+"的公平竞争审查结论")
	if err != nil {
		return Letter{}, err
	}
	w := t.fill(t.Competition.or("根据{rules}，对{draft}（以下简称送审稿）进行了公平竞争审查，结论如下：", "特此函告。"), quoted(c.Measure), t.rules("《公平竞争审查条例》《公平竞争审查条例实施办法》"), "")
	l.say("%s", w.Opening)
	said := map[Outcome][2]string{
		Complies: {"经审查，送审稿符合公平竞争审查标准。", ""},
		ExceptionApplies: {
			"经审查，送审稿具有或者可能具有排除、限制竞争效果，但符合《公平竞争审查条例》第十二条规定的情形，可以出台。",
			"实施期限届满或者终止条件满足的，应当停止实施。",
		},
		Adverse: {
			"经审查，送审稿违反《公平竞争审查条例》第八条至第十一条的规定，且不符合第十二条规定的情形。",
			"依照《公平竞争审查条例》第十八条，送审稿不得出台。",
		},
	}[c.Outcome]
	l.section("审查结论")
	l.say("%s", said[0])
	l.say("%s", c.Summary)
	l.section("听取意见情况")
	l.say("%s", c.Heard)
	if e := c.Exception; e != nil {
		l.section("适用例外规定的说明")
		for i, part := range [][2]string{
			{"对公平竞争的影响", e.Effect}, {"适用的具体情形", e.Limb}, {"没有对公平竞争影响更小的替代方案的理由", e.LeastHarm},
			{"实施期限或者终止条件合理的理由", e.Period}, {"其他需要说明的内容", e.Other},
		} {
			if part[1] != "" {
				l.Body = append(l.Body, Heading{2, []string{"（一）", "（二）", "（三）", "（四）", "（五）"}[i] + part[0]}, Paragraph(part[1]))
			}
		}
	}
	if err := l.items("具体问题", "违反的规定和理由", c.Items); err != nil {
		return Letter{}, err
	}
	l.section("有关要求")
	l.say("%s", said[1])
	l.say("送审稿在审查后有重大修改，影响经营者经济活动的，应当重新进行公平竞争审查。")
	l.say("%s", w.Closing)
	return l.done()
}

func (c CompetitionConclusion) check() error {
	if err := named("measure", "政策措施名称", c.Measure); err != nil {
		return err
	}
	switch c.Outcome {
	case Complies:
		if len(c.Items) > 0 {
			return refuse("items", "结论为符合标准的，不应当有违反规定的具体问题")
		}
	case ExceptionApplies:
	case Adverse:
		if len(c.Items) == 0 {
			return refuse("items", "结论为不得出台的，应当写明具体问题")
		}
	default:
		return refuse("outcome", "审查结论应当为符合标准、适用例外规定或者不得出台")
	}
	if err := named("heard", "听取意见情况", c.Heard); err != nil {
		return err
	}
	if (c.Exception != nil) != (c.Outcome == ExceptionApplies) {
		return refuse("exception", "适用例外规定的，应当且只有此时应当说明有关情况")
	}
	if e := c.Exception; e != nil {
		for _, part := range [][3]string{
			{"effect", "对公平竞争的影响", e.Effect}, {"limb", "适用的具体情形", e.Limb},
			{"least_harm", "没有影响更小的替代方案的理由", e.LeastHarm}, {"period", "实施期限或者终止条件合理的理由", e.Period},
		} {
			if err := named("exception."+part[0], part[1], part[2]); err != nil {
				return err
			}
		}
	}
	return nil
}

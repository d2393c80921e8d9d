package counsel

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"

	datepb "google.golang.org/genproto/googleapis/type/date"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/calendar"
	"fashen/internal/projection"
)

// workFigures are what the yearly report counts of legal counsel (FACTS 4, M18), and
// what each has in hand and has done.
var workFigures = []projection.Definition{
	{
		Code: "M18-COUNSEL", DisplayName: "外聘法律顾问人数", Unit: "人", Personal: true, Balance: true,
		Text: "期间最后一日聘用合同在有效期内、未退出名册的外聘法律顾问；暂停指派的计入。明细为截至该日的聘用起止，相加即为人数。",
	},
	{
		Code: "M18-LAWYERS", DisplayName: "公职律师人数", Unit: "人", Personal: true, Balance: true,
		Text: "期间最后一日在名册上、登记有公职律师证号的公职律师，自登记之日起至退出名册之日的前一日计入；暂停指派的计入。",
	},
	{
		Code: "M18-MATTERS", DisplayName: "法律顾问接受指派件数", Unit: "件", Personal: true, CategoryName: "审核类别",
		Text: "法律顾问在期间内声明无利益冲突或者经豁免、接受指派的件数；谢绝、回避的不计，同一案件再次指派并接受的另计一件。",
	},
	{
		Code: "M18-OPEN", DisplayName: "法律顾问在办件数", Unit: "件", Personal: true, Balance: true, CategoryName: "审核类别",
		Text: "期间最后一日法律顾问已接受指派、尚未办结的件数；此后声明冲突、回避的自当日起不计。明细为截至该日的接受和结束，相加即为件数。",
	},
	{
		Code: "M18-CLOSED", DisplayName: "法律顾问办结件数、平均评分", Unit: "件", RateName: "平均评分", Decimals: 2, Mean: true, Personal: true, CategoryName: "审核类别",
		Text: "期间内办结的指派。平均评分：办结时评分之和除以办结件数。",
	},
	{
		Code: "M18-TIMELY", DisplayName: "法律顾问办结件数（定有期限）、按期率", Unit: "件", RateName: "按期率", Decimals: 1, Personal: true, CategoryName: "审核类别",
		Text: "期间内办结、指派时定有期限的件数。按期率：其中首份意见签署日期不晚于期限的件数除以定有期限的办结件数。",
	},
	{
		Code: "M18-OPINIONS", DisplayName: "法律顾问签署意见份数", Unit: "份", Personal: true, CategoryName: "审核类别",
		Text: "签署日期在期间内的法律顾问意见；替代前一份的、此后因声明冲突不再作为依据的均计入。",
	},
	{
		Code: "M18-SUPERSEDED", DisplayName: "法律顾问意见被替代份数", Unit: "份", Personal: true, CategoryName: "审核类别",
		Text: "期间内因同一法律顾问签署后一份意见而被替代的意见，按后一份的签署日期。",
	},
	{
		Code: "M18-ADOPTION", DisplayName: "法律顾问意见纳入审核意见条数、采纳率", Unit: "条", RateName: "采纳率", Decimals: 1, Personal: true, CategoryName: "审核类别",
		Text: "审核结论日期在期间内、注明引自法律顾问意见的审核意见条目。采纳率：其中已采纳和部分采纳的条目除以其中已经答复的条目；未被审核意见引用的法律顾问意见不计入。",
	},
	{
		Code: "M18-CLARIFICATIONS", DisplayName: "请法律顾问说明次数、答复率", Unit: "次", RateName: "答复率", Decimals: 1, Personal: true, CategoryName: "审核类别",
		Text: "期间内就已签署意见请法律顾问说明的次数，按提出日期。答复率：其中已经答复的除以全部次数。",
	},
}

// counselLines are what the work of counsel on a case adds to the figures.
func (m matter) counselLines() []projection.Line {
	var out []projection.Line
	for _, a := range m.assignments {
		out = append(out, m.stayLines(a)...)
		for _, e := range m.declarations[a.GetName()] {
			if projection.Did(e, "CloseAssignment") {
				out = append(out, m.closed(a, e)...)
			}
		}
		for i, q := range a.GetClarifications() {
			l := m.work("M18-CLARIFICATIONS", fmt.Sprint("clarification-", i+1), a, dayOf(q.GetAskTime()))
			l.Denominator = 1
			if q.GetAnswerTime() != nil {
				l.Numerator = 1
			}
			out = append(out, l)
		}
		out = append(out, m.signed(a)...)
		out = append(out, m.takenUp(a)...)
	}
	return out
}

// takenUp are the items of the ledger that take up what a counsel wrote, with what
// became of them.
func (m matter) takenUp(a *counselv1.Assignment) []projection.Line {
	var out []projection.Line
	for _, i := range m.c.GetLedger() {
		opinion, _ := counselItem(i.GetItem().GetCounselItem())
		if opinion == "" || authorOf(m.c, opinion) != a.GetCounsel() {
			continue
		}
		l := m.work("M18-ADOPTION", fmt.Sprint("item-", i.GetNumber()), a, m.c.GetRounds()[i.GetRound()-1].GetConcludeDate())
		l.Note = fmt.Sprintf("第%d条意见：%s", i.GetNumber(), adoptionName[i.GetAnswer().GetAdoption()])
		l.Numerator, l.Denominator = adopted(i.GetAnswer())
		out = append(out, l)
	}
	return out
}

// authorOf is the counsel who signed an opinion on a case; empty for others.
func authorOf(c *counselv1.Case, opinion string) string {
	for _, v := range c.GetCounselVerdicts() {
		if v.GetOpinion() == opinion {
			return v.GetCounsel()
		}
	}
	return ""
}

// adopted is what an answer adds to a rate of adoption: nothing while there is none.
func adopted(a *counselv1.Answer) (numerator, denominator int64) {
	switch a.GetAdoption() {
	case counselv1.Answer_ADOPTED, counselv1.Answer_PARTLY_ADOPTED:
		return 1, 1
	case counselv1.Answer_NOT_ADOPTED:
		return 0, 1
	}
	return 0, 0
}

// work begins a line about the work of the counsel of an assignment.
func (m matter) work(code, name string, a *counselv1.Assignment, day *datepb.Date) projection.Line {
	l := m.line(code, path.Base(a.GetName())+"-"+name, day)
	l.Person, l.Title, l.Resource = a.GetCounsel(), a.GetTitle(), a.GetName()
	return l
}

// stayLines are the times that counsel had the matter.
func (m matter) stayLines(a *counselv1.Assignment) []projection.Line {
	var out []projection.Line
	for _, s := range projection.Stays(m.declarations[a.GetName()]) {
		if s.State != counselv1.Assignment_ACCEPTED.String() {
			continue
		}
		name, day := fmt.Sprint("accepted-", s.From.GetSequence()), dayOf(s.From.GetTime())
		began := m.work("M18-OPEN", name, a, day)
		began.Note = "接受指派"
		out = append(out, m.work("M18-MATTERS", name, a, day), began)
		if s.Until != nil {
			ended := m.work("M18-OPEN", fmt.Sprint("ended-", s.From.GetSequence()), a, dayOf(s.Until.GetTime()))
			ended.Count, ended.Note = -1, "办结或者不再办理"
			out = append(out, ended)
		}
	}
	return out
}

// closed is one closing, as the journal tells it: an assignment may be closed again.
func (m matter) closed(a *counselv1.Assignment, e *corev1.JournalEntry) []projection.Line {
	name, day := fmt.Sprint("closed-", e.GetSequence()), dayOf(e.GetTime())
	evaluated := m.work("M18-CLOSED", name, a, day)
	if score, err := strconv.Atoi(projection.Fact(e, "score")); err == nil {
		evaluated.Numerator, evaluated.Denominator = int64(score), 1
		evaluated.Note = fmt.Sprintf("评分：%d", score)
	}
	out := []projection.Line{evaluated}
	if timely := projection.Fact(e, "timely"); timely != "" {
		l := m.work("M18-TIMELY", name, a, day)
		if l.Denominator = 1; timely == "true" {
			l.Numerator = 1
		}
		out = append(out, l)
	}
	return out
}

// signed are the opinions that the counsel of an assignment signed.
func (m matter) signed(a *counselv1.Assignment) []projection.Line {
	var out []projection.Line
	for _, v := range m.c.GetCounselVerdicts() {
		if v.GetCounsel() != a.GetCounsel() {
			continue
		}
		for code, about := range map[string]string{"M18-OPINIONS": v.GetOpinion(), "M18-SUPERSEDED": v.GetSupersedes()} {
			if about == "" {
				continue
			}
			l := m.work(code, "opinion-"+path.Base(about), a, dayOf(v.GetSignTime()))
			l.Resource, l.Note = about, conclusionName[v.GetConclusion()]
			if code == "M18-SUPERSEDED" {
				l.Note = "由后一份意见替代"
			}
			out = append(out, l)
		}
	}
	return out
}

// span is a time somebody counts: from a first day to the day before another.
type span struct{ from, until calendar.Date }

// projectEntry works out the rows of an entry of the register: since when, and until
// when, the person is counsel.
func projectEntry(e *counselv1.CounselEntry, history []*corev1.JournalEntry, engagements []*counselv1.Engagement) projection.Rows {
	var entered, removed calendar.Date
	for _, s := range projection.Stays(history) {
		day := calendar.On(s.From.GetTime().AsTime())
		if entered.IsZero() {
			entered = day
		}
		if s.State == counselv1.CounselEntry_REMOVED.String() {
			removed = day
		}
	}
	code, spans, began, ended := "M18-LAWYERS", []span{{from: entered}}, "登入名册", "退出名册"
	if e.GetKind() == counselv1.CounselEntry_RETAINED_COUNSEL {
		code, spans, began, ended = "M18-COUNSEL", terms(engagements), "聘用开始", "聘用结束"
	}
	var rows projection.Rows
	add := func(name, note string, count int64, day calendar.Date) {
		rows.Lines = append(rows.Lines, projection.Line{Code: code, FigureLine: &corev1.FigureLine{
			Name: name + day.String(), EventDate: day.Proto(), Person: e.GetPerson(), Title: e.GetDisplayName(), Note: note,
			SubjectKind: "counselEntries", Resource: e.GetName(), Count: count,
		}})
	}
	for _, s := range spans {
		if !removed.IsZero() && (s.until.IsZero() || removed.Before(s.until)) {
			s.until = removed
		}
		if s.from.IsZero() || !s.until.IsZero() && !s.from.Before(s.until) {
			continue
		}
		add("from-", began, 1, s.from)
		if !s.until.IsZero() {
			add("until-", ended, -1, s.until)
		}
	}
	return rows
}

// terms are the times that one contract or another is in force; those that meet or
// overlap are one.
func terms(engagements []*counselv1.Engagement) []span {
	var all, out []span
	for _, g := range engagements {
		if start, end := term(g); !end.Before(start) {
			all = append(all, span{from: start, until: end.AddDays(1)})
		}
	}
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.from.String(), b.from.String()) })
	for _, s := range all {
		if n := len(out); n > 0 && !out[n-1].until.Before(s.from) {
			if out[n-1].until.Before(s.until) {
				out[n-1].until = s.until
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

package officialdoc

import (
	"cmp"
	"fmt"

	"fashen/internal/calendar"
)

// FiledDocument is an issued document that is reported for filing.
type FiledDocument struct {
	// Title is without 《》.
	Title  string
	Number string
	// Published and Effective are the days of publication and of effect.
	Published, Effective calendar.Date
	// Validity is how long it holds, in words; may be empty.
	Validity string
}

func (d FiledDocument) check(field string) error {
	if err := named(field+".title", "文件名称", d.Title); err != nil {
		return err
	}
	if err := named(field+".number", "发文字号", d.Number); err != nil {
		return err
	}
	if d.Published.IsZero() {
		return refuse(field+".published", "公布日期不能为空")
	}
	if d.Effective.IsZero() {
		return refuse(field+".effective", "施行日期不能为空")
	}
	return nil
}

// FilingReport is a 备案报告 on one document to the authority that files it, a
// document to a higher authority.
type FilingReport struct {
	Head

	// Signer is the 签发人.
	Signer   string
	Document FiledDocument
	// Passed tells the meeting that passed it, such as 区人民政府第12次常务会议; may be empty.
	Passed string
	// Enclosed names what is sent with the report besides the text, such as 制定说明.
	Enclosed []string
}

// FilingReport writes it.
func (t Template) FilingReport(r FilingReport) (Letter, error) {
	if err := r.Document.check("document"); err != nil {
		return Letter{}, err
	}
	if err := named("signer", "签发人", r.Signer); err != nil {
		return Letter{}, err
	}
	title := quoted(r.Document.Title)
	l, err := t.letter(r.Head, "关于报送"+title+"备案的报告")
	if err != nil {
		return Letter{}, err
	}
	l.Signer = r.Signer
	l.say("根据%s，现将%s（%s）报送备案。", t.rules(filingRules), title, r.Document.Number)
	passed, validity := "", ""
	if r.Passed != "" {
		passed = "经" + r.Passed + "审议通过，"
	}
	if r.Document.Validity != "" {
		validity = "，有效期" + r.Document.Validity
	}
	l.say("该文件%s于%s公布，自%s起施行%s。", passed, longDate(r.Document.Published), longDate(r.Document.Effective), validity)
	l.say("%s", cmp.Or(t.FilingClosing, "特此报告。"))
	l.Attachments = []Attachment{{Name: r.Document.Title}}
	for _, name := range r.Enclosed {
		l.Attachments = append(l.Attachments, Attachment{Name: name})
	}
	return l.done()
}

// FilingList is a 备案目录: the documents of a period, with the report that
// sends them. A period without documents is reported as well.
type FilingList struct {
	Head

	Signer string
	// Period is in words, such as 2026年第一季度.
	Period    string
	Documents []FiledDocument
}

// FilingList writes it.
func (t Template) FilingList(r FilingList) (Letter, error) {
	if err := named("signer", "签发人", r.Signer); err != nil {
		return Letter{}, err
	}
	if err := named("period", "报送时段", r.Period); err != nil {
		return Letter{}, err
	}
	l, err := t.letter(r.Head, "关于报送"+r.Period+"行政规范性文件备案目录的报告")
	if err != nil {
		return Letter{}, err
	}
	l.Signer = r.Signer
	table := Table{Header: []string{"序号", "文件名称", "发文字号", "公布和施行日期", "有效期"}, Widths: []int{13, 48, 34, 44, 17}}
	for i, d := range r.Documents {
		if err := d.check(fmt.Sprintf("documents[%d]", i)); err != nil {
			return Letter{}, err
		}
		table.Rows = append(table.Rows, []string{fmt.Sprint(i + 1), d.Title, d.Number, longDate(d.Published) + "公布\n" + longDate(d.Effective) + "施行", d.Validity})
	}
	basis := t.rules(filingRules)
	if len(table.Rows) == 0 {
		l.say("根据%s，现报告：%s未制定行政规范性文件。", basis, r.Period)
	} else {
		l.say("根据%s，现将%s制定的行政规范性文件目录报上，共%d件。", basis, r.Period, len(table.Rows))
		l.Attachments = []Attachment{{Name: r.Period + "行政规范性文件备案目录", Body: []Block{table}}}
	}
	l.say("%s", cmp.Or(t.FilingClosing, "特此报告。"))
	return l.done()
}

package officialdoc

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/calendar"
	"fashen/internal/policytext"
)

// read reads a file back as an upload is read.
func read(t testing.TB, data []byte) *policytext.Document {
	t.Helper()
	d, err := policytext.Read(t.Context(), data, policytext.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	keep(t, data)
	return d
}

// keep leaves a file to be looked at where OFFICIALDOC_OUT names a folder.
func keep(t testing.TB, data []byte) {
	t.Helper()
	if dir := os.Getenv("OFFICIALDOC_OUT"); dir != "" {
		name := dir + "/" + strings.ReplaceAll(t.Name(), "/", "-") + ".docx"
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// sample is a letter with every part.
func sample() Letter {
	rows := [][]string{{"1", "第二条　本办法适用于本市行政区域内餐厨垃圾的产生、收集、运输。", "与上位法重复，建议删去。"}}
	for range 24 {
		rows = append(rows, []string{"2", "第八条　违反本办法的，处五千元罚款。", "超出设定权限。\n建议改为依照有关法律处理。"})
	}
	return Letter{
		Mark: "示例区司法局文件", Number: "示司审〔2026〕12号", Title: "关于《示例区餐厨垃圾管理办法（草案送审稿）》的法制审核意见书",
		Addressees: "示例区城市管理局", Issuer: "示例区司法局", Date: calendar.Date{Year: 2026, Month: 3, Day: 5},
		Annotation: "此件不予公开", Copies: "示例区人民政府办公室，示例区市场监督管理局，示例区财政局，示例区人力资源和社会保障局",
		Printer: "示例区司法局办公室", PrintDate: calendar.Date{Year: 2026, Month: 3, Day: 6},
		Body: []Block{
			Paragraph("你局报送的《示例区餐厨垃圾管理办法（草案送审稿）》收悉。经审核，现提出以下意见："),
			Heading{1, "一、合法性审核意见"}, Heading{2, "（一）关于制定权限"},
			Paragraph("第八条设定的罚款没有法律、法规依据。特殊字符：<&>\"'𠮷㐂〇·—…“”。"),
			Heading{1, "二、具体修改建议"}, Table{Header: []string{"序号", "送审稿条文", "修改建议及理由"}, Rows: rows, Widths: []int{1, 4, 5}},
			Paragraph("请在修改后重新报送。\r\n以上意见，请研究。"),
		},
		Attachments: []Attachment{{Name: "审核依据目录", Body: []Block{Paragraph("《中华人民共和国行政处罚法》第十六条。")}}, {Name: "关于一个名称很长很长而需要转行的附件的说明及其办理情况报告"}},
	}
}

func TestLetterReadsBack(t *testing.T) {
	data, err := sample().DOCX()
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, data).Text
	if text.Title != sample().Title || text.DocumentNumber != "示司审〔2026〕12号" || text.Addressees != "示例区城市管理局" {
		t.Errorf("title %q, number %q, addressees %q", text.Title, text.DocumentNumber, text.Addressees)
	}
	if d, err := calendar.FromProto(text.Date); err != nil || d != sample().Date {
		t.Errorf("date %v, %v", text.Date, err)
	}
	if text.Counts.Sections != 2 || text.Counts.Attachments != 2 {
		t.Errorf("counts %v", text.Counts)
	}
	for _, want := range []string{
		"特殊字符：<&>\"'𠮷㐂〇·—…“”。\n", "序号\n送审稿条文\n修改建议及理由\n1\n", "超出设定权限。\n建议改为",
		"请在修改后重新报送。\n以上意见，请研究。\n", "附件：1.审核依据目录\n2.关于一个", "示例区司法局\n2026年3月5日\n（此件不予公开）\n",
		"抄送：示例区人民政府办公室，", "示例区司法局办公室\t2026年3月6日印发\n", "附件1\n审核依据目录\n《中华",
	} {
		if !strings.Contains(text.Text, want) {
			t.Errorf("no %q in\n%s", want, text.Text)
		}
	}
}

func TestLetterIsDeterministic(t *testing.T) {
	first, err := sample().DOCX()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := sample().DOCX(); err != nil || !bytes.Equal(first, again) {
		t.Error("the same letter gives other bytes")
	}
}

func TestLetterWithoutItsParts(t *testing.T) {
	l := Letter{Title: "关于示例事项的通知", Issuer: "示例区司法局", Date: calendar.Date{Year: 2026, Month: 1, Day: 2}, Body: []Block{Paragraph("正文。")}}
	data, err := l.DOCX()
	if err != nil {
		t.Fatal(err)
	}
	if got := squeezed(read(t, data).Text.Text); got != "关于示例事项的通知正文。示例区司法局2026年1月2日" {
		t.Error(got)
	}
}

func TestLetterRefusals(t *testing.T) {
	for field, spoil := range map[string]func(*Letter){
		"title":                  func(l *Letter) { l.Title = " " },
		"issuer":                 func(l *Letter) { l.Issuer = "" },
		"date":                   func(l *Letter) { l.Date = calendar.Date{} },
		"print_date":             func(l *Letter) { l.PrintDate = calendar.Date{} },
		"body":                   func(l *Letter) { l.Body = nil },
		"body[0].level":          func(l *Letter) { l.Body = []Block{Heading{5, "五"}} },
		"body[0]":                func(l *Letter) { l.Body = []Block{nil} },
		"body[0].header":         func(l *Letter) { l.Body = []Block{Table{}} },
		"body[0].rows[1]":        func(l *Letter) { l.Body = []Block{Table{Header: []string{"甲"}, Rows: [][]string{{"1"}, {}}}} },
		"body[0].widths":         func(l *Letter) { l.Body = []Block{Table{Header: []string{"甲"}, Widths: []int{1, 2}}} },
		"body[0].widths[0]":      func(l *Letter) { l.Body = []Block{Table{Header: []string{"甲"}, Widths: []int{0}}} },
		"attachments[1].name":    func(l *Letter) { l.Attachments[1].Name = "" },
		"attachments[0].body[0]": func(l *Letter) { l.Attachments[0].Body = []Block{nil} },
		"":                       func(l *Letter) { l.Body = []Block{Paragraph("响\x07铃")} },
	} {
		l := sample()
		spoil(&l)
		data, err := l.DOCX()
		var refused *Error
		if !errors.As(err, &refused) || refused.Field != field || refused.Message == "" || data != nil {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestTitleLines(t *testing.T) {
	for title, want := range map[string][]string{
		"关于示例事项的通知": {"关于示例事项的通知"},
		"关于《示例区餐厨垃圾管理办法（草案送审稿）》的法制审核意见书": {"关于《示例区餐厨垃圾管理办法", "（草案送审稿）》的法制审核意见书"},
		"关于报送《示例区餐厨垃圾管理办法》备案的报告":         {"关于报送《示例区餐厨垃圾管理办法》", "备案的报告"},
		strings.Repeat("甲", 41): {strings.Repeat("甲", 14), strings.Repeat("甲", 14), strings.Repeat("甲", 13)},
		"关于报送2026年第一季度行政规范性文件备案目录的报告":              {"关于报送2026年第一季度", "行政规范性文件备案目录的报告"},
		"关于退回《示例区促进示例产业发展若干措施（2026—2028年）实施细则》的通知": {"关于退回《示例区促进示例产业发展若干措施", "（2026—2028年）实施细则》的通知"},
		"关于示例事项\n的通知": {"关于示例事项", "的通知"},
	} {
		if got := strings.Split(titleLines(title), "\n"); !slices.Equal(got, want) {
			t.Errorf("%s: %q", title, got)
		}
	}
}

func policyText(t testing.TB, text string) *corev1.PolicyText {
	t.Helper()
	d, err := policytext.Read(t.Context(), []byte(text), policytext.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return proto.CloneOf(d.Text)
}

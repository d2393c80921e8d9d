package policytext

import (
	"strings"
	"testing"
)

func TestFront(t *testing.T) {
	tests := []struct {
		name, text                      string
		title, number, date, addressees string
	}{
		{"number below the title", "示例区人民政府关于印发《示例办法（试行）》的通知\n\n示政规[2026]2号\n\n各镇人民政府，区政府各部门：\n现印发给你们。\n\n示例区人民政府\n2026年1月16日\n\n示例办法（试行）\n第一条　甲。\n",
			"示例区人民政府关于印发《示例办法（试行）》的通知", "示政规[2026]2号", "2026-01-16", "各镇人民政府，区政府各部门"},
		{"red head", "000123\n机密★1年\n特急\n示例市人民政府文件\n示政发〔2026〕8号　　签发人：某某\n\n示例市人民政府关于\n加强示例工作的意见\n\n各区人民政府：\n甲。\n示例市人民政府\n二〇二六年三月十日\n",
			"示例市人民政府关于加强示例工作的意见", "示政发〔2026〕8号", "2026-03-10", "各区人民政府"},
		{"draft mark on a line of its own, note below", "示例市示例办法\n（征求意见稿）\n（2026年1月5日第3次常务会议通过）\n第一条　甲。\n", "示例市示例办法", "", "", ""},
		{"trial is no draft mark", "示例市示例办法（试行）\n（草案送审稿）\n第一条　甲。\n", "示例市示例办法（试行）", "", "", ""},
		{"bare draft mark", "示例市示例办法\n征求意见稿\n第一条　甲。\n", "示例市示例办法", "", "", ""},
		{"a kind inside the title", "示例市人民政府关于印发示例管理办法\n的通知\n各单位：\n甲。\n", "示例市人民政府关于印发示例管理办法的通知", "", "", "各单位"},
		{"an order", "示例市人民政府令\n第15号\n现予公布。\n", "示例市人民政府令", "示例市人民政府令第15号", "", ""},
		{"an announcement", "示例局公告\n\n2026年第4号\n\n关于公布示例\n事项的公告\n\n甲。\n", "关于公布示例事项的公告", "示例局公告2026年第4号", "", ""},
		{"an announcement without a title", "示例局公告\n2026年第4号\n关于示例事项，现公告如下。\n", "示例局公告", "示例局公告2026年第4号", "", ""},
		{"the letter O for a zero", "示例通知\n甲。\n示例局\n二O二六年一月五日\n", "示例通知", "", "2026-01-05", ""},
		{"a date below the title", "示例区关于示例工作的意见\n（2026年3月20日）\n一、甲。\n", "示例区关于示例工作的意见", "", "2026-03-20", ""},
		{"what a web page puts above", "索 引 号：11000000/2026-00001\n发布机构：示例区政府\n发文字号：示政办规〔2026〕3号\n成文日期：2026年3月5日\n\n示例区政府关于印发示例清单的通知\n\n各部门：\n甲。\n\n2026年3月5日\n", "示例区政府关于印发示例清单的通知", "示政办规〔2026〕3号", "2026-03-05", "各部门"},
		{"no kind at all", "示例说词\n\n甲。\n", "示例说词", "", "", ""},
		{"no blank line before the body", "示例规定\n第一条　甲。\n第二条　乙规定\n", "示例规定", "", "", ""},
		{"open date", "示例办法\n第一条　甲。\n示例局\n2026年  月  日\n", "示例办法", "", "", ""},
		{"date with blanks, after the name", "示例办法\n第一条　甲。\n示例市示例局　　2026 年 3 月 5 日\n", "示例办法", "", "2026-03-05", ""},
		{"a date the calendar lacks", "示例办法\n第一条　甲。\n2026年2月30日\n", "示例办法", "", "", ""},
		{"a date in a sentence", "示例办法\n第一条　本办法施行日期为2026年3月5日\n", "示例办法", "", "", ""},
		{"a date on an attached form", "示例办法\n第一条　甲。\n附件1\n申请表\n2026年3月5日\n", "示例办法", "", "", ""},
		{"a title broken inside the title it names", "关于《示例市示例管理办法\n（草案送审稿）》的审核意见书\n示例局：\n来文收悉。\n", "关于《示例市示例管理办法（草案送审稿）》的审核意见书", "", "", "示例局"},
		{"placeholder instead of a number", "示例办法\n示政规〔2026〕  号\n第一条　甲。\n", "示例办法", "", "", ""},
		{"digits of full width", "示政发﹝２０２６﹞０１２号\n示例通知\n各单位：\n甲。\n示例局\n２０２６年６月７日\n", "示例通知", "示政发﹝２０２６﹞０１２号", "2026-06-07", "各单位"},
		{"no-break and zero-width blanks", "\u200b示例通知\n示政发〔2026〕\u00a03\u200b号\n各单位：\n甲。\n示例局\n2026\u00a0年\u00a04\u00a0月\u00a01\u00a0日\n", "示例通知", "示政发〔2026〕\u00a03\u200b号", "2026-04-01", "各单位"},
		{"an opening sentence is no addressee", "示例通知\n根据规定，现通知如下：\n一、甲。\n", "示例通知", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := mustRead(t, []byte(tt.text)).Text
			if d.Title != tt.title || d.DocumentNumber != tt.number || isoDate(d.Date) != tt.date || d.Addressees != tt.addressees {
				t.Errorf("got %q %q %q %q", d.Title, d.DocumentNumber, isoDate(d.Date), d.Addressees)
			}
		})
	}
}

// 特此公告 above a sign-off is nobody's name.
func TestSignatories(t *testing.T) {
	got := mustRead(t, []byte("示例公告\n甲。\n特此公告\n示例局\n2026年3月5日\n")).Text.Signatories
	if len(got) != 1 || got[0] != "示例局" {
		t.Errorf("signed by %q", got)
	}
}

// Organs that sign side by side are told apart; a spread name and a person's are not.
func TestOrgansSideBySide(t *testing.T) {
	for s, want := range map[string]string{
		"示例区甲局　　示例区乙委员会":        "示例区甲局|示例区乙委员会",
		"示 例 区 人 民 政 府":         "示 例 区 人 民 政 府",
		"市长　某某某":                "市长　某某某",
		"示例区甲局　示例区乙局\n\n示例区丙中心": "示例区甲局|示例区乙局|示例区丙中心",
	} {
		if got := strings.Join(mustRead(t, []byte("示例公告\n甲。\n"+s+"\n2026年3月5日\n（联系人：示例科）\n")).Text.Signatories, "|"); got != want {
			t.Errorf("%s is signed by %s", s, got)
		}
	}
}

func TestDocumentNumber(t *testing.T) {
	for s, want := range map[string]string{
		"示政办发〔2026〕14号":       "示政办发〔2026〕14号",
		"示政规[2026]2号":         "示政规[2026]2号",
		"示司发通﹝2018﹞131号":      "示司发通﹝2018﹞131号",
		"示办发〔201837号":         "示办发〔201837号",
		"示办发2018〕37号":         "示办发2018〕37号",
		"示政规（2026）第008号":      "示政规（2026）第008号",
		"（示政规【2026】3号）":       "示政规【2026】3号",
		"×司审〔2026〕12号":        "×司审〔2026〕12号",
		"示例市人民政府令第15号":        "示例市人民政府令第15号",
		"示例局公告2024年第45号":      "示例局公告2024年第45号",
		"示政发〔2026〕8号　签发人：某某":  "示政发〔2026〕8号　签发人：某某"[:len("示政发〔2026〕8号")],
		"依据示政发〔2026〕8号的规定办理。": "",
		"示例办法":                "",
		"2026年第3号":            "",
	} {
		if got := documentNumber(s); got != want {
			t.Errorf("documentNumber(%q) = %q, want %q", s, got, want)
		}
	}
}

// Lines without end below the head of an announcement are no title.
func TestTitleOfAnAnnouncementEnds(t *testing.T) {
	text := mustRead(t, []byte("示例市示例局公告\n2024年第45号\n关于甲\n"+strings.Repeat("乙\n", 2000)+"的公告\n")).Text
	if len(text.GetTitle()) > maxTitleBytes {
		t.Errorf("a title of %d bytes", len(text.GetTitle()))
	}
}

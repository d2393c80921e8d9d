package policytext

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
)

// partsOf writes the parts of a text on lines: id, label, title, number, and how many
// articles and headings 一、 each holds.
func partsOf(t *corev1.PolicyText) string {
	var out []string
	for _, p := range t.GetParts() {
		nodes := p.GetOutline()
		for _, n := range t.GetOutline() {
			if PartAt(t, int(n.GetStart())) == p {
				nodes = append(nodes, n)
			}
		}
		c := &corev1.ProvisionCounts{}
		count(nodes, c, false)
		line := strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s", p.GetId(), p.GetLabel(), p.GetTitle(), p.GetDocumentNumber())), " ")
		out = append(out, fmt.Sprintf("%s %d/%d", line, c.GetArticles(), c.GetSections()))
	}
	return strings.Join(out, "\n")
}

const (
	noticeOfMeasures = `示例区人民政府办公室关于印发示例区政府合同管理办法的通知
示政办发〔2026〕9号
各单位：
《示例区政府合同管理办法》已经区政府同意，现印发给你们。
示例区人民政府办公室
2026年3月5日
（此件主动公开）
示例区政府合同管理办法
第一章　总则
第一条　为规范政府合同管理，制定本办法。
第二条　政府合同应当使用附件所列示范文本。
第二章　附则
第三条　本办法自印发之日起施行。
附件：1.示例合同
2.示例协议

附件1
示例合同
第一章　标的
第一条　甲方向乙方购买服务。
第二条　价款如下：
（一）首付；
（二）尾款。
甲方（盖章）：
2026年　月　日
第三条　违约责任。
附件2
示例协议
一、双方合作。
二、争议解决。
抄送：区委办公室。
示例区人民政府办公室 2026年3月5日印发
`
	orderOfAmendment = `示例市人民政府令

第15号

《示例市人民政府关于修改〈示例市物业管理办法〉的决定》已经通过，现予公布，自2026年3月1日起施行。

市长　示例
2026年1月20日

示例市人民政府关于修改《示例市物业管理办法》的决定

示例市人民政府决定对《示例市物业管理办法》作如下修改：
一、将第三条修改为：“物业管理应当公开。”
二、增加两条，作为第四条、第五条：
“第四条　业主大会应当依法成立，并履行下列职责：
（一）制定管理规约。
第五条　业主可以委托代理人。”
三、删去第十条。
本决定自2026年3月1日起施行。

示例市物业管理办法

（2010年3月1日示例市人民政府令第8号公布　根据2026年1月20日示例市人民政府令第15号修改）

第一条　为了规范物业管理，制定本办法。
第二条　本办法适用于物业管理。
`
)

func TestParts(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a notice, its measures and their model contracts", noticeOfMeasures, `
main 示例区人民政府办公室关于印发示例区政府合同管理办法的通知 示政办发〔2026〕9号 0/0
enc-1 示例区政府合同管理办法 3/0
att-1 附件1 示例合同 3/0
att-2 附件2 示例协议 0/2`},
		{"an order, its decision and the amended text", orderOfAmendment, `
main 示例市人民政府令 示例市人民政府令第15号 0/0
enc-1 示例市人民政府关于修改《示例市物业管理办法》的决定 0/3
enc-2 示例市物业管理办法 2/0`},
		{"two issued texts as attachments", `示例县人民政府关于印发《示例县储备粮管理办法》和《示例县储备粮轮换细则》的通知
示政规〔2026〕3号
各乡镇人民政府：
现印发给你们，请遵照执行。
附件：1.示例县储备粮管理办法
2.示例县储备粮轮换细则
示例县人民政府
2026年2月2日
附件1
示例县储备粮管理办法
第一条 为了管理储备粮，制定本办法。
附件2
示例县储备粮轮换细则
第一条 制定本细则。
第二条 轮换应当公开。
`, `
main 示例县人民政府关于印发《示例县储备粮管理办法》和《示例县储备粮轮换细则》的通知 示政规〔2026〕3号 0/0
enc-1 附件1 示例县储备粮管理办法 1/0
enc-2 附件2 示例县储备粮轮换细则 2/0`},
		{"one named, others told by their number", `关于印发《示例甲办法》等两个文件的通知
各单位：
现印发。
示例局
2026年2月2日
附件1
示例甲办法
第一条 甲。
附件2
示例乙办法
示规〔2026〕8号
第一条 乙。
`, `
main 关于印发《示例甲办法》等两个文件的通知 0/0
enc-1 附件1 示例甲办法 1/0
enc-2 附件2 示例乙办法 示规〔2026〕8号 1/0`},
		{"one named in the title, the others below it, none as an attachment", `关于印发《示例甲办法》等两个文件的通知
各单位：
现将《示例甲办法》《示例乙办法》印发给你们。
示例局
2026年2月2日
示例甲办法
第一条 甲。
示例乙办法
第一条 乙。
第二条 本办法第一条。
`, `
main 关于印发《示例甲办法》等两个文件的通知 0/0
enc-1 示例甲办法 1/0
enc-2 示例乙办法 2/0`},
		{"a title on two lines, no sign-off before it, contents behind it", `示例局关于印发《示例区社会救助实施细则（试行）》的通知
（征求意见稿）
各街道办事处:
现印发给你们。

示例区社会救助
实施细则（试行）
目 录
第一章 总则	1
附则	3
第一章 总则
第一条 为了救助，制定本细则。
`, `
main 示例局关于印发《示例区社会救助实施细则（试行）》的通知 0/0
enc-1 示例区社会救助实施细则（试行） 1/0`},
		{"an announcement numbered on a line of its own, notes listed one by one", `示例局公告
2026年第3号
现将《示例规定》予以公告。
示例局
2026年3月1日
示例规定
第1条 甲。
第2条 乙。
附件1：登记申请表
附件2：登记证样式

附件1：登记申请表
姓名：
附件2：登记证样式
第一条 样式说明。
`, `
main 示例局公告 示例局公告2026年第3号 0/0
enc-1 示例规定 2/0
att-1 附件1 登记申请表 0/0
att-2 附件2 登记证样式 1/0`},
		{"a text of its own with a model contract below 附：", `示例市房屋租赁管理规定
第一条 为了规范房屋租赁行为，制定本规定。
附：
房屋租赁合同示范文本
第一条 出租人与承租人。
`, `
main 示例市房屋租赁管理规定 1/0
att-1 附 房屋租赁合同示范文本 1/0`},
		{"notes are no parts", `关于示例工作的通知
各单位：
一、做好示例。
附件：
示例表

示例局
2026年3月1日
`, `
main 关于示例工作的通知 0/1`},
		{"a date inside the text ends nothing", `关于示例工作的通知
各单位：
一、做好示例，期限为
2026年3月1日
二、加强监督。
示例局
2026年2月1日
`, `
main 关于示例工作的通知 0/2`},
		{"what is no document", "甲\n", "\nmain 甲 0/0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := mustRead(t, []byte(tt.text)).Text
			checkTree(t, text)
			if got := partsOf(text); got != strings.TrimPrefix(tt.want, "\n") {
				t.Errorf("\n%s\nwant%s", got, tt.want)
			}
		})
	}
}

// What is quoted in an amendment is no provision, and what a part is named for is
// itself.
func TestAmendmentsAndOwnTitles(t *testing.T) {
	text := mustRead(t, []byte(orderOfAmendment)).Text
	if got := strings.ReplaceAll(strings.TrimSpace(skeleton(text.Outline, "")), "\n", "|"); got !=
		"enc-1.head-1 将第三条修改为|enc-1.head-2 增加两条，作为第四条、第五条|enc-1.head-3 删去第十条|"+
			"enc-2.art-1| enc-2.art-1.para-1|enc-2.art-2| enc-2.art-2.para-1" {
		t.Errorf("outline %s", got)
	}
	var kinds []string
	for _, c := range text.Citations {
		kinds = append(kinds, c.Kind.String())
	}
	if got := strings.Join(kinds, " "); got != "CITATION_KIND_SELF CITATION_KIND_DOCUMENT CITATION_KIND_DOCUMENT" {
		t.Errorf("citations are %s: %v", got, text.Citations)
	}
}

// A provision's id is told by what stands before it: whatever is cut off or put
// behind, those that are still there keep theirs.
func TestIDsDoNotDependOnWhatFollows(t *testing.T) {
	all := mustRead(t, []byte(noticeOfMeasures)).Text
	known := map[int32]string{}
	var note func(nodes []*corev1.Provision)
	note = func(nodes []*corev1.Provision) {
		for _, n := range nodes {
			known[n.Start] += " " + n.Id
			note(n.Children)
		}
	}
	note(all.Outline)
	for _, p := range all.Parts {
		note(p.Outline)
	}
	lines := strings.SplitAfter(noticeOfMeasures, "\n")
	for n := 11; n < len(lines); n++ {
		short := mustRead(t, []byte(strings.Join(lines[:n], "")+"附件9\n示例补充\n第一条　丙。\n")).Text
		var look func(nodes []*corev1.Provision)
		look = func(nodes []*corev1.Provision) {
			for _, p := range nodes {
				if p.Start < int32(len([]rune(strings.Join(lines[:n], "")))) && !strings.Contains(known[p.Start]+" ", " "+p.Id+" ") {
					t.Errorf("after %d lines %s was %s", n, p.Id, known[p.Start])
				}
				look(p.Children)
			}
		}
		look(short.Outline)
	}
}

// The same article number in two parts is two places.
func TestPlacesInParts(t *testing.T) {
	text := mustRead(t, []byte(noticeOfMeasures)).Text
	for quote, want := range map[string]string{"制定本办法": "enc-1 1.1.0", "甲方向乙方": "att-1 1.1.0", "（二）尾款": "att-1 2.1.2", "现印发给你们": " 0.0.0", "争议解决": "att-2 0.0.0"} {
		a := anchorAt(t, text, quote, 0)
		if got := fmt.Sprintf("%s %d.%d.%d", a.Part, a.Article, a.Paragraph, a.Item); got != want {
			t.Errorf("%s stands at %s, want %s", quote, got, want)
		}
	}
	// Below a heading of its own, the same words of an attachment are carried there.
	next := mustRead(t, []byte(strings.Replace(noticeOfMeasures, "附件1\n示例合同\n", "附件1\n示例目录\n第一条　甲方向乙方说明目录。\n附件2\n示例合同\n", 1))).Text
	c := carryOne(t, text, next, anchorAt(t, text, "甲方向乙方", 0))
	if c.GetCarried().GetPart() != "att-2" || c.GetOutcome() != corev1.CarriedAnchor_MOVED {
		t.Errorf("carried to %v", c)
	}
}

func TestReadingIsDeterministic(t *testing.T) {
	for _, s := range []string{noticeOfMeasures, orderOfAmendment, carried, located} {
		first, err := proto.MarshalOptions{Deterministic: true}.Marshal(mustRead(t, []byte(s)).Text)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			again, err := proto.MarshalOptions{Deterministic: true}.Marshal(mustRead(t, []byte(s)).Text)
			if err != nil || string(again) != string(first) {
				t.Fatalf("read otherwise the second time: %v", err)
			}
		}
	}
}

// A date in brackets below the title of an issued text is no sign-off of its own.
func TestNoteBelowTitle(t *testing.T) {
	text := mustRead(t, []byte("关于转发示例局《示例办法》的通知\n各单位：\n现转发给你们。\n示例市人民政府\n2026年3月5日\n示例办法\n示例局　示例二局\n（2026年3月1日）\n第一条　甲。\n")).Text
	if got := partsOf(text); got != "main 关于转发示例局《示例办法》的通知 0/0\nenc-1 示例办法 1/0" {
		t.Errorf("parts\n%s", got)
	}
}

func TestSignOff(t *testing.T) {
	text := mustRead(t, []byte("关于示例工作的通知\n各单位：\n一、甲。\n附件：1.示例 表\n2.示例单 3.示例册\n示例市甲局　示例市乙局\n示例市丙局\n2026年3月1日\n（此件公开发布）\n附件1\n表\n示例公司\n2026年4月1日\n（此件不予公开）\n")).Text
	if got := strings.Join(text.Signatories, "|"); got != "示例市甲局|示例市乙局|示例市丙局" {
		t.Errorf("signed by %s", got)
	}
	if got := strings.Join(text.AttachmentNames, "|"); got != "示例 表|示例单|示例册" {
		t.Errorf("attachments %s", got)
	}
	if text.Annotation != "此件公开发布" || isoDate(text.Date) != "2026-03-01" {
		t.Errorf("%s of %s", text.Annotation, isoDate(text.Date))
	}
}

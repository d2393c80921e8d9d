package policytext

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

func TestOutline(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"paragraphs, items and what follows them", `
			第一条　甲事项。
			前款所称甲，是指乙。
			第二条　有下列情形之一的，予以办理：
			（一）情形甲；
			（二）情形乙，包括：
			1.其一；
			2．其二。
			(三)情形丙。
			前款规定的期限为十日。`,
			`art-1| art-1.para-1| art-1.para-2|art-2| art-2.para-1|  art-2.para-1.item-1|  art-2.para-1.item-2|   art-2.para-1.item-2.sub-1|   art-2.para-1.item-2.sub-2|  art-2.para-1.item-3| art-2.para-2`},
		{"parts, chapters and sections", `
			第一编　总编
			第一章　总则
			第一节　甲节
			第一条　甲。
			第二节　乙节
			第二条　乙。
			第二章
			附　则
			第三条　丙。`,
			`part-1 总编| part-1.chap-1 总则|  part-1.chap-1.sec-1 甲节|   art-1|    art-1.para-1|  part-1.chap-1.sec-2 乙节|   art-2|    art-2.para-1| part-1.chap-2 附　则|  art-3|   art-3.para-1`},
		{"articles without a blank, and citations that begin a line", `
			第一条为了示例，制定本办法。
			第二条本办法适用于示例。
			第九条的规定不适用于示例。
			第一条、第二条规定的事项除外。
			第三条之一　增补的条文。`,
			`art-1| art-1.para-1|art-2| art-2.para-1| art-2.para-2| art-2.para-3|art-3-1| art-3-1.para-1`},
		{"caption and number on lines of their own", `
			第一条【目的】
			为了示例，制定本办法。
			第 二 条
			本办法适用于示例。`,
			`art-1| art-1.para-1|art-2| art-2.para-1`},
		{"items numbered 一、 inside an article", `
			第一条　下列事项适用本办法：
			一、事项甲；
			二、事项乙。
			第二条　应当做到
			一、做到甲。
			第三条　丙。`,
			`art-1| art-1.para-1|  art-1.para-1.item-1|  art-1.para-1.item-2|art-2| art-2.para-1|  art-2.para-1.item-1|art-3| art-3.para-1`},
		{"sub-items without items", `
			第一条　包括：
			1.甲；
			（1）甲之一；
			2.乙。`,
			`art-1| art-1.para-1|  art-1.para-1.sub-1|  art-1.para-1.sub-2`},
		{"numbers in circles and brackets of one character", `
			第一条　包括：
			㈠甲：
			1.其一：
			①细；
			②目。
			㈡乙：
			①其一；
			②其二。
			前款适用。`,
			`art-1| art-1.para-1|  art-1.para-1.item-1|   art-1.para-1.item-1.sub-1|  art-1.para-1.item-2|   art-1.para-1.item-2.sub-1|   art-1.para-1.item-2.sub-2| art-1.para-2`},
		{"lists that begin on the line of what holds them", `
			第一条 （一）甲；
			（二）1.其一；
			2.其二。
			第二条 （一）项所列事项除外。
			第三条（部门职责）甲。`,
			`art-1| art-1.para-1|  art-1.para-1.item-1|  art-1.para-1.item-2|   art-1.para-1.item-2.sub-1|   art-1.para-1.item-2.sub-2|art-2| art-2.para-1|art-3| art-3.para-1`},
		{"the notice style", `
			一、总体要求
			坚持示例原则。
			（一）指导思想。以示例为指导。
			1.坚持甲。
			（1）其一。
			2.5万元以上的项目另行规定。
			二、工作任务`,
			`head-1 总体要求| head-1.head-1 指导思想|  head-1.head-1.head-1 坚持甲|   head-1.head-1.head-1.head-1 其一|head-2 工作任务`},
		{"headings that hold articles", `
			一、总则
			第一条　甲。
			二、分则
			第二条　乙。`,
			`head-1 总则| art-1|  art-1.para-1|head-2 分则| art-2|  art-2.para-1`},
		{"a table of contents is no outline", `
			目　录
			第一章　总则……1
			第二章　附则……9
			附表……10
			第一章　总则
			第一条　甲。
			第二章　附则
			第二条　乙。`,
			`chap-1 总则| art-1|  art-1.para-1|chap-2 附则| art-2|  art-2.para-1`},
		{"a heading that is only called a list", `
			目录
			第一章　总则
			第一条　甲。
			第二款。`,
			`chap-1 总则| art-1|  art-1.para-1|  art-1.para-2`},
		{"a table of contents before a preface", `
			目录
			第一章　总则
			第二章　附则
			前言文字。
			第一章　总则
			第一条　甲。`,
			`chap-1 总则| art-1|  art-1.para-1`},
		{"lines without a stop are no paragraphs", `
			第一条　按照下表处理：
			违法行为
			50—200
			第二条　乙。
			示例市示例局`,
			`art-1| art-1.para-1|art-2| art-2.para-1`},
		{"the sign-off ends the last article", `
			第一条　甲。

			示例市示例局
			2026年3月1日
			（此件公开发布）
			另行说明一句。`,
			`art-1| art-1.para-1`},
		{"attachments add nothing", `
			第一条　甲，见附件。
			附件所列事项从其规定。
			附件：1.示例协议
			2.示例表格
			附件1
			示例协议
			第二条　协议条文。
			一、协议事项。`,
			`art-1| art-1.para-1| art-1.para-2`},
		{"a number used twice", `
			第一条　甲。
			第一条　乙。`,
			`art-1| art-1.para-1|art-1~2| art-1~2.para-1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := mustRead(t, []byte("示例办法\n\n"+strings.ReplaceAll(tt.text, "\t", "")))
			checkTree(t, d.Text)
			if got := strings.ReplaceAll(strings.TrimSpace(skeleton(d.Text.Outline, "")), "\n", "|"); got != tt.want {
				t.Errorf("outline\n got %s\nwant %s", strings.ReplaceAll(got, "|", "\n"), strings.ReplaceAll(tt.want, "|", "\n"))
			}
		})
	}
}

// checkTree checks what every outline must keep to: spans in order inside
// their parents and inside the text, ids used once.
func checkTree(t testing.TB, text *corev1.PolicyText) {
	t.Helper()
	ids := map[string]bool{}
	var walk func(nodes []*corev1.Provision, from, to int32)
	walk = func(nodes []*corev1.Provision, from, to int32) {
		for _, n := range nodes {
			if n.Start < from || n.End > to || n.Start >= n.End {
				t.Fatalf("%s [%d, %d) leaves [%d, %d)", n.Id, n.Start, n.End, from, to)
			}
			if ids[n.Id] {
				t.Fatalf("id %s is used twice", n.Id)
			}
			if !strings.HasPrefix(Slice(text, int(n.Start), int(n.End)), n.Label) {
				t.Fatalf("%s does not begin with its label %q", n.Id, n.Label)
			}
			ids[n.Id] = true
			walk(n.Children, n.Start, n.End)
			from = n.End
		}
	}
	total := int32(utf8.RuneCountInString(text.Text))
	walk(text.Outline, 0, total)
	from := int32(0)
	for _, p := range text.Parts {
		if p.Start != from || p.End <= p.Start || ids[p.Id] {
			t.Fatalf("part %s [%d, %d) does not begin at %d", p.Id, p.Start, p.End, from)
		}
		if !strings.HasPrefix(Slice(text, int(p.Start), int(p.End)), p.Label) {
			t.Fatalf("%s does not begin with its label %q", p.Id, p.Label)
		}
		ids[p.Id] = true
		walk(p.Outline, p.Start, p.End)
		from = p.End
	}
	if from != total {
		t.Fatalf("the parts end at %d of %d", from, total)
	}
	for _, n := range text.Outline {
		p := PartAt(text, int(n.Start))
		if n.End > p.GetEnd() || p.GetKind() == corev1.PartKind_PART_KIND_ATTACHMENT {
			t.Fatalf("%s leaves its part %s", n.Id, p.GetId())
		}
		if prefix := p.GetId() + "."; p.GetKind() != corev1.PartKind_PART_KIND_MAIN && !strings.HasPrefix(n.Id, prefix) {
			t.Fatalf("%s stands in %s", n.Id, p.GetId())
		}
	}
}

func TestAttachmentLine(t *testing.T) {
	for s, want := range map[string][2]bool{
		"附件":             {false, true},
		"附 件":            {false, true},
		"附件1":            {false, true},
		"附件二：":           {true, true},
		"附件1-2":          {false, true},
		"附件1　示例申请表":      {false, true},
		"附件：1.示例表":       {true, false},
		"附件1.示例表":        {true, false},
		"附件 1.示例表 2.示例单": {true, false},
		"附：示例表":          {true, false},
		"附表：示例表":         {true, false},
		"附则":             {false, false},
		"附件所列事项从其规定。":    {false, false},
		"附件1 所列事项，从其规定。": {false, false},
		"附近单位：":          {false, false},
		"本办法附件：":         {false, false},
	} {
		if note, page := attachmentLine(s); note != want[0] || page != want[1] {
			t.Errorf("attachmentLine(%q) = %v, %v, want %v", s, note, page, want)
		}
	}
}

func TestMixedDocuments(t *testing.T) {
	const body = "第一章　总则\n第一条　甲。\n第二条　乙：\n（一）丙；\n（二）丁。\n"
	const statute = "enc-1.chap-1 总则| enc-1.art-1|  enc-1.art-1.para-1| enc-1.art-2|  enc-1.art-2.para-1|   enc-1.art-2.para-1.item-1|   enc-1.art-2.para-1.item-2"
	tests := []struct {
		name, text, want, counts string
	}{
		{"enclosed below the sign-off", "关于印发《示例办法》的通知\n各单位：\n现印发给你们。\n\n示例局\n2026年3月1日\n\n示例办法\n" + body, statute, "1 0 2 2 2"},
		{"enclosed as an attachment", "关于印发《示例办法》的通知\n各单位：\n现印发给你们。\n附件：示例办法\n示例局　2026年3月1日\n附件\n示例办法\n" + body, statute, "1 0 2 2 2"},
		{"a notice with headings of its own", "关于印发《示例办法》的通知\n各单位：\n一、认真学习。\n二、抓好落实。\n示例局\n2026年3月1日\n示例办法\n" + body,
			"head-1 认真学习|head-2 抓好落实|" + statute, "1 2 2 2 2"},
		{"an enclosed plan", "关于印发《示例方案》的通知\n各单位：\n现印发给你们。\n示例局\n2026年3月1日\n示例方案\n一、目标\n二、任务\n", "enc-1.head-1 目标|enc-1.head-2 任务", "0 2 0 0 0"},
		{"an amended text below the decision", "关于修改《示例办法》的决定\n示例局决定作如下修改：\n一、第二条修改为：“第二条　乙。”\n二、删去第三条。\n示例办法\n" + body,
			"head-1 第二条修改为|head-2 删去第三条|" + statute, "1 2 2 2 2"},
		{"an amended text without chapters", "关于修改《示例办法》的决定\n一、甲修改为乙。\n二、删去第三条。\n示例办法\n第一条　甲。\n", "head-1 甲修改为乙|head-2 删去第三条|enc-1.art-1| enc-1.art-1.para-1", "0 2 1 1 0"},
		{"a notice with a model contract", "关于加强示例工作的通知\n各单位：\n一、加强示例。\n附件：示例合同\n示例局\n2026年3月1日\n附件\n示例合同\n第一条　甲方。\n", "head-1 加强示例", "0 1 0 0 0"},
		{"an order", "示例市人民政府令\n第15号\n《示例规定》已经通过，现予公布。\n市长　某某\n2026年3月1日\n示例规定\n" + body, statute, "1 0 2 2 2"},
		{"two enclosed texts", "关于印发《示例办法》的通知\n各单位：\n现印发。\n附件1\n示例办法\n" + body + "附件2\n示例细则\n第一条　甲。\n", statute, "1 0 2 2 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := mustRead(t, []byte(tt.text))
			checkTree(t, d.Text)
			if got := strings.ReplaceAll(strings.TrimSpace(skeleton(d.Text.Outline, "")), "\n", "|"); got != tt.want {
				t.Errorf("outline\n got %s\nwant %s", got, tt.want)
			}
			c := d.Text.Counts
			if got := fmt.Sprint(c.Chapters, c.Sections, c.Articles, c.Paragraphs, c.Items); got != tt.counts {
				t.Errorf("counts %s, want %s", got, tt.counts)
			}
		})
	}
}

func TestSequenceWarnings(t *testing.T) {
	for text, want := range map[string]string{
		"示例办法\n第一条　甲。\n第三条　乙。\n":           "条文序号不连续：第一条之后是第三条",
		"示例办法\n第一条　甲。\n第一条　乙。\n":           "条文序号重复或倒退：第一条之后又出现第一条",
		"示例办法\n第五条　甲。\n":                   "条文从第五条开始，缺少之前的条文",
		"示例办法\n第一条　甲。\n附件1\n协议\n第一条　乙。\n":  "",
		"示例办法\n第一条　甲。\n第二条　乙。\n第二条之一　丙。\n": "",
	} {
		if got := strings.Join(mustRead(t, []byte(text)).Text.Warnings, "|"); got != want {
			t.Errorf("%q warns %q, want %q", text, got, want)
		}
	}
}

// What stands two deep on one line begins where its number does.
func TestPlacesOnOneLine(t *testing.T) {
	text := mustRead(t, []byte("示例办法\n第一条　甲。\n第二条　（一） 1.乙；\n2.丙。\n")).Text
	sub := text.GetOutline()[1].GetChildren()[0].GetChildren()[0].GetChildren()[0]
	if got := Slice(text, int(sub.GetStart()), int(sub.GetEnd())); got != "1.乙；" {
		t.Errorf("%s is %q", sub.GetId(), got)
	}
}

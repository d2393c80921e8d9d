package policytext

import (
	"fmt"
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
)

// checkStructure holds what must be true of everything that was found in a text.
func checkStructure(t testing.TB, text *corev1.PolicyText) {
	t.Helper()
	checkTree(t, text)
	ids := map[string]bool{}
	var note func(nodes []*corev1.Provision)
	note = func(nodes []*corev1.Provision) {
		for _, n := range nodes {
			ids[n.GetId()] = true
			note(n.GetChildren())
		}
	}
	note(text.GetOutline())
	for _, p := range text.GetParts() {
		ids[p.GetId()] = true
		note(p.GetOutline())
	}
	end := int32(0)
	for _, r := range text.GetReferences() {
		if r.GetStart() < end || Slice(text, int(r.GetStart()), int(r.GetEnd())) != r.GetText() || r.GetText() == "" {
			t.Fatalf("reference %v does not stand at its place", r)
		}
		end = r.GetEnd()
		for _, id := range r.GetTargets() {
			if !ids[id] {
				t.Fatalf("reference %v names nothing", r)
			}
		}
	}
	end = 0
	for _, v := range text.GetValidities() {
		if v.GetStart() < end || Slice(text, int(v.GetStart()), int(v.GetEnd())) != v.GetText() {
			t.Fatalf("validity %v does not stand at its place", v)
		}
		end = v.GetEnd()
		if d := v.GetLastDay(); d != nil && (d.GetMonth() < 1 || d.GetDay() < 1) {
			t.Fatalf("validity %v ends never", v)
		}
	}
	end = 0
	for _, c := range text.GetCitations() {
		whole := strings.ReplaceAll(Slice(text, int(c.GetStart()), int(c.GetEnd())), "\n", "")
		if c.GetStart() < end || whole != "《"+c.GetTitle()+"》" {
			t.Fatalf("citation %v does not stand at its place: %q", c, whole)
		}
		end = c.GetEnd()
	}
	c := &corev1.ProvisionCounts{Attachments: text.GetCounts().GetAttachments()}
	count(text.GetOutline(), c, false)
	if c.String() != text.GetCounts().String() {
		t.Fatalf("counts %v, the outline has %v", text.GetCounts(), c)
	}
}

// FuzzOutline puts lines of a document together in any order.
func FuzzOutline(f *testing.F) {
	lines := strings.Split(strings.TrimSpace(noticeOfMeasures+orderOfAmendment+carried+
		"目录\n第一编　总编\n第一节　甲\n第二条之一　乙\n附件1\n附件：1.甲\n二、\n（一）前款和本办法第九条。\n1.甲\n（1）乙\n《甲〈乙〉》（以下简称“丙”）第三条\n本办法自印发之日起施行，有效期5年。\n第三章\n附　则"), "\n")
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, "示例办法", "第一条")
	f.Add([]byte{40, 41, 10, 60, 61, 62, 63, 64, 65, 66, 67}, "关于印发《示例办法》的通知", "　")
	f.Fuzz(func(t *testing.T, order []byte, title, odd string) {
		var b strings.Builder
		b.WriteString(title + "\n")
		for _, i := range order[:min(len(order), 400)] {
			if int(i) < len(lines) {
				b.WriteString(lines[i] + "\n")
			} else {
				b.WriteString(odd + "\n")
			}
		}
		limits := DefaultLimits()
		limits.TextBytes = 1 << 16
		d, err := Read(t.Context(), []byte(b.String()), limits)
		if err != nil {
			return
		}
		checkStructure(t, d.Text)
	})
}

func FuzzDocumentNumber(f *testing.F) {
	for _, s := range []string{"示政规〔2026〕2号", "国办发〔201837号", "司发通﹝2018﹞131号", "示政规（2026）第008号", "示例市人民政府令第15号", "示例局公告2024年第45号"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		number := documentNumber(s)
		if !strings.Contains(s, number) {
			t.Fatalf("%q has %q", s, number)
		}
		once := normalizeNumber(number)
		if again := normalizeNumber(once); again != once || (number == "") != (once == "") {
			t.Fatalf("%q gives %q, then %q", number, once, again)
		}
		if strings.ContainsFunc(once, IsBlank) {
			t.Fatalf("%q holds a blank", once)
		}
	})
}

func FuzzMentions(f *testing.F) {
	f.Add("违反本办法第十条第一款第（二）项、第十二条，前两款和附件2")
	f.Add("本条第二款前条前款第（三）项本规定（试行）第七章")
	f.Fuzz(func(t *testing.T, s string) {
		end := 0
		for _, m := range Mentions(s) {
			if m.Start < end || m.End <= m.Start || s[m.Start:m.End] != m.Text {
				t.Fatalf("%+v in %q", m, s)
			}
			end = m.End
			NumberingOf(nil).Missing(m, 1, 1)
		}
	})
}

// BenchmarkStructure reads texts of one, four and sixteen times the length: outline,
// parts, citations, references and validity take time in proportion.
func BenchmarkStructure(b *testing.B) {
	for _, times := range []int{1, 4, 16} {
		var text strings.Builder
		text.WriteString("示例办法\n")
		for n := 1; n <= 100*times; n++ {
			fmt.Fprintf(&text, "第%s条　依照《中华人民共和国示例法》第十条第一款第（二）项和本办法第一条的规定，应当符合下列条件：\n（一）条件甲；\n（二）条件乙，包括：\n1.其一；\n2.其二。\n前款所列条件，以《示例规定》（示政规〔2026〕%d号）为准，见附件1。\n", FormatNumeral(n), n)
		}
		text.WriteString("附件1\n示例表\n")
		data := []byte(text.String())
		b.Run(fmt.Sprintf("%dKB", len(data)>>10), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				mustRead(b, data)
			}
		})
	}
}

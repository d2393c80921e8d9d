package rulebook

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/policytext"
)

func read(t *testing.T, s string) *corev1.PolicyText {
	t.Helper()
	d, err := policytext.Read(t.Context(), []byte(s), policytext.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return d.Text
}

// A document in good form, as GB/T 9704-2012 would have it, gets no finding; each
// change breaks one thing, and is found where it stands.
func TestForm(t *testing.T) {
	set := builtinSet(t, "form")
	const good = "示例区人民政府关于印发《示例区示例管理办法（试行）》的通知\n\n示政规〔2026〕5号\n\n各街道办事处，区政府各部门：\n" +
		"《示例区示例管理办法（试行）》已经区人民政府同意，现印发给你们，请认真执行。\n\n附件：1.示例申请表\n2.示例目录\n\n" +
		"示例区人民政府\n2026年3月5日\n（此件公开发布）\n\n示例区示例管理办法（试行）\n\n第一章　总则\n第一条　为了示例，制定本办法。\n" +
		"第二条　申请人按附件1填报。\n第三条　本办法自2026年5月1日起施行，有效期二年。\n\n附件1\n示例申请表\n\n附件2\n示例目录\n"
	for name, tt := range map[string]struct {
		change      [2]string
		rule, quote string
	}{
		"good":                  {},
		"square brackets":       {[2]string{"〔2026〕", "[2026]"}, "FORM-DN", "政规[2026]5号"},
		"第":                     {[2]string{"〕5号", "〕第5号"}, "DN_DI", "政规〔2026〕第5号"},
		"a zero":                {[2]string{"〕5号", "〕05号"}, "DN_LEADING_ZERO", "政规〔2026〕05号"},
		"year of the number":    {[2]string{"〔2026〕", "〔2025〕"}, "FORM-DN-YEAR", "示政规〔2025〕5号"},
		"kind":                  {[2]string{"》的通知", "》的函"}, "FORM-TITLE-KIND", "示例区人民政府关于印发《示例区示例管理办法（试行）》的函"},
		"marks in marks":        {[2]string{"《示例区示例管理办法（试行）》已经", "《关于印发《示例办法》的通知》已经"}, "FORM-TITLE-MARKS", "《关于印发《示例办法》的通知》"},
		"colon":                 {[2]string{"部门：", "部门:"}, "FORM-ADDRESSEES", ":"},
		"date":                  {[2]string{"2026年3月5日", "2026年03月05日"}, "FORM-DATE", "2026年03月05日"},
		"date in Chinese":       {[2]string{"2026年3月5日", "二〇二六年三月五日"}, "FORM-DATE", "二〇二六年三月五日"},
		"annotation":            {[2]string{"此件公开发布", "此件公开"}, "FORM-ANNOTATION", "此件公开"},
		"stop behind a name":    {[2]string{"2.示例目录", "2.示例目录。"}, "FORM-ATTACHMENT-NOTE", "2.示例目录。"},
		"an attachment missing": {[2]string{"\n附件2\n示例目录\n", ""}, "FORM-ATTACHMENT-COUNT", "附件：1.示例申请表"},
		"one not listed":        {[2]string{"按附件1", "按附件4"}, "FORM-ATTACHMENT-COUNT", "按附件4"},
		"no date of effect":     {[2]string{"本办法自2026年5月1日起施行，有效期二年", "示例局负责解释本办法"}, "FORM-EFFECT", "示例区人民政府关于印发《示例区示例管理办法（试行）》的通知"},
		"no end":                {[2]string{"，有效期二年", ""}, "FORM-VALIDITY", "自2026年5月1日起施行"},
		"an article missing":    {[2]string{"第三条　本", "第四条　本"}, "FORM-NUMBERING", "第四条"},
		"too long":              {[2]string{"有效期二年", "有效期五年"}, "FORM-VALIDITY-LONG", "第三条　本办法自2026年5月1日起施行，有效期五年"},
	} {
		t.Run(name, func(t *testing.T) {
			s := good
			if tt.rule != "" {
				if s = strings.Replace(good, tt.change[0], tt.change[1], 1); s == good {
					t.Fatal("nothing was changed")
				}
			}
			var got []string
			for _, f := range set.Screen(read(t, s)).Findings {
				got = append(got, f.Rule+" "+f.Anchor.Quote)
			}
			var want []string
			if tt.rule != "" {
				want = []string{tt.rule + " " + tt.quote}
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// Form is a warning: nothing of it flags but what a lawyer must put right.
func TestFormIsAWarning(t *testing.T) {
	flags := []string{"FORM-DN", "FORM-DN-ORDER", "FORM-DATE", "FORM-REPEALED-PLAIN", "DN_DI", "DN_LEADING_ZERO", "FORM-REPEALED", "FORM-TITLE", "FORM-XREF", "FORM-XREF-LAW", "FORM-VALIDITY-LONG"}
	for r := range builtinSet(t, "form").active {
		if (r.strength != corev1.Strength_STRENGTH_CONTEXTUAL) != slices.Contains(flags, r.id) {
			t.Errorf("%s is %v", r.id, r.strength)
		}
	}
}

// A date below or beside who signs is the date of a document; whatever else is a date may
// be a cell of a table.
func TestSignDate(t *testing.T) {
	set := builtinSet(t, "form")
	for s, want := range map[string]string{
		"示例区水务局\n二〇二六年七月一日": "二〇二六年七月一日", "示例区水务局　2026年07月1日": "2026年07月1日", "示例区住房和城乡建设委员会\n\n26年7月1日": "26年7月1日",
		"示例镇人民政府\n2026年7月": "2026年7月", "示例区水务局办公室 2026年7月08日印发": "2026年7月08日", "示例区水务局\n2026年七月1日": "2026年七月1日",
		"示例区水务局\n2026.7.1": "2026.7.1", "示例区水务局\n2026年7月1": "2026年7月1",
		"示例区水务局\n2026年7月1日": "", "二〇二六年七月一日，示例局召开会议。": "", "申请日期\n2026年07月01日": "", "请于2026年07月01日前报送\n": "",
		"第一条 依照示例局2026年07月01日的通知执行。": "", "示例区水务局 2026年7月8日印发": "",
	} {
		got := ""
		for _, f := range set.ScreenClause(&corev1.PolicyText{Text: s}, Facts{}).Findings {
			got += f.Anchor.Quote
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

// A clause alone has no form.
func TestClauseHasNoForm(t *testing.T) {
	got := builtinSet(t, "form").ScreenClause(read(t, "示例区人民政府通知\n各单位:\n二〇二六年三月五日"), Facts{})
	if len(got.Findings) > 0 {
		t.Errorf("got %v", got.Findings)
	}
}

// Findings of form stand among the others in reading order.
func TestFormInReadingOrder(t *testing.T) {
	got := builtinSet(t, "form").Screen(read(t, "示例区通知\n各单位:\n依照示政发[2026]5号执行。\n一．甲\n示例区\n2026.3.5\n")).Findings
	at := -1
	for i, f := range got {
		if int(f.Anchor.Start) < at || f.Id != "f"+string(rune('1'+i)) {
			t.Errorf("%s %s at %d", f.Id, f.Rule, f.Anchor.Start)
		}
		at = int(f.Anchor.Start)
	}
	if len(got) != 5 {
		t.Errorf("%d findings: %v", len(got), got)
	}
}

// Whatever is read, places are places of the text and the same each time.
func FuzzForm(f *testing.F) {
	set := builtinSet(f, "form")
	for r := range set.active {
		if r.form != nil {
			for _, e := range r.doc.Violation {
				f.Add(e.s)
			}
		}
	}
	f.Add("示例管理办法\n第一条　为了示例，制定本办法")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := policytext.Read(t.Context(), []byte(s), policytext.DefaultLimits())
		if err != nil {
			return
		}
		runes := []rune(d.Text.Text)
		for _, f := range set.Screen(d.Text).Findings {
			if a := f.Anchor; a.Quote == "" || string(runes[a.Start:a.End]) != a.Quote {
				t.Fatalf("%s: quote %q is not at %d–%d", f.Rule, a.Quote, a.Start, a.End)
			}
		}
	})
}

// A reference is that of its part: an amendment speaks of the text that it amends, and
// what is attached has articles of its own.
func TestDanglingByPart(t *testing.T) {
	const order = "示例市人民政府关于修改《示例市养犬办法》的决定\n决定对《示例市养犬办法》作如下修改：\n一、第三条改为：“依照本办法第五十条办理。”\n示例市人民政府\n2026年6月1日\n示例市养犬办法\n第一条　制定本办法。\n第二条　𠮷依照本办法第一条、第九条办理。\n"
	const charter = "示例市协会管理办法\n第一条　制定本办法。\n附件1\n示例市协会章程（示范文本）\n第一条　制定本章程。\n第二条　依照本章程第一条办理，见附件7。\n第三条　依照本章程第二条、本章程第八条办理。\n"
	for text, want := range map[string]string{order: "本办法第一条、第九条", charter: "本章程第八条"} {
		var got []string
		for _, f := range builtinSet(t, "form").Screen(read(t, text)).Findings {
			if f.Rule == "FORM-XREF" {
				got = append(got, f.Anchor.Quote)
			}
		}
		if strings.Join(got, "|") != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// What is looked for by hand is held against the expression it stands for.
func TestEndsSometime(t *testing.T) {
	want := regexp.MustCompile(`有效期|有效至|长期有效|(?:施行|实施|执行|试行|暂行)(?:期|至)|至[^。；\n]{4,16}日(?:止|失效|废止)|期满(?:后)?自动`)
	words := []string{"有效", "期", "至", "长", "施行", "实施", "执行", "试行", "暂行", "日", "止", "失效", "废止", "满", "后", "自动", "。", "；", "\n", "二", "甲", "𠮷", "\xff", "e"}
	random := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 100_000 {
		text := ""
		if random.IntN(2) == 0 { // a day may be far off
			text = "至" + strings.Repeat(words[16+random.IntN(8)], random.IntN(18)) + "日"
		}
		for range random.IntN(12) {
			text += words[random.IntN(len(words))]
		}
		got := endsSometime(text)
		if got != want.MatchString(text) {
			t.Fatalf("%q: %v", text, got)
		}
		if got {
			found++
		}
	}
	if found < 10_000 {
		t.Errorf("only %d texts speak of an end", found)
	}
}

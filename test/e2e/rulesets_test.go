package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	competitionv1 "fashen/gen/fashen/competition/v1"
	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/app"
	"fashen/internal/rulebook"
)

// ownRule is a rule file of somebody's own: it finds what no built-in rule looks for.
const ownRule = `# 示例
pack: example
version: "1"
title: 示例规则
laws:
  licensing:
    title: 中华人民共和国行政许可法
    from: 2004-07-01
rules:
  - id: EX-1
    title: 示例
    article: EX-1
    cites: [{law: licensing, at: 第十五条}]
    strength: direct
    frames:
      - all: ['见习人员的用人单位']
    reason: 示例理由。
    violation: [对接收见习人员的用人单位给予补贴。]
    clean: [本办法自印发之日起施行。]
`

// imported takes in a changed library: the built-in one and a pack of its own.
func (w *world) imported(t *testing.T, login string) *competitionv1.RuleSetCandidate {
	t.Helper()
	c := &competitionv1.RuleSetCandidate{}
	w.must(t, login, competitionService+"ImportRuleSetCandidate", &competitionv1.ImportRuleSetCandidateRequest{
		Parent: region, RuleSetCandidate: &competitionv1.RuleSetCandidate{DisplayName: "示例修改稿"},
		Filename: "example/own.yaml", Content: []byte(ownRule),
	}, c)
	return c
}

// ruleSet is the rule set of a pack, without its rules; on the day of a review, where
// one is given, and nil where none is in force then.
func (w *world) ruleSet(t *testing.T, pack string, on *datepb.Date) *competitionv1.RuleSet {
	t.Helper()
	out := &competitionv1.ListRuleSetsResponse{}
	w.must(t, "secauditor", competitionService+"ListRuleSets", &competitionv1.ListRuleSetsRequest{ReviewDate: on}, out)
	for _, r := range out.GetRuleSets() {
		if len(r.GetRules()) > 0 {
			t.Errorf("the list holds the rules of %s", r.GetLabel())
		}
		if r.GetPack() == pack {
			return r
		}
	}
	return nil
}

// screened runs the rules over a text; with a context where it is a clause.
func (w *world) screened(t *testing.T, text string, context *competitionv1.ClauseContext, packs ...string) []*corev1.Finding {
	t.Helper()
	out := &competitionv1.ScreenTextResponse{}
	w.must(t, "drafter", competitionService+"ScreenText", &competitionv1.ScreenTextRequest{
		Parent: region, Source: &competitionv1.ScreenTextRequest_Text{Text: text}, Context: context, Packs: packs,
	}, out)
	return out.GetFindings()
}

// A5: what the rules find in four sentences, and what they leave alone.
func TestA5Detection(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		const condition = "对在本区登记注册、纳税满三年的企业给予最高50万元奖励"
		found := w.screened(t, condition, nil)
		for _, rule := range []string{"FCR-19-3", "FCR-14-1"} {
			i := slices.IndexFunc(found, func(f *corev1.Finding) bool { return f.GetRule() == rule })
			if i < 0 {
				t.Errorf("no %s: %v", rule, found)
				continue
			}
			f := found[i]
			if f.GetStrength() != corev1.Strength_STRENGTH_DIRECT || f.GetVerifyBasis() || f.GetArticle() == "" || f.GetLaw() == "" ||
				f.GetReason() == "" || f.GetRewrite() == "" || !strings.HasPrefix(f.GetPack(), "competition@") {
				t.Errorf("%s: %v", rule, f)
			}
			if a := f.GetAnchor(); a.GetQuote() == "" || string([]rune(condition)[a.GetStart():a.GetEnd()]) != a.GetQuote() {
				t.Errorf("%s points at %v", rule, a)
			}
		}
		for _, clean := range []string{"不得以在本区登记注册、纳税作为享受政策的条件", "在本区行政区域内从事餐饮服务的经营者适用本办法"} {
			if found := w.screened(t, clean, nil); len(found) > 0 {
				t.Errorf("%s: %v", clean, found)
			}
		}
		found = w.screened(t, "符合国家规定的小微企业依法享受税收优惠", nil)
		if len(found) == 0 || slices.ContainsFunc(found, func(f *corev1.Finding) bool { return !f.GetVerifyBasis() }) {
			t.Errorf("a national basis is to be verified, and no more: %v", found)
		}
	})
}

// The same document, screened by the command, by its upload and by this service, as
// text and as a stored draft, has the same findings.
func TestOneScreening(t *testing.T) {
	command := build(t)
	file := draft(t, "1200")
	path := filepath.Join(t.TempDir(), "draft.docx")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	printed := command(t, "screen", "--date", "2026-04-08", "--format", "json", path)
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d := w.newDocument(t, true)
		r := w.mustUpload(t, d.GetName(), file)
		stored := &filingv1.ListFindingsResponse{}
		w.must(t, "drafter", filingService+"ListFindings", &filingv1.ListFindingsRequest{Parent: r.GetName()}, stored)
		text := &corev1.PolicyText{}
		w.must(t, "drafter", filingService+"GetRevisionText", &filingv1.GetRevisionTextRequest{Name: r.GetName()}, text)
		draft := &competitionv1.ScreenTextResponse{}
		w.must(t, "drafter", competitionService+"ScreenText", &competitionv1.ScreenTextRequest{
			Parent: region, Source: &competitionv1.ScreenTextRequest_Revision{Revision: r.GetName()},
		}, draft)
		want := findingLines(stored.GetFindings())
		if len(want) < 2 {
			t.Fatalf("too little is found to tell: %v", want)
		}
		if !slices.Equal(draft.GetPacks(), r.GetPacks()) || !draft.GetFlagged() || len(draft.GetArticles()) == 0 {
			t.Errorf("packs %v, the draft was screened with %v; %v", draft.GetPacks(), r.GetPacks(), draft)
		}
		for from, got := range map[string][]string{
			"draft": findingLines(draft.GetFindings()), "text": findingLines(w.screened(t, text.GetText(), nil)), "command": findingLines(printedFindings(t, printed)),
		} {
			if !slices.Equal(got, want) {
				t.Errorf("from the %s:\n%s\nstored:\n%s", from, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	})
}

// An upload is not screened for form: who asks for it gets it over the draft, as over
// its words.
func TestFormOfADraft(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		words := "示例区人民政府关于示例工作的通知\n各有关单位:\n现通知如下：\n一、坚持甲。\n三、坚持乙。\n附件：1、示例表\n示例区人民政府\n2026年03月05日\n"
		d := w.newDocument(t, false)
		r, f := w.upload(t, "drafter", d.GetName(), "notice.txt", []byte(words))
		if f != nil {
			t.Fatal(f)
		}
		if r.GetFindingCount() != 0 {
			t.Errorf("%d findings are stored", r.GetFindingCount())
		}
		out := &competitionv1.ScreenTextResponse{}
		w.must(t, "drafter", competitionService+"ScreenText", &competitionv1.ScreenTextRequest{
			Parent: region, Source: &competitionv1.ScreenTextRequest_Revision{Revision: r.GetName()}, Packs: []string{"form"},
		}, out)
		want := []string{"FORM-ADDRESSEES :", "FORM-NUMBERING 三、", "FORM-ATTACHMENT-NOTE 1、", "FORM-DATE 2026年03月05日"}
		for from, found := range map[string][]*corev1.Finding{"draft": out.GetFindings(), "text": w.screened(t, words, nil, "form")} {
			var got []string
			for _, f := range found {
				got = append(got, f.GetRule()+" "+f.GetAnchor().GetQuote())
			}
			if !slices.Equal(got, want) {
				t.Errorf("from the %s: %q, want %q", from, got, want)
			}
		}
	})
}

// The rule sets of a day: the review keys on it, and so do the laws it cites.
func TestRuleSetsByDate(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		now := w.ruleSet(t, "competition", nil)
		get := func(on *datepb.Date) (*competitionv1.RuleSet, *failure) {
			out := &competitionv1.RuleSet{}
			return out, w.try(t, "secauditor", competitionService+"GetRuleSet", &competitionv1.GetRuleSetRequest{Name: now.GetName(), ReviewDate: on}, out)
		}
		whole, f := get(nil)
		if f != nil || whole.GetLabel() != "competition@"+whole.GetVersion() || now.GetLabel() != whole.GetLabel() ||
			len(whole.GetRules()) < 66 || int(whole.GetRuleCount()) != len(whole.GetRules()) {
			t.Fatalf("%d rules of %s, %v", len(whole.GetRules()), whole.GetLabel(), f)
		}
		for on, law := range map[*datepb.Date]string{
			{Year: 2024, Month: 9, Day: 1}: "公平竞争审查条例", {Year: 2026, Month: 4, Day: 8}: "公平竞争审查条例实施办法",
		} {
			r, f := get(on)
			cites := func(r *competitionv1.Rule) bool {
				return slices.ContainsFunc(r.GetCitations(), func(c *competitionv1.RuleCitation) bool { return c.GetLawTitle() == law })
			}
			if f != nil || !slices.ContainsFunc(r.GetRules(), cites) {
				t.Errorf("on %v no rule cites %s: %v", on, law, f)
			}
			later := slices.ContainsFunc(r.GetRules(), func(r *competitionv1.Rule) bool {
				return slices.ContainsFunc(r.GetCitations(), func(c *competitionv1.RuleCitation) bool { return iso(c.GetEffectiveDate()) > iso(on) })
			})
			if later {
				t.Errorf("on %v a law is cited that was not yet in force", on)
			}
		}
		if _, f = get(&datepb.Date{Year: 2019, Month: 11, Day: 20}); f == nil || f.reason != "RULESET_NOT_FOR_DATE" || f.metadata["earliest_date"] != "2024-08-01" {
			t.Errorf("before the regulation: %v", f)
		}
		if r := w.ruleSet(t, "competition", &datepb.Date{Year: 2019, Month: 11, Day: 20}); r != nil {
			t.Errorf("%s is listed before the regulation", r.GetLabel())
		}
		if w.ruleSet(t, "powers", &datepb.Date{Year: 2019, Month: 11, Day: 20}) == nil {
			t.Error("the circular of 2018 is not listed in 2019")
		}
		var statutes []*competitionv1.Statute
		for token := ""; ; {
			page := &competitionv1.ListStatutesResponse{}
			w.must(t, "drafter", competitionService+"ListStatutes", &competitionv1.ListStatutesRequest{PageSize: 20, PageToken: token}, page)
			statutes = append(statutes, page.GetStatutes()...)
			if token = page.GetNextPageToken(); token == "" {
				break
			}
		}
		i := slices.IndexFunc(statutes, func(s *competitionv1.Statute) bool { return s.GetTitle() == "中华人民共和国合同法" })
		if i < 0 || iso(statutes[i].GetEndDate()) != "2020-12-31" || statutes[i].GetReplacement() != "《中华人民共和国民法典》" {
			t.Errorf("of %d statutes the old contract law is %d", len(statutes), i)
		}
	})
}

// A12, the rule set: an auditor who opens a review of 2019-11-20 in 2027 is shown the
// 18 standards of 2016 and not those of Order 99; a text is screened by them on that day.
func TestA12RulesOfAPastReview(t *testing.T) {
	everywhere(t, "2027-03-15", func(t *testing.T, w *world) {
		then := &datepb.Date{Year: 2019, Month: 11, Day: 20}
		r := w.ruleSet(t, "competition-2016", then)
		if r == nil || w.ruleSet(t, "competition", then) != nil {
			t.Fatalf("the sets of the day hold %v", r)
		}
		out := &competitionv1.RuleSet{}
		w.must(t, "secauditor", competitionService+"GetRuleSet", &competitionv1.GetRuleSetRequest{Name: r.GetName(), ReviewDate: then}, out)
		var ids, want []string
		for i, rule := range out.GetRules() {
			ids, want = append(ids, rule.GetId()), append(want, fmt.Sprintf("H%02d", i+1))
			for _, c := range rule.GetCitations() {
				if strings.Contains(c.GetLawTitle(), "公平竞争审查条例") {
					t.Errorf("%s cites %s", rule.GetId(), c.GetLawTitle())
				}
			}
		}
		if slices.Sort(ids); len(ids) != 18 || !slices.Equal(ids, want) {
			t.Errorf("the standards are %v", ids)
		}
		now := &competitionv1.RuleSet{}
		f := w.try(t, "secauditor", competitionService+"GetRuleSet", &competitionv1.GetRuleSetRequest{Name: w.ruleSet(t, "competition", nil).GetName(), ReviewDate: then}, now)
		if f == nil || f.reason != "RULESET_NOT_FOR_DATE" {
			t.Errorf("Order 99 in 2019: %v", f)
		}
		found := &competitionv1.ScreenTextResponse{}
		w.must(t, "reviewer", competitionService+"ScreenText", &competitionv1.ScreenTextRequest{
			Parent: region, ReviewDate: then, Source: &competitionv1.ScreenTextRequest_Text{Text: "外地企业不得参加本县工程项目投标。"},
		}, found)
		if len(found.GetFindings()) == 0 || !slices.Contains(found.GetPacks(), r.GetLabel()) || found.GetFindings()[0].GetRule() != "H08" {
			t.Errorf("screened in 2019 with %v: %v", found.GetPacks(), found.GetFindings())
		}
	})
}

// What is asked of a screening and cannot be: each refusal names its field or law, and
// a marked text is refused without its words.
func TestScreenTextRefusals(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		text := func(s string) *competitionv1.ScreenTextRequest_Text {
			return &competitionv1.ScreenTextRequest_Text{Text: s}
		}
		for want, in := range map[string]*competitionv1.ScreenTextRequest{
			"RULESET_NOT_FOR_DATE":    {Source: text("示例"), ReviewDate: &datepb.Date{Year: 1990, Month: 1, Day: 1}},
			"RULE_PACK_UNKNOWN":       {Source: text("示例"), Packs: []string{"nothing"}},
			"CLASSIFIED_MATERIAL":     {Source: text("机密★10年\n示例区管理办法\n第一条　示例。\n")},
			"CALENDAR_DATE_MALFORMED": {Source: text("示例"), ReviewDate: &datepb.Date{Year: 2026, Month: 2, Day: 30}},
		} {
			in.Parent = region
			if f := w.try(t, "drafter", competitionService+"ScreenText", in, &competitionv1.ScreenTextResponse{}); f == nil || f.reason != want || strings.Contains(f.message, "管理办法") {
				t.Errorf("%s: %v", want, f)
			}
		}
		long := &competitionv1.ScreenTextRequest{Parent: region, Source: text(strings.Repeat("长", 1<<20+1))}
		if f := w.try(t, "drafter", competitionService+"ScreenText", long, &competitionv1.ScreenTextResponse{}); f == nil {
			t.Error("a text past the limit is screened")
		}
		// A clause is judged by what is told of its document.
		clause := "依照本办法第九十条的规定处理。"
		context := &competitionv1.ClauseContext{Articles: 12}
		if found := w.screened(t, clause, context, "form"); len(found) != 1 {
			t.Errorf("a reference past the last article: %v", found)
		}
		context.Articles = 95
		if found := w.screened(t, clause, context, "form"); len(found) != 0 {
			t.Errorf("a reference to an article there is: %v", found)
		}
	})
}

// A candidate that compiles is kept with its journal, tried on the drafts the caller
// sees, and finds nothing anywhere else.
func TestCandidateOnTrial(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		d := w.newDocument(t, true)
		r := w.mustUpload(t, d.GetName(), draft(t, "1200"))
		c := w.imported(t, "regulator")
		if c.GetAuthor() != w.people["regulator"] || !slices.Contains(c.GetLabels(), "example@1") || !slices.Equal(c.GetPaths(), []string{"example/own.yaml"}) {
			t.Errorf("candidate %v", c)
		}
		trial := func(login string) *competitionv1.TryRuleSetCandidateResponse {
			out := &competitionv1.TryRuleSetCandidateResponse{}
			w.must(t, login, competitionService+"TryRuleSetCandidate", &competitionv1.TryRuleSetCandidateRequest{
				Name: c.GetName(), Packs: []string{"competition", "example"},
			}, out)
			return out
		}
		got := trial("regulator")
		if got.GetDocumentCount() != 1 || len(got.GetChanges()) != 1 || len(got.GetCounts()) != 1 || got.GetCounts()[0].GetAdded() != 1 {
			t.Fatalf("trial %v", got)
		}
		if change := got.GetChanges()[0]; change.GetRevision() != r.GetName() || change.GetKind() != competitionv1.RuleSetChange_ADDED ||
			change.GetFinding().GetRule() != "EX-1" || change.GetFinding().GetAnchor().GetArticle() != 3 {
			t.Errorf("change %v", change)
		}
		// The draft is not submitted: the reviewer does not see it, nor what rules find in it.
		if got := trial("reviewer"); got.GetDocumentCount() != 0 || len(got.GetChanges()) != 0 {
			t.Errorf("the reviewer is told of a draft that is hidden: %v", got)
		}
		stored := &filingv1.ListFindingsResponse{}
		w.must(t, "drafter", filingService+"ListFindings", &filingv1.ListFindingsRequest{Parent: r.GetName()}, stored)
		for _, f := range stored.GetFindings() {
			if f.GetRule() == "EX-1" {
				t.Errorf("a trial was stored: %v", f)
			}
		}
		history := &competitionv1.ListRuleSetCandidateHistoryResponse{}
		w.must(t, "reviewer", competitionService+"ListRuleSetCandidateHistory", &competitionv1.ListRuleSetCandidateHistoryRequest{Parent: c.GetName()}, history)
		if len(history.GetHistory()) != 1 || history.GetHistory()[0].GetActor() != w.people["regulator"] {
			t.Errorf("history %v", history.GetHistory())
		}
		checkImportMistakes(t, w)
		checkTrialByCommand(t, w, c)
	})
}

// checkTrialByCommand tries the same rules as the command does over a running server.
func checkTrialByCommand(t *testing.T, w *world, c *competitionv1.RuleSetCandidate) {
	t.Helper()
	for range 2 {
		w.mustUpload(t, w.newDocument(t, true).GetName(), draft(t, "1300"))
	}
	r := app.RuleTrial{URL: w.rest().base, Region: strings.TrimPrefix(region, "regions/"), Token: w.as(t, "regulator"), DisplayName: "示例"}
	var pages []int32
	added := int32(0)
	files := rulebook.Files{c.GetPaths()[0]: []byte(ownRule)}
	how := &competitionv1.TryRuleSetCandidateRequest{Packs: []string{"example"}, PageSize: 2}
	err := r.Run(t.Context(), files, how, func(page *competitionv1.TryRuleSetCandidateResponse) error {
		pages = append(pages, page.GetDocumentCount())
		for _, n := range page.GetCounts() {
			added += n.GetAdded()
		}
		return nil
	})
	if err != nil || !slices.Equal(pages, []int32{2, 1}) || added != 3 {
		t.Errorf("pages %v, %d come, %v", pages, added, err)
	}
	files["example/own.yaml"] = []byte("rulez: []")
	if err = r.Run(t.Context(), files, how, nil); err == nil || !strings.Contains(err.Error(), "example/own.yaml第1行") {
		t.Errorf("a mistake: %v", err)
	}
}

// checkImportMistakes sends files that are refused, with file and line.
func checkImportMistakes(t *testing.T, w *world) {
	t.Helper()
	for name, c := range map[string]struct{ filename, content, want string }{
		"unknown lexicon":   {"example/own.yaml", strings.Replace(ownRule, "'见习人员的用人单位'", "'{nothing}'", 1), "example/own.yaml第16行"},
		"example that lies": {"example/own.yaml", strings.Replace(ownRule, "clean: [本办法", "clean: [接收见习人员的用人单位，本办法", 1), "example/own.yaml第19行"},
		"no rule file":      {"rules.txt", "rules", "rules.txt"},
		"climbing":          {"../own.yaml", ownRule, "../own.yaml"},
	} {
		in := &competitionv1.ImportRuleSetCandidateRequest{
			Parent: region, RuleSetCandidate: &competitionv1.RuleSetCandidate{DisplayName: "示例"}, Filename: c.filename, Content: []byte(c.content),
		}
		f := w.try(t, "reviewer", competitionService+"ImportRuleSetCandidate", in, &competitionv1.RuleSetCandidate{})
		if f == nil || f.reason != "RULE_FILE_INVALID" || !strings.Contains(f.message, c.want) {
			t.Errorf("%s: %v", name, f)
		}
	}
	list := &competitionv1.ListRuleSetCandidatesResponse{}
	w.must(t, "reviewer", competitionService+"ListRuleSetCandidates", &competitionv1.ListRuleSetCandidatesRequest{Parent: region}, list)
	if len(list.GetRuleSetCandidates()) != 1 {
		t.Errorf("%d candidates after refusals", len(list.GetRuleSetCandidates()))
	}
}

// build builds the command and answers how to run it.
func build(t *testing.T) func(t *testing.T, args ...string) []byte {
	t.Helper()
	program := filepath.Join(t.TempDir(), "fashen")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "fashen/cmd/fashen").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return func(t *testing.T, args ...string) []byte {
		t.Helper()
		var complaints bytes.Buffer
		c := exec.CommandContext(t.Context(), program, args...)
		c.Stderr = &complaints
		out, err := c.Output()
		if err != nil {
			t.Fatalf("fashen %v: %v\n%s", args, err, complaints.String())
		}
		return out
	}
}

// printedFindings reads what `fashen screen --format json` prints.
func printedFindings(t *testing.T, printed []byte) []*corev1.Finding {
	t.Helper()
	out := &filingv1.Screening{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(printed, out); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	return out.GetFindings()
}

// findingLines are findings without the draft they are in and what became of them, a
// line each.
func findingLines(findings []*corev1.Finding) []string {
	out := make([]string, 0, len(findings))
	for _, f := range findings {
		f = proto.CloneOf(f)
		f.Name, f.FirstRaised, f.Disposition, f.GetAnchor().Revision = "", "", nil, ""
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(f)
		if err != nil {
			panic(err)
		}
		out = append(out, f.GetRule()+" "+f.GetAnchor().GetQuote()+" "+string(b))
	}
	return out
}

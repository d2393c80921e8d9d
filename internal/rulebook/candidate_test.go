package rulebook

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	competitionv1 "fashen/gen/fashen/competition/v1"
	corev1 "fashen/gen/fashen/core/v1"
)

// A pack of somebody's own; %s is the pattern of its one rule, %s its clean example.
const ownPack = `pack: example
version: "1"
title: 示例规则
laws:
  licensing: {title: 中华人民共和国行政许可法, from: 2004-07-01}
rules:
  - id: EX-1
    article: EX-1
    cites: [{law: licensing, at: 第十五条}]
    strength: direct
    frames:
      - all: ['%s']
    reason: 示例理由。
    violation: [申请人应当提交示例材料。]
    clean: [%s]
`

func candidate(t *testing.T, files Files) *Library {
	t.Helper()
	lib, err := Candidate(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

func TestCandidateStandsInPlace(t *testing.T) {
	builtin, err := BuiltinFiles()
	if err != nil {
		t.Fatal(err)
	}
	before, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	const path = "competition/pack.yaml"
	changed := bytes.ReplaceAll(builtin[path], []byte(before.packs["competition"].version), []byte("2099.1"))
	after := candidate(t, Files{path: changed, "example/own.yaml": fmt.Appendf(nil, ownPack, "示例材料", "本办法施行。")})
	if !slices.Contains(after.Packs(), "example") || after.packs["competition"].version != "2099.1" {
		t.Errorf("packs %v, competition@%s", after.Packs(), after.packs["competition"].version)
	}
	if n, m := len(after.packs["competition"].rules), len(before.packs["competition"].rules); n != m {
		t.Errorf("%d rules in the place of %d", n, m)
	}
	if after.packs["competition"].sum == before.packs["competition"].sum || after.packs["powers"].sum != before.packs["powers"].sum {
		t.Error("a pack's digest is that of its files")
	}
}

// What a candidate may not be, with the file and line that are told.
func TestCandidateRefused(t *testing.T) {
	tooMany := strings.Repeat("(?:[甲-癸]{40}){40}", 40)
	for name, c := range map[string]struct {
		files Files
		want  string
	}{
		"unknown lexicon":         {Files{"example/own.yaml": fmt.Appendf(nil, ownPack, "{nothing}", "无。")}, "example/own.yaml:12: "},
		"does not compile":        {Files{"example/own.yaml": fmt.Appendf(nil, ownPack, "(", "无。")}, "example/own.yaml:12: "},
		"example that lies":       {Files{"example/own.yaml": fmt.Appendf(nil, ownPack, "示例材料", "提交示例材料。")}, "example/own.yaml:15: "},
		"pattern past its size":   {Files{"example/own.yaml": fmt.Appendf(nil, ownPack, tooMany, "无。")}, "example/own.yaml:12: "},
		"example past its length": {Files{"example/own.yaml": fmt.Appendf(nil, ownPack, "示例材料", strings.Repeat("长", 3000))}, "example/own.yaml:15: "},
		"misspelt field":          {Files{"example/own.yaml": []byte("pack: example\nrulez: []\n")}, "example/own.yaml:2: "},
		"a second of an id":       {Files{"competition/own.yaml": []byte("pack: competition\nrules:\n  - id: FCR-15-1\n")}, "competition/own.yaml:3: "},
		"version twice":           {Files{"competition/own.yaml": []byte("pack: competition\nversion: \"3\"\n")}, "competition/"},
		"an end that is no date":  {Files{"form/own.yaml": []byte("statutes:\n  - {title: 示例条例, to: 2020-13-01, replaced_by: 《示例法》}\n")}, "form/own.yaml:2: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Candidate(t.Context(), c.files)
			problems := Problems(err)
			if len(problems) == 0 || !slices.ContainsFunc(problems, func(p *Problem) bool { return strings.HasPrefix(p.Error(), c.want) }) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// Compiling ends with the context, which is no mistake of the author's.
func TestCandidateEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Candidate(ctx, nil); !errors.Is(err, context.Canceled) || len(Problems(err)) > 0 {
		t.Errorf("%v", err)
	}
}

// The patterns together are bounded, however small each is.
func TestLibrarySizeIsBounded(t *testing.T) {
	files, err := BuiltinFiles()
	if err != nil {
		t.Fatal(err)
	}
	b := &budget{ctx: t.Context(), left: 1000}
	if _, err := load(files, b); err == nil || !strings.Contains(err.Error(), "together") {
		t.Errorf("%v", err)
	}
	b = &budget{ctx: t.Context(), left: maxLibrarySize}
	if _, err := load(files, b); err != nil || b.left < maxLibrarySize/2 {
		t.Errorf("the built-in packs leave %d of %d: %v", b.left, maxLibrarySize, err)
	}
}

func zipped(t testing.TB, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		part, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "/") {
			_, _ = part.Write([]byte("# 示例\n"))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadImport(t *testing.T) {
	files, err := ReadImport("rules.zip", zipped(t, "competition/", "competition/a.yaml", "lexicons.yaml"))
	if err != nil || !slices.Equal(slices.Sorted(maps.Keys(files)), []string{"competition/a.yaml", "lexicons.yaml"}) {
		t.Errorf("%v, %v", files, err)
	}
	again, err := files.Zip()
	if err != nil {
		t.Fatal(err)
	}
	if same, err := ReadImport("rules.zip", again); err != nil || !maps.EqualFunc(same, files, bytes.Equal) {
		t.Errorf("packed again: %v, %v", same, err)
	}
	bomb := bytes.Repeat([]byte(" "), maxFileBytes+1)
	many := make([]string, maxFiles+1)
	for i := range many {
		many[i] = fmt.Sprintf("a/%d.yaml", i)
	}
	for name, c := range map[string]struct {
		filename string
		content  []byte
	}{
		"no zip":          {"rules.zip", []byte("PK")},
		"empty zip":       {"rules.zip", zipped(t)},
		"another file":    {"rules.zip", zipped(t, "a.yml")},
		"climbing":        {"rules.zip", zipped(t, "../a.yaml")},
		"from the root":   {"rules.zip", zipped(t, "/a.yaml")},
		"backslash":       {"rules.zip", zipped(t, `a\b.yaml`)},
		"twice":           {"rules.zip", zipped(t, "a.yaml", "a.yaml")},
		"too many":        {"rules.zip", zipped(t, many...)},
		"too large":       {"a.yaml", bomb},
		"climbing itself": {"../a.yaml", nil},
		"neither":         {"a.txt", nil},
	} {
		if _, err := ReadImport(c.filename, c.content); len(Problems(err)) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTrial(t *testing.T) {
	now, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	then := candidate(t, Files{"example/own.yaml": fmt.Appendf(nil, ownPack, "示例材料", "本办法施行。")})
	on := day(2026, 4, 8)
	text := &corev1.PolicyText{Text: "申请人应当提交示例材料。\n外地企业不得参加本次投标。\n"}
	trial, err := NewTrial(now, then, on, "competition", "example")
	if err != nil {
		t.Fatal(err)
	}
	got, err := trial.Compare(t.Context(), text)
	if err != nil || len(got.Added) != 1 || len(got.Removed) != 0 || got.Added[0].GetRule() != "EX-1" {
		t.Errorf("%v, %v", got, err)
	}
	if trial, err = NewTrial(then, now, on, "competition", "example"); err != nil {
		t.Fatal(err)
	}
	texts := []*corev1.PolicyText{text, nil, text}
	all, total, err := trial.Each(t.Context(), len(texts), 1, func(_ context.Context, i int) (*corev1.PolicyText, error) { return texts[i], nil })
	if err != nil || len(all) != 3 || len(all[0].Removed) != 1 || len(all[1].Removed) != 0 || !slices.Equal(total.Counts(), []Count{{"EX-1", 0, 2}}) {
		t.Errorf("%v, %v, %v", all, total, err)
	}
	if all, _, _ = trial.Each(t.Context(), 1, 0, func(context.Context, int) (*corev1.PolicyText, error) { return text, nil }); !all[0].Truncated {
		t.Error("what is left out is not told")
	}
	if _, _, err = trial.Each(t.Context(), 1, 1, func(context.Context, int) (*corev1.PolicyText, error) { return nil, context.Canceled }); !errors.Is(err, context.Canceled) {
		t.Errorf("a text that cannot be had: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = trial.Compare(ctx, text); !errors.Is(err, context.Canceled) {
		t.Errorf("a trial goes on: %v", err)
	}
	if _, err = NewTrial(now, then, on, "nothing"); !errors.Is(err, ErrUnknownPack) {
		t.Errorf("%v", err)
	}
	var none *NotForDateError
	if _, err = NewTrial(now, then, day(1990, 1, 1)); !errors.As(err, &none) {
		t.Errorf("%v", err)
	}
}

// A draft is screened with those packs for drafts that are in force.
func TestDraftSetByDate(t *testing.T) {
	lib, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	set, err := lib.DraftSet(day(2026, 4, 8))
	if err != nil || !strings.HasPrefix(set.Version(), "competition@") || !strings.Contains(set.Version(), "powers@") {
		t.Errorf("%v, %v", set.Labels(), err)
	}
	if set, err = lib.DraftSet(day(2019, 11, 20)); err != nil || strings.Contains(set.Version(), "competition@") || !strings.Contains(set.Version(), "powers@") {
		t.Errorf("before the regulation: %v", err)
	}
	var none *NotForDateError
	if _, err = lib.DraftSet(day(1990, 1, 1)); !errors.As(err, &none) || none.Earliest.Year() < 2016 {
		t.Errorf("before all law: %v", err)
	}
}

func TestDescribe(t *testing.T) {
	lib, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range lib.Describe() {
		on := time.Date(2026, 4, 8, 0, 0, 0, 0, time.UTC)
		if r.GetName() == "" || r.GetEffectiveDate() == nil || len(r.GetSha256()) != 64 || len(r.GetRules()) != len(lib.packs[r.GetPack()].rules) {
			t.Errorf("%s: %v", r.GetLabel(), r)
		}
		for _, rule := range r.GetRules() {
			if rule.GetReason() == "" || len(rule.GetCitations()) == 0 || len(rule.GetViolationExamples()) == 0 || len(rule.GetCleanExamples()) == 0 || rule.GetEffectiveDate() == nil {
				t.Errorf("%s lacks something: %v", rule.GetId(), rule)
			}
		}
		for i, rule := range lib.packs[r.GetPack()].rules {
			from, to := rule.interval()
			if within(on, from, to) != rule.inForce(on) {
				t.Errorf("%s: %v～%v", r.GetRules()[i].GetId(), from, to)
			}
		}
	}
	s := lib.Statutes()
	if len(s) < 50 || !slices.IsSortedFunc(s, func(a, b *competitionv1.Statute) int { return strings.Compare(a.GetTitle(), b.GetTitle()) }) {
		t.Errorf("%d statutes", len(s))
	}
}

// Whatever is sent as a rule file is taken in or refused with its mistakes named.
func FuzzReadImport(f *testing.F) {
	f.Add("a/b.yaml", fmt.Appendf(nil, ownPack, "示例材料", "本办法施行。"))
	f.Add("rules.zip", zipped(f, "competition/a.yaml"))
	f.Add("a.yaml", []byte("rules: [{id: &a x, cites: [*a]}]"))
	f.Fuzz(func(t *testing.T, filename string, content []byte) {
		files, err := ReadImport(filename, content)
		if err != nil {
			if len(Problems(err)) == 0 {
				t.Errorf("%v names no mistake", err)
			}
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		lib, err := load(files, &budget{ctx: ctx, left: maxLibrarySize})
		if err != nil && len(Problems(err)) == 0 {
			t.Errorf("%v names no mistake", err)
		}
		if err == nil {
			lib.Describe()
		}
	})
}

func BenchmarkCandidate(b *testing.B) {
	for b.Loop() {
		if _, err := Candidate(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTrialEach(b *testing.B) {
	lib, err := Builtin()
	if err != nil {
		b.Fatal(err)
	}
	trial, err := NewTrial(lib, lib, day(2026, 4, 8))
	if err != nil {
		b.Fatal(err)
	}
	text := &corev1.PolicyText{Text: "第一条　对在本区登记注册、纳税满三年的企业给予奖励。\n" + strings.Repeat("各单位应当按照职责做好相关工作，加强协调配合，形成工作合力。\n", 100)}
	const drafts = 100
	b.SetBytes(int64(drafts * len(text.Text)))
	for b.Loop() {
		_, _, err := trial.Each(b.Context(), drafts, 10, func(context.Context, int) (*corev1.PolicyText, error) { return text, nil })
		if err != nil {
			b.Fatal(err)
		}
	}
}

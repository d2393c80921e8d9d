package rulebook

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/policytext"
)

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 9, 30, 0, 0, time.UTC) }

// builtinSet loads the packs; loading runs the examples of every rule and
// every suppressor.
func builtinSet(tb testing.TB, packs ...string) *Set {
	tb.Helper()
	lib, err := Builtin()
	if err != nil {
		tb.Fatal(err)
	}
	set, err := lib.Set(day(2026, 11, 23), packs...)
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// framesOnly is a set that does not weigh clauses, to see what its frames do.
func framesOnly(s *Set) *Set {
	frames := *s
	frames.weighed = nil
	return &frames
}

// TestExamplesAcrossPacks holds every rule's clean examples against all other
// rules: what is lawful for one may not be flagged by another.
func TestExamplesAcrossPacks(t *testing.T) {
	set := builtinSet(t)
	for r := range set.active {
		for _, e := range r.doc.Clean {
			for _, f := range set.Screen(&corev1.PolicyText{Text: e.s}).Findings {
				if Flags(f) {
					t.Errorf("%s:%d: clean example of %s is flagged by %s: %s", r.file, e.line, r.id, f.Rule, e.s)
				}
			}
		}
		for _, e := range r.doc.Violation {
			page, s := examplePage(e.s)
			doc, err := policytext.Read(t.Context(), []byte(s), policytext.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			facts := FactsOf(doc.Text)
			facts.Page = page
			got := set.ScreenClause(doc.Text, facts)
			found := false
			for _, f := range got.Findings {
				found = found || f.Rule == r.id
			}
			named := slices.ContainsFunc(got.Findings, func(f *corev1.Finding) bool {
				return Flags(f)
			})
			if !found && !(r.residual && named) {
				t.Errorf("%s:%d: the prefilter loses rule %s", r.file, e.line, r.id)
			}
		}
	}
}

func TestEverySuppressorHasBothExamples(t *testing.T) {
	set := builtinSet(t)
	seen := map[string]bool{}
	for r := range set.active {
		for _, s := range r.suppressors {
			seen[s.id] = true
			if len(s.doc.Silent) == 0 || len(s.doc.Heard) == 0 {
				t.Errorf("suppressor %s lacks an example", s.id)
			}
		}
	}
	for _, id := range []string{"G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "G9", "G10", "G11", "G12", "G13", "G14"} {
		if !seen[id] {
			t.Errorf("suppressor %s is used by no rule", id)
		}
	}
}

func TestSetByDate(t *testing.T) {
	lib, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	violation := &corev1.PolicyText{Text: "对注册在本县、连续纳税两年以上的餐饮公司给予三万元补助。"}

	before, err := lib.Set(day(2025, 4, 19), "competition")
	if err != nil {
		t.Fatal(err)
	}
	if law := before.Screen(violation).Findings[0].Law; strings.Contains(law, "实施办法") {
		t.Errorf("a finding of 2025-04-19 cites the Measures: %s", law)
	}
	after, err := lib.Set(day(2025, 4, 20), "competition")
	if err != nil {
		t.Fatal(err)
	}
	if law := after.Screen(violation).Findings[0].Law; !strings.HasPrefix(law, "《公平竞争审查条例》") || !strings.Contains(law, "实施办法") {
		t.Errorf("a finding of 2025-04-20 cites %s", law)
	}

	_, err = lib.Set(day(2024, 7, 31), "competition")
	var notYet *NotForDateError
	if !errors.As(err, &notYet) || notYet.Code() != "RULESET_NOT_FOR_DATE" || notYet.Earliest.Format(dateLayout) != "2024-08-01" {
		t.Errorf("2024-07-31: %v", err)
	}
	_, err = lib.Set(day(2024, 8, 1), "competition-2016")
	if !errors.As(err, &notYet) || notYet.Latest.Format(dateLayout) != "2024-07-31" || !strings.Contains(notYet.Message(), "最后") {
		t.Errorf("competition-2016 on 2024-08-01: %v", err)
	}
	if _, err = lib.Set(day(2026, 1, 1), "nonsense"); !errors.Is(err, ErrUnknownPack) {
		t.Errorf("unknown pack: %v", err)
	}
	all, err := lib.Set(day(2026, 11, 23))
	if err != nil || all.Version() != "competition@2026.12.4+form@2026.12.4+powers@2026.12.4" {
		t.Errorf("all packs: %v, %v", all.Version(), err)
	}
}

// A review of 2019 is held against the 18 standards of its time, whichever way the
// packs are chosen, and none of Order 99.
func TestReviewOf2019(t *testing.T) {
	lib, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	on := day(2019, 11, 20)
	if _, err := lib.Set(on, "competition"); err == nil {
		t.Error("the Regulation is in force in 2019")
	}
	drafts, err := lib.DraftSet(on)
	if err != nil || drafts.Version() != "competition-2016@2026.12.4+powers@2026.12.4" {
		t.Fatalf("drafts: %v, %v", drafts, err)
	}
	set, err := lib.Set(on, "competition-2016")
	if err != nil || set.Size() != 18 {
		t.Fatalf("%v rules, %v", set, err)
	}
	for r := range set.active {
		for _, e := range r.doc.Clean {
			if got := set.Screen(&corev1.PolicyText{Text: e.s}).Findings; Flagged(got) {
				t.Errorf("clean example of %s is flagged by %v", r.id, rulesOf(got))
			}
		}
		for _, e := range r.doc.Violation {
			got := set.Screen(&corev1.PolicyText{Text: e.s}).Findings
			if len(got) == 0 || !slices.Contains(rulesOf(got), r.id) {
				t.Errorf("example of %s gives %v", r.id, rulesOf(got))
			}
			for _, f := range got {
				if !strings.Contains(f.Law, "在市场体系建设中建立公平竞争审查制度") || strings.Contains(f.Law, "实施办法") {
					t.Errorf("%s cites %s", f.Rule, f.Law)
				}
			}
		}
	}
	var hit, all float64
	for _, c := range readClauses(t, "../wording/clauses/competition/items.tsv") {
		if c.rule != "" {
			all++
			if Flagged(set.Screen(&corev1.PolicyText{Text: c.text}).Findings) {
				hit++
			}
		}
	}
	if hit/all < 0.95 {
		t.Errorf("the 18 standards find %.3f of the clauses", hit/all)
	}
}

// tiny is a smallest valid library; the cases below break it in one place.
const tiny = `pack: demo
version: "1"
laws:
  act: {title: 示例法, from: 2020-01-01}
lexicons:
  here: [本地, 本县]
suppressors:
  - id: S1
    effect: drop
    general: true
    cues:
      - {where: before, pattern: 不得}
    silent:
      - {rule: D-1, text: 不得限定本地产品。}
    heard:
      - {rule: D-1, text: 限定本地产品。}
rules:
  - id: D-1
    article: ACT-1
    cites: [{law: act, at: 第一条}]
    strength: direct
    frames:
      - all: ['限定{here}']
    reason: 示例。
    violation: [限定本县商品。]
    clean: [商品自由流通。]
`

func loadText(s string) (*Library, error) {
	return Load(fstest.MapFS{"demo/rules.yaml": &fstest.MapFile{Data: []byte(s)}})
}

func TestLoadErrors(t *testing.T) {
	if _, err := loadText(tiny); err != nil {
		t.Fatalf("the valid library: %v", err)
	}
	cases := []struct{ name, old, new, want string }{
		{"unknown lexicon", "限定{here}", "限定{there}", "demo/rules.yaml:23: rule D-1: unknown lexicon {there}"},
		{"pattern that cannot compile", "限定{here}", "限定({here}", "demo/rules.yaml:23: rule D-1: error parsing regexp"},
		{"pattern that matches nothing", "'限定{here}'", "'(?:限定)?'", "demo/rules.yaml:23: rule D-1: pattern matches the empty text"},
		{"lexicon that refers to itself", "本地, 本县", "本地, '{here}'", "demo/rules.yaml:23: rule D-1: lexicon {here} refers to itself"},
		{"violation that is none", "限定本县商品。", "鼓励本县商品。", "demo/rules.yaml:25: rule D-1: this example gives no finding"},
		{"clean that is a violation", "商品自由流通。", "限定本县商品。", "demo/rules.yaml:26: rule D-1: this example gives a finding"},
		{"suppressor that does not suppress", "不得限定本地产品。", "可以限定本地产品。", "demo/rules.yaml:14: suppressor S1"},
		{"unknown place", "where: before", "where: beside", "demo/rules.yaml:12: unknown place"},
		{"unknown law", "law: act", "law: code", "demo/rules.yaml:20: rule D-1 cites unknown law"},
		{"unknown strength", "strength: direct", "strength: strong", "demo/rules.yaml:21: rule D-1: unknown strength"},
		{"misspelt field", "reason:", "reasons:", "demo/rules.yaml:24: field reasons not found"},
		{"frames of nobody", "    frames:\n      - all: ['限定{here}']\n", "    frames_of: [D-9]\n", "demo/rules.yaml:22: rule D-1 borrows the frames of unknown rule"},
		{"frames of a borrower", "    frames:\n      - all: ['限定{here}']\n", "    frames_of: [D-1]\n", "demo/rules.yaml:22: rule D-1 borrows from D-1"},
		{"suppressor of a frame that is not there", "    frames:\n      - all: ['限定{here}']\n", "    frames:\n      - all: ['限定{here}']\n        except: [S9]\n", "demo/rules.yaml:24: rule D-1: unknown suppressor"},
		{"no version", `version: "1"`, "title: 示例", "has no version"},
		{"bad date", "2020-01-01", "2020-13-01", "law act"},
		{"not YAML", "rules:", "rules: [", "demo/rules.yaml:17: "},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := loadText(strings.Replace(tiny, c.old, c.new, 1))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestDuplicateIDNamesBothPlaces(t *testing.T) {
	rules := tiny[strings.Index(tiny, "rules:"):]
	_, err := Load(fstest.MapFS{
		"demo/a.yaml": &fstest.MapFile{Data: []byte(tiny)},
		"demo/b.yaml": &fstest.MapFile{Data: []byte("pack: demo\n" + rules)},
	})
	if err == nil || !strings.Contains(err.Error(), "demo/b.yaml:3") || !strings.Contains(err.Error(), "demo/a.yaml:18") {
		t.Errorf("got %v", err)
	}
}

func TestLoadReportsUnreadableFiles(t *testing.T) {
	if _, err := Load(brokenFS{}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

type brokenFS struct{}

func (brokenFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

func FuzzLoad(f *testing.F) {
	f.Add(tiny)
	f.Add(strings.Replace(tiny, "限定{here}", "(?:限|定){here}{2}", 1))
	f.Fuzz(func(_ *testing.T, s string) {
		lib, err := loadText(s)
		if err != nil {
			return
		}
		if set, err := lib.Set(day(2026, 1, 1)); err == nil {
			set.Screen(&corev1.PolicyText{Text: s})
		}
	})
}

package wording

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

// tiny is a smallest model: 甲 speaks for a breach of a, 乙 for a lawful clause.
const tiny = "learnt\tx\npack\ta\t-0.5\nrule\tA-1\t0\nrule\tA-2\t0.2\npack\tb\t0\nrule\tB-1\t0\n" +
	"\"0\"\t1\t0\t0\n\"乙\"\t1\t-2\t0.5\tB-1:1\n\"甲\"\t2\t3\t0\tA-1:1\tA-2:-1\n\"甲乙\"\t3\t1\t0\tA-2:4\n"

func read(t testing.TB, s string) *Model {
	t.Helper()
	f, err := ReadFile(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Model()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestLikelihood(t *testing.T) {
	m := read(t, tiny)
	a, _ := m.Head("a")
	b, _ := m.Head("b")
	if _, ok := m.Head("c"); ok {
		t.Error("a pack that the model does not weigh for")
	}
	for text, want := range map[string][2]float64{
		"":      {-0.5, 0},
		"丙":     {-0.5, 0},
		"甲":     {-0.5 + 6/2.0, 0},
		"乙 乙":   {-0.5 - 4/math.Sqrt2, 1 / math.Sqrt2},
		"甲乙":    {-0.5 + (6-2+3)/math.Sqrt(1+4+9), 0.5 / math.Sqrt(14)},
		"甲12.5": {-0.5 + 6/math.Sqrt(4+1), 0},
	} {
		var w Weight
		m.Weigh(text, &w)
		for h, x := range map[Head]float64{a: want[0], b: want[1]} {
			if got, want := m.Likelihood(&w, h), 1/(1+math.Exp(-x)); math.Abs(got-want) > 1e-6 {
				t.Errorf("%q for %v: %v, want %v", text, h, got, want)
			}
		}
	}
}

func TestChances(t *testing.T) {
	m := read(t, tiny)
	a, _ := m.Head("a")
	var w Weight
	m.Weigh("甲", &w)
	one := m.Chances(a, &w, nil)
	m.Weigh("甲乙", &w)
	two := m.Chances(a, &w, nil)
	if names := m.Rules(a); len(names) != 2 || names[0] != "A-1" || one[0] < 0.8 || two[1] < 0.6 {
		t.Errorf("%v: %v, %v", names, one, two)
	}
	if sum := two[0] + two[1]; math.Abs(sum-1) > 1e-9 {
		t.Errorf("chances come to %v", sum)
	}
}

func TestSpeaks(t *testing.T) {
	m := read(t, tiny)
	a, _ := m.Head("a")
	text := "乙丙，甲 乙丙"
	start, end := m.Speaks(a, text)
	if got := text[start:end]; !strings.Contains(got, "甲") || strings.Contains(got, "丙") {
		t.Errorf("%q", got)
	}
}

func TestBadFiles(t *testing.T) {
	for what, c := range map[string]struct{ file, says string }{
		"no figures":      {"learnt\tx\npack\ta\t0\n\"甲\"\t1\n", "line 3"},
		"no number":       {"pack\ta\tx\n", "line 1"},
		"unquoted":        {"pack\ta\t0\n甲\t1\t1\n", "line 2"},
		"rule of no pack": {"rule\tA\t0\n", "line 1"},
		"three letters":   {"pack\ta\t0\n\"甲\"\t1\t1\n\"甲甲甲\"\t1\t1\n", "one or two"},
		"strange pair":    {"pack\ta\t0\n\"甲\"\t1\t1\n\"甲乙\"\t1\t1\n", "not among the runs"},
		"twice":           {"pack\ta\t0\n\"甲\"\t1\t1\n\"甲\"\t1\t1\n", "twice"},
		"unknown rule":    {"pack\ta\t0\n\"甲\"\t1\t1\tA:1\n", "does not list"},
		"three packs":     {"pack\ta\t0\npack\tb\t0\npack\tc\t0\n", "at most 2"},
	} {
		f, err := ReadFile(strings.NewReader(c.file))
		if err == nil {
			_, err = f.Model()
		}
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", what, err, c.says)
		}
	}
}

func TestWrittenAsRead(t *testing.T) {
	f, err := ReadFile(strings.NewReader(tiny))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	if out.String() != tiny {
		t.Errorf("written %q", out.String())
	}
}

// FuzzWeigh holds the one pass of Weigh against the runs that learning sees.
func FuzzWeigh(f *testing.F) {
	m, err := Builtin()
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"对注册在本县的企业，按12.5万元给予奖励。", "1.甲 2..3．４", "\xff乙　丙\x02\x03"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var w Weight
		m.Weigh(s, &w)
		var square float64
		for r, n := range Runs(s) {
			letters := []rune(r)
			id := m.letters.of(letters[0])
			if len(letters) == 2 {
				if id == 0 || m.letters.of(letters[1]) == 0 {
					continue
				}
				id = m.couples.of(id, m.letters.of(letters[1]))
			}
			square += float64(n) * float64(m.runs[id].square)
		}
		if math.Abs(square-float64(w.square)) > 1e-3*(1+square) {
			t.Errorf("%q: %v in one pass, %v by runs", s, w.square, square)
		}
		for h := range m.heads {
			if p := m.Likelihood(&w, Head(h)); !(p >= 0 && p <= 1) {
				t.Errorf("%q: likelihood %v", s, p)
			}
			if start, end := m.Speaks(Head(h), s); start < 0 || start > end || end > len(s) {
				t.Errorf("%q speaks from %d to %d", s, start, end)
			}
		}
	})
}

func BenchmarkWeigh(b *testing.B) {
	m, err := Builtin()
	if err != nil {
		b.Fatal(err)
	}
	text := strings.Repeat("对在本县登记注册并纳税的餐饮企业，按照营业收入给予奖励；", 20)
	b.SetBytes(int64(len(text)))
	var w Weight
	for b.Loop() {
		m.Weigh(text, &w)
	}
}

// A model whose rules are yet to be learnt, as one to start from, weighs all the same.
func TestNoRules(t *testing.T) {
	m := read(t, "learnt\tx\npack\ta\t0\n")
	var w Weight
	m.Weigh("甲乙", &w)
	if p, chances := m.Likelihood(&w, 0), m.Chances(0, &w, nil); p != 0.5 || len(chances) != 0 {
		t.Errorf("likelihood %v, chances %v", p, chances)
	}
}

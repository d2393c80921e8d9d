package wording

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed" // the model that comes with the program
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed model.tsv
var builtin []byte

// Builtin is the model that comes with the program, as tools/learn wrote it. It is read
// once.
var Builtin = sync.OnceValues(func() (*Model, error) {
	f, err := ReadFile(bytes.NewReader(builtin))
	if err != nil {
		return nil, err
	}
	return f.Model()
})

// Digest is the SHA-256 of that model, in hexadecimal.
var Digest = sync.OnceValue(func() string {
	sum := sha256.Sum256(builtin)
	return hex.EncodeToString(sum[:])
})

// File is a model in the form it is written in: a line for each pack and rule with its
// bias, then one for each run of characters. Lines are in order, so that a change shows.
type File struct {
	// Learnt says of what the weights were learnt: the SHA-256 of the clauses.
	Learnt string
	// Heads are the packs, in order.
	Heads []FileHead
	Runs  []FileRun
}

// FileHead is a pack: its bias, and those of its rules.
type FileHead struct {
	Name  string
	Bias  float64
	Rules map[string]float64
}

// FileRun is a run of characters: how rare it is, its weight for each pack, and for rules.
type FileRun struct {
	Run     string
	IDF     float64
	Weights []float64
	Rules   map[string]float64
}

// Write writes the file.
func (f *File) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "learnt\t%s\n", f.Learnt)
	for _, h := range f.Heads {
		fmt.Fprintf(out, "pack\t%s\t%s\n", h.Name, figure(h.Bias))
		for _, rule := range slices.Sorted(maps.Keys(h.Rules)) {
			fmt.Fprintf(out, "rule\t%s\t%s\n", rule, figure(h.Rules[rule]))
		}
	}
	slices.SortFunc(f.Runs, func(a, b FileRun) int { return strings.Compare(a.Run, b.Run) })
	for _, r := range f.Runs {
		fmt.Fprintf(out, "%s\t%s", strconv.Quote(r.Run), figure(r.IDF))
		for _, x := range r.Weights {
			fmt.Fprintf(out, "\t%s", figure(x))
		}
		for _, rule := range slices.Sorted(maps.Keys(r.Rules)) {
			fmt.Fprintf(out, "\t%s:%s", rule, figure(r.Rules[rule]))
		}
		fmt.Fprintln(out)
	}
	return out.Flush()
}

// figure writes a number as exactly as it is worth.
func figure(x float64) string { return strconv.FormatFloat(math.Round(x*1000)/1000, 'f', -1, 64) }

// ReadFile reads a model in the form it was written in.
func ReadFile(r io.Reader) (*File, error) {
	f := &File{}
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	for line := 1; in.Scan(); line++ {
		if err := f.line(strings.Split(in.Text(), "\t")); err != nil {
			return nil, fmt.Errorf("model of wording, line %d: %w", line, err)
		}
	}
	return f, in.Err()
}

func (f *File) line(cells []string) (err error) {
	switch {
	case cells[0] == "learnt" && len(cells) == 2:
		f.Learnt = cells[1]
		return nil
	case cells[0] == "pack" && len(cells) == 3:
		h := FileHead{Name: cells[1], Rules: map[string]float64{}}
		h.Bias, err = strconv.ParseFloat(cells[2], 64)
		f.Heads = append(f.Heads, h)
		return err
	case cells[0] == "rule" && len(cells) == 3 && len(f.Heads) > 0:
		f.Heads[len(f.Heads)-1].Rules[cells[1]], err = strconv.ParseFloat(cells[2], 64)
		return err
	case len(cells) < 2+len(f.Heads):
		return errors.New("neither a pack, a rule nor a run of characters with its figures")
	}
	r := FileRun{}
	if r.Run, err = strconv.Unquote(cells[0]); err != nil {
		return fmt.Errorf("run %s: %w", cells[0], err)
	}
	if r.IDF, err = strconv.ParseFloat(cells[1], 64); err != nil {
		return err
	}
	for _, cell := range cells[2 : 2+len(f.Heads)] {
		x, err := strconv.ParseFloat(cell, 64)
		if err != nil {
			return err
		}
		r.Weights = append(r.Weights, x)
	}
	for _, cell := range cells[2+len(f.Heads):] {
		rule, weight, _ := strings.Cut(cell, ":")
		x, err := strconv.ParseFloat(weight, 64)
		if err != nil {
			return err
		}
		if r.Rules == nil {
			r.Rules = map[string]float64{}
		}
		r.Rules[rule] = x
	}
	f.Runs = append(f.Runs, r)
	return nil
}

// Model makes the tables that a text is weighed with.
func (f *File) Model() (*Model, error) {
	if len(f.Heads) > maxHeads {
		return nil, fmt.Errorf("a model weighs for at most %d packs", maxHeads)
	}
	m := &Model{runs: make([]run, 1), idf: make([]float32, 1), couples: newCouples(len(f.Runs))}
	for _, h := range f.Heads {
		to := head{name: h.Name, bias: h.Bias, rules: slices.Sorted(maps.Keys(h.Rules)), of: []int32{0, 0}}
		for _, rule := range to.rules {
			to.biases = append(to.biases, h.Rules[rule])
		}
		m.heads = append(m.heads, to)
	}
	// The common runs come first, so that what most texts need lies close together.
	common := slices.SortedStableFunc(slices.Values(f.Runs), func(a, b FileRun) int { return cmp.Compare(a.IDF, b.IDF) })
	for n := 1; n <= maxRun; n++ {
		for _, r := range common {
			if letters := []rune(r.Run); len(letters) == n {
				if err := m.enter(r, letters); err != nil {
					return nil, fmt.Errorf("run %q: %w", r.Run, err)
				}
			} else if len(letters) == 0 || len(letters) > maxRun {
				return nil, fmt.Errorf("run %q has not one or two characters", r.Run)
			}
		}
	}
	return m, nil
}

// enter makes place for a run; the single characters come first.
func (m *Model) enter(r FileRun, letters []rune) error {
	id := uint32(len(m.runs))
	if len(letters) == 1 {
		if m.letters.of(letters[0]) != 0 {
			return errors.New("listed twice")
		}
		m.letters.add(letters[0])
	} else {
		first, second := m.letters.of(letters[0]), m.letters.of(letters[1])
		switch {
		case first == 0 || second == 0:
			return errors.New("its characters are not among the runs")
		case m.couples.of(first, second) != 0:
			return errors.New("listed twice")
		}
		m.couples.put(first, second, id)
	}
	to := run{square: float32(r.IDF * r.IDF)}
	for i, w := range r.Weights {
		to.weights[i] = float32(w * r.IDF)
	}
	m.runs, m.idf = append(m.runs, to), append(m.idf, float32(r.IDF))
	told := 0
	for i := range m.heads {
		h := &m.heads[i]
		for n, rule := range h.rules {
			if w, ok := r.Rules[rule]; ok {
				h.pairs = append(h.pairs, pair{int32(n), float32(w)})
				told++
			}
		}
		h.of = append(h.of, int32(len(h.pairs)))
	}
	if told != len(r.Rules) {
		return errors.New("a weight for a rule that the file does not list")
	}
	return nil
}

package main

import (
	"log"
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"

	"fashen/internal/wording"
)

// row is a clause as numbers: which runs, and how much each counts.
type row struct {
	at []int32
	x  []float64
}

// learn fits, for each pack, what tells breaches from lawful clauses, and the rules apart.
func learn(packs []pack) *wording.File {
	runs, idf := vocabulary(packs, least)
	out := &wording.File{Runs: make([]wording.FileRun, len(idf))}
	for run, i := range runs {
		out.Runs[i] = wording.FileRun{Run: run, IDF: idf[i]}
	}
	for _, p := range packs {
		rows, side := make([]row, len(p.clauses)), make([]int, len(p.clauses))
		for i, c := range p.clauses {
			rows[i] = rowOf(c, runs, idf)
			if c.class != "" {
				side[i] = 1
			}
		}
		weights, bias := fit(rows, side, 2, len(idf), slack, balance(side, 2))
		for i := range out.Runs {
			out.Runs[i].Weights = append(out.Runs[i].Weights, weights[1][i]-weights[0][i])
		}
		h := wording.FileHead{Name: p.name, Bias: bias[1] - bias[0], Rules: map[string]float64{}}
		tellApart(p.clauses, rows, h, out.Runs)
		out.Heads = append(out.Heads, h)
	}
	return out
}

// tellApart fits the breaches alone, and keeps the largest weights.
func tellApart(clauses []clause, rows []row, h wording.FileHead, runs []wording.FileRun) {
	number := map[string]int{}
	var names []string
	var of []int
	var breaches []row
	for i, c := range clauses {
		if c.class == "" || c.class == unnamed {
			continue
		}
		if _, ok := number[c.class]; !ok {
			number[c.class] = len(names)
			names = append(names, c.class)
		}
		of, breaches = append(of, number[c.class]), append(breaches, rows[i])
	}
	even := make([]float64, len(names))
	for i := range even {
		even[i] = 1
	}
	weights, bias := fit(breaches, of, len(names), len(runs), slackTelling, even)
	floor := atLeast(weights, telling)
	for c, name := range names {
		h.Rules[name] = bias[c]
		for i, w := range weights[c] {
			if math.Abs(w) < floor {
				continue
			}
			if runs[i].Rules == nil {
				runs[i].Rules = map[string]float64{}
			}
			runs[i].Rules[name] = w
		}
	}
}

// atLeast is the size that n weights reach.
func atLeast(weights [][]float64, n int) float64 {
	var all []float64
	for _, of := range weights {
		for _, w := range of {
			all = append(all, math.Abs(w))
		}
	}
	if len(all) <= n {
		return 0
	}
	slices.Sort(all)
	return all[len(all)-n]
}

// vocabulary numbers the runs that enough clauses hold, in order, and tells how rare
// each is.
func vocabulary(packs []pack, least int) (map[string]int32, []float64) {
	in, all := map[string]int{}, 0
	for _, p := range packs {
		all += len(p.clauses)
		for _, c := range p.clauses {
			for run := range c.runs {
				in[run]++
			}
		}
	}
	var kept []string
	for run, n := range in {
		if n >= least {
			kept = append(kept, run)
		}
	}
	slices.Sort(kept)
	runs, idf := map[string]int32{}, make([]float64, len(kept))
	for i, run := range kept {
		runs[run] = int32(i)
		idf[i] = math.Log(float64(1+all)/float64(1+in[run])) + 1
	}
	return runs, idf
}

// rowOf is what wording makes of a clause: each run as often as it occurs, by how rare it
// is, over the length of all.
func rowOf(c clause, runs map[string]int32, idf []float64) row {
	counts := map[int32]int{}
	var r row
	for run, n := range c.runs {
		if at, ok := runs[run]; ok {
			r.at = append(r.at, at)
			counts[at] = n
		}
	}
	slices.Sort(r.at)
	square := 0.0
	for _, at := range r.at {
		n := float64(counts[at])
		r.x = append(r.x, n*idf[at])
		square += n * idf[at] * idf[at]
	}
	for i := range r.x {
		r.x[i] /= math.Sqrt(square)
	}
	return r
}

// balance makes every side count the same, however many clauses it has.
func balance(of []int, sides int) []float64 {
	n := make([]float64, sides)
	for _, s := range of {
		n[s]++
	}
	for i := range n {
		n[i] = float64(len(of)) / (float64(sides) * n[i])
	}
	return n
}

// fit is a multinomial logistic regression with a quadratic penalty on the weights, by
// L-BFGS: the least of half the squares plus slack times the cost of the clauses. The
// weights of a run for all classes lie side by side; the last run is the bias.
func fit(rows []row, of []int, classes, width int, slack float64, counts []float64) (weights [][]float64, bias []float64) {
	r := &regression{rows: rows, of: of, classes: classes, width: width, slack: slack, counts: counts}
	r.grad, r.score = make([]float64, classes*(width+1)), make([]float64, classes)
	problem := optimize.Problem{
		Func: func(x []float64) float64 { return r.at(x) },
		Grad: func(grad, x []float64) { r.at(x); copy(grad, r.grad) },
	}
	result, err := optimize.Minimize(problem, make([]float64, len(r.grad)),
		&optimize.Settings{GradientThreshold: 1e-2, MajorIterations: 100}, &optimize.LBFGS{})
	if result == nil {
		log.Fatal(err)
	}
	weights, bias = make([][]float64, classes), result.X[width*classes:]
	for c := range weights {
		weights[c] = make([]float64, width)
		for j := range width {
			weights[c][j] = result.X[j*classes+c]
		}
	}
	return weights, bias
}

// regression is what is being fitted, and its cost where it was looked at last.
type regression struct {
	rows           []row
	of             []int
	classes, width int
	slack          float64
	counts         []float64

	x, grad []float64
	cost    float64
	score   []float64
}

// at answers the cost and works out the gradient.
func (r *regression) at(x []float64) float64 {
	if r.x != nil && slices.Equal(r.x, x) {
		return r.cost
	}
	r.x = append(r.x[:0], x...)
	r.cost = 0
	bias := r.width * r.classes
	for i, w := range x[:bias] {
		r.cost += w * w / 2
		r.grad[i] = w
	}
	clear(r.grad[bias:])
	for i, row := range r.rows {
		r.add(x, row, r.of[i])
	}
	return r.cost
}

// add takes a clause of a class into account.
func (r *regression) add(x []float64, of row, class int) {
	n := r.classes
	copy(r.score, x[r.width*n:])
	for k, j := range of.at {
		v := of.x[k]
		for c, w := range x[int(j)*n : int(j+1)*n] {
			r.score[c] += w * v
		}
	}
	top, sum := slices.Max(r.score), 0.0
	for c := range r.score {
		sum += math.Exp(r.score[c] - top)
	}
	by := r.slack * r.counts[class]
	r.cost += by * (math.Log(sum) + top - r.score[class])
	for c := range r.score { // from here on the slope
		r.score[c] = by * math.Exp(r.score[c]-top) / sum
	}
	r.score[class] -= by
	for k, j := range of.at {
		v := of.x[k]
		for c, slope := range r.score {
			r.grad[int(j)*n+c] += slope * v
		}
	}
	for c, slope := range r.score {
		r.grad[r.width*n+c] += slope
	}
}

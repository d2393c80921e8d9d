// Command learn writes the model of internal/wording from labelled clauses: logistic
// regression over TF-IDF of short runs of characters, and a second one, over the
// breaches alone, that tells the provisions apart. It answers the same for the same
// clauses.
//
//	learn [-check] ROOT
//
// With -check it only tells whether the model was learnt from the clauses as they are.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"hash"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fashen/internal/rulebook"
	"fashen/internal/wording"
)

// What is learnt from, and how.
const (
	// least is in how many clauses a run of characters must occur.
	least = 4
	// slack of the regressions: how far they may follow single clauses.
	slack, slackTelling = 10, 16
	// telling is how many weights that tell provisions apart are kept, the largest.
	telling = 30_000
)

// Labels that are no rule's id: of a lawful clause, and of a breach that no named rule
// fits, which tells nothing of provisions.
const (
	lawful  = "clean"
	unnamed = "breach"
)

// clause is a labelled clause; its class is empty where it is lawful.
type clause struct {
	class string
	runs  map[string]int
}

// pack is the clauses that the weights for one pack are learnt from.
type pack struct {
	name    string
	clauses []clause
}

func main() {
	log.SetFlags(0)
	check := flag.Bool("check", false, "only tell whether the model is up to date")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("learn [-check] ROOT")
	}
	if err := run(filepath.Join(flag.Arg(0), "internal", "wording"), *check); err != nil {
		log.Fatal(err)
	}
}

func run(folder string, check bool) error {
	folders, err := filepath.Glob(filepath.Join(folder, "clauses", "*"))
	if err != nil {
		return err
	}
	lib, err := rulebook.Builtin()
	if err != nil {
		return err
	}
	sum := sha256.New()
	var packs []pack
	for _, own := range folders {
		clauses, err := read(lib, folders, own, sum)
		if err != nil {
			return err
		}
		packs = append(packs, pack{filepath.Base(own), clauses})
	}
	learnt, to := hex.EncodeToString(sum.Sum(nil)), filepath.Join(folder, "model.tsv")
	if check {
		return current(to, learnt)
	}
	model := learn(packs)
	model.Learnt = learnt
	var out bytes.Buffer
	if err := model.Write(&out); err != nil {
		return err
	}
	for i, p := range packs {
		log.Printf("%s: %d clauses, %d rules", p.name, len(p.clauses), len(model.Heads[i].Rules))
	}
	log.Printf("%s: %d runs of characters, %d bytes", to, len(model.Runs), out.Len())
	return os.WriteFile(to, out.Bytes(), 0o644)
}

// current fails where the model at a path was learnt from other clauses.
func current(path, learnt string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	have, err := wording.ReadFile(f)
	if err != nil {
		return err
	}
	if have.Learnt != learnt {
		return fmt.Errorf("%s was not learnt from the clauses as they are: run make weights", path)
	}
	return nil
}

// reader gathers what a model is learnt from, each clause once.
type reader struct {
	lib  *rulebook.Library
	out  []clause
	seen map[string]bool
	sum  hash.Hash
}

func (r *reader) add(class, text string) {
	if !r.seen[text] {
		r.seen[text] = true
		fmt.Fprintf(r.sum, "%s\t%s\n", class, text)
		r.out = append(r.out, clause{class, wording.Runs(r.lib.Plain(text))})
	}
}

// read gathers the clauses of a model: those of its folder and the examples of the rules
// of the pack the folder is named after, and what is lawful of all the others, as a
// lawful clause is lawful on every count.
func read(lib *rulebook.Library, folders []string, own string, sum hash.Hash) ([]clause, error) {
	r := &reader{lib: lib, seen: map[string]bool{}, sum: sum}
	if err := r.folder(own, true); err != nil {
		return nil, err
	}
	for _, folder := range folders {
		if folder == own {
			continue
		}
		if err := r.folder(folder, false); err != nil {
			return nil, err
		}
	}
	return r.out, nil
}

func (r *reader) folder(folder string, breaches bool) error {
	add := func(class, text string) {
		if class == "" || breaches {
			r.add(class, text)
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.tsv"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		line := 0
		for s := range strings.Lines(string(data)) {
			line++
			if s = strings.TrimSpace(s); s == "" || strings.HasPrefix(s, "#") {
				continue
			}
			label, text, ok := strings.Cut(s, "\t")
			if !ok {
				return fmt.Errorf("%s:%d: a label, a tab and a clause", name, line)
			}
			if label == lawful {
				label = ""
			}
			add(label, text)
		}
	}
	r.lib.Examples(filepath.Base(folder), func(rule, text string, breach bool) {
		if !breach {
			rule = ""
		}
		add(rule, text)
	})
	return nil
}

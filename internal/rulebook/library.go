package rulebook

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed packs
var builtin embed.FS

// CodeRulesetNotForDate is the machine code of NotForDateError.
const CodeRulesetNotForDate = "RULESET_NOT_FOR_DATE"

// ErrUnknownPack is returned, wrapped, for a pack the library does not hold.
var ErrUnknownPack = errors.New("unknown rule pack")

// NotForDateError says that a pack has no rule in force on the review date.
// Earliest is the first day on which it has one, Latest the last, where there is one.
type NotForDateError struct {
	Pack             string
	Date             time.Time
	Earliest, Latest time.Time
}

func (e *NotForDateError) Error() string {
	if !e.Latest.IsZero() && e.Date.After(e.Latest) {
		return fmt.Sprintf("rule pack %s has no rule in force on %s (latest %s)",
			e.Pack, e.Date.Format(dateLayout), e.Latest.Format(dateLayout))
	}
	return fmt.Sprintf("rule pack %s has no rule in force on %s (earliest %s)",
		e.Pack, e.Date.Format(dateLayout), e.Earliest.Format(dateLayout))
}

// Code is the stable machine code, RULESET_NOT_FOR_DATE.
func (e *NotForDateError) Code() string { return CodeRulesetNotForDate }

// Message tells a person the same in Chinese.
func (e *NotForDateError) Message() string {
	if !e.Latest.IsZero() && e.Date.After(e.Latest) {
		return fmt.Sprintf("规则包 %s 在 %s 没有施行中的规则，最后可用于 %s 的审查。",
			e.Pack, e.Date.Format(dateLayout), e.Latest.Format(dateLayout))
	}
	return fmt.Sprintf("规则包 %s 在 %s 没有施行中的规则，最早可用于 %s 的审查。",
		e.Pack, e.Date.Format(dateLayout), e.Earliest.Format(dateLayout))
}

type pack struct {
	name, title, version string
	laws                 map[string]*law
	rules                []*rule
	wording              *weighed
	sum                  string // SHA-256 of its files, of those all packs share, of its lenders' and of its model
	lenders              []string
}

// label names a pack and its version, as findings do.
func (p *pack) label() string { return p.name + "@" + p.version }

// Library is a loaded, checked collection of packs. It does not change after
// Load and is safe for concurrent use.
type Library struct {
	packs map[string]*pack
	names []string

	patterns []*pattern
	parts    int // of patterns
	cues     int // of suppressors
	frames   []*frame
	waiting  waitingList
	within   sparseSets // state of the scanner -> the sets that the literals which end there are in
	literals int        // how many there are
	sets     int        // of literals
	*machines
	scanner    *automaton
	contrast   []*pattern // the two sides of a contrast between sentences, if rules look for one
	definition definition
	masks      *strings.Replacer
	places     places
	statutes   statuteIndex
	idle       sync.Pool // of matchers, each of which is large
}

// Builtin loads the packs that come with the program.
func Builtin() (*Library, error) {
	files, err := BuiltinFiles()
	if err != nil {
		return nil, err
	}
	return load(files, nil)
}

// Load reads every .yaml file under the root of fsys, compiles the rules and
// runs each rule's and suppressor's examples. An error names file and line;
// all that can be told at once are joined.
func Load(fsys fs.FS) (*Library, error) {
	files, err := ReadFiles(fsys)
	if err != nil {
		return nil, err
	}
	return load(files, nil)
}

func load(files Files, b *budget) (*Library, error) {
	m := newMachines()
	l := &loader{
		lib: &Library{
			machines: m, packs: map[string]*pack{}, places: places{full: map[string]bool{}, bare: map[string]string{}},
			statutes: statuteIndex{byTitle: map[string]*statute{}, byHead: map[rune][]*statute{}, bySeen: map[uint64][]*statute{}},
		},
		suppressors: map[string]*suppressor{},
		rules:       map[string]*rule{},
		compiler: compiler{
			lexicons: map[string][]text{}, files: map[string]string{}, expanded: map[string]string{},
			patterns: map[string]*pattern{}, parts: map[string]option{}, literals: map[string]int32{}, sets: map[string]int32{}, members: make([][]int32, setMasked+1), machines: m, budget: b,
		},
	}
	if err := l.read(files); err != nil {
		return nil, err
	}
	l.declare()
	l.compileSuppressors()
	l.compileDefinitions()
	l.compileRules()
	l.borrow()
	if len(l.errs) > 0 {
		return nil, errors.Join(l.errs...)
	}
	l.index()
	l.digest()
	m.asleep = true
	l.examples()
	l.setApart()
	m.asleep = false
	if len(l.errs) > 0 {
		return nil, errors.Join(l.errs...)
	}
	return l.lib, nil
}

// Packs names the packs, sorted.
func (l *Library) Packs() []string { return slices.Clone(l.names) }

// Set selects the rules in force on a civil date (the year, month and day of
// on in its own location) from the named packs, or from all packs in force then when
// none is named. It fails with ErrUnknownPack or *NotForDateError.
func (l *Library) Set(on time.Time, packs ...string) (*Set, error) {
	day := time.Date(on.Year(), on.Month(), on.Day(), 0, 0, 0, 0, time.UTC)
	if len(packs) == 0 {
		packs = l.inForce(day)
	}
	s := &Set{lib: l, day: day, active: map[*rule]ruleText{}}
	names := slices.Compact(slices.Sorted(slices.Values(packs)))
	for _, name := range names {
		p, ok := l.packs[name]
		if !ok {
			return nil, fmt.Errorf("%w %q", ErrUnknownPack, name)
		}
		label, n := p.label(), len(s.active)
		for _, r := range p.rules {
			if r.inForce(day) {
				s.active[r] = ruleText{pack: label, law: r.lawText(day)}
				if r.form != nil {
					s.formRules = append(s.formRules, r)
				}
				if r.check != nil {
					s.checkRules = append(s.checkRules, r)
				}
			}
		}
		if len(s.active) == n {
			from, to := p.interval()
			return nil, &NotForDateError{Pack: name, Date: day, Earliest: from, Latest: to}
		}
		s.labels = append(s.labels, label)
	}
	s.named, s.residual = newBitset(len(l.frames)), newBitset(len(l.frames))
	active := newBitset(len(l.frames))
	for i, f := range l.frames {
		_, on := s.active[f.rule]
		switch {
		case on && f.rule.residual:
			s.residual.set(int32(i))
		case on:
			s.named.set(int32(i))
		}
		if on {
			active.set(int32(i))
		}
	}
	s.waiting = l.waiting.only(active)
	s.weighed = s.weighings(names)
	return s, nil
}

// inForce names the packs that have a rule in force on a day.
func (l *Library) inForce(day time.Time) []string {
	return slices.DeleteFunc(slices.Clone(l.names), func(name string) bool {
		return !slices.ContainsFunc(l.packs[name].rules, func(r *rule) bool { return r.inForce(day) })
	})
}

// interval is from the first day on which a rule of the pack is in force to the last;
// a zero to is an open end.
func (p *pack) interval() (from, to time.Time) {
	open := false
	for i, r := range p.rules {
		first, last := r.interval()
		if i == 0 || first.Before(from) {
			from = first
		}
		if last.After(to) {
			to = last
		}
		open = open || last.IsZero()
	}
	if open {
		to = time.Time{}
	}
	return from, to
}

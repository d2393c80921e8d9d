package rulebook

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	corev1 "fashen/gen/fashen/core/v1"
)

// loader is the state of one Load.
type loader struct {
	compiler
	lib         *Library
	files       []loadedFile
	suppressors map[string]*suppressor
	ordered     []*suppressor
	rules       map[string]*rule
	masks       []string
	errs        []error
}

type loadedFile struct {
	name string
	doc  *fileDoc
	sum  [sha256.Size]byte
}

// Problem is a mistake in a rule file, at a line of it; at 0 it is in the whole.
type Problem struct {
	File string
	Line int
	Err  error
}

func (p *Problem) Error() string { return fmt.Sprintf("%s:%d: %v", p.File, p.Line, p.Err) }

// Unwrap gives what is wrong.
func (p *Problem) Unwrap() error { return p.Err }

func (l *loader) fail(file string, line int, format string, args ...any) {
	l.errs = append(l.errs, &Problem{file, line, fmt.Errorf(format, args...)})
}

// failAt reports err, at the line it carries itself if it does.
func (l *loader) failAt(file string, line int, err error) {
	var p *placed
	if errors.As(err, &p) {
		line, err = p.line, p.err
	}
	l.fail(file, line, "%w", err)
}

// read decodes the files in the order of their names.
func (l *loader) read(files Files) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		doc, err := decode(name, files[name])
		errs = append(errs, err)
		l.files = append(l.files, loadedFile{name, doc, sha256.Sum256(files[name])})
	}
	return errors.Join(errs...)
}

// declare collects lexicons, packs and laws before anything refers to them.
func (l *loader) declare() {
	for _, f := range l.files {
		for name, entries := range f.doc.Lexicons {
			if other, ok := l.compiler.files[name]; ok {
				l.fail(f.name, firstLine(entries), "lexicon {%s} is already defined in %s", name, other)
				continue
			}
			l.lexicons[name], l.compiler.files[name] = entries, f.name
		}
		for _, t := range f.doc.Masks {
			seen, hidden, err := parseMask(t.s)
			if err != nil {
				l.fail(f.name, t.line, "mask %q: %w", t.s, err)
				continue
			}
			l.masks = append(l.masks, seen, hidden)
		}
		for _, t := range f.doc.Places {
			if !l.lib.places.add(t.s) {
				l.fail(f.name, t.line, "place %q: a name has three characters or more and ends in 省, 市, 县, 区, 州, 旗 or 盟", t.s)
			}
		}
		if f.doc.Pack.s == "" {
			if len(f.doc.Rules) > 0 {
				l.fail(f.name, f.doc.Rules[0].ID.line, "rules in a file that names no pack")
			}
			continue
		}
		l.declarePack(f)
	}
	for _, f := range l.files {
		l.declareStatutes(f)
	}
	slices.Sort(l.lib.names)
	for _, name := range l.lib.names {
		if l.lib.packs[name].version == "" {
			l.fail(name, 1, "pack %s has no version", name)
		}
	}
}

// maxArticles is more than any statute has.
const maxArticles = 5000

func (l *loader) declareStatutes(f loadedFile) {
	for _, d := range f.doc.Statutes {
		s := &statute{title: d.Title.s, number: d.Number.s, replacedBy: d.ReplacedBy.s, uncertain: d.Certain.s == "no"}
		var err1, err2 error
		s.from, err1 = parseDay(d.From)
		s.to, err2 = parseDay(d.To)
		if err := errors.Join(err1, err2); err != nil {
			l.fail(f.name, d.Title.line, "statute %s: %w", s.title, err)
		}
		if d.Articles.s != "" {
			n, err := strconv.Atoi(d.Articles.s)
			if err != nil || n < 1 || n > maxArticles {
				l.fail(f.name, d.Articles.line, "statute %s: %q is no number of articles", s.title, d.Articles.s)
			}
			s.articles = n
		}
		if s.title == "" || (!s.to.IsZero() && s.replacedBy == "") {
			l.fail(f.name, max(d.Title.line, 1), "statute %q needs a title and, once ended, what replaced it", s.title)
		}
		if !l.lib.statutes.add(s) {
			l.fail(f.name, d.Title.line, "statute %s is listed twice", s.title)
		}
	}
}

func firstLine(entries []text) int {
	if len(entries) == 0 {
		return 1
	}
	return entries[0].line
}

func (l *loader) declarePack(f loadedFile) {
	name := f.doc.Pack.s
	p, ok := l.lib.packs[name]
	if !ok {
		p = &pack{name: name, laws: map[string]*law{}}
		l.lib.packs[name] = p
		l.lib.names = append(l.lib.names, name)
	}
	if v := f.doc.Version; v.s != "" {
		if p.version != "" {
			l.fail(f.name, v.line, "pack %s states its version twice", name)
		}
		p.version, p.title = v.s, f.doc.Title.s
	}
	l.declareWording(f, p)
	for key, d := range f.doc.Laws {
		from, err1 := parseDay(d.From)
		to, err2 := parseDay(d.To)
		if err := errors.Join(err1, err2); err != nil {
			l.fail(f.name, d.Title.line, "law %s: %w", key, err)
		}
		if d.Title.s == "" || from.IsZero() {
			l.fail(f.name, d.Title.line, "law %s needs a title and the day it takes effect", key)
		}
		if _, dup := p.laws[key]; dup {
			l.fail(f.name, d.Title.line, "law %s is defined twice", key)
		}
		p.laws[key] = &law{title: d.Title.s, number: d.Number.s, from: from, to: to}
	}
}

func (l *loader) compileSuppressors() {
	for _, f := range l.files {
		for i := range f.doc.Suppressors {
			d := &f.doc.Suppressors[i]
			s := &suppressor{id: d.ID.s, general: d.General.s == "true", doc: d, file: f.name}
			if _, dup := l.suppressors[s.id]; dup || s.id == "" {
				l.fail(f.name, d.ID.line, "suppressor id %q is missing or used twice", s.id)
			}
			switch d.Effect.s {
			case "drop":
			case "verify":
				s.effect = effectVerify
			default:
				l.fail(f.name, d.Effect.line, "suppressor %s: unknown effect %q", s.id, d.Effect.s)
			}
			for _, p := range d.Packs {
				if _, ok := l.lib.packs[p.s]; !ok {
					l.fail(f.name, p.line, "suppressor %s: unknown pack %q", s.id, p.s)
				}
				s.packs = append(s.packs, p.s)
			}
			for _, cd := range d.Cues {
				c, err := l.cue(cd)
				if err != nil {
					l.failAt(f.name, d.ID.line, err)
				}
				s.cues = append(s.cues, c)
			}
			if len(s.cues) == 0 {
				l.fail(f.name, d.ID.line, "suppressor %s has no cues", s.id)
			}
			l.suppressors[s.id] = s
			l.ordered = append(l.ordered, s)
		}
	}
}

func (l *loader) compileRules() {
	for _, f := range l.files {
		p := l.lib.packs[f.doc.Pack.s]
		if p == nil {
			continue
		}
		for i := range f.doc.Rules {
			l.compileRule(p, f.name, &f.doc.Rules[i])
		}
	}
}

var strengths = map[string]corev1.Strength{
	"direct":      corev1.Strength_STRENGTH_DIRECT,
	"presumptive": corev1.Strength_STRENGTH_PRESUMPTIVE,
	"contextual":  corev1.Strength_STRENGTH_CONTEXTUAL,
}

func (l *loader) compileRule(p *pack, file string, d *ruleDoc) {
	r := &rule{
		id: d.ID.s, pack: p.name, article: d.Article.s, strength: strengths[d.Strength.s],
		residual: d.Residual,
		reason:   d.Reason.s, rewrite: d.Rewrite.s, order: len(p.rules), doc: d, file: file,
	}
	line := d.ID.line
	if other, dup := l.rules[r.id]; dup || r.id == "" {
		where := ""
		if dup {
			where = fmt.Sprintf(", first in %s:%d", other.file, other.doc.ID.line)
		}
		l.fail(file, max(line, 1), "rule id %q is missing or used twice%s", r.id, where)
		return
	}
	if r.strength == corev1.Strength_STRENGTH_UNSPECIFIED {
		l.fail(file, max(d.Strength.line, line), "rule %s: unknown strength %q", r.id, d.Strength.s)
	}
	var err1, err2 error
	r.from, err1 = parseDay(d.From)
	r.to, err2 = parseDay(d.To)
	if err := errors.Join(err1, err2); err != nil {
		l.fail(file, max(d.From.line, d.To.line), "rule %s: %w", r.id, err)
	}
	if r.article == "" || r.reason == "" || (len(d.Frames)+len(d.FramesOf) == 0) == (d.Check.s == "") || len(d.Cites) == 0 || len(d.Violation) == 0 || len(d.Clean) == 0 {
		l.fail(file, line, "rule %s needs an article, a citation, a reason, either frames (own or borrowed) or a check, and examples of both kinds", r.id)
	}
	if d.Needs.s != "" {
		var err error
		if r.needs, err = l.pattern(d.Needs.s); err != nil {
			l.fail(file, d.Needs.line, "rule %s: needs: %w", r.id, err)
		}
	}
	for _, a := range d.Also {
		r.also = append(r.also, a.s)
	}
	for _, c := range d.Cites {
		cited, ok := p.laws[c.Law.s]
		if !ok {
			l.fail(file, c.Law.line, "rule %s cites unknown law %q", r.id, c.Law.s)
			continue
		}
		r.cites = append(r.cites, citation{cited, c.At.s})
	}
	if d.Check.s != "" {
		var known bool
		r.form, known = formChecks[d.Check.s]
		if !known {
			r.check, known = checkNamed(d.Check.s)
		}
		if !known {
			l.fail(file, d.Check.line, "rule %s: unknown check %q", r.id, d.Check.s)
		}
	}
	for _, fd := range d.Frames {
		l.compileFrame(r, file, fd)
	}
	l.compileContrast(r, file, d)
	l.chooseSuppressors(r, file, d)
	l.rules[r.id] = r
	p.rules = append(p.rules, r)
}

func (l *loader) compileDefinitions() {
	for _, f := range l.files {
		d := f.doc.Definition
		if d.Means.s == "" {
			continue
		}
		means, err := l.expression(d.Means.s, "", "")
		if err != nil || d.Reads.s == "" || l.lib.definition.means.re != nil {
			l.failAt(f.name, d.Means.line, cmp.Or(err, errors.New("definition is given twice or without what it reads as")))
			continue
		}
		l.lib.definition = definition{means, d.Reads.s}
	}
}

// compileContrast reads the two sides of a contrast, which are the same for all rules.
func (l *loader) compileContrast(r *rule, file string, d *ruleDoc) {
	if len(d.Contrast) == 0 {
		return
	}
	var sides []*pattern
	for _, t := range d.Contrast {
		p, err := l.pattern(t.s)
		if err != nil {
			l.fail(file, t.line, "rule %s: contrast: %w", r.id, err)
			return
		}
		sides = append(sides, p)
	}
	if len(sides) != 2 || (l.lib.contrast != nil && !slices.Equal(l.lib.contrast, sides)) {
		l.fail(file, d.Contrast[0].line, "rule %s: a contrast has two sides, the same for all rules", r.id)
		return
	}
	r.contrast, l.lib.contrast = true, sides
}

func (l *loader) compileFrame(r *rule, file string, d frameDoc) {
	f := &frame{rule: r}
	add := func(list []text, to *[]*pattern) {
		for _, t := range list {
			p, err := l.pattern(t.s)
			if err != nil {
				l.fail(file, t.line, "rule %s: %w", r.id, err)
				continue
			}
			*to = append(*to, p)
		}
	}
	add(d.All, &f.all)
	add(d.None, &f.none)
	for _, t := range d.Except {
		s, ok := l.suppressors[t.s]
		if !ok {
			l.fail(file, t.line, "rule %s: unknown suppressor %q", r.id, t.s)
			continue
		}
		if f.except == nil {
			f.except = map[*suppressor]bool{}
		}
		f.except[s] = true
	}
	if len(d.All) == 0 {
		l.fail(file, r.doc.ID.line, "rule %s has a frame that looks for nothing", r.id)
		return
	}
	r.frames = append(r.frames, f)
}

// chooseSuppressors takes the general suppressors of the pack, without those
// the rule excepts, and the special ones the rule asks for.
func (l *loader) chooseSuppressors(r *rule, file string, d *ruleDoc) {
	named := func(list []text) map[string]bool {
		set := map[string]bool{}
		for _, t := range list {
			if _, ok := l.suppressors[t.s]; !ok {
				l.fail(file, t.line, "rule %s: unknown suppressor %q", r.id, t.s)
			}
			set[t.s] = true
		}
		return set
	}
	extra, except := named(d.Suppress), named(d.Except)
	for _, s := range l.ordered {
		if (s.appliesTo(r.pack) || extra[s.id]) && !except[s.id] {
			r.suppressors = append(r.suppressors, s)
		}
	}
}

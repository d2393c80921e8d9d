package rulebook

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
)

// pattern is one compiled expression. Equal sources share one pattern, so that
// a text is searched once for what several rules look for.
type pattern struct {
	index int
	re    *regexp.Regexp
	dfa   *dfa    // the same, where it can tell
	gates []int32 // sets of literals: one of each must occur
	presence
}

// expression is one that is no pattern of a frame: it is asked of parts of a clause.
type expression struct {
	re  *regexp.Regexp
	dfa *dfa // the same, where it can tell
}

type law struct {
	title, number string
	from, to      time.Time
}

type citation struct {
	law *law
	at  string
}

type frame struct {
	rule *rule
	all  []*pattern // all[0] is the head
	none []*pattern
	// gates are sets of literals that all looks for, the rarest first; bars are those of
	// which none excludes any.
	gates, bars []int32
	// open and openNone are the patterns that gates and bars leave open.
	open, openNone []*pattern
	// except are suppressors of the rule that this frame does without, unless they
	// govern the clause.
	except map[*suppressor]bool
}

type rule struct {
	id, pack string
	article  string
	also     []string
	cites    []citation
	strength corev1.Strength
	// residual: the item 其他 of its article, which stands back behind the named ones.
	residual        bool
	contrast        bool // also looks for what two neighbouring sentences say together
	from, to        time.Time
	frames          []*frame
	check           check // instead of frames
	form            formCheck
	apart           bool     // left to its frames: the words speak against one of its examples
	needs           *pattern // what a clause found by its words must hold
	suppressors     []*suppressor
	reason, rewrite string
	order           int // position in the pack: which of two hits is named first

	doc  *ruleDoc
	file string
}

// inForce reports whether the rule's principal law (the first it cites), and
// the rule's own interval where it has one, hold on a day.
func (r *rule) inForce(day time.Time) bool {
	return within(day, r.from, r.to) && within(day, r.cites[0].law.from, r.cites[0].law.to)
}

// lawText names the provisions in force on a day, the principal law first.
func (r *rule) lawText(day time.Time) string {
	var parts []string
	for _, c := range r.cites {
		if within(day, c.law.from, c.law.to) {
			parts = append(parts, "《"+c.law.title+"》"+c.at)
		}
	}
	return strings.Join(parts, "；")
}

// within reports from <= day <= to; a zero bound is open.
func within(day, from, to time.Time) bool {
	return !day.Before(from) && (to.IsZero() || !day.After(to))
}

// effect is what a suppressor does to a hit.
type effect int

const (
	effectDrop   effect = iota // the hit is no hit
	effectVerify               // the hit stays, but only asks to verify the basis
)

// place is where a cue has to stand, seen from the head of the hit.
type place string

const (
	placeSentence place = "sentence" // anywhere in the sentence or its lead-in
	placeBefore   place = "before"   // before the head, no comma between
	placeAfter    place = "after"    // after the head, no comma between
	placeWithin   place = "within"   // inside the head
	placeTitled   place = "titled"   // the head lies inside 《…》
	placeQuoted   place = "quoted"   // the head lies inside “…” and the cue outside
)

type cue struct {
	index  int // among those of all suppressors
	where  place
	any    *pattern   // the bare cue
	placed expression // the cue where it has to stand
	lead   expression // of a cue before the head: in a lead-in, governing 下列
	unless *pattern
}

type suppressor struct {
	id      string
	effect  effect
	general bool
	packs   []string // general for these packs only; empty: for all
	cues    []cue

	doc  *suppressorDoc
	file string
}

func (s *suppressor) appliesTo(pack string) bool {
	if !s.general {
		return false
	}
	for _, p := range s.packs {
		if p == pack {
			return true
		}
	}
	return len(s.packs) == 0
}

// compiler expands lexicons and interns patterns and literals.
type compiler struct {
	lexicons map[string][]text
	files    map[string]string // lexicon -> file, for messages
	expanded map[string]string
	patterns map[string]*pattern
	parts    map[string]option
	cues     int // how many there are
	order    []*pattern
	literals map[string]int32
	words    []string
	sets     map[string]int32 // of literals, by their members
	members  [][]int32
	machines *machines
	budget   *budget
}

var reference = regexp.MustCompile(`\{([a-z][a-z_]*)\}`)

// maxExpansion bounds one expanded pattern; lexicons that multiply each other
// past it are a mistake in the pack.
const maxExpansion = 64 << 10

// expand writes lexicons and the two gap marks out as plain RE2.
func (c *compiler) expand(s string, open []string) (string, error) {
	s = strings.ReplaceAll(s, "……", `.*?`)
	s = strings.ReplaceAll(s, "…", `[^，,；;：:不]{0,24}?`)
	var failed error
	out := reference.ReplaceAllStringFunc(s, func(ref string) string {
		name := ref[1 : len(ref)-1]
		if failed != nil {
			return ref
		}
		var alt string
		if alt, failed = c.lexicon(name, open); failed != nil {
			return ref
		}
		return alt
	})
	if failed == nil && len(out) > maxExpansion {
		failed = fmt.Errorf("pattern grows past %d bytes", maxExpansion)
	}
	return out, failed
}

func (c *compiler) lexicon(name string, open []string) (string, error) {
	if done, ok := c.expanded[name]; ok {
		return done, nil
	}
	entries, ok := c.lexicons[name]
	if !ok {
		return "", fmt.Errorf("unknown lexicon {%s}", name)
	}
	for _, o := range open {
		if o == name {
			return "", fmt.Errorf("lexicon {%s} refers to itself", name)
		}
	}
	if len(entries) == 0 {
		return "", fmt.Errorf("lexicon {%s} is empty", name)
	}
	alts := make([]string, len(entries))
	for i, e := range entries {
		alt, err := c.expand(e.s, append(open, name))
		if err != nil {
			return "", err
		}
		alts[i] = alt
	}
	c.expanded[name] = "(?:" + strings.Join(alts, "|") + ")"
	return c.expanded[name], nil
}

// expression compiles an expression that is no part of a frame.
func (c *compiler) expression(src, before, after string) (expression, error) {
	s, err := c.expand(src, nil)
	if err != nil {
		return expression{}, err
	}
	s = `(?s)` + before + `(?:` + s + `)` + after
	if err := c.budget.spend(s); err != nil {
		return expression{}, err
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return expression{}, err
	}
	parsed, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return expression{}, err
	}
	c.machines.note(parsed)
	return expression{re, newDFA(c.machines, s)}, nil
}

// pattern compiles an expression of a frame with its gates.
func (c *compiler) pattern(src string) (*pattern, error) {
	s, err := c.expand(src, nil)
	if err != nil {
		return nil, err
	}
	if p, ok := c.patterns[s]; ok {
		return p, nil
	}
	if err := c.budget.spend(`(?s:` + s + `)`); err != nil {
		return nil, err
	}
	re, err := regexp.Compile(`(?s:` + s + `)`)
	if err != nil {
		return nil, err
	}
	if re.MatchString("") {
		return nil, fmt.Errorf("pattern matches the empty text")
	}
	parsed, err := syntax.Parse(`(?s:`+s+`)`, syntax.Perl)
	if err != nil {
		return nil, err
	}
	occurs, err := c.presenceOf(s)
	if err != nil {
		return nil, err
	}
	c.machines.note(parsed)
	p := &pattern{index: len(c.order), re: re, presence: occurs}
	if len(occurs.words) == 0 && len(occurs.parts) == 1 { // it is that part
		p.dfa = occurs.parts[0].dfa
	} else {
		p.dfa = newDFA(c.machines, `(?s:`+s+`)`)
	}
	if len(occurs.parts) == 0 {
		p.gates = occurs.words
	} else {
		for _, set := range analyse(parsed).required() {
			p.gates = append(p.gates, c.set(set))
		}
	}
	c.patterns[s] = p
	c.order = append(c.order, p)
	return p, nil
}

// set numbers a set of literals; equal sets share one number, so that a clause tells of
// each once whether it holds a member.
func (c *compiler) set(words []string) int32 {
	key := strings.Join(words, "\x00")
	id, ok := c.sets[key]
	if !ok {
		id = int32(len(c.members))
		c.sets[key] = id
		c.members = append(c.members, c.numbers(words))
	}
	return id
}

func (c *compiler) numbers(set []string) []int32 {
	ids := make([]int32, 0, len(set))
	for _, w := range set {
		id, ok := c.literals[w]
		if !ok {
			id = int32(len(c.words))
			c.literals[w] = id
			c.words = append(c.words, w)
			c.machines.word(w)
		}
		ids = append(ids, id)
	}
	return ids
}

// cue compiles one cue of a suppressor. A cue before the head reaches it across
// 、 and across a comma that only continues the enumeration (，或者…).
func (c *compiler) cue(d cueDoc) (cue, error) {
	out := cue{where: place(d.Where.s), index: c.cues}
	c.cues++
	var err error
	if out.where == placeTitled {
		if d.Pattern.s != "" {
			err = fmt.Errorf("a cue inside a title takes no pattern")
		}
	} else if out.any, err = c.pattern(d.Pattern.s); err == nil {
		err = c.place(&out, d)
	}
	if err != nil {
		var p *placed
		if errors.As(err, &p) {
			return out, err
		}
		return out, &placed{d.Pattern.line, err}
	}
	if d.Unless.s != "" {
		if out.unless, err = c.pattern(d.Unless.s); err != nil {
			return out, &placed{d.Unless.line, err}
		}
	}
	return out, nil
}

// place compiles the cue for where it has to stand.
func (c *compiler) place(out *cue, d cueDoc) (err error) {
	switch out.where {
	case placeSentence, placeWithin, placeQuoted:
		out.placed = expression{out.any.re, out.any.dfa}
	case placeBefore:
		if out.placed, err = c.expression(d.Pattern.s, "", `(?:[^，,；;]|，(?:或者?|以及|并))*$`); err == nil {
			out.lead, err = c.expression(d.Pattern.s, "", `[^，,；;]*?(?:下列|以下|如下)`)
		}
	case placeAfter:
		out.placed, err = c.expression(d.Pattern.s, `^[^，,；;]*?`, "")
	default:
		return &placed{d.Where.line, fmt.Errorf("unknown place %q", d.Where.s)}
	}
	return err
}

// placed is an error with the line it belongs to.
type placed struct {
	line int
	err  error
}

func (p *placed) Error() string { return fmt.Sprintf("%d: %v", p.line, p.err) }
func (p *placed) Unwrap() error { return p.err }

package rulebook

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fashen/internal/policytext"
)

// verdict is what one rule makes of one text.
type verdict int

const (
	verdictClean verdict = iota
	verdictVerify
	verdictSuspect
)

func (v verdict) String() string {
	return [...]string{"no finding", "a finding to verify the basis", "a finding"}[v]
}

// judge runs one rule over a text without the prefilter, leaving one
// suppressor out where skip names it.
func (l *loader) judge(r *rule, s string, skip *suppressor) verdict {
	if r.check != nil || r.form != nil {
		return l.judgeCheck(r, s)
	}
	m := l.lib.borrow()
	defer l.lib.giveBack(m)
	m.skip = skip
	got := verdictClean
	eachClause(s, func(c *clause) bool {
		m.reset(c)
		for _, f := range r.frames {
			h, ok := m.frame(f)
			switch {
			case ok && h.verify:
				got = max(got, verdictVerify)
			case ok:
				got = verdictSuspect
			}
		}
		return got != verdictSuspect
	})
	return got
}

// exampleDay is the day examples are read on: after everything that ended.
func exampleDay() time.Time { return time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC) }

// judgeCheck runs a check over an example, read as a whole document.
func (l *loader) judgeCheck(r *rule, s string) verdict {
	page, s := examplePage(s)
	doc, err := policytext.Read(context.Background(), []byte(s), policytext.DefaultLimits())
	if err != nil {
		return verdictClean
	}
	if r.form != nil {
		if len(r.form(newFormInput(doc.Text, page))) > 0 {
			return verdictSuspect
		}
		return verdictClean
	}
	facts, got := FactsOf(doc.Text), verdictClean
	eachClause(doc.Text.GetText(), func(c *clause) bool {
		in := checkInput{text: c.text, doc: doc.Text, day: exampleDay(), facts: &facts, statutes: &l.lib.statutes, cited: citedTitles(c.text),
			at: func() (int, int) { return articleOf(doc.Text, c) }}
		for _, h := range r.check(&in) {
			if !h.prompt {
				got = verdictSuspect
			}
		}
		return got == verdictClean
	})
	return got
}

// examplePage takes the paper of an example off its head: a first line such as
// `@page 210 297 37 35 28 26`, in millimetres, as a Word file would say it.
func examplePage(s string) (*policytext.PageSetup, string) {
	first, rest, _ := strings.Cut(s, "\n")
	var p policytext.PageSetup
	if n, err := fmt.Sscanf(first, "@page %g %g %g %g %g %g", &p.Width, &p.Height, &p.Top, &p.Bottom, &p.Left, &p.Right); n != 6 || err != nil {
		return nil, s
	}
	return &p, rest
}

// examples runs what rules and suppressors say of themselves.
func (l *loader) examples() {
	for _, name := range l.lib.names {
		for _, r := range l.lib.packs[name].rules {
			l.expect(r, r.doc.Violation, verdictSuspect)
			l.expect(r, r.doc.Verify, verdictVerify)
			l.expect(r, r.doc.Clean, verdictClean)
		}
	}
	for _, s := range l.ordered {
		for _, e := range s.doc.Silent {
			l.suppresses(s, e, true)
		}
		for _, e := range s.doc.Heard {
			l.suppresses(s, e, false)
		}
	}
}

func (l *loader) expect(r *rule, list []text, want verdict) {
	for _, t := range list {
		if err := l.budget.example(t.s); err != nil {
			l.fail(r.file, t.line, "rule %s: %w", r.id, err)
			continue
		}
		if got := l.judge(r, t.s, nil); got != want {
			l.fail(r.file, t.line, "rule %s: this example gives %v, not %v", r.id, got, want)
		}
	}
}

// suppresses checks an example of a suppressor: without it the rule hits; with
// it the hit is gone (or only asks to verify) when silent, and stays otherwise.
func (l *loader) suppresses(s *suppressor, e exampleDoc, silent bool) {
	r, ok := l.rules[e.Rule.s]
	if !ok {
		l.fail(s.file, e.Rule.line, "suppressor %s: unknown rule %q", s.id, e.Rule.s)
		return
	}
	if err := l.budget.example(e.Text.s); err != nil {
		l.fail(s.file, e.Text.line, "suppressor %s: %w", s.id, err)
		return
	}
	if got := l.judge(r, e.Text.s, s); got != verdictSuspect {
		l.fail(s.file, e.Text.line, "suppressor %s: without it rule %s gives %v on this example", s.id, r.id, got)
	}
	want := verdictSuspect
	if silent {
		want = verdictClean
		if s.effect == effectVerify {
			want = verdictVerify
		}
	}
	if got := l.judge(r, e.Text.s, nil); got != want {
		l.fail(s.file, e.Text.line, "suppressor %s: rule %s gives %v on this example, not %v", s.id, r.id, got, want)
	}
}

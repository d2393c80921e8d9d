package rulebook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	datepb "google.golang.org/genproto/googleapis/type/date"

	competitionv1 "fashen/gen/fashen/competition/v1"
	"fashen/internal/wording"
)

// draftPacks are what every draft is screened with, as far as it is in force.
// The standards of 2016 and the regulation that followed them are in force at
// different times.
var draftPacks = []string{"competition", "competition-2016", "powers"}

// DraftSet selects what a draft is screened with on a review date: of the packs for
// drafts those with a rule in force. It fails with *NotForDateError where none has.
func (l *Library) DraftSet(on time.Time) (*Set, error) {
	var packs []string
	var first *NotForDateError
	for _, name := range draftPacks {
		_, err := l.Set(on, name)
		var none *NotForDateError
		switch {
		case err == nil:
			packs = append(packs, name)
		case errors.Is(err, ErrUnknownPack): // a library need not hold them all
		case !errors.As(err, &none):
			return nil, err
		case first == nil || none.Earliest.Before(first.Earliest):
			first = none
		}
	}
	switch {
	case len(packs) > 0:
	case first != nil:
		return nil, first
	default:
		return nil, fmt.Errorf("%w: none for drafts", ErrUnknownPack)
	}
	return l.Set(on, packs...)
}

// Labels names the packs with their versions.
func (s *Set) Labels() []string { return slices.Clone(s.labels) }

// digest gives each pack the digest of its files, of those without a pack, of those of
// packs that it borrows frames from, and of the model its clauses are weighed with.
func (l *loader) digest() {
	files := slices.Clone(l.files)
	slices.SortFunc(files, func(a, b loadedFile) int { return strings.Compare(a.name, b.name) })
	for _, p := range l.lib.packs {
		h := sha256.New()
		for _, f := range files {
			if name := f.doc.Pack.s; name == "" || name == p.name || slices.Contains(p.lenders, name) {
				fmt.Fprintf(h, "%s\x00%x\n", f.name, f.sum)
			}
		}
		if p.wording != nil {
			fmt.Fprintf(h, "wording\x00%s\n", wording.Digest())
		}
		p.sum = hex.EncodeToString(h.Sum(nil))
	}
}

// Describe tells of every pack what it is, with its rules, by name.
func (l *Library) Describe() []*competitionv1.RuleSet {
	out := make([]*competitionv1.RuleSet, 0, len(l.names))
	for _, name := range l.names {
		out = append(out, l.packs[name].describe())
	}
	return out
}

func (p *pack) describe() *competitionv1.RuleSet {
	out := &competitionv1.RuleSet{
		Name: "ruleSets/" + p.name + "-" + strings.ReplaceAll(p.version, ".", "-"),
		Pack: p.name, Version: p.version, Label: p.label(), Title: p.title,
		RuleCount: int32(len(p.rules)), Sha256: p.sum,
	}
	for _, r := range p.rules {
		out.Rules = append(out.Rules, r.describe())
	}
	from, to := p.interval()
	out.EffectiveDate, out.EndDate = dateOf(from), dateOf(to)
	return out
}

// interval is when a rule is in force: while it and its principal law are.
func (r *rule) interval() (from, to time.Time) {
	from, to = r.from, r.to
	if f := r.cites[0].law.from; f.After(from) {
		from = f
	}
	if t := r.cites[0].law.to; to.IsZero() || !t.IsZero() && t.Before(to) {
		to = t
	}
	return from, to
}

func (r *rule) describe() *competitionv1.Rule {
	from, to := r.interval()
	out := &competitionv1.Rule{
		Id: r.id, Title: r.doc.Title.s, Article: r.article, AlternativeArticles: slices.Clone(r.also),
		Strength: r.strength, Residual: r.residual, EffectiveDate: dateOf(from), EndDate: dateOf(to),
		Reason: r.reason, Rewrite: r.rewrite,
		ViolationExamples: plain(r.doc.Violation), CleanExamples: plain(r.doc.Clean), VerifyExamples: plain(r.doc.Verify),
	}
	for _, c := range r.cites {
		out.Citations = append(out.Citations, &competitionv1.RuleCitation{
			LawTitle: c.law.title, LawNumber: c.law.number, Provision: c.at,
			EffectiveDate: dateOf(c.law.from), EndDate: dateOf(c.law.to),
		})
	}
	return out
}

// Statutes tells the law library by title.
func (l *Library) Statutes() []*competitionv1.Statute {
	out := make([]*competitionv1.Statute, 0, len(l.statutes.all))
	for _, s := range l.statutes.all {
		out = append(out, &competitionv1.Statute{
			Title: s.title, Number: s.number, EffectiveDate: dateOf(s.from), EndDate: dateOf(s.to),
			Replacement: s.replacedBy, Uncertain: s.uncertain,
		})
	}
	slices.SortFunc(out, func(a, b *competitionv1.Statute) int { return strings.Compare(a.GetTitle(), b.GetTitle()) })
	return out
}

func plain(list []text) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = t.s
	}
	return out
}

// dateOf is a civil date; nil for an open end.
func dateOf(t time.Time) *datepb.Date {
	if t.IsZero() {
		return nil
	}
	return &datepb.Date{Year: int32(t.Year()), Month: int32(t.Month()), Day: int32(t.Day())}
}

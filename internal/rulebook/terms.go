package rulebook

import (
	"regexp"
	"slices"
	"strings"

	corev1 "fashen/gen/fashen/core/v1"
)

// definition is what the packs say of definitions that narrow a term: 所称企业，是指在本区
// 登记注册的… makes every clause that gives something to 企业 one about local firms.
type definition struct {
	means expression // what stands in for the term
	reads string     // what clauses that use the term are read with before it
}

var (
	definedTerm   = regexp.MustCompile(`(?:所称|所指)的?“?(\p{Han}{2,12}?)”?[，,]?(?:均|仅|系|是)?指(.*)`)
	shortenedTerm = regexp.MustCompile(`^(.*)[（(]以下(?:简称|统称|称)[：:]?“?(\p{Han}{2,12})”?[）)]`)
)

// maxTerms bounds how many narrowed terms of one document are followed.
const maxTerms = 16

// term is a narrowed term of the document at hand.
type term struct {
	word    string
	finding *corev1.Finding // at its definition, until a clause tells what it is for
}

// define takes up the term that a clause defines, if it is narrowed; found are the
// findings at the clause, and has its traits.
func (r *run) define(c *clause, has traits, found []*corev1.Finding) {
	d := r.set.lib.definition
	if d.means.re == nil || len(r.terms) == maxTerms || has&hasDefinition == 0 || !mayDefine(c.text) {
		return
	}
	var word, meaning string
	if m := definedTerm.FindStringSubmatch(c.text); m != nil {
		word, meaning = m[1], m[2]
	} else if m := shortenedTerm.FindStringSubmatch(c.text); m != nil {
		word, meaning = m[2], m[1]
	}
	if word == "" {
		return
	}
	if meaning, _ = r.set.lib.places.read(meaning); !r.narrows(meaning) {
		return
	}
	t := term{word: word}
	if i := slices.IndexFunc(found, Flags); i >= 0 {
		t.finding = found[i]
	}
	r.terms = append(r.terms, t)
}

// narrows reports whether a meaning is one that narrows a term.
func (r *run) narrows(meaning string) bool {
	means := &r.set.lib.definition.means
	r.set.lib.spell(meaning, &r.meaning)
	if yes, known := means.dfa.occurs(r.meaning.classes); known {
		return yes
	}
	return means.re.MatchString(meaning)
}

// mayDefine spares a clause without the words of a definition the expressions.
func mayDefine(s string) bool {
	for _, w := range []string{"所称", "所指", "以下简称", "以下统称", "以下称"} {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// coloured reads a clause in which nothing was found with what its narrowed terms mean.
// What is then found is told once: at the definition, which gets rule, law and reason of
// it, or at the clause where nothing was found at the definition.
func (r *run) coloured(c *clause) (f *corev1.Finding) {
	for i := range r.terms {
		t := &r.terms[i]
		at := strings.Index(c.text, t.word)
		if at < 0 || strings.LastIndex(c.text[:at], "《") > strings.LastIndex(c.text[:at], "》") {
			continue
		}
		read := &clause{lead: c.lead, text: c.text[:at] + r.set.lib.definition.reads + c.text[at:], runeStart: c.runeStart}
		r.made = true
		hits := r.clause(read)
		r.made = false
		if len(hits) == 0 || hits[0].verify || hits[0].rule.strength == corev1.Strength_STRENGTH_CONTEXTUAL {
			continue
		}
		told := r.set.finding(c, hit{rule: hits[0].rule, start: at, end: at + len(t.word)})
		told.Reason += "（“" + t.word + "”一语已限定为本地登记、纳税的经营者。）"
		if t.finding == nil {
			return told
		}
		own := t.finding
		if own.GetRule() != told.GetRule() {
			own.AlternativeArticles = append(told.GetAlternativeArticles(), own.GetArticle())
			own.Rule, own.Pack, own.Article, own.Law = told.GetRule(), told.GetPack(), told.GetArticle(), told.GetLaw()
			own.Strength, own.Reason, own.Rewrite = told.GetStrength(), told.GetReason(), told.GetRewrite()
		}
		return nil
	}
	return nil
}

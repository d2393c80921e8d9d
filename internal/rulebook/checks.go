package rulebook

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/policytext"
)

// Facts are what a rule must know of the whole document when it is given only
// a clause of it. Zero means unknown.
type Facts struct {
	Date       time.Time   // of the document
	Chapters   int         // highest chapter number
	Articles   int         // highest article number
	Paragraphs map[int]int // 款 by article number
}

// FactsOf reads the facts off a document's own outline and date.
func FactsOf(t *corev1.PolicyText) Facts {
	f := Facts{Paragraphs: map[int]int{}}
	if d := t.GetDate(); d.GetYear() > 0 && d.GetMonth() > 0 && d.GetDay() > 0 {
		f.Date = time.Date(int(d.Year), time.Month(d.Month), int(d.Day), 0, 0, 0, 0, time.UTC)
	}
	f.outline(t.GetOutline())
	return f
}

func (f *Facts) outline(nodes []*corev1.Provision) {
	for _, n := range nodes {
		switch n.Kind {
		case corev1.ProvisionKind_PROVISION_KIND_CHAPTER:
			f.Chapters = max(f.Chapters, int(n.Number))
		case corev1.ProvisionKind_PROVISION_KIND_ARTICLE:
			f.Articles = max(f.Articles, int(n.Number))
			count := 0
			for _, c := range n.Children {
				if c.Kind == corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH {
					count++
				}
			}
			// A second text in the same file may number its articles anew.
			f.Paragraphs[int(n.Number)] = max(f.Paragraphs[int(n.Number)], count)
		}
		f.outline(n.Children)
	}
}

// checkInput is what a check sees: one sentence, and the document around it.
type checkInput struct {
	text     string
	day      time.Time // the document's date, or else the review date
	article  int       // where the sentence stands, 0 when unknown
	facts    *Facts
	statutes *statuteIndex
}

// checkHit is one place a check points at, in bytes of the sentence, with what
// the reason says of it, by name.
type checkHit struct {
	start, end int
	words      []string // {name}, value pairs
	prompt     bool     // not certain enough to flag
}

// check looks for what no pattern can tell: it counts and compares.
type check func(*checkInput) []checkHit

// checkNamed resolves the name that a rule gives.
func checkNamed(name string) (check, bool) {
	switch name {
	case "repealed":
		return checkRepealed, true
	case "misquoted":
		return checkMisquoted, true
	case "dangling":
		return checkDangling, true
	}
	return nil, false
}

// needs names literals of which one must occur for a check to find anything.
func needs(name string) []string {
	if name == "dangling" {
		return []string{"第", "前"}
	}
	return []string{"《"}
}

var citedTitle = regexp.MustCompile(`《([^《》]{2,240})》`)

// notBasis are words of a sentence that speaks of a statute without relying on it.
var notBasis = regexp.MustCompile(`废止|失效|停止执行|不再执行|取代|代替|替代|继续有效|施行前|以前|此前|修订前|原《`)

func checkRepealed(in *checkInput) []checkHit {
	if notBasis.MatchString(in.text) {
		return nil
	}
	var hits []checkHit
	for _, m := range citedTitle.FindAllStringSubmatchIndex(in.text, -1) {
		s := in.statutes.find(in.text[m[2]:m[3]])
		if s == nil || s.to.IsZero() || !in.day.After(s.to) {
			continue
		}
		end := s.to.AddDate(0, 0, 1).Format(dateLayout)
		hits = append(hits, checkHit{start: m[0], end: m[1], prompt: s.uncertain,
			words: []string{"{title}", s.title, "{end}", end, "{by}", s.replacedBy}})
	}
	return hits
}

func checkMisquoted(in *checkInput) []checkHit {
	var hits []checkHit
	for _, m := range citedTitle.FindAllStringSubmatchIndex(in.text, -1) {
		title := in.text[m[2]:m[3]]
		if in.statutes.find(title) != nil {
			continue
		}
		if s := in.statutes.meant(title); s != nil {
			hits = append(hits, checkHit{start: m[0], end: m[1], words: []string{"{title}", s.title}})
		}
	}
	return hits
}

const (
	self    = `本(?:办法|规定|细则|规则|意见|通知|方案|决定|实施(?:办法|细则|意见|方案)|暂行(?:办法|规定))`
	numeral = `[零〇一二三四五六七八九十百\d]{1,7}`
)

var (
	ownChapter = regexp.MustCompile(self + `第(` + numeral + `)章`)
	ownArticle = regexp.MustCompile(self + `(第` + numeral + `条(?:第` + numeral + `款)?(?:第[（(]?` + numeral + `[）)]?项)?(?:[、和及至或]+第` + numeral + `条(?:第` + numeral + `款)?)*)`)
	oneArticle = regexp.MustCompile(`第(` + numeral + `)条(?:第(` + numeral + `)款)?`)
	earlier    = regexp.MustCompile(`前([两二三四])?款`)
	ofAnother  = regexp.MustCompile(`条(?:规定)?的?$`)
)

// checkDangling finds references to parts the document does not have.
func checkDangling(in *checkInput) []checkHit {
	var hits []checkHit
	for _, m := range ownChapter.FindAllStringSubmatchIndex(in.text, -1) {
		if n, ok := policytext.ParseNumeral(in.text[m[2]:m[3]]); ok && in.facts.Chapters > 0 && n > in.facts.Chapters {
			hits = append(hits, checkHit{start: m[0], end: m[1], words: []string{"{what}", in.text[m[0]:m[1]]}})
		}
	}
	for _, m := range ownArticle.FindAllStringSubmatchIndex(in.text, -1) {
		for _, a := range oneArticle.FindAllStringSubmatch(in.text[m[2]:m[3]], -1) {
			if in.missing(a[1], a[2]) {
				hits = append(hits, checkHit{start: m[0], end: m[1], words: []string{"{what}", a[0]}})
				break
			}
		}
	}
	have, known := in.facts.Paragraphs[in.article]
	for _, m := range earlier.FindAllStringSubmatchIndex(in.text, -1) {
		back := 1
		if m[2] >= 0 {
			back, _ = policytext.ParseNumeral(strings.Replace(in.text[m[2]:m[3]], "两", "二", 1))
		}
		if known && have > 0 && have <= back && !ofAnother.MatchString(in.text[:m[0]]) {
			hits = append(hits, checkHit{start: m[0], end: m[1], words: []string{"{what}", in.text[m[0]:m[1]]}})
		}
	}
	slices.SortFunc(hits, func(a, b checkHit) int { return a.start - b.start })
	return hits
}

func (in *checkInput) missing(article, paragraph string) bool {
	n, ok := policytext.ParseNumeral(article)
	if !ok || in.facts.Articles == 0 {
		return false
	}
	if n > in.facts.Articles {
		return true
	}
	p, ok := policytext.ParseNumeral(paragraph)
	have := in.facts.Paragraphs[n]
	return ok && have > 0 && p > have
}

var startsArticle = regexp.MustCompile(`^[\s　]*第(` + numeral + `)条[\s　]`)

// checks runs the checks of a set over one sentence.
func (s *Set) checks(t *corev1.PolicyText, c *clause, facts *Facts) []*corev1.Finding {
	var out []*corev1.Finding
	in := checkInput{text: c.text, day: s.day, facts: facts, statutes: &s.lib.statutes}
	if !facts.Date.IsZero() {
		in.day = facts.Date
	}
	placed := false
	for _, r := range s.checkRules {
		if !slices.ContainsFunc(needs(r.doc.Check.s), func(w string) bool { return strings.Contains(c.text, w) }) {
			continue
		}
		if !placed {
			in.article, placed = articleOf(t, c), true
		}
		for _, h := range r.check(&in) {
			f := s.finding(c, hit{rule: r, start: h.start, end: h.end})
			words := strings.NewReplacer(h.words...)
			f.Reason, f.Rewrite = words.Replace(f.Reason), words.Replace(f.Rewrite)
			if h.prompt {
				f.Strength = corev1.Strength_STRENGTH_CONTEXTUAL
			}
			out = append(out, f)
		}
	}
	return out
}

// articleOf tells the article a sentence stands in, by the outline or, when the
// text has none, by the number it begins with.
func articleOf(t *corev1.PolicyText, c *clause) int {
	if len(t.GetOutline()) > 0 {
		at := c.runeStart + utf8.RuneCountInString(c.text) - 1
		article, _, _, _ := policytext.Locate(t, at, at+1)
		return article
	}
	if m := startsArticle.FindStringSubmatch(c.text); m != nil {
		n, _ := policytext.ParseNumeral(m[1])
		return n
	}
	return 0
}

package rulebook

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	datepb "google.golang.org/genproto/googleapis/type/date"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/policytext"
)

// Facts are what a rule must know of the whole document when it is given only
// a clause of it. Zero means unknown.
type Facts struct {
	policytext.Numbering

	Date time.Time // of the document
	// Whole says that the text is a document, whose form can be looked at.
	Whole bool
	// Page is the paper it is set on, where its file said.
	Page *policytext.PageSetup

	shortNames map[string]bool // that the document gives, once asked for
}

// FactsOf reads the facts off a document's own outline and date.
func FactsOf(t *corev1.PolicyText) Facts {
	return Facts{Numbering: policytext.NumberingOf(t.GetOutline()), Date: dayOf(t.GetDate()), Whole: true}
}

// dayOf is the day of a date, the zero time where one is not told in full.
func dayOf(d *datepb.Date) time.Time {
	if d.GetYear() <= 0 || d.GetMonth() <= 0 || d.GetDay() <= 0 {
		return time.Time{}
	}
	return time.Date(int(d.Year), time.Month(d.Month), int(d.Day), 0, 0, 0, 0, time.UTC)
}

// FactsOfDocument reads the facts off a file as it was read, its paper included.
func FactsOfDocument(d *policytext.Document) Facts {
	f := FactsOf(d.Text)
	f.Page = d.Page
	return f
}

// checkInput is what a check sees: one sentence, and the document around it.
type checkInput struct {
	text  string
	day   time.Time // the document's date, or else the review date
	cited []citedTitle
	// at tells the article and its 款 where the sentence stands, 0 when unknown.
	at       func() (article, paragraph int)
	facts    *Facts
	statutes *statuteIndex
	// start is the code point of the document at which the sentence begins, references
	// those in it; whole says that the document was read, and they are known.
	start      int
	doc        *corev1.PolicyText
	references []*corev1.Reference
	whole      bool
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
	case "beyond":
		return checkBeyond, true
	case "dangling":
		return checkDangling, true
	case "backdated":
		return checkBackdated, true
	}
	return nil, false
}

// mayFind spares a check the sentences in which it finds nothing.
func (in *checkInput) mayFind(check string, has traits) bool {
	switch {
	case check == "backdated":
		return !in.facts.Date.IsZero() && strings.Contains(in.text, "月") && strings.Contains(in.text, "起")
	case check != "dangling":
		return has&hasTitle != 0
	case has&(hasOrdinal|hasFront) == 0:
		return false
	case in.whole:
		return len(in.references) > 0 && (strings.Contains(in.text, "第") || strings.Contains(in.text, "前"))
	}
	return has&hasMention != 0 || has&hasOrdinal != 0 && !in.facts.Whole && (in.facts.Articles > 0 || in.facts.Chapters > 0)
}

// citedTitle is a title in 《》, and where it begins with the marks.
type citedTitle struct {
	title string
	start int
}

func (c citedTitle) end() int { return c.start + len("《") + len(c.title) + len("》") }

// citedTitles finds the titles of a sentence: 《([^《》]{2,240})》.
func citedTitles(s string) (out []citedTitle) {
	for at := 0; ; {
		open := strings.Index(s[at:], "《")
		if open < 0 {
			return out
		}
		start := at + open
		at = start + len("《")
		end := strings.Index(s[at:], "》")
		if end < 0 {
			return out
		}
		title := s[at : at+end]
		if inner := strings.LastIndex(title, "《"); inner >= 0 {
			start = at + inner
			title = title[inner+len("《"):]
		}
		at += end + len("》")
		if n := utf8.RuneCountInString(title); n >= 2 && n <= 240 {
			out = append(out, citedTitle{title, start})
		}
	}
}

var (
	// notBasis are words of a sentence that speaks of a statute without relying on it.
	notBasis = regexp.MustCompile(`废止|失效|停止执行|不再执行|不再适用|取代|代替|替代|继续有效|施行前|实施前|施行之前|以前|之前|此前|修订前|修改前|清理|更名|改称|曾|历史|沿革|当时|过渡|原(?:来的|有的|国务院)?《`)
	// drafted is what stands before or behind the title of what is still to be made.
	drafted = regexp.MustCompile(`(?:起草|拟订|拟定|拟制|制定|制订|出台|草拟|编制|立法调研|报送)(?:了|出)?《$`)
	draft   = regexp.MustCompile(`^》?[（(]?(?:草案|送审稿|征求意见稿|讨论稿|初稿|送审|修订草案)`)
)

func checkRepealed(in *checkInput) []checkHit {
	var hits []checkHit
	for _, cited := range in.cited {
		s := in.statutes.find(cited.title)
		if s == nil || !s.ended(in.day) {
			continue
		}
		if notBasis.MatchString(in.text) {
			return nil
		}
		end := s.to.AddDate(0, 0, 1).Format(dateLayout)
		hits = append(hits, checkHit{start: cited.start, end: cited.end(), prompt: s.uncertain,
			words: []string{"{title}", s.title, "{end}", end, "{by}", s.replacedBy}})
	}
	return hits
}

// checkMisquoted finds titles that miss a statute's by a slip. A title that the document
// gives itself or another is what it says, one of a draft may become anything.
func checkMisquoted(in *checkInput) []checkHit {
	var hits []checkHit
	for _, cited := range in.cited {
		if in.statutes.find(cited.title) != nil {
			continue
		}
		s := in.statutes.meant(cited.title)
		if s == nil || in.named(cited.title) || drafted.MatchString(in.text[:cited.start+len("《")]) || draft.MatchString(in.text[cited.end():]) {
			continue
		}
		if notBasis.MatchString(in.text) {
			return nil
		}
		hits = append(hits, checkHit{start: cited.start, end: cited.end(), words: []string{"{title}", s.title}})
	}
	return hits
}

// shortName is a name that a document gives to another: （以下简称《示例条例》）.
var shortName = regexp.MustCompile(`简称[为：]?[“《]{1,2}([^“”《》]{1,60})`)

// named reports whether the document bears a title, or takes it for a short name.
func (in *checkInput) named(title string) bool {
	if in.facts.shortNames == nil {
		in.facts.shortNames = map[string]bool{}
		for _, m := range shortName.FindAllStringSubmatch(in.doc.GetText(), -1) {
			in.facts.shortNames[m[1]] = true
		}
	}
	return in.facts.shortNames[title] || strings.Contains(in.doc.GetTitle(), title)
}

// checkBeyond finds articles of a statute behind its last one. A statute that ended is
// found as such.
func checkBeyond(in *checkInput) []checkHit {
	var hits []checkHit
	for _, cited := range in.cited {
		s := in.statutes.find(cited.title)
		if s == nil || s.articles == 0 || s.ended(in.day) {
			continue
		}
		for _, p := range policytext.ProvisionsBehind(in.text[cited.end():]) {
			if int(p.GetArticle()) > s.articles {
				hits = append(hits, checkHit{start: cited.start, end: cited.end(),
					words: []string{"{title}", s.title, "{what}", p.GetText(), "{last}", strconv.Itoa(s.articles)}})
				break
			}
		}
	}
	return hits
}

// checks runs the checks of a set over one sentence that has some traits.
func (s *Set) checks(t *corev1.PolicyText, c *clause, facts *Facts, has traits) []*corev1.Finding {
	if len(s.checkRules) == 0 {
		return nil
	}
	in := checkInput{text: c.text, doc: t, day: s.day, facts: facts, statutes: &s.lib.statutes, start: c.runeStart, whole: facts.Exact && len(t.GetParts()) > 0}
	if !facts.Date.IsZero() {
		in.day = facts.Date
	}
	if in.whole {
		in.references = referencesIn(t, c)
	}
	for i, r := range s.checkRules {
		if in.mayFind(r.doc.Check.s, has) {
			in.at = func() (int, int) { return articleOf(t, c) }
			return s.checked(s.checkRules[i:], c, in, has)
		}
	}
	return nil
}

// checked runs checks over one sentence.
func (s *Set) checked(rules []*rule, c *clause, in checkInput, has traits) []*corev1.Finding {
	var out []*corev1.Finding
	if has&hasTitle != 0 {
		in.cited = citedTitles(in.text)
	}
	for _, r := range rules {
		if !in.mayFind(r.doc.Check.s, has) {
			continue
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

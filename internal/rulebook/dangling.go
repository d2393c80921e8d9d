package rulebook

import (
	"cmp"
	"regexp"
	"sort"
	"strings"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/policytext"
)

// checkDangling finds references to parts the document does not have. Of a document
// that was read, the reader has told them, part by part: what is attached has articles
// of its own, and the words of an amendment speak of another text.
func checkDangling(in *checkInput) []checkHit {
	var hits []checkHit
	if in.whole {
		article, paragraph := in.at()
		for _, r := range in.references {
			if r.GetBroken() && !strings.HasPrefix(r.GetText(), "附") { // which may be sent apart
				start := len(string([]rune(in.text)[:int(r.GetStart())-in.start]))
				what := r.GetText()
				for _, m := range policytext.Mentions(what) { // of a list, the one that is missing
					what = cmp.Or(in.facts.Missing(m, article, paragraph), what)
				}
				hits = append(hits, checkHit{start: start, end: start + len(r.GetText()), words: []string{"{what}", what}})
			}
		}
		return hits
	}
	article, paragraph := in.at()
	for _, m := range policytext.Mentions(in.text) {
		if what := in.facts.Missing(m, article, paragraph); what != "" {
			hits = append(hits, checkHit{start: m.Start, end: m.End, words: []string{"{what}", what}})
		}
	}
	if len(hits) > 0 || in.facts.Whole || ofAnotherText.MatchString(in.text) {
		return hits
	}
	return bareDangling(in, article)
}

var (
	// ofAnotherText are words of a sentence whose 第九条 may be that of another text.
	ofAnotherText = regexp.MustCompile(`《|“|[法例程约书][\s　]*第|(?:^|[^本])(?:办法|规定|细则|规则|方案|标准|目录|合同|协议|附件|附表)[\s　]*第`)
	barePlace     = `(?:^|[，。、；：（]|违反|依照|按照|根据|依据|适用|参照|符合|除|对|有|和|及|与|或|前述|本条)[\s　]*`
	bareArticle   = regexp.MustCompile(barePlace + `(第[零〇一二三四五六七八九十百\d]{1,7}条)`)
	bareChapter   = regexp.MustCompile(barePlace + `(第([零〇一二三四五六七八九十百\d]{1,7})章)`)
)

// bareDangling finds articles and chapters that a clause alone names without saying of
// which text, and that the document lacks.
func bareDangling(in *checkInput, article int) (hits []checkHit) {
	for _, at := range bareArticle.FindAllStringSubmatchIndex(in.text, -1) {
		if heading := startsArticle.FindStringSubmatchIndex(in.text); heading != nil && at[2] < heading[1] {
			continue
		}
		for _, p := range policytext.ProvisionsBehind(in.text[at[2]:]) {
			if in.facts.Lacks(p, article) {
				hits = append(hits, checkHit{start: at[2], end: at[3], words: []string{"{what}", p.GetText()}})
				break
			}
		}
	}
	for _, at := range bareChapter.FindAllStringSubmatchIndex(in.text, -1) {
		n, _ := policytext.ParseNumeral(in.text[at[4]:at[5]])
		if in.facts.Chapters > 0 && n > in.facts.Chapters && at[0] > 0 {
			hits = append(hits, checkHit{start: at[2], end: at[3], words: []string{"{what}", in.text[at[2]:at[3]]}})
		}
	}
	return hits
}

// referencesIn are the references that stand in a clause.
func referencesIn(t *corev1.PolicyText, c *clause) []*corev1.Reference {
	all := t.GetReferences()
	before := func(at int) int {
		return sort.Search(len(all), func(i int) bool { return int(all[i].GetEnd()) > at })
	}
	from, to := before(c.runeStart), before(c.runeStart+c.runes)
	for from < to && int(all[from].GetStart()) < c.runeStart {
		from++
	}
	return all[from:to]
}

var startsArticle = regexp.MustCompile(`^[\s　]*第([零〇一二三四五六七八九十百\d]{1,7})条[\s　]`)

// articleOf tells the article and paragraph a sentence stands in, by the outline or,
// when the text has none, by the number it begins with. The articles of an attachment
// are not those of the document.
func articleOf(t *corev1.PolicyText, c *clause) (article, paragraph int) {
	if len(t.GetOutline()) > 0 {
		at := c.runeStart + c.runes - 1
		if policytext.PartAt(t, at).GetKind() == corev1.PartKind_PART_KIND_ATTACHMENT {
			return 0, 0
		}
		article, paragraph, _, _ = policytext.Locate(t, at, at+1)
		return article, paragraph
	}
	if m := startsArticle.FindStringSubmatch(c.text); m != nil {
		article, _ = policytext.ParseNumeral(m[1])
	}
	return article, 0
}

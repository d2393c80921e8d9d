package policytext

import (
	"regexp"
	"strings"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

// Mention is a reference to another place of the same document in running text:
// 本办法第十条、第十二条, 本规定第三章, 前款, 前条, 本条第二款, 附件2.
type Mention struct {
	// Start and End are bytes of the text it was found in.
	Start, End int
	// Text is the mention as written.
	Text string

	// self is what the document calls itself: 办法.
	self       string
	provisions []*corev1.CitedProvision
	chapter    int
	// paragraphs and articles are how far back 前款 and 前条 reach, attachment the
	// number in 附件2.
	paragraphs, articles, attachment int
	// part is whose the provisions are, where a title tells; doubtful says that nothing
	// does and that another text was named before.
	part     *numberedPart
	doubtful bool
}

var (
	mentionHead = regexp.MustCompile(`本((?:实施|暂行|管理|试行|若干)?(?:办法|规定|细则|规则|意见|通知|方案|决定|条例|措施|指引|指南|标准|基准|规范|规程|准则|制度|章程|公告|通告))(?:[（(](?:试行|暂行)[）)])?|前([一二两三四五六]?)([款条])|本条|附[件表][\s\x{3000}]*([0-9０-９]{1,2}|[一二三四五六七八九十]{1,3})`)
	// ofAnother says that what follows is a part of another article, or document.
	ofAnother      = regexp.MustCompile(`条(?:规定)?的?$`)
	ofAnotherTitle = regexp.MustCompile(`》(?:[（(][^（()）]*[）)])?(?:的|所附)?$`)
	// beforeFront and behindFront are what makes 前款 and 前条 part of another word:
	// 目前条件, 提前款项.
	beforeFront = "目当之此以提事先生空日年月向从跟靠"
	behindFront = regexp.MustCompile(`^(?:条[件款约例线幅]|款(?:项[^目的、，。；]|额|式))`)
)

// MentionBegins are the characters with which mentions begin, MentionGoesOn those of
// which one comes next.
const (
	MentionBegins = "本附前"
	MentionGoesOn = beginSelf + beginAttached + beginBack

	beginSelf     = "实暂管试若办规细意通方决条措指标基准制章公"
	beginAttached = "件表"
	beginBack     = "一二两三四五六款条"
)

// Mentions finds the references in running text, in order.
func Mentions(s string) (out []Mention) {
	if !mayMention(s) {
		return nil
	}
	end := 0
	for _, at := range mentionHead.FindAllStringSubmatchIndex(s, -1) {
		if at[0] < end {
			continue
		}
		m, size := mentionAt(s, at)
		if size == 0 {
			continue
		}
		m.Start, m.End = at[0], at[1]+size-1
		m.Text = s[m.Start:m.End]
		end = m.End
		out = append(out, m)
	}
	return out
}

// mayMention spares lines without any mention the pattern.
func mayMention(s string) bool {
	return strings.Contains(s, "第") && followed(s, "本", beginSelf) || followed(s, "附", beginAttached) || followed(s, "前", beginBack)
}

// followed reports whether one of the characters of next stands behind a word.
func followed(s, word, next string) bool {
	for {
		_, after, found := strings.Cut(s, word)
		if !found {
			return false
		}
		if r, size := utf8.DecodeRuneInString(after); size > 1 && strings.ContainsRune(next, r) {
			return true
		}
		s = after
	}
}

// mentionAt reads what follows a head; size is one more than the bytes it takes, and
// 0 for no mention.
func mentionAt(s string, at []int) (m Mention, size int) {
	rest := s[at[1]:]
	blanks := len(rest) - len(strings.TrimLeftFunc(rest, IsBlank))
	switch {
	case at[2] >= 0:
		m.self = s[at[2]:at[3]]
		if list, n := scanCitedList(rest[blanks:]); n > 0 {
			m.provisions = list
			return m, blanks + n + 1
		}
		if !strings.HasPrefix(rest[blanks:], "第") {
			return m, 0
		}
		if mark, n, ok := scanOrdinal(rest[blanks:]); ok && mark.kind == corev1.ProvisionKind_PROVISION_KIND_CHAPTER {
			m.chapter = mark.number
			return m, blanks + n + 1
		}
		return m, 0
	case at[6] >= 0:
		back := 1
		if at[5] > at[4] {
			back, _ = ParseNumeral(s[at[4]:at[5]])
		}
		before, _ := utf8.DecodeLastRuneInString(s[:at[0]])
		if strings.ContainsRune(beforeFront, before) || behindFront.MatchString(s[at[6]:]) || ofAnother.MatchString(s[:at[0]]) {
			return m, 0
		}
		if s[at[6]:at[7]] == "条" {
			m.articles = back
			return m, 1
		}
		m.paragraphs = back
		if p, n, ok := scanCited(rest, &corev1.CitedProvision{}, false); ok && p.Article == 0 && p.Paragraph == 0 {
			m.provisions = []*corev1.CitedProvision{p}
			return m, n + 1
		}
		return m, 1
	case at[8] >= 0:
		var ok bool
		m.attachment, ok = ParseNumeral(s[at[8]:at[9]])
		if !ok || ofAnotherTitle.MatchString(s[:at[0]]) {
			return m, 0
		}
		return m, 1
	}
	if p, n, ok := scanCited(rest, &corev1.CitedProvision{}, false); ok && p.Article == 0 {
		m.provisions = []*corev1.CitedProvision{p}
		return m, n + 1
	}
	return m, 0
}

// Numbering is what a text numbers: enough to tell whether something exists. Zero
// means unknown.
type Numbering struct {
	Chapters, Articles int         // the highest numbers
	Paragraphs         map[int]int // 款 by article number
	// Exact says that Paragraphs knows every article there is.
	Exact bool
}

// NumberingOf reads the numbering of an outline. Where texts number their articles
// anew, whatever one of them has exists.
func NumberingOf(nodes []*corev1.Provision) Numbering {
	n := Numbering{Paragraphs: map[int]int{}, Exact: true}
	n.add(nodes)
	return n
}

func (n *Numbering) add(nodes []*corev1.Provision) {
	for _, p := range nodes {
		switch p.GetKind() {
		case corev1.ProvisionKind_PROVISION_KIND_CHAPTER:
			n.Chapters = max(n.Chapters, int(p.GetNumber()))
		case corev1.ProvisionKind_PROVISION_KIND_ARTICLE:
			number, have := int(p.GetNumber()), 0
			for _, c := range p.GetChildren() {
				if c.GetKind() == corev1.ProvisionKind_PROVISION_KIND_PARAGRAPH {
					have++
				}
			}
			n.Articles = max(n.Articles, number)
			n.Paragraphs[number] = max(n.Paragraphs[number], have)
		}
		n.add(p.GetChildren())
	}
}

// Missing gives the words of a mention that name what does not exist, or an empty
// string. article and paragraph are where the mention stands, 0 where unknown; of
// attachments it knows nothing.
func (n Numbering) Missing(m Mention, article, paragraph int) string {
	have, known := n.Paragraphs[article]
	switch {
	case m.chapter > 0:
		if n.Chapters > 0 && m.chapter > n.Chapters {
			return m.Text
		}
	case m.paragraphs > 0:
		if known && have > 0 && (have <= m.paragraphs || paragraph > 0 && paragraph <= m.paragraphs) {
			return m.Text
		}
	case m.articles > 0:
		// 第二条之一 has two articles in front of it.
		if article > 0 && (article < m.articles || article == 1) {
			return m.Text
		}
	default:
		for _, p := range m.provisions {
			if n.Lacks(p, article) {
				return p.GetText()
			}
		}
	}
	return ""
}

// Lacks reports that there is no such article or paragraph; article is the one of the
// place where it is mentioned.
func (n Numbering) Lacks(p *corev1.CitedProvision, article int) bool {
	if p.GetArticle() > 0 {
		article = int(p.GetArticle())
	}
	if n.Articles == 0 || article == 0 {
		return false
	}
	have, known := n.Paragraphs[article]
	return article > n.Articles || n.Exact && !known || have > 0 && int(p.GetParagraph()) > have
}

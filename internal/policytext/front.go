package policytext

import (
	"cmp"
	"regexp"
	"strings"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

// front says where the head of a document ends and which lines sign it off.
type front struct {
	// body is the first line after title, number and addressees.
	body int
	// signature marks the lines of 署名 and 成文日期 and the notes below them.
	signature []bool
}

// frontLines is how far down title, number and addressees are looked for,
// counted in lines that are not blank.
const frontLines = 40

var (
	// FACTS DN-02, damaged forms of real files included: other brackets, one
	// bracket lost, 第, leading zeros. At least one bracket must be there.
	numberPattern = lenient(`^[（(]?([\p{Han}×][\p{Han}×（）()]{0,24}?\s*(?:[〔\[［(（【﹝〈]\s*(?:19|20)\d{2}\s*年?\s*[〕\]］)）】﹞〉]?|(?:19|20)\d{2}\s*年?\s*[〕\]］)）】﹞〉])\s*第?\s*\d{1,5}\s*号)(?:[\s）)]|$)`)
	// FACTS DN-03: orders and announcements.
	orderPattern = lenient(`^[（(]?(\p{Han}{2,30}(?:令|公告|通告)\s*(?:[〔\[［(（]?\s*(?:19|20)\d{2}\s*年?\s*[〕\]］)）]?\s*)?第\s*[\d一二三四五六七八九十百零〇]{1,6}\s*号)[）)]?$`)
	serialOnly   = lenient(`^[（(]?(?:(?:19|20)\d{2}\s*年\s*)?第\s*[\d一二三四五六七八九十百零〇]{1,6}\s*号[）)]?$`)
	announcement = regexp.MustCompile(`(?:公告|通告)$`)
	serialHead   = regexp.MustCompile(`(?:令|公告|通告)$`)
	datePattern  = lenient(`^(.*?)[（(]?([\d〇○零OoＯｏ一二三四五六七八九]{4})\s*年\s*([\d×Xx一二三四五六七八九十]{0,3})\s*月\s*([\d×Xx一二三四五六七八九十]{0,3})\s*日[）)]?$`)
	kindPattern  = regexp.MustCompile(`(?:决议|决定|命令|令|公报|公告|通告|意见|通知|通报|报告|请示|批复|议案|函|纪要|办法|规定|细则|规则|方案|条例|规划|计划|要点|措施|制度|目录|清单|标准|指南|规程|预案|章程|意见书|结论|说明|政策|基准|指引|规范|流程|公约|书)$`)
	draftPattern = regexp.MustCompile(`^[（(【\[]?[^（）()]{0,16}(?:稿|试行|暂行|草案|修订|修正|代拟|版|样本)[^（）()]{0,8}[）)】\]]$`)
	draftMark    = regexp.MustCompile(`(?:[（(【\[][^（(【\[]{0,16}(?:稿|草案)[^（(【\[）)】\]]{0,8}[）)】\]]|(?:公开)?(?:征求意见|草案送审|送审|报审|审议|讨论|修改|代拟)稿)$`)
	aboutPattern = regexp.MustCompile(`的\p{Han}{0,6}(?:决议|决定|命令|公报|公告|通告|意见|通知|通报|报告|请示|批复|议案|函|纪要|办法|规定|方案|意见书|结论)[^的]*$`)
	// leadIn tells an opening sentence (现通知如下：) from a list of addressees.
	leadIn      = regexp.MustCompile(`如下|下列|以下|^(?:现|根据|按照|依据|为了?|经|按)`)
	urgentWords = regexp.MustCompile(`^(?:特急|加急|平急|特提|急件)$`)
	annotation  = regexp.MustCompile(`^[（(]\s*((?:此件|联系人|联系电话|联系方式).*?)\s*[）)]$`)
	// metadata are the lines that a web page of a government puts above a document.
	metadata   = regexp.MustCompile(`^(?:索引号|信息索引号?|统一(?:登记|编)号|登记号|发布机构|发文机关|发文机构|制发机关|发文字号|文号|文件编号|成文日期|发文日期|印发日期|发布日期|发布时间|公开日期|生效日期|实施日期|失效日期|废止日期|有效性|时效性|文件状态|效力状态|主题分类|主题词|分类|体裁分类|组配分类|标题|名称|公文名称|文件名称|公开方式|公开形式|公开属性|公开范围|来源|信息来源)[:：](.*)$`)
	copyNumber = regexp.MustCompile(`^(?:No\.?|№)?\d{6}$`)
)

// lenient compiles a pattern whose \s is any blank that trim removes, \d a digit of
// either width and (?:19|20) the beginning of a year in such digits.
func lenient(pattern string) *regexp.Regexp {
	return regexp.MustCompile(strings.NewReplacer(
		`[\d`, `[\d０-９`, `\d`, `[\d０-９]`,
		`[\s`, `[\s\x{3000}\x{a0}\x{200b}\x{feff}\x{2002}\x{2003}`, `\s`, `[\s\x{3000}\x{a0}\x{200b}\x{feff}\x{2002}\x{2003}]`,
		`(?:19|20)`, `(?:[1１][9９]|[2２][0０])`).Replace(pattern))
}

// readFront finds title, number, date and addressees, and marks the lines that
// sign the document off.
func readFront(r *reading, text *corev1.PolicyText) *front {
	f := &front{signature: make([]bool, len(r.lines))}
	f.readTitle(r, text)
	f.readAddressees(r, text)
	f.readSignatures(r, text)
	if text.Date == nil {
		text.Date = f.dateBelow(r)
	}
	return f
}

// headWord reports lines of a red head that are neither title nor number.
func headWord(s string) bool {
	q := squeeze(s)
	return urgentWords.MatchString(q) || copyNumber.MatchString(q) || isSecrecyLine(s, true) ||
		strings.HasPrefix(q, "签发人") || strings.HasSuffix(q, "文件") && !strings.Contains(q, "关于")
}

// documentNumber gives the number that a line consists of, as written.
func documentNumber(s string) string {
	if utf8.RuneCountInString(s) > 80 {
		return ""
	}
	if m := numberPattern.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	if m := orderPattern.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}

// titleBlock is a run of lines that could be a title.
type titleBlock struct {
	text string
	end  int // the line after it
}

// titleSearch holds the run being read, the first run and the chosen one.
type titleSearch struct{ open, first, chosen titleBlock }

// settle ends the run being read.
func (t *titleSearch) settle() {
	if t.chosen.text == "" && isTitle(t.open.text) {
		t.chosen = t.open
	}
	if t.first.text == "" {
		t.first = t.open
	}
	t.open = titleBlock{}
}

// readTitle walks the head. The title is the first run of title-like lines
// that ends in a document kind (FACTS 3.3); without one, the first run.
func (f *front) readTitle(r *reading, text *corev1.PolicyText) {
	var t titleSearch
	for i, seen := 0, 0; i < len(r.lines) && seen < frontLines; i++ {
		s := trim(r.lines[i].text)
		if s == "" || r.lines[i].place == inMargin {
			t.settle()
			continue
		}
		seen++
		if f.headLine(text, &t, i, s) {
			continue
		}
		if t.chosen.text != "" {
			break // the title stands; only a number could still follow it
		}
		if !titleLine(&r.lines[i], s) || isNote(s) && !t.open.quoting() {
			t.settle()
			if t.first.text != "" {
				break
			}
			continue
		}
		t.open = titleBlock{text: t.open.text + s, end: i + 1}
		if isTitle(t.open.text) && !strings.HasSuffix(s, "令") && !t.open.continues(r) {
			t.settle()
		}
	}
	t.settle()
	if t.chosen.text == "" {
		t.chosen = t.first
	}
	f.announced(r, text, &t)
	text.Title = withoutDraftMark(t.chosen.text)
	f.body = max(f.body, t.chosen.end)
	f.lateNumber(r, text)
	text.DocumentNumberNormalized = normalizeNumber(text.DocumentNumber)
}

// announced takes the title of an announcement from below its mark and serial number:
// 某局公告, 2024年第45号, 关于…的公告.
func (f *front) announced(r *reading, text *corev1.PolicyText, t *titleSearch) {
	if !announcement.MatchString(squeeze(t.chosen.text)) || strings.Contains(t.chosen.text, "关于") || f.body <= t.chosen.end {
		return
	}
	var below titleBlock
	for i := f.body; i < len(r.lines); i++ {
		l := &r.lines[i]
		s := trim(l.text)
		if s == "" && below.text == "" || l.place == inMargin {
			continue
		}
		if s == "" || !titleLine(l, s) || isNote(s) || len(below.text)+len(s) > maxTitleBytes {
			break
		}
		below = titleBlock{text: below.text + s, end: i + 1}
		if isTitle(below.text) && !below.continues(r) {
			break
		}
	}
	if strings.Contains(below.text, "关于") && isTitle(below.text) {
		t.chosen = below
	}
}

// withoutDraftMark drops what tells a draft's stage behind its title: （草案送审稿）,
// with or without brackets. 试行 and 暂行 say how long a text holds and stay.
func withoutDraftMark(title string) string {
	for {
		short := strings.TrimRightFunc(draftMark.ReplaceAllString(title, ""), IsBlank)
		if short == title || short == "" {
			return title
		}
		title = short
	}
}

// headLine reads a line of the head that is no part of a title: the number, or
// a word of the red head.
func (f *front) headLine(text *corev1.PolicyText, t *titleSearch, i int, s string) bool {
	number := documentNumber(s)
	if m := metadata.FindStringSubmatch(squeeze(s)); m != nil {
		if number = documentNumber(m[1]); number == "" {
			f.body = max(f.body, i+1)
			t.settle()
			return true
		}
	}
	if order := squeeze(cmp.Or(t.open.text, t.chosen.text)); serialOnly.MatchString(s) && serialHead.MatchString(order) {
		number = order + strings.Trim(s, "（）()")
	}
	if number == "" && !headWord(s) {
		return false
	}
	t.settle()
	if number != "" {
		f.body = max(f.body, i+1)
		if text.DocumentNumber == "" {
			text.DocumentNumber = number
		}
	}
	return true
}

// lateNumber looks for the number just below the title, where drafts put it.
func (f *front) lateNumber(r *reading, text *corev1.PolicyText) {
	for i, seen := f.body, 0; i < len(r.lines) && seen < 3 && text.DocumentNumber == ""; i++ {
		s := trim(r.lines[i].text)
		if s == "" {
			continue
		}
		seen++
		if text.DocumentNumber = documentNumber(s); text.DocumentNumber != "" {
			f.body = i + 1
		}
	}
}

// continues reports whether the next line goes on with a title that could end
// here: （草案送审稿） below it, 的通知, what an open 《 waits for, or the document
// kind that 关于… still waits for.
func (t titleBlock) continues(r *reading) bool {
	if t.end >= len(r.lines) {
		return false
	}
	next := trim(r.lines[t.end].text)
	if draftPattern.MatchString(next) || strings.HasPrefix(next, "的") || t.quoting() {
		return true
	}
	return strings.Contains(t.text, "关于") && !aboutPattern.MatchString(t.text) && isTitle(next)
}

// quoting reports whether a title was broken inside a title that it names.
func (t titleBlock) quoting() bool {
	return strings.Count(t.text, "《") > strings.Count(t.text, "》")
}

// isNote reports the line below a title that tells when and by whom the text
// was passed; it is not part of the title.
func isNote(s string) bool {
	return (strings.HasPrefix(s, "（") || strings.HasPrefix(s, "(")) && !draftPattern.MatchString(s)
}

func isTitle(s string) bool {
	s = strings.TrimRight(s, "）)】] ")
	if i := strings.LastIndexAny(s, "（(【"); i > 0 && !kindPattern.MatchString(s) {
		s = strings.TrimRightFunc(s[:i], IsBlank)
	}
	return kindPattern.MatchString(s)
}

// titleLine reports whether a line may be part of a title.
func titleLine(l *line, s string) bool {
	if utf8.RuneCountInString(s) > 90 || strings.ContainsAny(s, "。；！？") ||
		strings.HasSuffix(s, "：") || strings.HasSuffix(s, ":") || strings.HasSuffix(s, "，") {
		return false
	}
	if m, ok := readMark(l); ok && (m.kind != corev1.ProvisionKind_PROVISION_KIND_HEADING || m.level < 4) {
		return false
	}
	note, page := attachmentLine(s)
	return !note && !page && !datePattern.MatchString(s) && squeeze(s) != "目录"
}

// readAddressees takes the first line below title and number, when it is one
// that ends in a colon.
func (f *front) readAddressees(r *reading, text *corev1.PolicyText) {
	for i := f.body; i < len(r.lines); i++ {
		l := &r.lines[i]
		s := trim(l.text)
		if s == "" || draftPattern.MatchString(s) {
			continue
		}
		name, ok := strings.CutSuffix(s, "：")
		if !ok {
			name, ok = strings.CutSuffix(s, ":")
		}
		_, numbered := readMark(l)
		note, page := attachmentLine(s)
		if ok && !numbered && !leadIn.MatchString(name) && !note && !page && !strings.ContainsAny(name, "。；：") && utf8.RuneCountInString(name) <= 200 {
			text.Addressees = name
			f.body = i + 1
		}
		return
	}
}

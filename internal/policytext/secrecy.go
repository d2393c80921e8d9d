package policytext

import (
	"regexp"
	"strings"
)

// secrecyLines is how far down the body a bare mark is looked for, counted in
// lines that are not blank: the head of the first page.
const secrecyLines = 20

var (
	// The form of the mark, blanks removed: an optional copy number and
	// 密级：, the grade, an optional term after a star, an optional urgency.
	// GB/T 9704-2012, 7.2.1 to 7.2.3.
	secrecyForm = regexp.MustCompile(`^(?:(?:No\.?|№)?[0-9０-９]{1,8})?(?:(?:密级|定密|秘密等级|密级和保密期限|密级及保密期限)[：:]?)?[【\[（(《]?` +
		`((?:绝密|机密|秘密)级?(?:[★☆⭐*＊✭✩](?:[0-9０-９一二三四五六七八九十]{0,4}(?:年|个月|月|日|天)?|长期|启封前|公布前|解密前|[^，。；]{0,12}(?:前|后|日))?)?)` +
		`[】\]）)》]?(?:特急|加急|平急|特提|急件)?$`)
	secrecyStar = regexp.MustCompile(`[★☆⭐*＊✭✩]`)
	htmlTag     = regexp.MustCompile(`<[^<>]{1,80}>`)
	// In a header the mark may share its line with other words.
	secrecyToken = regexp.MustCompile(`(?:^|[\s\x{3000}])(?:密级[：:]\s*)?((?:绝\s*密|机\s*密|秘\s*密)级?\s*(?:[★☆⭐*＊✭✩]\s*[0-9０-９一二三四五六七八九十]{0,4}\s*(?:年|个月|月|长期)?)?)(?:[\s\x{3000}]|$)`)
	// 密级：机密 inside a longer line of a form.
	secrecyField = regexp.MustCompile(`密[\s\x{3000}]*级[\s\x{3000}]*[：:][\s\x{3000}]*((?:绝[\s\x{3000}]*密|机[\s\x{3000}]*密|秘[\s\x{3000}]*密)(?:[\s\x{3000}]*[★☆⭐*＊✭✩][\s\x{3000}]*[0-9０-９一二三四五六七八九十]{0,4}[\s\x{3000}]*(?:年|个月|月|长期)?)?)`)
)

// SecrecyMark returns the mark of secrecy (密级 and 保密期限) that a document
// bears, as written and without blanks, or an empty string. A mark is a line
// or header of the form: 机密★10年, 密级：秘密, 绝密 standing alone at the top of
// the first page, in a header, a watermark or a text box. The same words in
// running text (商业秘密, 保守国家秘密) are none.
func SecrecyMark(d *Document) string {
	for _, s := range d.Margins {
		for part := range strings.SplitSeq(s.Text, "\n") {
			if mark := secrecyOf(part, true); mark != "" {
				return mark
			}
			if m := secrecyToken.FindStringSubmatch(part); m != nil {
				return squeeze(m[1])
			}
		}
	}
	// What a tracked deletion takes away is still in the file.
	for _, c := range d.Text.GetMarkup().GetChanges() {
		for part := range strings.Lines(c.GetText()) {
			if mark := secrecyOf(part, false); mark != "" {
				return mark
			}
		}
	}
	seen, before := 0, ""
	for l := range strings.Lines(d.Text.GetText()) {
		if trim(l) == "" {
			continue
		}
		seen++
		for _, s := range asSeen(l) {
			// In a table the grade stands in the cell after 密级.
			head := seen <= secrecyLines || before == "密级" || before == "密级："
			if mark := secrecyIn(s, head); mark != "" {
				return mark
			}
			if before = ""; len(s) < 60 {
				before = squeeze(s)
			}
		}
	}
	return ""
}

// asSeen is a line as sent and, where it has marks of Markdown or HTML, as it is seen
// without them, the cells of a row each for itself.
func asSeen(s string) []string {
	out := []string{s}
	if !strings.ContainsAny(s, "#>*_`~|<") || !strings.Contains(s, "密") {
		return out
	}
	for cell := range strings.SplitSeq(strings.ReplaceAll(htmlTag.ReplaceAllString(s, ""), `\`, ""), "|") {
		if cell = strings.TrimFunc(cell, func(r rune) bool { return IsBlank(r) || strings.ContainsRune("#>*_`~-+", r) }); cell != "" {
			out = append(out, cell)
		}
	}
	return out
}

// secrecyIn gives the mark that a line is or, at the head, holds: a starred one set
// off by blanks, or the field 密级.
func secrecyIn(s string, head bool) string {
	if mark := secrecyOf(s, head); mark != "" || !head || strings.ContainsAny(s, "，。；") {
		return mark
	}
	if m := secrecyField.FindStringSubmatch(s); m != nil {
		return squeeze(m[1])
	}
	if m := secrecyToken.FindStringSubmatch(s); m != nil && secrecyStar.MatchString(m[1]) {
		return squeeze(m[1])
	}
	return ""
}

// isSecrecyLine reports whether a line is a mark of secrecy.
func isSecrecyLine(s string, head bool) bool { return secrecyOf(s, head) != "" }

// secrecyOf reads a line that is nothing but a mark. Away from the head of the
// document only a starred one counts: a bare 秘密 there is a cell or an answer.
func secrecyOf(s string, head bool) string {
	if len(s) > 300 || !strings.Contains(s, "密") {
		return ""
	}
	m := secrecyForm.FindStringSubmatch(squeeze(s))
	if m == nil || !head && !secrecyStar.MatchString(m[1]) {
		return ""
	}
	return m[1]
}

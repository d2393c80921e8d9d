package policytext

import (
	"slices"
	"strings"
	"unicode/utf8"

	corev1 "fashen/gen/fashen/core/v1"
)

// attachmentLine tells a line that begins the attachments: the note 附件：… under
// the body, or the words 附件, 附件1 over an attached page.
func attachmentLine(text string) (note, page bool) {
	s := trim(text)
	rest, ok := strings.CutPrefix(squeeze(s[:min(len(s), 60)]), "附")
	if !ok {
		return false, false
	}
	for _, word := range []string{"件", "表", "录"} {
		if after, found := strings.CutPrefix(rest, word); found {
			rest, ok = after, false
			break
		}
	}
	bare := ok // 附：
	_, _, n := scanNumber(rest)
	rest = rest[n:]
	if dash := strings.TrimLeft(rest, "-—－"); dash != rest && n > 0 { // 附件1-2
		_, _, more := scanNumber(dash)
		rest = dash[more:]
	}
	switch {
	case rest == "：" || rest == ":":
		return true, n > 0
	case strings.HasPrefix(rest, "：") || strings.HasPrefix(rest, ":"):
		return true, false
	case bare:
		return false, false
	case n > 0 && strings.ContainsRune(".．、", []rune(rest + " ")[0]):
		return true, false // 附件 1.…
	case rest == "":
		return false, true
	}
	// 附件1　申请表 over a page: the number is set off and no sentence follows.
	if n == 0 || isSentence(s) || utf8.RuneCountInString(s) > 60 {
		return false, false
	}
	return false, strings.ContainsFunc(s, IsBlank)
}

// attachmentLabel is the beginning of a line that attachmentLine knows: 附件1-2.
func attachmentLabel(s string) string {
	at := 0
	blanks := func() { at += len(s[at:]) - len(strings.TrimLeftFunc(s[at:], IsBlank)) }
	for _, word := range []string{"附", "件", "表", "录"} {
		blanks()
		if strings.HasPrefix(s[at:], word) {
			at += len(word)
		}
	}
	label := trim(s[:at])
	blanks()
	for {
		_, _, n := scanNumber(s[at:])
		if n == 0 {
			return label
		}
		at += n
		label = s[:at]
		rest := strings.TrimLeft(s[at:], "-—－")
		if rest == s[at:] {
			return label
		}
		at = len(s) - len(rest)
	}
}

// readAttachments lists what the notes 附件：… name, one or numbered from 1, and
// counts them; or the attached pages where no note lists any.
func readAttachments(r *reading, text *corev1.PolicyText) {
	var listed, single []string
	pages := 0
	seen := map[int]bool{} // 附件1：甲, a line for each
	for i := range r.lines {
		s := trim(r.lines[i].text)
		note, page := attachmentLine(s)
		if r.lines[i].place != inText || !note && !page {
			continue
		}
		rest := strings.TrimLeftFunc(strings.TrimLeft(s, "附件表录 \u3000"), IsBlank)
		number, _, size := scanNumber(rest)
		name, colon := strings.CutPrefix(rest[size:], "：")
		if !colon {
			name, colon = strings.CutPrefix(rest[size:], ":")
		}
		switch {
		case size > 0 && (colon || page):
			if !seen[number] {
				single = append(single, trim(name))
			}
			seen[number] = true
		case page:
			pages++
		case note:
			if !colon { // 附件 1.甲
				name = rest
			}
			listed = append(listed, attachmentsFrom(r, i, trim(name))...)
		}
	}
	text.AttachmentNames = listed
	text.Counts.Attachments = int32(len(listed))
	if len(listed) == 0 {
		text.Counts.Attachments = int32(max(len(seen), pages))
		text.AttachmentNames = slices.DeleteFunc(single, func(s string) bool { return s == "" })
	}
}

// attachmentsFrom gives the names of one note, whose first line has this name
// behind the colon; the others are numbered on, a line each or in one line.
func attachmentsFrom(r *reading, at int, name string) (names []string) {
	// numbered reads on through a line that begins with the next number.
	numbered := func(s string) bool {
		m, _, ok := scanMark(s)
		if !ok || m.number != len(names)+1 {
			return false
		}
		names = append(names, "")
		for word := range strings.FieldsFuncSeq(s, IsBlank) {
			last := &names[len(names)-1]
			m, size, ok := scanMark(word)
			switch {
			case ok && *last == "" && m.number == len(names):
				*last = word[size:]
			case ok && m.number == len(names)+1:
				names = append(names, word[size:])
			default:
				*last = trim(*last + " " + word)
			}
		}
		return true
	}
	if name != "" && !numbered(name) {
		return []string{name}
	}
	for _, l := range r.lines[at+1:] {
		s := trim(l.text)
		note, page := attachmentLine(s)
		if s == "" || note || page || l.place != inText {
			break
		}
		if _, isDate := signatureDate(s); isDate || numbered(s) {
			if isDate {
				break
			}
			continue
		}
		if _, _, mark := scanMark(s); mark {
			break
		}
		if len(names) == 0 {
			return []string{s}
		}
	}
	return names
}

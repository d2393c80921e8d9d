package policytext

import (
	"regexp"
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
func readAttachments(r *reading, f *front, text *corev1.PolicyText) {
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
			listed = append(listed, attachmentsFrom(r, f, i, trim(name))...)
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
func attachmentsFrom(r *reading, f *front, at int, name string) (names []string) {
	note := &attachmentNote{}
	if name != "" && !note.numbered(name) {
		note.names = []string{strings.TrimRight(name, noteStops)}
	}
	single := len(note.names) > 0 && !note.counts
	blank := name == "" // the list may begin below a blank line
	for i := at + 1; i < len(r.lines); i++ {
		l := &r.lines[i]
		s := trim(l.text)
		if s == "" {
			blank = blank || note.counts
			if !blank {
				break
			}
			continue
		}
		begins, page := attachmentLine(s)
		if _, isDate := signatureDate(s); begins || page || isDate || l.place != inText || f.signature[i] {
			break
		}
		_, _, mark := scanMark(s)
		switch {
		case !single && note.numbered(s):
			continue
		case !mark && len(note.names) == 0:
			return []string{strings.TrimRight(s, noteStops)}
		case mark || trim(r.lines[i-1].text) == "" || !note.open(s):
			return note.names
		}
		note.names[len(note.names)-1] += s
	}
	return note.names
}

// noteStops are what people end a name in that should end in nothing (GB/T 9704-2012,
// 7.3.4).
const noteStops = "。；;，,"

// attachmentNote is a note 附件：1.甲 while it is read.
type attachmentNote struct {
	names  []string
	counts bool // the names are numbered
}

// numbered reads on through a line that begins with the next number.
func (n *attachmentNote) numbered(s string) bool {
	if m, _, ok := scanMark(s); !ok || m.number != len(n.names)+1 {
		return false
	}
	n.counts = true
	first := len(n.names)
	n.names = append(n.names, "")
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return IsBlank(r) || r == '；' || r == ';' }) {
		last := &n.names[len(n.names)-1]
		m, size, ok := scanMark(word)
		switch {
		case ok && *last == "" && m.number == len(n.names):
			*last = word[size:]
		case ok && m.number == len(n.names)+1:
			n.names = append(n.names, word[size:])
		case len(*last) < maxTitleBytes:
			*last = trim(*last + " " + word)
		}
	}
	for i, name := range n.names[first:] {
		n.names[first+i] = strings.TrimRight(name, noteStops)
	}
	return true
}

// open reports whether the last name goes on with a line: it does not end as names of
// documents do, and with the line it does.
func (n *attachmentNote) open(s string) bool {
	last := n.names[len(n.names)-1]
	return !attachedName.MatchString(last) && attachedName.MatchString(last+strings.TrimRight(s, noteStops)) && utf8.RuneCountInString(s) <= 60
}

// attachedName finds names of documents and forms, versions in brackets included.
var attachedName = regexp.MustCompile(`(?:[表书单册图样式本案法则定录程准南引约文]|清单|标准|协议|要求|说明|材料|公告|通知|意见)(?:[（(][^（()）]*[）)])?》?$`)

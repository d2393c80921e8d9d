package policytext

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/type/date"

	corev1 "fashen/gen/fashen/core/v1"
)

// This file reads how a document is signed off: its organs, its date and the notes
// below them.

// maxSigners is the most lines of names over a date; a joint document has one
// for each organ.
const maxSigners = 8

// readSignatures marks every sign-off: a line that is a date, the names over it and the notes of the imprint. The first full date
// outside the attached pages is the document's.
func (f *front) readSignatures(r *reading, text *corev1.PolicyText) {
	attached := false
	for i := f.body; i < len(r.lines); i++ {
		l := &r.lines[i]
		s := trim(l.text)
		if s == "" {
			continue
		}
		if _, page := attachmentLine(s); page {
			attached = true
		}
		if isImprint(s) {
			f.signature[i] = true
			if m := annotation.FindStringSubmatch(s); m != nil && text.Annotation == "" && !attached {
				text.Annotation = m[1]
			}
			continue
		}
		day, ok := signatureDate(s)
		if !ok {
			continue
		}
		f.signature[i] = true
		signers := f.markSigners(r, i)
		if text.Signatories == nil && !attached {
			for _, name := range signers {
				text.Signatories = append(text.Signatories, organs(name)...)
			}
			if m := datePattern.FindStringSubmatch(s); m != nil && trim(m[1]) != "" {
				text.Signatories = append(text.Signatories, organs(trim(m[1]))...)
			}
		}
		if text.Date == nil && !attached && day != nil {
			if text.Date = validDate(day); text.Date == nil {
				r.warn("成文日期“" + s + "”不是有效日期，未采用")
			}
		}
	}
}

// isImprint tells the notes below the date: （此件…）, 抄送：…, …印发.
func isImprint(s string) bool {
	if utf8.RuneCountInString(s) > 200 {
		return false
	}
	q := squeeze(s[:min(len(s), 60)])
	return strings.HasPrefix(q, "（此件") || strings.HasPrefix(q, "(此件") || annotation.MatchString(s) || strings.HasPrefix(q, "抄送") ||
		strings.HasPrefix(q, "主题词：") || strings.HasSuffix(s, "印发") && strings.Contains(s, "日") && !isSentence(s)
}

// markSigners marks and gives the names of the issuers over a date, in order.
func (f *front) markSigners(r *reading, at int) (names []string) {
	for i := at - 1; i >= f.body && len(names) < maxSigners; i-- {
		l := &r.lines[i]
		s := trim(l.text)
		if s == "" {
			if len(names) > 0 {
				above := f.organsAbove(r, i)
				if above < 0 {
					break
				}
				i = above + 1
			}
			continue
		}
		if _, numbered := readMark(l); numbered || l.place != inText || isSentence(s) || strings.HasPrefix(squeeze(s), "特此") || utf8.RuneCountInString(s) > 80 {
			break
		}
		f.signature[i] = true
		names = append(names, s)
	}
	slices.Reverse(names)
	return names
}

// organsAbove is the line above a blank one where it holds names of organs alone, which
// sign together with those below; -1 where it does not.
func (f *front) organsAbove(r *reading, at int) int {
	for i := at; i >= f.body; i-- {
		if s := trim(r.lines[i].text); s != "" {
			if len(s) >= 300 || slices.ContainsFunc(strings.FieldsFunc(s, IsBlank), func(name string) bool { return !isOrgan(name) }) {
				break
			}
			return i
		}
	}
	return -1
}

// isOrgan tells a name that may be an organ's.
func isOrgan(name string) bool {
	return utf8.RuneCountInString(name) >= minOrgan && strings.ContainsRune(organEnds, lastRune(name)) && !isSentence(name)
}

// organs parts the names of issuers that stand side by side on a line. A name whose
// letters are spread apart stays one, and so does 市长　某某.
func organs(s string) []string {
	names := strings.FieldsFunc(s, IsBlank)
	for _, name := range names {
		if !isOrgan(name) {
			return []string{s}
		}
	}
	return names
}

// minOrgan is the length of the shortest name of an issuer, 区民政局, and organEnds
// what such names end in.
const (
	minOrgan  = 4
	organEnds = "局委府办会院厅部室处署队站所心司团行组社馆校区体关"
)

// signatureDate tells a line that is a date, alone or after the issuer's name.
// The date is nil where month or day are still open.
func signatureDate(s string) (*date.Date, bool) {
	if len(s) > 240 || !strings.Contains(s, "年") {
		return nil, false
	}
	m := datePattern.FindStringSubmatch(s)
	if m == nil || trim(m[1]) == "" && isNote(s) { // （2026年3月1日） below a title says when it was passed
		return nil, false
	}
	before := m[1]
	if trim(before) != "" && (isSentence(before) || !IsBlank(lastRune(before)) || utf8.RuneCountInString(before) > 40) {
		return nil, false
	}
	return dateOf(m)
}

// dateOf reads what datePattern found; nil where month or day are still open.
func dateOf(m []string) (*date.Date, bool) {
	if m == nil {
		return nil, false
	}
	year, ok1 := ParseNumeral(letterO.Replace(m[2]))
	month, ok2 := ParseNumeral(m[3])
	day, ok3 := ParseNumeral(m[4])
	if !ok1 || !ok2 || !ok3 {
		return nil, true
	}
	return &date.Date{Year: int32(year), Month: int32(month), Day: int32(day)}, true
}

// letterO writes the letter that many type for 〇 in a year as what it stands for.
var letterO = strings.NewReplacer("O", "〇", "o", "〇", "Ｏ", "〇", "ｏ", "〇")

// validDate returns the date when the calendar has it.
func validDate(d *date.Date) *date.Date {
	t := time.Date(int(d.Year), time.Month(d.Month), int(d.Day), 0, 0, 0, 0, time.UTC)
	if t.Year() != int(d.Year) || t.Month() != time.Month(d.Month) || t.Day() != int(d.Day) {
		return nil
	}
	return d
}

// dateBelow is the date in brackets right below the head, by which a document without
// sign-off is dated.
func (f *front) dateBelow(r *reading) *date.Date {
	for i := f.body; i < len(r.lines); i++ {
		s := trim(r.lines[i].text)
		if s == "" {
			continue
		}
		if isNote(s) {
			if day, ok := dateOf(datePattern.FindStringSubmatch(s)); ok && day != nil {
				return validDate(day)
			}
		}
		break
	}
	return nil
}

package officialdoc

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"fashen/internal/calendar"
	"fashen/internal/policytext"
)

// FuzzLetter writes a letter of any words and reads the words back.
func FuzzLetter(f *testing.F) {
	f.Add("关于示例事项的通知", "正文<&>\"'𠮷㐂〇·—…“”。", "表\t格]]>&amp;\n第二行", "示例区司法局")
	f.Add("a", " \u3000b\u00a0", "\u200b\U0010ffff\ufffd", "c")
	f.Add("响\x07铃", "\r", "\ufffe", "\xff")
	f.Fuzz(func(t *testing.T, title, text, cell, issuer string) {
		l := Letter{
			Title: title, Issuer: issuer, Date: calendar.Date{Year: 2026, Month: 3, Day: 5}, Mark: issuer, Annotation: cell, Copies: text,
			Body:        []Block{Paragraph(text), Table{Header: []string{"甲"}, Rows: [][]string{{cell}}}},
			Attachments: []Attachment{{Name: "n" + cell, Body: []Block{Paragraph(text)}}},
		}
		data, err := l.DOCX()
		var refused *Error
		if errors.As(err, &refused) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		got := squeezed(read(t, data).Text.Text)
		for _, want := range []string{title, text, cell, issuer} {
			if !strings.Contains(got, squeezed(want)) {
				t.Errorf("no %q in %q", want, got)
			}
		}
	})
}

// FuzzDraft writes drafts with comments and changes and reads the newer text back.
func FuzzDraft(f *testing.F) {
	f.Add(draftText, strings.ReplaceAll(draftText, "第四条", "第五条"), 3, 20)
	f.Add("示例办法\n第一条　甲。\n", "示例办法\n第一条　\n第二条　甲乙。\f\n", 0, 0)
	f.Add("一、甲\n\n二、乙\n", "二、乙\u2004\n \n一、甲\n", 1, 1)
	f.Add("0", "000\xf300", 0, 1) // GB18030
	f.Fuzz(func(t *testing.T, older, newer string, from, to int) {
		var texts [2]*policytext.Document
		for i, s := range []string{older, newer} {
			d, err := policytext.Read(t.Context(), []byte(s), policytext.DefaultLimits())
			if err != nil {
				return // a stranger's file that is no text
			}
			texts[i] = d
		}
		before, after := texts[0].Text, texts[1].Text
		want := shown(after.Text)
		data, err := Redline(before, after, compared(t, before, after), Edit{Author: "甲"})
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, data).Text.Text; got != want {
			t.Errorf("accepted %q\nnot %q", got, want)
		}
		if got := squeezed(rejected(t, data)); got != squeezed(shown(before.Text)) {
			t.Errorf("rejected %q\nnot %q", got, before.Text)
		}
		places := []int{from, to}
		slices.Sort(places)
		data, err = Annotate(after, []Comment{{Start: places[0], End: places[1], Author: "甲", Text: newer}})
		if outside := places[0] < 0 || places[1] > utf8.RuneCountInString(after.Text); outside != (err != nil) {
			t.Fatal(err)
		}
		if err == nil {
			if got := read(t, data).Text.Text; got != want {
				t.Errorf("annotated %q\nnot %q", got, want)
			}
		}
	})
}

// shown is a text with U+FFFD for what a Word file cannot hold.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if !writable(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

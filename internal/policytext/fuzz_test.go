package policytext

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
)

// checkRead reads in every mode and checks what each reading must keep to.
func checkRead(t *testing.T, data []byte) {
	lim := DefaultLimits()
	lim.Paragraphs, lim.TextBytes, lim.PartBytes, lim.MarkupBytes, lim.Time = 5_000, 1<<20, 4<<20, 64<<10, time.Minute
	for mode := ChangesAccepted; mode <= ChangesShown; mode++ {
		checkReadAs(t, data, Reader{Limits: lim, Changes: mode})
	}
}

func checkReadAs(t *testing.T, data []byte, reader Reader) {
	d, err := reader.Read(context.Background(), data)
	if err != nil {
		var refused *FormatError
		if !errors.As(err, &refused) || refused.Message == "" {
			t.Fatalf("error %v is no refusal", err)
		}
		return
	}
	if !utf8.ValidString(d.Text.Text) || !strings.HasSuffix(d.Text.Text, "\n") || len(d.Text.Text) > reader.Limits.TextBytes {
		t.Fatal("the text is not whole")
	}
	checkTree(t, d.Text)
	checkMarkup(t, d.Text, reader)
	SecrecyMark(d)
	Inspect(d)
	again, err := reader.Read(context.Background(), data)
	if err != nil || !proto.Equal(d.Text, again.Text) {
		t.Fatalf("a second reading differs: %v", err)
	}
	if _, err := proto.Marshal(d.Text); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for p, err := range reader.Paragraphs(context.Background(), data) {
		if err != nil {
			t.Fatal(err)
		}
		lines.WriteString(p.Text + "\n")
	}
	if lines.String() != d.Text.Text {
		t.Fatalf("the stream gives %q, not %q", lines.String(), d.Text.Text)
	}
}

// checkMarkup holds that what stands beside the text is bounded and has places
// in it.
func checkMarkup(t *testing.T, text *corev1.PolicyText, reader Reader) {
	if size := proto.Size(text.GetMarkup()); size > reader.Limits.MarkupBytes {
		t.Fatalf("%d bytes of markup", size)
	}
	runes := []rune(text.Text)
	within := func(start, end int32) bool { return 0 <= start && start <= end && int(end) <= len(runes) }
	for _, c := range text.GetMarkup().GetChanges() {
		switch {
		case !within(c.Start, c.End), c.Text == "":
			t.Fatalf("a change at %d-%d of %q", c.Start, c.End, c.Text)
		case reader.Changes.hides(c.Kind) && c.Start != c.End:
			t.Fatalf("%q is left out and takes place", c.Text)
		case reader.Changes == ChangesShown && string(runes[c.Start:c.End]) != c.Text:
			t.Fatalf("%q is not %q", string(runes[c.Start:c.End]), c.Text)
		}
	}
	for _, c := range text.GetMarkup().GetComments() {
		if !within(c.Start, c.End) {
			t.Fatalf("a comment at %d-%d", c.Start, c.End)
		}
	}
	for _, n := range text.GetMarkup().GetNotes() {
		if !within(n.Position, n.Position) {
			t.Fatalf("a note at %d", n.Position)
		}
	}
}

func FuzzReadDocx(f *testing.F) {
	f.Add(text("示例办法")+styled("T", "甲。")+listed(1, 2, "乙。"), statuteStyles, statuteNumbering)
	f.Add(`<w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc>`+text("甲")+`</w:tc></w:tr></w:tbl>`, "", "")
	f.Add(par(`<w:rPr><w:del/></w:rPr>`, run("甲"))+par("", `<w:r><w:fldChar w:fldCharType="begin"/></w:r>`), "", "")
	f.Add(par("", `<w:r><mc:AlternateContent><mc:Choice><w:pict><w:txbxContent>`+text("机密★1年")+`</w:txbxContent></w:pict></mc:Choice></mc:AlternateContent></w:r>`), "", "")
	f.Add(article("", run("甲"), ins(run("乙")+del("丙")), `<w:commentRangeStart w:id="1"/>`, run("丁"))+article("del", del("戊"))+`<w:tbl><w:tr><w:trPr><w:ins/></w:trPr><w:tc>`+text("己")+`</w:tc></w:tr></w:tbl>`, "", articles)
	f.Fuzz(func(t *testing.T, body, styles, numbering string) {
		checkRead(t, wordFile{body: body, styles: styles, numbering: numbering, header: body}.bytes(t))
	})
}

// FuzzReadDocxNotes reads notes and comments, which stand in parts of their own.
func FuzzReadDocxNotes(f *testing.F) {
	body := par("", run("甲"), `<w:r><w:footnoteReference w:id="2"/></w:r>`, `<w:commentRangeStart w:id="0"/>`, run("乙"), `<w:commentRangeEnd w:id="0"/>`, `<w:r><w:endnoteReference w:id="2"/></w:r>`)
	f.Add(body, `<w:footnote w:id="2">`+text("注")+`</w:footnote>`, comment("0", `<w:p w14:paraId="A"/>`), `<w15:commentEx w15:paraId="A" w15:done="1" w15:paraIdParent="A"/>`)
	f.Fuzz(func(t *testing.T, body, notes, comments, threads string) {
		checkRead(t, wordFile{body: body, more: map[string]string{"footnotes": notes, "endnotes": notes, "comments": comments, "commentsExtended": threads}}.bytes(t))
	})
}

// FuzzReadArchive reads damaged archives.
func FuzzReadArchive(f *testing.F) {
	f.Add(wordFile{body: text("示例办法") + text("第一条　甲。"), styles: statuteStyles, numbering: statuteNumbering, header: text("乙")}.bytes(f))
	f.Add(wordFile{body: par("", run("甲"), ins(run("乙"))), more: map[string]string{"comments": comment("0", text("丙"))}}.bytes(f))
	f.Add(rawZip(f, "word/document.xml", wordBody(text("甲")), 1<<40))
	f.Fuzz(func(t *testing.T, data []byte) { checkRead(t, data) })
}

func FuzzReadText(f *testing.F) {
	f.Add([]byte(located))
	f.Add([]byte("\ufeff关于印发《示例办法》的通知\n示规[2026]1号\n各单位：\n一、甲。\n附件：1.乙\n示例局\n2026年3月1日\n附件\n第一条　甲\n"))
	f.Add([]byte("\xff\xfe\x2c\x7b\x00\x4e\x61\x67"))
	f.Add([]byte("\xb5\xda\xd2\xbb\xcc\xf5 \xbc\xd7\xa1\xa3"))
	f.Add([]byte("目录\n第一章 甲…1\n第一章\n甲\n第一条之二\n(三)乙\n①"))
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("附件"))
	f.Add([]byte("示例办法\n为了示例，制定本办法"))
	f.Fuzz(func(t *testing.T, data []byte) { checkRead(t, data) })
}

func FuzzNumeral(f *testing.F) {
	for _, s := range []string{"一百零三", "二〇二六", "十二万", "12", "百三"} {
		f.Add(s, len(s)*1_234)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		if got, ok := ParseNumeral(s); ok {
			if back, ok := ParseNumeral(FormatNumeral(got)); !ok || back != got {
				t.Fatalf("%q is %d, written back as %q", s, got, FormatNumeral(got))
			}
		}
		if written := FormatNumeral(n); written != "" {
			if got, ok := ParseNumeral(written); !ok || got != n {
				t.Fatalf("%d written %q reads %d, %v", n, written, got, ok)
			}
		}
	})
}

package policytext

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
)

// checkRead reads twice and checks what every reading must keep to.
func checkRead(t *testing.T, data []byte) {
	lim := DefaultLimits()
	lim.Paragraphs, lim.TextBytes, lim.PartBytes, lim.Time = 5_000, 1<<20, 4<<20, time.Minute
	d, err := Read(context.Background(), data, lim)
	if err != nil {
		var refused *FormatError
		if !errors.As(err, &refused) || refused.Message == "" {
			t.Fatalf("error %v is no refusal", err)
		}
		return
	}
	if !utf8.ValidString(d.Text.Text) || !strings.HasSuffix(d.Text.Text, "\n") || len(d.Text.Text) > lim.TextBytes {
		t.Fatal("the text is not whole")
	}
	checkTree(t, d.Text)
	SecrecyMark(d)
	again, err := Read(context.Background(), data, lim)
	if err != nil || !proto.Equal(d.Text, again.Text) {
		t.Fatalf("a second reading differs: %v", err)
	}
	if _, err := proto.Marshal(d.Text); err != nil {
		t.Fatal(err)
	}
}

func FuzzReadDocx(f *testing.F) {
	f.Add(text("示例办法")+styled("T", "甲。")+listed(1, 2, "乙。"), statuteStyles, statuteNumbering)
	f.Add(`<w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc>`+text("甲")+`</w:tc></w:tr></w:tbl>`, "", "")
	f.Add(par(`<w:rPr><w:del/></w:rPr>`, run("甲"))+par("", `<w:r><w:fldChar w:fldCharType="begin"/></w:r>`), "", "")
	f.Add(par("", `<w:r><mc:AlternateContent><mc:Choice><w:pict><w:txbxContent>`+text("机密★1年")+`</w:txbxContent></w:pict></mc:Choice></mc:AlternateContent></w:r>`), "", "")
	f.Fuzz(func(t *testing.T, body, styles, numbering string) {
		checkRead(t, wordFile{body: body, styles: styles, numbering: numbering, header: body}.bytes(t))
	})
}

func FuzzReadText(f *testing.F) {
	f.Add([]byte(located))
	f.Add([]byte("\ufeff关于印发《示例办法》的通知\n示规[2026]1号\n各单位：\n一、甲。\n附件：1.乙\n示例局\n2026年3月1日\n附件\n第一条　甲\n"))
	f.Add([]byte("\xff\xfe\x2c\x7b\x00\x4e\x61\x67"))
	f.Add([]byte("\xb5\xda\xd2\xbb\xcc\xf5 \xbc\xd7\xa1\xa3"))
	f.Add([]byte("目录\n第一章 甲…1\n第一章\n甲\n第一条之二\n(三)乙\n①"))
	f.Add([]byte("PK\x03\x04"))
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

// BenchmarkReadDocx reads a document of about 50 pages (22 lines of 28
// characters each) as Word writes it, with properties on every run.
func BenchmarkReadDocx(b *testing.B) {
	const properties = `<w:rPr><w:rFonts w:hint="eastAsia" w:ascii="仿宋_GB2312" w:eastAsia="仿宋_GB2312"/><w:sz w:val="32"/><w:szCs w:val="32"/></w:rPr>`
	var body strings.Builder
	for i := range 175 {
		for _, part := range []string{"T", "a"} {
			fmt.Fprintf(&body, `<w:p w:rsidR="00A1"><w:pPr><w:pStyle w:val="%s"/><w:spacing w:line="560"/>%s</w:pPr>`, part, properties)
			for range 4 {
				fmt.Fprintf(&body, `<w:r w:rsidRPr="00B2">%s<w:t>示例条文应当写得清楚明白便于执行第%d段</w:t></w:r>`, properties, i)
			}
			body.WriteString(`<w:r><w:t>。</w:t></w:r></w:p>`)
		}
	}
	data := wordFile{body: text("示例办法") + body.String(), styles: statuteStyles, numbering: statuteNumbering}.bytes(b)
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		d, err := Read(context.Background(), data, DefaultLimits())
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(utf8.RuneCountInString(d.Text.Text))/616, "pages")
	}
}

package policytext

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// compoundFile makes an OLE compound file of streams, each in a sector of its own:
// header, allocation table, directory, streams.
func compoundFile(streams ...string) []byte {
	const sector = 512
	le := binary.LittleEndian
	names := slices.Concat([]string{"Root Entry"}, streams)
	directory := (len(names)*128 + sector - 1) / sector
	data := make([]byte, sector*(2+directory+len(streams)))
	copy(data, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	le.PutUint16(data[30:], 9)
	le.PutUint32(data[48:], 1) // first sector of the directory
	for i := 76; i < 512; i += 4 {
		le.PutUint32(data[i:], 0xffffffff)
	}
	le.PutUint32(data[76:], 0)
	table := data[sector : 2*sector]
	for i := range sector / 4 {
		le.PutUint32(table[4*i:], 0xffffffff)
	}
	for i := range directory {
		next := uint32(i + 2)
		if i == directory-1 {
			next = 0xfffffffe
		}
		le.PutUint32(table[4*(i+1):], next)
	}
	for i, name := range names {
		e := data[2*sector+128*i:]
		for k, u := range utf16.Encode([]rune(name)) {
			le.PutUint16(e[2*k:], u)
		}
		e[66] = 2
		if i == 0 {
			e[66] = 5
		}
		if i > 0 {
			le.PutUint32(e[116:], uint32(directory+i))
		}
	}
	return data
}

func TestFormatsByContent(t *testing.T) {
	locked := compoundFile("1Table", "WordDocument")
	locked[len(locked)-512+11] = 1
	endless := compoundFile("a", "b", "c", "d")
	binary.LittleEndian.PutUint32(endless[512+4:], 1) // a directory that goes on in itself
	for name, tt := range map[string]struct {
		data          []byte
		code, message string
	}{
		"Word":                      {compoundFile("1Table", "Data", "x", "WordDocument"), CodeLegacyWord, ".doc"},
		"Word with a password":      {locked, CodeFormatNotSupported, "加密"},
		"a .docx with a password":   {compoundFile("EncryptionInfo", "EncryptedPackage"), CodeFormatNotSupported, "加密"},
		"Excel":                     {compoundFile("Workbook"), CodeFormatNotSupported, ".xls"},
		"slides":                    {compoundFile("PowerPoint Document"), CodeFormatNotSupported, ".ppt"},
		"Works":                     {compoundFile("CONTENTS"), CodeFormatNotSupported, ".wps"},
		"something old":             {compoundFile("x"), CodeFormatNotSupported, "旧版 Office"},
		"a directory without end":   {endless, CodeFormatNotSupported, "旧版 Office"},
		"a compound file cut short": {compoundFile("WordDocument")[:600], CodeFormatNotSupported, "旧版 Office"},
		"new Excel":                 {zipOf(t, map[string]string{"xl/workbook.xml": "<x/>"}), CodeFormatNotSupported, ".xlsx"},
		"new slides":                {zipOf(t, map[string]string{"ppt/presentation.xml": "<x/>"}), CodeFormatNotSupported, ".pptx"},
		"OpenDocument":              {zipOf(t, map[string]string{"content.xml": "<x/>"}), CodeFormatNotSupported, "OpenDocument"},
		"some zip":                  {zipOf(t, map[string]string{"a.txt": "x"}), CodeNotADocument, ""},
		"RTF":                       {[]byte(`{\rtf1}`), CodeFormatNotSupported, "RTF"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(t.Context(), tt.data, DefaultLimits())
			var refused *FormatError
			if !errors.As(err, &refused) || refused.Code != tt.code || !strings.Contains(refused.Message, tt.message) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A .doc file is read as the .docx file that the converter makes of it, within the
// limits of one.
func TestConvertedWord(t *testing.T) {
	doc := compoundFile("WordDocument")
	docx := wordFile{body: text("示例办法") + text("第一条　甲。")}.bytes(t)
	for name, tt := range map[string]struct {
		answer []byte
		err    error
		want   string
	}{
		"whole":            {docx, nil, ""},
		"a text":           {[]byte("第一条　甲。"), nil, CodeWordNotConverted},
		"a .doc again":     {doc, nil, CodeWordNotConverted},
		"refused":          {nil, refuse(CodeReadTimeout, "超时"), CodeReadTimeout},
		"hostile all over": {docx[:len(docx)/2], nil, CodeArchiveDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			re := Reader{Limits: DefaultLimits(), Word: func(_ context.Context, data []byte) ([]byte, error) {
				if !bytes.Equal(data, doc) {
					t.Error("another file")
				}
				return tt.answer, tt.err
			}}
			d, err := re.Read(t.Context(), doc)
			var refused *FormatError
			switch {
			case tt.want == "" && (err != nil || d.Text.Counts.Articles != 1):
				t.Errorf("%v, %v", d, err)
			case tt.want != "" && (!errors.As(err, &refused) || refused.Code != tt.want):
				t.Errorf("%v", err)
			}
		})
	}
	if got := MediaType(doc); got != MediaDoc {
		t.Errorf("media type %s", got)
	}
}

const markdown = "# 示例办法（试行）\n\n## 第一章　总则\n\n**第一条**　为了示例，依照《示例法》制定本办法。\n\n" +
	"**第二条**　有下列情形之一的，不予受理：\n\n- （一）甲；\n- （二）**乙**。\n\n> 前款情形应当记录。\n\n---\n\n" +
	"| 序号 | 事项 |\n|---|---|\n| 1 | 甲。 |\n"

func TestMarkdown(t *testing.T) {
	for name, data := range map[string][]byte{
		"UTF-8": []byte(markdown), "CRLF": []byte(strings.ReplaceAll(markdown, "\n", "\r\n")),
		"GB18030": func() []byte {
			b, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(markdown))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			d := mustRead(t, data)
			checkText(t, d, markdown)
			c := d.Text.Counts
			if d.Text.Title != "示例办法（试行）" || c.Chapters != 1 || c.Articles != 2 || c.Items != 2 || c.Paragraphs != 3 {
				t.Errorf("title %q, counts %v", d.Text.Title, c)
			}
			cited := d.Text.Citations[0]
			if got := string([]rune(markdown)[cited.Start:cited.End]); got != "《示例法》" {
				t.Errorf("cited %q", got)
			}
			if got := MediaType(data); got != MediaMarkdown {
				t.Errorf("media type %s", got)
			}
		})
	}
}

func TestThroughMarkdown(t *testing.T) {
	for in, want := range map[string]string{
		"## 第一章 总则 ##":       "   第一章 总则   ",
		"- [x] 已办":           "      已办",
		"> > **第一条** 甲":      "      第一条   甲",
		"* （一）甲":             "  （一）甲",
		"***甲***乙*丙*":        "   甲   乙 丙 ",
		"2 * 3 * 4":          "2 * 3 * 4",
		"```text":            "       ",
		"| 甲 | 乙 |":          "| 甲 | 乙 |",
		"#标签不是标题":            "#标签不是标题",
		"-1 不是列表，a_b_c 不是强调": "-1 不是列表，a_b_c 不是强调",
	} {
		got := throughMarkdown(in)
		if got.text != want || got.raw != in {
			t.Errorf("%q: %q, want %q", in, got.text, want)
		}
	}
}

// Plain text with a stroke or a star here and there is no Markdown.
func TestPlainIsNoMarkdown(t *testing.T) {
	for _, s := range []string{"示例办法\n- 1 -\n第一条　甲。", "#1号楼\n第一条　甲**乙", "第一条　甲，a**b**2。", "1. 甲\n- 乙"} {
		if isMarkdown(s) {
			t.Errorf("%q", s)
		}
	}
}

func TestUTF16WithoutMark(t *testing.T) {
	const sample = "　　示例办法\n　　　　第一条　甲，共12项。\n　　　　示例局　　　　\n"
	for name, order := range map[string]binary.ByteOrder{"LE": binary.LittleEndian, "BE": binary.BigEndian} {
		t.Run(name, func(t *testing.T) {
			var data []byte
			for _, u := range utf16.Encode([]rune(sample)) {
				b := make([]byte, 2)
				order.PutUint16(b, u)
				data = append(data, b...)
			}
			checkText(t, mustRead(t, data), sample)
		})
	}
}

func FuzzCompound(f *testing.F) {
	f.Add(compoundFile("1Table", "WordDocument"))
	f.Add(compoundFile("EncryptedPackage")[:700])
	f.Fuzz(func(t *testing.T, data []byte) {
		if kind := compoundKind(append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), data...)); kind == notCompound {
			t.Fatal("it begins like one")
		}
		compoundKind(data)
		checkRead(t, data)
	})
}

// Whatever stands in a line of Markdown, its offsets stay.
func FuzzMarkdown(f *testing.F) {
	f.Add(markdown)
	f.Add("# a\n**\n***x**\n1\\. b\n> - [ ] #")
	f.Fuzz(func(t *testing.T, s string) {
		for l := range strings.Lines(s) {
			l = strings.TrimRight(l, "\r\n")
			if got := throughMarkdown(l); len([]rune(got.text)) != len([]rune(l)) || got.raw != l {
				t.Fatalf("%q: %q", l, got.text)
			}
		}
		checkRead(t, []byte("# 示例办法\n"+s))
	})
}

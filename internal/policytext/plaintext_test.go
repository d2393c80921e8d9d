package policytext

import (
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
	xunicode "golang.org/x/text/encoding/unicode"
)

func TestPlainEncodings(t *testing.T) {
	const sample = "示例办法\r\n第一条　为了示例，制定本办法。\r第二条　生僻字㐂也算。"
	const want = "示例办法\n第一条　为了示例，制定本办法。\n第二条　生僻字㐂也算。\n"
	encode := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, data := range map[string][]byte{
		"UTF-8":             []byte(sample),
		"UTF-8 with a mark": []byte("\ufeff" + sample),
		"GB18030":           encode(simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(sample))),
		"UTF-16 LE":         encode(xunicode.UTF16(xunicode.LittleEndian, xunicode.UseBOM).NewEncoder().Bytes([]byte(sample))),
		"UTF-16 BE":         encode(xunicode.UTF16(xunicode.BigEndian, xunicode.UseBOM).NewEncoder().Bytes([]byte(sample))),
	} {
		t.Run(name, func(t *testing.T) { checkText(t, mustRead(t, data), want) })
	}
}

func TestPlainIsLeftAlone(t *testing.T) {
	const sample = "  示例\u00a0办法 \n\n１．全角Ａ，半角A；\u3000é与é不同。\n"
	checkText(t, mustRead(t, []byte(sample)), sample)
}

func TestPlainRefusals(t *testing.T) {
	tests := []struct{ name, data, want string }{
		{"nothing", "", CodeEmptyDocument},
		{"blanks", " \r\n\u3000\n", CodeEmptyDocument},
		{"a picture", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", CodeNotADocument},
		{"a program", "\x7fELF\x02\x01\x01\x00\x00\xff\xfe", CodeNotADocument},
		{"control characters", "示例\x01办法", CodeNotADocument},
		{"no encoding", "\xff\x80\xff\x81\xff", CodeEncodingUnknown},
		{"Greek in another encoding", "\xe1\xe2\xe3 \xe4\xe5\xe6 \xe7", CodeEncodingUnknown},
		{"UTF-8 cut short", "第一条　为了示例，制定本办法"[:40], CodeEncodingUnknown},
		{"UTF-16 cut short", "\xff\xfe\x2c\x7b\x00", CodeEncodingUnknown},
		{"half a surrogate", "\xff\xfe\x2c\x7b\x00\xd8", CodeEncodingUnknown},
		{"PDF", "%PDF-1.7\n", CodeFormatNotSupported},
		{"RTF", `{\rtf1\ansi}`, CodeFormatNotSupported},
		{"a web page", "\ufeff<!DOCTYPE html><p>第一条", CodeFormatNotSupported},
		{"something old", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", CodeFormatNotSupported},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := codeOf(t, []byte(tt.data), DefaultLimits()); got != tt.want {
				t.Errorf("code %q, want %q", got, tt.want)
			}
		})
	}
}

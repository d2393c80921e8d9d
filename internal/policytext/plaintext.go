package policytext

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	xunicode "golang.org/x/text/encoding/unicode"
)

// readPlain reads a plain text or Markdown, one line a paragraph unless the lines are
// the rows of a page.
func readPlain(ctx context.Context, data []byte, r *reading) error {
	r.rows = true
	return readLines(ctx, data, r)
}

func readLines(ctx context.Context, data []byte, r *reading) error {
	// No encoding read here shrinks by more than half in UTF-8, so that a far
	// longer file need not be decoded to be refused.
	if len(data) > 2*r.limits.TextBytes {
		return r.tooLong()
	}
	text, err := decode(data)
	if err != nil {
		return err
	}
	if i := strings.IndexFunc(text, isBinary); i >= 0 {
		return refuse(CodeNotADocument, "不是可识别的文档，请上传 .docx、.pdf、.ofd、.md 或 .txt 文件")
	}
	lineOf := func(s string) line { return line{text: s} }
	if isMarkdown(text) {
		lineOf = throughMarkdown
	}
	// A line ends at LF, CRLF or a lone CR; a form feed is a page break.
	for n := 0; len(text) > 0; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return stopped(ctx)
		}
		end := strings.IndexAny(text, "\r\n\f\v")
		if end < 0 {
			return r.add(lineOf(text))
		}
		if err := r.add(lineOf(text[:end])); err != nil {
			return err
		}
		if strings.HasPrefix(text[end:], "\r\n") {
			end++
		}
		text = text[end+1:]
	}
	return nil
}

// decode turns the bytes into UTF-8. A byte order mark decides; without one
// the text is UTF-8 when it is valid as such, else GB18030.
func decode(data []byte) (string, error) {
	var utf16 encoding.Encoding
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		utf16 = xunicode.UTF16(xunicode.LittleEndian, xunicode.ExpectBOM)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		utf16 = xunicode.UTF16(xunicode.BigEndian, xunicode.ExpectBOM)
	default:
		if text, ok := bareUTF16(data); ok {
			return text, nil
		}
	}
	if utf16 != nil {
		out, err := utf16.NewDecoder().Bytes(data)
		if err != nil || len(data)%2 != 0 || bytes.ContainsRune(out, utf8.RuneError) {
			return "", refuse(CodeEncodingUnknown, "文件以 UTF-16 标记开头但内容损坏，请另存为 UTF-8 文本后上传")
		}
		return string(out), nil
	}
	if rest := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")); utf8.Valid(rest) {
		return string(rest), nil
	}
	if damagedUTF8(data) {
		return "", refuse(CodeEncodingUnknown, "文件像是 UTF-8 文本，但内容损坏或不完整，请重新保存后上传")
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return "", refuse(CodeNotADocument, "不是可识别的文档，请上传 .docx、.pdf、.ofd、.md 或 .txt 文件")
	}
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
	if err != nil || !plausible(out) {
		return "", refuse(CodeEncodingUnknown, "无法识别文本编码，请另存为 UTF-8 文本或 .docx 后上传")
	}
	return string(out), nil
}

// bareUTF16 reads UTF-16 that no mark announces: its line feeds and digits have a
// zero byte, always on the same side, and it is the text of a document.
func bareUTF16(data []byte) (string, bool) {
	if len(data)%2 != 0 || bytes.IndexByte(data, 0) < 0 {
		return "", false
	}
	zeros := [2]int{}
	for i, b := range data {
		if b == 0 {
			zeros[i%2]++
		}
	}
	orders := []xunicode.Endianness{xunicode.BigEndian, xunicode.LittleEndian}
	if zeros[1] > zeros[0] { // of ASCII or, the other way about, of U+3000
		slices.Reverse(orders)
	}
	for _, order := range orders {
		out, err := xunicode.UTF16(order, xunicode.IgnoreBOM).NewDecoder().Bytes(data)
		if err == nil && plausible(out) && !bytes.ContainsFunc(out, isBinary) {
			return string(out), true
		}
	}
	return "", false
}

// damagedUTF8 reports bytes that are UTF-8 but for a few: a cut or damaged
// file, which GB18030 would read as other characters.
func damagedUTF8(data []byte) bool {
	good, bad := 0, 0
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			bad++
		case size >= 3:
			good++
		}
		data = data[size:]
	}
	return good > 2*bad
}

// plausible tells Chinese text from bytes that merely decode: GB18030 gives a
// character to almost any pair of bytes. Nothing undecodable is accepted, and
// nine in ten of the characters beyond ASCII must be ones a document uses.
func plausible(text []byte) bool {
	known, odd := 0, 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		i += size
		switch {
		case r < utf8.RuneSelf:
		case r == utf8.RuneError || unicode.Is(unicode.Co, r):
			return false
		case unicode.Is(unicode.Han, r), r >= 0x3000 && r < 0x3040, r >= 0xff00 && r < 0xfff0,
			r >= 0x2000 && r < 0x2800, r >= 0xa0 && r < 0x100:
			known++
		default:
			odd++
		}
	}
	return odd*9 <= known
}

// isBinary reports control characters that no text holds.
func isBinary(r rune) bool {
	return r < ' ' && !strings.ContainsRune("\t\n\v\f\r\x1a\x1e\x1f", r)
}

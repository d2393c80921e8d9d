package pdftext

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"regexp"

	"fashen/internal/policytext"
)

// Codes of refusals, beside those of policytext.
const (
	CodeDamaged = "PDF_DAMAGED"
	// CodeStarting: the engine is being compiled, once on a machine; come again.
	CodeStarting = "PDF_READER_STARTING"
	// CodeUnavailable: the engine cannot be run here.
	CodeUnavailable = "PDF_READER_UNAVAILABLE"
)

const (
	// dictionary is how far before a stream its dictionary is looked for.
	dictionary = 1 << 10
)

// check refuses files whose compressed streams inflate to more than a document
// has, or cannot be inflated: an engine would make do with what is left, and show
// a text that nobody sent. The limits are those of the members of an archive. In an encrypted file nothing is compressed to the eye.
func check(ctx context.Context, data []byte, lim policytext.Limits) error {
	if encrypted(data) {
		return nil
	}
	total := int64(0)
	for at := 0; ; {
		next := bytes.Index(data[at:], []byte("stream"))
		if next < 0 {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		at += next + len("stream")
		if bytes.HasSuffix(data[:at], []byte("endstream")) {
			continue
		}
		begin := at
		if begin < len(data) && data[begin] == '\r' {
			begin++
		}
		if begin >= len(data) || data[begin] != '\n' {
			continue // the word in a text
		}
		begin++
		head := data[max(0, at-dictionary):at]
		if from := bytes.LastIndex(head, []byte(" obj")); from >= 0 {
			head = head[from:]
		}
		if !bytes.Contains(head, []byte("/FlateDecode")) && !bytes.Contains(head, []byte("/Fl ")) {
			continue
		}
		size, used, err := inflate(data[begin:], lim)
		total += size
		switch {
		case errors.Is(err, errBomb) || total > lim.TotalBytes:
			return refuse(policytext.CodeArchiveBomb, "PDF 文件解压后过大，拒绝读取")
		case err != nil:
			return refuse(CodeDamaged, "PDF 文件已损坏或者不完整，请重新导出后上传")
		}
		at = begin + used
	}
}

var (
	encryption = regexp.MustCompile(`/Encrypt\s*(?:\d+\s+\d+\s+R|<<)`)
	trailer    = regexp.MustCompile(`\btrailer\b|/XRef\b`)
)

// encrypted tells whether a trailer, or the dictionary of a stream that stands for
// one, says that the file is encrypted.
func encrypted(data []byte) bool {
	for _, at := range trailer.FindAllIndex(data, 100) {
		if encryption.Match(data[max(0, at[0]-dictionary):min(len(data), at[1]+dictionary)]) {
			return true
		}
	}
	return false
}

var errBomb = errors.New("pdftext: a stream inflates beyond the limits")

// inflate inflates one stream and tells its size and how much of data it took.
func inflate(data []byte, lim policytext.Limits) (size int64, used int, err error) {
	in := bytes.NewReader(data)
	z, err := zlib.NewReader(in)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = z.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := z.Read(buf)
		size += int64(n)
		used = len(data) - in.Len()
		if size > lim.PartBytes || size > lim.RatioFrom && size > int64(used)*lim.Ratio {
			return size, used, errBomb
		}
		if errors.Is(err, io.EOF) {
			return size, used, nil
		}
		if err != nil {
			return size, used, err
		}
	}
}

func refuse(code, message string) error {
	return &policytext.FormatError{Code: code, Message: message}
}

// Package intake takes files in for the services that keep them: as their bytes
// arrive and as far as there is room, read within limits, and refused with a mark of
// secrecy before anything of them is stored.
package intake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"fashen/internal/policytext"
	"fashen/internal/rpc"
)

// MaxTextBytes bounds text and outline of a draft as encoded, so that they fit one
// answer. It is some 500,000 characters in 10,000 provisions.
const MaxTextBytes = 3 << 20

// Options of a door.
type Options struct {
	// Texts reads files.
	Texts policytext.Reader
	// FileBytes bounds one file, IntakeBytes what all uploads hold in memory while
	// they arrive, Readings how many files are read at a time.
	FileBytes, IntakeBytes, Readings int
}

// Door is where the files of one service come in.
type Door struct {
	texts     policytext.Reader
	fileBytes int
	// reading has a place for each file that is being read.
	reading chan struct{}
	room    *room
}

// New opens a door.
func New(o Options) *Door {
	return &Door{texts: o.Texts, fileBytes: o.FileBytes, reading: make(chan struct{}, o.Readings), room: newRoom(o.IntakeBytes)}
}

// Receive takes in a file of a person, up to the size that is allowed, as far as there
// is room. next answers the message that comes; [io.EOF] ends the file. The room is
// held until release is called.
func (d *Door) Receive(person string, next func() (chunk []byte, isChunk bool, err error)) (data []byte, release func(), err error) {
	grow, end, err := d.room.begin(person)
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	for {
		chunk, isChunk, err := next()
		switch {
		case errors.Is(err, io.EOF):
			return b.Bytes(), end, nil
		case err != nil:
		case !isChunk:
			err = rpc.Field("chunk", "CHUNK_REQUIRED", "第一条消息之后只能是文件内容")
		case b.Len()+len(chunk) > d.fileBytes:
			err = rpc.Field("file", rpc.ReasonTooLarge, "文件不得超过"+sizeText(d.fileBytes))
		default:
			err = grow(len(chunk))
		}
		if err != nil {
			end()
			return nil, nil, err
		}
		b.Write(chunk)
	}
}

// sizeText writes a size for people.
func sizeText(bytes int) string {
	if bytes%(1<<20) == 0 {
		return fmt.Sprintf("%d MB", bytes>>20)
	}
	return fmt.Sprintf("%d字节", bytes)
}

// Turn waits until a file may be read: what a file takes while it is read, times how
// many are, is what all of them take.
func (d *Door) Turn(ctx context.Context) (done func(), err error) {
	select {
	case d.reading <- struct{}{}:
		return func() { <-d.reading }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ClassifiedError refuses a file that bears a mark of secrecy. It names the file by
// its hash alone, so that nothing of it is kept.
type ClassifiedError struct{ SHA256 string }

// Error says what was found.
func (e *ClassifiedError) Error() string { return "file " + e.SHA256 + " bears a mark of secrecy" }

// Refusal is what the client gets.
func (e *ClassifiedError) Refusal() rpc.Refusal {
	return rpc.Refusal{
		Code: "CLASSIFIED_MATERIAL", Law: "保守国家秘密法",
		Message:  "文件带有密级标志，本系统不得处理涉密文件；文件未保存，请按保密规定处理",
		Metadata: map[string]string{"file_sha256": e.SHA256},
	}
}

// Read reads a file, in a turn of the caller's, and refuses one with a mark of secrecy
// with a [ClassifiedError]. A file the reader cannot take is INVALID_ARGUMENT on `file`
// with the reader's code.
func (d *Door) Read(ctx context.Context, data []byte) (*policytext.Document, error) {
	doc, err := d.texts.Read(ctx, data)
	if err != nil {
		var bad *policytext.FormatError
		if errors.As(err, &bad) {
			return nil, rpc.Field("file", bad.Code, bad.Message)
		}
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if policytext.SecrecyMark(doc) != "" {
		return nil, &ClassifiedError{SHA256: Hash(data)}
	}
	return doc, nil
}

// Hash is the SHA-256 of a file, by which it is stored.
func Hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Begun refuses a stream that does not begin with what the upload is.
func Begun(begun bool, err error) error {
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case !begun:
		return rpc.Field("upload", "UPLOAD_REQUIRED", "第一条消息应当说明上传的内容")
	}
	return nil
}

// CheckFilename refuses names with control characters, which have no place in a
// header or a list, and with those that turn it round, so that it shows another kind of
// file. Otherwise the name is kept as sent and never used as a path.
func CheckFilename(name string) error {
	if strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || rpc.Forbidden(r) }) || strings.TrimSpace(name) == "" {
		return rpc.Field("upload.filename", "FILENAME_INVALID", "文件名不得为空白，不得含有控制字符")
	}
	return nil
}

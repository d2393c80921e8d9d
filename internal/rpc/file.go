package rpc

import (
	"errors"
	"fmt"
	"io"
	"mime"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// fileChunk is the size of one message of a file.
const fileChunk = 64 << 10

// SendFile streams a file in chunks. The name under which to save it goes ahead as a
// `content-disposition` header, in the encoding of RFC 6266; the first chunk
// tells the media type.
func SendFile(stream grpc.ServerStreamingServer[httpbody.HttpBody], filename, mediaType string, file io.Reader) error {
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": filename})
	if err := stream.SetHeader(metadata.Pairs("content-disposition", disposition)); err != nil {
		return err
	}
	for {
		chunk := make([]byte, fileChunk)
		n, err := io.ReadFull(file, chunk)
		if n > 0 {
			if err := stream.Send(&httpbody.HttpBody{ContentType: mediaType, Data: chunk[:n]}); err != nil {
				return err
			}
			mediaType = ""
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the file: %w", err)
		}
	}
}

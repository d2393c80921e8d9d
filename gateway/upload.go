package gateway

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/rpc"
)

const (
	// chunkSize is how much of a file goes into one message.
	chunkSize = 256 << 10
	// formOverhead is what boundaries and headers of a form may add to a file.
	formOverhead = 64 << 10
)

// uploadRevision takes a draft: POST …/documents/{d}/revisions:upload.
func (g *gateway) uploadRevision(w http.ResponseWriter, r *http.Request, c *call) error {
	in, err := g.openUpload(w, r)
	if err != nil {
		return err
	}
	ctx, cancel := g.transferContext(w, r, c)
	defer cancel()
	stream, err := g.filing.UploadRevision(ctx)
	if err != nil {
		return err
	}
	first := &filingv1.UploadRevisionRequest{Content: &filingv1.UploadRevisionRequest_Upload{
		Upload: &filingv1.RevisionUpload{
			Parent: documentName(c), Filename: in.filename, Etag: in.etag, RequestId: in.requestID,
		},
	}}
	revision, err := send(in, stream, first, func(chunk []byte) *filingv1.UploadRevisionRequest {
		return &filingv1.UploadRevisionRequest{Content: &filingv1.UploadRevisionRequest_Chunk{Chunk: chunk}}
	})
	if err != nil {
		return err
	}
	return answerJSON(w, revision)
}

// uploadMaterial takes a piece of material: POST …/documents/{d}/materials/{kind}:upload.
func (g *gateway) uploadMaterial(w http.ResponseWriter, r *http.Request, c *call) error {
	kind, err := materialKind(c)
	if err != nil {
		return err
	}
	in, err := g.openUpload(w, r)
	if err != nil {
		return err
	}
	ctx, cancel := g.transferContext(w, r, c)
	defer cancel()
	stream, err := g.filing.UploadMaterial(ctx)
	if err != nil {
		return err
	}
	first := &filingv1.UploadMaterialRequest{Content: &filingv1.UploadMaterialRequest_Upload{
		Upload: &filingv1.MaterialUpload{
			Name: documentName(c), Kind: kind, Filename: in.filename, Etag: in.etag, RequestId: in.requestID,
		},
	}}
	document, err := send(in, stream, first, func(chunk []byte) *filingv1.UploadMaterialRequest {
		return &filingv1.UploadMaterialRequest{Content: &filingv1.UploadMaterialRequest_Chunk{Chunk: chunk}}
	})
	if err != nil {
		return err
	}
	return answerJSON(w, document)
}

// documentName is the document of a transfer's path.
func documentName(c *call) string {
	return "regions/" + c.ids[0] + "/documents/" + c.ids[1]
}

// materialKind reads the kind of a transfer's path, such as drafting_statement.
func materialKind(c *call) (filingv1.Material_Kind, error) {
	word := c.ids[2]
	kind, ok := filingv1.Material_Kind_value[strings.ToUpper(word)]
	if !ok || kind == 0 || word != strings.ToLower(word) {
		return 0, rpc.NotFound(documentName(c) + "/materials/" + word)
	}
	return filingv1.Material_Kind(kind), nil
}

// upload is one file on its way in.
type upload struct {
	filename, etag, requestID string
	body                      io.Reader
	limit                     int64
	// finish checks what follows the file; nothing may.
	finish func() error
}

// openUpload reads what the request says of the file and stands before its bytes.
// The body is the file itself, or a form with exactly one file.
func (g *gateway) openUpload(w http.ResponseWriter, r *http.Request) (*upload, error) {
	in := &upload{body: r.Body, limit: g.maxUpload, finish: func() error { return nil }}
	if r.Header.Get("Content-Encoding") != "" {
		return nil, statusError{rpc.New(codes.InvalidArgument, "CONTENT_ENCODING_UNSUPPORTED", "文件须不压缩地上传"), http.StatusUnsupportedMediaType}
	}
	if err := in.readQuery(r); err != nil {
		return nil, err
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	allowance := int64(0)
	if kind == "multipart/form-data" {
		allowance = formOverhead
	}
	if r.ContentLength > g.maxUpload+allowance {
		return nil, errTooLarge(g.maxUpload)
	}
	if kind != "multipart/form-data" {
		return in, nil
	}
	// One byte more than file and form may have, so that the file's own limit
	// decides which error is told.
	r.Body = http.MaxBytesReader(w, r.Body, g.maxUpload+allowance+1)
	form, err := r.MultipartReader()
	if err != nil {
		return nil, errForm()
	}
	return in, in.openForm(form)
}

// readQuery takes filename, etag and requestId; any other parameter is refused.
func (in *upload) readQuery(r *http.Request) error {
	query, err := parseQuery(r)
	if err != nil {
		return err
	}
	in.requestID = query.Get("requestId")
	in.filename, in.etag = query.Get("filename"), query.Get("etag")
	if err := onlyParameters(query, "filename", "etag", "requestId"); err != nil {
		return err
	}
	match, err := ifMatch(r)
	if err != nil {
		return err
	}
	if match != "" && in.etag != "" && match != in.etag {
		return rpc.Field("etag", "ETAG_CONFLICT", "If-Match 与请求中的 etag 不一致")
	}
	if match != "" {
		in.etag = match
	}
	return nil
}

// onlyParameters refuses parameters a transfer does not have or has twice.
func onlyParameters(query url.Values, known ...string) error {
	var violations []rpc.FieldViolation
	for _, key := range sortedKeys(query) {
		switch {
		case !slices.Contains(known, key):
			violations = append(violations, rpc.FieldViolation{Field: key, Reason: "UNKNOWN_PARAMETER", Message: "没有这个查询参数"})
		case len(query[key]) > 1:
			violations = append(violations, rpc.FieldViolation{Field: key, Reason: "DUPLICATE_PARAMETER", Message: "查询参数重复"})
		}
	}
	return rpc.Fields(violations...)
}

// openForm stands before the form's only part, which must be a file.
func (in *upload) openForm(form *multipart.Reader) error {
	part, err := form.NextRawPart()
	if err != nil || part.FileName() == "" || !utf8.ValidString(part.FileName()) {
		return errForm()
	}
	if in.filename == "" {
		in.filename = part.FileName()
	}
	in.body = part
	in.finish = func() error {
		if _, err := form.NextRawPart(); !errors.Is(err, io.EOF) {
			return errForm()
		}
		return nil
	}
	return nil
}

func errForm() error {
	return rpc.New(codes.InvalidArgument, "FORM_INVALID", "表单须恰好包含一个文件")
}

// send streams a file. A file that is cut off or too large ends in cancellation,
// never in a half that looks whole: the caller's context ends with the request.
func send[Req, Res any](in *upload, stream grpc.ClientStreamingClient[Req, Res], first *Req, message func([]byte) *Req) (*Res, error) {
	if err := stream.Send(first); err != nil {
		return refusal(stream, err)
	}
	for total := int64(0); ; {
		// A message may be read after Send returns, so that each has its own bytes.
		chunk := make([]byte, chunkSize)
		n, err := fill(in.body, chunk)
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return nil, errBodyCut()
		}
		if total += int64(n); total > in.limit {
			return nil, errTooLarge(in.limit)
		}
		if n > 0 {
			if err := stream.Send(message(chunk[:n])); err != nil {
				return refusal(stream, err)
			}
		}
		if ended {
			break
		}
	}
	if err := in.finish(); err != nil {
		return nil, err
	}
	return stream.CloseAndRecv()
}

// fill reads until the buffer is full or reading ends. Unlike io.ReadFull it keeps
// io.EOF, the end of the file, apart from io.ErrUnexpectedEOF, a body cut off.
func fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}

// refusal is the error for which a service ended the stream early.
func refusal[Req, Res any](stream grpc.ClientStreamingClient[Req, Res], sent error) (*Res, error) {
	if !errors.Is(sent, io.EOF) {
		return nil, sent
	}
	_, err := stream.CloseAndRecv()
	if err == nil {
		// An answer before the file was read is no answer to it.
		return nil, errInternal()
	}
	return nil, err
}

// transferContext is the context of a file's stream. The connection gets as long,
// where the server set it shorter deadlines.
func (g *gateway) transferContext(w http.ResponseWriter, r *http.Request, c *call) (context.Context, context.CancelFunc) {
	until := time.Now().Add(g.transferTimeout)
	connection := http.NewResponseController(w)
	// A connection without deadlines needs none extended.
	_ = connection.SetReadDeadline(until)
	_ = connection.SetWriteDeadline(until)
	return context.WithDeadline(metadata.NewOutgoingContext(r.Context(), c.metadata), until)
}

// answerJSON answers a resource as the generated handlers do.
func answerJSON(w http.ResponseWriter, m proto.Message) error {
	body, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	setETag(w.Header(), stringField(m, "etag"))
	// A client that has gone away is no error of ours.
	_, _ = w.Write(body)
	return nil
}

package gateway_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"fashen/gateway"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/rpc"
)

// refusedName is a file name the service of the tests refuses at once.
const refusedName = "refused.txt"

func (f *filing) UploadRevision(stream grpc.ClientStreamingServer[filingv1.UploadRevisionRequest, filingv1.Revision]) error {
	got := received{}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			got.err = err
			f.uploaded <- got
			return err
		}
		if m.GetUpload() != nil {
			got.upload = proto.Clone(m.GetUpload())
			if m.GetUpload().GetFilename() == refusedName {
				return rpc.Field("file", "NOT_A_DOCUMENT", "不是可读的文件")
			}
			continue
		}
		got.chunks++
		got.bytes = append(got.bytes, m.GetChunk()...)
	}
	f.uploaded <- got
	return stream.SendAndClose(&filingv1.Revision{Name: document + "/revisions/1", File: fileOf("示例.docx", got.bytes)})
}

func (f *filing) UploadMaterial(stream grpc.ClientStreamingServer[filingv1.UploadMaterialRequest, filingv1.Document]) error {
	got := received{}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if m.GetUpload() != nil {
			got.upload = proto.Clone(m.GetUpload())
		}
		got.bytes = append(got.bytes, m.GetChunk()...)
	}
	f.uploaded <- got
	d, err := f.changed(got.upload.(*filingv1.MaterialUpload).GetEtag())
	if err != nil {
		return err
	}
	return stream.SendAndClose(d)
}

func (f *filing) GetRevision(_ context.Context, r *filingv1.GetRevisionRequest) (*filingv1.Revision, error) {
	if r.GetName() != document+"/revisions/1" {
		return nil, rpc.NotFound(r.GetName())
	}
	return &filingv1.Revision{Name: r.GetName(), File: f.record}, nil
}

func (f *filing) DownloadRevision(_ *filingv1.DownloadRevisionRequest, stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	return f.sendFile(stream)
}

func (f *filing) DownloadMaterial(_ *filingv1.DownloadMaterialRequest, stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	return f.sendFile(stream)
}

func (f *filing) sendFile(stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	const piece = 64 << 10
	for rest := f.file; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
		if err := stream.Send(&httpbody.HttpBody{ContentType: "text/plain", Data: rest[:min(piece, len(rest))]}); err != nil {
			return err
		}
		if f.breakOff && len(rest) < len(f.file)/2 {
			return status.Error(codes.Internal, "disk")
		}
	}
	return nil
}

// fileOf is the record of a file.
func fileOf(name string, content []byte) *filingv1.File {
	sum := sha256.Sum256(content)
	return &filingv1.File{
		Filename: name, MediaType: "text/plain", SizeBytes: int64(len(content)), Sha256: hex.EncodeToString(sum[:]),
	}
}

// content makes n bytes with newlines and zeros in them, different everywhere.
func content(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

const (
	uploads = "/v1/" + document + "/revisions:upload"
	octets  = "application/octet-stream"
)

func TestUploadArrivesWhole(t *testing.T) {
	h := newHarness(t)
	for _, size := range []int{0, 1, 256 << 10, 256<<10 + 1, 20_000_000} {
		file := content(size)
		a := h.send(t, "POST", uploads+"?filename=%E7%A4%BA%E4%BE%8B.docx&etag=e1&requestId=r1", bytes.NewReader(file), "Content-Type", octets)
		a.expect(t, 200, "")
		got := <-h.filing.uploaded
		want := &filingv1.RevisionUpload{Parent: document, Filename: "示例.docx", Etag: "e1", RequestId: "r1"}
		if !bytes.Equal(got.bytes, file) || !proto.Equal(got.upload, want) {
			t.Errorf("%d bytes: service got %d, %v", size, len(got.bytes), got.upload)
		}
		if chunks := (size + 256<<10 - 1) / (256 << 10); got.chunks != chunks {
			t.Errorf("%d bytes came in %d messages, want %d", size, got.chunks, chunks)
		}
		if !strings.Contains(a.body, hex.EncodeToString(sum(file))) {
			t.Errorf("answer %s", a.body)
		}
	}
}

func sum(b []byte) []byte {
	s := sha256.Sum256(b)
	return s[:]
}

// form wraps files as a browser does.
func form(t *testing.T, files map[string][]byte) (*bytes.Buffer, string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, content := range files {
		part, err := w.CreateFormFile("file", name)
		if err == nil {
			_, err = part.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &body, w.FormDataContentType()
}

func TestUploadOfForm(t *testing.T) {
	h := newHarness(t)
	file := content(2_000_000)
	body, kind := form(t, map[string][]byte{"示例 一.docx": file})
	h.send(t, "POST", uploads, body, "Content-Type", kind).expect(t, 200, "")
	got := <-h.filing.uploaded
	if !bytes.Equal(got.bytes, file) || got.upload.(*filingv1.RevisionUpload).GetFilename() != "示例 一.docx" {
		t.Errorf("service got %d bytes, %v", len(got.bytes), got.upload)
	}

	body, kind = form(t, map[string][]byte{"a.txt": file, "b.txt": file})
	h.send(t, "POST", uploads, body, "Content-Type", kind).expect(t, 400, "FORM_INVALID")
	h.expectCancelled(t)

	body, kind = form(t, map[string][]byte{"a.txt": file})
	body.Truncate(body.Len() / 2)
	h.send(t, "POST", uploads, body, "Content-Type", kind).expect(t, 400, "BODY_INCOMPLETE")
	h.expectCancelled(t)
}

// expectCancelled waits for the upload that the service must not take for whole. By
// flow control a service has begun to read once a few chunks are sent.
func (h *harness) expectCancelled(t *testing.T) {
	t.Helper()
	if got := <-h.filing.uploaded; status.Code(got.err) != codes.Canceled {
		t.Errorf("the service got %d bytes and %v", len(got.bytes), got.err)
	}
}

// unsized hides how long a body is, so that it is sent in chunks.
type unsized struct{ io.Reader }

func TestUploadTooLarge(t *testing.T) {
	h := newHarness(t)
	const limit = 50 << 20
	t.Run("length known", func(t *testing.T) {
		h.send(t, "POST", uploads+"?filename=a.txt", bytes.NewReader(make([]byte, 51_000_000+2_000_000)), "Content-Type", octets).
			expect(t, 413, "TOO_LARGE")
	})
	t.Run("length unknown", func(t *testing.T) {
		h.send(t, "POST", uploads+"?filename=a.txt", unsized{io.LimitReader(zeros{}, limit+1)}, "Content-Type", octets).
			expect(t, 413, "TOO_LARGE")
		h.expectCancelled(t)
	})
	t.Run("form", func(t *testing.T) {
		body, kind := form(t, map[string][]byte{"a.txt": make([]byte, limit+1)})
		h.send(t, "POST", uploads, body, "Content-Type", kind).expect(t, 413, "TOO_LARGE")
		h.expectCancelled(t)
	})
	t.Run("just not", func(t *testing.T) {
		h.send(t, "POST", uploads+"?filename=a.txt", unsized{io.LimitReader(zeros{}, limit)}, "Content-Type", octets).expect(t, 200, "")
		if got := <-h.filing.uploaded; len(got.bytes) != limit {
			t.Errorf("service got %d bytes", len(got.bytes))
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestUploadCutOff: a body that ends early leaves nothing that looks whole, however
// its end should have been known.
func TestUploadCutOff(t *testing.T) {
	h := newHarness(t)
	for name, c := range map[string]struct{ header, body string }{
		"length": {"Content-Length: 2000000", strings.Repeat("x", 1_000_000)},
		"chunks": {"Transfer-Encoding: chunked", "f4240\r\n" + strings.Repeat("x", 1_000_000) + "\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST %s?filename=a.txt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s\r\n\r\n%s",
				uploads, h.token, c.header, c.body)
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(conn)
			if err != nil || !strings.Contains(string(raw), "BODY_INCOMPLETE") {
				t.Errorf("%v: %s", err, raw)
			}
			h.expectCancelled(t)
		})
	}
}

// TestUploadRefusedEarly: the service's reason reaches the client, though the
// service stops reading.
func TestUploadRefusedEarly(t *testing.T) {
	h := newHarness(t)
	a := h.send(t, "POST", uploads+"?filename="+refusedName, bytes.NewReader(content(20_000_000)), "Content-Type", octets)
	a.expect(t, 400, "NOT_A_DOCUMENT")
	if fmt.Sprint(a.fields()) != "[file]" {
		t.Errorf("%s", a.body)
	}
}

func TestUploadOfMaterial(t *testing.T) {
	h := newHarness(t)
	const path = "/v1/" + document + "/materials/drafting_statement:upload?filename=a.txt"
	a := h.do(t, "POST", path, "示例", "Content-Type", "", "If-Match", `"e1"`)
	a.expect(t, 200, "")
	want := &filingv1.MaterialUpload{Name: document, Kind: filingv1.Material_DRAFTING_STATEMENT, Filename: "a.txt", Etag: "e1"}
	if got := <-h.filing.uploaded; string(got.bytes) != "示例" || !proto.Equal(got.upload, want) {
		t.Errorf("service got %q, %v", got.bytes, got.upload)
	}
	if a.header.Get("ETag") != `"e2"` {
		t.Errorf("ETag %s", a.header.Get("ETag"))
	}
	h.do(t, "POST", path, "示例", "If-Match", `"e0"`).expect(t, 412, "ETAG_STALE")
	h.do(t, "POST", path+"&etag=e1", "示例", "If-Match", `"e0"`).expect(t, 400, "ETAG_CONFLICT")
	for _, kind := range []string{"poem", "kind_unspecified", "DRAFTING_STATEMENT", "draftingStatement"} {
		h.do(t, "POST", "/v1/"+document+"/materials/"+kind+":upload?filename=a.txt", "x").expect(t, 404, "RESOURCE_NOT_FOUND")
	}
}

func TestDownload(t *testing.T) {
	h := newHarness(t)
	for _, size := range []int{0, 1, 64 << 10, 64<<10 + 1, 5_000_000} {
		h.filing.file = content(size)
		h.filing.record = fileOf("示例 \"一\"/..\\二.txt", h.filing.file)
		for _, path := range []string{"/v1/" + document + "/revisions/1:download", "/v1/" + document + "/materials/legal_basis:download"} {
			a := h.do(t, "GET", path, "")
			a.expect(t, 200, "")
			if a.body != string(h.filing.file) {
				t.Errorf("%d bytes: got %d others", size, len(a.body))
			}
			for name, want := range map[string]string{
				"Content-Type": "text/plain", "Content-Length": fmt.Sprint(size), "X-Content-Type-Options": "nosniff",
				"Cache-Control": "no-store", "ETag": `"` + h.filing.record.GetSha256() + `"`,
			} {
				if a.header.Get(name) != want {
					t.Errorf("%s: %q, want %q", name, a.header.Get(name), want)
				}
			}
			disposition, params, err := mime.ParseMediaType(strings.Replace(a.header.Get("Content-Disposition"), `filename="`, `plain="`, 1))
			if err != nil || disposition != "attachment" || params["filename"] != h.filing.record.GetFilename() || params["plain"] != "__ ____..__.txt" {
				t.Errorf("%s: %v", a.header.Get("Content-Disposition"), err)
			}
		}
	}
}

func TestDownloadRefused(t *testing.T) {
	h := newHarness(t)
	h.filing.record = fileOf("a.txt", nil)
	h.do(t, "GET", "/v1/"+document+"/revisions/2:download", "").expect(t, 404, "RESOURCE_NOT_FOUND")
	h.do(t, "GET", "/v1/"+document+"/materials/other:download", "").expect(t, 404, "RESOURCE_NOT_FOUND")
	h.do(t, "GET", "/v1/"+document+"/revisions/1:download", "", "Authorization", "").expect(t, 401, "TOKEN_MISSING")
}

// TestDownloadNeverWrong: bytes that are not those of the record, and a stream
// that breaks, are no complete answer.
func TestDownloadNeverWrong(t *testing.T) {
	h := newHarness(t)
	const path = "/v1/" + document + "/revisions/1:download"
	h.filing.file = content(1_000_000)
	right := fileOf("a.txt", h.filing.file)
	for name, change := range map[string]func(){
		"other bytes":    func() { h.filing.record.Sha256 = hex.EncodeToString(make([]byte, 32)) },
		"fewer bytes":    func() { h.filing.record.SizeBytes++ },
		"more bytes":     func() { h.filing.record.SizeBytes-- },
		"broken in half": func() { h.filing.breakOff = true },
	} {
		t.Run(name, func(t *testing.T) {
			h.filing.record, h.filing.breakOff = proto.CloneOf(right), false
			change()
			if a, err := h.trySend(t, "GET", path, http.NoBody); err == nil {
				t.Errorf("%d with %d bytes", a.status, len(a.body))
			}
		})
	}
	h.filing.file, h.filing.breakOff = content(10), false
	h.do(t, "GET", path, "").expect(t, 500, "CONTENT_MISMATCH")
}

func TestUploadLimitIsAnOption(t *testing.T) {
	h := newHarness(t, func(o *gateway.Options) { o.MaxUploadBytes = 1000 })
	h.do(t, "POST", uploads+"?filename=a.txt", strings.Repeat("x", 1001)).expect(t, 413, "TOO_LARGE")
	h.do(t, "POST", uploads+"?filename=a.txt", strings.Repeat("x", 1000)).expect(t, 200, "")
}

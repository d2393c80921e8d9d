package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// client makes calls over one protocol; scenarios are written once and run over
// both.
type client interface {
	// call makes a unary call; method is the full name without a leading slash.
	call(ctx context.Context, token, method string, in, out proto.Message) *failure
	uploadRevision(ctx context.Context, token string, up *filingv1.RevisionUpload, file io.Reader) (*filingv1.Revision, *failure)
	uploadMaterial(ctx context.Context, token string, up *filingv1.MaterialUpload, file io.Reader) (*filingv1.Document, *failure)
	downloadRevision(ctx context.Context, token, name string) ([]byte, *failure)
	// watch follows events until ctx ends; next waits for the next message.
	watch(ctx context.Context, token string, in *corev1.WatchRequest) (next func() (*corev1.WatchResponse, *failure))
}

// failure is an error answer, alike over both protocols.
type failure struct {
	code     codes.Code
	reason   string
	metadata map[string]string
	// refusals are the codes of a PreconditionFailure, fields the paths of a
	// BadRequest.
	refusals, fields []string
	message          string
	// http is the status over REST; 0 over gRPC.
	http int
}

func (f *failure) Error() string {
	return fmt.Sprintf("%v %s %v %v %s", f.code, f.reason, f.refusals, f.fields, f.message)
}

func failed(st *status.Status) *failure {
	f := &failure{code: st.Code(), message: st.Message()}
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			f.reason, f.metadata = d.GetReason(), d.GetMetadata()
		case *errdetails.PreconditionFailure:
			for _, v := range d.GetViolations() {
				f.refusals = append(f.refusals, v.GetType())
			}
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				f.fields = append(f.fields, v.GetField())
			}
		case *errdetails.LocalizedMessage:
			f.message = d.GetMessage()
		}
	}
	return f
}

// overGRPC calls the gRPC API.
type overGRPC struct {
	conn grpc.ClientConnInterface
	// feeds reach each service where they run apart; nil where conn reaches all.
	feeds byService
}

func dialGRPC(t *testing.T, addr string) overGRPC {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return overGRPC{conn: conn}
}

func authorized(ctx context.Context, token string) context.Context {
	if token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

func grpcFailure(err error) *failure {
	if err == nil {
		return nil
	}
	return failed(status.Convert(err))
}

func (c overGRPC) call(ctx context.Context, token, method string, in, out proto.Message) *failure {
	return grpcFailure(c.conn.Invoke(authorized(ctx, token), "/"+method, in, out))
}

func (c overGRPC) uploadRevision(ctx context.Context, token string, up *filingv1.RevisionUpload, file io.Reader) (*filingv1.Revision, *failure) {
	s, err := filingv1.NewFilingServiceClient(c.conn).UploadRevision(authorized(ctx, token))
	if err != nil {
		return nil, grpcFailure(err)
	}
	err = s.Send(&filingv1.UploadRevisionRequest{Content: &filingv1.UploadRevisionRequest_Upload{Upload: up}})
	sendChunks(file, err, func(b []byte) error {
		return s.Send(&filingv1.UploadRevisionRequest{Content: &filingv1.UploadRevisionRequest_Chunk{Chunk: b}})
	})
	out, err := s.CloseAndRecv()
	return out, grpcFailure(err)
}

func (c overGRPC) uploadMaterial(ctx context.Context, token string, up *filingv1.MaterialUpload, file io.Reader) (*filingv1.Document, *failure) {
	s, err := filingv1.NewFilingServiceClient(c.conn).UploadMaterial(authorized(ctx, token))
	if err != nil {
		return nil, grpcFailure(err)
	}
	err = s.Send(&filingv1.UploadMaterialRequest{Content: &filingv1.UploadMaterialRequest_Upload{Upload: up}})
	sendChunks(file, err, func(b []byte) error {
		return s.Send(&filingv1.UploadMaterialRequest{Content: &filingv1.UploadMaterialRequest_Chunk{Chunk: b}})
	})
	out, err := s.CloseAndRecv()
	return out, grpcFailure(err)
}

// sendChunks sends until the server stops listening; the answer tells why.
func sendChunks(file io.Reader, err error, send func([]byte) error) {
	buf := make([]byte, 256<<10)
	for err == nil {
		n, readErr := file.Read(buf)
		if n > 0 {
			err = send(slices.Clone(buf[:n]))
		}
		if readErr != nil {
			return
		}
	}
}

func (c overGRPC) downloadRevision(ctx context.Context, token, name string) ([]byte, *failure) {
	s, err := filingv1.NewFilingServiceClient(c.conn).DownloadRevision(authorized(ctx, token), &filingv1.DownloadRevisionRequest{Name: name})
	if err != nil {
		return nil, grpcFailure(err)
	}
	var all []byte
	for {
		body, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, grpcFailure(err)
		}
		all = append(all, body.GetData()...)
	}
}

// overREST makes the same calls over HTTP, by the http annotation of each method.
type overREST struct{ base string }

func (c overREST) call(ctx context.Context, token, method string, in, out proto.Message) *failure {
	verb, path, query, body, err := transcode(method, in)
	if err != nil {
		return &failure{code: codes.Unimplemented, message: err.Error()}
	}
	target := c.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	answer, f := c.do(ctx, token, verb, target, "application/json", body)
	if f != nil {
		return f
	}
	if err := protojson.Unmarshal(answer, out); err != nil {
		return &failure{code: codes.Internal, message: err.Error()}
	}
	return nil
}

func (c overREST) do(ctx context.Context, token, verb, target, contentType string, body io.Reader) ([]byte, *failure) {
	req, err := http.NewRequestWithContext(ctx, verb, target, body)
	if err != nil {
		return nil, &failure{code: codes.Internal, message: err.Error()}
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, &failure{code: codes.Unavailable, message: err.Error()}
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, &failure{code: codes.Unavailable, message: err.Error()}
	}
	if res.StatusCode < 300 {
		return answer, nil
	}
	return nil, problemOf(answer, res.StatusCode)
}

func (c overREST) uploadRevision(ctx context.Context, token string, up *filingv1.RevisionUpload, file io.Reader) (*filingv1.Revision, *failure) {
	out := &filingv1.Revision{}
	return out, c.upload(ctx, token, "/v1/"+up.GetParent()+"/revisions:upload", up.GetFilename(), up.GetEtag(), up.GetRequestId(), file, out)
}

func (c overREST) uploadMaterial(ctx context.Context, token string, up *filingv1.MaterialUpload, file io.Reader) (*filingv1.Document, *failure) {
	out := &filingv1.Document{}
	path := "/v1/" + up.GetName() + "/materials/" + strings.ToLower(up.GetKind().String()) + ":upload"
	return out, c.upload(ctx, token, path, up.GetFilename(), up.GetEtag(), up.GetRequestId(), file, out)
}

func (c overREST) upload(ctx context.Context, token, path, filename, etag, requestID string, file io.Reader, out proto.Message) *failure {
	query := url.Values{"filename": {filename}}
	if etag != "" {
		query.Set("etag", etag)
	}
	if requestID != "" {
		query.Set("requestId", requestID)
	}
	answer, f := c.do(ctx, token, http.MethodPost, c.base+path+"?"+query.Encode(), "application/octet-stream", file)
	if f != nil {
		return f
	}
	if err := protojson.Unmarshal(answer, out); err != nil {
		return &failure{code: codes.Internal, message: err.Error()}
	}
	return nil
}

func (c overREST) downloadRevision(ctx context.Context, token, name string) ([]byte, *failure) {
	return c.do(ctx, token, http.MethodGet, c.base+"/v1/"+name+":download", "", nil)
}

// transcode makes an HTTP request of a message by its method's http annotation.
func transcode(method string, in proto.Message) (verb, path string, query url.Values, body io.Reader, err error) {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(method, "/", ".")))
	if err != nil {
		return "", "", nil, nil, err
	}
	rule, ok := proto.GetExtension(d.Options(), annotations.E_Http).(*annotations.HttpRule)
	if !ok || rule.GetPattern() == nil {
		return "", "", nil, nil, fmt.Errorf("%s has no http binding", method)
	}
	m := proto.Clone(in).ProtoReflect()
	verb, pattern := verbOf(rule)
	if path, err = fillPath(pattern, m); err != nil {
		return "", "", nil, nil, err
	}
	switch rule.GetBody() {
	case "":
		query = queryOf(m)
	case "*":
		body, err = jsonOf(m.Interface())
	default:
		fd := m.Descriptor().Fields().ByName(protoreflect.Name(rule.GetBody()))
		body, err = jsonOf(m.Get(fd).Message().Interface())
		m.Clear(fd)
		query = queryOf(m)
	}
	return verb, path, query, body, err
}

func verbOf(rule *annotations.HttpRule) (verb, pattern string) {
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, p.Get
	case *annotations.HttpRule_Post:
		return http.MethodPost, p.Post
	case *annotations.HttpRule_Patch:
		return http.MethodPatch, p.Patch
	}
	return "", ""
}

// fillPath puts `{field=pattern}` variables into the path and clears the fields
// they were taken from.
func fillPath(pattern string, m protoreflect.Message) (string, error) {
	before, rest, found := strings.Cut(pattern, "{")
	if !found {
		return pattern, nil
	}
	variable, after, _ := strings.Cut(rest, "}")
	field, _, _ := strings.Cut(variable, "=")
	at, names := m, strings.Split(field, ".")
	for _, n := range names[:len(names)-1] {
		at = at.Mutable(at.Descriptor().Fields().ByName(protoreflect.Name(n))).Message()
	}
	fd := at.Descriptor().Fields().ByName(protoreflect.Name(names[len(names)-1]))
	value := at.Get(fd).String()
	at.Clear(fd)
	if value == "" {
		return "", fmt.Errorf("%s is empty", field)
	}
	return before + value + after, nil
}

// queryOf turns the fields that are left into query parameters.
func queryOf(m protoreflect.Message) url.Values {
	query := url.Values{}
	var add func(prefix string, m protoreflect.Message)
	add = func(prefix string, m protoreflect.Message) {
		m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			name := prefix + fd.JSONName()
			switch {
			case fd.Kind() == protoreflect.EnumKind:
				query.Set(name, string(fd.Enum().Values().ByNumber(v.Enum()).Name()))
			case fd.Kind() == protoreflect.MessageKind && fd.Message().FullName() == "google.protobuf.FieldMask":
				b, _ := protojson.Marshal(v.Message().Interface())
				query.Set(name, strings.Trim(string(b), `"`))
			case fd.Kind() == protoreflect.MessageKind:
				add(name+".", v.Message())
			case fd.IsList():
				for list, i := v.List(), 0; i < list.Len(); i++ {
					query.Add(name, list.Get(i).String())
				}
			default:
				query.Set(name, v.String())
			}
			return true
		})
	}
	add("", m)
	return query
}

func jsonOf(m proto.Message) (io.Reader, error) {
	b, err := protojson.Marshal(m)
	return bytes.NewReader(b), err
}

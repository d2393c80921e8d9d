package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/rpc"
)

// maxMade bounds a file that a service writes when it is asked for. It is held whole
// before any of it is sent, so that an error on the way is an answer of its own.
const maxMade = 64 << 20

// maker asks a service for a file that is written for the request.
type maker[M proto.Message] func(context.Context, M, ...grpc.CallOption) (grpc.ServerStreamingClient[httpbody.HttpBody], error)

// made serves such files. The path is the `name` of the request, query parameters are
// its other fields.
func made[M proto.Message](g *gateway, ask maker[M]) func(http.ResponseWriter, *http.Request, *call) error {
	var none M
	fields := &binding{request: none.ProtoReflect().Type(), bound: []protoreflect.Name{"name"}}
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		query, err := parseQuery(r)
		if err != nil {
			return err
		}
		if err := (&call{route: &route{rpc: fields}}).checkQuery(query); err != nil {
			return err
		}
		request, err := named[M](fields, c, query)
		if err != nil {
			return err
		}
		ctx, cancel := g.transferContext(w, r, c)
		defer cancel()
		stream, err := ask(ctx, request)
		if err != nil {
			return err
		}
		return sendMade(w, stream)
	}
}

// named makes the request of a call.
func named[M proto.Message](fields *binding, c *call, query url.Values) (request M, err error) {
	m := fields.request.New()
	request, _ = m.Interface().(M)
	if err := runtime.PopulateQueryParameters(request, query, utilities.NewDoubleArray(nil)); err != nil {
		return request, rpc.New(codes.InvalidArgument, "QUERY_INVALID", "查询参数无法解析，须为 UTF-8")
	}
	segments := append([]string(nil), c.route.segments[1:]...) // behind v1
	ids := c.ids
	for i, segment := range segments {
		if segment == "*" {
			segments[i], ids = ids[0], ids[1:]
		}
	}
	m.Set(m.Descriptor().Fields().ByName("name"), protoreflect.ValueOfString(strings.Join(segments, "/")))
	return request, nil
}

// sendMade sends a file once all of it is there.
func sendMade(w http.ResponseWriter, stream grpc.ServerStreamingClient[httpbody.HttpBody]) error {
	var data []byte
	file := &filingv1.File{}
	for {
		body, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if file.MediaType == "" {
			file.MediaType = body.GetContentType()
		}
		if data = append(data, body.GetData()...); len(data) > maxMade {
			return rpc.New(codes.ResourceExhausted, rpc.ReasonTooLarge, "生成的文件过大")
		}
	}
	header, err := stream.Header()
	if err != nil {
		return err
	}
	if disposition := header.Get("content-disposition"); len(disposition) > 0 {
		if _, parameters, err := mime.ParseMediaType(disposition[0]); err == nil {
			file.Filename = parameters["filename"]
		}
	}
	sum := sha256.Sum256(data)
	file.SizeBytes, file.Sha256 = int64(len(data)), hex.EncodeToString(sum[:])
	fileHeaders(w.Header(), file)
	_, err = w.Write(data)
	return err
}

package gateway

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/rpc"
)

// lineTimeout is how long a client may take to accept one line of a watch.
const lineTimeout = 30 * time.Second

// watchQuery reads the parameters of a watch.
var watchQuery = &binding{
	request: (&corev1.WatchRequest{}).ProtoReflect().Type(),
	bound:   []protoreflect.Name{"parent"},
}

// watch follows events: GET …/events:watch, one JSON object a line, until either
// side ends it. The service it asks is named by a parameter.
func (g *gateway) watch(w http.ResponseWriter, r *http.Request, c *call) error {
	request, err := watchRequest(r, c)
	if err != nil {
		return err
	}
	conn := g.feeds[request.GetService()]
	if conn == nil {
		return rpc.Field("service", "SERVICE_UNKNOWN", "没有这个服务的事件流")
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	go func() {
		select {
		case <-g.ending: // never, where there is none
			cancel(rpc.New(codes.Unavailable, rpc.ReasonUnavailable, "服务正在停止，请稍后续传"))
		case <-ctx.Done():
		}
	}()
	stream, err := corev1.NewFeedServiceClient(conn).Watch(metadata.NewOutgoingContext(ctx, c.metadata), request)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	first, err := stream.Recv()
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	// Proxies that gather output would hold lines back.
	w.Header().Set("X-Accel-Buffering", "no")
	lines := lineWriter{w, http.NewResponseController(w)}
	// Nothing more is read; a connection without deadlines needs none lifted.
	_ = lines.connection.SetReadDeadline(time.Time{})
	return lines.follow(ctx, stream, first)
}

func watchRequest(r *http.Request, c *call) (*corev1.WatchRequest, error) {
	query, err := parseQuery(r)
	if err != nil {
		return nil, err
	}
	if err := (&call{route: &route{rpc: watchQuery}}).checkQuery(query); err != nil {
		return nil, err
	}
	request := &corev1.WatchRequest{}
	if err := runtime.PopulateQueryParameters(request, query, utilities.NewDoubleArray(nil)); err != nil {
		return nil, rpc.New(codes.InvalidArgument, "QUERY_INVALID", "查询参数无法解析，须为 UTF-8")
	}
	request.Parent = "global"
	if len(c.ids) > 0 {
		request.Parent = "regions/" + c.ids[0]
	}
	return request, nil
}

// lineWriter writes newline-delimited JSON and sends each line at once.
type lineWriter struct {
	w          http.ResponseWriter
	connection *http.ResponseController
}

// follow writes what the stream tells. Once the first line is out, an error is
// the last one.
func (l lineWriter) follow(ctx context.Context, stream grpc.ServerStreamingClient[corev1.WatchResponse], m *corev1.WatchResponse) error {
	for {
		line, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(m)
		if err == nil {
			err = l.line(line)
		}
		if err != nil {
			return nil //nolint:nilerr // the client has gone away or does not read
		}
		if m, err = stream.Recv(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			err = cmp.Or(context.Cause(ctx), err)
			st := presentable(err)
			_ = l.line(problemBody(st, httpStatusOf(err, st))) // nobody is left to tell
			return nil
		}
	}
}

func (l lineWriter) line(b []byte) error {
	_ = l.connection.SetWriteDeadline(time.Now().Add(lineTimeout))
	if _, err := l.w.Write(append(b, '\n')); err != nil {
		return err
	}
	return l.connection.Flush()
}

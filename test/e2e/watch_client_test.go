package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	rpccode "google.golang.org/genproto/googleapis/rpc/code"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	corev1 "fashen/gen/fashen/core/v1"
)

func (c overGRPC) watch(ctx context.Context, token string, in *corev1.WatchRequest) func() (*corev1.WatchResponse, *failure) {
	conn := c.conn
	if of := c.feeds[in.GetService()]; of != nil {
		conn = of
	}
	stream, err := corev1.NewFeedServiceClient(conn).Watch(authorized(ctx, token), in)
	return func() (*corev1.WatchResponse, *failure) {
		if err != nil {
			return nil, grpcFailure(err)
		}
		m, err := stream.Recv()
		return m, grpcFailure(err)
	}
}

func (c overREST) watch(ctx context.Context, token string, in *corev1.WatchRequest) func() (*corev1.WatchResponse, *failure) {
	query := url.Values{"types": in.GetTypes(), "resources": in.GetResources(), "service": {in.GetService()}}
	if in.GetResumeToken() != "" {
		query.Set("resumeToken", in.GetResumeToken())
	}
	if in.GetFromStart() {
		query.Set("fromStart", "true")
	}
	if in.GetHeartbeat() != nil {
		query.Set("heartbeat", in.GetHeartbeat().AsDuration().String())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/v1/"+in.GetParent()+"/events:watch?"+query.Encode(), nil)
	if err != nil {
		return func() (*corev1.WatchResponse, *failure) { return nil, unreachable(err) }
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return func() (*corev1.WatchResponse, *failure) { return nil, unreachable(err) }
	}
	context.AfterFunc(ctx, func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(res.Body)
		return func() (*corev1.WatchResponse, *failure) { return nil, problemOf(body, res.StatusCode) }
	}
	lines := bufio.NewReader(res.Body)
	return func() (*corev1.WatchResponse, *failure) {
		if got := res.Header.Get("Content-Type"); got != "application/x-ndjson" {
			return nil, &failure{code: codes.Internal, message: "content type " + got}
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil, unreachable(err)
		}
		if strings.HasPrefix(line, `{"error":`) {
			return nil, problemOf([]byte(line), res.StatusCode)
		}
		m := &corev1.WatchResponse{}
		if err := protojson.Unmarshal([]byte(line), m); err != nil {
			return nil, &failure{code: codes.Internal, message: line}
		}
		return m, nil
	}
}

func unreachable(err error) *failure {
	return &failure{code: codes.Unavailable, message: err.Error()}
}

// problemOf reads the JSON of an error.
func problemOf(body []byte, httpStatus int) *failure {
	var problem struct {
		Error struct {
			Status, Message string
			Details         json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &problem); err != nil {
		return &failure{code: codes.Internal, http: httpStatus, message: string(body)}
	}
	st := &rpcstatus.Status{}
	details, _ := json.Marshal(map[string]json.RawMessage{"details": problem.Error.Details})
	if err := protojson.Unmarshal(details, st); err != nil {
		return &failure{code: codes.Internal, http: httpStatus, message: err.Error()}
	}
	st.Code, st.Message = rpccode.Code_value[problem.Error.Status], problem.Error.Message
	f := failed(status.FromProto(st))
	f.http = httpStatus
	return f
}

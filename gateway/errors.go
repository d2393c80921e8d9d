package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"fashen/internal/rpc"
)

// statusError gives an error an HTTP status of its own.
type statusError struct {
	error
	http int
}

// Unwrap gives the error that tells the client why.
func (e statusError) Unwrap() error { return e.error }

func errNoRoute() error {
	return rpc.New(codes.NotFound, "ROUTE_NOT_FOUND", "没有这个地址")
}

func errWrongMethod(method string) error {
	return statusError{rpc.New(codes.Unimplemented, "METHOD_NOT_ALLOWED", "此地址不支持 "+method), http.StatusMethodNotAllowed}
}

func errNotJSON() error {
	err := rpc.New(codes.InvalidArgument, "CONTENT_TYPE_UNSUPPORTED", "请求正文须为 application/json（UTF-8，不压缩）")
	return statusError{err, http.StatusUnsupportedMediaType}
}

func errTooLarge(limit int64) error {
	return rpc.New(codes.InvalidArgument, rpc.ReasonTooLarge, fmt.Sprintf("内容超过大小上限（%d MiB）", limit>>20),
		"limit_bytes", strconv.FormatInt(limit, 10))
}

func errBodyCut() error {
	return rpc.New(codes.InvalidArgument, "BODY_INCOMPLETE", "请求正文没有传完")
}

func errInternal() error {
	return rpc.New(codes.Internal, rpc.ReasonInternal, generic[codes.Internal])
}

// generic are the messages for errors that came without one for people: those of
// the transport, whose own text may tell of addresses and causes.
var generic = map[codes.Code]string{
	codes.Canceled:           "调用已取消",
	codes.InvalidArgument:    "请求内容有误",
	codes.DeadlineExceeded:   "处理超时",
	codes.NotFound:           "资源不存在或无权查看",
	codes.AlreadyExists:      "资源已存在",
	codes.PermissionDenied:   "没有权限",
	codes.ResourceExhausted:  "请求过多或内容过大，请稍后重试",
	codes.FailedPrecondition: "当前状态不允许此操作",
	codes.Aborted:            "与其他操作冲突，请重试",
	codes.OutOfRange:         "超出范围",
	codes.Unimplemented:      "不支持此操作",
	codes.Internal:           "系统内部错误",
	codes.Unavailable:        "服务暂时不可用，请稍后重试",
	codes.DataLoss:           "数据校验不符",
	codes.Unauthenticated:    "请先登录",
}

// problem is the body of an error (AIP-193).
type problem struct {
	Error struct {
		// Code is the HTTP status.
		Code int `json:"code"`
		// Message is Chinese.
		Message string `json:"message"`
		// Status is the name of the google.rpc.Code.
		Status string `json:"status"`
		// Details are google.rpc error details, each with its @type.
		Details []json.RawMessage `json:"details"`
	} `json:"error"`
}

// writeError answers an error of a service or of the gateway itself.
func (g *gateway) writeError(w http.ResponseWriter, r *http.Request, err error) {
	st := presentable(err)
	httpStatus := httpStatusOf(err, st)
	if httpStatus >= http.StatusInternalServerError {
		g.log.LogAttrs(r.Context(), slog.LevelError, "request failed",
			slog.String("trace", traceOf(r)), slog.String("method", r.Method), slog.Any("error", err))
	}
	h := w.Header()
	h.Del("Content-Length")
	h.Del("Content-Disposition")
	h.Del("ETag")
	h.Set("Content-Type", "application/json")
	if httpStatus == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", challenge(r))
	}
	if after := retryAfter(statusOf(err)); after > 0 {
		h.Set("Retry-After", strconv.FormatInt(after, 10))
	}
	w.WriteHeader(httpStatus)
	// A client that has gone away is no error of ours.
	_, _ = w.Write(problemBody(st, httpStatus))
}

// problemBody is the JSON of an error; empty when it has none.
func problemBody(st *status.Status, httpStatus int) []byte {
	var p problem
	p.Error.Code = httpStatus
	p.Error.Message = st.Message()
	p.Error.Status = code.Code(st.Code()).String()
	p.Error.Details = []json.RawMessage{}
	for _, detail := range st.Proto().GetDetails() {
		if raw, err := protojson.Marshal(detail); err == nil && detail.GetTypeUrl() != debugInfoType {
			p.Error.Details = append(p.Error.Details, raw)
		}
	}
	body, err := json.Marshal(p)
	if err != nil { // texts of statuses are UTF-8, details were just marshaled
		return nil
	}
	return body
}

// debugInfoType marks the detail that is for developers of the server alone.
const debugInfoType = "type.googleapis.com/google.rpc.DebugInfo"

// presentable is the status a client is shown: the one of the error when it has a
// message for people, else a general one for its code.
func presentable(err error) *status.Status {
	st := statusOf(err)
	for _, detail := range st.Details() {
		if localized, ok := detail.(*errdetails.LocalizedMessage); ok {
			shown := st.Proto()
			shown.Message = localized.GetMessage()
			return status.FromProto(shown)
		}
	}
	message, known := generic[st.Code()]
	if !known {
		message = generic[codes.Internal]
	}
	return statusOf(rpc.New(st.Code(), code.Code(st.Code()).String(), message))
}

// statusOf finds the status in an error's chain without adding the chain's text.
func statusOf(err error) *status.Status {
	var s interface{ GRPCStatus() *status.Status }
	if errors.As(err, &s) {
		return s.GRPCStatus()
	}
	return status.FromContextError(err)
}

func httpStatusOf(err error, st *status.Status) int {
	var own statusError
	switch reason := rpc.Reason(st.Err()); {
	case errors.As(err, &own):
		return own.http
	case reason == rpc.ReasonTooLarge:
		return http.StatusRequestEntityTooLarge
	case reason == rpc.ReasonEtagStale:
		return http.StatusPreconditionFailed
	}
	return runtime.HTTPStatusFromCode(st.Code())
}

// challenge is the WWW-Authenticate of RFC 6750: a token that was sent and
// refused is named as such.
func challenge(r *http.Request) string {
	if strings.TrimSpace(r.Header.Get("Authorization")) == "" {
		return `Bearer realm="fashen"`
	}
	return `Bearer realm="fashen", error="invalid_token"`
}

// retryAfter is the wait a service asks for, in whole seconds; 0 for none.
func retryAfter(st *status.Status) int64 {
	for _, detail := range st.Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			return int64(retry.GetRetryDelay().AsDuration().Seconds() + 0.999)
		}
	}
	return 0
}

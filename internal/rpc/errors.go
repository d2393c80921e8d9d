package rpc

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"fashen/internal/docstore"
)

// Domain is the domain of every ErrorInfo.
const Domain = "fashen"

// locale is the language of messages for people.
const locale = "zh-CN"

// Reasons of errors that any method may answer.
const (
	ReasonNotFound        = "RESOURCE_NOT_FOUND"
	ReasonAlreadyExists   = "RESOURCE_ALREADY_EXISTS"
	ReasonEtagStale       = "ETAG_STALE"
	ReasonRequestIDReused = "REQUEST_ID_REUSED"
	ReasonPageToken       = "PAGE_TOKEN_INVALID"
	ReasonTooLarge        = "TOO_LARGE"
	ReasonUnavailable     = "UNAVAILABLE"
	ReasonDeadline        = "DEADLINE_EXCEEDED"
	ReasonCanceled        = "CANCELED"
	ReasonInternal        = "INTERNAL"
	ReasonFieldViolation  = "FIELD_VIOLATION"
	ReasonTokenMissing    = "TOKEN_MISSING"
	ReasonTokenInvalid    = "TOKEN_INVALID"
	ReasonTokenExpired    = "TOKEN_EXPIRED"
	ReasonTokenRevoked    = "TOKEN_REVOKED"
	ReasonPersonUnknown   = "PERSON_UNKNOWN"
	ReasonNoAccessRule    = "NO_ACCESS_RULE"
	ReasonServiceOnly     = "SERVICE_ONLY"
	ReasonServiceToken    = "SERVICE_TOKEN_INVALID"
	// ReasonServiceCertificate: a service's token over TCP without a certificate.
	ReasonServiceCertificate = "SERVICE_CERTIFICATE_REQUIRED"
	ReasonRoleRequired       = "ROLE_REQUIRED"
	ReasonKeyScope           = "API_KEY_SCOPE"
	ReasonRateLimited        = "RATE_LIMITED"
)

// failure is an error with the status a client gets, and a cause that only logs
// get.
type failure struct {
	status *status.Status
	cause  error
}

// Error holds the cause: it is for logs, not for clients.
func (f *failure) Error() string {
	if f.cause == nil {
		return f.status.String()
	}
	return f.status.String() + ": " + f.cause.Error()
}

// GRPCStatus is what the client gets.
func (f *failure) GRPCStatus() *status.Status { return f.status }

// Unwrap gives the cause.
func (f *failure) Unwrap() error { return f.cause }

// New makes an error with a stable reason (UPPER_SNAKE_CASE) for programs and a
// Chinese message for people. kv are name, value pairs for the metadata of the
// ErrorInfo.
func New(code codes.Code, reason, message string, kv ...string) error {
	return fail(code, nil, reason, message, metadataOf(kv))
}

// FieldViolation is one field that does not hold what it should: its path in
// snake case, a stable reason, and a Chinese sentence.
type FieldViolation struct{ Field, Reason, Message string }

// Field makes an INVALID_ARGUMENT for one field.
func Field(field, reason, message string) error {
	return Fields(FieldViolation{Field: field, Reason: reason, Message: message})
}

// Fields makes an INVALID_ARGUMENT with one BadRequest violation per field; nil
// when there are none. The reason of the ErrorInfo is that of a single violation,
// or FIELD_VIOLATION.
func Fields(violations ...FieldViolation) error {
	if len(violations) == 0 {
		return nil
	}
	bad := &errdetails.BadRequest{}
	for _, v := range violations {
		bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: v.Field, Description: v.Message, Reason: v.Reason,
		})
	}
	first := violations[0]
	reason, message := first.Reason, first.Field+"："+first.Message
	if len(violations) > 1 {
		reason, message = ReasonFieldViolation, fmt.Sprintf("%s（共%d处）", message, len(violations))
	}
	return fail(codes.InvalidArgument, nil, reason, message, nil, bad)
}

// Refusal is one reason why the law or the workflow refuses a transition.
type Refusal struct {
	// Code is the refusal code, such as LEGALITY_REVIEW_MISSING.
	Code string
	// Law is the article behind it, in words.
	Law string
	// Message says it in Chinese.
	Message string
	// Metadata are further facts, such as earliest_date.
	Metadata map[string]string
}

// Refused makes a FAILED_PRECONDITION: an ErrorInfo of the first refusal (its
// metadata and `law`) and a PreconditionFailure with one violation for each; nil
// when there are none.
func Refused(refusals ...Refusal) error {
	if len(refusals) == 0 {
		return nil
	}
	precondition := &errdetails.PreconditionFailure{}
	for _, r := range refusals {
		precondition.Violations = append(precondition.Violations, &errdetails.PreconditionFailure_Violation{
			Type: r.Code, Subject: r.Law, Description: r.Message,
		})
	}
	first := refusals[0]
	metadata := make(map[string]string, len(first.Metadata)+1)
	for k, v := range first.Metadata {
		metadata[k] = v
	}
	if first.Law != "" {
		metadata["law"] = first.Law
	}
	return fail(codes.FailedPrecondition, nil, first.Code, first.Message, metadata, precondition)
}

// NotFound is the one answer for what does not exist and for what the caller may
// not see.
func NotFound(name string) error {
	return fail(codes.NotFound, nil, ReasonNotFound, "资源不存在或无权查看", metadataOf([]string{"resource", name}))
}

// FromStore turns an error of the store, or of a rule that ran in it, into the
// error a client gets; name is the resource that was asked for, or empty. An error
// that has a status keeps it; any other is INTERNAL, with the cause kept for the
// log. nil stays nil.
func FromStore(err error, name string) error {
	if err == nil {
		return nil
	}
	var resource map[string]string
	if name != "" {
		resource = map[string]string{"resource": name}
	}
	switch {
	case hasStatus(err):
		return err
	case errors.Is(err, docstore.ErrNotFound):
		return fail(codes.NotFound, err, ReasonNotFound, "资源不存在或无权查看", resource)
	case errors.Is(err, docstore.ErrConflict):
		return fail(codes.Aborted, err, ReasonEtagStale, "内容已被他人修改，请刷新后重试", resource)
	case errors.Is(err, docstore.ErrAlreadyExists):
		return fail(codes.AlreadyExists, err, ReasonAlreadyExists, "资源已存在", resource)
	case errors.Is(err, docstore.ErrRequestReused):
		return fail(codes.AlreadyExists, err, ReasonRequestIDReused, "请求编号已用于另一请求", resource)
	case errors.Is(err, docstore.ErrPageToken):
		return Field("page_token", ReasonPageToken, "翻页标记无效或不属于本列表")
	case errors.Is(err, docstore.ErrTooLarge):
		return fail(codes.InvalidArgument, err, ReasonTooLarge, "内容超过大小上限", resource)
	case errors.Is(err, docstore.ErrMismatch):
		return fail(codes.DataLoss, err, "CONTENT_MISMATCH", "存储内容与其校验值不符", resource)
	case errors.Is(err, docstore.ErrUnavailable):
		return fail(codes.Unavailable, err, ReasonUnavailable, "存储暂时不可用，请稍后重试", nil)
	case errors.Is(err, context.DeadlineExceeded):
		return fail(codes.DeadlineExceeded, err, ReasonDeadline, "处理超时", nil)
	case errors.Is(err, context.Canceled):
		return fail(codes.Canceled, err, ReasonCanceled, "调用已取消", nil)
	}
	return fail(codes.Internal, err, ReasonInternal, "系统内部错误", nil)
}

// Reason tells the reason of an error made here or received from a server; empty
// when it has none.
func Reason(err error) string {
	st, ok := statusOf(err)
	if !ok {
		return ""
	}
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

// fail puts a status together: ErrorInfo first, then the message for people, then
// further details.
func fail(code codes.Code, cause error, reason, message string, metadata map[string]string, details ...protoadapt.MessageV1) error {
	st := status.New(code, message)
	all := append([]protoadapt.MessageV1{
		&errdetails.ErrorInfo{Reason: reason, Domain: Domain, Metadata: metadata},
		&errdetails.LocalizedMessage{Locale: locale, Message: message},
	}, details...)
	if detailed, err := st.WithDetails(all...); err == nil {
		st = detailed
	}
	return &failure{status: st, cause: cause}
}

func metadataOf(kv []string) map[string]string {
	if len(kv) == 0 {
		return nil
	}
	m := make(map[string]string, len(kv)/2)
	for i := 0; i+1 < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return m
}

func hasStatus(err error) bool {
	_, ok := statusOf(err)
	return ok
}

// statusOf finds the status inside an error. Unlike status.FromError it does not
// put the text of what wraps it into the message.
func statusOf(err error) (*status.Status, bool) {
	var s interface{ GRPCStatus() *status.Status }
	if errors.As(err, &s) && s.GRPCStatus() != nil {
		return s.GRPCStatus(), true
	}
	return nil, false
}

// Renamed answers the error with the fields of its BadRequest renamed: for an
// error of another service about a message the client never saw.
func Renamed(err error, rename func(field string) string) error {
	st, ok := statusOf(err)
	if !ok {
		return err
	}
	details := st.Details()
	plain := st.Proto()
	plain.Details = nil
	out := status.FromProto(plain)
	for _, detail := range details {
		m, ok := detail.(protoadapt.MessageV1)
		if !ok {
			return err
		}
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			for _, v := range bad.GetFieldViolations() {
				v.Field = rename(v.GetField())
			}
		}
		with, detailErr := out.WithDetails(m)
		if detailErr != nil {
			return err
		}
		out = with
	}
	return out.Err()
}

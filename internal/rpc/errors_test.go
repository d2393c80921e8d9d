package rpc_test

import (
	"errors"
	"fmt"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

func TestNew(t *testing.T) {
	err := rpc.New(codes.ResourceExhausted, "SIGN_IN_LOCKED", "请15分钟后再试", "until", "2026-05-12T01:00:00Z")
	expect(t, err, codes.ResourceExhausted, "SIGN_IN_LOCKED")
	info := detail[*errdetails.ErrorInfo](err)
	if info.GetDomain() != "fashen" || info.GetMetadata()["until"] != "2026-05-12T01:00:00Z" {
		t.Errorf("ErrorInfo %v", info)
	}
	message := detail[*errdetails.LocalizedMessage](err)
	if message.GetLocale() != "zh-CN" || message.GetMessage() != "请15分钟后再试" {
		t.Errorf("LocalizedMessage %v", message)
	}
}

func TestField(t *testing.T) {
	err := rpc.Field("bureau.uscc", "USCC_CHECKSUM", "统一社会信用代码校验位不符")
	expect(t, err, codes.InvalidArgument, "USCC_CHECKSUM")
	violations := detail[*errdetails.BadRequest](err).GetFieldViolations()
	if len(violations) != 1 || violations[0].GetField() != "bureau.uscc" || violations[0].GetReason() != "USCC_CHECKSUM" ||
		violations[0].GetDescription() != "统一社会信用代码校验位不符" {
		t.Errorf("violations %v", violations)
	}
	if rpc.Fields() != nil {
		t.Error("no violations are an error")
	}
	several := rpc.Fields(rpc.FieldViolation{Field: "a", Reason: "A", Message: "甲"}, rpc.FieldViolation{Field: "b", Reason: "B", Message: "乙"})
	expect(t, several, codes.InvalidArgument, rpc.ReasonFieldViolation)
}

func TestRefused(t *testing.T) {
	metadata := map[string]string{"earliest_date": "2026-05-20"}
	err := rpc.Refused(
		rpc.Refusal{Code: "REVIEW_TIME_INSUFFICIENT", Law: "示例办法第五条", Message: "审查时间不足", Metadata: metadata},
		rpc.Refusal{Code: "FCR_MISSING", Law: "示例条例第三条", Message: "未经公平竞争审查"},
	)
	expect(t, err, codes.FailedPrecondition, "REVIEW_TIME_INSUFFICIENT")
	info := detail[*errdetails.ErrorInfo](err).GetMetadata()
	if info["law"] != "示例办法第五条" || info["earliest_date"] != "2026-05-20" {
		t.Errorf("metadata %v", info)
	}
	if len(metadata) != 1 {
		t.Error("the caller's metadata was changed")
	}
	violations := detail[*errdetails.PreconditionFailure](err).GetViolations()
	if len(violations) != 2 || violations[1].GetType() != "FCR_MISSING" || violations[1].GetSubject() != "示例条例第三条" ||
		violations[1].GetDescription() != "未经公平竞争审查" {
		t.Errorf("violations %v", violations)
	}
	if rpc.Refused() != nil {
		t.Error("no refusals are an error")
	}
}

func TestFromStore(t *testing.T) {
	if rpc.FromStore(nil, "x") != nil {
		t.Error("nil became an error")
	}
	own := rpc.New(codes.FailedPrecondition, "FCR_MISSING", "未经公平竞争审查")
	for _, c := range []struct {
		err    error
		code   codes.Code
		reason string
	}{
		{docstore.ErrNotFound, codes.NotFound, rpc.ReasonNotFound},
		{docstore.ErrConflict, codes.Aborted, rpc.ReasonEtagStale},
		{docstore.ErrAlreadyExists, codes.AlreadyExists, rpc.ReasonAlreadyExists},
		{docstore.ErrRequestReused, codes.AlreadyExists, rpc.ReasonRequestIDReused},
		{docstore.ErrPageToken, codes.InvalidArgument, rpc.ReasonPageToken},
		{docstore.ErrTooLarge, codes.InvalidArgument, rpc.ReasonTooLarge},
		{docstore.ErrMismatch, codes.DataLoss, "CONTENT_MISMATCH"},
		{docstore.ErrUnavailable, codes.Unavailable, rpc.ReasonUnavailable},
		{docstore.ErrNoIndex, codes.Internal, rpc.ReasonInternal},
		{errors.New("disk I/O error"), codes.Internal, rpc.ReasonInternal},
		{own, codes.FailedPrecondition, "FCR_MISSING"},
		{&docstore.Refusal{Err: own}, codes.FailedPrecondition, "FCR_MISSING"},
		{status.Error(codes.NotFound, "x"), codes.NotFound, ""},
	} {
		got := rpc.FromStore(fmt.Errorf("read: %w", c.err), "regions/1/documents/x")
		if status.Code(got) != c.code || rpc.Reason(got) != c.reason {
			t.Errorf("FromStore(%v) = %v, reason %q, want %v, %q", c.err, got, rpc.Reason(got), c.code, c.reason)
		}
		if !errors.Is(got, c.err) && c.code != codes.InvalidArgument {
			t.Errorf("FromStore(%v) lost its cause", c.err)
		}
	}
}

// Hidden and absent are one answer, to the byte.
func TestNotFoundDoesNotTell(t *testing.T) {
	const name = "regions/120105/documents/x"
	hidden := status.Convert(rpc.NotFound(name)).Proto().String()
	absent := status.Convert(rpc.FromStore(docstore.ErrNotFound, name)).Proto().String()
	if hidden != absent {
		t.Errorf("hidden %s\nabsent %s", hidden, absent)
	}
}

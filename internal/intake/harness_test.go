package intake

import (
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"fashen/internal/rpc"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	if status.Code(err) != code || rpc.Reason(err) != reason {
		t.Errorf("%v, want %v %s", err, code, reason)
	}
}

// wantReason looks at the field and the reason of a refused field; neither for "".
func wantReason(t *testing.T, err error, want string) {
	t.Helper()
	got := rpc.Reason(err)
	for _, detail := range status.Convert(err).Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			got = bad.GetFieldViolations()[0].GetField() + ":" + bad.GetFieldViolations()[0].GetReason()
		}
	}
	if err == nil && want != "" || err != nil && got != want {
		t.Fatalf("got %q (%v), want %q", got, err, want)
	}
}

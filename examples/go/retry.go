package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// attempts is how often a call is made before its error is taken for an answer;
// with the pauses between them that is about a minute.
const attempts = 8

// callTime is how long one attempt may take.
const callTime = time.Minute

// retry makes a call until it succeeds or fails for good. It is always the same
// request: its request id makes the server answer what the first one did, when
// that was done and only its answer was lost.
func retry[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	once := func() (T, error) {
		ctx, end := context.WithTimeout(ctx, callTime)
		defer end()
		return call(ctx)
	}
	for n := 1; ; n++ {
		answer, err := once()
		if err == nil || n == attempts || !passing(err) {
			return answer, err
		}
		if err := pause(ctx, n, err); err != nil {
			return answer, err
		}
	}
}

// passing tells whether an error may be gone the next time. What the law, the
// state or a wrong field refuses is refused again.
func passing(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.ResourceExhausted, codes.DeadlineExceeded:
		return true
	case codes.Aborted:
		return reason(err) != "ETAG_STALE" // that one is for whoever sent the etag
	}
	return false
}

// pause waits as long as the server asks for in RetryInfo, and else from half a
// second on, twice as long each time, up to 30 seconds; a little at random, so
// that many clients do not come back at once.
func pause(ctx context.Context, n int, err error) error {
	wait := min(time.Second/4<<n, 30*time.Second)
	if info := detail[*errdetails.RetryInfo](err); info != nil {
		wait = info.GetRetryDelay().AsDuration()
	}
	wait += rand.N(wait/4 + time.Millisecond)
	fmt.Printf("%s: %s; once more in %s\n", status.Code(err), status.Convert(err).Message(), wait.Round(time.Millisecond))
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reason is the code of an error, to branch on; it never changes. The message is
// for people.
func reason(err error) string { return detail[*errdetails.ErrorInfo](err).GetReason() }

// detail finds a detail of an error by its type.
func detail[T any](err error) (none T) {
	for _, d := range status.Convert(err).Details() {
		if found, ok := d.(T); ok {
			return found
		}
	}
	return none
}

// explain puts an error in words for people: the Chinese message, and everything
// that is wrong when that is more than one thing.
func explain(err error) string {
	// What wraps an error must not get into its message.
	var answer interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &answer) {
		return err.Error()
	}
	st := answer.GRPCStatus()
	lines := []string{fmt.Sprintf("%s %s: %s", st.Code(), reason(st.Err()), st.Message())}
	for _, v := range detail[*errdetails.BadRequest](st.Err()).GetFieldViolations() {
		lines = append(lines, fmt.Sprintf("  %s: %s（%s）", v.GetField(), v.GetDescription(), v.GetReason()))
	}
	for _, v := range detail[*errdetails.PreconditionFailure](st.Err()).GetViolations() {
		lines = append(lines, fmt.Sprintf("  %s: %s（%s）", v.GetType(), v.GetDescription(), v.GetSubject()))
	}
	return strings.Join(lines, "\n")
}

package rpc

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"google.golang.org/genproto/googleapis/api/annotations"
)

// callDeadline is given to a call between services that has no deadline; one that
// is made while another is answered has that one's.
const callDeadline = 30 * time.Second

// retryPauses lie before a call that answered UNAVAILABLE is made again, each cut
// short by up to a half, so that callers do not come all at once. By then another
// replica takes it, if there is one.
var retryPauses = []time.Duration{20 * time.Millisecond, 100 * time.Millisecond}

// again makes a call, and makes it again where that cannot do anything twice: it
// only reads, or its request id makes a second one the first. Streams are never
// begun again.
func (c *client) again(ctx context.Context, m *method, request any, call func() error) error {
	err := call()
	if status.Code(err) != codes.Unavailable || !m.repeatable(request) {
		return err
	}
	for _, pause := range retryPauses {
		timer := time.NewTimer(pause - rand.N(pause/2)) //nolint:gosec // no secret hangs on it
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
		if err = call(); status.Code(err) != codes.Unavailable {
			return err
		}
	}
	return err
}

// repeatable tells whether a request may be made twice.
func (m *method) repeatable(request any) bool {
	if m.reads {
		return true
	}
	message, ok := request.(proto.Message)
	if m.requestID == nil || !ok {
		return false
	}
	_, id := m.requestID.of(message.ProtoReflect())
	return id != ""
}

// readsOnly tells, by its contract, that a method changes nothing that is not the
// same the second time: it says so, or is a GET of HTTP.
func readsOnly(method protoreflect.MethodDescriptor) bool {
	options, _ := method.Options().(*descriptorpb.MethodOptions)
	if options.GetIdempotencyLevel() != descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN {
		return true
	}
	rule, _ := proto.GetExtension(options, annotations.E_Http).(*annotations.HttpRule)
	return rule.GetGet() != ""
}

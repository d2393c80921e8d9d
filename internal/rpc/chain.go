package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"fashen/internal/auth"
	"fashen/internal/worker"
)

// chain is the steps every call passes, in one place and one order for unary
// calls and streams.
type chain struct {
	options  Options
	methods  methods
	limiters limiters
	// stopping ends when the server stops, and with it the health watches, which
	// would otherwise never end.
	stopping context.Context
}

// unary is the interceptor of unary calls.
func (c *chain) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (response any, err error) {
	call := c.begin(ctx, info.FullMethod)
	defer func() { err = call.end(recover(), err) }()
	if err := grpc.SetHeader(ctx, metadata.Pairs(MetadataTrace, call.trace)); err != nil {
		return nil, err
	}
	if err := call.admit(); err != nil {
		return nil, err
	}
	message, ok := request.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("request of %s is a %T", info.FullMethod, request)
	}
	if err := call.prepare(message); err != nil {
		return nil, err
	}
	return handler(call.ctx, request)
}

// stream is the interceptor of streams. The first message is received and
// prepared before the method runs, so that the context the method gets is whole.
func (c *chain) stream(server any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	call := c.begin(ss.Context(), info.FullMethod)
	defer func() { err = call.end(recover(), err) }()
	if err := ss.SetHeader(metadata.Pairs(MetadataTrace, call.trace)); err != nil {
		return err
	}
	if err := call.admit(); err != nil {
		return err
	}
	call.ctx = context.WithValue(call.ctx, signedInKey{}, func() error {
		_, err := c.user(call.ctx)
		return err
	})
	wrapped := &stream{ServerStream: ss, call: call}
	if call.method.open {
		return handler(server, wrapped)
	}
	first := call.method.input.New()
	switch err := call.begun(ss, first.Interface()); {
	case errors.Is(err, io.EOF):
		wrapped.ended = true
		if err := call.originate(nil); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		if err := call.prepare(first.Interface()); err != nil {
			return err
		}
		wrapped.first = first
	}
	return handler(server, wrapped)
}

// begun receives the first message of a stream, in the time a unary call has: one
// that is opened and says nothing holds nothing. What still receives then ends with
// the stream.
func (c *call) begun(ss grpc.ServerStream, first any) error {
	received := make(chan error, 1)
	go func() { received <- worker.Safely(func() error { return ss.RecvMsg(first) }) }()
	timer := time.NewTimer(c.chain.options.Limits.Deadline)
	defer timer.Stop()
	select {
	case err := <-received:
		return err
	case <-timer.C:
		return New(codes.DeadlineExceeded, ReasonDeadline, "调用已打开，但未在规定时间内发来请求")
	}
}

// stream hands the method the context of the chain, the message that was already
// received, and those that follow, checked like the first.
type stream struct {
	grpc.ServerStream

	call  *call
	first protoreflect.Message
	ended bool
}

// Context is the context of the call, with caller, trace id and origin.
func (s *stream) Context() context.Context { return s.call.ctx }

// RecvMsg gives the first message once, then the stream's own.
func (s *stream) RecvMsg(m any) error {
	if s.ended {
		return io.EOF
	}
	message, ok := m.(proto.Message)
	if !ok {
		return fmt.Errorf("message of %s is a %T", s.call.method.name, m)
	}
	if s.first != nil {
		move(s.first, message.ProtoReflect())
		s.first = nil
		return nil
	}
	if err := s.ServerStream.RecvMsg(m); err != nil || s.call.method.open {
		return err
	}
	return s.call.check(message)
}

// move makes an empty message hold what another one held, without copying it.
func move(from, to protoreflect.Message) {
	from.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		to.Set(field, value)
		return true
	})
	to.SetUnknown(from.GetUnknown())
}

// call is one call on its way through the chain.
type call struct {
	chain  *chain
	method *method
	// ctx grows on the way: trace id, deadline, caller, origin.
	ctx    context.Context
	cancel context.CancelFunc
	start  time.Time
	trace  string
}

func (c *chain) begin(ctx context.Context, fullMethod string) *call {
	trace := incomingTrace(ctx)
	return &call{
		chain:  c,
		method: c.methods.of(fullMethod),
		ctx:    WithTrace(ctx, trace),
		cancel: func() {},
		start:  c.options.Clock(),
		trace:  trace,
	}
}

// admit sets the deadline and finds out who calls and whether they may.
func (c *call) admit() error {
	if c.method.open {
		ctx, cancel := context.WithCancel(c.ctx)
		forget := context.AfterFunc(c.chain.stopping, cancel)
		c.ctx, c.cancel = ctx, func() { forget(); cancel() }
		return nil
	}
	c.deadline()
	ctx, err := c.chain.authorize(c.ctx, c.method)
	c.ctx = ctx
	return err
}

// deadline gives a call without a deadline one, and caps one that is too far
// away, so that nothing a client forgot holds the server's memory.
func (c *call) deadline() {
	if c.method.watch {
		return // it ends with the caller's token
	}
	limits := c.chain.options.Limits
	usual, most := limits.Deadline, limits.MaxDeadline
	if c.method.stream {
		usual, most = limits.StreamDeadline, limits.StreamDeadline
	}
	at, ok := c.ctx.Deadline()
	switch {
	case !ok:
		c.ctx, c.cancel = context.WithTimeout(c.ctx, usual)
	case time.Until(at) > most:
		c.ctx, c.cancel = context.WithTimeout(c.ctx, most)
	}
}

// prepare makes a request fit for its method, and the store learns who asks.
func (c *call) prepare(request proto.Message) error {
	if c.method.open {
		return nil
	}
	if err := c.check(request); err != nil {
		return err
	}
	return c.originate(request.ProtoReflect())
}

// check removes what a client may not set, and looks at the rest.
func (c *call) check(request proto.Message) error {
	if c.method.strip != nil {
		c.method.strip.apply(request.ProtoReflect())
	}
	if c.method.mask != nil {
		if err := c.method.mask.apply(request.ProtoReflect()); err != nil {
			return err
		}
	}
	return validateRequest(request)
}

func (c *call) originate(request protoreflect.Message) error {
	ctx, err := c.chain.withOrigin(c.ctx, c.method, request)
	c.ctx = ctx
	return err
}

// end turns whatever happened into the status the client gets, and logs the call.
func (c *call) end(panicked any, err error) error {
	c.cancel()
	var stack []byte
	if panicked != nil {
		stack = debug.Stack()
		err = fmt.Errorf("panic: %.200s", fmt.Sprint(panicked))
	}
	st := c.status(err)
	took := c.chain.options.Clock().Sub(c.start)
	if observe := c.chain.options.Observe; observe != nil {
		observe(c.method.name, st, took)
	}
	c.log(st, err, stack, took)
	return st.Err()
}

// status is what the client gets: the status an error carries, without the text
// of what wraps it. The cause of an INTERNAL stays here; the trace id finds it.
func (c *call) status(err error) *status.Status {
	if err == nil {
		return status.New(codes.OK, "")
	}
	st, _ := statusOf(FromStore(err, ""))
	if st.Code() == codes.Internal && Reason(st.Err()) == ReasonInternal {
		st, _ = statusOf(New(codes.Internal, ReasonInternal,
			"系统内部错误，请将编号 "+c.trace+" 告知管理员", "trace_id", c.trace))
	}
	return st
}

// log writes the line of a call: who, what, how it ended, how long it took;
// never what was in it. The text of an error is there when the fault is ours.
func (c *call) log(st *status.Status, err error, stack []byte, took time.Duration) {
	level := slog.LevelInfo
	if ours(st.Code()) {
		level = slog.LevelError
	}
	if !c.chain.options.Logger.Enabled(c.ctx, level) {
		return
	}
	attributes := append(make([]slog.Attr, 0, 10),
		slog.String("method", c.method.name),
		slog.String("code", st.Code().String()),
		slog.Duration("duration", took),
		slog.String("trace_id", c.trace))
	if caller, ok := auth.CallerFrom(c.ctx); ok {
		attributes = append(attributes, slog.String("caller", caller.Actor()))
		if caller.Delegate != "" {
			attributes = append(attributes, slog.String("on_behalf_of", caller.Person))
		}
		if caller.Via != "" {
			attributes = append(attributes, slog.String("via", caller.Via))
		}
	}
	if from, ok := peer.FromContext(c.ctx); ok && from.Addr != nil {
		attributes = append(attributes, slog.String("peer", from.Addr.String()))
	}
	if err != nil {
		attributes = append(attributes, slog.String("reason", Reason(st.Err())))
	}
	if level == slog.LevelError {
		attributes = append(attributes, slog.String("error", err.Error()))
	}
	if stack != nil {
		attributes = append(attributes, slog.String("stack", string(stack)))
	}
	c.chain.options.Logger.LogAttrs(c.ctx, level, "rpc", attributes...)
}

// ours tells the codes that are the server's fault and want looking into.
func ours(code codes.Code) bool {
	switch code {
	case codes.Internal, codes.Unknown, codes.DataLoss, codes.Unavailable, codes.Unimplemented:
		return true
	}
	return false
}

package gateway

import (
	"context"
	"path"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"fashen/internal/rpc"
)

// callConn is the one place every generated handler's call passes: it brings the
// precondition and the mask into the request, and sends the call's metadata and
// nothing else.
type callConn struct {
	grpc.ClientConnInterface
	timeout time.Duration
}

// Invoke completes the request and makes the call.
func (conn callConn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	c, ok := callFrom(ctx)
	request, isMessage := args.(proto.Message)
	if !ok || !isMessage {
		return errInternal()
	}
	if err := c.complete(request.ProtoReflect()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(metadata.NewOutgoingContext(ctx, c.metadata), conn.timeout)
	defer cancel()
	return conn.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
}

// anyService carries each call to the service that its request names.
type anyService map[string]grpc.ClientConnInterface

// Invoke makes the call.
func (services anyService) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	switch request := args.(type) {
	case interface{ GetService() string }:
		conn := services[request.GetService()]
		if conn == nil {
			return rpc.Field("service", "SERVICE_UNKNOWN", "没有这个服务")
		}
		return conn.Invoke(ctx, method, args, reply, opts...)
	case interface{ GetName() string }: // its last id is the service's name
		conn := services[path.Base(request.GetName())]
		if conn == nil {
			return rpc.NotFound(request.GetName())
		}
		return conn.Invoke(ctx, method, args, reply, opts...)
	}
	return errInternal()
}

// NewStream refuses: no call of a JSON route streams.
func (anyService) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errInternal()
}

// fieldMask is what an update changes: the fields of updateMask or, without it, the
// top-level fields in the body, each replaced whole. The service brings paths into
// snake case, refuses unknown ones and leaves out what is not the client's to set
// (internal/rpc), the same for REST and gRPC.
func (c *call) fieldMask() (*fieldmaskpb.FieldMask, error) {
	mask := &fieldmaskpb.FieldMask{Paths: c.mask}
	if len(c.mask) == 0 {
		for _, field := range c.present {
			mask.Paths = append(mask.Paths, string(field.Name()))
		}
	}
	if len(mask.Paths) == 0 {
		// An empty mask would mean every field that is set.
		return nil, rpc.Field("update_mask", "MASK_EMPTY", "没有要修改的字段")
	}
	return mask, nil
}

// complete writes what the headers and parameters said into the request.
func (c *call) complete(request protoreflect.Message) error {
	b := c.route.rpc
	if b.mask != nil {
		mask, err := c.fieldMask()
		if err != nil {
			return err
		}
		request.Set(b.mask, protoreflect.ValueOfMessage(mask.ProtoReflect()))
	}
	if c.match == "" || len(b.etag) == 0 {
		return nil
	}
	holder := request
	for _, field := range b.etag[:len(b.etag)-1] {
		holder = holder.Mutable(field).Message()
	}
	etag := b.etag[len(b.etag)-1]
	if sent := holder.Get(etag).String(); sent != "" && sent != c.match {
		return rpc.Field(joinNames(b.etag), "ETAG_CONFLICT", "If-Match 与请求中的 etag 不一致")
	}
	holder.Set(etag, protoreflect.ValueOfString(c.match))
	return nil
}

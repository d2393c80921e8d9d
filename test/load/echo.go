package main

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// echo is a bare grpc-go server over TCP that does nothing but answer a number of
// bytes, and its client.
type echo struct {
	server *grpc.Server
	conn   *grpc.ClientConn
}

// sizes of the encoded messages of a call.
type sizes struct{ request, reply int }

// newEcho serves one method for each name in sizes; before it answers, the one
// named in work does something else.
func newEcho(ctx context.Context, methods map[string]sizes, work map[string]func(context.Context) error) (*echo, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &echo{server: grpc.NewServer()}
	service := &grpc.ServiceDesc{ServiceName: "load.Echo", HandlerType: (*any)(nil)}
	for name, s := range methods {
		reply := ofSize(s.reply)
		service.Methods = append(service.Methods, grpc.MethodDesc{MethodName: name,
			Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				err := decode(&wrapperspb.BytesValue{})
				if do := work[name]; do != nil && err == nil {
					err = do(ctx)
				}
				return reply, err
			},
		})
	}
	e.server.RegisterService(service, nil)
	go func() { _ = e.server.Serve(listener) }() // a failure shows at the client
	if e.conn, err = grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		e.server.Stop()
		return nil, err
	}
	return e, nil
}

// ofSize is a message of about n encoded bytes: tag and length take up to three.
func ofSize(n int) *wrapperspb.BytesValue {
	return &wrapperspb.BytesValue{Value: make([]byte, max(n-3, 0))}
}

// arm calls a method.
func (e *echo) arm(title, name string, s sizes) arm {
	request := ofSize(s.request)
	return arm{name: title, call: func(ctx context.Context, _ int) error {
		return e.conn.Invoke(ctx, "/load.Echo/"+name, request, &wrapperspb.BytesValue{})
	}}
}

func (e *echo) close() error {
	err := e.conn.Close()
	e.server.Stop()
	return err
}

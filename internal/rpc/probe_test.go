package rpc_test

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
)

// probeName is a service of the tests, with the kinds of methods and access rules
// that the services of the product need not all have.
const probeName = "fashen.rpctest.v1.ProbeService"

func probeMethod(name string) string { return "/" + probeName + "/" + name }

// The descriptor is registered as generated code registers its own.
var _ = func() bool {
	method := func(name string, access *corev1.Access, clientStream, serverStream bool) *descriptorpb.MethodDescriptorProto {
		m := &descriptorpb.MethodDescriptorProto{
			Name:            proto.String(name),
			InputType:       proto.String(".fashen.directory.v1.CreatePersonRequest"),
			OutputType:      proto.String(".fashen.directory.v1.Person"),
			ClientStreaming: proto.Bool(clientStream),
			ServerStreaming: proto.Bool(serverStream),
		}
		if access != nil {
			m.Options = &descriptorpb.MethodOptions{}
			proto.SetExtension(m.Options, corev1.E_Access, access)
		}
		return m
	}
	read := method("Read", &corev1.Access{SignedIn: true}, false, false)
	read.Options.IdempotencyLevel = descriptorpb.MethodOptions_NO_SIDE_EFFECTS.Enum()
	drafters := &corev1.Access{Roles: []corev1.Role{corev1.Role_ROLE_DRAFTER, corev1.Role_ROLE_REVIEWER}}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name:       proto.String("fashen/rpctest/v1/probe.proto"),
		Package:    proto.String("fashen.rpctest.v1"),
		Syntax:     proto.String("proto3"),
		Dependency: []string{"fashen/directory/v1/directory_service.proto", "fashen/directory/v1/directory.proto"},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String("ProbeService"),
			Method: []*descriptorpb.MethodDescriptorProto{
				method("Undeclared", nil, false, false),
				method("Nobody", &corev1.Access{}, false, false),
				method("Anyone", &corev1.Access{Anyone: true}, false, false),
				method("SignedIn", &corev1.Access{SignedIn: true}, false, false),
				method("Drafters", drafters, false, false),
				method("Services", &corev1.Access{ServiceOnly: true}, false, false),
				method("Itself", &corev1.Access{ServiceItself: true}, false, false),
				read,
				method("Gateway", &corev1.Access{GatewayOnly: true}, false, false),
				method("Upload", drafters, true, false),
				method("Download", drafters, false, true),
				method("UndeclaredStream", nil, true, true),
			},
		}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		panic(err)
	}
	if err := protoregistry.GlobalFiles.RegisterFile(file); err != nil {
		panic(err)
	}
	return true
}()

// probe serves all methods of the service with what a test gives it.
type probe struct {
	unary  func(ctx context.Context, request *directoryv1.CreatePersonRequest) (*directoryv1.Person, error)
	stream func(stream grpc.ServerStream) error
}

func (p *probe) register(s grpc.ServiceRegistrar) {
	description := &grpc.ServiceDesc{ServiceName: probeName, HandlerType: (*any)(nil)}
	for _, name := range []string{"Undeclared", "Nobody", "Anyone", "SignedIn", "Drafters", "Services", "Gateway", "Itself", "Read"} {
		description.Methods = append(description.Methods, grpc.MethodDesc{MethodName: name, Handler: p.handler(name)})
	}
	for _, d := range []grpc.StreamDesc{
		{StreamName: "Upload", ClientStreams: true},
		{StreamName: "Download", ServerStreams: true},
		{StreamName: "UndeclaredStream", ClientStreams: true, ServerStreams: true},
	} {
		d.Handler = func(_ any, stream grpc.ServerStream) error { return p.stream(stream) }
		description.Streams = append(description.Streams, d)
	}
	s.RegisterService(description, p)
}

func (p *probe) handler(name string) grpc.MethodHandler {
	return func(_ any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		request := &directoryv1.CreatePersonRequest{}
		if err := decode(request); err != nil {
			return nil, err
		}
		serve := func(ctx context.Context, r any) (any, error) {
			return p.unary(ctx, r.(*directoryv1.CreatePersonRequest))
		}
		if interceptor == nil {
			return serve(ctx, request)
		}
		return interceptor(ctx, request, &grpc.UnaryServerInfo{FullMethod: probeMethod(name)}, serve)
	}
}

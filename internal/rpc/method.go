package rpc

import (
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	corev1 "fashen/gen/fashen/core/v1"
)

// method is what the chain knows about an RPC, worked out from its descriptor on
// the first call.
type method struct {
	// name is the full name, `/fashen.filing.v1.FilingService/GetDocument`.
	name string
	// service is the short name of its service, such as `filing`.
	service string
	// open marks health and reflection: no token, no deadline, and requests that
	// are not ours to look into.
	open bool
	// stream is true when either side streams.
	stream bool
	// watch is true for a server's stream that lasts: one whose name begins with
	// Watch. It asks StillSignedIn as it goes on.
	watch bool
	// reads is true where a second call does what one did.
	reads bool
	// access is the declared rule; nil refuses every call.
	access *corev1.Access
	// input makes request messages.
	input protoreflect.MessageType
	// strip removes output-only fields; nil when the request has none.
	strip *stripPlan
	// mask normalises update_mask; nil when the request has none.
	mask *maskPlan
	// requestID finds the request_id; nil when the request has none.
	requestID *requestIDField
	// guarded are the message fields of the request whose message has an etag.
	guarded []protoreflect.FieldDescriptor
}

// openServices are called by load balancers and tools that have no token; they
// tell nothing but what the published protos tell.
var openServices = []string{
	"/grpc.health.v1.Health/",
	"/grpc.reflection.v1.ServerReflection/",
	"/grpc.reflection.v1alpha.ServerReflection/",
}

// methods remembers what was worked out. Only registered methods reach it, so it
// is bounded.
type methods struct{ known sync.Map }

func (ms *methods) of(fullMethod string) *method {
	if m, ok := ms.known.Load(fullMethod); ok {
		return m.(*method)
	}
	m, _ := ms.known.LoadOrStore(fullMethod, describe(fullMethod))
	return m.(*method)
}

func describe(fullMethod string) *method {
	m := &method{name: fullMethod, service: serviceOf(fullMethod)}
	for _, service := range openServices {
		if strings.HasPrefix(fullMethod, service) {
			m.open = true
			return m
		}
	}
	name := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(fullMethod, "/"), "/", "."))
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		return m
	}
	descriptor, ok := found.(protoreflect.MethodDescriptor)
	if !ok {
		return m
	}
	input, err := protoregistry.GlobalTypes.FindMessageByName(descriptor.Input().FullName())
	if err != nil {
		return m
	}
	m.input = input
	m.access = AccessOf(descriptor)
	m.stream = descriptor.IsStreamingClient() || descriptor.IsStreamingServer()
	m.watch = descriptor.IsStreamingServer() && strings.HasPrefix(string(descriptor.Name()), "Watch")
	m.reads = !m.stream && readsOnly(descriptor)
	m.strip = planStrip(descriptor.Input())
	m.mask = planMask(descriptor.Input())
	m.requestID = findRequestID(descriptor.Input())
	for i := range descriptor.Input().Fields().Len() {
		field := descriptor.Input().Fields().Get(i)
		if singularMessage(field) && stringField(field.Message(), "etag") != nil {
			m.guarded = append(m.guarded, field)
		}
	}
	return m
}

// serviceOf is `filing` for `/fashen.filing.v1.FilingService/GetDocument`; empty
// for what is not ours.
func serviceOf(fullMethod string) string {
	rest, ok := strings.CutPrefix(fullMethod, "/fashen.")
	if !ok {
		return ""
	}
	service, _, _ := strings.Cut(rest, ".")
	return service
}

// requestIDField is where a request has its request_id: in itself, or, as the
// first message of an upload has it, in one message below.
type requestIDField struct {
	below, field protoreflect.FieldDescriptor
}

func findRequestID(message protoreflect.MessageDescriptor) *requestIDField {
	if field := stringField(message, "request_id"); field != nil {
		return &requestIDField{field: field}
	}
	for i := range message.Fields().Len() {
		below := message.Fields().Get(i)
		if !singularMessage(below) {
			continue
		}
		if field := stringField(below.Message(), "request_id"); field != nil {
			return &requestIDField{below: below, field: field}
		}
	}
	return nil
}

// of answers the message that holds the request id, and the id; empty when unset.
func (f *requestIDField) of(message protoreflect.Message) (holder protoreflect.Message, id string) {
	if f.below != nil {
		message = message.Get(f.below).Message()
	}
	return message, message.Get(f.field).String()
}

func stringField(message protoreflect.MessageDescriptor, name protoreflect.Name) protoreflect.FieldDescriptor {
	field := message.Fields().ByName(name)
	if field == nil || field.Kind() != protoreflect.StringKind || field.Cardinality() == protoreflect.Repeated {
		return nil
	}
	return field
}

func singularMessage(field protoreflect.FieldDescriptor) bool {
	return field.Message() != nil && field.Cardinality() != protoreflect.Repeated
}

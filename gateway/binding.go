package gateway

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// binding is how one RPC reads an HTTP request (google.api.http).
type binding struct {
	method  protoreflect.MethodDescriptor
	request protoreflect.MessageType
	// body is the message the JSON body holds; nil for no body.
	body protoreflect.MessageType
	// resource is the request field the body fills; nil when it fills the whole
	// request or there is no body.
	resource protoreflect.FieldDescriptor
	// bound are the top-level request fields set by path or body.
	bound []protoreflect.Name
	// mask is the update_mask of a standard update; nil otherwise.
	mask protoreflect.FieldDescriptor
	// etag leads to the field that If-Match fills; empty when there is none.
	etag []protoreflect.FieldDescriptor
}

func newBinding(method protoreflect.MethodDescriptor, body string, pathFields []string) (*binding, error) {
	if method.IsStreamingClient() || method.IsStreamingServer() {
		return nil, fmt.Errorf("gateway: %s streams and must have no http rule", method.FullName())
	}
	request, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
	if err != nil {
		return nil, fmt.Errorf("gateway: request of %s: %w", method.FullName(), err)
	}
	b := &binding{method: method, request: request}
	for _, name := range pathFields {
		top, _, _ := strings.Cut(name, ".")
		b.bound = append(b.bound, protoreflect.Name(top))
	}
	fields := method.Input().Fields()
	switch body {
	case "":
	case "*":
		b.body = request
		b.etag = etagOf(nil, method.Input())
	default:
		b.resource = fields.ByName(protoreflect.Name(body))
		if b.resource == nil || b.resource.Message() == nil {
			return nil, fmt.Errorf("gateway: body %q of %s is no message field", body, method.FullName())
		}
		b.bound = append(b.bound, b.resource.Name())
		if b.body, err = protoregistry.GlobalTypes.FindMessageByName(b.resource.Message().FullName()); err != nil {
			return nil, fmt.Errorf("gateway: body of %s: %w", method.FullName(), err)
		}
		if mask := fields.ByName("update_mask"); mask != nil {
			b.mask = mask
			b.etag = etagOf([]protoreflect.FieldDescriptor{b.resource}, b.resource.Message())
		}
	}
	return b, nil
}

func etagOf(path []protoreflect.FieldDescriptor, m protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	if etag := m.Fields().ByName("etag"); etag != nil && etag.Kind() == protoreflect.StringKind {
		return append(path, etag)
	}
	return nil
}

// queryField finds the request field of a query parameter such as `pageSize` or
// `date.year`, by JSON or proto name; its canonical path, or false where the
// operation has no such parameter.
func (b *binding) queryField(key string) (path string, ok bool) {
	if b.body != nil && b.resource == nil {
		return "", false
	}
	fields, ok := fieldPath(b.request.Descriptor(), key)
	if !ok || slices.Contains(b.bound, fields[0].Name()) {
		return "", false
	}
	return joinNames(fields), true
}

// fieldPath follows a dotted path through singular messages. A name may be the
// proto name or the JSON name.
func fieldPath(m protoreflect.MessageDescriptor, path string) ([]protoreflect.FieldDescriptor, bool) {
	var fields []protoreflect.FieldDescriptor
	for name := range strings.SplitSeq(path, ".") {
		if m == nil {
			return nil, false
		}
		field := fieldNamed(m, name)
		if field == nil {
			return nil, false
		}
		fields = append(fields, field)
		m = field.Message()
		if field.IsList() || field.IsMap() {
			m = nil
		}
	}
	return fields, true
}

func fieldNamed(m protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if field := m.Fields().ByJSONName(name); field != nil {
		return field
	}
	return m.Fields().ByTextName(name)
}

func joinNames(fields []protoreflect.FieldDescriptor) string {
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = string(field.Name())
	}
	return strings.Join(names, ".")
}

// stringField reads a string field of a message; empty when it has none.
func stringField(m proto.Message, name protoreflect.Name) string {
	field := m.ProtoReflect().Descriptor().Fields().ByName(name)
	if field == nil || field.Kind() != protoreflect.StringKind || field.IsList() {
		return ""
	}
	return m.ProtoReflect().Get(field).String()
}

package docstoretest

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	_ "google.golang.org/genproto/googleapis/type/date" // found by name in the registry

	corev1 "fashen/gen/fashen/core/v1"
)

// Paper is a document of the suite: a message built from a descriptor, so that
// two versions of its schema can meet one store.
type Paper = *dynamicpb.Message

// Schema is one version of the suite's message.
type Schema struct {
	md protoreflect.MessageDescriptor
}

// V1 is the schema of the suite; V2 is a later one with more fields, at every
// level, and one more state.
var (
	V1 = newSchema(1, "Paper")
	V2 = newSchema(2, "Paper")
	// Row is V1 for derived rows.
	Row = newSchema(1, "Row")
)

// States of a Paper.
const (
	StateDraft     = 1
	StateSubmitted = 2
	StateArchived  = 3 // V2 only
)

func newSchema(version int, name string) Schema {
	file, err := protodesc.NewFile(fileOf(version, name), protoregistry.GlobalFiles)
	if err != nil {
		panic(fmt.Sprintf("the suite's own schema: %v", err))
	}
	return Schema{md: file.Messages().ByName(protoreflect.Name(name))}
}

const (
	typeString = descriptorpb.FieldDescriptorProto_TYPE_STRING
	typeInt64  = descriptorpb.FieldDescriptorProto_TYPE_INT64
	typeBool   = descriptorpb.FieldDescriptorProto_TYPE_BOOL
	typeEnum   = descriptorpb.FieldDescriptorProto_TYPE_ENUM
	typeSub    = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
)

func field(number int32, name string, kind descriptorpb.FieldDescriptorProto_Type, typeName string) *descriptorpb.FieldDescriptorProto {
	f := &descriptorpb.FieldDescriptorProto{
		Name: &name, Number: &number, Type: &kind,
		Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
	}
	if typeName != "" {
		f.TypeName = &typeName
	}
	return f
}

func repeated(f *descriptorpb.FieldDescriptorProto) *descriptorpb.FieldDescriptorProto {
	f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	return f
}

func fileOf(version int, name string) *descriptorpb.FileDescriptorProto {
	const stamp = ".google.protobuf.Timestamp"
	paper := ".docstoretest." + name
	states := &descriptorpb.EnumDescriptorProto{Name: proto.String("State")}
	for i, s := range []string{"STATE_UNSPECIFIED", "STATE_DRAFT", "STATE_SUBMITTED", "STATE_ARCHIVED"}[:version+2] {
		states.Value = append(states.Value, &descriptorpb.EnumValueDescriptorProto{Name: &s, Number: proto.Int32(int32(i))})
	}
	item := &descriptorpb.DescriptorProto{Name: proto.String("Item"), Field: []*descriptorpb.FieldDescriptorProto{
		field(1, "text", typeString, ""), field(2, "due", typeSub, stamp),
	}}
	m := &descriptorpb.DescriptorProto{
		Name: &name, NestedType: []*descriptorpb.DescriptorProto{item},
		EnumType: []*descriptorpb.EnumDescriptorProto{states},
		Field: []*descriptorpb.FieldDescriptorProto{
			field(1, "name", typeString, ""), field(2, "etag", typeString, ""),
			field(3, "create_time", typeSub, stamp), field(4, "update_time", typeSub, stamp),
			field(5, "unit", typeString, ""), field(6, "state", typeEnum, paper+".State"),
			field(7, "title", typeString, ""), field(8, "count", typeInt64, ""),
			repeated(field(9, "tags", typeString, "")), repeated(field(10, "items", typeSub, paper+".Item")),
			field(11, "lead", typeSub, paper+".Item"), field(12, "issued", typeSub, ".google.type.Date"),
			field(13, "urgent", typeBool, ""), field(14, "number", typeString, ""),
		},
	}
	if version > 1 {
		item.Field = append(item.Field, field(3, "remark", typeString, ""), field(4, "inner", typeSub, paper+".Item"))
		m.Field = append(m.Field, field(20, "summary", typeString, ""), repeated(field(21, "marks", typeSub, paper+".Item")),
			field(22, "second", typeEnum, paper+".State"))
	}
	if name == "Row" {
		m.Options = &descriptorpb.MessageOptions{}
		proto.SetExtension(m.Options, corev1.E_Derived, true)
	}
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String("docstoretest/paper.proto"), Package: proto.String("docstoretest"), Syntax: proto.String("proto3"),
		Dependency:  []string{"google/protobuf/timestamp.proto", "google/type/date.proto"},
		MessageType: []*descriptorpb.DescriptorProto{m},
	}
}

// New makes an empty message, as the store wants it.
func (s Schema) New() proto.Message { return dynamicpb.NewMessage(s.md) }

// Types finds the suite's message by its name, for verification.
func (s Schema) Types() *protoregistry.Types {
	types := &protoregistry.Types{}
	if err := types.RegisterMessage(dynamicpb.NewMessageType(s.md)); err != nil {
		panic(fmt.Sprintf("the suite's own schema: %v", err))
	}
	return types
}

// Paper makes a message with the given fields. Values are strings, bools,
// ints, []string, []Paper and Paper.
func (s Schema) Paper(name string, fields map[string]any) Paper {
	m := dynamicpb.NewMessage(s.md)
	Set(m, "name", name)
	for f, v := range fields {
		Set(m, f, v)
	}
	return m
}

// Item makes the suite's nested message.
func (s Schema) Item(fields map[string]any) Paper {
	m := dynamicpb.NewMessage(s.md.Messages().ByName("Item"))
	for f, v := range fields {
		Set(m, f, v)
	}
	return m
}

// Set sets one field by name.
func Set(m protoreflect.Message, name string, value any) {
	fd := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	switch v := value.(type) {
	case int:
		if fd.Kind() == protoreflect.EnumKind {
			m.Set(fd, protoreflect.ValueOfEnum(protoreflect.EnumNumber(v)))
			return
		}
		m.Set(fd, protoreflect.ValueOfInt64(int64(v)))
	case []string:
		list := m.NewField(fd).List()
		for _, x := range v {
			list.Append(protoreflect.ValueOfString(x))
		}
		m.Set(fd, protoreflect.ValueOfList(list))
	case []Paper:
		list := m.NewField(fd).List()
		for _, x := range v {
			list.Append(protoreflect.ValueOfMessage(x))
		}
		m.Set(fd, protoreflect.ValueOfList(list))
	case proto.Message:
		sub := m.NewField(fd)
		b, err := proto.Marshal(v)
		if err == nil {
			err = proto.Unmarshal(b, sub.Message().Interface())
		}
		if err != nil {
			panic(fmt.Sprintf("set %s: %v", name, err))
		}
		m.Set(fd, sub)
	default:
		m.Set(fd, protoreflect.ValueOf(value))
	}
}

// Text reads a string field.
func Text(m protoreflect.Message, name string) string {
	return m.Get(m.Descriptor().Fields().ByName(protoreflect.Name(name))).String()
}

// Int reads an integer field.
func Int(m protoreflect.Message, name string) int64 {
	return m.Get(m.Descriptor().Fields().ByName(protoreflect.Name(name))).Int()
}

// Stamp is a timestamp for Set.
func Stamp(t time.Time) proto.Message { return timestamppb.New(t) }

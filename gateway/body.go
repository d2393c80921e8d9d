package gateway

import (
	"encoding/json"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"fashen/internal/rpc"
)

// checkJSON refuses a body that is not one JSON object of this message, naming the
// fields; prefix is the request field it fills. It answers the top-level fields
// that are present, null ones too.
func checkJSON(raw []byte, of protoreflect.MessageType, prefix string) ([]protoreflect.FieldDescriptor, error) {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || object == nil {
		return nil, rpc.Field(orBody(prefix), "JSON_INVALID", "请求正文不是一个完整的 JSON 对象")
	}
	var unknown []string
	collectUnknown(raw, of.Descriptor(), prefix, &unknown)
	if len(unknown) > 0 {
		violations := make([]rpc.FieldViolation, len(unknown))
		for i, path := range unknown {
			violations[i] = rpc.FieldViolation{Field: path, Reason: "UNKNOWN_FIELD", Message: "没有这个字段"}
		}
		return nil, rpc.Fields(violations...)
	}
	if protojson.Unmarshal(raw, of.New().Interface()) != nil {
		path := unreadable(object, of, prefix)
		return nil, rpc.Field(path, "VALUE_INVALID", "字段的值类型不符，或同一字段出现两次")
	}
	var present []protoreflect.FieldDescriptor
	for _, key := range sortedNames(object) {
		present = append(present, fieldNamed(of.Descriptor(), key))
	}
	return present, nil
}

// collectUnknown gathers the paths of fields the message does not have. What is
// no object where one is due is left to the type check.
func collectUnknown(raw json.RawMessage, m protoreflect.MessageDescriptor, path string, unknown *[]string) {
	var object map[string]json.RawMessage
	if wellKnown(m) || json.Unmarshal(raw, &object) != nil {
		return
	}
	for _, key := range sortedNames(object) {
		field := fieldNamed(m, key)
		if field == nil {
			*unknown = append(*unknown, join(path, key))
			continue
		}
		if field.Message() == nil || field.IsMap() {
			continue
		}
		at := join(path, string(field.Name()))
		if !field.IsList() {
			collectUnknown(object[key], field.Message(), at, unknown)
			continue
		}
		var items []json.RawMessage
		if json.Unmarshal(object[key], &items) == nil {
			for _, item := range items {
				collectUnknown(item, field.Message(), at, unknown)
			}
		}
	}
}

// unreadable finds the field at which a body that does not parse goes wrong, by
// parsing its fields one by one.
func unreadable(object map[string]json.RawMessage, of protoreflect.MessageType, path string) string {
	for _, key := range sortedNames(object) {
		alone, err := json.Marshal(map[string]json.RawMessage{key: object[key]})
		if err != nil || protojson.Unmarshal(alone, of.New().Interface()) == nil {
			continue
		}
		field := fieldNamed(of.Descriptor(), key)
		at := join(path, string(field.Name()))
		if field.Message() == nil || field.IsList() || field.IsMap() || wellKnown(field.Message()) {
			return at
		}
		inner, err := protoregistry.GlobalTypes.FindMessageByName(field.Message().FullName())
		var nested map[string]json.RawMessage
		if err != nil || json.Unmarshal(object[key], &nested) != nil {
			return at
		}
		return unreadable(nested, inner, at)
	}
	return orBody(path)
}

// wellKnown tells whether a message has a JSON form of its own.
func wellKnown(m protoreflect.MessageDescriptor) bool {
	return strings.HasPrefix(string(m.FullName()), "google.protobuf.")
}

func sortedNames(object map[string]json.RawMessage) []string {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func orBody(prefix string) string {
	if prefix == "" {
		return "body"
	}
	return prefix
}

package rpc

import (
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// maskPlan knows the update_mask of an Update request (AIP-134) and the resource
// its paths are of.
type maskPlan struct {
	mask     protoreflect.FieldDescriptor
	resource protoreflect.MessageDescriptor
}

// planMask answers nil when the request has no update_mask beside one resource.
func planMask(message protoreflect.MessageDescriptor) *maskPlan {
	mask := message.Fields().ByName("update_mask")
	if mask == nil || !singularMessage(mask) || mask.Message().FullName() != "google.protobuf.FieldMask" {
		return nil
	}
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		if singularMessage(field) && proto.HasExtension(field.Message().Options(), annotations.E_Resource) {
			return &maskPlan{mask: mask, resource: field.Message()}
		}
	}
	return nil
}

// apply brings the paths into snake case, refuses those that name no field, and
// drops those a client does not change: output-only fields, the name, the etag. A
// mask of nothing else is refused, since an empty one would mean every field.
func (p *maskPlan) apply(message protoreflect.Message) error {
	if !message.Has(p.mask) {
		return nil
	}
	mask, ok := message.Get(p.mask).Message().Interface().(*fieldmaskpb.FieldMask)
	if !ok || len(mask.GetPaths()) == 0 {
		return nil
	}
	if slices.Equal(mask.GetPaths(), []string{"*"}) {
		return nil
	}
	paths := make([]string, 0, len(mask.GetPaths()))
	for _, path := range mask.GetPaths() {
		normal, settable, ok := p.resolve(path)
		if !ok {
			return Field("update_mask", "FIELD_MASK_UNKNOWN_PATH", "没有名为 "+quote(path)+" 的字段")
		}
		if settable && !slices.Contains(paths, normal) {
			paths = append(paths, normal)
		}
	}
	if len(paths) == 0 {
		return Field("update_mask", "FIELD_MASK_NOTHING_TO_CHANGE", "所列字段均不可修改")
	}
	mask.Paths = paths
	return nil
}

// resolve walks a path through singular messages. Segments may be in snake case
// or, as REST clients write them, in camel case.
func (p *maskPlan) resolve(path string) (normal string, settable, ok bool) {
	segments := strings.Split(path, ".")
	message := p.resource
	settable = true
	for i, segment := range segments {
		if message == nil {
			return "", false, false
		}
		field := message.Fields().ByName(protoreflect.Name(segment))
		if field == nil {
			field = message.Fields().ByJSONName(segment)
		}
		if field == nil {
			return "", false, false
		}
		segments[i] = string(field.Name())
		if field.Name() == "etag" || behaves(field, annotations.FieldBehavior_OUTPUT_ONLY) ||
			behaves(field, annotations.FieldBehavior_IDENTIFIER) {
			settable = false
		}
		message = nil
		if singularMessage(field) {
			message = field.Message()
		}
	}
	return strings.Join(segments, "."), settable, true
}

// quote shows a client's own word in a message, cut to a sensible length.
func quote(word string) string {
	runes := []rune(word)
	if len(runes) > 40 {
		runes = append(runes[:40], '…')
	}
	return "“" + string(runes) + "”"
}

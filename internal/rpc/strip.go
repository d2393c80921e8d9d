package rpc

import (
	"slices"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// stripPlan says which fields of a message a client may not set (AIP-203:
// OUTPUT_ONLY values in requests are ignored), and where to look further down. It
// is worked out once per type, so that a request without such fields costs nothing.
type stripPlan struct {
	clear []protoreflect.FieldDescriptor
	below []stripBelow
}

type stripBelow struct {
	field protoreflect.FieldDescriptor
	plan  *stripPlan
}

// planStrip answers nil when neither the message nor one below it has an
// output-only field. An etag is never stripped: clients send it back (AIP-154).
func planStrip(message protoreflect.MessageDescriptor) *stripPlan {
	plans := map[protoreflect.FullName]*stripPlan{}
	plan := buildStrip(message, plans)
	if !needed(plan, map[*stripPlan]bool{}) {
		return nil
	}
	for _, p := range plans {
		p.below = slices.DeleteFunc(p.below, func(b stripBelow) bool {
			return !needed(b.plan, map[*stripPlan]bool{})
		})
	}
	return plan
}

// buildStrip makes the plans of a message and of all below it, also where a
// message holds itself.
func buildStrip(message protoreflect.MessageDescriptor, plans map[protoreflect.FullName]*stripPlan) *stripPlan {
	if plan, ok := plans[message.FullName()]; ok {
		return plan
	}
	plan := &stripPlan{}
	plans[message.FullName()] = plan
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		if field.Name() != "etag" && behaves(field, annotations.FieldBehavior_OUTPUT_ONLY) {
			plan.clear = append(plan.clear, field)
			continue
		}
		under := field.Message()
		if field.IsMap() {
			under = field.MapValue().Message()
		}
		if under != nil {
			plan.below = append(plan.below, stripBelow{field: field, plan: buildStrip(under, plans)})
		}
	}
	return plan
}

func needed(plan *stripPlan, seen map[*stripPlan]bool) bool {
	if seen[plan] {
		return false
	}
	seen[plan] = true
	return len(plan.clear) > 0 || slices.ContainsFunc(plan.below, func(b stripBelow) bool {
		return needed(b.plan, seen)
	})
}

func (p *stripPlan) apply(message protoreflect.Message) {
	for _, field := range p.clear {
		message.Clear(field)
	}
	for _, b := range p.below {
		if !message.Has(b.field) {
			continue
		}
		value := message.Get(b.field)
		switch {
		case b.field.IsMap():
			value.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				b.plan.apply(v.Message())
				return true
			})
		case b.field.IsList():
			list := value.List()
			for i := range list.Len() {
				b.plan.apply(list.Get(i).Message())
			}
		default:
			b.plan.apply(value.Message())
		}
	}
}

// behaves tells whether a field is declared with a google.api.field_behavior.
func behaves(field protoreflect.FieldDescriptor, want annotations.FieldBehavior) bool {
	options := field.Options()
	if options == nil || !proto.HasExtension(options, annotations.E_FieldBehavior) {
		return false
	}
	behaviors, _ := proto.GetExtension(options, annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	return slices.Contains(behaviors, want)
}

package rpc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// validateRequest checks a request against the rules of its proto. A violation
// becomes a BadRequest, the error clients know, instead of protovalidate's own
// message. A rule that cannot be compiled is a mistake of ours and INTERNAL.
func validateRequest(message proto.Message) error {
	err := protovalidate.GlobalValidator.Validate(message)
	texts := badTexts(message.ProtoReflect(), "")
	if err == nil {
		return Fields(texts...)
	}
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) {
		return fmt.Errorf("validate %s: %w", message.ProtoReflect().Descriptor().FullName(), err)
	}
	partial := partialUpdate(message.ProtoReflect())
	violations := make([]FieldViolation, 0, len(invalid.Violations))
	for _, v := range invalid.Violations {
		if partial(v.Proto.GetField().GetElements()) {
			continue
		}
		violations = append(violations, FieldViolation{
			Field:   protovalidate.FieldPathString(v.Proto.GetField()),
			Reason:  ruleReason(v.Proto.GetRuleId()),
			Message: describeViolation(v),
		})
	}
	for _, b := range texts {
		if !slices.ContainsFunc(violations, func(v FieldViolation) bool { return v.Field == b.Field }) {
			violations = append(violations, b)
		}
	}
	return Fields(violations...)
}

// verbatim are the fields with words of a document, which are taken as they stand there,
// and the names of files, which whoever takes the file checks.
var verbatim = []protoreflect.FullName{
	"fashen.core.v1.Anchor.quote", "fashen.competition.v1.ScreenTextRequest.text",
	"fashen.filing.v1.RevisionUpload.filename", "fashen.filing.v1.MaterialUpload.filename", "fashen.counsel.v1.MatterUpload.filename",
}

// badTexts are the texts that people cannot mean: what shows nothing where something is
// asked for, and characters that no letter can bear or that turn a line round.
func badTexts(m protoreflect.Message, path string) []FieldViolation {
	var bad []FieldViolation
	check := func(f protoreflect.FieldDescriptor, text, at string) {
		if slices.Contains(verbatim, f.FullName()) {
			return
		}
		if v, ok := badText(f, text); ok {
			v.Field = at
			bad = append(bad, v)
		}
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		at := path + string(f.Name())
		switch {
		case f.IsMap():
		case f.IsList():
			for i := range v.List().Len() {
				switch f.Kind() {
				case protoreflect.MessageKind:
					bad = append(bad, badTexts(v.List().Get(i).Message(), fmt.Sprintf("%s[%d].", at, i))...)
				case protoreflect.StringKind:
					check(f, v.List().Get(i).String(), fmt.Sprintf("%s[%d]", at, i))
				}
			}
		case f.Kind() == protoreflect.MessageKind:
			bad = append(bad, badTexts(v.Message(), at+".")...)
		case f.Kind() == protoreflect.StringKind:
			check(f, v.String(), at)
		}
		return true
	})
	return bad
}

// badText tells what is wrong with one text; false when nothing is. White space alone,
// the full-width one included, is nothing said, and bad where something has to be;
// characters without any width are bad wherever they stand alone.
func badText(f protoreflect.FieldDescriptor, text string) (FieldViolation, bool) {
	if i := strings.IndexFunc(text, Forbidden); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		return FieldViolation{Reason: "CHARACTER_FORBIDDEN", Message: fmt.Sprintf("含有不能使用的控制字符 %U", r)}, true
	}
	shows := strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) })
	if shows || text == "" {
		return FieldViolation{}, false
	}
	required := false
	if rules, err := protovalidate.ResolveFieldRules(f); err == nil {
		required = rules.GetString().GetMinLen() > 0 || rules.GetRepeated().GetItems().GetString().GetMinLen() > 0
	}
	if !required && strings.TrimSpace(text) == "" {
		return FieldViolation{}, false
	}
	return FieldViolation{Reason: ruleReason("string.min_len"), Message: "不得只有空白"}, true
}

// Forbidden tells control characters other than those of lines, and those that change
// the direction of the text after them.
func Forbidden(r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return false
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return unicode.IsControl(r)
}

// partialUpdate tells of the violations of an Update request (AIP-134) which are
// none: an update brings the fields it changes, so a field of the resource that
// is neither set nor named by the mask need not be there.
func partialUpdate(request protoreflect.Message) func(path []*validate.FieldPathElement) bool {
	plan := planMask(request.Descriptor())
	if plan == nil {
		return func([]*validate.FieldPathElement) bool { return false }
	}
	mask, _ := request.Get(plan.mask).Message().Interface().(*fieldmaskpb.FieldMask)
	return func(path []*validate.FieldPathElement) bool {
		if len(path) < 2 {
			return false
		}
		holder := request.Descriptor().Fields().ByName(protoreflect.Name(path[0].GetFieldName()))
		if holder == nil || holder.Message() != plan.resource {
			return false
		}
		name := path[1].GetFieldName()
		field := plan.resource.Fields().ByName(protoreflect.Name(name))
		named := slices.Contains(mask.GetPaths(), name) || slices.Contains(mask.GetPaths(), "*")
		return field != nil && !named && !request.Get(holder).Message().Has(field)
	}
}

// ruleReason turns `string.min_len` into STRING_MIN_LEN, the form google.rpc asks
// of a reason.
func ruleReason(ruleID string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, ruleID)
}

// sentences say the standard rules in Chinese; %v is the value of the rule. The
// offending value is never repeated: it may be a secret or text of a document.
var sentences = map[string]string{
	"required":                "必填",
	"string.min_len":          "至少%v个字符",
	"string.max_len":          "不得超过%v个字符",
	"string.len":              "须为%v个字符",
	"string.min_bytes":        "至少%v字节",
	"string.max_bytes":        "不得超过%v字节",
	"string.len_bytes":        "须为%v字节",
	"string.pattern":          "格式不符合要求",
	"string.prefix":           "须以“%v”开头",
	"string.suffix":           "须以“%v”结尾",
	"string.contains":         "须包含“%v”",
	"string.const":            "须为“%v”",
	"string.in":               "不在允许的取值之内",
	"string.not_in":           "取值不被允许",
	"string.email":            "须为有效的电子邮箱",
	"string.email_empty":      "须为有效的电子邮箱",
	"string.uri":              "须为有效的网址",
	"string.uri_empty":        "须为有效的网址",
	"string.uuid":             "须为有效的 UUID",
	"string.uuid_empty":       "须为有效的 UUID",
	"bytes.min_len":           "至少%v字节",
	"bytes.max_len":           "不得超过%v字节",
	"bytes.len":               "须为%v字节",
	"enum.defined_only":       "不是已定义的取值",
	"enum.in":                 "不在允许的取值之内",
	"enum.not_in":             "须指定有效的取值",
	"enum.const":              "取值不被允许",
	"bool.const":              "须为%v",
	"repeated.min_items":      "至少%v项",
	"repeated.max_items":      "不得超过%v项",
	"repeated.unique":         "各项不得重复",
	"map.min_pairs":           "至少%v项",
	"map.max_pairs":           "不得超过%v项",
	"timestamp.lt_now":        "须早于当前时间",
	"timestamp.gt_now":        "须晚于当前时间",
	"message.oneof":           "须且只能填写其中一项",
	"string.well_known_regex": "格式不符合要求",
}

// comparisons say the rules that numbers share, whatever their type.
var comparisons = map[string]string{
	"gt": "须大于%v", "gte": "不得小于%v", "lt": "须小于%v", "lte": "不得大于%v",
	"gt_lt": "须大于%v且小于%v", "gt_lte": "须大于%v且不大于%v",
	"gte_lt": "不得小于%v且须小于%v", "gte_lte": "不得小于%v，也不得大于%v",
	"const": "须为%v", "in": "不在允许的取值之内", "not_in": "取值不被允许", "finite": "须为有限的数",
}

func describeViolation(v *protovalidate.Violation) string {
	id := v.Proto.GetRuleId()
	sentence, ok := sentences[id]
	if !ok {
		if kind, rule, found := strings.Cut(id, "."); found && numeric(kind) {
			sentence = comparisons[rule]
		}
	}
	if sentence == "" {
		return describeOther(id, v.Proto.GetMessage())
	}
	if strings.Count(sentence, "%v") == 2 {
		return describeRange(sentence, v.Proto.GetMessage())
	}
	if !strings.Contains(sentence, "%v") {
		return sentence
	}
	if !v.RuleValue.IsValid() {
		return describeOther(id, v.Proto.GetMessage())
	}
	return fmt.Sprintf(sentence, v.RuleValue.Interface())
}

// describeRange serves the rules with two values, of which protovalidate hands out
// one; both end a half of its message, `… equal to 0 and … equal to 1000`.
func describeRange(sentence, message string) string {
	low, high, ok := strings.Cut(message, " and ")
	if !ok {
		return "不符合要求：" + message
	}
	return fmt.Sprintf(sentence, low[strings.LastIndexByte(low, ' ')+1:], high[strings.LastIndexByte(high, ' ')+1:])
}

// describeOther serves rules written in a proto, whose message is Chinese as it
// stands, and those nobody put into words here: ranges, mostly.
func describeOther(id, message string) string {
	for _, r := range message {
		if r >= 0x4e00 {
			return message
		}
	}
	if message == "" {
		message = id
	}
	return "不符合要求：" + message
}

func numeric(kind string) bool {
	switch kind {
	case "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64",
		"sfixed32", "sfixed64", "float", "double":
		return true
	}
	return false
}

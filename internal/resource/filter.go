package resource

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxFilter bounds a filter, in bytes.
const maxFilter = 2000

// FieldKind says what values a field of a filter takes.
type FieldKind struct {
	kind kind
	enum protoreflect.EnumDescriptor
}

type kind int

const (
	kindString kind = iota
	kindBool
	kindInt
	kindEnum
)

// Kinds of fields in a filter.
var (
	// String takes a quoted string; the value is a string.
	String = FieldKind{kind: kindString}
	// Bool takes true or false; the value is a bool.
	Bool = FieldKind{kind: kindBool}
	// Int takes a decimal number; the value is an int64.
	Int = FieldKind{kind: kindInt}
)

// Enum takes the bare name of a value of the enum, with or without its prefix
// where it has one, but not the zero value; the value is a
// protoreflect.EnumNumber.
func Enum(descriptor protoreflect.EnumDescriptor) FieldKind {
	return FieldKind{kind: kindEnum, enum: descriptor}
}

// FilterError says what is wrong with a filter: a stable code, a sentence in
// Chinese, and the byte at which it was noticed.
type FilterError struct {
	Reason  string
	Message string
	Offset  int
}

// Error is the code, the place and the sentence.
func (e *FilterError) Error() string {
	return fmt.Sprintf("%s at byte %d: %s", e.Reason, e.Offset, e.Message)
}

// ParseFilter reads the subset of AIP-160 that lists understand:
//
//	field = value [AND field = value]…
//
// A field is one of allowed, each at most once. A value is a string in double
// or single quotes (with \" \' and \\ escaped), the bare name of an enum value,
// true or false, or a whole number, as the field's kind asks. White space is
// free; AND is upper case. An empty filter answers an empty map. The error is a
// *FilterError.
func ParseFilter(filter string, allowed map[string]FieldKind) (map[string]any, error) {
	if len(filter) > maxFilter || !utf8.ValidString(filter) {
		return nil, &FilterError{Reason: "FILTER_TOO_LONG", Message: fmt.Sprintf("过滤条件不得超过%d字节", maxFilter)}
	}
	p := parser{text: filter}
	values := map[string]any{}
	if p.skip(); p.done() {
		return values, nil
	}
	for {
		if err := p.comparison(allowed, values); err != nil {
			return nil, err
		}
		if p.skip(); p.done() {
			return values, nil
		}
		if word := p.word(); word != "AND" {
			return nil, p.fail("FILTER_SYNTAX", "条件之间只能用 AND 连接")
		}
	}
}

// parser walks over a filter; at is the next byte.
type parser struct {
	text string
	at   int
}

func (p *parser) done() bool { return p.at >= len(p.text) }

func (p *parser) skip() {
	for !p.done() && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) fail(reason, message string) error {
	return &FilterError{Reason: reason, Message: message, Offset: p.at}
}

// word reads a run of letters, digits, dots, dashes and underscores.
func (p *parser) word() string {
	start := p.at
	for !p.done() {
		c := p.text[p.at]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' {
			break
		}
		p.at++
	}
	return p.text[start:p.at]
}

func (p *parser) comparison(allowed map[string]FieldKind, values map[string]any) error {
	p.skip()
	field := p.word()
	if field == "" {
		return p.fail("FILTER_SYNTAX", "此处应为字段名")
	}
	want, ok := allowed[field]
	if !ok {
		return p.fail("FILTER_FIELD_UNKNOWN", "不支持按字段 "+field+" 过滤")
	}
	if _, twice := values[field]; twice {
		return p.fail("FILTER_FIELD_REPEATED", "字段 "+field+" 只能出现一次")
	}
	p.skip()
	if p.done() || p.text[p.at] != '=' {
		return p.fail("FILTER_SYNTAX", "字段 "+field+" 之后应为等号")
	}
	p.at++
	p.skip()
	value, err := p.value(field, want)
	if err != nil {
		return err
	}
	values[field] = value
	return nil
}

func (p *parser) value(field string, want FieldKind) (any, error) {
	if want.kind == kindString {
		return p.quoted(field)
	}
	switch word := p.word(); want.kind {
	case kindBool:
		if word == "true" || word == "false" {
			return word == "true", nil
		}
		return nil, p.fail("FILTER_VALUE", "字段 "+field+" 的值应为 true 或 false")
	case kindInt:
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, p.fail("FILTER_VALUE", "字段 "+field+" 的值应为整数")
		}
		return n, nil
	default:
		number, ok := enumNumber(want.enum, word)
		if !ok {
			return nil, p.fail("FILTER_VALUE", "字段 "+field+" 没有这个取值")
		}
		return number, nil
	}
}

// quoted reads a string in quotes.
func (p *parser) quoted(field string) (string, error) {
	if p.done() || (p.text[p.at] != '"' && p.text[p.at] != '\'') {
		return "", p.fail("FILTER_VALUE", "字段 "+field+" 的值应为引号内的文字")
	}
	quote := p.text[p.at]
	p.at++
	var b strings.Builder
	for !p.done() {
		c := p.text[p.at]
		p.at++
		switch {
		case c == quote:
			return b.String(), nil
		case c == '\\':
			if p.done() || strings.IndexByte(`"'\`, p.text[p.at]) < 0 {
				return "", p.fail("FILTER_SYNTAX", "反斜杠之后只能是引号或反斜杠")
			}
			c = p.text[p.at]
			p.at++
		}
		b.WriteByte(c)
	}
	return "", p.fail("FILTER_SYNTAX", "引号没有结束")
}

// enumNumber finds a value by its name, or by its name without the prefix that
// the zero value `…_UNSPECIFIED` shows.
func enumNumber(enum protoreflect.EnumDescriptor, word string) (protoreflect.EnumNumber, bool) {
	values := enum.Values()
	prefix := ""
	if zero := values.ByNumber(0); zero != nil {
		prefix, _ = strings.CutSuffix(string(zero.Name()), "UNSPECIFIED")
	}
	for _, name := range []string{word, prefix + word} {
		if v := values.ByName(protoreflect.Name(name)); v != nil && v.Number() != 0 {
			return v.Number(), true
		}
	}
	return 0, false
}

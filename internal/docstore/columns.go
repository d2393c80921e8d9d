package docstore

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

var collectionName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)

// column is a Column with the way to its value in a body; the path is empty
// for the fields that come from the name and the envelope.
type column struct {
	Column
	path []protoreflect.FieldDescriptor
}

// schema is a Spec resolved against the message type.
type schema struct {
	spec    Spec
	columns []column
	byField map[string]int
}

func resolve(spec Spec, md protoreflect.MessageDescriptor) (*schema, error) {
	if !collectionName.MatchString(spec.Name) {
		return nil, fmt.Errorf("docstore: collection name %q is not lower snake case", spec.Name)
	}
	s := &schema{spec: spec, byField: map[string]int{}}
	for _, ix := range spec.Indexes {
		if err := s.addIndex(ix, md); err != nil {
			return nil, fmt.Errorf("docstore: collection %s, index %v: %w", spec.Name, ix.Fields, err)
		}
	}
	return s, nil
}

func (s *schema) addIndex(ix Index, md protoreflect.MessageDescriptor) error {
	if len(ix.Fields) == 0 {
		return fmt.Errorf("no fields")
	}
	repeated := 0
	for i, f := range ix.Fields {
		if slices.Contains(ix.Fields[:i], f) {
			return fmt.Errorf("field %s is there twice", f)
		}
		if f == FieldName {
			if i != len(ix.Fields)-1 {
				return fmt.Errorf("%s can only be the last field, where it is anyway", f)
			}
			continue
		}
		at, ok := s.byField[f]
		if !ok {
			c, err := resolveColumn(f, md)
			if err != nil {
				return err
			}
			at = len(s.columns)
			s.byField[f] = at
			s.columns = append(s.columns, c)
		}
		if s.columns[at].Repeated {
			repeated++
		}
	}
	if repeated > 1 || repeated > 0 && ix.Unique {
		return fmt.Errorf("at most one field may be repeated, and none of a unique index")
	}
	return nil
}

func resolveColumn(field string, md protoreflect.MessageDescriptor) (column, error) {
	c := column{Column: Column{Field: field}}
	switch field {
	case FieldViewers:
		c.Kind, c.Repeated = KindString, true
		return c, nil
	case FieldParent:
		c.Kind = KindString
		return c, nil
	case FieldCreateTime, FieldUpdateTime:
		c.Kind = KindInt
		return c, nil
	}
	for i, part := range strings.Split(field, ".") {
		if i > 0 {
			if md = c.path[i-1].Message(); md == nil {
				return c, fmt.Errorf("field %s: %s holds no fields", field, c.path[i-1].Name())
			}
		}
		fd := md.Fields().ByName(protoreflect.Name(part))
		if fd == nil || fd.IsMap() {
			return c, fmt.Errorf("field %s: %s has no field %s to index", field, md.FullName(), part)
		}
		if fd.IsList() && c.Repeated {
			return c, fmt.Errorf("field %s is repeated twice", field)
		}
		c.Repeated = c.Repeated || fd.IsList()
		c.path = append(c.path, fd)
	}
	var err error
	c.Kind, err = kindOf(c.path[len(c.path)-1])
	return c, err
}

func kindOf(fd protoreflect.FieldDescriptor) (Kind, error) {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return KindString, nil
	case protoreflect.BoolKind, protoreflect.EnumKind,
		protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind,
		protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind,
		protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return KindInt, nil
	case protoreflect.MessageKind:
		switch fd.Message().FullName() {
		case timestampName:
			return KindInt, nil
		case dateName:
			return KindString, nil
		}
	}
	return 0, fmt.Errorf("field %s: a %s cannot be indexed", fd.Name(), fd.Kind())
}

func (s *schema) publicColumns() []Column {
	cols := make([]Column, len(s.columns))
	for i, c := range s.columns {
		cols[i] = c.Column
	}
	return cols
}

// values works out the index values and unique keys of a record.
func (s *schema) values(r *Record) ([]Value, []string) {
	index := make([]Value, len(s.columns))
	for i, c := range s.columns {
		index[i] = c.value(r)
	}
	var unique []string
	for _, ix := range s.spec.Indexes {
		if ix.Unique {
			unique = append(unique, s.uniqueKey(ix, r, index))
		}
	}
	return index, unique
}

// uniqueKey is the JSON of the values of a unique index; empty when all are.
func (s *schema) uniqueKey(ix Index, r *Record, index []Value) string {
	key := make([]any, 0, len(ix.Fields))
	empty := true
	for _, f := range ix.Fields {
		if f == FieldName {
			key = append(key, r.Name)
			continue
		}
		v := index[s.byField[f]][0]
		empty = empty && (v == "" || v == int64(0))
		key = append(key, v)
	}
	if empty {
		return ""
	}
	b, err := json.Marshal(key)
	if err != nil { // strings and integers always encode
		panic(err)
	}
	return string(b)
}

func (c column) value(r *Record) Value {
	switch c.Field {
	case FieldViewers:
		v := make(Value, 0, len(r.Envelope.GetViewers()))
		for _, viewer := range r.Envelope.GetViewers() {
			v = append(v, viewer)
		}
		return distinct(v)
	case FieldParent:
		return Value{parentOf(r.Name)}
	case FieldCreateTime:
		return Value{millis(r.Envelope.GetCreateTime())}
	case FieldUpdateTime:
		return Value{millis(r.Envelope.GetUpdateTime())}
	}
	v := collect(nil, r.Body.ProtoReflect(), c.path)
	if c.Repeated {
		return distinct(v)
	}
	if len(v) == 0 {
		return Value{c.empty()}
	}
	return v
}

func (c Column) empty() any {
	if c.Kind == KindInt {
		return int64(0)
	}
	return ""
}

// parentOf is the name without its last two segments.
func parentOf(name string) string {
	end := len(name)
	for range 2 {
		end = strings.LastIndexByte(name[:end], '/')
		if end < 0 {
			return ""
		}
	}
	return name[:end]
}

func collect(into Value, m protoreflect.Message, path []protoreflect.FieldDescriptor) Value {
	fd, rest := path[0], path[1:]
	if fd.Message() != nil && !m.Has(fd) {
		return into
	}
	one := func(v protoreflect.Value) {
		if len(rest) > 0 {
			into = collect(into, v.Message(), rest)
		} else {
			into = append(into, scalar(fd, v))
		}
	}
	if !fd.IsList() {
		one(m.Get(fd))
		return into
	}
	for list, i := m.Get(fd).List(), 0; i < list.Len(); i++ {
		one(list.Get(i))
	}
	return into
}

func scalar(fd protoreflect.FieldDescriptor, v protoreflect.Value) any {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return v.String()
	case protoreflect.BoolKind:
		if v.Bool() {
			return int64(1)
		}
		return int64(0)
	case protoreflect.EnumKind:
		return int64(v.Enum())
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return int64(v.Uint())
	case protoreflect.MessageKind:
		m := v.Message()
		get := func(n protoreflect.FieldNumber) int64 { return m.Get(m.Descriptor().Fields().ByNumber(n)).Int() }
		if fd.Message().FullName() == dateName {
			return isoDate(get(1), get(2), get(3))
		}
		return get(1)*1000 + get(2)/1e6
	default:
		return v.Int()
	}
}

func isoDate(year, month, day int64) string {
	return fmt.Sprintf("%04d-%02d-%02d", year, month, day)
}

func distinct(v Value) Value {
	seen := make(map[any]bool, len(v))
	return slices.DeleteFunc(v, func(x any) bool {
		dup := seen[x]
		seen[x] = true
		return dup
	})
}

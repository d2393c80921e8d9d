package mongo

import (
	"fmt"
	"math"
	"regexp"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// decode fills an empty message from a BSON document.
func decode(doc []byte, m protoreflect.Message) error {
	d := bsoncore.Document(doc)
	if err := d.Validate(); err != nil {
		return fmt.Errorf("mongo: %s: %w", m.Descriptor().FullName(), err)
	}
	return decodeMessage(d, m)
}

func decodeMessage(doc bsoncore.Document, m protoreflect.Message) error {
	elements, err := doc.Elements()
	if err != nil {
		return fmt.Errorf("mongo: %s: %w", m.Descriptor().FullName(), err)
	}
	var unknown []byte
	var foreign []bsoncore.Element
	fields := m.Descriptor().Fields()
	for _, e := range elements {
		key, v := e.Key(), e.Value()
		if key == protoElement {
			_, b, ok := v.BinaryOK()
			if !ok {
				return fmt.Errorf("mongo: %s: element %s is not binary", m.Descriptor().FullName(), key)
			}
			unknown = append(unknown, b...)
			continue
		}
		fd := fields.ByName(protoreflect.Name(key))
		if fd == nil || hasUnknownName(fd, v) {
			foreign = append(foreign, e)
			continue
		}
		if err := decodeField(m, fd, v); err != nil {
			return fmt.Errorf("%s.%s: %w", m.Descriptor().Name(), key, err)
		}
	}
	if len(foreign) > 0 {
		start, raw := bsoncore.AppendDocumentStart(nil)
		for _, e := range foreign {
			raw = append(raw, e...)
		}
		if raw, err = bsoncore.AppendDocumentEnd(raw, start); err != nil {
			return fmt.Errorf("mongo: %w", err)
		}
		unknown = protowire.AppendTag(unknown, stashField, protowire.BytesType)
		unknown = protowire.AppendBytes(unknown, raw)
	}
	if len(unknown) > 0 {
		m.SetUnknown(unknown)
	}
	return nil
}

// hasUnknownName tells whether an element of an enum field holds a name that
// the schema does not have. It is then kept as a whole, and the field is unset.
func hasUnknownName(fd protoreflect.FieldDescriptor, v bsoncore.Value) bool {
	enum := fd.Enum()
	if fd.IsMap() {
		enum = fd.MapValue().Enum()
	}
	if enum == nil {
		return false
	}
	unknown := func(v bsoncore.Value) bool {
		name, ok := v.StringValueOK()
		return ok && enum.Values().ByName(protoreflect.Name(name)) == nil
	}
	list, ok := v.ArrayOK()
	if !ok {
		return unknown(v)
	}
	values, err := list.Values()
	if err != nil {
		return false // decodeField says what is wrong
	}
	for _, one := range values {
		if doc, ok := one.DocumentOK(); ok && fd.IsMap() {
			one = doc.Lookup("v")
		}
		if unknown(one) {
			return true
		}
	}
	return false
}

func decodeField(m protoreflect.Message, fd protoreflect.FieldDescriptor, v bsoncore.Value) error {
	if !fd.IsMap() && !fd.IsList() {
		x, err := decodeSingle(fd, v, func() protoreflect.Value { return m.NewField(fd) })
		if err == nil {
			m.Set(fd, x)
		}
		return err
	}
	array, ok := v.ArrayOK()
	if !ok {
		return notA("array", v)
	}
	values, err := array.Values()
	if err != nil {
		return fmt.Errorf("mongo: %w", err)
	}
	if fd.IsMap() {
		return decodeMap(m.Mutable(fd).Map(), fd, values)
	}
	list := m.Mutable(fd).List()
	for i, one := range values {
		x, err := decodeSingle(fd, one, list.NewElement)
		if err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
		list.Append(x)
	}
	return nil
}

func decodeMap(into protoreflect.Map, fd protoreflect.FieldDescriptor, entries []bsoncore.Value) error {
	for i, entry := range entries {
		doc, ok := entry.DocumentOK()
		if !ok {
			return fmt.Errorf("[%d]: %w", i, notA("document", entry))
		}
		k, err := decodeSingle(fd.MapKey(), doc.Lookup("k"), nil)
		if err != nil {
			return fmt.Errorf("[%d].k: %w", i, err)
		}
		v, err := decodeSingle(fd.MapValue(), doc.Lookup("v"), into.NewValue)
		if err != nil {
			return fmt.Errorf("[%d].v: %w", i, err)
		}
		into.Set(k.MapKey(), v)
	}
	return nil
}

func notA(what string, v bsoncore.Value) error {
	return fmt.Errorf("mongo: a %s where a %s belongs", v.Type, what)
}

// decodeSingle decodes one value; make gives an empty message to fill.
func decodeSingle(fd protoreflect.FieldDescriptor, v bsoncore.Value, empty func() protoreflect.Value) (protoreflect.Value, error) {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		if b, ok := v.BooleanOK(); ok {
			return protoreflect.ValueOfBool(b), nil
		}
		return protoreflect.Value{}, notA("boolean", v)
	case protoreflect.StringKind:
		if s, ok := v.StringValueOK(); ok {
			return protoreflect.ValueOfString(s), nil
		}
		return protoreflect.Value{}, notA("string", v)
	case protoreflect.BytesKind:
		if _, b, ok := v.BinaryOK(); ok {
			return protoreflect.ValueOfBytes(append([]byte{}, b...)), nil
		}
		return protoreflect.Value{}, notA("binary", v)
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return decodeFloat(fd, v)
	case protoreflect.EnumKind:
		return decodeEnum(fd, v)
	case protoreflect.MessageKind, protoreflect.GroupKind:
		x := empty()
		return x, decodeMessageValue(x.Message(), v)
	}
	n, err := wholeNumber(v)
	if err != nil {
		return protoreflect.Value{}, err
	}
	return integer(fd.Kind(), n)
}

func decodeFloat(fd protoreflect.FieldDescriptor, v bsoncore.Value) (protoreflect.Value, error) {
	f, ok := v.DoubleOK()
	if !ok {
		n, err := wholeNumber(v)
		if err != nil {
			return protoreflect.Value{}, err
		}
		f = float64(n)
	}
	if fd.Kind() == protoreflect.FloatKind {
		return protoreflect.ValueOfFloat32(float32(f)), nil
	}
	return protoreflect.ValueOfFloat64(f), nil
}

func decodeEnum(fd protoreflect.FieldDescriptor, v bsoncore.Value) (protoreflect.Value, error) {
	if name, ok := v.StringValueOK(); ok {
		known := fd.Enum().Values().ByName(protoreflect.Name(name))
		if known == nil {
			return protoreflect.Value{}, fmt.Errorf("mongo: %s has no %q", fd.Enum().Name(), name)
		}
		return protoreflect.ValueOfEnum(known.Number()), nil
	}
	n, err := wholeNumber(v)
	if err == nil && (n < math.MinInt32 || n > math.MaxInt32) {
		err = fmt.Errorf("mongo: %d is out of range", n)
	}
	return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n)), err
}

// wholeNumber reads any BSON number that is one: other tools write 3 as 3.0.
func wholeNumber(v bsoncore.Value) (int64, error) {
	if n, ok := v.Int32OK(); ok {
		return int64(n), nil
	}
	if n, ok := v.Int64OK(); ok {
		return n, nil
	}
	if f, ok := v.DoubleOK(); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f), nil
	}
	return 0, notA("whole number", v)
}

func integer(kind protoreflect.Kind, n int64) (protoreflect.Value, error) {
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		if n >= math.MinInt32 && n <= math.MaxInt32 {
			return protoreflect.ValueOfInt32(int32(n)), nil
		}
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		if n >= 0 && n <= math.MaxUint32 {
			return protoreflect.ValueOfUint32(uint32(n)), nil
		}
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(n), nil
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(n)), nil
	}
	return protoreflect.Value{}, fmt.Errorf("mongo: %d is out of range", n)
}

var isoDate = regexp.MustCompile(`^(\d{4})-(\d{2})-(\d{2})$`)

func decodeMessageValue(m protoreflect.Message, v bsoncore.Value) error {
	fields := m.Descriptor().Fields()
	switch m.Descriptor().FullName() {
	case timestampName:
		if ms, ok := v.DateTimeOK(); ok {
			seconds := ms / 1000
			if ms%1000 < 0 {
				seconds--
			}
			m.Set(fields.ByNumber(1), protoreflect.ValueOfInt64(seconds))
			m.Set(fields.ByNumber(2), protoreflect.ValueOfInt32(int32(ms-seconds*1000)*1e6))
			return nil
		}
	case dateName:
		if s, ok := v.StringValueOK(); ok {
			parts := isoDate.FindStringSubmatch(s)
			if parts == nil {
				return fmt.Errorf("mongo: %q is no date", s)
			}
			for i, part := range parts[1:] {
				n, _ := strconv.Atoi(part) // digits, by the pattern
				m.Set(fields.ByNumber(protoreflect.FieldNumber(i+1)), protoreflect.ValueOfInt32(int32(n)))
			}
			return nil
		}
	}
	doc, ok := v.DocumentOK()
	if !ok {
		return notA("document", v)
	}
	return decodeMessage(doc, m)
}

package mongo

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The codec keeps messages as BSON that people can read: proto field names,
// enums by name, timestamps as dates, google.type.Date as `2026-05-12`, maps
// as arrays of {k, v}. Only fields that are set are kept, in the order of the
// schema.
//
// Elements that the message's schema does not know, because a newer server
// wrote them, go into the message's unknown fields on decoding, as raw BSON
// under one reserved field number, and come back on encoding. Unknown protobuf
// fields are kept in the element [protoElement].

const (
	// stashField is the number under which unknown elements are carried: the
	// greatest there is, which no message of ours uses.
	stashField = protowire.Number(1<<29 - 1)
	// protoElement holds unknown protobuf fields. No proto field has this name,
	// since the JSON form of it would be ambiguous and the linter refuses it.
	protoElement = "__unknown"

	timestampName = protoreflect.FullName("google.protobuf.Timestamp")
	dateName      = protoreflect.FullName("google.type.Date")
)

// encode answers a message as a BSON document.
func encode(m protoreflect.Message) ([]byte, error) { return appendMessage(nil, m) }

func appendMessage(dst []byte, m protoreflect.Message) ([]byte, error) {
	start, dst := bsoncore.AppendDocumentStart(dst)
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if !m.Has(fd) {
			continue
		}
		var err error
		if dst, err = appendField(dst, fd, m.Get(fd)); err != nil {
			return nil, err
		}
	}
	dst, err := appendUnknown(dst, m)
	if err != nil {
		return nil, err
	}
	return bsoncore.AppendDocumentEnd(dst, start)
}

func appendField(dst []byte, fd protoreflect.FieldDescriptor, v protoreflect.Value) ([]byte, error) {
	key := string(fd.Name())
	switch {
	case fd.IsMap():
		return appendMap(dst, key, fd, v.Map())
	case fd.IsList():
		start, dst := bsoncore.AppendArrayElementStart(dst, key)
		list := v.List()
		for i := range list.Len() {
			var err error
			if dst, err = appendSingle(dst, strconv.Itoa(i), fd, list.Get(i)); err != nil {
				return nil, err
			}
		}
		return bsoncore.AppendArrayEnd(dst, start)
	}
	return appendSingle(dst, key, fd, v)
}

// appendMap keeps a map as an array in the order of its keys: a key may hold
// any character, which the name of an element may not.
func appendMap(dst []byte, key string, fd protoreflect.FieldDescriptor, m protoreflect.Map) ([]byte, error) {
	var keys []protoreflect.MapKey
	m.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, k)
		return true
	})
	slices.SortFunc(keys, compareKeys)
	start, dst := bsoncore.AppendArrayElementStart(dst, key)
	for i, k := range keys {
		entry, d := bsoncore.AppendDocumentElementStart(dst, strconv.Itoa(i))
		d, err := appendSingle(d, "k", fd.MapKey(), k.Value())
		if err != nil {
			return nil, err
		}
		if d, err = appendSingle(d, "v", fd.MapValue(), m.Get(k)); err != nil {
			return nil, err
		}
		if dst, err = bsoncore.AppendDocumentEnd(d, entry); err != nil {
			return nil, err
		}
	}
	return bsoncore.AppendArrayEnd(dst, start)
}

func compareKeys(a, b protoreflect.MapKey) int {
	switch x := a.Interface().(type) {
	case string:
		return cmp.Compare(x, b.String())
	case bool:
		return cmp.Compare(strconv.FormatBool(x), strconv.FormatBool(b.Bool()))
	case uint32, uint64:
		return cmp.Compare(a.Uint(), b.Uint())
	}
	return cmp.Compare(a.Int(), b.Int())
}

func appendSingle(dst []byte, key string, fd protoreflect.FieldDescriptor, v protoreflect.Value) ([]byte, error) {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return bsoncore.AppendBooleanElement(dst, key, v.Bool()), nil
	case protoreflect.StringKind:
		return bsoncore.AppendStringElement(dst, key, v.String()), nil
	case protoreflect.BytesKind:
		return bsoncore.AppendBinaryElement(dst, key, 0, v.Bytes()), nil
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return bsoncore.AppendDoubleElement(dst, key, v.Float()), nil
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return bsoncore.AppendInt32Element(dst, key, int32(v.Int())), nil
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return bsoncore.AppendInt64Element(dst, key, v.Int()), nil
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		// BSON has no unsigned integers: the greater half comes out negative.
		return bsoncore.AppendInt64Element(dst, key, int64(v.Uint())), nil
	case protoreflect.EnumKind:
		if known := fd.Enum().Values().ByNumber(v.Enum()); known != nil {
			return bsoncore.AppendStringElement(dst, key, string(known.Name())), nil
		}
		return bsoncore.AppendInt32Element(dst, key, int32(v.Enum())), nil
	default:
		return appendMessageElement(dst, key, v.Message())
	}
}

func appendMessageElement(dst []byte, key string, m protoreflect.Message) ([]byte, error) {
	switch m.Descriptor().FullName() {
	case timestampName:
		if ms, ok := timestampMillis(m); ok {
			return bsoncore.AppendDateTimeElement(dst, key, ms), nil
		}
	case dateName:
		if iso, ok := dateText(m); ok {
			return bsoncore.AppendStringElement(dst, key, iso), nil
		}
	}
	dst = bsoncore.AppendHeader(dst, bsoncore.TypeEmbeddedDocument, key)
	return appendMessage(dst, m)
}

func intField(m protoreflect.Message, n protoreflect.FieldNumber) int64 {
	return m.Get(m.Descriptor().Fields().ByNumber(n)).Int()
}

// timestampMillis is a timestamp as a BSON date. One that would not come back
// the same, which the store never makes, is kept as a document instead.
func timestampMillis(m protoreflect.Message) (int64, bool) {
	const limit = 1 << 50
	seconds, nanos := intField(m, 1), intField(m, 2)
	ok := len(m.GetUnknown()) == 0 && seconds > -limit && seconds < limit && nanos >= 0 && nanos < 1e9 && nanos%1e6 == 0
	return seconds*1000 + nanos/1e6, ok
}

// dateText is a date, or a partial one with zeros, as ISO text. One that does
// not fit the pattern is kept as a document.
func dateText(m protoreflect.Message) (string, bool) {
	y, mo, d := intField(m, 1), intField(m, 2), intField(m, 3)
	ok := len(m.GetUnknown()) == 0 && y >= 0 && y <= 9999 && mo >= 0 && mo <= 99 && d >= 0 && d <= 99
	return fmt.Sprintf("%04d-%02d-%02d", y, mo, d), ok
}

// appendUnknown writes the stash of a message back. An element that the schema
// understands is left out: the message says itself what that field is, and
// nobody can set it through unknown fields.
func appendUnknown(dst []byte, m protoreflect.Message) ([]byte, error) {
	var other []byte
	for rest := []byte(m.GetUnknown()); len(rest) > 0; {
		num, typ, n := protowire.ConsumeTag(rest)
		size := n
		if n >= 0 {
			size = protowire.ConsumeFieldValue(num, typ, rest[n:])
		}
		if n < 0 || size < 0 {
			return nil, fmt.Errorf("mongo: unknown fields of %s are damaged", m.Descriptor().FullName())
		}
		record := rest[:n+size]
		rest = rest[n+size:]
		if num != stashField || typ != protowire.BytesType {
			other = append(other, record...)
			continue
		}
		raw, _ := protowire.ConsumeBytes(record[n:])
		elements, err := stashed(raw)
		if err != nil {
			return nil, err
		}
		for _, e := range elements {
			if foreign(m, e) {
				dst = append(dst, e...)
			}
		}
	}
	if len(other) > 0 {
		dst = bsoncore.AppendBinaryElement(dst, protoElement, 0, other)
	}
	return dst, nil
}

func stashed(raw []byte) ([]bsoncore.Element, error) {
	doc := bsoncore.Document(raw)
	if err := doc.Validate(); err != nil {
		return nil, fmt.Errorf("mongo: stashed elements are damaged: %w", err)
	}
	return doc.Elements()
}

// foreign tells whether an element is one that decode would stash, for a field
// that is not set.
func foreign(m protoreflect.Message, e bsoncore.Element) bool {
	if e.Key() == protoElement {
		return false
	}
	fd := m.Descriptor().Fields().ByName(protoreflect.Name(e.Key()))
	return fd == nil || !m.Has(fd) && hasUnknownName(fd, e.Value())
}

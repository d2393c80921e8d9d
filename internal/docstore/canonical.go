package docstore

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	storagev1 "fashen/gen/fashen/storage/v1"
)

const (
	timestampName = protoreflect.FullName("google.protobuf.Timestamp")
	dateName      = protoreflect.FullName("google.type.Date")
)

// deterministic is the one encoding digests are taken of.
var deterministic = proto.MarshalOptions{Deterministic: true}

// outFields are the fields the store fills on the way out and does not keep.
type outFields struct {
	name, etag, create, update protoreflect.FieldDescriptor
}

func outFieldsOf(md protoreflect.MessageDescriptor) (outFields, error) {
	single := func(name protoreflect.Name, kind protoreflect.Kind, message protoreflect.FullName) protoreflect.FieldDescriptor {
		fd := md.Fields().ByName(name)
		if fd == nil || fd.IsList() || fd.Kind() != kind {
			return nil
		}
		if kind == protoreflect.MessageKind && fd.Message().FullName() != message {
			return nil
		}
		return fd
	}
	f := outFields{
		name:   single("name", protoreflect.StringKind, ""),
		etag:   single("etag", protoreflect.StringKind, ""),
		create: single(FieldCreateTime, protoreflect.MessageKind, timestampName),
		update: single(FieldUpdateTime, protoreflect.MessageKind, timestampName),
	}
	if f.name == nil {
		return f, fmt.Errorf("docstore: %s has no string field `name`", md.FullName())
	}
	return f, nil
}

// clear takes the filled fields out of a body.
func (f outFields) clear(m protoreflect.Message) {
	for _, fd := range []protoreflect.FieldDescriptor{f.etag, f.create, f.update} {
		if fd != nil {
			m.Clear(fd)
		}
	}
}

// fill sets them from the envelope.
func (f outFields) fill(m protoreflect.Message, env *storagev1.Envelope, etag string) {
	if f.etag != nil {
		m.Set(f.etag, protoreflect.ValueOfString(etag))
	}
	setTime(m, f.create, env.GetCreateTime())
	setTime(m, f.update, env.GetUpdateTime())
}

func setTime(m protoreflect.Message, fd protoreflect.FieldDescriptor, t *timestamppb.Timestamp) {
	if fd == nil || t == nil {
		return
	}
	v := m.NewField(fd)
	fields := fd.Message().Fields()
	v.Message().Set(fields.ByNumber(1), protoreflect.ValueOfInt64(t.GetSeconds()))
	v.Message().Set(fields.ByNumber(2), protoreflect.ValueOfInt32(t.GetNanos()))
	m.Set(fd, v)
}

// truncateTimes cuts every timestamp of a message to milliseconds, which is
// what every engine keeps. A timestamp outside the years 1 to 9999 is an error.
func truncateTimes(m protoreflect.Message) error {
	if m.Descriptor().FullName() == timestampName {
		return truncateTime(m)
	}
	var failed error
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap():
			if fd.MapValue().Message() == nil {
				return true
			}
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				failed = truncateTimes(v.Message())
				return failed == nil
			})
		case fd.Message() == nil:
		case fd.IsList():
			for i := 0; i < v.List().Len() && failed == nil; i++ {
				failed = truncateTimes(v.List().Get(i).Message())
			}
		default:
			failed = truncateTimes(v.Message())
		}
		return failed == nil
	})
	return failed
}

func truncateTime(m protoreflect.Message) error {
	seconds, nanos := m.Descriptor().Fields().ByNumber(1), m.Descriptor().Fields().ByNumber(2)
	t := &timestamppb.Timestamp{Seconds: m.Get(seconds).Int(), Nanos: int32(m.Get(nanos).Int())}
	if err := t.CheckValid(); err != nil {
		return fmt.Errorf("docstore: %w", err)
	}
	if n := t.Nanos - t.Nanos%int32(time.Millisecond); n != t.Nanos {
		m.Set(nanos, protoreflect.ValueOfInt32(n))
	}
	return nil
}

// Digest is the SHA-256 of the canonical encoding of a body: deterministic
// protobuf of the fields this schema knows. partial tells that the body holds
// fields it does not know, which are left out.
func Digest(body proto.Message) (digest []byte, partial bool, err error) {
	if hasUnknown(body.ProtoReflect()) {
		partial = true
		body = proto.Clone(body)
		dropUnknown(body.ProtoReflect())
	}
	b, err := deterministic.Marshal(body)
	if err != nil {
		return nil, partial, fmt.Errorf("docstore: encode %s: %w", body.ProtoReflect().Descriptor().FullName(), err)
	}
	sum := sha256.Sum256(b)
	return sum[:], partial, nil
}

func hasUnknown(m protoreflect.Message) bool {
	found := len(m.GetUnknown()) > 0
	eachMessage(m, func(sub protoreflect.Message) bool {
		found = found || hasUnknown(sub)
		return !found
	})
	return found
}

func dropUnknown(m protoreflect.Message) {
	m.SetUnknown(nil)
	eachMessage(m, func(sub protoreflect.Message) bool {
		dropUnknown(sub)
		return true
	})
}

// eachMessage calls do for every message directly in m, until it says false.
func eachMessage(m protoreflect.Message, do func(protoreflect.Message) bool) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		more := true
		switch {
		case fd.IsMap():
			if fd.MapValue().Message() == nil {
				return true
			}
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				more = do(v.Message())
				return more
			})
		case fd.Message() == nil:
		case fd.IsList():
			for i := 0; i < v.List().Len() && more; i++ {
				more = do(v.List().Get(i).Message())
			}
		default:
			more = do(v.Message())
		}
		return more
	})
}

// etagOf names a version of a body. Revision alone would repeat when a store
// is restored from an older copy; the time of the change tells those apart.
func etagOf(name string, env *storagev1.Envelope) string {
	b := make([]byte, 0, len(name)+16)
	b = binary.BigEndian.AppendUint64(b, uint64(env.GetRevision()))
	b = binary.BigEndian.AppendUint64(b, uint64(millis(env.GetUpdateTime())))
	b = append(b, name...)
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// millis is a timestamp as milliseconds since 1970; 0 when it is not set.
func millis(t *timestamppb.Timestamp) int64 {
	return t.GetSeconds()*1000 + int64(t.GetNanos())/int64(time.Millisecond)
}

package docstoretest

import (
	"math"
	"math/rand/v2"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Random fills a message with whatever its fields may hold: edge values, odd
// strings, enum numbers without a name, partial dates. Timestamps are whole
// milliseconds, as everything stored is.
func Random(r *rand.Rand, m protoreflect.Message) { random(r, m, 5) }

func random(r *rand.Rand, m protoreflect.Message, depth int) {
	switch m.Descriptor().FullName() {
	case "google.protobuf.Timestamp":
		setInts(m, pick[int64](r, -62135596800, -1, 0, 1, 1778547723, 253402300799), int64(r.IntN(1000))*1e6)
		return
	case "google.protobuf.Duration":
		setInts(m, pick[int64](r, -315576000000, 0, 1, 315576000000), 0)
		return
	case "google.type.Date":
		setInts(m, pick[int64](r, 0, 1, 1949, 2026, 9999), pick[int64](r, 0, 1, 12), pick[int64](r, 0, 1, 28, 31))
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if r.IntN(10) < 3 || depth == 0 && (fd.Message() != nil) {
			continue
		}
		switch {
		case fd.IsMap():
			into := m.Mutable(fd).Map()
			for range 1 + r.IntN(3) {
				v := into.NewValue()
				if fd.MapValue().Message() != nil {
					random(r, v.Message(), depth-1)
				} else {
					v = randomScalar(r, fd.MapValue())
				}
				into.Set(randomScalar(r, fd.MapKey()).MapKey(), v)
			}
		case fd.IsList():
			into := m.Mutable(fd).List()
			for range 1 + r.IntN(3) {
				if fd.Message() == nil {
					into.Append(randomScalar(r, fd))
					continue
				}
				random(r, into.AppendMutable().Message(), depth-1)
			}
		case fd.Message() != nil:
			random(r, m.Mutable(fd).Message(), depth-1)
		default:
			m.Set(fd, randomScalar(r, fd))
		}
	}
}

// setInts sets the integer fields 1, 2, … of a message.
func setInts(m protoreflect.Message, values ...int64) {
	for i, n := range values {
		fd := m.Descriptor().Fields().ByNumber(protoreflect.FieldNumber(i + 1))
		if fd.Kind() == protoreflect.Int32Kind {
			m.Set(fd, protoreflect.ValueOfInt32(int32(n)))
		} else {
			m.Set(fd, protoreflect.ValueOfInt64(n))
		}
	}
}

func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

func randomScalar(r *rand.Rand, fd protoreflect.FieldDescriptor) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(r.IntN(2) == 0)
	case protoreflect.EnumKind:
		if r.IntN(4) == 0 {
			return protoreflect.ValueOfEnum(pick(r, protoreflect.EnumNumber(9999), -1, math.MaxInt32))
		}
		values := fd.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(r.IntN(values.Len())).Number())
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(pick[int32](r, 0, 1, -1, math.MinInt32, math.MaxInt32))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(pick[uint32](r, 0, 1, math.MaxUint32))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(pick[int64](r, 0, 1, -1, 1<<53+1, math.MinInt64, math.MaxInt64))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(pick[uint64](r, 0, 1, 1<<63, math.MaxUint64))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(pick(r, 0, 0.1, float32(math.Inf(1)), math.MaxFloat32, math.SmallestNonzeroFloat32))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(pick(r, 0, 0.1, math.Inf(-1), math.MaxFloat64, math.Copysign(0, -1)))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(pick(r, []byte{}, []byte{0}, []byte("\xff\xfe")))
	default:
		return protoreflect.ValueOfString(pick(r, "", "a", "第一条", "𠮷\U0010FFFF", "a\x00b", "$where", "2026-01-01", "e\u0301"))
	}
}

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// odd are requests that differ from a good one in one field, down to a depth: left
// out, blank, endless, below zero, of no kind there is, another resource's name.
func odd(in proto.Message, depth int) map[string]proto.Message {
	out := map[string]proto.Message{}
	fields := in.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		with := func(what string, change func(m protoreflect.Message)) {
			c := proto.Clone(in)
			change(c.ProtoReflect())
			out[string(f.Name())+" "+what] = c
		}
		with("left out", func(m protoreflect.Message) { m.Clear(f) })
		switch {
		case f.IsMap():
		case f.IsList() && f.Kind() == protoreflect.MessageKind:
			with("empty inside", func(m protoreflect.Message) { l := m.Mutable(f).List(); l.Append(l.NewElement()) })
		case f.IsList() && f.Kind() == protoreflect.StringKind:
			with("blank inside", func(m protoreflect.Message) { m.Mutable(f).List().Append(protoreflect.ValueOfString("")) })
			with("strange inside", func(m protoreflect.Message) {
				m.Mutable(f).List().Append(protoreflect.ValueOfString("示\x00例/../x"))
			})
		case f.IsList():
		case f.Kind() == protoreflect.StringKind:
			for what, s := range map[string]string{
				"blank": " \u3000", "endless": strings.Repeat("例", 20001), "strange": "示\x00例/../x", "a region": region,
				"upwards": region + "/cases/../people/x", "all": "regions/-/cases/-", "long name": region + "/cases/" + strings.Repeat("a/", 40),
			} {
				with(what, func(m protoreflect.Message) { m.Set(f, protoreflect.ValueOfString(s)) })
			}
		case f.Kind() == protoreflect.Int32Kind:
			for _, n := range []int32{-1, 1 << 30} {
				with(fmt.Sprint(n), func(m protoreflect.Message) { m.Set(f, protoreflect.ValueOfInt32(n)) })
			}
		case f.Kind() == protoreflect.EnumKind:
			with("none there is", func(m protoreflect.Message) { m.Set(f, protoreflect.ValueOfEnum(99)) })
		case f.Kind() == protoreflect.MessageKind:
			with("empty", func(m protoreflect.Message) { m.Set(f, m.NewField(f)) })
			if depth > 0 && in.ProtoReflect().Has(f) {
				for what, inner := range odd(in.ProtoReflect().Get(f).Message().Interface(), depth-1) {
					with("with "+what, func(m protoreflect.Message) { m.Set(f, protoreflect.ValueOfMessage(inner.ProtoReflect())) })
				}
			}
		}
	}
	return out
}

// Whatever a client sends, the answer says what is wrong with it, in Chinese and with
// a code, and never that the server could not go on.
func TestOddRequests(t *testing.T) {
	c := onSQLite(t)
	toLoopback(&c)
	withFonts(t)(&c)
	w := alone(t, c, "grpc", "2026-04-08")
	n := prepareMatrix(t, w)
	asked := 0
	for _, of := range []map[string]func(n names) proto.Message{counselRequests, reviewRequests(t), registerRequests, solicitationRequests, matterRequests} {
		for _, key := range slices.Sorted(maps.Keys(of)) {
			method, _, _ := strings.Cut(key, " ")
			d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(method, "/", ".")))
			if err != nil {
				t.Fatal(err)
			}
			if md := d.(protoreflect.MethodDescriptor); md.IsStreamingServer() || md.IsStreamingClient() {
				continue
			}
			answer := outputOf(t, d.(protoreflect.MethodDescriptor))
			for what, in := range odd(of[key](n), 2) {
				for _, login := range []string{"reviewer", "counsel", "drafter"} {
					asked++
					f := w.try(t, login, method, in, proto.Clone(answer))
					switch {
					case f == nil, f.code == codes.PermissionDenied && f.reason != "":
					case f.code == codes.Internal, f.code == codes.Unknown, f.code == codes.DataLoss, f.reason == "", f.message == "":
						t.Errorf("%s as %s, %s: %v", method, login, what, f)
					case f.code == codes.InvalidArgument && len(f.fields) == 0:
						t.Errorf("%s as %s, %s names no field: %v", method, login, what, f)
					}
				}
			}
		}
	}
	if asked < 1000 {
		t.Errorf("only %d requests", asked)
	}
}

func outputOf(t *testing.T, md protoreflect.MethodDescriptor) proto.Message {
	t.Helper()
	mt, err := protoregistry.GlobalTypes.FindMessageByName(md.Output().FullName())
	if err != nil {
		t.Fatal(err)
	}
	return mt.New().Interface()
}

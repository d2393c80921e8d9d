package docstoretest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"fashen/internal/docstore"

	_ "fashen/gen/fashen/core/v1" // every message there is
	_ "fashen/gen/fashen/counsel/v1"
	_ "fashen/gen/fashen/directory/v1"
	_ "fashen/gen/fashen/filing/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
)

// Messages lists every message type of ours, and the common ones they hold.
func Messages() []protoreflect.MessageType {
	var out []protoreflect.MessageType
	protoregistry.GlobalTypes.RangeMessages(func(mt protoreflect.MessageType) bool {
		name := string(mt.Descriptor().FullName())
		if strings.HasPrefix(name, "fashen.") {
			out = append(out, mt)
		}
		return true
	})
	for _, name := range []protoreflect.FullName{"google.protobuf.Duration", "google.protobuf.Timestamp", "google.type.Date"} {
		if mt, err := protoregistry.GlobalTypes.FindMessageByName(name); err == nil {
			out = append(out, mt)
		}
	}
	return out
}

// testMessages: every message type comes back as it was put in, from an
// engine's table, empty and filled at random.
func testMessages(t *testing.T, open Opener) {
	const each = 3
	e, _ := open(t)
	types := Messages()
	if len(types) < 20 {
		t.Fatalf("only %d message types are linked in", len(types))
	}
	for n, mt := range types {
		r := rand.New(rand.NewPCG(1, uint64(n)))
		table, err := e.Table(t.Context(), docstore.TableSpec{
			Spec: docstore.Spec{Name: "things"},
			New:  func() proto.Message { return mt.New().Interface() },
			Values: func(*docstore.Record) ([]docstore.Value, []string) {
				return nil, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range each {
			m := mt.New()
			if i > 0 {
				Random(r, m)
			}
			name := fmt.Sprintf("things/%d-%d", n, i)
			in := &docstore.Record{Name: name, CreateKey: name, Body: m.Interface(), Envelope: &storagev1.Envelope{}}
			if err := table.Insert(t.Context(), in); err != nil {
				t.Fatalf("%s: %v", mt.Descriptor().FullName(), err)
			}
			out, err := table.Get(t.Context(), name)
			if err != nil {
				t.Fatalf("%s: %v", mt.Descriptor().FullName(), err)
			}
			if !proto.Equal(in.Body, out.Body) {
				t.Errorf("%s\n in  %v\n out %v", mt.Descriptor().FullName(), in.Body, out.Body)
			}
		}
	}
}

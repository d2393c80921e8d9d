package mongo

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"google.golang.org/genproto/googleapis/type/date"

	"fashen/internal/docstore/docstoretest"

	corev1 "fashen/gen/fashen/core/v1"
)

// roundTrip encodes, decodes and encodes again.
func roundTrip(t *testing.T, m protoreflect.Message) protoreflect.Message {
	t.Helper()
	raw, err := encode(m)
	if err != nil {
		t.Fatalf("encode %v: %v", m.Interface(), err)
	}
	out := m.New()
	if err := decode(raw, out); err != nil {
		t.Fatalf("decode %v: %v", bson.Raw(raw), err)
	}
	again, err := encode(out)
	if err != nil || !bytes.Equal(raw, again) {
		t.Errorf("encoded again: %v\n%v\n%v", err, bson.Raw(raw), bson.Raw(again))
	}
	return out
}

func TestCodecRoundTrip(t *testing.T) {
	const each = 50
	for n, mt := range docstoretest.Messages() {
		r := rand.New(rand.NewPCG(2, uint64(n)))
		for range each {
			m := mt.New()
			docstoretest.Random(r, m)
			if out := roundTrip(t, m); !proto.Equal(m.Interface(), out.Interface()) {
				t.Fatalf("%s\n in  %v\n out %v", mt.Descriptor().FullName(), m.Interface(), out.Interface())
			}
		}
	}
}

func TestCodecForm(t *testing.T) {
	m := docstoretest.V1.Paper("regions/120105/papers/a", map[string]any{
		"state": docstoretest.StateSubmitted, "count": 3, "tags": []string{"甲"}, "urgent": true,
		"issued": proto.Message(&date.Date{Year: 2026, Month: 5}),
		"lead":   docstoretest.V1.Item(map[string]any{"text": "a\x00𠮷"}),
	})
	raw, err := encode(m)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"name": "regions/120105/papers/a","state": "STATE_SUBMITTED","count": {"$numberLong":"3"},"tags": ["甲"],` +
		`"lead": {"text": "a\u0000𠮷"},"issued": "2026-05-00","urgent": true}`
	if got := bson.Raw(raw).String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestCodecRefuses: what is not of the schema's types is no message.
func TestCodecRefuses(t *testing.T) {
	for what, d := range map[string]bson.D{
		"a number as text":     {{Key: "count", Value: "3"}},
		"half a number":        {{Key: "count", Value: 0.5}},
		"a list as one":        {{Key: "tags", Value: "a"}},
		"a message as text":    {{Key: "lead", Value: "a"}},
		"a date of words":      {{Key: "issued", Value: "yesterday"}},
		"a nested wrong type":  {{Key: "items", Value: bson.A{bson.D{{Key: "text", Value: 3}}}}},
		"a bool as number":     {{Key: "urgent", Value: 1}},
		"an enum out of range": {{Key: "state", Value: int64(1) << 40}},
	} {
		raw, err := bson.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := decode(raw, docstoretest.V1.New().ProtoReflect()); err == nil {
			t.Errorf("%s passed", what)
		}
	}
	if err := decode([]byte{1, 2, 3}, docstoretest.V1.New().ProtoReflect()); err == nil {
		t.Error("no BSON passed")
	}
}

// TestCodecStashIsNoWayIn: unknown fields cannot set what the schema knows.
func TestCodecStashIsNoWayIn(t *testing.T) {
	stash, err := bson.Marshal(bson.D{{Key: "title", Value: "smuggled"}, {Key: "future", Value: 1}})
	if err != nil {
		t.Fatal(err)
	}
	m := docstoretest.V1.Paper("a", nil)
	m.SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, stashField, protowire.BytesType), stash))
	out := roundTrip(t, m)
	if title := docstoretest.Text(out, "title"); title != "" {
		t.Errorf("title %q", title)
	}
	m.SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, stashField, protowire.BytesType), []byte("no BSON")))
	if _, err := encode(m); err == nil {
		t.Error("a damaged stash passed")
	}
	// Unknown protobuf fields of other numbers are kept as they are.
	other := protowire.AppendVarint(protowire.AppendTag(nil, 1000, protowire.VarintType), 7)
	m.SetUnknown(other)
	if out := roundTrip(t, m); !bytes.Equal(out.GetUnknown(), other) {
		t.Errorf("unknown fields %v", out.GetUnknown())
	}
}

// FuzzCodec: whatever protobuf says comes back from BSON, and no BSON crashes.
func FuzzCodec(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 5 {
		m := &corev1.JournalEntry{}
		docstoretest.Random(r, m.ProtoReflect())
		wire, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Add([]byte{5, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = decode(data, docstoretest.V1.New().ProtoReflect())
		m := &corev1.JournalEntry{}
		if proto.Unmarshal(data, m) != nil {
			return
		}
		raw, err := encode(m.ProtoReflect())
		if err != nil {
			return // unknown fields that claim to be a stash and are none
		}
		out := &corev1.JournalEntry{}
		if err := decode(raw, out.ProtoReflect()); err != nil {
			t.Fatalf("decode: %v", err)
		}
		dropUnknown(m)
		dropUnknown(out)
		if !proto.Equal(m, out) {
			t.Fatalf("in  %v\nout %v", m, out)
		}
	})
}

func dropUnknown(m *corev1.JournalEntry) {
	m.ProtoReflect().SetUnknown(nil)
	if m.GetTime() != nil {
		m.GetTime().ProtoReflect().SetUnknown(nil)
	}
	for _, d := range m.GetDetails() {
		d.ProtoReflect().SetUnknown(nil)
	}
}

package docstore

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
)

func vector() *corev1.JournalEntry {
	return &corev1.JournalEntry{
		Resource: "regions/120105/documents/a", Sequence: 2, Time: timestamppb.New(time.Date(2026, 5, 12, 1, 2, 3, 4_000_000, time.UTC)),
		Actor: "people/zhang", Outcome: corev1.Outcome_OUTCOME_REFUSED, Reasons: []string{"LEGALITY_STALE"},
		Details: []*corev1.Detail{{Name: "date", Value: "2026-05-20"}}, Hash: []byte{1},
	}
}

// TestDigestsStay pins the canonical encoding: were it to change, with the
// protobuf library or with us, every stored chain would fail to verify.
func TestDigestsStay(t *testing.T) {
	digest, partial, err := Digest(vector())
	if err != nil || partial {
		t.Fatal(partial, err)
	}
	if got := hex.EncodeToString(digest); got != "7e5a5047b7da5a614f6369639704b5d2c91e5dd943578c9ead74286d1fb19de9" {
		t.Errorf("digest %s", got)
	}
	hash, err := EntryHash(vector())
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(hash); got != "6eda88649309cf31e192ea39d597e249dd37f64913c7670e58bd18dffa4232c0" {
		t.Errorf("hash %s", got)
	}
}

func TestDigestLeavesOutUnknown(t *testing.T) {
	m := vector()
	want, _, _ := Digest(m)
	m.ProtoReflect().SetUnknown([]byte{0xf8, 0x3f, 1})
	m.GetDetails()[0].ProtoReflect().SetUnknown([]byte{0xf8, 0x3f, 2})
	before := proto.CloneOf(m)
	got, partial, err := Digest(m)
	if err != nil || !partial || !bytes.Equal(got, want) {
		t.Errorf("%x, partial %v, %v; want %x", got, partial, err, want)
	}
	if !proto.Equal(before, m) {
		t.Error("the message was changed")
	}
}

func TestTruncateTimes(t *testing.T) {
	env := &storagev1.Envelope{
		CreateTime: &timestamppb.Timestamp{Seconds: -1, Nanos: 999_999_999},
		Tail:       []*corev1.JournalEntry{{Time: &timestamppb.Timestamp{Nanos: 1_999_999}}},
	}
	if err := truncateTimes(env.ProtoReflect()); err != nil {
		t.Fatal(err)
	}
	if n := env.GetCreateTime().GetNanos(); n != 999_000_000 {
		t.Errorf("%d ns", n)
	}
	if n := env.GetTail()[0].GetTime().GetNanos(); n != 1_000_000 {
		t.Errorf("nested: %d ns", n)
	}
	env.Tail[0].Time.Seconds = 1 << 60
	if err := truncateTimes(env.ProtoReflect()); err == nil {
		t.Error("a time beyond all years passed")
	}
}

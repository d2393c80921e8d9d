package feed_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"fashen/internal/docstore"

	corev1 "fashen/gen/fashen/core/v1"
)

// A watcher that does not read holds up neither writers nor other watchers, and
// misses nothing once it reads: it is far behind the newest events by then.
func TestSlowWatcher(t *testing.T) {
	const writes = 2500
	h := newHarness(t)
	slow, quick := h.watch(1, &corev1.WatchRequest{}), h.watch(1, &corev1.WatchRequest{})
	for i := range writes {
		if err := h.create(i, 1); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []interface {
		Recv() (*corev1.WatchResponse, error)
	}{quick, slow} {
		for want := int64(1); want <= writes; want++ {
			var e *corev1.Event
			for e == nil {
				m, err := s.Recv()
				if err != nil {
					t.Fatal(err)
				}
				e = m.GetEvent()
			}
			if e.GetPosition() != want || e.GetData().GetSequence() != 1 {
				t.Fatalf("position %d, want %d", e.GetPosition(), want)
			}
		}
	}
}

// What counts is who may see a resource now: a viewer who was taken off is told
// nothing of what went before, one who came is told all.
func TestVisibilityIsOfNow(t *testing.T) {
	h := newHarness(t)
	late := h.watch(2, &corev1.WatchRequest{Heartbeat: durationpb.New(time.Second)})
	if err := h.create(1, 1); err != nil {
		t.Fatal(err)
	}
	both := h.watch(1, &corev1.WatchRequest{FromStart: true})
	if e := h.event(both); e.GetSubject() != paper(1) {
		t.Errorf("told %v", e)
	}
	h.change(1, docstore.Change{Revoke: []string{bureau(1)}, Grant: []string{bureau(2)}})
	if e := h.event(late); e.GetData().GetSequence() != 2 {
		t.Errorf("told %v", e)
	}
	all := h.watch(2, &corev1.WatchRequest{FromStart: true})
	for want := int64(1); want <= 2; want++ {
		if e := h.event(all); e.GetData().GetSequence() != want {
			t.Errorf("told %v, want entry %d", e, want)
		}
	}
	none := h.watch(1, &corev1.WatchRequest{FromStart: true, Heartbeat: durationpb.New(time.Second)})
	if m, err := none.Recv(); err != nil || m.GetHeartbeat() == nil {
		t.Errorf("one who was taken off is told %v, %v", m, err)
	}
}

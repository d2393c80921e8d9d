package directory

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/docstore"
	"fashen/internal/webhook"
)

// BenchmarkDelivery takes an event down and posts it to a host that takes it at
// once: two durable writes and a request.
func BenchmarkDelivery(b *testing.B) {
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer host.Close()
	p := newProgram(b)
	networks, _ := webhook.ParseNetworks([]string{"127.0.0.1/32"})
	p.server.courier.d.Sender = webhook.NewSender(webhook.Options{Networks: networks})
	w, _, err := p.server.store.webhooks.Create(asService(b.Context(), "bench", ""), &directoryv1.Webhook{
		Name: p.system.GetName() + "/webhooks/w", Url: host.URL, State: directoryv1.Webhook_ACTIVE, CreateTime: timestamppb.New(p.clock.now()),
	}, docstore.Change{})
	if err != nil {
		b.Fatal(err)
	}
	r := newRound(p.server.courier, w, p.system)
	n := 0
	for b.Loop() {
		n++
		if err := r.take(b.Context(), exampleEvent(fmt.Sprint(n), p.clock.now())); err != nil {
			b.Fatal(err)
		}
		if err := r.postDue(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	if kept := len(r.kept(b)); kept != min(n, 50) {
		b.Errorf("%d of %d deliveries", kept, n)
	}
}

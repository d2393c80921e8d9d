package directory

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/rpc"
	"fashen/internal/webhook"
)

// channel is a feed that tells what is put into it, to whoever follows.
type channel struct {
	corev1.FeedServiceClient

	events chan *corev1.WatchResponse
}

type channelStream struct {
	grpc.ClientStream

	ctx    context.Context
	events chan *corev1.WatchResponse
}

func (c channel) Watch(ctx context.Context, _ *corev1.WatchRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[corev1.WatchResponse], error) {
	return channelStream{ctx: ctx, events: c.events}, nil
}

func (s channelStream) Recv() (*corev1.WatchResponse, error) {
	select {
	case m := <-s.events:
		return m, nil
	case <-s.ctx.Done():
		return nil, rpc.New(codes.Canceled, rpc.ReasonCanceled, "")
	}
}

// Of several processes one posts; when it ends another goes on, and what was
// disabled is left alone.
func TestOneProcessPosts(t *testing.T) {
	p := newProgram(t)
	posts := make(chan string, 10)
	host := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		posts <- r.Header.Get(webhook.HeaderID)
	}))
	t.Cleanup(host.Close)
	networks, _ := webhook.ParseNetworks([]string{"127.0.0.1/32"})
	process := func() (*house, chan *corev1.WatchResponse) {
		events := make(chan *corev1.WatchResponse)
		h := *p.house
		h.posting = Webhooks{
			Key: []byte("key"), Networks: networks, Sender: webhook.NewSender(webhook.Options{Networks: networks}),
			Feeds: map[string]corev1.FeedServiceClient{"filing": channel{events: events}},
		}
		h.start()
		return &h, events
	}
	first, tellFirst := process()
	second, tellSecond := process()
	w, err := first.webhooks.CreateWebhook(p.security, &directoryv1.CreateWebhookRequest{Parent: p.system.GetName(), Webhook: &directoryv1.Webhook{
		DisplayName: "示例回调", Url: host.URL, Services: []string{"filing"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	next := func(want string) {
		t.Helper()
		select {
		case got := <-posts:
			if got != want {
				t.Errorf("posted %s, want %s", got, want)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s was not posted", want)
		}
	}
	stopFirst := first.server.StartWebhooks()
	tellFirst <- event("1", p.clock.now())
	next(exampleEvent("1", p.clock.now()).GetId())
	stopSecond := second.server.StartWebhooks()
	tellFirst <- event("2", p.clock.now())
	next(exampleEvent("2", p.clock.now()).GetId())
	select {
	case tellSecond <- event("3", p.clock.now()):
		t.Error("two follow")
	default:
	}
	for tick := time.Tick(10 * time.Millisecond); ; <-tick { // else it comes again, under its id
		if d, err := first.webhooks.GetDelivery(p.security, &directoryv1.GetDeliveryRequest{
			Name: w.GetName() + "/deliveries/filing-120105-2",
		}); err != nil {
			t.Fatal(err)
		} else if d.GetState() == directoryv1.Delivery_DELIVERED {
			break
		}
	}
	stopFirst()
	tellSecond <- event("3", p.clock.now())
	next(exampleEvent("3", p.clock.now()).GetId())
	if _, err := second.webhooks.DisableWebhook(p.security, &directoryv1.DisableWebhookRequest{Name: w.GetName()}); err != nil {
		t.Error(err)
	}
	stopSecond()
	select {
	case tellSecond <- event("4", p.clock.now()):
		t.Error("one follows after the end")
	default:
	}
}

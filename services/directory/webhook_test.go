package directory

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
	"fashen/internal/docstore"
	"fashen/internal/feed"
	"fashen/internal/rpc"
	"fashen/internal/webhook"
)

var noon = time.Date(2026, 5, 12, 4, 0, 0, 0, time.UTC)

func exampleWebhook() *directoryv1.Webhook {
	return &directoryv1.Webhook{
		Name: hebei + "/systems/oa/webhooks/w", Url: "https://oa.example.cn/hook", Services: []string{"filing"},
		State: directoryv1.Webhook_ACTIVE, SecretId: "one", CreateTime: timestamppb.New(noon),
	}
}

func exampleEvent(position string, at time.Time) *corev1.Event {
	return &corev1.Event{
		Specversion: "1.0", Id: "filing/" + hebei + "/" + position, Type: "fashen.filing.SubmitDocument.done", Time: timestamppb.New(at),
	}
}

func TestCheckWebhook(t *testing.T) {
	for what, c := range map[string]struct {
		change func(*directoryv1.Webhook)
		reason string
	}{
		"good":               {func(*directoryv1.Webhook) {}, ""},
		"a collection":       {func(w *directoryv1.Webhook) { w.Resources = []string{hebei + "/documents/*"} }, ""},
		"a private address":  {func(w *directoryv1.Webhook) { w.Url = "https://192.168.1.1/" }, "WEBHOOK_URL_INVALID"},
		"an unknown service": {func(w *directoryv1.Webhook) { w.Services = []string{"filing", "tax"} }, "SERVICE_UNKNOWN"},
		"a star in between":  {func(w *directoryv1.Webhook) { w.Resources = []string{"regions/*/documents"} }, "RESOURCE_PATTERN_INVALID"},
		"a star on a name":   {func(w *directoryv1.Webhook) { w.Resources = []string{hebei + "/documents*"} }, "RESOURCE_PATTERN_INVALID"},
		"two faults": {func(w *directoryv1.Webhook) {
			w.Url, w.Services = "ftp://oa.example.cn/", []string{"tax"}
		}, rpc.ReasonFieldViolation},
	} {
		w := exampleWebhook()
		c.change(w)
		if got := rpc.Reason(checkWebhook(w, []string{"counsel", "filing"}, nil)); got != c.reason {
			t.Errorf("%s: %q, want %q", what, got, c.reason)
		}
	}
}

func TestChangeWebhook(t *testing.T) {
	w := exampleWebhook()
	from := &directoryv1.Webhook{DisplayName: "新名称（示例）", Url: "https://oa.example.cn:8443/hook?token=hidden", Types: []string{"a"}, Resources: []string{"b"}}
	details, err := changeWebhook(w, from, map[string]bool{"display_name": true, "url": true, "types": true})
	if err != nil || w.GetDisplayName() != from.GetDisplayName() || w.GetUrl() != from.GetUrl() || !slices.Equal(w.GetTypes(), from.GetTypes()) || w.GetResources() != nil {
		t.Errorf("changed to %v, %v", w, err)
	}
	if len(details) != 3 || details[1].GetValue() != "oa.example.cn:8443" {
		t.Errorf("on record: %v", details)
	}
	w.State = directoryv1.Webhook_DISABLED
	if _, err := changeWebhook(w, from, map[string]bool{"resources": true}); rpc.Reason(err) != "WEBHOOK_DISABLED" || w.GetResources() != nil {
		t.Errorf("a disabled one: %v, %v", w, err)
	}
}

func TestSecretsOverlap(t *testing.T) {
	w, key := exampleWebhook(), []byte("key")
	first := secretsOf(key, w, noon)
	if err := rotateSecret(w, "two", noon); err != nil {
		t.Fatal(err)
	}
	both := secretsOf(key, w, noon.Add(secretOverlap-time.Second))
	after := secretsOf(key, w, noon.Add(secretOverlap))
	if len(first) != 1 || len(both) != 2 || len(after) != 1 {
		t.Fatalf("%d, %d, %d secrets", len(first), len(both), len(after))
	}
	if both[1].String() != first[0].String() || both[0].String() != after[0].String() || first[0].String() == after[0].String() {
		t.Error("the secrets are not the old one, both, and the new one")
	}
	if err := rotateSecret(w, "three", noon); err != nil || slices.ContainsFunc(secretsOf(key, w, noon), func(s webhook.Secret) bool { return s.String() == first[0].String() }) {
		t.Errorf("the oldest secret signs after two rotations, %v", err)
	}
	w.State = directoryv1.Webhook_DISABLED
	if err := rotateSecret(w, "four", noon); rpc.Reason(err) != "WEBHOOK_DISABLED" || w.GetSecretId() != "three" {
		t.Errorf("a disabled one: %v", err)
	}
}

func TestWanted(t *testing.T) {
	w := exampleWebhook()
	for what, c := range map[string]struct {
		event, now time.Time
		want       bool
	}{
		"from before the webhook":    {noon.Add(-time.Millisecond), noon, false},
		"at its making":              {noon, noon, true},
		"later":                      {noon.Add(time.Hour), noon.Add(time.Hour), true},
		"told late":                  {noon, noon.Add(deliveryLife - time.Second), true},
		"older than deliveries keep": {noon, noon.Add(deliveryLife), false},
	} {
		if got := wanted(w, exampleEvent("1", c.event), c.now); got != c.want {
			t.Errorf("%s: %t", what, got)
		}
	}
}

func TestDeliveryGoesItsWay(t *testing.T) {
	w, e := exampleWebhook(), exampleEvent("42", noon)
	d := newDelivery(w, e, []byte(`{}`), noon)
	if d.GetName() != w.GetName()+"/deliveries/filing-120105-42" || d.GetDelivery().GetEventId() != e.GetId() || !d.GetDelivery().GetNextAttemptTime().AsTime().Equal(noon) {
		t.Fatalf("new: %v", d)
	}
	if err := checkShape("name", deliveryPattern, d.GetName()); err != nil {
		t.Error(err)
	}
	global := &corev1.Event{Id: "directory/global/7"}
	if got := deliveryName(w, global); got != w.GetName()+"/deliveries/directory-global-7" {
		t.Errorf("a global event is delivered as %s", got)
	}
	failed := attempt{outcome: directoryv1.Delivery_BAD_STATUS, status: 500}
	at := noon
	for n := int32(1); n <= 3; n++ {
		attempted(d, failed, at, 0.5)
		of := d.GetDelivery()
		wait := of.GetNextAttemptTime().AsTime().Sub(at)
		if of.GetState() != directoryv1.Delivery_PENDING || of.GetAttemptCount() != n || of.GetLastStatus() != 500 || wait != webhook.Wait(int(n), 0.5) {
			t.Errorf("after %d failures: %v", n, of)
		}
		at = of.GetNextAttemptTime().AsTime()
	}
	attempted(d, failed, noon.Add(webhook.Life-time.Second), 0.5)
	if d.GetDelivery().GetState() != directoryv1.Delivery_PENDING {
		t.Errorf("given up early: %v", d)
	}
	attempted(d, failed, noon.Add(webhook.Life), 0.5)
	if of := d.GetDelivery(); of.GetState() != directoryv1.Delivery_DEAD || of.GetNextAttemptTime() != nil || of.GetLastOutcome() != directoryv1.Delivery_BAD_STATUS {
		t.Errorf("given up: %v", d)
	}
	replay(d, at)
	if of := d.GetDelivery(); of.GetState() != directoryv1.Delivery_PENDING || of.GetAttemptCount() != 0 || of.GetGiveUpTime().AsTime().Sub(at) != webhook.Life {
		t.Errorf("replayed: %v", d)
	}
	attempted(d, attempt{outcome: directoryv1.Delivery_TAKEN, status: 204}, at, 0.5)
	if of := d.GetDelivery(); of.GetState() != directoryv1.Delivery_DELIVERED || of.GetNextAttemptTime() != nil || of.GetLastStatus() != 204 {
		t.Errorf("taken: %v", d)
	}
}

func TestOutcomes(t *testing.T) {
	for err, want := range map[error]directoryv1.Delivery_Outcome{
		nil: directoryv1.Delivery_TAKEN, webhook.ErrStatus: directoryv1.Delivery_BAD_STATUS, webhook.ErrTimeout: directoryv1.Delivery_TIMED_OUT,
		webhook.ErrCertificate: directoryv1.Delivery_CERTIFICATE_REFUSED, webhook.ErrAddressRefused: directoryv1.Delivery_ADDRESS_REFUSED,
		webhook.ErrUnreachable: directoryv1.Delivery_UNREACHABLE, errors.New("other"): directoryv1.Delivery_UNREACHABLE,
	} {
		if got := outcomeOf(err); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// told is a feed that tells what it is given, once, and then ends with an error.
type told struct {
	corev1.FeedServiceClient
	grpc.ClientStream

	asked []*corev1.WatchRequest
	tell  []*corev1.WatchResponse
	end   error
}

func (f *told) Watch(_ context.Context, r *corev1.WatchRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[corev1.WatchResponse], error) {
	f.asked = append(f.asked, r)
	return f, nil
}

func (f *told) Recv() (*corev1.WatchResponse, error) {
	if len(f.tell) == 0 {
		return nil, f.end
	}
	m := f.tell[0]
	f.tell = f.tell[1:]
	return m, nil
}

func event(position string, at time.Time) *corev1.WatchResponse {
	return &corev1.WatchResponse{Content: &corev1.WatchResponse_Event{Event: exampleEvent(position, at)}, ResumeToken: "after " + position}
}

func heartbeat(token string) *corev1.WatchResponse {
	return &corev1.WatchResponse{Content: &corev1.WatchResponse_Heartbeat{Heartbeat: &corev1.Heartbeat{}}, ResumeToken: token}
}

// roundOf is the round of a webhook of a system, which follows nothing yet.
func roundOf(p *program) *round {
	w := exampleWebhook()
	w.Name = p.system.GetName() + "/webhooks/w"
	w.CreateTime = timestamppb.New(p.clock.now())
	return newRound(p.server.courier, w, p.system)
}

func (r *round) kept(t testing.TB) []string {
	t.Helper()
	page, err := r.c.s.store.deliveries.List(t.Context(), docstore.Query{
		Equal: map[string]any{docstore.FieldParent: r.w.GetName()}, OrderBy: docstore.FieldCreateTime,
	})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, d := range page.Items {
		ids = append(ids, d.GetDelivery().GetEventId()[strings.LastIndex(d.GetDelivery().GetEventId(), "/")+1:]+" "+d.GetDelivery().GetState().String())
	}
	return ids
}

// The place moves on behind the deliveries; what is told again has its delivery, in
// whatever state it is by then; and a feed whose place is lost is read from its start.
func TestPlaceFollowsDeliveries(t *testing.T) {
	p := newProgram(t)
	r, ended := roundOf(p), errors.New("ended")
	place := &storagev1.WebhookPlace{Name: r.w.GetName() + "/feeds/filing"}
	now := p.clock.now()
	f := &told{end: ended, tell: []*corev1.WatchResponse{
		heartbeat("start"), event("1", now.Add(-time.Hour)), event("2", now), event("3", now), heartbeat("beat"), event("4", now),
	}}
	if got, err := r.stream(t.Context(), "filing", f, place); !got || !errors.Is(err, ended) {
		t.Fatalf("%t, %v", got, err)
	}
	if ask := f.asked[0]; !ask.GetFromStart() || ask.GetResumeToken() != "" || ask.GetParent() != hebei {
		t.Errorf("asked %v", ask)
	}
	stored := func(want string) {
		t.Helper()
		kept, err := p.server.store.places.Get(t.Context(), place.GetName())
		if err != nil || kept.GetResumeToken() != want {
			t.Errorf("the place is %v, %v, want %s", kept, err, want)
		}
	}
	stored("beat")
	if place.GetResumeToken() != "after 4" {
		t.Errorf("goes on %s", place.GetResumeToken())
	}
	if _, err := p.server.store.deliveries.Update(t.Context(), r.w.GetName()+"/deliveries/filing-120105-2", func(d *storagev1.Delivery) error {
		attempted(d, attempt{outcome: directoryv1.Delivery_TAKEN, status: 200}, now, 0.5)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	f.tell = []*corev1.WatchResponse{event("2", now), event("4", now), event("5", now)}
	if _, err := r.stream(t.Context(), "filing", f, place); !errors.Is(err, ended) || f.asked[1].GetResumeToken() != "after 4" || f.asked[1].GetFromStart() {
		t.Errorf("asked %v, %v", f.asked[1], err)
	}
	if got, want := r.kept(t), []string{"2 DELIVERED", "3 PENDING", "4 PENDING", "5 PENDING"}; !slices.Equal(got, want) {
		t.Errorf("deliveries %q, want %q", got, want)
	}

	ctx, cancel := context.WithCancel(t.Context())
	lost := &told{end: rpc.New(codes.OutOfRange, feed.ReasonTokenExpired, "")}
	lostAgain := &watchOnce{told: lost, then: cancel}
	r.follow(ctx, "filing", lostAgain)
	if len(lost.asked) != 2 || lost.asked[0].GetResumeToken() == "" || !lost.asked[1].GetFromStart() {
		t.Errorf("asked %v", lost.asked)
	}
}

// watchOnce ends the test's context at the second watch.
type watchOnce struct {
	*told

	then func()
}

func (f *watchOnce) Watch(ctx context.Context, r *corev1.WatchRequest, o ...grpc.CallOption) (grpc.ServerStreamingClient[corev1.WatchResponse], error) {
	if len(f.asked) == 1 {
		f.then()
	}
	return f.told.Watch(ctx, r, o...)
}

// Deliveries are kept for 90 days, whatever became of them.
func TestOldDeliveriesGo(t *testing.T) {
	p := newProgram(t)
	r := roundOf(p)
	take := func(position string) {
		t.Helper()
		if err := r.take(t.Context(), exampleEvent(position, p.clock.now())); err != nil {
			t.Fatal(err)
		}
	}
	take("1")
	p.clock.add(deliveryLife)
	take("2")
	if err := r.c.tidy(t.Context()); err != nil || len(r.kept(t)) != 2 {
		t.Errorf("kept %v, %v", r.kept(t), err)
	}
	p.clock.add(tidyPause)
	if err := r.c.tidy(t.Context()); err != nil || !slices.Equal(r.kept(t), []string{"2 PENDING"}) {
		t.Errorf("kept %v, %v", r.kept(t), err)
	}
	counts, err := p.server.DeliveryCounts(t.Context())
	if err != nil || counts[directoryv1.Delivery_PENDING] != 1 || counts[directoryv1.Delivery_DEAD] != 0 || len(counts) != 2 {
		t.Errorf("counted %v, %v", counts, err)
	}
}

// A request that is repeated answers what the first call answered, and posts only
// what that one did not come to.
func TestReplayIsRepeated(t *testing.T) {
	p := newProgram(t)
	h := *p.house
	h.posting = Webhooks{Key: []byte("key"), Feeds: map[string]corev1.FeedServiceClient{"filing": channel{}}}
	h.start()
	w, err := h.webhooks.CreateWebhook(p.security, &directoryv1.CreateWebhookRequest{Parent: p.system.GetName(), Webhook: &directoryv1.Webhook{
		DisplayName: "示例回调", Url: "https://example.com/hook", Services: []string{"filing"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	const dead, waits, taken = directoryv1.Delivery_DEAD, directoryv1.Delivery_PENDING, directoryv1.Delivery_DELIVERED
	names := []string{w.GetName() + "/deliveries/filing-120105-1", w.GetName() + "/deliveries/filing-120105-2"}
	tried := func(state directoryv1.Delivery_State, names ...string) { // now
		t.Helper()
		for _, name := range names {
			if err := h.server.store.deliveries.Put(t.Context(), &storagev1.Delivery{Name: name, Body: "{}", Delivery: &directoryv1.Delivery{
				EventId: name, State: state, LastAttemptTime: timestamppb.New(h.clock.now()),
			}}); err != nil {
				t.Fatal(err)
			}
		}
		h.clock.add(time.Minute)
	}
	replayed := func(r *directoryv1.ReplayDeliveriesRequest, count int32, want ...directoryv1.Delivery_State) {
		t.Helper()
		r.Parent = w.GetName()
		if a, err := h.webhooks.ReplayDeliveries(p.security, r); err != nil || a.GetReplayedCount() != count || a.GetMore() {
			t.Errorf("%s: answered %v, %v", r.GetRequestId(), a, err)
		}
		for n, name := range names {
			if d, err := h.server.store.deliveries.Get(t.Context(), name); err != nil || d.GetDelivery().GetState() != want[n] {
				t.Errorf("%s: delivery %d is %v, %v", r.GetRequestId(), n+1, d.GetDelivery().GetState(), err)
			}
		}
	}
	one := func() *directoryv1.ReplayDeliveriesRequest {
		return &directoryv1.ReplayDeliveriesRequest{Delivery: names[0], RequestId: "one"}
	}
	all := func() *directoryv1.ReplayDeliveriesRequest {
		return &directoryv1.ReplayDeliveriesRequest{RequestId: "all"}
	}
	tried(taken, names...)
	replayed(one(), 1, waits, taken)
	replayed(one(), 1, waits, taken)
	h.clock.add(time.Minute)
	tried(taken, names[0])
	replayed(one(), 1, taken, taken) // not posted a third time
	tried(dead, names...)
	replayed(all(), 2, waits, waits)
	tried(dead, names[0]) // given up again, after the replay
	replayed(all(), 2, dead, waits)
	replayed(one(), 1, dead, waits)

	left := timestamppb.New(h.clock.now().Add(-time.Hour)) // as if the first call had ended before this one
	if _, err := h.server.store.deliveries.Update(t.Context(), names[0], func(d *storagev1.Delivery) error {
		d.Delivery.LastAttemptTime = left
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	replayed(all(), 2, waits, waits)
	if _, err := h.webhooks.DisableWebhook(p.security, &directoryv1.DisableWebhookRequest{Name: w.GetName()}); err != nil {
		t.Fatal(err)
	}
	again := all()
	again.Parent = w.GetName()
	_, err = h.webhooks.ReplayDeliveries(p.security, again)
	h.wants(err, "WEBHOOK_DISABLED")
}

// A feed that does not begin is left, with what is wrong, and asked again later.
func TestSilentFeedIsLeft(t *testing.T) {
	p := newProgram(t)
	r := roundOf(p)
	r.c.patience = 0
	place := &storagev1.WebhookPlace{Name: r.w.GetName() + "/feeds/filing"}
	if got, err := r.stream(t.Context(), "filing", channel{}, place); got || !errors.Is(err, errSilent) || rpc.Reason(err) != rpc.ReasonCanceled {
		t.Errorf("%t, %v", got, err)
	}
}

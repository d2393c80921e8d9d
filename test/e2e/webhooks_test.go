package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// webhookRequests are the requests of the table about webhooks.
var webhookRequests = map[string]func(n names) proto.Message{
	webhookService + "CreateWebhook": func(n names) proto.Message {
		return &directoryv1.CreateWebhookRequest{Parent: n.system, Webhook: &directoryv1.Webhook{
			DisplayName: "示例回调", Url: "https://127.0.0.9/", Services: []string{"filing"},
		}}
	},
	webhookService + "GetWebhook":   func(n names) proto.Message { return &directoryv1.GetWebhookRequest{Name: n.webhook} },
	webhookService + "ListWebhooks": func(n names) proto.Message { return &directoryv1.ListWebhooksRequest{Parent: n.system} },
	webhookService + "UpdateWebhook": func(n names) proto.Message {
		return &directoryv1.UpdateWebhookRequest{
			Webhook: &directoryv1.Webhook{Name: n.webhook, DisplayName: "示例回调", Etag: "stale"}, UpdateMask: fields("display_name"),
		}
	},
	webhookService + "RotateWebhookSecret": func(n names) proto.Message {
		return &directoryv1.RotateWebhookSecretRequest{Name: n.webhook}
	},
	webhookService + "DisableWebhook": func(n names) proto.Message { return &directoryv1.DisableWebhookRequest{Name: n.mute} },
	webhookService + "GetDelivery":    func(n names) proto.Message { return &directoryv1.GetDeliveryRequest{Name: n.delivery} },
	webhookService + "ListDeliveries": func(n names) proto.Message { return &directoryv1.ListDeliveriesRequest{Parent: n.webhook} },
	webhookService + "ReplayDeliveries": func(n names) proto.Message {
		return &directoryv1.ReplayDeliveriesRequest{Parent: n.webhook}
	},
}

// The office system loses one callback: it is called back again, with the same
// event id and a signature that holds, and nothing else comes twice, or of another
// bureau.
func TestLostCallbackComesAgain(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		r, h := w.hooked(t, labour)
		const lost = "fashen.filing.SubmitDocument.done"
		r.answersBy(func(p post) int {
			if p.event.Type == lost {
				return -1
			}
			return http.StatusOK
		})
		other := w.document(t, "drafter2", "CreateDocument", &filingv1.CreateDocumentRequest{Parent: region, Document: &filingv1.Document{
			Title: "另一单位的文件（示例）", IssuingAuthority: w.bureau[government], OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
		}})
		d, _ := w.accepted(t, w.prepared(t, true))
		got := r.until(lost)
		first := got[len(got)-1]
		r.answers(http.StatusOK)
		w.settled(t, h.GetName(), func(d *directoryv1.Delivery) bool {
			return d.GetState() == directoryv1.Delivery_DELIVERED || d.GetLastOutcome() == directoryv1.Delivery_UNREACHABLE
		})
		w.clock.later(12 * time.Second)
		all := w.settled(t, h.GetName(), is(directoryv1.Delivery_DELIVERED))
		for len(got) <= len(all) {
			got = append(got, r.next())
		}
		r.quiet()
		again := slices.IndexFunc(got[slices.Index(ids(got), first.id)+1:], func(p post) bool { return p.id == first.id })
		if again < 0 {
			t.Fatalf("%s never came again: %v", first.id, ids(got))
		}
		second := got[slices.Index(ids(got), first.id)+1+again]
		if second.body != first.body || second.timestamp <= first.timestamp || first.event.Subject != d.GetName() || first.event.Data["toState"] != "UNDER_REVIEW" {
			t.Errorf("posted %+v, then %+v", first, second)
		}
		seen := map[string]int{}
		for _, p := range got {
			seen[p.id]++
			if p.event.Subject != d.GetName() || p.event.Subject == other.GetName() {
				t.Errorf("told of %s", p.event.Subject)
			}
			if p.id != first.id && seen[p.id] > 1 {
				t.Errorf("%s came twice", p.id)
			}
		}
		w.historyOf(t, d.GetName(), len(seen))
		if got := all[0]; got.GetEventId() == "" || got.GetAttemptCount() == 0 || got.GetLastStatus() != http.StatusOK || got.GetNextAttemptTime() != nil {
			t.Errorf("the newest delivery is %v", got)
		}
	}, toLoopback)
}

func ids(posts []post) []string {
	out := make([]string, len(posts))
	for i, p := range posts {
		out[i] = p.id
	}
	return out
}

// historyOf holds the number of events told of a document against its history.
func (w *world) historyOf(t *testing.T, document string, told int) {
	t.Helper()
	history := &filingv1.ListDocumentHistoryResponse{}
	w.must(t, "drafter", filingService+"ListDocumentHistory", &filingv1.ListDocumentHistoryRequest{Parent: document, PageSize: 1000}, history)
	if len(history.GetHistory()) != told {
		t.Errorf("told of %d events, the history has %d", told, len(history.GetHistory()))
	}
}

// Whatever a host does, the event waits, and comes once the host is well; another
// webhook is not held up by it.
func TestHostsThatMisbehave(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		r, h := w.hooked(t, labour)
		well, _ := w.hooked(t, labour)
		strange := receive(t, true) // its certificate is known to nobody
		for _, c := range []struct {
			what    string
			status  int
			outcome directoryv1.Delivery_Outcome
		}{
			{"hangs", 0, directoryv1.Delivery_TIMED_OUT},
			{"breaks off", -1, directoryv1.Delivery_UNREACHABLE},
			{"fails", http.StatusInternalServerError, directoryv1.Delivery_BAD_STATUS},
			{"redirects inward", http.StatusFound, directoryv1.Delivery_BAD_STATUS},
		} {
			r.answers(c.status)
			w.newDocument(t, true)
			id := r.next().id
			if got := well.next().id; got != id {
				t.Errorf("%s: the other webhook gets %s, not %s", c.what, got, id)
			}
			w.recovers(t, r, h, c.what, id, c.outcome)
		}
		w.must(t, "secadmin", webhookService+"UpdateWebhook", &directoryv1.UpdateWebhookRequest{
			Webhook: &directoryv1.Webhook{Name: h.GetName(), Url: strange.server.URL}, UpdateMask: fields("url"),
		}, &directoryv1.Webhook{})
		w.newDocument(t, true)
		id := well.next().id
		w.failsWith(t, h, id, directoryv1.Delivery_CERTIFICATE_REFUSED)
		w.must(t, "secadmin", webhookService+"UpdateWebhook", &directoryv1.UpdateWebhookRequest{
			Webhook: &directoryv1.Webhook{Name: h.GetName(), Url: r.server.URL}, UpdateMask: fields("url"),
		}, &directoryv1.Webhook{})
		w.recovers(t, r, h, "has no certificate", id, directoryv1.Delivery_CERTIFICATE_REFUSED)
		r.quiet()
		well.quiet()
		strange.quiet()
	}, notForLong)
}

// recovers lets a host be well again, and waits for the one post that was missed.
func (w *world) recovers(t *testing.T, r *receiver, h *directoryv1.Webhook, what, id string, outcome directoryv1.Delivery_Outcome) {
	t.Helper()
	w.failsWith(t, h, id, outcome)
	r.answers(http.StatusOK)
	w.clock.later(time.Minute)
	if got := r.next().id; got != id {
		t.Errorf("a host that %s gets %s after %s", what, got, id)
	}
	w.settled(t, h.GetName(), is(directoryv1.Delivery_DELIVERED))
}

func (w *world) failsWith(t *testing.T, h *directoryv1.Webhook, id string, outcome directoryv1.Delivery_Outcome) {
	t.Helper()
	w.settled(t, h.GetName(), func(d *directoryv1.Delivery) bool {
		return d.GetEventId() != id || d.GetState() == directoryv1.Delivery_PENDING && d.GetLastOutcome() == outcome && d.GetNextAttemptTime() != nil
	})
}

// What was tried for three days is given up, and comes when it is replayed, under
// its id; a replay is on record.
func TestDeadLettersAreReplayed(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		r, h := w.hooked(t, labour)
		r.answers(http.StatusServiceUnavailable)
		w.newDocument(t, true)
		w.newDocument(t, true)
		want := []string{r.next().id, r.next().id}
		w.settled(t, h.GetName(), func(d *directoryv1.Delivery) bool { return d.GetAttemptCount() > 0 })
		w.clock.later(73 * time.Hour)
		dead := w.settled(t, h.GetName(), is(directoryv1.Delivery_DEAD))
		for range want {
			r.next()
		}
		if got := w.deliveries(t, h.GetName(), "state = PENDING"); len(got) != 0 {
			t.Errorf("waiting: %v", got)
		}
		if got := w.deliveries(t, h.GetName(), "state = DEAD"); len(got) != 2 || got[0].GetEventId() != want[1] || got[0].GetLastStatus() != 503 {
			t.Errorf("given up: %v", got)
		}
		w.clock.later(90 * time.Minute)
		r.answers(http.StatusOK)
		one := &directoryv1.ReplayDeliveriesResponse{}
		w.must(t, "secadmin", webhookService+"ReplayDeliveries", &directoryv1.ReplayDeliveriesRequest{Parent: h.GetName(), Delivery: dead[0].GetName()}, one)
		if got := r.next().id; got != dead[0].GetEventId() || one.GetReplayedCount() != 1 {
			t.Errorf("replayed %v, which posts %s", one, got)
		}
		rest := &directoryv1.ReplayDeliveriesResponse{}
		key := w.keyOfHook(t, h, "directory")
		f := w.call(t.Context(), key, webhookService+"ReplayDeliveries", &directoryv1.ReplayDeliveriesRequest{Parent: h.GetName(), RequestId: "again"}, rest)
		if f != nil || rest.GetReplayedCount() != 1 || rest.GetMore() {
			t.Fatalf("replayed %v, %v", rest, f)
		}
		if got := r.next().id; got != dead[1].GetEventId() {
			t.Errorf("the rest posts %s", got)
		}
		w.settled(t, h.GetName(), is(directoryv1.Delivery_DELIVERED))
		r.quiet()
		if got := w.auditorSees(t, h.GetName()); !slices.Equal(got, []string{"CreateWebhook", "ReplayDeliveries", "ReplayDeliveries"}) {
			t.Errorf("on record: %v", got)
		}
		f = w.try(t, "secadmin", webhookService+"ReplayDeliveries", &directoryv1.ReplayDeliveriesRequest{
			Parent: h.GetName(), Delivery: h.GetName() + "/deliveries/filing-120105-999999",
		}, rest)
		if f == nil || f.code != codes.NotFound {
			t.Errorf("a delivery that is none: %v", f)
		}
	}, toLoopback)
}

// A process that stops in the middle loses nothing, and what it had not posted comes
// under its id.
func TestWebhooksSurviveARestart(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		r, h := w.hooked(t, labour)
		w.newDocument(t, true)
		done := r.next().id
		w.settled(t, h.GetName(), is(directoryv1.Delivery_DELIVERED))
		r.answers(0)
		var made []string
		for range 5 {
			made = append(made, w.newDocument(t, true).GetName())
		}
		r.next() // hangs while the process stops
		w.stop(t)
		for len(r.posts) > 0 {
			<-r.posts
		}
		r.answers(http.StatusOK)
		w.start(t)
		protocol := "grpc"
		if _, rest := w.client.(overREST); rest {
			protocol = "rest"
		}
		w.reach(t, protocol)
		w.clock.later(time.Minute)
		subjects := map[string]string{}
		for len(subjects) < len(made) {
			p := r.next()
			if before, ok := subjects[p.event.Subject]; ok && before != p.id || p.id == done {
				t.Errorf("%s comes as %s after %s", p.event.Subject, p.id, before)
			}
			subjects[p.event.Subject] = p.id
		}
		for _, name := range made {
			if subjects[name] == "" {
				t.Errorf("%s is lost", name)
			}
		}
		if all := w.settled(t, h.GetName(), is(directoryv1.Delivery_DELIVERED)); len(all) != len(made)+1 {
			t.Errorf("%d deliveries for %d events", len(all), len(made)+1)
		}
	}, toLoopback)
}

// A secret is in the answer that makes it and nowhere else; after a rotation the old
// one signs on for a day.
func TestWebhookSecretIsShownOnce(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		r := receive(t, false)
		create := &directoryv1.CreateWebhookRequest{
			Parent: w.connect(t, labour), RequestId: "once",
			Webhook: &directoryv1.Webhook{DisplayName: "示例回调", Url: r.server.URL, Services: []string{"filing"}, Secret: "whsec_ours"},
		}
		h, again := &directoryv1.Webhook{}, &directoryv1.Webhook{}
		w.must(t, "secadmin", webhookService+"CreateWebhook", create, h)
		w.must(t, "secadmin", webhookService+"CreateWebhook", create, again)
		old := h.GetSecret()
		if !strings.HasPrefix(old, "whsec_") || old == "whsec_ours" || again.GetName() != h.GetName() || again.GetSecret() != "" {
			t.Fatalf("made %v, then %v", h, again)
		}
		rotate := &directoryv1.RotateWebhookSecretRequest{Name: h.GetName(), Etag: h.GetEtag(), RequestId: "rotate"}
		rotated := &directoryv1.Webhook{}
		w.must(t, "secadmin", webhookService+"RotateWebhookSecret", rotate, rotated)
		w.must(t, "secadmin", webhookService+"RotateWebhookSecret", rotate, again)
		if rotated.GetSecret() == "" || rotated.GetSecret() == old || again.GetSecret() != "" || rotated.GetPreviousSecretId() != h.GetSecretId() {
			t.Errorf("rotated %v, then %v", rotated, again)
		}
		read, list := &directoryv1.Webhook{}, &directoryv1.ListWebhooksResponse{}
		w.must(t, "secauditor", webhookService+"GetWebhook", &directoryv1.GetWebhookRequest{Name: h.GetName()}, read)
		w.must(t, "secauditor", webhookService+"ListWebhooks", &directoryv1.ListWebhooksRequest{Parent: create.GetParent()}, list)
		if read.GetSecret() != "" || len(list.GetWebhooks()) != 1 || strings.Contains(list.String(), "whsec_") {
			t.Errorf("read %v, listed %v", read, list)
		}
		r.knows(rotated.GetSecret(), old)
		w.newDocument(t, true)
		if p := r.next(); len(p.valid) != 2 {
			t.Errorf("signed with %d secrets, want both", len(p.valid))
		}
		w.clock.later(25 * time.Hour)
		w.newDocument(t, true)
		if p := r.next(); !slices.Equal(p.valid, []string{rotated.GetSecret()}) {
			t.Errorf("a day later signed with %d secrets, want the new one", len(p.valid))
		}
	}, toLoopback)
}

// What was disabled is posted to no more, and what waited is given up.
func TestDisabledWebhookIsSilent(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		r, h := w.hooked(t, labour)
		other, kept := w.hooked(t, labour)
		other.answers(http.StatusInternalServerError)
		r.answers(http.StatusInternalServerError)
		w.newDocument(t, true)
		r.next()
		other.next()
		w.must(t, "secadmin", webhookService+"DisableWebhook", &directoryv1.DisableWebhookRequest{Name: h.GetName()}, &directoryv1.Webhook{})
		system, _, _ := strings.Cut(kept.GetName(), "/webhooks/")
		w.must(t, "secadmin", systemService+"DisableSystem", &directoryv1.DisableSystemRequest{Name: system}, &directoryv1.System{})
		w.clock.later(time.Hour)
		w.newDocument(t, true)
		for _, webhook := range []*directoryv1.Webhook{h, kept} {
			given := w.settled(t, webhook.GetName(), is(directoryv1.Delivery_DEAD))
			if len(given) != 1 || given[0].GetLastOutcome() != directoryv1.Delivery_WEBHOOK_DISABLED {
				t.Errorf("given up: %v", given)
			}
		}
		for reason, webhook := range map[string]*directoryv1.Webhook{"WEBHOOK_DISABLED": h, "SYSTEM_DISABLED": kept} {
			f := w.try(t, "secadmin", webhookService+"ReplayDeliveries", &directoryv1.ReplayDeliveriesRequest{Parent: webhook.GetName()}, &directoryv1.ReplayDeliveriesResponse{})
			if f == nil || f.reason != reason {
				t.Errorf("replaying: %v, want %s", f, reason)
			}
		}
		r.quiet()
		other.quiet()
	}, toLoopback)
}

// Only what was asked for is posted, from the change of the filter on.
func TestWebhookFilters(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		r, h := w.hooked(t, labour)
		const wanted = "fashen.filing.SubmitDocument.done"
		w.must(t, "secadmin", webhookService+"UpdateWebhook", &directoryv1.UpdateWebhookRequest{
			Webhook: &directoryv1.Webhook{Name: h.GetName(), Types: []string{wanted}, Resources: []string{region + "/documents/*"}}, UpdateMask: fields("types", "resources"),
		}, h)
		var made []string
		for range 2 {
			d, _ := w.accepted(t, w.prepared(t, true))
			made = append(made, d.GetName())
		}
		for _, name := range made {
			if p := r.next(); p.event.Type != wanted || p.event.Subject != name {
				t.Errorf("told %s of %s, want %s", p.event.Type, p.event.Subject, name)
			}
		}
		r.quiet()
		if got := w.deliveries(t, h.GetName(), ""); len(got) != len(made) {
			t.Errorf("%d deliveries, want %d", len(got), len(made))
		}
	}, toLoopback)
}

// A URL that leads inward, or cannot be, is refused with the field's name.
func TestWebhookURLsAreRefused(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		system := w.connect(t, labour)
		request := func(change func(*directoryv1.Webhook)) *failure {
			h := &directoryv1.Webhook{DisplayName: "示例回调", Url: "https://oa.example.cn/hook", Services: []string{"filing"}}
			change(h)
			return w.try(t, "secadmin", webhookService+"CreateWebhook", &directoryv1.CreateWebhookRequest{Parent: system, Webhook: h}, &directoryv1.Webhook{})
		}
		for _, url := range []string{
			"https://127.0.0.1/", "https://10.1.2.3/", "https://[::1]/", "https://169.254.169.254/latest", "http://oa.example.cn/",
			"https://user:pass@oa.example.cn/", "https://oa.example.cn:99999/", "not a url", "https://oa.example.cn/#x",
		} {
			if f := request(func(h *directoryv1.Webhook) { h.Url = url }); f == nil || f.reason != "WEBHOOK_URL_INVALID" || !slices.Equal(f.fields, []string{"webhook.url"}) {
				t.Errorf("%s: %v", url, f)
			}
		}
		for field, change := range map[string]func(*directoryv1.Webhook){
			"webhook.services":     func(h *directoryv1.Webhook) { h.Services = []string{"nobody"} },
			"webhook.resources":    func(h *directoryv1.Webhook) { h.Resources = []string{"regions/*/documents"} },
			"webhook.display_name": func(h *directoryv1.Webhook) { h.DisplayName = "" },
		} {
			if f := request(change); f == nil || f.code != codes.InvalidArgument || !slices.Equal(f.fields, []string{field}) {
				t.Errorf("%s: %v", field, f)
			}
		}
		list := &directoryv1.ListWebhooksResponse{}
		w.must(t, "secadmin", webhookService+"ListWebhooks", &directoryv1.ListWebhooksRequest{Parent: system}, list)
		if len(list.GetWebhooks()) != 0 {
			t.Errorf("made all the same: %v", list)
		}
	})
}

// A system reads its own webhooks with its key, and no other's.
func TestSystemReadsItsOwnWebhooks(t *testing.T) {
	everywhere(t, "2026-04-08", func(t *testing.T, w *world) {
		_, mine := w.hooked(t, labour)
		_, theirs := w.hooked(t, labour)
		key := w.keyOfHook(t, mine, "directory")
		for name, want := range map[string]codes.Code{mine.GetName(): codes.OK, theirs.GetName(): codes.PermissionDenied} {
			system, _, _ := strings.Cut(name, "/webhooks/")
			for method, in := range map[string]proto.Message{
				"GetWebhook":     &directoryv1.GetWebhookRequest{Name: name},
				"ListWebhooks":   &directoryv1.ListWebhooksRequest{Parent: system},
				"ListDeliveries": &directoryv1.ListDeliveriesRequest{Parent: name},
			} {
				_, out := messages(t, webhookService+method)
				f := w.call(t.Context(), key, webhookService+method, in, out.New().Interface())
				if got := codes.OK; f != nil && f.code != want || f == nil && want != got {
					t.Errorf("%s of %s: %v, want %v", method, name, f, want)
				}
			}
		}
		f := w.call(t.Context(), key, webhookService+"DisableWebhook", &directoryv1.DisableWebhookRequest{Name: mine.GetName()}, mine)
		if f == nil || f.code != codes.PermissionDenied {
			t.Errorf("disabling: %v", f)
		}
	}, toLoopback)
}

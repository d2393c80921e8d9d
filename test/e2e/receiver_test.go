package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/config"
)

const webhookService = "fashen.directory.v1.WebhookService/"

// receiver is the host of a webhook, as one would write it from the guide.
type receiver struct {
	t      *testing.T
	server *httptest.Server
	posts  chan post

	mu      sync.Mutex
	secrets []string
	// answer is the status a post gets; 0 leaves it without an answer, and -1 breaks
	// the connection.
	answer func(post) int
}

// post is one attempt that came in.
type post struct {
	id, timestamp, body string
	// valid are the secrets that the signatures hold for.
	valid []string
	event struct {
		SpecVersion, ID, Source, Type, Subject, Time string
		Data                                         map[string]any
	}
}

// receive starts a host that takes everything.
func receive(t *testing.T, secure bool) *receiver {
	t.Helper()
	r := &receiver{t: t, posts: make(chan post, 1000)}
	r.answers(http.StatusNoContent)
	if secure {
		r.server = httptest.NewUnstartedServer(r)
		r.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo) // of handshakes that are to fail
		r.server.StartTLS()
	} else {
		r.server = httptest.NewServer(r)
	}
	t.Cleanup(r.server.Close)
	return r
}

// answers sets the answer to every post from now on.
func (r *receiver) answers(status int) { r.answersBy(func(post) int { return status }) }

func (r *receiver) answersBy(answer func(post) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// knows makes the receiver check signatures with a secret.
func (r *receiver) knows(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets = secrets
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	p := post{id: q.Header.Get("webhook-id"), timestamp: q.Header.Get("webhook-timestamp"), body: string(body)}
	if err == nil {
		err = json.Unmarshal(body, &p.event)
	}
	if err != nil || q.Method != http.MethodPost || q.Header.Get("Content-Type") != "application/cloudevents+json; charset=utf-8" {
		r.t.Errorf("%s %s: %v", q.Method, body, err)
	}
	r.mu.Lock()
	for _, secret := range r.secrets {
		if slices.Contains(strings.Fields(q.Header.Get("webhook-signature")), signed(r.t, secret, p)) {
			p.valid = append(p.valid, secret)
		}
	}
	answer := r.answer(p)
	r.mu.Unlock()
	r.posts <- p
	switch answer {
	case 0:
		<-q.Context().Done()
	case -1:
		panic(http.ErrAbortHandler)
	case http.StatusFound:
		w.Header().Set("Location", r.server.URL+"/inward")
		fallthrough
	default:
		w.WriteHeader(answer)
	}
}

// signed is the signature a post must have, worked out from the specification.
func signed(t *testing.T, secret string, p post) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Errorf("secret: %v", err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(p.id + "." + p.timestamp + "." + p.body))
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// next is the next post; it must be signed with the newest secret the receiver knows.
func (r *receiver) next() post {
	r.t.Helper()
	select {
	case p := <-r.posts:
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.secrets) > 0 && !slices.Contains(p.valid, r.secrets[0]) {
			r.t.Errorf("the signature of %s does not hold", p.id)
		}
		if p.event.ID != p.id || p.event.SpecVersion != "1.0" {
			r.t.Errorf("%s holds %+v", p.id, p.event)
		}
		return p
	case <-time.After(patience):
		r.t.Fatal("nothing was posted")
		return post{}
	}
}

// until reads posts up to the first of an event type.
func (r *receiver) until(eventType string) []post {
	r.t.Helper()
	for all := []post(nil); ; {
		all = append(all, r.next())
		if all[len(all)-1].event.Type == eventType {
			return all
		}
	}
}

// quiet fails when something more was posted.
func (r *receiver) quiet() {
	r.t.Helper()
	select {
	case p := <-r.posts:
		r.t.Errorf("posted as well: %s %s of %s", p.id, p.event.Type, p.event.Subject)
	default:
	}
}

// toLoopback lets a process post to hosts of tests.
func toLoopback(c *config.Config) { c.WebhookNetworks = []string{"127.0.0.1/32"} }

// notForLong is toLoopback for a host that hangs: long enough for every answer of a
// host that does not, however busy the machine is.
func notForLong(c *config.Config) {
	toLoopback(c)
	c.WebhookTimeout = 3 * time.Second
}

// hook adds a webhook for the events of filing that a system sees.
func (w *world) hook(t *testing.T, system, url string) *directoryv1.Webhook {
	t.Helper()
	out := &directoryv1.Webhook{}
	w.must(t, "secadmin", webhookService+"CreateWebhook", &directoryv1.CreateWebhookRequest{
		Parent: system, Webhook: &directoryv1.Webhook{DisplayName: "示例回调", Url: url, Services: []string{"filing"}},
	}, out)
	return out
}

// hooked is a receiver with a webhook of a system of a bureau.
func (w *world) hooked(t *testing.T, bureau string) (*receiver, *directoryv1.Webhook) {
	t.Helper()
	r := receive(t, false)
	h := w.hook(t, w.connect(t, bureau), r.server.URL+"/hook")
	r.knows(h.GetSecret())
	return r, h
}

// deliveries lists those of a webhook, newest first.
func (w *world) deliveries(t *testing.T, webhook, filter string) []*directoryv1.Delivery {
	t.Helper()
	out := &directoryv1.ListDeliveriesResponse{}
	w.must(t, "secadmin", webhookService+"ListDeliveries", &directoryv1.ListDeliveriesRequest{Parent: webhook, PageSize: 1000, Filter: filter}, out)
	return out.GetDeliveries()
}

// settled waits until every delivery of a webhook fits, and answers them.
func (w *world) settled(t *testing.T, webhook string, fits func(*directoryv1.Delivery) bool) []*directoryv1.Delivery {
	t.Helper()
	for limit, tick := time.After(patience), time.Tick(20*time.Millisecond); ; {
		all := w.deliveries(t, webhook, "")
		if len(all) > 0 && !slices.ContainsFunc(all, func(d *directoryv1.Delivery) bool { return !fits(d) }) {
			return all
		}
		select {
		case <-tick:
		case <-limit:
			t.Fatalf("deliveries stay %v", all)
		}
	}
}

// is tells deliveries in a state.
func is(state directoryv1.Delivery_State) func(*directoryv1.Delivery) bool {
	return func(d *directoryv1.Delivery) bool { return d.GetState() == state }
}

// keyOfHook is a drafter's key for a service, of the system of a webhook.
func (w *world) keyOfHook(t *testing.T, h *directoryv1.Webhook, service string) string {
	t.Helper()
	system, _, _ := strings.Cut(h.GetName(), "/webhooks/")
	return w.keyFor(t, system, service).GetToken()
}

// auditorSees are the events of a resource's history, each as it is named there.
func (w *world) auditorSees(t *testing.T, name string) []string {
	t.Helper()
	out := &directoryv1.ListDirectoryHistoryResponse{}
	w.must(t, "secauditor", directoryService+"ListDirectoryHistory", &directoryv1.ListDirectoryHistoryRequest{Parent: name, PageSize: 100}, out)
	var methods []string
	for _, e := range out.GetHistory() {
		if e.GetOutcome() == corev1.Outcome_OUTCOME_DONE {
			methods = append(methods, e.GetMethod()[strings.LastIndex(e.GetMethod(), "/")+1:])
		}
	}
	return methods
}

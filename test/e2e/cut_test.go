package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/app"
	"fashen/internal/docstore/mongo/mongotest"
	"fashen/internal/journal"
)

// cutFor is how long the store is cut off.
const cutFor = 30 * time.Second

// TestStoreCutOff cuts a process off from its store: calls are told UNAVAILABLE
// before their deadline, health says so, and once the store is back all goes on
// without a restart; what was half done is done once. It runs where a server is
// given.
func TestStoreCutOff(t *testing.T) {
	given := mongotest.URI()
	if given == "" {
		t.Skip("FASHEN_TEST_MONGODB_URI is not set")
	}
	for name, silent := range map[string]bool{"silence": true, "reset": false} {
		for _, protocol := range []string{"grpc", "rest"} {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				t.Parallel()
				uri, err := url.Parse(given)
				if err != nil {
					t.Fatal(err)
				}
				wire := newWire(t, uri.Host)
				query := uri.Query()
				query.Set("directConnection", "true") // or the driver finds its way around
				uri.Host, uri.RawQuery = wire.listener.Addr().String(), query.Encode()
				if uri.Path == "" {
					uri.Path = "/"
				}
				c := engines()["mongodb"](t)
				c.MongoURI = uri.String()
				cutOff(t, alone(t, c, protocol, "2026-05-12"), wire, silent)
			})
		}
	}
}

func cutOff(t *testing.T, w *world, wire *wire, silent bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	s := w.resuming(ctx, t)
	s.message()
	d := w.newDocument(t, true)
	if e := s.event(); e.GetSubject() != d.GetName() {
		t.Fatalf("told of %s", e.GetSubject())
	}
	w.ready(t, http.StatusOK)

	wire.cut(silent)
	create := &filingv1.CreateDocumentRequest{Parent: region, RequestId: "cut-off", Document: &filingv1.Document{
		Title: "断开期间的示例办法", IssuingAuthority: w.bureau[government], OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
	}}
	var calls sync.WaitGroup
	for method, in := range map[string]func() *failure{
		"GetDocument": func() *failure {
			return w.try(t, "drafter", filingService+"GetDocument", &filingv1.GetDocumentRequest{Name: d.GetName()}, &filingv1.Document{})
		},
		"CreateDocument": func() *failure {
			return w.try(t, "drafter", filingService+"CreateDocument", create, &filingv1.Document{})
		},
	} {
		calls.Go(func() {
			for begin := time.Now(); time.Since(begin) < cutFor; {
				start := time.Now()
				f := in()
				if f == nil || f.code != codes.Unavailable || f.reason != "UNAVAILABLE" || f.http != 0 && f.http != http.StatusServiceUnavailable {
					t.Errorf("%s while the store is away: %v", method, f)
				}
				if took := time.Since(start); took > 29*time.Second {
					t.Errorf("%s took %v", method, took)
				}
			}
		})
	}
	calls.Wait()
	w.ready(t, http.StatusServiceUnavailable)
	wire.mend()

	made := &filingv1.Document{}
	for f := w.try(t, "drafter", filingService+"CreateDocument", create, made); f != nil; f = w.try(t, "drafter", filingService+"CreateDocument", create, made) {
		if f.code != codes.Unavailable {
			t.Fatalf("after the store is back: %v", f)
		}
	}
	again := w.document(t, "drafter", "CreateDocument", create)
	list := &filingv1.ListDocumentsResponse{}
	w.must(t, "drafter", filingService+"ListDocuments", &filingv1.ListDocumentsRequest{Parent: region, PageSize: 10}, list)
	if again.GetName() != made.GetName() || len(list.GetDocuments()) != 2 {
		t.Errorf("made %s and %s, there are %d documents", made.GetName(), again.GetName(), len(list.GetDocuments()))
	}
	w.ready(t, http.StatusOK)
	if e := s.event(); e.GetSubject() != made.GetName() || e.GetPosition() != 2 {
		t.Errorf("told %v", e)
	}
	next := w.newDocument(t, true)
	if e := s.event(); e.GetSubject() != next.GetName() || e.GetPosition() != 3 {
		t.Errorf("told %v", e)
	}
	err := app.Verify(t.Context(), w.config, nil, func(service string, r journal.Report) {
		for _, p := range r.Problems {
			t.Errorf("verify %s: %v", service, p)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// resuming follows the drafter's documents, and goes on where it was when the stream
// ends with UNAVAILABLE.
func (w *world) resuming(ctx context.Context, t *testing.T) *watch {
	t.Helper()
	token, in := w.as(t, "drafter"), &corev1.WatchRequest{Parent: region, Service: "filing"}
	stream := w.watch(ctx, token, in)
	return &watch{t: t, next: func() (*corev1.WatchResponse, *failure) {
		for {
			m, f := stream()
			if f == nil {
				in.ResumeToken = m.GetResumeToken()
				return m, nil
			}
			if f.code != codes.Unavailable || ctx.Err() != nil {
				return nil, f
			}
			stream = w.watch(ctx, token, in)
		}
	}}
}

// ready waits until readiness is as it should be.
func (w *world) ready(t *testing.T, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.app.HTTPAddr+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("readiness is not %d: %v", want, err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.StatusCode == want {
			return
		}
	}
}

// wire is a TCP proxy that can be cut.
type wire struct {
	t        *testing.T
	listener net.Listener
	target   string

	mu sync.Mutex
	// hole is closed when what is held in silence may go on.
	hole  chan struct{}
	reset bool
	conns map[net.Conn]bool
}

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, listener: l, target: target, conns: map[net.Conn]bool{}}
	t.Cleanup(func() { l.Close(); w.drop() })
	go w.accept()
	return w
}

func (w *wire) accept() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.mu.Lock()
		refused := w.reset
		w.conns[near] = true
		w.mu.Unlock()
		if refused {
			w.drop()
			continue
		}
		go w.join(near)
	}
}

func (w *wire) join(near net.Conn) {
	w.pass()
	var d net.Dialer
	far, err := d.DialContext(w.t.Context(), "tcp", w.target)
	if err != nil {
		near.Close()
		return
	}
	w.mu.Lock()
	w.conns[far] = true
	w.mu.Unlock()
	go w.forward(near, far)
	w.forward(far, near)
}

// forward passes bytes on; what comes while the wire is silent waits.
func (w *wire) forward(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		w.pass()
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// pass waits while the wire is silent.
func (w *wire) pass() {
	w.mu.Lock()
	hole := w.hole
	w.mu.Unlock()
	if hole != nil {
		<-hole
	}
}

// cut cuts the wire, in silence or by resetting every connection.
func (w *wire) cut(silent bool) {
	w.mu.Lock()
	if w.reset = !silent; silent {
		w.hole = make(chan struct{})
	}
	w.mu.Unlock()
	if !silent {
		w.drop()
	}
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reset = false; w.hole != nil {
		close(w.hole)
		w.hole = nil
	}
}

// drop resets every connection.
func (w *wire) drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		c.Close()
		delete(w.conns, c)
	}
}

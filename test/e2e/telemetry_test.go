package e2e

import (
	"context"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	corev1 "fashen/gen/fashen/core/v1"
)

// collector is an OpenTelemetry collector that keeps what it is sent.
type collector struct {
	collectorv1.UnimplementedTraceServiceServer

	mu sync.Mutex
	// spans are the names of spans by trace id.
	spans map[string][]string
	text  strings.Builder
}

func (c *collector) Export(_ context.Context, r *collectorv1.ExportTraceServiceRequest) (*collectorv1.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rs := range r.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				id := hex.EncodeToString(s.GetTraceId())
				c.spans[id] = append(c.spans[id], s.GetName())
				c.text.WriteString(s.String())
			}
		}
	}
	return &collectorv1.ExportTraceServiceResponse{}, nil
}

// collect starts a collector and answers its URL.
func collect(t *testing.T) (*collector, string) {
	t.Helper()
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{spans: map[string][]string{}}
	server := grpc.NewServer()
	collectorv1.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return c, "http://" + listener.Addr().String()
}

// fetch reads a page of an address.
func fetch(t *testing.T, url string, header ...string) (string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), res.Header
}

// statusAt is the status of an address that answers whoever asks.
func statusAt(t *testing.T, url string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	return res.StatusCode
}

// One request over REST that passes through three services is one trace, under
// the id of the answer and of the log.
func TestTracesCrossServices(t *testing.T) {
	c := onSQLite(t)
	spans, url := collect(t)
	c.Telemetry.OTLPEndpoint = url
	w := alone(t, c, "rest", "2026-05-12")
	d := w.prepared(t, true)
	// The gate asks the review service and the directory.
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	_, header := fetch(t, "http://"+w.app.HTTPAddr+"/v1/"+d.GetName(), "Authorization", "Bearer "+w.as(t, "drafter"),
		"Traceparent", "00-"+trace+"-00f067aa0ba902b7-01")
	if got := header.Get("X-Trace-Id"); got != trace {
		t.Errorf("X-Trace-Id %q", got)
	}
	_, _ = w.deliberate(t, "drafter", d.GetName(), "2026-05-19")
	w.stop(t) // which exports the last spans

	spans.mu.Lock()
	defer spans.mu.Unlock()
	// The gateway, its call, and the service's answer to it.
	for _, want := range []string{"HTTP GET", "fashen.filing.v1.FilingService/GetDocument"} {
		if !slices.Contains(spans.spans[trace], want) {
			t.Errorf("no span %q among %v", want, spans.spans[trace])
		}
	}
	across := false
	for _, names := range spans.spans {
		all := strings.Join(names, " ")
		across = across || strings.Contains(all, "HTTP POST") && strings.Contains(all, "FilingService/DeliberateDocument") &&
			strings.Contains(all, "CounselService/GetVerdict") && strings.Contains(all, "DirectoryService/ResolveJurisdictionProfile")
	}
	if !across {
		t.Errorf("no trace through all services: %v", spans.spans)
	}
	for _, private := range []string{d.GetTitle(), "Bearer", password} {
		if strings.Contains(spans.text.String(), private) {
			t.Errorf("%q is in a span", private)
		}
	}
}

// Metrics tell requests, refusals, the queue and what is overdue, and name
// neither resources nor people.
func TestMetrics(t *testing.T) {
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			c := configure(t)
			c.Telemetry.MetricsAddr = "127.0.0.1:0"
			w := alone(t, c, "grpc", "2026-05-12")
			d, _ := w.accepted(t, w.prepared(t, false))
			if _, f := w.deliberate(t, "drafter", d.GetName(), "2026-05-19"); f == nil {
				t.Fatal("deliberated without a review")
			}
			w.tasks(t, "office", "filing", corev1.Task_OPEN) // waits for the rows, which are inserted in the background
			page, _ := fetch(t, "http://"+w.app.MetricsAddr+"/metrics")
			for _, want := range []string{
				`fashen_rpc_requests_total{code="OK",method="SubmitDocument",service="fashen.filing.v1.FilingService"} 1`,
				`fashen_rpc_errors_total{code="FailedPrecondition",method="DeliberateDocument",reason="LEGALITY_REVIEW_MISSING",service="fashen.filing.v1.FilingService"} 1`,
				`fashen_rpc_seconds_count{method="DeliberateDocument",service="fashen.filing.v1.FilingService"} 1`,
				`fashen_refusals_total{code="REVIEW_TIME_INSUFFICIENT"} 1`,
				`fashen_cases{state="UNDER_REVIEW"} 1`, `fashen_cases_overdue{state="UNDER_REVIEW"} 0`,
				// The document, and a row each of its tasks and figures.
				`fashen_store_seconds_count{operation="insert",store="filing"} 5` + "\n", "process_resident_memory_bytes", "go_goroutines",
			} {
				if !strings.Contains(page, want) {
					t.Errorf("no line %s", want)
				}
			}
			if strings.Contains(page, "regions/") {
				t.Error("a label names a resource")
			}
			// 15 working days later the review is late.
			w.clock.day(t, "2026-06-12")
			page, _ = fetch(t, "http://"+w.app.MetricsAddr+"/metrics")
			if !strings.Contains(page, `fashen_cases_overdue{state="UNDER_REVIEW"} 1`) {
				t.Error("the late case is not counted")
			}
			for _, probe := range []string{"/healthz", "/readyz"} {
				if status := statusAt(t, "http://"+w.app.MetricsAddr+probe); status != http.StatusOK {
					t.Errorf("%s: %d", probe, status)
				}
			}
			if page, _ = fetch(t, "http://"+w.app.MetricsAddr+"/debug/pprof/"); !strings.Contains(page, "goroutine") {
				t.Error("no profiles")
			}
		})
	}
}

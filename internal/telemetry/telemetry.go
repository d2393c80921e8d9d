// Package telemetry shows from outside what a process does: traces by
// OpenTelemetry, metrics for Prometheus, and profiles.
//
// Both are off until an address is set. Nothing here holds document text, and
// no label of a metric holds the name of a person or a resource, so that the
// number of series is bounded by the program.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/pflag"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Settings of a process.
type Settings struct {
	// MetricsAddr is where metrics and profiles are served, host:port; they are
	// off when empty. It is for operators: whoever reaches it needs no token.
	MetricsAddr string
	// OTLPEndpoint is the URL of an OpenTelemetry collector (OTLP over gRPC); no
	// traces are made when empty.
	OTLPEndpoint string
}

// Names of the settings.
const (
	flagMetrics = "metrics"
	flagOTLP    = "otlp-endpoint"
)

// Flags binds the settings to a flag set.
func (s *Settings) Flags(f *pflag.FlagSet) {
	f.StringVar(&s.MetricsAddr, flagMetrics, "", "private `address` of Prometheus metrics (/metrics) and profiles (/debug/pprof/); off when empty")
	f.StringVar(&s.OTLPEndpoint, flagOTLP, "", "`URL` of an OpenTelemetry collector (OTLP over gRPC, http:// or https://); no traces when empty")
}

// Check tells the settings that cannot be, by calling problem.
func (s *Settings) Check(problem func(flag, format string, args ...any)) {
	if _, _, err := net.SplitHostPort(s.MetricsAddr); s.MetricsAddr != "" && err != nil {
		problem(flagMetrics, "%q is not host:port", s.MetricsAddr)
	}
	if u, err := url.Parse(s.OTLPEndpoint); s.OTLPEndpoint != "" &&
		(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		problem(flagOTLP, "%q is not a URL such as http://collector:4317", s.OTLPEndpoint)
	}
}

// Telemetry is what one process shows. Its zero value shows nothing.
type Telemetry struct {
	log      *slog.Logger
	provider *sdktrace.TracerProvider
	registry *prometheus.Registry
	rpc      *rpcMetrics
	store    *storeMetrics
	attempts *prometheus.CounterVec
}

// New prepares what is switched on. process names it in traces.
func New(ctx context.Context, s Settings, process string, log *slog.Logger) (*Telemetry, error) {
	t := &Telemetry{log: log}
	if s.OTLPEndpoint != "" {
		provider, err := newProvider(ctx, s.OTLPEndpoint, process)
		if err != nil {
			return nil, fmt.Errorf("telemetry: traces: %w", err)
		}
		t.provider = provider
	}
	if s.MetricsAddr != "" {
		t.registry = prometheus.NewRegistry()
		t.rpc, t.store, t.attempts = newRPCMetrics(), newStoreMetrics(), newAttempts()
		parts := append(t.rpc.collectors(), t.store.seconds, t.store.errors, t.attempts,
			collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		for _, c := range parts {
			if err := t.registry.Register(c); err != nil {
				return nil, fmt.Errorf("telemetry: metrics: %w", err)
			}
		}
	}
	return t, nil
}

// flushTime bounds the last export, so that a collector that is gone does not
// hold up the end of the process.
const flushTime = 3 * time.Second

// Close exports the last spans.
func (t *Telemetry) Close(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("telemetry: export the last spans: %w", err)
	}
	return nil
}

// Metrics tells whether metrics are on.
func (t *Telemetry) Metrics() bool { return t.registry != nil }

// Server serves metrics and profiles, for a private address; ready tells probes, which have neither token nor certificate, whether the process
// serves.
func (t *Telemetry) Server(ready func() bool) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !ready() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{
		// What can be measured is shown although something else cannot.
		ErrorHandling: promhttp.ContinueOnError,
		ErrorLog:      scrapeLog{t.log},
	}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
}

// scrapeLog hears of scrapes that went wrong.
type scrapeLog struct{ log *slog.Logger }

// Println logs what the handler of metrics says.
func (l scrapeLog) Println(v ...any) { l.log.Warn("scrape", "error", fmt.Sprint(v...)) }

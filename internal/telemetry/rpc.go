package telemetry

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// rpcMetrics count what every call came to.
type rpcMetrics struct {
	requests, errors, refusals *prometheus.CounterVec
	seconds                    *prometheus.HistogramVec
}

func newRPCMetrics() *rpcMetrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &rpcMetrics{
		requests: counter("fashen_rpc_requests_total", "Calls that ended, by status code.", "service", "method", "code"),
		errors:   counter("fashen_rpc_errors_total", "Calls that failed, by status code and reason.", "service", "method", "code", "reason"),
		refusals: counter("fashen_refusals_total", "Refusals by law or workflow, by refusal code.", "code"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fashen_rpc_seconds", Help: "How long calls took.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}, []string{"service", "method"}),
	}
}

func (m *rpcMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.errors, m.refusals, m.seconds}
}

// Observer takes the outcome of every call of a server; nil when metrics are
// off. Only methods that are registered reach it, and reasons and refusal codes
// are constants of the program, so the series are bounded.
func (t *Telemetry) Observer() func(method string, st *status.Status, took time.Duration) {
	if t.rpc == nil {
		return nil
	}
	return t.rpc.observe
}

func (m *rpcMetrics) observe(fullMethod string, st *status.Status, took time.Duration) {
	service, method, _ := strings.Cut(strings.TrimPrefix(fullMethod, "/"), "/")
	m.requests.WithLabelValues(service, method, st.Code().String()).Inc()
	m.seconds.WithLabelValues(service, method).Observe(took.Seconds())
	if st.Code() == codes.OK {
		return
	}
	reason := ""
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			reason = d.GetReason()
		case *errdetails.PreconditionFailure:
			for _, v := range d.GetViolations() {
				m.refusals.WithLabelValues(v.GetType()).Inc()
			}
		}
	}
	m.errors.WithLabelValues(service, method, st.Code().String(), reason).Inc()
}

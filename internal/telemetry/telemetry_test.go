package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
	"fashen/internal/docstore/sqlite"
)

func shown(t *testing.T, s Settings) *Telemetry {
	t.Helper()
	tel, err := New(t.Context(), s, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

func scrape(t *testing.T, tel *Telemetry) string {
	t.Helper()
	w := httptest.NewRecorder()
	tel.Server(func() bool { return true }).Handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// A measured engine keeps the contract of the store.
func TestMeasuredEngineKeepsTheContract(t *testing.T) {
	tel := shown(t, Settings{MetricsAddr: "127.0.0.1:0"})
	docstoretest.Run(t, func(t *testing.T) (docstore.Engine, func() docstore.Engine) {
		path := filepath.Join(t.TempDir(), "store.db")
		var last docstore.Engine
		open := func() docstore.Engine {
			if last != nil {
				if err := last.Close(); err != nil {
					t.Error(err)
				}
			}
			e, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			last = tel.Engine("store", e)
			return last
		}
		t.Cleanup(func() { _ = last.Close() })
		return open(), open
	})
	page := scrape(t, tel)
	for _, operation := range []string{"insert", "get", "replace", "find", "aggregate", "drain", "journal_append", "blob_put", "blob_open"} {
		if !strings.Contains(page, `fashen_store_seconds_count{operation="`+operation+`",store="store"}`) {
			t.Errorf("%s was not measured", operation)
		}
	}
}

func TestOffIsOff(t *testing.T) {
	tel := shown(t, Settings{})
	if tel.ServerTraces() != nil || tel.ClientTraces() != nil || tel.Observer() != nil || tel.Metrics() {
		t.Error("something is on")
	}
	if err := tel.CountBacklog(time.Now, nil); err != nil {
		t.Error(err)
	}
	if err := tel.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestBacklogIsCountedOnceInAWhile(t *testing.T) {
	tel := shown(t, Settings{MetricsAddr: "127.0.0.1:0"})
	now, counts, broken := time.Unix(1000, 0), 0, error(nil)
	err := tel.CountBacklog(func() time.Time { return now }, func(context.Context) ([]Backlog, error) {
		counts++
		return []Backlog{{State: "RECEIVED", Cases: 3, Overdue: 1}}, broken
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if page := scrape(t, tel); !strings.Contains(page, `fashen_cases{state="RECEIVED"} 3`) ||
			!strings.Contains(page, `fashen_cases_overdue{state="RECEIVED"} 1`) {
			t.Errorf("scraped\n%s", page)
		}
	}
	if counts != 1 {
		t.Errorf("counted %d times", counts)
	}
	now, broken = now.Add(backlogFresh), errors.New("the store is away")
	if page := scrape(t, tel); strings.Contains(page, "fashen_cases{") || !strings.Contains(page, "go_goroutines") {
		t.Errorf("with the store away\n%s", page)
	}
}

func TestPropagation(t *testing.T) {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for name, tc := range map[string]struct{ header, value, want string }{
		"traceparent":                  {"traceparent", "00-" + id + "-00f067aa0ba902b7-01", id},
		"a request id that is an id":   {requestID, id, id},
		"a request id that is not one": {requestID, "order-66", ""},
	} {
		ctx := propagator{}.Extract(t.Context(), propagation.MapCarrier{tc.header: tc.value})
		span, got := trace.SpanContextFromContext(ctx), ""
		if span.IsValid() {
			got = span.TraceID().String()
		}
		if got != tc.want {
			t.Errorf("%s: trace %q, want %q", name, got, tc.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for name, s := range map[string]Settings{
		"metrics":       {MetricsAddr: "9100"},
		"otlp-endpoint": {OTLPEndpoint: "collector:4317"},
	} {
		got := ""
		s.Check(func(flag, _ string, _ ...any) { got += flag })
		if got != name {
			t.Errorf("%+v: problem of %q", s, got)
		}
	}
}

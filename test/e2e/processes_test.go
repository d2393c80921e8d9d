package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/app"
	"fashen/internal/config"
	"fashen/internal/rpc/rpctest"
)

// Services in processes of their own: what cannot be seen where one process runs all.
// The rest of the suite runs in this form with FASHEN_TEST_REPLICAS=1, and with two of
// each where the store is MongoDB.

// inProcesses runs a scenario in processes of their own, one of each service, or as
// many as the suite runs with.
func inProcesses(t *testing.T, scenario func(t *testing.T, w *world)) {
	t.Helper()
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			scenario(t, newWorldOf(t, max(1, replicas(t)), configure(t), "rest", "2026-05-12"))
		})
	}
}

// A document goes its way through all services, and a session that ends in the
// directory ends everywhere.
func TestProcesses(t *testing.T) {
	inProcesses(t, func(t *testing.T, w *world) {
		d, _ := w.accepted(t, w.prepared(t, false))
		if d.GetReviewCase() == "" {
			t.Errorf("no case was opened: %v", d)
		}
		token := w.as(t, "drafter")
		get := func() *failure {
			return w.call(t.Context(), token, filingService+"GetDocument", &filingv1.GetDocumentRequest{Name: d.GetName()}, &filingv1.Document{})
		}
		if f := get(); f != nil {
			t.Fatal(f)
		}
		w.must(t, "drafter", sessionService+"SignOut", &directoryv1.SignOutRequest{}, &directoryv1.SignOutResponse{})
		w.ends(t, "after signing out", get)
	})
}

// While a service is away, what needs it answers UNAVAILABLE and the gateway names it;
// once it is back everything goes on, without a start of the others.
func TestAServiceAway(t *testing.T) {
	inProcesses(t, func(t *testing.T, w *world) {
		d := w.newDocument(t, false)
		list := func(service, method string) error {
			in, out := messages(t, service+method)
			in.Set(field(in, "parent"), protoreflect.ValueOfString(region))
			if f := w.try(t, "drafter", service+method, in.Interface(), out.Interface()); f != nil {
				return f
			}
			return nil
		}
		unavailable := func(try func() error) func() error {
			return func() error {
				var f *failure
				if err := try(); !errors.As(err, &f) || f.http != http.StatusServiceUnavailable {
					return fmt.Errorf("%w, want 503", err)
				}
				return nil
			}
		}
		back := w.away(t, "counsel")
		eventually(t, "cases", unavailable(func() error { return list(counselService, "ListCases") }))
		eventually(t, "documents", func() error { return list(filingService, "ListDocuments") })
		eventually(t, "readiness", func() error {
			missing := w.missing(t)
			if len(missing) == 0 || !strings.Contains(strings.Join(missing, " "), "counsel") || strings.Contains(strings.Join(missing, " "), "filing") {
				return fmt.Errorf("the gateway misses %v", missing)
			}
			return nil
		})
		back()
		eventually(t, "cases again", func() error { return list(counselService, "ListCases") })
		eventually(t, "readiness again", func() error {
			if missing := w.missing(t); len(missing) > 0 {
				return fmt.Errorf("the gateway misses %v", missing)
			}
			return nil
		})

		// Without the directory nobody new gets in, and who is in is let in while what is
		// revoked is known: for some seconds.
		back = w.away(t, "directory")
		eventually(t, "documents, nobody knowing who is revoked", unavailable(func() error { return list(filingService, "ListDocuments") }))
		back()
		eventually(t, "documents again", func() error { return list(filingService, "ListDocuments") })
		if f := w.get(t, "drafter", filingService+"GetDocument", d.GetName()); f != nil {
			t.Error(f)
		}
	})
}

// away stops the processes of a service; back starts them again where they were.
func (w *world) away(t *testing.T, service string) (back func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, a := range w.processes.of[service] {
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
	}
	return func() {
		t.Helper()
		for i, a := range w.processes.of[service] {
			again, err := app.Start(context.Background(), w.processes.configs[a], app.Options{Clock: w.clock.time, Logger: quiet(t)})
			if err != nil {
				t.Fatal(err)
			}
			w.processes.of[service][i] = again
			w.processes.configs[again] = w.processes.configs[a]
			w.processes.all = append(w.processes.all, again)
			w.processes.serving(t, again)
		}
	}
}

// missing are the gRPC services the gateway's readiness says do not serve.
func (w *world) missing(t *testing.T) (out []string) {
	t.Helper()
	body, _ := fetch(t, "http://"+w.app.HTTPAddr+"/readyz")
	var health struct{ Services map[string]string }
	if err := json.Unmarshal([]byte(body), &health); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	for service, state := range health.Services {
		if state != "SERVING" {
			out = append(out, service)
		}
	}
	return out
}

// A replica that ends under load costs no read; with one of each there is none to
// spare, so this is for two.
func TestAReplicaEnds(t *testing.T) {
	if replicas(t) < 2 {
		return
	}
	inProcesses(t, func(t *testing.T, w *world) {
		d := w.newDocument(t, false)
		token := w.as(t, "drafter")
		var readers sync.WaitGroup
		half := make(chan struct{}, 4)
		for range 4 {
			readers.Go(func() {
				for i := range 100 {
					if i == 30 {
						half <- struct{}{}
					}
					f := w.call(t.Context(), token, filingService+"GetDocument", &filingv1.GetDocumentRequest{Name: d.GetName()}, &filingv1.Document{})
					if f != nil {
						t.Errorf("read %d: %v", i, f)
						return
					}
				}
			})
		}
		<-half
		over, cancel := context.WithCancel(context.Background())
		cancel() // no time to finish
		_ = w.processes.of["filing"][0].Stop(over)
		readers.Wait()
	})
}

// What cannot be is refused at the start, with the setting that is at fault.
func TestProcessesRefused(t *testing.T) {
	files := rpctest.NewAuthority(t).Issue(t, t.TempDir(), "127.0.0.1")
	good := config.Config{
		Store: config.StoreSQLite, DataDir: t.TempDir(), GRPCAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0",
		Services: []string{"filing"}, Peers: []string{"counsel=127.0.0.1:1", "directory=127.0.0.1:1"},
		TLSCert: files.Certificate, TLSKey: files.Key, TLSCA: files.Authorities,
	}
	start := func(c config.Config) error {
		a, err := app.Start(t.Context(), c, app.Options{Logger: slog.New(slog.DiscardHandler)})
		if err == nil {
			t.Cleanup(func() { _ = a.Stop(context.Background()) })
		}
		return err
	}
	if err := start(good); err != nil {
		t.Fatal(err) // others need not be there
	}
	for want, change := range map[string]func(*config.Config){
		"replicas need MongoDB":              func(*config.Config) {},
		"--tls-cert: needed with --services": func(c *config.Config) { c.TLSCert, c.TLSKey, c.TLSCA = "", "", "" },
		"--tls-key: needed beside":           func(c *config.Config) { c.TLSKey = "" },
		"counsel is asked by filing":         func(c *config.Config) { c.Peers = c.Peers[1:] },
		"--services: no service \"files\"":   func(c *config.Config) { c.Services = []string{"files"} },
		"--peers: \"counsel\" is not":        func(c *config.Config) { c.Peers = append(c.Peers, "counsel") },
		"--sample: is for the process":       func(c *config.Config) { c.Sample = true },
		"filing is asked by gateway":         func(c *config.Config) { c.Services = []string{"gateway"} },
		"no such file":                       func(c *config.Config) { c.TLSCA = "/absent" },
	} {
		c := good
		c.Peers = append([]string(nil), good.Peers...)
		change(&c)
		if err := start(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

package webhook

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// host answers posts by their path. It is on loopback, as is all that tests reach.
func host(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	for _, status := range []int{200, 204, 302, 307, 308, 400, 410, 500, 503} {
		mux.HandleFunc(fmt.Sprint("/", status), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/200")
			w.WriteHeader(status)
		})
	}
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/drip", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/flood", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, strings.Repeat("x", 1<<16))
		}
	})
	mux.HandleFunc("/break", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo) // of handshakes that are to fail
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func (s *Sender) try(t *testing.T, to string) (int, error) {
	t.Helper()
	return s.Post(t.Context(), to, "id", time.Unix(1, 0), []byte("{}"), Secret("secret"))
}

func sender(t *testing.T, roots *x509.CertPool, networks Networks) *Sender {
	t.Helper()
	return senderOf(t, Options{Networks: networks, Roots: roots})
}

func senderOf(t *testing.T, o Options) *Sender {
	t.Helper()
	s := NewSender(o)
	t.Cleanup(s.Close)
	return s
}

func TestPostEndings(t *testing.T) {
	server := host(t)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	loopback := networks(t, "127.0.0.0/8")
	trusting := sender(t, roots, loopback)
	hasty := senderOf(t, Options{Networks: loopback, Roots: roots, Timeout: 3 * time.Second})
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "https://" + closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	plain := httptest.NewServer(server.Config.Handler)
	t.Cleanup(plain.Close)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(plain.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what   string
		s      *Sender
		to     string
		status int
		want   error
	}{
		{"taken", trusting, server.URL + "/200", 200, nil},
		{"taken without content", trusting, server.URL + "/204", 204, nil},
		{"redirected", trusting, server.URL + "/302", 302, ErrStatus},
		{"redirected with the body", trusting, server.URL + "/307", 307, ErrStatus},
		{"redirected for good", trusting, server.URL + "/308", 308, ErrStatus},
		{"refused", trusting, server.URL + "/400", 400, ErrStatus},
		{"gone", trusting, server.URL + "/410", 410, ErrStatus},
		{"broken", trusting, server.URL + "/500", 500, ErrStatus},
		{"not there", trusting, server.URL + "/nowhere", 404, ErrStatus},
		{"hanging", hasty, server.URL + "/hang", 0, ErrTimeout},
		{"taken, then hanging", hasty, server.URL + "/drip", 200, nil},
		{"taken, with more than anybody reads", trusting, server.URL + "/flood", 200, nil},
		{"cut off", trusting, server.URL + "/break", 0, ErrUnreachable},
		{"nobody there", trusting, nobody, 0, ErrUnreachable},
		{"a certificate nobody knows", sender(t, nil, loopback), server.URL + "/200", 0, ErrCertificate},
		{"a certificate of another name", trusting, strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/200", 0, ErrCertificate},
		{"no TLS", trusting, strings.Replace(plain.URL, "http:", "https:", 1) + "/200", 0, ErrCertificate},
		{"in clear text", trusting, plain.URL + "/200", 200, nil},
		{"an address that is not allowed", sender(t, roots, nil), server.URL + "/200", 0, ErrAddressRefused},
		{"a name of such an address", sender(t, roots, nil), "https://localhost:" + port + "/200", 0, ErrAddressRefused},
		{"in clear text, not allowed", sender(t, roots, networks(t, "10.0.0.0/8")), plain.URL + "/200", 0, ErrAddressRefused},
	} {
		status, err := c.s.try(t, c.to)
		if status != c.status || !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %d, %v, want %d, %v", c.what, status, err, c.status, c.want)
		}
	}
}

// What goes into an error, and so into the log, is neither the URL, which may hold
// a token, nor the secret.
func TestFailureTellsNoSecret(t *testing.T) {
	for _, to := range []string{"https://127.0.0.1:1/hook?token=hidden", "https://localhost.invalid:bad/hidden"} {
		_, err := sender(t, nil, networks(t, "127.0.0.0/8")).try(t, to)
		if err == nil || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestPostIsSigned(t *testing.T) {
	type post struct {
		header http.Header
		body   string
	}
	posts := make(chan post, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		posts <- post{r.Header, string(body)}
	}))
	t.Cleanup(server.Close)
	at, secrets := time.Unix(1614265330, 0), []Secret{Secret("one"), Secret("two")}
	_, err := sender(t, nil, networks(t, "127.0.0.0/8")).Post(t.Context(), server.URL, "filing/regions/120105/2", at, []byte(`{"a":1}`), secrets...)
	if err != nil {
		t.Fatal(err)
	}
	got := <-posts
	want := map[string]string{
		HeaderID: "filing/regions/120105/2", HeaderTimestamp: "1614265330", "Content-Type": ContentType,
		HeaderSignature: Sign("filing/regions/120105/2", at, []byte(`{"a":1}`), secrets...),
	}
	for name, value := range want {
		if got.header.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, got.header.Get(name), value)
		}
	}
	if got.body != `{"a":1}` {
		t.Errorf("the body is %q", got.body)
	}
}

func BenchmarkSign(b *testing.B) {
	body := []byte(strings.Repeat("x", 1000))
	for b.Loop() {
		Sign("filing/regions/120105/2", time.Unix(1614265330, 0), body, Secret("secret"))
	}
}

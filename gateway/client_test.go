package gateway

import (
	"net/http/httptest"
	"testing"
)

func TestClient(t *testing.T) {
	proxies, err := trustedProxies([]string{"127.0.0.1/32", "10.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, remote string
		forwarded    []string
		trusted      trusted
		want         string
	}{
		{"direct", "192.0.2.1:5", nil, proxies, "192.0.2.1"},
		{"direct, claims another", "192.0.2.1:5", []string{"198.51.100.7"}, proxies, "192.0.2.1"},
		{"proxy, nobody is trusted", "127.0.0.1:5", []string{"198.51.100.7"}, nil, "127.0.0.1"},
		{"through a proxy", "127.0.0.1:5", []string{"198.51.100.7"}, proxies, "198.51.100.7"},
		{"through two", "127.0.0.1:5", []string{"198.51.100.7, 10.1.2.3"}, proxies, "198.51.100.7"},
		{"through two, in two lines", "127.0.0.1:5", []string{"198.51.100.7", "10.1.2.3"}, proxies, "198.51.100.7"},
		{"claims another before the proxy", "127.0.0.1:5", []string{"203.0.113.9, 198.51.100.7"}, proxies, "198.51.100.7"},
		{"a proxy that says nothing", "127.0.0.1:5", nil, proxies, "127.0.0.1"},
		{"noise", "127.0.0.1:5", []string{"198.51.100.7, unknown"}, proxies, "127.0.0.1"},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:5", []string{"::ffff:198.51.100.7"}, proxies, "198.51.100.7"},
		{"IPv6", "[2001:db8::1]:5", nil, proxies, "2001:db8::1"},
		{"no address", "@", nil, proxies, ""},
	} {
		r := httptest.NewRequest("GET", "/v1/regions", nil)
		r.RemoteAddr = c.remote
		for _, f := range c.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		if got := c.trusted.client(r); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if _, err := trustedProxies([]string{"10.0.0.1"}); err == nil {
		t.Error("an address passed as a network")
	}
}

package webhook

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func networks(t testing.TB, texts ...string) Networks {
	t.Helper()
	n, bad := ParseNetworks(texts)
	if bad != "" {
		t.Fatalf("%q is no network", bad)
	}
	return n
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "223.5.5.5": true, "172.32.0.1": true, "100.128.0.1": true, "198.20.0.1": true,
		"2400:3200::1": true, "2606:4700::1111": true,
		"127.0.0.1": false, "127.255.255.254": false, "10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false, "100.127.255.255": false, "0.0.0.0": false, "0.1.2.3": false,
		"192.0.0.192": false, "192.0.2.1": false, "198.18.0.1": false, "198.51.100.1": false, "203.0.113.1": false,
		"224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd12:3456::1": false, "ff02::1": false,
		"fec0::1": false, "2001:db8::1": false, "2001::1": false, "2002:7f00:1::": false, "100::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:8.8.8.8": true, "::127.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b:1::1": false, "::ffff:0:7f00:1": false, "::ffff:0:8.8.8.8": false,
		"5f00::1": false, "4000::1": false, "1fff:ffff::1": false, "3fff::1": false, "3ffe::1": true,
	} {
		a := netip.MustParseAddr(address)
		if got := (Networks)(nil).allow(a, false); got != want {
			t.Errorf("%s: allowed %t", address, got)
		}
		if (Networks)(nil).allow(a, true) {
			t.Errorf("%s: allowed in clear text", address)
		}
	}
	n := networks(t, "10.20.0.0/16", "fd00::/8")
	for address, want := range map[string]bool{
		"10.20.1.1": true, "10.21.1.1": false, "::ffff:10.20.1.1": true, "fd12::1": true, "fd12::1%eth0": true, "127.0.0.1": false,
	} {
		for _, plain := range []bool{false, true} {
			if got := n.allow(netip.MustParseAddr(address), plain); got != want {
				t.Errorf("%s with allowed networks, in clear text %t: allowed %t", address, plain, got)
			}
		}
	}
}

func TestParseNetworks(t *testing.T) {
	if _, bad := ParseNetworks([]string{"10.0.0.0/8", "10.0.0.1"}); bad != "10.0.0.1" {
		t.Errorf("took %q", bad)
	}
}

var urls = map[string]error{
	"https://oa.example.cn/hook":             nil,
	"https://oa.example.cn:8443/hook?a=b%20": nil,
	"https://oa.example.cn":                  nil,
	"https://223.5.5.5/hook":                 nil,
	"https://[2400:3200::1]:443/hook":        nil,
	"":                                       ErrURL,
	"oa.example.cn/hook":                     ErrURL,
	"//oa.example.cn/hook":                   ErrScheme,
	"https:oa.example.cn":                    ErrURL,
	"https://":                               ErrURL,
	"https:///hook":                          ErrURL,
	"https://:443/hook":                      ErrURL,
	"https://办公.example.cn/":                 ErrURL,
	"https://oa.example.cn/ hook":            ErrURL,
	"https://oa.example.cn/\r\nx:y":          ErrURL,
	"https://oa.example.cn\\@127.0.0.1/":     ErrURL,
	"https://%31%32%37.0.0.1/":               ErrURL,
	"https://[::1/":                          ErrURL,
	"https://" + strings.Repeat("a", maxURL): ErrURL,
	"ftp://oa.example.cn/":                   ErrScheme,
	"file:///etc/passwd":                     ErrURL,
	"http://oa.example.cn/":                  ErrScheme,
	"https://user@oa.example.cn/":            ErrUserInfo,
	"https://user:pass@oa.example.cn/":       ErrUserInfo,
	"https://@oa.example.cn/":                ErrUserInfo,
	"https://oa.example.cn/#":                ErrFragment,
	"https://oa.example.cn/#x":               ErrFragment,
	"https://oa.example.cn:0/":               ErrPort,
	"https://oa.example.cn:65536/":           ErrPort,
	"https://oa.example.cn:/":                ErrPort,
	"https://127.0.0.1/":                     ErrAddress,
	"https://10.0.0.1/":                      ErrAddress,
	"https://169.254.169.254/latest":         ErrAddress,
	"https://[::1]/":                         ErrAddress,
	"https://[::ffff:10.0.0.1]/":             ErrAddress,
	"https://[fe80::1%25eth0]/":              ErrAddress,
	"https://[::ffff:0:7f00:1]/":             ErrAddress,
}

func TestURLs(t *testing.T) {
	for text, want := range urls {
		if err := (Networks)(nil).CheckURL(text); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
	n := networks(t, "10.20.0.0/16")
	for text, want := range map[string]error{
		"http://10.20.0.1:8080/hook": nil,
		"https://10.20.0.1/hook":     nil,
		"http://oa.internal/hook":    nil, // its address is looked at when it is connected to
		"http://10.21.0.1/hook":      ErrAddress,
		"http://223.5.5.5/hook":      ErrAddress,
		"https://223.5.5.5/hook":     nil,
	} {
		if err := n.CheckURL(text); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%q with an allowed network: %v, want %v", text, err, want)
		}
	}
}

// What passes makes a request to the host that was looked at, and to no address
// that is not allowed.
func FuzzCheckURL(f *testing.F) {
	for text := range urls {
		f.Add(text)
	}
	f.Add("http://10.20.0.1/")
	n := networks(f, "10.20.0.0/16")
	f.Fuzz(func(t *testing.T, text string) {
		if n.CheckURL(text) != nil {
			return
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, text, nil)
		if err != nil {
			t.Fatalf("%q passes and makes no request: %v", text, err)
		}
		if r.URL.User != nil || r.URL.Fragment != "" || r.URL.Scheme != "https" && r.URL.Scheme != "http" || Host(text) == "" {
			t.Errorf("%q passes as %v", text, r.URL)
		}
		if a, err := netip.ParseAddr(r.URL.Hostname()); err == nil && !n.allow(a, r.URL.Scheme == "http") {
			t.Errorf("%q passes and leads to %v", text, a)
		}
	})
}

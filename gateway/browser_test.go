package gateway

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/oidc"
)

func TestLocalPath(t *testing.T) {
	for path, want := range map[string]bool{
		"/": true, "/docs": true, "/a/b?c=d#e": true, "/a?next=https://evil.example": true, "/%2F%2Fevil.example": true,
		"": false, "docs": false, "//evil.example": false, "///evil.example": false, `/\evil.example`: false, `\\evil.example`: false,
		"https://evil.example": false, "javascript:alert(1)": false, "/\tevil": false, "/\n/evil.example": false, " /docs": false,
		"/文": false, "/" + strings.Repeat("a", 2000): false, "http:/docs": false, "/a\x00": false,
	} {
		if localPath(path) != want {
			t.Errorf("%q: %t", path, !want)
		}
	}
}

// Whatever passes stays on the site, also for a browser that reads backslashes as
// slashes and leaves out tabs and line ends.
func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/docs", "//evil.example", `/\evil.example`, "/\t/evil.example", "/a/../..//evil.example", "/@evil.example"} {
		f.Add(seed)
	}
	base := &url.URL{Scheme: "https", Host: "fashen.example.cn", Path: "/auth/callback"}
	f.Fuzz(func(t *testing.T, path string) {
		if !localPath(path) {
			return
		}
		lenient := strings.NewReplacer(`\`, "/", "\t", "", "\n", "", "\r", "").Replace(path)
		for _, read := range []string{path, lenient} {
			to, err := base.Parse(read)
			if err != nil || to.Host != base.Host || to.Scheme != base.Scheme || to.User != nil {
				t.Errorf("%q leads to %v, %v", path, to, err)
			}
		}
	})
}

func newJar(t *testing.T, secure bool, now func() time.Time) cookies {
	t.Helper()
	jar, err := newCookies(secure, make([]byte, 32), now)
	if err != nil {
		t.Fatal(err)
	}
	return jar
}

// Over https, cookies are Secure and named so that no other host can set them.
func TestCookiesOverHTTPS(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 4, 8, 1, 0, 0, 0, time.UTC) }
	jar := newJar(t, true, now)
	w := httptest.NewRecorder()
	if err := jar.setPending(w, pending{Return: "/docs"}); err != nil {
		t.Fatal(err)
	}
	jar.setSession(w, &directoryv1.Session{AccessToken: "a", RefreshToken: "r", ExpireTime: timestamppb.New(now().Add(30 * time.Minute))})
	want := map[string]struct {
		path string
		mode http.SameSite
		age  int
	}{
		"__Host-fashen-signin":    {"/", http.SameSiteLaxMode, 600},
		"__Host-fashen-session":   {"/", http.SameSiteStrictMode, 1800},
		"__Secure-fashen-refresh": {"/auth", http.SameSiteStrictMode, 12 * 60 * 60},
	}
	for _, c := range w.Result().Cookies() {
		if w := want[c.Name]; !c.Secure || !c.HttpOnly || c.Domain != "" || c.Path != w.path || c.SameSite != w.mode || c.MaxAge != w.age {
			t.Errorf("cookie %v, want %+v", c, w)
		}
		delete(want, c.Name)
	}
	if len(want) != 0 {
		t.Errorf("not set: %v", want)
	}
}

// A cookie that was not sealed here, that was changed, or that is old opens nothing.
func TestPendingCookie(t *testing.T) {
	now := time.Date(2026, 4, 8, 1, 0, 0, 0, time.UTC)
	jar := newJar(t, false, func() time.Time { return now })
	w := httptest.NewRecorder()
	if err := jar.setPending(w, pending{Pending: oidc.Pending{State: "s", Nonce: "n", Verifier: "v"}, Return: "/docs"}); err != nil {
		t.Fatal(err)
	}
	good := w.Result().Cookies()[0].Value
	opened := func(value string) bool {
		r := httptest.NewRequest(http.MethodGet, "/auth/callback", nil)
		r.AddCookie(&http.Cookie{Name: "fashen-signin", Value: value})
		p, ok := jar.pending(r)
		return ok && p.Return == "/docs" && p.Nonce == "n" && p.Verifier == "v"
	}
	if !opened(good) || strings.Contains(good, "docs") {
		t.Errorf("%q does not open, or can be read", good)
	}
	for _, bad := range []string{"", "x", good[:20], good + "A", "A" + good[1:], strings.ToUpper(good)} {
		if opened(bad) {
			t.Errorf("%q opens", bad)
		}
	}
	if other, err := newCookies(false, []byte(strings.Repeat("k", 32)), jar.now); err != nil {
		t.Fatal(err)
	} else if jar = other; opened(good) {
		t.Error("opens with another key")
	}
	jar = newJar(t, false, func() time.Time { return now })
	if now = now.Add(pendingLife); opened(good) {
		t.Error("opens after its time")
	}
}

func TestNewBrowserRefuses(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	signIn, err := oidc.NewSignIn(oidc.SignInOptions{URL: "https://sso.example", ClientID: "c", LoginClaim: "sub", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	whole := Browser{SignIn: signIn, RedirectURL: "https://fashen.example/auth/callback", CookieKey: make([]byte, 32), Clock: time.Now}
	if _, err := newBrowser(whole, nil, log); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Browser){
		"no issuer":   func(b *Browser) { b.SignIn = nil },
		"no clock":    func(b *Browser) { b.Clock = nil },
		"a short key": func(b *Browser) { b.CookieKey = []byte("short") },
		"no address":  func(b *Browser) { b.RedirectURL = "" },
	} {
		b := whole
		change(&b)
		if _, err := newBrowser(b, nil, log); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// A person gets a page, with nothing in it that is not text.
func TestPageEscapes(t *testing.T) {
	w := httptest.NewRecorder()
	if err := writePage(w, http.StatusOK, page{Message: "<script>", Next: `/a"><script>`, Link: "javascript:alert(1)", Label: "<b>"}); err != nil {
		t.Fatal(err)
	}
	body := w.Body.String()
	if strings.Contains(body, "<script>") || strings.Contains(body, `href="javascript`) || strings.Contains(body, "<b>") {
		t.Error(body)
	}
	if csp := w.Header().Get("Content-Security-Policy"); csp != policyPage || strings.Contains(csp, "script-src") {
		t.Errorf("policy %q", csp)
	}
}

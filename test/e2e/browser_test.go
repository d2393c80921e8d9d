package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/config"
)

const (
	// site is where browsers reach the process under test, whatever port it got.
	site         = "http://localhost:1"
	clientID     = "fashen-web"
	clientSecret = "示例密钥"
)

// provider is an issuer where people sign in with a browser: whoever comes is
// signed in as login at once. It is as strict as issuers are about codes.
type provider struct {
	*issuer

	mu    sync.Mutex
	world *world
	login string
	// forge changes what the next ID tokens say.
	forge func(jwt.MapClaims)
	// deny sends browsers back without a code.
	deny  bool
	codes map[string]url.Values
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{issuer: newIssuer(t), codes: map[string]url.Values{}}
	keys := p.Config.Handler
	p.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{
				"issuer": p.URL, "jwks_uri": p.URL + "/keys", "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
			})
		case "/authorize":
			p.authorize(w, r)
		case "/token":
			p.token(w, r)
		default:
			keys.ServeHTTP(w, r)
		}
	})
	return p
}

// set changes what the provider does next.
func (p *provider) set(change func(*provider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	if q.Get("client_id") != clientID || q.Get("redirect_uri") != site+"/auth/callback" || q.Get("response_type") != "code" ||
		q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("state") == "" || q.Get("nonce") == "" ||
		!strings.Contains(q.Get("scope"), "openid") {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}, "iss": {p.URL}}
	if p.deny {
		back.Set("error", "access_denied")
	} else {
		code := "code-" + q.Get("state")
		p.codes[code] = q
		back.Set("code", code)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	asked := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	id, secret, _ := r.BasicAuth()
	secret, _ = url.QueryUnescape(secret)
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if asked == nil || id != clientID || secret != clientSecret || r.FormValue("redirect_uri") != asked.Get("redirect_uri") ||
		base64.RawURLEncoding.EncodeToString(sum[:]) != asked.Get("code_challenge") {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant"})
		return
	}
	now := p.world.clock.time()
	claims := jwt.MapClaims{
		"iss": p.URL, "aud": clientID, "sub": "0001", "preferred_username": p.login, "nonce": asked.Get("nonce"),
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	if p.forge != nil {
		p.forge(claims)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"] = "k1"
	signed, err := token.SignedString(p.key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": signed})
}

// browser is a person's browser: it keeps cookies and follows no redirect by itself.
type browser struct {
	*http.Client

	t *testing.T
}

func newBrowser(t *testing.T, w *world) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == strings.TrimPrefix(site, "http://") {
			address = w.app.HTTPAddr
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	transport := &http.Transport{DialContext: dial}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t: t, Client: &http.Client{
		Jar: jar, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// reply is an answer that was read to its end.
type reply struct {
	status         int
	location, body string
	cookies        []*http.Cookie
}

// do sends a request with headers, which are name, value pairs, and reads the answer.
func (b *browser) do(method, address string, headers ...string) reply {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header.Get("Location"), string(body), res.Cookies()}
}

// reason is the status and the reason of an answer, as of `401 TOKEN_EXPIRED`.
func (b *browser) reason(method, path string, headers ...string) string {
	b.t.Helper()
	got := b.do(method, site+path, headers...)
	if got.status < 400 {
		return strconv.Itoa(got.status)
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", got.status, problemOf([]byte(got.body), got.status).reason))
}

// cookie is the value of one this site has set; empty when there is none.
func (b *browser) cookie(name, path string) string {
	at, _ := url.Parse(site + path)
	for _, c := range b.Jar.Cookies(at) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// arrive goes as far as the issuer and answers where it sends the browser back to.
func (b *browser) arrive() string {
	b.t.Helper()
	at := site + "/auth/signin?return=/docs%3Fx%3D1"
	for range 2 {
		got := b.do(http.MethodGet, at)
		if got.status != http.StatusFound {
			b.t.Fatalf("%s: %+v", at, got)
		}
		at = got.location
	}
	return strings.TrimPrefix(at, site)
}

// own are the headers of a page of this site.
var own = []string{"Sec-Fetch-Site", "same-origin"}

// newSite is a process where people sign in with a browser.
func newSite(t *testing.T, c config.Config) (*world, *provider) {
	t.Helper()
	p := newProvider(t)
	c.OIDCIssuer, c.OIDCAudience, c.OIDCLoginClaim = p.URL, "fashen-example", "preferred_username"
	c.OIDCClientID, c.OIDCClientSecret, c.OIDCRedirectURL = clientID, clientSecret, site+"/auth/callback"
	w := newWorld(t, c, "rest", "2026-04-08")
	w.clock.day(t, "2026-04-09") // after everybody set a password, which ends sign-ins
	p.set(func(p *provider) { p.world, p.login = w, "drafter" })
	return w, p
}

// A person signs in at the issuer and works with cookies that no script and no other
// site can use, until they sign out.
func TestSignInWithABrowser(t *testing.T) {
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w, p := newSite(t, configure(t))
			b := newBrowser(t, w)
			const caller = "/v1/session:caller"
			wants := func(what, got, want string) {
				t.Helper()
				if got != want {
					t.Errorf("%s: %s, want %s", what, got, want)
				}
			}
			wants("before", b.reason(http.MethodGet, caller), "401 TOKEN_MISSING")
			callback := b.arrive()
			got := b.do(http.MethodGet, site+callback)
			if got.status != http.StatusOK || !strings.Contains(got.body, `content="0;url=/docs?x=1"`) {
				t.Fatalf("back from the issuer: %+v", got)
			}
			for _, c := range got.cookies {
				if strict := c.Name != "fashen-signin"; !c.HttpOnly || strict && c.SameSite != http.SameSiteStrictMode {
					t.Errorf("cookie %v", c)
				}
			}
			wants("signed in", b.reason(http.MethodGet, caller), "200")
			wants("by a link on another site", b.reason(http.MethodGet, caller, "Sec-Fetch-Site", "cross-site"), "401 TOKEN_MISSING")
			profile := "/v1/" + region + ":computeDeadline"
			for name, headers := range map[string][]string{
				"without a word":      {},
				"of another site":     {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
				"of a sister site":    {"Sec-Fetch-Site", "same-site", "Origin", "https://other.example.cn"},
				"of an older browser": {"Origin", "https://evil.example"},
			} {
				headers = append(headers, "Content-Type", "application/json")
				wants("a change "+name, b.reason(http.MethodPost, profile, headers...), "403 CROSS_ORIGIN")
				wants("renewal "+name, b.reason(http.MethodPost, "/auth/refresh", headers...), "403 CROSS_ORIGIN")
				wants("signing out "+name, b.reason(http.MethodPost, "/auth/signout", headers...), "403 CROSS_ORIGIN")
			}
			wants("a change of this site", b.reason(http.MethodPost, profile, append(own, "Content-Type", "application/json")...), "400 FIELD_VIOLATION")
			wants("the same, an older browser", b.reason(http.MethodPost, profile, "Origin", site, "Content-Type", "application/json"), "400 FIELD_VIOLATION")

			first, renewal := b.cookie("fashen-session", "/"), b.cookie("fashen-refresh", "/auth/refresh")
			if b.cookie("fashen-refresh", "/v1") != "" {
				t.Error("the refresh token is sent with every call")
			}
			wants("renewal", b.reason(http.MethodPost, "/auth/refresh", own...), "204")
			if b.cookie("fashen-session", "/") == first || b.cookie("fashen-refresh", "/auth") == renewal {
				t.Error("renewal left the tokens as they were")
			}
			w.clock.later(31 * time.Minute)
			wants("half an hour later", b.reason(http.MethodGet, caller), "401 TOKEN_EXPIRED")
			wants("renewal then", b.reason(http.MethodPost, "/auth/refresh", own...), "204")
			wants("after it", b.reason(http.MethodGet, caller), "200")
			last, renewal := b.cookie("fashen-session", "/"), b.cookie("fashen-refresh", "/auth")
			w.clock.later(31 * time.Minute)
			wants("signing out with an old token", b.reason(http.MethodPost, "/auth/signout", own...), "204")
			if b.cookie("fashen-session", "/")+b.cookie("fashen-refresh", "/auth") != "" {
				t.Error("signing out left cookies")
			}
			if f := w.call(t.Context(), last, sessionService+"GetCaller", &directoryv1.GetCallerRequest{}, &directoryv1.Person{}); f == nil {
				t.Error("signing out left the session")
			}
			f := w.call(t.Context(), "", sessionService+"RefreshSession", &directoryv1.RefreshSessionRequest{RefreshToken: renewal}, &directoryv1.Session{})
			if reason(f) != "SESSION_ENDED" {
				t.Errorf("a refresh token from before signing out: %v", f)
			}
			wants("renewal of nothing", b.reason(http.MethodPost, "/auth/refresh", own...), "401 TOKEN_MISSING")

			// Who has never signed in here has no password and needs none.
			person := &directoryv1.Person{}
			w.must(t, "sysadmin", directoryService+"CreatePerson", &directoryv1.CreatePersonRequest{
				Parent: region, Person: &directoryv1.Person{DisplayName: "示例新人", Login: "newcomer", Bureau: w.bureau[labour]},
			}, person)
			p.set(func(p *provider) { p.login = "newcomer" })
			wants("a newcomer", b.reason(http.MethodGet, b.arrive()), "200")
			w.must(t, "sysadmin", directoryService+"GetPerson", &directoryv1.GetPersonRequest{Name: person.GetName()}, person)
			if person.GetState() != directoryv1.Person_ACTIVE {
				t.Errorf("a newcomer who signed in is %v", person.GetState())
			}
		})
	}
}

// What does not come from the sign-in this browser began, or not from the issuer, or
// not for us, begins no session.
func TestSignInWithABrowserRefuses(t *testing.T) {
	w, p := newSite(t, oneEngine(t))
	forged := func(change func(jwt.MapClaims)) func(*browser) string {
		return func(b *browser) string {
			p.set(func(p *provider) { p.forge = change })
			return b.reason(http.MethodGet, b.arrive())
		}
	}
	claim := func(name string, value any) func(*browser) string {
		return forged(func(c jwt.MapClaims) { c[name] = value })
	}
	without := func(name string) func(*browser) string {
		return forged(func(c jwt.MapClaims) { delete(c, name) })
	}
	// asked changes the address at which the browser comes back.
	asked := func(change func(url.Values)) func(*browser) string {
		return func(b *browser) string {
			path, query, _ := strings.Cut(b.arrive(), "?")
			values, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			change(values)
			return b.reason(http.MethodGet, path+"?"+values.Encode())
		}
	}
	other := newIssuer(t)
	for name, tt := range map[string]struct {
		try  func(*browser) string
		want string
	}{
		"another state":    {asked(func(q url.Values) { q.Set("state", "made-up") }), "401 SIGN_IN_STATE"},
		"no state":         {asked(func(q url.Values) { q.Del("state") }), "401 SIGN_IN_STATE"},
		"another issuer":   {asked(func(q url.Values) { q.Set("iss", other.URL) }), "401 SIGN_IN_ISSUER"},
		"a made-up code":   {asked(func(q url.Values) { q.Set("code", "made-up") }), "401 SIGN_IN_REFUSED"},
		"another browser":  {func(b *browser) string { return newBrowser(t, w).reason(http.MethodGet, b.arrive()) }, "401 SIGN_IN_STATE"},
		"another nonce":    {claim("nonce", "made-up"), "401 TOKEN_INVALID"},
		"no nonce":         {without("nonce"), "401 TOKEN_INVALID"},
		"no audience":      {without("aud"), "401 TOKEN_INVALID"},
		"another audience": {claim("aud", "fashen-example"), "401 TOKEN_INVALID"},
		"for two":          {claim("aud", []string{clientID, "other"}), "401 TOKEN_INVALID"},
		"for another":      {forged(func(c jwt.MapClaims) { c["aud"], c["azp"] = []string{clientID, "other"}, "other" }), "401 TOKEN_INVALID"},
		"of other issuer":  {claim("iss", other.URL), "401 TOKEN_INVALID"},
		"no issuer":        {without("iss"), "401 TOKEN_INVALID"},
		"over":             {claim("exp", w.clock.time().Add(-time.Minute).Unix()), "401 TOKEN_INVALID"},
		"issued tomorrow":  {claim("iat", w.clock.time().Add(24*time.Hour).Unix()), "401 TOKEN_INVALID"},
		"nobody":           {without("preferred_username"), "401 TOKEN_INVALID"},
		"somebody unknown": {claim("preferred_username", "nobody"), "401 PERSON_UNKNOWN"},
		"a long name":      {claim("preferred_username", strings.Repeat("a", 300)), "400 STRING_MAX_LEN"},
		"denied": {func(b *browser) string {
			p.set(func(p *provider) { p.deny = true })
			return b.reason(http.MethodGet, b.arrive())
		}, "401 SIGN_IN_DENIED"},
		"replayed": {func(b *browser) string {
			callback, cookies := b.arrive(), b.cookie("fashen-signin", "/")
			if got := b.reason(http.MethodGet, callback); got != "200" {
				t.Errorf("the first time: %s", got)
			}
			b = newBrowser(t, w)
			return b.reason(http.MethodGet, callback, "Cookie", "fashen-signin="+cookies)
		}, "401 SIGN_IN_REFUSED"},
		"sealed by another": {func(b *browser) string {
			return newBrowser(t, w).reason(http.MethodGet, b.arrive(), "Cookie", "fashen-signin="+strings.Repeat("A", 200))
		}, "401 SIGN_IN_STATE"},
	} {
		b := newBrowser(t, w)
		p.set(func(p *provider) { p.forge, p.deny = nil, false })
		if got := tt.try(b); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		if name != "replayed" && b.cookie("fashen-session", "/") != "" {
			t.Errorf("%s: a session was begun", name)
		}
	}
	p.set(func(p *provider) { p.forge, p.deny = nil, false })
	lateOrAway(t, w, p)
}

// lateOrAway is for who took too long, who may not come in any more, and an issuer
// that is down.
func lateOrAway(t *testing.T, w *world, p *provider) {
	t.Helper()
	wants := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	b := newBrowser(t, w)
	callback := b.arrive()
	w.clock.later(11 * time.Minute)
	wants("too slow", b.reason(http.MethodGet, callback), "401 SIGN_IN_STATE")
	p.set(func(p *provider) {
		p.forge = func(c jwt.MapClaims) {
			maps.Copy(c, jwt.MapClaims{"aud": []string{clientID, "other"}, "azp": clientID})
		}
	})
	wants("for two, made for us", b.reason(http.MethodGet, b.arrive()), "200")
	callback = b.arrive()
	p.set(func(p *provider) {
		p.forge = func(c jwt.MapClaims) { c["iat"] = w.clock.time().Add(-time.Hour).Unix() }
	})
	w.must(t, "secadmin", directoryService+"RevokeSessions", &directoryv1.RevokeSessionsRequest{Name: w.people["drafter"]}, &directoryv1.RevokeSessionsResponse{})
	w.ends(t, "ended since", func() *failure {
		_, reason, _ := strings.Cut(b.reason(http.MethodGet, "/v1/session:caller"), " ")
		return &failure{reason: reason}
	})
	wants("signed in before that", b.reason(http.MethodGet, callback), "401 SIGN_IN_REVOKED")
	p.set(func(p *provider) { p.forge = nil })
	w.must(t, "secadmin", directoryService+"DisablePerson", &directoryv1.DisablePersonRequest{Name: w.people["drafter"]}, &directoryv1.Person{})
	wants("disabled", b.reason(http.MethodGet, b.arrive()), "401 SIGN_IN_REVOKED")
	got := b.do(http.MethodGet, site+"/auth/signin?return=//evil.example", "Accept", "text/html")
	if got.status != http.StatusBadRequest || !strings.Contains(got.body, "RETURN_PATH_INVALID") || strings.Contains(got.body, "evil") {
		t.Errorf("sent elsewhere: %+v", got)
	}
	p.Close()
	w.clock.later(16 * time.Minute)
	wants("the issuer is down", b.reason(http.MethodGet, "/auth/signin"), "503 UNAVAILABLE")
}

package gateway

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/oidc"
)

// cookies are those of people who sign in with a browser. None can be read by a
// script; those of a session are sent with this site's own requests alone.
type cookies struct {
	secure bool
	seal   cipher.AEAD
	now    func() time.Time
}

// pending is a sign-in that was started and has not come back.
type pending struct {
	oidc.Pending

	// Return is the path the browser goes to afterwards.
	Return string `json:"return"`
	// Until is when it is void, in Unix seconds.
	Until int64 `json:"until"`
}

func newCookies(secure bool, key []byte, now func() time.Time) (cookies, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return cookies{}, fmt.Errorf("gateway: cookie key: %w", err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return cookies{}, fmt.Errorf("gateway: cookie key: %w", err)
	}
	return cookies{secure: secure, seal: seal, now: now}, nil
}

// kind is one of the cookies.
type kind struct {
	name, path string
	mode       http.SameSite
}

// named adds the prefix that keeps other hosts and http from setting the cookie;
// browsers take prefixes with Secure only.
func (c cookies) named(prefix, name, path string, mode http.SameSite) kind {
	if !c.secure {
		prefix = ""
	}
	return kind{prefix + name, path, mode}
}

// pendingCookie comes back with a browser whom another site, the issuer, sends.
func (c cookies) pendingCookie() kind {
	return c.named("__Host-", "fashen-signin", "/", http.SameSiteLaxMode)
}

func (c cookies) sessionCookie() kind {
	return c.named("__Host-", "fashen-session", "/", http.SameSiteStrictMode)
}

// refreshCookie is sent where it is needed and nowhere else.
func (c cookies) refreshCookie() kind {
	return c.named("__Secure-", "fashen-refresh", "/auth", http.SameSiteStrictMode)
}

// set gives the browser a cookie for a time; none takes it away.
func (c cookies) set(w http.ResponseWriter, k kind, value string, life time.Duration) {
	age := int(life.Seconds())
	if age <= 0 {
		value, age = "", -1
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure but for http, which is for the own machine
		Name: k.name, Path: k.path, SameSite: k.mode, Secure: c.secure, HttpOnly: true, Value: value, MaxAge: age,
	})
}

func (c cookies) clear(w http.ResponseWriter, k kind) { c.set(w, k, "", 0) }

// value is what the browser sent; empty when it sent nothing.
func (c cookies) value(r *http.Request, k kind) string {
	sent, err := r.Cookie(k.name)
	if err != nil {
		return ""
	}
	return sent.Value
}

func (c cookies) setSession(w http.ResponseWriter, s *directoryv1.Session) {
	c.set(w, c.sessionCookie(), s.GetAccessToken(), s.GetExpireTime().AsTime().Sub(c.now()))
	c.set(w, c.refreshCookie(), s.GetRefreshToken(), refreshLife)
}

func (c cookies) clearSession(w http.ResponseWriter) {
	c.clear(w, c.sessionCookie())
	c.clear(w, c.refreshCookie())
}

// setPending gives the browser what only it may bring back, sealed.
func (c cookies) setPending(w http.ResponseWriter, p pending) error {
	p.Until = c.now().Add(pendingLife).Unix()
	plain, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("write the cookie of a sign-in: %w", err)
	}
	k := c.pendingCookie()
	sealed := c.seal.Seal(nil, nil, plain, []byte(k.name)) //nolint:gosec // the cipher makes its own random nonce
	c.set(w, k, base64.RawURLEncoding.EncodeToString(sealed), pendingLife)
	return nil
}

// pending opens what the browser brought back; false unless it was sealed here, not
// long ago.
func (c cookies) pending(r *http.Request) (pending, bool) {
	k := c.pendingCookie()
	sealed, err := base64.RawURLEncoding.DecodeString(c.value(r, k))
	if err != nil {
		return pending{}, false
	}
	plain, err := c.seal.Open(nil, nil, sealed, []byte(k.name))
	if err != nil {
		return pending{}, false
	}
	var p pending
	if err := json.Unmarshal(plain, &p); err != nil || p.State == "" || c.now().Unix() >= p.Until {
		return pending{}, false
	}
	return p, true
}

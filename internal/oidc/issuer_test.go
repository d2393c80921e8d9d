package oidc_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"fashen/internal/auth"
	"fashen/internal/oidc"
)

const audience = "fashen-example"

// house is a small issuer on a real listener, and what takes its tokens.
type house struct {
	*oidc.Issuer

	t      *testing.T
	server *httptest.Server

	mu     sync.Mutex
	now    time.Time
	keys   map[string]crypto.Signer
	broken bool
	asked  int
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, now: time.Date(2026, 5, 12, 1, 0, 0, 0, time.UTC), keys: map[string]crypto.Signer{}}
	h.server = httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.server.Close)
	h.key("k1")
	var err error
	h.Issuer, err = oidc.New(oidc.Options{
		URL: h.server.URL, Audience: audience, LoginClaim: "preferred_username", People: h, Now: h.time, Client: h.server.Client(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.broken {
		http.Error(w, "down", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/openid-configuration") {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": h.server.URL, "jwks_uri": h.server.URL + "/keys"})
		return
	}
	h.asked++
	var set jose.JSONWebKeySet
	for id, key := range h.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: id, Use: "sig"})
	}
	raw, err := json.Marshal(set)
	if err != nil {
		h.t.Error(err)
	}
	// A key of a kind nobody knows is passed over.
	_, _ = w.Write([]byte(strings.Replace(string(raw), `"keys":[`, `"keys":[{"kty":"NEW","kid":"k0"},`, 1)))
}

// CallerByLogin knows one person.
func (h *house) CallerByLogin(_ context.Context, login string, issued time.Time) (auth.Caller, error) {
	if login != "sample.a" || !issued.Equal(h.time()) {
		return auth.Caller{}, auth.ErrUnknownPerson
	}
	return auth.Caller{Person: "regions/120105/people/p1"}, nil
}

func (h *house) time() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

func (h *house) key(id string) {
	h.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	h.set(func() { h.keys[id] = key })
}

// token signs good claims, changed.
func (h *house) token(method jwt.SigningMethod, key any, id string, change func(jwt.MapClaims)) string {
	h.t.Helper()
	claims := jwt.MapClaims{
		"iss": h.server.URL, "aud": []string{"other", audience}, "sub": "0001", "preferred_username": "sample.a",
		"iat": h.time().Unix(), "exp": h.time().Add(5 * time.Minute).Unix(),
	}
	change(claims)
	token := jwt.NewWithClaims(method, claims)
	if id != "" {
		token.Header["kid"] = id
	}
	signed, err := token.SignedString(key)
	if err != nil {
		h.t.Fatal(err)
	}
	return signed
}

func (h *house) good(id string) string {
	return h.token(jwt.SigningMethodES256, h.keys[id], id, func(jwt.MapClaims) {})
}

func (h *house) wants(what, token string, want error) {
	h.t.Helper()
	got, err := h.Caller(h.t.Context(), token)
	if !errors.Is(err, want) {
		h.t.Errorf("%s: %v, want %v", what, err, want)
	}
	if err == nil && got.Person != "regions/120105/people/p1" {
		h.t.Errorf("%s: %+v", what, got)
	}
}

// down fails the test unless a token could not be judged.
func (h *house) down(what, token string) {
	h.t.Helper()
	_, err := h.Caller(h.t.Context(), token)
	if err == nil || errors.Is(err, auth.ErrInvalidToken) || errors.Is(err, auth.ErrExpiredToken) {
		h.t.Errorf("%s: %v, want that it is unknown", what, err)
	}
}

func TestTokens(t *testing.T) {
	h := newHouse(t)
	key := h.keys["k1"]
	set := func(name string, value any) func(jwt.MapClaims) { return func(c jwt.MapClaims) { c[name] = value } }
	without := func(name string) func(jwt.MapClaims) { return func(c jwt.MapClaims) { delete(c, name) } }
	signed := func(change func(jwt.MapClaims)) string { return h.token(jwt.SigningMethodES256, key, "k1", change) }
	same := func(jwt.MapClaims) {}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(jose.JSONWebKey{Key: key.Public(), KeyID: "k1"})
	if err != nil {
		t.Fatal(err)
	}
	h.wants("a good one", h.good("k1"), nil)
	h.wants("good once more", h.good("k1"), nil)
	h.wants("one audience, as a string", signed(set("aud", audience)), nil)
	for name, c := range map[string]struct {
		token string
		want  error
	}{
		"another issuer":        {signed(set("iss", "https://elsewhere.example")), auth.ErrInvalidToken},
		"no issuer":             {signed(without("iss")), auth.ErrInvalidToken},
		"another audience":      {signed(set("aud", "another")), auth.ErrInvalidToken},
		"no audience":           {signed(without("aud")), auth.ErrInvalidToken},
		"expired":               {signed(set("exp", h.time().Add(-time.Second).Unix())), auth.ErrExpiredToken},
		"never expires":         {signed(without("exp")), auth.ErrExpiredToken},
		"issued at no time":     {signed(without("iat")), auth.ErrInvalidToken},
		"issued in the future":  {signed(set("iat", h.time().Add(time.Hour).Unix())), auth.ErrInvalidToken},
		"not before its time":   {signed(set("nbf", h.time().Add(time.Hour).Unix())), auth.ErrInvalidToken},
		"no sign-in name":       {signed(without("preferred_username")), auth.ErrInvalidToken},
		"a name that is none":   {signed(set("preferred_username", 7)), auth.ErrInvalidToken},
		"a name nobody has":     {signed(set("preferred_username", "nobody")), auth.ErrUnknownPerson},
		"alg none":              {h.token(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "k1", same), auth.ErrInvalidToken},
		"HMAC with public key":  {h.token(jwt.SigningMethodHS256, public, "k1", same), auth.ErrInvalidToken},
		"another key, its id":   {h.token(jwt.SigningMethodRS256, stranger, "k1", same), auth.ErrInvalidToken},
		"unknown key":           {h.token(jwt.SigningMethodRS256, stranger, "k9", same), auth.ErrInvalidToken},
		"no key id":             {h.token(jwt.SigningMethodES256, key, "", same), auth.ErrInvalidToken},
		"noise":                 {"a.b.c", auth.ErrInvalidToken},
		"far too long":          {strings.Repeat("a", 20000), auth.ErrInvalidToken},
		"signature cut":         {strings.Join(strings.Split(h.good("k1"), ".")[:2], ".") + ".", auth.ErrInvalidToken},
		"encrypted, not signed": {"a.b.c.d.e", auth.ErrInvalidToken},
	} {
		h.wants(name, c.token, c.want)
	}
}

// A key the issuer adds is found by itself, one it takes back is trusted no longer,
// and key ids that are made up do not make us ask each time.
func TestRotation(t *testing.T) {
	h := newHouse(t)
	h.wants("before", h.good("k1"), nil)
	h.key("k2")
	for range 5 {
		h.wants("new key, asked a moment ago", h.good("k2"), auth.ErrInvalidToken)
	}
	h.set(func() { h.now = h.now.Add(10 * time.Second) })
	for range 5 {
		h.wants("new key", h.good("k2"), nil)
	}
	h.wants("old key", h.good("k1"), nil)
	if h.asked != 2 {
		t.Errorf("the issuer was asked %d times, want 2", h.asked)
	}
	taken := h.keys["k1"]
	h.set(func() { delete(h.keys, "k1"); h.now = h.now.Add(15 * time.Minute) })
	h.wants("key that was taken back", h.token(jwt.SigningMethodES256, taken, "k1", func(jwt.MapClaims) {}), auth.ErrInvalidToken)
	h.wants("key that stays", h.good("k2"), nil)
}

// While the issuer is down, its known keys serve on for a while; what they do not
// answer is unknown, neither good nor bad. It recovers without a restart.
func TestIssuerDown(t *testing.T) {
	h := newHouse(t)
	h.set(func() { h.broken = true })
	h.down("at first", h.good("k1"))
	h.set(func() { h.broken = false })
	h.down("just after", h.good("k1"))
	h.set(func() { h.now = h.now.Add(10 * time.Second) })
	h.wants("recovered", h.good("k1"), nil)

	h.set(func() { h.broken = true; h.now = h.now.Add(time.Minute) })
	h.wants("keys are known", h.good("k1"), nil)
	h.key("k2")
	h.down("key is not known", h.good("k2"))
	h.set(func() { h.now = h.now.Add(15 * time.Minute) })
	h.down("keys are too old", h.good("k1"))

	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	nobody, err := oidc.New(oidc.Options{
		URL: "http://" + gone.Addr().String(), Audience: audience, LoginClaim: "sub", People: h, Now: h.time,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nobody.Caller(t.Context(), h.good("k1")); err == nil || errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestIssued(t *testing.T) {
	h := newHouse(t)
	if !h.Issued(h.good("k1")) {
		t.Error("a token of the issuer is not taken for one")
	}
	for _, token := range []string{
		"", "a.b.c", "a.b", h.token(jwt.SigningMethodES256, h.keys["k1"], "k1", func(c jwt.MapClaims) { c["iss"] = "fashen" }),
	} {
		if h.Issued(token) {
			t.Errorf("%q is taken for a token of the issuer", token)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, o := range []oidc.Options{
		{URL: "http://issuer.example", Audience: "a", LoginClaim: "sub"},
		{URL: "issuer.example", Audience: "a", LoginClaim: "sub"},
		{URL: "https://issuer.example?x=y", Audience: "a", LoginClaim: "sub"},
		{URL: "https://issuer.example", LoginClaim: "sub"},
		{URL: "https://issuer.example", Audience: "a"},
	} {
		if _, err := oidc.New(o); err == nil {
			t.Errorf("accepted: %+v", o)
		}
	}
}

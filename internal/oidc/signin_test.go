package oidc_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"fashen/internal/oidc"
)

// endpoints is an issuer that says where it lets people sign in, and refuses every
// code with a status.
func endpoints(t *testing.T, authorize string, status int) oidc.SignInOptions {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		here := "http://" + r.Host
		switch r.URL.Path {
		case "/keys":
			_, _ = w.Write([]byte(`{"keys":[]}`))
		case "/token":
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		default:
			_ = json.NewEncoder(w).Encode(map[string]string{
				"issuer": here, "jwks_uri": here + "/keys", "token_endpoint": here + "/token",
				"authorization_endpoint": strings.ReplaceAll(authorize, "{here}", here),
			})
		}
	})
	server.Start()
	t.Cleanup(server.Close)
	return oidc.SignInOptions{
		URL: server.URL, ClientID: "web", RedirectURL: "https://fashen.example/auth/callback", LoginClaim: "sub",
		Now: func() time.Time { return time.Date(2026, 5, 12, 1, 0, 0, 0, time.UTC) },
	}
}

// Each sign-in has secrets of its own, which the issuer's address does not all hold.
func TestStart(t *testing.T) {
	s, err := oidc.NewSignIn(endpoints(t, "{here}/authorize?policy=p1", http.StatusBadRequest))
	if err != nil {
		t.Fatal(err)
	}
	address, first, err := s.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := s.Start(t.Context())
	if err != nil || first.State == second.State || first.Nonce == second.Nonce || first.Verifier == second.Verifier || first.State == first.Nonce {
		t.Errorf("%+v, then %+v, %v", first, second, err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("state") != first.State || q.Get("nonce") != first.Nonce || q.Get("code_challenge_method") != "S256" ||
		q.Get("policy") != "p1" || strings.Contains(address, first.Verifier) {
		t.Errorf("the address is %s", address)
	}
}

func TestStartAtUnsafeIssuer(t *testing.T) {
	for _, authorize := range []string{"http://sso.example/authorize", "javascript:alert(1)", ""} {
		s, err := oidc.NewSignIn(endpoints(t, authorize, http.StatusBadRequest))
		if err != nil {
			t.Fatal(err)
		}
		if address, _, err := s.Start(t.Context()); err == nil {
			t.Errorf("%q sends people to %s", authorize, address)
		}
	}
}

// A code that the issuer refuses is told apart from an issuer that fails.
func TestFinishTellsWhoFailed(t *testing.T) {
	for code, refused := range map[int]bool{http.StatusBadRequest: true, http.StatusUnauthorized: true, http.StatusBadGateway: false} {
		s, err := oidc.NewSignIn(endpoints(t, "{here}/authorize", code))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Finish(t.Context(), oidc.Pending{}, "code"); err == nil || errors.Is(err, oidc.ErrRefused) != refused {
			t.Errorf("HTTP %d: %v", code, err)
		}
	}
}

func TestNewSignInRefuses(t *testing.T) {
	for name, o := range map[string]oidc.SignInOptions{
		"no client":    {URL: "https://sso.example", LoginClaim: "sub"},
		"no claim":     {URL: "https://sso.example", ClientID: "web"},
		"an open line": {URL: "http://sso.example", ClientID: "web", LoginClaim: "sub"},
	} {
		if _, err := oidc.NewSignIn(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

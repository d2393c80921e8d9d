package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// issuer is a small OpenID Connect issuer with one key.
type issuer struct {
	*httptest.Server
	key *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		var answer any = map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys"}
		if strings.HasSuffix(r.URL.Path, "/keys") {
			answer = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1"}}}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) token(t *testing.T, w *world, login, audience, key string) string {
	t.Helper()
	now := w.clock.time()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": i.URL, "aud": audience, "sub": "0001", "preferred_username": login,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "roles": []string{"ROLE_SECURITY_ADMINISTRATOR"},
	})
	token.Header["kid"] = key
	signed, err := token.SignedString(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// Who signed in elsewhere is the person of the directory with that sign-in name,
// with the roles of the directory and no others, until they are revoked here.
func TestSingleSignOn(t *testing.T) {
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			other := newIssuer(t)
			c := configure(t)
			c.OIDCIssuer, c.OIDCAudience, c.OIDCLoginClaim = other.URL, "fashen-example", "preferred_username"
			w := newWorld(t, c, "rest", "2026-04-08")
			w.clock.day(t, "2026-04-09") // after everybody set a password, which ends tokens
			good := other.token(t, w, "drafter", "fashen-example", "k1")
			who := &directoryv1.Person{}
			get := func(token string) *failure {
				t.Helper()
				return w.call(t.Context(), token, sessionService+"GetCaller", &directoryv1.GetCallerRequest{}, who)
			}
			wants := func(what string, f *failure, reason string) {
				t.Helper()
				if (f == nil) != (reason == "") || f != nil && f.reason != reason {
					t.Errorf("%s: %v, want %q", what, f, reason)
				}
			}
			if wants("signed in elsewhere", get(good), ""); who.GetLogin() != "drafter" {
				t.Errorf("taken for %v", who)
			}
			create := &filingv1.CreateDocumentRequest{Parent: region, Document: &filingv1.Document{
				Title: "示例办法", IssuingAuthority: w.bureau[government], OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
			}}
			wants("drafting", w.call(t.Context(), good, filingService+"CreateDocument", create, &filingv1.Document{}), "")
			revoke := &directoryv1.RevokeSessionsRequest{Name: w.people["drafter"]}
			wants("a role the issuer claims", w.call(t.Context(), good, directoryService+"RevokeSessions", revoke, &directoryv1.RevokeSessionsResponse{}), "ROLE_REQUIRED")
			wants("signing out here", w.call(t.Context(), good, sessionService+"SignOut", &directoryv1.SignOutRequest{}, &directoryv1.SignOutResponse{}), "SESSION_ELSEWHERE")
			wants("somebody unknown", get(other.token(t, w, "nobody", "fashen-example", "k1")), "PERSON_UNKNOWN")
			wants("another program's", get(other.token(t, w, "drafter", "another", "k1")), "TOKEN_INVALID")
			wants("of an issuer nobody chose", get(newIssuer(t).token(t, w, "drafter", "fashen-example", "k1")), "TOKEN_INVALID")

			w.must(t, "secadmin", directoryService+"RevokeSessions", revoke, &directoryv1.RevokeSessionsResponse{})
			wants("revoked here", get(good), "TOKEN_REVOKED")
			w.clock.day(t, "2026-04-10")
			wants("expired", get(good), "TOKEN_EXPIRED")
			wants("signed in anew", get(other.token(t, w, "drafter", "fashen-example", "k1")), "")
			w.must(t, "secadmin", directoryService+"DisablePerson", &directoryv1.DisablePersonRequest{Name: w.people["drafter"]}, who)
			wants("disabled here", get(other.token(t, w, "drafter", "fashen-example", "k1")), "TOKEN_REVOKED")

			other.Close()
			w.clock.day(t, "2026-04-13")
			f := get(other.token(t, w, "reviewer", "fashen-example", "k1"))
			if wants("while the issuer is down", f, "UNAVAILABLE"); f != nil && f.http != http.StatusServiceUnavailable {
				t.Errorf("HTTP %d", f.http)
			}
			wants("signed in here, while the issuer is down", get(w.as(t, "reviewer")), "")
		})
	}
}

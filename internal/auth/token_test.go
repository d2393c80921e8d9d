package auth_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/auth"
)

func TestUserToken(t *testing.T) {
	c, key := newClock(), newKey(t)
	token, expires, err := auth.NewSigner(key, c.now).UserToken(reviewer())
	if err != nil {
		t.Fatal(err)
	}
	if want := c.now().Add(auth.UserTokenLife).Truncate(time.Second); !expires.Equal(want) {
		t.Errorf("expires at %v, want %v", expires, want)
	}
	verifier := auth.NewVerifier(c.now, auth.NewRevocations(c.now), key)
	for range 2 { // parsed, then remembered
		got, err := verifier.User(token)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, reviewer()) {
			t.Errorf("User = %+v, want %+v", got, reviewer())
		}
	}
	c.move(auth.UserTokenLife)
	if _, err := verifier.User(token); !errors.Is(err, auth.ErrExpiredToken) {
		t.Errorf("a remembered token after its end: %v", err)
	}
	fresh := auth.NewVerifier(c.now, auth.NewRevocations(c.now), key)
	if _, err := fresh.User(token); !errors.Is(err, auth.ErrExpiredToken) {
		t.Errorf("a new token after its end: %v", err)
	}
}

func TestUserTokenNeedsPersonRegionSession(t *testing.T) {
	c := newClock()
	signer := auth.NewSigner(newKey(t), c.now)
	for _, without := range []func(*auth.Caller){
		func(c *auth.Caller) { c.Person = "" },
		func(c *auth.Caller) { c.Region = "" },
		func(c *auth.Caller) { c.Session = "" },
		func(c *auth.Caller) { c.Roles = []corev1.Role{corev1.Role_ROLE_UNSPECIFIED} },
		func(c *auth.Caller) { c.Roles = []corev1.Role{99} },
	} {
		caller := reviewer()
		without(&caller)
		if _, _, err := signer.UserToken(caller); err == nil {
			t.Errorf("a token was minted for %+v", caller)
		}
	}
}

func TestServiceToken(t *testing.T) {
	c, key := newClock(), newKey(t)
	signer := auth.NewSigner(key, c.now)
	verifier := auth.NewVerifier(c.now, auth.NewRevocations(c.now), key)
	first, err := signer.ServiceToken("filing")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := verifier.Service(first); err != nil || got != "services/filing" {
		t.Errorf("Service = %q, %v", got, err)
	}
	c.move(time.Minute)
	if again, _ := signer.ServiceToken("filing"); again != first {
		t.Error("a fresh service token was not used again")
	}
	c.move(time.Minute)
	renewed, _ := signer.ServiceToken("filing")
	if renewed == first {
		t.Error("a service token with little life left was handed out")
	}
	other, _ := signer.ServiceToken("counsel")
	if got, _ := verifier.Service(other); got != "services/counsel" {
		t.Errorf("another service's token says %q", got)
	}
	c.move(auth.ServiceTokenLife)
	if _, err := verifier.Service(first); !errors.Is(err, auth.ErrExpiredToken) {
		t.Errorf("an old service token: %v", err)
	}
	for _, bad := range []string{"", "a/b"} {
		if _, err := signer.ServiceToken(bad); err == nil {
			t.Errorf("a token was minted for service %q", bad)
		}
	}
}

// A token is good for its own use only.
func TestTokenUse(t *testing.T) {
	c, key := newClock(), newKey(t)
	signer := auth.NewSigner(key, c.now)
	verifier := auth.NewVerifier(c.now, auth.NewRevocations(c.now), key)
	user, _, _ := signer.UserToken(reviewer())
	service, _ := signer.ServiceToken("filing")
	for range 2 {
		if _, err := verifier.User(service); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("a service token as a person's: %v", err)
		}
		if _, err := verifier.Service(user); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("a person's token as a service's: %v", err)
		}
	}
}

func TestForgedTokens(t *testing.T) {
	c, key := newClock(), newKey(t)
	_, private := exportKey(t, key)
	verifier := auth.NewVerifier(c.now, auth.NewRevocations(c.now), key)
	good, _, _ := auth.NewSigner(key, c.now).UserToken(reviewer())
	other := reviewer()
	other.Roles = []corev1.Role{corev1.Role_ROLE_SYSTEM_ADMINISTRATOR}
	stranger, _, _ := auth.NewSigner(newKey(t), c.now).UserToken(other)

	claims := func(change func(jwt.MapClaims)) jwt.MapClaims {
		m := jwt.MapClaims{
			"iss": "fashen", "aud": "fashen", "sub": reviewer().Person, "use": "user", "sid": "s1",
			"region": "regions/120105", "roles": []string{"ROLE_REVIEWER"},
			"iat_ms": c.now().UnixMilli(), "exp": c.now().Add(time.Minute).Unix(),
		}
		change(m)
		return m
	}
	sign := func(method jwt.SigningMethod, with any, kid any, change func(jwt.MapClaims)) string {
		token := jwt.NewWithClaims(method, claims(change))
		if kid != nil {
			token.Header["kid"] = kid
		}
		signed, err := token.SignedString(with)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	same := func(jwt.MapClaims) {}
	if _, err := verifier.User(sign(jwt.SigningMethodEdDSA, private, key.ID, same)); err != nil {
		t.Fatalf("the table below starts from a good token: %v", err)
	}
	set := func(name string, value any) func(jwt.MapClaims) {
		return func(m jwt.MapClaims) { m[name] = value }
	}
	without := func(name string) func(jwt.MapClaims) {
		return func(m jwt.MapClaims) { delete(m, name) }
	}
	eddsa := func(change func(jwt.MapClaims)) string {
		return sign(jwt.SigningMethodEdDSA, private, key.ID, change)
	}
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"empty":                  "",
		"noise":                  "no.token.atall",
		"too long":               strings.Repeat("a", 5000),
		"alg none":               sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, key.ID, same),
		"HMAC with public key":   sign(jwt.SigningMethodHS256, []byte(key.Public), key.ID, same),
		"another key":            stranger,
		"another key, our id":    sign(jwt.SigningMethodEdDSA, privateOf(t, newKey(t)), key.ID, same),
		"no key id":              sign(jwt.SigningMethodEdDSA, private, nil, same),
		"key id is a number":     sign(jwt.SigningMethodEdDSA, private, 7, same),
		"signature cut":          parts[0] + "." + parts[1] + ".",
		"signature of another":   parts[0] + "." + parts[1] + "." + strings.Split(stranger, ".")[2],
		"payload of another":     parts[0] + "." + strings.Split(stranger, ".")[1] + "." + parts[2],
		"other audience":         eddsa(set("aud", "elsewhere")),
		"no audience":            eddsa(without("aud")),
		"other issuer":           eddsa(set("iss", "elsewhere")),
		"no issuer":              eddsa(without("iss")),
		"never expires":          eddsa(without("exp")),
		"unknown role":           eddsa(set("roles", []string{"ROLE_EMPEROR"})),
		"role unspecified":       eddsa(set("roles", []string{"ROLE_UNSPECIFIED"})),
		"no use":                 eddsa(without("use")),
		"unknown use":            eddsa(set("use", "admin")),
		"no session":             eddsa(without("sid")),
		"no issue time":          eddsa(without("iat_ms")),
		"no subject":             eddsa(without("sub")),
		"not before its time":    eddsa(set("nbf", c.now().Add(time.Hour).Unix())),
		"service without prefix": eddsa(func(m jwt.MapClaims) { m["use"], m["sub"] = "service", "filing" }),
	} {
		if got, err := verifier.User(token); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("%s: User = %+v, %v", name, got, err)
		}
		if got, err := verifier.Service(token); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("%s: Service = %q, %v", name, got, err)
		}
	}
}

// While keys change, tokens of both are good.
func TestTwoKeys(t *testing.T) {
	c, old, next := newClock(), newKey(t), newKey(t)
	verifier := auth.NewVerifier(c.now, auth.NewRevocations(c.now), old, next)
	for _, key := range []auth.Key{old, next} {
		token, _, _ := auth.NewSigner(key, c.now).UserToken(reviewer())
		if _, err := verifier.User(token); err != nil {
			t.Error(err)
		}
	}
}

func TestRevocation(t *testing.T) {
	c, key := newClock(), newKey(t)
	signer, revocations := auth.NewSigner(key, c.now), auth.NewRevocations(c.now)
	verifier := auth.NewVerifier(c.now, revocations, key)
	mint := func(session string) string {
		caller := reviewer()
		caller.Session = session
		token, _, err := signer.UserToken(caller)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	check := func(what, token string, want error) {
		t.Helper()
		if _, err := verifier.User(token); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	first, second := mint("s1"), mint("s2")
	check("before", first, nil)
	revocations.RevokeSession("s1", time.Time{})
	check("of the ended session", first, auth.ErrRevokedToken)
	check("of another session", second, nil)

	c.move(time.Millisecond)
	revocations.RevokeBefore(reviewer().Person, c.now())
	check("issued before", second, auth.ErrRevokedToken)
	third := mint("s3")
	check("issued in that millisecond", third, nil)
	revocations.RevokeBefore(reviewer().Person, c.now().Add(-time.Minute))
	check("after an older revocation came late", second, auth.ErrRevokedToken)
}

// What no living token can match is forgotten, and not before.
func TestRevocationsForget(t *testing.T) {
	c := newClock()
	revocations := auth.NewRevocations(c.now)
	issued := c.now().Add(-time.Second)
	revocations.RevokeSession("s1", time.Time{})
	revocations.RevokeBefore("regions/1/people/p", c.now())

	c.move(auth.UserTokenLife - time.Second)
	revocations.RevokeSession("s2", time.Time{}) // sweeps
	if !revocations.Revoked(auth.Caller{Session: "s1", Person: "regions/1/people/q"}, issued) || !revocations.Revoked(auth.Caller{Session: "s", Person: "regions/1/people/p"}, issued) {
		t.Error("a revocation was forgotten while its tokens live")
	}
	c.move(2 * time.Minute)
	revocations.RevokeSession("s3", time.Time{})
	if revocations.Revoked(auth.Caller{Session: "s1", Person: "regions/1/people/q"}, issued) || revocations.Revoked(auth.Caller{Session: "s", Person: "regions/1/people/p"}, issued) {
		t.Error("a revocation was kept although its tokens are dead")
	}
}

// More tokens than the cache holds stay good, and the oldest ones too.
func TestManyTokens(t *testing.T) {
	c, key := newClock(), newKey(t)
	signer := auth.NewSigner(key, c.now)
	verifier := auth.NewVerifier(c.now, auth.NewRevocations(c.now), key)
	var first string
	for i := range 4200 {
		caller := auth.Caller{Person: fmt.Sprintf("regions/1/people/p%d", i), Region: "regions/1", Session: "s"}
		token, _, _ := signer.UserToken(caller)
		if i == 0 {
			first = token
		}
		if got, err := verifier.User(token); err != nil || got.Person != caller.Person {
			t.Fatalf("token %d: %+v, %v", i, got, err)
		}
	}
	if _, err := verifier.User(first); err != nil {
		t.Error(err)
	}
}

func BenchmarkVerifyRemembered(b *testing.B) {
	c, key := newClock(), newKey(b)
	token, _, _ := auth.NewSigner(key, c.now).UserToken(reviewer())
	verifier := auth.NewVerifier(c.now, auth.NewRevocations(c.now), key)
	for b.Loop() {
		if _, err := verifier.User(token); err != nil {
			b.Fatal(err)
		}
	}
}

// Package oidc accepts access tokens of an issuer outside (OpenID Connect) beside
// our own: signed JWTs whose issuer and audience are the configured ones. The
// issuer says who somebody is; what they may do is the directory's alone.
package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"

	"fashen/internal/auth"
)

// maxTokenBytes bounds a token; those of issuers are larger than ours.
const maxTokenBytes = 16 << 10

// maxSkew is how far the issuer's clock may be ahead of ours.
const maxSkew = 5 * time.Minute

// People finds the person of a sign-in name; it is the directory.
type People interface {
	// CallerByLogin answers the person as they are now, for a token that was issued
	// at a time. Errors: [auth.ErrUnknownPerson]; [auth.ErrRevokedToken] when the
	// person is disabled or their tokens of that time were revoked.
	CallerByLogin(ctx context.Context, login string, issued time.Time) (auth.Caller, error)
}

// Options of an issuer; all but Client are required.
type Options struct {
	// URL is the issuer's, as in the `iss` claim. Its keys are found by discovery
	// when the first token comes.
	URL string
	// Audience must be among the `aud` of a token: ours, and no other program's.
	Audience string
	// LoginClaim holds the sign-in name of a person of the directory.
	LoginClaim string
	// People finds persons.
	People People
	// Now tells the time.
	Now func() time.Time
	// Client fetches keys; one with a limit of 5 s when nil.
	Client *http.Client
}

// Issuer checks tokens of one issuer.
type Issuer struct{ reader }

// New makes an issuer and reaches out to nobody. It fails on a URL that is not
// https (http is for the own machine) and without audience or claim.
func New(o Options) (*Issuer, error) {
	r, err := newReader(o)
	if err != nil {
		return nil, err
	}
	return &Issuer{r}, nil
}

// reader reads signed tokens of one issuer for one audience.
type reader struct {
	options  Options
	keys     *keys
	verifier *gooidc.IDTokenVerifier
}

func newReader(o Options) (reader, error) {
	if err := CheckURL(o.URL); err != nil {
		return reader{}, err
	}
	if o.Audience == "" || o.LoginClaim == "" {
		return reader{}, errors.New("oidc: audience and login claim are required")
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 5 * time.Second}
	}
	keys := newKeys(o)
	return reader{options: o, keys: keys, verifier: gooidc.NewVerifier(o.URL, keys, &gooidc.Config{
		ClientID:             o.Audience,
		SupportedSigningAlgs: algorithmNames(),
		Now:                  o.Now,
	})}, nil
}

// CheckURL refuses what cannot be an issuer: keys that anybody on the way can
// exchange prove nothing.
func CheckURL(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%q is not the URL of an issuer", issuer)
	}
	return checkSecure(u)
}

// checkSecure refuses what others on the way can read and change; http is for the
// own machine.
func checkSecure(u *url.URL) error {
	if u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !Loopback(u)) {
		return fmt.Errorf("%q is not https", u)
	}
	return nil
}

// Loopback tells whether a URL is of the own machine.
func Loopback(u *url.URL) bool {
	return u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127.") || u.Hostname() == "::1"
}

// Issued tells whether a token says that it is of this issuer. It proves nothing.
func (i *Issuer) Issued(token string) bool {
	parts := strings.Split(token, ".")
	if len(token) > maxTokenBytes || len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	return json.Unmarshal(payload, &claims) == nil && claims.Issuer == i.options.URL
}

// Caller tells the person of a token. Errors: [auth.ErrInvalidToken],
// [auth.ErrExpiredToken], those of [People]; any other means that it could not be
// found out, as when the issuer is down and its keys are not known.
func (i *Issuer) Caller(ctx context.Context, token string) (auth.Caller, error) {
	checked, login, err := i.read(ctx, token)
	if err != nil {
		return auth.Caller{}, err
	}
	return i.options.People.CallerByLogin(ctx, login, checked.IssuedAt)
}

// read checks a token and reads the sign-in name in it. Errors:
// [auth.ErrInvalidToken], [auth.ErrExpiredToken]; any other means that the keys of
// the issuer could not be asked for.
func (r *reader) read(ctx context.Context, token string) (*gooidc.IDToken, string, error) {
	if len(token) > maxTokenBytes {
		return nil, "", auth.ErrInvalidToken
	}
	// The verifier keeps only the text of what its keys answer.
	var down error
	checked, err := r.verifier.Verify(context.WithValue(ctx, downKey{}, &down), token)
	var expired *gooidc.TokenExpiredError
	switch {
	case down != nil:
		return nil, "", fmt.Errorf("keys of the issuer: %w", down)
	case errors.As(err, &expired):
		return nil, "", fmt.Errorf("%w: %w", auth.ErrExpiredToken, err)
	case err != nil:
		return nil, "", fmt.Errorf("%w: %w", auth.ErrInvalidToken, err)
	}
	if checked.IssuedAt.Unix() <= 0 || checked.IssuedAt.Sub(r.options.Now()) > maxSkew {
		return nil, "", fmt.Errorf("%w: issued at no time, or in the future", auth.ErrInvalidToken)
	}
	var claims map[string]any
	if err := checked.Claims(&claims); err != nil {
		return nil, "", fmt.Errorf("%w: %w", auth.ErrInvalidToken, err)
	}
	login, _ := claims[r.options.LoginClaim].(string)
	if login == "" {
		return nil, "", fmt.Errorf("%w: no claim %s", auth.ErrInvalidToken, r.options.LoginClaim)
	}
	return checked, login, nil
}

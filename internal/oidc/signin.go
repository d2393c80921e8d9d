package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"fashen/internal/auth"
)

// CallbackPath is where the gateway takes browsers back from an issuer.
const CallbackPath = "/auth/callback"

// ErrRefused means that the issuer did not take a code: it was made up, used
// before, or is too old.
var ErrRefused = errors.New("oidc: the issuer refused the code")

// SignInOptions are what a sign-in in a browser needs; all but ClientSecret and
// Client are required.
type SignInOptions struct {
	// URL is the issuer's, as in the `iss` claim.
	URL string
	// ClientID is what the issuer calls us; it must be the audience of an ID token.
	ClientID string
	// ClientSecret proves us to the issuer; empty for a client without one, whom PKCE
	// alone protects.
	ClientSecret string
	// RedirectURL is where the issuer sends the browser back to.
	RedirectURL string
	// LoginClaim holds the sign-in name of a person of the directory.
	LoginClaim string
	// Now tells the time.
	Now func() time.Time
	// Client reaches the issuer; one with a limit of 5 s when nil.
	Client *http.Client
}

// SignIn lets people sign in at an issuer with a browser: the authorization code
// flow of OpenID Connect with PKCE. It keeps nothing between Start and Finish.
type SignIn struct {
	reader

	config oauth2.Config
}

// Pending is a sign-in that was started: what only the browser that started it may
// hold until it comes back.
type Pending struct {
	// State comes back in the address, Nonce in the ID token.
	State string `json:"state"`
	Nonce string `json:"nonce"`
	// Verifier proves that who trades the code has asked for it (RFC 7636).
	Verifier string `json:"verifier"`
}

// Identity is who signed in.
type Identity struct {
	// Login is the sign-in name.
	Login string
	// Issued is when the issuer said so.
	Issued time.Time
}

// NewSignIn makes a sign-in and reaches out to nobody. It fails on what
// [New] fails on, and without a client id.
func NewSignIn(o SignInOptions) (*SignIn, error) {
	r, err := newReader(Options{URL: o.URL, Audience: o.ClientID, LoginClaim: o.LoginClaim, Now: o.Now, Client: o.Client})
	if err != nil {
		return nil, err
	}
	return &SignIn{reader: r, config: oauth2.Config{
		ClientID: o.ClientID, ClientSecret: o.ClientSecret, RedirectURL: o.RedirectURL,
		Scopes: []string{gooidc.ScopeOpenID, "profile"},
	}}, nil
}

// Issuer is the URL of the issuer.
func (s *SignIn) Issuer() string { return s.options.URL }

// Start begins a sign-in and answers where to send the browser. An error means that
// the issuer could not be asked.
func (s *SignIn) Start(ctx context.Context) (string, Pending, error) {
	config, err := s.configured(ctx)
	if err != nil {
		return "", Pending{}, err
	}
	p := Pending{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	return config.AuthCodeURL(p.State, gooidc.Nonce(p.Nonce), oauth2.S256ChallengeOption(p.Verifier)), p, nil
}

// Finish trades the code that came back for who signed in. Errors: ErrRefused;
// [auth.ErrInvalidToken] and [auth.ErrExpiredToken] about the ID token; any other
// means that the issuer could not be asked.
func (s *SignIn) Finish(ctx context.Context, p Pending, code string) (Identity, error) {
	config, err := s.configured(ctx)
	if err != nil {
		return Identity{}, err
	}
	traded, err := config.Exchange(gooidc.ClientContext(ctx, s.options.Client), code, oauth2.VerifierOption(p.Verifier))
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.Response.StatusCode < http.StatusInternalServerError:
		return Identity{}, fmt.Errorf("%w: %s", ErrRefused, refused.ErrorCode)
	case err != nil:
		return Identity{}, fmt.Errorf("trade a code: %w", err)
	}
	raw, _ := traded.Extra("id_token").(string)
	token, login, err := s.read(ctx, raw)
	if err != nil {
		return Identity{}, err
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(p.Nonce)) != 1 {
		return Identity{}, fmt.Errorf("%w: of another sign-in", auth.ErrInvalidToken)
	}
	var claims struct {
		Authorized string `json:"azp"`
	}
	if err := token.Claims(&claims); err != nil {
		return Identity{}, fmt.Errorf("%w: %w", auth.ErrInvalidToken, err)
	}
	// A token for several is ours only if it was made for us (OpenID Connect Core 3.1.3.7).
	if claims.Authorized != s.options.Audience && (claims.Authorized != "" || !slices.Equal(token.Audience, []string{s.options.Audience})) {
		return Identity{}, fmt.Errorf("%w: authorized for another", auth.ErrInvalidToken)
	}
	return Identity{Login: login, Issued: token.IssuedAt}, nil
}

// configured is the configuration with the endpoints of the issuer.
func (s *SignIn) configured(ctx context.Context) (*oauth2.Config, error) {
	endpoint, err := s.keys.endpoints(ctx)
	if err != nil {
		return nil, fmt.Errorf("endpoints of the issuer: %w", err)
	}
	config := s.config
	config.Endpoint = endpoint
	return &config, nil
}

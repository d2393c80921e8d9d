package app

import (
	"fashen/gateway"
	"fashen/internal/oidc"
)

// browser is how people sign in with a browser; nil where they cannot.
func (a *App) browser() (*gateway.Browser, error) {
	c := a.config
	if c.OIDCClientID == "" {
		return nil, nil
	}
	signIn, err := oidc.NewSignIn(oidc.SignInOptions{
		URL: c.OIDCIssuer, ClientID: c.OIDCClientID, ClientSecret: c.OIDCClientSecret,
		RedirectURL: c.OIDCRedirectURL, LoginClaim: c.OIDCLoginClaim, Now: a.clock,
	})
	if err != nil {
		return nil, err
	}
	key, err := a.keys.first.Derive("browser sign-in")
	if err != nil {
		return nil, err
	}
	return &gateway.Browser{SignIn: signIn, RedirectURL: c.OIDCRedirectURL, CookieKey: key, Clock: a.clock}, nil
}

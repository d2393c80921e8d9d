package config

import (
	"strings"
	"testing"
)

func TestCheckBrowser(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"whole":         {func(*Config) {}, ""},
		"no secret":     {func(c *Config) { c.OIDCClientSecret = "" }, ""},
		"own machine":   {func(c *Config) { c.OIDCRedirectURL = "http://localhost:8080/auth/callback" }, ""},
		"at no issuer":  {func(c *Config) { c.OIDCIssuer, c.OIDCAudience = "", "" }, "--oidc-issuer"},
		"id for access": {func(c *Config) { c.OIDCAudience = "fashen-web" }, "--oidc-client-id"},
		"without an id": {func(c *Config) { c.OIDCClientID = "" }, "--oidc-client-id"},
		"to nowhere":    {func(c *Config) { c.OIDCRedirectURL = "" }, "--oidc-redirect-url"},
		"over http":     {func(c *Config) { c.OIDCRedirectURL = "http://fashen.example/auth/callback" }, "--oidc-redirect-url"},
		"to a page":     {func(c *Config) { c.OIDCRedirectURL = "https://fashen.example/" }, "--oidc-redirect-url"},
	} {
		c := Config{
			Store: StoreSQLite, DataDir: "x", OIDCIssuer: "https://sso.example", OIDCAudience: "fashen", OIDCLoginClaim: "sub",
			OIDCClientID: "fashen-web", OIDCClientSecret: "s", OIDCRedirectURL: "https://fashen.example/auth/callback",
		}
		tt.change(&c)
		if err := c.Check(); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

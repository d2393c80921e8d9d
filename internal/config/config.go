// Package config is the one configuration of a fashen process: flags before
// environment before file before defaults. Every setting is a flag; its
// variable and its key in the file follow from its name, and nothing else reads
// the environment.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"fashen/internal/officialdoc"
	"fashen/internal/oidc"
	"fashen/internal/telemetry"
	"fashen/internal/webhook"
)

// Engines of the store.
const (
	StoreSQLite  = "sqlite"
	StoreMongoDB = "mongodb"
)

// Config is what a process is told.
type Config struct {
	// File holds settings as YAML; none when empty.
	File string
	// DataDir holds the embedded store, the signing key and nothing of value else.
	DataDir string
	// Store is the engine: sqlite or mongodb.
	Store string
	// MongoURI and MongoPrefix say where MongoDB is and how its databases are
	// named: one a service, `{prefix}_{service}`.
	MongoURI, MongoPrefix string
	// GRPCAddr and HTTPAddr are where clients connect, host:port; port 0 takes a
	// free one.
	GRPCAddr, HTTPAddr string
	// Services are those that this process runs; all when empty. Gateway is one of
	// them here.
	Services []string
	// Peers say where services run that this process asks and does not run:
	// `{service}=host:port`, one for each replica or one name for all.
	Peers []string
	// TLSCert, TLSKey and TLSCA are files of the certificate, its key and the
	// authorities that are trusted: the gRPC API is over TLS with them. All or none.
	TLSCert, TLSKey, TLSCA string
	// Drain is how long a stopping process serves on after health says NOT_SERVING.
	Drain time.Duration
	// AllowedOrigins are web origins that may call the REST API (CORS).
	AllowedOrigins []string
	// TrustedProxies are networks (CIDR) whose X-Forwarded-For the REST API
	// believes.
	TrustedProxies []string
	// CallerRate, SignInRate and UnauthenticatedRate bound calls a second: of one
	// person or API key; to sign in, from one address; without a valid credential,
	// from one address. 0 is no bound.
	CallerRate, SignInRate, UnauthenticatedRate int
	// OIDCIssuer is the URL of an issuer whose access tokens are taken; none when
	// empty. OIDCAudience must be in them, and OIDCLoginClaim holds the sign-in name.
	OIDCIssuer, OIDCAudience, OIDCLoginClaim string
	// PDFCache is the folder of the compiled reader of PDF files; `pdf` in DataDir
	// when empty.
	PDFCache string
	// Reading bounds uploads and the reading of files.
	Reading Reading
	// Fonts are folders of TrueType fonts for letters as PDF, before those that are
	// looked in anyway; FontFiles name a font for a role, `{role}=file`.
	Fonts, FontFiles []string
	// WebhookNetworks are networks (CIDR), not public ones, to which events may be
	// posted. WebhookCA is a PEM file of authorities whose certificates webhook hosts
	// may have, beside those of the system; WebhookTimeout bounds one attempt, 10 s
	// when 0.
	WebhookNetworks []string
	WebhookCA       string
	WebhookTimeout  time.Duration
	// OIDCClientID lets people sign in there with a browser; nobody does when empty.
	// OIDCClientSecret proves us to the issuer, OIDCRedirectURL is where it sends
	// browsers back to.
	OIDCClientID, OIDCClientSecret, OIDCRedirectURL string
	// IntentGiveUp is the age at which the rest of a call that waits for another
	// service is left to an administrator.
	IntentGiveUp time.Duration
	// Sample fills an empty store with sample data of region 120105.
	Sample bool
	// Region, a code of GB/T 2260, makes the administrators of that region, who
	// set up everything else. Empty once they are there.
	Region string
	// CheckpointInterval is how long after an entry the feeds are signed; 0 for never.
	CheckpointInterval time.Duration
	// LogLevel is debug, info, warn or error.
	LogLevel string
	// Telemetry are metrics, profiles and traces.
	Telemetry telemetry.Settings
}

// section is a group of settings on the reference page.
type section struct {
	title string
	flags *pflag.FlagSet
}

// sections are all settings, with their defaults.
func (c *Config) sections() []section {
	process := pflag.NewFlagSet("process", pflag.ContinueOnError)
	process.StringVar(&c.File, configFlag, "", "YAML `file` of settings")
	process.StringVar(&c.GRPCAddr, "grpc", "127.0.0.1:9090", "`address` of the gRPC API")
	process.StringVar(&c.HTTPAddr, "http", "127.0.0.1:8080", "`address` of the REST API")
	process.StringSliceVar(&c.AllowedOrigins, "allowed-origins", nil, "web `origins` that may call the REST API")
	process.StringSliceVar(&c.TrustedProxies, "trusted-proxies", nil, "`networks` of proxies whose X-Forwarded-For the REST API believes, such as 127.0.0.1/32")
	process.DurationVar(&c.Drain, "drain", 0, "`time` to serve on after health says NOT_SERVING, so that load balancers notice, at most 1m")
	process.DurationVar(&c.IntentGiveUp, "intent-give-up", 24*time.Hour, "`age` at which the rest of a call that another service cannot do is left to an administrator")
	process.StringVar(&c.LogLevel, "log-level", "info", "least `level` that is logged: debug, info, warn or error")

	several := pflag.NewFlagSet("processes", pflag.ContinueOnError)
	several.StringSliceVar(&c.Services, "services", nil, "`names` of what this process runs: directory, counsel, filing, competition, gateway; all when empty")
	several.StringSliceVar(&c.Peers, "peers", nil, "where the other services run, each `name=host:port`; repeated for each replica, or a name that resolves to all")
	several.StringVar(&c.TLSCert, "tls-cert", "", "`file` (PEM) of this process's certificate; with it the gRPC API is over TLS. Read again when it changes")
	several.StringVar(&c.TLSKey, "tls-key", "", "`file` (PEM) of its key")
	several.StringVar(&c.TLSCA, "tls-ca", "", "`file` (PEM) of the authorities that issue certificates of this system's processes, and of nobody else")

	store := pflag.NewFlagSet("store", pflag.ContinueOnError)
	store.StringVar(&c.DataDir, "data", "./data", "`folder` of the embedded store and the signing key")
	store.StringVar(&c.PDFCache, "pdf-cache", "", "`folder` of the compiled reader of PDF files, 40 MB that can be made again; pdf in the data folder when empty")
	store.StringSliceVar(&c.Fonts, "fonts", nil, "`folders` of TrueType fonts for letters as PDF, before fashen/fonts in the user's cache folder and the system's")
	store.StringSliceVar(&c.FontFiles, "font-files", nil, "TrueType fonts by role, each `role=file`, instead of what is found: fangsong, songti, kaiti, heiti, title, rare")
	store.StringVar(&c.Store, "store", StoreSQLite, "`engine` of the store: sqlite or mongodb")
	store.StringVar(&c.MongoURI, "mongodb-uri", "", "connection `string`, with --store mongodb")
	secret(store, "mongodb-uri")
	store.StringVar(&c.MongoPrefix, "mongodb-prefix", "fashen", "`prefix` of the database names, with --store mongodb")

	store.DurationVar(&c.CheckpointInterval, "checkpoint-interval", time.Minute, "`time` from a new entry until the feeds are signed and their checkpoints logged; 0 for only when asked")

	shown := pflag.NewFlagSet("telemetry", pflag.ContinueOnError)
	c.Telemetry.Flags(shown)

	start := pflag.NewFlagSet("start", pflag.ContinueOnError)
	start.BoolVar(&c.Sample, "sample", false, "fill an empty store with sample data and print one-time codes")
	start.StringVar(&c.Region, "region", "", "`code` (GB/T 2260) of a region whose administrators are to be made, with one-time codes")

	sso := pflag.NewFlagSet("oidc", pflag.ContinueOnError)
	sso.StringVar(&c.OIDCIssuer, "oidc-issuer", "", "`URL` of an OpenID Connect issuer whose access tokens are taken beside our own")
	sso.StringVar(&c.OIDCAudience, "oidc-audience", "", "`audience` its tokens must have; needed with an issuer")
	sso.StringVar(&c.OIDCClientID, "oidc-client-id", "", "`id` by which the issuer knows us, to sign in with a browser; nobody can without")
	sso.StringVar(&c.OIDCClientSecret, "oidc-client-secret", "", "`secret` of that client, where the issuer gave one")
	secret(sso, "oidc-client-secret")
	sso.StringVar(&c.OIDCRedirectURL, "oidc-redirect-url", "", "`URL` to which the issuer sends browsers back, https://…/auth/callback as they reach the REST API")
	sso.StringVar(&c.OIDCLoginClaim, "oidc-login-claim", "preferred_username", "`claim` that holds the sign-in name of a person of the directory")

	rates := pflag.NewFlagSet("rates", pflag.ContinueOnError)
	rates.IntVar(&c.CallerRate, "caller-rate", 5000, "`calls` a second of one person or API key, twice as many at once; 0 for any number")
	rates.IntVar(&c.SignInRate, "sign-in-rate", 50, "`calls` a second to sign in, from one address; 0 for any number")
	rates.IntVar(&c.UnauthenticatedRate, "unauthenticated-rate", 50, "`calls` a second without a valid credential, from one address; 0 for any number")

	files := pflag.NewFlagSet("files", pflag.ContinueOnError)
	c.Reading.flags(files)

	hooks := pflag.NewFlagSet("webhooks", pflag.ContinueOnError)
	hooks.StringSliceVar(&c.WebhookNetworks, "webhook-networks", nil, "`networks` that are not public, such as 10.20.0.0/16, to which events may be posted; there http is taken too")
	hooks.StringVar(&c.WebhookCA, "webhook-ca", "", "PEM `file` of authorities whose certificates webhook hosts may have, beside those of the system")
	hooks.DurationVar(&c.WebhookTimeout, "webhook-timeout", webhook.DefaultTimeout, "`time` in which a webhook host must have answered")
	return []section{{"Process", process}, {"Several processes", several}, {"Store", store}, {"Single sign-on", sso}, {"Rates", rates}, {"Files", files}, {"Webhooks", hooks}, {"Telemetry", shown}, {"First start", start}}
}

// Flags binds the settings to a flag set, with their defaults.
func (c *Config) Flags(f *pflag.FlagSet) {
	for _, s := range c.sections() {
		f.AddFlagSet(s.flags)
	}
}

// Problem is a setting that cannot be.
type Problem struct {
	// Flag is the name of the setting.
	Flag string
	// Text says what is wrong with its value.
	Text string
}

// Error names the setting as a flag.
func (p *Problem) Error() string { return "--" + p.Flag + ": " + p.Text }

// regionCode is the form of a code of GB/T 2260.
var regionCode = regexp.MustCompile(`^[0-9]{6}$`)

// Check names every setting that cannot be, as [Problem]s joined.
func (c *Config) Check() error {
	var errs []error
	problem := func(flag, format string, args ...any) {
		errs = append(errs, &Problem{flag, fmt.Sprintf(format, args...)})
	}
	c.checkStore(problem)
	c.checkAddresses(problem)
	c.checkProcesses(problem)
	c.checkIssuer(problem)
	c.checkBrowser(problem)
	c.checkNumbers(problem)
	c.checkFonts(problem)
	if c.Region != "" && !regionCode.MatchString(c.Region) {
		problem("region", "%q is not a code of six digits", c.Region)
	}
	c.Reading.check(problem)
	c.Telemetry.Check(problem)
	if _, err := c.Level(); err != nil {
		problem("log-level", "%q is neither debug, info, warn nor error", c.LogLevel)
	}
	return errors.Join(errs...)
}

// checkStore names what a store lacks.
func (c *Config) checkStore(problem func(flag, format string, args ...any)) {
	switch c.Store {
	case StoreSQLite:
		if c.DataDir == "" {
			problem("data", "a folder is needed with --store sqlite")
		}
	case StoreMongoDB:
		if c.MongoURI == "" {
			problem("mongodb-uri", "needed with --store mongodb")
		}
		if c.MongoPrefix == "" {
			problem("mongodb-prefix", "needed with --store mongodb")
		}
	default:
		problem("store", "%q is neither sqlite nor mongodb", c.Store)
	}
}

// checkAddresses names addresses, origins and networks that are none.
func (c *Config) checkAddresses(problem func(flag, format string, args ...any)) {
	for _, a := range []struct{ flag, address string }{{"grpc", c.GRPCAddr}, {"http", c.HTTPAddr}} {
		if _, _, err := net.SplitHostPort(a.address); a.address != "" && err != nil {
			problem(a.flag, "%q is not host:port", a.address)
		}
	}
	for _, origin := range c.AllowedOrigins {
		if u, err := url.Parse(origin); err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" {
			problem("allowed-origins", "%q is not an origin such as https://oa.example.cn", origin)
		}
	}
	for _, network := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(network); err != nil {
			problem("trusted-proxies", "%q is not a network such as 10.0.0.0/8", network)
		}
	}
	if _, bad := webhook.ParseNetworks(c.WebhookNetworks); bad != "" {
		problem("webhook-networks", "%q is not a network such as 10.20.0.0/16", bad)
	}
}

// checkIssuer names what is wrong with taking the tokens of an issuer.
func (c *Config) checkIssuer(problem func(flag, format string, args ...any)) {
	if c.OIDCIssuer == "" {
		return
	}
	if err := oidc.CheckURL(c.OIDCIssuer); err != nil {
		problem("oidc-issuer", "%v", err)
	}
	if c.OIDCAudience == "" {
		problem("oidc-audience", "needed with --oidc-issuer")
	}
	if c.OIDCLoginClaim == "" {
		problem("oidc-login-claim", "needed with --oidc-issuer")
	}
}

// checkNumbers names times and rates below nothing.
func (c *Config) checkNumbers(problem func(flag, format string, args ...any)) {
	for _, t := range []struct {
		flag string
		time time.Duration
	}{{"webhook-timeout", c.WebhookTimeout}, {"checkpoint-interval", c.CheckpointInterval}, {"intent-give-up", c.IntentGiveUp}} {
		if t.time < 0 {
			problem(t.flag, "%v is less than 0", t.time)
		}
	}
	for _, r := range []struct {
		flag string
		rate int
	}{{"caller-rate", c.CallerRate}, {"sign-in-rate", c.SignInRate}, {"unauthenticated-rate", c.UnauthenticatedRate}} {
		if r.rate < 0 {
			problem(r.flag, "%d is less than 0", r.rate)
		}
	}
}

// checkBrowser names what is wrong with signing in with a browser.
func (c *Config) checkBrowser(problem func(flag, format string, args ...any)) {
	if c.OIDCClientID == "" {
		if c.OIDCClientSecret != "" || c.OIDCRedirectURL != "" {
			problem("oidc-client-id", "needed with --oidc-client-secret and --oidc-redirect-url")
		}
		return
	}
	if c.OIDCIssuer == "" {
		problem("oidc-issuer", "needed with --oidc-client-id")
	}
	if c.OIDCClientID == c.OIDCAudience {
		problem("oidc-client-id", "is also --oidc-audience: a token that says who signed in would open the API")
	}
	at, err := url.Parse(c.OIDCRedirectURL)
	if err != nil || oidc.CheckURL(c.OIDCRedirectURL) != nil || at.Path != oidc.CallbackPath {
		problem("oidc-redirect-url", "%q is not https://…%s", c.OIDCRedirectURL, oidc.CallbackPath)
	}
}

// checkFonts names roles that no font can have.
func (c *Config) checkFonts(problem func(flag, format string, args ...any)) {
	roles := officialdoc.FontRoles()
	for _, given := range c.FontFiles {
		if role, file, _ := strings.Cut(given, "="); file == "" || !slices.Contains(roles, role) {
			problem("font-files", "%q is not role=file with a role of %s", given, strings.Join(roles, ", "))
		}
	}
}

// FontFile are the files of FontFiles by role.
func (c *Config) FontFile() map[string]string {
	files := map[string]string{}
	for _, given := range c.FontFiles {
		role, file, _ := strings.Cut(given, "=")
		files[role] = file
	}
	return files
}

// Level is LogLevel as the logger takes it; info when empty.
func (c *Config) Level() (slog.Level, error) {
	var level slog.Level
	if c.LogLevel == "" {
		return level, nil
	}
	err := level.UnmarshalText([]byte(c.LogLevel))
	return level, err
}

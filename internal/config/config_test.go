package config

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"fashen/internal/legacyword"
	"fashen/internal/policytext"
)

// load runs Load over a command line and a file; {file} in the arguments is the
// file's path.
func load(t *testing.T, file string, args ...string) (Config, *pflag.FlagSet, string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fashen.yaml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "{file}", path)
	}
	var c Config
	f := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	c.Flags(f)
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	err := c.Load(f)
	return c, f, path, err
}

func TestFlagsBeforeEnvironmentBeforeFileBeforeDefaults(t *testing.T) {
	t.Setenv("FASHEN_MONGODB_PREFIX", "env")
	t.Setenv("FASHEN_GRPC", "127.0.0.1:1")
	file := "grpc: 127.0.0.1:3\nmongodb-prefix: file\nsample: true\nallowed-origins: [https://a.example, https://b.example]\n"
	c, _, _, err := load(t, file, "--config", "{file}", "--grpc", "127.0.0.1:2")
	if err != nil {
		t.Fatal(err)
	}
	if c.GRPCAddr != "127.0.0.1:2" || c.MongoPrefix != "env" || !c.Sample || c.HTTPAddr != "127.0.0.1:8080" ||
		!slices.Equal(c.AllowedOrigins, []string{"https://a.example", "https://b.example"}) {
		t.Errorf("got %+v", c)
	}
}

func TestTheFileMayBeNamedByTheEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "named.yaml")
	if err := os.WriteFile(path, []byte("log-level: debug\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FASHEN_CONFIG", path)
	if c, _, _, err := load(t, ""); err != nil || c.LogLevel != "debug" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestProblemsAreNamedWithTheirPlace(t *testing.T) {
	t.Setenv("FASHEN_SAMPLE", "perhaps")
	t.Setenv("FASHEN_LOG_LEVEL", "loud")
	_, _, path, err := load(t, `
store: etcd
colour: red
config: other.yaml
grpc: [1, 2]
region: [1]
http: 127.0.0.1:1
http: 127.0.0.1:2
allowed-origins: oa
`, "--config", "{file}")
	if err == nil {
		t.Fatal("passed")
	}
	for _, want := range []string{
		"FASHEN_SAMPLE: ", "FASHEN_LOG_LEVEL: ", path + ":2: store: ", path + ":3: colour: no such setting", path + ":4: config: no such setting",
		path + ":5: grpc: a string is wanted", path + ":6: region: ", path + ":8: http: set on line 7 already", path + ":9: allowed-origins: ",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
	for name, file := range map[string]string{"a list": "- a", "not YAML": "a: [", "a text": "store"} {
		if _, _, path, err := load(t, file, "--config", "{file}"); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, _, err := load(t, "", "--config", "/does/not/exist"); err == nil {
		t.Error("a file that is not there passed")
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	c, f, _, err := load(t, "store: mongodb\nmongodb-uri: mongodb://u:hunter2@h\n", "--config", "{file}", "--data", "a: b")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Print(&out, f); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "hunter2") || !strings.Contains(out.String(), "mongodb-uri: "+masked) {
		t.Errorf("printed\n%s", &out)
	}
	// What is printed says the same when it is read again.
	again, _, _, err := load(t, out.String(), "--config", "{file}")
	again.File, again.MongoURI, c.File, c.MongoURI = "", "", "", ""
	if err != nil || again.DataDir != c.DataDir || again.Store != c.Store || again.GRPCAddr != c.GRPCAddr {
		t.Errorf("read again: %+v, %v; first %+v", again, err, c)
	}
}

func TestReferencePageIsUpToDate(t *testing.T) {
	var want bytes.Buffer
	if err := Reference(&want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/configuration.md is not what `go run ./cmd/fashen config reference` writes")
	}
}

func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		c    Config
		want string
	}{
		"sqlite":            {Config{Store: StoreSQLite, DataDir: "x"}, ""},
		"sqlite, no folder": {Config{Store: StoreSQLite}, "--data"},
		"mongodb":           {Config{Store: StoreMongoDB, MongoURI: "mongodb://x", MongoPrefix: "p"}, ""},
		"mongodb, no uri":   {Config{Store: StoreMongoDB, MongoPrefix: "p"}, "--mongodb-uri"},
		"unknown":           {Config{Store: "etcd"}, "--store"},
		"address":           {Config{Store: StoreSQLite, DataDir: "x", GRPCAddr: "9090"}, "--grpc"},
		"region":            {Config{Store: StoreSQLite, DataDir: "x", Region: "河北区"}, "--region"},
		"issuer":            {Config{Store: StoreSQLite, DataDir: "x", OIDCIssuer: "http://sso.example", OIDCAudience: "a", OIDCLoginClaim: "sub"}, "--oidc-issuer"},
		"no audience":       {Config{Store: StoreSQLite, DataDir: "x", OIDCIssuer: "https://sso.example", OIDCLoginClaim: "sub"}, "--oidc-audience"},
		"proxy":             {Config{Store: StoreSQLite, DataDir: "x", TrustedProxies: []string{"127.0.0.1"}}, "--trusted-proxies"},
		"rate":              {Config{Store: StoreSQLite, DataDir: "x", CallerRate: -1}, "--caller-rate"},
		"webhook network":   {Config{Store: StoreSQLite, DataDir: "x", WebhookNetworks: []string{"10.0.0.1"}}, "--webhook-networks"},
		"webhook timeout":   {Config{Store: StoreSQLite, DataDir: "x", WebhookTimeout: -1}, "--webhook-timeout"},
		"upload":            {Config{Store: StoreSQLite, DataDir: "x", Reading: Reading{FileBytes: 60 << 20}}, "--upload-bytes"},
		"uploads":           {Config{Store: StoreSQLite, DataDir: "x", Reading: Reading{FileBytes: 2000, IntakeBytes: 1000}}, "--uploads-bytes"},
		"paragraphs":        {Config{Store: StoreSQLite, DataDir: "x", Reading: Reading{Limits: policytext.Limits{Paragraphs: -1}}}, "--read-paragraphs"},
		"pages":             {Config{Store: StoreSQLite, DataDir: "x", Reading: Reading{Limits: policytext.Limits{Pages: 2001}}}, "--read-pages"},
		"converter":         {Config{Store: StoreSQLite, DataDir: "x", Reading: Reading{Word: legacyword.Settings{Program: "soffice"}}}, "--doc-converter"},
		"its memory":        {Config{Store: StoreSQLite, DataDir: "x", Reading: Reading{Word: legacyword.Settings{Memory: 1 << 20}}}, "--doc-converter-memory"},
		"level":             {Config{Store: StoreSQLite, DataDir: "x", LogLevel: "loud"}, "--log-level"},
	} {
		err := tc.c.Check()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}

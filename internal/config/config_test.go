package config

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestFlagsBeforeEnvironmentBeforeDefaults(t *testing.T) {
	t.Setenv("FASHEN_MONGODB_PREFIX", "env")
	t.Setenv("FASHEN_GRPC", "127.0.0.1:1")
	var c Config
	f := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	c.Flags(f)
	if err := f.Parse([]string{"--grpc", "127.0.0.1:2"}); err != nil {
		t.Fatal(err)
	}
	if err := FromEnvironment(f); err != nil {
		t.Fatal(err)
	}
	if c.GRPCAddr != "127.0.0.1:2" || c.MongoPrefix != "env" || c.HTTPAddr != "127.0.0.1:8080" {
		t.Errorf("got %+v", c)
	}
}

func TestEnvironmentIsNamedInErrors(t *testing.T) {
	t.Setenv("FASHEN_SAMPLE", "perhaps")
	var c Config
	f := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	c.Flags(f)
	if err := FromEnvironment(f); err == nil || !strings.Contains(err.Error(), "FASHEN_SAMPLE") {
		t.Errorf("got %v", err)
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
	} {
		err := tc.c.Check()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}

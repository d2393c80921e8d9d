// Package config is the one configuration of a fashen process: flags before
// environment before defaults. Every setting is a field of [Config] and
// nothing else reads the environment.
package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// Engines of the store.
const (
	StoreSQLite  = "sqlite"
	StoreMongoDB = "mongodb"
)

// Config is what a process is told.
type Config struct {
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
	// AllowedOrigins are web origins that may call the REST API (CORS).
	AllowedOrigins []string
	// Sample fills an empty store with sample data of region 120105.
	Sample bool
	// Region, a code of GB/T 2260, makes the administrators of that region, who
	// set up everything else. Empty once they are there.
	Region string
	// LogLevel is debug, info, warn or error.
	LogLevel string
}

// Flags binds the settings to a flag set, with their defaults.
func (c *Config) Flags(f *pflag.FlagSet) {
	f.StringVar(&c.DataDir, "data", "./data", "folder of the embedded store and the signing key")
	f.StringVar(&c.Store, "store", StoreSQLite, "engine of the store: sqlite or mongodb")
	f.StringVar(&c.MongoURI, "mongodb-uri", "", "connection string, with --store mongodb")
	f.StringVar(&c.MongoPrefix, "mongodb-prefix", "fashen", "prefix of the database names, with --store mongodb")
	f.StringVar(&c.GRPCAddr, "grpc", "127.0.0.1:9090", "address of the gRPC API")
	f.StringVar(&c.HTTPAddr, "http", "127.0.0.1:8080", "address of the REST API")
	f.StringSliceVar(&c.AllowedOrigins, "allowed-origins", nil, "web origins that may call the REST API")
	f.BoolVar(&c.Sample, "sample", false, "fill an empty store with sample data and print one-time codes")
	f.StringVar(&c.Region, "region", "", "code (GB/T 2260) of a region whose administrators are to be made, with one-time codes")
	f.StringVar(&c.LogLevel, "log-level", "info", "debug, info, warn or error")
}

// FromEnvironment sets each flag that was not given from FASHEN_{FLAG}, dashes
// being underscores: --mongodb-uri from FASHEN_MONGODB_URI.
func FromEnvironment(f *pflag.FlagSet) error {
	var errs []error
	f.VisitAll(func(flag *pflag.Flag) {
		name := "FASHEN_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		value, ok := os.LookupEnv(name)
		if !ok || flag.Changed {
			return
		}
		if err := f.Set(flag.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	})
	return errors.Join(errs...)
}

// Check names every setting that cannot be.
func (c *Config) Check() error {
	var errs []error
	switch c.Store {
	case StoreSQLite:
		if c.DataDir == "" {
			errs = append(errs, errors.New("--data: a folder is needed with --store sqlite"))
		}
	case StoreMongoDB:
		if c.MongoURI == "" {
			errs = append(errs, errors.New("--mongodb-uri: needed with --store mongodb"))
		}
		if c.MongoPrefix == "" {
			errs = append(errs, errors.New("--mongodb-prefix: needed with --store mongodb"))
		}
	default:
		errs = append(errs, fmt.Errorf("--store: %q is neither sqlite nor mongodb", c.Store))
	}
	return errors.Join(errs...)
}

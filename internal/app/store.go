package app

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/config"
	"fashen/internal/docstore"
	"fashen/internal/docstore/mongo"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/feed"
	"fashen/internal/journal"
	"fashen/internal/rpc"
	"fashen/services/counsel"
	"fashen/services/directory"
	"fashen/services/filing"
)

// serviceNames are the services with a store of their own.
var serviceNames = []string{directory.Service, counsel.Service, filing.Service}

// migrations bring the stores of a service up to date, oldest first. No store of
// an earlier version than this one was ever in use.
func migrations(string) []docstore.Migration { return nil }

// sights tell who may see the events of a service, histories which RPC reads its
// journals.
var (
	sights = map[string]feed.Sight{
		directory.Service: feed.ByAuditor, counsel.Service: feed.ByViewers, filing.Service: feed.ByViewers,
	}
	histories = map[string]protoreflect.MethodDescriptor{
		directory.Service: directoryv1.File_fashen_directory_v1_directory_service_proto.Services().Get(0).Methods().ByName("ListDirectoryHistory"),
		counsel.Service:   counselv1.File_fashen_counsel_v1_counsel_service_proto.Services().Get(0).Methods().ByName("ListCaseHistory"),
		filing.Service:    filingv1.File_fashen_filing_v1_filing_service_proto.Services().Get(0).Methods().ByName("ListDocumentHistory"),
	}
)

// sharedPoll is how often the relay of a store that several processes write to
// looks for entries of the others.
const sharedPoll = 500 * time.Millisecond

// store is what a service keeps its documents in.
type store struct {
	engine docstore.Engine
	wrote  func()
}

// store opens the store of a service and starts to relay its journal.
func (a *App) store(ctx context.Context, c config.Config, p *parts, service string) (store, error) {
	engine, err := openEngine(ctx, c, service, false)
	if err != nil {
		return store{}, err
	}
	a.stops = append(a.stops, func(context.Context) error { return engine.Close() })
	if err := docstore.Prepare(ctx, engine, service, migrations(service)); err != nil {
		return store{}, fmt.Errorf("open the store of %s: %w", service, err)
	}
	engine = a.shown.Engine(service, engine)
	source := feed.NewSource(feed.Options{
		Service: service, Engine: engine, Sight: sights[service], History: rpc.AccessOf(histories[service]),
	})
	p.feeds = append(p.feeds, source)
	// Times of leases are compared between processes: they are of the real clock.
	o := journal.Options{Relayed: source.Relayed, Logger: p.log.With("store", service)}
	if c.Store == config.StoreMongoDB {
		o.Poll = sharedPoll
	} else {
		o.Holder = "owner of the file"
	}
	drainer := journal.NewDrainer(engine, o)
	drainer.Start()
	a.stops = append(a.stops, func(context.Context) error { return drainer.Close() })
	return store{engine: engine, wrote: drainer.Wake}, nil
}

// openEngine opens the store of a service as configured. readOnly looks at an
// embedded store that another process may own.
func openEngine(ctx context.Context, c config.Config, service string, readOnly bool) (docstore.Engine, error) {
	if c.Store == config.StoreMongoDB {
		return mongo.Open(ctx, c.MongoURI, c.MongoPrefix+"_"+service)
	}
	if !readOnly {
		if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
			return nil, fmt.Errorf("make the data folder: %w", err)
		}
	}
	return sqlite.Open(ctx, storePath(c, service), sqlite.Options{ReadOnly: readOnly})
}

// Verify checks the journals and bodies of the named services' stores, of all
// when none is named.
func Verify(ctx context.Context, c config.Config, services []string, report func(service string, r journal.Report)) error {
	if err := c.Check(); err != nil {
		return err
	}
	if len(services) == 0 {
		services = serviceNames
	}
	for _, service := range services {
		if !slices.Contains(serviceNames, service) {
			return fmt.Errorf("no service %q; there are %v", service, serviceNames)
		}
		if err := verifyOne(ctx, c, service, report); err != nil {
			return fmt.Errorf("verify %s: %w", service, err)
		}
	}
	return nil
}

func verifyOne(ctx context.Context, c config.Config, service string, report func(string, journal.Report)) (err error) {
	engine, err := openEngine(ctx, c, service, true)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := engine.Close(); err == nil {
			err = closeErr
		}
	}()
	r, err := journal.Verify(ctx, engine, protoregistry.GlobalTypes)
	if err != nil {
		return err
	}
	report(service, r)
	return nil
}

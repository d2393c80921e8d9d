package app

import (
	"context"
	"fmt"
	"os"
	"time"

	"google.golang.org/protobuf/reflect/protoregistry"

	"fashen/internal/checkpoint"
	"fashen/internal/config"
	"fashen/internal/docstore"
	"fashen/internal/docstore/mongo"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/feed"
	"fashen/internal/journal"
	"fashen/internal/rpc"
)

// sharedPoll is how often the relay of a store that several processes write to
// looks for entries of the others.
const sharedPoll = 500 * time.Millisecond

// ownerOfFile is who holds the leases of an embedded store: its one process.
const ownerOfFile = "owner of the file"

// store is what a service keeps its documents in.
type store struct {
	engine docstore.Engine
	// wrote wakes the relay of its journal.
	wrote func()
	// source is what it tells to those who watch.
	source *feed.Source
	// signer signs the state of its feeds.
	signer *checkpoint.Signer
	// relayed are told when entries came into the log.
	relayed *listeners
}

// openStore opens the store of a service and starts to relay its journal.
func (a *App) openStore(ctx context.Context, r *running) error {
	engine, err := openEngine(ctx, a.config, r.name, false)
	if err != nil {
		return err
	}
	a.stops = append(a.stops, func(context.Context) error { return engine.Close() })
	if err := docstore.Prepare(ctx, engine, r.name, r.migrations); err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	engine = a.shown.Engine(r.name, engine)
	source := feed.NewSource(feed.Options{
		Service: r.name, Engine: engine, Sight: r.sight, History: rpc.AccessOf(r.history),
	})
	signer, err := a.signerOf(r.name, engine)
	if err != nil {
		return err
	}
	relayed := &listeners{}
	// Times of leases are compared between processes: they are of the real clock.
	o := journal.Options{
		Relayed: func() { source.Relayed(); signer.Moved(); relayed.tell() },
		Logger:  a.log.With("store", r.name),
	}
	o.Holder, o.Poll = a.background()
	drainer := journal.NewDrainer(engine, o)
	drainer.Start()
	a.stops = append(a.stops, func(context.Context) error { return drainer.Close() })
	a.watchStore(r.name, engine)
	r.store = store{engine: engine, wrote: drainer.Wake, source: source, signer: signer, relayed: relayed}
	return nil
}

// background is the holder of this process's leases, and how often its workers
// look for what other processes wrote.
func (a *App) background() (holder string, poll time.Duration) {
	if a.config.Store == config.StoreMongoDB {
		return "", sharedPoll
	}
	return ownerOfFile, 0
}

const (
	// storeCheck is how often a store is asked whether it answers, storePatience how
	// long it may take.
	storeCheck    = 2 * time.Second
	storePatience = 3 * time.Second
)

// watchStore makes health follow whether a store answers, until the process stops.
func (a *App) watchStore(service string, engine docstore.Engine) {
	a.untilStopped(func(ctx context.Context) {
		tick := time.NewTicker(storeCheck)
		defer tick.Stop()
		for answered := true; ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			asked, end := context.WithTimeout(ctx, storePatience)
			err := engine.Ping(asked)
			end()
			if answers := err == nil; ctx.Err() == nil && answers != answered {
				answered = answers
				a.log.WarnContext(ctx, "store", "service", service, "answers", answers, "error", err)
				a.server.StoreAnswers(service, answers)
			}
		}
	})
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
	entries, err := named(services...)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := verifyOne(ctx, c, e.name, report); err != nil {
			return fmt.Errorf("verify %s: %w", e.name, err)
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

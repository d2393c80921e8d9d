package app

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"

	competitionv1 "fashen/gen/fashen/competition/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/docstore"
	"fashen/internal/feed"
	"fashen/services/competition"
	"fashen/services/counsel"
	"fashen/services/directory"
	"fashen/services/filing"
)

// entry is what a process must know of a service, to run it or to keep its store.
type entry struct {
	name string
	// calls are the services it asks.
	calls []string
	// migrations bring its store up to date, oldest first.
	migrations []docstore.Migration
	// sight tells who may see its events, history is the RPC that reads its journals.
	sight   feed.Sight
	history protoreflect.MethodDescriptor
	// start makes the service over its store and connections.
	start func(context.Context, *App, *running) (registrar, error)
}

// running is a service of this process.
type running struct {
	entry

	store
	// conns reach the services it asks; they carry its own identity.
	conns map[string]grpc.ClientConnInterface
	// server answers its RPCs.
	server registrar
}

// registrar adds the RPCs of a service to a gRPC server.
type registrar interface {
	Register(r grpc.ServiceRegistrar)
}

// table is every service, in the order of start: what others lean on comes first.
// No store of an earlier version than this one was ever in use.
func table() []entry {
	return []entry{
		{
			name: directory.Service, sight: feed.ByAuditor, start: startDirectory,
			calls:   []string{counsel.Service, filing.Service, competition.Service}, // their feeds, for webhooks
			history: method(directoryv1.File_fashen_directory_v1_directory_service_proto, "ListDirectoryHistory"),
		},
		{
			name: counsel.Service, sight: feed.ByViewers, start: startCounsel,
			calls:   []string{filing.Service, directory.Service},
			history: method(counselv1.File_fashen_counsel_v1_counsel_service_proto, "ListCaseHistory"),
		},
		{
			name: filing.Service, sight: feed.ByViewers, start: startFiling,
			calls:   []string{counsel.Service, directory.Service},
			history: method(filingv1.File_fashen_filing_v1_filing_service_proto, "ListDocumentHistory"),
		},
		{
			name: competition.Service, sight: feed.ByViewers, start: startCompetition,
			calls:   []string{filing.Service, directory.Service},
			history: method(competitionv1.File_fashen_competition_v1_competition_service_proto, "ListRuleSetCandidateHistory"),
		},
	}
}

// alike is what a process does for all its services alike, once they are made and
// before they are served.
func alike() []func(*App, context.Context) error {
	return []func(*App, context.Context) error{(*App).serveFeeds, (*App).serveWork, (*App).serveCheckpoints, (*App).serveIntents}
}

// method finds an RPC of the first service of a file.
func method(file protoreflect.FileDescriptor, name protoreflect.Name) protoreflect.MethodDescriptor {
	return file.Services().Get(0).Methods().ByName(name)
}

// serviceNames are the services with a store of their own, in the order of start.
func serviceNames() []string {
	var names []string
	for _, e := range table() {
		names = append(names, e.name)
	}
	return names
}

// named finds the entries of some services, of all when none is named.
func named(services ...string) ([]entry, error) {
	all := table()
	if len(services) == 0 {
		return all, nil
	}
	byName := map[string]entry{}
	for _, e := range all {
		byName[e.name] = e
	}
	var out []entry
	for _, name := range services {
		e, ok := byName[name]
		if !ok {
			return nil, fmt.Errorf("no service %q; there are %v", name, serviceNames())
		}
		out = append(out, e)
	}
	return out, nil
}

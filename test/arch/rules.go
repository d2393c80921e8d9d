// Package arch holds which way imports may run in this house. Its test reads
// every Go file of the module and fails on a wrong arrow:
//
//	cmd -> internal/app -> services/*, gateway -> internal/* -> gen
package arch

import (
	"path"
	"strings"
)

// module is the path every import of our own begins with.
const module = "fashen/"

// An arrow is one import in one file.
type arrow struct {
	// file is the path of the importing file from the module's root.
	file string
	// imports is the import path as written.
	imports string
}

// ours returns the folder of the imported package when it is one of this
// module.
func (a arrow) ours() (folder string, ok bool) {
	return strings.CutPrefix(a.imports, module)
}

// from reports whether the importing file lies in one of the folders.
func (a arrow) from(folders ...string) bool { return within(path.Dir(a.file), folders) }

// to reports whether the imported package is one of ours in the folders.
func (a arrow) to(folders ...string) bool {
	folder, ok := a.ours()
	return ok && within(folder, folders)
}

// toAny reports whether the imported package, anyone's, is one of packages or
// below it.
func (a arrow) toAny(packages ...string) bool { return within(a.imports, packages) }

func within(folder string, folders []string) bool {
	for _, f := range folders {
		if folder == f || strings.HasPrefix(folder, f+"/") {
			return true
		}
	}
	return false
}

// A rule names arrows that must not be.
type rule struct {
	why     string
	forbids func(arrow) bool
}

// rules is the house's law on imports.
var rules = []rule{
	{"gen is generated and imports nothing of ours", func(a arrow) bool {
		_, ours := a.ours()
		return a.from("gen") && ours && !a.to("gen")
	}},
	{"internal rooms know neither services, gateway nor commands", func(a arrow) bool {
		return a.from("internal") && !a.from("internal/app") && a.to("services", "gateway", "cmd", "internal/app")
	}},
	{"services call one another through generated clients", func(a arrow) bool {
		return a.from("services") && a.to("services", "gateway", "cmd", "internal/app") && !a.to(path.Dir(a.file))
	}},
	{"the gateway speaks to services over a connection", func(a arrow) bool {
		return a.from("gateway") && a.to("services", "cmd", "internal/app")
	}},
	{"commands pass flags on and know no service", func(a arrow) bool {
		return a.from("cmd") && a.to("services", "gateway")
	}},
	{"nobody imports a command or a test", func(a arrow) bool {
		return a.to("cmd", "test") && !a.from("cmd", "test")
	}},
	{"end-to-end tests are black boxes; only what measures the engine beside the whole opens it", func(a arrow) bool {
		return a.from("test") && !a.from("test/load") && a.to("services", "internal/docstore") && !a.to("internal/docstore/mongo/mongotest")
	}},
	{"rooms of text and law import no storage and no transport", func(a arrow) bool {
		return a.from(textAndLaw...) && !a.test() &&
			(a.to("internal/docstore", "internal/rpc", "internal/auth", "internal/journal") || a.toAny(io...))
	}},
	// A rule answers with the storage contract's words for a change and with
	// codes and statuses, which are values; without a context it can neither
	// store nor call.
	{"rules of a service do no I/O; that is for its server*.go, store*.go and seed*.go", func(a arrow) bool {
		return a.from("services") && a.ruleFile() && (a.toAny(io...) || a.toAny("context")) &&
			!a.toAny("google.golang.org/grpc/codes", "google.golang.org/grpc/status")
	}},
	{"storage knows no transport and no policy of access", func(a arrow) bool {
		return a.from("internal/docstore") && a.to("internal/rpc", "internal/auth")
	}},
	// A test may tamper with the file of the store.
	{"SQLite stays behind its engine", func(a arrow) bool {
		return !a.test() && a.toAny("modernc.org/sqlite", "database/sql") && !a.from("internal/docstore/sqlite")
	}},
	{"MongoDB stays behind its engine", func(a arrow) bool {
		return a.toAny("go.mongodb.org/mongo-driver") && !a.from("internal/docstore/mongo")
	}},
	{"REST is the gateway's", func(a arrow) bool {
		return a.toAny("github.com/grpc-ecosystem/grpc-gateway") && !a.from("gateway", "gen")
	}},
}

// textAndLaw are the rooms that know documents and statutes and nothing else.
var textAndLaw = []string{
	"internal/calendar", "internal/policytext", "internal/rulebook", "internal/wording", "internal/officialdoc",
}

// io are packages, standard ones and others', that reach out of the process.
var io = []string{
	"google.golang.org/grpc", "net", "database/sql",
	module + "internal/docstore/sqlite", module + "internal/docstore/mongo",
}

// test reports whether the importing file is a test.
func (a arrow) test() bool { return strings.HasSuffix(a.file, "_test.go") }

// ruleFile reports whether the importing file of a service is neither its
// server, nor its store, nor its sample data, nor a test.
func (a arrow) ruleFile() bool {
	for _, prefix := range []string{"server", "store", "seed"} {
		if strings.HasPrefix(path.Base(a.file), prefix) {
			return false
		}
	}
	return !a.test()
}

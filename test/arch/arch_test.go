package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestArrows reads every Go file of the module.
func TestArrows(t *testing.T) {
	arrows := readArrows(t, filepath.Join("..", ".."))
	if len(arrows) == 0 {
		t.Fatal("no imports read")
	}
	for _, a := range arrows {
		for _, r := range rules {
			if r.forbids(a) {
				t.Errorf("%s imports %s: %s", a.file, a.imports, r.why)
			}
		}
	}
}

// readArrows returns the imports of every Go file below root, but for other
// modules and hidden folders.
func readArrows(t *testing.T, root string) []arrow {
	t.Helper()
	var arrows []arrow
	fset := token.NewFileSet()
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != "." && skipped(root, path, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		file, err := parser.ParseFile(fset, filepath.Join(root, path), nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			arrows = append(arrows, arrow{file: path, imports: imported})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return arrows
}

func skipped(root, path, name string) bool {
	if strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" {
		return true
	}
	_, err := os.Stat(filepath.Join(root, path, "go.mod"))
	return err == nil
}

// TestRules shows each rule an arrow it must refuse and its like that may be.
func TestRules(t *testing.T) {
	tests := []struct {
		file, imports string
		refused       bool
	}{
		{"gen/fashen/filing/v1/a.pb.go", "fashen/gen/fashen/core/v1", false},
		{"gen/fashen/filing/v1/a.pb.go", "fashen/internal/docstore", true},
		{"internal/rpc/server.go", "fashen/internal/auth", false},
		{"internal/rpc/server.go", "fashen/services/filing", true},
		{"internal/rpc/server.go", "fashen/internal/app", true},
		{"internal/app/serve.go", "fashen/services/filing", false},
		{"internal/app/serve.go", "fashen/gateway", false},
		{"internal/app/serve.go", "fashen/cmd/fashen", true},
		{"services/filing/server.go", "fashen/services/filing/rules", false},
		{"services/filing/server.go", "fashen/services/counsel", true},
		{"services/filing/server.go", "fashen/internal/docstore", false},
		{"services/filing/server.go", "fashen/gateway", true},
		{"services/filing/document.go", "fashen/internal/docstore", false},
		{"services/filing/document.go", "fashen/internal/docstore/sqlite", true},
		{"services/filing/document.go", "context", true},
		{"services/filing/server_documents.go", "context", false},
		{"services/filing/document.go", "google.golang.org/grpc", true},
		{"services/filing/document.go", "google.golang.org/grpc/codes", false},
		{"services/filing/document.go", "fashen/internal/calendar", false},
		{"services/filing/document_test.go", "fashen/internal/docstore/sqlite", false},
		{"gateway/gateway.go", "fashen/internal/rpc", false},
		{"gateway/gateway.go", "fashen/services/filing", true},
		{"gateway/gateway.go", "github.com/grpc-ecosystem/grpc-gateway/v2/runtime", false},
		{"internal/rpc/server.go", "github.com/grpc-ecosystem/grpc-gateway/v2/runtime", true},
		{"cmd/fashen/main.go", "fashen/internal/app", false},
		{"cmd/fashen/main.go", "fashen/services/filing", true},
		{"internal/calendar/count.go", "time", false},
		{"internal/calendar/count.go", "net/http", true},
		{"internal/rulebook/match.go", "fashen/internal/docstore", true},
		{"internal/docstore/collection.go", "fashen/internal/auth", true},
		{"internal/docstore/sqlite/engine.go", "modernc.org/sqlite", false},
		{"internal/docstore/collection.go", "database/sql", true},
		{"internal/journal/verify_test.go", "database/sql", false},
		{"internal/docstore/mongo/engine.go", "go.mongodb.org/mongo-driver/v2/mongo", false},
		{"services/filing/store.go", "go.mongodb.org/mongo-driver/v2/bson", true},
		{"test/e2e/slice_test.go", "fashen/gen/fashen/filing/v1", false},
		{"test/e2e/slice_test.go", "fashen/services/filing", true},
		{"services/filing/server.go", "fashen/test/e2e", true},
	}
	for _, tt := range tests {
		var why string
		for _, r := range rules {
			if r.forbids(arrow{file: tt.file, imports: tt.imports}) {
				why = r.why
			}
		}
		if (why != "") != tt.refused {
			t.Errorf("%s imports %s: refused %t (%s), want %t", tt.file, tt.imports, why != "", why, tt.refused)
		}
	}
}

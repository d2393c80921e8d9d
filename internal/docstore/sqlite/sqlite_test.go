package sqlite_test

import (
	"path/filepath"
	"testing"

	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
	"fashen/internal/docstore/sqlite"
)

func TestConformance(t *testing.T) {
	docstoretest.Run(t, func(t *testing.T) (docstore.Engine, func() docstore.Engine) {
		path := filepath.Join(t.TempDir(), "store.db")
		var current *sqlite.Engine
		open := func() docstore.Engine {
			if current != nil {
				if err := current.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}
			current = openAt(t, path)
			return current
		}
		return open(), open
	})
}

// openAt opens a store and closes it with the test.
func openAt(t testing.TB, path string) *sqlite.Engine {
	t.Helper()
	e, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

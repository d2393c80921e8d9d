package journal_test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/reflect/protoregistry"

	"fashen/internal/docstore/sqlite"
	"fashen/internal/journal"
)

// A stored file that somebody changed with another tool is found.
func TestVerifyReadsFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	e, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"一份送审稿", "另一份送审稿"} {
		sum := sha256.Sum256([]byte(content))
		if err := e.Blobs().Put(t.Context(), hex.EncodeToString(sum[:]), int64(len(content)), bytes.NewReader([]byte(content))); err != nil {
			t.Fatal(err)
		}
	}
	verify := func() journal.Report {
		t.Helper()
		r, err := journal.Verify(t.Context(), e, protoregistry.GlobalTypes)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := verify(); r.Files != 2 || len(r.Problems) != 0 {
		t.Errorf("untouched: %d files, %v", r.Files, r.Problems)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `UPDATE blob_chunks SET data = zeroblob(length(data)) WHERE id = (SELECT min(id) FROM blob_chunks)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if e, err = sqlite.Open(t.Context(), path, sqlite.Options{}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	if r := verify(); len(r.Problems) != 1 || r.Problems[0].Kind != journal.FileChanged {
		t.Errorf("a changed file: %v", r.Problems)
	}
}

package main

import (
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fashen/internal/app"
	"fashen/internal/config"
)

// removed takes a record out of a store, with all its entries, and closes the gap:
// what is left is whole in itself.
func removed(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	var name string
	var position int64
	err = db.QueryRowContext(t.Context(), `SELECT resource, position FROM journal WHERE resource LIKE 'regions/120105/bureaus/%' ORDER BY position LIMIT 1`).Scan(&name, &position)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`DELETE FROM journal WHERE resource = ?1 AND ?2 > 0`,
		`DELETE FROM doc_bureaus WHERE name = ?1 AND ?2 > 0`,
		`UPDATE journal SET position = -position WHERE feed = substr(?1, 1, 14) AND position > ?2`,
		`UPDATE journal SET position = -position - 1 WHERE position < 0 AND ?1 <> ?2`,
	} {
		if _, err := db.ExecContext(t.Context(), statement, name, position); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// Nothing in a store or in an archive of it tells that a record was removed with its
// whole history; a file of checkpoints and the public key do.
func TestVerifyAgainstCheckpoints(t *testing.T) {
	c := config.Config{Store: config.StoreSQLite, DataDir: t.TempDir(), GRPCAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", Sample: true}
	a, err := app.Start(t.Context(), c, app.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	file := filepath.Join(elsewhere, "checkpoints.txt")
	for range 2 { // beside the server, and once more
		if out, err := command(t, "", "checkpoint", "--data", c.DataDir, file); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	public, err := command(t, "", "key", "checkpoint", "--data", c.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	compared := []string{"--checkpoints", file, "--public-key", strings.TrimSpace(public)}
	verify := func(args ...string) (string, error) {
		return command(t, "", append([]string{"verify", "--data", c.DataDir}, args...)...)
	}
	if out, err := verify(compared...); err != nil || !strings.Contains(out, "directory: 36 checkpoints of 18 feeds") {
		t.Errorf("untouched: %v\n%s", err, out)
	}
	removed(t, filepath.Join(c.DataDir, "directory.db"))
	if out, err := verify(); err != nil {
		t.Errorf("the store alone: %v\n%s", err, out)
	}
	out, err := verify(compared...)
	if err == nil || !strings.Contains(out, "TAIL_CUT fashen/directory/regions/120105") {
		t.Errorf("against checkpoints: %v\n%s", err, out)
	}
	archive := filepath.Join(elsewhere, "all.zip")
	if out, err := command(t, "", "export", "--data", c.DataDir, archive); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c.DataDir = elsewhere // where there is no store
	if out, err := verify("--archive", archive); err != nil {
		t.Errorf("the archive alone: %v\n%s", err, out)
	}
	out, err = verify(append(compared, "--archive", archive)...)
	if err == nil || !strings.Contains(out, "TAIL_CUT fashen/directory/regions/120105") {
		t.Errorf("the archive against checkpoints: %v\n%s", err, out)
	}
	out, err = verify("--archive", archive, "--checkpoints", file, "--public-key", otherKey(t))
	if err == nil || !strings.Contains(out, "CHECKPOINT_OTHER_KEY") {
		t.Errorf("with another key: %v\n%s", err, out)
	}
}

func otherKey(t *testing.T) string {
	t.Helper()
	public, err := command(t, "", "key", "checkpoint", "--data", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(public)
}

func TestCheckpointsRefused(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.txt")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	data, key := t.TempDir(), otherKey(t)
	for name, args := range map[string][]string{
		"no key yet":                   {"checkpoint", "--data", data},
		"checkpoints without key":      {"verify", "--data", data, "--checkpoints", empty},
		"key without checkpoints":      {"verify", "--data", data, "--public-key", key},
		"no key":                       {"verify", "--data", data, "--archive", empty, "--checkpoints", empty, "--public-key", "x"},
		"no archive":                   {"verify", "--archive", empty},
		"an archive that is not there": {"verify", "--archive", filepath.Join(data, "none.zip")},
	} {
		if out, err := command(t, "", args...); err == nil {
			t.Errorf("%s passed: %s", name, out)
		}
	}
	if files, err := os.ReadDir(data); err != nil || len(files) > 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

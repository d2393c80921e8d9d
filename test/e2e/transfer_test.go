package e2e

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/app"
	"fashen/internal/config"
	"fashen/internal/journal"
)

// whole fails on a problem that verification found.
func whole(t *testing.T) func(service string, r journal.Report) {
	return func(service string, r journal.Report) {
		t.Helper()
		if len(r.Problems) > 0 || r.Documents == 0 && service != "counsel" { // nothing was submitted
			t.Errorf("%s: %+v", service, r)
		}
	}
}

// moved is the same world on other stores.
func (w *world) moved(t *testing.T, c config.Config) *world {
	t.Helper()
	c.GRPCAddr, c.HTTPAddr = "127.0.0.1:0", "127.0.0.1:0"
	n := &world{clock: w.clock, config: c, tokens: map[string]token{}, codes: map[string]string{}, people: map[string]string{}, bureau: w.bureau}
	n.start(t)
	n.reach(t, "grpc")
	return n
}

// alikeIn compares a draft and its file with what they are elsewhere.
func (w *world) alikeIn(t *testing.T, other *world, name string, file []byte) {
	t.Helper()
	want := w.document(t, "drafter", "GetDocument", &filingv1.GetDocumentRequest{Name: name})
	got := other.document(t, "drafter", "GetDocument", &filingv1.GetDocumentRequest{Name: name})
	if got.String() != want.String() {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	content, f := other.downloadRevision(t.Context(), other.as(t, "drafter"), want.GetName()+"/revisions/1")
	if f != nil || !bytes.Equal(content, file) {
		t.Errorf("the file: %d bytes of %d, %v", len(content), len(file), f)
	}
}

// A copy made while the server runs is whole, and serves.
func TestBackupWhileServing(t *testing.T) {
	w := alone(t, onSQLite(t), "grpc", "2026-05-12")
	d, file := w.newDocument(t, true), draft(t, "1000")
	w.mustUpload(t, d.GetName(), file)
	done := make(chan struct{})
	go func() { // somebody works on
		defer close(done)
		for range 20 {
			w.newDocument(t, false)
		}
	}()
	folder := filepath.Join(t.TempDir(), "copy")
	if err := app.Backup(t.Context(), w.config, folder, whole(t)); err != nil {
		t.Fatal(err)
	}
	<-done
	if err := app.Backup(t.Context(), w.config, folder, whole(t)); !errors.Is(err, os.ErrExist) {
		t.Errorf("over another copy: %v", err)
	}
	w.alikeIn(t, w.moved(t, config.Config{Store: config.StoreSQLite, DataDir: folder}), d.GetName(), file)
}

// Everything moves to another engine, people's passwords included; not while
// the server runs, and not onto anything.
func TestExportAndImport(t *testing.T) {
	for engine, configure := range engines() {
		t.Run("into "+engine, func(t *testing.T) {
			w := alone(t, onSQLite(t), "grpc", "2026-05-12")
			d, file := w.newDocument(t, true), draft(t, "1000")
			w.mustUpload(t, d.GetName(), file)
			path := filepath.Join(t.TempDir(), "fashen.zip")
			if _, _, err := app.Export(t.Context(), w.config, path, time.Now()); err == nil {
				t.Error("exported a store in use")
			}
			w.stop(t)
			m, sum, err := app.Export(t.Context(), w.config, path, time.Now())
			if err != nil || len(m.Services) != len(services)-1 || len(sum) != 64 {
				t.Fatalf("%+v, %q, %v", m, sum, err)
			}
			to := configure(t)
			if err := app.Import(t.Context(), to, damaged(t, path), whole(t)); err == nil {
				t.Error("a damaged archive passed")
			}
			if err := app.Import(t.Context(), to, path, whole(t)); err != nil {
				t.Fatal(err)
			}
			if err := app.Import(t.Context(), to, path, whole(t)); err == nil || !strings.Contains(err.Error(), "not empty") {
				t.Errorf("a second import: %v", err)
			}
			w.start(t)
			w.reach(t, "grpc")
			w.alikeIn(t, w.moved(t, to), d.GetName(), file)
		})
	}
}

// damaged is a copy of a file with one bit changed in the middle.
func damaged(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	path += ".damaged"
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

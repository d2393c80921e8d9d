package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/protobuf/reflect/protoregistry"

	"fashen/internal/archive"
	"fashen/internal/config"
	"fashen/internal/docstore"
	"fashen/internal/docstore/sqlite"
	"fashen/internal/journal"
)

// Export writes the stores of all services to a new file, and answers what is in
// it and the SHA-256 of its manifest. No server may run on the stores.
func Export(ctx context.Context, c config.Config, path string, now time.Time) (_ archive.Manifest, sum string, err error) {
	if err := c.Check(); err != nil {
		return archive.Manifest{}, "", err
	}
	if _, err := os.Stat(path); err == nil {
		return archive.Manifest{}, "", fmt.Errorf("%s: %w", path, os.ErrExist)
	}
	partial := path + ".partial"
	f, err := os.OpenFile(partial, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return archive.Manifest{}, "", err
	}
	w := archive.NewWriter(f, protoregistry.GlobalTypes, now)
	for _, service := range serviceNames() {
		if err == nil {
			err = exportOne(ctx, c, service, w)
		}
	}
	var m archive.Manifest
	if err == nil {
		m, sum, err = w.Close()
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return m, "", errors.Join(err, os.Remove(partial))
	}
	return m, sum, os.Rename(partial, path)
}

func exportOne(ctx context.Context, c config.Config, service string, w *archive.Writer) error {
	if c.Store == config.StoreSQLite {
		if _, err := os.Stat(storePath(c, service)); err != nil {
			return fmt.Errorf("no store of %s: %w", service, err)
		}
	}
	return withEngine(ctx, c, service, func(e docstore.Engine) error {
		if err := docstore.CheckImported(ctx, e); err != nil {
			return err
		}
		return w.Add(ctx, service, e)
	})
}

// withEngine opens the store of a service for one piece of work.
func withEngine(ctx context.Context, c config.Config, service string, do func(docstore.Engine) error) error {
	e, err := openEngine(ctx, c, service, false)
	if err == nil {
		err = errors.Join(do(e), e.Close())
	}
	if err != nil {
		return fmt.Errorf("store of %s: %w", service, err)
	}
	return nil
}

// Import puts an archive into empty stores and verifies them. Nothing is written
// before the whole archive was read and found undamaged, and all stores empty. A
// store that an import which was cut off left is not served.
func Import(ctx context.Context, c config.Config, path string, report func(service string, r journal.Report)) error {
	return unpack(ctx, c, path, func(service string, r journal.Report, err error) error {
		report(service, r)
		return err
	})
}

// unpack puts an archive into empty stores; done is told how it went with each, and
// decides whether to go on.
func unpack(ctx context.Context, c config.Config, path string, done func(service string, r journal.Report, err error) error) (err error) {
	if err := c.Check(); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	a, err := archive.Open(f, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, s := range a.Manifest.Services {
		known, err := named(s.Name)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if known := len(known[0].migrations) + 1; s.Schema > known {
			return fmt.Errorf("%s: %w: %s is of version %d, this server knows %d", path, docstore.ErrNewerSchema, s.Name, s.Schema, known)
		}
		if err := withEngine(ctx, c, s.Name, func(e docstore.Engine) error { return archive.Empty(ctx, e) }); err != nil {
			return err
		}
	}
	for _, s := range a.Manifest.Services {
		err := withEngine(ctx, c, s.Name, func(e docstore.Engine) error {
			r, err := a.Import(ctx, s, e, protoregistry.GlobalTypes)
			return done(s.Name, r, err)
		})
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
	}
	return nil
}

// Unpacked puts an archive into stores of its own for one piece of work, to verify
// what it holds: one whose record is not whole is unpacked all the same.
func Unpacked(ctx context.Context, path string, do func(config.Config) error) (err error) {
	folder, err := os.MkdirTemp("", "fashen-archive-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	c := config.Config{Store: config.StoreSQLite, DataDir: folder}
	err = unpack(ctx, c, path, func(_ string, r journal.Report, err error) error {
		if len(r.Problems) > 0 {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return do(c)
}

// Backup copies the embedded stores of all services into a folder, while a
// server may be running on them, each as it is at one moment, and verifies the
// copies. MongoDB has its own tools for that.
func Backup(ctx context.Context, c config.Config, folder string, report func(service string, r journal.Report)) error {
	if err := c.Check(); err != nil {
		return err
	}
	if c.Store != config.StoreSQLite {
		return errors.New("backup copies embedded stores; back up MongoDB with its own tools, such as mongodump, or use export")
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	copied := c
	copied.DataDir = folder
	// Those who are named by others come last, so that what a copy names is in the
	// copies made after it.
	for _, service := range slices.Backward(serviceNames()) {
		if err := sqlite.Backup(ctx, storePath(c, service), storePath(copied, service)); err != nil {
			return err
		}
	}
	broken := false
	err := Verify(ctx, copied, nil, func(service string, r journal.Report) {
		report(service, r)
		broken = broken || len(r.Problems) > 0
	})
	if err == nil && broken {
		err = errors.New("the record in the copy is not whole")
	}
	return err
}

// storePath is the file of an embedded store.
func storePath(c config.Config, service string) string {
	return filepath.Join(c.DataDir, service+".db")
}

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// Backup writes the store at path, which a process may own and write to
// meanwhile, as it is at one moment, to a new file. The copy is whole and on disk
// when there is no error, and otherwise not there under its name.
func Backup(ctx context.Context, path, to string) (err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("sqlite: back up %s: %w", path, err)
		}
	}()
	if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
		return errors.Join(fmt.Errorf("%s: %w", to, os.ErrExist), err)
	}
	partial := to + ".partial"
	if err := os.Remove(partial); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := copyInto(ctx, path, partial); err != nil {
		return errors.Join(err, os.Remove(partial))
	}
	if err := errors.Join(os.Chmod(partial, 0o600), flush(partial)); err != nil {
		return err
	}
	if err := os.Rename(partial, to); err != nil {
		return err
	}
	return flush(filepath.Dir(to))
}

// copyInto holds one reading transaction while it copies; writers go on in the
// write-ahead log.
func copyInto(ctx context.Context, from, to string) (err error) {
	db, err := sql.Open("sqlite", dsn(from, url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)"}}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, to)
	return err
}

// flush has the system write a file, or the names of a folder, to disk.
func flush(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

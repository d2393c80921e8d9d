package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"fashen/internal/checkpoint"
	"fashen/internal/config"
	"fashen/internal/docstore"
)

// checkpointKey is the file of the key that signs checkpoints.
func checkpointKey(c config.Config) string { return filepath.Join(c.DataDir, "keys", "checkpoint.pem") }

// newSigner makes the signer of a service's feeds. What it signed last is kept in
// the data folder, which is not the database's where that is MongoDB.
func newSigner(c config.Config, service string, e docstore.Engine, readOnly bool, key *checkpoint.Key, log *slog.Logger) *checkpoint.Signer {
	return checkpoint.NewSigner(checkpoint.Options{
		Service: service, Engine: e, ReadOnly: readOnly, Key: key, Logger: log,
		Folder: filepath.Join(c.DataDir, "checkpoints"), Interval: c.CheckpointInterval,
	})
}

// signerOf makes the signer of a service of this process. The key is read for the
// first: a gateway alone has none.
func (a *App) signerOf(service string, e docstore.Engine) (*checkpoint.Signer, error) {
	if a.keys.checkpoints == nil {
		var err error
		if a.keys.checkpoints, err = checkpoint.LoadKey(checkpointKey(a.config)); err != nil {
			return nil, err
		}
	}
	return newSigner(a.config, service, e, false, a.keys.checkpoints, a.log), nil
}

// serveCheckpoints answers CheckpointService for the services of this process, and
// lets their feeds be signed by themselves.
func (a *App) serveCheckpoints(context.Context) error {
	var signers []*checkpoint.Signer
	for _, r := range a.running {
		signers = append(signers, r.signer)
		r.signer.Start()
		a.stops = append(a.stops, func(context.Context) error { r.signer.Close(); return nil })
	}
	checkpoint.NewServer(signers).Register(a.server)
	return nil
}

// CheckpointKey makes or reads the key of checkpoints, and answers its public part.
func CheckpointKey(c config.Config) (string, error) {
	key, err := checkpoint.LoadKey(checkpointKey(c))
	if err != nil {
		return "", err
	}
	return key.Public(), nil
}

// Checkpoints signs all feeds of all services, with the key that is there, while a
// server may run on the stores. The error joins those of feeds that are no
// continuation of what was signed; the others are answered all the same.
func Checkpoints(ctx context.Context, c config.Config, log *slog.Logger) ([]checkpoint.Checkpoint, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	key, err := checkpoint.ReadKey(checkpointKey(c))
	if err != nil {
		return nil, err
	}
	var out []checkpoint.Checkpoint
	var errs []error
	for _, service := range serviceNames() {
		err := looking(ctx, c, service, func(e docstore.Engine) error {
			signed, err := newSigner(c, service, e, c.Store == config.StoreSQLite, key, log).All(ctx)
			out = append(out, signed...)
			return err
		})
		errs = append(errs, err)
	}
	return out, errors.Join(errs...)
}

// CheckCheckpoints compares the feeds of the named services, of all when none is
// named, with the checkpoints of a file, as far as a public key signed them.
func CheckCheckpoints(ctx context.Context, c config.Config, services []string, path, public string, report func(service string, r checkpoint.Report)) error {
	if err := c.Check(); err != nil {
		return err
	}
	verifier, err := checkpoint.Verifier(public)
	if err != nil {
		return err
	}
	entries, err := named(services...)
	if err != nil {
		return err
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	checkpoints, problems := checkpoint.ReadFile(file, verifier)
	if len(checkpoints)+len(problems) == 0 {
		return fmt.Errorf("%s holds no checkpoint", path)
	}
	if len(problems) > 0 {
		report(filepath.Base(path), checkpoint.Report{Problems: problems})
	}
	for _, e := range entries {
		err := looking(ctx, c, e.name, func(engine docstore.Engine) error {
			r, err := checkpoint.Check(ctx, engine.Log(), e.name, checkpoints)
			if err == nil {
				report(e.name, r)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// looking opens the store of a service to look at it.
func looking(ctx context.Context, c config.Config, service string, do func(docstore.Engine) error) error {
	e, err := openEngine(ctx, c, service, true)
	if err == nil {
		err = errors.Join(do(e), e.Close())
	}
	if err != nil {
		return fmt.Errorf("store of %s: %w", service, err)
	}
	return nil
}

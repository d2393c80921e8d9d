package app

import (
	"context"
	"time"

	"fashen/internal/auth"
	"fashen/internal/config"
	"fashen/internal/identity"
	"fashen/internal/oidc"
	"fashen/internal/worker"
	"fashen/services/directory"
)

// startDirectory makes the directory, which this process's verifier then asks, and
// seeds it.
func startDirectory(ctx context.Context, a *App, r *running) (registrar, error) {
	hooks, err := a.webhooks(r)
	if err != nil {
		return nil, err
	}
	dir, err := directory.New(ctx, directory.Deps{
		Engine: r.engine, Wrote: r.wrote, TokenKey: a.keys.pages, Clock: a.clock, Logger: a.log,
		Signer: a.keys.signer, Revocations: a.keys.revoked, Webhooks: hooks,
	})
	if err != nil {
		return nil, err
	}
	a.begins = append(a.begins, func() { a.ends = append(a.ends, dir.StartWebhooks()) })
	if err := a.showDeliveries(dir); err != nil {
		return nil, err
	}
	if err := a.acceptOthers(dir.SystemKeys(), dir); err != nil {
		return nil, err
	}
	a.ends = append(a.ends, dir.Stop)
	if a.config.Store == config.StoreMongoDB {
		a.syncRevocations(dir)
	}
	if a.Codes, err = seed(ctx, a.config, dir); err != nil {
		return nil, err
	}
	return dir, nil
}

// syncRevocations takes over, every second, what other processes on the store
// revoked. While the store does not answer, nobody is let in on what was known.
func (a *App) syncRevocations(dir *directory.Server) {
	a.keys.revoked.Expect(identity.Patience, time.Now)
	a.keys.revoked.Heard() // it has just been read
	a.untilStopped(func(ctx context.Context) {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Second):
			}
			if err := worker.Safely(func() error { return dir.SyncRevocations(ctx) }); err == nil {
				a.keys.revoked.Heard()
			} else if ctx.Err() == nil {
				a.log.WarnContext(ctx, "revocations not read", "error", err)
			}
		}
	})
}

// acceptOthers lets in, beside people who signed in here, systems with a key and
// people who signed in at the issuer outside.
func (a *App) acceptOthers(systems *auth.SystemKeys, people oidc.People) error {
	a.keys.verifier.AcceptSystems(systems)
	c := a.config
	if c.OIDCIssuer == "" {
		return nil
	}
	issuer, err := oidc.New(oidc.Options{
		URL: c.OIDCIssuer, Audience: c.OIDCAudience, LoginClaim: c.OIDCLoginClaim, People: people, Now: a.clock,
	})
	if err != nil {
		return err
	}
	a.keys.verifier.AcceptIssuer(issuer)
	return nil
}

// seed adds what an empty store needs, and answers the one-time codes it made.
func seed(ctx context.Context, c config.Config, dir *directory.Server) ([]directory.Invitation, error) {
	if err := dir.SeedReference(ctx); err != nil {
		return nil, err
	}
	switch {
	case c.Sample:
		return dir.SeedSample(ctx)
	case c.Region != "":
		return dir.SeedAdministrators(ctx, "regions/"+c.Region)
	}
	return nil, nil
}

package app

import (
	"context"
	"fmt"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/rulebook"
	"fashen/services/counsel"
	"fashen/services/directory"
	"fashen/services/filing"
)

// startFiling makes the filing service with the rule packs that are built in.
func startFiling(ctx context.Context, a *App, r *running) (registrar, error) {
	rules, err := rulebook.Builtin()
	if err != nil {
		return nil, fmt.Errorf("load rule packs: %w", err)
	}
	return filing.New(ctx, filing.Deps{
		Engine: r.engine, Wrote: r.wrote, TokenKey: a.keys.pages, Clock: a.clock, Logger: a.log, Rules: rules,
		Counsel:   counselv1.NewCounselServiceClient(r.conns[counsel.Service]),
		Directory: directoryv1.NewDirectoryServiceClient(r.conns[directory.Service]),
	})
}

package app

import (
	"context"
	"fmt"
	"sync"

	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/rulebook"
	"fashen/services/competition"
	"fashen/services/filing"
)

// startCompetition makes the service of rule sets and keeps those that are built in.
func startCompetition(ctx context.Context, a *App, r *running) (registrar, error) {
	rules, err := builtin()
	if err != nil {
		return nil, fmt.Errorf("load rule packs: %w", err)
	}
	sets, err := competition.New(ctx, competition.Deps{
		Engine: r.engine, Wrote: r.wrote, TokenKey: a.keys.pages, Clock: a.clock, Logger: a.log, Rules: rules,
		Filing: filingv1.NewFilingServiceClient(r.conns[filing.Service]),
	})
	if err != nil {
		return nil, err
	}
	return sets, sets.SeedRuleSets(ctx)
}

// builtin are the rule packs that are built in. They are compiled once for a program,
// not for each App: that takes a second and some 30 MB, and the end-to-end tests start
// hundreds in one program.
var builtin = sync.OnceValues(rulebook.Builtin)

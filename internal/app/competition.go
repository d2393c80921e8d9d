package app

import (
	"context"
	"fmt"

	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/rulebook"
	"fashen/services/competition"
	"fashen/services/filing"
)

// startCompetition makes the service of rule sets and keeps those that are built in.
func startCompetition(ctx context.Context, a *App, r *running) (registrar, error) {
	rules, err := a.rulebook()
	if err != nil {
		return nil, err
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

// rulebook loads the rule packs that are built in, once a process.
func (a *App) rulebook() (*rulebook.Library, error) {
	if a.rules == nil {
		rules, err := rulebook.Builtin()
		if err != nil {
			return nil, fmt.Errorf("load rule packs: %w", err)
		}
		a.rules = rules
	}
	return a.rules, nil
}

package app

import (
	"context"
	"fmt"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/services/counsel"
	"fashen/services/directory"
	"fashen/services/filing"
)

// pdfChildren is how many PDF files are read at a time, some 80 MB each.
const pdfChildren = 2

// Warm prepares what takes long on a new machine, so that no file has to wait for
// it: the engine that reads PDF files. It returns when all is ready.
func (a *App) Warm() error {
	if a.pdf == nil {
		return nil // the service that reads files runs elsewhere
	}
	return a.pdf.Warm()
}

// startFiling makes the filing service with the rule packs that are built in.
func startFiling(ctx context.Context, a *App, r *running) (registrar, error) {
	rules, err := builtin()
	if err != nil {
		return nil, fmt.Errorf("load rule packs: %w", err)
	}
	door, err := a.files()
	if err != nil {
		return nil, err
	}
	return filing.New(ctx, filing.Deps{
		Engine: r.engine, Wrote: r.wrote, TokenKey: a.keys.pages, Clock: a.clock, Logger: a.log, Rules: rules,
		Intake:    door,
		Counsel:   counselv1.NewCounselServiceClient(r.conns[counsel.Service]),
		Directory: directoryv1.NewDirectoryServiceClient(r.conns[directory.Service]),
	})
}

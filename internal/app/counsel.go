package app

import (
	"context"

	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/services/counsel"
	"fashen/services/directory"
	"fashen/services/filing"
)

// startCounsel makes the review service and shows its backlog.
func startCounsel(ctx context.Context, a *App, r *running) (registrar, error) {
	door, err := a.files()
	if err != nil {
		return nil, err
	}
	reviews, err := counsel.New(ctx, counsel.Deps{
		Intake: door,
		Engine: r.engine, Wrote: r.wrote, TokenKey: a.keys.pages, Clock: a.clock, Logger: a.log,
		Filing:    filingv1.NewFilingServiceClient(r.conns[filing.Service]),
		Directory: directoryv1.NewDirectoryServiceClient(r.conns[directory.Service]),
	})
	if err != nil {
		return nil, err
	}
	return reviews, a.countBacklog(reviews)
}

package app

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/officialdoc"
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
		Fonts:     officialdoc.NewFontLibrary(a.fontSource()),
	})
	if err != nil {
		return nil, err
	}
	return reviews, a.countBacklog(reviews)
}

// fontSource says where fonts are: in the folders that are set, then where `make
// fonts` puts them.
func (a *App) fontSource() officialdoc.FontSource {
	source := officialdoc.FontSource{Folders: a.config.Fonts, Files: a.config.FontFile()}
	if cache, err := os.UserCacheDir(); err == nil { // a process without a home has none
		source.Folders = append(slices.Clone(source.Folders), filepath.Join(cache, "fashen", "fonts"))
	}
	return source
}

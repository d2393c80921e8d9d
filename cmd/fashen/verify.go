package main

import (
	"errors"

	"github.com/spf13/cobra"

	"fashen/internal/app"
	"fashen/internal/config"
	"fashen/internal/journal"
)

func newVerify() *cobra.Command {
	var c config.Config
	cmd := &cobra.Command{
		Use:   "verify [SERVICE…]",
		Short: "Check that no journal entry and no document was changed behind the system's back",
		RunE: func(cmd *cobra.Command, services []string) error {
			if err := c.Load(cmd.Flags()); err != nil {
				return err
			}
			broken, report := false, reportTo(cmd.OutOrStdout())
			err := app.Verify(cmd.Context(), c, services, func(service string, r journal.Report) {
				report(service, r)
				broken = broken || len(r.Problems) > 0
			})
			if err == nil && broken {
				err = errors.New("the record is not whole")
			}
			return err
		},
	}
	c.Flags(cmd.Flags())
	return cmd
}

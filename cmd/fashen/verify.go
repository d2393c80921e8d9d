package main

import (
	"errors"
	"fmt"

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
			broken := false
			err := app.Verify(cmd.Context(), c, services, func(service string, r journal.Report) {
				_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d documents, %d entries, %d problems\n",
					service, r.Documents, r.Entries, int64(len(r.Problems))+r.More)
				for _, p := range r.Problems {
					_, _ = fmt.Fprintln(cmd.OutOrStdout(), " ", p)
				}
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

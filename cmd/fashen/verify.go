package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"fashen/internal/app"
	"fashen/internal/checkpoint"
	"fashen/internal/config"
	"fashen/internal/journal"
)

// verification is what is to be verified.
type verification struct {
	config config.Config
	// archive is looked at in the place of the stores; empty for none.
	archive string
	// checkpoints is a file of them, public the key that signed them; empty for none.
	checkpoints, public string
}

func newVerify() *cobra.Command {
	var v verification
	cmd := &cobra.Command{
		Use:   "verify [SERVICE…]",
		Short: "Check that no journal entry and no document was changed behind the system's back",
		RunE: func(cmd *cobra.Command, services []string) error {
			if err := v.config.Load(cmd.Flags()); err != nil {
				return err
			}
			if (v.checkpoints == "") != (v.public == "") {
				return errors.New("--checkpoints and --public-key are given together")
			}
			if v.archive == "" {
				return v.run(cmd.Context(), services, cmd.OutOrStdout())
			}
			return app.Unpacked(cmd.Context(), v.archive, func(c config.Config) error {
				v.config = c
				return v.run(cmd.Context(), services, cmd.OutOrStdout())
			})
		},
	}
	v.config.Flags(cmd.Flags())
	cmd.Flags().StringVar(&v.checkpoints, "checkpoints", "", "`file` of checkpoints that was kept elsewhere, to compare the feeds with")
	cmd.Flags().StringVar(&v.public, "public-key", "", "public `key` that signed them, as `fashen key checkpoint` prints it")
	cmd.Flags().StringVar(&v.archive, "archive", "", "`file` of `fashen export` to verify in the place of the stores")
	return cmd
}

func (v verification) run(ctx context.Context, services []string, out io.Writer) error {
	broken, report, compared := false, reportTo(out), comparedTo(out)
	err := app.Verify(ctx, v.config, services, func(service string, r journal.Report) {
		report(service, r)
		broken = broken || len(r.Problems) > 0
	})
	if err == nil && v.checkpoints != "" {
		err = app.CheckCheckpoints(ctx, v.config, services, v.checkpoints, v.public, func(name string, r checkpoint.Report) {
			compared(name, r)
			broken = broken || len(r.Problems) > 0
		})
	}
	if err == nil && broken {
		err = errors.New("the record is not whole")
	}
	return err
}

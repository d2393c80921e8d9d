package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"fashen/internal/app"
	"fashen/internal/config"
	"fashen/internal/journal"
)

func newExport() *cobra.Command {
	var c config.Config
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Write all stores to a checksummed archive, with the servers stopped",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.Load(cmd.Flags()); err != nil {
				return err
			}
			m, sum, err := app.Export(cmd.Context(), c, args[0], time.Now())
			if err != nil {
				return err
			}
			for _, s := range m.Services {
				_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d documents, %d entries in the log, %d files\n",
					s.Name, s.Documents(), s.Journal.Records, s.Blobs.Records)
			}
			_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s  manifest.json of %s\n", sum, args[0])
			return nil
		},
	}
	c.Flags(cmd.Flags())
	return cmd
}

func newImport() *cobra.Command {
	var c config.Config
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Put an archive into empty stores and verify them",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.Load(cmd.Flags()); err != nil {
				return err
			}
			return app.Import(cmd.Context(), c, args[0], reportTo(cmd.OutOrStdout()))
		},
	}
	c.Flags(cmd.Flags())
	return cmd
}

func newBackup() *cobra.Command {
	var c config.Config
	cmd := &cobra.Command{
		Use:   "backup FOLDER",
		Short: "Copy the embedded stores while the server runs, and verify the copies",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.Load(cmd.Flags()); err != nil {
				return err
			}
			return app.Backup(cmd.Context(), c, args[0], reportTo(cmd.OutOrStdout()))
		},
	}
	c.Flags(cmd.Flags())
	return cmd
}

// reportTo prints what verification found, a line for each service and problem.
func reportTo(out io.Writer) func(service string, r journal.Report) {
	return func(service string, r journal.Report) {
		_, _ = fmt.Fprintf(out, "%s: %d documents, %d entries, %d files, %d problems\n",
			service, r.Documents, r.Entries, r.Files, int64(len(r.Problems))+r.More)
		for _, p := range r.Problems {
			_, _ = fmt.Fprintln(out, " ", p)
		}
	}
}

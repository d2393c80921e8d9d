package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"fashen/internal/app"
	"fashen/internal/checkpoint"
	"fashen/internal/config"
)

func newCheckpoint() *cobra.Command {
	var c config.Config
	cmd := &cobra.Command{
		Use:   "checkpoint [FILE]",
		Short: "Sign the state of all feeds, while servers run, and add it to a file or print it",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.Load(cmd.Flags()); err != nil {
				return err
			}
			signed, err := app.Checkpoints(cmd.Context(), c, slog.New(slog.DiscardHandler))
			if len(args) == 0 {
				return errors.Join(err, printNotes(cmd.OutOrStdout(), signed))
			}
			return errors.Join(err, addNotes(args[0], signed))
		},
	}
	c.Flags(cmd.Flags())
	return cmd
}

// addNotes adds checkpoints to a file, which may hold earlier ones.
func addNotes(path string, signed []checkpoint.Checkpoint) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644) //nolint:gosec // it is for others to read
	if err != nil {
		return err
	}
	err = printNotes(f, signed)
	return errors.Join(err, f.Sync(), f.Close())
}

func printNotes(w io.Writer, signed []checkpoint.Checkpoint) error {
	for _, c := range signed {
		if _, err := fmt.Fprintln(w, c.Note); err != nil {
			return err
		}
	}
	return nil
}

// comparedTo prints what a comparison with checkpoints found.
func comparedTo(out io.Writer) func(name string, r checkpoint.Report) {
	return func(name string, r checkpoint.Report) {
		_, _ = fmt.Fprintf(out, "%s: %d checkpoints of %d feeds, covering %d entries, %d problems\n", name, r.Checkpoints, r.Feeds, r.Covered, len(r.Problems))
		for _, p := range r.Problems {
			_, _ = fmt.Fprintln(out, " ", p)
		}
	}
}

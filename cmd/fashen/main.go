// Command fashen serves the review system, and screens and reads policy
// documents from the command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "fashen:", err)
		os.Exit(exitCode(err))
	}
}

// exitCode is 2 for a sweep that went through but for some files, otherwise 1.
func exitCode(err error) int {
	if errors.As(err, new(incomplete)) {
		return 2
	}
	return 1
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return newRoot().ExecuteContext(ctx)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "fashen",
		Short:         "法审：行政规范性文件合法性审核",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServe(), newScreen(), newInspect(), newVerify(), newConfig(), newRebuild(),
		newExport(), newImport(), newBackup(), newKey(), newCheckpoint(), newPDFPages(), newWordConvert(), newCompare(), newRules())
	return root
}

package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel"

	"fashen/internal/app"
	"fashen/internal/config"
)

// stopTime is how long calls in progress may go on after a signal.
const stopTime = 20 * time.Second

func newServe() *cobra.Command {
	var c config.Config
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve all services, gRPC and REST, in one process",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.Load(cmd.Flags(), app.Check); err != nil {
				return err
			}
			return serve(cmd.Context(), c, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	c.Flags(cmd.Flags())
	return cmd
}

func serve(ctx context.Context, c config.Config, out, log io.Writer) error {
	level, err := c.Level()
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: level}))
	// What cannot be exported is told in the form of the log, not in another.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.WarnContext(ctx, "traces", "error", err) }))
	a, err := app.Start(ctx, c, app.Options{Logger: logger})
	if err != nil {
		return err
	}
	if c.Sample {
		if err := writeSample(c.DataDir); err != nil {
			logger.ErrorContext(ctx, "write the sample draft", "error", err)
		}
	}
	go func() {
		if err := a.Warm(); err != nil {
			logger.ErrorContext(ctx, "PDF files cannot be read", "error", err)
		}
	}()
	printGuide(out, a, c)
	<-ctx.Done()
	logger.InfoContext(ctx, "stopping")
	stopping, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	return a.Stop(stopping)
}

// writeSample puts the sample draft where the printed lines expect it.
func writeSample(dir string) error {
	return os.WriteFile(samplePath(dir), sampleDraft, 0o600)
}

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"fashen/internal/app"
)

// accessToken reads the token for a running server.
func accessToken(stdin io.Reader) (string, error) {
	if token := os.Getenv("FASHEN_TOKEN"); token != "" {
		return token, nil
	}
	line, err := bufio.NewReader(stdin).ReadString('\n')
	if token := strings.TrimSpace(line); token != "" {
		return token, nil
	}
	return "", errors.Join(errors.New("an access token is needed, in FASHEN_TOKEN or on the standard input"), err)
}

func newRebuild() *cobra.Command {
	var r app.Rebuild
	cmd := &cobra.Command{
		Use:   "rebuild SERVICE…",
		Short: "Have a running server work out its tasks and figures again, and wait until it has",
		Long: "Asks a running server, as a system administrator, to work out the tasks and figures of services again,\n" +
			"and waits until it has. The access token is read from FASHEN_TOKEN, or from the standard input.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, services []string) error {
			var err error
			if r.Token, err = accessToken(cmd.InOrStdin()); err != nil {
				return err
			}
			for _, service := range services {
				done, err := r.Run(cmd.Context(), service)
				if err != nil {
					return fmt.Errorf("%s: %w", service, err)
				}
				_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d documents, %d rows put right\n", service, done.GetSubjectCount(), done.GetCorrectedCount())
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&r.URL, "url", "http://127.0.0.1:8080", "`address` of the REST API")
	cmd.Flags().StringVar(&r.Region, "region", "", "`code` of the region, such as 120105")
	_ = cmd.MarkFlagRequired("region")
	return cmd
}

package main

import (
	"github.com/spf13/cobra"

	"fashen/internal/app"
	"fashen/internal/config"
)

func newConfig() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Check the configuration, or print what can be configured"}
	var c config.Config
	check := &cobra.Command{
		Use:   "check",
		Short: "Print the configuration in effect, secrets masked, and name every problem with its place",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			problems := c.Load(cmd.Flags(), app.Check)
			if err := config.Print(cmd.OutOrStdout(), cmd.Flags()); err != nil {
				return err
			}
			return problems
		},
	}
	c.Flags(check.Flags())
	reference := &cobra.Command{
		Use:   "reference",
		Short: "Print the page of all settings as Markdown",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return config.Reference(cmd.OutOrStdout()) },
	}
	cmd.AddCommand(check, reference)
	return cmd
}

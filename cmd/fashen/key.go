package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"fashen/internal/app"
	"fashen/internal/auth"
	"fashen/internal/config"
)

func newKey() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "The keys that sign access tokens and checkpoints"}
	var data string
	rotate := &cobra.Command{
		Use:   "rotate",
		Short: "Add a signing key; processes on the folder take it over while they run, and nobody is signed out",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := auth.RotateKey(filepath.Join(data, "keys"), time.Now())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "签名密钥 %s 已生成，一分钟后启用；旧密钥签发的凭证到期前仍然有效，32分钟后旧密钥即失效\n", key.ID)
			return nil
		},
	}
	checkpoint := &cobra.Command{
		Use:   "checkpoint",
		Short: "Print the public key of checkpoints, for whoever verifies them",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			public, err := app.CheckpointKey(config.Config{DataDir: data})
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), public)
			return nil
		},
	}
	cmd.PersistentFlags().StringVar(&data, "data", "./data", "`folder` of the embedded store and the keys")
	cmd.AddCommand(rotate, checkpoint)
	return cmd
}

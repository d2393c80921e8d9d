package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"fashen/internal/auth"
)

func newKey() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "Change the key that signs access tokens"}
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
	rotate.Flags().StringVar(&data, "data", "./data", "`folder` of the embedded store and the signing key")
	cmd.AddCommand(rotate)
	return cmd
}

package main

import (
	"github.com/spf13/cobra"

	"fashen/internal/legacyword"
	"fashen/internal/pdftext"
)

// newPDFPages is the child process that reads a PDF file; people do not call it.
func newPDFPages() *cobra.Command {
	return &cobra.Command{
		Use: pdftext.Command + " [cache folder]", Hidden: true, Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return pdftext.Serve(cmd.InOrStdin(), cmd.OutOrStdout(), append(args, "")[0])
		},
	}
}

// newWordConvert is the child process that becomes the converter of a .doc file;
// people do not call it.
func newWordConvert() *cobra.Command {
	return &cobra.Command{
		Use: legacyword.Command, Hidden: true, DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error { return legacyword.Become(args) },
	}
}

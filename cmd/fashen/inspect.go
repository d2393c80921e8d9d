package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"fashen/internal/config"
	"fashen/internal/policytext"
)

func newInspect() *cobra.Command {
	var how inspectOptions
	cmd := &cobra.Command{
		Use:   "inspect FILE|-",
		Short: "Print title, number, date, structure, citations, changes, comments and notes of a draft as JSON",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			var in io.Reader = cmd.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, f.Close()) }()
				in = f
			}
			if err := how.inspect(cmd, in); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return nil
		},
	}
	how.reading.FileFlags(cmd.Flags())
	cmd.Flags().StringVar(&how.changes, "changes", "accepted", "read tracked changes as accepted, original or shown")
	cmd.Flags().BoolVar(&how.text, "text", false, "print the text as well, which all offsets count in")
	cmd.Flags().BoolVar(&how.paragraphs, "paragraphs", false, "print the paragraphs instead, as a stream of JSON lines with number, style and place")
	cmd.MarkFlagsMutuallyExclusive("text", "paragraphs")
	return cmd
}

type inspectOptions struct {
	changes          string
	text, paragraphs bool
	reading          config.Reading
}

func (how inspectOptions) inspect(cmd *cobra.Command, in io.Reader) error {
	modes := map[string]policytext.Changes{
		"accepted": policytext.ChangesAccepted, "original": policytext.ChangesOriginal, "shown": policytext.ChangesShown,
	}
	mode, ok := modes[how.changes]
	if !ok {
		return fmt.Errorf("--changes: %q is neither accepted, original nor shown", how.changes)
	}
	reader, data, err := openDocument(how.reading, in)
	if err != nil {
		return err
	}
	reader.Changes = mode
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetEscapeHTML(false)
	if how.paragraphs {
		for p, err := range reader.Paragraphs(cmd.Context(), data) {
			if err == nil {
				err = enc.Encode(p)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	document, err := reader.Read(cmd.Context(), data)
	if err != nil {
		return err
	}
	inspection := policytext.Inspect(document)
	if how.text {
		inspection.Text = document.Text.GetText()
	}
	enc.SetIndent("", "  ")
	return enc.Encode(inspection)
}

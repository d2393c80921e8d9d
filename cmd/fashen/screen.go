package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"fashen/internal/calendar"
	"fashen/internal/config"
	"fashen/internal/officialdoc"
	"fashen/internal/rulebook"
)

func newScreen() *cobra.Command {
	var date, format, docx, xlsx string
	var packs []string
	var reading config.Reading
	cmd := &cobra.Command{
		Use:   "screen FILE…|FOLDER|-",
		Short: "Screen drafts offline, or a folder of them; with --format jsonl, lines of {\"id\",\"text\",\"context\"}",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			set, err := ruleSet(date, packs)
			if err != nil {
				return err
			}
			if len(files) == 1 && isFolder(files[0]) {
				if docx != "" || format != "text" {
					return errors.New("a FOLDER is told as a table, or with --xlsx")
				}
				return sweepFolder(cmd.Context(), reading, set, files[0], xlsx, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			if xlsx != "" {
				return errors.New("--xlsx takes one FOLDER")
			}
			if docx != "" {
				if len(files) != 1 {
					return errors.New("--docx takes one FILE")
				}
				return screenToWord(cmd.Context(), reading, set, files[0], docx)
			}
			for _, file := range files {
				if err := screenOne(cmd.Context(), reading, set, file, format, cmd.InOrStdin(), cmd.OutOrStdout()); err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&date, "date", "", "review date (YYYY-MM-DD) the rules are chosen by; today when empty")
	cmd.Flags().StringSliceVar(&packs, "rules", nil, "rule packs; those for drafts at the review date when empty")
	cmd.Flags().StringVar(&format, "format", "text", "text, json or jsonl")
	reading.FileFlags(cmd.Flags())
	cmd.Flags().StringVar(&xlsx, "xlsx", "", "write what is found in a FOLDER to this .xlsx file instead of a table")
	cmd.Flags().StringVar(&docx, "docx", "", "write the text with the findings as comments to this .docx file instead")
	return cmd
}

func ruleSet(date string, packs []string) (*rulebook.Set, error) {
	library, err := rulebook.Builtin()
	if err != nil {
		return nil, err
	}
	if date == "" {
		date = calendar.On(time.Now()).String()
	}
	on, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return nil, fmt.Errorf("--date: %w", err)
	}
	if len(packs) == 0 {
		return library.DraftSet(on)
	}
	return library.Set(on, packs...)
}

func screenOne(ctx context.Context, reading config.Reading, set *rulebook.Set, file, format string, stdin io.Reader, out io.Writer) (err error) {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		in = f
	}
	if format == "jsonl" {
		return set.ScreenLines(in, out)
	}
	document, err := readDocument(ctx, reading, in)
	if err != nil {
		return err
	}
	screening := set.ScreenClause(document.Text, rulebook.FactsOfDocument(document))
	switch format {
	case "text":
		return screening.WriteText(out, file)
	case "json":
		return screening.WriteJSON(out, file)
	}
	return fmt.Errorf("--format: %q is neither text, json nor jsonl", format)
}

// screenToWord writes a draft with what the rules find as comments.
func screenToWord(ctx context.Context, reading config.Reading, set *rulebook.Set, file, docx string) error {
	text, err := readFile(ctx, reading, file)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	data, err := officialdoc.Annotate(text, officialdoc.FindingComments(set.Screen(text).Findings, wordAuthor, time.Now()))
	if err != nil {
		return err
	}
	return os.WriteFile(docx, data, 0o600)
}

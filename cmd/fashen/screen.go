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
	"fashen/internal/officialdoc"
	"fashen/internal/pdftext"
	"fashen/internal/policytext"
	"fashen/internal/rulebook"
)

func newScreen() *cobra.Command {
	var date, format, docx string
	var packs []string
	cmd := &cobra.Command{
		Use:   "screen FILE…|-",
		Short: "Screen drafts offline; with --format jsonl, lines of {\"id\",\"text\",\"context\"}",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			set, err := ruleSet(date, packs)
			if err != nil {
				return err
			}
			if docx != "" {
				if len(files) != 1 {
					return errors.New("--docx takes one FILE")
				}
				return screenToWord(cmd.Context(), set, files[0], docx)
			}
			for _, file := range files {
				if err := screenOne(cmd.Context(), set, file, format, cmd.InOrStdin(), cmd.OutOrStdout()); err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&date, "date", "", "review date (YYYY-MM-DD) the rules are chosen by; today when empty")
	cmd.Flags().StringSliceVar(&packs, "rules", []string{"competition", "powers"}, "rule packs")
	cmd.Flags().StringVar(&format, "format", "text", "text, json or jsonl")
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
	return library.Set(on, packs...)
}

func screenOne(ctx context.Context, set *rulebook.Set, file, format string, stdin io.Reader, out io.Writer) (err error) {
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
	document, err := readDocument(ctx, in)
	if err != nil {
		return err
	}
	screening := set.Screen(document.Text)
	switch format {
	case "text":
		return screening.WriteText(out, file)
	case "json":
		return screening.WriteJSON(out, file)
	}
	return fmt.Errorf("--format: %q is neither text, json nor jsonl", format)
}

// screenToWord writes a draft with what the rules find as comments.
func screenToWord(ctx context.Context, set *rulebook.Set, file, docx string) error {
	text, err := readFile(ctx, file)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	data, err := officialdoc.Annotate(text, officialdoc.FindingComments(set.Screen(text).Findings, wordAuthor, time.Now()))
	if err != nil {
		return err
	}
	return os.WriteFile(docx, data, 0o600)
}

// readDocument reads a file within the limits of an upload.
func readDocument(ctx context.Context, in io.Reader) (*policytext.Document, error) {
	reader, data, err := openDocument(in)
	if err != nil {
		return nil, err
	}
	return reader.Read(ctx, data)
}

// openDocument takes a file in and prepares a reader with the limits of an upload.
func openDocument(in io.Reader) (policytext.Reader, []byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return policytext.Reader{}, nil, err
	}
	if len(data) > maxFile {
		return policytext.Reader{}, nil, errors.New("文件超过 50 MiB")
	}
	pdf := pdftext.NewReader("", 1)
	if policytext.IsPDF(data) { // the first time on a machine takes longer than a file may
		if err := pdf.Warm(); err != nil {
			return policytext.Reader{}, nil, err
		}
	}
	return policytext.Reader{Limits: policytext.DefaultLimits(), PDF: pdf.Pages}, data, nil
}

const maxFile = 50 << 20

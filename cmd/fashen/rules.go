package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	datepb "google.golang.org/genproto/googleapis/type/date"

	competitionv1 "fashen/gen/fashen/competition/v1"
	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/app"
	"fashen/internal/calendar"
	"fashen/internal/config"
	"fashen/internal/rulebook"
)

func newRules() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Look at the rule packs, and try changed ones",
	}
	cmd.AddCommand(newRulesList(), newRulesExport(), newRulesDiff())
	return cmd
}

func newRulesList() *cobra.Command {
	var date string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the rule sets: pack and version, title, since when and until when, number of rules",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			library, err := rulebook.Builtin()
			if err != nil {
				return err
			}
			for _, r := range library.Describe() {
				n := r.GetRuleCount()
				if date != "" {
					on, err := time.Parse(time.DateOnly, date)
					if err != nil {
						return fmt.Errorf("--date: %w", err)
					}
					set, err := library.Set(on, r.GetPack())
					if err != nil {
						continue // none of its rules is in force then
					}
					n = int32(set.Size())
				}
				_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\t%s～%s\t%d条\n", r.GetLabel(), r.GetTitle(), isoDate(r.GetEffectiveDate()), isoDate(r.GetEndDate()), n)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&date, "date", "", "only what is in force on a review date (YYYY-MM-DD)")
	return cmd
}

func isoDate(d *datepb.Date) string {
	if on, err := calendar.FromProto(d); err == nil {
		return on.String()
	}
	return ""
}

func newRulesExport() *cobra.Command {
	return &cobra.Command{
		Use:   "export FOLDER",
		Short: "Write the files of the built-in packs into a new folder, to change them",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			files, err := rulebook.BuiltinFiles()
			if err != nil {
				return err
			}
			if err := os.Mkdir(args[0], 0o750); err != nil {
				return err
			}
			for name, data := range files {
				to := filepath.Join(args[0], filepath.FromSlash(name))
				if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o750), os.WriteFile(to, data, 0o600)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// diffing is what `fashen rules diff` was asked.
type diffing struct {
	date      string
	packs     []string
	limit     int
	url, code string
	reading   config.Reading
	out       io.Writer
	// counts so far, and how many changes were printed.
	total         rulebook.Tally
	texts, unread int
	printed       int
}

func newRulesDiff() *cobra.Command {
	d := &diffing{total: rulebook.Tally{}}
	cmd := &cobra.Command{
		Use:   "diff RULES_FOLDER [FILE|FOLDER…]",
		Short: "Tell what changed rules would find and no longer find",
		Long: "Compiles the built-in packs with the .yaml files of RULES_FOLDER in the place of those of the same path, runs the\n" +
			"examples, and tells what changes in the drafts: files and folders, or with --url those of a running server that the\n" +
			"caller may see. The server keeps the rules as a candidate. The access token is read from FASHEN_TOKEN, or from the\n" +
			"standard input.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d.out = cmd.OutOrStdout()
			files, err := rulebook.ReadFiles(os.DirFS(args[0]))
			if err != nil {
				return err
			}
			if len(files) == 0 {
				return fmt.Errorf("%s holds no .yaml file", args[0])
			}
			if (d.url != "") == (len(args) > 1) {
				return errors.New("name files, or a server by --url")
			}
			if d.url != "" {
				err = d.onServer(cmd, files)
			} else {
				err = d.onFiles(cmd, files, args[1:])
			}
			if err != nil {
				return err
			}
			return d.sum()
		},
	}
	cmd.Flags().StringVar(&d.date, "date", "", "review date (YYYY-MM-DD) the rules are chosen by; today when empty")
	cmd.Flags().StringSliceVar(&d.packs, "rules", nil, "rule packs; those every draft is screened with when empty")
	cmd.Flags().IntVar(&d.limit, "limit", 200, "how many changes are printed at most; all are counted")
	d.reading.FileFlags(cmd.Flags())
	cmd.Flags().StringVar(&d.url, "url", "", "`address` of the REST API of a running server")
	cmd.Flags().StringVar(&d.code, "region", "", "`code` of the region there, such as 120105")
	cmd.MarkFlagsRequiredTogether("url", "region")
	return cmd
}

// onServer has a running server try the rules.
func (d *diffing) onServer(cmd *cobra.Command, files rulebook.Files) error {
	how := &competitionv1.TryRuleSetCandidateRequest{Packs: d.packs}
	if d.date != "" {
		on, err := calendar.ParseDate(d.date)
		if err != nil {
			return fmt.Errorf("--date: %w", err)
		}
		how.ReviewDate = on.Proto()
	}
	token, err := accessToken(cmd.InOrStdin())
	if err != nil {
		return err
	}
	r := app.RuleTrial{URL: d.url, Region: d.code, Token: token, DisplayName: "fashen rules diff"}
	return r.Run(cmd.Context(), files, how, func(page *competitionv1.TryRuleSetCandidateResponse) error {
		if d.texts == 0 {
			d.head(page.GetPacks(), page.GetCandidatePacks(), isoDate(page.GetReviewDate()))
		}
		d.texts += int(page.GetDocumentCount())
		for _, c := range page.GetChanges() {
			d.change(c.GetRevision(), c.GetFinding(), c.GetKind() == competitionv1.RuleSetChange_ADDED)
		}
		for _, c := range page.GetCounts() {
			d.total.Join(rulebook.Tally{c.GetRule(): {Rule: c.GetRule(), Added: int(c.GetAdded()), Removed: int(c.GetRemoved())}})
		}
		return nil
	})
}

// diffBatch is how many files are compared between two rounds of printing.
const diffBatch = 200

// onFiles compares files, batch by batch, each on all processors. A file that cannot
// be read is told and left out.
func (d *diffing) onFiles(cmd *cobra.Command, files rulebook.Files, names []string) error {
	trial, on, err := d.trial(cmd.Context(), files)
	if err != nil {
		return err
	}
	now, candidate := trial.Packs()
	d.head(now, candidate, on.String())
	drafts, err := draftFiles(names)
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(drafts, diffBatch) {
		unread := make([]error, len(batch))
		changes, total, err := trial.Each(cmd.Context(), len(batch), d.limit, func(ctx context.Context, i int) (*corev1.PolicyText, error) {
			text, err := readFile(ctx, d.reading, batch[i])
			unread[i] = err
			return text, ctx.Err()
		})
		if err != nil {
			return err
		}
		for i, c := range changes {
			if unread[i] != nil {
				d.unread++
				_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v\n", batch[i], unread[i])
				continue
			}
			d.texts++
			for _, f := range c.Added {
				d.change(batch[i], f, true)
			}
			for _, f := range c.Removed {
				d.change(batch[i], f, false)
			}
		}
		d.total.Join(total)
	}
	return nil
}

func (d *diffing) trial(ctx context.Context, files rulebook.Files) (*rulebook.Trial, calendar.Date, error) {
	on := calendar.On(time.Now())
	var err error
	if d.date != "" {
		if on, err = calendar.ParseDate(d.date); err != nil {
			return nil, on, fmt.Errorf("--date: %w", err)
		}
	}
	now, err := rulebook.Builtin()
	if err != nil {
		return nil, on, err
	}
	candidate, err := rulebook.Candidate(ctx, files)
	if err != nil {
		return nil, on, err
	}
	trial, err := rulebook.NewTrial(now, candidate, time.Date(on.Year, on.Month, on.Day, 0, 0, 0, 0, time.UTC), d.packs...)
	return trial, on, err
}

// draftFiles lists the drafts among files and, at any depth, in folders.
func draftFiles(names []string) ([]string, error) {
	var out []string
	for _, name := range names {
		err := filepath.WalkDir(name, func(path string, e fs.DirEntry, err error) error {
			known := slices.Contains([]string{".docx", ".pdf", ".ofd", ".txt"}, strings.ToLower(filepath.Ext(path)))
			if err == nil && !e.IsDir() && (known || path == name) {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *diffing) head(now, candidate []string, on string) {
	_, _ = fmt.Fprintf(d.out, "现行：%s\n修改：%s\n审查日期：%s\n", strings.Join(now, "+"), strings.Join(candidate, "+"), on)
}

// change prints one finding that comes or goes, as long as there is room.
func (d *diffing) change(where string, f *corev1.Finding, comes bool) {
	if d.printed == d.limit {
		return
	}
	d.printed++
	sign := "－"
	if comes {
		sign = "＋"
	}
	_, _ = fmt.Fprintf(d.out, "%s %s %s %s：%s\n", sign, where, rulebook.Place(f.GetAnchor()), f.GetRule(), printable(f.GetAnchor().GetQuote()))
}

// printable takes out of a stranger's text what a terminal would obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// sum prints the counts.
func (d *diffing) sum() error {
	added, removed := 0, 0
	for _, c := range d.total.Counts() {
		added, removed = added+c.Added, removed+c.Removed
		_, _ = fmt.Fprintf(d.out, "%s\t新增%d\t减少%d\n", c.Rule, c.Added, c.Removed)
	}
	_, err := fmt.Fprintf(d.out, "文件%d份，新增%d处，减少%d处，未列出%d处，未能读取%d份\n", d.texts, added, removed, added+removed-d.printed, d.unread)
	return err
}

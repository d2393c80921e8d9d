package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/config"
	"fashen/internal/officialdoc"
	"fashen/internal/policytext"
)

func newCompare() *cobra.Command {
	var format, docx string
	var reading config.Reading
	cmd := &cobra.Command{
		Use:   "compare OLDER NEWER",
		Short: "Tell how one version of a draft became another, provision by provision",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var texts [2]*corev1.PolicyText
			for i, name := range args {
				text, err := readFile(cmd.Context(), reading, name)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				texts[i] = text
			}
			c, err := policytext.Compare(cmd.Context(), texts[0], texts[1])
			if err != nil {
				return err
			}
			if docx != "" {
				data, err := officialdoc.Redline(texts[0], texts[1], c, officialdoc.Edit{Author: wordAuthor, Time: time.Now()})
				if err != nil {
					return err
				}
				return os.WriteFile(docx, data, 0o600)
			}
			switch format {
			case "text":
				return writeComparison(cmd.OutOrStdout(), c, texts[1])
			case "json":
				_, err := fmt.Fprintln(cmd.OutOrStdout(), protojson.Format(c))
				return err
			}
			return fmt.Errorf("--format: %q is neither text nor json", format)
		},
	}
	reading.FileFlags(cmd.Flags())
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	cmd.Flags().StringVar(&docx, "docx", "", "write the newer text with tracked changes to this .docx file instead")
	return cmd
}

// wordAuthor stands in Word files where a person's name would.
const wordAuthor = "fashen"

// changes are what happens to provisions, for people.
var changes = map[corev1.Comparison_Kind]string{
	corev1.Comparison_ADDED: "新增", corev1.Comparison_REMOVED: "删除", corev1.Comparison_CHANGED: "修改",
	corev1.Comparison_MOVED: "移动", corev1.Comparison_RENUMBERED: "序号变更",
}

// writeComparison writes a line a change, with [-deleted-] and {+inserted+} words, or
// with the words as they stand in the newer text where none of them changed.
func writeComparison(out io.Writer, c *corev1.Comparison, newer *corev1.PolicyText) error {
	w := bufio.NewWriter(out)
	for _, ch := range c.GetChanges() {
		fmt.Fprintf(w, "%s\t%s → %s\t", changes[ch.GetKind()], placeName(ch.GetBefore()), placeName(ch.GetAfter()))
		for _, s := range ch.GetSegments() {
			switch s.GetOperation() {
			case corev1.Comparison_Segment_DELETED:
				fmt.Fprintf(w, "[-%s-]", s.GetText())
			case corev1.Comparison_Segment_INSERTED:
				fmt.Fprintf(w, "{+%s+}", s.GetText())
			default:
				fmt.Fprint(w, s.GetText())
			}
		}
		if len(ch.GetSegments()) == 0 {
			words := policytext.Slice(newer, int(ch.GetAfter().GetStart()), int(ch.GetAfter().GetEnd()))
			fmt.Fprint(w, strings.TrimFunc(words, policytext.IsBlank))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

func placeName(p *corev1.Comparison_Place) string {
	switch {
	case p == nil:
		return "（无）"
	case p.GetProvision() == "":
		return "（条文之外）"
	}
	return p.GetProvision()
}

package sweep

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"

	"fashen/internal/rulebook"
)

// Table is a summary for a terminal: a line for each file, in columns.
type Table struct {
	packs    []string
	rows     [][]string
	failures [][]string
	Count
}

// Count is how many files a sweep met.
type Count struct{ Files, Suspected, Failed int }

func (c *Count) add(r Result) {
	c.Files++
	switch {
	case r.Failure != "":
		c.Failed++
	case len(r.Screening.Findings) > 0:
		c.Suspected++
	}
}

// String says it in Chinese.
func (c Count) String() string {
	return fmt.Sprintf("共%d个文件：%d个有疑似问题，%d个未发现，%d个未能筛查。", c.Files, c.Suspected, c.Files-c.Suspected-c.Failed, c.Failed)
}

// NewTable begins a table for what a set finds.
func NewTable(set *rulebook.Set) *Table { return &Table{packs: packsOf(set)} }

// Add takes a result.
func (t *Table) Add(r Result) error {
	t.add(r)
	if r.Failure != "" {
		t.failures = append(t.failures, []string{r.Path, r.Code, r.Failure})
		return nil
	}
	row := []string{r.Path, clipped(r.Title)}
	counts := tally(r.Screening.Findings)
	for _, pack := range t.packs {
		n := counts[pack]
		row = append(row, fmt.Sprintf("%d/%d/%d", n[0], n[1], n[2]))
	}
	t.rows = append(t.rows, append(row, lawsOf(r.Screening.Findings)))
	return nil
}

// Write prints the table, the files that were not screened, and the count.
func (t *Table) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	head := []string{"文件", "标题"}
	for _, pack := range t.packs {
		head = append(head, pack+" "+strings.Join(strengths[:], "/"))
	}
	columns(out, append(head, "首要条款"), t.rows)
	if len(t.failures) > 0 {
		fmt.Fprintln(out)
		columns(out, []string{"未能筛查", "代码", "原因"}, t.failures)
	}
	fmt.Fprintf(out, "\n%v\n", t.Count)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

const (
	// maxColumn bounds the width to which columns are filled up.
	maxColumn = 60
	// maxTitle is how wide a title is shown.
	maxTitle = 40
)

// clipped shortens a title to what a line has room for.
func clipped(title string) string {
	width, rest := 0, title
	for state := -1; rest != ""; {
		var w int
		before := rest
		_, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if width += w; width > maxTitle {
			return title[:len(title)-len(before)] + "…"
		}
	}
	return title
}

// columns prints rows under a head, each column as wide as its widest cell on a
// terminal, where a Chinese character takes two places.
func columns(out io.Writer, head []string, rows [][]string) {
	widths := make([]int, len(head))
	lines := append([][]string{head}, rows...)
	for _, row := range lines {
		for i, cell := range row {
			row[i] = plain(cell)
			widths[i] = max(widths[i], min(uniseg.StringWidth(row[i]), maxColumn))
		}
	}
	for _, row := range lines {
		var b strings.Builder
		for i, cell := range row {
			if i == len(row)-1 { // nothing is aligned behind it
				b.WriteString(cell)
				break
			}
			b.WriteString(cell + strings.Repeat(" ", max(widths[i]-uniseg.StringWidth(cell), 0)+2))
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
}

// plain keeps names of files and titles from steering the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

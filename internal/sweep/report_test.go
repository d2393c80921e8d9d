package sweep

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/rulebook"
)

// hostile is a result of which every text begins like a formula, or steers a terminal.
func hostile(path string) Result {
	return Result{Path: path, Title: "=cmd|' /C calc'!A0", Screening: rulebook.Screening{Findings: []*corev1.Finding{{
		Id: "f1", Rule: "+1", Pack: "competition@2026.11", Article: "@SUM(1)", Law: "-2+3", Strength: corev1.Strength_STRENGTH_DIRECT,
		Anchor: &corev1.Anchor{Quote: "=HYPERLINK(\"http://example.invalid\",\"点击\")\x01\x1b[31m"}, Reason: "=1+1", Rewrite: "@x",
	}}}}
}

// A workbook has what was found, in Chinese, with links to the files; nothing in it is a
// formula, and it can be opened whatever stood in the files.
func TestWorkbook(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "办法 1#.txt", suspect)
	write(t, folder, "broken.docx", "PK\x03\x04")
	write(t, folder, "clean.txt", clean)
	at := filepath.Join(t.TempDir(), "stock.xlsx")
	b, err := NewWorkbook(at, folder, ruleSet())
	must(t, err)
	defer b.Close()
	n := 0
	must(t, Folder(t.Context(), folder, options(2), func(r Result) error {
		n += len(r.Screening.Findings)
		return b.Add(r)
	}))
	must(t, b.Add(hostile("=evil.txt")))
	must(t, b.Save())
	if b.Count != (Count{Files: 4, Suspected: 2, Failed: 1}) {
		t.Errorf("%+v", b.Count)
	}
	f, err := excelize.OpenFile(at)
	must(t, err)
	defer f.Close()
	if got := f.GetSheetList(); !slices.Equal(got, []string{"汇总", "发现", "错误"}) {
		t.Errorf("sheets %q", got)
	}
	rows, err := f.GetRows("汇总")
	must(t, err)
	if len(rows) != 4 || rows[0][0] != "文件" || rows[1][0] != "=evil.txt" && rows[3][0] != "=evil.txt" {
		t.Errorf("summary %q", rows)
	}
	found, err := f.GetRows("发现")
	must(t, err)
	if !slices.Equal(found[0], findingsHead) || n == 0 || len(found) != 1+n+1 || found[1][3] != "第一条第一款" || !strings.Contains(found[1][7], "公平竞争审查条例") {
		t.Errorf("findings %q", found)
	}
	if quote := found[n+1][9]; !strings.HasPrefix(quote, "=HYPERLINK(") || strings.ContainsAny(quote, "\x01\x1b") {
		t.Errorf("quote %q", quote)
	}
	failed, err := f.GetRows("错误")
	must(t, err)
	if len(failed) != 2 || failed[1][0] != "broken.docx" || failed[1][1] != "ARCHIVE_DAMAGED" {
		t.Errorf("failures %q", failed)
	}
	for i, row := range rows[1:] {
		cell, _ := excelize.CoordinatesToCellName(1, i+2)
		ok, link, err := f.GetCellHyperLink("汇总", cell)
		must(t, err)
		if !ok || strings.Contains(link, "#") || strings.Contains(link, " ") || row[0] == "clean.txt" && filepath.Base(link) != "clean.txt" {
			t.Errorf("link of %q: %v %q", row[0], ok, link)
		}
	}
	noFormulas(t, at)
}

// noFormulas reads the sheets as any other program would.
func noFormulas(t *testing.T, at string) {
	t.Helper()
	z, err := zip.OpenReader(at)
	must(t, err)
	defer z.Close()
	for _, part := range z.File {
		if !strings.HasPrefix(part.Name, "xl/worksheets/sheet") {
			continue
		}
		r, err := part.Open()
		must(t, err)
		data, err := io.ReadAll(r)
		must(t, err)
		if strings.Contains(string(data), "<f>") || strings.Contains(string(data), "<f ") {
			t.Errorf("%s holds a formula", part.Name)
		}
	}
}

// A workbook that is not saved leaves nothing, and what was there before stays.
func TestWorkbookIsWholeOrNotThere(t *testing.T) {
	dir := t.TempDir()
	at := write(t, dir, "stock.xlsx", "earlier")
	b, err := NewWorkbook(at, dir, ruleSet())
	must(t, err)
	must(t, b.Add(hostile("a.txt")))
	must(t, b.Close())
	data, err := os.ReadFile(at)
	must(t, err)
	left, err := os.ReadDir(dir)
	must(t, err)
	if string(data) != "earlier" || len(left) != 1 {
		t.Errorf("%q, %d files", data, len(left))
	}
	gone := filepath.Join(dir, "absent", "stock.xlsx")
	b, err = NewWorkbook(gone, dir, ruleSet())
	must(t, err)
	defer b.Close()
	if err := b.Save(); err == nil {
		t.Error("saved into a folder that is not there")
	}
}

// Findings beyond what a sheet takes go on in another one.
func TestFindingsGoOnInAnotherSheet(t *testing.T) {
	at := filepath.Join(t.TempDir(), "stock.xlsx")
	b, err := NewWorkbook(at, ".", ruleSet())
	must(t, err)
	defer b.Close()
	must(t, b.Add(hostile("a.txt")))
	b.row[sheetFindings] = maxRows + 1
	must(t, b.Add(hostile("b.txt")))
	must(t, b.Save())
	f, err := excelize.OpenFile(at)
	must(t, err)
	defer f.Close()
	rows, err := f.GetRows("发现2")
	must(t, err)
	if len(rows) != 2 || rows[1][0] != "b.txt" || !slices.Equal(rows[0], findingsHead) {
		t.Errorf("%q", rows)
	}
}

func TestTable(t *testing.T) {
	table := NewTable(ruleSet())
	must(t, table.Add(hostile("办法\x1b[2J.txt")))
	must(t, table.Add(Result{Path: "b.docx", Failure: "文件已损坏", Code: "ARCHIVE_DAMAGED"}))
	var out strings.Builder
	must(t, table.Write(&out))
	want := `文件          标题                competition 直接/推定/提示  powers 直接/推定/提示  首要条款
办法�[2J.txt  =cmd|' /C calc'!A0  1/0/0                       0/0/0                  -2+3

未能筛查  代码             原因
b.docx    ARCHIVE_DAMAGED  文件已损坏

共2个文件：1个有疑似问题，0个未发现，1个未能筛查。
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestClipped(t *testing.T) {
	for title, want := range map[string]string{
		"示例办法": "示例办法", strings.Repeat("办", 20): strings.Repeat("办", 20), strings.Repeat("办", 21): strings.Repeat("办", 20) + "…",
		"a" + strings.Repeat("办", 20): "a" + strings.Repeat("办", 19) + "…",
	} {
		if got := clipped(title); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

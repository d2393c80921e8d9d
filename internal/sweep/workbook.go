package sweep

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/xuri/excelize/v2"

	"fashen/internal/rulebook"
)

// Names of the sheets.
const (
	sheetSummary  = "汇总"
	sheetFindings = "发现"
	sheetFailures = "错误"
)

const (
	// maxRows is how many rows a sheet takes below its head; further findings go on a
	// sheet of their own.
	maxRows = excelize.TotalRows - 1
	// maxLinks is how many cells of a sheet may be links.
	maxLinks = excelize.TotalSheetHyperlinks
	// maxLink is the longest link a cell takes.
	maxLink = 2079
)

// Workbook writes results into an .xlsx file. Whatever stands in a cell is text, also
// where it begins like a formula: titles and quotes are a stranger's. Findings are
// streamed, so that memory grows with the number of files only.
type Workbook struct {
	path, folder string
	packs        []string
	file         *excelize.File
	findings     *excelize.StreamWriter
	// row is the last one written of each sheet, sheets how many findings take.
	row    map[string]int
	sheets int
	styles struct{ head, link, text int }
	Count
}

var findingsHead = []string{"文件", "标题", "序号", "条款", "规则", "规则包", "强度", "法律依据", "条款代码", "原文", "理由", "修改建议"}

// NewWorkbook begins the workbook that will be at path, about what a set finds in the
// files of a folder.
func NewWorkbook(path, folder string, set *rulebook.Set) (_ *Workbook, err error) {
	b := &Workbook{packs: packsOf(set), file: excelize.NewFile(), row: map[string]int{}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("begin the workbook: %w", err), b.file.Close())
		}
	}()
	if b.path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	if b.folder, err = filepath.Abs(folder); err != nil {
		return nil, err
	}
	if err := b.makeStyles(); err != nil {
		return nil, err
	}
	head := []string{"文件", "标题", "疑似问题"}
	for _, pack := range b.packs {
		for _, s := range strengths {
			head = append(head, pack+" "+s)
		}
	}
	err = errors.Join(
		b.file.SetSheetName("Sheet1", sheetSummary),
		b.begin(sheetSummary, append(head, "首要条款", "备注"), 40, 40),
		b.nextFindings(),
	)
	if err != nil {
		return nil, err
	}
	if _, err = b.file.NewSheet(sheetFailures); err != nil {
		return nil, err
	}
	return b, b.begin(sheetFailures, []string{"文件", "代码", "原因"}, 40, 24, 80)
}

func (b *Workbook) makeStyles() error {
	var err [3]error
	b.styles.head, err[0] = b.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	b.styles.link, err[1] = b.file.NewStyle(&excelize.Style{Font: &excelize.Font{Color: "0563C1", Underline: "single"}, NumFmt: textFormat})
	b.styles.text, err[2] = b.file.NewStyle(&excelize.Style{NumFmt: textFormat})
	return errors.Join(err[:]...)
}

// textFormat is the number format @: a cell stays text when somebody edits it.
const textFormat = 49

// begin writes the head of a sheet and keeps it in sight.
func (b *Workbook) begin(sheet string, head []string, widths ...float64) error {
	errs := []error{b.write(sheet, cells(head...), b.styles.head), b.file.SetPanes(sheet, &headPane)}
	for i, width := range widths {
		column, _ := excelize.ColumnNumberToName(i + 1)
		errs = append(errs, b.file.SetColWidth(sheet, column, column, width))
	}
	return errors.Join(errs...)
}

var headPane = excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}

// write adds a row to a sheet that is kept in memory.
func (b *Workbook) write(sheet string, row []any, style int) error {
	b.row[sheet]++
	first, _ := excelize.CoordinatesToCellName(1, b.row[sheet])
	last, _ := excelize.CoordinatesToCellName(len(row), b.row[sheet])
	return errors.Join(b.file.SetSheetRow(sheet, first, &row), b.file.SetCellStyle(sheet, first, last, style))
}

func cells(texts ...string) []any {
	out := make([]any, len(texts))
	for i, s := range texts {
		out[i] = s
	}
	return out
}

// nextFindings begins the next sheet of findings.
func (b *Workbook) nextFindings() error {
	if b.findings != nil {
		if err := b.findings.Flush(); err != nil {
			return err
		}
	}
	b.sheets++
	name := sheetFindings
	if b.sheets > 1 {
		name += fmt.Sprint(b.sheets)
	}
	if _, err := b.file.NewSheet(name); err != nil {
		return err
	}
	var err error
	if b.findings, err = b.file.NewStreamWriter(name); err != nil {
		return err
	}
	b.row[sheetFindings] = 1
	return errors.Join(
		b.findings.SetPanes(&headPane), b.findings.SetColWidth(1, 2, 30), b.findings.SetColWidth(8, 12, 40),
		b.findings.SetRow("A1", cells(findingsHead...), excelize.RowOpts{StyleID: b.styles.head}),
	)
}

// Add takes a result.
func (b *Workbook) Add(r Result) error {
	b.add(r)
	if r.Failure != "" {
		if b.row[sheetFailures] > maxRows {
			return nil // the count tells
		}
		if err := b.write(sheetFailures, cells(r.Path, r.Code, r.Failure), b.styles.text); err != nil {
			return err
		}
		return b.link(sheetFailures, r.Path)
	}
	if err := b.summary(r); err != nil {
		return fmt.Errorf("write %s: %w", r.Path, err)
	}
	for i, f := range r.Screening.Findings {
		if b.row[sheetFindings] > maxRows {
			if err := b.nextFindings(); err != nil {
				return err
			}
		}
		b.row[sheetFindings]++
		row := cells(r.Path, r.Title, "", rulebook.Place(f.GetAnchor()), f.GetRule(), f.GetPack(), rulebook.Label(f), f.GetLaw(),
			f.GetArticle(), f.GetAnchor().GetQuote(), f.GetReason(), f.GetRewrite())
		row[2] = i + 1
		at, _ := excelize.CoordinatesToCellName(1, b.row[sheetFindings])
		if err := b.findings.SetRow(at, row, excelize.RowOpts{StyleID: b.styles.text}); err != nil {
			return fmt.Errorf("write the findings of %s: %w", r.Path, err)
		}
	}
	return nil
}

func (b *Workbook) summary(r Result) error {
	if b.row[sheetSummary] > maxRows {
		return errors.New("more files than a sheet has rows")
	}
	row := append(cells(r.Path, r.Title), len(r.Screening.Findings))
	counts := tally(r.Screening.Findings)
	for _, pack := range b.packs {
		for _, n := range counts[pack] {
			row = append(row, n)
		}
	}
	note := ""
	if r.Screening.Truncated {
		note = fmt.Sprintf("疑似问题超过%d处，其余未列出", rulebook.MaxFindings)
	}
	row = append(row, lawsOf(r.Screening.Findings), note)
	if err := b.write(sheetSummary, row, b.styles.text); err != nil {
		return err
	}
	return b.link(sheetSummary, r.Path)
}

// link makes the first cell of the last row lead to its file: from where the workbook
// is, so that both may be moved together.
func (b *Workbook) link(sheet, name string) error {
	if b.row[sheet] > maxLinks {
		return nil
	}
	file := filepath.Join(b.folder, filepath.FromSlash(name))
	target, err := filepath.Rel(filepath.Dir(b.path), file)
	if err != nil {
		target = file
	}
	parts := strings.Split(filepath.ToSlash(target), "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	cell, _ := excelize.CoordinatesToCellName(1, b.row[sheet])
	link := strings.Join(parts, "/")
	if len(link) > maxLink {
		return nil
	}
	return errors.Join(b.file.SetCellHyperLink(sheet, cell, link, "External"), b.file.SetCellStyle(sheet, cell, cell, b.styles.link))
}

// Save puts the workbook at its path, whole or not at all: a file that is there is
// replaced only by one that is complete and on the disk.
func (b *Workbook) Save() (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write the workbook: %w", err)
		}
	}()
	if err := b.findings.Flush(); err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(b.path), "."+filepath.Base(b.path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name()) // nothing to remove once it has its name
	_, err = b.file.WriteTo(out)
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), b.path)
}

// Close lets go of what the workbook holds, saved or not.
func (b *Workbook) Close() error { return b.file.Close() }

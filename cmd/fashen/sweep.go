package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"fashen/internal/config"
	"fashen/internal/docstore"
	"fashen/internal/legacyword"
	"fashen/internal/pdftext"
	"fashen/internal/policytext"
	"fashen/internal/rulebook"
	"fashen/internal/sweep"
)

// incomplete is the end of a sweep that went through, but for some files: exit code 2.
type incomplete struct{ sweep.Count }

// Error says how many files.
func (i incomplete) Error() string { return fmt.Sprintf("%d个文件未能筛查", i.Failed) }

// isFolder tells whether a name is that of a folder.
func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// sweepFolder screens the documents of a folder, and prints a table, or writes a workbook
// where xlsx names one. Progress is shown on a terminal only.
func sweepFolder(ctx context.Context, reading config.Reading, set *rulebook.Set, folder, xlsx string, out, status io.Writer) error {
	workers := runtime.GOMAXPROCS(0)
	roomForGarbage()
	read, err := folderReader(reading, workers)
	if err != nil {
		return err
	}
	o := sweep.Options{Set: set, Read: read, FileBytes: docstore.MaxBlobBytes, Workers: workers}
	progress, done := progressOn(status)
	defer done()
	o.Progress = progress
	if xlsx == "" {
		table := sweep.NewTable(set)
		if err := sweep.Folder(ctx, folder, o, table.Add); err != nil {
			return err
		}
		done()
		return ended(table.Count, table.Write(out))
	}
	book, err := sweep.NewWorkbook(xlsx, folder, set)
	if err != nil {
		return err
	}
	err = sweep.Folder(ctx, folder, o, book.Add)
	if err == nil {
		err = ctx.Err() // nothing is written after Ctrl-C
	}
	if err == nil {
		err = book.Save()
	}
	if err := errors.Join(err, book.Close()); err != nil {
		return err
	}
	done()
	_, err = fmt.Fprintln(out, book.Count)
	return ended(book.Count, err)
}

// roomForGarbage lets the heap of this process grow before it is collected: a sweep keeps
// little and makes much garbage, and with the usual share it collects several times a
// file, which all workers stop for. Beyond a gigabyte it is collected as usual. What the
// environment says goes first.
func roomForGarbage() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(800)
		debug.SetMemoryLimit(1 << 30)
	}
}

// ended is how a sweep ends that went through.
func ended(c sweep.Count, err error) error {
	if err == nil && c.Failed > 0 {
		return incomplete{c}
	}
	return err
}

// folderReader reads many files at once, within the limits of an upload. The PDF engine
// is prepared when the first such file comes.
func folderReader(reading config.Reading, workers int) (func(context.Context, []byte) (*policytext.Document, error), error) {
	reading = reading.Effective()
	pdf := pdftext.NewReader("", workers, reading.Limits)
	warm := sync.OnceValue(pdf.Warm)
	reader := policytext.Reader{Limits: reading.Limits, PDF: pdf.Pages}
	if reading.Word.Program != "" {
		reading.Word.Children = workers
		word, err := legacyword.New(reading.Word)
		if err != nil {
			return nil, err
		}
		reader.Word = word.Convert
	}
	return func(ctx context.Context, data []byte) (*policytext.Document, error) {
		if policytext.IsPDF(data) {
			if err := warm(); err != nil {
				return nil, err
			}
		}
		return reader.Read(ctx, data)
	}, nil
}

// progressOn shows a bar on a terminal; elsewhere nothing. done takes it away.
func progressOn(w io.Writer) (progress func(done, total int), done func()) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, func() {}
	}
	var bar *progressbar.ProgressBar
	progress = func(done, total int) {
		if bar == nil {
			bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription("筛查"),
				progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100_000_000))
		}
		_ = bar.Set(done) // what a terminal does not take is no failure of the sweep
	}
	return progress, func() {
		if bar != nil {
			_ = bar.Clear()
		}
	}
}

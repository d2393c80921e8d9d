// Package sweep screens a folder of policy documents, such as a published stock that is
// cleaned up (存量清理), and tells what was found: as a table or as a workbook.
//
// Every core reads files; results come in the order of the paths, whoever is ready
// first, and no more files are held than a few for each core. A file that cannot be read
// is a result like any other. Nothing outside the folder is read: a link that leads out
// of it is a file that cannot be.
package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/policytext"
	"fashen/internal/rulebook"
	"fashen/internal/worker"
)

// Options of a sweep.
type Options struct {
	// Set is the rules.
	Set *rulebook.Set
	// Read turns a file into text. It is called by all workers at once.
	Read func(ctx context.Context, data []byte) (*policytext.Document, error)
	// FileBytes bounds one file.
	FileBytes int64
	// Workers is how many files are read at a time.
	Workers int
	// Progress hears how many files are done, in order; nil for nobody.
	Progress func(done, total int)
}

// Result is what became of one file.
type Result struct {
	// Path is that of the file below the folder, with slashes.
	Path string
	// Title is the one read from the text.
	Title string
	// Screening is what the rules found.
	Screening rulebook.Screening
	// Failure is why the file was not screened, in a sentence for people, Code the
	// stable code of it; empty when it was.
	Failure, Code string
}

// Codes of failures beside those of the reader.
const (
	CodeClassified = "CLASSIFIED_MATERIAL"
	CodeTooLarge   = "TOO_LARGE"
	CodeUnreadable = "UNREADABLE"
	CodeLink       = "LINK_NOT_FOLLOWED"
	CodeInternal   = "INTERNAL"
)

// extensions are those of files that are taken for documents. What such a file is tells
// its content; others, such as pictures, are no business of a sweep.
var extensions = []string{".doc", ".docx", ".md", ".ofd", ".pdf", ".txt", ".wps"}

// held is how many results may wait, for each worker, for one before them: enough that
// nobody waits for a file that takes a little longer.
const held = 32

// Folder screens the documents in a folder and below it, and hands the results to take,
// one at a time, in the order of their paths. It stops at the first error of take and
// when the context ends, with that error.
func Folder(ctx context.Context, folder string, o Options, take func(Result) error) (err error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fmt.Errorf("open the folder: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	files, err := list(ctx, root)
	if err != nil {
		return fmt.Errorf("list the folder: %w", err)
	}
	o.Workers = max(o.Workers, 1)
	type job struct {
		path string
		out  chan Result
	}
	jobs, queue := make(chan job, held*o.Workers), make(chan job, held*o.Workers)
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error {
		defer close(queue)
		defer close(jobs)
		for _, file := range files {
			j := job{file, make(chan Result, 1)}
			for _, to := range []chan job{queue, jobs} {
				select {
				case to <- j:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		return nil
	})
	for range o.Workers {
		all.Go(func() error {
			for j := range jobs {
				j.out <- o.screen(ctx, root, j.path)
			}
			return nil
		})
	}
	all.Go(func() error {
		done := 0
		for j := range queue {
			select {
			case r := <-j.out:
				if err := cmp.Or(ctx.Err(), take(r)); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
			done++
			if o.Progress != nil {
				o.Progress(done, len(files))
			}
		}
		return nil
	})
	return all.Wait()
}

// list finds the documents below a folder, by path. Links to folders are not followed:
// what they lead to is found where it lies, if it lies in the folder.
func list(ctx context.Context, root *os.Root) ([]string, error) {
	var files []string
	err := fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		hidden := name != "." && (strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "~$"))
		switch {
		case err != nil && name == ".":
			return err
		case err != nil: // a folder that cannot be opened is a line among the failures
			files = append(files, name)
			return fs.SkipDir
		case hidden && e.IsDir():
			return fs.SkipDir
		case hidden, e.IsDir(), !slices.Contains(extensions, strings.ToLower(path.Ext(name))):
			return nil
		}
		files = append(files, name)
		return nil
	})
	slices.Sort(files)
	return files, err
}

// screen reads and screens one file. Whatever is wrong with it is its own matter.
func (o Options) screen(ctx context.Context, root *os.Root, name string) (r Result) {
	r.Path = name
	err := worker.Safely(func() error {
		data, err := o.open(root, name)
		if err != nil {
			return err
		}
		document, err := o.Read(ctx, data)
		if err != nil {
			return err
		}
		if policytext.SecrecyMark(document) != "" {
			return &policytext.FormatError{Code: CodeClassified, Message: "文件带有密级标志，本系统不得处理涉密文件，未筛查"}
		}
		r.Title, r.Screening = document.Text.GetTitle(), o.Set.Screen(document.Text)
		return nil
	})
	var bad *policytext.FormatError
	switch {
	case err == nil:
	case errors.As(err, &bad):
		r.Failure, r.Code = bad.Message, bad.Code
	default:
		r.Failure, r.Code = "筛查这个文件时程序出错："+firstLine(err.Error()), CodeInternal
	}
	return r
}

// open reads a file whole, as far as it is a file of the folder.
func (o Options) open(root *os.Root, name string) (data []byte, err error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, unreadable(root, name, err)
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for a writer
		return nil, &policytext.FormatError{Code: CodeUnreadable, Message: "不是普通文件，或者无法打开"}
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, unreadable(root, name, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err = io.ReadAll(io.LimitReader(f, o.FileBytes+1))
	if err != nil {
		return nil, unreadable(root, name, err)
	}
	if int64(len(data)) > o.FileBytes {
		return nil, &policytext.FormatError{Code: CodeTooLarge, Message: fmt.Sprintf("文件超过 %d MiB", o.FileBytes>>20)}
	}
	return data, nil
}

// unreadable says why a file could not be opened: a link that leads out of the folder, or
// in a circle, is told apart from one whose file is gone.
func unreadable(root *os.Root, name string, err error) error {
	info, lerr := root.Lstat(name)
	if lerr == nil && info.Mode()&fs.ModeSymlink != 0 && !errors.Is(err, fs.ErrNotExist) {
		return &policytext.FormatError{Code: CodeLink, Message: "链接指向文件夹以外或者无法到达，未读取"}
	}
	return &policytext.FormatError{Code: CodeUnreadable, Message: "文件无法读取：" + firstLine(reason(err))}
}

// reason is the cause of an error about a path, without the path.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return err.Error()
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// tally counts the findings of a file by pack and strength. A finding whose basis a
// person must verify is a prompt to look.
func tally(findings []*corev1.Finding) map[string][3]int {
	out := map[string][3]int{}
	for _, f := range findings {
		pack, _, _ := strings.Cut(f.GetPack(), "@")
		n := out[pack]
		switch {
		case f.GetVerifyBasis():
			n[2]++
		case f.GetStrength() == corev1.Strength_STRENGTH_DIRECT:
			n[0]++
		case f.GetStrength() == corev1.Strength_STRENGTH_PRESUMPTIVE:
			n[1]++
		default:
			n[2]++
		}
		out[pack] = n
	}
	return out
}

// strengths are the columns of a tally.
var strengths = [3]string{"直接", "推定", "提示"}

// packsOf are the names of the packs of a set.
func packsOf(set *rulebook.Set) []string {
	var out []string
	for label := range strings.SplitSeq(set.Version(), "+") {
		name, _, _ := strings.Cut(label, "@")
		out = append(out, name)
	}
	return out
}

// firstArticles is how many articles a summary names.
const firstArticles = 3

// lawsOf are the first articles of law that findings are about, best first, as the
// findings put them in words.
func lawsOf(findings []*corev1.Finding) string {
	var laws []string
	for _, article := range rulebook.Articles(findings) {
		if len(laws) == firstArticles {
			break
		}
		for _, f := range findings {
			law, _, _ := strings.Cut(f.GetLaw(), "；")
			if f.GetArticle() == article && !slices.Contains(laws, law) {
				laws = append(laws, law)
				break
			}
		}
	}
	return strings.Join(laws, "；")
}

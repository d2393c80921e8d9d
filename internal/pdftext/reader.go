package pdftext

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"fashen/internal/policytext"
)

// Command is the argument with which a program of ours becomes the child.
const Command = "pdf-pages"

// maxAnswer bounds what a child may answer.
const maxAnswer = 64 << 20

// Reader reads PDF files, each in a child process of its own.
type Reader struct {
	// program is the executable that calls [Serve] when its first argument is
	// [Command]; the running one when empty.
	program string
	// cacheDir keeps the compiled engine.
	cacheDir string
	limits   policytext.Limits
	// slots bound the children at a time.
	slots chan struct{}
	// compiling has a place for the one that prepares the engine; ready says that it
	// was prepared.
	compiling chan struct{}
	ready     atomic.Bool
}

// NewReader makes a reader that runs at most so many children at once; further
// files wait. cacheDir keeps the compiled engine, some 40 MB, from one child to
// the next: compiling takes ten seconds and more, loading a fraction of one. It holds
// machine code, so that nobody else may write there. Empty stands for a folder in the
// user's cache.
func NewReader(cacheDir string, children int, limits policytext.Limits) *Reader {
	if cacheDir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return &Reader{} // Warm says what is wrong
		}
		cacheDir = filepath.Join(user, "fashen-pdf")
	}
	return &Reader{cacheDir: cacheDir, limits: limits, slots: make(chan struct{}, children), compiling: make(chan struct{}, 1)}
}

// Warm compiles the engine where no process of this machine has, and returns when
// it is ready. Whoever serves calls it before the first file comes. After a failure
// it may be called again.
func (r *Reader) Warm() error {
	if r.cacheDir == "" {
		return errors.New("pdftext: there is no folder for the compiled reader of PDF files")
	}
	r.compiling <- struct{}{}
	defer func() { <-r.compiling }()
	if r.ready.Load() {
		return nil
	}
	err := r.compile()
	r.ready.Store(err == nil)
	return err
}

// compileTime bounds the compilation, on a machine that has much else to do.
const compileTime = 5 * time.Minute

func (r *Reader) compile() error {
	if err := own(r.cacheDir); err != nil {
		return err
	}
	if compiled(r.cacheDir) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), compileTime)
	defer cancel()
	_, err := r.child(ctx, nil) // an empty file is refused, by an engine that runs
	if !isRefusal(err) || errors.Is(err, errEngine) {
		return fmt.Errorf("compile the reader of PDF files: %w", err)
	}
	if !compiled(r.cacheDir) {
		return fmt.Errorf("the compiled reader of PDF files cannot be kept in %s", r.cacheDir)
	}
	return nil
}

// await waits until the engine is compiled, or ctx ends.
func (r *Reader) await(ctx context.Context) error {
	if r.ready.Load() {
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- r.Warm() }()
	select {
	case err := <-done:
		if err != nil {
			return errors.Join(refuse(CodeUnavailable, "本系统的 PDF 读取组件不可用，请另存为 .docx 后上传"), err)
		}
		return nil
	case <-ctx.Done():
		return refuse(CodeStarting, "PDF 读取组件正在首次启动，约需一分钟，请稍后重试")
	}
}

// answer is one line of what a child writes: a page, or how it ended.
type answer struct {
	Page *policytext.Page `json:",omitempty"`
	// Done ends a whole answer; Code and Message a refusal.
	Done          bool   `json:",omitempty"`
	Code, Message string `json:",omitempty"`
}

// Pages reads the pages of a file. It refuses with a *policytext.FormatError; any
// other error is ours.
func (r *Reader) Pages(ctx context.Context, data []byte) ([]policytext.Page, error) {
	if err := check(ctx, data, r.limits); err != nil {
		return nil, err
	}
	if err := r.await(ctx); err != nil {
		return nil, err
	}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return r.child(ctx, data)
}

// errEngine: the engine gave up, for want of memory or worse.
var errEngine = errors.New("pdftext: the engine ended early")

// child reads a file in a child process, which is killed when ctx ends.
func (r *Reader) child(ctx context.Context, data []byte) ([]policytext.Page, error) {
	program := r.program
	if program == "" {
		own, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("pdftext: %w", err)
		}
		program = own
	}
	cmd := exec.CommandContext(ctx, program, Command, r.cacheDir) //nolint:gosec // our own program, or what a test gives
	// Nothing of our environment is the child's business.
	cmd.Env = []string{"GOGC=50"}
	cmd.Stdin = bytes.NewReader(data)
	cmd.WaitDelay = time.Second
	failed := &limited{room: 4 << 10}
	cmd.Stderr = failed
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("pdftext: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("pdftext: start the reader of PDF files: %w", err)
	}
	pages, err := readAnswer(io.LimitReader(out, maxAnswer), r.limits.Pages)
	if err != nil {
		_ = cmd.Cancel()
	}
	waited := cmd.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil && !isRefusal(err) {
		return nil, errors.Join(refuse(CodeDamaged, "PDF 文件无法读取，请重新导出或者另存为 .docx 后上传"),
			fmt.Errorf("%w: %w (%w): %s", errEngine, err, waited, failed.kept.Bytes()))
	}
	return pages, err
}

func isRefusal(err error) bool {
	var refused *policytext.FormatError
	return errors.As(err, &refused)
}

func readAnswer(in io.Reader, most int) ([]policytext.Page, error) {
	var pages []policytext.Page
	for lines := json.NewDecoder(in); ; {
		var a answer
		switch err := lines.Decode(&a); {
		case err != nil:
			return nil, fmt.Errorf("the reader of PDF files ended early: %w", err)
		case a.Done:
			return pages, nil
		case a.Code != "":
			return nil, &policytext.FormatError{Code: a.Code, Message: a.Message}
		case a.Page != nil && len(pages) >= most:
			return nil, tooManyPages(most)
		case a.Page != nil:
			pages = append(pages, *a.Page)
		}
	}
}

// limited keeps the beginning of what is written.
type limited struct {
	kept bytes.Buffer
	room int
}

func (l *limited) Write(b []byte) (int, error) {
	l.kept.Write(b[:min(len(b), max(0, l.room-l.kept.Len()))])
	return len(b), nil
}

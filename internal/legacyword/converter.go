package legacyword

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"fashen/internal/policytext"
)

// Command is the argument with which a program of ours becomes the child.
const Command = "word-convert"

const (
	// input and output are names in the child's folder.
	input, output = "in.doc", "in.docx"
	// maxOutput bounds the .docx file, and any file the child writes.
	maxOutput = 64 << 20
	// apartArg tells a child that it has namespaces of its own.
	apartArg = "apart"
	// folders is how the folders of children begin.
	folders = "fashen-word-"
	// abandoned is the age at which a folder belongs to no living process.
	abandoned = time.Hour
)

// Settings bound one conversion.
type Settings struct {
	// Program is the converter, an absolute path.
	Program string
	// Children is how many run at a time; further files wait.
	Children int
	// Time is the longest a conversion may take, Memory the most address space in
	// bytes that it may have.
	Time   time.Duration
	Memory int64
}

// Converter converts .doc files, each in a child process of its own.
type Converter struct {
	settings Settings
	// self is the executable that calls [Become] when its first argument is [Command].
	self  string
	base  string
	slots chan struct{}
	// bare says that the kernel gave a child no namespaces of its own.
	bare atomic.Bool
}

// New makes a converter and removes what children of a process that was killed left.
func New(s Settings) (*Converter, error) {
	info, err := os.Stat(s.Program)
	switch {
	case err != nil:
		return nil, fmt.Errorf("converter of .doc files: %w", err)
	case !filepath.IsAbs(s.Program) || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		return nil, fmt.Errorf("converter of .doc files: %s is not the absolute path of a program", s.Program)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("converter of .doc files: %w", err)
	}
	c := &Converter{settings: s, self: self, base: inMemory(), slots: make(chan struct{}, s.Children)}
	c.sweep(time.Now().Add(-abandoned))
	return c, nil
}

// inMemory is a folder for what must not outlive a power cut: a draft is looked
// through for marks of secrecy only after it was converted.
func inMemory() string {
	const shared = "/dev/shm"
	if dir, err := os.MkdirTemp(shared, folders); err == nil {
		_ = os.Remove(dir)
		return shared
	}
	return os.TempDir()
}

// sweep removes folders of children that were last written before a time.
func (c *Converter) sweep(before time.Time) {
	left, err := filepath.Glob(filepath.Join(c.base, folders+"*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		if info, err := os.Lstat(dir); err == nil && info.IsDir() && info.ModTime().Before(before) {
			_ = os.RemoveAll(dir) // another user's is left
		}
	}
}

// Convert gives the .docx file that the converter makes of a .doc file. It refuses
// with a *policytext.FormatError; any other error is ours.
func (c *Converter) Convert(ctx context.Context, data []byte) (docx []byte, err error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	limited, cancel := context.WithTimeout(ctx, c.settings.Time)
	defer cancel()
	dir, err := os.MkdirTemp(c.base, folders)
	if err != nil {
		return nil, fmt.Errorf("convert a .doc file: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.WriteFile(filepath.Join(dir, input), data, 0o600); err != nil {
		return nil, fmt.Errorf("convert a .doc file: %w", err)
	}
	said, ran := c.run(limited, dir)
	if errors.Is(ran, errStart) {
		return nil, ran
	}
	docx, err = readOutput(dir)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		return nil, refuse(policytext.CodeReadTimeout, "旧版 Word 文件（.doc）转换超时，请另存为 .docx 后上传")
	case err != nil:
		return nil, errors.Join(
			refuse(policytext.CodeWordNotConverted, "旧版 Word 文件（.doc）无法转换，请另存为 .docx 后上传"),
			fmt.Errorf("convert a .doc file: %w (%w): %s", err, ran, said))
	}
	return docx, nil
}

func refuse(code, message string) error {
	return &policytext.FormatError{Code: code, Message: message}
}

// readOutput takes the .docx file out of the child's folder; a link leads nowhere.
func readOutput(dir string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	info, err := root.Lstat(output)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxOutput {
		return nil, &fs.PathError{Op: "read", Path: output, Err: fs.ErrInvalid}
	}
	f, err := root.Open(output)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxOutput))
}

// errStart: there is no child.
var errStart = errors.New("start the converter of .doc files")

// run runs one child to its end, with namespaces where the kernel gives them.
func (c *Converter) run(ctx context.Context, dir string) (said string, err error) {
	for {
		apart := !c.bare.Load()
		cmd := exec.CommandContext(ctx, c.self, Command, c.settings.Program, dir, //nolint:gosec // our own program
			strconv.FormatInt(c.settings.Memory, 10), strconv.Itoa(int(c.settings.Time/time.Second)+1), map[bool]string{true: apartArg, false: "beside"}[apart])
		cmd.Dir = dir
		// Nothing of our environment is the child's business.
		cmd.Env = []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "SAL_USE_VCLPLUGIN=svp"}
		out := &head{}
		cmd.Stdout, cmd.Stderr = out, out
		cmd.WaitDelay = time.Second
		isolate(cmd, apart)
		err := inGroup(cmd)
		if errors.Is(err, errStart) && apart && c.bare.CompareAndSwap(false, true) {
			continue
		}
		return out.kept.String(), err
	}
}

// Isolated reports whether children have neither network nor sight of other
// processes; what the kernel refuses is seen with the first file.
func (c *Converter) Isolated() bool { return !c.bare.Load() }

// head keeps the beginning of what is written.
type head struct{ kept bytes.Buffer }

func (h *head) Write(b []byte) (int, error) {
	const room = 4 << 10
	h.kept.Write(b[:min(len(b), max(0, room-h.kept.Len()))])
	return len(b), nil
}

package legacyword

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

const shell = "/bin/sh"

// Become turns the process into the converter of the file in a folder, within
// bounds that it cannot lift: arguments are the program, the folder, the bytes of
// address space, the seconds of processor time and whether it has namespaces. It returns only when it fails.
func Become(args []string) error {
	if len(args) != 5 {
		return errors.New("legacyword: program, folder, memory, seconds and isolation are wanted")
	}
	program, dir := args[0], args[1]
	memory, err1 := strconv.ParseUint(args[2], 10, 63)
	seconds, err2 := strconv.ParseUint(args[3], 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("legacyword: %w", err)
	}
	// Landlock binds a thread: the one that becomes the program.
	runtime.LockOSThread()
	for _, l := range []struct {
		what  int
		limit uint64
	}{
		{syscall.RLIMIT_CORE, 0}, {syscall.RLIMIT_FSIZE, maxOutput}, {syscall.RLIMIT_CPU, seconds}, {syscall.RLIMIT_NOFILE, 512},
	} {
		if err := syscall.Setrlimit(l.what, &syscall.Rlimit{Cur: l.limit, Max: l.limit}); err != nil {
			return fmt.Errorf("legacyword: bound the converter: %w", err)
		}
	}
	if err := confine(program, dir, args[4] == apartArg); err != nil {
		return fmt.Errorf("legacyword: confine the converter: %w", err)
	}
	if err := dieWithParent(); err != nil {
		return fmt.Errorf("legacyword: bind the converter to its parent: %w", err)
	}
	profile := url.URL{Scheme: "file", Path: filepath.Join(dir, "profile")}
	// A shell caps the memory: under such a cap, our own runtime could not even get
	// as far as becoming the program.
	err := syscall.Exec(shell, []string{ //nolint:gosec // the converter of the configuration
		"sh", "-c", `ulimit -v "$0" && exec "$@"`, strconv.FormatUint(memory>>10, 10),
		program, "-env:UserInstallation=" + profile.String(), "--headless", "--norestore", "--nolockcheck", "--nodefault",
		"--nofirststartwizard", "--convert-to", "docx:MS Word 2007 XML", "--outdir", dir, filepath.Join(dir, input),
	}, os.Environ())
	return fmt.Errorf("legacyword: become the converter: %w", err)
}

package legacyword

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// Become turns the process into the converter of the file in a folder, within
// bounds that it cannot lift: arguments are the program, the folder, the bytes of
// address space and the seconds of processor time. It returns only when it fails.
func Become(args []string) error {
	if len(args) != 4 {
		return errors.New("legacyword: program, folder, memory and seconds are wanted")
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
		{syscall.RLIMIT_AS, min(memory, math.MaxInt64)},
	} {
		if err := syscall.Setrlimit(l.what, &syscall.Rlimit{Cur: l.limit, Max: l.limit}); err != nil {
			return fmt.Errorf("legacyword: bound the converter: %w", err)
		}
	}
	if err := confine(program, dir); err != nil {
		return fmt.Errorf("legacyword: confine the converter: %w", err)
	}
	profile := url.URL{Scheme: "file", Path: filepath.Join(dir, "profile")}
	err := syscall.Exec(program, []string{ //nolint:gosec // the converter of the configuration
		program, "-env:UserInstallation=" + profile.String(), "--headless", "--norestore", "--nolockcheck", "--nodefault",
		"--nofirststartwizard", "--convert-to", "docx:MS Word 2007 XML", "--outdir", dir, filepath.Join(dir, input),
	}, os.Environ())
	return fmt.Errorf("legacyword: become the converter: %w", err)
}

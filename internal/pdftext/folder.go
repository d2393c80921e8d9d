package pdftext

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
)

// own makes the folder of the compiled engine, and refuses one that others may write
// to or that somebody else made: what lies there is run.
func own(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil { //nolint:gosec // the folder of the configuration
		return fmt.Errorf("folder of the compiled reader of PDF files: %w", err)
	}
	info, err := os.Lstat(dir) //nolint:gosec // as above
	if err != nil {
		return fmt.Errorf("folder of the compiled reader of PDF files: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o022 != 0 || ok && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("folder of the compiled reader of PDF files: %s is a link, of another user, or others may write to it", dir)
	}
	return nil
}

// compiled tells whether the engine of this build lies in the folder.
func compiled(cacheDir string) bool {
	if _, err := os.Stat(readyFile(cacheDir)); err != nil {
		return false
	}
	parts, err := filepath.Glob(filepath.Join(cacheDir, "wazero-*", "*"))
	return err == nil && len(parts) > 0
}

// die ends a child at once, whatever its engine does.
func die() { _ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL) }

// readyFile is there once the engine of this build is compiled.
func readyFile(cacheDir string) string {
	name := "ready"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if strings.HasPrefix(m.Path, "github.com/klippa-app/") || strings.HasPrefix(m.Path, "github.com/tetratelabs/") {
				name += "-" + m.Version
			}
		}
	}
	return filepath.Join(cacheDir, name)
}

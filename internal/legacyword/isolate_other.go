//go:build unix && !linux

package legacyword

import (
	"fmt"
	"os/exec"
	"syscall"
)

// isolate gives a child a process group; namespaces are Linux's.
func isolate(cmd *exec.Cmd, apart bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

func inGroup(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w: %w", errStart, err)
	}
	defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }()
	return cmd.Wait()
}

func confine(_, _ string, _ bool) error { return nil }

func dieWithParent() error { return nil }

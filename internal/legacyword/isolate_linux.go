package legacyword

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// isolate gives a child a process group, and, apart, a network, mounts and a
// numbering of processes of its own: when its first process dies, all of them do.
func isolate(cmd *exec.Cmd, apart bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if apart {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNS
		// Nobody outside, and inside the one who may mount until [confine] is done.
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	cmd.Cancel = func() error { return killGroup(cmd) }
}

func killGroup(cmd *exec.Cmd) error {
	err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// inGroup runs a command and leaves nobody of its group behind.
func inGroup(cmd *exec.Cmd) error {
	// A child is to die with its parent, which Linux takes for the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w: %w", errStart, err)
	}
	// The group outlives its first process: what that one leaves behind is killed
	// while the number still cannot be anybody else's.
	var exited unix.Siginfo
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, &exited, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	_ = killGroup(cmd)
	return cmd.Wait()
}

// readable are the folders that a program of the system may need; /etc as a whole
// is none of them, since configurations with secrets lie there.
var readable = []string{
	"/bin", "/sbin", "/usr", "/lib", "/lib32", "/lib64", "/opt", "/proc", "/sys", "/snap", "/nix", "/var/cache/fontconfig",
	"/var/lib/libreoffice", "/var/spool/libreoffice", "/etc/fonts", "/etc/libreoffice", "/etc/alternatives", "/etc/ld.so.conf.d",
}

// files are what it may need beside them, and may write to where they are devices.
var files = []string{
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.preload",
	"/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/localtime", "/etc/locale.alias",
}

// pipes is where LibreOffice makes the socket of a profile, whatever it is told.
const pipes = "/tmp"

// ownPipes gives the child an empty folder in its place, in memory, and reports
// whether it did: it needs mounts of its own, and nothing that it runs there.
func ownPipes(apart bool, needed ...string) (bool, error) {
	for _, path := range needed {
		if strings.HasPrefix(path, pipes+"/") {
			return false, nil
		}
	}
	if !apart {
		return false, nil
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return false, err
	}
	return true, unix.Mount("tmpfs", pipes, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "size=16m,mode=0700")
}

// forgo gives up every capability, for good.
func forgo() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData // version 3 takes two
	return unix.Capset(&header, &none[0])
}

// confine keeps the calling thread, and what it becomes, from every file but the
// system's and those of its folder. A kernel without Landlock is left as it is.
func confine(program, dir string, apart bool) error {
	private, err := ownPipes(apart, program, dir)
	if err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := forgo(); err != nil {
		return err
	}
	const (
		read  = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
		write = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
			unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
			unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
			unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	)
	attr := unix.LandlockRulesetAttr{Handled_access_fs: read | write}
	fd, _, no := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr.Handled_access_fs), 0) //nolint:gosec // the call takes its address
	switch {
	case no == unix.ENOSYS || no == unix.EOPNOTSUPP:
		return nil
	case no != 0:
		return no
	}
	rules := int(fd)
	defer func() { _ = unix.Close(rules) }()
	may := map[string]uint64{dir: read | write, filepath.Dir(program): read, pipes: read | write}
	if !private {
		may[pipes] = unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE
	}
	if target, err := filepath.EvalSymlinks(program); err == nil {
		may[filepath.Dir(target)] = read
	}
	for _, folder := range readable {
		may[folder] = read
	}
	for _, file := range files {
		may[file] = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE
	}
	for folder, access := range may {
		if err := allow(rules, folder, access); err != nil {
			return err
		}
	}
	if _, _, no := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(rules), 0, 0); no != 0 {
		return no
	}
	return nil
}

// dieWithParent says anew that the process is killed when its parent ends: Linux keeps
// that by thread, and another one than the first may become the converter.
func dieWithParent() error { return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0) }

// allow adds what may be done beneath a folder; one that is not there needs none.
func allow(rules int, folder string, access uint64) error {
	fd, err := unix.Open(folder, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	beneath := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	_, _, no := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&beneath)), 0, 0, 0) //nolint:gosec // the call takes its address
	if no != 0 {
		return no
	}
	return nil
}

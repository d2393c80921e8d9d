package sqlite

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrLocked says that another process owns the store.
var ErrLocked = errors.New("数据文件正被另一个进程使用；多副本部署请改用 MongoDB (the store is in use by another process; replicas need MongoDB, --store mongodb)")

// lockFile takes the lock that makes this process the owner of a store. The
// system lets go of it when the process ends, however it ends; the file stays,
// since removing it would let two processes hold locks on two files.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}
